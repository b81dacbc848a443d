//! What is forgotten, taken out of the state: out of its records, and out of the pages that records leave behind.

use rusqlite::params;

use super::answers::{Pending, kept};
use super::{State, StateError, Turn, trust};
use crate::model::{Call, Forgotten};

impl State {
    /// Returns 32 random bytes, as hex.
    pub fn random_key(&self) -> Result<String, StateError> {
        Ok(self.db.query_row("SELECT lower(hex(randomblob(32)))", [], |row| row.get(0))?)
    }

    /// Tells whether something was removed since the state was last written anew.
    pub fn is_uncompacted(&self) -> Result<bool, StateError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'uncompacted')";
        Ok(self.db.query_row(sql, [], |row| row.get(0))?)
    }

    /// Writes the state anew, so that no byte of a record that was changed or removed is left in its file or its log.
    ///
    /// # Errors
    ///
    /// The disk failed, or another program's reading holds the log back.
    pub fn compact(&mut self) -> Result<(), StateError> {
        // SQLite's copy stands on disk meanwhile, and not in memory; it holds nothing that was removed.
        self.db.pragma_update(None, "temp_store", "FILE")?;
        self.db.execute_batch("VACUUM")?;
        self.db.execute("DELETE FROM meta WHERE name = 'uncompacted'", [])?;
        self.db.pragma_update(None, "temp_store", "MEMORY")?;
        self.is_torn.set(true);
        let is_whole = trust::fold(&self.db, &self.image, &self.disk)?;
        trust::begin_use(&self.db, &self.image, &self.disk)?;
        self.is_torn.set(false);
        if is_whole { Ok(()) } else { Err(StateError::HeldBack { folder: self.folder.clone() }) }
    }
}

