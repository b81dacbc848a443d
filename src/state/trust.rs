//! What shows that `state.sqlite` is as it was left: its SHA-256 beside it, and its log.
//!
//! SQLite's pages carry no checksum, its log's do. So while the state is open, everything new stays in the log, the file
//! itself does not change, and the checksum beside it holds. Only [`fold`] moves the log into the file: the checksum goes
//! first, and comes back when the file is whole.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

use super::{APPLICATION_ID, SCHEMA_VERSION, StateError, verify, wal};
use crate::disk::{Disk, doing};
use crate::model::hex;

/// How long a lock of SQLite is waited for: its readers hold none for long.
const BUSY: Duration = Duration::from_secs(5);
/// The second line of the checksum's file while a log belongs to the state.
const IN_USE: &str = "# in use: state.sqlite-wal belongs to it\n";
/// Begins the line that says how often the state was opened by then: the log alone holds the same number.
const OPENED: &str = "# opened ";

/// Says how the state was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// There is no state, and nothing tells of an earlier one.
    New,
    /// There was a state, and it is gone.
    Gone,
    /// Every byte is what was written.
    Sure,
    /// Another program has moved the log into the file, as one that only reads may do after a kill, or if it was open when
    /// the last command ended.
    Folded {
        /// How often the state was opened when the log began.
        opened: i64,
    },
    /// Nothing vouches for the file: an older copy was put back, or a kill came while the log was folded in.
    Unsure,
}

/// Looks at the state's files before SQLite does; nothing is changed.
pub(super) fn left(file: &Path) -> Result<Left, StateError> {
    let damaged = |reason: &str| {
        Err(StateError::Damaged { file: file.to_owned(), reason: reason.into(), log_alone: file.exists() })
    };
    let sum = sum_of(file);
    let noted = match fs::read_to_string(&sum) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Some(String::new()),
        Err(error) => doing("read", &sum, Err(error))?,
    };
    let has_log = wal::has_content(file);
    if !file.exists() {
        return match (has_log, noted) {
            (true, _) => damaged("it is gone, and its log `state.sqlite-wal` is still there"),
            (false, Some(_)) => Ok(Left::Gone),
            (false, None) => Ok(Left::New),
        };
    }
    let is_closed = noted.as_ref().is_some_and(|noted| !noted.contains(IN_USE.trim_end()));
    if let Some(noted) = &noted {
        let own = sha256(file, &doing("open", file, File::open(file))?)?;
        if noted.get(..64) != Some(&own) {
            return match opened(noted) {
                Some(opened) if !has_log => Ok(Left::Folded { opened }),
                _ => Err(StateError::Changed { file: file.to_owned() }),
            };
        }
        if !is_closed && !has_log {
            return damaged("its log `state.sqlite-wal` is gone");
        }
    }
    // Beside a state that was closed, a log holds nothing that is not in the file.
    if has_log && !is_closed {
        let log = wal::beside(file, "-wal");
        if let Some(reason) = doing("read", &log, wal::damage(file))? {
            return damaged(reason);
        }
    }
    Ok(if noted.is_some() { Left::Sure } else { Left::Unsure })
}

/// Returns how often the state was opened when its log began, as the checksum's file says it while a log belongs to it.
fn opened(noted: &str) -> Option<i64> {
    noted.lines().find_map(|line| line.strip_prefix(OPENED)?.parse().ok())
}

/// Checks a file that another program has moved the log into: its number of openings, which only that log held, and every
/// record.
pub(super) fn check_folded(db: &Connection, file: &Path, opened: i64) -> Result<(), StateError> {
    let own = openings(db).map_err(|error| StateError::opening(file, error))?;
    if own == Some(opened) && verify::is_sound(db, file)? {
        return Ok(());
    }
    Err(StateError::Changed { file: file.to_owned() })
}

/// Returns how often the state was opened.
pub(super) fn openings(db: &Connection) -> rusqlite::Result<Option<i64>> {
    db.query_row("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'opened'", [], |row| row.get(0)).optional()
}

/// The state's file, open beside SQLite for as long as SQLite has it open: whoever closes a file gives up all locks that
/// the process has on it, SQLite's too.
#[derive(Debug)]
pub(super) struct Image {
    path: PathBuf,
    file: File,
    /// How long the log was when a reader held it back; it is left alone until it has grown as long again.
    held_back: Cell<u64>,
}

impl Image {
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path) -> Result<Self, StateError> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        Ok(Self { path: path.to_owned(), file: doing("open", path, file)?, held_back: Cell::new(0) })
    }

    /// Writes down the checksum of the file as it is now.
    fn note_sum(&self, disk: &Disk, use_line: &str) -> Result<(), StateError> {
        let text = format!("{}  state.sqlite\n{use_line}", sha256(&self.path, &self.file)?);
        Ok(disk.replace_file(&sum_of(&self.path), text.as_bytes())?)
    }
}

