//! What each run's answers look like, to be compared with those of the next.

use rusqlite::{OptionalExtension, params};

use super::{StateError, Turn};
use crate::vendor::Shape;

/// What the answers of one endpoint of one vendor look like in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptShape {
    /// The endpoint's name.
    pub endpoint: String,
    /// The vendor's name.
    pub vendor: String,
    /// The path that was called: another version of an endpoint looks different.
    pub version: String,
    /// What the answers look like.
    pub shape: Shape,
}

/// So many answers make a shape that a later run is compared with even if other runs came between.
const ENOUGH: u64 = 10;

impl Turn<'_> {
    /// Returns the shapes of a run as far as they are kept.
    pub fn shapes(&self, run: &str) -> Result<Vec<KeptShape>, StateError> {
        let sql =
            "SELECT endpoint, vendor, version, shape FROM shapes WHERE run = ?1 ORDER BY endpoint, vendor, version";
        let mut statement = self.tx.prepare_cached(sql)?;
        let rows = statement.query_map([run], |row| {
            let shape: String = row.get(3)?;
            let shape = Shape::parse(&shape);
            Ok(shape.map(|shape| (row.get(0), row.get(1), row.get(2), shape)))
        })?;
        let mut kept = Vec::new();
        for row in rows {
            // One that a later version wrote otherwise is counted anew.
            let Some((endpoint, vendor, version, shape)) = row? else { continue };
            kept.push(KeptShape { endpoint: endpoint?, vendor: vendor?, version: version?, shape });
        }
        Ok(kept)
    }

    /// Keeps what the answers of a run look like.
    pub fn keep_shape(&self, run: &str, kept: &KeptShape) -> Result<(), StateError> {
        let sql = "INSERT INTO shapes (run, endpoint, vendor, version, answers, shape) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT (run, endpoint, vendor, version) DO UPDATE SET \
                   answers = excluded.answers, shape = excluded.shape";
        let KeptShape { endpoint, vendor, version, shape } = kept;
        let values = params![run, endpoint, vendor, version, shape.answers() as i64, shape.to_json()];
        self.tx.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Returns the shape that a run's is compared with, and its run: that of the last finished run that asked the same
    /// and was answered often enough to say something, else of the last finished run.
    pub fn shape_before(&self, run: &str, kept: &KeptShape) -> Result<Option<(String, Shape)>, StateError> {
        let sql = "SELECT run, shape FROM shapes JOIN runs ON runs.id = run \
                   WHERE endpoint = ?2 AND vendor = ?3 AND version = ?4 AND status = 'complete' AND answers > 0 \
                   AND started_at < (SELECT started_at FROM runs WHERE id = ?1) \
                   ORDER BY answers >= ?5 DESC, started_at DESC LIMIT 1";
        let values = params![run, kept.endpoint, kept.vendor, kept.version, ENOUGH as i64];
        let row = self.tx.prepare_cached(sql)?.query_row(values, |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
        Ok(row.optional()?.and_then(|(run, shape)| Some((run, Shape::parse(&shape)?))))
    }

    /// Drops the shapes that no later run will be compared with.
    pub(super) fn drop_old_shapes(&self) -> Result<(), StateError> {
        let sql = "DELETE FROM shapes WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id = run AND status = 'complete') \
                   OR EXISTS (SELECT 1 FROM shapes AS later JOIN runs ON runs.id = later.run \
                       WHERE runs.status = 'complete' \
                       AND (later.endpoint, later.vendor, later.version) = (shapes.endpoint, shapes.vendor, shapes.version) \
                       AND (later.answers >= ?1 OR shapes.answers < ?1) \
                       AND runs.started_at > (SELECT started_at FROM runs WHERE id = shapes.run))";
        self.tx.execute(sql, [ENOUGH as i64])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use jiff::Timestamp;

    use super::*;
    use crate::json::tape_of;
    use crate::state::{RunStatus, State};

    fn kept(answers: usize) -> KeptShape {
        let mut shape = Shape::default();
        (0..answers).for_each(|_| shape.count(tape_of(&json!({"a": 1})).root(), "call"));
        KeptShape { endpoint: "note_detail".into(), vendor: "v".into(), version: "/v1".into(), shape }
    }

    /// Begins a run, finishes it if it should, and keeps a shape of so many answers.
    fn run(turn: &Turn<'_>, answers: usize, status: RunStatus) -> String {
        let run = turn.begin_run(Timestamp::now(), "").unwrap().id;
        turn.keep_shape(&run, &kept(answers)).unwrap();
        turn.set_run(&run, status, Timestamp::now()).unwrap();
        run
    }

    fn count(turn: &Turn<'_>) -> i64 {
        turn.tx.query_row("SELECT count(*) FROM shapes", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_run_is_compared_with_the_last_that_says_something() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let turn = state.turn().unwrap();
        let before = |run: &str| turn.shape_before(run, &kept(1)).unwrap().map(|(run, shape)| (run, shape.answers()));
        let first = run(&turn, 3, RunStatus::Complete);
        assert_eq!(before(&first), None);
        let second = run(&turn, 20, RunStatus::Complete);
        assert_eq!(before(&second), Some((first, 3)));
        let third = run(&turn, 2, RunStatus::Complete);
        assert_eq!(before(&third), Some((second.clone(), 20)));
        let abandoned = run(&turn, 90, RunStatus::Abandoned);
        let last = run(&turn, 50, RunStatus::Running);
        assert_eq!((before(&abandoned), before(&last)), (Some((second.clone(), 20)), Some((second, 20))));
        let other = KeptShape { version: "/v2".into(), ..kept(9) };
        assert_eq!(turn.shape_before(&last, &other).unwrap(), None, "another version looks different");
        // What is left: the second, the third, and the last, which is not finished.
        assert_eq!(count(&turn), 3);
        for _ in 0..50 {
            run(&turn, 12, RunStatus::Complete);
        }
        assert!(count(&turn) <= 2, "shapes do not pile up");
    }
}
