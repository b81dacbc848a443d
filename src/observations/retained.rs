//! Observations that are retained in the place of raw answers, and read again.
//!
//! ```text
//! raw answer ──retain()──▶ one record batch a kind ──(years)──▶ read() ──▶ Flattened
//! ```
//!
//! A retained answer gives the rows that it gave raw. Everything is retained that was read, also of positions that are not
//! admitted, so that wider limits need no second call.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch, new_null_array};
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef};
use arrow::error::ArrowError;

use super::{Observed, ObservedAuthorRow, ObservedNoteRow, ObservedRejectRow, Presence};
use crate::flatten::tables::{AddedColumn, Outline, Row};
use crate::flatten::{Flattened, Kept, Recipe, TellError, Told, admitted, recalled};
use crate::model::{
    Answer, AuthorObservation, AuthorSource, AuthorTag, Body, Cover, Extra, Gender, Hashtag, Image, Listing, Mention,
    NoteContent, NoteId, NoteObservation, NoteSource, Profile, Provenance, Reject, Retained, UserId, Video,
    without_descriptions,
};

/// Says why observations cannot be retained or read.
#[derive(Debug, thiserror::Error)]
pub enum RetainError {
    /// They have other columns.
    #[error("retained observations cannot be read: a later notemill wrote them, or they are damaged")]
    Unread,
    /// They are not read as they were written; so the raw answer stays.
    #[error("what would be retained of an answer is not read as it was written: this is a bug")]
    Lossy,
    /// A column cannot hold them.
    #[error("an answer says more than a column can hold")]
    Arrow(#[from] ArrowError),
}

impl From<TellError> for RetainError {
    fn from(_: TellError) -> Self {
        Self::Unread
    }
}

/// Reads one answer at all its positions, whether its body is there or its observations are.
pub fn read(recipe: &Recipe, answer: &Answer) -> Flattened {
    let Some(Body::Retained(retained)) = &answer.body else { return recipe.read(answer) };
    match recalled_of(answer, retained, recipe.outline()) {
        Ok(flat) => recipe.hide(flat, retained.pseudonyms.is_some()),
        Err(error) => recipe.hide(Flattened::unread(answer, &error), false),
    }
}

/// Reads one answer. Of a listing, only the admitted positions count.
pub fn flatten(recipe: &Recipe, answer: &Answer) -> Flattened {
    let mut flat = read(recipe, answer);
    flat.admit(answer);
    flat
}

/// Returns what is retained of an answer when its raw body goes: at least its call. If the tables have pseudonyms, so do
/// the observations.
///
/// What is retained already only gets pseudonyms, and keeps its columns.
///
/// # Errors
///
/// What would be retained does not give the same rows, or what is retained cannot be read.
pub fn retain(recipe: &Recipe, answer: &Answer) -> Result<Retained, RetainError> {
    let (outline, is_hidden) = match &answer.body {
        None | Some(Body::Raw(_)) => (recipe.outline().retained(), false),
        Some(Body::Told { key, json }) => (Told::parse(json)?.outline(), key.is_some()),
        Some(Body::Retained(retained)) if retained.pseudonyms.is_some() || recipe.outline().pseudonyms.is_none() => {
            return Ok(retained.clone());
        }
        Some(Body::Retained(retained)) => (outline_of(retained), false),
    };
    let key = match &answer.body {
        Some(Body::Told { key: Some(key), .. }) => Some(key.clone()),
        _ => recipe.outline().pseudonyms.clone(),
    };
    let flat = read(&Recipe::new(outline.clone(), None), answer);
    let flat = recipe.hide(flat, is_hidden);
    replaced(answer, flat, &outline, key.as_ref())
}

/// Returns what is retained of each of some answers. Those whose bodies are there share their batches.
///
/// # Errors
///
/// As for [`retain`].
pub fn retain_all(recipe: &Recipe, answers: &[&Answer]) -> Result<Vec<Retained>, RetainError> {
    let outline = recipe.outline().retained();
    let reader = Recipe::new(outline.clone(), None);
    let has_body = |answer: &Answer| matches!(answer.body, None | Some(Body::Raw(_)));
    let read = answers.iter().filter(|answer| has_body(answer));
    let read = read.map(|answer| (*answer, recipe.hide(reader.read(answer), false))).collect();
    let mut shared = all_replaced(read, &outline, recipe.outline().pseudonyms.as_ref())?.into_iter();
    let all = answers.iter();
    all.map(|answer| if has_body(answer) { shared.next().ok_or(RetainError::Lossy) } else { retain(recipe, answer) })
        .collect()
}

/// Returns an answer of which other positions count, also in what is retained of it.
pub(crate) fn admitting(mut answer: Answer, positions: Option<Vec<u32>>) -> Answer {
    answer.admitted = positions;
    if let Some(Body::Retained(retained)) = &answer.body
        // What cannot be read is as it was: each build says so.
        && let Ok(retained) = admit(&answer, retained)
    {
        answer.body = Some(Body::Retained(retained));
    }
    answer
}

/// Notes in what is retained which positions of its answer count.
fn admit(answer: &Answer, retained: &Retained) -> Result<Retained, ArrowError> {
    let admitted = admitted(answer);
    let mut batches = retained.batches();
    for batch in &mut batches {
        let schema = batch.schema();
        let Some((at, _)) = schema.column_with_name("is_admitted") else { continue };
        let positions = batch.column_by_name("position").and_then(|column| column.as_primitive_opt::<Int32Type>());
        let positions = positions.ok_or_else(|| ArrowError::SchemaError("there is no column `position`".into()))?;
        let counts = |position: Option<i32>| match (position, &admitted) {
            (Some(position), Some(admitted)) => admitted.contains(&position.unsigned_abs()),
            _ => true,
        };
        let counts: BooleanArray = positions.iter().map(|position| Some(counts(position))).collect();
        let mut columns = batch.columns().to_vec();
        if let Some(column) = columns.get_mut(at) {
            *column = Arc::new(counts);
        }
        *batch = RecordBatch::try_new(schema, columns)?;
    }
    Ok(Retained::new(retained.pseudonyms.clone(), batches))
}

/// Changes what is retained of an answer.
///
/// # Errors
///
/// What is retained cannot be read, or what would be is not read as it was written.
pub(crate) fn change(
    answer: &Answer,
    retained: &Retained,
    change: impl FnOnce(Flattened) -> Option<Flattened>,
) -> Result<Option<Retained>, RetainError> {
    let outline = outline_of(retained);
    let mut flat = recalled_of(answer, retained, &outline)?;
    let [.., calls, _] = &retained.batches();
    let text = |name: &str| Some(calls.column_by_name(name)?.as_string_opt::<i32>()?.value(0));
    let (params, call_key) = text("params").zip(text("call_key")).ok_or(RetainError::Unread)?;
    // Under pseudonyms the call has one, too. What an answer is called now is not yet what its rows call it.
    params.clone_into(&mut flat.call.params);
    flat.call.call_key = call_key.into();
    flat.call_is(&flat.call.clone());
    let Some(flat) = change(flat) else { return Ok(None) };
    replaced(answer, flat, &outline, retained.pseudonyms.as_ref()).map(Some)
}

/// Converts what an answer says to what is retained of it.
fn replaced(
    answer: &Answer,
    flat: Flattened,
    outline: &Outline,
    key: Option<&String>,
) -> Result<Retained, RetainError> {
    all_replaced(vec![(answer, flat)], outline, key)?.pop().ok_or(RetainError::Lossy)
}

/// Converts what some answers say to what is retained of each.
fn all_replaced(
    flats: Vec<(&Answer, Flattened)>,
    outline: &Outline,
    key: Option<&String>,
) -> Result<Vec<Retained>, RetainError> {
    let (mut observed, mut calls) = (Observed::default(), Vec::new());
    for (answer, flat) in flats {
        let before = observed.lengths();
        calls.push((answer, flat.call.clone(), before));
        observed.add(answer, flat);
    }
    let shared = Arc::new(observed.batches(outline)?.map(without_descriptions));
    let mut ends = calls.iter().skip(1).map(|(_, _, before)| *before).chain([observed.lengths()]);
    let (mut all, mut again) = (Vec::new(), Observed::default());
    for (answer, call, before) in &calls {
        let mut end = ends.next().unwrap_or(*before).into_iter();
        let rows = before.map(|from| (from, end.next().unwrap_or(from) - from));
        let retained = Retained::of(key.cloned(), Arc::clone(&shared), rows);
        let mut flat = recalled_of(answer, &retained, outline)?;
        // A call has the pseudonym of the user whom it asked for, which the answer does not know.
        flat.call_is(call);
        again.add(answer, flat);
        all.push(retained);
    }
    // Rows are compared, not what they were made of: tables are made of rows, whose times are cut to the microsecond.
    if again.batches(outline)?.map(without_descriptions) == *shared { Ok(all) } else { Err(RetainError::Lossy) }
}

/// Finds the columns that jobs added to what is retained.
fn outline_of(retained: &Retained) -> Outline {
    let [notes, authors, ..] = &retained.batches();
    Outline {
        notes: Outline::added_in(&notes.schema()),
        authors: Outline::added_in(&authors.schema()),
        ..Outline::default()
    }
}

/// Reads what is retained; columns that an outline adds and nobody read are null.
fn recalled_of(answer: &Answer, retained: &Retained, outline: &Outline) -> Result<Flattened, RetainError> {
    let [notes, authors, _, calls, rejects] = &retained.batches();
    let seen = Seen::of(answer);
    let empty = Presence::Empty.as_str();
    let shown = rows::<ObservedNoteRow>(notes)?.into_iter().zip(added(notes, outline.notes.values()));
    let shown = shown.filter(|(row, _)| row.presence != empty).map(|(row, added)| seen.note(row, added));
    let authors = rows::<ObservedAuthorRow>(authors)?.into_iter().zip(added(authors, outline.authors.values()));
    let number = |name: &str| calls.column_by_name(name).ok_or(RetainError::Unread);
    let skipped = number("skipped_elements")?.as_primitive_opt::<Int32Type>().ok_or(RetainError::Unread)?;
    let body_bytes = number("body_bytes")?.as_primitive_opt::<Int64Type>().ok_or(RetainError::Unread)?;
    if calls.num_rows() != 1 {
        return Err(RetainError::Unread);
    }
    let kept = Kept {
        notes: shown.collect::<Option<_>>().ok_or(RetainError::Unread)?,
        authors: authors
            .map(|(row, added)| seen.author(row, added))
            .collect::<Option<_>>()
            .ok_or(RetainError::Unread)?,
        rejects: rows::<ObservedRejectRow>(rejects)?.into_iter().map(|row| seen.reject(row)).collect(),
        skipped: u32::try_from(skipped.value(0)).unwrap_or_default(),
        body_bytes: body_bytes.iter().next().flatten().and_then(|bytes| u64::try_from(bytes).ok()),
    };
    Ok(recalled(answer, kept))
}

/// Reads the rows of a batch, less what jobs add. A column that was not there then is null.
fn rows<R: Row>(batch: &RecordBatch) -> Result<Vec<R>, RetainError> {
    Ok(R::read(&conformed(batch, &Outline::default().schema::<R>())?))
}

/// Puts the columns of a batch in the order of a schema. One that is not there, and may be null, is null.
pub(crate) fn conformed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, RetainError> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        None if field.is_nullable() => Ok(new_null_array(field.data_type(), batch.num_rows())),
        _ => Err(RetainError::Unread),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|_| RetainError::Unread)
}

