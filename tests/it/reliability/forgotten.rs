//! What is forgotten is gone, wherever the command that forgets is cut off, and it never comes back.
//!
//! A dataset with two snapshots is copied for each case. `forget` takes a note and a user out of the copy, on a disk that
//! fails at a drawn step or as a process that is killed at a drawn moment. The next command must end it: no byte of the
//! ids, and of those of the user's notes, is in any file then. Builds, a lost state and further runs bring nothing back.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use notemill::archive;
use notemill::disk::Disk;
use notemill::fetch::Key;
use notemill::flatten::Pseudonyms;
use notemill::forget;
use notemill::model::{Inspection, NoteId, UserId};
use notemill::sandbox::Sandbox;
use notemill::state::{State, hold};
use notemill::vendor::Page;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Runtime;

use super::bad_disk::Failing;
use super::power::open;
use super::{Draws, Promise};
use crate::cli::{Desk, KEY, files};
use crate::support::options;

pub(super) const PROMISE: Promise = Promise {
    name: "deletion holds",
    shown_by: "forget a note and a user; a step of the disk fails, or kill -9; then builds, a lost state, another run",
    must_hold: "0 bytes left, 0 asked again, the books as before",
    ci: 20,
    long: 300,
    show,
};

#[test]
fn deletion_holds() {
    PROMISE.hold();
}

/// A dataset to forget from, and the server that it is from.
struct Template {
    sandbox: Sandbox,
    desk: Desk,
    /// How long `forget` takes.
    life: Duration,
}

/// What jobs ask for beside the tables: nothing; whole objects as columns, with raw answers that go; and pseudonyms, too.
const KINDS: [&str; 3] = [
    "",
    "archive = { retain = \"none\" }\n[columns.notes]\nwhole = { path = \"\", type = \"json\" }\n\
     [columns.authors]\nwhole = { path = \"\", type = \"json\" }\n",
    "archive = { retain = \"none\" }\nprivacy = { pseudonymize_key_env = \"JUSTONEAPI_TOKEN\" }\n\
     [columns.notes]\nwhole = { path = \"\", type = \"json\" }\n",
];

/// Makes the names of the third kind of dataset.
fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(Key::new(KEY).unwrap().keyed_hash().unwrap())
}

fn show(cases: u64) -> String {
    let runtime = Runtime::new().unwrap();
    let templates = KINDS.map(|kind| template(&runtime, kind));
    let (mut broken, mut killed, mut again) = (0, 0, 0);
    for case in 0..cases {
        let template = &templates[(case / 4 % 3) as usize];
        let mut draws = Draws(case);
        let desk = copy(&template.desk);
        let gone = Gone::draw(&desk, &mut draws);
        let billed = cost(&desk);
        if case % 2 == 0 {
            broken += u64::from(forget_on_a_bad_disk(&desk, &gone, case, &mut draws));
        } else {
            killed += u64::from(forget_and_kill(&desk, &gone, template.life * draws.below(1000) as u32 / 1000));
        }
        if !finish(&desk) {
            // The disk failed, or the kill came, before the list was written: nothing is forgotten yet.
            again += 1;
            gone.forget(&desk);
        }
        gone.assert_gone(&desk, case);
        assert_eq!(cost(&desk), billed, "case {case}: the books");
        match case % 4 {
            0 => assert_eq!(desk.code(&["build", "job.toml", "-q"]), 0),
            1 => assert_eq!(desk.code(&["build", "job.toml", "-q", "--from-scratch"]), 0),
            2 => lose_state(&desk),
            _ => run_again(&template.sandbox, &desk, &gone, case),
        }
        gone.assert_gone(&desk, case);
        assert_sound(&desk, case);
    }
    format!("0 bytes left, 0 asked again ({broken} broken, {killed} killed, {again} begun anew)")
}

