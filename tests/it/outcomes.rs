//! What the vendors' codes lead to.

use notemill::crawl::Ended;
use notemill::model::{Billed, Outcome};
use serde_json::json;

use crate::scripted::{
    Asked, DETAIL, NOTES, PROFILE, Reply, SEARCH, SPIDER, Scripted, code, full, listed, note_id, ok, search_page,
};
use crate::support::World;

fn ids(count: u32) -> Vec<String> {
    (1..=count).map(|number| note_id(number, 1_700_000_000)).collect()
}

/// A job that fetches so many notes by id, and nothing else.
fn details(count: u32) -> String {
    format!("seeds = [{{ notes = {:?} }}]\n[expand]\nauthors = false\n", ids(count))
}

async fn run(job: &str, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (World, Scripted, Ended) {
    let vendor = Scripted::start(script).await;
    let world = World::new(&vendor.base_url);
    let ended = world.run(job).await;
    (world, vendor, ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_failures_are_asked_again_and_each_attempt_is_counted() {
    let (world, vendor, ended) = run(&details(1), |asked| match asked.before {
        0 => code(301),
        1 => Reply::Text(200, "<html>busy</html>"),
        2 => Reply::Status(503, json!({ "code": "503" })),
        3 => Reply::Status(500, json!({ "code": 500 })),
        _ => full(asked),
    })
    .await;
    assert_eq!(ended, Ended::Complete);
    assert_eq!(vendor.count(DETAIL), 5);
    let answer = &world.answers()[0];
    assert_eq!((answer.outcome, answer.attempts, answer.billed), (Outcome::Ok, 5, Billed::Yes));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_keeps_failing_is_given_up_and_the_others_are_not() {
    let bad = note_id(2, 1_700_000_000);
    let (world, vendor, ended) =
        run(&details(3), move |asked| if asked.param("noteId") == bad { code(301) } else { full(asked) }).await;
    assert_eq!(ended, Ended::Complete);
    assert_eq!(vendor.count(DETAIL), 2 + 5);
    let outcomes: Vec<Outcome> = world.answers().iter().map(|answer| answer.outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Ok).count(), 2);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Retry).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_given_up_at_once_and_an_unknown_code_after_one_more() {
    let (world, vendor, ended) =
        run(&details(2), |asked| if asked.param("noteId").ends_with('1') { code(400) } else { code(777) }).await;
    assert_eq!(ended, Ended::Complete);
    assert_eq!(vendor.count(DETAIL), 3);
    let mut outcomes: Vec<Outcome> = world.answers().iter().map(|answer| answer.outcome).collect();
    outcomes.sort();
    assert_eq!(outcomes, [Outcome::Reject, Outcome::Unknown]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_balance_stops_at_once_and_the_next_run_goes_on_without_paying_again() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static LEFT: AtomicU32 = AtomicU32::new(3);
    let job = format!("{}[vendors.justoneapi]\nconcurrency = 1\n", details(10));
    let (world, vendor, ended) = run(&job, |asked| {
        let left = LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() { full(asked) } else { code(601) }
    })
    .await;
    assert!(matches!(ended, Ended::NoVendor { .. }), "{ended:?}");
    assert_eq!(vendor.count(DETAIL), 4, "one call finds out, and the rest is not tried");
    LEFT.store(100, Ordering::SeqCst);
    assert_eq!(world.run(&job).await, Ended::Complete);
    assert_eq!(vendor.count(DETAIL), 4 + 7);
    assert_eq!(world.answers().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_stops_everything() {
    for refusal in [100, 600] {
        let job = format!("{}[vendors.justoneapi]\nconcurrency = 2\n", details(10));
        let (world, vendor, ended) = run(&job, move |_| code(refusal)).await;
        assert!(matches!(ended, Ended::Refused { .. }), "{ended:?}");
        assert!(vendor.count(DETAIL) <= 2);
        assert!(world.answers().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_uses_up_no_attempt() {
    let (world, vendor, ended) = run(&details(1), |asked| match asked.before {
        0 => Reply::Header(429, "retry-after", "0", json!({ "code": 302 })),
        _ => full(asked),
    })
    .await;
    assert_eq!((ended, vendor.count(DETAIL)), (Ended::Complete, 2));
    assert_eq!(world.answers()[0].outcome, Outcome::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_burns_through_nothing_and_is_over_when_it_is_over() {
    an_outage(|| Reply::Text(502, "bad gateway")).await;
    an_outage(|| code(500)).await;
    an_outage(|| code(301)).await;
}

async fn an_outage(failure: fn() -> Reply) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    let (down, early) = (Arc::new(AtomicBool::new(true)), AtomicU32::new(25));
    let is_down = Arc::clone(&down);
    let script = move |asked: &Asked| {
        let is_early = early.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if !is_early && is_down.load(Ordering::SeqCst) { failure() } else { full(asked) }
    };
    let (world, vendor, ended) = run(&details(200), script).await;
    let Ended::NoVendor { reason, .. } = &ended else { panic!("{ended:?}") };
    assert!(reason.contains("does not answer"), "{reason}");
    assert!(vendor.count(DETAIL) < 110, "{}", vendor.count(DETAIL));
    assert_eq!(world.answers().len(), 25, "nothing is given up");
    down.store(false, Ordering::SeqCst);
    assert_eq!(world.run(&details(200)).await, Ended::Complete);
    assert_eq!(world.answers().len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_gone_if_a_code_states_it_and_not_if_a_success_shows_nothing() {
    let (world, vendor, ended) = run(&details(8), |asked| match asked.param("noteId").chars().last() {
        Some('1') => code(201),
        Some('2') => Reply::Status(404, json!({ "code": "404", "data": null })),
        Some('3') => ok(json!({ "code": -510_000, "success": false })),
        Some('4') => ok(json!({ "code": "-510001", "data": {} })),
        Some('5') => ok(json!([])),
        Some('6') => ok(json!(null)),
        Some('7') => ok(json!({})),
        _ => ok(json!([{ "note_list": [] }])),
    })
    .await;
    assert_eq!((ended, vendor.count(DETAIL)), (Ended::Complete, 8), "each is asked once");
    let mut outcomes: Vec<_> = world.answers().into_iter().map(|answer| (answer.call.key(), answer.outcome)).collect();
    outcomes.sort();
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!((&outcomes[..4], &outcomes[4..]), (&[Outcome::Gone; 4][..], &[Outcome::Empty; 4][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_another_note_is_kept_and_nothing_follows_from_it() {
    let job = details(1).replace("authors = false", "authors = true");
    let (world, vendor, ended) = run(&job, |_| ok(json!([{ "note_list": [listed("ffff")] }]))).await;
    assert_eq!((ended, vendor.count(PROFILE)), (Ended::Complete, 0));
    assert_eq!(world.answers()[0].outcome, Outcome::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_note_costs_no_call() {
    let job = "seeds = [{ keywords = [\"k\"], max_pages = 1 }]\n";
    let (_, vendor, ended) = run(job, |asked| match asked.what.as_str() {
        SEARCH => ok(json!({ "items": [
            { "model_type": "ads", "ads": { "note": listed("ad1") } },
            { "model_type": "ads", "note": listed("ad2") },
            { "model_type": "rec_query", "rec_query": { "queries": [] }, "id": "x#1" },
            { "model_type": "hot_query" }, { "model_type": "user", "user": { "id": "u9" } }, { "model_type": "live" },
            null, {}, { "model_type": "note", "note": listed("n1") }, listed("n2"),
            { "model_type": "note", "note_card": { "title": "t", "user": { "user_id": "u2" } }, "id": "n3" },
        ] })),
        _ => full(asked),
    })
    .await;
    assert_eq!(ended, Ended::Complete);
    let mut lines = vendor.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "get-note-detail/v1 noteId=n1",
            "get-note-detail/v1 noteId=n2",
            "get-note-detail/v1 noteId=n3",
            "get-user/v3 userId=u1",
            "get-user/v3 userId=u2",
            "search-note/v2 keyword=k noteType=_0 page=1 sort=general",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_stops_hands_over_along_the_route_from_the_first_page() {
    let job = r#"
        seeds = [{ users = ["6500000000000000000000a1"] }]
        expand = { details = false, authors = false }
        route = { user_notes = ["spiderhubs", "justoneapi"] }
    "#;
    let page = |from: u32| -> Vec<serde_json::Value> {
        (from..from + 2)
            .map(|number| json!({ "id": note_id(number, 1_700_000_000), "title": "t", "cursor": format!("c{number}") }))
            .collect()
    };
    let (world, vendor, ended) = run(job, move |asked| match (asked.what.as_str(), asked.param("cursor"), asked.param("lastCursor")) {
        (SPIDER, "", _) => Reply::Json(json!({ "code": 200, "data": { "code": 0, "data": { "notes": page(1), "has_more": true, "cursor": "s2" } } })),
        (SPIDER, ..) => Reply::Status(402, json!({ "code": 402, "message": "no credit" })),
        (NOTES, _, "") => ok(json!({ "notes": page(1), "has_more": true })),
        (NOTES, _, "c2") => ok(json!({ "notes": page(3), "has_more": 1 })),
        (NOTES, _, "c4") => ok(json!({ "notes": page(5), "has_more": "false" })),
        _ => code(400),
    })
    .await;
    assert_eq!(ended, Ended::Complete);
    assert_eq!(
        vendor.lines(),
        [
            "app/get_user_notes user_id=6500000000000000000000a1",
            "app/get_user_notes cursor=s2 user_id=6500000000000000000000a1",
            "get-user-note-list/v4 userId=6500000000000000000000a1",
            "get-user-note-list/v4 lastCursor=c2 userId=6500000000000000000000a1",
            "get-user-note-list/v4 lastCursor=c4 userId=6500000000000000000000a1",
        ]
    );
    assert_eq!(world.answers().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_ends_where_the_results_end() {
    let job = "seeds = [{ keywords = [\"k\"] }]\nexpand = { details = false, authors = false }\n";
    for end in ["empty", "null", "absent", "stale"] {
        let (_, vendor, ended) = run(job, move |asked| {
            let page: u32 = asked.param("page").parse().unwrap();
            match (page, end) {
                (1..=3, _) => search_page(&[note_id(page, 1_700_000_000)]),
                (_, "empty") => ok(json!({ "items": [] })),
                (_, "null") => ok(json!({ "items": null, "has_more": true })),
                (_, "absent") => ok(json!({ "query_type": 0 })),
                _ => search_page(&[note_id(1, 1_700_000_000)]),
            }
        })
        .await;
        assert_eq!(ended, Ended::Complete);
        assert_eq!(vendor.count(SEARCH), if end == "stale" { 5 } else { 4 }, "{end}");
    }
}

type Cursor = fn(&Asked) -> serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn no_pager_trap_loops() {
    let job = "seeds = [{ users = [\"6500000000000000000000a1\"], stop_when_stale = 0 }]\nexpand = { details = false, authors = false }\n";
    let notes = |asked: &Asked, cursor: serde_json::Value| {
        let number = u32::try_from(asked.param("lastCursor").len()).unwrap();
        json!([{ "id": note_id(number, 1_700_000_000), "title": "t", "cursor": cursor }])
    };
    let traps: [(&str, Cursor, usize); 4] = [
        ("the same cursor for ever", |_| json!("same"), 2),
        ("A, B, A", |asked| json!(if asked.param("lastCursor") == "A" { "B" } else { "A" }), 3),
        ("no cursor", |_| json!(null), 1),
        ("a boolean", |_| json!(true), 1),
    ];
    for (name, cursor, calls) in traps {
        let (_, vendor, ended) =
            run(job, move |asked| ok(json!({ "notes": notes(asked, cursor(asked)), "has_more": true }))).await;
        assert_eq!((ended, vendor.count(NOTES)), (Ended::Complete, calls), "{name}");
    }
    let (_, vendor, ended) = run(job, |_| ok(json!({ "notes": [], "has_more": true, "cursor": "x" }))).await;
    assert_eq!((ended, vendor.count(NOTES)), (Ended::Complete, 1), "has_more without notes");
    // Ever new cursors and never a new note: bounded even where the job says never.
    let (_, vendor, ended) = run(job, |asked| {
        let next = format!("{}x", asked.param("lastCursor"));
        ok(json!({ "notes": [{ "id": "n1", "title": "t", "cursor": next }], "has_more": "true" }))
    })
    .await;
    assert_eq!((ended, vendor.count(NOTES)), (Ended::Complete, 51));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_job_goes_on_and_pays_only_for_what_is_new() {
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => {
            let page: u32 = asked.param("page").parse().unwrap();
            search_page(&[note_id(2 * page, 1_700_000_000), note_id(2 * page + 1, 1_700_000_000)])
        }
        _ => full(asked),
    })
    .await;
    let world = World::new(&vendor.base_url);
    let job = |pages: u32, calls: u32| {
        format!(
            "seeds = [{{ keywords = [\"k\"], max_pages = {pages}, max_notes = {} }}]\nbudget = {{ max_calls = {calls} }}\n",
            2 * pages - 1
        )
    };
    let ended = world.run(&job(2, 4)).await;
    assert!(matches!(ended, Ended::Budget { .. }), "{ended:?}");
    assert_eq!(vendor.lines().len(), 4);
    assert_eq!(world.run(&job(3, 100)).await, Ended::Complete);
    // 3 pages, 5 notes, 1 author, each once.
    assert_eq!(vendor.lines().len(), 9);
    let admitted: usize =
        world.answers().iter().filter_map(|answer| answer.admitted.as_ref()).map(Vec::len).max().unwrap();
    assert_eq!(admitted, 2, "what the wider limit admits of an earlier page is admitted now");
    vendor.forget();
    assert_eq!(world.run(&job(3, 100)).await, Ended::Complete);
    assert_eq!((vendor.count(SEARCH), vendor.count(DETAIL), vendor.count(PROFILE)), (3, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_call_that_never_gets_a_whole_answer_is_given_up() {
    let (world, vendor, ended) = run(&details(1), |_| Reply::Text(200, "{\"code\":0,\"data\":[")).await;
    assert_eq!((ended, vendor.count(DETAIL)), (Ended::Complete, 3));
    let answer = &world.answers()[0];
    assert_eq!((answer.outcome, answer.attempts, answer.billed), (Outcome::Retry, 3, Billed::Unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notes_of_authors_go_one_level_out() {
    // The list of every user holds a note of the next one.
    let next = |user: &str| format!("6500000000000000000000a{}", user[23..].parse::<u32>().unwrap() + 1);
    let job = "seeds = [{ users = [\"6500000000000000000000a1\"] }]\nexpand = { author_notes = true }\n";
    let (_, vendor, ended) = run(job, move |asked| match asked.what.as_str() {
        NOTES => {
            let user = asked.param("userId");
            let note = json!({ "id": format!("note-{user}"), "title": "t", "user": { "userid": next(user) } });
            ok(json!({ "notes": [note], "has_more": false }))
        }
        DETAIL => {
            let user = next(asked.param("noteId").trim_start_matches("note-"));
            ok(json!([{ "note_list": [{ "id": asked.param("noteId"), "title": "t", "user": { "userid": user } }] }]))
        }
        _ => full(asked),
    })
    .await;
    assert_eq!(ended, Ended::Complete);
    let mut lines = vendor.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "get-note-detail/v1 noteId=note-6500000000000000000000a1",
            "get-note-detail/v1 noteId=note-6500000000000000000000a2",
            "get-user-note-list/v4 userId=6500000000000000000000a1",
            "get-user-note-list/v4 userId=6500000000000000000000a2",
            "get-user/v3 userId=6500000000000000000000a1",
            "get-user/v3 userId=6500000000000000000000a2",
            "get-user/v3 userId=6500000000000000000000a3",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_listing_is_compared_with_the_one_of_the_last_fetch() {
    use std::sync::atomic::{AtomicI64, Ordering};
    static LIKES: AtomicI64 = AtomicI64::new(1);
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => {
            let mut note = listed("n1");
            note["liked_count"] = json!(LIKES.load(Ordering::SeqCst));
            ok(json!({ "items": [{ "model_type": "note", "note": note }] }))
        }
        _ => full(asked),
    })
    .await;
    let world = World::new(&vendor.base_url);
    let job = |details: &str| {
        format!(
            "seeds = [{{ keywords = [\"k\"], max_pages = 1 }}]\nexpand = {{ authors = false }}\nrefresh = {{ details = \"{details}\" }}\n"
        )
    };
    for (likes, details, fetched) in
        [(1, "7d", 1), (1, "changed", 1), (2, "7d", 1), (2, "changed", 2), (2, "changed", 2), (3, "changed", 3)]
    {
        LIKES.store(likes, Ordering::SeqCst);
        assert_eq!(world.run(&job(details)).await, Ended::Complete);
        assert_eq!(vendor.count(DETAIL), fetched, "{likes} likes, details = {details}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_always_fail_are_given_up_and_keep_nothing_from_the_others() {
    let bad = |asked: &Asked| u32::from_str_radix(&asked.param("noteId")[8..], 16).unwrap() <= 12;
    let job = format!("{}[vendors.justoneapi]\nconcurrency = 8\n", details(40));
    let (world, _, ended) = run(&job, move |asked| if bad(asked) { code(301) } else { full(asked) }).await;
    assert_eq!(ended, Ended::Complete);
    let answers = world.answers();
    assert_eq!(answers.iter().filter(|answer| answer.outcome == Outcome::Ok).count(), 28);
    assert_eq!(answers.iter().filter(|answer| answer.outcome == Outcome::Retry).count(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_shape_is_not_a_note_that_is_gone() {
    let (world, _, ended) = run(&details(1), |_| ok(json!([{ "noteDetailV9": { "headline": "t" } }]))).await;
    assert_eq!(ended, Ended::Complete);
    let flat = notemill::flatten::flatten(&world.answers()[0]);
    assert!(flat.notes.is_empty());
    assert_eq!(flat.rejects[0].reason, "holds nothing that was asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_the_vendor_cut_short_is_walked_again_in_full() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static CUT: AtomicBool = AtomicBool::new(true);
    let job = "seeds = [{ users = [\"6500000000000000000000a1\"] }]\nexpand = { details = false, authors = false }\nrefresh = { until_known = true }\n";
    let page =
        |number: u32| json!([{ "id": note_id(number, 1_700_000_000), "title": "t", "cursor": format!("c{number}") }]);
    let (world, vendor, ended) = run(job, move |asked| match asked.param("lastCursor") {
        "" => ok(json!({ "notes": page(1), "has_more": true })),
        "c1" if CUT.load(Ordering::SeqCst) => ok(json!({ "notes": [], "has_more": true })),
        "c1" => ok(json!({ "notes": page(2), "has_more": false })),
        _ => code(400),
    })
    .await;
    assert_eq!((ended, vendor.count(NOTES)), (Ended::Complete, 2));
    CUT.store(false, Ordering::SeqCst);
    vendor.forget();
    assert_eq!((world.run(job).await, vendor.count(NOTES)), (Ended::Complete, 2), "known notes do not end it");
    vendor.forget();
    assert_eq!((world.run(job).await, vendor.count(NOTES)), (Ended::Complete, 1), "now they do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_two_kinds_of_listings_tell_is_fetched_once_and_at_once() {
    use std::sync::atomic::{AtomicI64, Ordering};
    static LIKES: AtomicI64 = AtomicI64::new(5);
    static SHARES: AtomicI64 = AtomicI64::new(5);
    let job = "seeds = [{ keywords = [\"k\"], max_pages = 1 }, { users = [\"6500000000000000000000a1\"] }]\nexpand = { authors = false }\n\
               refresh = { details = \"changed\" }\n[vendors.justoneapi]\nconcurrency = 1\n";
    let (world, vendor, _) = run(job, |asked| match asked.what.as_str() {
        SEARCH => ok(json!({ "items": [{ "id": "n1", "title": "t", "liked_count": LIKES.load(Ordering::SeqCst) }] })),
        NOTES => ok(json!({ "notes": [{ "id": "n1", "title": "t", "likes": SHARES.load(Ordering::SeqCst) }], "has_more": false })),
        _ => full(asked),
    })
    .await;
    let mut fetched = Vec::new();
    for (likes, shares) in [(5, 5), (5, 6), (5, 6), (7, 8), (7, 8)] {
        LIKES.store(likes, Ordering::SeqCst);
        SHARES.store(shares, Ordering::SeqCst);
        vendor.forget();
        assert_eq!(world.run(job).await, Ended::Complete);
        fetched.push(vendor.count(DETAIL));
    }
    assert_eq!(fetched, [0, 1, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_job_keeps_what_is_known_of_its_users() {
    let job = |users: &str, cap: u32| {
        format!(
            "seeds = [{{ users = [{users}] }}]\nexpand = {{ details = false, authors = false }}\n\
             refresh = {{ until_known = true }}\nbudget = {{ max_calls = {cap} }}\n[vendors.justoneapi]\nconcurrency = 1\n"
        )
    };
    let (world, vendor, _) = run(&job("\"6500000000000000000000a1\", \"6500000000000000000000a2\"", 99), |asked| {
        let user: u32 = asked.param("userId")[23..].parse().unwrap();
        let page = |number: u32| json!([{ "id": note_id(10 * user + number, 1_700_000_000), "title": "t", "cursor": format!("c{number}") }]);
        match asked.param("lastCursor") {
            "" => ok(json!({ "notes": page(1), "has_more": true })),
            "c1" => ok(json!({ "notes": page(2), "has_more": true })),
            _ => ok(json!({ "notes": page(3), "has_more": false })),
        }
    })
    .await;
    assert_eq!(vendor.count(NOTES), 6);
    vendor.forget();
    assert!(matches!(
        world.run(&job("\"6500000000000000000000a1\", \"6500000000000000000000a2\"", 1)).await,
        Ended::Budget { .. }
    ));
    assert_eq!(
        world
            .run(&job("\"6500000000000000000000a1\", \"6500000000000000000000a2\", \"6500000000000000000000a3\"", 99))
            .await,
        Ended::Complete
    );
    assert_eq!(vendor.count(NOTES), 2 + 3, "one page of each known user, three of the new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_for_the_only_call_hands_over_too() {
    let job = "seeds = [{ users = [\"6500000000000000000000a1\"] }]\nexpand = { details = false, authors = false }\n\
               route = { user_notes = [\"spiderhubs\", \"justoneapi\"] }\n";
    let (world, vendor, ended) = run(job, |asked| match asked.what.as_str() {
        SPIDER => Reply::Text(502, "<html>bad gateway</html>"),
        _ => ok(json!({ "notes": [{ "id": "n1", "title": "t" }], "has_more": false })),
    })
    .await;
    assert_eq!((ended, vendor.count(SPIDER), vendor.count(NOTES)), (Ended::Complete, 5, 1));
    assert_eq!(world.answers().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_that_is_down_leaves_has_all_its_attempts_at_the_next() {
    let job = "seeds = [{ users = [\"6500000000000000000000a1\", \"6500000000000000000000a2\", \"6500000000000000000000a3\"] }]\nexpand = { details = false, authors = false }\n\
               route = { user_notes = [\"spiderhubs\", \"justoneapi\"] }\n";
    let (world, vendor, ended) = run(job, |asked| match (asked.what.as_str(), asked.before) {
        (SPIDER, _) => code(500),
        // As often as one vendor may fail before a call is given up.
        (_, 0..4) => code(301),
        _ => ok(json!({ "notes": [{ "id": format!("n{}", asked.param("userId")), "title": "t" }], "has_more": false })),
    })
    .await;
    assert_eq!((ended, vendor.count(NOTES)), (Ended::Complete, 3 * 5));
    assert!(world.answers().iter().all(|answer| answer.outcome == Outcome::Ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_goes_at_once_while_the_answers_pay_for_it_and_else_last_and_one_at_a_time() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    // Of 60 notes every second fails once: ten retries are free, and 30 answers pay for six more.
    let together = std::sync::Arc::new(AtomicUsize::new(0));
    let seen = std::sync::Arc::clone(&together);
    let asked = std::sync::Mutex::new(std::collections::BTreeMap::<String, u32>::new());
    let early = std::sync::Arc::new(AtomicUsize::new(0));
    let before_others = std::sync::Arc::clone(&early);
    let base_url = crate::wire::start(move |call| {
        let mut asked = asked.lock().unwrap();
        let before = asked.entry(call.line.clone()).or_default();
        *before += 1;
        let fails = *before == 1 && u32::from_str_radix(&call.param("noteId")[8..], 16).unwrap() % 2 == 0;
        if *before > 1 {
            // The last first attempts may still be on their way.
            before_others.fetch_add(usize::from(asked.len() <= 60 - 8), Ordering::SeqCst);
            seen.fetch_add(usize::from(call.others > 0), Ordering::SeqCst);
        }
        let body = json!({ "code": 0, "data": [{ "note_list": [listed(call.param("noteId"))] }] });
        let reply = if fails { crate::wire::code(301) } else { crate::wire::json(&body) };
        crate::wire::Act { after: Duration::from_millis(2), reply }
    })
    .await;
    let world = World::new(&base_url);
    let job = format!("{}[vendors.justoneapi]\nconcurrency = 8\n", details(60));
    assert_eq!(world.run(&job).await, Ended::Complete);
    assert_eq!(world.answers().iter().filter(|answer| answer.outcome == Outcome::Ok).count(), 60);
    let together = together.load(Ordering::SeqCst);
    assert!(together <= 10 + 60 / 5, "{together} retries went beside other calls");
    let early = early.load(Ordering::SeqCst);
    assert!((1..=16).contains(&early), "{early} retries went before first attempts");
}