/// Reads the values of added columns, row by row.
fn added<'a>(batch: &RecordBatch, wanted: impl Iterator<Item = &'a AddedColumn>) -> Vec<Vec<Option<Extra>>> {
    let wanted: Vec<_> =
        wanted.map(|column| (column.kind, batch.column_by_name(&format!("added_{}", column.hashed_name())))).collect();
    let row = |row| wanted.iter().map(|(kind, column)| kind.read((*column)?, row)).collect();
    (0..batch.num_rows()).map(row).collect()
}

/// What rows have from their answer: it may have been worded anew since.
struct Seen<'a> {
    answer: &'a Answer,
    call_key: Arc<str>,
}

impl<'a> Seen<'a> {
    fn of(answer: &'a Answer) -> Self {
        Self { answer, call_key: answer.call.key().into() }
    }

    fn at(&self, position: i32) -> Provenance {
        Provenance {
            sequence: self.answer.sequence,
            observed_at: self.answer.observed_at,
            call_key: Arc::clone(&self.call_key),
            position: Reverse(position.unsigned_abs()),
        }
    }

    /// Reads a note; none if its ids are none.
    fn note(&self, row: ObservedNoteRow, added: Vec<Option<Extra>>) -> Option<NoteObservation> {
        let seen = self.at(row.position);
        let source = [NoteSource::Search, NoteSource::UserNotes, NoteSource::Detail];
        let source = source.into_iter().find(|source| source.as_str() == row.source)?;
        let is_shown = row.presence == Presence::Shown.as_str();
        let content = NoteContent {
            title: row.title,
            description: row.description,
            description_is_truncated: row.description_is_truncated.unwrap_or_default(),
            note_type: row.note_type,
            ip_location: row.ip_location,
            language: row.language,
            author_nickname: row.author_nickname,
            share_url: row.share_url,
            image_count: row.image_count,
            images: row.images.into_iter().map(Image::from).collect(),
            cover: Cover { url: row.cover_url, width: row.cover_width, height: row.cover_height },
            video: Video {
                duration_ms: row.video_duration_ms,
                url: row.video_url,
                width: row.video_width,
                height: row.video_height,
            },
            sound_id: row.sound_id,
            sound_name: row.sound_name,
            hashtags: row.hashtags.into_iter().map(Hashtag::from).collect(),
            mentions: row
                .mentions
                .into_iter()
                .map(|cell| mention(cell.position, cell.user_id, cell.nickname))
                .collect::<Option<_>>()?,
            added,
        };
        let listing = Listing { is_sticky: row.is_pinned, xsec_token: row.xsec_token };
        let is_detail = source == NoteSource::Detail;
        Some(NoteObservation {
            note_id: NoteId::try_from(row.note_id).ok()?,
            source,
            seen,
            content: is_shown.then_some(content),
            author_id: user(row.author_id)?,
            published_at: row.published_at,
            updated_at: row.updated_at,
            counts: [row.liked_count, row.collected_count, row.comment_count, row.share_count],
            listing: (!is_detail).then_some(listing),
            is_gone: is_detail.then_some(!is_shown),
        })
    }

