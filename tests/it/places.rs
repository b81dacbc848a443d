//! Where a job's dataset is: the same from every folder, and said before anything is paid.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::cli::Desk;
use crate::scripted::{DETAIL, SEARCH, Scripted, full, note_id, search_page};

/// A vendor of five notes, and a desk with a job of it in `jobs/`, and another folder.
async fn study(dataset: &str) -> (Scripted, Desk) {
    let vendor = Scripted::start(|asked| match asked.what.as_str() {
        SEARCH => search_page(&(1..=5).map(|number| note_id(number, 1_700_000_000)).collect::<Vec<_>>()),
        _ => full(asked),
    })
    .await;
    let desk = Desk::new("");
    for folder in ["jobs", "elsewhere", "home"] {
        std::fs::create_dir(desk.path(folder)).unwrap();
    }
    set(&desk, &vendor, "t", dataset);
    (vendor, desk)
}

fn set(desk: &Desk, vendor: &Scripted, name: &str, dataset: &str) {
    let job = format!(
        "name = \"{name}\"\n{dataset}\n[[seeds]]\nkeywords = [\"k\"]\nmax_pages = 1\n[budget]\nmax_calls = 100\n\
         [vendors.justoneapi]\nbase_url = \"{}\"\n",
        vendor.base_url
    );
    desk.write("jobs/t.toml", &job);
}

