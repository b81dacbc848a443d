//! The job: what a person wrote, validated and typed.
//!
//! ```text
//! TOML text ──file──▶ JobFile ──validate──▶ Job        (all problems at once, each with its place)
//! ```

mod at;
mod decode;
mod file;
mod keys;
mod load;
mod schema;
mod secrets;
mod template;
#[cfg(test)]
mod tests;
mod told;
mod validate;
mod words;

pub use load::{LoadError, check, load};
pub use schema::json_schema;
pub use template::template;
pub use told::Problems;
pub(crate) use validate::{Refused, is_plain_http_to_afar, note_id, resolve, user_id};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fetch::Proxy;
use crate::flatten::tables::Outline;
use crate::model::{Endpoint, Money, NoteId, Query, UserId, Zone};
use crate::vendor::{CallVersion, Description};

/// A validated job. Everything that the run needs is in it, except the keys.
#[derive(Clone, Debug)]
pub struct Job {
    /// The job's name: `a-z 0-9 _ -`.
    pub name: String,
    /// The dataset's folder, from the job file's folder.
    pub dataset: PathBuf,
    /// The dataset's folder as the job file names it; none for the default.
    pub written_dataset: Option<String>,
    /// What was read from the files of seeds that the job names.
    pub lists: Vec<SeedList>,
    /// What to start from, in the order of the file.
    pub seeds: Vec<Seed>,
    /// What to fetch beyond the seeds.
    pub expand: Expand,
    /// How old an answer may be before it is asked again.
    pub refresh: Refresh,
    /// What a run may spend.
    pub budget: Budget,
    /// The vendors that the route names, by name.
    pub vendors: BTreeMap<String, VendorSettings>,
    /// Which vendors answer which call, in the order of fail-over; every endpoint is there, and a list is empty where
    /// the job can never send such a call.
    pub route: BTreeMap<Endpoint, Vec<String>>,
    /// How tables are written.
    pub output: Output,
    /// What the tables have more and less than others; the fingerprint of the pseudonyms is not in it yet.
    pub outline: Outline,
    /// The environment variable that holds the key of the pseudonyms; none where users stand under their own ids.
    pub pseudonymize_key_env: Option<String>,
    /// How long raw answers are kept before observations take their place; none is forever.
    pub retain: Option<Duration>,
    /// How many JSON paths may be new, gone or of another type before a finished run exits with 3; none is no limit.
    pub drift_limit: Option<u32>,
    /// SHA-256 of everything that decides what is asked and what is admitted (seeds, expand, refresh, route and versions): a change re-plans an unfinished run.
    pub fingerprint: String,
}

impl Job {
    /// Lists the calls that no cap on cost can hold back, for they have no price: endpoint and vendor.
    pub fn unpriced(&self) -> Vec<(Endpoint, &str)> {
        if self.budget.cost_caps().is_empty() {
            return Vec::new();
        }
        let calls = self.route.iter().flat_map(|(endpoint, names)| names.iter().map(|name| (*endpoint, name.as_str())));
        let has_price = |(endpoint, name): &(Endpoint, &str)| {
            self.vendors.get(*name).is_some_and(|vendor| vendor.price.contains_key(endpoint))
        };
        calls.filter(|call| !has_price(call)).collect()
    }
}

/// One `[[seeds]]` block.
#[derive(Clone, Debug, Serialize)]
pub struct Seed {
    /// Its place in the file, from 1.
    pub number: u32,
    /// What it names; duplicates within the block are gone, the order is kept.
    pub kind: SeedKind,
    /// Where its walks end.
    pub limits: Limits,
}

/// What was read from a file of seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeedList {
    /// The key that names the file, such as `keywords_file`.
    pub key: &'static str,
    /// The file.
    pub path: String,
    /// What it lists: `keyword`, `user` or `note`.
    pub unit: &'static str,
    /// How many of them, each counted once.
    pub count: usize,
    /// The first one.
    pub first: String,
    /// The last one.
    pub last: String,
    /// How the file was read, if there are other ways: its encoding, the column, what separates the cells.
    pub read_as: Vec<String>,
    /// What may have been meant otherwise.
    pub warnings: Vec<String>,
}

/// What a seed names.
#[derive(Clone, Debug, Serialize)]
pub enum SeedKind {
    /// Searches: keywords × sorts × note types × times.
    Queries(Vec<Query>),
    /// Users whose notes are walked.
    Users(Vec<UserId>),
    /// Notes whose details are fetched.
    Notes(Vec<NoteId>),
}

/// Where each walk of a seed ends: they hold per query and per user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Pages at most; none is no limit.
    pub max_pages: Option<u32>,
    /// Distinct notes at most.
    pub max_notes: Option<u32>,
    /// Older notes give no rows.
    pub since: Option<Timestamp>,
    /// Ends a walk after so many pages in a row without a new note; 0 is never.
    pub stop_when_stale: u32,
}

