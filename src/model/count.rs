//! Counts as vendors write them: `1234`, `"3,210"`, `"1.2万"`, `"10+"`.

use serde::{Deserialize, Serialize};

use crate::json::Scalar;

/// Holds how often something happened, and whether the vendor rounded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Count {
    /// The number; never negative.
    pub value: i64,
    /// Whether it was written like `1.2万` or `10+`.
    pub approximate: bool,
}

/// Reads a count; `Ok(None)` where the vendor told none (absent, null, empty, −1).
///
/// # Errors
///
/// The reason, without the value, if it is something that is no count.
pub fn read_count<'a>(value: Option<impl Into<Scalar<'a>>>) -> Result<Option<Count>, &'static str> {
    match value.map_or(Scalar::Null, Into::into) {
        Scalar::Null => Ok(None),
        Scalar::Number(number) => {
            // A float with no fraction is a count that some vendor's JSON writer dressed up.
            let whole = number
                .as_i64()
                .or_else(|| number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64));
            match whole {
                Some(value) if value >= 0 => Ok(Some(Count { value, approximate: false })),
                Some(_) => Ok(None),
                None => Err("is a number, but no whole count"),
            }
        }
        Scalar::Text(text) => read_text(text),
        Scalar::Bool(_) | Scalar::Container => Err("is neither a number nor text"),
    }
}

fn read_text(text: &str) -> Result<Option<Count>, &'static str> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '\u{ff0c}')).collect();
    if text.is_empty() || text.starts_with('-') {
        return Ok(None);
    }
    let (text, at_least) = match text.strip_suffix(['+', '\u{ff0b}']) {
        Some(rest) => (rest, true),
        None => (text.as_str(), false),
    };
    let (digits, scale) = split_unit(text);
    let value = scaled(digits, scale).ok_or("is text, but no count")?;
    Ok(Some(Count { value, approximate: at_least || scale > 0 }))
}

/// Splits `1.2万` into `1.2` and the unit's power of ten.
fn split_unit(text: &str) -> (&str, u32) {
    let Some(last) = text.chars().next_back() else { return (text, 0) };
    let scale = match last {
        '千' | 'k' | 'K' => 3,
        '万' | '萬' | 'w' | 'W' => 4,
        'm' | 'M' => 6,
        '亿' | '億' => 8,
        _ => return (text, 0),
    };
    (text.strip_suffix(last).unwrap_or(text), scale)
}

/// Multiplies a decimal by a power of ten in whole numbers; digits beyond the scale are cut.
fn scaled(digits: &str, scale: u32) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || (scale == 0 && digits.contains('.')) {
        return None;
    }
    let whole = whole.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(scale)?)?;
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(scale as usize).collect();
    let fraction = if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()? };
    whole.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn counts_are_read_in_every_spelling_seen() {
        let exact = |value| Ok(Some(Count { value, approximate: false }));
        let rounded = |value| Ok(Some(Count { value, approximate: true }));
        let cases = [
            (json!(1234), exact(1234)),
            (json!(0), exact(0)),
            (json!("1234"), exact(1234)),
            (json!("3,210"), exact(3210)),
            (json!(" 12 "), exact(12)),
            (json!(12.0), exact(12)),
            (json!("1.2万"), rounded(12_000)),
            (json!("24.2万"), rounded(242_000)),
            (json!("1.23456万"), rounded(12_345)),
            (json!("10+"), rounded(10)),
            (json!("1w+"), rounded(10_000)),
            (json!("1k+"), rounded(1_000)),
            (json!("1千+"), rounded(1_000)),
            (json!("3.9亿"), rounded(390_000_000)),
            (json!(""), Ok(None)),
            (json!(null), Ok(None)),
            (json!(-1), Ok(None)),
            (json!("-1"), Ok(None)),
            (json!(1.5), Err("is a number, but no whole count")),
            (json!("1.5"), Err("is text, but no count")),
            (json!("赞"), Err("is text, but no count")),
            (json!("万"), Err("is text, but no count")),
            (json!(true), Err("is neither a number nor text")),
            (json!("99999999999999999999"), Err("is text, but no count")),
        ];
        for (value, expected) in cases {
            assert_eq!(read_count(Some(&value)), expected, "{value}");
        }
        assert_eq!(read_count(None::<&Value>), Ok(None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            if let Ok(Some(count)) = read_count(Some(&Value::String(text))) {
                prop_assert!(count.value >= 0);
            }
        }
    }
}
