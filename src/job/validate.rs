//! From the file as it is written to the job that is run. What is wrong is told, and the checks go on.

mod addresses;
mod ages;
mod budget;
mod delimited;
mod headers;
mod ids;
mod keywords;
mod later;
mod limits;
mod lines;
mod links;
mod lists;
mod marks;
mod names;
mod only;
mod paths;
mod route;
mod seeds;
mod tables;
mod vendors;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::file::JobFile;
use super::keys::TakenOut;
use super::told::Told;
use super::{Expand, Job, MaxAge, Output, Refresh, Seed, SeedKind, SeedList, VendorSettings};
use crate::model::{Endpoint, sha256_hex};

pub(crate) use addresses::is_plain_http_to_afar;
pub(crate) use ids::{Refused, note as note_id, user as user_id};
pub(crate) use paths::resolve;

/// What every check needs: where to tell, what is already told, and where files are looked for.
pub(super) struct Context<'c, 't> {
    pub(super) told: &'c mut Told<'t>,
    pub(super) taken: &'c TakenOut,
    /// The job file's folder.
    pub(super) folder: &'c Path,
    /// What `~` stands for.
    pub(super) home: Option<&'c Path>,
    /// What was read from files of seeds.
    pub(super) lists: Vec<SeedList>,
}

/// Makes the job; it is only good if nothing was told.
pub(super) fn job(file: &JobFile, context: &mut Context<'_, '_>) -> Job {
    later::refuse(file, context.told);
    let name = names::name(file.name.as_ref(), context);
    let dataset = names::dataset(file.dataset.as_ref(), &name, context);
    let expand =
        Expand { details: file.expand.details, authors: file.expand.authors, author_notes: file.expand.author_notes };
    let refresh = ages::refresh(&file.refresh, context.told);
    let seeds = seeds::seeds(&file.seeds, context);
    let known = vendors::describe(&file.vendors, context);
    let route = route::route(&file.route, &known, &called(&seeds, expand, refresh), context.told);
    let vendors = vendors::settings(&file.vendors, &known, &route, context.told);
    only::refuse(&file.vendors, &vendors, &seeds, expand, context);
    Job {
        outline: tables::outline(&file.columns, &file.privacy, context.told),
        pseudonymize_key_env: tables::key_variable(&file.privacy),
        fingerprint: fingerprint(&seeds, expand, refresh, &route, &vendors),
        name,
        dataset,
        written_dataset: file.dataset.as_ref().map(|folder| folder.to_string()),
        lists: std::mem::take(&mut context.lists),
        seeds,
        expand,
        refresh,
        budget: budget::budget(&file.budget, context.told),
        vendors,
        route,
        output: Output {
            partition: file.output.partition,
            time_zone: zone::zone(&file.output.time_zone, context.told),
            compression: file.output.compression,
            keep_snapshots: file.output.keep_snapshots,
        },
        retain: ages::retain(&file.archive.retain, context.told),
        drift_limit: file.report.drift_limit,
    }
}

/// Lists the calls that a job can ever send.
fn called(seeds: &[Seed], expand: Expand, refresh: Refresh) -> BTreeSet<Endpoint> {
    let mut called = BTreeSet::new();
    for seed in seeds {
        called.insert(match seed.kind {
            SeedKind::Queries(_) => Endpoint::SearchNotes,
            SeedKind::Users(_) => Endpoint::UserNotes,
            SeedKind::Notes(_) => Endpoint::NoteDetail,
        });
    }
    let expansions = [
        (expand.details || refresh.known != MaxAge::Forever, Endpoint::NoteDetail),
        (expand.authors, Endpoint::UserProfile),
        (expand.author_notes, Endpoint::UserNotes),
    ];
    called.extend(expansions.into_iter().filter(|(on, _)| *on).map(|(_, endpoint)| endpoint));
    called
}

/// Hashes everything that decides what is asked and what is admitted.
fn fingerprint(
    seeds: &[Seed],
    expand: Expand,
    refresh: Refresh,
    route: &BTreeMap<Endpoint, Vec<String>>,
    vendors: &BTreeMap<String, VendorSettings>,
) -> String {
    #[derive(Serialize)]
    struct Asked<'a> {
        seeds: &'a [Seed],
        expand: Expand,
        refresh: Refresh,
        route: &'a BTreeMap<Endpoint, Vec<String>>,
        versions: BTreeMap<&'a str, BTreeMap<Endpoint, &'a str>>,
    }
    let versions = vendors.iter().map(|(name, vendor)| {
        let defaults = vendor.description.calls.iter().map(|(endpoint, call)| (*endpoint, call.default.as_str()));
        let chosen = vendor.version.iter().map(|(endpoint, version)| (*endpoint, version.as_str()));
        (name.as_str(), defaults.chain(chosen).collect())
    });
    let asked = Asked { seeds, expand, refresh, route, versions: versions.collect() };
    // Serializing plain data into memory cannot fail.
    sha256_hex(&serde_json::to_vec(&asked).unwrap_or_default())
}
