//! Counts as vendors write them: `1234`, `"3,210"`, `"1.2万"`, `"10+"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::Scalar;

/// Holds how often something happened, and how exactly the provider wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// The number; never negative.
    pub value: i64,
    /// What the last digit written stands for: 1 in an exact count, 1,000 in `1.2万`. 0 in a lower bound such as `10+`.
    pub unit: i64,
}

impl Count {
    /// Makes an exact count.
    pub const fn exact(value: i64) -> Self {
        Self { value, unit: 1 }
    }

    /// Tells whether it was written like `1.2万` or `10+`.
    pub const fn is_approximate(self) -> bool {
        self.unit != 1
    }

    /// Tells whether an exact count could be written like this one. Providers cut or round, so both are taken: less than
    /// one unit away. A lower bound stands for everything up to its tenfold.
    pub const fn rounds(self, exact: i64) -> bool {
        match self.unit {
            0 => exact >= self.value && exact / 10 <= self.value,
            unit => exact.abs_diff(self.value) < unit.unsigned_abs(),
        }
    }

    /// Tells whether two counts cannot be spellings of one number.
    pub const fn differs_from(self, other: Self) -> bool {
        match (self.is_approximate(), other.is_approximate()) {
            (true, false) => !self.rounds(other.value),
            (false, true) => !other.rounds(self.value),
            _ => self.value != other.value,
        }
    }

    /// Takes a number that was written as rounded, where it is not known how far: by its zeros.
    pub const fn rounded(value: i64) -> Self {
        let mut unit = 1;
        while value > unit && value % (unit * 10) == 0 && unit < 100_000_000 {
            unit *= 10;
        }
        // What ends in no zero was a lower bound.
        Self { value, unit: if unit == 1 { 0 } else { unit } }
    }
}

/// As text: an exact count is a number, any other a list of value and unit. Earlier versions wrote an object.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Exact(i64),
    Rounded(i64, i64),
    Object { value: i64, approximate: bool },
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.is_approximate() {
            Written::Rounded(self.value, self.unit).serialize(to)
        } else {
            Written::Exact(self.value).serialize(to)
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(from)? {
            Written::Exact(value) | Written::Object { value, approximate: false } => Self::exact(value),
            Written::Rounded(value, unit) => Self { value, unit },
            Written::Object { value, approximate: true } => Self::rounded(value),
        })
    }
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
                Some(value) if value >= 0 => Ok(Some(Count::exact(value))),
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
    let written = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len() as u32);
    Ok(Some(Count { value, unit: if at_least { 0 } else { 10_i64.pow(scale.saturating_sub(written)) } }))
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
        let exact = |value| Ok(Some(Count::exact(value)));
        let rounded = |value, unit| Ok(Some(Count { value, unit }));
        let cases = [
            (json!(1234), exact(1234)),
            (json!(0), exact(0)),
            (json!("1234"), exact(1234)),
            (json!("3,210"), exact(3210)),
            (json!(" 12 "), exact(12)),
            (json!(12.0), exact(12)),
            (json!("1.2万"), rounded(12_000, 1000)),
            (json!("24.2万"), rounded(242_000, 1000)),
            (json!("1.234万"), rounded(12_340, 10)),
            (json!("1.23456万"), exact(12_345)),
            (json!("3万"), rounded(30_000, 10_000)),
            (json!("10+"), rounded(10, 0)),
            (json!("1w+"), rounded(10_000, 0)),
            (json!("1k+"), rounded(1_000, 0)),
            (json!("1千+"), rounded(1_000, 0)),
            (json!("3.9亿"), rounded(390_000_000, 10_000_000)),
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

    #[test]
    fn a_rounded_count_stands_for_what_is_less_than_a_unit_away() {
        let fifteen = Count { value: 15_000, unit: 1000 };
        for (exact, rounds) in [(14_000, false), (14_001, true), (15_690, true), (15_999, true), (16_000, false)] {
            assert_eq!(fifteen.rounds(exact), rounds, "{exact}");
            assert_eq!(fifteen.differs_from(Count::exact(exact)), !rounds, "{exact}");
            assert_eq!(Count::exact(exact).differs_from(fifteen), !rounds, "{exact}");
        }
        let ten = Count { value: 10, unit: 0 };
        for (exact, rounds) in [(9, false), (10, true), (99, true), (100, true), (110, false)] {
            assert_eq!(ten.rounds(exact), rounds, "{exact}");
        }
        assert!(fifteen.differs_from(Count { value: 16_000, unit: 1000 }) && !fifteen.differs_from(fifteen));
        assert!(Count::exact(1).differs_from(Count::exact(2)) && Count::exact(5).rounds(5));
    }

    #[test]
    fn counts_of_earlier_versions_are_read() {
        let read = |text: &str| serde_json::from_str::<Count>(text).unwrap();
        assert_eq!(read("7"), Count::exact(7));
        assert_eq!(read(r#"{"value":7,"approximate":false}"#), Count::exact(7));
        assert_eq!(read(r#"{"value":12000,"approximate":true}"#), Count { value: 12_000, unit: 1000 });
        assert_eq!(read(r#"{"value":10000,"approximate":true}"#), Count { value: 10_000, unit: 10_000 });
        assert_eq!(read(r#"{"value":12345,"approximate":true}"#), Count { value: 12_345, unit: 0 });
        for count in
            [Count::exact(0), Count::exact(12), Count { value: 10, unit: 0 }, Count { value: 15_000, unit: 1000 }]
        {
            assert_eq!(read(&serde_json::to_string(&count).unwrap()), count);
        }
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
