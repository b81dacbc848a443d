//! Damage on disk: flipped bits, cuts, files that are gone, older copies. What is damaged is told, or it does not matter.
//!
//! A dataset is made once, and each case damages a copy of it. The moment of a kill is the end of a turn: there the files
//! are copied while the run goes on, and that is what a kill leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use notemill::archive::{self, ArchiveError};
use notemill::crawl::{self, Begin, CrawlError};
use notemill::dataset::{self, Effort, Layout, Manifest, Origin};
use notemill::disk::Disk;
use notemill::fetch::Key;
use notemill::flatten::Recipe;
use notemill::job::Job;
use notemill::model::{Inspection, sha256_hex};
use notemill::sandbox::Sandbox;
use notemill::state::{self, State};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::{Draws, Promise};
use crate::support::{World, hasty, notemill};

pub(super) const TABLES: Promise = Promise {
    name: "tables are trusted",
    shown_by: "flips and cuts in the Parquet files of a snapshot, then `verify` and a build",
    must_hold: "100% seen and named; the next snapshot is whole",
    ci: 500,
    long: 20_000,
    show: show_tables,
};

pub(super) const STATE: Promise = Promise {
    name: "state and archive are trusted",
    shown_by: "`state.sqlite`, its log and segments flipped, cut, deleted, from an older copy; closed and killed; then a run",
    must_hold: "told, or the same answers for the same calls; sealed answers are rebuilt",
    ci: 2_000,
    long: 100_000,
    show: show_state,
};

#[test]
fn tables_are_trusted() {
    TABLES.hold();
}

#[test]
fn state_and_archive_are_trusted() {
    STATE.hold();
}

const JOB: &str = "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 5 }]\n\
                   [vendors.justoneapi]\nconcurrency = 1\n";

/// A folder in memory where the system has one, for a case is mostly waiting for the disk.
fn fast_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), target).unwrap();
        } else if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Flips a bit or cuts the end off; says what was done.
fn harm(path: &Path, draws: &mut Draws) -> String {
    let mut bytes = fs::read(path).unwrap();
    let at = draws.below(bytes.len() as u64) as usize;
    let cut = draws.below(4) == 0;
    if cut {
        bytes.truncate(at);
    } else {
        bytes[at] ^= 1 << draws.below(8);
    }
    fs::write(path, bytes).unwrap();
    format!("{} of {} at {at}", if cut { "a cut" } else { "a flip" }, path.display())
}

fn inspect(dataset: &Path) -> Inspection {
    let mut found = Inspection::default();
    let held = state::hold(dataset).unwrap();
    let facts = held.inspect(&mut found).unwrap();
    archive::verify(dataset, &facts, &mut found).unwrap();
    dataset::verify(dataset, facts.origin.as_deref(), &mut found).unwrap();
    found
}

fn names(found: &Inspection) -> BTreeSet<&Path> {
    found.damage.iter().map(|finding| finding.file.as_path()).collect()
}

fn build(dataset: &Path) -> dataset::Built {
    let mut state = State::open(dataset).unwrap();
    let sealed = archive::segments(&mut state).unwrap();
    let (disk, layout, recipe) = (Disk::machine(), Layout::default(), Recipe::default());
    dataset::build(&sealed, &disk, dataset, &layout, &recipe, Origin::Sandbox, Effort::default()).unwrap()
}

fn show_tables(cases: u64) -> String {
    let runtime = Runtime::new().unwrap();
    let (world, _sandbox) = runtime.block_on(World::sandbox(&["--notes", "60"]));
    runtime.block_on(world.run(JOB));
    let whole = world.dataset().join("data");
    assert_eq!(build(&whole).snapshot, 1);
    assert_eq!(inspect(&whole).damage, []);
    let folder = dataset::snapshot_folder(&whole, 1);
    let manifest = Manifest::read(&folder).unwrap();
    let tables: Vec<&str> = manifest.files().map(|file| file.path.as_str()).collect();
    let mut binary = 0;
    for case in 0..cases {
        let mut draws = Draws(case);
        let home = fast_folder();
        let own = home.path().join("data");
        copy(&whole, &own);
        let path = dataset::snapshot_folder(&own, 1).join(tables[draws.below(tables.len() as u64) as usize]);
        let harmed = harm(&path, &mut draws);
        let found = inspect(&own);
        assert_eq!(names(&found), BTreeSet::from([path.as_path()]), "case {case}, {harmed}: {found:?}");
        if case % 100 == 0 {
            binary += 1;
            let output = notemill().args(["verify"]).arg(&own).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(output.status.code() == Some(6) && text.contains(name), "case {case}, {harmed}: {output:?}");
        }
        let built = build(&own);
        assert_eq!((built.snapshot, built.damaged), (2, vec![path.clone()]), "case {case}, {harmed}");
        let folder = dataset::snapshot_folder(&own, 2);
        let anew = Manifest::read(&folder).unwrap();
        assert_eq!(anew.tables, manifest.tables, "case {case}, {harmed}");
        for file in anew.files() {
            let sha256 = sha256_hex(&fs::read(folder.join(&file.path)).unwrap());
            assert_eq!(sha256, file.sha256, "case {case}, {harmed}: {}", file.path);
        }
    }
    format!("{cases} of {cases} seen by `verify` ({binary} by the binary) and by the next build")
}

