//! Versions of `state.sqlite`: a new one made, an older one brought up to date.

use std::cell::Cell;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{APPLICATION_ID, Clock, SCHEMA_VERSION, StateError, Turn};

/// Brings the tables to the next version.
type Step = fn(&mut Connection) -> Result<(), StateError>;

/// Brings the tables to the version of this program, in one transaction; tells which version they had.
pub(super) fn bring_up(db: &mut Connection, file: &Path) -> Result<i64, StateError> {
    let damaged = |reason: &str| StateError::damaged(file, reason);
    let unread = |error: rusqlite::Error| StateError::opening(file, error);
    let version = db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).map_err(unread)?;
    let owner = db.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0)).map_err(unread)?;
    match version {
        0 => {
            let tables = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
            if tables.map_err(unread)? > 0 {
                return Err(damaged("it holds other tables"));
            }
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(include_str!("schema.sql"))?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            tx.commit()?;
        }
        _ if owner != APPLICATION_ID => return Err(damaged("another program wrote it")),
        1..SCHEMA_VERSION => {
            // Each step leads to the version that it is called after.
            let steps: [Step; 8] = [second, third, fourth, fifth, sixth, seventh, eighth, ninth];
            steps.iter().skip(version as usize - 1).try_for_each(|step| step(db))?;
        }
        SCHEMA_VERSION => {}
        found => return Err(StateError::Version { found }),
    }
    Ok(version)
}

/// Version 2: every answer has a checksum.
fn second(db: &mut Connection) -> Result<(), StateError> {
    let is_torn = Cell::new(false);
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let turn = Turn { tx, clock: &Clock::default(), before: None, is_torn: &is_torn };
    turn.tx.execute_batch("ALTER TABLE answers ADD COLUMN checksum BLOB")?;
    let mut last = 0;
    loop {
        let next = "SELECT min(id) FROM answers WHERE id > ?1";
        let Some(id) = turn.tx.prepare_cached(next)?.query_row([last], |row| row.get::<_, Option<i64>>(0))? else {
            break;
        };
        turn.stamp_before_8(id)?;
        last = id;
    }
    turn.tx.pragma_update(None, "user_version", 2)?;
    turn.commit()
}

/// Version 3: a task knows what an earlier answer saved it, and every run's answers have a shape.
fn third(db: &mut Connection) -> Result<(), StateError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "ALTER TABLE tasks ADD COLUMN saved INTEGER; ALTER TABLE runs DROP COLUMN reused; \
         CREATE TABLE shapes (run TEXT NOT NULL, endpoint TEXT NOT NULL, vendor TEXT NOT NULL, version TEXT NOT NULL, \
         answers INTEGER NOT NULL, shape TEXT NOT NULL, counted_to INTEGER NOT NULL, \
         PRIMARY KEY (run, endpoint, vendor, version))",
    )?;
    tx.pragma_update(None, "user_version", 3)?;
    Ok(tx.commit()?)
}

/// Version 4: segments can be replaced.
fn fourth(db: &mut Connection) -> Result<(), StateError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch("CREATE TABLE dropped (name TEXT PRIMARY KEY) WITHOUT ROWID")?;
    tx.pragma_update(None, "user_version", 4)?;
    Ok(tx.commit()?)
}

/// Version 5: a segment may hold what answers told in the place of the answers. All of them are raw by now; of one that no
/// answer names, nobody knows since when.
fn fifth(db: &mut Connection) -> Result<(), StateError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "ALTER TABLE segments ADD COLUMN raw_since INTEGER; \
         ALTER TABLE segments ADD COLUMN told_plain INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE segments ADD COLUMN told_key TEXT; ALTER TABLE segments ADD COLUMN known_as TEXT; \
         UPDATE segments SET raw_since = oldest.moment FROM \
         (SELECT segment, min(observed_at) AS moment FROM answers GROUP BY segment) AS oldest \
         WHERE oldest.segment = segments.name; \
         UPDATE segments SET raw_since = 0 WHERE raw_since IS NULL; \
         DROP INDEX answers_unsealed; CREATE INDEX answers_segment ON answers (segment)",
    )?;
    tx.pragma_update(None, "user_version", 5)?;
    Ok(tx.commit()?)
}

