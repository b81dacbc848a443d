//! Writes that happen, and are written down: what was changed, what was synced, and what the state said at each step.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use notemill::disk::{Writes, Writing};

/// One step, with paths inside the dataset.
#[derive(Clone, Debug)]
pub(super) enum Step {
    MakeFolder(PathBuf),
    Create(PathBuf),
    Write(PathBuf, Vec<u8>),
    SyncFile(PathBuf),
    SyncFolder(PathBuf),
    Rename(PathBuf, PathBuf),
    HardLink(PathBuf, PathBuf),
    Symlink(PathBuf, PathBuf),
    RemoveFile(PathBuf),
    RemoveFolder(PathBuf),
}

/// What the state's files held, by name.
pub(super) type StateFiles = Vec<(String, Vec<u8>)>;

/// What happened, in order.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Step(Step),
    /// The state had changed; SQLite has synced what it holds.
    State(StateFiles),
    /// So many answers are kept: from here on none of them may be lost.
    Kept(usize),
    /// A snapshot is published: from here on it, or a later one, is the latest.
    Published(u64),
}

/// Writes to the machine's file system and keeps a log.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    root: PathBuf,
    log: Arc<Mutex<Vec<Event>>>,
}

impl Logged {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), log: Arc::default() }
    }

    pub(super) fn note(&self, event: Event) {
        let mut log = self.log.lock().unwrap();
        let files = state_files(&self.root);
        let last = log.iter().rev().find_map(|event| if let Event::State(files) = event { Some(files) } else { None });
        if last.is_none_or(|last| *last != files) {
            log.push(Event::State(files));
        }
        log.push(event);
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.log.lock().unwrap().clone()
    }

    fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root)
            .unwrap_or_else(|_| panic!("{} is outside of the dataset", path.display()))
            .to_owned()
    }

    fn step(&self, step: Step) {
        self.note(Event::Step(step));
    }
}

fn state_files(root: &Path) -> StateFiles {
    let names = ["state.sqlite", "state.sqlite-wal"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), fs::read(root.join(name)).ok()?))).collect()
}

impl Writes for Logged {
    fn free(&self, _folder: &Path) -> Option<u64> {
        None
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)?;
        self.step(Step::MakeFolder(self.inside(folder)));
        Ok(())
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn Writing>> {
        let inner = fs::File::create(file)?;
        self.step(Step::Create(self.inside(file)));
        Ok(Box::new(LoggedFile { inner, path: self.inside(file), logged: self.clone() }))
    }

    fn append(&self, file: &Path) -> io::Result<Box<dyn Writing>> {
        let inner = fs::File::options().append(true).open(file)?;
        Ok(Box::new(LoggedFile { inner, path: self.inside(file), logged: self.clone() }))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Folders above the dataset are not looked at.
        if folder.starts_with(&self.root) {
            self.step(Step::SyncFolder(self.inside(folder)));
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        self.step(Step::Rename(self.inside(from), self.inside(to)));
        Ok(())
    }

    fn hard_link(&self, file: &Path, name: &Path) -> io::Result<()> {
        fs::hard_link(file, name)?;
        self.step(Step::HardLink(self.inside(file), self.inside(name)));
        Ok(())
    }

    fn symlink(&self, to: &Path, link: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(to, link)?;
        self.step(Step::Symlink(to.to_owned(), self.inside(link)));
        Ok(())
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)?;
        self.step(Step::RemoveFile(self.inside(file)));
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)?;
        self.step(Step::RemoveFolder(self.inside(folder)));
        Ok(())
    }
}

#[derive(Debug)]
struct LoggedFile {
    inner: fs::File,
    path: PathBuf,
    logged: Logged,
}

impl Write for LoggedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.logged.step(Step::Write(self.path.clone(), bytes[..count].to_vec()));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Writing for LoggedFile {
    fn sync(&mut self) -> io::Result<()> {
        self.logged.step(Step::SyncFile(self.path.clone()));
        Ok(())
    }
}
