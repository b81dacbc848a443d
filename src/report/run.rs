//! The facts of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DatedAhead, Drift, SearchLine, Silent, Sums};

/// Everything that is told of a run. Money is in the vendor's price unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// The run's name.
    pub run: String,
    /// The job's name.
    pub job: String,
    /// `live` or `sandbox`.
    pub origin: String,
    /// The program's version.
    pub version: String,
    /// When the run began, over all its continuations.
    pub started_at: Timestamp,
    /// When this report was written.
    pub finished_at: Timestamp,
    /// Whether it continued an unfinished run.
    pub continued: bool,
    /// Why it stopped.
    pub ending: Ending,
    /// Calls by endpoint, vendor and outcome.
    pub calls: Vec<CallLine>,
    /// What was spent.
    pub spent: Spent,
    /// What was not spent.
    pub saved: Saved,
    /// What the refresh rules made of its cost; none in the reports of earlier versions.
    #[serde(default)]
    pub refresh: Option<Refresh>,
    /// Notes that no listing showed any more; none if the job does not ask for them.
    #[serde(default)]
    pub known: Option<Known>,
    /// What each search found, in the order of the job.
    #[serde(default)]
    pub searches: Vec<SearchLine>,
    /// Keywords and searches that showed many notes in the last finished run, and none in this one.
    #[serde(default)]
    pub silent: Vec<Silent>,
    /// What this run sent and found, over all its continuations; none in the reports of earlier versions.
    #[serde(default)]
    pub this_run: Option<Sums>,
    /// The same of all runs of the dataset.
    #[serde(default)]
    pub in_total: Option<Sums>,
    /// Why the run or the dataset has no notes; none if both have some.
    #[serde(default)]
    pub no_notes: Option<String>,
    /// Rows by table in the published snapshot.
    pub rows: BTreeMap<String, u64>,
    /// Notes that the run added to the dataset, over all snapshots since it began.
    pub new_notes: u64,
    /// Notes that the snapshot before this one did not have; none if it cannot be read.
    #[serde(default)]
    pub snapshot_new_notes: Option<u64>,
    /// Notes whose content, counts or life differ from the snapshot before.
    pub changed_notes: u64,
    /// The snapshot's number; none if none was published.
    pub snapshot: Option<u64>,
    /// Raw answers that went, as `archive.retain` says; their observations are kept.
    #[serde(default)]
    pub raw_dropped: u64,
    /// What is missing, odd or cut short.
    pub told: Told,
    /// What vendors changed without notice.
    #[serde(default)]
    pub drift: Drift,
    /// Where to read the tables; none if there is no snapshot.
    #[serde(default)]
    pub read: Option<String>,
    /// The next command to type.
    pub next: Option<String>,
}

/// Why a run stopped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ending {
    /// `complete`, `budget`, `no_vendor`, `refused` or `interrupted`.
    pub kind: String,
    /// In words.
    pub reason: String,
    /// The exit code that this leads to.
    pub exit_code: u8,
}

/// Calls of one endpoint to one vendor with one outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallLine {
    /// The endpoint.
    pub endpoint: String,
    /// The vendor.
    pub vendor: String,
    /// The outcome's word.
    pub outcome: String,
    /// How many calls.
    pub calls: u64,
    /// How often they were sent.
    pub attempts: u64,
    /// What they cost.
    pub cost: f64,
}

/// What was spent against the cap: since the run began, or since its last orderly stop, which gives a fresh cap.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Whether the run was stopped in good order before, so that this is less than the whole run's.
    pub since_stop: bool,
    /// Billed and maybe-billed calls.
    pub calls: u64,
    /// Their cost.
    pub cost: f64,
    /// The cap on calls.
    pub max_calls: Option<u64>,
    /// The cap on cost.
    pub max_cost: Option<f64>,
    /// What was spent on the UTC day on which this report was written, over all runs, and its caps.
    #[serde(default)]
    pub today: Reach,
    /// What the dataset has spent, over all runs, and its cap.
    #[serde(default)]
    pub total: Reach,
    /// Calls that a kill left without an answer; they count as maybe billed.
    pub lost_calls: u64,
    /// Whether the job names any price.
    pub priced: bool,
}

/// What was spent over several runs, and the caps on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reach {
    /// Billed and maybe-billed calls.
    pub calls: u64,
    /// Their cost.
    pub cost: f64,
    /// The cap on calls.
    pub max_calls: Option<u64>,
    /// The cap on cost.
    pub max_cost: Option<f64>,
}

impl Reach {
    /// Says in words what was spent, and of what.
    pub fn words(&self) -> String {
        let calls = self.max_calls.map(|cap| format!(" of {cap}")).unwrap_or_default();
        let cost = self.max_cost.map(|cap| format!(" of {cap:.2}")).unwrap_or_default();
        format!("{}{calls} calls, cost {:.2}{cost}", self.calls, self.cost)
    }
}

