//! The `[[seeds]]` blocks: each names one kind of thing, and no query or user is walked twice.

use std::collections::BTreeMap;
use std::ops::Range;

use super::lists::{Entry, Items, ListFile, Named, from_file, parsed, written};
use super::{Context, ids, keywords, limits};
use crate::job::at::{At, OneOrMany};
use crate::job::file::SeedFile;
use crate::job::{Limits, Seed, SeedKind, SeedList};
use crate::model::{NoteId, Query, UserId, shown};

/// Reads every seed, and merges those that name the same.
pub(super) fn seeds(blocks: &[At<SeedFile>], context: &mut Context<'_, '_>) -> Vec<Seed> {
    let read = blocks.iter().enumerate().filter_map(|(index, block)| {
        let (kind, limits, span) = seed(index, block, context)?;
        Some((Seed { number: u32::try_from(index + 1).ok()?, kind, limits }, span))
    });
    let read: Vec<(Seed, Range<usize>)> = read.collect();
    merged(read, context)
}

fn seed(index: usize, block: &At<SeedFile>, context: &mut Context<'_, '_>) -> Option<(SeedKind, Limits, Range<usize>)> {
    let Source { named, span, entries, file } = named(index, block, context)?;
    if named != Named::Keywords {
        let filters = [
            ("sort", block.sort.as_ref().map(At::span)),
            ("note_type", block.note_type.as_ref().map(At::span)),
            ("published", block.published.as_ref().map(At::span)),
        ];
        for (name, span) in filters {
            if let Some(span) = span {
                context.told.at(span, format!("`{name}` narrows searches; only a seed of keywords has them"));
            }
        }
    }
    let limits = limits::limits(block, named, context.told);
    let kind = match named {
        Named::Keywords => {
            let read = parsed(&entries, keywords::keyword, |keyword| keywords::folded(keyword), context);
            context.lists.extend(file.and_then(|file| list(file, named, &read)));
            SeedKind::Queries(queries(block, read.unique))
        }
        Named::Users => {
            let read = parsed(&entries, ids::user, UserId::to_string, context);
            context.lists.extend(file.and_then(|file| list(file, named, &read)));
            SeedKind::Users(read.unique)
        }
        Named::Notes => {
            let read = parsed(&entries, ids::note, NoteId::to_string, context);
            context.lists.extend(file.and_then(|file| list(file, named, &read)));
            SeedKind::Notes(read.unique)
        }
    };
    Some((kind, limits, span))
}

/// Says what was read from a file of seeds.
fn list<T: ToString>(file: ListFile, named: Named, read: &Items<T>) -> Option<SeedList> {
    let (first, last) = (read.unique.first()?.to_string(), read.unique.last()?.to_string());
    let ListFile { key, path, mut read_as, mut warnings } = file;
    // An id may stand in an address, and in capitals.
    let (repeated, twins) =
        if named == Named::Keywords { (read.repeated, read.twins) } else { (read.repeated + read.twins, 0) };
    if repeated > 0 {
        read_as.push(format!("{repeated} more than once"));
    }
    if twins > 0 {
        let what =
            if twins == 1 { "1 entry is left out: it is" } else { &format!("{twins} entries are left out: they are") };
        warnings.push(format!("{what} an earlier one but for marks, width or characters that nobody sees"));
    }
    Some(SeedList { key, path, unit: named.unit(), count: read.unique.len(), first, last, read_as, warnings })
}

/// What a seed starts from.
struct Source {
    named: Named,
    span: Range<usize>,
    entries: Vec<Entry>,
    /// The file that the entries are from; none for the job file.
    file: Option<ListFile>,
}

/// Where the entries of a seed stand.
enum Place<'b> {
    List(&'b At<Vec<At<String>>>),
    File(&'b At<String>),
}

impl Place<'_> {
    fn span(&self) -> Range<usize> {
        match self {
            Self::List(list) => list.span(),
            Self::File(name) => name.span(),
        }
    }
}

