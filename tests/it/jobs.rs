//! Every job in `jobs/` checks and runs in the sandbox.

use std::path::Path;

use serde_json::Value;

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
        let plan = notemill()
            .arg("plan")
            .arg(&path)
            .args(["--json", "--sandbox", "--max-calls", "300", "--dataset"])
            .arg(&dataset)
            .output()
            .unwrap();
        assert!(plan.status.success() && !dataset.exists(), "{plan:?}");
        // A cap keeps the large ones short; to stop at it is what they should do then.
        let run = notemill()
            .arg("run")
            .arg(&path)
            .args(["--sandbox", "--json", "--max-calls", "300", "--dataset"])
            .arg(&dataset)
            .output()
            .unwrap();
        let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert!(matches!(run.status.code(), Some(0 | 4)), "{path:?}: {run:?}");
        assert!(dataset.join("latest/notes").is_dir());
        let complete = report["ending"]["kind"] == "complete";
        for stage in plan["stages"].as_array().unwrap() {
            let lines = report["calls"].as_array().unwrap().iter().filter(|line| line["endpoint"] == stage["endpoint"]);
            let asked: u64 = lines.map(|line| line["attempts"].as_u64().unwrap()).sum();
            let (low, high) = (stage["calls"]["low"].as_u64().unwrap(), stage["calls"]["high"].as_u64());
            assert!(high.is_none_or(|high| asked <= high), "{path:?}: asked {asked}, {stage}");
            assert!(!complete || low <= asked, "{path:?}: asked {asked}, {stage}");
        }
    }
    assert!(count >= 5);
}
