//! Amounts in a vendor's price unit, exact to a millionth.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Keeps an amount as its millionths, for files that are read back.
pub(crate) mod micros {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Money;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's own signature")]
    pub(crate) fn serialize<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
        money.as_micros().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        i64::deserialize(deserializer).map(Money::from_micros)
    }
}

/// Holds an amount in millionths of the vendor's price unit, so that sums are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Tells that a number is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 0 to 1000000000 with at most 6 decimals")]
pub struct ParseMoneyError;

impl Money {
    /// No money at all.
    pub const ZERO: Self = Self(0);

    /// Makes an amount from millionths of the price unit.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the amount in millionths of the price unit.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the amount as a float, for tables and JSON.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Takes a float from a job file; the shortest decimal that prints as this float is what was meant.
    pub fn from_f64(value: f64) -> Result<Self, ParseMoneyError> {
        if !(0.0..=1e9).contains(&value) {
            return Err(ParseMoneyError);
        }
        format!("{value}").parse()
    }
}

impl FromStr for Money {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() || whole.len() > 10 || fraction.len() > 6 {
            return Err(ParseMoneyError);
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(ParseMoneyError);
        }
        let micros = format!("{whole}{fraction:0<6}").parse::<i64>().map_err(|_| ParseMoneyError)?;
        if micros > 1_000_000_000_000_000 {
            return Err(ParseMoneyError);
        }
        Ok(Self(micros))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let text = format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let text = text.trim_end_matches('0');
        // Two decimals at least: 0.1 prints as 0.10.
        let decimals = text.rsplit('.').next().map_or(0, str::len);
        write!(f, "{text}{}", "0".repeat(2_usize.saturating_sub(decimals)))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        let tenth = Money::from_f64(0.1).unwrap();
        assert_eq!((0..10).map(|_| tenth).sum::<Money>(), Money::from_f64(1.0).unwrap());
        assert_eq!(Money::from_f64(0.15).unwrap().as_micros(), 150_000);
    }

    #[test]
    fn amounts_print_with_two_decimals_at_least() {
        for (micros, text) in
            [(0, "0.00"), (100_000, "0.10"), (1_234_567, "1.234567"), (-50_000, "-0.05"), (12_000_000, "12.00")]
        {
            assert_eq!(Money::from_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in ["", "-1", "1e3", "0.1234567", ".5", "99999999999", "NaN", "1.2.3"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
        assert!(Money::from_f64(f64::NAN).is_err());
        assert!(Money::from_f64(-0.1).is_err());
    }
}
