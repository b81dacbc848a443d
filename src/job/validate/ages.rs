//! How old an answer may be: "7d", "always", "forever", "changed", "none".

use std::time::Duration;

use crate::job::at::At;
use crate::job::file::RefreshFile;
use crate::job::told::Told;
use crate::job::{MaxAge, Refresh, RefreshDetails};
use crate::model::{did_you_mean, parse_duration, shown};

/// Reads an age.
pub(super) fn age(text: &str) -> Option<MaxAge> {
    match text {
        "always" => Some(MaxAge::Always),
        "forever" => Some(MaxAge::Forever),
        text => parse_duration(text).map(MaxAge::Age),
    }
}

/// Reads the `[refresh]` block.
pub(super) fn refresh(file: &RefreshFile, told: &mut Told<'_>) -> Refresh {
    let details = if file.details.as_str() == "changed" {
        RefreshDetails::Changed
    } else {
        RefreshDetails::Age(told_age("details", &file.details, &["always", "forever", "changed"], told))
    };
    let mut plain = |name, text| told_age(name, text, &["always", "forever"], told);
    Refresh {
        details,
        authors: plain("authors", &file.authors),
        searches: plain("searches", &file.searches),
        user_notes: plain("user_notes", &file.user_notes),
        until_known: file.until_known,
        known: plain("known", &file.known),
    }
}

/// Reads how long raw answers are kept; none is forever, and no time at all is not beyond the build.
pub(super) fn retain(retain: &At<String>, told: &mut Told<'_>) -> Option<Duration> {
    match retain.as_str() {
        "forever" => None,
        "none" => Some(Duration::ZERO),
        // What cannot be undone is asked for by its name.
        text => parse_duration(text).filter(|age| !age.is_zero()).or_else(|| {
            let near = did_you_mean(text, ["forever", "none"]);
            let message = format!("`archive.retain` cannot be `{}`{near}", shown(text, 40));
            told.hinted(retain.span(), message, "an age such as \"90d\", or one of: forever, none".to_owned());
            None
        }),
    }
}

fn told_age(name: &str, text: &At<String>, words: &[&str], told: &mut Told<'_>) -> MaxAge {
    age(text).unwrap_or_else(|| {
        let near = did_you_mean(text, words.iter().copied());
        let message = format!("`refresh.{name}` cannot be `{}`{near}", shown(text, 40));
        told.hinted(text.span(), message, format!("an age such as \"7d\" or \"12h\", or one of: {}", words.join(", ")));
        MaxAge::Always
    })
}
