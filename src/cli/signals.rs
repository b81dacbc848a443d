//! SIGINT, SIGTERM and SIGHUP: the first ends the run in good order, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::watch;

use super::exit::Exit;
use super::messages::stderr;

/// Listens for signals.
pub(super) struct Signals {
    /// Turns true at the first signal.
    pub(super) stop: watch::Receiver<bool>,
    code: Arc<AtomicU8>,
    at_once: Arc<AtomicBool>,
}

impl Signals {
    /// Starts to listen; must be called inside the runtime.
    pub(super) fn listen() -> std::io::Result<Self> {
        let (sender, stop) = watch::channel(false);
        let code = Arc::new(AtomicU8::new(0));
        let at_once = Arc::new(AtomicBool::new(false));
        let (heard, no_calls) = (Arc::clone(&code), Arc::clone(&at_once));
        let mut next = next_signal()?;
        tokio::spawn(async move {
            let first = next.next().await;
            // In this order, and the run's in the other: one of the two sees that the other was there first.
            heard.store(first.code(), Ordering::SeqCst);
            if no_calls.load(Ordering::SeqCst) {
                leave(first);
            }
            stderr("stopping: no new calls; those on their way are paid for and waited for (again to stop at once)\n");
            // The receiver may be gone: then the run is over anyway.
            let _ = sender.send(true);
            let second = next.next().await;
            leave(second);
        });
        Ok(Self { stop, code, at_once })
    }

    /// From now on no call is on its way: a signal need not wait for anything.
    pub(super) fn leave_at_once(&self) {
        self.at_once.store(true, Ordering::SeqCst);
    }

    /// Returns the exit code of the signal that came; none if none did.
    pub(super) fn exit(&self) -> Option<Exit> {
        match self.code.load(Ordering::SeqCst) {
            0 => None,
            143 => Some(Exit::Terminated),
            _ => Some(Exit::Interrupted),
        }
    }
}

#[expect(clippy::exit, reason = "a second signal stops at once; the state is good at every moment")]
fn leave(exit: Exit) -> ! {
    std::process::exit(i32::from(exit.code()))
}

#[cfg(unix)]
fn next_signal() -> std::io::Result<unix::Next> {
    unix::Next::new()
}

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Exit;

    pub(super) struct Next {
        interrupt: Signal,
        terminate: Signal,
        /// None where whoever started us wants us to outlive the terminal, as `nohup` does.
        hangup: Option<Signal>,
    }

    impl Next {
        pub(super) fn new() -> std::io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hangup: if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
            })
        }

        pub(super) async fn next(&mut self) -> Exit {
            let hangup = async {
                match &mut self.hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.interrupt.recv() => Exit::Interrupted,
                _ = self.terminate.recv() => Exit::Terminated,
                _ = hangup => Exit::Terminated,
            }
        }
    }

    /// Tells whether SIGHUP was ignored when this process began, where the system says that.
    fn hangup_is_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
    }
}

#[cfg(not(unix))]
struct Next;

#[cfg(not(unix))]
fn next_signal() -> std::io::Result<Next> {
    Ok(Next)
}

#[cfg(not(unix))]
impl Next {
    async fn next(&mut self) -> Exit {
        let _ = tokio::signal::ctrl_c().await;
        Exit::Interrupted
    }
}
