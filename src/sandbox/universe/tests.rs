use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::model::{NoteTypeFilter, Published, Query, Sort};

fn universe(day: u32) -> Universe {
    Universe::new(UniverseOptions { day, ..UniverseOptions::default() })
}

fn query(keyword: &str) -> Query {
    Query { keyword: keyword.into(), sort: Sort::default(), note_type: NoteTypeFilter::All, published: Published::Any }
}

fn second_of(id: &str) -> i64 {
    i64::from_str_radix(&id[..8], 16).unwrap()
}

#[test]
fn the_universe_never_changes() {
    let universe = universe(0);
    let facts = (0..2000).map(|number| universe.note_at(number)).map(|note| {
        let Counts { liked, collected, comments, shared } = note.counts;
        format!("{} {} {} {liked} {collected} {comments} {shared}\n", note.id, note.title, note.text)
    });
    assert_eq!(hash(&facts.collect::<String>()), 14_734_012_242_777_079_155);
    assert_eq!(hash(&universe.hits(&query("防晒霜")).concat()), 6_972_900_953_039_880_351);
}

#[test]
fn ids_are_unique_and_tell_their_second() {
    let universe = universe(0);
    let (notes, users) = (universe.note_ids(), universe.user_ids());
    assert_eq!((notes.len(), users.len()), (2000, 250));
    assert_eq!(notes.iter().chain(&users).collect::<HashSet<_>>().len(), 2250);
    for id in notes.iter().chain(&users) {
        assert!(id.len() == 24 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{id}");
    }
    for id in &notes {
        let note = universe.note(id).unwrap();
        assert_eq!(second_of(id), note.published);
        assert!((EPOCH - 731 * DAY..EPOCH).contains(&note.published) && note.updated >= note.published);
        assert!(note.updated <= EPOCH, "{id} was changed in the future");
    }
    assert!(universe.note("../x").is_none() && universe.user("").is_none());
}

#[test]
fn the_example_user_is_a_good_one() {
    let universe = universe(0);
    assert_eq!(universe.user_ids()[0], EXAMPLE_USER);
    let notes = universe.notes_of(EXAMPLE_USER);
    assert!((41..400).contains(&notes.len()), "{} notes", notes.len());
    assert!(notes[0].is_pinned && notes[0].published < EPOCH - 300 * DAY && !notes[0].is_gone);
    assert_eq!(universe.user(EXAMPLE_USER).unwrap().notes, notes.len() as u64);
    let small = Universe::new(UniverseOptions { notes: 50, users: Some(3), ..UniverseOptions::default() });
    assert_eq!(small.user_ids()[0], EXAMPLE_USER);
}

#[test]
fn every_note_is_in_its_authors_list_pinned_first_then_newest() {
    let universe = universe(0);
    let mut listed = 0;
    for (id, number) in universe.user_ids().iter().zip(0..) {
        let notes = universe.notes_of(id);
        listed += notes.len();
        assert!(notes.iter().all(|note| note.author == number));
        let pinned = notes.iter().take_while(|note| note.is_pinned).count();
        assert!(notes[pinned..].iter().all(|note| !note.is_pinned));
        assert!(notes[pinned..].windows(2).all(|pair| pair[0].published >= pair[1].published));
    }
    assert_eq!(listed, 2000);
}

#[test]
fn notes_are_as_varied_as_real_ones() {
    let universe = universe(0);
    let notes: Vec<Note> = (0..2000).map(|number| universe.note_at(number)).collect();
    let share = |has: &dyn Fn(&Note) -> bool| notes.iter().filter(|note| has(note)).count() / 20;
    assert!((30..50).contains(&share(&|note| note.is_video)));
    assert!((10..20).contains(&share(&|note| note.title.is_empty())));
    assert!((1..6).contains(&share(&|note| note.is_gone)));
    assert!((1..60).contains(&share(&|note| !note.mentions.is_empty())));
    assert!((70..95).contains(&share(&|note| !note.topics.is_empty())));
    assert!((3..30).contains(&share(&|note| note.counts.liked >= 10_000)));
    assert!(notes.iter().map(|note| note.images).collect::<HashSet<_>>().len() > 6);
    assert!(notes.iter().all(|note| (1..=9).contains(&note.images)));
}

#[test]
fn searches_overlap_and_are_capped() {
    let universe = universe(0);
    let hits: Vec<HashSet<String>> = ["防晒霜", "防晒衣", "露营", "a b&c=d", "\u{1b}"]
        .map(|word| universe.hits(&query(word)).into_iter().collect())
        .into();
    for found in &hits {
        assert!((25..=RESULT_CAP).contains(&found.len()), "{}", found.len());
    }
    assert!(hits[0].intersection(&hits[1]).count() > 10);
    assert!(universe.hits(&query(NOTHING)).is_empty());
    let sizes: Vec<usize> = (0..200).map(|at| universe.hits(&query(&at.to_string())).len()).collect();
    assert!(sizes.iter().any(|size| *size > 170) && sizes.iter().any(|size| *size < 50));
    assert!(sizes.iter().all(|size| *size <= RESULT_CAP));
}

#[test]
fn pages_cover_the_hits_and_repeat_some() {
    let universe = universe(0);
    let query = query("露营");
    let pages: Vec<Vec<Slot>> = (1..=12).map(|page| universe.results(&query, page)).collect();
    let last = pages.iter().rposition(|page| !page.is_empty()).unwrap();
    assert!(pages[..last].iter().all(|page| page.len() == PAGE) && pages[11].is_empty());
    let notes: Vec<u32> = pages
        .concat()
        .iter()
        .filter_map(|slot| match slot {
            Slot::Note(number) | Slot::Bare(number) => Some(*number),
            _ => None,
        })
        .collect();
    let distinct: HashSet<u32> = notes.iter().copied().collect();
    assert_eq!(distinct.len(), universe.hits(&query).len());
    assert!(notes.len() > distinct.len(), "no hit is repeated");
    assert!(pages.concat().iter().any(|slot| matches!(slot, Slot::Ad(_))), "no advertisement");
}

#[test]
fn filters_and_sorts_do_what_they_say() {
    let universe = universe(0);
    let find = |query: Query| -> Vec<Note> {
        universe.matches(&query).into_iter().map(|number| universe.note_at(number)).collect()
    };
    let all = find(query("咖啡"));
    let videos = find(Query { note_type: NoteTypeFilter::Video, ..query("咖啡") });
    let images = find(Query { note_type: NoteTypeFilter::Image, ..query("咖啡") });
    assert!(videos.iter().all(|note| note.is_video) && images.iter().all(|note| !note.is_video));
    assert_eq!(videos.len() + images.len(), all.len());
    for sort in Sort::ALL {
        let sorted = find(Query { sort: *sort, ..query("咖啡") });
        assert_eq!(sorted.iter().map(|n| n.number).collect::<HashSet<_>>(), all.iter().map(|n| n.number).collect());
        assert!(
            sorted.windows(2).all(|pair| match sort {
                Sort::General => true,
                Sort::PopularityDescending => pair[0].counts.liked >= pair[1].counts.liked,
                Sort::TimeDescending => pair[0].published >= pair[1].published,
                Sort::CommentDescending => pair[0].counts.comments >= pair[1].counts.comments,
                Sort::CollectDescending => pair[0].counts.collected >= pair[1].counts.collected,
            }),
            "{sort}"
        );
    }
    let late = find(Query { published: Published::Week, ..query("咖啡") });
    let inside = late.iter().filter(|note| note.published >= EPOCH - 7 * DAY).count();
    let expected = all.iter().filter(|note| note.published >= EPOCH - 7 * DAY).count();
    assert_eq!(inside, expected);
    assert!(late.len() < all.len() / 2 && late.len() > inside, "the filter should be imprecise");
}

#[test]
fn the_universe_moves_from_day_to_day() {
    let (first, later) = (universe(0), universe(30));
    assert_eq!(later.now() - first.now(), 30 * DAY);
    let (mut grown, mut edited, mut vanished) = (0, 0, 0);
    for number in 0..2000 {
        let (old, new) = (first.note_at(number), later.note_at(number));
        assert_eq!(
            (&old.id, old.author, old.published, old.is_video),
            (&new.id, new.author, new.published, new.is_video)
        );
        assert!(new.counts.liked >= old.counts.liked && new.counts.comments >= old.counts.comments);
        assert!(new.counts.collected >= old.counts.collected && new.counts.shared >= old.counts.shared);
        grown += usize::from(new.counts != old.counts);
        vanished += usize::from(new.is_gone && !old.is_gone);
        edited += usize::from(new.is_edited);
        assert_eq!(new.is_edited, new.text != old.text);
        assert!(!new.is_edited || (EPOCH..=later.now()).contains(&new.updated));
        assert!(new.is_edited || new.updated == old.updated);
    }
    assert!((1200..1800).contains(&grown), "{grown}");
    let tomorrow = universe(1);
    let overnight = (0..2000).filter(|number| tomorrow.counts(*number) != first.counts(*number)).count();
    assert!((600..grown).contains(&overnight), "{overnight} of {grown} move every day");
    assert!((100..220).contains(&edited), "{edited}");
    assert!((30..100).contains(&vanished), "{vanished}");
    assert_eq!(later.note_ids().len(), 2000 + 30 * 20);
    for id in &later.note_ids()[2000..] {
        assert!((EPOCH..later.now()).contains(&later.note(id).unwrap().published));
    }
    assert_eq!(first.user_ids(), later.user_ids());
    let new_hits = later.hits(&Query { sort: Sort::TimeDescending, ..query("露营") });
    assert!(second_of(&new_hits[0]) >= EPOCH, "searches find nothing new");
}

#[test]
fn what_vanishes_is_listed_one_day_longer() {
    let first = universe(0);
    let number = (0..2000).find(|number| first.gone_from(*number) == 5).unwrap();
    let id = first.note_at(number).id;
    let seen = [4, 5, 6].map(|day| {
        let universe = universe(day);
        let note = universe.note(&id).unwrap();
        let author = universe.user_ids()[note.author as usize].clone();
        (note.is_gone, universe.notes_of(&author).iter().any(|listed| listed.id == id))
    });
    assert_eq!(seen, [(false, true), (true, true), (true, false)]);
}

#[test]
fn small_universes_are_fine() {
    for notes in [0, 1, 7] {
        for day in [0, 3] {
            let universe = Universe::new(UniverseOptions { notes, day, odd: true, ..UniverseOptions::default() });
            assert!(universe.hits(&query("a")).len() <= (notes + day) as usize);
            let listed: usize = universe.user_ids().iter().map(|id| universe.notes_of(id).len()).sum();
            assert!(listed <= (notes + day) as usize);
        }
    }
}

proptest! {
    // Each case makes up a universe of its own.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_words_find_notes_that_are_there(keyword in "\\PC{0,12}", seed in any::<u64>(), day in 0_u32..40) {
        let universe = Universe::new(UniverseOptions { seed, notes: 60, day, ..UniverseOptions::default() });
        let hits = universe.hits(&query(&keyword));
        prop_assert!(hits.len() <= RESULT_CAP && (keyword == NOTHING || !hits.is_empty()));
        for id in hits {
            let note = universe.note(&id).unwrap();
            let author = &universe.user_ids()[note.author as usize];
            prop_assert!(universe.notes_of(author).iter().any(|listed| listed.id == id));
        }
    }
}
