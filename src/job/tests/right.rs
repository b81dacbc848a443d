//! Right job files: what stands in the file is what the job says.

use std::path::Path;
use std::time::Duration;

use super::good;
use crate::job::{Compression, Job, Limits, MaxAge, Order, Partition, RefreshDetails, SeedKind};
use crate::model::{Endpoint, Money, NoteId, NoteTypeFilter, Published, Sort, UserId};

fn words(job: &Job) -> Vec<String> {
    let kinds = job.seeds.iter().map(|seed| match &seed.kind {
        SeedKind::Queries(queries) => {
            let queries = queries.iter().map(|q| format!("{}/{}/{}/{}", q.keyword, q.sort, q.note_type, q.published));
            format!("{}: {}", seed.number, queries.collect::<Vec<_>>().join(" "))
        }
        SeedKind::Users(users) => {
            format!("{}: users {}", seed.number, users.iter().map(UserId::as_str).collect::<Vec<_>>().join(" "))
        }
        SeedKind::Notes(notes) => {
            format!("{}: notes {}", seed.number, notes.iter().map(NoteId::as_str).collect::<Vec<_>>().join(" "))
        }
    });
    kinds.collect()
}

#[test]
fn the_smallest_job_has_the_documented_defaults() {
    let job = good("[[seeds]]\nkeywords = [\"防晒霜\"]");
    assert_eq!((job.name.as_str(), job.dataset.as_path()), ("job", Path::new("no-such-folder/data/job")));
    assert_eq!(words(&job), ["1: 防晒霜/general/all/any"]);
    assert_eq!(job.seeds[0].limits, Limits { max_pages: Some(11), max_notes: None, since: None, stop_when_stale: 2 });
    assert!(job.expand.details && job.expand.authors && !job.expand.author_notes);
    let days = |days: u64| MaxAge::Age(Duration::from_secs(days * 86_400));
    assert_eq!(job.refresh.details, RefreshDetails::Age(days(7)));
    assert_eq!(
        (job.refresh.authors, job.refresh.searches, job.refresh.user_notes),
        (days(30), MaxAge::Always, MaxAge::Always)
    );
    assert!(!job.refresh.until_known);
    assert_eq!((job.budget.max_calls, job.budget.max_cost, job.budget.max_calls_per_day), (None, None, None));
    assert_eq!(job.budget.order, Order::Depth);
    assert_eq!(
        (job.output.partition, job.output.compression, job.output.keep_snapshots),
        (Partition::Month, Compression::Zstd, 5)
    );
    assert_eq!(job.output.time_zone.name(), "Asia/Shanghai");
    let vendor = &job.vendors["justoneapi"];
    assert_eq!(job.vendors.len(), 1);
    assert_eq!(vendor.base_url.as_str(), "https://api.justoneapi.com/");
    assert_eq!(
        (vendor.token_env.as_str(), vendor.concurrency, vendor.requests_per_minute),
        ("JUSTONEAPI_TOKEN", 32, None)
    );
    assert_eq!((vendor.timeout, vendor.allow_plain_http), (Duration::from_mins(1), false));
    assert!(vendor.version.is_empty() && vendor.price.is_empty());
}

