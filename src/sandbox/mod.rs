//! A made-up universe behind the vendors' own protocols: any job runs against it, for nothing.
//!
//! ```text
//! seed ─▶ universe ─▶ payload ─▶ server ◀──HTTP──▶ whoever asks
//!                                  └▶ ledger: what came, what was billed
//! ```
//!
//! It is reached over HTTP only, and shares none of the code that reads answers.

pub mod universe;

mod day;
mod ledger;
mod options;
mod payload;
mod server;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use day::day_of;
pub use ledger::{Entry, Ledger};
pub use options::{Faults, MAX_DAY, SandboxOptions};
pub use universe::EXAMPLE_USER;

use self::server::Front;
use self::universe::{Universe, UniverseOptions};

/// How long open connections may take to finish when the sandbox is shut down.
const GRACE: Duration = Duration::from_secs(5);

/// Says why the sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Another program listens there.
    #[error("cannot listen on `{address}`: another program already does (port 0 takes a free one)")]
    InUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The ledger's file cannot be opened.
    #[error("cannot open the ledger `{path}`")]
    Ledger {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The universe on the day that answers show; clones show the same.
#[derive(Clone, Debug)]
struct Shown(Arc<RwLock<Arc<Universe>>>);

impl Shown {
    fn new(universe: Universe) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(universe))))
    }

    fn today(&self) -> Arc<Universe> {
        // A day is put in place in one step, so it is whole even after a panic elsewhere.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn turn_to(&self, universe: Universe) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(universe);
    }
}

/// A sandbox that is up; it stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    ledger: Ledger,
    universe: Shown,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<io::Result<()>>>,
}

/// Starts a sandbox on the runtime of the caller.
///
/// # Errors
///
/// The address is taken or not of this machine, or the ledger's file cannot be opened.
pub async fn start(options: SandboxOptions) -> Result<Sandbox, SandboxError> {
    let wanted = options.listen;
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => SandboxError::InUse { address: wanted },
        _ => SandboxError::Listen { address: wanted, source },
    };
    let ledger = Ledger::open(options.ledger.as_deref())
        .map_err(|source| SandboxError::Ledger { path: options.ledger.clone().unwrap_or_default(), source })?;
    let listener = TcpListener::bind(wanted).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let universe = Shown::new(Universe::new(options.universe()));
    let (stop, stopped) = watch::channel(false);
    let front = Front::new(options, universe.clone(), ledger.clone(), stopped);
    let server = Some(tokio::spawn(front.serve(listener)));
    Ok(Sandbox { address, ledger, universe, stop, server })
}

impl Sandbox {
    /// Returns the address to put in place of the vendors' own, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the books of this sandbox.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Returns the universe that stands behind the answers, on its present day.
    pub fn universe(&self) -> Arc<Universe> {
        self.universe.today()
    }

    /// Moves the universe to another of its days, earlier or later, while it answers on the same port. An answer shows
    /// one day whole; the books go on.
    pub fn set_day(&self, day: u32) {
        let options = *self.universe.today().options();
        self.universe.turn_to(Universe::new(UniverseOptions { day, ..options }));
    }

    /// Stops: no new connections; answers under way are finished, those that hang are broken off.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(GRACE, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

#[cfg(test)]
mod tests;