/// Begins to use an opened state: from here on the log belongs to it.
pub(super) fn begin_use(db: &Connection, image: &Image, disk: &Disk) -> Result<(), StateError> {
    // The file itself changes in `fold` only.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    // The log must hold something before the checksum's file says so.
    db.execute(
        "INSERT INTO meta (name, value) VALUES ('opened', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
        [],
    )?;
    let opened = openings(db)?.unwrap_or_default();
    image.note_sum(disk, &format!("{IN_USE}{OPENED}{opened}\n"))
}

/// Moves the log into the file; tells whether nobody's reading held it back.
pub(super) fn fold(db: &Connection, image: &Image, disk: &Disk) -> Result<bool, StateError> {
    forget(disk, &image.path)?;
    // A reader is not waited for: calls are on their way meanwhile.
    db.busy_timeout(Duration::ZERO)?;
    let busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    db.busy_timeout(BUSY)?;
    let is_whole = match busy.map_err(StateError::from) {
        // Another program has it to itself for now.
        Err(StateError::Busy { .. }) => false,
        busy => busy? == 0,
    };
    if !is_whole {
        // SQLite syncs the file only when all of the log is in it.
        doing("sync", &image.path, image.file.sync_all())?;
    }
    image.held_back.set(if is_whole { 0 } else { log_length(&image.path) });
    Ok(is_whole)
}

/// Moves what a killed command left in the log into the file: a new log begins, without torn writes of an older one.
pub(super) fn fold_leftover(db: &Connection, image: &Image, disk: &Disk) -> Result<(), StateError> {
    if wal::has_content(&image.path) { fold(db, image, disk).map(|_| ()) } else { Ok(()) }
}

fn log_length(file: &Path) -> u64 {
    fs::metadata(wal::beside(file, "-wal")).map_or(0, |log| log.len())
}

/// Moves the log into the file where it has grown long; the state stays in use.
pub(super) fn fold_if_long(db: &Connection, image: &Image, disk: &Disk, longest: u64) -> Result<(), StateError> {
    let file = fs::metadata(&image.path).map_or(0, |file| file.len());
    if log_length(&image.path) > image.held_back.get() + longest.max(file / 4) {
        fold(db, image, disk)?;
        begin_use(db, image, disk)?;
    }
    Ok(())
}

/// Ends the use of a state in good order.
pub(super) fn end_use(db: &Connection, image: &Image, disk: &Disk) -> Result<(), StateError> {
    if fold(db, image, disk)? {
        return image.note_sum(disk, "");
    }
    // What a reader holds back stays in the log. When the reader ends, SQLite moves it into the file: the new number of
    // openings is the log's last commit, so a file that holds the number holds all of the log.
    match begin_use(db, image, disk).map_err(|error| error.at(&image.path)) {
        Err(StateError::Busy { .. }) => image.note_sum(disk, IN_USE),
        begun => begun,
    }
}

/// Removes the checksum: the file is about to change.
pub(super) fn forget(disk: &Disk, file: &Path) -> Result<(), StateError> {
    Ok(disk.remove_file(&sum_of(file))?)
}

/// Opens a state of ours to look at it only; returns its version, too: 0 if nothing is in it yet.
pub(super) fn look_at(file: &Path) -> Result<(Connection, i64), StateError> {
    let unread = |error: rusqlite::Error| StateError::opening(file, error);
    let db = look(file).map_err(unread)?;
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(unread);
    let (version, owner) = (pragma("user_version")?, pragma("application_id")?);
    if is_bare(&db).map_err(unread)? {
        return Ok((db, 0));
    }
    if owner != APPLICATION_ID {
        return Err(StateError::damaged(file, "another program wrote it"));
    }
    if version > SCHEMA_VERSION {
        return Err(StateError::Version { found: version });
    }
    Ok((db, version))
}

/// Tells whether nothing is in a state yet: a command ended before it had made its tables.
pub(super) fn is_bare(db: &Connection) -> rusqlite::Result<bool> {
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((pragma("user_version")?, pragma("application_id")?, tables) == (0, 0, 0))
}

/// Opens the state to look at it only: no file is made or changed, and another process may be at work on it.
pub(super) fn look(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    if !wal::has_content(file) {
        return Connection::open_with_flags(address(file, "immutable=1"), flags);
    }
    if wal::beside(file, "-shm").exists() {
        return Connection::open_with_flags(address(file, "mode=ro&readonly_shm=1"), flags);
    }
    // Without the log's index nobody is at work; held alone, SQLite keeps it in memory.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    Ok(db)
}

