//! One step of a walk, as a pure function: which notes of a page count, and whether there is a next page.

use crate::forget::FORGOTTEN_CURSOR;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{NoteId, Query, Sort};
use crate::state::Walk;
use crate::vendor::{NoteRef, Page};

/// Pages in a row without a new note that end any walk, whatever the job says.
const STALE_AT_MOST: u32 = 50;
/// Pages that end a walk for which the job names no `max_pages`: more than any user has, so the vendor goes in circles.
const PAGES_AT_MOST: u32 = 5_000;

/// Why a walk ended before its end, through the vendor's fault.
pub(super) const UNREADABLE: &str = "a page could not be read";
pub(super) const EMPTY_BUT_MORE: &str = "the vendor said that there is more, and showed nothing";
pub(super) const NO_CURSOR: &str = "the vendor told no cursor";
pub(super) const REPEATED_CURSOR: &str = "the vendor repeated a cursor";
pub(super) const KEY_IN_CURSOR: &str = "the vendor put the key into a cursor";
pub(super) const ENDLESS: &str = "the vendor's pages never ended";
pub(super) const GIVEN_UP: &str = "a page was given up";

/// Why a walk ended that came to notes which an earlier one had shown.
pub const UNTIL_KNOWN: &str = "until_known";

/// Tells whether a walk ended before its end, through the vendor's fault.
pub fn is_cut_short(ended: &str) -> bool {
    let reasons =
        [UNREADABLE, EMPTY_BUT_MORE, NO_CURSOR, REPEATED_CURSOR, KEY_IN_CURSOR, FORGOTTEN_CURSOR, ENDLESS, GIVEN_UP];
    reasons.contains(&ended)
}

/// What the walk knows of the notes on the page before the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The leg in which the walk last showed the note.
    pub(super) leg: Option<u32>,
    /// Whether the walk has admitted it.
    pub(super) admitted: bool,
    /// Whether an earlier run's walk showed it.
    pub(super) known: bool,
}

/// How a walk goes from page to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paging {
    /// By number.
    Number,
    /// By a cursor that the page tells.
    Cursor,
}

/// What follows from a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Positions of the notes that count.
    pub(super) admitted: Vec<u32>,
    /// Every note of the page, and whether it counts.
    pub(super) notes: BTreeMap<NoteId, bool>,
    /// Why the walk ends; none if it goes on.
    pub(super) ended: Option<&'static str>,
}

/// Takes one step: changes the walk's counters and says what follows.
pub(super) fn step(
    walk: &mut Walk,
    query: Option<&Query>,
    page: &Page,
    seen: &BTreeMap<NoteId, Seen>,
    paging: Paging,
    observed_at: Timestamp,
) -> Step {
    let limits = walk.limits.clone();
    let mut notes: BTreeMap<NoteId, bool> = BTreeMap::new();
    let mut admitted = Vec::new();
    let mut is_new = false;
    walk.tells_sticky |= page.notes.iter().any(|note| note.sticky.is_some());
    for note in &page.notes {
        let before = seen.get(&note.id).copied().unwrap_or_default();
        is_new |= before.leg != Some(walk.leg);
        let counted = before.admitted || notes.get(&note.id) == Some(&true);
        let room = limits.max_notes.is_none_or(|max| walk.admitted < max);
        let counts = counted || (room && !is_old(note, limits.since) && is_in_window(note, query, observed_at));
        if counts {
            admitted.push(note.position);
            if !counted {
                walk.admitted += 1;
            }
        }
        *notes.entry(note.id.clone()).or_insert(false) |= counts;
    }
    walk.pages += 1;
    walk.stale = if is_new { 0 } else { walk.stale + 1 };
    let ended = why_ended(walk, query, page, seen, paging);
    Step { admitted, notes, ended }
}

fn why_ended(
    walk: &Walk,
    query: Option<&Query>,
    page: &Page,
    seen: &BTreeMap<NoteId, Seen>,
    paging: Paging,
) -> Option<&'static str> {
    if page.unreadable {
        return Some(UNREADABLE);
    }
    let limits = &walk.limits;
    let reached = |limit: Option<u32>, value: u32| limit.is_some_and(|limit| value >= limit);
    if page.is_empty() {
        return Some(if page.has_more == Some(true) { EMPTY_BUT_MORE } else { "no more notes" });
    }
    if reached(limits.max_notes, walk.admitted) {
        return Some("max_notes");
    }
    let by_time = query.is_none_or(|query| query.sort == Sort::TimeDescending);
    if by_time && is_past(walk, page) {
        return Some("since");
    }
    if walk.until_known.is_some() && is_all_known(page, seen) {
        return Some(UNTIL_KNOWN);
    }
    if page.has_more == Some(false) {
        return Some("last page");
    }
    if reached(limits.max_pages, walk.pages) {
        return Some("max_pages");
    }
    let stale = if limits.stop_when_stale == 0 { STALE_AT_MOST } else { limits.stop_when_stale };
    if walk.stale >= stale {
        return Some("pages without a new note");
    }
    if limits.max_pages.is_none() && walk.pages >= PAGES_AT_MOST {
        return Some(ENDLESS);
    }
    (paging == Paging::Cursor && page.cursor.is_none()).then_some(NO_CURSOR)
}

