//! `notemill sandbox`: the stand-alone server.

use anyhow::Context as _;

use super::exit::Exit;
use super::messages::{Failure, stderr, stdout};
use super::runtime;
use super::signals::Signals;
use crate::sandbox::{self, SandboxOptions};

/// Serves a made-up universe behind the vendors' own protocols.
#[derive(Debug, clap::Args)]
pub(super) struct Sandbox {
    #[command(flatten)]
    options: SandboxOptions,
}

impl Sandbox {
    pub(super) fn execute(&self) -> Result<Exit, Failure> {
        runtime()?.block_on(async {
            let signals = Signals::listen().context("cannot listen for signals")?;
            let server = sandbox::start(self.options.clone()).await;
            let server = server.map_err(|error| {
                Failure::usage(anyhow::Error::new(error).context("cannot start the sandbox"))
                    .hint("`--listen 127.0.0.1:0` takes any free port")
            })?;
            stdout(format!("{}\n", server.base_url()));
            stderr(format!(
                "a made-up universe behind the protocols of justoneapi and spiderhubs, on day {} of its own clock:\n\n  \
                 notemill run JOB --sandbox --at {}\n\nor, by your machine's clock, in a job:\n\n  \
                 [vendors.justoneapi]\n  base_url = \"{}\"\n\nCtrl-C to stop\n",
                self.options.day,
                server.base_url(),
                server.base_url()
            ));
            let mut stop = signals.stop.clone();
            // The sender lives as long as the process.
            let _ = stop.wait_for(|stop| *stop).await;
            server.shutdown().await;
            Ok(Exit::Complete)
        })
    }
}
