//! Where the walks of a seed end.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::lists::Named;
use crate::job::Limits;
use crate::job::at::At;
use crate::job::file::SeedFile;
use crate::job::told::Told;
use crate::job::words::Since;
use crate::model::shown;

/// Vendors stop near 220 notes a query.
const SEARCH_PAGES: u32 = 11;
const STALE_PAGES: u32 = 2;

/// Reads the limits of a seed.
pub(super) fn limits(seed: &SeedFile, named: Named, told: &mut Told<'_>) -> Limits {
    if named == Named::Notes {
        let spans = [
            ("max_pages", seed.max_pages.as_ref().map(At::span)),
            ("max_notes", seed.max_notes.as_ref().map(At::span)),
            ("since", seed.since.as_ref().map(At::span)),
            ("stop_when_stale", seed.stop_when_stale.as_ref().map(At::span)),
        ];
        for (name, span) in spans {
            if let Some(span) = span {
                told.at(span, format!("`{name}` ends walks of keywords and users; a seed of notes has none"));
            }
        }
        return Limits::default();
    }
    Limits {
        max_pages: seed.max_pages.as_deref().copied().or((named == Named::Keywords).then_some(SEARCH_PAGES)),
        max_notes: seed.max_notes.as_deref().copied(),
        since: seed.since.as_ref().and_then(|since| told_since(since, told)),
        stop_when_stale: seed.stop_when_stale.as_deref().copied().unwrap_or(STALE_PAGES),
    }
}

fn told_since(since: &At<Since>, told: &mut Told<'_>) -> Option<Timestamp> {
    let text = since.0.trim();
    let time = parse_since(text);
    if time.is_none() {
        let message = format!("`since` must be a UTC date or an RFC 3339 time, not `{}`", shown(text, 40));
        let hint = if text.parse::<DateTime>().is_ok() && text.len() > 10 {
            "add the zone, `Z` for UTC: \"2026-01-01T00:00:00Z\""
        } else {
            "write it as \"2026-01-01\" or \"2026-01-01T08:00:00+08:00\""
        };
        told.hinted(since.span(), message, hint);
    }
    time
}

/// Reads a UTC date, or a time with its zone.
fn parse_since(text: &str) -> Option<Timestamp> {
    // jiff also takes a date from the front of a time without a zone.
    if text.len() == 10 {
        let date = text.parse::<Date>().ok()?;
        return date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_utc_date_or_a_time_with_its_zone() {
        let cases = [
            ("2026-01-01", Some("2026-01-01T00:00:00Z")),
            ("2026-01-01T08:00:00+08:00", Some("2026-01-01T00:00:00Z")),
            ("2026-01-01 00:00:00Z", Some("2026-01-01T00:00:00Z")),
            ("2026-01-01T00:00:00", None),
            ("2026-13-01", None),
            ("20260101", None),
            ("01/02/2026", None),
            ("7d", None),
            ("00:00:00", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_since(text), expected.map(|time| time.parse().unwrap()), "{text}");
        }
    }
}