/// Version 6: a walk counts what it leaves out, and a task knows which vendors showed nothing for it.
fn sixth(db: &mut Connection) -> Result<(), StateError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "ALTER TABLE tasks ADD COLUMN empty_at TEXT; \
         ALTER TABLE walks ADD COLUMN earlier_pages INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE walks ADD COLUMN dropped_type INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE walks ADD COLUMN dropped_published INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE walks ADD COLUMN dropped_since INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE walks ADD COLUMN decidable INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE walks ADD COLUMN is_time_ordered INTEGER NOT NULL DEFAULT 1; \
         ALTER TABLE walks ADD COLUMN oldest INTEGER",
    )?;
    tx.pragma_update(None, "user_version", 6)?;
    Ok(tx.commit()?)
}

/// Version 7: caps hold over runs, and notes that no listing shows any more are asked again.
fn seventh(db: &mut Connection) -> Result<(), StateError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "ALTER TABLE runs ADD COLUMN spent_calls INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE runs ADD COLUMN spent_cost INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE tasks ADD COLUMN sent_at INTEGER; \
         ALTER TABLE days ADD COLUMN cost INTEGER NOT NULL DEFAULT 0; \
         CREATE TABLE details (note_id TEXT PRIMARY KEY, asked_at INTEGER NOT NULL, is_due INTEGER NOT NULL, \
         seen_in TEXT) WITHOUT ROWID; \
         CREATE INDEX details_due ON details (asked_at) WHERE is_due = 1",
    )?;
    fill_seventh(&tx)?;
    tx.pragma_update(None, "user_version", 7)?;
    Ok(tx.commit()?)
}

/// Version 8: an answer has its place among all answers, whatever the clock says. So far, its moment was its place.
fn eighth(db: &mut Connection) -> Result<(), StateError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "ALTER TABLE answers ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0; \
         ALTER TABLE details ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0; \
         DROP INDEX details_due; CREATE INDEX details_due ON details (asked_at, sequence) WHERE is_due = 1; \
         UPDATE answers SET sequence = observed_at; \
         DROP INDEX answers_key; CREATE INDEX answers_key ON answers (key, sequence)",
    )?;
    fill_eighth(&tx)?;
    tx.pragma_update(None, "user_version", 8)?;
    Ok(tx.commit()?)
}

/// Version 9: shapes are counted when answers are sealed, by the path that was called.
fn ninth(db: &mut Connection) -> Result<(), StateError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch("ALTER TABLE bodies ADD COLUMN version TEXT; ALTER TABLE shapes DROP COLUMN counted_to")?;
    tx.pragma_update(None, "user_version", 9)?;
    Ok(tx.commit()?)
}

/// Fills what version 8 adds, but to the answers.
pub(super) fn fill_eighth(db: &Connection) -> Result<(), StateError> {
    Ok(db.execute_batch(
        "UPDATE details SET sequence = asked_at; \
         INSERT INTO meta (name, value) SELECT 'last_sequence', value FROM meta WHERE name = 'last_observed_at' \
         ON CONFLICT DO NOTHING",
    )?)
}

