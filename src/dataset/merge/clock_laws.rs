//! Clocks that say anything: the newest is what came last, and answers of one moment are answers of their own.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::laws::{detailed, listed, merged, row, searched};
use crate::flatten::flatten;
use crate::flatten::tables::NoteRow;
use crate::model::Answer;

/// A kind of answer, and what the clock said when it came.
fn came() -> impl Strategy<Value = (u8, Timestamp)> {
    (0_u8..3, 0_i64..5)
        .prop_map(|(kind, year)| (kind, Timestamp::from_second(1_700_000_000 + year * 31_536_000).unwrap()))
}

/// Answers about one note in the order in which they came: each tells its own number.
fn answers(came: &[(u8, Timestamp)]) -> Vec<Answer> {
    let answer = |(number, (kind, observed_at)): (i64, &(u8, Timestamp))| {
        let told = json!({"title": number.to_string(), "likes": 10 + number, "sticky": number % 2 == 0});
        let answer = [searched, listed, detailed][usize::from(*kind)](0, told);
        Answer { sequence: 1_700_000_000_000_000 + number, observed_at: *observed_at, ..answer }
    };
    (0..).zip(came).map(answer).collect()
}

proptest! {
    #[test]
    fn in_each_group_what_came_last_wins_whatever_clocks_say_and_in_whatever_order_it_is_added(
        (came, order) in prop::collection::vec(came(), 1..8)
            .prop_flat_map(|came| { let order = (0..came.len()).collect::<Vec<_>>(); (Just(came), Just(order).prop_shuffle()) }),
    ) {
        let answers = answers(&came);
        let NoteRow { title, liked_count, content_observed_at, counts_observed_at, is_sticky, first_seen_at, last_seen_at, .. } =
            row(&order.iter().map(|at| answers[*at].clone()).collect::<Vec<_>>());
        let last = came.len() - 1;
        // Of the content, what tells most comes first; kinds are numbered so.
        let best = (0..came.len()).max_by_key(|at| (came[*at].0, *at)).unwrap();
        prop_assert_eq!((title, content_observed_at), (Some(best.to_string()), Some(came[best].1)));
        prop_assert_eq!((liked_count, counts_observed_at), (Some(10 + last as i64), Some(came[last].1)));
        let listing = (0..came.len()).rfind(|at| came[*at].0 < 2);
        prop_assert_eq!(is_sticky, listing.map(|at| at % 2 == 0));
        prop_assert_eq!((first_seen_at, last_seen_at), (came[0].1, came[last].1));
    }
}

#[test]
fn answers_of_one_moment_have_a_row_each_in_the_order_in_which_they_came() {
    let moment = Timestamp::from_second(1_700_000_000).unwrap();
    // Two searches and a detail, and the detail's call once more.
    let answers = answers(&[(0, moment), (2, moment), (0, moment), (2, moment)]);
    let flats: Vec<_> = answers.iter().map(flatten).collect();
    let mut backwards = flats.clone();
    backwards.reverse();
    let (merged, turned) = (merged(&flats), merged(&backwards));
    assert_eq!(merged, turned);
    assert!(merged.call_rows().iter().all(|call| call.observed_at == moment));
    assert_eq!(merged.call_rows().len(), 4);
    let metrics: Vec<_> = merged.note_metric_rows().into_iter().map(|row| (row.source, row.liked_count)).collect();
    let told = |source, count| (source, Some(count));
    assert_eq!(metrics, [told("detail", 11), told("detail", 13), told("search", 10), told("search", 12)]);
}
