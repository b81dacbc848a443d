//! The vendors of a job: their descriptions, and what the job sets beside them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use url::Url;

use super::addresses::{BadAddress, address};
use super::{Context, budget};
use crate::job::VendorSettings;
use crate::job::at::At;
use crate::job::decode::Decoded;
use crate::job::file::VendorFile;
use crate::job::secrets::{Extent, is_variable_name, looks_like_key, suspects, without_text};
use crate::job::told::{Told, masked};
use crate::model::{Endpoint, Money, Problem, did_you_mean, parse_duration, shown};
use crate::vendor::{Description, builtin, builtin_names};

/// The vendors that a job may name; none where the description is wrong, which is told.
pub(super) type Known = BTreeMap<String, Option<Description>>;

/// Finds the description of every vendor that is built in or has a block.
pub(super) fn describe(blocks: &BTreeMap<String, At<VendorFile>>, context: &mut Context<'_, '_>) -> Known {
    let mut known: Known = builtin_names().map(|name| (name.to_owned(), builtin(name))).collect();
    for (name, block) in blocks {
        let description = match &block.file {
            Some(file) => from_file(name, file, context),
            None => builtin(name),
        };
        let is_told = block.file.is_some() || context.taken.under(&format!("vendors.{name}"));
        if description.is_none() && !is_told {
            let near = did_you_mean(name, builtin_names());
            let message = format!("`vendors.{}` is not built in, and has no `file`{near}", shown(name, 40));
            context.told.hinted(block.span(), message, "name its description, such as file = \"vendors/mine.toml\"");
        }
        known.insert(name.clone(), description);
    }
    known
}

fn from_file(name: &str, file: &At<String>, context: &mut Context<'_, '_>) -> Option<Description> {
    let key = format!("vendors.{}.file", shown(name, 40));
    let (path, Decoded { text, .. }) = super::lists::opened(&key, file, context)?;
    let shown_path = path.display().to_string();
    let description = match Description::parse(&shown_path, &text) {
        Ok(description) => description,
        Err(problems) => {
            for problem in problems {
                context.told.push(Problem { message: without_text(&problem.message), ..problem });
            }
            context.told.source(&shown_path, masked(&text, &suspects(&text, Extent::Broken)));
            return None;
        }
    };
    let mut good = true;
    if description.name != name {
        let message =
            format!("`{}` describes `{}`, not `{}`", shown(&shown_path, 120), description.name, shown(name, 40));
        context.told.hinted(file.span(), message, format!("call the block [vendors.{}]", description.name));
        good = false;
    }
    if !is_variable_name(&description.key.env) || looks_like_key(&description.key.env) {
        let message = "`key.env` must be the name of an environment variable, and what stands there is none";
        context.told.push(Problem::new(&shown_path, None, message).hint("keys are read from the environment"));
        good = false;
    }
    good.then_some(description)
}

/// Settles every vendor that has a block or that the route names; returns those that the route names.
pub(super) fn settings(
    blocks: &BTreeMap<String, At<VendorFile>>,
    known: &Known,
    route: &BTreeMap<Endpoint, Vec<String>>,
    told: &mut Told<'_>,
) -> BTreeMap<String, VendorSettings> {
    let plain = At::from(VendorFile::default());
    let mut out = BTreeMap::new();
    for (name, description) in known {
        let is_routed = route.values().flatten().any(|own| own == name);
        let block = blocks.get(name);
        let (Some(description), true) = (description, is_routed || block.is_some()) else { continue };
        let settings = settle(name, block.unwrap_or(&plain), description, told);
        if let (Some(settings), true) = (settings, is_routed) {
            out.insert(name.clone(), settings);
        }
    }
    out
}

/// Puts the job's settings over the description's; none where the address cannot be called.
fn settle(
    name: &str,
    block: &At<VendorFile>,
    description: &Description,
    told: &mut Told<'_>,
) -> Option<VendorSettings> {
    let place = format!("vendors.{name}");
    let limits = &description.limits;
    let per_minute =
        if block.requests_per_minute == 0 { limits.requests_per_minute } else { block.requests_per_minute };
    let token_env = block.token_env.as_ref();
    if let Some(empty) = token_env.filter(|name| name.is_empty()) {
        told.at(empty.span(), format!("`{place}.token_env` must be the name of an environment variable"));
    }
    // All of them are checked before any of them ends the check.
    let base_url = base_url(&place, block, description, told);
    let timeout = timeout(&place, block, told).unwrap_or(limits.timeout());
    let version = versions(&place, block, description, told);
    let price = prices(&place, block, description, told);
    Some(VendorSettings {
        proxy: None,
        base_url: base_url?,
        token_env: token_env.map_or_else(|| description.key.env.clone(), |name| name.to_string()),
        concurrency: block.concurrency.unwrap_or(limits.concurrency),
        requests_per_minute: (per_minute > 0).then_some(per_minute),
        timeout,
        allow_plain_http: block.allow_plain_http,
        version,
        price,
        description: description.clone(),
    })
}

