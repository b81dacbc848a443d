//! What a run today would ask and cost, without asking anybody.
//!
//! ```text
//! draft of the state ──rehearsal──▶ Facts ──┐
//!                    ──history────▶ Learned ┴─estimate─▶ calls ──bill──▶ Plan
//! ```
//!
//! The rehearsal goes by the run's own rules, so that the two cannot differ: what it finds to be asked is asked.

mod bill;
mod estimate;
mod history;
mod rehearsal;

use jiff::Timestamp;
use serde::Serialize;

use super::budget::Spent;
use super::{Begin, CrawlError};
use crate::job::Job;
use crate::model::Endpoint;
use crate::state::Turn;
use history::History;

/// Pages of earlier runs that are learnt from, the latest.
const LEARNT_FROM: usize = 20_000;

/// What a run today would ask and cost. Money is in the vendor's price unit; retries are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The unfinished run that would be continued.
    pub continues: Option<String>,
    /// Whether the job has changed since, so that the run is planned anew.
    pub replanned: bool,
    /// Calls by endpoint, in the order in which reports show them; those that the job never sends are left out.
    pub stages: Vec<Stage>,
    /// All stages together.
    pub calls: Span<u64>,
    /// What they cost.
    pub cost: Span<f64>,
    /// Endpoints without a price: they count as costing nothing.
    pub unpriced: Vec<Endpoint>,
    /// What this run does under all its caps, before it is complete or one of them stops it.
    pub this_run: ThisRun,
    /// The caps that the run would be held by.
    pub caps: Vec<Cap>,
    /// UTC days under the caps of a day, today included; none without such a cap.
    pub days: Option<Span<u64>>,
    /// Minutes that the vendors' calls a minute take; none where no vendor is limited.
    pub minutes: Option<Span<f64>>,
    /// What `expected` rests on.
    pub basis: Vec<Basis>,
}

/// A number as low, expected and high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span<T> {
    /// Never less, if nothing stops the run.
    pub low: T,
    /// As earlier runs suggest.
    pub expected: T,
    /// Never more; none where nothing but a cap bounds it.
    pub high: Option<T>,
}

/// The calls of one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The first vendor of its route.
    pub vendor: String,
    /// What a call costs; none where the job names no price.
    pub price: Option<f64>,
    /// Calls that earlier answers make unnecessary, if listings show what they showed last.
    pub covered: u64,
    /// Calls to send.
    pub calls: Span<u64>,
    /// What they cost.
    pub cost: Span<f64>,
    /// Whether low and high are the same.
    pub is_exact: bool,
}

/// What one run does under all its caps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ThisRun {
    /// Calls at most, if none has to be asked again; none if nothing bounds them.
    pub calls_at_most: Option<u64>,
    /// What they are expected to cost.
    pub cost_expected: f64,
    /// What is left of the caps on cost; none without such a cap.
    pub cost_at_most: Option<f64>,
}

/// A cap, and what it would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cap {
    /// The cap's name, as the job writes it.
    pub name: &'static str,
    /// Its value.
    pub limit: f64,
    /// What is left of it: an unfinished run that was killed goes on with its own; caps of a day and in total go on over all
    /// runs.
    pub left: f64,
    /// The smallest run that it would stop: `low`, `expected` or `high`; none if it would stop none.
    pub stops: Option<&'static str>,
    /// After about how many calls it would stop it.
    pub after_calls: Option<u64>,
}

/// One number that `expected` rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Basis {
    /// What it says.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// From how many cases of earlier runs it was learnt; none if it is assumed.
    pub learnt_from: Option<u64>,
}

/// Plans a run on a draft of the dataset's state.
pub fn plan(turn: &Turn<'_>, job: &Job, how: Begin, now: Timestamp) -> Result<Plan, CrawlError> {
    let (begun, facts) = rehearsal::rehearse(turn, job, how, now)?;
    let mut history = History::without_lengths_of(&begun.run.id);
    turn.each_page(LEARNT_FROM, |run, call, page| history.take(run, call, page))?;
    let learned = history.learned();
    let calls = estimate::estimate(job, &facts, &learned);
    let covered = |endpoint| facts.stages.get(&endpoint).map_or(0, |stage| stage.covered);
    let spent = Spent::read(turn, &begun.run.id, now)?;
    let bill = bill::bill(job, &calls, covered, &spent);
    Ok(Plan {
        continues: begun.continued.then_some(begun.run.id),
        replanned: begun.replanned,
        basis: estimate::basis(job, &learned),
        ..bill
    })
}