/// Writes a path as SQLite's URIs have it.
fn address(file: &Path, how: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte);
    let path = file
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") });
    format!("file:{}?{how}", path.collect::<String>())
}

fn sum_of(file: &Path) -> PathBuf {
    wal::beside(file, ".sha256")
}

fn sha256(path: &Path, mut file: &File) -> Result<String, StateError> {
    let mut hash = Sha256::new();
    doing("read", path, file.rewind())?;
    let mut bytes = BufReader::with_capacity(1 << 16, file);
    loop {
        let part = doing("read", path, bytes.fill_buf())?;
        if part.is_empty() {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(part);
        let length = part.len();
        bytes.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{State, hold, peek};

    /// A state that was killed: its files as they stand while it is open, after some turns.
    fn killed() -> tempfile::TempDir {
        let (live, left) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut state = State::open(live.path()).unwrap();
        state.claim_origin("sandbox").unwrap();
        for second in 1..=4 {
            let turn = state.turn().unwrap();
            turn.begin_run(jiff::Timestamp::from_second(second).unwrap(), "f").unwrap();
            turn.commit().unwrap();
        }
        copy(live.path(), left.path());
        left
    }

    fn copy(from: &Path, to: &Path) {
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }

    fn runs(folder: &Path) -> Result<i64, StateError> {
        let state = State::open(folder)?;
        Ok(state.db.query_row("SELECT count(*) FROM runs", [], |row| row.get(0))?)
    }

    fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_flip_in_a_closed_state_is_seen_and_an_older_copy_is_taken_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        drop(State::open(folder.path()).unwrap());
        let older = fs::read(&file).unwrap();
        assert!(State::open(folder.path()).unwrap().doubt().is_none());
        fs::write(&file, older).unwrap();
        assert!(matches!(State::open(folder.path()), Err(StateError::Changed { .. })));
        fs::remove_file(sum_of(&file)).unwrap();
        assert!(State::open(folder.path()).unwrap().doubt().is_some());
        let at = fs::metadata(&file).unwrap().len() as usize - 1;
        change(&file, |bytes| bytes[at] ^= 1);
        assert!(matches!(State::open(folder.path()), Err(StateError::Changed { .. })));
    }

    #[test]
    fn every_flip_and_cut_of_a_log_that_loses_commits_is_seen() {
        let whole = killed();
        let log = fs::read(whole.path().join("state.sqlite-wal")).unwrap();
        for at in (0..log.len()).step_by(997).chain([0, 17, 31, 40, log.len() - 1]) {
            for cut in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                copy(whole.path(), folder.path());
                change(
                    &folder.path().join("state.sqlite-wal"),
                    |bytes| {
                        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 }
                    },
                );
                let opened = runs(folder.path());
                assert!(matches!(opened, Err(StateError::Damaged { .. })), "{at} {cut}: {opened:?}");
            }
        }
        assert_eq!(runs(whole.path()).unwrap(), 4);
    }

    #[test]
    fn a_write_that_a_power_loss_tore_is_no_damage() {
        let folder = killed();
        fs::remove_file(folder.path().join("state.sqlite-shm")).unwrap();
        change(&folder.path().join("state.sqlite-wal"), |bytes| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        });
        assert_eq!(runs(folder.path()).unwrap(), 3);
    }

    #[test]
    fn a_log_whose_state_is_gone_and_a_state_whose_log_is_gone_are_damage() {
        for name in ["state.sqlite", "state.sqlite-wal"] {
            let folder = killed();
            fs::create_dir(folder.path().join("archive")).unwrap();
            fs::remove_file(folder.path().join(name)).unwrap();
            assert!(matches!(State::open(folder.path()), Err(StateError::Damaged { .. })), "{name}");
        }
    }

    #[test]
    fn a_log_that_a_harmless_program_moved_into_the_file_is_accepted_and_nothing_else_is() {
        type Harm<'a> = &'a dyn Fn(&Path);
        let browse = |folder: &Path, sql: &str| {
            let db = Connection::open(folder.join("state.sqlite")).unwrap();
            db.execute_batch(sql).unwrap();
        };
        let folder = killed();
        // As whoever closes a database last does by itself.
        browse(folder.path(), "SELECT count(*) FROM sqlite_schema");
        assert!(!wal::has_content(&folder.path().join("state.sqlite")));
        let mut found = crate::model::Inspection::default();
        let facts = hold(folder.path()).unwrap().inspect(&mut found).unwrap();
        assert_eq!((found.damage, found.notes.len(), facts.harm), (vec![], 1, None));
        let state = State::open(folder.path()).unwrap();
        assert!(state.doubt().unwrap().contains("nothing is lost"), "{:?}", state.doubt());
        drop(state);
        assert_eq!(runs(folder.path()).unwrap(), 4);
        assert!(State::open(folder.path()).unwrap().doubt().is_none());

        // An older copy has another number of openings; a new file without its log has none.
        let older = fs::read(killed().path().join("state.sqlite")).unwrap();
        let cases: [(&str, Harm<'_>); 4] = [
            ("an older copy", &|folder| {
                fs::write(folder.join("state.sqlite"), &older).unwrap();
                change(&folder.join("state.sqlite"), |bytes| *bytes.last_mut().unwrap() ^= 1);
            }),
            ("a record", &|folder| browse(folder, "UPDATE runs SET status = 'x'")),
            ("an opening", &|folder| browse(folder, "UPDATE meta SET value = 7 WHERE name = 'opened'")),
            ("a table", &|folder| browse(folder, "DROP TABLE bodies")),
        ];
        for (what, harm) in cases {
            let folder = killed();
            browse(folder.path(), "SELECT count(*) FROM sqlite_schema");
            harm(folder.path());
            assert!(matches!(State::open(folder.path()), Err(StateError::Changed { .. })), "{what}");
        }
    }

    #[test]
    fn a_log_that_a_reader_held_back_is_accepted_once_all_of_it_is_in_the_file() {
        let live = tempfile::tempdir().unwrap();
        let mut state = State::open(live.path()).unwrap();
        let mut begin = |second| {
            let turn = state.turn().unwrap();
            turn.begin_run(jiff::Timestamp::from_second(second).unwrap(), "f").unwrap();
            turn.commit().unwrap();
        };
        begin(1);
        let reader = Connection::open(live.path().join("state.sqlite")).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
        begin(2);
        drop(state);
        let held = tempfile::tempdir().unwrap();
        copy(live.path(), held.path());
        fs::remove_file(held.path().join("state.sqlite-shm")).unwrap();
        // With its log it is as it was left; without it, the file holds less, and each commit of it is missed.
        let log = fs::read(held.path().join("state.sqlite-wal")).unwrap();
        let frame = 24 + 4096;
        for frames in 0..=log.len() / frame {
            let folder = tempfile::tempdir().unwrap();
            copy(held.path(), folder.path());
            change(&folder.path().join("state.sqlite-wal"), |log| log.truncate(32 + frames * frame));
            let is_all = 32 + frames * frame == log.len();
            // As the reader does when it ends.
            let db = Connection::open(folder.path().join("state.sqlite")).unwrap();
            db.execute_batch("SELECT count(*) FROM runs").unwrap();
            drop(db);
            assert!(!wal::has_content(&folder.path().join("state.sqlite")));
            match State::open(folder.path()) {
                Ok(state) => assert!(is_all && state.doubt().unwrap().contains("nothing is lost"), "{frames}"),
                Err(StateError::Changed { .. } | StateError::Damaged { .. }) => assert!(!is_all, "{frames}"),
                Err(error) => panic!("{frames}: {error:?}"),
            }
        }
        assert_eq!(runs(held.path()).unwrap(), 2);
        assert!(State::open(held.path()).unwrap().doubt().is_none());
        drop(reader);
        assert_eq!(runs(live.path()).unwrap(), 2);
    }

    #[test]
    fn looking_changes_nothing() {
        let listed = |folder: &Path| -> Vec<(PathBuf, Vec<u8>)> {
            let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
        };
        let bare = killed();
        fs::remove_file(bare.path().join("state.sqlite-shm")).unwrap();
        let closed = tempfile::tempdir().unwrap();
        drop(State::open(closed.path()).unwrap());
        for folder in [killed(), bare, closed] {
            let before = listed(folder.path());
            peek(folder.path(), jiff::Timestamp::now()).unwrap().unwrap();
            let mut found = crate::model::Inspection::default();
            hold(folder.path()).unwrap().inspect(&mut found).unwrap();
            assert_eq!(found.damage, []);
            assert!(listed(folder.path()) == before, "{:?}", fs::read_dir(folder.path()));
            State::open(folder.path()).unwrap();
        }
    }

    #[test]
    fn a_long_log_is_moved_into_the_file_and_both_stay_covered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        let state = State::open(folder.path()).unwrap();
        let before = fs::read(sum_of(&file)).unwrap();
        fold_if_long(&state.db, &state.image, &state.disk, 1 << 30).unwrap();
        assert_eq!(fs::read(sum_of(&file)).unwrap(), before);
        assert!(fold(&state.db, &state.image, &state.disk).unwrap());
        begin_use(&state.db, &state.image, &state.disk).unwrap();
        assert_ne!(fs::read(sum_of(&file)).unwrap(), before);
        assert_eq!(left(&file).unwrap(), Left::Sure);
    }
}