/// Finds the one thing that a seed names.
fn named(index: usize, block: &At<SeedFile>, context: &mut Context<'_, '_>) -> Option<Source> {
    let sources = [
        (Named::Keywords, "keywords", block.keywords.as_ref().map(Place::List)),
        (Named::Keywords, "keywords_file", block.keywords_file.as_ref().map(Place::File)),
        (Named::Users, "users", block.users.as_ref().map(Place::List)),
        (Named::Users, "users_file", block.users_file.as_ref().map(Place::File)),
        (Named::Notes, "notes", block.notes.as_ref().map(Place::List)),
        (Named::Notes, "notes_file", block.notes_file.as_ref().map(Place::File)),
    ];
    let mut present: Vec<(Named, &'static str, Place<'_>)> =
        sources.into_iter().filter_map(|(named, key, source)| Some((named, key, source?))).collect();
    present.sort_by_key(|(_, _, source)| source.span().start);
    match present.as_slice() {
        // What it named was wrong, and is told.
        [] if context.taken.under(&format!("seeds[{index}]")) => None,
        [] => {
            let hint = "one of: keywords, keywords_file, users, users_file, notes, notes_file";
            context.told.hinted(block.span(), "this seed names nothing to start from", hint);
            None
        }
        [(named, key, source)] => {
            let (entries, file) = match source {
                Place::List(list) => (written(list), None),
                Place::File(name) => from_file(key, name, *named, context),
            };
            Some(Source { named: *named, span: source.span(), entries, file })
        }
        [(_, first, _), others @ ..] => {
            for (_, key, source) in others {
                let message = format!("a seed names one thing, and this one has `{first}` and `{key}`");
                context.told.hinted(source.span(), message, "write a [[seeds]] block for each");
            }
            None
        }
    }
}

/// Fans keywords out over the filters; each combination once.
fn queries(block: &SeedFile, keywords: Vec<String>) -> Vec<Query> {
    let sorts = fan(block.sort.as_ref());
    let note_types = fan(block.note_type.as_ref());
    let times = fan(block.published.as_ref());
    let mut queries = Vec::new();
    for keyword in keywords {
        for sort in &sorts {
            for note_type in &note_types {
                for published in &times {
                    queries.push(Query {
                        keyword: keyword.clone(),
                        sort: *sort,
                        note_type: *note_type,
                        published: *published,
                    });
                }
            }
        }
    }
    queries
}

fn fan<T: Copy + Default + PartialEq>(words: Option<&At<OneOrMany<T>>>) -> Vec<T> {
    let Some(words) = words else { return vec![T::default()] };
    let mut out = Vec::new();
    for (_, word) in words.each() {
        if !out.contains(word) {
            out.push(*word);
        }
    }
    out
}

/// Keeps each query, user and note in the first seed that names it; a seed that is left with nothing goes.
fn merged(read: Vec<(Seed, Range<usize>)>, context: &mut Context<'_, '_>) -> Vec<Seed> {
    let mut queries = BTreeMap::new();
    let mut users = BTreeMap::new();
    let mut notes = BTreeMap::new();
    let mut out = Vec::new();
    for (mut seed, span) in read {
        let by = (seed.number, seed.limits.clone());
        let clashes = match &mut seed.kind {
            SeedKind::Queries(own) => first_kept(own, &mut queries, &by, folded, |query| query.keyword.clone()),
            SeedKind::Users(own) => first_kept(own, &mut users, &by, Clone::clone, ToString::to_string),
            SeedKind::Notes(own) => first_kept(own, &mut notes, &by, Clone::clone, ToString::to_string),
        };
        if let [(number, name), others @ ..] = clashes.as_slice() {
            let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
            let message = format!("`{}`{more} stands in seed {number} too, with other limits", shown(name, 40));
            context.told.hinted(span, message, "give both seeds the same limits, or take it out of one of them");
        }
        let is_empty = match &seed.kind {
            SeedKind::Queries(own) => own.is_empty(),
            SeedKind::Users(own) => own.is_empty(),
            SeedKind::Notes(own) => own.is_empty(),
        };
        if !is_empty {
            out.push(seed);
        }
    }
    out
}

/// Returns what a query is known by, whatever width its keyword has.
fn folded(query: &Query) -> Query {
    Query { keyword: keywords::folded(&query.keyword), ..query.clone() }
}

/// Drops what an earlier seed names; returns what that one names with other limits.
fn first_kept<T: Ord>(
    own: &mut Vec<T>,
    seen: &mut BTreeMap<T, (u32, Limits)>,
    by: &(u32, Limits),
    identity: fn(&T) -> T,
    name: fn(&T) -> String,
) -> Vec<(u32, String)> {
    let mut clashes: Vec<(u32, String)> = Vec::new();
    own.retain(|item| {
        let identity = identity(item);
        let Some((number, limits)) = seen.get(&identity) else {
            seen.insert(identity, by.clone());
            return true;
        };
        let clash = (*number, name(item));
        // The combinations of one keyword stand side by side.
        if *limits != by.1 && clashes.last() != Some(&clash) {
            clashes.push(clash);
        }
        false
    });
    clashes
}
