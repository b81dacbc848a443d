//! The command line: one file a command.

mod build;
mod check;
mod diff;
mod exit;
mod facts;
mod forget;
mod found;
mod init;
mod lists;
mod logs;
mod messages;
mod opening;
mod pin;
mod plan;
mod progress;
mod recipe;
mod run;
mod sandbox;
mod schema;
mod settings;
mod signals;
mod status;
mod target;
mod verify;
mod wanted;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use exit::Exit;
use messages::Failure;

/// Builds Xiaohongshu datasets from paid REST APIs: never pays twice, never overspends, loses nothing silently.
#[derive(Debug, Parser)]
#[command(name = "notemill", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that stand before or after the verb.
#[derive(Debug, Args)]
struct Global {
    /// Say nothing but errors and the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more: -v a line for each call, -vv also what is sent and what is used again, up to -vvv
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Print the result as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Crawl what is missing, then build the tables; continues an unfinished run
    Run(run::Run),
    /// Tell what a run would cost: calls and price by stage; sends nothing
    Plan(plan::Plan),
    /// Validate job files: all problems, with file, line and column
    Check(check::Check),
    /// Flatten new answers, offline, and publish a snapshot
    Build(build::Build),
    /// Show a dataset: rows, runs, spend, what is unfinished
    Status(status::Status),
    /// Take notes and users out of everything, for good, and keep them out
    Forget(forget::Forget),
    /// Re-read everything that is on disk, change nothing, and tell all damage
    Verify(verify::Verify),
    /// Keep a snapshot for good, whatever `keep_snapshots` says
    Pin(pin::Pin),
    /// Compare two snapshots: notes and authors that are new, gone or changed
    Diff(diff::Diff),
    /// Serve a made-up universe behind the vendors' own protocols
    Sandbox(sandbox::Sandbox),
    /// Write a commented job file
    Init(init::Init),
    /// Print the JSON Schema of job files, or the data dictionary of the tables
    Schema(schema::Schema),
}

/// Runs the program: arguments → command → exit code.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` are no errors; clap knows where each goes.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Complete };
        }
    };
    logs::start(&cli.global);
    let done = match &cli.command {
        Command::Run(run) => run.execute(&cli.global),
        Command::Plan(plan) => plan.execute(&cli.global),
        Command::Check(check) => Ok(check.execute(&cli.global)),
        Command::Build(build) => build.execute(&cli.global),
        Command::Status(status) => status.execute(&cli.global),
        Command::Forget(forget) => forget.execute(&cli.global),
        Command::Verify(verify) => verify.execute(&cli.global),
        Command::Pin(pin) => pin.execute(&cli.global),
        Command::Diff(diff) => diff.execute(&cli.global),
        Command::Sandbox(sandbox) => sandbox.execute(),
        Command::Init(init) => init.execute(),
        Command::Schema(schema) => Ok(schema.execute(&cli.global)),
    };
    let exit = done.unwrap_or_else(|failure: Failure| {
        messages::print_failure(&failure);
        failure.exit
    });
    let is_cut = exit == Exit::Complete && messages::CUT.load(std::sync::atomic::Ordering::SeqCst);
    if is_cut { Exit::Failure } else { exit }
}

/// Makes the runtime for commands that talk to the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // The network is the bottleneck, and each thread keeps memory that it has freed.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Ok(runtime.map_err(|error| anyhow::Error::new(error).context("cannot start the async runtime"))?)
}
