//! The promises, one a file: how each is shown, how often, and what must hold.
//!
//! `cargo test` shows each as often as a check can wait for. The long run shows all of them many times over and prints
//! the table that stands in docs/reliability.md:
//!
//! ```text
//! cargo test --release --test it -- --ignored --nocapture the_long_run
//! ```
//!
//! `NOTEMILL_SCALE=0.1` shortens it, `NOTEMILL_ONLY=kill` picks promises by a word of their name, and
//! `NOTEMILL_WRITE=1` puts the table into the page.

mod bad_disk;
mod caps;
mod damage;
mod endings;
mod faults;
mod forgotten;
mod held;
mod kills;
mod large;
mod memory;
#[cfg(target_os = "linux")]
mod mounts;
mod parsers;
mod polite;
mod power;
mod secrets;
mod signals;
mod taken;
mod text;
mod writers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A promise, and how it is shown.
pub(crate) struct Promise {
    /// What is promised, in a few words.
    name: &'static str,
    /// What is done to show it.
    shown_by: &'static str,
    /// The figure that must hold.
    must_hold: &'static str,
    /// How many cases a check shows, and how many the long run.
    ci: u64,
    long: u64,
    /// Shows that many cases and says what was reached; panics where the promise is broken.
    show: fn(u64) -> String,
}

impl Promise {
    /// Shows the promise as often as a check can wait for.
    fn hold(&self) {
        say(&format!("{}: {}", self.name, (self.show)(self.ci)));
    }
}

/// All of them, in the order of the table.
const PROMISES: &[&Promise] = &[
    &kills::PROMISE,
    &power::PROMISE,
    &bad_disk::STEPS,
    &bad_disk::RUNS,
    &memory::PROMISE,
    &large::PROMISE,
    &faults::PROMISE,
    &signals::PROMISE,
    &writers::PROMISE,
    &parsers::PROMISE,
    &endings::PROMISE,
    &secrets::PROMISE,
    &text::PROMISE,
    &damage::STATE,
    &damage::TABLES,
    &caps::PROMISE,
    &polite::PROMISE,
    &forgotten::PROMISE,
];

#[test]
#[ignore = "takes long; see docs/reliability.md"]
fn the_long_run() {
    let scale: f64 = std::env::var("NOTEMILL_SCALE").map_or(1.0, |text| text.parse().unwrap());
    let only = std::env::var("NOTEMILL_ONLY").unwrap_or_default();
    let mut table = String::from(
        "| promise | shown by | in `cargo test` | in the long run | must hold | reached | seconds |\n|---|---|--:|--:|---|---|--:|\n",
    );
    let mut broken = 0;
    for promise in PROMISES.iter().filter(|promise| promise.name.contains(&only)) {
        let Promise { name, shown_by, must_hold, ci, long, show } = promise;
        let cases = ((*long as f64 * scale) as u64).max(*ci);
        let begun = Instant::now();
        let reached = catch_unwind(AssertUnwindSafe(|| show(cases))).unwrap_or_else(|_| {
            broken += 1;
            "**broken**".into()
        });
        let seconds = begun.elapsed().as_secs();
        let row = format!("| {name} | {shown_by} | {ci} | {cases} | {must_hold} | {reached} | {seconds} |\n");
        say(&row);
        table += &row;
    }
    say(&table);
    if std::env::var_os("NOTEMILL_WRITE").is_some() {
        write_table(&table);
    }
    assert_eq!(broken, 0, "promises are broken");
}

#[expect(clippy::print_stdout, reason = "what was reached is for whoever runs the test")]
fn say(text: &str) {
    println!("{text}");
}

/// Puts the table between the marks of the page.
fn write_table(table: &str) {
    const MARK: &str = "<!-- the long run's table -->\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let page = std::fs::read_to_string(path).unwrap();
    let parts: Vec<&str> = page.split(MARK).collect();
    assert_eq!(parts.len(), 3, "the page has two marks");
    std::fs::write(path, format!("{}{MARK}{table}{MARK}{}", parts[0], parts[2])).unwrap();
}

/// Makes a folder that goes when it is dropped; in memory where the system offers that, for speed.
pub(crate) fn fast_folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Shows cases beside each other, for most of their time is waiting; says how many went wrong, after what each said.
fn in_lanes(cases: u64, show: impl Fn(u64) + Sync) {
    const LANES: u64 = 6;
    let wrong = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (show, wrong) = (&show, &wrong);
            scope.spawn(move || {
                for number in (lane..cases).step_by(LANES as usize) {
                    let shown = catch_unwind(AssertUnwindSafe(|| show(number)));
                    wrong.fetch_add(u64::from(shown.is_err()), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(wrong.into_inner(), 0, "cases went wrong, see above");
}

/// Draws numbers that look random and are the same in every run (splitmix64).
#[derive(Debug)]
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    /// Draws a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }
}
