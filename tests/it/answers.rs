//! What odd answers lead to: compressed ones, other character sets, texts for data, versions that are gone, notes that
//! nobody asked for.

use std::io::Write as _;

use notemill::crawl::Ended;
use notemill::model::{Answer, Billed, Body, Outcome};
use serde_json::{Value, json};

use crate::cli::{Desk, files};
use crate::hostile::{Act, Hostile, http};
use crate::scripted::{Asked, DETAIL, PROFILE, Reply, SEARCH, Scripted, code, full, listed, note_id, ok, search_page};
use crate::support::World;

fn ids(count: u32) -> Vec<String> {
    (1..=count).map(|number| note_id(number, 1_700_000_000)).collect()
}

/// A job that fetches so many notes by id, and nothing else.
fn details(count: u32) -> String {
    format!("seeds = [{{ notes = {:?} }}]\n[expand]\nauthors = false\n", ids(count))
}

/// A job that fetches so many profiles by way of their notes.
fn profiles(count: u32) -> String {
    details(count).replace("authors = false", "authors = true")
}

fn detail_of(asked: &Asked, title: &str) -> Value {
    let mut note = listed(asked.param("noteId"));
    note["title"] = json!(title);
    json!({ "code": 0, "data": [{ "note_list": [note] }] })
}

