//! Tasks: calls that a run owes, each once.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::runs::timestamp;
use super::{Spend, StateError, Turn};
use crate::model::{Call, Endpoint, Money};

/// How long after its sending a call may still be billed that nobody answered.
const LONGEST_CALL: SignedDuration = SignedDuration::from_mins(15);

/// Returns when a call may be billed at the latest that was sent at a moment and that nobody answered.
pub(super) fn latest_billing(sent: Timestamp) -> Timestamp {
    sent.checked_add(LONGEST_CALL).unwrap_or(sent)
}

/// Says where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// May be sent.
    Ready,
    /// Waits for its retry.
    Waiting,
    /// Is on its way, with its price reserved.
    Sent,
    /// Is answered.
    Done,
    /// Is given up.
    GivenUp,
}

impl TaskStatus {
    pub(super) fn parse(word: &str) -> Option<Self> {
        let all = [Self::Ready, Self::Waiting, Self::Sent, Self::Done, Self::GivenUp];
        all.into_iter().find(|status| status.as_str() == word)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::GivenUp => "given_up",
        }
    }
}

/// Says how far from the job's seeds a task was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// By a seed, or by a note that a seed found.
    Seed,
    /// By the walk of an author that was discovered.
    Author,
    /// By no listing of the run: the dataset holds the note.
    Known,
}

impl Level {
    const fn of(number: i64) -> Self {
        match number {
            0 => Self::Seed,
            1 => Self::Author,
            _ => Self::Known,
        }
    }
}

/// A task that is about to be made.
#[derive(Clone, Debug)]
pub struct NewTask<'a> {
    /// What to ask.
    pub call: &'a Call,
    /// The walk that it is a page of.
    pub walk: Option<i64>,
    /// Lower ranks go first.
    pub rank: i64,
    /// How far from the seeds it was found.
    pub level: Level,
}

/// A task of a run.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: i64,
    /// What to ask.
    pub call: Call,
    /// The walk that it is a page of.
    pub walk: Option<i64>,
    /// How far from the seeds it was found.
    pub level: Level,
    /// How often it was sent.
    pub sends: u32,
    /// Attempts used up that cost nothing.
    pub free: u32,
    /// Attempts used up that may have been billed.
    pub billable: u32,
    /// Attempts answered with a code that no list names.
    pub unknown: u32,
    /// What it has reserved while it is sent.
    pub reserved: Money,
    /// What its attempts have cost so far.
    pub cost: Money,
    /// The vendors that have shown nothing for it.
    pub empty_at: Vec<String>,
    /// When it was last sent.
    pub sent_at: Option<Timestamp>,
}

impl Task {
    /// Tells whether an attempt is used up; a throttle and a kill use up none.
    pub fn is_retry(&self) -> bool {
        self.free + self.billable + self.unknown > 0
    }

    /// Tells whether a vendor showed nothing for it.
    pub fn is_empty_at(&self, vendor: &str) -> bool {
        self.empty_at.iter().any(|name| name == vendor)
    }

    /// Tells whether it may go to another vendor than other tasks of its endpoint.
    pub fn is_bound(&self) -> bool {
        self.call.is_bound() || !self.empty_at.is_empty()
    }
}

const COLUMNS: &str = "id, params, walk, sends, free, billable, unknown, reserved, cost, level, empty_at, sent_at";

fn task(row: &Row<'_>) -> rusqlite::Result<(Task, String)> {
    let params: String = row.get(1)?;
    let task = Task {
        id: row.get(0)?,
        // A stand-in until the text is read: rusqlite's row closures cannot fail with errors of ours.
        call: Call::SearchNotes { query: crate::model::Query::default(), page: 0 },
        walk: row.get(2)?,
        sends: row.get(3)?,
        free: row.get(4)?,
        billable: row.get(5)?,
        unknown: row.get(6)?,
        reserved: Money::from_micros(row.get(7)?),
        cost: Money::from_micros(row.get(8)?),
        level: Level::of(row.get(9)?),
        empty_at: row.get::<_, Option<String>>(10)?.iter().flat_map(|names| names.lines()).map(str::to_owned).collect(),
        sent_at: row.get::<_, Option<i64>>(11)?.and_then(|micros| Timestamp::from_microsecond(micros).ok()),
    };
    Ok((task, params))
}

