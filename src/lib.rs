//! Builds Xiaohongshu datasets from paid REST APIs: never pays twice, never overspends, loses nothing silently.
//!
//! ```text
//! job ─▶ crawl ──(call)──▶ vendor ─▶ fetch ──(answer)──▶ crawl ─▶ state       while anything is owed
//!                                                                   └─▶ archive ─▶ flatten ─▶ dataset ─▶ report   then once
//! ```
//!
//! The crawl asks vendors and keeps every answer as it came. The build turns all answers into tables; it asks nobody and
//! knows no job. The two meet only in the answers.
//!
//! The rooms, in the order in which data flows:
//!
//! * [`json`]: bodies from the network, parsed within bounds and read in place.
//! * [`model`]: ids, calls, answers, observations, counts and times. Words without I/O.
//! * [`job`]: the text of a job file, validated and typed; all problems at once.
//! * [`extract`]: the one reader of bodies: notes and users in any provider's shape. No I/O.
//! * [`vendor`]: descriptions to requests, answers to outcomes and pages. No I/O.
//! * [`fetch`]: one call, one answer: HTTP, keys, pace, patience. It knows no notes.
//! * [`disk`]: the one way to write: made beside, synced, renamed, and the folder synced.
//! * [`state`]: tasks, answers not yet sealed, budget and runs, in one SQLite file.
//! * [`archive`]: raw answers sealed into immutable Parquet segments.
//! * [`crawl`]: the run itself, the one room that knows all rooms above.
//! * [`flatten`]: answers to observations to Arrow batches; every table's columns.
//! * [`observations`]: what each answer says, as rows of documented schemas.
//! * [`dataset`]: observations merged to rows, rows to files, files to snapshots.
//! * [`forget`]: notes and users taken out of everything, for good.
//! * [`report`]: what a run tells, for people and for machines.
//! * [`sandbox`]: a made-up universe behind the vendors' own protocols.
//! * [`cli`]: one file a command; messages, progress, exit codes.
//!
//! To check a job and read what it says:
//!
//! ```
//! use std::path::Path;
//!
//! let job = notemill::job::check("sunscreen.toml", Path::new("study"), "seeds = [{ keywords = [\"防晒霜\"] }]")?;
//! assert_eq!(job.dataset, Path::new("study/data/sunscreen"));
//! assert!(job.expand.details);
//! # Ok::<(), notemill::job::Problems>(())
//! ```
//!
//! `ARCHITECTURE.md` has the whole map, the order of durable steps, and what must never be.

pub mod archive;
pub mod cli;
pub mod crawl;
pub mod dataset;
pub mod disk;
pub mod extract;

pub mod fetch;
pub mod flatten;
pub mod forget;
pub mod job;
pub mod json;
pub mod model;
pub mod observations;
pub mod report;
pub mod sandbox;
pub mod state;
pub mod vendor;