impl Turn<'_> {
    /// Shows every call that was answered, with what the crawl read from it, as JSON.
    pub fn every_page(&self, mut see: impl FnMut(&Call, &str)) -> Result<(), StateError> {
        let mut statement = self.tx.prepare("SELECT id, params, page FROM answers")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, params, page): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            see(&read_call(id, &params)?, &page);
        }
        Ok(())
    }

    /// Changes the records of some answers, and their bodies where they are not sealed; returns how many were changed.
    ///
    /// Why a call was given up is erased, too.
    pub fn rewrite_answers(
        &self,
        ids: &[i64],
        forgotten: &Forgotten,
        mut change: impl FnMut(&mut Pending) -> bool,
    ) -> Result<u64, StateError> {
        let mut changed = 0;
        for id in ids {
            let mut pending = self.answer(*id)?;
            let had_body = pending.answer.body.is_some();
            let is_changed = change(&mut pending);
            let sql = "SELECT reason FROM answers WHERE id = ?1";
            let reason: Option<String> = self.tx.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
            let erased = reason.as_deref().and_then(|reason| forgotten.erased(reason));
            if !is_changed && erased.is_none() {
                continue;
            }
            let Pending { answer, page, .. } = pending;
            let admitted = answer.admitted.as_ref().map(serde_json::to_string).transpose();
            let admitted = admitted.map_err(|error| StateError::Record(error.to_string()))?;
            let sql = "UPDATE answers SET key = ?2, params = ?3, items_path = ?4, admitted = ?5, page = ?6, reason = ?7 \
                       WHERE id = ?1";
            let (key, params) = (answer.call.key(), answer.call.params());
            let row = params![id, key, params, answer.items_path, admitted, page, erased.or(reason)];
            self.tx.prepare_cached(sql)?.execute(row)?;
            match answer.body {
                Some(body) => {
                    let sql = "UPDATE bodies SET body = ?2 WHERE answer = ?1";
                    self.tx.prepare_cached(sql)?.execute(params![id, kept(&body)])?;
                }
                None if had_body => {
                    self.tx.prepare_cached("DELETE FROM bodies WHERE answer = ?1")?.execute([id])?;
                }
                None => {}
            }
            self.stamp_answer(*id)?;
            changed += 1;
        }
        Ok(changed)
    }

    /// Takes what is forgotten out of everything that is no answer: tasks, walks, what is known across runs. `erased`
    /// words a call anew; `cut` says why a walk ended whose next page can be asked no more.
    pub fn forget(
        &self,
        forgotten: &Forgotten,
        erased: impl Fn(&Call) -> Option<Call>,
        cut: &str,
    ) -> Result<(), StateError> {
        self.forget_tasks(&erased, cut)?;
        self.forget_walks(forgotten, &erased)?;
        let texts = |sql: &str, columns: &[usize]| -> Result<Vec<Vec<String>>, StateError> {
            let mut statement = self.tx.prepare(sql)?;
            let rows = statement.query_map([], |row| columns.iter().map(|at| row.get(*at)).collect())?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        for row in texts("SELECT DISTINCT note_id FROM walk_notes", &[0])? {
            self.remove(forgotten, &row, "DELETE FROM walk_notes WHERE note_id = ?1")?;
        }
        for row in texts("SELECT DISTINCT note_id FROM listings", &[0])? {
            self.remove(forgotten, &row, "DELETE FROM listings WHERE note_id = ?1")?;
        }
        for row in texts("SELECT note_id FROM details", &[0])? {
            self.remove(forgotten, &row, "DELETE FROM details WHERE note_id = ?1")?;
        }
        for row in texts("SELECT user_id FROM user_walks", &[0])? {
            self.remove(forgotten, &row, "DELETE FROM user_walks WHERE user_id = ?1")?;
        }
        for row in texts("SELECT user_id, note_id FROM user_notes", &[0, 1])? {
            self.remove(forgotten, &row, "DELETE FROM user_notes WHERE user_id = ?1 AND note_id = ?2")?;
        }
        for row in texts("SELECT DISTINCT shape FROM shapes", &[0])? {
            if let Some(erased) = row.iter().find_map(|shape| forgotten.erased(shape)) {
                self.tx.execute("UPDATE shapes SET shape = ?2 WHERE shape = ?1", params![row.first(), erased])?;
            }
        }
        for row in texts("SELECT DISTINCT cursor FROM walk_cursors", &[0])? {
            if row.iter().any(|cursor| forgotten.stands_in(cursor.as_bytes())) {
                let sql = "DELETE FROM walk_cursors WHERE cursor = ?1";
                self.tx.execute(sql, rusqlite::params_from_iter(&row))?;
            }
        }
        Ok(())
    }

    fn remove(&self, forgotten: &Forgotten, row: &[String], sql: &str) -> Result<(), StateError> {
        if row.iter().any(|id| forgotten.is_id(id)) {
            self.tx.prepare_cached(sql)?.execute(rusqlite::params_from_iter(row))?;
        }
        Ok(())
    }

    /// Removes the tasks that ask for what is forgotten; a page that cannot be asked without it ends its walk.
    fn forget_tasks(&self, erased: impl Fn(&Call) -> Option<Call>, cut: &str) -> Result<(), StateError> {
        let mut statement = self.tx.prepare("SELECT id, params, walk, status FROM tasks")?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, params): (i64, String) = (row.get(0)?, row.get(1)?);
            if let Some(call) = erased(&read_call(id, &params)?) {
                found.push((id, call, row.get::<_, Option<i64>>(2)?, row.get::<_, String>(3)?));
            }
        }
        for (id, call, walk, status) in found {
            if !call.is_forgotten() && status == "done" {
                let sql = "UPDATE tasks SET key = ?2, params = ?3 WHERE id = ?1";
                self.tx.execute(sql, params![id, call.key(), call.params()])?;
                continue;
            }
            self.tx.execute("DELETE FROM tasks WHERE id = ?1", [id])?;
            self.tx.execute("UPDATE walks SET ended = coalesce(ended, ?2) WHERE id = ?1", params![walk, cut])?;
        }
        Ok(())
    }

    /// Removes the walks of users who are forgotten; a search for an id has another word for it then.
    fn forget_walks(&self, forgotten: &Forgotten, erased: impl Fn(&Call) -> Option<Call>) -> Result<(), StateError> {
        let mut statement = self.tx.prepare("SELECT id, name FROM walks")?;
        let names = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for (id, name) in names.collect::<Result<Vec<_>, _>>()? {
            // A walk's name is its endpoint and what does not change from page to page: a profile's call for users.
            let user = name.strip_prefix("user_notes ").and_then(|params| Call::from_params(params).ok());
            if user.and_then(|user| erased(&user)).is_some() {
                for sql in [
                    "DELETE FROM walk_notes WHERE walk = ?1",
                    "DELETE FROM walk_cursors WHERE walk = ?1",
                    "DELETE FROM tasks WHERE walk = ?1",
                    "DELETE FROM walks WHERE id = ?1",
                ] {
                    self.tx.execute(sql, [id])?;
                }
            } else if let Some(name) = forgotten.erased(&name) {
                self.tx.execute("UPDATE walks SET name = ?2 WHERE id = ?1", params![id, name])?;
            }
        }
        Ok(())
    }
}

fn read_call(id: i64, params: &str) -> Result<Call, StateError> {
    Call::from_params(params).map_err(|error| StateError::Record(format!("call {id}: {error}")))
}
