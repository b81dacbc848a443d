//! What a run may spend.

use crate::job::Budget;
use crate::job::at::At;
use crate::job::file::BudgetFile;
use crate::job::told::Told;
use crate::model::Money;

/// Reads the `[budget]` block.
pub(super) fn budget(file: &BudgetFile, told: &mut Told<'_>) -> Budget {
    let max_cost = file.max_cost.as_ref().and_then(|cost| money("budget.max_cost", cost, told));
    if let Some(cost) = file.max_cost.as_ref().filter(|_| max_cost == Some(Money::ZERO)) {
        told.at(cost.span(), "`budget.max_cost` must be more than 0");
    }
    Budget { max_calls: file.max_calls, max_cost, daily_calls: file.daily_calls, order: file.order }
}

/// Reads an amount.
pub(super) fn money(name: &str, amount: &At<f64>, told: &mut Told<'_>) -> Option<Money> {
    let money = Money::from_f64(**amount);
    if let Err(error) = &money {
        told.at(amount.span(), format!("`{name}` {error}"));
    }
    money.ok()
}
