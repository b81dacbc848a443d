//! The run: what is owed is asked, what is answered is kept, and what follows from it is owed next.
//!
//! ```text
//!            ┌──────────────── one turn, one transaction ────────────────┐
//! answers ──▶ settle: keep, bill ─▶ expand: new tasks ─▶ pick: mark, reserve ──▶ calls on their way
//!            └───────────────────────────────────────────────────────────┘
//! ```
//!
//! [`run`] is the one place that changes the state, and the only concurrency is the calls on their way.

mod begin;
mod budget;
mod expand;
mod fresh;
mod known;
mod order;
mod pick;
mod plan;
mod settle;
mod sow;
mod step;
mod vendors;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{Future, FutureExt};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::archive::{self, ArchiveError};
use crate::disk::Disk;
use crate::fetch::retry::Patience;
use crate::fetch::{ClientError, Failure, HttpAnswer, Key};
use crate::forget::{self, ForgetError};
use crate::job::Job;
use crate::model::{Forgotten, Money};
use crate::state::{RunStatus, State, StateError, TaskStatus, Turn};

pub use begin::{Begin, Begun, begin};
use expand::Rules;
pub use known::known_until;
use known::{Due, leave_known};
pub use plan::{Basis, Cap, Plan, Span, Stage, ThisRun, plan};
pub use sow::price;
pub use step::{FILTER_IGNORED, UNTIL_KNOWN, is_cut_short};
use vendors::Vendors;

/// How often a run that waits tells that it is alive.
const TICK: Duration = Duration::from_secs(1);

/// Says why a run stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is owed any more.
    Complete,
    /// The next call would cross a cap.
    Budget {
        /// Which cap, with its value.
        cap: String,
    },
    /// No vendor is left for a call that is owed.
    NoVendor {
        /// The vendor that stopped last.
        vendor: String,
        /// Why it stopped.
        reason: String,
    },
    /// A vendor refused the key.
    Refused {
        /// The vendor.
        vendor: String,
        /// What it said.
        reason: String,
    },
    /// A signal asked for the end.
    Interrupted,
}

/// Says how a run stands, for whoever watches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Calls that are answered or given up, in this process.
    pub settled: u64,
    /// Calls that are owed and may be sent.
    pub ready: u64,
    /// Calls on their way.
    pub in_flight: u64,
    /// Calls that count against the cap.
    pub calls: u64,
    /// What they cost.
    pub cost: Money,
}

/// Says why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum CrawlError {
    /// The state failed; nothing more was sent.
    #[error(transparent)]
    State(#[from] StateError),
    /// The archive failed; nothing more was sent.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// What is forgotten cannot be told, so nothing may be asked.
    #[error(transparent)]
    Forget(#[from] ForgetError),
    /// A client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Only failed calls were to be asked again, and the run is not finished.
    #[error("run {run} is not finished, so nothing was asked again")]
    Unfinished {
        /// The run.
        run: String,
    },
    /// Only failed calls were to be asked again, and there are none.
    #[error("no finished run gave anything up")]
    NothingToRetry,
    /// Calls are owed that nothing can send.
    #[error("{owed} calls are owed, and nothing can send them: this is a bug")]
    Stuck {
        /// How many.
        owed: u64,
    },
}

/// A call that came back.
struct Arrival {
    task: i64,
    vendor: String,
    /// The version of the call in which it was sent.
    version: String,
    /// The number of its departure to the vendor.
    number: u64,
    answer: Result<HttpAnswer, Failure>,
    took: Duration,
    /// What the clock said at its last byte.
    observed_at: Timestamp,
}

/// A run in progress.
struct Crawl<'a> {
    job: &'a Job,
    run: String,
    vendors: Vendors,
    patience: Patience,
    /// When tasks that wait for their retry are ready again, and whom they were sent to.
    waiting: BTreeMap<(Instant, i64), String>,
    /// Why no new call goes out.
    ending: Option<Ended>,
    /// When a vendor that is full or paused may be asked again.
    wake: Option<Instant>,
    progress: Progress,
    /// When the tasks that are owed were last counted.
    counted: Option<Instant>,
    unsealed: u64,
    /// What is never asked and never kept.
    forgotten: Forgotten,
    disk: Disk,
    dataset: PathBuf,
    /// Which known notes are still to be asked.
    due: Due,
}

