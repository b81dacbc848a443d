//! The disk fails at any step: the command says so and stops, and the next one finds all that was kept.
//!
//! Each step of sealing, publishing and telling fails once with each kind of error, inside the program. The state's own writes
//! fail from outside: a limit on the size of files breaks a whole run at a drawn moment of its life.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use notemill::archive::{self, ArchiveError};
use notemill::dataset::{self, BuildError, Effort, Origin};
use notemill::disk::{Disk, Machine, Writes, Writing};
use notemill::flatten::Recipe;
use notemill::model::Answer;
use notemill::observations;
use notemill::state::StateError;

use super::power::{LAYOUT, is_raw_or_retained, keep, open, recover};
use super::{Draws, Promise, fast_folder};
use crate::cli::Desk;
use crate::support::options;

pub(super) const STEPS: Promise = Promise {
    name: "a bad disk loses nothing",
    shown_by: "each write, sync, rename, link and removal of probing, sealing, publishing and telling fails once (ENOSPC, EIO, \
               EINTR, ENOTSUP)",
    must_hold: "told as an error, 0 lost, no sync tried twice",
    ci: 400,
    long: 6_000,
    show: show_steps,
};

pub(super) const RUNS: Promise = Promise {
    name: "a full disk loses nothing",
    shown_by: "a whole run with a drawn limit on the size of its files; then again without",
    must_hold: "exit 1 with a hint, 0 lost, asked again ≤ concurrency",
    ci: 8,
    long: 300,
    show: show_runs,
};

#[test]
fn a_bad_disk_loses_nothing() {
    STEPS.hold();
}

#[test]
fn a_full_disk_loses_nothing() {
    RUNS.hold();
}

#[test]
fn a_disk_that_is_nearly_full_is_told_before_anything_is_sent() {
    let home = fast_folder();
    let folder = home.path().join("data");
    let nearly_full = Failing::new(u64::MAX, io::ErrorKind::StorageFull);
    let state = open(&Disk::of(nearly_full), &folder).unwrap();
    assert!(matches!(state.check_room(), Err(StateError::NoRoom { free: 1_048_576, .. })));
    drop(state);
    if Machine.free(&folder).is_none_or(|free| free > 1 << 30) {
        open(&Disk::machine(), &folder).unwrap().check_room().unwrap();
    }
}

/// Writes to the machine, but fails at one step, and remembers which syncs failed.
#[derive(Clone, Debug)]
pub(super) struct Failing(Arc<Mutex<Fault>>);

#[derive(Debug)]
struct Fault {
    /// Steps until the failure.
    left: u64,
    kind: io::ErrorKind,
    /// What failed: the step and its file.
    failed: Option<(&'static str, PathBuf)>,
    unsynced: BTreeSet<PathBuf>,
    synced_twice: bool,
}

impl Failing {
    pub(super) fn new(left: u64, kind: io::ErrorKind) -> Self {
        let fault = Fault { left, kind, failed: None, unsynced: BTreeSet::new(), synced_twice: false };
        Self(Arc::new(Mutex::new(fault)))
    }

    /// Returns what has failed: the step and its file.
    pub(super) fn failed(&self) -> Option<(&'static str, PathBuf)> {
        self.0.lock().unwrap().failed.clone()
    }

    fn step(&self, name: &'static str, path: &Path) -> io::Result<()> {
        let mut fault = self.0.lock().unwrap();
        let is_sync = name == "sync" || name == "sync folder";
        if name == "create" {
            fault.unsynced.remove(path);
        }
        fault.synced_twice |= is_sync && fault.unsynced.contains(path);
        if fault.left > 0 {
            fault.left -= 1;
            return Ok(());
        }
        if fault.failed.is_some() {
            return Ok(());
        }
        fault.failed = Some((name, path.to_owned()));
        // A sync that the file system lacks has not failed.
        if is_sync && fault.kind != io::ErrorKind::Unsupported {
            fault.unsynced.insert(path.to_owned());
        }
        Err(io::Error::new(fault.kind, "made to fail"))
    }
}

impl Writes for Failing {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.step("make folder", folder)?;
        Machine.make_folder(folder)
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn Writing>> {
        self.step("create", file)?;
        Ok(Box::new(FailingFile { inner: Machine.create(file)?, path: file.to_owned(), failing: self.clone() }))
    }

