//! Every fault, as a client meets it.

use super::*;

#[tokio::test]
async fn failures_are_told_and_not_billed() {
    let bench = Bench::faulty(Faults { fail: 1.0, ..Faults::default() }).await;
    let (status, body) = bench.just_one(&detail(&bench.note(1))).await;
    assert_eq!((status, &body["code"], bench.last()), (200, &json!(301), ("301".into(), false)));
    let (status, body) = bench.spider_hubs("user_id=a").await;
    assert_eq!((status, &body["data"]["code"], bench.last()), (200, &json!(-1), ("-1".into(), false)));
}

#[tokio::test]
async fn errors_have_either_status() {
    let bench = Bench::faulty(Faults { error: 1.0, ..Faults::default() }).await;
    let mut statuses = std::collections::BTreeSet::new();
    for number in 0..20 {
        let (status, body) = bench.just_one(&detail(&bench.note(number))).await;
        assert_eq!(body["code"], json!(status));
        assert_eq!(bench.last(), (status.to_string(), false));
        statuses.insert(status);
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [500, 503]);
}

#[tokio::test]
async fn html_comes_with_a_status_of_success() {
    let bench = Bench::faulty(Faults { html: 1.0, ..Faults::default() }).await;
    let (status, body) = bench.just_one(&detail(&bench.note(1))).await;
    assert!(status == 200 && body.as_str().unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(bench.last(), ("html".into(), false));
}

#[tokio::test]
async fn a_cut_body_is_half_a_body_and_billed() {
    let bench = Bench::faulty(Faults { cut: 1.0, ..Faults::default() }).await;
    let mut with_length = 0;
    for number in 1..12 {
        let mut response = bench.send(&detail(&bench.note(number))).await.unwrap();
        with_length += usize::from(response.content_length().is_some());
        let mut got = Vec::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => got.extend_from_slice(&chunk),
                other => break other,
            }
        };
        assert!(end.is_err(), "the body ended as if it were whole");
        assert!(got.starts_with(b"{\"code\""), "{} bytes came", got.len());
        assert!(serde_json::from_slice::<Value>(&got).is_err());
        assert_eq!(bench.last().0, "cut");
    }
    assert!((1..11).contains(&with_length), "{with_length} of 11 told their length");
    assert!(bench.sandbox.ledger().billed() > 8);
}

#[tokio::test]
async fn a_reset_comes_before_any_answer_and_is_not_billed() {
    let bench = Bench::faulty(Faults { reset: 1.0, ..Faults::default() }).await;
    let error = bench.send(&detail(&bench.note(1))).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!((bench.sandbox.ledger().calls(), bench.last()), (1, ("reset".into(), false)));
}

#[tokio::test]
async fn a_slow_answer_hangs_until_the_client_leaves_or_the_sandbox_stops() {
    let bench = Bench::faulty(Faults { slow: 1.0, ..Faults::default() }).await;
    let url = bench.url(&format!("/api/xiaohongshu/{}&token=k", detail(&bench.note(1))));
    let error = bench.client.get(&url).timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(bench.last(), ("slow".into(), true));
    let waiting = tokio::spawn(bench.client.get(&url).send());
    while bench.sandbox.ledger().calls() < 2 {
        tokio::task::yield_now().await;
    }
    bench.sandbox.shutdown().await;
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test]
async fn the_data_is_null_where_asked_for_and_billed() {
    let bench = Bench::faulty(Faults { null_data: 1.0, ..Faults::default() }).await;
    let (_, body) = bench.just_one(&detail(&bench.note(1))).await;
    assert_eq!((&body["code"], &body["data"], bench.last()), (&json!(0), &Value::Null, ("0".into(), true)));
    let (_, body) = bench.spider_hubs("user_id=a").await;
    assert_eq!((&body["code"], &body["data"], bench.last()), (&json!(200), &Value::Null, ("200".into(), true)));
}

#[tokio::test]
async fn a_share_of_details_is_a_billed_success_that_shows_nothing_all_day_long() {
    let bench = Bench::faulty(Faults { empty: 0.5, ..Faults::default() }).await;
    let mut days = Vec::new();
    for day in [0, 0, 1] {
        bench.sandbox.set_day(day);
        let mut empty = Vec::new();
        for number in 0..60 {
            let (_, body) = bench.just_one(&detail(&bench.note(number))).await;
            let is_there = bench.sandbox.universe().note(&bench.note(number)).is_some_and(|note| !note.is_gone);
            let is_empty = body["code"] == json!(0) && body["data"]["code"].is_null();
            if is_there && body.pointer("/data/0/note_list/0").is_none() {
                assert!(is_empty && bench.last() == ("0".into(), true), "{body}");
                empty.push(number);
            }
        }
        assert!((15..45).contains(&empty.len()), "{} of 60", empty.len());
        days.push(empty);
    }
    assert!(days[0] == days[1] && days[1] != days[2]);
}

#[tokio::test]
async fn codes_are_text_where_asked_for() {
    let bench = Bench::faulty(Faults { string_codes: 1.0, ..Faults::default() }).await;
    assert_eq!(bench.just_one(&detail(&bench.note(1))).await.1["code"], json!("0"));
    let (_, body) = bench.spider_hubs(&format!("user_id={EXAMPLE_USER}")).await;
    assert_eq!((&body["code"], &body["data"]["code"]), (&json!("200"), &json!("0")));
}

#[tokio::test]
async fn a_share_of_notes_is_gone_for_good() {
    let bench = Bench::faulty(Faults { gone: 0.5, ..Faults::default() }).await;
    let mut rounds = Vec::new();
    for _ in 0..2 {
        let mut there = Vec::new();
        for number in 0..60 {
            let (_, body) = bench.just_one(&detail(&bench.note(number))).await;
            there.push(body.pointer("/data/0/note_list/0").is_some());
        }
        rounds.push(there);
    }
    assert_eq!(rounds[0], rounds[1]);
    assert!((15..45).contains(&rounds[0].iter().filter(|there| **there).count()));
}

#[tokio::test]
async fn equal_calls_meet_equal_faults_and_pass_in_the_end() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let bench = Bench::faulty(Faults { fail: 0.4, error: 0.2, ..Faults::default() }).await;
        let mut story = Vec::new();
        for number in 0..15 {
            let path = detail(&bench.note(number));
            for attempt in 1..30 {
                let (_, body) = bench.just_one(&path).await;
                if [json!(0), json!(201), json!(404)].contains(&body["code"]) {
                    story.push(attempt);
                    break;
                }
            }
        }
        assert!(bench.sandbox.ledger().paid_twice().is_empty());
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    assert_eq!(stories[0].len(), 15);
    assert!(stories[0].iter().any(|attempts| *attempts > 2) && stories[0].contains(&1));
}
