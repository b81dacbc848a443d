//! What the sandbox is told: which universe, which limits, which faults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;

use super::universe::UniverseOptions;
use crate::model::parse_duration;

/// The last day of a universe that can be asked for.
pub const MAX_DAY: i64 = 3650;

/// Says how the sandbox behaves; the defaults are those of `notemill sandbox`.
#[derive(Args, Clone, Debug)]
pub struct SandboxOptions {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Seed of the universe: equal seeds give equal answers
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Notes in the universe
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(..=10_000_000))]
    pub notes: u32,
    /// Users in the universe; an eighth of the notes if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub users: Option<u32>,
    /// Days since the universe's first: counts grow, notes appear, vanish and change
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=MAX_DAY))]
    pub day: u32,
    /// Mixes hostile text, ids and numbers into the answers
    #[arg(long)]
    pub odd: bool,
    /// Time that every answer takes
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    pub latency: Duration,
    /// Calls a minute that are allowed on average, after as many at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,
    /// Billed calls after which the daily quota is used up
    #[arg(long, value_name = "N")]
    pub quota: Option<u64>,
    /// Billed calls after which the balance is used up
    #[arg(long, value_name = "N")]
    pub balance: Option<u64>,
    /// The only key that is accepted; any is if not given
    #[arg(long, value_name = "KEY")]
    pub key: Option<SecretString>,
    /// File to which a line of JSON is added, and synced, for every call
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Answers with the HTTP statuses that belong to the codes, not always 200
    #[arg(long)]
    pub http_status: bool,
    /// Faults.
    #[command(flatten)]
    pub faults: Faults,
}

/// Shares of calls, from 0 to 1, that go wrong. A call's attempts are decided one by one, by its parameters and its
/// number of attempts before, so that equal calls meet equal faults.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of attempts that fail with the vendor's code for it (301)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub fail: f64,
    /// Share of attempts that fail with HTTP 500 or 503
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub error: f64,
    /// Share of attempts answered with an HTML page and HTTP 200
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub html: f64,
    /// Share of attempts whose body is cut short, though it is billed
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub cut: f64,
    /// Share of attempts whose connection is closed before an answer
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub reset: f64,
    /// Share of attempts that hang until the client gives up, though they are billed
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub slow: f64,
    /// Share of attempts that succeed with null in place of the data
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub null_data: f64,
    /// Share of details and profiles that are, all day long, a success that shows nothing
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub empty: f64,
    /// Share of notes and users, beyond those of the universe, that are gone
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub gone: f64,
    /// Share of answers whose code is text, not a number
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub string_codes: f64,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        let UniverseOptions { seed, notes, users, day, odd } = UniverseOptions::default();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed,
            notes,
            users,
            day,
            odd,
            latency: Duration::ZERO,
            rate_limit: None,
            quota: None,
            balance: None,
            key: None,
            ledger: None,
            http_status: false,
            faults: Faults::default(),
        }
    }
}

impl SandboxOptions {
    /// Returns the universe that the options name.
    pub fn universe(&self) -> UniverseOptions {
        let Self { seed, notes, users, day, odd, .. } = *self;
        UniverseOptions { seed, notes, users, day, odd }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "must be a time with a unit such as `50ms`".into())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 1".into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: SandboxOptions,
    }

    fn parse(words: &[&str]) -> Result<SandboxOptions, String> {
        let line = Line::try_parse_from([&["sandbox"], words].concat());
        line.map(|line| line.options).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_has_the_defaults_of_the_library() {
        assert_eq!(format!("{:?}", parse(&[]).unwrap()), format!("{:?}", SandboxOptions::default()));
    }

    #[test]
    fn times_and_shares_are_read() {
        let options = parse(&["--latency", "50ms", "--cut", "0.25", "--rate-limit", "300", "--null-data=1"]).unwrap();
        assert_eq!((options.latency, options.rate_limit), (Duration::from_millis(50), Some(300)));
        assert_eq!((options.faults.cut, options.faults.null_data), (0.25, 1.0));
        for words in [["--latency", "50"], ["--fail", "1.5"], ["--fail", "NaN"], ["--rate-limit", "0"]] {
            assert!(parse(&words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        let options = parse(&["--key", "canary-key"]).unwrap();
        assert!(!format!("{options:?}").contains("canary"));
    }
}
