//! How a command makes its tables: as the job says, or as those that stand.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::anyhow;

use super::messages::{Failure, stderr};
use crate::dataset::{self, Manifest};
use crate::fetch::Key;
use crate::flatten::{NeedsKey, Pseudonyms, Recipe};
use crate::job::Job;

/// Makes the recipe of a job; the key of its pseudonyms is read from the environment.
pub(super) fn of_job(job: &Job) -> Result<Recipe, Failure> {
    let Some(name) = &job.pseudonymize_key_env else { return Ok(Recipe::new(job.outline.clone(), None)) };
    let variable = |name: &str| std::env::var(name).ok();
    let hint = format!(
        "set `{name}` to a secret, or `{name}_FILE` to a file that holds it, and keep it: \
         the same one gives the same pseudonyms"
    );
    let key = Key::read("pseudonyms", name, variable).map_err(|error| Failure::usage(error).hint(hint))?;
    let keyed = key.keyed_hash().ok_or_else(|| {
        Failure::usage(anyhow!("the key for `pseudonyms` in `{name}` has less than 16 characters"))
            .hint("whoever guesses it can tell who is who; to make one: head -c 32 /dev/urandom | base64")
    })?;
    Ok(Recipe::new(job.outline.clone(), Some(Pseudonyms::new(keyed))))
}

/// Takes up the recipe of the tables that stand; a plain one where there are none.
pub(super) fn of_standing(manifest: Option<&Manifest>) -> Result<Recipe, Failure> {
    let outline = manifest.map(|manifest| manifest.outline.clone()).unwrap_or_default();
    Recipe::without_key(outline).map_err(|error: NeedsKey| {
        Failure::usage(error).hint("name the job file in place of the folder: `notemill build JOB`")
    })
}

/// Refuses where answers are told under pseudonyms of a key that is not at hand: nobody else could be told from them.
pub(super) fn check_told(keys: &BTreeSet<String>, recipe: &Recipe) -> Result<(), Failure> {
    let own = recipe.outline().pseudonyms.as_ref();
    if keys.iter().all(|key| Some(key) == own) {
        return Ok(());
    }
    let error = anyhow!(
        "raw answers are gone, and their observations have pseudonyms of {}",
        if own.is_some() { "another key" } else { "a key that the job does not name" }
    );
    Err(Failure::usage(error).hint(
        "set `pseudonymize_key_env` to the variable with the same secret as before; a dataset with another one needs \
         another folder",
    ))
}

/// Warns where a column is added that raw answers can no longer fill, for they are gone.
pub(super) fn warn_of_empty(before: Option<&Manifest>, recipe: &Recipe) {
    let Some(Manifest { outline: before, .. }) = before else { return };
    let now = recipe.outline();
    for (table, was, is) in [("notes", &before.notes, &now.notes), ("authors", &before.authors, &now.authors)] {
        // One that only has another name is found again.
        for (name, _) in is.iter().filter(|(_, column)| !was.values().any(|known| known == *column)) {
            stderr(format!(
                "warning: `{table}.{name}` is empty for answers that are kept no longer as they came: it was not read \
                 before they went\n"
            ));
        }
    }
}

/// Warns where the tables tell more than before, and where snapshots that are kept tell more than the new one.
pub(super) fn warn(folder: &Path, before: Option<&Manifest>, recipe: &Recipe) -> Result<(), Failure> {
    let (was, is) = (before.and_then(|before| before.outline.pseudonyms.as_ref()), &recipe.outline().pseudonyms);
    match (was, is) {
        (Some(_), None) => {
            stderr("warning: users stand under their own ids again: the job names no `pseudonymize_key_env`\n");
        }
        (Some(was), Some(is)) if was != is => {
            stderr("warning: the key of the pseudonyms is another than before: every user has a new one\n");
        }
        _ => {}
    }
    let telling = dataset::telling_more(folder, recipe.outline()).map_err(anyhow::Error::new)?;
    if !telling.is_empty() {
        let named: Vec<String> = telling.iter().map(|number| format!("{number:06}")).collect();
        stderr(format!(
            "warning: older snapshots still hold what `[privacy]` now leaves out: {}\n\
             hint: `keep_snapshots = 1` under `[output]` and `notemill build` remove them; a pinned one must be \
             unpinned first\n",
            named.join(", ")
        ));
    }
    Ok(())
}