fn base_url(place: &str, block: &At<VendorFile>, description: &Description, told: &mut Told<'_>) -> Option<Url> {
    if let (Some(_), Some(written)) = (&block.region, &block.base_url) {
        told.at(written.span(), format!("`{place}` has both `region` and `base_url`: they exclude each other"));
    }
    let (span, key, text): (Range<usize>, &str, &str) = match (&block.base_url, &block.region) {
        (Some(written), _) => (written.span(), "base_url", written),
        (None, Some(region)) => {
            let Some(text) = description.base_url(Some(region)) else {
                let regions = || description.base_urls.keys().map(String::as_str);
                let message =
                    format!("`{place}.region` cannot be `{}`{}", shown(region, 40), did_you_mean(region, regions()));
                told.hinted(region.span(), message, format!("one of: {}", regions().collect::<Vec<_>>().join(", ")));
                return None;
            };
            (region.span(), "region", text)
        }
        (None, None) => (block.span(), "base_urls", description.base_url(None)?),
    };
    let error = match address(text, block.allow_plain_http) {
        Ok(url) => return Some(url),
        Err(error) => error,
    };
    let hint = match error {
        BadAddress::NoAddress => "such as \"https://api.example.com\"",
        BadAddress::Extras => "the key is read from the environment, and is never part of the address",
        BadAddress::Plain => "use https://, or accept it with allow_plain_http = true",
    };
    if error == BadAddress::Plain {
        told.hinted(span, format!("`{place}.{key}` {error}"), hint);
    } else {
        told.secret(span, &format!("`{place}.{key}` {error}"), hint);
    }
    None
}

fn timeout(place: &str, block: &At<VendorFile>, told: &mut Told<'_>) -> Option<Duration> {
    let text = block.timeout.as_ref()?;
    let timeout =
        parse_duration(text).filter(|timeout| (Duration::from_secs(1)..=Duration::from_mins(10)).contains(timeout));
    if timeout.is_none() {
        let message = format!("`{place}.timeout` must be from \"1s\" to \"10m\", not `{}`", shown(text, 40));
        told.at(text.span(), message);
    }
    timeout
}

fn versions(
    place: &str,
    block: &At<VendorFile>,
    description: &Description,
    told: &mut Told<'_>,
) -> BTreeMap<Endpoint, String> {
    let mut out = BTreeMap::new();
    for (endpoint, version) in block.version.each() {
        let Some(call) = description.calls.get(&endpoint) else {
            told.at(version.span(), format!("`{place}.version.{endpoint}`: this vendor does not serve `{endpoint}`"));
            continue;
        };
        if call.versions.contains_key(&**version) {
            out.insert(endpoint, version.to_string());
            continue;
        }
        let known = || call.versions.keys().map(String::as_str);
        let near = did_you_mean(version, known());
        let message = format!("`{place}.version.{endpoint}` cannot be `{}`{near}", shown(version, 40));
        told.hinted(version.span(), message, format!("described: {}", known().collect::<Vec<_>>().join(", ")));
    }
    out
}

fn prices(
    place: &str,
    block: &At<VendorFile>,
    description: &Description,
    told: &mut Told<'_>,
) -> BTreeMap<Endpoint, Money> {
    let described = Endpoint::ALL.into_iter().filter_map(|endpoint| Some((endpoint, description.price(endpoint)?)));
    let mut out: BTreeMap<Endpoint, Money> = described.collect();
    for (endpoint, price) in block.price.each() {
        if !description.calls.contains_key(&endpoint) {
            told.at(price.span(), format!("`{place}.price.{endpoint}`: this vendor does not serve `{endpoint}`"));
        }
        if let Some(price) = budget::money(&format!("{place}.price.{endpoint}"), price, told) {
            out.insert(endpoint, price);
        }
    }
    out
}
