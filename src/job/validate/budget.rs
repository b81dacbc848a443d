//! What a run may spend.

use crate::job::Budget;
use crate::job::at::At;
use crate::job::file::BudgetFile;
use crate::job::told::Told;
use crate::model::Money;

/// Reads the `[budget]` block.
pub(super) fn budget(file: &BudgetFile, told: &mut Told<'_>) -> Budget {
    let mut cap = |name: &str, cost: Option<&At<f64>>| {
        let cost = cost?;
        let name = format!("budget.{name}");
        let cap = money(&name, cost, told)?;
        if cap == Money::ZERO {
            told.at(cost.span(), format!("`{name}` must be more than 0"));
        }
        Some(cap)
    };
    Budget {
        max_calls: file.max_calls,
        max_cost: cap("max_cost", file.max_cost.as_ref()),
        max_calls_per_day: file.max_calls_per_day,
        max_cost_per_day: cap("max_cost_per_day", file.max_cost_per_day.as_ref()),
        max_total_cost: cap("max_total_cost", file.max_total_cost.as_ref()),
        order: file.order,
    }
}

/// Reads an amount.
pub(super) fn money(name: &str, amount: &At<f64>, told: &mut Told<'_>) -> Option<Money> {
    let money = Money::from_f64(**amount);
    if let Err(error) = &money {
        told.at(amount.span(), format!("`{name}` {error}"));
    }
    money.ok()
}