#[test]
fn every_setting_arrives() {
    let job = good(
        "name = \"a-b_1\"\ndataset = \"../sets/x\"\n[[seeds]]\nkeywords = [\"a\"]\nmax_pages = 3\nmax_notes = 40\nsince = 2026-01-01\nstop_when_stale = 0\n\
         [expand]\ndetails = false\nauthors = false\nauthor_notes = true\n\
         [refresh]\ndetails = \"changed\"\nauthors = \"forever\"\nsearches = \"12h\"\nuser_notes = \"90m\"\nuntil_known = true\nknown = \"14d\"\n\
         [budget]\nmax_calls = 10\nmax_cost = 5\nmax_calls_per_day = 7\nmax_cost_per_day = 8.5\nmax_total_cost = 9\norder = \"breadth\"\n\
         [vendors.justoneapi]\nregion = \"cn\"\nallow_plain_http = true\ntoken_env = \"MY_TOKEN\"\nconcurrency = 4\nrequests_per_minute = 90\ntimeout = \"2m\"\n\
         version = { search_notes = \"v4\" }\nprice = { search_notes = 0.1 }\n\
         [vendors.spiderhubs]\nbase_url = \"http://127.0.0.1:9000\"\n\
         [route]\nuser_notes = [\"spiderhubs\", \"justoneapi\"]\n\
         [output]\npartition = \"none\"\ntime_zone = \"europe/berlin\"\ncompression = \"snappy\"\nkeep_snapshots = 1\n",
    );
    assert_eq!((job.name.as_str(), job.dataset.as_path()), ("a-b_1", Path::new("no-such-folder/../sets/x")));
    let since = "2026-01-01T00:00:00Z".parse().ok();
    assert_eq!(job.seeds[0].limits, Limits { max_pages: Some(3), max_notes: Some(40), since, stop_when_stale: 0 });
    assert!(!job.expand.details && !job.expand.authors && job.expand.author_notes && job.refresh.until_known);
    assert_eq!((job.refresh.details, job.refresh.authors), (RefreshDetails::Changed, MaxAge::Forever));
    assert_eq!(job.refresh.searches, MaxAge::Age(Duration::from_hours(12)));
    assert_eq!(job.refresh.user_notes, MaxAge::Age(Duration::from_mins(90)));
    assert_eq!(job.refresh.known, MaxAge::Age(Duration::from_hours(14 * 24)));
    assert_eq!(
        (job.budget.max_calls, job.budget.max_calls_per_day, job.budget.order),
        (Some(10), Some(7), Order::Breadth)
    );
    assert_eq!(job.budget.max_cost, Some(Money::from_micros(5_000_000)));
    assert_eq!(
        (job.output.partition, job.output.compression, job.output.keep_snapshots),
        (Partition::None, Compression::Snappy, 1)
    );
    assert_eq!(job.output.time_zone.name(), "Europe/Berlin");
    let vendor = &job.vendors["justoneapi"];
    assert_eq!(
        (vendor.base_url.scheme(), vendor.allow_plain_http, vendor.token_env.as_str()),
        ("http", true, "MY_TOKEN")
    );
    assert_eq!((vendor.concurrency, vendor.requests_per_minute, vendor.timeout), (4, Some(90), Duration::from_mins(2)));
    assert_eq!(vendor.version[&Endpoint::SearchNotes], "v4");
    assert_eq!(vendor.price[&Endpoint::SearchNotes], Money::from_micros(100_000));
    assert_eq!(job.vendors["spiderhubs"].requests_per_minute, Some(300));
    assert_eq!(job.route[&Endpoint::UserNotes], ["spiderhubs", "justoneapi"]);
}

#[test]
fn filters_fan_out_and_duplicates_vanish() {
    let job = good(
        "[[seeds]]\nkeywords = [\"b\", \" a\", \"b \"]\nsort = [\"time_descending\", \"general\", \"general\"]\nnote_type = [\"video\"]\npublished = \"day\"",
    );
    assert_eq!(
        words(&job),
        ["1: b/time_descending/video/day b/general/video/day a/time_descending/video/day a/general/video/day"]
    );
    assert_eq!(
        [Sort::default().as_str(), NoteTypeFilter::default().as_str(), Published::default().as_str()],
        ["general", "all", "any"]
    );
}

#[test]
fn the_same_in_two_seeds_is_kept_in_the_first() {
    let job = good(
        "[[seeds]]\nkeywords = [\"a\", \"b\"]\n[[seeds]]\nkeywords = [\"b\", \"c\"]\nmax_pages = 11\n[[seeds]]\nkeywords = [\"a\"]\n\
         [[seeds]]\nkeywords = [\"a\"]\nsort = \"time_descending\"\nmax_pages = 2\n\
         [[seeds]]\nnotes = [\"6500000000000000000000b1\", \"https://www.xiaohongshu.com/explore/6500000000000000000000b2\"]\n[[seeds]]\nnotes = [\"6500000000000000000000b2\", \"6500000000000000000000b3\"]\n[[seeds]]\nusers = [\"6500000000000000000000a1\", \"6500000000000000000000a1\"]\nmax_pages = 1",
    );
    let expected = [
        "1: a/general/all/any b/general/all/any",
        "2: c/general/all/any",
        "4: a/time_descending/all/any",
        "5: notes 6500000000000000000000b1 6500000000000000000000b2",
        "6: notes 6500000000000000000000b3",
        "7: users 6500000000000000000000a1",
    ];
    assert_eq!(words(&job), expected);
}

