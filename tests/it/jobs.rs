//! Every job in `jobs/` checks and runs in the sandbox.

use std::path::Path;

use crate::support::notemill;

#[test]
fn every_example_job_checks_and_runs() {
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    let home = tempfile::tempdir().unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(&jobs).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        count += 1;
        let dataset = home.path().join(path.file_stem().unwrap());
        let check = notemill().arg("check").arg(&path).output().unwrap();
        assert!(check.status.success(), "{check:?}");
        // A cap keeps the large ones short; to stop at it is what they should do then.
        let run = notemill()
            .arg("run")
            .arg(&path)
            .args(["--sandbox", "--max-calls", "300", "--dataset"])
            .arg(&dataset)
            .output()
            .unwrap();
        assert!(matches!(run.status.code(), Some(0 | 4)), "{path:?}: {run:?}");
        assert!(dataset.join("latest/notes").is_dir());
    }
    assert!(count >= 4);
}