fn template(runtime: &Runtime, kind: &str) -> Template {
    let sandbox = runtime.block_on(notemill::sandbox::start(options(&["--notes", "60"]))).unwrap();
    let desk = Desk::new(&format!(
        "seeds = [{{ keywords = [\"防晒霜\", \"露营\"], max_pages = 2 }}]\nexpand = {{ author_notes = true }}\n{kind}\
         [vendors.justoneapi]\nbase_url = \"{}\"\n",
        sandbox.base_url()
    ));
    for _ in 0..2 {
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    }
    let trial = copy(&desk);
    let gone = Gone::draw(&trial, &mut Draws(0));
    let alias = pseudonyms().of(&gone.user);
    let tables =
        files(&root(&trial).join("latest")).into_iter().filter(|file| file.to_string_lossy().ends_with(".parquet"));
    let stands = tables.flat_map(|table| texts(&table)).any(|text| text == alias.as_str());
    assert_eq!(stands, kind.contains("pseudonym"), "under which name the user stands");
    let begun = Instant::now();
    gone.forget(&trial);
    Template { sandbox, desk, life: begun.elapsed() }
}

fn copy(desk: &Desk) -> Desk {
    let to = Desk::new(&std::fs::read_to_string(desk.path("job.toml")).unwrap());
    let status = std::process::Command::new("cp").arg("-a").args([desk.path("data"), to.path("data")]).status();
    assert!(status.unwrap().success());
    to
}

fn root(desk: &Desk) -> PathBuf {
    desk.path("data/job")
}

/// What is to be forgotten, with all that goes with it.
struct Gone {
    note: NoteId,
    user: UserId,
    ids: BTreeSet<String>,
}

impl Gone {
    /// Draws a note and a user of a dataset.
    fn draw(desk: &Desk, draws: &mut Draws) -> Self {
        let mut shown = Vec::new();
        let mut state = open(&Disk::machine(), &root(desk)).unwrap();
        let turn = state.turn().unwrap();
        turn.every_page(|_, page| shown.extend(serde_json::from_str::<Page>(page).unwrap().notes)).unwrap();
        let pick = |draws: &mut Draws| shown[draws.below(shown.len() as u64) as usize].clone();
        let note = pick(draws).id;
        let user = pick(draws).author.unwrap();
        let of_user = shown.iter().filter(|note| note.author.as_ref() == Some(&user));
        let mut ids: BTreeSet<String> = of_user.map(|note| note.id.to_string()).collect();
        // In a dataset without pseudonyms, nothing of that name stands anyway.
        ids.extend([note.to_string(), user.to_string(), pseudonyms().of(&user).to_string()]);
        assert!(ids.len() >= 2);
        Self { note, user, ids }
    }

    fn words(&self) -> [&str; 8] {
        ["forget", "job.toml", "-q", "--yes", "--note", self.note.as_str(), "--user", self.user.as_str()]
    }

    fn forget(&self, desk: &Desk) {
        let output = desk.run(&self.words());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(self.ids.iter().all(|id| memchr::memmem::find(&said, id.as_bytes()).is_none()), "ids in the output");
    }

    /// Reads every byte of every file, and every text of every table and segment.
    fn assert_gone(&self, desk: &Desk, case: u64) {
        let mut paths = files(&root(desk));
        paths.sort();
        for path in paths {
            let shown = path.display();
            for id in &self.ids {
                assert!(!shown.to_string().contains(id), "case {case}: {shown}");
            }
            let bytes = std::fs::read(&path).unwrap();
            let texts = if path.extension().is_some_and(|ending| ending == "parquet") { texts(&path) } else { vec![] };
            for id in &self.ids {
                assert!(memchr::memmem::find(&bytes, id.as_bytes()).is_none(), "case {case}: {id} is in {shown}");
                let text = texts.iter().find(|text| text.contains(id.as_str()));
                assert_eq!(text, None, "case {case}: {id} is in {shown}");
            }
        }
    }
}

/// Every text of a Parquet file, in any column.
fn texts(path: &Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap().build().unwrap();
    let mut texts = Vec::new();
    for batch in reader {
        for column in batch.unwrap().columns() {
            let lists = column.as_list_opt::<i32>().map(|list| list.values().clone());
            let column = lists.as_ref().unwrap_or(column);
            texts.extend(column.as_string_opt::<i32>().into_iter().flatten().flatten().map(str::to_owned));
        }
    }
    texts
}

