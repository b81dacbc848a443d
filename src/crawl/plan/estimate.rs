//! From what is known to low, expected and high: a pure function.

use std::collections::BTreeMap;

use super::Basis;
use super::history::{Learned, Rate};
use crate::job::{Job, Limits, RefreshDetails};
use crate::model::Endpoint;
use crate::model::Endpoint::{NoteDetail, SearchNotes, UserNotes, UserProfile};

/// What is assumed where no earlier run teaches it.
const FULL_PAGE: f64 = 20.0;
const SEARCH_PAGES: f64 = 8.0;
const USER_PAGES: f64 = 5.0;
const NEW_AT_FIRST: f64 = 0.8;
const NEW_AGAIN: f64 = 0.1;
const CHANGED: f64 = 0.5;
const AUTHORS: f64 = 0.7;

/// What a rehearsal has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) stages: BTreeMap<Endpoint, StageFacts>,
    /// The walks of which at least one page is asked.
    pub(super) walks: Vec<Open>,
    /// Details asked for certain, of whose note no author is known.
    pub(super) blind: u64,
    /// Profiles that follow if the details asked for certain say what they said last.
    pub(super) authors_of_details: u64,
    /// Notes on pages that are asked, whose detail stands unless its listing has changed.
    pub(super) relisted: u64,
    /// Details of known notes that are asked unless a listing shows them; they are among those foretold.
    pub(super) known_at_most: u64,
}

impl Facts {
    fn stage(&self, endpoint: Endpoint) -> StageFacts {
        self.stages.get(&endpoint).copied().unwrap_or_default()
    }

    pub(super) fn foretold(&self, endpoint: Endpoint) -> u64 {
        self.stage(endpoint).foretold
    }
}

/// Calls of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StageFacts {
    /// Asked whatever the vendors say.
    pub(super) certain: u64,
    /// Asked, too, if the vendors say what they said last.
    pub(super) foretold: u64,
    /// Made unnecessary by an earlier answer.
    pub(super) covered: u64,
}

/// A walk of which at least one page is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) endpoint: Endpoint,
    pub(super) limits: Limits,
    /// Pages and notes that it had before the first page that is asked.
    pub(super) read: u32,
    pub(super) admitted: u32,
    /// Pages that are asked: those that were answered before, and those that never were.
    pub(super) known: u32,
    pub(super) unknown: u32,
    /// Whether its first page that is asked is asked for certain.
    pub(super) is_certain: bool,
    /// Whether a seed names it, so that the notes of its authors may follow.
    pub(super) of_seeds: bool,
}

/// A count as low, expected and high; no high where nothing bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) low: u64,
    pub(super) expected: u64,
    pub(super) high: Option<u64>,
}

/// Estimates the calls of each endpoint, retries and a change of vendor left out.
///
/// `low` holds whatever the vendors answer, if nothing stops the run. `high` holds if a page shows no more notes than any
/// page did before, a note has one author, and the pages of a user's notes are half full at least.
pub(super) fn estimate(job: &Job, facts: &Facts, learned: &Learned) -> BTreeMap<Endpoint, Calls> {
    let (details, authors, author_notes) = (job.expand.details, job.expand.authors, job.expand.author_notes);
    let expected = expected(job, facts, learned);
    let walks = |endpoint| facts.walks.iter().filter(move |open| open.is_certain && open.endpoint == endpoint);
    let pages = |endpoint| walks(endpoint).map(|open| most_pages(open, learned)).sum::<Option<u64>>();
    let notes: Option<u64> = walks(SearchNotes).chain(walks(UserNotes)).map(|open| most_notes(open, learned)).sum();
    // The notes of an author who is yet to be discovered have no bound.
    let discovers = facts.walks.iter().any(|open| open.of_seeds) || facts.blind + facts.authors_of_details > 0;
    let is_open = author_notes && discovers;
    let notes = if is_open { None } else { notes };
    let high = |endpoint| {
        let certain = facts.stage(endpoint).certain;
        // What one vendor does not show, each further one of the route is asked for.
        let vendors = job.route.get(&endpoint).map_or(1, |route| route.len().max(1) as u64);
        match endpoint {
            UserNotes if is_open => None,
            SearchNotes | UserNotes => pages(endpoint),
            NoteDetail if details => Some((certain + facts.known_at_most + notes?) * vendors),
            NoteDetail => Some((certain + facts.known_at_most) * vendors),
            UserProfile if authors => Some((certain + facts.blind + facts.authors_of_details + notes?) * vendors),
            UserProfile => Some(certain * vendors),
        }
    };
    let calls = |endpoint| {
        let (low, high) = (facts.stage(endpoint).certain, high(endpoint));
        let expected = expected.get(&endpoint).copied().unwrap_or_default().round() as u64;
        Calls { low, expected: expected.max(low).min(high.unwrap_or(u64::MAX)), high }
    };
    Endpoint::ALL.into_iter().map(|endpoint| (endpoint, calls(endpoint))).collect()
}

