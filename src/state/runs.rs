//! Runs and what they have spent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::tasks::latest_billing;
use super::{State, StateError, Turn};
use crate::model::{Billed, Money};

/// What all runs have spent.
const TOTAL: &str = "SELECT coalesce(sum(spent_calls), 0), coalesce(sum(spent_cost), 0) FROM runs";
/// Where it is kept what segments say of that, while they are taken in.
const TOLD_CALLS: &str = "told_spent_calls";
const TOLD_COST: &str = "told_spent_cost";

/// Says where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Unfinished: the next `run` continues it.
    Running,
    /// Unfinished, in good order: the next `run` continues it with a fresh cap.
    Stopped,
    /// Finished.
    Complete,
    /// Unfinished, and not to be continued.
    Abandoned,
}

impl RunStatus {
    /// Tells whether the next `run` continues it.
    pub const fn is_unfinished(self) -> bool {
        matches!(self, Self::Running | Self::Stopped)
    }

    pub(super) fn parse(word: &str) -> Result<Self, StateError> {
        let all = [Self::Running, Self::Stopped, Self::Complete, Self::Abandoned];
        all.into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| StateError::Record(format!("run status {word}")))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Complete => "complete",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its name: the second it began, and a number where two began in one.
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// What the job said when the run was planned.
    pub fingerprint: String,
    /// Where it stands.
    pub status: RunStatus,
}

/// What is spent: billed and maybe-billed calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    /// Calls.
    pub calls: u64,
    /// Their cost.
    pub cost: Money,
}

/// Returns what counts against the caps of a UTC day, and of all runs: spent, and reserved by any run.
pub(super) fn spent_now(db: &Connection, now: Timestamp) -> rusqlite::Result<[Spend; 2]> {
    let sql = "SELECT count(*), coalesce(sum(reserved), 0) FROM tasks WHERE status = 'sent'";
    let reserved = db.query_row(sql, [], spend)?;
    let today = db.query_row("SELECT calls, cost FROM days WHERE day = ?1", [day(now)], spend).optional()?;
    Ok([today.unwrap_or_default() + reserved, db.query_row(TOTAL, [], spend)? + reserved])
}

impl State {
    /// Returns what the dataset has spent, over all runs.
    pub fn spent(&self) -> Result<Spend, StateError> {
        Ok(self.db.query_row(TOTAL, [], spend)?)
    }
}

impl std::ops::Add for Spend {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { calls: self.calls + other.calls, cost: self.cost + other.cost }
    }
}

/// Counts a run's answers by endpoint, vendor, outcome and billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The endpoint's name.
    pub endpoint: String,
    /// The vendor's name.
    pub vendor: String,
    /// The outcome's word.
    pub outcome: String,
    /// How many answers.
    pub answers: u64,
    /// How often they were sent.
    pub attempts: u64,
    /// What they cost.
    pub cost: Money,
}