fn with_call((task, params): (Task, String)) -> Result<Task, StateError> {
    let call = Call::from_params(&params).map_err(|error| StateError::Record(format!("task {}: {error}", task.id)))?;
    Ok(Task { call, ..task })
}

impl Turn<'_> {
    /// Adds a task unless the run has it already; tells whether it was added.
    ///
    /// A task that was found further out is moved in; if it is answered already, that answer is looked at once more.
    pub fn add_task(&self, run: &str, task: &NewTask<'_>) -> Result<bool, StateError> {
        // A run that is planned anew has been shown nothing by some vendors already.
        let sql = "INSERT INTO tasks (run, key, endpoint, params, walk, level, rank, status, empty_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'ready', (SELECT group_concat(vendor, char(10)) FROM \
                   (SELECT DISTINCT vendor FROM answers WHERE key = ?2 AND run = ?1 AND outcome = 'empty'))) \
                   ON CONFLICT (run, key) DO NOTHING";
        let (key, level) = (task.call.key(), task.level as i64);
        let mut statement = self.tx.prepare_cached(sql)?;
        let endpoint = task.call.endpoint().as_str();
        let added = statement.execute(params![run, key, endpoint, task.call.params(), task.walk, level, task.rank])?;
        if added == 0 && task.walk.is_some() {
            // A walk that begins again elsewhere comes back to pages that it knows: they are read once more, for nothing.
            let sql = "UPDATE tasks SET status = 'ready' WHERE run = ?1 AND key = ?2 AND status = 'done'";
            return Ok(self.tx.prepare_cached(sql)?.execute(params![run, key])? == 1);
        }
        if added == 0 {
            let sql = "UPDATE tasks SET level = ?3, status = CASE status WHEN 'done' THEN 'ready' ELSE status END \
                       WHERE run = ?1 AND key = ?2 AND level > ?3 AND walk IS NULL";
            self.tx.prepare_cached(sql)?.execute(params![run, key, level])?;
        }
        Ok(added == 1)
    }

    /// Returns the ready tasks that go next among some endpoints, at most `limit`, skipping the first `offset`.
    pub fn ready_tasks(
        &self,
        run: &str,
        endpoints: &[Endpoint],
        limit: usize,
        offset: usize,
    ) -> Result<Vec<Task>, StateError> {
        let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.as_str()).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM tasks WHERE run = ?1 AND status = 'ready' AND instr(?4, endpoint) > 0 \
             ORDER BY tries, rank, id LIMIT ?2 OFFSET ?3"
        );
        let mut statement = self.tx.prepare_cached(&sql)?;
        let rows = statement.query_map(params![run, limit as i64, offset as i64, names.join(" ")], task)?;
        rows.map(|row| with_call(row?)).collect()
    }

    /// Returns the ready tasks that have failed before, the least tried first, at most `limit`.
    pub fn ready_retries(&self, run: &str, limit: usize) -> Result<Vec<Task>, StateError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tasks WHERE run = ?1 AND status = 'ready' AND tries > 0 ORDER BY tries, rank, id LIMIT ?2"
        );
        let mut statement = self.tx.prepare_cached(&sql)?;
        let rows = statement.query_map(params![run, limit as i64], task)?;
        rows.map(|row| with_call(row?)).collect()
    }

    /// Returns a task by its number.
    pub fn task(&self, id: i64) -> Result<Option<Task>, StateError> {
        let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1");
        self.tx.prepare_cached(&sql)?.query_row([id], task).optional()?.map(with_call).transpose()
    }

    /// Moves a task to another status.
    pub fn set_task(&self, id: i64, status: TaskStatus) -> Result<(), StateError> {
        self.tx.prepare_cached("UPDATE tasks SET status = ?2 WHERE id = ?1")?.execute(params![id, status.as_str()])?;
        Ok(())
    }

    /// Marks a task as sent and reserves its price.
    pub fn mark_sent(&self, id: i64, price: Money, now: Timestamp) -> Result<(), StateError> {
        let sql = "UPDATE tasks SET status = 'sent', sends = sends + 1, reserved = ?2, sent_at = ?3, saved = NULL \
                   WHERE id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![id, price.as_micros(), now.as_microsecond()])?;
        Ok(())
    }

    /// Marks a task as settled by an earlier run's answer, which saved its price.
    pub fn mark_saved(&self, id: i64, price: Money) -> Result<(), StateError> {
        let sql = "UPDATE tasks SET saved = ?2 WHERE id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![id, price.as_micros()])?;
        Ok(())
    }

    /// Ends a task's reservation and adds what the attempt cost; the counters are the task's new ones.
    pub fn settle_task(&self, task: &Task, spent: Money, status: TaskStatus) -> Result<(), StateError> {
        let sql = "UPDATE tasks SET status = ?2, reserved = 0, cost = cost + ?3, free = ?4, billable = ?5, unknown = ?6, \
                   tries = ?4 + ?5 + ?6 WHERE id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![
            task.id,
            status.as_str(),
            spent.as_micros(),
            task.free,
            task.billable,
            task.unknown
        ])?;
        Ok(())
    }

    /// Keeps which vendors showed nothing for a task. Its attempts and their cost are told by those answers: the next vendor
    /// begins anew.
    pub fn set_empty_at(&self, id: i64, vendors: &[String]) -> Result<(), StateError> {
        let sql = "UPDATE tasks SET empty_at = ?2, free = 0, billable = 0, unknown = 0, tries = 0, sends = 0, cost = 0 \
                   WHERE id = ?1";
        self.tx.prepare_cached(sql)?.execute(params![id, vendors.join("\n")])?;
        Ok(())
    }

    /// Lists the details and profiles of which a run was shown nothing, with how far out they were found.
    pub fn empty_calls(&self, run: &str) -> Result<Vec<(Call, Level)>, StateError> {
        let sql = "SELECT DISTINCT answers.params, coalesce(level, 1) FROM answers \
                   LEFT JOIN tasks ON tasks.run = answers.run AND tasks.key = answers.key \
                   WHERE answers.run = ?1 AND answers.endpoint IN ('note_detail', 'user_profile') \
                   AND outcome = 'empty' AND copy = 0 ORDER BY answers.id";
        let mut statement = self.tx.prepare(sql)?;
        let rows = statement.query_map([run], |row| Ok((row.get::<_, String>(0)?, Level::of(row.get(1)?))))?;
        rows.map(|row| {
            let (params, level) = row?;
            let call = Call::from_params(&params).map_err(|error| StateError::Record(error.to_string()))?;
            Ok((call, level))
        })
        .collect()
    }

    /// Counts a run's tasks in a status.
    pub fn count_tasks(&self, run: &str, status: TaskStatus) -> Result<u64, StateError> {
        let sql = "SELECT count(*) FROM tasks WHERE run = ?1 AND status = ?2";
        Ok(self.tx.prepare_cached(sql)?.query_row(params![run, status.as_str()], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Returns true if a run owes anything but details of known notes.
    pub fn owes_more_than_known(&self, run: &str) -> Result<bool, StateError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM tasks WHERE run = ?1 AND status IN ('ready', 'waiting', 'sent') AND level < ?2)";
        Ok(self.tx.prepare_cached(sql)?.query_row(params![run, Level::Known as i64], |row| row.get(0))?)
    }

    /// Drops the details of known notes that a run has not sent: they are as due for the next run.
    pub fn drop_known(&self, run: &str) -> Result<(), StateError> {
        let sql = "DELETE FROM tasks WHERE run = ?1 AND level = ?2 AND status IN ('ready', 'waiting')";
        self.tx.execute(sql, params![run, Level::Known as i64])?;
        Ok(())
    }

    /// Counts the details of known notes that a run has asked.
    pub fn known_asked(&self, run: &str) -> Result<u64, StateError> {
        let sql =
            "SELECT count(*) FROM tasks WHERE run = ?1 AND level = ?2 AND status IN ('done', 'given_up') AND sends > 0";
        Ok(self.tx.query_row(sql, params![run, Level::Known as i64], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Gives the tasks that are owed all their attempts again: after an orderly stop, or for another vendor.
    pub fn fresh_attempts(&self, run: &str) -> Result<(), StateError> {
        let sql = "UPDATE tasks SET free = 0, billable = 0, unknown = 0, tries = 0 \
                   WHERE run = ?1 AND status IN ('ready', 'waiting') AND tries > 0";
        self.tx.execute(sql, [run])?;
        Ok(())
    }

    /// Makes tasks that a stop left waiting ready again; those given up too, if asked.
    pub fn wake_tasks(&self, run: &str, given_up_too: bool) -> Result<(), StateError> {
        self.tx.execute("UPDATE tasks SET status = 'ready' WHERE run = ?1 AND status = 'waiting'", [run])?;
        if given_up_too {
            let sql = "UPDATE tasks SET status = 'ready', free = 0, billable = 0, unknown = 0, tries = 0, sends = 0, cost = 0, \
                       empty_at = '' WHERE run = ?1 AND status = 'given_up'";
            self.tx.execute(sql, [run])?;
        }
        Ok(())
    }

    /// Turns what a kill left on its way into maybe-billed spending, and makes it ready again. Returns how many.
    pub fn recover_sent(&self, run: &str, now: Timestamp) -> Result<u64, StateError> {
        let Spend { calls, cost } = self.reserved(run)?;
        let sql = "UPDATE runs SET cap_calls = cap_calls + ?2, cap_cost = cap_cost + ?3, \
                   spent_calls = spent_calls + ?2, spent_cost = spent_cost + ?3, \
                   lost_calls = lost_calls + ?2, lost_cost = lost_cost + ?3 WHERE id = ?1";
        self.tx.execute(sql, params![run, calls as i64, cost.as_micros()])?;
        let sql = "SELECT coalesce(sent_at, ?2), reserved FROM tasks WHERE run = ?1 AND status = 'sent'";
        let mut statement = self.tx.prepare(sql)?;
        let mut rows = statement.query(params![run, now.as_microsecond()])?;
        while let Some(row) = rows.next()? {
            let (sent, cost) = (timestamp(row.get(0)?)?, Money::from_micros(row.get(1)?));
            // It may reach the provider after this. A clock that stepped back leaves it open which day the provider's shows.
            let back = if now < sent { now } else { latest_billing(sent) };
            self.count_between(sent, back, Spend { calls: 1, cost })?;
        }
        let sql = "UPDATE tasks SET status = 'ready', cost = cost + reserved, reserved = 0 WHERE run = ?1 AND status = 'sent'";
        self.tx.execute(sql, [run])?;
        Ok(calls)
    }

    /// Makes an answered task ready again: there is a reason to look whether its answer is still good.
    pub fn reopen(&self, run: &str, call: &Call) -> Result<(), StateError> {
        let sql = "UPDATE tasks SET status = 'ready' WHERE run = ?1 AND key = ?2 AND status = 'done'";
        self.tx.prepare_cached(sql)?.execute(params![run, call.key()])?;
        Ok(())
    }

    /// Forgets a run's tasks and walks, so that a changed job can plan anew; answers stay.
    pub fn clear_plan(&self, run: &str) -> Result<(), StateError> {
        // A user's walk that has not ended gives back how far the one before it went.
        let sql = "INSERT INTO user_walks (user_id, covered) \
                   SELECT json_extract(substr(name, instr(name, ' ') + 1), '$.user_id'), until_known FROM walks \
                   WHERE run = ?1 AND ended IS NULL AND until_known IS NOT NULL \
                   ON CONFLICT (user_id) DO UPDATE SET covered = excluded.covered";
        self.tx.execute(sql, [run])?;
        self.tx.execute("DELETE FROM walk_notes WHERE walk IN (SELECT id FROM walks WHERE run = ?1)", [run])?;
        self.tx.execute("DELETE FROM walk_cursors WHERE walk IN (SELECT id FROM walks WHERE run = ?1)", [run])?;
        self.tx.execute("DELETE FROM walks WHERE run = ?1", [run])?;
        self.tx.execute("DELETE FROM tasks WHERE run = ?1", [run])?;
        Ok(())
    }
}