#[test]
fn limits_of_users_and_notes_have_their_own_defaults() {
    let job =
        good("[[seeds]]\nusers = [\"6500000000000000000000a1\"]\n[[seeds]]\nnotes = [\"6500000000000000000000b1\"]");
    assert_eq!(job.seeds[0].limits, Limits { max_pages: None, stop_when_stale: 2, ..Limits::default() });
    assert_eq!(job.seeds[1].limits, Limits::default());
}

#[test]
fn since_may_be_text_or_a_date_of_toml() {
    for since in [
        "2026-01-01",
        "\"2026-01-01\"",
        "2026-01-01T00:00:00Z",
        "2026-01-01 08:00:00+08:00",
        "\"2026-01-01T00:00:00Z\"",
    ] {
        let job = good(&format!("[[seeds]]\nkeywords = [\"a\"]\nsince = {since}"));
        assert_eq!(job.seeds[0].limits.since, "2026-01-01T00:00:00Z".parse().ok(), "{since}");
    }
}

#[test]
fn only_vendors_that_a_call_can_reach_are_kept() {
    let job = good(
        "[[seeds]]\nusers = [\"6500000000000000000000a1\"]\n[expand]\ndetails = false\nauthors = false\n[vendors.justoneapi]\nconcurrency = 3\n[route]\nuser_notes = \"spiderhubs\"",
    );
    assert_eq!(job.vendors.keys().collect::<Vec<_>>(), ["spiderhubs"]);
    assert_eq!(job.route.len(), 4);
    assert!(job.route[&Endpoint::SearchNotes].is_empty());
    assert_eq!(job.route[&Endpoint::UserNotes], ["spiderhubs"]);
}

#[test]
fn the_fingerprint_changes_with_what_is_asked_and_with_nothing_else() {
    let base = "[[seeds]]\nkeywords = [\"a\"]\n";
    let print = |text: &str| good(text).fingerprint;
    let same = [
        "name = \"x\"\ndataset = \"y\"\n[[seeds]]\nkeywords = [\" a \", \"a\"]\nmax_pages = 11\n",
        "[[seeds]]\nkeywords = [\"a\"]\n[budget]\nmax_calls = 5\n[output]\npartition = \"day\"\n",
        "[[seeds]]\nkeywords = [\"a\"]\n[vendors.justoneapi]\nconcurrency = 1\nversion = { search_notes = \"v2\" }\n",
        "[[seeds]]\nkeywords = [\"a\"]\n[refresh]\ndetails = \"168h\"\n[route]\nsearch_notes = [\"justoneapi\"]\n",
    ];
    for text in same {
        assert_eq!(print(text), print(base), "{text}");
    }
    let other = [
        "[[seeds]]\nkeywords = [\"b\"]\n",
        "[[seeds]]\nkeywords = [\"a\"]\nmax_pages = 10\n",
        "[[seeds]]\nkeywords = [\"a\"]\nsort = \"time_descending\"\n",
        "[[seeds]]\nkeywords = [\"a\"]\n[expand]\ndetails = false\n",
        "[[seeds]]\nkeywords = [\"a\"]\n[refresh]\nuntil_known = true\n",
        "[[seeds]]\nkeywords = [\"a\"]\n[vendors.justoneapi]\nversion = { search_notes = \"v4\" }\n",
        "[[seeds]]\nkeywords = [\"a\"]\n[expand]\nauthor_notes = true\n[route]\nuser_notes = \"spiderhubs\"\n",
    ];
    let mut prints: Vec<String> = other.iter().map(|text| print(text)).collect();
    prints.push(print(base));
    let count = prints.len();
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), count);
    assert!(prints.iter().all(|print| print.len() == 64));
}
