//! Raw answers that are kept for a while only: their observations stay, and so do the tables.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Output;

use notemill::dataset::Manifest;
use notemill::sandbox::Sandbox;
use serde_json::Value;

use crate::cli::{Desk, files, report};
use crate::columns::{table, texts};
use crate::stored::copy;
use crate::support::options;

const SEEDS: &str = "[[seeds]]\nkeywords = [\"防晒霜\"]\nmax_pages = 2\nmax_notes = 15\n";
const NONE: &str = "[archive]\nretain = \"none\"\n";
const PRIVACY: &str = "[privacy]\npseudonymize_key_env = \"NOTEMILL_TEST_SALT\"\n";
const SALT: &str = "a-secret-of-enough-letters";

/// A dataset, its job and its vendor.
struct Study {
    desk: Desk,
    sandbox: Sandbox,
}

impl Study {
    async fn new() -> Self {
        let sandbox = notemill::sandbox::start(options(&["--notes", "300"])).await.unwrap();
        Self { desk: Desk::new(""), sandbox }
    }

    fn set(&self, job: &str) {
        let vendor = format!("[vendors.justoneapi]\nbase_url = \"{}\"\n", self.sandbox.base_url());
        self.desk.write("job.toml", &format!("{job}{vendor}"));
    }

    fn with(&self, salt: &str, words: &[&str]) -> Output {
        self.desk.command(words).env("NOTEMILL_TEST_SALT", salt).output().unwrap()
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.with(SALT, words);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn dataset(&self) -> PathBuf {
        self.desk.path("data/job")
    }

    fn tables(&self) -> Value {
        serde_json::to_value(Manifest::read(&self.dataset().join("latest")).unwrap().tables).unwrap()
    }

    /// How each sealed answer is kept: `utf8`, `observations`, or `observations` and a key.
    fn kept(&self) -> BTreeSet<String> {
        let cells = texts(&self.dataset().join("archive")).into_iter();
        cells.filter(|cell| cell.column == "body_encoding").map(|cell| cell.text).collect()
    }

    fn calls(&self) -> u64 {
        self.sandbox.ledger().calls()
    }

    /// Finds a text in the bytes of any file, or in what a table or a segment holds.
    fn holds(&self, text: &str) -> Option<PathBuf> {
        let in_bytes = files(&self.dataset())
            .into_iter()
            .find(|file| memchr::memmem::find(&std::fs::read(file).unwrap(), text.as_bytes()).is_some());
        let mut cells = texts(&self.dataset()).into_iter();
        in_bytes.or_else(|| Some(cells.find(|cell| cell.text.contains(text))?.file))
    }
}

/// Stands in raw answers, and in no table.
const RAW_ONLY: &str = "\"model_type\":\"note\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_raw_answers_the_tables_stay_and_nothing_is_paid_for_again() {
    let study = Study::new().await;
    study.set(SEEDS);
    study.ok(&["run", "job.toml"]);
    let (raw, calls) = (study.tables(), study.calls());
    assert!(study.holds(RAW_ONLY).is_some(), "what the search finds in a raw answer");
    assert_eq!(study.kept(), ["utf8".to_owned()].into());

    study.set(&format!("{SEEDS}{NONE}"));
    assert_eq!(study.ok(&["check", "job.toml"]), "job.toml: good\n  drops raw answers after each build\n");
    let told = study.ok(&["build", "job.toml"]);
    assert!(told.starts_with("unchanged: snapshot 000001"), "{told}");
    assert!(told.ends_with(&format!("{calls} raw answers dropped; their observations are kept\n")), "{told}");
    assert_eq!(study.kept(), ["observations".to_owned()].into());
    assert_eq!(study.holds(RAW_ONLY), None);
    for words in [&["build", "job.toml", "--from-scratch"][..], &["build", "job.toml"], &["build", "data/job"]] {
        let told = study.ok(words);
        assert!(told.starts_with("unchanged: snapshot 000001") && !told.contains("dropped"), "{told}");
        assert_eq!(study.tables(), raw);
    }
    study.ok(&["verify", "job.toml"]);

    // A lost state learns from what is told. The next run asks what has aged, and drops its own raw answers.
    for name in ["state.sqlite", "state.sqlite.sha256"] {
        std::fs::remove_file(study.dataset().join(name)).unwrap();
    }
    assert!(study.ok(&["build", "job.toml"]).starts_with("unchanged: snapshot 000001"));
    study.ok(&["run", "job.toml"]);
    let asked = study.calls() - calls;
    assert_eq!(asked, 1, "a page of the search, whose notes are all known");
    assert_eq!(report(&study.desk)["raw_dropped"], asked);
    assert_eq!((study.kept(), study.holds(RAW_ONLY)), (["observations".to_owned()].into(), None));

