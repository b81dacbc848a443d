//! Things on disk that appear whole or not at all: made beside, synced, renamed, and the folder synced.

mod probe;
mod writes;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use probe::Limits;
pub use writes::{Machine, Writes, Writing};

/// Begins the name of what is not finished; what a killed command left under it is removed by the next.
const STAGED: &str = ".tmp-";

/// Says what could not be done with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct DiskError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Tells an I/O error with what was being done.
pub(crate) fn doing<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T, DiskError> {
    result.map_err(|source| DiskError { action, path: path.to_owned(), source })
}

/// Writes things that appear whole or not at all; nothing of a dataset but its state is written in another way.
#[derive(Clone, Debug)]
pub struct Disk(Arc<dyn Writes>);

impl Disk {
    /// Makes a disk of the machine's file systems.
    pub fn machine() -> Self {
        Self(Arc::new(Machine))
    }

    /// Makes a disk of something that stands in for them, in tests.
    pub fn of(writes: impl Writes + 'static) -> Self {
        Self(Arc::new(writes))
    }

    /// Begins a folder that will stand at `target`.
    pub(crate) fn stage(&self, target: &Path) -> Result<StagedFolder, DiskError> {
        let staged = beside(target);
        self.make_folder_unsynced(&staged)?;
        Ok(StagedFolder {
            disk: self.clone(),
            staged,
            target: target.to_owned(),
            inner: BTreeSet::new(),
            published: false,
        })
    }

    /// Replaces a file in one step.
    pub(crate) fn replace_file(&self, target: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        let staged = beside(target);
        self.write_synced(&staged, bytes)?;
        self.put(&staged, target)
    }

    /// Replaces a symbolic link in one step; returns false if the file system has no links, and then changes nothing.
    pub(crate) fn replace_link(&self, target: &Path, to: &Path) -> Result<bool, DiskError> {
        let staged = beside(target);
        match self.0.symlink(to, &staged) {
            Err(error) if probe::lacks_links(&error) => return Ok(false),
            made => doing("make the link", &staged, made)?,
        }
        self.put(&staged, target)?;
        Ok(true)
    }

    /// Returns how many bytes can still be written in a folder; none if its file system does not say.
    pub(crate) fn free(&self, folder: &Path) -> Option<u64> {
        self.0.free(folder)
    }

    /// Removes a file for good, if it is there.
    pub(crate) fn remove_file(&self, target: &Path) -> Result<(), DiskError> {
        match self.0.remove_file(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => doing("remove", target, removed)?,
        }
        target.parent().map_or(Ok(()), |folder| self.sync_folder(folder))
    }

    /// Removes a folder: out of sight in one step, then for good.
    pub(crate) fn remove_folder(&self, target: &Path) -> Result<(), DiskError> {
        let staged = beside(target);
        self.put(target, &staged)?;
        doing("remove", &staged, self.0.remove_folder(&staged))
    }

    /// Removes what a killed command left unfinished in a folder, if the name is among those that `ours` knows.
    pub(crate) fn remove_leftovers(&self, folder: &Path, ours: impl Fn(&str) -> bool) -> Result<(), DiskError> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => doing("list", folder, entries)?,
        };
        for entry in entries {
            let path = doing("list", folder, entry)?.path();
            let name = path.file_name().and_then(|name| name.to_str()?.strip_prefix(STAGED));
            if name.is_some_and(&ours) {
                let is_folder = doing("look at", &path, path.symlink_metadata())?.is_dir();
                let removed = if is_folder { self.0.remove_folder(&path) } else { self.0.remove_file(&path) };
                doing("remove", &path, removed)?;
            }
        }
        Ok(())
    }

    /// Makes a folder and everything above it, for good.
    pub(crate) fn make_folder(&self, folder: &Path) -> Result<(), DiskError> {
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        let Some(parent) = folder.parent() else { return Ok(()) };
        self.make_folder(parent)?;
        self.make_folder_unsynced(folder)?;
        self.sync_folder(parent)
    }

    fn make_folder_unsynced(&self, folder: &Path) -> Result<(), DiskError> {
        match self.0.make_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => doing("make the folder", folder, made),
        }
    }

    /// Writes at the end of a file that is nothing but a help: it is not synced, and its reader checks it.
    pub(crate) fn append(&self, path: &Path, bytes: &[u8], is_new: bool) -> Result<(), DiskError> {
        let file = if is_new { self.0.create(path) } else { self.0.append(path) };
        doing("write", path, doing("write", path, file)?.write_all(bytes))
    }

    /// Renames a file or a folder that is nothing but a help.
    pub(crate) fn rename_unsynced(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        doing("put into place", to, self.0.rename(from, to))
    }

    /// Removes a file that is nothing but a help.
    pub(crate) fn remove_unsynced(&self, path: &Path) -> Result<(), DiskError> {
        doing("remove", path, self.0.remove_file(path))
    }

    /// Renames, and makes the rename last.
    pub(crate) fn put(&self, staged: &Path, target: &Path) -> Result<(), DiskError> {
        doing("put into place", target, self.0.rename(staged, target))?;
        target.parent().map_or(Ok(()), |folder| self.sync_folder(folder))
    }

    /// A sync that fails is not tried again: the system may have dropped what it could not write.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        let mut file = doing("write", path, self.0.create(path))?;
        doing("write", path, file.write_all(bytes))?;
        doing("sync", path, file.sync())
    }

    /// Makes a folder's entries durable, as far as its file system can: what it lacks, a probe reports.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<(), DiskError> {
        // The parent of a bare name is the working folder.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match self.0.sync_folder(folder) {
            Err(error) if probe::lacks_folder_sync(&error) => Ok(()),
            synced => doing("sync the folder", folder, synced),
        }
    }
}

