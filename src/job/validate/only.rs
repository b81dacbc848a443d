//! Versions of calls that show notes of one type alone, and jobs that lead to others: each of those would be paid for and
//! show nothing.

use std::collections::BTreeMap;

use super::Context;
use crate::job::at::At;
use crate::job::file::VendorFile;
use crate::job::{Expand, Seed, SeedKind, VendorSettings};
use crate::model::{Endpoint, shown};

/// Refuses a version of `note_detail` for one type of note if the job asks details of other notes.
pub(super) fn refuse(
    blocks: &BTreeMap<String, At<VendorFile>>,
    vendors: &BTreeMap<String, VendorSettings>,
    seeds: &[Seed],
    expand: Expand,
    context: &mut Context<'_, '_>,
) {
    for (name, settings) in vendors {
        let Some(only) = settings.call(Endpoint::NoteDetail).and_then(|version| version.only.as_deref()) else {
            continue;
        };
        let leads_elsewhere = |seed: &Seed| match &seed.kind {
            SeedKind::Queries(queries) => queries.iter().any(|query| query.note_type.as_str() != only),
            SeedKind::Users(_) => true,
            // Whoever names notes knows of which type they are.
            SeedKind::Notes(_) => false,
        };
        if !expand.details || !(expand.author_notes || seeds.iter().any(leads_elsewhere)) {
            continue;
        }
        let block = blocks.get(name);
        let chosen = block.and_then(|block| block.version.get(Endpoint::NoteDetail));
        let span = chosen.map(At::span).or_else(|| block.map(At::span)).unwrap_or_default();
        let version = chosen.map_or("its default", |version| version.as_str());
        let message = format!(
            "`vendors.{}.version.note_detail`: `{}` shows {only} notes alone, and this job also leads to others",
            shown(name, 40),
            shown(version, 40)
        );
        let hint = format!("choose another version, or search with note_type = \"{only}\" alone");
        context.told.hinted(span, message, hint);
    }
}
