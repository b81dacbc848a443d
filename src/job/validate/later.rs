//! What a job file may ask for, but this version does not do: told, never passed over.

use std::ops::Range;

use crate::job::file::JobFile;
use crate::job::told::Told;

/// Tells that something is not carried out.
pub(super) fn tell(told: &mut Told<'_>, span: Range<usize>, what: &str, hint: &str) {
    told.hinted(span, format!("{what} is not carried out by this version yet"), hint);
}

/// Tells every key that is set and not carried out.
pub(super) fn refuse(file: &JobFile, told: &mut Told<'_>) {
    if *file.output.delta {
        tell(
            told,
            file.output.delta.span(),
            "`output.delta`",
            "leave it out: the Parquet files are written all the same",
        );
    }
    if let Some(name) = file.state.postgres_env.as_ref().filter(|name| !name.is_empty()) {
        tell(told, name.span(), "`state.postgres_env`", "leave it out: the state is kept in the dataset's folder");
    }
}