fn expected(job: &Job, facts: &Facts, learned: &Learned) -> BTreeMap<Endpoint, f64> {
    let known = |endpoint| {
        let stage = facts.stage(endpoint);
        (stage.certain + stage.foretold) as f64
    };
    let mut calls: BTreeMap<Endpoint, f64> = Endpoint::ALL.map(|endpoint| (endpoint, known(endpoint))).into();
    let mut add = |endpoint, more: f64| *calls.entry(endpoint).or_default() += more;
    let (mut new, mut new_of_seeds) = (0.0, 0.0);
    for open in &facts.walks {
        let further = further_pages(open, learned);
        add(open.endpoint, further);
        let page = notes_per_page(open.endpoint, learned);
        let again = f64::from(open.known) * page * learned.again.or(NEW_AGAIN);
        let first = (f64::from(open.unknown) + further) * page * learned.first.or(NEW_AT_FIRST);
        let room = open.limits.max_notes.map_or(f64::MAX, |most| f64::from(most.saturating_sub(open.admitted)));
        let notes = (again + first).min(room);
        new += notes;
        new_of_seeds += if open.of_seeds { notes } else { 0.0 };
    }
    let per_note = learned.authors.or(AUTHORS);
    let authors = facts.blind as f64 * per_note + new * per_note;
    if job.expand.author_notes {
        let walks = (facts.blind as f64 + new_of_seeds) * per_note;
        let pages = walks * pages_per_walk(UserNotes, learned);
        add(UserNotes, pages);
        new += pages * notes_per_page(UserNotes, learned) * learned.first.or(NEW_AT_FIRST);
    }
    if job.expand.authors {
        add(UserProfile, authors);
    }
    if job.expand.details {
        add(NoteDetail, new + facts.relisted as f64 * learned.changed.or(CHANGED));
    }
    calls
}

/// Pages beyond those that the rehearsal has asked: only where a walk came to a page that nobody knows.
fn further_pages(open: &Open, learned: &Learned) -> f64 {
    if open.unknown == 0 {
        return 0.0;
    }
    let so_far = f64::from(open.read + open.known + open.unknown);
    let page = notes_per_page(open.endpoint, learned).max(1.0);
    let by_notes = open.limits.max_notes.map_or(f64::MAX, |most| (f64::from(most) / page).ceil());
    let by_pages = open.limits.max_pages.map_or(f64::MAX, f64::from);
    (pages_per_walk(open.endpoint, learned).min(by_notes).min(by_pages) - so_far).max(0.0)
}

/// Returns the pages of a walk at most; none where nothing bounds it.
fn most_pages(open: &Open, learned: &Learned) -> Option<u64> {
    let by_pages = open.limits.max_pages.map(|most| u64::from(most.saturating_sub(open.read)));
    // A search shows notes that do not count; a user's list shows few of them.
    let by_notes = open.limits.max_notes.filter(|_| open.endpoint == UserNotes).map(|most| {
        let left = u64::from(most.saturating_sub(open.admitted));
        (2 * left).div_ceil(fullest_page(learned))
    });
    let most = by_pages.into_iter().chain(by_notes).min()?;
    Some(most.max(1))
}

fn most_notes(open: &Open, learned: &Learned) -> Option<u64> {
    let by_pages = most_pages(open, learned).map(|pages| pages * fullest_page(learned));
    let by_notes = open.limits.max_notes.map(|most| u64::from(most.saturating_sub(open.admitted)));
    by_pages.into_iter().chain(by_notes).min()
}

