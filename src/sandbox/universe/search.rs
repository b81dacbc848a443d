//! What a search finds: any words find something, and different words find much of the same.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::draws::{Draws, hash};
use super::{PAGE, Universe};
use crate::model::{NoteTypeFilter, Query, Sort};

/// Items that one query shows at most, however many pages are asked for.
pub const RESULT_CAP: usize = 220;

/// A keyword that finds nothing.
pub const NOTHING: &str = "没有结果";

/// Notes that most searches find some of.
const POPULAR: u32 = 400;

/// One place on a page of search results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A note.
    Note(u32),
    /// A note without the wrapper that says so.
    Bare(u32),
    /// An advertisement.
    Ad(u64),
    /// Suggested searches.
    Suggestions(u64),
    /// Popular searches.
    Popular(u64),
    /// Nothing at all.
    Null,
    /// A note with an id that means harm.
    Hostile(u64),
}

impl Universe {
    /// Lists the ids that walking all pages of a query shows, each once, in the order of their first hit.
    pub fn hits(&self, query: &Query) -> Vec<String> {
        let mut seen = HashSet::new();
        let slots = self.slots(query).into_iter();
        let notes = slots.filter_map(|slot| match slot {
            Slot::Note(number) | Slot::Bare(number) => Some(number),
            _ => None,
        });
        notes.filter(|number| seen.insert(*number)).map(|number| self.note_id(number)).collect()
    }

    /// Returns one page of a query, from page 1; empty past the end.
    pub(crate) fn results(&self, query: &Query, page: u32) -> Vec<Slot> {
        let from = (page.max(1) as usize - 1).saturating_mul(PAGE);
        self.slots(query).into_iter().skip(from).take(PAGE).collect()
    }

    /// Mixes what is no note, and what was there before, among the hits.
    fn slots(&self, query: &Query) -> Vec<Slot> {
        let name = format!("{}/{}/{}/{}", query.keyword, query.sort, query.note_type, query.published);
        let mut draws = Draws::new(self.seed(), "slots", hash(&name));
        let hits = self.matches(query);
        let mut slots = Vec::with_capacity(hits.len() + hits.len() / 4);
        for (at, number) in hits.iter().enumerate() {
            slots.push(if draws.once_in(40) { Slot::Bare(*number) } else { Slot::Note(*number) });
            match draws.below(90) {
                0..4 => slots.push(Slot::Note(hits[at.saturating_sub(1 + draws.below(25) as usize)])),
                4..7 => slots.push(Slot::Ad(draws.next())),
                // Suggestions come twice with the same id.
                7..9 => {
                    let id = draws.next();
                    slots.extend([Slot::Suggestions(id), Slot::Suggestions(id)]);
                }
                9 => slots.push(Slot::Popular(draws.next())),
                10 => slots.push(Slot::Null),
                11..17 if self.is_odd() => slots.push(Slot::Hostile(draws.next())),
                _ => {}
            }
        }
        slots.truncate(RESULT_CAP);
        slots
    }

    /// Lists the notes that fit a query, in its order.
    pub(super) fn matches(&self, query: &Query) -> Vec<u32> {
        let words = self.seed() ^ hash(&query.keyword);
        let oldest = query.published.seconds().map(|seconds| self.now() - seconds);
        let mut notes = self.about(&query.keyword);
        notes.retain(|number| {
            let fits = match query.note_type {
                NoteTypeFilter::All => true,
                NoteTypeFilter::Video => self.is_video(*number),
                NoteTypeFilter::Image => !self.is_video(*number),
            };
            // The vendors' own filter lets some older ones through.
            let late = oldest.is_none_or(|oldest| self.births[*number as usize].published >= oldest)
                || Draws::new(words, "late", u64::from(*number)).once_in(20);
            fits && late && self.is_listed(*number)
        });
        notes.sort_by_cached_key(|number| {
            let counts = self.counts(*number);
            let rank = match query.sort {
                Sort::General => Draws::new(words, "rank", u64::from(*number)).next(),
                Sort::PopularityDescending => counts.liked,
                Sort::TimeDescending => self.births[*number as usize].published.unsigned_abs(),
                Sort::CommentDescending => counts.comments,
                Sort::CollectDescending => counts.collected,
            };
            (Reverse(rank), *number)
        });
        notes
    }

    /// Lists 30 to 260 notes about some words: three fifths of them from among the popular, and some new ones a day.
    fn about(&self, keyword: &str) -> Vec<u32> {
        let stood = self.options.notes;
        if stood == 0 || keyword == NOTHING {
            return Vec::new();
        }
        let mut draws = Draws::new(self.seed(), "keyword", hash(keyword));
        let size = (30 + draws.below(231) as usize).min(stood as usize);
        let (mut seen, mut notes) = (HashSet::new(), Vec::with_capacity(size));
        for _ in 0..8 * size {
            let bound = if draws.below(5) < 3 { stood.min(POPULAR) } else { stood };
            let number = draws.below(u64::from(bound)) as u32;
            if notes.len() < size && seen.insert(number) {
                notes.push(number);
            }
        }
        let words = self.seed() ^ hash(keyword);
        let fresh = (stood..self.births.len() as u32).filter(|number| {
            // About as many of the new as of the old.
            Draws::new(words, "fresh", u64::from(*number)).below(u64::from(stood)) < size as u64 * 2
        });
        notes.extend(fresh);
        notes
    }
}