/// An answer: its call, its outcome, what was admitted, what came.
type Kept = (String, String, Option<Vec<u32>>, Option<Vec<u8>>);

/// What a run tells afterwards: each answer, and how many calls it sent.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    answers: Vec<Kept>,
    sent: u64,
}

/// Why nothing was done.
#[derive(Debug)]
struct Refused(String);

impl From<ArchiveError> for Refused {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Damaged { path, reason } => Self(format!("{}: {reason}", path.display())),
            ArchiveError::State(error) if error.is_damage() => Self(error.to_string()),
            error => panic!("no damage is told, but {error:?}"),
        }
    }
}

impl From<state::StateError> for Refused {
    fn from(error: state::StateError) -> Self {
        ArchiveError::State(error).into()
    }
}

impl From<CrawlError> for Refused {
    fn from(error: CrawlError) -> Self {
        match error {
            CrawlError::State(error) => error.into(),
            CrawlError::Archive(error) => error.into(),
            error => panic!("no damage is told, but {error:?}"),
        }
    }
}

/// The place where every case runs.
struct Place {
    runtime: Runtime,
    sandbox: Sandbox,
    job: Job,
}

impl Place {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (world, sandbox) = runtime.block_on(World::sandbox(&["--notes", "60"]));
        Self { job: world.job(JOB), runtime, sandbox }
    }

    /// Opens a dataset as every command does; returns how many answers were learnt from the archive, if any had to be.
    fn open(dataset: &Path) -> Result<(State, Option<u64>), Refused> {
        let mut state = State::open(dataset)?;
        let learnt = archive::reconcile(&mut state)?;
        let is_told = learnt > 0 || state.doubt().is_some();
        Ok((state, is_told.then_some(learnt)))
    }

    /// Goes on with the dataset's run, or begins one; `watch` sees the end of every turn.
    fn run(&self, dataset: &Path, max_calls: Option<u64>, watch: &mut dyn FnMut()) -> Result<(Told, bool), Refused> {
        let (mut state, learnt) = Self::open(dataset)?;
        let mut job = self.job.clone();
        dataset.clone_into(&mut job.dataset);
        job.budget.max_calls = max_calls;
        let before = self.sandbox.ledger().calls();
        let begun = crawl::begin(&job, &mut state, Begin::Continue)?;
        let keys: BTreeMap<String, Key> =
            job.vendors.keys().map(|name| (name.clone(), Key::new("sandbox-key").unwrap())).collect();
        let (_sender, stop) = watch::channel(false);
        let mut watch = |_: &crawl::Progress| watch();
        let run = crawl::run(&job, &mut state, &begun, &keys, hasty(), stop, &mut watch);
        let ended = self.runtime.block_on(run)?;
        let mut answers = Vec::new();
        for answer in archive::answers(&mut state)? {
            let answer = answer?;
            answers.push((
                answer.call.key(),
                answer.outcome.to_string(),
                answer.admitted,
                answer.body.map(|body| body.bytes().to_vec()),
            ));
        }
        crawl::close(&mut state, &begun, &ended)?;
        answers.sort();
        answers.dedup();
        Ok((Told { answers, sent: self.sandbox.ledger().calls() - before }, learnt.is_some()))
    }
}

/// A dataset to damage, and what its next run tells if nobody does.
struct Base {
    home: TempDir,
    undisturbed: Told,
    sealed: u64,
}

impl Base {
    fn new(place: &Place, home: TempDir) -> Self {
        let twin = fast_folder();
        copy(home.path(), twin.path());
        let (mut state, learnt) = Place::open(twin.path()).unwrap();
        assert_eq!(learnt, None);
        let sealed = archive::answers(&mut state).unwrap().count() as u64;
        drop(state);
        let (undisturbed, _) = place.run(twin.path(), None, &mut || {}).unwrap();
        Self { home, undisturbed, sealed }
    }

