//! Which vendors answer which call.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::vendors::Known;
use crate::job::at::OneOrMany;
use crate::job::file::PerEndpoint;
use crate::job::told::Told;
use crate::model::{Endpoint, did_you_mean, shown};

const DEFAULT: &str = "justoneapi";

/// Reads the `[route]` block. Each call that the job can send is served; the others keep an empty list.
pub(super) fn route(
    file: &PerEndpoint<OneOrMany<String>>,
    known: &Known,
    called: &BTreeSet<Endpoint>,
    told: &mut Told<'_>,
) -> BTreeMap<Endpoint, Vec<String>> {
    let mut route = BTreeMap::new();
    for endpoint in Endpoint::ALL {
        let written = file.get(endpoint).map(|names| names.each());
        let is_called = called.contains(&endpoint);
        let names = match written {
            Some(names) => names.into_iter().map(|(span, name)| (span, name.as_str())).collect(),
            None if is_called => vec![(0..0, DEFAULT)],
            None => Vec::new(),
        };
        let vendors = checked(endpoint, &names, known, told);
        route.insert(endpoint, if is_called { vendors } else { Vec::new() });
    }
    route
}

fn checked(endpoint: Endpoint, names: &[(Range<usize>, &str)], known: &Known, told: &mut Told<'_>) -> Vec<String> {
    let mut vendors: Vec<String> = Vec::new();
    for (span, name) in names {
        let place = format!("`route.{endpoint}`");
        match known.get(*name) {
            None => {
                let near = did_you_mean(name, known.keys().map(String::as_str));
                let message = format!("{place} names `{}`, which is no vendor{near}", shown(name, 40));
                let hint = format!("known here: {}", known.keys().cloned().collect::<Vec<_>>().join(", "));
                told.hinted(span.clone(), message, hint);
            }
            // What is wrong with its description is told.
            Some(None) => {}
            Some(Some(description)) if !description.calls.contains_key(&endpoint) => {
                let serving: Vec<&str> = known
                    .iter()
                    .filter(|(_, other)| other.as_ref().is_some_and(|other| other.calls.contains_key(&endpoint)))
                    .map(|(name, _)| name.as_str())
                    .collect();
                let message = format!("{place} names `{name}`, which does not serve `{endpoint}`");
                told.hinted(span.clone(), message, format!("served by: {}", serving.join(", ")));
            }
            Some(Some(_)) if vendors.iter().any(|own| own == name) => {
                told.at(span.clone(), format!("{place} names `{name}` twice"));
            }
            Some(Some(_)) => vendors.push((*name).to_owned()),
        }
    }
    vendors
}
