//! notemill: arguments → command → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    notemill::cli::main().into()
}