    fn append(&self, file: &Path) -> io::Result<Box<dyn Writing>> {
        self.step("append", file)?;
        Ok(Box::new(FailingFile { inner: Machine.append(file)?, path: file.to_owned(), failing: self.clone() }))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step("sync folder", folder)?;
        Machine.sync_folder(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename", from)?;
        Machine.rename(from, to)
    }

    fn hard_link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.step("link", name)?;
        Machine.hard_link(file, name)
    }

    fn symlink(&self, to: &Path, link: &Path) -> io::Result<()> {
        self.step("symlink", link)?;
        Machine.symlink(to, link)
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.step("remove", file)?;
        Machine.remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step("remove folder", folder)?;
        Machine.remove_folder(folder)
    }

    fn free(&self, folder: &Path) -> Option<u64> {
        let is_full = self.0.lock().unwrap().kind == io::ErrorKind::StorageFull;
        if is_full { Some(1 << 20) } else { Machine.free(folder) }
    }
}

#[derive(Debug)]
struct FailingFile {
    inner: Box<dyn Writing>,
    path: PathBuf,
    failing: Failing,
}

impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().div_ceil(2)];
        self.failing.step("write", &self.path).or_else(|error| match error.kind() {
            // Whoever is interrupted writes the same once more.
            io::ErrorKind::Interrupted => Err(error),
            _ => self.inner.write(part).and(Err(error)),
        })?;
        self.inner.write(part)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Writing for FailingFile {
    fn sync(&mut self) -> io::Result<()> {
        self.failing.step("sync", &self.path)?;
        self.inner.sync()
    }
}

const KINDS: [io::ErrorKind; 4] =
    [io::ErrorKind::StorageFull, io::ErrorKind::Other, io::ErrorKind::Interrupted, io::ErrorKind::Unsupported];

fn show_steps(cases: u64) -> String {
    let (mut told, mut passed_over, mut step) = (0, 0, 0);
    for case in 0..cases {
        let kinds = KINDS.len() as u64;
        let kind = KINDS[(case % kinds) as usize];
        match fail_at(step, kind, case) {
            Some(true) => told += 1,
            Some(false) => passed_over += 1,
            // All steps of this dataset have failed once: begin again with another one.
            None => step = 0,
        }
        step += u64::from(case % kinds == kinds - 1);
    }
    format!(
        "0 lost, no sync tried twice; {told} told, {passed_over} done without (a copy for a link, a write once more, no symbolic link, no sync of a folder)"
    )
}

