//! A run rehearsed on a draft of the state: the run's own rules, with earlier answers in place of the vendors.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::estimate::{Facts, Open};
use crate::crawl::CrawlError;
use crate::crawl::begin::{Begin, Begun, begin_in};
use crate::crawl::expand::Rules;
use crate::job::{Job, RefreshDetails};
use crate::model::{Call, Endpoint, Money, Outcome};
use crate::state::{Level, Task, TaskStatus, Turn};

/// Tasks looked at in one read of the draft.
const BATCH: usize = 256;

struct Rehearsal<'a> {
    turn: &'a Turn<'a>,
    rules: Rules<'a>,
    facts: Facts,
    walks: BTreeMap<i64, Open>,
    /// Whether what is asked now is asked whatever the vendors say.
    is_certain: bool,
    /// What is asked, and what was answered to it earlier is not yet looked at.
    asked: Vec<Task>,
}

/// Rehearses what a run today would ask. First what it asks for certain, for it depends on no answer to come; then what
/// it would ask if the vendors said again what they said last.
pub(super) fn rehearse(turn: &Turn<'_>, job: &Job, how: Begin, now: Timestamp) -> Result<(Begun, Facts), CrawlError> {
    let begun = begin_in(turn, job, how, now)?;
    let run = &begun.run.id;
    let mut rehearsal = Rehearsal {
        turn,
        rules: Rules { job, run },
        facts: Facts::default(),
        walks: BTreeMap::new(),
        is_certain: true,
        asked: Vec::new(),
    };
    rehearsal.settle()?;
    let known_at_most = rehearsal.known()?;
    rehearsal.is_certain = false;
    let covered = turn.saved(run)?.get(Endpoint::NoteDetail.as_str()).map_or(0, |saved| saved.calls);
    rehearsal.answer_details()?;
    rehearsal.facts.authors_of_details = rehearsal.facts.foretold(Endpoint::UserProfile);
    rehearsal.answer_pages()?;
    let known = rehearsal.known()?;
    let Rehearsal { mut facts, walks, .. } = rehearsal;
    for (endpoint, saved) in turn.saved(run)? {
        if let Some(endpoint) = Endpoint::parse(&endpoint) {
            facts.stages.entry(endpoint).or_default().covered = saved.calls;
        }
    }
    if job.refresh.details == RefreshDetails::Changed {
        let covered_now = facts.stages.get(&Endpoint::NoteDetail).map_or(0, |stage| stage.covered);
        facts.relisted = covered_now.saturating_sub(covered);
    }
    facts.walks = walks.into_values().collect();
    // A listing that is asked may show any of them.
    let details = facts.stages.entry(Endpoint::NoteDetail).or_default();
    if facts.walks.is_empty() && !(job.expand.author_notes && facts.blind + facts.authors_of_details > 0) {
        details.certain += known;
    } else {
        details.foretold += known;
        facts.known_at_most = known_at_most;
    }
    Ok((begun, facts))
}

impl Rehearsal<'_> {
    /// Settles every task that is ready: by an earlier answer that is still good, or by noting that it is asked.
    fn settle(&mut self) -> Result<(), CrawlError> {
        loop {
            let tasks = self.turn.ready_tasks(self.rules.run, &Endpoint::ALL, BATCH, 0)?;
            if tasks.is_empty() {
                return Ok(());
            }
            for task in tasks {
                if let Some(kept) = self.rules.fresh(self.turn, &task)? {
                    self.turn.set_task(task.id, TaskStatus::Done)?;
                    if kept.run != self.rules.run {
                        self.turn.mark_saved(task.id, Money::ZERO)?;
                    }
                    self.rules.expand(self.turn, &task, &kept.page, &kept.vendor, kept.moment)?;
                } else if self.rules.has_vendor_left(&task) {
                    self.ask(task)?;
                } else {
                    self.turn.set_task(task.id, TaskStatus::GivenUp)?;
                }
            }
        }
    }

    /// Counts the known notes that are due, and that nothing has shown so far.
    fn known(&self) -> Result<u64, CrawlError> {
        let Some(until) = self.rules.known_until(self.turn)? else { return Ok(0) };
        Ok(self.turn.count_due(self.rules.run, until)?)
    }

    fn ask(&mut self, task: Task) -> Result<(), CrawlError> {
        // Given up, it is never made ready again: it is asked once, whatever else wants it.
        self.turn.set_task(task.id, TaskStatus::GivenUp)?;
        let stage = self.facts.stages.entry(task.call.endpoint()).or_default();
        *(if self.is_certain { &mut stage.certain } else { &mut stage.foretold }) += 1;
        if let Some(id) = task.walk
            && !self.walks.contains_key(&id)
        {
            let walk = self.turn.walk(id)?;
            let open = Open {
                endpoint: task.call.endpoint(),
                limits: walk.limits,
                read: walk.pages,
                admitted: walk.admitted,
                known: 0,
                unknown: 0,
                is_certain: self.is_certain,
                of_seeds: task.level == Level::Seed,
            };
            self.walks.insert(id, open);
        }
        self.asked.push(task);
        Ok(())
    }

    /// Lets the details that are asked for certain be answered as they were last: their authors follow.
    fn answer_details(&mut self) -> Result<(), CrawlError> {
        let listed = self.turn.admitted_notes(self.rules.run)?;
        let asked = std::mem::take(&mut self.asked);
        let (details, others): (Vec<Task>, Vec<Task>) =
            asked.into_iter().partition(|task| task.call.endpoint() == Endpoint::NoteDetail);
        for task in details {
            if self.answer(&task)? != Some(Outcome::Ok) && !is_listed(&task, &listed) {
                self.facts.blind += 1;
            }
        }
        self.settle()?;
        self.asked.extend(others);
        Ok(())
    }

    /// Lets everything else be answered as it was last, until nothing follows that is known.
    fn answer_pages(&mut self) -> Result<(), CrawlError> {
        while !self.asked.is_empty() {
            for task in std::mem::take(&mut self.asked) {
                let is_known = self.answer(&task)?.is_some();
                if let Some(open) = task.walk.and_then(|walk| self.walks.get_mut(&walk)) {
                    *(if is_known { &mut open.known } else { &mut open.unknown }) += 1;
                }
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Adds what followed from the last answer to a call; returns what that was, if there was one.
    fn answer(&self, task: &Task) -> Result<Option<Outcome>, CrawlError> {
        let Some(kept) = self.turn.latest_fact(&task.call.key())? else { return Ok(None) };
        self.rules.expand(self.turn, task, &kept.page, &kept.vendor, kept.moment)?;
        Ok(Some(kept.outcome))
    }
}

fn is_listed(task: &Task, listed: &HashSet<String>) -> bool {
    matches!(&task.call, Call::NoteDetail { note_id } if listed.contains(note_id.as_str()))
}
