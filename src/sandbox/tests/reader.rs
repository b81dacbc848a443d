//! The sandbox and the reader of answers, made apart from each other, agree over HTTP.

use std::collections::HashSet;

use jiff::Timestamp;

use super::*;
use crate::model::{Billed, Call, NoteId, NoteTypeFilter, Outcome, Published, Query, Sort, UserId};
use crate::vendor::{Reading, builtin, read, request};

/// Sends a call as its vendor's description says, and checks that both agree on what was billed.
async fn ask(bench: &Bench, vendor: &str, version: Option<&str>, call: &Call) -> Reading {
    let description = builtin(vendor).unwrap();
    let version = description.call(call.endpoint(), version).unwrap();
    let wanted = request(version, call);
    let mut url = url::Url::parse(&bench.url(&wanted.path)).unwrap();
    url.query_pairs_mut().extend_pairs(&wanted.query);
    if let Some(name) = &description.key.query {
        url.query_pairs_mut().append_pair(name, "k");
    }
    let answer = bench.client.get(url).bearer_auth("k").send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    let reading = read(&description, version, call, status, &body, Timestamp::UNIX_EPOCH);
    let entry = bench.sandbox.ledger().entries().pop().unwrap();
    let billed = if entry.billed { Billed::Yes } else { Billed::No };
    assert_eq!((reading.billed, entry.endpoint), (billed, call.endpoint()), "{call:?}");
    reading
}

fn query(keyword: &str) -> Query {
    Query { keyword: keyword.into(), sort: Sort::default(), note_type: NoteTypeFilter::All, published: Published::Any }
}

#[tokio::test]
async fn searches_are_read_whole() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let filtered = Query { note_type: NoteTypeFilter::Video, published: Published::HalfYear, ..query("露营") };
    for (query, version) in [(query("露营"), "v2"), (query("露营"), "v4"), (filtered, "v4")] {
        let (mut seen, mut skipped, mut page, mut more) = (HashSet::new(), 0, 1, None);
        loop {
            let call = Call::SearchNotes { query: query.clone(), page };
            let reading = ask(&bench, "justoneapi", Some(version), &call).await;
            if reading.outcome == Outcome::Empty {
                break;
            }
            assert_eq!((reading.outcome, reading.page.broken), (Outcome::Ok, 0));
            assert!(more != Some(false), "a page after the last");
            more = reading.page.has_more;
            skipped += reading.page.skipped;
            seen.extend(reading.page.notes.into_iter().map(|note| note.id.to_string()));
            page += 1;
        }
        assert_eq!(seen, bench.sandbox.universe().hits(&query).into_iter().collect());
        // The newer version shows what is no note elsewhere, and says whether there is more.
        let expected = if version == "v2" { (true, None) } else { (false, Some(false)) };
        assert_eq!((skipped > 0, more), expected);
    }
}

#[tokio::test]
async fn a_zero_that_a_whole_page_shows_is_told_from_a_count() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let universe = bench.sandbox.universe();
    let (mut told, mut untold) = (0, 0);
    for page in 1..=9 {
        let call = Call::SearchNotes { query: query("露营"), page };
        for note in ask(&bench, "justoneapi", Some("v4"), &call).await.page.notes {
            let fact = universe.note(note.id.as_str()).unwrap();
            assert_eq!(note.counts.values()[0], Some(fact.counts.liked as i64));
            match note.counts.counts[3] {
                Some(shares) => assert_eq!((shares.value, told += 1), (fact.counts.shared as i64, ())),
                None => untold += 1,
            }
        }
    }
    assert!(told > 0 && untold > 0, "{told} told, {untold} not");
}

#[tokio::test]
async fn the_version_for_videos_shows_videos_alone() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let universe = bench.sandbox.universe();
    for id in universe.note_ids().into_iter().take(60) {
        let note = universe.note(&id).unwrap();
        let call = Call::NoteDetail { note_id: NoteId::parse(&id).unwrap() };
        let reading = ask(&bench, "justoneapi", Some("v6"), &call).await;
        let is_right = match (note.is_gone, note.is_video) {
            (true, _) => matches!(reading.outcome, Outcome::Gone | Outcome::Empty),
            (false, true) => reading.outcome == Outcome::Ok,
            (false, false) => reading.outcome == Outcome::Empty,
        };
        assert!(is_right, "{id}: {}", reading.outcome);
        assert!(reading.page.notes.iter().all(|note| note.id.as_str() == id));
    }
}

#[tokio::test]
async fn walks_are_read_whole() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let universe = bench.sandbox.universe();
    for (vendor, id) in universe.user_ids().iter().take(24).flat_map(|id| [("justoneapi", id), ("spiderhubs", id)]) {
        let (mut seen, mut cursor, mut page) = (Vec::new(), None, 1);
        loop {
            let call = Call::UserNotes { user_id: UserId::parse(id).unwrap(), via: None, cursor, page };
            let reading = ask(&bench, vendor, None, &call).await;
            seen.extend(reading.page.notes.iter().map(|note| (note.id.to_string(), note.sticky)));
            cursor = reading.page.cursor;
            page += 1;
            if reading.page.has_more == Some(false) || reading.outcome == Outcome::Empty {
                break;
            }
        }
        let facts = universe.notes_of(id).into_iter().map(|note| (note.id, Some(note.is_pinned)));
        assert_eq!(seen, facts.collect::<Vec<_>>(), "{vendor} {id}");
    }
}

#[tokio::test]
async fn details_and_profiles_are_facts_of_what_is_there_and_what_is_not() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let universe = bench.sandbox.universe();
    let made_up = (0..40).map(|number| format!("{number:024x}"));
    for id in universe.note_ids().into_iter().take(120).chain(made_up) {
        let fact = universe.note(&id).filter(|note| !note.is_gone);
        let reading = ask(&bench, "justoneapi", None, &Call::NoteDetail { note_id: NoteId::parse(&id).unwrap() }).await;
        assert_eq!(reading.outcome, if fact.is_some() { Outcome::Ok } else { Outcome::Gone }, "{id}");
        let told = reading.page.notes.first().map(|note| (note.id.to_string(), note.published_at.unwrap().as_second()));
        assert_eq!(told, fact.map(|note| (note.id, note.published)));
        let user = UserId::parse(&id).unwrap();
        for vendor in ["justoneapi", "spiderhubs"] {
            let call = Call::UserNotes { user_id: user.clone(), via: None, cursor: None, page: 1 };
            assert_eq!(ask(&bench, vendor, None, &call).await.outcome, Outcome::Empty, "{vendor} {id}");
        }
        assert_eq!(ask(&bench, "justoneapi", None, &Call::UserProfile { user_id: user }).await.outcome, Outcome::Gone);
    }
    for id in universe.user_ids() {
        let call = Call::UserProfile { user_id: UserId::parse(&id).unwrap() };
        assert_eq!(ask(&bench, "justoneapi", Some("v3"), &call).await.outcome, Outcome::Ok);
    }
}
