//! From calls to money, caps, days and minutes: a pure function.

use std::collections::BTreeMap;

use super::estimate::Calls;
use super::{Cap, Plan, Span, Stage, ThisRun};
use crate::crawl::budget::Spent;
use crate::job::Job;
use crate::model::{Endpoint, Money};

/// Puts prices to calls, and says what holds them back.
pub(super) fn bill(
    job: &Job,
    calls: &BTreeMap<Endpoint, Calls>,
    covered: impl Fn(Endpoint) -> u64,
    spent: &Spent,
) -> Plan {
    let mut stages = Vec::new();
    let mut costs = Vec::new();
    for endpoint in Endpoint::ALL {
        let Some(vendor) = job.route.get(&endpoint).and_then(|route| route.first()) else { continue };
        let price = job.vendors.get(vendor).and_then(|settings| settings.price.get(&endpoint).copied());
        let calls = calls.get(&endpoint).copied().unwrap_or(Calls::NONE);
        let mut cost = cost(price.unwrap_or_default(), calls);
        if matches!(endpoint, Endpoint::NoteDetail | Endpoint::UserProfile) {
            // What the first vendor does not show may be asked of a dearer one.
            cost.high = self::cost(dearest(job, endpoint), calls).high;
        }
        costs.push(cost);
        stages.push(Stage {
            endpoint,
            vendor: vendor.clone(),
            price: price.map(Money::as_f64),
            covered: covered(endpoint),
            calls: calls.span(),
            cost: cost.map(Money::as_f64),
            is_exact: calls.high == Some(calls.low),
        });
    }
    let total = sum(stages.iter().map(|stage| &stage.calls));
    let cost = costs.into_iter().fold(cost(Money::ZERO, Calls::NONE), |one, other| Span {
        low: add(one.low, other.low),
        expected: add(one.expected, other.expected),
        high: one.high.zip(other.high).map(|(one, other)| add(one, other)),
    });
    Plan {
        continues: None,
        replanned: false,
        calls: total.span(),
        cost: cost.map(Money::as_f64),
        unpriced: stages.iter().filter(|stage| stage.price.is_none()).map(|stage| stage.endpoint).collect(),
        this_run: this_run(job, total, cost, &stages, spent),
        caps: caps(job, total, cost, spent),
        days: all_days(job, total, cost, spent),
        minutes: minutes(job, &stages),
        stages,
        basis: Vec::new(),
    }
}

impl<T> Span<T> {
    fn map<U>(self, of: impl Fn(T) -> U) -> Span<U> {
        Span { low: of(self.low), expected: of(self.expected), high: self.high.map(of) }
    }
}

impl Calls {
    const NONE: Self = Self { low: 0, expected: 0, high: Some(0) };

    const fn span(self) -> Span<u64> {
        Span { low: self.low, expected: self.expected, high: self.high }
    }

    fn map<T>(self, of: impl Fn(u64) -> T) -> Span<T> {
        self.span().map(of)
    }
}

fn sum<'a>(spans: impl Iterator<Item = &'a Span<u64>> + Clone) -> Calls {
    Calls {
        low: spans.clone().map(|span| span.low).sum(),
        expected: spans.clone().map(|span| span.expected).sum(),
        high: spans.map(|span| span.high).sum(),
    }
}

fn dearest(job: &Job, endpoint: Endpoint) -> Money {
    let vendors = job.route.get(&endpoint).into_iter().flatten().filter_map(|name| job.vendors.get(name));
    vendors.filter_map(|settings| settings.price.get(&endpoint).copied()).max().unwrap_or_default()
}

/// Puts a price to calls, exactly. What costs nothing is bounded, however often it is called.
fn cost(price: Money, calls: Calls) -> Span<Money> {
    let cost = |calls| {
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        Money::from_micros(price.as_micros().saturating_mul(calls))
    };
    let cost = calls.map(cost);
    if price == Money::ZERO { Span { high: Some(Money::ZERO), ..cost } } else { cost }
}

fn add(one: Money, other: Money) -> Money {
    Money::from_micros(one.as_micros().saturating_add(other.as_micros()))
}

