//! The readers against the vendors' samples, and against odd shapes made up after what vendors really send.

mod answers;
mod notes;
mod one_reader;
mod profiles;
mod samples;
mod told;

use super::Flattened;
use super::fixtures::note;

/// Lists what could not be read.
fn told(flat: &Flattened) -> Vec<(&str, &str)> {
    flat.rejects.iter().map(|reject| (reject.path.as_str(), reject.reason.as_str())).collect()
}
