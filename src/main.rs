//! notemill: arguments → command → exit code.

use std::process::ExitCode;

/// A build makes and drops many small texts; the system's allocator takes a fifth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    notemill::cli::main().into()
}
