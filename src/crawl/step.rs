//! One step of a walk, as a pure function: which notes of a page count, and whether there is a next page.

use crate::forget::FORGOTTEN_CURSOR;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::order;
use crate::model::{NoteId, NoteTypeFilter, Query, Sort};
use crate::state::{Dropped, Walk};
use crate::vendor::{NoteRef, Page};

/// Notes that must have come newest first before an old one shows that all later ones are older.
const ORDER_NOTES: u32 = 4;
/// Pages in a row without a new note that end any walk, whatever the job says.
const STALE_AT_MOST: u32 = 50;
/// Pages that end a walk for which the job names no `max_pages`: more than any user has, so the vendor goes in circles.
const PAGES_AT_MOST: u32 = 5_000;
/// Pages after which it is known whether a vendor heeds a search's filter, and how many notes that takes.
const FILTER_PAGES: u32 = 2;
const FILTER_NOTES: u32 = 5;

/// Why a walk ended before its end, through the vendor's fault.
pub(super) const UNREADABLE: &str = "a page could not be read";
pub(super) const EMPTY_BUT_MORE: &str = "the vendor said that there is more, and showed nothing";
pub(super) const NO_CURSOR: &str = "the vendor told no cursor";
pub(super) const REPEATED_CURSOR: &str = "the vendor repeated a cursor";
pub(super) const KEY_IN_CURSOR: &str = "the vendor put the key into a cursor";
pub(super) const ENDLESS: &str = "the vendor's pages never ended";
pub(super) const GIVEN_UP: &str = "a page was given up";

/// Why a search ended whose vendor does not heed its `note_type` or `published`: more pages would be paid for in vain.
pub const FILTER_IGNORED: &str = "filter ignored";

/// Why a walk ended that came to notes which an earlier one had shown.
pub const UNTIL_KNOWN: &str = "until_known";