fn caps(job: &Job, calls: Calls, cost: Span<Money>, spent: &Spent) -> Vec<Cap> {
    let by_calls = calls_caps(job, spent).map(|(name, limit, left)| {
        let stops = stops(calls.span(), left);
        let after_calls = stops.map(|_| left);
        Cap { name, limit: limit as f64, left: left as f64, stops, after_calls }
    });
    let by_cost = cost_caps(job, spent).map(|(name, limit, left)| {
        let stops = stops(cost, left);
        // At the mix of calls that is expected; a run is capped before it has a mix only where nothing is left.
        let share = if cost.expected > Money::ZERO { left.as_f64() / cost.expected.as_f64() } else { 0.0 };
        let after_calls = stops.map(|_| (share * calls.expected as f64) as u64);
        Cap { name, limit: limit.as_f64(), left: left.as_f64(), stops, after_calls }
    });
    by_calls.chain(by_cost).collect()
}

/// Lists the caps on calls that are set: name, limit, and what is left.
fn calls_caps(job: &Job, spent: &Spent) -> impl Iterator<Item = (&'static str, u64, u64)> {
    let budget = job.budget;
    let caps = [
        ("max_calls", budget.max_calls, spent.run.calls),
        ("max_calls_per_day", budget.max_calls_per_day, spent.today.calls),
    ];
    caps.into_iter().filter_map(|(name, limit, spent)| Some((name, limit?, limit?.saturating_sub(spent))))
}

/// Lists the caps on cost that are set: name, limit, and what is left.
fn cost_caps(job: &Job, spent: &Spent) -> impl Iterator<Item = (&'static str, Money, Money)> {
    let budget = job.budget;
    let caps = [
        ("max_cost", budget.max_cost, spent.run.cost),
        ("max_cost_per_day", budget.max_cost_per_day, spent.today.cost),
        ("max_total_cost", budget.max_total_cost, spent.total.cost),
    ];
    let left =
        |limit: Money, spent: Money| Money::from_micros(limit.as_micros().saturating_sub(spent.as_micros()).max(0));
    caps.into_iter().filter_map(move |(name, limit, spent)| Some((name, limit?, left(limit?, spent))))
}

/// Says what one run does under all its caps.
fn this_run(job: &Job, calls: Calls, cost: Span<Money>, stages: &[Stage], spent: &Spent) -> ThisRun {
    let cost_left = cost_caps(job, spent).map(|(.., left)| left).min();
    // What each call costs at least; nothing is known of it if a call without a price may be asked.
    let asked = stages.iter().filter(|stage| stage.calls.high != Some(0));
    let cheapest = asked.map(|stage| stage.price.unwrap_or_default()).reduce(f64::min).filter(|price| *price > 0.0);
    let affordable = cost_left.zip(cheapest).map(|(left, price)| (left.as_f64() / price + 1e-9) as u64);
    let by_calls = calls_caps(job, spent).map(|(.., left)| left);
    let calls_at_most = by_calls.chain(affordable).chain(calls.high).min();
    let share = match calls_at_most {
        Some(most) if most < calls.expected => most as f64 / calls.expected as f64,
        _ => 1.0,
    };
    let expected = cost.expected.as_f64() * share;
    let cost_at_most = cost_left.map(Money::as_f64);
    ThisRun { calls_at_most, cost_expected: cost_at_most.map_or(expected, |most| expected.min(most)), cost_at_most }
}

/// Returns the UTC days that the caps of a day make of a run, today included; none without such a cap.
fn all_days(job: &Job, calls: Calls, cost: Span<Money>, spent: &Spent) -> Option<Span<u64>> {
    let (budget, today) = (job.budget, spent.today);
    let micros = |money: Money| u64::try_from(money.as_micros()).unwrap_or_default();
    let by_calls = budget.max_calls_per_day.map(|daily| calls.map(|calls| days(calls, daily.max(1), today.calls)));
    let by_cost = budget
        .max_cost_per_day
        .map(|daily| cost.map(|cost| days(micros(cost), micros(daily).max(1), micros(today.cost))));
    by_calls.into_iter().chain(by_cost).reduce(|one, other| Span {
        low: one.low.max(other.low),
        expected: one.expected.max(other.expected),
        high: one.high.zip(other.high).map(|(one, other)| one.max(other)),
    })
}

/// Names the smallest run that is larger than what is left of a cap.
fn stops<T: PartialOrd + Copy>(span: Span<T>, left: T) -> Option<&'static str> {
    if span.low > left {
        return Some("low");
    }
    if span.expected > left {
        return Some("expected");
    }
    span.high.is_none_or(|high| high > left).then_some("high")
}

/// Returns the UTC days that so much takes, today included; none if nothing is asked.
fn days(asked: u64, daily: u64, today: u64) -> u64 {
    if asked == 0 { 0 } else { asked.saturating_add(today.min(daily)).div_ceil(daily) }
}

