//! Kills, damage, later versions, old snapshots: what stands is never worse than before.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::dataset::{Batch, latest};
use crate::model::sha256_hex;

#[test]
fn sandbox_and_live_answers_never_share_a_dataset() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let before = tree(home.path());
    let error = try_build(home.path(), &[], LAYOUT, Origin::Sandbox).unwrap_err();
    assert!(matches!(error, BuildError::Origin { dataset: Origin::Live, answers: Origin::Sandbox }), "{error}");
    assert_eq!(tree(home.path()), before);
}

/// A part of which the third cannot be read to its end.
struct Broken {
    at: usize,
    id: String,
}

impl Part for Broken {
    type Error = std::io::Error;
    type Batch = Vec<Answer>;

    fn id(&self) -> &str {
        &self.id
    }

    fn batches(&self) -> std::io::Result<impl Iterator<Item = std::io::Result<Vec<Answer>>>> {
        let broken = (self.at == 2).then(|| Err(std::io::Error::other("gone")));
        Ok((0..200).map(|second| Ok(vec![found(second, "n1", 1)])).chain(broken))
    }
}

#[test]
fn an_answer_that_cannot_be_had_leaves_the_old_snapshot() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let before = tree(home.path());
    let recipe = Recipe::default();
    for threads in 1..4 {
        let parts: Vec<Broken> = (0..5).map(|at| Broken { at, id: at.to_string() }).collect();
        let effort = Effort { threads, ..Effort::default() };
        let error = build(&parts, &Disk::machine(), home.path(), &LAYOUT, &recipe, Origin::Live, effort).unwrap_err();
        assert!(matches!(error, BuildError::Answer(_)), "{error}");
        assert_eq!(tree(home.path()), before);
    }
}

/// A part whose batches bring down the thread that decodes one of them, in the small or in the large.
struct Panicking {
    bytes: usize,
}

struct PanickingBatch {
    bytes: usize,
    panics: bool,
}

impl Part for Panicking {
    type Error = Infallible;
    type Batch = PanickingBatch;

    fn id(&self) -> &'static str {
        "panicking"
    }

    fn batches(&self) -> Result<impl Iterator<Item = Result<PanickingBatch, Infallible>>, Infallible> {
        let bytes = self.bytes;
        Ok((0..500).map(move |at| Ok(PanickingBatch { bytes, panics: at == 7 })))
    }
}

impl Batch<Infallible> for PanickingBatch {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn answers(self) -> impl Iterator<Item = Result<Answer, Infallible>> {
        assert!(!self.panics, "damaged beyond belief");
        std::iter::once(Ok(found(1, "n1", 1)))
    }
}

#[test]
fn a_thread_that_panics_ends_the_build_and_leaves_nobody_waiting() {
    for (threads, bytes) in [(1, 0), (2, 0), (3, 0), (2, usize::MAX)] {
        let home = tempfile::tempdir().unwrap();
        let effort = Effort { threads, ..Effort::default() };
        let built = std::panic::catch_unwind(|| {
            let (disk, recipe) = (Disk::machine(), Recipe::default());
            build(&[Panicking { bytes }], &disk, home.path(), &LAYOUT, &recipe, Origin::Live, effort).is_ok()
        });
        assert!(built.is_err(), "{threads} threads, batches of {bytes} bytes");
    }
}

#[test]
fn a_dataset_of_a_later_version_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let path = snapshot_folder(home.path(), 1).join("manifest.json");
    let text = fs::read_to_string(&path).unwrap().replace("\"schema_version\": 3", "\"schema_version\": 4");
    fs::write(&path, text).unwrap();
    let error = try_build(home.path(), &[], LAYOUT, Origin::Live).unwrap_err();
    assert!(matches!(error, BuildError::Newer { found: 4 }), "{error}");
}

/// Changes bytes without touching what shares them: hard links are cut first.
fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn damaged_tables_are_told_and_written_anew() {
    type Damage = fn(&mut Vec<u8>);
    let flips: [Damage; 3] = [|bytes| bytes[40] ^= 1, |bytes| bytes.truncate(100), Vec::clear];
    for change in flips {
        let home = tempfile::tempdir().unwrap();
        made(home.path(), &samples());
        let file = manifest(home.path(), 1).tables["notes"].files[0].path.clone();
        let path = snapshot_folder(home.path(), 1).join(&file);
        damage(&path, change);
        let built = made(home.path(), &samples());
        assert_eq!((built.snapshot, built.published, built.damaged), (2, true, vec![path]));
        let bytes = fs::read(snapshot_folder(home.path(), 2).join(&file)).unwrap();
        assert_eq!(sha256_hex(&bytes), manifest(home.path(), 2).tables["notes"].files[0].sha256);
    }
}

#[test]
fn a_file_that_nobody_wrote_is_left_behind() {
    let home = tempfile::tempdir().unwrap();
    made(home.path(), &samples());
    let folder = snapshot_folder(home.path(), 1);
    let file = folder.join(&manifest(home.path(), 1).tables["notes"].files[0].path);
    fs::copy(&file, file.with_file_name("copy.parquet")).unwrap();
    let built = made(home.path(), &samples());
    assert_eq!((built.snapshot, built.published), (2, true));
    assert!(
        !snapshot_folder(home.path(), 2)
            .join(file.strip_prefix(&folder).unwrap())
            .with_file_name("copy.parquet")
            .exists()
    );
    fs::remove_file(snapshot_folder(home.path(), 2).join("README.md")).unwrap();
    assert_eq!(made(home.path(), &samples()).snapshot, 3);
    assert!(!made(home.path(), &samples()).published);
}

