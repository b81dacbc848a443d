//! What a file system can do, tried before anything is paid for.

use std::io;
use std::path::Path;

use super::{Disk, DiskError, STAGED, doing};

/// Names of what is made to try a folder, after [`STAGED`].
const FILE: &str = "probe";
const LINK: &str = "probe-link";

/// What a file system lacks of what a dataset would use. A dataset can do without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// It has no symbolic links: exFAT, many network drives.
    pub no_links: bool,
    /// It cannot make a folder's entries durable: old CIFS, vboxsf.
    pub no_folder_sync: bool,
}

impl Disk {
    /// Tries what a dataset does to its folder: write, link, rename over what is there, remove, sync.
    pub(crate) fn probe(&self, folder: &Path) -> Result<Limits, DiskError> {
        self.remove_leftovers(folder, |name| name == FILE || name == LINK)?;
        let [file, link] = [FILE, LINK].map(|name| folder.join(format!("{STAGED}{name}")));
        doing("write", &file, self.0.create(&file))?;
        let no_links = match self.0.symlink(Path::new(FILE), &link) {
            Err(error) if lacks_links(&error) => {
                doing("write", &link, self.0.create(&link))?;
                true
            }
            made => doing("make the link", &link, made).map(|()| false)?,
        };
        doing("put into place", &file, self.0.rename(&link, &file))?;
        doing("remove", &file, self.0.remove_file(&file))?;
        let no_folder_sync = match self.0.sync_folder(folder) {
            Err(error) if lacks_folder_sync(&error) => true,
            synced => doing("sync the folder", folder, synced).map(|()| false)?,
        };
        Ok(Limits { no_links, no_folder_sync })
    }

    /// Tries to write into a folder.
    pub(crate) fn probe_writing(&self, folder: &Path) -> Result<(), DiskError> {
        let file = folder.join(format!("{STAGED}{FILE}"));
        doing("write", &file, self.0.create(&file))?;
        doing("remove", &file, self.0.remove_file(&file))
    }
}

/// Tells whether an error says that there are no symbolic links, and not that making one failed.
pub(super) fn lacks_links(error: &io::Error) -> bool {
    // Linux says EPERM of a file system without links.
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), Unsupported | InvalidInput | PermissionDenied)
}

/// Tells whether an error says that folders cannot be synced, and not that a sync failed.
pub(super) fn lacks_folder_sync(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, Unsupported};
    // EPERM and EBADF, as some systems put it.
    matches!(error.kind(), Unsupported | InvalidInput) || (cfg!(unix) && matches!(error.raw_os_error(), Some(1 | 9)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_told_from_what_failed() {
        if cfg!(target_os = "linux") {
            let is = |lacks: fn(&io::Error) -> bool, code| lacks(&io::Error::from_raw_os_error(code));
            // EPERM, EINVAL, ENOSYS, EOPNOTSUPP; EACCES as Android says it.
            assert!([1, 22, 38, 95, 13].iter().all(|code| is(lacks_links, *code)));
            assert!([1, 9, 22, 38, 95].iter().all(|code| is(lacks_folder_sync, *code)));
            // EIO, ENOSPC, EROFS, EDQUOT, EINTR.
            assert!(![5, 28, 30, 122, 4].iter().any(|code| is(lacks_links, *code) || is(lacks_folder_sync, *code)));
        }
    }

    #[test]
    fn a_probe_leaves_nothing_also_after_one_that_was_killed() {
        let home = tempfile::tempdir().unwrap();
        for name in [".tmp-probe", ".tmp-probe-link"] {
            std::fs::write(home.path().join(name), "x").unwrap();
        }
        let disk = Disk::machine();
        assert_eq!(disk.probe(home.path()).unwrap(), Limits { no_links: cfg!(not(unix)), no_folder_sync: false });
        disk.probe_writing(home.path()).unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
        disk.probe(&home.path().join("absent")).unwrap_err();
    }
}
