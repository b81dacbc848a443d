//! Faults: which call goes wrong, and how, decided by the call and its attempt alone.

use std::collections::HashMap;

use axum::http::StatusCode;

use crate::sandbox::options::Faults;
use crate::sandbox::universe::Draws;

/// How an attempt goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Fail,
    Error(StatusCode),
    Html,
    Cut { with_length: bool },
    Reset,
    Slow,
    NullData,
}

/// Counts the attempts of each call.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<u64, u64>);

impl Attempts {
    /// Returns the draws of a call's next attempt.
    pub(super) fn next(&mut self, seed: u64, call: u64) -> Draws {
        let attempt = self.0.entry(call).or_default();
        *attempt += 1;
        Draws::new(seed ^ call, "attempt", *attempt)
    }
}

impl Faults {
    /// Draws the fault of an attempt; where shares sum up to more than 1, the later ones get what is left.
    pub(super) fn draw(&self, draws: &mut Draws) -> Option<Fault> {
        let mut rest = draws.fraction();
        let status = *draws.pick(&[StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE]);
        let with_length = draws.once_in(2);
        let shares = [
            (self.fail, Fault::Fail),
            (self.error, Fault::Error(status)),
            (self.html, Fault::Html),
            (self.cut, Fault::Cut { with_length }),
            (self.reset, Fault::Reset),
            (self.slow, Fault::Slow),
            (self.null_data, Fault::NullData),
        ];
        shares.into_iter().find_map(|(share, fault)| {
            let hit = rest < share;
            rest -= share;
            hit.then_some(fault)
        })
    }

    /// Tells whether the answers to a call have their codes as text.
    pub(super) fn has_string_codes(&self, seed: u64, call: u64) -> bool {
        Draws::new(seed, "string codes", call).fraction() < self.string_codes
    }

    /// Tells whether a call is answered with nothing on a day, though it is there.
    pub(super) fn is_empty(&self, seed: u64, call: u64, day: u32) -> bool {
        Draws::new(seed ^ call, "fault empty", day.into()).fraction() < self.empty
    }

    /// Tells whether a note or user is gone, for good.
    pub(super) fn is_gone(&self, seed: u64, id: u64) -> bool {
        Draws::new(seed, "fault gone", id).fraction() < self.gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_as_often_as_asked_and_the_same_each_time() {
        let faults = Faults { fail: 0.2, slow: 0.3, ..Faults::default() };
        let round = || {
            let mut attempts = Attempts::default();
            (0..4000_u64).map(|at| faults.draw(&mut attempts.next(7, at % 40))).collect::<Vec<_>>()
        };
        let drawn = round();
        assert_eq!(drawn, round());
        let share = |fault| drawn.iter().filter(|drawn| **drawn == fault).count();
        for (fault, expected) in [(Some(Fault::Fail), 800), (Some(Fault::Slow), 1200), (None, 2000)] {
            assert!(share(fault).abs_diff(expected) < 150, "{fault:?}: {}", share(fault));
        }
    }

    #[test]
    fn a_share_of_one_is_always_and_of_none_never() {
        for call in 0..500 {
            let draws = || Attempts::default().next(7, call);
            assert_eq!(Faults { reset: 1.0, ..Faults::default() }.draw(&mut draws()), Some(Fault::Reset));
            assert_eq!(Faults::default().draw(&mut draws()), None);
        }
        assert!(Faults { gone: 1.0, ..Faults::default() }.is_gone(7, 1));
        assert!(!Faults::default().is_gone(7, 1));
    }
}