fn is_old(note: &NoteRef, since: Option<Timestamp>) -> bool {
    matches!((note.published_at, since), (Some(published), Some(since)) if published < since)
}

/// The vendors' own filter by time is not exact, so it is done again here.
fn is_in_window(note: &NoteRef, query: Option<&Query>, observed_at: Timestamp) -> bool {
    let Some(seconds) = query.and_then(|query| query.published.seconds()) else { return true };
    let Some(published) = note.published_at else { return true };
    published.duration_since(observed_at) >= SignedDuration::from_secs(-seconds)
}

/// Tells whether a walk in order of time has passed `since`: at the first older note that is not pinned, or, where the
/// vendor does not tell which are, after a whole older page.
fn is_past(walk: &Walk, page: &Page) -> bool {
    let since = walk.limits.since;
    if since.is_none() {
        return false;
    }
    if walk.tells_sticky {
        page.notes.iter().any(|note| note.sticky != Some(true) && is_old(note, since))
    } else {
        !page.notes.is_empty() && page.notes.iter().all(|note| is_old(note, since))
    }
}

fn is_all_known(page: &Page, seen: &BTreeMap<NoteId, Seen>) -> bool {
    let mut unpinned = page.notes.iter().filter(|note| note.sticky != Some(true)).peekable();
    unpinned.peek().is_some() && unpinned.all(|note| seen.get(&note.id).is_some_and(|seen| seen.known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Limits;
    use crate::model::{NoteTypeFilter, Published};

    const DAY: i64 = 86_400;

    fn now() -> Timestamp {
        Timestamp::from_second(1_000 * DAY).unwrap()
    }

    /// A note published so many days ago.
    fn note(id: &str, days: i64, sticky: Option<bool>) -> NoteRef {
        NoteRef {
            position: 0,
            id: NoteId::parse(id).unwrap(),
            author: None,
            published_at: Some(Timestamp::from_second((1_000 - days) * DAY).unwrap()),
            sticky,
            counts: crate::vendor::ListedCounts::default(),
        }
    }

    fn page(notes: Vec<NoteRef>) -> Page {
        let notes = notes.into_iter().enumerate().map(|(at, note)| NoteRef { position: at as u32, ..note }).collect();
        Page { items_path: Some("/data/notes".into()), notes, cursor: Some("c".into()), ..Page::default() }
    }

    fn walk(limits: Limits) -> Walk {
        Walk {
            id: 1,
            run: "r".into(),
            seed: Some(1),
            limits,
            leg: 1,
            pages: 0,
            admitted: 0,
            stale: 0,
            tells_sticky: false,
            reuse_from: None,
            until_known: None,
            ended: None,
        }
    }

    fn take(walk: &mut Walk, page: &Page) -> Step {
        step(walk, None, page, &BTreeMap::new(), Paging::Cursor, now())
    }

    fn since(days: i64) -> Limits {
        Limits {
            since: Some(Timestamp::from_second((1_000 - days) * DAY).unwrap()),
            stop_when_stale: 2,
            ..Limits::default()
        }
    }

    #[test]
    fn a_pinned_old_note_does_not_end_a_walk_and_gives_no_row() {
        let mut walk = walk(since(10));
        let first = take(
            &mut walk,
            &page(vec![note("old", 500, Some(true)), note("a", 1, Some(false)), note("b", 2, Some(false))]),
        );
        assert_eq!((first.admitted, first.ended), (vec![1, 2], None));
        let second = take(
            &mut walk,
            &page(vec![note("c", 9, Some(false)), note("d", 11, Some(false)), note("e", 12, Some(false))]),
        );
        assert_eq!((second.admitted, second.ended), (vec![0], Some("since")));
    }

    #[test]
    fn where_no_pin_is_told_a_whole_older_page_ends_a_walk() {
        let mut walk = walk(since(10));
        let first = take(&mut walk, &page(vec![note("old", 500, None), note("a", 1, None)]));
        assert_eq!((first.admitted, first.ended), (vec![1], None));
        let second = take(&mut walk, &page(vec![note("d", 11, None), note("e", 12, None)]));
        assert_eq!((second.admitted, second.ended), (vec![], Some("since")));
    }

    #[test]
    fn max_notes_is_exact_and_counts_each_note_once() {
        let mut walk = walk(Limits { max_notes: Some(2), ..Limits::default() });
        let step = take(
            &mut walk,
            &page(vec![note("a", 1, None), note("a", 1, None), note("b", 1, None), note("c", 1, None)]),
        );
        assert_eq!((step.admitted, step.ended), (vec![0, 1, 2], Some("max_notes")));
        assert_eq!(walk.admitted, 2);
    }

    #[test]
    fn the_last_page_is_used() {
        let mut walk = walk(Limits::default());
        let last = Page { has_more: Some(false), ..page(vec![note("a", 1, None)]) };
        let step = take(&mut walk, &last);
        assert_eq!((step.admitted, step.ended), (vec![0], Some("last page")));
    }

    #[test]
    fn pages_without_a_new_note_end_a_walk() {
        let mut walk = walk(Limits { stop_when_stale: 2, ..Limits::default() });
        let page = page(vec![note("a", 1, None)]);
        let seen = |leg| {
            BTreeMap::from([(NoteId::parse("a").unwrap(), Seen { leg: Some(leg), admitted: true, known: false })])
        };
        let again = |seen: &BTreeMap<_, _>, walk: &mut Walk| step(walk, None, &page, seen, Paging::Number, now()).ended;
        assert_eq!(again(&BTreeMap::new(), &mut walk), None);
        assert_eq!(again(&seen(1), &mut walk), None);
        assert_eq!(again(&seen(1), &mut walk), Some("pages without a new note"));
        // After a change of vendor the same notes come again, and that is no trap.
        walk.leg = 2;
        walk.stale = 0;
        assert_eq!(again(&seen(1), &mut walk), None);
    }

    #[test]
    fn zero_is_never_but_not_for_ever() {
        let mut walk = walk(Limits::default());
        let empty = Page { skipped: 3, ..page(vec![]) };
        let steps = (1..100).find(|_| take(&mut walk, &empty).ended.is_some());
        assert_eq!(steps, Some(50));
    }

    #[test]
    fn new_notes_for_ever_end_a_walk_too() {
        let steps = |limits: Limits| {
            let mut walk = walk(limits);
            (1..10_000).find_map(|number| {
                let ended = take(&mut walk, &page(vec![note(&format!("n{number}"), 1, None)])).ended?;
                Some((number, ended))
            })
        };
        assert_eq!(steps(Limits::default()), Some((5_000, ENDLESS)));
        assert!(is_cut_short(ENDLESS));
        // Whoever wants more says so.
        assert_eq!(steps(Limits { max_pages: Some(6_000), ..Limits::default() }), Some((6_000, "max_pages")));
    }

    #[test]
    fn the_vendors_filter_by_time_is_done_again() {
        let query = Query {
            keyword: "k".into(),
            sort: Sort::General,
            note_type: NoteTypeFilter::All,
            published: Published::Week,
        };
        let mut walk = walk(Limits::default());
        let page = page(vec![note("a", 6, None), note("b", 8, None)]);
        let step = step(&mut walk, Some(&query), &page, &BTreeMap::new(), Paging::Number, now());
        assert_eq!(step.admitted, [0]);
    }

    #[test]
    fn a_page_of_known_notes_ends_a_walk_that_may() {
        let known = |id: &str| (NoteId::parse(id).unwrap(), Seen { leg: None, admitted: false, known: true });
        let page = page(vec![note("pin", 90, Some(true)), note("a", 1, Some(false)), note("b", 2, Some(false))]);
        for (seen, may, ended) in [
            (BTreeMap::from([known("a"), known("b")]), true, Some("until_known")),
            (BTreeMap::from([known("a"), known("b")]), false, None),
            (BTreeMap::from([known("pin"), known("b")]), true, None),
        ] {
            let mut walk = walk(Limits::default());
            walk.until_known = may.then(|| "all".into());
            assert_eq!(step(&mut walk, None, &page, &seen, Paging::Cursor, now()).ended, ended);
        }
    }

    #[test]
    fn a_missing_cursor_ends_a_walk_by_cursor() {
        let mut first = walk(Limits::default());
        let page = Page { cursor: None, has_more: Some(true), ..page(vec![note("a", 1, None)]) };
        assert_eq!(take(&mut first, &page).ended, Some("the vendor told no cursor"));
        let mut second = walk(Limits::default());
        assert_eq!(step(&mut second, None, &page, &BTreeMap::new(), Paging::Number, now()).ended, None);
    }
}
