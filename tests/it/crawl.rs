//! What is asked, and what is not asked again; the oracle is the vendor's own ledger.

use notemill::crawl::Ended;
use notemill::model::{Endpoint, Outcome};

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
