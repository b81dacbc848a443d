//! Laws that hold for any text: the check ends, and its places lie within the text.

use proptest::prelude::*;

use super::checked;
use crate::job::Problems;

const GOOD: [&str; 3] = [
    include_str!("../../../tests/fixtures/jobs/every-key.toml"),
    include_str!("../../../jobs/nightly-refresh.toml"),
    include_str!("../template.toml"),
];

/// Words that lead a mutated file into odd corners.
const WORDS: [&str; 24] = [
    "[",
    "]",
    "[[seeds]]",
    "{",
    "}",
    "=",
    "\"",
    "'",
    "\"\"\"",
    "#",
    "\n",
    ".",
    ",",
    "null",
    "-1",
    "1e999",
    "0x_f",
    "2026-01-01",
    "\u{0}",
    "\u{feff}",
    "霜",
    "token = \"x\"\n",
    "[vendors.justoneapi]\n",
    "99999999999999999999999999",
];

fn assert_places(text: &str, problems: &Problems) {
    assert!(!problems.problems.is_empty());
    assert_eq!(problems.sources[0].1.len(), text.len());
    for problem in &problems.problems {
        let hint = problem.hint.as_deref().unwrap_or_default();
        assert!(!problem.message.is_empty() && !problem.message.contains('\n') && !hint.contains('\n'), "{problem:?}");
        if let (Some(span), true) = (&problem.span, problem.file == "job.toml") {
            assert!(text.get(span.clone()).is_some(), "{problem:?} in {text:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_a_job_or_has_problems(text in "(\\PC|\n){0,200}") {
        if let Err(problems) = checked(&text) {
            assert_places(&text, &problems);
        }
    }

    #[test]
    fn a_mutated_job_is_a_job_or_has_problems(
        file in 0..GOOD.len(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, 0..WORDS.len()), 1..6),
    ) {
        let mut chars: Vec<char> = GOOD[file].chars().collect();
        for (place, length, word) in cuts {
            let start = place.index(chars.len() + 1);
            let end = (start + length).min(chars.len());
            chars.splice(start..end, WORDS[word].chars());
        }
        let text: String = chars.into_iter().collect();
        if let Err(problems) = checked(&text) {
            assert_places(&text, &problems);
        }
    }

    #[test]
    fn a_key_in_a_broken_file_is_never_shown(
        place in any::<prop::sample::Index>(),
        word in 0..WORDS.len(),
    ) {
        let key = "sk_live_Canary0123456789";
        let good = format!("[[seeds]]\nkeywords = [\"a\"]\n[vendors.justoneapi]\ntoken = \"{key}\"\nregion = \"cn\"\n");
        // The key itself stays whole, or there would be nothing to look for.
        let start = good.find(key).unwrap();
        let at = place.index(good.len() - key.len());
        let at = if at <= start { at } else { at + key.len() };
        let text = format!("{}{}{}", &good[..at], WORDS[word], &good[at..]);
        if let Err(problems) = checked(&text) {
            prop_assert!(!format!("{problems:?}").contains(key), "{problems:#?}");
        }
    }
}
