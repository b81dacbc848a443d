//! The cap: reserved before a call is sent, settled after it.

use super::CrawlError;
use crate::job::Budget;
use crate::model::Money;
use crate::state::{Spend, Turn};

/// What is spent and reserved so far in a turn, against the caps.
pub(super) struct Purse<'a> {
    budget: &'a Budget,
    taken: Spend,
    today: u64,
}

impl<'a> Purse<'a> {
    /// Reads what is spent and reserved.
    pub(super) fn open(turn: &Turn<'_>, run: &str, budget: &'a Budget, in_flight: u64) -> Result<Self, CrawlError> {
        let taken = turn.spent_and_reserved(run)?;
        let today = if budget.daily_calls.is_some() { turn.calls_on_day(turn.now())? + in_flight } else { 0 };
        Ok(Self { budget, taken, today })
    }

    /// Names the cap that a call at this price would cross; none if it may be reserved.
    pub(super) fn crosses(&self, price: Money) -> Option<String> {
        if let Some(cap) = self.budget.max_calls.filter(|cap| self.taken.calls >= *cap) {
            return Some(format!("max_calls = {cap}"));
        }
        if let Some(cap) = self.budget.max_cost.filter(|cap| self.taken.cost + price > *cap) {
            return Some(format!("max_cost = {cap}"));
        }
        self.budget.daily_calls.filter(|cap| self.today >= *cap).map(|cap| format!("daily_calls = {cap}"))
    }

    /// Reserves a call.
    pub(super) fn reserve(&mut self, price: Money) {
        self.taken.calls += 1;
        self.taken.cost += price;
        self.today += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_reserved_never_crosses_a_cap(
            max_calls in proptest::option::of(0_u64..50),
            max_micros in proptest::option::of(0_i64..5_000_000),
            prices in proptest::collection::vec(0_i64..400_000, 0..100),
        ) {
            let budget = Budget { max_calls, max_cost: max_micros.map(Money::from_micros), ..Budget::default() };
            let mut purse = Purse { budget: &budget, taken: Spend::default(), today: 0 };
            for price in prices.into_iter().map(Money::from_micros) {
                if purse.crosses(price).is_none() {
                    purse.reserve(price);
                }
            }
            prop_assert!(max_calls.is_none_or(|cap| purse.taken.calls <= cap));
            prop_assert!(max_micros.is_none_or(|cap| purse.taken.cost.as_micros() <= cap));
        }
    }
}