    fn author(&self, row: ObservedAuthorRow, added: Vec<Option<Extra>>) -> Option<AuthorObservation> {
        let source = [AuthorSource::Note, AuthorSource::Profile];
        let tags = row.tags.into_iter();
        let gender = [Gender::Female, Gender::Male].into_iter().find(|gender| Some(gender.as_str()) == row.gender);
        Some(AuthorObservation {
            author_id: UserId::try_from(row.author_id).ok()?,
            source: source.into_iter().find(|source| source.as_str() == row.source)?,
            seen: self.at(row.position),
            profile: Profile {
                red_id: row.red_id,
                nickname: row.nickname,
                description: row.description,
                gender,
                location: row.location,
                ip_location: row.ip_location,
                counts: [
                    row.fans_count,
                    row.following_count,
                    row.liked_count,
                    row.collected_count,
                    row.interaction_count,
                    row.notes_count,
                ],
                is_verified: row.is_verified,
                verified_content: row.verified_content,
                avatar_url: row.avatar_url,
                banner_url: row.banner_url,
                share_url: row.share_url,
                tags: tags.map(|tag| AuthorTag { position: tag.position, kind: tag.kind, name: tag.name }).collect(),
                added,
            },
        })
    }

    fn reject(&self, row: ObservedRejectRow) -> Reject {
        Reject {
            run_id: self.answer.run_id.clone(),
            call_key: Arc::clone(&self.call_key),
            path: row.path,
            reason: row.reason,
            position: row.position.map(i32::unsigned_abs),
            sequence: self.answer.sequence,
            observed_at: self.answer.observed_at,
        }
    }
}

/// Reads the id of a user; nothing if it is none.
#[expect(clippy::option_option, reason = "an id may be absent, or not an id")]
fn user(id: Option<String>) -> Option<Option<UserId>> {
    id.map(|id| UserId::try_from(id).ok()).map_or(Some(None), |id| id.map(Some))
}

fn mention(position: i32, id: Option<String>, nickname: Option<String>) -> Option<Mention> {
    Some(Mention { position, user_id: user(id)?, nickname })
}
