//! Notes and users taken out of everything, for good, and kept out.
//!
//! ```text
//! forgotten.json: keyed hashes, pending ──▶ archive ─▶ state ─▶ reports ─▶ kept snapshots ──▶ forgotten.json: not pending
//! ```
//!
//! Each step takes out whatever stands there of what the list knows, and does nothing where nothing stands. So a kill
//! anywhere is gone on with by doing all of them again, which the next command does before anything else.

mod answer;
mod body;
mod list;
mod retained;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{self, ArchiveError};
use crate::dataset::{self, EraseError, ErasedRows};
use crate::disk::{DiskError, doing};
use crate::job::{Job, SeedKind};
use crate::model::{Call, Forgotten, ForgottenError, NoteId, UserId};
use crate::state::{Pending, State, StateError};
use crate::vendor::Page;
pub(crate) use answer::{erase_coming, is_asked_for, is_by_forgotten};
use answer::{erase_kept, erased_call};
use body::erased_json;
pub use list::read;
pub(crate) use list::write;

/// Why a walk ends whose next page can be asked no more.
pub(crate) const FORGOTTEN_CURSOR: &str = "the cursor names what is forgotten";

/// Says why something that is forgotten may still stand in the dataset.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The list of what is forgotten cannot be read.
    #[error("the list of what is forgotten, `{}`, is damaged", path.display())]
    List {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ForgottenError,
    },
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A kept snapshot cannot be read.
    #[error("a snapshot cannot be read, and may hold what is forgotten")]
    Snapshot(#[source] EraseError),
}

/// What was taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Notes that are forgotten with their authors.
    pub notes_of_users: u64,
    /// Ids that were forgotten before.
    pub again: u64,
    /// Other ids that no call asked for and no page showed.
    pub unknown: u64,
    /// Answers that changed or lost their body.
    pub answers: u64,
    /// Segments of the archive that were written anew.
    pub segments: u64,
    /// Run reports that were written anew.
    pub reports: u64,
    /// Rows of kept snapshots.
    pub tables: ErasedRows,
}

/// Forgets notes and users: keeps them out from now on, and takes out what there is of them. No snapshot is built.
///
/// `aliases` are the names under which the users stand in the tables, where those are not their ids.
///
/// # Errors
///
/// Whatever is named, they are kept out once the list is written; the next command goes on with taking out.
pub fn forget(state: &mut State, notes: &[NoteId], users: &[UserId], aliases: &[UserId]) -> Result<Taken, ForgetError> {
    let mut forgotten =
        read(state.folder())?.map_or_else(|| Ok(Forgotten::new(&state.random_key()?)), Ok::<_, ForgetError>)?;
    let Unseen { again, unknown } = unseen(state, notes, users, Some(&forgotten))?;
    for note in notes {
        forgotten.add_note(note);
    }
    for user in users.iter().chain(aliases) {
        forgotten.add_user(user);
    }
    forgotten.set_pending(true);
    write(state.disk(), state.folder(), &forgotten)?;
    Ok(Taken { again, unknown, ..take_out(state, forgotten)? })
}

/// What would be taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// Notes that would be forgotten with their authors.
    pub notes_of_users: u64,
    /// Ids that were forgotten before.
    pub again: u64,
    /// Other ids that no call asked for and no page showed.
    pub unknown: u64,
    /// Answers that asked for them or show them, at least.
    pub answers: u64,
    /// Rows that would go, by table, in each kept snapshot by its number.
    pub rows: BTreeMap<u64, BTreeMap<String, u64>>,
}

/// Says what [`forget`] would take out, and changes nothing.
///
/// # Errors
///
/// The state or a snapshot cannot be read.
pub fn foresee(
    state: &mut State,
    notes: &[NoteId],
    users: &[UserId],
    aliases: &[UserId],
) -> Result<Foreseen, ForgetError> {
    let before = read(state.folder())?;
    let Unseen { again, unknown } = unseen(state, notes, users, before.as_ref())?;
    let mut forgotten = Forgotten::new("");
    for note in notes {
        forgotten.add_note(note);
    }
    for user in users.iter().chain(aliases) {
        forgotten.add_user(user);
    }
    let notes_of_users = add_notes_of_users(state, &mut forgotten)?;
    let mut answers = 0;
    state.turn()?.every_page(|call, page| {
        let names = forgotten.stands_in(call.params().as_bytes()) || forgotten.stands_in(page.as_bytes());
        answers += u64::from(names);
    })?;
    let rows = dataset::erasable(state.folder(), &forgotten).map_err(ForgetError::Snapshot)?;
    Ok(Foreseen { notes_of_users, again, unknown, answers, rows })
}

