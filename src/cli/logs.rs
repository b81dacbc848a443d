//! Log lines on stderr: ours only, with controls escaped.

use std::io::{self, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use super::progress::BAR;
use super::{Global, LogFormat};

/// Starts logging. `RUST_LOG` is not read: it would open the logs of dependencies, which may hold addresses with keys.
pub(super) fn start(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("notemill", level);
    let colour =
        std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && io::IsTerminal::is_terminal(&io::stderr());
    let registry = tracing_subscriber::registry();
    // A second start in one process (tests) keeps the first.
    let _ = match global.log_format {
        LogFormat::Text => {
            let layer = tracing_subscriber::fmt::layer().with_target(false).with_ansi(colour).with_writer(|| BesideBar);
            registry.with(layer.with_filter(ours)).try_init()
        }
        LogFormat::Json => registry
            .with(tracing_subscriber::fmt::layer().json().with_writer(|| BesideBar).with_filter(ours))
            .try_init(),
    };
}

/// Writes to stderr without tearing a progress bar.
struct BesideBar;

impl Write for BesideBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BAR.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