fn fullest_page(learned: &Learned) -> u64 {
    learned.fullest.max(FULL_PAGE as u64)
}

fn pages_per_walk(endpoint: Endpoint, learned: &Learned) -> f64 {
    let assumed = if endpoint == SearchNotes { SEARCH_PAGES } else { USER_PAGES };
    learned.pages.get(&endpoint).copied().unwrap_or_default().or(assumed)
}

fn notes_per_page(endpoint: Endpoint, learned: &Learned) -> f64 {
    learned.notes.get(&endpoint).copied().unwrap_or_default().or(FULL_PAGE)
}

/// Lists what the expected numbers of a job rest on.
pub(super) fn basis(job: &Job, learned: &Learned) -> Vec<Basis> {
    let of = |rates: &BTreeMap<Endpoint, Rate>, endpoint| rates.get(&endpoint).copied().unwrap_or_default();
    let sends = |endpoint| job.route.get(&endpoint).is_some_and(|route| !route.is_empty());
    let (searches, users) = (sends(SearchNotes), sends(UserNotes));
    let follow = (searches || users) && (job.expand.details || job.expand.authors);
    let rows = [
        (searches, "pages a search", of(&learned.pages, SearchNotes), SEARCH_PAGES),
        (searches, "notes a page of a search", of(&learned.notes, SearchNotes), FULL_PAGE),
        (users, "pages a user", of(&learned.pages, UserNotes), USER_PAGES),
        (users, "notes a page of a user", of(&learned.notes, UserNotes), FULL_PAGE),
        (follow, "new notes of those listed, the first time", learned.first, NEW_AT_FIRST),
        (follow, "new notes of those listed, once more", learned.again, NEW_AGAIN),
        (job.refresh.details == RefreshDetails::Changed, "changed notes of those listed", learned.changed, CHANGED),
        (job.expand.authors, "authors a note", learned.authors, AUTHORS),
    ];
    let used = rows.into_iter().filter(|(is_used, ..)| *is_used);
    used.map(|(_, name, rate, assumed)| {
        let learnt_from = (rate.whole > 0).then_some(rate.whole);
        Basis { name, value: rate.or(assumed), learnt_from }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn job(text: &str) -> Job {
        crate::job::check("job.toml", Path::new("."), text).unwrap()
    }

    fn open(endpoint: Endpoint) -> Open {
        Open {
            endpoint,
            limits: Limits { max_pages: Some(11), ..Limits::default() },
            read: 0,
            admitted: 0,
            known: 0,
            unknown: 1,
            is_certain: true,
            of_seeds: true,
        }
    }

    fn facts(certain: [u64; 4], walks: Vec<Open>) -> Facts {
        let stage = |certain| StageFacts { certain, ..StageFacts::default() };
        let stages = Endpoint::ALL.into_iter().zip(certain.map(stage)).collect();
        Facts { stages, walks, ..Facts::default() }
    }

    /// Low, expected and high; the highest number stands for no limit.
    type Row = (u64, u64, u64);
    const NONE: u64 = u64::MAX;

    #[test]
    fn from_facts_to_low_expected_and_high() {
        let search = "seeds = [{ keywords = [\"k\"] }]\n";
        let user = "seeds = [{ users = [\"6500000000000000000000a1\"] }]\n";
        let note = "seeds = [{ notes = [\"6500000000000000000000b1\"] }]\n";
        let lean = "expand = { details = false, authors = false }\n";
        let no_authors = "expand = { authors = false }\n";
        let author_notes = "expand = { author_notes = true }\n";
        let changed = "refresh = { details = \"changed\" }\n";
        let new = || open(SearchNotes);
        let known = Open { known: 3, unknown: 0, ..new() };
        let notes = |most| Limits { max_notes: Some(most), ..Limits::default() };
        let learned = Learned {
            pages: [(SearchNotes, Rate { part: 30, whole: 10 })].into(),
            notes: [(SearchNotes, Rate { part: 300, whole: 30 })].into(),
            fullest: 25,
            first: Rate { part: 1, whole: 2 },
            again: Rate { part: 1, whole: 5 },
            changed: Rate { part: 1, whole: 4 },
            authors: Rate { part: 1, whole: 2 },
        };
        let nothing = Learned::default();
        let zero: Row = (0, 0, 0);
        let table: Vec<(&str, String, Facts, &Learned, [Row; 4])> = vec![
            ("nothing is asked", search.into(), Facts::default(), &nothing, [zero; 4]),
            (
                "notes alone are exact",
                [note, no_authors].concat(),
                facts([0, 0, 7, 0], vec![]),
                &nothing,
                [zero, zero, (7, 7, 7), zero],
            ),
            (
                "notes without a known author may bring one each",
                note.into(),
                Facts { blind: 10, authors_of_details: 2, ..facts([0, 0, 12, 0], vec![]) },
                &nothing,
                [zero, zero, (12, 12, 12), (0, 7, 12)],
            ),
            (
                "a new search goes by what is assumed",
                [search, lean].concat(),
                facts([1, 0, 0, 0], vec![new()]),
                &nothing,
                [(1, 8, 11), zero, zero, zero],
            ),
            (
                "or by what is learnt: 3 pages of 10 notes, 5 of them new, half as many authors",
                search.into(),
                facts([1, 0, 0, 0], vec![new()]),
                &learned,
                [(1, 3, 11), zero, (0, 15, 275), (0, 8, 275)],
            ),
            (
                "a search once more: 3 pages of 10 notes, 2 of them new",
                search.into(),
                Facts {
                    stages: [(SearchNotes, StageFacts { certain: 1, foretold: 2, covered: 0 })].into(),
                    ..facts([0; 4], vec![known.clone()])
                },
                &learned,
                [(1, 3, 11), zero, (0, 6, 275), (0, 3, 275)],
            ),
            (
                "and a quarter of its 28 notes has changed",
                [search, changed].concat(),
                Facts { relisted: 28, ..facts([3, 0, 0, 0], vec![known]) },
                &learned,
                [(3, 3, 11), zero, (0, 13, 275), (0, 3, 275)],
            ),
            (
                "pages that are there count against the limits",
                [search, lean].concat(),
                facts([1, 0, 0, 0], vec![Open { read: 9, ..new() }]),
                &nothing,
                [(1, 1, 2), zero, zero, zero],
            ),
            (
                "a user without limits has no bound",
                user.into(),
                facts([0, 1, 0, 1], vec![Open { limits: Limits::default(), ..open(UserNotes) }]),
                &nothing,
                [zero, (1, 5, NONE), (0, 80, NONE), (1, 57, NONE)],
            ),
            (
                "`max_notes` bounds a user's pages, if they are half full, and the notes exactly",
                user.into(),
                facts([0, 1, 0, 1], vec![Open { limits: notes(30), ..open(UserNotes) }]),
                &nothing,
                [zero, (1, 2, 3), (0, 30, 30), (1, 22, 31)],
            ),
            (
                "the notes of authors who are yet to be found have no bound",
                [search, author_notes].concat(),
                facts([1, 0, 0, 0], vec![Open { limits: Limits { max_pages: Some(1), ..Limits::default() }, ..new() }]),
                &nothing,
                [(1, 1, 1), (0, 56, NONE), (0, 912, NONE), (0, 11, NONE)],
            ),
            (
                "a walk that is only foretold cannot be where nothing may be found",
                user.into(),
                Facts {
                    stages: [(UserNotes, StageFacts { certain: 0, foretold: 1, covered: 0 })].into(),
                    ..facts([0; 4], vec![Open { is_certain: false, of_seeds: false, ..open(UserNotes) }])
                },
                &nothing,
                [zero, (0, 0, 0), (0, 0, 0), (0, 0, 0)],
            ),
        ];
        for (name, text, facts, learned, rows) in table {
            let calls = estimate(&job(&text), &facts, learned);
            let told = Endpoint::ALL.map(|endpoint| {
                let Calls { low, expected, high } = calls[&endpoint];
                (low, expected, high.unwrap_or(NONE))
            });
            assert_eq!(told, rows, "{name}");
        }
    }
}