/// Lets a step fail; tells whether the command failed, too. None if there are not so many steps.
fn fail_at(step: u64, kind: io::ErrorKind, case: u64) -> Option<bool> {
    let home = fast_folder();
    let root = home.path().join("data");
    let mut answers = Vec::new();
    let mut draws = Draws(case);
    // Two snapshots stand; the third is made on a disk that fails.
    for _ in 0..2 {
        grow(&Disk::machine(), &root, &mut answers, &mut draws).unwrap();
    }
    let failing = Failing::new(step, kind);
    let done = grow(&Disk::of(failing.clone()), &root, &mut answers, &mut draws);
    let fault = failing.0.lock().unwrap();
    let (name, path) = fault.failed.as_ref()?;
    let path = path.display();
    assert!(!fault.synced_twice, "case {case}: {path} was synced again after it had failed");
    let latest = dataset::latest(&root).unwrap().unwrap();
    let whole = dataset::Manifest::read(&dataset::snapshot_folder(&root, latest)).unwrap();
    assert!(whole.snapshot == 2 || whole.snapshot == 3, "case {case}: {name} {path}");
    let found = recover(&root).unwrap_or_else(|error| panic!("case {case}: {name} {path}: {error:?}"));
    let kept_as_they_were = answers.iter().zip(&found).all(|(kept, found)| is_raw_or_retained(kept, found));
    assert!(found.len() >= answers.len() && kept_as_they_were, "case {case}: {name} {path}: lost");
    grow(&Disk::machine(), &root, &mut found.clone(), &mut draws).unwrap();
    let left = walk(&root).into_iter().filter(|path| path.to_string_lossy().contains(".tmp-")).collect::<Vec<_>>();
    assert_eq!(left, [""; 0].map(PathBuf::from), "case {case}: {name} {path}: left over");
    if done.is_ok() {
        // A link falls back to a copy, and a write that was interrupted goes on; a file system may lack symbolic links and
        // syncs of folders, and says so at once.
        let passes = match kind {
            io::ErrorKind::Interrupted => ["link", "write"].contains(name),
            io::ErrorKind::Unsupported => ["link", "symlink", "sync folder"].contains(name),
            _ => *name == "link",
        };
        assert!(passes, "case {case}: {name} {path} failed with {kind:?}, and nobody was told");
    }
    Some(done.is_err())
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Build(#[from] BuildError<ArchiveError>),
}

/// Does what a run does with its answers: keep, seal, publish, and let the raw ones of the run before go.
fn grow(disk: &Disk, root: &Path, answers: &mut Vec<Answer>, draws: &mut Draws) -> Result<(), Failed> {
    let mut state = open(disk, root).map_err(ArchiveError::from)?;
    state.claim_origin("live").map_err(ArchiveError::from)?;
    archive::reconcile(&mut state)?;
    keep(&mut state, answers, 2, draws);
    archive::seal(&mut state, "r1")?;
    let sealed = archive::segments(&mut state)?;
    dataset::build(&sealed, disk, root, &LAYOUT, &Recipe::default(), Origin::Live, Effort::default())?;
    let until = answers[answers.len().saturating_sub(3)].observed_at;
    archive::expire(&mut state, until, false, |answers| observations::retain_all(&Recipe::default(), answers))?;
    Ok(())
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inner = |path: PathBuf| if path.is_dir() && !path.is_symlink() { walk(&path) } else { Vec::new() };
    entries.flat_map(|path| [vec![path.clone()], inner(path)].concat()).collect()
}

const CONCURRENCY: u64 = 8;

fn show_runs(cases: u64) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = runtime.block_on(notemill::sandbox::start(options(&["--notes", "80"]))).unwrap();
    let job = format!(
        "seeds = [{{ keywords = [\"防晒霜\", \"露营\"], max_pages = 2 }}]\n\
         [vendors.justoneapi]\nconcurrency = {CONCURRENCY}\nbase_url = \"{}\"\n",
        sandbox.base_url()
    );
    assert_eq!(Desk::new(&job).code(&["run", "job.toml", "-q"]), 0);
    let wanted = sandbox.ledger().calls();
    let (mut broken, mut again) = (0, 0);
    for case in 0..cases {
        let desk = Desk::new(&job);
        let before = sandbox.ledger().calls();
        // In blocks of 512 bytes; the signal that would come with it is not wanted.
        let limit = 8 + Draws(case).below(9000);
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" run job.toml -q")])
            .arg(env!("CARGO_BIN_EXE_notemill"))
            .current_dir(desk.folder.path())
            .env("JUSTONEAPI_TOKEN", "sandbox-key")
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        if output.status.code() != Some(0) {
            assert_eq!(output.status.code(), Some(1), "case {case}, limit {limit}: {stderr}");
            assert!(stderr.contains("error: ") && stderr.contains("hint: "), "case {case}, limit {limit}: {stderr}");
            broken += 1;
        }
        if output.status.code() == Some(1) {
            assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0, "case {case}, limit {limit}");
        }
        let extra = sandbox.ledger().calls() - before - wanted;
        assert!(extra <= CONCURRENCY, "case {case}, limit {limit}: {extra} calls were asked again");
        again += extra;
    }
    format!("0 lost; {broken} of {cases} runs broke, {again} calls asked again")
}
