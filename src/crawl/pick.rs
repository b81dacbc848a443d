//! What goes next: tasks by rank, to vendors that may be asked, within the budget.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::budget::Purse;
use super::{Arrival, Crawl, CrawlError, Ended, sow};
use crate::fetch::{Client, Permit};
use crate::forget;
use crate::model::{Call, Endpoint, shown};
use crate::state::{Clock, Task, TaskStatus, Turn};
use crate::vendor::{Request, request};

/// Tasks looked at in one read of the state.
const BATCH: usize = 64;
/// Tasks that earlier answers settle in one turn at most, so that a turn stays short.
const REUSED_A_TURN: u32 = 500;

/// How often the tasks that are owed are counted.
const COUNT_EVERY: Duration = Duration::from_millis(500);

/// A call that goes out once the turn is durable.
pub(super) struct Departure {
    task: i64,
    vendor: String,
    version: String,
    number: u64,
    client: Arc<Client>,
    request: Request,
    clock: Clock,
}

impl Departure {
    pub(super) async fn send(self) -> Arrival {
        let (answer, took) = self.client.send(&self.request).await;
        let observed_at = self.clock.now();
        let Self { task, vendor, version, number, .. } = self;
        Arrival { task, vendor, version, number, answer, took, observed_at }
    }
}

/// What a turn has picked.
#[derive(Default)]
pub(super) struct Picked {
    pub(super) departures: Vec<Departure>,
    /// Whether there is more to pick at once.
    pub(super) again: bool,
    reused: u32,
    /// Tasks passed over in this turn: their vendor may not be asked now.
    passed: usize,
}

/// What became of one task.
enum Fate {
    Gone,
    Passed,
    /// Nothing more goes out in this turn.
    Over,
}

