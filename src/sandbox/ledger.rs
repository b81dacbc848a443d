//! The vendor's own books: every call that came, and whether it was billed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::model::Endpoint;

/// Records every call before it is answered; clones share the same books.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

/// One call that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 1, in the order of arrival.
    pub number: u64,
    /// The vendor that was asked.
    pub vendor: &'static str,
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The parameters in words that belong to no vendor, defaults filled in, without the key.
    pub params: BTreeMap<&'static str, String>,
    /// Whether the call is charged for.
    pub billed: bool,
    /// The code that was sent, or the fault in its place: `html`, `cut`, `reset`, `slow`.
    pub code: String,
}

impl Entry {
    /// Returns what makes two calls the same: vendor, endpoint and parameters.
    pub fn key(&self) -> String {
        let params: Vec<String> = self.params.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        format!("{} {} {}", self.vendor, self.endpoint, params.join(" "))
    }
}

#[derive(Debug, Default)]
struct Books {
    entries: Vec<Entry>,
    billed: u64,
    file: Option<File>,
}

impl Ledger {
    /// Opens a ledger that also adds a line of JSON to a file for every call.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        Ok(Self(Arc::new(Mutex::new(Books { file, ..Books::default() }))))
    }

    /// Adds a call whose code depends on what is billed so far; it is on disk when this returns.
    pub(super) fn record(
        &self,
        vendor: &'static str,
        endpoint: Endpoint,
        params: &BTreeMap<&'static str, String>,
        decide: impl FnOnce(u64) -> (String, bool),
    ) -> io::Result<()> {
        let mut books = self.books();
        let (code, billed) = decide(books.billed);
        let number = books.entries.len() as u64 + 1;
        let entry = Entry { number, vendor, endpoint, params: params.clone(), billed, code };
        if let Some(file) = &mut books.file {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_data()?;
        }
        books.billed += u64::from(billed);
        books.entries.push(entry);
        Ok(())
    }

    /// Returns how many calls came.
    pub fn calls(&self) -> u64 {
        self.books().entries.len() as u64
    }

    /// Returns how many calls were billed.
    pub fn billed(&self) -> u64 {
        self.books().billed
    }

    /// Returns how many calls came for an endpoint.
    pub fn count(&self, endpoint: Endpoint) -> u64 {
        self.books().entries.iter().filter(|entry| entry.endpoint == endpoint).count() as u64
    }

    /// Lists all calls in the order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        self.books().entries.clone()
    }

    /// Lists the keys ([`Entry::key`]) of calls that were billed more than once, sorted.
    pub fn paid_twice(&self) -> Vec<String> {
        let mut times = BTreeMap::<String, u64>::new();
        for entry in self.books().entries.iter().filter(|entry| entry.billed) {
            *times.entry(entry.key()).or_default() += 1;
        }
        times.into_iter().filter(|(_, times)| *times > 1).map(|(key, _)| key).collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Every change is one push, so the books are good even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ledger: &Ledger, note: &str, billed: bool) {
        let params = BTreeMap::from([("note_id", note.to_owned())]);
        ledger.record("justoneapi", Endpoint::NoteDetail, &params, |_| ("0".into(), billed)).unwrap();
    }

    #[test]
    fn what_was_paid_twice_is_told() {
        let ledger = Ledger::default();
        for (note, billed) in [("a", false), ("a", true), ("b", true), ("b", true), ("c", false), ("c", false)] {
            record(&ledger.clone(), note, billed);
        }
        assert_eq!((ledger.calls(), ledger.billed()), (6, 3));
        assert_eq!((ledger.count(Endpoint::NoteDetail), ledger.count(Endpoint::UserNotes)), (6, 0));
        assert_eq!(ledger.paid_twice(), ["justoneapi note_detail note_id=\"b\""]);
    }

    #[test]
    fn the_file_holds_a_line_for_every_call_and_is_never_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        for _ in 0..2 {
            record(&Ledger::open(Some(&path)).unwrap(), "a\nb", true);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let line = r#"{"number":1,"vendor":"justoneapi","endpoint":"note_detail","params":{"note_id":"a\nb"},"billed":true,"code":"0"}"#;
        assert_eq!(text, format!("{line}\n{line}\n"));
    }
}
