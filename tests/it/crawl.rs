//! What is asked, and what is not asked again; the oracle is the vendor's own ledger.

use notemill::crawl::Ended;
use notemill::model::{Endpoint, Outcome};

use crate::scripted::{SEARCH, Scripted, full, note_id, search_page};
use crate::support::World;

const STUDY: &str = r#"
[[seeds]]
keywords = ["防晒霜", "露营"]
max_pages = 3

[[seeds]]
users = ["5d109e81000000009e6648c5"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_run_pays_for_nothing_twice_and_a_second_one_asks_only_what_ages() {
    let (world, sandbox) = World::sandbox(&["--notes", "400"]).await;
    assert_eq!(world.run(STUDY).await, Ended::Complete);
    let ledger = sandbox.ledger();
    assert_eq!(ledger.paid_twice(), Vec::<String>::new());
    let (calls, details) = (ledger.calls(), ledger.count(Endpoint::NoteDetail));
    let answers = world.answers();
    assert_eq!(answers.len() as u64, calls);
    assert!(answers.iter().all(|answer| answer.outcome.is_fact() || answer.outcome == Outcome::Empty));

    // Searches and users' notes are asked always, details and authors only when they are old.
    assert_eq!(world.run(STUDY).await, Ended::Complete);
    assert_eq!(ledger.count(Endpoint::NoteDetail), details);
    assert_eq!(ledger.count(Endpoint::SearchNotes), 12);
}

/// The order in which a job's calls go out, one after the other, until its cap.
async fn asked_in_order(order: &str, cap: u32) -> Vec<String> {
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => {
            let page: u32 = asked.param("page").parse().unwrap();
            let first = 100 * u32::from(asked.param("keyword") == "b") + 10 * page;
            let note = |number| note_id(number, 1_700_000_000);
            search_page(&[note(first), note(first + 1)])
        }
        _ => full(asked),
    })
    .await;
    let world = World::new(&vendor.base_url);
    let job = format!(
        "seeds = [{{ keywords = [\"a\", \"b\"], max_pages = 2 }}]\n\
         budget = {{ max_calls = {cap}, order = \"{order}\" }}\n[vendors.justoneapi]\nconcurrency = 1\n"
    );
    assert!(matches!(world.run(&job).await, Ended::Budget { .. }));
    let told = |line: String| {
        let param =
            |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=').map(str::to_owned));
        match (param("keyword"), param("noteId")) {
            (Some(keyword), _) => format!("{keyword}{}", param("page").unwrap()),
            (_, Some(note)) => format!("note {}", u32::from_str_radix(&note[8..], 16).unwrap()),
            _ => format!("author {}", param("userId").unwrap()),
        }
    };
    vendor.lines().into_iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_depth_a_capped_run_has_whole_notes() {
    // Whatever the cap, all notes of all pages but the last are there, with their authors.
    assert_eq!(
        asked_in_order("depth", 11).await,
        ["a1", "note 10", "note 11", "author u1", "b1", "note 110", "note 111", "a2", "note 20", "note 21", "b2"]
    );
    assert_eq!(asked_in_order("depth", 5).await, ["a1", "note 10", "note 11", "author u1", "b1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_breadth_every_seed_has_its_first_page_before_any_goes_deeper() {
    assert_eq!(
        asked_in_order("breadth", 11).await,
        ["a1", "b1", "note 10", "note 11", "note 110", "note 111", "author u1", "a2", "note 20", "note 21", "b2"]
    );
    assert_eq!(asked_in_order("breadth", 2).await, ["a1", "b1"]);
}
