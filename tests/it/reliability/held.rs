//! A vendor that answers some calls and holds the others until it is told to let go: what a run does meanwhile is
//! certain, without sleeping.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::runtime::Runtime;

use crate::scripted::{Asked, DETAIL, Reply, Scripted, full, listed, note_id, ok};

/// How many calls may still pass; none is any number.
struct Gate {
    passes: Mutex<Option<u64>>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut passes = self.passes.lock().unwrap();
        match &mut *passes {
            Some(0) => drop(self.opened.wait_while(passes, |passes| passes.is_some()).unwrap()),
            Some(passes) => *passes -= 1,
            None => {}
        }
    }
}

/// The vendor, with books of its own.
pub(super) struct Held {
    vendor: Scripted,
    gate: Arc<Gate>,
}

impl Held {
    /// Starts a vendor that answers so many calls and holds those that follow; none answers all.
    pub(super) fn start(runtime: &Runtime, passes: Option<u64>) -> Self {
        let gate = Arc::new(Gate { passes: Mutex::new(passes), opened: Condvar::new() });
        let own = Arc::clone(&gate);
        let script = move |asked: &Asked| {
            tokio::task::block_in_place(|| own.pass());
            reply(asked)
        };
        Self { vendor: runtime.block_on(Scripted::start(script)), gate }
    }

    /// Returns a job for so many notes and their authors: two calls for each.
    pub(super) fn job(&self, notes: u32, settings: &str) -> String {
        let ids: Vec<String> = (0..notes).map(|number| note_id(number, 1_700_000_000)).collect();
        let base_url = &self.vendor.base_url;
        format!(
            "dataset = \"data/job\"\nseeds = [{{ notes = {ids:?} }}]\n[vendors.justoneapi]\n\
             base_url = \"{base_url}\"\n{settings}\n"
        )
    }

    /// Answers everything from now on.
    pub(super) fn open(&self) {
        *self.gate.passes.lock().unwrap() = None;
        self.gate.opened.notify_all();
    }

    pub(super) fn calls(&self) -> u64 {
        self.vendor.lines().len() as u64
    }

    /// Waits until so many calls have come.
    pub(super) fn asked(&self, calls: u64) {
        until(&format!("{calls} calls"), || self.calls() >= calls);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.open();
    }
}

/// Waits until something is so; a minute is for ever.
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Every note has an author of its own.
fn reply(asked: &Asked) -> Reply {
    if asked.what != DETAIL {
        return full(asked);
    }
    let mut note = listed(asked.param("noteId"));
    note["user"]["userid"] = json!(format!("u{}", asked.param("noteId")));
    ok(json!([{ "note_list": [note] }]))
}