impl Turn<'_> {
    /// Returns the latest run.
    pub fn latest_run(&self) -> Result<Option<Run>, StateError> {
        let sql = "SELECT id, started_at, fingerprint, status FROM runs ORDER BY started_at DESC, id DESC LIMIT 1";
        let row = self
            .tx
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get::<_, String>(3)?)));
        let Some((id, micros, fingerprint, status)) = row.optional()? else { return Ok(None) };
        Ok(Some(Run { id, started_at: timestamp(micros)?, fingerprint, status: RunStatus::parse(&status)? }))
    }

    /// Begins a run; the tasks of finished runs are dropped.
    pub fn begin_run(&self, now: Timestamp, fingerprint: &str) -> Result<Run, StateError> {
        // A clock that stepped back must not put this run before an earlier one.
        let sql = "SELECT max(started_at) FROM runs";
        let last = self.tx.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?;
        let now = match last {
            Some(last) => now.max(timestamp(last.saturating_add(1))?),
            None => now,
        };
        let base = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let taken = |id: &str| self.tx.prepare_cached("SELECT 1 FROM runs WHERE id = ?1")?.exists([id]);
        let mut id = base.clone();
        let mut number = 2;
        while taken(&id)? {
            // In the order of their names, runs stand in the order of time.
            id = format!("{base}_{number}");
            number += 1;
        }
        self.tx.execute(
            "INSERT INTO runs (id, started_at, status, fingerprint) VALUES (?1, ?2, 'running', ?3)",
            params![id, now.as_microsecond(), fingerprint],
        )?;
        for table in ["walk_notes", "walk_cursors"] {
            self.tx
                .execute(&format!("DELETE FROM {table} WHERE walk IN (SELECT id FROM walks WHERE run <> ?1)"), [&id])?;
        }
        self.drop_old_shapes()?;
        self.tx.execute("DELETE FROM walks WHERE run <> ?1", [&id])?;
        self.tx.execute("DELETE FROM tasks WHERE run <> ?1", [&id])?;
        Ok(Run { id, started_at: now, fingerprint: fingerprint.to_owned(), status: RunStatus::Running })
    }

    /// Adds a run that is known from its sealed answers alone, unless it is there. Runs stand in the order of
    /// their answers: it began at the place of its first one.
    pub fn add_recovered_run(&self, id: &str, first_answer: i64) -> Result<(), StateError> {
        let sql = "INSERT INTO runs (id, started_at, status, fingerprint) VALUES (?1, ?2, 'abandoned', '') ON CONFLICT DO NOTHING";
        self.tx.prepare_cached(sql)?.execute(params![id, first_answer])?;
        Ok(())
    }

    /// Moves a run to another status.
    pub fn set_run(&self, run: &str, status: RunStatus, now: Timestamp) -> Result<(), StateError> {
        let finished = (status == RunStatus::Complete).then(|| now.as_microsecond());
        let sql = "UPDATE runs SET status = ?2, finished_at = coalesce(?3, finished_at) WHERE id = ?1";
        self.tx.execute(sql, params![run, status.as_str(), finished])?;
        Ok(())
    }

    /// Notes what the job says now.
    pub fn set_fingerprint(&self, run: &str, fingerprint: &str) -> Result<(), StateError> {
        self.tx.execute("UPDATE runs SET fingerprint = ?2 WHERE id = ?1", params![run, fingerprint])?;
        Ok(())
    }

    /// Adds a call that came back to what counts against the caps.
    pub fn spend(
        &self,
        run: &str,
        billed: Billed,
        cost: Money,
        sent_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StateError> {
        if !billed.counts() {
            return Ok(());
        }
        let sql = "UPDATE runs SET cap_calls = cap_calls + 1, cap_cost = cap_cost + ?2, \
                   spent_calls = spent_calls + 1, spent_cost = spent_cost + ?2 WHERE id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![run, cost.as_micros()])?;
        let sent = sent_at.unwrap_or(now);
        // Without an answer, it may reach the provider later.
        let back = if billed == Billed::Unknown { now.max(latest_billing(sent)) } else { now };
        self.count_between(sent, back, Spend { calls: 1, cost })
    }

    /// Adds what one call cost to the UTC day on which it was sent, and to that on which it came back: nobody can say on
    /// which of them the provider bills it.
    pub(super) fn count_between(&self, sent: Timestamp, back: Timestamp, spend: Spend) -> Result<(), StateError> {
        self.count_day(back, spend)?;
        if day(sent) == day(back) { Ok(()) } else { self.count_day(sent, spend) }
    }

    /// Adds to what was spent on a UTC day.
    pub fn count_day(&self, moment: Timestamp, spend: Spend) -> Result<(), StateError> {
        let sql = "INSERT INTO days (day, calls, cost) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (day) DO UPDATE SET calls = calls + excluded.calls, cost = cost + excluded.cost";
        let row = params![day(moment), spend.calls as i64, spend.cost.as_micros()];
        self.tx.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Returns what was spent on a UTC day, over all runs.
    pub fn spent_on_day(&self, moment: Timestamp) -> Result<Spend, StateError> {
        let sql = "SELECT calls, cost FROM days WHERE day = ?1";
        let spent = self.tx.prepare_cached(sql)?.query_row([day(moment)], spend).optional()?;
        Ok(spent.unwrap_or_default())
    }

    /// Returns what the dataset has spent, over all runs.
    pub fn spent_in_total(&self) -> Result<Spend, StateError> {
        Ok(self.tx.prepare_cached(TOTAL)?.query_row([], spend)?)
    }

    /// Returns what calls on their way have reserved.
    pub fn reserved(&self, run: &str) -> Result<Spend, StateError> {
        let sql = "SELECT count(*), coalesce(sum(reserved), 0) FROM tasks WHERE run = ?1 AND status = 'sent'";
        Ok(self.tx.prepare_cached(sql)?.query_row([run], spend)?)
    }

    /// Keeps what a segment says that the dataset had spent, for [`Turn::raise_spent`].
    pub fn note_spent(&self, told: Spend) -> Result<(), StateError> {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value \
                   WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)";
        let mut statement = self.tx.prepare_cached(sql)?;
        for (name, number) in [(TOLD_CALLS, told.calls as i64), (TOLD_COST, told.cost.as_micros())] {
            statement.execute(params![name, number.to_string()])?;
        }
        Ok(())
    }

    /// Raises what the dataset has spent to what segments say, once all of them are known; returns true if any said so.
    /// What is more than their answers cost is what kills cut off: it counts for the latest run, on the day of the latest
    /// answer.
    pub fn raise_spent(&self) -> Result<bool, StateError> {
        let told = |name: &str| -> Result<Option<i64>, StateError> {
            let sql = "DELETE FROM meta WHERE name = ?1 RETURNING value";
            let value: Option<String> = self.tx.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
            Ok(value.and_then(|value| value.parse().ok()))
        };
        let (Some(calls), Some(cost)) = (told(TOLD_CALLS)?, told(TOLD_COST)?) else { return Ok(false) };
        let known = self.spent_in_total()?;
        let more = Spend {
            calls: (calls as u64).saturating_sub(known.calls),
            cost: Money::from_micros((cost - known.cost.as_micros()).max(0)),
        };
        if let (Some(run), Some(moment)) = (self.latest_run()?, self.moment_of_newest()?) {
            self.count_recovered(&run.id, more, moment)?;
        }
        Ok(true)
    }

    /// Adds to what a run has spent, without a word on its cap.
    pub fn count_recovered(&self, run: &str, more: Spend, moment: Timestamp) -> Result<(), StateError> {
        if more == Spend::default() {
            return Ok(());
        }
        let sql = "UPDATE runs SET spent_calls = spent_calls + ?2, spent_cost = spent_cost + ?3 WHERE id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![run, more.calls as i64, more.cost.as_micros()])?;
        self.count_day(moment, more)
    }

    /// Returns what counts against the run's cap: spent, and reserved by calls on their way.
    pub fn spent_and_reserved(&self, run: &str) -> Result<Spend, StateError> {
        let sql = "SELECT cap_calls + (SELECT count(*) FROM tasks WHERE run = ?1 AND status = 'sent'), \
                   cap_cost + (SELECT coalesce(sum(reserved), 0) FROM tasks WHERE run = ?1 AND status = 'sent') \
                   FROM runs WHERE id = ?1";
        Ok(self.tx.prepare_cached(sql)?.query_row([run], spend)?)
    }

    /// Gives the run a fresh cap, after an orderly stop.
    pub fn fresh_cap(&self, run: &str) -> Result<(), StateError> {
        self.tx.execute("UPDATE runs SET cap_calls = 0, cap_cost = 0 WHERE id = ?1", [run])?;
        Ok(())
    }

    /// Returns the calls that kills left without an answer.
    pub fn lost(&self, run: &str) -> Result<Spend, StateError> {
        let sql = "SELECT lost_calls, lost_cost FROM runs WHERE id = ?1";
        let (calls, cost) = self.tx.query_row(sql, [run], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        Ok(Spend { calls: calls as u64, cost: Money::from_micros(cost) })
    }

    /// Returns the calls of a run that earlier runs' answers made unnecessary, and their price, by endpoint.
    pub fn saved(&self, run: &str) -> Result<BTreeMap<String, Spend>, StateError> {
        let sql = "SELECT endpoint, count(*), sum(saved) FROM tasks \
                   WHERE run = ?1 AND status = 'done' AND saved IS NOT NULL GROUP BY endpoint";
        let mut statement = self.tx.prepare(sql)?;
        let rows = statement.query_map([run], |row| {
            let spend = Spend { calls: row.get::<_, i64>(1)? as u64, cost: Money::from_micros(row.get(2)?) };
            Ok((row.get(0)?, spend))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts a run's answers.
    pub fn tallies(&self, run: &str) -> Result<Vec<Tally>, StateError> {
        let sql = "SELECT endpoint, vendor, outcome, count(*), sum(attempts), sum(cost) FROM answers WHERE run = ?1 AND copy = 0 \
                   GROUP BY endpoint, vendor, outcome ORDER BY endpoint, vendor, outcome";
        let mut statement = self.tx.prepare(sql)?;
        let rows = statement.query_map([run], |row| {
            Ok(Tally {
                endpoint: row.get(0)?,
                vendor: row.get(1)?,
                outcome: row.get(2)?,
                answers: row.get::<_, i64>(3)? as u64,
                attempts: row.get::<_, i64>(4)? as u64,
                cost: Money::from_micros(row.get(5)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts the calls of a run, by endpoint, for which every vendor that could be asked showed nothing.
    pub fn unresolved(&self, run: &str) -> Result<BTreeMap<String, u64>, StateError> {
        let sql = "SELECT endpoint, count(*) FROM tasks WHERE run = ?1 AND status = 'given_up' AND 'empty' = \
                   (SELECT outcome FROM answers WHERE key = tasks.key AND run = tasks.run ORDER BY id DESC LIMIT 1) \
                   GROUP BY endpoint";
        let mut statement = self.tx.prepare(sql)?;
        let rows = statement.query_map([run], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the reasons for which calls of a run were given up, with how often each occurred.
    pub fn given_up(&self, run: &str) -> Result<BTreeMap<String, u64>, StateError> {
        let sql = "SELECT endpoint || ': ' || coalesce(reason, outcome), count(*) FROM answers AS one \
                   WHERE run = ?1 AND copy = 0 AND outcome NOT IN ('ok', 'gone', 'empty') \
                   AND NOT EXISTS (SELECT 1 FROM answers WHERE key = one.key AND run = one.run AND id > one.id) GROUP BY 1";
        let mut statement = self.tx.prepare(sql)?;
        let rows = statement.query_map([run], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Names the UTC day of a moment.
pub(super) fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

/// Reads calls and their cost.
pub(super) fn spend(row: &Row<'_>) -> rusqlite::Result<Spend> {
    Ok(Spend { calls: row.get::<_, i64>(0)? as u64, cost: Money::from_micros(row.get(1)?) })
}

pub(super) fn timestamp(micros: i64) -> Result<Timestamp, StateError> {
    Timestamp::from_microsecond(micros).map_err(|error| StateError::Record(error.to_string()))
}
