//! The `[[seeds]]` blocks: each names one kind of thing, and no query or user is walked twice.

use std::collections::BTreeMap;
use std::ops::Range;

use super::lists::{Entry, Named, from_file, parsed, written};
use super::{Context, ids, limits};
use crate::job::at::{At, OneOrMany};
use crate::job::file::SeedFile;
use crate::job::{Limits, Seed, SeedKind};
use crate::model::{Query, shown};

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
    let (named, span, entries) = named(index, block, context)?;
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
        Named::Keywords => SeedKind::Queries(queries(block, parsed(&entries, ids::keyword, context))),
        Named::Users => SeedKind::Users(parsed(&entries, ids::user, context)),
        Named::Notes => SeedKind::Notes(parsed(&entries, ids::note, context)),
    };
    Some((kind, limits, span))
}

/// Where the entries of a seed stand.
enum Source<'b> {
    List(&'b At<Vec<At<String>>>),
    File(&'b At<String>),
}

impl Source<'_> {
    fn span(&self) -> Range<usize> {
        match self {
            Self::List(list) => list.span(),
            Self::File(name) => name.span(),
        }
    }
}

/// Finds the one thing that a seed names: its kind, its place, its entries.
fn named(
    index: usize,
    block: &At<SeedFile>,
    context: &mut Context<'_, '_>,
) -> Option<(Named, Range<usize>, Vec<Entry>)> {
    let sources = [
        (Named::Keywords, "keywords", block.keywords.as_ref().map(Source::List)),
        (Named::Keywords, "keywords_file", block.keywords_file.as_ref().map(Source::File)),
        (Named::Users, "users", block.users.as_ref().map(Source::List)),
        (Named::Users, "users_file", block.users_file.as_ref().map(Source::File)),
        (Named::Notes, "notes", block.notes.as_ref().map(Source::List)),
        (Named::Notes, "notes_file", block.notes_file.as_ref().map(Source::File)),
    ];
    let mut present: Vec<(Named, &str, Source<'_>)> =
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
            let entries = match source {
                Source::List(list) => written(list),
                Source::File(name) => from_file(key, name, *named, context),
            };
            Some((*named, source.span(), entries))
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
            SeedKind::Queries(own) => first_kept(own, &mut queries, &by, |query| query.keyword.clone()),
            SeedKind::Users(own) => first_kept(own, &mut users, &by, ToString::to_string),
            SeedKind::Notes(own) => first_kept(own, &mut notes, &by, ToString::to_string),
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

/// Drops what an earlier seed names; returns what that one names with other limits.
fn first_kept<T: Ord + Clone>(
    own: &mut Vec<T>,
    seen: &mut BTreeMap<T, (u32, Limits)>,
    by: &(u32, Limits),
    name: fn(&T) -> String,
) -> Vec<(u32, String)> {
    let mut clashes: Vec<(u32, String)> = Vec::new();
    own.retain(|item| {
        let Some((number, limits)) = seen.get(item) else {
            seen.insert(item.clone(), by.clone());
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
