//! What a file system is asked to change, one step each: the seam at which tests cut the power or break the disk.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Changes files. Reading needs no seam: what was written is read with the standard library.
pub trait Writes: Debug + Send + Sync {
    /// Makes one folder.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes a file, or empties the one that is there.
    fn create(&self, file: &Path) -> io::Result<Box<dyn Writing>>;
    /// Opens a file to write at its end.
    fn append(&self, file: &Path) -> io::Result<Box<dyn Writing>>;
    /// Makes a folder's entries durable: what was made, renamed or removed in it.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Renames, in place of what is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn hard_link(&self, file: &Path, name: &Path) -> io::Result<()>;
    /// Makes a symbolic link.
    fn symlink(&self, to: &Path, link: &Path) -> io::Result<()>;
    /// Removes a file or a link.
    fn remove_file(&self, file: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;
    /// Returns how many bytes can still be written in a folder; none if the file system does not say.
    fn free(&self, folder: &Path) -> Option<u64>;
}

/// A file that is being written.
pub trait Writing: Write + Debug {
    /// Makes its bytes durable.
    fn sync(&mut self) -> io::Result<()>;
}

impl Writing for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// The file systems of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Writes for Machine {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn Writing>> {
        Ok(Box::new(File::create(file)?))
    }

    fn append(&self, file: &Path) -> io::Result<Box<dyn Writing>> {
        Ok(Box::new(File::options().append(true).open(file)?))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, file: &Path, name: &Path) -> io::Result<()> {
        fs::hard_link(file, name)
    }

    #[cfg(unix)]
    fn symlink(&self, to: &Path, link: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(to, link)
    }

    #[cfg(not(unix))]
    fn symlink(&self, _to: &Path, _link: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }

    #[cfg(unix)]
    fn free(&self, folder: &Path) -> Option<u64> {
        let found = rustix::fs::statvfs(folder).ok()?;
        // Some network drives report no size at all.
        (found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize))
    }

    #[cfg(not(unix))]
    fn free(&self, _folder: &Path) -> Option<u64> {
        None
    }
}