fn from(desk: &Desk, folder: &str, words: &[&str]) -> Output {
    let output = desk.command(words).current_dir(desk.path(folder)).env("HOME", desk.path("home")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn real(desk: &Desk, path: &str) -> String {
    desk.folder.path().canonicalize().unwrap().join(path).display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_one_dataset_from_every_folder() {
    let (vendor, desk) = study("").await;
    let first = from(&desk, "jobs", &["run", "t.toml"]);
    let folder = real(&desk, "jobs/data/t");
    assert_eq!(stderr(&first).lines().next(), Some(format!("dataset {folder} (new, empty)").as_str()));
    let paid = vendor.lines().len();
    assert_eq!(vendor.count(DETAIL), 5);
    let absolute = real(&desk, "jobs/t.toml");
    for (place, job) in [(".", "jobs/t.toml"), ("elsewhere", "../jobs/t.toml"), ("elsewhere", &absolute)] {
        let again = from(&desk, place, &["run", job]);
        assert!(stderr(&again).starts_with(&format!("dataset {folder} (")), "{place}: {}", stderr(&again));
        assert!(stderr(&again).lines().next().unwrap().ends_with("5 notes)"), "{}", stderr(&again));
        for words in [
            &["plan", job, "--json"][..],
            &["status", job, "--json"],
            &["build", job],
            &["verify", job],
            &["pin", job],
            &["diff", job],
        ] {
            from(&desk, place, words);
        }
        let status: Value = serde_json::from_slice(&from(&desk, place, &["status", job, "--json"]).stdout).unwrap();
        assert_eq!(status["rows"]["notes"], 5);
    }
    // The search is asked each time; what was paid for is not.
    assert_eq!(vendor.lines().len(), paid + 3);
    assert!(!desk.path("data").exists() && !desk.path("elsewhere/data").exists());
    let quiet = from(&desk, "elsewhere", &["run", &absolute, "--quiet"]);
    assert_eq!(stderr(&quiet), "");
    let line = stderr(&from(&desk, "elsewhere", &["run", &absolute]));
    assert!(line.starts_with(&format!("dataset {folder} (5 runs, 5 notes)\n")), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tilde_is_the_home_folder() {
    let (_vendor, desk) = study("dataset = \"~/xhs/data\"").await;
    from(&desk, "elsewhere", &["run", "../jobs/t.toml", "-q"]);
    assert!(desk.path("home/xhs/data/latest").exists());
    from(&desk, "elsewhere", &["run", "../jobs/t.toml", "-q", "--dataset=~/other"]);
    assert!(desk.path("home/other/latest").exists());
    from(&desk, "elsewhere", &["status", "../jobs/t.toml", "--dataset=~/other"]);
    // What the command line names counts from the current folder, as a shell has it.
    from(&desk, "elsewhere", &["run", "../jobs/t.toml", "-q", "--dataset", "here"]);
    assert!(desk.path("elsewhere/here/latest").exists());
    assert!(!desk.path("elsewhere/~").exists() && !desk.path("jobs/~").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_means_something_else_is_refused_and_nothing_is_made() {
    let (vendor, desk) = study("").await;
    for dataset in ["$HOME/xhs", "${HOME}/xhs", "~ann/xhs", "C:\\xhs", "%USERPROFILE%/xhs"] {
        set(&desk, &vendor, "t", &format!("dataset = '{dataset}'"));
        let output = desk.run(&["run", "jobs/t.toml"]);
        assert_eq!(output.status.code(), Some(2), "{dataset}: {output:?}");
        assert!(stderr(&output).contains(&format!("`dataset`: `{dataset}` ")), "{}", stderr(&output));
        assert!(stderr(&output).contains("hint: "), "{}", stderr(&output));
    }
    set(&desk, &vendor, "t", "");
    let output = desk.run(&["run", "jobs/t.toml", "--dataset", "$HOME/xhs"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("variables are not expanded"), "{}", stderr(&output));
    assert!(vendor.lines().is_empty() && !desk.path("jobs/data").exists() && !desk.path("$HOME").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_where_earlier_versions_put_it_is_named_before_it_is_paid_for_again() {
    for dataset in ["", "dataset = \"sets/t\""] {
        let (vendor, desk) = study(dataset).await;
        let place = if dataset.is_empty() { "data/t" } else { "sets/t" };
        let earlier = real(&desk, &format!("elsewhere/{place}"));
        from(&desk, "elsewhere", &["run", "../jobs/t.toml", "--dataset", place]);
        let words = ["status", "../jobs/t.toml"];
        let output = desk.command(&words).current_dir(desk.path("elsewhere")).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(&format!("the one at `{earlier}` is named with `--dataset`")));

        let plan = stderr(&from(&desk, "elsewhere", &["plan", "../jobs/t.toml"]));
        assert!(
            plan.contains(&format!("warning: `{earlier}` holds a dataset, and this run begins another one")),
            "{plan}"
        );
        assert!(plan.contains(&format!("hint: to go on with it, add `--dataset {earlier}`")), "{plan}");
        let paid = vendor.lines().len();
        let again = stderr(&from(&desk, "elsewhere", &["run", "../jobs/t.toml", "--dataset", &earlier]));
        assert_eq!((vendor.lines().len(), again.contains("warning")), (paid + 1, false), "{again}");
        // Quiet or not: silence would cost money.
        let warned = stderr(&from(&desk, "elsewhere", &["run", "../jobs/t.toml", "-q"]));
        assert!(warned.starts_with("warning: `"), "{warned}");
        let begun = stderr(&from(&desk, "elsewhere", &["run", "../jobs/t.toml"]));
        assert!(!begun.contains("warning"), "once the dataset is begun, there is nothing to warn of: {begun}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dataset_of_another_job_of_the_same_name_is_not_mistaken_for_an_earlier_place() {
    for (place, dataset) in [("elsewhere/t.toml", ""), ("elsewhere/jobs/u.toml", "dataset = \"../data/t\"")] {
        let (vendor, desk) = study(dataset).await;
        std::fs::create_dir(desk.path("elsewhere/jobs")).unwrap();
        std::fs::rename(desk.path("jobs/t.toml"), desk.path(place)).unwrap();
        from(&desk, "elsewhere", &["run", place.trim_start_matches("elsewhere/")]);
        assert!(desk.path("elsewhere/data/t").is_dir());
        set(&desk, &vendor, "t", "");
        for command in ["plan", "run"] {
            let told = stderr(&from(&desk, "elsewhere", &[command, "../jobs/t.toml"]));
            assert!(!told.contains("holds a dataset"), "{place}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_job_is_told_of_the_datasets_beside_its_own() {
    let (vendor, desk) = study("").await;
    from(&desk, ".", &["run", "jobs/t.toml"]);
    set(&desk, &vendor, "u", "");
    let begun = stderr(&from(&desk, ".", &["run", "jobs/t.toml"]));
    let (folder, beside) = (real(&desk, "jobs/data/u"), real(&desk, "jobs/data"));
    let expected =
        format!("dataset {folder} (new, empty)\nhint: `{beside}` holds other datasets: `t`; if the job was renamed");
    assert!(begun.starts_with(&expected), "{begun}");
    assert!(Path::new(&folder).is_dir());
}
