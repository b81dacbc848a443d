//! How a run goes: a line that changes on a terminal, a plain one every 30 s elsewhere.

use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::messages::stderr;
use crate::crawl::Progress;

/// The one place on the terminal where progress is drawn.
pub(super) static BAR: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

const HEARTBEAT: Duration = Duration::from_secs(30);

/// Shows progress for a person, or for a log.
pub(super) struct Shown {
    bar: Option<ProgressBar>,
    quiet: bool,
    begun: Instant,
    last: Instant,
}

impl Shown {
    pub(super) fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = BAR.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self { bar, quiet, begun: now, last: now }
    }

    pub(super) fn show(&mut self, progress: &Progress) {
        let Progress { settled, ready, in_flight, calls, cost } = progress;
        if let Some(bar) = &self.bar {
            bar.set_message(format!(
                "{settled} answered, {in_flight} on their way, {ready} owed; {calls} calls, cost {cost}"
            ));
            bar.tick();
        } else if !self.quiet && self.last.elapsed() >= HEARTBEAT {
            self.last = Instant::now();
            let seconds = self.begun.elapsed().as_secs();
            stderr(format!(
                "{seconds} s: {settled} answered, {in_flight} on their way, {ready} owed; {calls} calls, cost {cost}\n"
            ));
        }
    }

    /// Says what is being done after the crawl.
    pub(super) fn say(&self, message: &'static str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
            bar.tick();
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
