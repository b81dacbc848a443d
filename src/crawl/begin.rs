//! The beginning of a run: a new one, or the unfinished one once more.

use jiff::Timestamp;

use super::{CrawlError, sow};
use crate::job::Job;
use crate::state::{Run, RunStatus, State, TaskStatus, Turn};

/// Says how a run should begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// Continue the unfinished run, or begin a new one.
    #[default]
    Continue,
    /// Begin a new run; an unfinished one is abandoned, its answers stay.
    Fresh,
    /// Ask again only what the last run gave up or left unresolved.
    RetryFailed,
}

/// A run that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The run.
    pub run: Run,
    /// Whether it was there before.
    pub continued: bool,
    /// Whether the job has changed since, so that it was planned anew.
    pub replanned: bool,
    /// Whether it was stopped in good order before, so that its cap is fresh.
    pub fresh_cap: bool,
    /// Calls that a kill left without an answer; they count as maybe billed.
    pub lost: u64,
    /// Calls that were given up or unresolved and are asked again.
    pub retried: u64,
}

/// Begins a run in one turn.
pub fn begin(job: &Job, state: &mut State, how: Begin) -> Result<Begun, CrawlError> {
    state.begin_part()?;
    let turn = state.turn()?;
    let begun = begin_in(&turn, job, how, turn.now())?;
    turn.commit()?;
    Ok(begun)
}

/// Begins a run in a turn that is under way.
pub(super) fn begin_in(turn: &Turn<'_>, job: &Job, how: Begin, now: Timestamp) -> Result<Begun, CrawlError> {
    let latest = turn.latest_run()?;
    let before = latest.as_ref().map(|run| run.id.clone());
    let unfinished = latest.clone().filter(|run| run.status.is_unfinished());
    let begun = match (how, unfinished, latest) {
        (Begin::RetryFailed, Some(run), _) => return Err(CrawlError::Unfinished { run: run.id }),
        (Begin::RetryFailed, None, Some(run)) if run.status == RunStatus::Complete => {
            resume(turn, job, run, true, now)?
        }
        (Begin::RetryFailed, ..) => return Err(CrawlError::NothingToRetry),
        (Begin::Continue, Some(run), _) => resume(turn, job, run, false, now)?,
        (_, unfinished, _) => {
            if let Some(run) = unfinished {
                turn.recover_sent(&run.id, now)?;
                turn.set_run(&run.id, RunStatus::Abandoned, now)?;
            }
            let run = turn.begin_run(now, &job.fingerprint)?;
            sow::sow(turn, job, &run.id)?;
            if let Some(before) = before {
                sow::sow_unresolved(turn, job, &run.id, &before)?;
            }
            Begun { run, continued: false, replanned: false, fresh_cap: false, lost: 0, retried: 0 }
        }
    };
    if how == Begin::RetryFailed && begun.retried == 0 {
        return Err(CrawlError::NothingToRetry);
    }
    turn.set_run(&begun.run.id, RunStatus::Running, now)?;
    Ok(begun)
}

fn resume(turn: &Turn<'_>, job: &Job, run: Run, given_up_too: bool, now: Timestamp) -> Result<Begun, CrawlError> {
    let lost = turn.recover_sent(&run.id, now)?;
    let fresh_cap = matches!(run.status, RunStatus::Stopped | RunStatus::Complete);
    if fresh_cap {
        turn.fresh_cap(&run.id)?;
        turn.fresh_attempts(&run.id)?;
    }
    let replanned = !given_up_too && run.fingerprint != job.fingerprint;
    let retried = if given_up_too { turn.count_tasks(&run.id, TaskStatus::GivenUp)? } else { 0 };
    if replanned {
        // What this run has been answered stays free: it is found again by its key.
        turn.clear_plan(&run.id)?;
        turn.set_fingerprint(&run.id, &job.fingerprint)?;
        sow::sow(turn, job, &run.id)?;
    } else {
        turn.wake_tasks(&run.id, given_up_too)?;
    }
    Ok(Begun { run, continued: true, replanned, fresh_cap, lost, retried })
}