/// Returns how long the vendors' calls a minute take: each for itself, side by side.
fn minutes(job: &Job, stages: &[Stage]) -> Option<Span<f64>> {
    let limited = job.vendors.iter().filter_map(|(name, settings)| Some((name, settings.requests_per_minute?)));
    let spans = limited.filter(|(_, rate)| *rate > 0).map(|(name, rate)| {
        let own = sum(stages.iter().filter(|stage| stage.vendor == *name).map(|stage| &stage.calls));
        own.map(|calls| calls as f64 / f64::from(rate))
    });
    spans.reduce(|one, other| Span {
        low: one.low.max(other.low),
        expected: one.expected.max(other.expected),
        high: one.high.zip(other.high).map(|(one, other)| one.max(other)),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::state::Spend;

    const JOB: &str = "seeds = [{ keywords = [\"k\"] }]\n[vendors.justoneapi]\n\
                       price = { search_notes = 0.1, note_detail = 0.15 }\n";

    fn plan(text: &str, searches: Calls, details: Calls, spent: Spent) -> Plan {
        let job = crate::job::check("job.toml", Path::new("."), text).unwrap();
        let calls = [(Endpoint::SearchNotes, searches), (Endpoint::NoteDetail, details)].into();
        bill(&job, &calls, |_| 3, &spent)
    }

    fn calls(low: u64, expected: u64, high: impl Into<Option<u64>>) -> Calls {
        Calls { low, expected, high: high.into() }
    }

    fn span<T>(low: T, expected: T, high: impl Into<Option<T>>) -> Span<T> {
        Span { low, expected, high: high.into() }
    }

    #[test]
    fn prices_are_put_to_calls_and_missing_ones_are_told() {
        let told = plan(JOB, calls(1, 3, 11), calls(0, 20, 220), Spent::default());
        let endpoints: Vec<Endpoint> = told.stages.iter().map(|stage| stage.endpoint).collect();
        assert_eq!(endpoints, [Endpoint::SearchNotes, Endpoint::NoteDetail, Endpoint::UserProfile]);
        assert_eq!((told.calls, told.cost), (span(1, 23, 231), span(0.1, 3.3, 34.1)));
        assert_eq!(
            (told.unpriced, told.caps, told.days, told.minutes),
            (vec![Endpoint::UserProfile], vec![], None, None)
        );
        assert!(told.stages[0].covered == 3 && !told.stages[0].is_exact && told.stages[2].is_exact);
        let open = plan(JOB, calls(1, 3, 11), calls(0, 20, None), Spent::default());
        assert_eq!((open.calls.high, open.cost.high), (None, None));
        // What has no price costs nothing, however often it is asked.
        let free = plan("seeds = [{ keywords = [\"k\"] }]", calls(1, 3, None), calls(0, 0, 0), Spent::default());
        assert_eq!((free.calls.high, free.cost), (None, span(0.0, 0.0, 0.0)));
        let endless = plan(JOB, calls(u64::MAX, u64::MAX, u64::MAX), calls(0, 0, 0), Spent::default());
        assert!(endless.cost.low > 1e12);
    }

    #[test]
    fn a_cap_says_which_run_it_would_stop_and_when() {
        let spent = |calls, micros| {
            let run = Spend { calls, cost: Money::from_micros(micros) };
            Spent { run, today: run, total: run + run }
        };
        for (budget, spent, name, left, stops, after) in [
            ("max_calls = 231", spent(0, 0), "max_calls", 231.0, None, None),
            ("max_calls = 230", spent(0, 0), "max_calls", 230.0, Some("high"), Some(230)),
            ("max_calls = 30", spent(8, 0), "max_calls", 22.0, Some("expected"), Some(22)),
            ("max_calls = 5", spent(9, 0), "max_calls", 0.0, Some("low"), Some(0)),
            ("max_cost = 34.1", spent(0, 0), "max_cost", 34.1, None, None),
            ("max_cost = 3.3", spent(0, 0), "max_cost", 3.3, Some("high"), Some(23)),
            ("max_cost = 2.0", spent(0, 350_000), "max_cost", 1.65, Some("expected"), Some(11)),
            ("max_calls_per_day = 30", spent(8, 0), "max_calls_per_day", 22.0, Some("expected"), Some(22)),
            ("max_cost_per_day = 2.0", spent(0, 350_000), "max_cost_per_day", 1.65, Some("expected"), Some(11)),
            ("max_total_cost = 4.0", spent(0, 350_000), "max_total_cost", 3.3, Some("high"), Some(23)),
            ("max_total_cost = 0.5", spent(0, 350_000), "max_total_cost", 0.0, Some("low"), Some(0)),
        ] {
            let text = format!("budget = {{ {budget} }}\n{JOB}");
            let told = plan(&text, calls(1, 3, 11), calls(0, 20, 220), spent);
            let [cap] = &told.caps[..] else { panic!("{told:?}") };
            assert_eq!((cap.name, cap.stops, cap.after_calls), (name, stops, after), "{budget}");
            assert!((cap.left - left).abs() < 1e-9, "{budget}: {cap:?}");
        }
        let open =
            plan(&format!("budget = {{ max_calls = 99 }}\n{JOB}"), calls(1, 3, None), calls(0, 0, 0), spent(0, 0));
        assert_eq!(open.caps[0].stops, Some("high"));
    }

    #[test]
    fn this_run_is_what_all_caps_leave_of_it() {
        let run = Spend { calls: 5, cost: Money::from_micros(1_000_000) };
        let spent = Spent { run, today: run, total: run };
        for (budget, most, expected, of) in [
            ("{}", Some(231), 3.3, None),
            ("{ max_calls = 300 }", Some(231), 3.3, None),
            ("{ max_calls = 28 }", Some(23), 3.3, None),
            ("{ max_calls_per_day = 28, max_calls = 99 }", Some(23), 3.3, None),
            ("{ max_cost = 45.0 }", Some(231), 3.3, Some(44.0)),
            ("{ max_cost = 45.0, max_total_cost = 3.0 }", Some(20), 2.0, Some(2.0)),
            ("{ max_cost_per_day = 1.0 }", Some(0), 0.0, Some(0.0)),
        ] {
            let text = format!("budget = {budget}\nexpand = {{ authors = false }}\n{JOB}");
            let told = plan(&text, calls(1, 3, 11), calls(0, 20, 220), spent).this_run;
            assert_eq!((told.calls_at_most, told.cost_at_most), (most, of), "{budget}");
            assert!((told.cost_expected - expected).abs() < 0.4, "{budget}: {told:?}");
        }
        // A call without a price is not held back by a cap on cost.
        let text = format!("budget = {{ max_cost = 3.0 }}\n{JOB}");
        let job = crate::job::check("job.toml", Path::new("."), &text).unwrap();
        let asked = [(Endpoint::SearchNotes, calls(1, 1, 1)), (Endpoint::UserProfile, calls(0, 40, None))].into();
        let told = bill(&job, &asked, |_| 0, &Spent::default()).this_run;
        assert_eq!((told.calls_at_most, told.cost_at_most), (None, Some(3.0)));
    }

    #[test]
    fn days_and_minutes_go_by_quota_and_pace() {
        for (asked, daily, today, days_of) in
            [(0, 10, 10, 0), (1, 10, 0, 1), (10, 10, 0, 1), (11, 10, 0, 2), (5, 10, 6, 2), (5, 10, 99, 2)]
        {
            assert_eq!(days(asked, daily, today), days_of, "{asked} calls, {today} of {daily} today");
        }
        let both = format!("budget = {{ max_calls_per_day = 20, max_cost_per_day = 1.0 }}\n{JOB}");
        let today = Spend { calls: 5, cost: Money::from_micros(500_000) };
        let told = plan(&both, calls(1, 3, 11), calls(0, 20, 220), Spent { today, ..Spent::default() });
        assert_eq!(told.days, Some(span(1, 4, 35)), "23 calls and 5, 3.3 and 0.5; 34.1 and 0.5");
        let text = "seeds = [{ keywords = [\"k\"] }, { users = [\"6500000000000000000000a1\"] }]\nexpand = { details = false, authors = false }\n\
                    route = { user_notes = \"spiderhubs\" }\n[vendors.justoneapi]\nrequests_per_minute = 10\n\
                    [vendors.spiderhubs]\nrequests_per_minute = 20\n";
        let job = crate::job::check("job.toml", Path::new("."), text).unwrap();
        // Side by side, the slower one counts.
        let both = [(Endpoint::SearchNotes, calls(10, 30, 50)), (Endpoint::UserNotes, calls(40, 40, None))].into();
        assert_eq!(bill(&job, &both, |_| 0, &Spent::default()).minutes, Some(span(2.0, 3.0, None)));
    }
}
