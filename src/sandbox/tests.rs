//! The sandbox as a client sees it: over HTTP, by the vendors' pages.

mod faults;
mod limits;
mod reader;

use reqwest::Client;
use serde_json::{Value, json};

use super::*;
use crate::model::Endpoint;

const NOTES: &str = "/openapi/v1/contentcreator/xiaohongshu/app/get_user_notes";

/// A client and a sandbox of its own.
struct Bench {
    sandbox: Sandbox,
    client: Client,
}

impl Bench {
    async fn new(options: SandboxOptions) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        Self { sandbox: start(options).await.unwrap(), client }
    }

    async fn faulty(faults: Faults) -> Self {
        Self::new(SandboxOptions { faults, ..SandboxOptions::default() }).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    /// Asks Just One with a good key; `path` goes on after `/api/xiaohongshu/`.
    async fn send(&self, path: &str) -> Result<reqwest::Response, reqwest::Error> {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.client.get(self.url(&format!("/api/xiaohongshu/{path}{mark}token=k"))).send().await
    }

    async fn just_one(&self, path: &str) -> (u16, Value) {
        read(self.send(path).await.unwrap()).await
    }

    async fn spider_hubs(&self, query: &str) -> (u16, Value) {
        let request = self.client.get(self.url(&format!("{NOTES}?{query}"))).bearer_auth("k");
        read(request.send().await.unwrap()).await
    }

    fn note(&self, number: usize) -> String {
        self.sandbox.universe().note_ids()[number].clone()
    }

    /// What the ledger says of the last call.
    fn last(&self) -> (String, bool) {
        let entry = self.sandbox.ledger().entries().pop().unwrap();
        (entry.code, entry.billed)
    }
}

async fn read(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn detail(id: &str) -> String {
    format!("get-note-detail/v1?noteId={id}")
}

#[tokio::test]
async fn every_endpoint_answers_in_its_envelope() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let note = bench.note(1);
    for (path, pointer) in [
        ("search-note/v2?keyword=a".to_owned(), "/data/items/0"),
        ("search-note/v4?keyword=a&timeFilter=ALL".to_owned(), "/data/notes/0/shared_count"),
        (detail(&note), "/data/0/note_list/0/id"),
        (format!("get-user/v4?userId={EXAMPLE_USER}"), "/data/userid"),
        (format!("get-user/v3?userId={EXAMPLE_USER}"), "/data/result/code"),
        (format!("get-user/v3?userId=https://www.xiaohongshu.com/user/profile/{EXAMPLE_USER}?a=b"), "/data/nickname"),
        (detail(&format!("https://www.xiaohongshu.com/explore/{note}")), "/data/0/note_list/0/id"),
        (format!("get-user-note-list/v4?userId={EXAMPLE_USER}"), "/data/notes/0/cursor"),
    ] {
        let (status, body) = bench.just_one(&path).await;
        assert_eq!((status, &body["code"]), (200, &json!(0)), "{path}");
        assert!(body.pointer(pointer).is_some(), "{path}: {body}");
        assert_eq!(bench.last(), ("0".into(), true));
    }
    let (status, body) = bench.spider_hubs(&format!("user_id={EXAMPLE_USER}")).await;
    assert_eq!((status, &body["code"], &body["data"]["code"]), (200, &json!(200), &json!(0)));
    assert_eq!(body["data"]["data"]["notes"][0]["sticky"], json!(true));
    assert_eq!(body["request_id"].as_str().unwrap().len(), 36);
    assert_eq!(bench.last(), ("200".into(), true));
}

#[tokio::test]
async fn equal_sandboxes_give_equal_bytes() {
    let (one, two) = (Bench::new(SandboxOptions::default()).await, Bench::new(SandboxOptions::default()).await);
    let other = Bench::new(SandboxOptions { seed: 8, ..SandboxOptions::default() }).await;
    let path = "search-note/v2?keyword=%E9%98%B2%E6%99%92&page=2&sort=collect_descending";
    let mut bodies = Vec::new();
    for bench in [&one, &one, &two, &other] {
        bodies.push(bench.send(path).await.unwrap().bytes().await.unwrap());
    }
    assert!(bodies[0] == bodies[1] && bodies[1] == bodies[2] && bodies[2] != bodies[3]);
}

#[tokio::test]
async fn a_walk_over_http_shows_every_note_of_the_user() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let facts = bench.sandbox.universe().notes_of(EXAMPLE_USER);
    let (mut cursor, mut walked, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let (_, body) = bench.spider_hubs(&format!("user_id={EXAMPLE_USER}&cursor={cursor}")).await;
        let data = &body["data"]["data"];
        let notes = data["notes"].as_array().unwrap();
        walked.extend(notes.iter().map(|note| note["id"].as_str().unwrap().to_owned()));
        pages += 1;
        cursor = data["cursor"].as_str().unwrap().to_owned();
        if data["has_more"] == json!(false) {
            assert!(!notes.is_empty(), "the last page has notes");
            break;
        }
    }
    assert_eq!(walked, facts.iter().map(|note| note.id.clone()).collect::<Vec<_>>());
    assert_eq!(bench.sandbox.ledger().count(Endpoint::UserNotes), pages);
    let path = format!("get-user-note-list/v4?userId={EXAMPLE_USER}&lastCursor={cursor}");
    let (_, beyond) = bench.just_one(&path).await;
    assert_eq!(beyond["data"]["notes"], json!([]));
}

