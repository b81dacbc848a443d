//! Notes that the dataset holds and no listing shows any more: their details are asked after everything else.

use jiff::{SignedDuration, Timestamp};

use super::expand::Rules;
use super::{Crawl, CrawlError, Ended};
use crate::job::{Job, MaxAge};
use crate::model::Call;
use crate::state::{DueNote, Level, NewTask, State, Turn};

/// Tasks that are added at once.
const BATCH: usize = 256;
/// After everything else.
const RANK: i64 = 1 << 40;

/// How far the notes that are due have been gone through.
#[derive(Debug, Default)]
pub(super) struct Due {
    after: Option<DueNote>,
    is_done: bool,
}

impl Due {
    /// Asks for no known note, as when only failed calls are asked again.
    pub(super) const fn none() -> Self {
        Self { after: None, is_done: true }
    }
}

impl Rules<'_> {
    /// Returns how old the detail of a known note is at least when it is asked again; none if it never is.
    pub(super) fn known_until(self, turn: &Turn<'_>) -> Result<Option<Timestamp>, CrawlError> {
        // What this run was answered is never asked again in it.
        let Some(began) = turn.latest_run()?.map(|run| run.started_at) else { return Ok(None) };
        Ok(match self.job.refresh.known {
            MaxAge::Forever => None,
            MaxAge::Always => Some(began),
            MaxAge::Age(age) => {
                let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
                Some(turn.now().checked_sub(age).unwrap_or(Timestamp::MIN).min(began))
            }
        })
    }
}

/// Returns how old the detail of a known note is at least when a run asks it again; none if it never does.
pub fn known_until(turn: &Turn<'_>, job: &Job, run: &str) -> Result<Option<Timestamp>, CrawlError> {
    Rules { job, run }.known_until(turn)
}

impl Crawl<'_> {
    /// Adds details of known notes once nothing else is owed; returns true if there are any to send now.
    pub(super) fn add_known(&mut self, turn: &Turn<'_>) -> Result<bool, CrawlError> {
        if self.due.is_done || turn.owes_more_than_known(&self.run)? {
            return Ok(false);
        }
        let Some(until) = self.rules().known_until(turn)? else {
            self.due.is_done = true;
            return Ok(false);
        };
        loop {
            let notes = turn.due_notes(&self.run, until, self.due.after.as_ref(), BATCH)?;
            let mut is_added = false;
            for (.., note) in &notes {
                let call = Call::NoteDetail { note_id: note.clone() };
                let task = NewTask { call: &call, walk: None, rank: RANK, level: Level::Known };
                is_added |= turn.add_task(&self.run, &task)?;
            }
            self.due.is_done = notes.len() < BATCH;
            self.due.after = notes.into_iter().next_back().or(self.due.after.take());
            if is_added || self.due.is_done {
                return Ok(is_added);
            }
        }
    }
}

/// Ends a run that owes nothing but details of known notes as a complete one: they never hold a run up, and what a cap or a
/// vendor left of them is as due for the next.
pub(super) fn leave_known(state: &mut State, run: &str, ended: Ended) -> Result<Ended, CrawlError> {
    if !matches!(ended, Ended::Budget { .. } | Ended::NoVendor { .. }) {
        return Ok(ended);
    }
    let turn = state.turn()?;
    if turn.owes_more_than_known(run)? || turn.reserved(run)?.calls > 0 {
        return Ok(ended);
    }
    turn.drop_known(run)?;
    turn.commit()?;
    Ok(if matches!(ended, Ended::Budget { .. }) { Ended::Complete } else { ended })
}
