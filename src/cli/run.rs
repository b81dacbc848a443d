//! `notemill run`: crawl, seal, build, report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Context as _;
use url::Url;

use super::exit::Exit;
use super::facts::{self, Asked};
use super::messages::{Failure, stderr};
use super::progress::Shown;
use super::settings::{Settings, moment_of, sandbox_day};
use super::signals::Signals;
use super::wanted::Wanted;
use super::{Global, build, forget, found, lists, opening, runtime, target};
use crate::crawl::{self, Begin, Begun, Ended};
use crate::dataset::Effort;
use crate::fetch::retry::Patience;
use crate::fetch::{Key, Proxy};
use crate::forget::leave_out;
use crate::job::Job;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::state::{Clock, State};

/// Crawls what is missing, then builds the tables.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// The job file
    job: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Do not continue the unfinished run
    #[arg(long, conflicts_with = "retry_failed")]
    fresh: bool,
    /// Ask again only what the last run gave up or left unresolved
    #[arg(long)]
    retry_failed: bool,
    /// Exit 0 for a run that is partial (3) or stopped early (4)
    #[arg(long)]
    partial_ok: bool,
    /// Write the summary as Markdown, too
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

impl Run {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let mut job = target::load(&self.job)?;
        self.settings.apply(&mut job);
        let keys = if self.settings.sandbox { sandbox_keys(&job) } else { read_keys(&job)? };
        if !self.settings.sandbox {
            find_proxies(&mut job, &keys)?;
        }
        let named = self.settings.named_day()?;
        let wanted = Wanted::of_job(&job)?;
        opening::announce(&job, self.settings.is_elsewhere(), global.quiet);
        lists::warn(&job);
        let mut state = build::open(&job.dataset)?;
        state.claim_origin(self.settings.origin())?;
        wanted.check(&mut state)?;
        state.check_room()?;
        let day = if self.settings.sandbox { Some(sandbox_day(named, &state.turn()?)?) } else { None };
        if let Some(day) = day {
            state = state.with_clock(Clock::standing(moment_of(day)));
        }
        let how = match (self.fresh, self.retry_failed) {
            (true, _) => Begin::Fresh,
            (_, true) => Begin::RetryFailed,
            _ => Begin::Continue,
        };
        let left_out = leave_out(&mut job)?;
        if left_out > 0 && !global.quiet {
            stderr(format!("{left_out} notes or users of the job's seeds are forgotten, and are not asked\n"));
        }
        let dated_ahead = build::warn_of_clock(&mut state)?;
        let begun = crawl::begin(&job, &mut state, how)?;
        found::begin_count(&mut state)?;
        announce(&begun, self.retry_failed, global.quiet);
        // The runtime lives on during the build: it is what hears signals.
        let runtime = runtime()?;
        let (ended, signals) = runtime.block_on(self.crawl(&mut job, &mut state, &begun, &keys, day, global))?;
        signals.leave_at_once();
        if let Some(exit) = signals.exit() {
            let next = self.settings.command(&self.job);
            stderr(format!("stopped; what was paid for is kept. to go on: {next}\n"));
            return Ok(exit);
        }
        // An answer may have told that more is forgotten than was known.
        forget::finish(&mut state, false)?;
        let built = build::publish(&mut state, &wanted, Effort::default())?;
        let asked = Asked {
            command: self.settings.command(&self.job),
            again: self.settings.at.is_none().then(|| self.settings.without_day().command(&self.job)),
            partial_ok: self.partial_ok,
            day,
            dated_ahead,
        };
        let mut report = facts::gather(&asked, &job, &mut state, &begun, &ended, &built)?;
        facts::keep(&report, state.disk(), &job.dataset)?;
        crawl::close(&mut state, &begun, &ended)?;
        let dropped = build::drop_raw(&mut state, &wanted);
        if let Ok(dropped @ 1..) = dropped {
            report.raw_dropped += dropped;
            facts::keep(&report, state.disk(), &job.dataset)?;
        }
        facts::tell(&report, self.summary.as_deref(), global.json)?;
        dropped?;
        Ok(facts::exit(&report))
    }

    async fn crawl(
        &self,
        job: &mut Job,
        state: &mut State,
        begun: &Begun,
        keys: &BTreeMap<String, Key>,
        day: Option<u32>,
        global: &Global,
    ) -> Result<(Ended, Signals), Failure> {
        let signals = Signals::listen().context("cannot listen for signals")?;
        let _sandbox = match day {
            Some(day) => into_sandbox(job, day, self.settings.at.as_ref()).await?,
            None => None,
        };
        let mut shown = Shown::new(global.quiet);
        let patience = Patience::default();
        let ended =
            crawl::run(job, state, begun, keys, patience, signals.stop.clone(), &mut |progress| shown.show(progress))
                .await;
        shown.say("building the tables");
        shown.finish();
        Ok((ended.map_err(|error| Failure::from(error).while_asking())?, signals))
    }
}

fn announce(begun: &Begun, retry_failed: bool, quiet: bool) {
    if quiet {
        return;
    }
    let run = &begun.run.id;
    if retry_failed {
        stderr(format!("run {run}: asking again the {} calls that were given up or unresolved\n", begun.retried));
    } else if begun.replanned {
        stderr(format!("continuing run {run} with the changed job; what it was answered stays free\n"));
    } else if begun.continued {
        stderr(format!("continuing run {run}\n"));
    }
    if begun.lost > 0 {
        stderr(format!(
            "{} calls were cut off by a kill: they count as maybe billed and are asked again\n",
            begun.lost
        ));
    }
}

/// Reads the keys of every vendor that the job can call.
fn read_keys(job: &Job) -> Result<BTreeMap<String, Key>, Failure> {
    let needed: BTreeSet<&String> = job.route.values().flatten().collect();
    let mut keys = BTreeMap::new();
    for (name, settings) in job.vendors.iter().filter(|(name, _)| needed.contains(name)) {
        let variable = |name: &str| std::env::var(name).ok();
        keys.insert(name.clone(), Key::read(name, &settings.token_env, variable)?);
    }
    Ok(keys)
}

/// Finds what the calls to each vendor go through.
fn find_proxies(job: &mut Job, keys: &BTreeMap<String, Key>) -> Result<(), Failure> {
    for (_, settings) in job.vendors.iter_mut().filter(|(name, _)| keys.contains_key(*name)) {
        settings.proxy = Proxy::read(&settings.base_url, |name| std::env::var(name).ok())?;
    }
    Ok(())
}

/// Any key will do; it must not be a word that answers hold.
const SANDBOX_KEY: &str = "notemill-run-sandbox";

fn sandbox_keys(job: &Job) -> BTreeMap<String, Key> {
    job.vendors.keys().filter_map(|name| Some((name.clone(), Key::new(SANDBOX_KEY)?))).collect()
}

/// Points every vendor of the job at a sandbox: the one that is named, else one of its own that it starts on a day.
async fn into_sandbox(job: &mut Job, day: u32, at: Option<&Url>) -> Result<Option<Sandbox>, Failure> {
    let (own, address) = if let Some(address) = at {
        (None, address.clone())
    } else {
        let sandbox = crate::sandbox::start(SandboxOptions { day, ..SandboxOptions::default() }).await;
        let sandbox = sandbox.map_err(|error| anyhow::Error::new(error).context("cannot start the sandbox"))?;
        let address = Url::parse(&sandbox.base_url()).context("cannot read the sandbox's address")?;
        (Some(sandbox), address)
    };
    for settings in job.vendors.values_mut() {
        settings.base_url = address.clone();
    }
    Ok(own)
}