impl Crawl<'_> {
    /// Makes tasks whose retry is due ready again.
    pub(super) fn wake_tasks(&mut self, turn: &Turn<'_>) -> Result<(), CrawlError> {
        let now = Instant::now();
        while let Some(due) = self.waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, task), _) = due.remove_entry();
            turn.set_task(task, TaskStatus::Ready)?;
        }
        Ok(())
    }

    /// Picks the tasks that go next, marks them as sent and reserves their price.
    pub(super) fn pick(&mut self, turn: &Turn<'_>, dataset: &Path) -> Result<Picked, CrawlError> {
        let mut picked = Picked::default();
        self.wake = None;
        if self.ending.is_some() {
            return Ok(picked);
        }
        let budget = self.job.budget;
        let mut purse = Purse::open(turn, &self.run, &budget)?;
        // Where few calls fail, retries go at once; left for the end, they would go nearly alone.
        let retries = turn.ready_retries(&self.run, BATCH)?;
        let mut owed = BTreeMap::<String, usize>::new();
        let ready = retries.iter().filter_map(|task| self.vendors.of(task));
        for name in ready.chain(self.waiting.values().map(String::as_str)) {
            *owed.entry(name.to_owned()).or_default() += 1;
        }
        for task in &retries {
            let Some(vendor) = self.vendors.of(task).and_then(|name| self.vendors.get(name)) else { continue };
            let Some(owed) = owed.get_mut(&vendor.name) else { continue };
            if vendor.retries_at_once(*owed, &self.patience) {
                match self.pick_task(turn, dataset, task, &mut purse, &mut picked)? {
                    Fate::Gone => *owed -= 1,
                    Fate::Passed => {}
                    Fate::Over => return Ok(picked),
                }
            }
        }
        let mut open = Endpoint::ALL.to_vec();
        loop {
            let tasks = turn.ready_tasks(&self.run, &open, BATCH, picked.passed)?;
            if tasks.is_empty() {
                // Where details can go at all, none of them is left.
                if open.contains(&Endpoint::NoteDetail) && self.add_known(turn)? {
                    continue;
                }
                return Ok(picked);
            }
            for task in tasks {
                match self.pick_task(turn, dataset, &task, &mut purse, &mut picked)? {
                    Fate::Gone => {}
                    Fate::Over => return Ok(picked),
                    Fate::Passed => {
                        // No other task of this endpoint can go either, unless it is bound to another vendor.
                        if task.is_bound() {
                            picked.passed += 1;
                        } else {
                            open.retain(|endpoint| *endpoint != task.call.endpoint());
                            picked.passed = 0;
                            break;
                        }
                    }
                }
            }
            if picked.reused >= REUSED_A_TURN {
                picked.again = true;
                return Ok(picked);
            }
        }
    }

    fn pick_task(
        &mut self,
        turn: &Turn<'_>,
        dataset: &Path,
        task: &Task,
        purse: &mut Purse<'_>,
        picked: &mut Picked,
    ) -> Result<Fate, CrawlError> {
        if forget::is_asked_for(&task.call, &self.forgotten) {
            turn.set_task(task.id, TaskStatus::Done)?;
            return Ok(Fate::Gone);
        }
        if let Some(kept) = self.rules().fresh(turn, task)? {
            self.reuse(turn, dataset, task, &kept)?;
            picked.reused += 1;
            return Ok(Fate::Gone);
        }
        let endpoint = task.call.endpoint();
        let Some(name) = self.vendors.of(task).map(str::to_owned) else {
            if !task.empty_at.is_empty() {
                turn.set_task(task.id, TaskStatus::GivenUp)?;
                return Ok(Fate::Gone);
            }
            return self.fail_over(turn, task);
        };
        let Some(vendor) = self.vendors.get_mut(&name) else { return Ok(Fate::Over) };
        let price = vendor.price(endpoint);
        if let Some(cap) = purse.crosses(price) {
            // Calls on their way may give their reservation back; only then is it over.
            if picked.departures.is_empty() && self.progress.in_flight == 0 {
                self.ending = Some(Ended::Budget { cap });
            }
            return Ok(Fate::Over);
        }
        // First attempts stand before retries here, so whatever else of this vendor can go is on its way by now.
        if task.is_retry() && vendor.defers_retries() {
            return Ok(Fate::Passed);
        }
        match vendor.pace.ask(Instant::now()) {
            Permit::Full => return Ok(Fate::Passed),
            Permit::At(at) => {
                self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
                return Ok(Fate::Passed);
            }
            Permit::Go => {}
        }
        let Some(version) = vendor.version_for(endpoint, task.id).map(str::to_owned) else { return Ok(Fate::Over) };
        let Some(described) = vendor.version(endpoint, &version) else { return Ok(Fate::Over) };
        let request = request(described, &task.call);
        turn.mark_sent(task.id, price, purse.now())?;
        purse.reserve(price);
        if task.is_retry() {
            vendor.retries.pay();
        }
        tracing::debug!(
            endpoint = endpoint.as_str(),
            asked = %shown(&task.call.params(), 300),
            vendor = name.as_str(),
            attempt = task.sends + 1,
            reserved = %price,
            "send"
        );
        let (number, client) = (vendor.departs(), vendor.client.clone());
        let clock = turn.clock().clone();
        picked.departures.push(Departure { task: task.id, vendor: name, version, number, client, request, clock });
        Ok(Fate::Gone)
    }

    /// A call without a vendor: a walk begins again elsewhere, for its cursor is worth nothing there; else the run ends.
    fn fail_over(&mut self, turn: &Turn<'_>, task: &Task) -> Result<Fate, CrawlError> {
        let endpoint = task.call.endpoint();
        let next = self.vendors.first(endpoint).map(str::to_owned);
        let (Some(next), Call::UserNotes { user_id, .. }, Some(walk)) = (next, &task.call, task.walk) else {
            let (vendor, reason) = self.vendors.why_none(endpoint);
            self.ending = Some(Ended::NoVendor { vendor, reason });
            return Ok(Fate::Over);
        };
        turn.set_task(task.id, TaskStatus::Done)?;
        let mut walk = turn.walk(walk)?;
        walk.leg += 1;
        walk.earlier_pages += walk.pages;
        (walk.pages, walk.stale, walk.is_time_ordered, walk.oldest) = (0, 0, true, None);
        turn.update_walk(&walk)?;
        let mut first = Call::UserNotes { user_id: user_id.clone(), via: None, cursor: None, page: 1 };
        let answered = turn.latest_fact(&first.key())?.filter(|kept| kept.run == self.run);
        // The walk's very first page may be this vendor's own answer: then it is not asked for again.
        if answered.is_none_or(|kept| kept.vendor != next) {
            first = Call::UserNotes { user_id: user_id.clone(), via: Some(next), cursor: None, page: 1 };
        }
        sow::add(turn, self.job, &self.run, &first, Some(walk.id), task.level)?;
        Ok(Fate::Gone)
    }

    pub(super) fn note_progress(&mut self, turn: &Turn<'_>) -> Result<(), CrawlError> {
        let taken = turn.spent_and_reserved(&self.run)?;
        self.progress.calls = taken.calls;
        self.progress.cost = taken.cost;
        // Counting reads the index, so it is done for the eye, not in every turn.
        if self.counted.is_none_or(|at| at.elapsed() > COUNT_EVERY) {
            self.progress.ready = turn.count_tasks(&self.run, TaskStatus::Ready)?;
            self.counted = Some(Instant::now());
        }
        Ok(())
    }
}
