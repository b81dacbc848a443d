//! Counts as vendors write them: mostly numbers, here and there text, rounded down.

use serde_json::{Value, json};

use crate::sandbox::universe::Draws;

/// Writes a count as a listing does: now and then as text, and then mostly rounded.
pub(super) fn listed(count: u64, draws: &mut Draws) -> Value {
    match draws.below(30) {
        0 | 1 => rounded(count).map_or_else(|| json!(count), Value::String),
        2 => json!(count.to_string()),
        _ => json!(count),
    }
}

/// Writes a count as a detail does: rounded only where it is large.
pub(super) fn detailed(count: u64, draws: &mut Draws) -> Value {
    if draws.once_in(20) && count >= 10_000 { listed_text(count) } else { json!(count) }
}

/// Writes a count as people read it.
pub(super) fn listed_text(count: u64) -> Value {
    Value::String(rounded(count).filter(|_| count >= 10_000).unwrap_or_else(|| count.to_string()))
}

/// Rounds a count down and writes it as text; none below 10.
fn rounded(count: u64) -> Option<String> {
    Some(match count {
        10_000.. => match count % 10_000 / 1000 {
            0 => format!("{}万", count / 10_000),
            tenths => format!("{}.{tenths}万", count / 10_000),
        },
        1000.. => format!("{}千+", count / 1000),
        100.. => format!("{}+", count / 100 * 100),
        10.. => format!("{}+", count / 10 * 10),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rounded_down() {
        let cases = [
            (9, None),
            (10, Some("10+")),
            (99, Some("90+")),
            (689, Some("600+")),
            (1999, Some("1千+")),
            (10_999, Some("1万")),
            (12_999, Some("1.2万")),
            (131_072, Some("13.1万")),
        ];
        for (count, text) in cases {
            assert_eq!(rounded(count).as_deref(), text, "{count}");
        }
    }
}