    /// What a run that was stopped, then killed at each turn, then finished leaves; and the state when it was stopped.
    fn all(place: &Place) -> (Vec<Self>, TempDir) {
        let home = fast_folder();
        place.run(home.path(), Some(4), &mut || {}).unwrap();
        let older = fast_folder();
        copy(home.path(), older.path());
        let mut homes = Vec::new();
        let live = home.path().to_owned();
        place
            .run(home.path(), None, &mut || {
                let killed = fast_folder();
                copy(&live, killed.path());
                homes.push(killed);
            })
            .unwrap();
        homes.retain(|killed| killed.path().join("state.sqlite-wal").exists());
        assert!(homes.len() > 3, "there are kills in the midst of a run");
        homes.truncate(12);
        homes.push(home);
        (homes.into_iter().map(|home| Self::new(place, home)).collect(), older)
    }
}

fn show_state(cases: u64) -> String {
    let place = Place::new();
    let (bases, older) = Base::all(&place);
    let (mut refused, mut rebuilt, mut same, mut again) = (0, 0, 0, Vec::new());
    for case in 0..cases {
        let mut draws = Draws(case);
        // Every third case is a state that was closed.
        let at = if draws.below(3) == 0 { bases.len() - 1 } else { draws.below(bases.len() as u64 - 1) as usize };
        let base = &bases[at];
        let home = fast_folder();
        copy(base.home.path(), home.path());
        let (harmed, is_covered) = harm_state(home.path(), older.path(), &mut draws);
        let harmed = format!("case {case} (base {at}), {harmed}");
        match place.run(home.path(), None, &mut || {}) {
            Ok((told, is_told)) => {
                assert!(!is_covered, "not seen: {harmed}");
                assert_eq!(told.answers, base.undisturbed.answers, "wrong answers: {harmed}");
                if is_told {
                    rebuilt += 1;
                } else if told.sent > base.undisturbed.sent {
                    again.push(format!("{} calls: {harmed}", told.sent - base.undisturbed.sent));
                } else {
                    same += 1;
                }
            }
            Err(Refused(reason)) => {
                refused += 1;
                if reason.contains("state") && !reason.contains("archive") {
                    recovers(home.path(), base, &harmed);
                }
            }
        }
    }
    assert_eq!(again, [""; 0], "asked again, and nobody was told");
    format!("0 wrong, 0 asked again in silence; {refused} refused, {rebuilt} rebuilt and told, {same} without effect")
}

/// Damages the state or the archive; says how, and whether it is something that a checksum covers.
fn harm_state(home: &Path, older: &Path, draws: &mut Draws) -> (String, bool) {
    let segments: Vec<PathBuf> =
        files(home).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).collect();
    let own = own_state(home);
    // Mostly the state itself; its log, its index, its checksum and the segments share the rest.
    let path = match draws.below(4) {
        0 | 1 => home.join("state.sqlite"),
        2 => own[draws.below(own.len() as u64) as usize].clone(),
        _ => {
            let all = [own, segments].concat();
            all[draws.below(all.len() as u64) as usize].clone()
        }
    };
    match draws.below(10) {
        0 => {
            fs::remove_file(&path).unwrap();
            (format!("{} deleted", path.display()), false)
        }
        1 => {
            fs::copy(older.join("state.sqlite"), home.join("state.sqlite")).unwrap();
            ("an older copy of the state".into(), false)
        }
        2 => {
            remove_state(home);
            fs::copy(older.join("state.sqlite"), home.join("state.sqlite")).unwrap();
            ("an older copy of the state, put back as the hint says".into(), false)
        }
        _ if fs::metadata(&path).unwrap().len() == 0 => ("nothing: the file is empty".into(), false),
        // A flip in the log may be in frames that an earlier use of it left, and its index is SQLite's own help only.
        _ => (
            harm(&path, draws),
            ["sqlite", "parquet"].iter().any(|end| path.extension().is_some_and(|own| own == *end)),
        ),
    }
}

fn own_state(home: &Path) -> Vec<PathBuf> {
    let is_own =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("state.sqlite"));
    files(home).into_iter().filter(is_own).collect()
}

fn remove_state(home: &Path) {
    for path in own_state(home) {
        fs::remove_file(path).unwrap();
    }
}

/// Follows the hint: with the state moved aside, every sealed answer is known again, and that is told.
fn recovers(home: &Path, base: &Base, harmed: &str) {
    remove_state(home);
    let (_, learnt) = Place::open(home).unwrap_or_else(|Refused(reason)| panic!("{harmed}: {reason}"));
    assert_eq!(learnt, Some(base.sealed), "{harmed}");
}
