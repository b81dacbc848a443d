//! Problems in a file that a person wrote: where, what, and what to do.

use std::ops::Range;
use std::time::Duration;

/// One problem in a file that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the person named it.
    pub file: String,
    /// The bytes of the file that it is about; none where it is about the whole file.
    pub span: Option<Range<usize>>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a problem about some bytes of a file.
    pub fn new(file: &str, span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), span, message: message.into(), hint: None }
    }

    /// Makes a problem about the first place of a file that holds a text.
    pub fn at_text(file: &str, text: &str, needle: &str, message: impl Into<String>) -> Self {
        let span = text.find(needle).map(|start| start..start + needle.len());
        Self::new(file, span, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Turns what a deserializer says into a problem: one line, with a suggestion for a misspelt key.
pub fn reader_problem(file: &str, text: &str, message: &str, span: Option<Range<usize>>) -> Problem {
    let message = message.lines().next().unwrap_or("cannot be read").to_owned();
    let span = span.map(|span| span.start.min(text.len())..span.end.min(text.len()));
    let mut problem = Problem::new(file, span, message.clone());
    // serde words it "unknown field `x`, expected one of `a`, `b`".
    if let Some((unknown, known)) = message.split_once(", expected ") {
        let words = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        if let Some(name) = words(unknown).first() {
            let known = words(known);
            problem.message = format!("{unknown}{}", did_you_mean(name, known.iter().map(String::as_str)));
            problem.hint = (!known.is_empty()).then(|| format!("known here: {}", known.join(", ")));
        }
    }
    problem
}

/// Suggests the nearest known word, as ", did you mean `x`?", or nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        // A distance is at least the difference in length, and takes the product of both to find.
        .filter(|own| word.len() <= 4 * own.len() + 4)
        .map(|own| (strsim::damerau_levenshtein(word, own), own))
        .filter(|(distance, own)| *distance <= (own.chars().count() / 3).max(1))
        .min()
        .map(|(_, own)| format!(", did you mean `{own}`?"))
        .unwrap_or_default()
}

/// Reads a time with a unit: `500ms`, `60s`, `15m`, `12h`, `7d`, `2w`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number = number.parse::<u64>().ok()?;
    let seconds = match unit.trim() {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).filter(|seconds| *seconds <= 100 * 366 * 86_400).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("7d"), Some(Duration::from_secs(604_800)));
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        for text in ["7", "d", "", "-1d", "7 years", "99999999999999999999d", "9999999999999w"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn suggestions_are_near() {
        assert_eq!(did_you_mean("keyword", ["keywords", "users"]), ", did you mean `keywords`?");
        assert_eq!(did_you_mean("xyz", ["keywords", "users"]), "");
    }
}
