//! What a refresh cost, and what it would have cost without its rules; the oracle is the vendor's own ledger.

use notemill::model::Endpoint;
use notemill::report::{Refresh, RunReport};
use notemill::sandbox::{Ledger, Sandbox};

use crate::cli::{Desk, report};
use crate::support::options;

const PRICES: [(Endpoint, f64); 4] = [
    (Endpoint::SearchNotes, 0.1),
    (Endpoint::UserNotes, 0.07),
    (Endpoint::NoteDetail, 0.15),
    (Endpoint::UserProfile, 0.2),
];

fn job(sandbox: &Sandbox, rules: &str) -> String {
    let prices: Vec<String> = PRICES.iter().map(|(endpoint, price)| format!("{endpoint} = {price}")).collect();
    format!(
        "seeds = [{{ keywords = [\"防晒霜\"], max_pages = 2 }}, {{ users = [\"5d109e81000000009e6648c5\"] }}]\n\
         refresh = {{ {rules} }}\n[vendors.justoneapi]\nbase_url = \"{}\"\nprice = {{ {} }}\n",
        sandbox.base_url(),
        prices.join(", ")
    )
}

fn bill(ledger: &Ledger) -> f64 {
    let price = |endpoint| PRICES.iter().find(|(priced, _)| *priced == endpoint).unwrap().1;
    ledger.entries().iter().filter(|entry| entry.billed).map(|entry| price(entry.endpoint)).sum()
}

/// Runs two nights and returns what the second cost by the ledger, and what it tells.
async fn second_night(rules: &str) -> (f64, Refresh) {
    let sandbox = notemill::sandbox::start(options(&["--notes", "200"])).await.unwrap();
    let desk = Desk::new(&job(&sandbox, "searches = \"always\""));
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    let first: RunReport = serde_json::from_value(report(&desk)).unwrap();
    let first = first.refresh.unwrap();
    let before = bill(&sandbox.ledger());
    assert!(!first.spared() && is_equal(first.cost, before) && is_equal(first.cost_without, before), "{first:?}");
    desk.write("job.toml", &job(&sandbox, rules));
    assert_eq!(desk.code(&["run", "job.toml", "-q", "--fresh"]), 0);
    let second: RunReport = serde_json::from_value(report(&desk)).unwrap();
    (bill(&sandbox.ledger()) - before, second.refresh.unwrap())
}

fn is_equal(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_night_cost_and_what_it_saved_are_what_a_night_without_rules_costs() {
    let always = "searches = \"always\", user_notes = \"always\", details = \"always\", authors = \"always\"";
    let (full, told) = second_night(always).await;
    assert!(full > 0.0 && is_equal(told.cost, full) && is_equal(told.cost_without, full) && !told.spared());
    for rules in [
        "details = \"7d\", authors = \"30d\"",
        "details = \"changed\", authors = \"always\"",
        "details = \"forever\", authors = \"30d\", searches = \"12h\", user_notes = \"12h\"",
    ] {
        let (cost, refresh) = second_night(rules).await;
        assert!(cost < full && refresh.spared(), "{rules}");
        assert!(is_equal(refresh.cost, cost) && is_equal(refresh.cost_without, full), "{rules}: {refresh:?}, {full}");
        assert!(!refresh.at_least && refresh.calls_without == told.calls_without, "{rules}: {refresh:?}");
        let saved: f64 = refresh.saved.values().map(|saved| saved.cost).sum();
        assert!(is_equal(cost + saved, full), "{rules}: {refresh:?}");
    }
    // Pages after the first that is known were never counted.
    let rules = "until_known = true, details = \"7d\"";
    let (cost, refresh) = second_night(rules).await;
    assert!(refresh.at_least && is_equal(refresh.cost, cost) && refresh.cost_without < full, "{refresh:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_the_status_tell_what_the_rules_saved() {
    let sandbox = notemill::sandbox::start(options(&["--notes", "200"])).await.unwrap();
    let desk = Desk::new(&job(&sandbox, "details = \"changed\""));
    let said = |words: &[&str]| String::from_utf8(desk.run(words).stdout).unwrap();
    let first = said(&["run", "job.toml"]);
    assert!(!first.contains("without `[refresh]`") && first.contains("  new notes 0."), "{first}");
    let second = said(&["run", "job.toml", "--summary", "night.md"]);
    let Some(line) = second.lines().find_map(|line| line.strip_prefix("  refresh   ")) else { panic!("{second}") };
    assert!(line.contains("without `[refresh]`") && line.contains(" %)"), "{line}");
    assert!(std::fs::read_to_string(desk.path("night.md")).unwrap().contains(&format!("- refresh: {line}\n")));
    let status = said(&["status", "job.toml"]);
    assert!(status.contains(line), "{status}");
    // A report of an earlier version says nothing of it, and is read.
    for entry in std::fs::read_dir(desk.path("data/job/runs")).unwrap() {
        let path = entry.unwrap().path();
        let mut report: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        report.as_object_mut().unwrap().remove("refresh").unwrap();
        std::fs::write(&path, report.to_string()).unwrap();
    }
    let status = said(&["status", "job.toml"]);
    assert!(!status.contains("without") && status.matches("  complete\n").count() == 2, "{status}");
}