/// What was not spent: only calls that would have been billed. What was not sent, or was answered free of charge, does not
/// count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Saved {
    /// Details of notes that several searches or lists of the run led to, and that were billed once: how many more these
    /// would have asked for, each by itself.
    pub duplicates: u64,
    /// What those would have cost.
    pub duplicates_cost: f64,
    /// Calls that earlier runs' answers made unnecessary.
    pub reused: u64,
}

/// What a run cost, and what it would have cost without `[refresh]`: with each call sent that an earlier run's answer made
/// unnecessary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Refresh {
    /// Calls that the whole run asked for, over all its continuations, each once.
    pub calls: u64,
    /// What they cost, with all their attempts.
    pub cost: f64,
    /// Calls that it would have asked for.
    pub calls_without: u64,
    /// What those would have cost, at today's prices.
    pub cost_without: f64,
    /// Whether it would have been more: walks that `until_known` ended have pages that nobody counted.
    pub at_least: bool,
    /// What earlier answers made unnecessary, by endpoint.
    pub saved: BTreeMap<String, Reused>,
    /// The run's cost for each note that is new; none where it cost nothing or found none.
    pub cost_per_new_note: Option<f64>,
}

/// Notes that the dataset holds and no listing of the run showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Those whose details were asked.
    pub asked: u64,
    /// Those whose details are due, and that a cap or a vendor left to the next run.
    pub due: u64,
}

/// Calls that earlier answers made unnecessary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reused {
    /// How many.
    pub calls: u64,
    /// What they would have cost.
    pub cost: f64,
}

impl Refresh {
    /// Tells whether the rules spared anything.
    pub fn spared(&self) -> bool {
        self.at_least || self.calls_without > self.calls
    }

    /// Says in words what the run cost, and what it would have cost.
    pub fn words(&self) -> String {
        let Self { calls, cost, calls_without, cost_without, .. } = self;
        let at_least = if self.at_least { "at least " } else { "" };
        // By price where there is one, else by number.
        let (part, whole) =
            if *cost_without > 0.0 { (*cost, *cost_without) } else { (*calls as f64, *calls_without as f64) };
        let percent = if whole > 0.0 { (100.0 * (1.0 - part / whole)).max(0.0) } else { 0.0 };
        format!(
            "{calls} calls, cost {cost:.2}; without `[refresh]` {at_least}{calls_without} calls, cost {cost_without:.2} \
             (saved {at_least}{percent:.0} %)"
        )
    }
}

/// What is missing, odd or cut short.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    /// Calls given up, by reason.
    pub given_up: BTreeMap<String, u64>,
    /// Details and profiles, by endpoint, that no vendor of the route showed, and that none stated to be gone.
    #[serde(default)]
    pub unresolved: BTreeMap<String, u64>,
    /// Items and values of this run that could not be read: rows of `rejects`.
    pub rejects: u64,
    /// Items that were not asked for: advertisements, suggestions, notes that are recommended in a detail.
    pub skipped: u64,
    /// Queries that showed about as much as the vendor ever shows, with how many notes.
    pub capped: BTreeMap<String, u32>,
    /// Walks that showed notes which do not pass their filters; those notes are in no table.
    #[serde(default)]
    pub left_out: BTreeMap<String, LeftOut>,
    /// How many walks ended before their end through a vendor's fault, by reason.
    pub cut_short: BTreeMap<String, u64>,
    /// How many walks ended, by reason.
    pub walks: BTreeMap<String, u64>,
    /// Vendors that are called over plain HTTP to another machine.
    pub plain_http: Vec<String>,
    /// Answers that were dated ahead of the clock when the run began, or its last continuation; none if there were none.
    #[serde(default)]
    pub dated_ahead: Option<DatedAhead>,
}

/// The distinct notes that one walk showed, and those of them that do not pass its filters, by the job's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Notes shown.
    pub notes: u32,
    /// Left out by `note_type`.
    pub note_type: u32,
    /// Left out by `published`.
    pub published: u32,
    /// Left out by `since`.
    pub since: u32,
}

impl LeftOut {
    /// Returns the counts in words, such as `12 of 40 notes (note_type 10, since 2)`.
    pub fn words(&self) -> String {
        let Self { notes, note_type, published, since } = *self;
        let by = [("note_type", note_type), ("published", published), ("since", since)];
        let by: Vec<String> =
            by.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}")).collect();
        format!("{} of {notes} notes ({})", note_type + published + since, by.join(", "))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A report that says nothing.
    pub(in crate::report) fn empty(run: &str) -> RunReport {
        RunReport {
            run: run.into(),
            job: "job".into(),
            origin: "live".into(),
            version: "0".into(),
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
            continued: false,
            ending: Ending { kind: "complete".into(), reason: "complete".into(), exit_code: 0 },
            calls: Vec::new(),
            spent: Spent::default(),
            saved: Saved::default(),
            refresh: None,
            known: None,
            searches: Vec::new(),
            silent: Vec::new(),
            this_run: None,
            in_total: None,
            no_notes: None,
            rows: BTreeMap::new(),
            new_notes: 0,
            snapshot_new_notes: None,
            changed_notes: 0,
            snapshot: None,
            raw_dropped: 0,
            told: Told::default(),
            drift: Drift::default(),
            read: None,
            next: None,
        }
    }
}
