//! A place to run jobs in: a folder, a server, and what both say afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use notemill::archive;
use notemill::crawl::{self, Begin, Ended};
use notemill::fetch::Key;
use notemill::fetch::retry::Patience;
use notemill::job::{self, Job};
use notemill::model::Answer;
use notemill::sandbox::{Sandbox, SandboxOptions};
use notemill::state::State;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::reliability::fast_folder;

/// Patience for tests: as many attempts, no time to speak of.
pub(crate) fn hasty() -> Patience {
    Patience { first_delay: Duration::from_millis(1), longest_delay: Duration::from_millis(5), ..Patience::default() }
}

/// The sandbox's options as the command line has them, with these words.
pub(crate) fn options(words: &[&str]) -> SandboxOptions {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: SandboxOptions,
    }
    let line = ["sandbox"].iter().chain(words);
    <Line as clap::Parser>::try_parse_from(line).unwrap().options
}

/// A dataset's folder and a job that points at a server.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) base_url: String,
    pub(crate) key: String,
}

impl World {
    pub(crate) fn new(base_url: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), base_url: base_url.to_owned(), key: "sandbox-key".into() }
    }

    /// A world in memory, where there is such a folder: a sync costs nothing there, and a dropped state leaves the same.
    pub(crate) fn in_memory(base_url: &str) -> Self {
        Self { folder: fast_folder(), ..Self::new(base_url) }
    }

    pub(crate) async fn sandbox(words: &[&str]) -> (Self, Sandbox) {
        let sandbox = notemill::sandbox::start(options(words)).await.unwrap();
        (Self::new(&sandbox.base_url()), sandbox)
    }

    pub(crate) fn dataset(&self) -> &Path {
        self.folder.path()
    }

    /// Checks a job's text, with every vendor at the server.
    pub(crate) fn job(&self, text: &str) -> Job {
        let mut job = job::check("job.toml", Path::new("."), text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        job.dataset = self.dataset().join("data");
        for vendor in job.vendors.values_mut() {
            vendor.base_url = self.base_url.parse().unwrap();
            vendor.requests_per_minute = None;
        }
        job
    }

    pub(crate) async fn run(&self, text: &str) -> Ended {
        self.run_as(&self.job(text), Begin::Continue).await
    }

    pub(crate) async fn run_as(&self, job: &Job, how: Begin) -> Ended {
        self.run_with(job, how, hasty()).await
    }

    pub(crate) async fn run_with(&self, job: &Job, how: Begin, patience: Patience) -> Ended {
        let mut state = State::open(&job.dataset).unwrap();
        let begun = crawl::begin(job, &mut state, how).unwrap();
        let keys: BTreeMap<String, Key> =
            job.vendors.keys().map(|name| (name.clone(), Key::new(&self.key).unwrap())).collect();
        let (_sender, stop) = watch::channel(false);
        let ended = crawl::run(job, &mut state, &begun, &keys, patience, stop, &mut |_| {}).await.unwrap();
        crawl::close(&mut state, &begun, &ended).unwrap();
        ended
    }

    /// Every sealed answer, in the order in which they were kept.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        let mut state = State::open(&self.dataset().join("data")).unwrap();
        archive::answers(&mut state).unwrap().map(Result::unwrap).collect()
    }
}

/// The binary, with no vendor's key and no CI's summary in its environment.
pub(crate) fn notemill() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_notemill"));
    for name in ["JUSTONEAPI_TOKEN", "SPIDERHUBS_TOKEN", "GITHUB_STEP_SUMMARY", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

/// Sends a process a signal by the shell's own `kill`, which every machine has.
pub(crate) fn send_signal(child: &std::process::Child, name: &str) {
    let status = std::process::Command::new("sh").args(["-c", &format!("kill {name} {}", child.id())]).status();
    assert!(status.unwrap().success());
}
