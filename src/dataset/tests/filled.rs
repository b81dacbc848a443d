//! How full columns are, from one snapshot to the next.

use super::*;
use crate::dataset::fill_changes;
use crate::model::Fill;

#[test]
fn columns_that_are_filled_less_are_told() {
    let home = tempfile::tempdir().unwrap();
    let note = |at: i64, likes: bool| {
        let id = format!("n{at}");
        if likes { found(at, &id, 7) } else { answer("justoneapi", search(1), &bare(&id), at) }
    };
    let notes = |full: i64, all: i64| -> Vec<Answer> { (0..all).map(|at| note(at, at < full)).collect() };
    made(home.path(), &notes(4, 4));
    assert_eq!(fill_changes(home.path(), 1), [], "there is nothing before it");
    made(home.path(), &notes(5, 8));
    let told = fill_changes(home.path(), 2);
    let told: Vec<_> =
        told.iter().map(|fill| (fill.table.as_str(), fill.column.as_str(), fill.before, fill.now)).collect();
    let fill = |rows, filled| Fill { rows, filled };
    assert_eq!(
        told,
        [
            ("notes", "author_id", fill(4, 0), fill(8, 3)),
            ("notes", "liked_count", fill(4, 4), fill(8, 5)),
            ("notes", "counts_are_approximate", fill(4, 4), fill(8, 5)),
            ("notes", "counts_observed_at", fill(4, 4), fill(8, 5)),
        ]
    );
    // More rows, as full as before, are no news.
    made(home.path(), &notes(10, 16));
    assert_eq!(fill_changes(home.path(), 3), []);
    fs::write(snapshot_folder(home.path(), 2).join("manifest.json"), "{").unwrap();
    assert_eq!(fill_changes(home.path(), 3), [], "what cannot be read is told elsewhere");
}

fn bare(id: &str) -> String {
    json!({"code": 0, "data": {"items": [{"id": id, "title": "t", "user": {"userid": "u1"}}]}}).to_string()
}