/// A folder in the making, beside the place where it will stand. Dropped unpublished, it is removed.
#[derive(Debug)]
pub(crate) struct StagedFolder {
    disk: Disk,
    staged: PathBuf,
    target: PathBuf,
    /// Folders inside, parents before their children.
    inner: BTreeSet<PathBuf>,
    published: bool,
}

impl StagedFolder {
    /// Writes a file into it and syncs the file.
    pub(crate) fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let path = self.place(path)?;
        self.disk.write_synced(&path, bytes)
    }

    /// Writes a file into it that is nothing but a help: it is not synced, and its reader checks it.
    pub(crate) fn write_unsynced(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let path = self.place(path)?;
        self.disk.append(&path, bytes, true)
    }

    /// Puts a folder of such files into its place.
    pub(crate) fn publish_unsynced(mut self) -> Result<(), DiskError> {
        self.disk.rename_unsynced(&self.staged, &self.target)?;
        self.published = true;
        Ok(())
    }

    /// Puts a file into it that stands elsewhere: the same bytes on disk where the file system can, else a copy.
    pub(crate) fn link(&mut self, path: &str, existing: &Path) -> Result<(), DiskError> {
        let path = self.place(path)?;
        if self.disk.0.hard_link(existing, &path).is_ok() {
            return Ok(());
        }
        let bytes = doing("read", existing, fs::read(existing))?;
        self.disk.write_synced(&path, &bytes)
    }

    /// Syncs the folder and everything in it, and puts it into its place.
    pub(crate) fn publish(mut self) -> Result<(), DiskError> {
        // Children sort after their parents: the deepest are synced first.
        for folder in self.inner.iter().rev() {
            self.disk.sync_folder(folder)?;
        }
        self.disk.sync_folder(&self.staged)?;
        self.disk.put(&self.staged, &self.target)?;
        self.published = true;
        Ok(())
    }

    /// Returns where a file goes; the folders above it are made.
    fn place(&mut self, path: &str) -> Result<PathBuf, DiskError> {
        let path = self.staged.join(path);
        let mut missing = Vec::new();
        let mut parent = path.parent();
        while let Some(folder) = parent.filter(|folder| **folder != self.staged && !self.inner.contains(*folder)) {
            missing.push(folder.to_owned());
            parent = folder.parent();
        }
        for folder in missing.into_iter().rev() {
            self.disk.make_folder_unsynced(&folder)?;
            self.inner.insert(folder);
        }
        Ok(path)
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now, the next command removes.
            let _ = self.disk.0.remove_folder(&self.staged);
        }
    }
}

fn beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!("{STAGED}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staged_folder_appears_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("000001");
        let mut staged = Disk::machine().stage(&target).unwrap();
        staged.write("notes/published_month=2026-02/a.parquet", b"a").unwrap();
        assert!(!target.exists());
        drop(staged);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);

        let mut staged = Disk::machine().stage(&target).unwrap();
        staged.write("notes/published_month=2026-02/a.parquet", b"a").unwrap();
        staged.publish().unwrap();
        assert_eq!(fs::read(target.join("notes/published_month=2026-02/a.parquet")).unwrap(), b"a");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn an_unchanged_file_is_the_same_bytes_on_disk() {
        use std::os::unix::fs::MetadataExt as _;
        let home = tempfile::tempdir().unwrap();
        let existing = home.path().join("a");
        fs::write(&existing, b"a").unwrap();
        let mut staged = Disk::machine().stage(&home.path().join("next")).unwrap();
        staged.link("t/a", &existing).unwrap();
        staged.publish().unwrap();
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        assert_eq!(inode(&existing), inode(&home.path().join("next/t/a")));
    }

    #[test]
    fn only_our_own_leftovers_are_removed() {
        let home = tempfile::tempdir().unwrap();
        for name in [".tmp-latest", ".tmp-other", "latest"] {
            fs::write(home.path().join(name), b"").unwrap();
        }
        Disk::machine().remove_leftovers(home.path(), |name| name == "latest").unwrap();
        let mut left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".tmp-other", "latest"]);
        Disk::machine().remove_leftovers(&home.path().join("absent"), |_| true).unwrap();
    }

    #[test]
    fn errors_say_what_was_being_done_with_which_file() {
        let home = tempfile::tempdir().unwrap();
        let error = Disk::machine().replace_file(&home.path().join("absent/x"), b"").unwrap_err();
        assert!(error.to_string().starts_with("cannot write `"), "{error}");
    }
}