/// Returns true if a call asked for an id, or a page showed it.
pub fn is_known(state: &mut State, id: &str) -> Result<bool, ForgetError> {
    let mut is_known = false;
    let quoted = format!("\"{id}\"");
    state.turn()?.every_page(|call, page| is_known |= call.params().contains(&quoted) || page.contains(&quoted))?;
    Ok(is_known)
}

/// Leaves out of a job's seeds what is forgotten in its dataset; returns how many notes and users these are.
///
/// # Errors
///
/// The list of what is forgotten cannot be read.
pub fn leave_out(job: &mut Job) -> Result<u64, ForgetError> {
    let Some(forgotten) = read(&job.dataset)? else { return Ok(0) };
    let mut left_out = 0;
    for seed in &mut job.seeds {
        let count = |kind: &SeedKind| match kind {
            SeedKind::Queries(queries) => queries.len(),
            SeedKind::Users(users) => users.len(),
            SeedKind::Notes(notes) => notes.len(),
        };
        let before = count(&seed.kind);
        match &mut seed.kind {
            SeedKind::Queries(_) => {}
            SeedKind::Users(users) => users.retain(|user| !forgotten.has_user(user)),
            SeedKind::Notes(notes) => notes.retain(|note| !forgotten.has_note(note)),
        }
        left_out += (before - count(&seed.kind)) as u64;
    }
    Ok(left_out)
}

/// Goes on with what a kill cut off; none where nothing is to be taken out.
pub fn finish(state: &mut State) -> Result<Option<Taken>, ForgetError> {
    match read(state.folder())? {
        Some(forgotten) if forgotten.is_pending() => take_out(state, forgotten).map(Some),
        _ => Ok(None),
    }
}

/// Looks again whether anything that is forgotten has come back, with a segment or a state that was put back.
pub fn finish_again(state: &mut State) -> Result<Option<Taken>, ForgetError> {
    if let Some(mut forgotten) = read(state.folder())?
        && !forgotten.is_pending()
    {
        forgotten.set_pending(true);
        write(state.disk(), state.folder(), &forgotten)?;
    }
    finish(state)
}

/// Takes everything that is forgotten out of a dataset whose state and archive agree.
fn take_out(state: &mut State, mut forgotten: Forgotten) -> Result<Taken, ForgetError> {
    let mut taken = Taken { notes_of_users: add_notes_of_users(state, &mut forgotten)?, ..Taken::default() };
    if taken.notes_of_users > 0 {
        write(state.disk(), state.folder(), &forgotten)?;
    }
    erase_segments(state, &forgotten, &mut taken)?;
    erase_state(state, &forgotten, &mut taken)?;
    taken.reports = erase_reports(state, &forgotten)?;
    let (disk, dataset) = (state.disk().clone(), state.folder().to_owned());
    taken.tables = dataset::erase(&disk, &dataset, &forgotten, &|text| erased_json(text, &forgotten))
        .map_err(ForgetError::Snapshot)?;
    // What builds keep for themselves can be made again.
    disk.remove_leftovers(&dataset, |name| CACHES.contains(&name) || name == list::FILE)?;
    for cache in CACHES {
        if dataset.join(cache).is_dir() {
            disk.remove_folder(&dataset.join(cache))?;
        }
    }
    forgotten.set_pending(false);
    write(&disk, &dataset, &forgotten)?;
    Ok(taken)
}

/// The folders in which builds keep what saves them work; the second is that of versions up to 0.1.0.
const CACHES: [&str; 2] = [".cache", "build"];

/// How many of some ids no call asked for and no page showed.
struct Unseen {
    /// Those that were forgotten before.
    again: u64,
    /// The others.
    unknown: u64,
}