/// Tells whether a walk ended before its end, through the vendor's fault.
pub fn is_cut_short(ended: &str) -> bool {
    let reasons = [
        UNREADABLE,
        EMPTY_BUT_MORE,
        NO_CURSOR,
        REPEATED_CURSOR,
        KEY_IN_CURSOR,
        FORGOTTEN_CURSOR,
        ENDLESS,
        GIVEN_UP,
        FILTER_IGNORED,
    ];
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
    let decidable_before = walk.decidable;
    walk.tells_sticky |= page.notes.iter().any(|note| note.sticky.is_some());
    let order_is_known = order::note_order(walk, query.is_none(), &page.notes, seen);
    for note in &page.notes {
        let before = seen.get(&note.id).copied().unwrap_or_default();
        is_new |= before.leg != Some(walk.leg);
        let counted = before.admitted || notes.get(&note.id) == Some(&true);
        let room = limits.max_notes.is_none_or(|max| walk.admitted < max);
        let passes = [of_type(note, query), in_window(note, query, observed_at), Some(!is_old(note, limits.since))];
        if before.leg.is_none() && !notes.contains_key(&note.id) {
            count(walk, passes);
        }
        let counts = counted || (room && !passes.contains(&Some(false)));
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
    // Judged once: after two pages, or as soon after them as there is enough to judge by.
    let is_judged = walk.pages == FILTER_PAGES || walk.pages > FILTER_PAGES && decidable_before < FILTER_NOTES;
    let by_time = query.is_none_or(|query| query.sort == Sort::TimeDescending);
    // A few notes may stand in any order by chance.
    let Dropped { note_type, published, since } = walk.dropped;
    let shown = walk.admitted + note_type + published + since;
    let may_end_at_since = by_time && order_is_known && walk.is_time_ordered && shown >= ORDER_NOTES;
    let ended = why_ended(walk, page, seen, paging, may_end_at_since, is_judged);
    Step { admitted, notes, ended }
}

fn why_ended(
    walk: &Walk,
    page: &Page,
    seen: &BTreeMap<NoteId, Seen>,
    paging: Paging,
    may_end_at_since: bool,
    is_judged: bool,
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
    if may_end_at_since && is_past(walk, page) {
        return Some("since");
    }
    let is_last_wanted = reached(limits.max_pages, walk.pages);
    if (is_judged || (is_last_wanted && walk.pages < FILTER_PAGES)) && is_filter_ignored(walk) {
        return Some(FILTER_IGNORED);
    }
    if walk.until_known.is_some() && is_all_known(page, seen) {
        return Some(UNTIL_KNOWN);
    }
    if page.has_more == Some(false) {
        return Some("last page");
    }
    if is_last_wanted {
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

/// Tells whether a note is of the type that a search asks for; none if it asks for none, or the page does not tell it.
fn of_type(note: &NoteRef, query: Option<&Query>) -> Option<bool> {
    let wanted = query.map(|query| query.note_type).filter(|wanted| *wanted != NoteTypeFilter::All)?;
    Some(note.note_type? == wanted)
}

/// Tells whether a note was published in a search's window; none if it has none, or the page does not tell.
fn in_window(note: &NoteRef, query: Option<&Query>, observed_at: Timestamp) -> Option<bool> {
    let seconds = query?.published.seconds()?;
    Some(note.published_at?.duration_since(observed_at) >= SignedDuration::from_secs(-seconds))
}

/// Counts a note that the walk had not shown: by the first filter that it does not pass.
fn count(walk: &mut Walk, [of_type, in_window, is_recent]: [Option<bool>; 3]) {
    walk.decidable += u32::from(of_type.or(in_window).is_some());
    let dropped = &mut walk.dropped;
    match (of_type, in_window, is_recent) {
        (Some(false), ..) => dropped.note_type += 1,
        (_, Some(false), _) => dropped.published += 1,
        (.., Some(false)) => dropped.since += 1,
        _ => {}
    }
}

/// Tells whether most of what a search has shown is not what it asked for.
fn is_filter_ignored(walk: &Walk) -> bool {
    let outside = walk.dropped.note_type + walk.dropped.published;
    walk.decidable >= FILTER_NOTES && outside * 2 > walk.decidable
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
    use crate::model::Published;
    use crate::state::Dropped;

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
            note_type: None,
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
            earlier_pages: 0,
            dropped: Dropped::default(),
            decidable: 0,
            is_time_ordered: true,
            oldest: None,
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
    fn a_few_old_notes_do_not_show_that_all_later_ones_are_older() {
        let mut walk = walk(since(10));
        assert_eq!(take(&mut walk, &page(vec![note("a", 100, Some(false))])).ended, None);
        assert_eq!(take(&mut walk, &page(vec![note("b", 101, Some(false))])).ended, None);
        assert_eq!(take(&mut walk, &page(vec![note("c", 102, Some(false))])).ended, None);
        assert_eq!(take(&mut walk, &page(vec![note("d", 103, Some(false))])).ended, Some("since"));
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

    fn query(sort: Sort, note_type: NoteTypeFilter, published: Published) -> Query {
        Query { keyword: "k".into(), sort, note_type, published }
    }

    fn typed(id: &str, days: i64, note_type: NoteTypeFilter) -> NoteRef {
        NoteRef { note_type: Some(note_type).filter(|own| *own != NoteTypeFilter::All), ..note(id, days, None) }
    }

    #[test]
    fn what_a_search_did_not_ask_for_is_left_out_and_counted_once_by_reason() {
        use NoteTypeFilter::{All, Image, Video};
        let query = query(Sort::General, Video, Published::Week);
        let mut walk = walk(Limits { since: Some(Timestamp::from_second(995 * DAY).unwrap()), ..Limits::default() });
        let first = page(vec![
            typed("video", 1, Video),
            typed("image", 1, Image),
            typed("unknown", 1, All),
            typed("old", 8, Video),
            typed("both", 8, Image),
            typed("before", 6, Video),
            typed("image", 1, Image),
        ]);
        let taken = step(&mut walk, Some(&query), &first, &BTreeMap::new(), Paging::Number, now());
        assert_eq!(taken.admitted, [0, 2]);
        let dropped = Dropped { note_type: 2, published: 1, since: 1 };
        assert_eq!((walk.dropped, walk.decidable), (dropped, 6));
        // Shown again, they are not counted again.
        let seen = taken.notes.into_iter().map(|(id, admitted)| (id, Seen { leg: Some(1), admitted, known: false }));
        let again = step(&mut walk, Some(&query), &first, &seen.collect(), Paging::Number, now());
        assert_eq!((again.admitted, walk.dropped, walk.decidable), (vec![0, 2], dropped, 6));
    }

    #[test]
    fn a_search_whose_filter_the_vendor_ignores_ends_after_two_pages() {
        use NoteTypeFilter::{All, Image, Video};
        // The pages' notes: how many are outside, of how many.
        let walk_of = |query: &Query, limits: Limits, pages: &[(u32, u32)], outside: &NoteRef, inside: &NoteRef| {
            let mut walk = walk(limits);
            for (number, (out, all)) in (1..).zip(pages) {
                let notes = (0..*all).map(|at| NoteRef {
                    id: NoteId::parse(&format!("p{number}n{at}")).unwrap(),
                    ..if at < *out { outside } else { inside }.clone()
                });
                let page = page(notes.collect());
                if let Some(ended) = step(&mut walk, Some(query), &page, &BTreeMap::new(), Paging::Number, now()).ended
                {
                    return Some((number, ended));
                }
            }
            None
        };
        let (video, image) = (typed("v", 1, Video), typed("i", 1, Image));
        let (new, old) = (note("a", 1, None), note("b", 9, None));
        let by_type = query(Sort::General, Video, Published::Any);
        let by_time = query(Sort::TimeDescending, All, Published::Week);
        let open = Limits::default;
        let most = |pages| Limits { max_pages: Some(pages), ..Limits::default() };
        let ignored = |page| Some((page, FILTER_IGNORED));
        for (limits, pages, ended) in [
            (open(), &[(20, 20), (20, 20)][..], ignored(2)),
            (open(), &[(11, 20), (10, 20)], ignored(2)),
            (open(), &[(10, 20), (10, 20), (20, 20)], None),
            (open(), &[(20, 20), (0, 20)], None),
            // Too few to say; the third page is.
            (open(), &[(2, 2), (2, 2)], None),
            (open(), &[(2, 2), (2, 2), (2, 2)], ignored(3)),
            (most(2), &[(3, 20), (3, 20)], Some((2, "max_pages"))),
            (most(2), &[(20, 20), (20, 20)], ignored(2)),
            // One page is all that is wanted, and it is not what was asked for.
            (most(1), &[(20, 20)], ignored(1)),
            (most(1), &[(4, 4)], Some((1, "max_pages"))),
        ] {
            assert_eq!(walk_of(&by_type, limits.clone(), pages, &image, &video), ended, "type: {pages:?}");
            assert_eq!(walk_of(&by_time, limits.clone(), pages, &old, &new), ended, "window: {pages:?}");
            // A note whose type nobody tells decides nothing, and a search without a filter is never judged.
            assert_ne!(walk_of(&by_type, limits.clone(), pages, &new, &new).map(|(_, why)| why), Some(FILTER_IGNORED));
            let any = query(Sort::General, All, Published::Any);
            assert_ne!(walk_of(&any, limits, pages, &old, &image).map(|(_, why)| why), Some(FILTER_IGNORED));
        }
        assert!(is_cut_short(FILTER_IGNORED));
    }

    #[test]
    fn only_pages_in_the_order_of_time_end_at_since() {
        let by_time = query(Sort::TimeDescending, NoteTypeFilter::All, Published::Any);
        let days = |page_of: &[i64]| {
            page(page_of.iter().map(|days| note(&format!("n{days}"), *days, None)).collect::<Vec<_>>())
        };
        let first_end = |query: Option<&Query>, pages: &[Page]| {
            let mut walk = walk(since(10));
            let mut pages = (1..).zip(pages);
            let ended = pages.find_map(|(number, page)| {
                let taken = step(&mut walk, query, page, &BTreeMap::new(), Paging::Number, now());
                Some((number, taken.ended?))
            });
            (ended, walk.admitted)
        };
        let old_first = [days(&[30, 50, 20, 40]), days(&[1, 2, 3, 4])];
        assert_eq!(first_end(Some(&by_time), &old_first), (None, 4), "an unsorted page of old notes does not end it");
        assert_eq!(first_end(None, &old_first), (None, 4));
        let ascending = [days(&[40, 30, 20, 12]), days(&[9, 8, 7, 6])];
        assert_eq!(first_end(Some(&by_time), &ascending), (None, 4));
        let sorted = [days(&[1, 2, 3, 4]), days(&[11, 12, 13, 14]), days(&[15])];
        assert_eq!(first_end(Some(&by_time), &sorted), (Some((2, "since")), 4));
        // Out of order from one page to the next is out of order, too.
        let steps = [days(&[5, 6, 7, 8]), days(&[1, 2, 3, 4]), days(&[20, 21, 22, 23])];
        assert_eq!(first_end(Some(&by_time), &steps), (None, 8));
        // The vendor's own ranking is in no order, whatever it looks like.
        let general = query(Sort::General, NoteTypeFilter::All, Published::Any);
        assert_eq!(first_end(Some(&general), &sorted), (None, 4));
        // Old notes at the head of a user's list may be pinned.
        let pinned = [days(&[90, 80, 1, 2, 3, 4]), days(&[11, 12, 13, 14])];
        assert_eq!(first_end(None, &pinned), (Some((2, "since")), 4));
        assert_eq!(first_end(Some(&by_time), &pinned), (None, 4));
    }

    #[test]
    fn notes_that_newer_ones_push_to_the_next_page_are_not_out_of_order() {
        let by_time = query(Sort::TimeDescending, NoteTypeFilter::All, Published::Any);
        let mut walk = walk(since(10));
        let [a, b, c] = [note("a", 1, None), note("b", 5, None), note("c", 20, None)];
        let first = step(&mut walk, Some(&by_time), &page(vec![a.clone(), b]), &BTreeMap::new(), Paging::Number, now());
        let seen = first.notes.into_iter().map(|(id, admitted)| (id, Seen { leg: Some(1), admitted, known: false }));
        let again = page(vec![c.clone(), a, c]);
        step(&mut walk, Some(&by_time), &again, &seen.collect(), Paging::Number, now());
        assert!(walk.is_time_ordered);
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