async fn raw(job: &str, answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> (World, Hostile, Ended) {
    let vendor = Hostile::start(move |asked| vec![Act::Send(answer(asked))]).await;
    let world = World::new(&vendor.base_url());
    let ended = world.run(job).await;
    (world, vendor, ended)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// A name, what is answered, and how often it is asked.
type Failing = (&'static str, fn() -> Reply, usize);

type Packing = (&'static str, fn(&[u8]) -> Vec<u8>);

#[tokio::test(flavor = "multi_thread")]
async fn compressed_answers_are_read_and_kept_unpacked() {
    let packings: [Packing; 7] = [
        ("content-encoding: gzip", gzip),
        ("content-encoding: X-GZIP", gzip),
        ("content-encoding: deflate", zlib),
        ("content-encoding: zstd", zstd),
        ("content-encoding: zstd, gzip", |bytes| gzip(&zstd(bytes))),
        ("content-encoding: identity", |bytes| bytes.to_vec()),
        ("x-encoding: none that is named", gzip),
    ];
    for (header, pack) in packings {
        let (name, value) = header.split_once(": ").unwrap();
        let (world, vendor, ended) = raw(&details(2), move |asked| {
            http(200, &[(name, value)], &pack(detail_of(asked, "防晒").to_string().as_bytes()))
        })
        .await;
        assert_eq!((ended, vendor.lines().len()), (Ended::Complete, 2), "{header}");
        for answer in world.answers() {
            let body = String::from_utf8(answer.body.as_ref().and_then(Body::raw).unwrap().to_vec()).unwrap();
            assert!(body.contains("防晒"), "{header}: {body}");
            assert_eq!((answer.outcome, answer.attempts), (Outcome::Ok, 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_that_nobody_knows_is_named_and_asked_once() {
    let (world, vendor, ended) =
        raw(&details(3), |_| http(200, &[("content-encoding", "lzma")], b"\x5d\x00\x00\x80\x00")).await;
    assert_eq!((ended, vendor.lines().len()), (Ended::Complete, 3), "once each");
    for answer in world.answers() {
        assert_eq!((answer.outcome, answer.billed, answer.attempts), (Outcome::Retry, Billed::Unknown, 1));
        assert_eq!(answer.body, None);
    }
    let job = format!(
        "name = \"small\"\n{}[vendors.justoneapi]\nbase_url = \"{}\"\nconcurrency = 1\nprice = {{ note_detail = 0.1 }}\n",
        details(40),
        vendor.base_url()
    );
    let desk = Desk::new(&job);
    let output = desk.run(&["run", "job.toml"]);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(4), "{stdout}");
    assert!(
        stdout.contains("the answer is compressed with `lzma`, which is not one of gzip, deflate, br, zstd"),
        "{stdout}"
    );
    assert_eq!(vendor.lines().len(), 3 + 10, "ten are enough to know");
    // The status says what a refusal means, whatever its body.
    let (world, _, _) = raw(&details(1), |_| http(400, &[("content-encoding", "lzma")], b"\x5d\x00\x00")).await;
    assert_eq!((world.answers()[0].outcome, world.answers()[0].billed), (Outcome::Reject, Billed::No));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_character_sets_are_kept_as_utf_8_less_the_key() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
    let key = "canary-key-in-utf-16";
    for (content_type, encode) in [
        ("application/json; charset=utf-16le", Box::new(utf16) as Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>),
        ("application/json;charset=GBK", Box::new(gbk)),
        ("application/json; charset=utf-8", Box::new(gbk)),
    ] {
        let vendor = Hostile::start(move |asked| {
            let body = detail_of(asked, &format!("防晒霜测评 {key}")).to_string();
            vec![Act::Send(http(200, &[("content-type", content_type)], &encode(&body)))]
        })
        .await;
        let world = World { key: key.into(), ..World::new(&vendor.base_url()) };
        assert_eq!(world.run(&details(1)).await, Ended::Complete);
        let answer = world.answers().remove(0);
        let body = String::from_utf8(answer.body.as_ref().and_then(Body::raw).unwrap().to_vec()).unwrap();
        assert_eq!(answer.outcome, Outcome::Ok, "{content_type}");
        assert!(body.contains("防晒霜测评 [key]"), "{content_type}: {body}");
    }
}

/// Runs a job against a scripted vendor with the binary; returns the exit code, the report and the desk.
async fn report(job: &str, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Option<i32>, Value, Desk) {
    let vendor = Scripted::start(script).await;
    let desk = Desk::new(&format!("name = \"small\"\n{job}[vendors.justoneapi]\nbase_url = \"{}\"\n", vendor.base_url));
    let output = tokio::task::block_in_place(|| desk.run(&["run", "job.toml", "--json", "-q"]));
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code(), report, desk)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_for_data_is_unreadable_on_every_page() {
    let job = "seeds = [{ keywords = [\"k\"] }]\nexpand = { details = false, authors = false }\n";
    for data in [json!("系统繁忙"), json!("{\"items\":[{\"id\":\"n1\",\"title\":\"t\"}]}"), json!({ "items": "error" })]
    {
        for last_good in [0, 1] {
            let data = data.clone();
            let (code, report, _) = report(job, move |asked| {
                let page: u32 = asked.param("page").parse().unwrap();
                if page <= last_good { search_page(&[note_id(page, 1_700_000_000)]) } else { ok(data.clone()) }
            })
            .await;
            assert_eq!((code, &report["told"]["rejects"]), (Some(3), &json!(1)), "{report}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_served_gives_way_to_the_next() {
    let served = |asked: &Asked| match asked.what.as_str() {
        "get-user/v4" => ok(json!({ "userid": asked.param("userId"), "nickname": "n", "fans": 3 })),
        DETAIL => {
            let mut note = listed(asked.param("noteId"));
            note["user"]["userid"] = json!(format!("u{}", asked.param("noteId")));
            ok(json!([{ "note_list": [note] }]))
        }
        _ => full(asked),
    };
    let job = format!("{}[vendors.justoneapi]\nconcurrency = 1\n", profiles(6));
    // No such path: the next version is asked for all from then on.
    for gone in [|| Reply::Text(404, "404 page not found"), || Reply::Status(410, json!({ "error": "Gone" }))] {
        let vendor = Scripted::start(move |asked| if asked.what == PROFILE { gone() } else { served(asked) }).await;
        let world = World::new(&vendor.base_url);
        assert_eq!(world.run(&job).await, Ended::Complete);
        assert_eq!((vendor.count(PROFILE), vendor.count("get-user/v4")), (1, 6));
        let profiles: Vec<Answer> = world.answers().into_iter().filter(|answer| !is_detail(answer)).collect();
        assert!(profiles.iter().all(|answer| (answer.outcome, answer.billed) == (Outcome::Ok, Billed::Yes)));
    }
    // Failed and not billed: this call alone is asked in the next version, once its attempts are used up.
    for (failure, attempts) in [(400, 1), (301, 5)] {
        let is_odd = |asked: &Asked| asked.param("userId").ends_with('3');
        let vendor = Scripted::start(move |asked| match asked.what.as_str() {
            PROFILE if is_odd(asked) => code(failure),
            _ => served(asked),
        })
        .await;
        let world = World::new(&vendor.base_url);
        assert_eq!(world.run(&job).await, Ended::Complete);
        assert_eq!((vendor.count(PROFILE), vendor.count("get-user/v4")), (5 + attempts, 1), "{failure}");
        assert!(world.answers().iter().all(|answer| answer.outcome == Outcome::Ok));
    }
}

fn is_detail(answer: &Answer) -> bool {
    answer.call.endpoint() == notemill::model::Endpoint::NoteDetail
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_billed_and_what_a_job_chose_is_asked_in_no_other_version() {
    // A cut body may be billed, and so may a code that nobody names; a user who is not there is a fact.
    let replies: [Failing; 3] = [
        ("cut", || Reply::Text(200, "{\"code\":0,\"data\":{"), 3),
        ("unknown", || code(777), 2),
        ("not there", || Reply::Status(404, json!({ "code": 404, "data": null })), 1),
    ];
    for (name, reply, sent) in replies {
        let vendor = Scripted::start(move |asked| if asked.what == PROFILE { reply() } else { full(asked) }).await;
        let world = World::new(&vendor.base_url);
        assert_eq!(world.run(&profiles(1)).await, Ended::Complete);
        assert_eq!((vendor.count(PROFILE), vendor.count("get-user/v4")), (sent, 0), "{name}");
    }
    let vendor = Scripted::start(|asked| if asked.what == PROFILE { code(400) } else { full(asked) }).await;
    let world = World::new(&vendor.base_url);
    let job = format!("{}[vendors.justoneapi]\nversion = {{ user_profile = \"v3\" }}\n", profiles(1));
    assert_eq!(world.run(&job).await, Ended::Complete);
    assert_eq!((vendor.count(PROFILE), vendor.count("get-user/v4")), (1, 0), "a job's choice stands alone");
    // No version is left: given up, as without a fallback.
    let gone = |asked: &Asked| asked.what.starts_with("get-user/");
    let vendor =
        Scripted::start(move |asked| if gone(asked) { Reply::Text(404, "not found") } else { full(asked) }).await;
    let world = World::new(&vendor.base_url);
    assert_eq!(world.run(&profiles(1)).await, Ended::Complete);
    assert_eq!((vendor.count(PROFILE), vendor.count("get-user/v4")), (1, 1));
    assert!(world.answers().iter().any(|answer| answer.outcome == Outcome::Reject));
}

/// The ids that a table of the latest snapshot names, from its Parquet files.
fn holds(desk: &Desk, table: &str, id: &str) -> bool {
    let folder = desk.path("data/small/snapshots");
    files(&folder).iter().filter(|path| path.to_string_lossy().contains(&format!("/{table}/"))).any(|path| {
        let bytes = std::fs::read(path).unwrap();
        memchr::memmem::find(&bytes, id.as_bytes()).is_some()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn recommended_notes_stay_out_and_can_be_forgotten() {
    let job = "seeds = [{ keywords = [\"k\"], max_pages = 1 }]\n[expand]\nauthors = true\n\
               [output]\ncompression = \"none\"\n";
    let beside = |number: u32| {
        let mut note = listed(&note_id(90 + number, 1_500_000_000));
        note["user"] = json!({ "userid": format!("5c00000000000000000000{number:02}"), "nickname": "r" });
        note
    };
    let (code, report, desk) = report(job, move |asked| match asked.what.as_str() {
        SEARCH => search_page(&ids(3)),
        DETAIL => ok(json!([{ "note_list": [beside(1), listed(asked.param("noteId")), beside(2)] }])),
        _ => full(asked),
    })
    .await;
    assert_eq!((code, &report["told"]["skipped"]), (Some(0), &json!(6)), "{report}");
    let other = note_id(91, 1_500_000_000);
    for table in ["notes", "note_metrics", "authors", "note_images", "search_hits"] {
        assert!(!holds(&desk, table, &other) && !holds(&desk, table, "5c00000000000000000000"), "{table}");
    }
    assert!(holds(&desk, "notes", &ids(1)[0]), "what was asked for is there");
    // They are in the raw answers, and leave them.
    assert_eq!(desk.code(&["forget", "job.toml", "--yes", "--note", &other, "--user", "5c0000000000000000000002"]), 0);
    for path in files(&desk.path("data")) {
        let bytes = std::fs::read(&path).unwrap();
        for id in [&other, "5c0000000000000000000002", &note_id(92, 1_500_000_000)] {
            assert!(memchr::memmem::find(&bytes, id.as_bytes()).is_none(), "{}: {id}", path.display());
        }
    }
    assert_eq!(desk.code(&["verify", "job.toml"]), 0);
}