/// Counts the ids that no call asked for and no page showed.
fn unseen(
    state: &mut State,
    notes: &[NoteId],
    users: &[UserId],
    before: Option<&Forgotten>,
) -> Result<Unseen, ForgetError> {
    let mut wanted = Forgotten::new("");
    for note in notes {
        wanted.add_note(note);
    }
    for user in users {
        wanted.add_user(user);
    }
    let mut left: BTreeSet<&str> = notes.iter().map(NoteId::as_str).chain(users.iter().map(UserId::as_str)).collect();
    state.turn()?.every_page(|call, page| {
        let params = call.params();
        if wanted.stands_in(params.as_bytes()) || wanted.stands_in(page.as_bytes()) {
            left.retain(|id| !params.contains(id) && !page.contains(id));
        }
    })?;
    let is_again = |forgotten: &Forgotten| {
        let notes = notes.iter().filter(|note| left.contains(note.as_str()) && forgotten.has_note(note)).count();
        notes + users.iter().filter(|user| left.contains(user.as_str()) && forgotten.has_user(user)).count()
    };
    let again = before.map_or(0, is_again);
    Ok(Unseen { again: again as u64, unknown: left.len().saturating_sub(again) as u64 })
}

/// Forgets the notes of users who are forgotten, as far as any answer tells of them. Returns how many are new.
fn add_notes_of_users(state: &mut State, forgotten: &mut Forgotten) -> Result<u64, ForgetError> {
    let mut notes = BTreeSet::new();
    state.turn()?.every_page(|call, page| {
        let of_walk = match call {
            Call::UserNotes { user_id, .. } if forgotten.has_user(user_id) => Some(user_id),
            _ => None,
        };
        if of_walk.is_none() && !forgotten.stands_in(page.as_bytes()) {
            return;
        }
        for note in serde_json::from_str::<Page>(page).unwrap_or_default().notes {
            if note.author.as_ref().or(of_walk).is_some_and(|author| forgotten.has_user(author)) {
                notes.insert(note.id);
            }
        }
    })?;
    Ok(notes.iter().filter(|note| forgotten.add_note(note)).count() as u64)
}

fn erase_segments(state: &mut State, forgotten: &Forgotten, taken: &mut Taken) -> Result<(), ForgetError> {
    let segments = state.turn()?.segments()?;
    for sealed in segments {
        let changed = archive::replace(
            state,
            &sealed,
            false,
            |rows| Ok(rows.iter_mut().map(|row| u64::from(erase_pending(row, forgotten))).sum()),
            |turn, new| {
                let ids = turn.answers_of(Some(&new.name))?;
                turn.rewrite_answers(&ids, forgotten, |kept| erase_pending(kept, forgotten)).map(drop)
            },
        )?;
        taken.answers += changed;
        taken.segments += u64::from(changed > 0);
    }
    Ok(())
}

fn erase_pending(kept: &mut Pending, forgotten: &Forgotten) -> bool {
    erase_kept(&mut kept.answer, &mut kept.page, forgotten)
}

fn erase_state(state: &mut State, forgotten: &Forgotten, taken: &mut Taken) -> Result<(), ForgetError> {
    let now = jiff::Timestamp::now();
    let turn = state.turn()?;
    // What a kill left on its way is billed before its task goes.
    if let Some(run) = turn.latest_run()?.filter(|run| run.status.is_unfinished()) {
        turn.recover_sent(&run.id, now)?;
    }
    let ids = turn.answers_of(None)?;
    taken.answers += turn.rewrite_answers(&ids, forgotten, |kept| erase_pending(kept, forgotten))?;
    // A body that is a copy stands in another segment, or tells why a call was given up.
    for sealed in turn.segments()? {
        let ids = turn.answers_of(Some(&sealed.name))?;
        turn.rewrite_answers(&ids, forgotten, |kept| erase_pending(kept, forgotten))?;
    }
    turn.forget(forgotten, |call| erased_call(call, forgotten), FORGOTTEN_CURSOR)?;
    turn.commit()?;
    Ok(state.compact()?)
}

fn erase_reports(state: &State, forgotten: &Forgotten) -> Result<u64, ForgetError> {
    let folder = state.folder().join("runs");
    if !folder.is_dir() {
        return Ok(0);
    }
    state.disk().remove_leftovers(&folder, |_| true)?;
    let mut erased = 0;
    for path in files(&folder)? {
        let text = String::from_utf8_lossy(&doing("read", &path, fs::read(&path))?).into_owned();
        if let Some(text) = forgotten.erased(&text) {
            state.disk().replace_file(&path, text.as_bytes())?;
            erased += 1;
        }
    }
    Ok(erased)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let entries = doing("list", folder, fs::read_dir(folder))?.map(|entry| Ok(entry?.path()));
    let paths = doing("list", folder, entries.collect::<std::io::Result<Vec<_>>>())?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect())
}
