//! The caps: reserved before a call is sent, settled after it.

use jiff::Timestamp;

use super::CrawlError;
use crate::job::Budget;
use crate::model::Money;
use crate::state::{Spend, Turn};

/// What is spent and reserved so far in a turn, against the caps.
pub(super) struct Purse<'a> {
    budget: &'a Budget,
    now: Timestamp,
    spent: Spent,
}

/// What counts against the caps: spent, and reserved by calls on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    /// By the run, since its caps were last fresh.
    pub(super) run: Spend,
    /// On this UTC day, over all runs.
    pub(super) today: Spend,
    /// By the dataset, over all runs.
    pub(super) total: Spend,
}

impl Spent {
    /// Reads what counts at a moment. A call on its way counts on the present day, whenever it was sent.
    pub(super) fn read(turn: &Turn<'_>, run: &str, now: Timestamp) -> Result<Self, CrawlError> {
        let reserved = turn.reserved(run)?;
        Ok(Self {
            run: turn.spent_and_reserved(run)?,
            today: turn.spent_on_day(now)? + reserved,
            total: turn.spent_in_total()? + reserved,
        })
    }
}

impl<'a> Purse<'a> {
    /// Reads what is spent and reserved.
    pub(super) fn open(turn: &Turn<'_>, run: &str, budget: &'a Budget) -> Result<Self, CrawlError> {
        let now = turn.now();
        Ok(Self { budget, now, spent: Spent::read(turn, run, now)? })
    }

    /// Returns the moment to which it speaks: what it lets go is sent then.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Names the cap that a call at this price would cross, the longest-lived first; none if it may be reserved.
    pub(super) fn crosses(&self, price: Money) -> Option<String> {
        let Spent { run, today, total } = &self.spent;
        let cost = |name: &str, cap: Option<Money>, spent: &Spend| {
            cap.filter(|cap| spent.cost + price > *cap).map(|cap| format!("{name} = {cap}"))
        };
        let calls = |name: &str, cap: Option<u64>, spent: &Spend| {
            cap.filter(|cap| spent.calls >= *cap).map(|cap| format!("{name} = {cap}"))
        };
        let budget = self.budget;
        cost("max_total_cost", budget.max_total_cost, total)
            .or_else(|| calls("max_calls_per_day", budget.max_calls_per_day, today))
            .or_else(|| cost("max_cost_per_day", budget.max_cost_per_day, today))
            .or_else(|| calls("max_calls", budget.max_calls, run))
            .or_else(|| cost("max_cost", budget.max_cost, run))
    }

    /// Reserves a call.
    pub(super) fn reserve(&mut self, price: Money) {
        let one = Spend { calls: 1, cost: price };
        for spent in [&mut self.spent.run, &mut self.spent.today, &mut self.spent.total] {
            *spent = *spent + one;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_reserved_never_crosses_a_cap(
            calls in proptest::array::uniform2(proptest::option::of(0_u64..50)),
            costs in proptest::array::uniform3(proptest::option::of(0_i64..5_000_000)),
            before in proptest::array::uniform2((0_u64..60, 0_i64..5_500_000)),
            prices in proptest::collection::vec(0_i64..400_000, 0..100),
        ) {
            let money = |at: usize| costs[at].map(Money::from_micros);
            let budget = Budget {
                max_calls: calls[0],
                max_calls_per_day: calls[1],
                max_cost: money(0),
                max_cost_per_day: money(1),
                max_total_cost: money(2),
                ..Budget::default()
            };
            let spend = |at: usize| Spend { calls: before[at].0, cost: Money::from_micros(before[at].1) };
            let spent = Spent { run: Spend::default(), today: spend(0), total: spend(1) };
            let mut purse = Purse { budget: &budget, now: Timestamp::UNIX_EPOCH, spent };
            for price in prices.into_iter().map(Money::from_micros) {
                if purse.crosses(price).is_none() {
                    purse.reserve(price);
                }
            }
            // What was spent before may lie above a cap that was lowered since: then nothing is added that counts.
            let Spent { run, today, total } = purse.spent;
            let calls_hold = |cap: Option<u64>, own: u64, before: u64| cap.is_none_or(|cap| own <= cap.max(before));
            prop_assert!(calls_hold(calls[0], run.calls, 0));
            prop_assert!(calls_hold(calls[1], today.calls, before[0].0));
            let cost_holds = |cap: Option<i64>, own: Money, before: i64| cap.is_none_or(|cap| own.as_micros() <= cap.max(before));
            prop_assert!(cost_holds(costs[0], run.cost, 0));
            prop_assert!(cost_holds(costs[1], today.cost, before[0].1));
            prop_assert!(cost_holds(costs[2], total.cost, before[1].1));
        }
    }
}
