//! What a person sees, word for word.

use crate::cli::Desk;

/// Prints exit code, stdout and stderr, with what changes from run to run made equal.
pub(crate) fn seen(desk: &Desk, words: &[&str]) -> String {
    let output = desk.command(words).env("NO_COLOR", "1").output().unwrap();
    let folder = desk.folder.path().canonicalize().unwrap().display().to_string();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().replace(&folder, "[DESK]");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().unwrap();
    format!("exit {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n")
}

macro_rules! assert_seen {
    ($desk:expr, $words:expr) => {
        insta::with_settings!({ filters => vec![
            // Two runs of one second have names of two lengths.
            (r"\d{8}T\d{6}Z(_\d+)? {3,}", "[RUN] "),
            (r"\d{8}T\d{6}Z(_\d+)?(-\d+)?", "[RUN]"),
            (r"/[a-z0-9]{12}\.parquet", "/[FILE].parquet"),
            (r"[0-9a-f]{64}", "[SHA-256]"),
            (r"http://127\.0\.0\.1:\d+", "[ADDRESS]"),
        ] }, { insta::assert_snapshot!(seen(&$desk, $words)) })
    };
}

pub(crate) use assert_seen;

#[test]
fn a_run_ends_with_its_table() {
    let desk = Desk::new("name = \"small\"\nseeds = [{ keywords = [\"防晒霜\"], max_pages = 2 }]\n");
    assert_seen!(desk, &["run", "job.toml", "--sandbox"]);
}

#[test]
fn a_wrong_job_is_told_with_places() {
    let desk = Desk::new("[[seeds]]\nkeyword = [\"a\"]\n\n[budget]\nmax_calls = \"many\"\n");
    assert_seen!(desk, &["check", "job.toml"]);
}

#[test]
fn a_missing_key_is_told() {
    let desk = Desk::new(
        "seeds = [{ users = [\"6500000000000000000000a1\"] }]\n[vendors.justoneapi]\ntoken_env = \"NOTEMILL_TEST_ABSENT\"\n",
    );
    assert_seen!(desk, &["run", "job.toml"]);
}

#[test]
fn a_folder_that_is_something_else_is_told() {
    let desk = Desk::new("seeds = [{ users = [\"6500000000000000000000a1\"] }]\n");
    std::fs::create_dir(desk.path("thesis")).unwrap();
    desk.write("thesis/chapter.txt", "");
    assert_seen!(desk, &["run", "job.toml", "--sandbox", "--dataset", "thesis"]);
}

#[test]
fn a_job_that_is_not_there_is_told() {
    let desk = Desk::new("");
    assert_seen!(desk, &["run", "nowhere.toml"]);
}

#[test]
fn a_cap_is_told_with_the_next_command() {
    let desk = Desk::new(
        "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1 }]\n[vendors.justoneapi]\nprice = { search_notes = 0.1, note_detail = 0.15 }\n",
    );
    assert_seen!(desk, &["run", "job.toml", "--sandbox", "--max-cost", "0.7"]);
}

#[test]
fn a_plan_is_told_before_and_after() {
    let desk = Desk::new(PLANNED);
    assert_seen!(desk, &["plan", "job.toml", "--max-cost", "4"]);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    assert_seen!(desk, &["plan", "job.toml", "--sandbox"]);
    assert_seen!(desk, &["run", "job.toml", "--sandbox"]);
    assert_seen!(desk, &["status", "job.toml"]);
}

const PLANNED: &str =
    "seeds = [{ keywords = [\"防晒霜\"], max_pages = 2, max_notes = 5 }, { users = [\"5d109e81000000009e6648c5\"], max_notes = 8 }]
expand = { authors = false }
refresh = { searches = \"12h\" }
budget = { max_calls_per_day = 50 }
[vendors.justoneapi]
requests_per_minute = 20
price = { search_notes = 0.1, note_detail = 0.15 }
";

#[test]
fn a_sound_dataset_is_told() {
    let desk = Desk::new(VERIFIED);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    assert_seen!(desk, &["verify", "job.toml"]);
}

#[test]
fn all_damage_is_told_with_what_to_do() {
    let desk = Desk::new(VERIFIED);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    let data = desk.path("data/job");
    let only = |folder: &str| std::fs::read_dir(data.join(folder)).unwrap().next().unwrap().unwrap().path();
    let flip = |path: &std::path::Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    for path in [only("archive"), only("snapshots/000001/authors"), data.join("state.sqlite.sha256")] {
        flip(&path);
    }
    flip(&data.join("state.sqlite"));
    std::fs::write(data.join("snapshots/000001/notes/copy.parquet"), "").unwrap();
    std::fs::write(only("runs"), "{").unwrap();
    std::fs::remove_file(data.join("latest")).unwrap();
    assert_seen!(desk, &["verify", "data/job"]);
    assert_seen!(desk, &["verify", "job.toml", "--json"]);
}

#[test]
fn a_state_that_is_gone_is_told_and_a_dataset_in_use_is_left_alone() {
    let desk = Desk::new(VERIFIED);
    assert_eq!(desk.code(&["run", "job.toml", "--sandbox", "-q"]), 0);
    for name in ["state.sqlite", "state.sqlite.sha256"] {
        std::fs::remove_file(desk.path("data/job").join(name)).unwrap();
    }
    assert_seen!(desk, &["verify", "job.toml"]);
    let _state = notemill::state::State::open(&desk.path("data/job")).unwrap();
    assert_seen!(desk, &["verify", "job.toml"]);
}

const VERIFIED: &str = "seeds = [{ keywords = [\"防晒霜\"], max_pages = 1, max_notes = 5 }]\n";