/// Forgets on a disk that fails at a drawn step; tells whether it failed.
fn forget_on_a_bad_disk(desk: &Desk, gone: &Gone, case: u64, draws: &mut Draws) -> bool {
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::Other];
    let failing = Failing::new(draws.below(150), kinds[(case / 2 % 2) as usize]);
    let Ok(mut state) = open(&Disk::of(failing.clone()), &root(desk)) else { return true };
    let aliases = [pseudonyms().of(&gone.user)];
    let done = forget::forget(&mut state, std::slice::from_ref(&gone.note), std::slice::from_ref(&gone.user), &aliases);
    drop(state);
    if let (Ok(_), Some((name, path))) = (&done, failing.failed()) {
        // A link falls back to a copy; what was staged for nothing, and the closing of the state, can wait.
        let shown = path.to_string_lossy();
        let passes = name == "link" || shown.contains(".tmp-") || shown.ends_with("state.sqlite.sha256");
        assert!(passes, "case {case}: {name} {shown} failed, and nobody was told");
    }
    done.is_err()
}

/// Forgets in a process that is killed after a time; tells whether it was.
fn forget_and_kill(desk: &Desk, gone: &Gone, after: Duration) -> bool {
    let mut command = desk.command(&gone.words());
    let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < after {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// What the next command does first; false where nothing is forgotten yet.
fn finish(desk: &Desk) -> bool {
    let mut state = open(&Disk::machine(), &root(desk)).unwrap();
    archive::reconcile(&mut state).unwrap();
    forget::finish(&mut state).unwrap();
    drop(state);
    // A kill may have come when all of this was done, and while the tables were built.
    assert_eq!(desk.code(&["build", "job.toml", "-q"]), 0);
    forget::read(&root(desk)).unwrap().is_some()
}

/// What all answers cost, and how many there are.
fn cost(desk: &Desk) -> (u64, u64) {
    let peek = notemill::state::peek(&root(desk), jiff::Timestamp::now()).unwrap().unwrap();
    (peek.sent, peek.cost.as_micros() as u64)
}

fn lose_state(desk: &Desk) {
    for path in files(&root(desk)) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("state.sqlite") {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(desk.code(&["build", "job.toml", "-q", "--from-scratch"]), 0);
}

/// Runs again, with everything asked again that may be: the vendor's own books tell what was asked.
fn run_again(sandbox: &Sandbox, desk: &Desk, gone: &Gone, case: u64) {
    let before = sandbox.ledger().entries().len();
    let job = std::fs::read_to_string(desk.path("job.toml")).unwrap();
    let seeds = format!(
        "seeds = [{{ notes = [\"{}\"] }}, {{ users = [\"{}\"] }}, {{ keywords = [\"防晒霜\", \"露营\"], max_pages = 2 }}]",
        gone.note, gone.user
    );
    let rest = job.split_once('\n').unwrap().1;
    desk.write("again.toml", &format!("name = \"job\"\nrefresh = {{ details = \"always\" }}\n{seeds}\n{rest}"));
    let output = desk.run(&["run", "again.toml"]);
    assert_eq!(output.status.code(), Some(0), "case {case}: {output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("2 notes or users of the job's seeds are forgotten"), "case {case}: {told}");
    let entries = sandbox.ledger().entries();
    assert!(entries.len() > before, "case {case}: nothing was asked");
    for entry in &entries[before..] {
        assert!(entry.params.values().all(|param| !gone.ids.contains(param)), "case {case}: {} was asked", entry.key());
    }
}

/// Everything on disk is as it should be.
fn assert_sound(desk: &Desk, case: u64) {
    drop(State::open(&root(desk)).unwrap());
    let mut found = Inspection::default();
    let facts = hold(&root(desk)).unwrap().inspect(&mut found).unwrap();
    archive::verify(&root(desk), &facts, &mut found).unwrap();
    notemill::dataset::verify(&root(desk), facts.origin.as_deref(), &mut found).unwrap();
    assert_eq!((found.damage, found.notes), (vec![], vec![]), "case {case}");
}
