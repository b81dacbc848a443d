//! What earlier runs teach a plan: how long walks are, and how much of what they show is new.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{Call, Endpoint, NoteId, UserId};
use crate::vendor::{ListedCounts, Page};

/// A share or an average: `part` of `whole`, both counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) part: u64,
    pub(super) whole: u64,
}

impl Rate {
    fn add(&mut self, part: u64, whole: u64) {
        self.part += part;
        self.whole += whole;
    }

    /// Returns the rate, or what is assumed where nothing was counted.
    pub(super) fn or(self, assumed: f64) -> f64 {
        if self.whole == 0 { assumed } else { self.part as f64 / self.whole as f64 }
    }
}

/// What the pages of earlier runs have taught.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Learned {
    /// Pages a walk.
    pub(super) pages: BTreeMap<Endpoint, Rate>,
    /// Notes a page.
    pub(super) notes: BTreeMap<Endpoint, Rate>,
    /// The most notes that one page showed.
    pub(super) fullest: u64,
    /// Of the notes on pages of a walk that no earlier run had made: those that no page had shown.
    pub(super) first: Rate,
    /// Of the notes on pages of a walk made once more: those that no page had shown.
    pub(super) again: Rate,
    /// Of the notes that a later run's listing showed again: those with other counts or a newer time of change.
    pub(super) changed: Rate,
    /// Authors a note.
    pub(super) authors: Rate,
}

/// Learns from pages, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct History {
    learned: Learned,
    /// The run that first made each walk.
    walks: HashMap<String, String>,
    notes: HashMap<NoteId, Listed>,
    authors: HashSet<UserId>,
    runs: Vec<String>,
    /// The run whose walks are not at their end.
    unfinished: String,
}

/// How a note was last listed.
#[derive(Debug, Default)]
struct Listed {
    /// The number of the run.
    run: usize,
    counts: BTreeMap<Endpoint, ListedCounts>,
}

impl History {
    /// Makes a history that learns no lengths from a run whose walks are not at their end.
    pub(super) fn without_lengths_of(run: &str) -> Self {
        Self { unfinished: run.to_owned(), ..Self::default() }
    }

    /// Takes one page of a search or of a user's notes.
    pub(super) fn take(&mut self, run: &str, call: &Call, page: &Page) {
        let (walk, number) = match call {
            Call::SearchNotes { query, page } => (Call::SearchNotes { query: query.clone(), page: 0 }.key(), *page),
            Call::UserNotes { user_id, page, .. } => (format!("user_notes {user_id}"), *page),
            Call::NoteDetail { .. } | Call::UserProfile { .. } => return,
        };
        let endpoint = call.endpoint();
        if self.runs.last().is_none_or(|last| last != run) {
            self.runs.push(run.to_owned());
        }
        let is_first = self.walks.entry(walk).or_insert_with(|| run.to_owned()) == run;
        let shown = page.notes.len() as u64;
        if run != self.unfinished {
            self.learned.pages.entry(endpoint).or_default().add(1, u64::from(number == 1));
        }
        self.learned.notes.entry(endpoint).or_default().add(shown, 1);
        self.learned.fullest = self.learned.fullest.max(shown);
        let number = self.runs.len();
        let mut new = 0;
        for note in &page.notes {
            self.authors.extend(note.author.clone());
            let listed = self.notes.entry(note.id.clone()).or_insert_with(|| {
                new += 1;
                Listed { run: number, ..Listed::default() }
            });
            let earlier = listed.counts.insert(endpoint, note.counts.clone());
            if listed.run != number {
                listed.run = number;
                let changed = earlier.is_some_and(|earlier| note.counts.differs_from(&earlier));
                self.learned.changed.add(u64::from(changed), 1);
            }
        }
        if is_first { self.learned.first.add(new, shown) } else { self.learned.again.add(new, shown) }
    }

    pub(super) fn learned(mut self) -> Learned {
        self.learned.authors = Rate { part: self.authors.len() as u64, whole: self.notes.len() as u64 };
        // A walk whose first page is too long ago to be among them teaches nothing of its length.
        self.learned.pages.retain(|_, rate| rate.whole > 0);
        self.learned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Query;
    use crate::vendor::NoteRef;

    fn page(notes: &[(&str, &str, i64)]) -> Page {
        let note = |(id, author, likes): &(&str, &str, i64)| NoteRef {
            position: 0,
            id: NoteId::parse(id).unwrap(),
            author: Some(UserId::parse(author).unwrap()),
            published_at: None,
            note_type: None,
            sticky: None,
            counts: ListedCounts {
                counts: [Some(crate::model::Count::exact(*likes)), None, None, None],
                updated_at: None,
            },
        };
        Page { notes: notes.iter().map(note).collect(), ..Page::default() }
    }

    #[test]
    fn pages_teach_lengths_and_shares() {
        let search = |keyword: &str, page| Call::SearchNotes {
            query: Query { keyword: keyword.into(), ..Query::default() },
            page,
        };
        let mut history = History::default();
        history.take("r1", &search("a", 1), &page(&[("n1", "u1", 1), ("n2", "u1", 1)]));
        history.take("r1", &search("a", 2), &page(&[("n3", "u2", 1), ("n2", "u1", 1)]));
        history.take("r1", &search("b", 1), &page(&[("n1", "u1", 1), ("n4", "u3", 1)]));
        // The second night: one note is new, one of the three others has changed.
        history.take(
            "r2",
            &search("a", 1),
            &page(&[("n5", "u4", 1), ("n1", "u1", 9), ("n2", "u1", 1), ("n3", "u2", 1)]),
        );
        // Shown once more in the same run, a note is not counted again.
        history.take("r2", &search("b", 1), &page(&[("n1", "u1", 9)]));
        // What is under way teaches shares, and no length.
        history.unfinished = "r3".into();
        history.take("r3", &search("c", 1), &page(&[]));
        let rate = |part, whole| Rate { part, whole };
        let search = |rate| BTreeMap::from([(Endpoint::SearchNotes, rate)]);
        assert_eq!(
            history.learned(),
            Learned {
                pages: search(rate(5, 4)),
                notes: search(rate(11, 6)),
                fullest: 4,
                first: rate(4, 6),
                again: rate(1, 5),
                changed: rate(1, 3),
                authors: rate(4, 5),
            }
        );
    }

    #[test]
    fn nothing_teaches_nothing() {
        let learned = History::default().learned();
        assert!((learned.first.or(0.8) - 0.8).abs() < f64::EPSILON);
        assert!((Rate { part: 1, whole: 4 }.or(0.8) - 0.25).abs() < f64::EPSILON);
    }
}
