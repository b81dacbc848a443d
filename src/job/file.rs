//! The job file as it is written. The comments here are what editors show beside each key.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::at::{At, OneOrMany};
use super::words::Since;
use super::{Compression, Order, Partition};
use crate::model::{NoteTypeFilter, Published, Sort, Zone};

mod archive;
mod later;
mod tables;
mod vendor;

pub(super) use archive::ArchiveFile;
pub(super) use later::StateFile;
pub(super) use tables::{ColumnFile, ColumnsFile, PrivacyFile};
pub(super) use vendor::{PerEndpoint, VendorFile};

/// A notemill job: what to crawl, what it may cost, and how the dataset is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "notemill job", extend("required" = ["seeds"]))]
pub(super) struct JobFile {
    /// The job's name: a-z, 0-9, `_` and `-`. Default: the file's name without its ending.
    pub(super) name: Option<At<String>>,
    /// The dataset's folder, from the job file's folder, or from your home folder behind `~/`; or `s3://bucket/prefix`.
    /// Default: "data/" and the name.
    pub(super) dataset: Option<At<String>>,
    /// What to start from: one or more blocks, each with exactly one of keywords, users, notes, or their _file.
    #[schemars(length(min = 1))]
    pub(super) seeds: Vec<At<SeedFile>>,
    /// What to fetch beyond the seeds.
    pub(super) expand: ExpandFile,
    /// How old an answer may be before it is asked again: "7d", "12h", "forever" or "always".
    pub(super) refresh: RefreshFile,
    /// What a run may spend. It is reserved before a call is sent; retries that may be billed count.
    pub(super) budget: BudgetFile,
    /// Settings of vendors, by name: built in are justoneapi and spiderhubs.
    pub(super) vendors: BTreeMap<String, At<VendorFile>>,
    /// Which vendor answers which call; a list fails over when the first stops. Default: justoneapi for every call.
    pub(super) route: PerEndpoint<OneOrMany<String>>,
    /// How the tables are written.
    pub(super) output: OutputFile,
    /// How long raw answers are kept.
    pub(super) archive: ArchiveFile,
    /// What the run's report watches.
    pub(super) report: ReportFile,
    /// Where the run's state is kept.
    pub(super) state: StateFile,
    /// Extra columns of the tables.
    pub(super) columns: ColumnsFile,
    /// What the dataset leaves out about people.
    pub(super) privacy: PrivacyFile,
}

/// One `[[seeds]]` block: exactly one of keywords, users, notes, or their _file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Seed")]
pub(super) struct SeedFile {
    /// Words to search for.
    #[schemars(length(min = 1))]
    pub(super) keywords: Option<At<Vec<At<String>>>>,
    /// A file of keywords, from the job file's folder: one a line, or the column of a .csv that is named so.
    pub(super) keywords_file: Option<At<String>>,
    /// Users whose notes are walked: ids of 24 hex digits, or texts with the address of a profile.
    #[schemars(length(min = 1))]
    pub(super) users: Option<At<Vec<At<String>>>>,
    /// A file of users, from the job file's folder: one a line, or the column of a .csv that is named so.
    pub(super) users_file: Option<At<String>>,
    /// Notes to fetch: ids of 24 hex digits, or texts with the address of a note.
    #[schemars(length(min = 1))]
    pub(super) notes: Option<At<Vec<At<String>>>>,
    /// A file of notes, from the job file's folder: one a line, or the column of a .csv that is named so.
    pub(super) notes_file: Option<At<String>>,
    /// Keywords only: the order of results; a list asks for each. Default: "general".
    pub(super) sort: Option<At<OneOrMany<Sort>>>,
    /// Keywords only: the type of notes; a list asks for each. Default: "all".
    pub(super) note_type: Option<At<OneOrMany<NoteTypeFilter>>>,
    /// Keywords only: how recent the notes must be; a list asks for each. Default: "any".
    pub(super) published: Option<At<OneOrMany<Published>>>,
    /// Keywords and users: pages at most, per query or user. Default: 11 for keywords, as vendors stop near 220
    /// notes a query; 5000 for users.
    #[schemars(range(min = 1))]
    pub(super) max_pages: Option<At<u32>>,
    /// Keywords and users: notes at most, per query or user. Default: no limit.
    #[schemars(range(min = 1))]
    pub(super) max_notes: Option<At<u32>>,
    /// Keywords and users: a UTC date or an RFC 3339 time; older notes give no rows. Default: no limit.
    pub(super) since: Option<At<Since>>,
    /// Keywords and users: stop after so many pages in a row without a new note; 0 is never. Default: 2.
    pub(super) stop_when_stale: Option<At<u32>>,
}