#[test]
fn a_damaged_manifest_is_told_and_the_one_before_tells_the_origin() {
    let home = tempfile::tempdir().unwrap();
    let path = |snapshot| snapshot_folder(home.path(), snapshot).join("manifest.json");
    made(home.path(), &[found(1, "n1", 1)]);
    made(home.path(), &[found(1, "n1", 2)]);
    fs::write(path(2), "{").unwrap();
    assert!(try_build(home.path(), &[], LAYOUT, Origin::Sandbox).is_err());
    let built = made(home.path(), &[found(1, "n1", 2)]);
    assert_eq!((built.snapshot, built.published, built.new_notes), (3, true, None));
    assert_eq!(built.damaged, [path(2)]);
    for snapshot in 1..=3 {
        fs::write(path(snapshot), "{").unwrap();
    }
    let error = try_build(home.path(), &[], LAYOUT, Origin::Live).unwrap_err();
    assert!(matches!(error, BuildError::Damaged { .. }), "{error}");
}

#[test]
fn a_build_cleans_up_after_one_that_was_killed() {
    let home = tempfile::tempdir().unwrap();
    let at = |path: &str| -> PathBuf { home.path().join(path) };
    let answers = [found(1, "n1", 1)];
    made(home.path(), &answers);
    let whole = tree(home.path());
    // Killed while writing, while removing, while swapping the link, and while writing `latest.json`.
    fs::create_dir_all(at("snapshots/.tmp-000002/notes")).unwrap();
    fs::create_dir_all(at("snapshots/.tmp-000000/notes")).unwrap();
    fs::write(at(".tmp-latest"), "").unwrap();
    fs::write(at(".tmp-latest.json"), "{").unwrap();
    assert!(!made(home.path(), &answers).published);
    assert_eq!(tree(home.path()), whole);
    assert_eq!(snapshots(home.path()), ["000001"]);
}

#[cfg(unix)]
#[test]
fn a_build_killed_around_the_swap_is_finished_or_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let link = home.path().join("latest");
    let point = |to: &str| {
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(to, &link).unwrap();
    };
    let (old, new) = ([found(1, "n1", 1)], [found(1, "n1", 1), found(2, "n2", 1)]);
    made(home.path(), &old);
    let pointer = fs::read(home.path().join("latest.json")).unwrap();
    made(home.path(), &new);
    // Before the link: the new snapshot was seen by nobody, and goes.
    fs::write(home.path().join("latest.json"), &pointer).unwrap();
    point("snapshots/000001");
    assert_eq!(latest(home.path()).unwrap(), Some(1));
    assert!(!made(home.path(), &old).published);
    assert_eq!(snapshots(home.path()), ["000001"]);
    // Between the link and the file: the new snapshot stands, and the file follows.
    made(home.path(), &new);
    fs::write(home.path().join("latest.json"), &pointer).unwrap();
    assert_eq!(latest(home.path()).unwrap(), Some(2));
    assert!(!made(home.path(), &new).published);
    assert_ne!(fs::read(home.path().join("latest.json")).unwrap(), pointer);
    // Without either, as after a copy that knows no links: the highest that is whole.
    fs::remove_file(&link).unwrap();
    fs::remove_file(home.path().join("latest.json")).unwrap();
    assert!(!made(home.path(), &new).published);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("snapshots/000002"));
}

#[test]
fn old_snapshots_go_and_pinned_ones_stay() {
    let home = tempfile::tempdir().unwrap();
    let layout = Layout { keep_snapshots: 2, ..LAYOUT };
    let grown = |count: i64| -> Vec<Answer> { (1..=count).map(|at| found(at, &format!("n{at}"), 1)).collect() };
    for count in 1..=3 {
        try_build(home.path(), &grown(count), layout.clone(), Origin::Live).unwrap();
    }
    assert_eq!(snapshots(home.path()), ["000002", "000003"]);
    fs::write(home.path().join("pins.json"), "[2]").unwrap();
    for count in 4..=5 {
        try_build(home.path(), &grown(count), layout.clone(), Origin::Live).unwrap();
    }
    assert_eq!(snapshots(home.path()), ["000002", "000004", "000005"]);
    // A list of pins that cannot be read keeps everything.
    fs::write(home.path().join("pins.json"), "{").unwrap();
    try_build(home.path(), &grown(6), Layout { keep_snapshots: 0, ..LAYOUT }, Origin::Live).unwrap();
    assert_eq!(snapshots(home.path()), ["000002", "000004", "000005", "000006"]);
    fs::remove_file(home.path().join("pins.json")).unwrap();
    try_build(home.path(), &grown(6), Layout { keep_snapshots: 0, ..LAYOUT }, Origin::Live).unwrap();
    assert_eq!(snapshots(home.path()), ["000006"]);
}
