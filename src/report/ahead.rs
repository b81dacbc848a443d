//! Answers that are dated ahead of the clock: one of the two is wrong.

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

/// Answers that are dated ahead of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedAhead {
    /// What the clock said.
    pub clock: Timestamp,
    /// What the latest of the answers says.
    pub latest: Timestamp,
    /// How many there are.
    pub answers: u64,
}

impl DatedAhead {
    /// Says in words what the clock and the answers say, and what follows.
    pub fn words(&self) -> String {
        let [clock, latest] = [self.clock, self.latest].map(|at| at.round(Unit::Second).unwrap_or(at));
        let answers =
            if self.answers == 1 { "1 answer is".to_owned() } else { format!("{} answers are", self.answers) };
        format!(
            "the clock says {clock}, and {answers} dated later, up to {latest}: they count as stale and are asked again \
             when due, which costs money; check the clock"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line() {
        let at = |text: &str| text.parse().unwrap();
        let (clock, latest) = (at("2026-11-26T02:00:00.4Z"), at("2027-11-25T02:00:01Z"));
        let said = DatedAhead { clock, latest, answers: 7 }.words();
        let first = "the clock says 2026-11-26T02:00:00Z, and 7 answers are dated later, up to 2027-11-25T02:00:01Z: ";
        assert!(said.starts_with(first) && !said.contains('\n'), "{said}");
        assert!(DatedAhead { clock, latest, answers: 1 }.words().contains("and 1 answer is dated later"));
    }
}