/// The `[expand]` block.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Expand")]
pub(super) struct ExpandFile {
    /// Fetch the details of every note that a listing shows.
    pub(super) details: bool,
    /// Fetch the profile of every author.
    pub(super) authors: bool,
    /// Walk the notes of every author that was discovered, one level deep.
    pub(super) author_notes: bool,
}

impl Default for ExpandFile {
    fn default() -> Self {
        Self { details: true, authors: true, author_notes: false }
    }
}

/// The `[refresh]` block: ages are times with a unit, "always" or "forever".
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Refresh")]
pub(super) struct RefreshFile {
    /// Note details: an age, or "changed": only if a listing shows other counts or a newer update time. An empty detail
    /// is asked in up to three runs, whatever its age.
    pub(super) details: At<String>,
    /// Author profiles: an age.
    pub(super) authors: At<String>,
    /// Search pages: an age. A query ages as one, by its first page.
    pub(super) searches: At<String>,
    /// Pages of users' notes: an age. A walk ages as one, by its first page.
    pub(super) user_notes: At<String>,
    /// Stop a user walk at the first page of known, unpinned notes, if the walk before was finished.
    pub(super) until_known: bool,
    /// Details of notes that the dataset holds and no listing of the run shows: an age. They are asked last, the oldest
    /// first, as far as the caps allow; what is stated gone is not asked any more. Default: "forever", which is never.
    pub(super) known: At<String>,
}

impl Default for RefreshFile {
    fn default() -> Self {
        Self {
            details: "7d".into(),
            authors: "30d".into(),
            searches: "always".into(),
            user_notes: "always".into(),
            until_known: false,
            known: "forever".into(),
        }
    }
}

/// The `[budget]` block.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Budget")]
pub(super) struct BudgetFile {
    /// Calls of a run at most that are billed or may be. A run that stopped at a cap goes on with a fresh one.
    /// Default: no limit.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_calls: Option<u64>,
    /// Cost of a run at most, in the vendor's price unit. A run that stopped at a cap goes on with a fresh one.
    /// Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_cost: Option<At<f64>>,
    /// Calls of a UTC day at most, over all runs of the dataset. Default: no limit.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_calls_per_day: Option<u64>,
    /// Cost of a UTC day at most, over all runs of the dataset. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_cost_per_day: Option<At<f64>>,
    /// Cost at most of everything that the dataset ever asks, over all runs. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_total_cost: Option<At<f64>>,
    /// Which calls go first.
    pub(super) order: Order,
}

/// The `[output]` block.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Output")]
pub(super) struct OutputFile {
    /// How notes are partitioned by the time they were published; without one, by the time in the id, else by the time
    /// they were first seen.
    pub(super) partition: Partition,
    /// The time zone in which partitions count dates: an IANA name, such as "Asia/Shanghai" (Beijing time) or "UTC".
    /// Columns are UTC in any case.
    pub(super) time_zone: At<String>,
    /// How files are compressed.
    pub(super) compression: Compression,
    /// How many snapshots are kept, apart from pinned ones.
    #[schemars(range(min = 1))]
    pub(super) keep_snapshots: u32,
    /// On object stores, also write a Delta log. Not carried out by this version yet.
    pub(super) delta: At<bool>,
}

impl Default for OutputFile {
    fn default() -> Self {
        Self {
            partition: Partition::default(),
            time_zone: Zone::DEFAULT_NAME.into(),
            compression: Compression::default(),
            keep_snapshots: 5,
            delta: false.into(),
        }
    }
}

/// The `[report]` block.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Report")]
pub(super) struct ReportFile {
    /// Exit 3 when a finished run's answers have more JSON paths than this that are new, gone or of another type,
    /// against the last finished run that asked the same endpoint; a path counts once with all that is below it.
    /// 0: any change. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drift_limit: Option<u32>,
}