/// Fills what version 7 adds from what earlier versions kept, so that nothing spent is left out: a call that was cut off and
/// answered later may count twice, and of a call that was sent more than once, each time counts unless it was surely free.
pub(super) fn fill_seventh(db: &Connection) -> Result<(), StateError> {
    Ok(db.execute_batch(include_str!("fill_seventh.sql"))?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::state::State;

    #[test]
    fn a_state_of_version_1_is_brought_up_with_its_answers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        let db = Connection::open(&file).unwrap();
        db.execute_batch(include_str!("../../tests/fixtures/state-v1.sql")).unwrap();
        db.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
             INSERT INTO answers (run, key, endpoint, params, vendor, observed_at, outcome, attempts, latency_ms, billed, \
             cost, page) VALUES ('r1', 'note_detail {{\"note_id\":\"n1\"}}', 'note_detail', '{{\"note_id\":\"n1\"}}', \
             'justoneapi', 7, 'ok', 1, 9, 'yes', 5, '{{\"notes\":[],\"skipped\":0,\"broken\":0}}');
             INSERT INTO bodies (answer, body) VALUES (1, CAST('text' AS BLOB));"
        ))
        .unwrap();
        drop(db);
        for _ in 0..2 {
            let mut state = State::open(folder.path()).unwrap();
            let turn = state.turn().unwrap();
            let pending = turn.unsealed(1000).unwrap();
            assert_eq!(pending[0].answer.body.as_ref().unwrap().bytes(), b"text");
            assert!(turn.latest_fact(&pending[0].answer.call.key()).unwrap().is_some());
        }
        let db = Connection::open(&file).unwrap();
        let columns = |db: &Connection| -> BTreeSet<(String, String)> {
            let sql = "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c";
            let mut statement = db.prepare(sql).unwrap();
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        let new = Connection::open_in_memory().unwrap();
        new.execute_batch(include_str!("schema.sql")).unwrap();
        assert_eq!(columns(&db), columns(&new));
        let tables = |db: &Connection| -> Vec<String> {
            let mut statement =
                db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(tables(&db), tables(&new));
        assert_eq!(db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap(), SCHEMA_VERSION);
    }

    #[test]
    fn a_state_of_version_2_is_brought_up_and_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let run = {
            let mut state = State::open(folder.path()).unwrap();
            let turn = state.turn().unwrap();
            let run = turn.begin_run(jiff::Timestamp::now(), "f").unwrap();
            turn.commit().unwrap();
            run
        };
        let db = Connection::open(folder.path().join("state.sqlite")).unwrap();
        let older = "ALTER TABLE bodies DROP COLUMN version; DROP INDEX answers_key; \
                     ALTER TABLE answers DROP COLUMN sequence; \
                     CREATE INDEX answers_key ON answers (key, observed_at); DROP TABLE details; \
                     ALTER TABLE days DROP COLUMN cost; ALTER TABLE tasks DROP COLUMN sent_at; \
                     ALTER TABLE runs DROP COLUMN spent_calls; ALTER TABLE runs DROP COLUMN spent_cost; \
                     DROP INDEX answers_segment; CREATE INDEX answers_unsealed ON answers (id) WHERE segment IS NULL; \
                     ALTER TABLE segments DROP COLUMN raw_since; ALTER TABLE segments DROP COLUMN told_plain; \
                     ALTER TABLE segments DROP COLUMN told_key; ALTER TABLE segments DROP COLUMN known_as; \
                     DROP TABLE dropped; DROP TABLE shapes; ALTER TABLE tasks DROP COLUMN saved; \
                     ALTER TABLE tasks DROP COLUMN empty_at; ALTER TABLE walks DROP COLUMN earlier_pages; \
                     ALTER TABLE walks DROP COLUMN dropped_type; ALTER TABLE walks DROP COLUMN dropped_published; \
                     ALTER TABLE walks DROP COLUMN dropped_since; ALTER TABLE walks DROP COLUMN decidable; \
                     ALTER TABLE walks DROP COLUMN is_time_ordered; ALTER TABLE walks DROP COLUMN oldest; \
                     ALTER TABLE runs ADD COLUMN reused INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 2";
        db.execute_batch(older).unwrap();
        drop(db);
        std::fs::remove_file(folder.path().join("state.sqlite.sha256")).unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let turn = state.turn().unwrap();
        assert_eq!(turn.latest_run().unwrap().unwrap().id, run.id);
        assert!(turn.shapes(&run.id).unwrap().is_empty());
        let (endpoint, vendor, version) = ("note_detail".into(), "v".into(), "/v1".into());
        let shape = crate::vendor::Shape::default();
        turn.keep_shape(&run.id, &crate::state::KeptShape { endpoint, vendor, version, shape }).unwrap();
        assert_eq!(turn.shapes(&run.id).unwrap().len(), 1);
    }

    #[test]
    fn what_a_state_of_version_5_has_spent_is_counted_in_full() {
        let older = "ALTER TABLE bodies DROP COLUMN version; DROP INDEX answers_key; \
                     ALTER TABLE answers DROP COLUMN sequence; \
                     CREATE INDEX answers_key ON answers (key, observed_at); DROP TABLE details; \
                     ALTER TABLE days DROP COLUMN cost; ALTER TABLE tasks DROP COLUMN sent_at; \
                     ALTER TABLE runs DROP COLUMN spent_calls; ALTER TABLE runs DROP COLUMN spent_cost; \
                     ALTER TABLE tasks DROP COLUMN empty_at; ALTER TABLE walks DROP COLUMN earlier_pages; \
                     ALTER TABLE walks DROP COLUMN dropped_type; ALTER TABLE walks DROP COLUMN dropped_published; \
                     ALTER TABLE walks DROP COLUMN dropped_since; ALTER TABLE walks DROP COLUMN decidable; \
                     ALTER TABLE walks DROP COLUMN is_time_ordered; ALTER TABLE walks DROP COLUMN oldest; \
                     ALTER TABLE shapes ADD COLUMN counted_to INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 5;";
        let answers =
            "INSERT INTO runs (id, started_at, status, fingerprint, cap_calls, cap_cost, lost_calls, lost_cost) \
                       VALUES ('r1', 5, 'complete', 'f', 1, 1, 0, 0), \
                       ('r2', 86400000000, 'running', 'f', 9, 90, 2, 30), ('r3', 5, 'abandoned', '', 0, 0, 0, 0);
             INSERT INTO days (day, calls) VALUES ('1970-01-01', 3), ('1970-01-02', 4);
             INSERT INTO tasks (run, key, endpoint, params, level, rank, status, cost) VALUES \
             ('r2', 'open', 'e', '{}', 0, 1, 'waiting', 7), ('r2', 'done', 'e', '{}', 0, 1, 'done', 500);";
        let answer = |run: &str,
                      note: &str,
                      at: i64,
                      outcome: &str,
                      attempts: u32,
                      billed: &str,
                      cost: i64,
                      copy: u8| {
            format!(
                "INSERT INTO answers (run, key, endpoint, params, vendor, observed_at, outcome, attempts, latency_ms, \
                 billed, cost, page, copy) VALUES ('{run}', 'note_detail {{\"note_id\":\"{note}\"}}', 'note_detail', \
                 '{{\"note_id\":\"{note}\"}}', 'v', {at}, '{outcome}', {attempts}, 1, '{billed}', {cost}, '{{}}', {copy});"
            )
        };
        let day = 86_400_000_000;
        let all = [
            answer("r1", "n1", 5, "ok", 3, "yes", 20, 0),
            answer("r1", "n1", 5, "ok", 3, "yes", 20, 1),
            answer("r1", "n2", 6, "reject", 2, "no", 10, 0),
            answer("r2", "n1", day + 1, "empty", 1, "yes", 40, 0),
            answer("r2", "n3", day + 2, "ok", 1, "unknown", 5, 0),
            answer("r2", "forgotten-0123456789abcdef", day + 3, "ok", 1, "yes", 5, 0),
            // Gone by its code; and never shown.
            answer("r1", "n4", 7, "ok", 1, "no", 0, 0),
            answer("r1", "n4", 8, "empty", 1, "no", 0, 0),
            answer("r1", "n5", 9, "empty", 1, "no", 0, 0),
            "UPDATE answers SET vendor_code = '404' WHERE observed_at = 8;".to_owned(),
        ]
        .concat();
        let folder = tempfile::tempdir().unwrap();
        drop(State::open(folder.path()).unwrap());
        let db = Connection::open(folder.path().join("state.sqlite")).unwrap();
        db.execute_batch(&[older, answers, &all].concat()).unwrap();
        drop(db);
        std::fs::remove_file(folder.path().join("state.sqlite.sha256")).unwrap();

        let moment = |micros| jiff::Timestamp::from_microsecond(micros).unwrap();
        let check = |turn: &Turn<'_>, how: &str| {
            let spend = |calls, cost| crate::state::Spend { calls, cost: crate::model::Money::from_micros(cost) };
            assert_eq!(turn.spent_on_day(moment(7)).unwrap(), spend(3, 30), "{how}");
            assert_eq!(turn.spent_on_day(moment(day + 7)).unwrap(), spend(4, 50 + 30 + 7), "{how}");
            // Of r1: three attempts and one; of r2 its cap says more than its answers and what was lost.
            assert_eq!(turn.spent_in_total().unwrap(), spend(4 + 9, 30 + 90), "{how}");
            let due = turn.due_notes("r", moment(day * 9), None, 9).unwrap();
            assert_eq!(due.iter().map(|(.., note)| note.as_str()).collect::<Vec<_>>(), ["n1", "n3"], "{how}");
        };
        // A draft does not bring it up, and sees the same.
        check(&crate::state::Draft::of(folder.path()).unwrap().turn().unwrap(), "draft");
        check(&State::open(folder.path()).unwrap().turn().unwrap(), "state");
    }
}