    // Wider limits need what was told of the other positions, and no second call for the pages.
    let pages = study.sandbox.ledger().count(notemill::model::Endpoint::SearchNotes);
    study.set(&format!("{}[refresh]\nsearches = \"7d\"\n{NONE}", SEEDS.replace("15", "18")));
    study.ok(&["run", "job.toml"]);
    assert_eq!(study.sandbox.ledger().count(notemill::model::Endpoint::SearchNotes), pages);
    assert_eq!(report(&study.desk)["new_notes"], 3);
    assert_eq!(study.holds(RAW_ONLY), None);
    assert!(study.ok(&["build", "job.toml", "--from-scratch"]).starts_with("unchanged"));
    study.ok(&["verify", "job.toml"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_stays_while_it_is_named_and_a_later_one_is_filled_from_later_answers() {
    let study = Study::new().await;
    let columns = |names: &[&str]| {
        let columns = names.iter().map(|name| format!("{name} = {{ path = \"/{name}\", type = \"string\" }}\n"));
        format!("{SEEDS}[refresh]\ndetails = \"always\"\n{NONE}[columns.notes]\n{}", columns.collect::<String>())
    };
    let filled = |column: &str| {
        let notes = table(&study.dataset().join("latest"), "notes").remove(column).unwrap();
        (notes.iter().flatten().count(), notes.len())
    };
    study.set(&columns(&["type"]));
    study.ok(&["run", "job.toml"]);
    assert_eq!(filled("type"), (15, 15));
    study.set(&columns(&["type", "id"]));
    let warned = String::from_utf8(study.with(SALT, &["build", "job.toml"]).stderr).unwrap();
    assert!(
        warned.contains("warning: `notes.id` is empty for answers that are kept no longer")
            && !warned.contains("notes.type"),
        "{warned}"
    );
    assert_eq!((filled("type"), filled("id")), ((15, 15), (0, 15)));
    study.ok(&["run", "job.toml"]);
    assert_eq!((filled("type"), filled("id")), ((15, 15), (15, 15)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_pseudonyms_no_name_is_left_and_another_key_is_refused_before_anything_is_sent() {
    let study = Study::new().await;
    study.set(SEEDS);
    study.ok(&["run", "job.toml"]);
    let authors = table(&study.dataset().join("latest"), "authors");
    let names: Vec<String> = ["nickname", "avatar_url", "description"]
        .iter()
        .flat_map(|column| authors[*column].iter().flatten().filter(|name| name.len() > 8).cloned())
        .collect();
    assert!(names.len() > 10 && names.iter().all(|name| study.holds(name).is_some()));

    // First their observations are retained under the users' own names, then under pseudonyms.
    study.set(&format!("{SEEDS}{NONE}"));
    study.ok(&["build", "job.toml"]);
    assert_eq!(study.kept(), ["observations".to_owned()].into());
    let hidden = format!("{SEEDS}{NONE}{PRIVACY}[output]\nkeep_snapshots = 1\n");
    study.set(&hidden);
    study.ok(&["build", "job.toml"]);
    let kept = study.kept();
    assert!(kept.len() == 1 && kept.iter().all(|kept| kept.starts_with("observations ")), "{kept:?}");
    for name in &names {
        assert_eq!(study.holds(name), None, "{name}");
    }
    assert!(study.ok(&["build", "job.toml", "--from-scratch"]).starts_with("unchanged"));
    study.ok(&["run", "job.toml"]);
    assert_eq!(study.kept(), kept);
    for name in &names {
        assert_eq!(study.holds(name), None, "{name}");
    }
    study.ok(&["verify", "job.toml"]);

    // Another key, or none: refused, for users could no longer be joined.
    let (calls, user) = (study.calls(), table(&study.dataset().join("latest"), "authors")["author_id"][0].clone());
    let plain = format!("{SEEDS}{NONE}");
    for (job, salt, why) in
        [(&hidden, "another-secret-of-16", "another key"), (&plain, SALT, "a key that the job does not name")]
    {
        study.set(job);
        for words in [
            &["run", "job.toml"][..],
            &["build", "job.toml"],
            &["forget", "job.toml", "--yes", "--note", "6500000000000000000000b1"],
        ] {
            let output = study.with(salt, words);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.contains(&format!("their observations have pseudonyms of {why}")), "{told}");
            assert!(told.contains("hint: set `pseudonymize_key_env` to the variable with the same secret"), "{told}");
        }
    }
    assert_eq!(study.calls(), calls);
    study.set(&hidden);
    study.ok(&["build", "job.toml"]);
    assert!(table(&study.dataset().join("latest"), "authors")["author_id"].contains(&user));
}

/// The stored dataset is what an earlier version left under pseudonyms, with `retain = "none"`: JSON in the place of bodies.
#[test]
fn what_an_earlier_version_kept_as_json_becomes_observations_and_the_tables_stay() {
    let desk = Desk::new("");
    let seeds = "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 2 }]\n";
    desk.write("job.toml", &format!("{seeds}{NONE}{PRIVACY}[output]\nkeep_snapshots = 1\n"));
    let (stored, dataset) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/told/dataset"), desk.path("data/job"));
    copy(stored.as_ref(), &dataset);
    let kept = || {
        let cells = texts(&dataset.join("archive")).into_iter().filter(|cell| cell.column == "body_encoding");
        cells.map(|cell| cell.text.split(' ').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let ok = |words: &[&str]| {
        let output = desk.command(words).env("NOTEMILL_TEST_SALT", SALT).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    ok(&["verify", "data/job"]);
    assert_eq!(kept(), ["told".to_owned()].into());
    for _ in 0..2 {
        assert!(ok(&["build", "job.toml", "--from-scratch"]).starts_with("unchanged: snapshot 000001"));
        assert_eq!(kept(), ["observations".to_owned()].into());
        ok(&["verify", "data/job"]);
    }
}