/// What to fetch beyond the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Expand {
    /// Details of every note that a listing shows.
    pub details: bool,
    /// Profiles of every author.
    pub authors: bool,
    /// Notes of every author that was discovered, one level.
    pub author_notes: bool,
}

/// How old an answer may be before it is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum MaxAge {
    /// Asked again in each run.
    Always,
    /// Asked again when it is older.
    Age(Duration),
    /// Never asked again.
    Forever,
}

/// When a note's detail is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RefreshDetails {
    /// By age.
    Age(MaxAge),
    /// When a listing shows other counts or a newer update time than at the last fetch.
    Changed,
}

/// The `[refresh]` block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refresh {
    /// For note details.
    pub details: RefreshDetails,
    /// For author profiles.
    pub authors: MaxAge,
    /// For search pages; a query ages as one, by its first page.
    pub searches: MaxAge,
    /// For pages of users' notes; a walk ages as one, by its first page.
    pub user_notes: MaxAge,
    /// Ends a user walk at the first page of known, unpinned notes.
    pub until_known: bool,
    /// For the details of notes that the dataset holds and no listing shows; `forever` is never.
    pub known: MaxAge,
}

/// Which calls go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Finish notes before new pages.
    #[default]
    Depth,
    /// The first page of every seed first.
    Breadth,
}

/// What a run may spend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// Billed and maybe-billed calls of a run at most.
    pub max_calls: Option<u64>,
    /// Cost of a run at most, in the vendor's price unit.
    pub max_cost: Option<Money>,
    /// Billed and maybe-billed calls of a UTC day at most, over all runs of the dataset.
    pub max_calls_per_day: Option<u64>,
    /// Cost of a UTC day at most, over all runs of the dataset.
    pub max_cost_per_day: Option<Money>,
    /// Cost of all runs of the dataset at most.
    pub max_total_cost: Option<Money>,
    /// Which calls go first.
    pub order: Order,
}

impl Budget {
    /// Names the caps on cost that are set.
    pub fn cost_caps(&self) -> Vec<&'static str> {
        let caps = [
            ("max_cost", self.max_cost),
            ("max_cost_per_day", self.max_cost_per_day),
            ("max_total_cost", self.max_total_cost),
        ];
        caps.into_iter().filter(|(_, cap)| cap.is_some()).map(|(name, _)| name).collect()
    }

    /// Returns true if any cap is set.
    pub fn has_cap(&self) -> bool {
        self.max_calls.is_some() || self.max_calls_per_day.is_some() || !self.cost_caps().is_empty()
    }
}

/// One vendor: its description and the job's settings for it.
#[derive(Clone, Debug)]
pub struct VendorSettings {
    /// How it is asked and read.
    pub description: Description,
    /// The address that is called: `base_url`, else the region's.
    pub base_url: url::Url,
    /// What its calls go through; the environment says so, and no job file.
    pub proxy: Option<Proxy>,
    /// The environment variable that holds the key.
    pub token_env: String,
    /// Calls in flight at once.
    pub concurrency: u32,
    /// Calls a minute; none is no limit.
    pub requests_per_minute: Option<u32>,
    /// How long one call may take in all.
    pub timeout: Duration,
    /// Whether plain HTTP to another machine is allowed.
    pub allow_plain_http: bool,
    /// Versions of endpoints other than the description's default.
    pub version: BTreeMap<Endpoint, String>,
    /// Prices by endpoint; those not named cost nothing.
    pub price: BTreeMap<Endpoint, Money>,
}

impl VendorSettings {
    /// Returns how the vendor makes a call, in the version that the job chose.
    pub fn call(&self, endpoint: Endpoint) -> Option<&CallVersion> {
        self.description.call(endpoint, self.version.get(&endpoint).map(String::as_str))
    }

    /// Lists the versions of a call in the order in which they are tried: the one that the job chose, else the
    /// description's default and its fallbacks.
    pub fn versions(&self, endpoint: Endpoint) -> Vec<String> {
        self.description.versions(endpoint, self.version.get(&endpoint).map(String::as_str))
    }
}

/// How `notes` are partitioned by publish time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// One folder.
    None,
    /// `published_year=2026`.
    Year,
    /// `published_month=2026-02`.
    #[default]
    Month,
    /// `published_date=2026-02-10`.
    Day,
}

/// How Parquet is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Small files.
    #[default]
    Zstd,
    /// Quick to read.
    Snappy,
    /// As it is.
    None,
}

/// How tables are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How `notes` and its child tables are partitioned.
    pub partition: Partition,
    /// The time zone in which partitions count dates.
    pub time_zone: Zone,
    /// How files are compressed.
    pub compression: Compression,
    /// How many snapshots are kept.
    pub keep_snapshots: u32,
}