/// Crawls until nothing is owed, or until something ends the run; calls on their way are waited for, at most their timeout.
///
/// `stop` turns true to end the run in good order; `watch` hears of every turn.
pub async fn run(
    job: &Job,
    state: &mut State,
    begun: &Begun,
    keys: &BTreeMap<String, Key>,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Ended, CrawlError> {
    let unsealed = state.turn()?.unsealed_bytes()?;
    let mut crawl = Crawl {
        job,
        run: begun.run.id.clone(),
        vendors: Vendors::new(job, keys, &patience)?,
        patience,
        waiting: BTreeMap::new(),
        ending: None,
        wake: None,
        progress: Progress::default(),
        counted: None,
        unsealed,
        forgotten: forget::read(state.folder())?.unwrap_or_default(),
        disk: state.disk().clone(),
        dataset: state.folder().to_owned(),
        due: if begun.retried > 0 { Due::none() } else { Due::default() },
    };
    let mut flights = FuturesUnordered::new();
    let mut arrivals = Vec::new();
    let longest = job.vendors.values().map(|vendor| vendor.timeout).max().unwrap_or_default();
    let mut last_call = None;
    loop {
        if *stop.borrow() {
            crawl.ending.get_or_insert(Ended::Interrupted);
        }
        crawl.progress.in_flight = flights.len() as u64;
        let (departures, again) = crawl.turn(state, std::mem::take(&mut arrivals))?;
        // Only now, after the commit, do the calls go out.
        flights.extend(departures);
        crawl.progress.in_flight = flights.len() as u64;
        watch(&crawl.progress);
        crawl.seal_if_full(state)?;
        if again {
            // Calls on their way go on meanwhile.
            while let Some(Some(arrival)) = flights.next().now_or_never() {
                arrivals.push(arrival);
            }
            tokio::task::yield_now().await;
            continue;
        }
        let resting = crawl.ending.is_some() || (crawl.waiting.is_empty() && crawl.wake.is_none());
        if flights.is_empty() && resting {
            break;
        }
        let wake = crawl.next_wake();
        if crawl.ending.is_some() {
            last_call.get_or_insert(Instant::now() + longest);
        }
        let is_late = loop {
            tokio::select! {
                // What has come is paid for: it is taken before anything ends the wait.
                biased;
                Some(arrival) = flights.next(), if !flights.is_empty() => arrivals.push(arrival),
                () = sleep_until(wake), if wake.is_some() && crawl.ending.is_none() => {}
                Ok(()) = stop.changed(), if crawl.ending.is_none() => {}
                // By now each call has had its time; what is still here waits for room behind large bodies.
                () = sleep_until(last_call), if last_call.is_some() => break true,
                () = tokio::time::sleep(TICK) => {
                    // Nothing came, but whoever watches should see that the run is alive.
                    watch(&crawl.progress);
                    continue;
                }
            }
            break false;
        };
        if is_late {
            // They stay marked as sent: the next run counts them as maybe billed, and asks them again.
            break;
        }
        while let Some(Some(arrival)) = flights.next().now_or_never() {
            arrivals.push(arrival);
        }
    }
    let ended = leave_known(state, &begun.run.id, crawl.ending.unwrap_or(Ended::Complete))?;
    let owed = owed(&state.turn()?, &begun.run.id)?;
    if ended == Ended::Complete && owed > 0 {
        return Err(CrawlError::Stuck { owed });
    }
    archive::seal(state, &begun.run.id)?;
    Ok(ended)
}

/// Notes that a run is finished, or has stopped in good order, so that the next one has a fresh cap. The last thing
/// before the exit: after a kill before it, the next command goes on with the run, with its cap as it is.
pub fn close(state: &mut State, begun: &Begun, ended: &Ended) -> Result<(), CrawlError> {
    let turn = state.turn()?;
    let status = match ended {
        Ended::Complete => RunStatus::Complete,
        // Only known notes were left, which the next run finds by itself.
        Ended::NoVendor { .. } if owed(&turn, &begun.run.id)? == 0 => RunStatus::Complete,
        Ended::Budget { .. } | Ended::NoVendor { .. } => RunStatus::Stopped,
        Ended::Refused { .. } | Ended::Interrupted => return Ok(()),
    };
    turn.set_run(&begun.run.id, status, turn.now())?;
    Ok(turn.commit()?)
}

/// Finishes an unfinished run that owes nothing, once its answers are published: a kill or a full disk had come between.
pub fn close_if_done(state: &mut State) -> Result<(), CrawlError> {
    let turn = state.turn()?;
    if let Some(run) = turn.latest_run()?.filter(|run| run.status.is_unfinished())
        && owed(&turn, &run.id)? == 0
    {
        turn.set_run(&run.id, RunStatus::Complete, turn.now())?;
        turn.commit()?;
    }
    Ok(())
}

fn owed(turn: &Turn<'_>, run: &str) -> Result<u64, StateError> {
    let owed = [TaskStatus::Ready, TaskStatus::Waiting, TaskStatus::Sent];
    owed.map(|status| turn.count_tasks(run, status)).into_iter().sum()
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake).await;
    }
}

impl Crawl<'_> {
    fn rules(&self) -> Rules<'_> {
        Rules { job: self.job, run: &self.run }
    }

    /// Takes what has come back, decides what goes next, and makes both durable at once.
    fn turn(
        &mut self,
        state: &mut State,
        arrivals: Vec<Arrival>,
    ) -> Result<(Vec<impl Future<Output = Arrival> + use<>>, bool), CrawlError> {
        let dataset = self.dataset.clone();
        let turn = state.turn()?;
        for arrival in arrivals {
            self.settle(&turn, arrival)?;
        }
        self.wake_tasks(&turn)?;
        let picked = self.pick(&turn, &dataset)?;
        self.note_progress(&turn)?;
        turn.commit()?;
        Ok((picked.departures.into_iter().map(pick::Departure::send).collect(), picked.again))
    }

    fn next_wake(&self) -> Option<Instant> {
        let waiting = self.waiting.keys().next().map(|(at, _)| *at);
        waiting.into_iter().chain(self.wake).min()
    }

    fn seal_if_full(&mut self, state: &mut State) -> Result<(), CrawlError> {
        if self.unsealed >= archive::SEAL_BYTES {
            archive::seal(state, &self.run)?;
            self.unsealed = 0;
        }
        Ok(())
    }
}