#[tokio::test]
async fn any_day_is_shown_on_the_same_port_in_any_order() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let author = EXAMPLE_USER;
    for day in [30, 2, 0, 30] {
        bench.sandbox.set_day(day);
        let started = Bench::new(SandboxOptions { day, ..SandboxOptions::default() }).await;
        for path in [
            "search-note/v2?keyword=%E9%98%B2%E6%99%92&sort=time_descending".to_owned(),
            format!("get-user-note-list/v4?userId={author}"),
            format!("get-user/v4?userId={author}"),
            detail(&bench.note(4)),
        ] {
            let here = bench.send(&path).await.unwrap().bytes().await.unwrap();
            assert!(here == started.send(&path).await.unwrap().bytes().await.unwrap(), "day {day}: {path}");
        }
    }
    assert_eq!(bench.sandbox.ledger().calls(), 16, "the books go on over all days");
}

#[tokio::test]
async fn past_the_end_of_a_search_there_is_nothing() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let mut absent = 0;
    for page in 12..32 {
        let (_, body) = bench.just_one(&format!("search-note/v2?keyword=a&page={page}")).await;
        assert!(body["data"]["items"].as_array().is_none_or(Vec::is_empty));
        absent += usize::from(body["data"].get("items").is_none());
    }
    assert!((1..20).contains(&absent), "absent on {absent} of 20 pages");
}

#[tokio::test]
async fn what_is_not_there_is_told_in_many_ways() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let mut ways = std::collections::BTreeSet::new();
    for number in 0..60 {
        let (_, body) = bench.just_one(&detail(&format!("{number:024x}"))).await;
        assert!(body.pointer("/data/0/note_list/0").is_none());
        let billed = [json!(0), json!(201)].contains(&body["code"]);
        assert_eq!(bench.last(), (body["code"].to_string(), billed));
        ways.insert(format!("{} {}", body["code"], body["data"].to_string().split(':').next().unwrap()));
        let (_, body) = bench.spider_hubs(&format!("user_id={number:024x}")).await;
        let inner = &body["data"]["code"];
        assert!(*inner == json!(-510_000) || body["data"]["data"]["notes"].as_array().is_none_or(Vec::is_empty));
    }
    assert_eq!(ways.len(), 3, "a note that is not there is stated to be gone: {ways:?}");
    let universe = bench.sandbox.universe();
    let gone = universe.note_ids().into_iter().find(|id| universe.note(id).unwrap().is_gone).unwrap();
    assert!(bench.just_one(&detail(&gone)).await.1.pointer("/data/0/note_list/0").is_none());
}

#[tokio::test]
async fn odd_parameters_and_paths_are_refused() {
    let bench = Bench::new(SandboxOptions::default()).await;
    for path in ["search-note/v2", "search-note/v2?keyword=a&sort=best", "get-user-note-list/v4?userId=a&lastCursor="] {
        let (status, body) = bench.just_one(path).await;
        let expected = if path.contains("lastCursor") { vec![0, 201, 404] } else { vec![400] };
        assert!(status == 200 && expected.contains(&body["code"].as_i64().unwrap()), "{path}: {body}");
    }
    let (_, body) = bench.just_one(&format!("get-user-note-list/v4?userId={EXAMPLE_USER}&lastCursor=x")).await;
    assert_eq!((&body["code"], bench.last()), (&json!(400), ("400".into(), false)));
    assert_eq!(bench.spider_hubs("id=a").await.0, 400);
    let calls = bench.sandbox.ledger().calls();
    assert_eq!(bench.just_one("get-user/v9?userId=a").await.0, 404);
    let post = bench.client.post(bench.url("/api/xiaohongshu/get-user/v4?userId=a&token=k")).send().await.unwrap();
    assert_eq!((post.status().as_u16(), bench.sandbox.ledger().calls()), (404, calls));
}

#[tokio::test]
async fn a_taken_address_is_told_and_a_left_one_can_be_taken_again() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let listen = bench.sandbox.address();
    assert_eq!(bench.sandbox.base_url(), format!("http://{listen}"));
    let again = || start(SandboxOptions { listen, notes: 1, ..SandboxOptions::default() });
    let error = again().await.unwrap_err();
    let text = format!("cannot listen on `{listen}`: another program already does (port 0 takes a free one)");
    assert_eq!(error.to_string(), text);
    // A connection that stays open does not hold the sandbox up.
    assert_eq!(bench.just_one("search-note/v2?keyword=a").await.0, 200);
    bench.sandbox.shutdown().await;
    let second = again().await.unwrap();
    drop(second);
}

#[tokio::test]
async fn a_dropped_sandbox_answers_no_more() {
    let bench = Bench::new(SandboxOptions::default()).await;
    let url = bench.url("/api/xiaohongshu/search-note/v2?keyword=a&token=k");
    drop(bench.sandbox);
    while bench.client.get(&url).send().await.is_ok() {}
}

#[tokio::test]
async fn a_ledger_that_cannot_be_opened_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions { ledger: Some(folder.path().to_owned()), ..SandboxOptions::default() };
    assert!(matches!(start(options).await, Err(SandboxError::Ledger { .. })));
}
