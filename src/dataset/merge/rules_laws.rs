//! Which of several counts is shown, and when a note is gone: by example, and as laws.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::laws::{at, detailed, gone, listed, merged, row, searched};
use crate::flatten::fixtures::{answer, detail, profile};
use crate::flatten::{Flattened, flatten};
use crate::model::Answer;

#[test]
fn a_rounded_count_is_shown_only_where_the_exact_one_does_not_round_to_it() {
    let exact = |second, likes: i64| detailed(second, json!({"title": "t", "liked_count": likes}));
    let rounded = |second, likes: &str| searched(second, json!({"title": "t", "liked_count": likes}));
    let shown = |answers: &[Answer]| {
        let row = row(answers);
        (row.liked_count, row.counts_are_approximate, row.counts_observed_at)
    };
    let unchanged = [exact(1, 15_690), rounded(2, "1.5万")];
    assert_eq!(shown(&unchanged), (Some(15_690), Some(false), at(2)));
    assert_eq!(shown(&[exact(1, 15_690), rounded(2, "1.7万")]), (Some(17_000), Some(true), at(2)));
    assert_eq!(shown(&[exact(3, 15_690), rounded(2, "1.7万")]), (Some(15_690), Some(false), at(3)));
    assert_eq!(shown(&[rounded(2, "1.5万")]), (Some(15_000), Some(true), at(2)));
    assert_eq!(shown(&[exact(1, 57), rounded(2, "10+")]), (Some(57), Some(false), at(2)));
    assert_eq!(shown(&[exact(1, 9), rounded(2, "10+")]), (Some(10), Some(true), at(2)));
    // The newest rounded one counts, not every one that ever came.
    assert_eq!(shown(&[exact(1, 15_690), rounded(2, "1.7万"), rounded(3, "1.5万")]).0, Some(15_690));
    let metrics = merged(&unchanged.each_ref().map(flatten)).note_metric_rows();
    let metrics: Vec<_> = metrics.iter().map(|row| (row.liked_count, row.is_approximate)).collect();
    assert_eq!(metrics, [(Some(15_690), false), (Some(15_000), true)]);
}

#[test]
fn a_rounded_count_of_an_author_does_not_hide_the_exact_one() {
    let seen = |second, fans: Value| {
        let data = json!({"userid": "u1", "nickname": "n", "fans": fans});
        answer("justoneapi", profile("u1"), &json!({"code": 0, "data": data}).to_string(), second)
    };
    let fans = |answers: &[Answer]| {
        let answers: Vec<Flattened> = answers.iter().map(flatten).collect();
        merged(&answers).author_rows()[0].fans_count
    };
    assert_eq!(fans(&[seen(1, json!(15_690)), seen(2, json!("1.5万"))]), Some(15_690));
    assert_eq!(fans(&[seen(1, json!(15_690)), seen(2, json!("1.7万"))]), Some(17_000));
    assert_eq!(fans(&[seen(1, json!(15_690)), seen(2, json!(null))]), None);
}

proptest! {
    /// However often a count is told in other spellings, what is shown is the number, once it is told exactly.
    #[test]
    fn spellings_of_one_number_show_the_number(likes in 10_000_i64..90_000_000, spellings in prop::collection::vec((0_i64..9, any::<bool>()), 1..6)) {
        let spelt = |(at, is_exact): (usize, &(i64, bool))| {
            let (second, is_exact) = (is_exact.0 * 10 + at as i64, is_exact.1);
            let text = if is_exact { likes.to_string() } else { format!("{}.{}万", likes / 10_000, likes / 1000 % 10) };
            searched(second, json!({"title": "t", "likes": text}))
        };
        let answers: Vec<Answer> = spellings.iter().enumerate().map(spelt).collect();
        let row = row(&answers);
        let is_exact = spellings.iter().any(|spelling| spelling.1);
        let shown = if is_exact { likes } else { likes / 1000 * 1000 };
        prop_assert_eq!((row.liked_count, row.counts_are_approximate), (Some(shown), Some(!is_exact)));
    }
}

/// A detail of a run that was a success and showed nothing.
fn kept_quiet(second: i64, run: &str) -> Answer {
    let empty = answer("justoneapi", detail("n1"), r#"{"code": 0, "data": []}"#, second);
    Answer { run_id: run.into(), ..empty }
}

#[test]
fn a_note_that_three_runs_are_shown_nothing_of_is_gone_until_it_is_shown() {
    let life = |answers: &[Answer]| {
        let row = row(answers);
        (row.is_gone, row.gone_reason)
    };
    let shown = searched(1, json!({"title": "t"}));
    let [first, second, third] = [(2, "r1"), (3, "r2"), (4, "r3")].map(|(second, run)| kept_quiet(second, run));
    let there = (Some(false), None);
    let gone = (Some(true), Some("empty"));
    assert_eq!(life(&[shown.clone(), first.clone(), second.clone()]), there);
    assert_eq!(life(&[shown.clone(), first.clone(), second.clone(), kept_quiet(4, "r2")]), there, "of two runs");
    assert_eq!(life(&[third.clone(), first.clone(), shown.clone(), second.clone()]), gone);
    // A listing in between: only what came after it counts.
    let again = searched(3, json!({"title": "t"}));
    assert_eq!(life(&[first.clone(), second.clone(), again, third.clone()]), there);
    let back = listed(9, json!({"title": "t"}));
    assert_eq!(life(&[shown.clone(), first.clone(), second.clone(), third.clone(), back]), there);
    assert_eq!(
        life(&[shown, first.clone(), second.clone(), third.clone(), self::gone(5)]),
        (Some(true), Some("stated"))
    );
    let never_shown = [first, second, third].each_ref().map(flatten);
    assert_eq!(merged(&never_shown).note_rows(), []);
}

proptest! {
    /// The rule, told once more: three empty runs after the last answer that shows the note, or a statement after it.
    #[test]
    fn a_note_is_gone_by_the_rule(story in prop::collection::vec((0_usize..4, 0_u32..5), 1..12)) {
        let told = |(at, (kind, run)): (usize, &(usize, u32))| {
            let second = at as i64 + 1;
            match kind {
                0 => searched(second, json!({"title": "t"})),
                1 => gone(second),
                _ => kept_quiet(second, &format!("r{run}")),
            }
        };
        let answers: Vec<Answer> = story.iter().enumerate().map(told).collect();
        let rows = merged(&answers.iter().map(flatten).collect::<Vec<_>>()).note_rows();
        let last = story.iter().rposition(|(kind, _)| *kind < 2);
        let reason = last.and_then(|last| {
            let runs: std::collections::BTreeSet<u32> = story[last..].iter().skip(1).map(|(_, run)| *run).collect();
            if story[last].0 == 1 { Some("stated") } else { (runs.len() >= 3).then_some("empty") }
        });
        let seen = rows.first().map(|row| (row.is_gone, row.gone_reason));
        prop_assert_eq!(seen, last.map(|_| (Some(reason.is_some()), reason)));
    }
}
