//! Keys, quotas, rates and statuses.

use super::*;

#[tokio::test]
async fn only_the_right_key_is_accepted() {
    let bench = Bench::new(SandboxOptions { key: Some("k".into()), ..SandboxOptions::default() }).await;
    let note = detail(&bench.note(1));
    assert_eq!(bench.just_one(&note).await.1["code"], json!(0));
    for key in ["", "token=", "token=K", "token=kk"] {
        let url = bench.url(&format!("/api/xiaohongshu/{note}&{key}"));
        let (status, body) = read(bench.client.get(url).send().await.unwrap()).await;
        assert_eq!((status, &body["code"], bench.last()), (200, &json!(100), ("100".into(), false)), "{key}");
    }
    let bare = bench.client.get(bench.url(NOTES)).send().await.unwrap();
    let (status, body) = read(bare).await;
    assert_eq!((status, &body["code"]), (401, &json!(401)));
    let in_query = bench.client.get(bench.url(&format!("{NOTES}?token=k"))).send().await.unwrap();
    assert_eq!(in_query.status().as_u16(), 401);
}

#[tokio::test]
async fn quota_and_balance_end_after_so_many_billed_calls() {
    for (quota, balance, code) in [(Some(2), None, 303), (None, Some(2), 601), (Some(2), Some(2), 601)] {
        let bench = Bench::new(SandboxOptions { quota, balance, ..SandboxOptions::default() }).await;
        let mut codes = Vec::new();
        for number in 1..=4 {
            codes.push(bench.just_one(&detail(&bench.note(number))).await.1["code"].as_i64().unwrap());
            // A refused parameter costs nothing and is told before the quota.
            assert_eq!(bench.just_one("search-note/v2").await.1["code"], json!(400));
        }
        assert_eq!(codes, [0, 0, code, code]);
        assert_eq!(bench.sandbox.ledger().billed(), 2);
        let (status, body) = bench.spider_hubs("user_id=a").await;
        assert_eq!((status, &body["code"]), (402, &json!(402)));
    }
}

#[tokio::test]
async fn no_burst_gets_past_the_quota() {
    let bench = Bench::new(SandboxOptions { quota: Some(5), ..SandboxOptions::default() }).await;
    let calls = (0..40).map(|number| {
        let path = detail(&bench.note(number));
        let bench = &bench;
        async move { bench.just_one(&path).await }
    });
    futures::future::join_all(calls).await;
    let ledger = bench.sandbox.ledger();
    assert_eq!((ledger.calls(), ledger.billed()), (40, 5));
}

#[tokio::test]
async fn calls_over_the_rate_are_told_to_slow_down() {
    let bench = Bench::new(SandboxOptions { rate_limit: Some(3), ..SandboxOptions::default() }).await;
    for _ in 0..3 {
        assert_eq!(bench.just_one("search-note/v2?keyword=a").await.1["code"], json!(0));
    }
    let response = bench.send("search-note/v2?keyword=a").await.unwrap();
    assert!(response.headers().get("retry-after").is_none());
    assert_eq!(read(response).await.1["code"], json!(302));
    let request = bench.client.get(bench.url(&format!("{NOTES}?user_id=a"))).bearer_auth("k");
    let response = request.send().await.unwrap();
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait));
    assert_eq!((response.status().as_u16(), bench.last()), (429, ("429".into(), false)));
}

#[tokio::test]
async fn statuses_follow_the_codes_where_asked_for() {
    let options = || SandboxOptions { http_status: true, ..SandboxOptions::default() };
    let good = detail(&Universe::new(options().universe()).note_ids()[1]);
    let cases = [
        (SandboxOptions { key: Some("x".into()), ..options() }, 100, 401),
        (SandboxOptions { quota: Some(0), ..options() }, 303, 429),
        (SandboxOptions { balance: Some(0), ..options() }, 601, 403),
        (SandboxOptions { faults: Faults { fail: 1.0, ..Faults::default() }, ..options() }, 301, 500),
        (options(), 0, 200),
    ];
    for (options, code, status) in cases {
        let bench = Bench::new(options).await;
        let (got, body) = bench.just_one(&good).await;
        assert_eq!((got, &body["code"]), (status, &json!(code)));
    }
    let bench = Bench::new(options()).await;
    assert_eq!(bench.just_one("search-note/v2").await.0, 400);
}

#[tokio::test]
async fn an_answer_takes_the_latency() {
    let latency = Duration::from_millis(40);
    let bench = Bench::new(SandboxOptions { latency, ..SandboxOptions::default() }).await;
    let start = std::time::Instant::now();
    bench.just_one("search-note/v2?keyword=a").await;
    assert!(start.elapsed() >= latency);
}

#[tokio::test]
async fn the_ledger_file_agrees_with_the_ledger_and_holds_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let faults = Faults { fail: 0.3, ..Faults::default() };
    let bench = Bench::new(SandboxOptions { ledger: Some(path.clone()), faults, ..SandboxOptions::default() }).await;
    for number in 0..20 {
        let url = bench.url(&format!("/api/xiaohongshu/{}&token=canary", detail(&bench.note(number % 10))));
        bench.client.get(url).send().await.unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("canary"));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ledger = bench.sandbox.ledger();
    assert_eq!(lines, ledger.entries().iter().map(|entry| serde_json::to_value(entry).unwrap()).collect::<Vec<_>>());
    assert_eq!(lines.iter().filter(|line| line["billed"] == json!(true)).count() as u64, ledger.billed());
    assert!((1..=10).contains(&ledger.paid_twice().len()));
}
