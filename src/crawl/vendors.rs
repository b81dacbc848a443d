//! The vendors of a run: who answers what, who is slow, who has stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::fetch::retry::{Bucket, Patience};
use crate::fetch::{Client, Key, Pace, Room};
use crate::job::Job;
use crate::model::{Call, Endpoint, Money};
use crate::state::Task;
use crate::vendor::{CallVersion, Description};

use super::CrawlError;

/// How many calls had gone out when a call failed for the first and for the last time.
#[derive(Clone, Copy)]
struct Failures {
    first: u64,
    last: u64,
}

/// One vendor in a run.
pub(super) struct Vendor {
    pub(super) name: String,
    pub(super) description: Description,
    pub(super) client: Arc<Client>,
    pub(super) pace: Pace,
    /// What its answers pay for.
    pub(super) retries: Bucket,
    /// The versions of each call in the order in which they are tried.
    versions: BTreeMap<Endpoint, Vec<String>>,
    /// How many of them are passed over, for they are not served any more.
    retired: BTreeMap<Endpoint, usize>,
    /// Calls that an earlier version failed, and how many of them each passes over.
    fallen: BTreeMap<i64, usize>,
    price: BTreeMap<Endpoint, Money>,
    /// Why it is finished for this run.
    pub(super) stopped: Option<String>,
    /// Different calls in a row that got no helpful answer.
    failing: BTreeSet<i64>,
    /// Probes in a row that got none, while so many calls fail that the vendor is asked one at a time.
    silent_probes: u32,
    /// Calls that have gone out, and the latest of them that got a helpful answer.
    departures: u64,
    helpful: u64,
    failures: BTreeMap<i64, Failures>,
}

impl Vendor {
    /// Returns the name of the version in which a task's call is made now.
    pub(super) fn version_for(&self, endpoint: Endpoint, task: i64) -> Option<&str> {
        let versions = self.versions.get(&endpoint)?;
        let retired = self.retired.get(&endpoint).copied().unwrap_or(0);
        let passed = self.fallen.get(&task).copied().unwrap_or(0).max(retired);
        versions.get(passed).or(versions.last()).map(String::as_str)
    }

    /// Returns how the vendor makes a call in the version of this name; jobs are validated, so a routed vendor has one.
    pub(super) fn version(&self, endpoint: Endpoint, name: &str) -> Option<&CallVersion> {
        self.description.call(endpoint, Some(name))
    }

    /// Passes over the version in which a task's call was made: for this task, or for all if it is not served any more.
    /// Returns the next version; none if there is none.
    pub(super) fn fall_back(&mut self, endpoint: Endpoint, task: i64, from: &str, is_retired: bool) -> Option<&str> {
        let versions = self.versions.get(&endpoint)?;
        let passed = versions.iter().position(|version| version == from)? + 1;
        let next = versions.get(passed)?;
        self.fallen.insert(task, passed);
        if is_retired {
            let retired = self.retired.entry(endpoint).or_default();
            *retired = passed.max(*retired);
        }
        Some(next)
    }

    /// Returns what a call costs.
    pub(super) fn price(&self, endpoint: Endpoint) -> Money {
        self.price.get(&endpoint).copied().unwrap_or(Money::ZERO)
    }

    /// Numbers a call that goes out.
    pub(super) fn departs(&mut self) -> u64 {
        self.departures += 1;
        self.departures
    }

    /// Tells whether retries may go before first attempts: so few are owed that all are paid for, and the vendor is not
    /// asked by probes alone.
    pub(super) fn retries_at_once(&self, owed: usize, patience: &Patience) -> bool {
        self.retries.pays_for(owed) && (self.failing.len() as u32) < patience.outage
    }

    /// Tells whether a retry must wait until nothing else is on its way: the vendor fails too often to be asked more.
    pub(super) fn defers_retries(&self) -> bool {
        !self.retries.pays_for(1) && self.pace.in_flight() > 0
    }

    /// Notes a helpful answer to a call: the vendor is up.
    pub(super) fn is_up(&mut self, departure: u64) {
        self.helpful = self.helpful.max(departure);
        self.failing.clear();
        self.silent_probes = 0;
    }

    /// Notes a call without a helpful answer, and says what that makes of the vendor.
    pub(super) fn fails(&mut self, task: i64, patience: &Patience, now: Instant) -> Health {
        let before = self.failures.get(&task).copied();
        let first = before.map_or(self.departures, |before| before.first);
        self.failures.insert(task, Failures { first, last: self.departures });
        // Where calls that went out later were answered, the fault is this call's own: it is no witness of an outage.
        if self.helpful <= first {
            self.failing.insert(task);
        }
        if (self.failing.len() as u32) < patience.outage {
            return Health::Up { silent: before.is_some_and(|before| self.helpful <= before.last) };
        }
        if self.pace.ailing(now) {
            self.silent_probes += 1;
        }
        if self.silent_probes > patience.free_attempts { Health::Down } else { Health::Ailing }
    }
}

/// How a vendor is, after a call without a helpful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// Others are answered, or too few have failed to tell.
    Up {
        /// Whether nobody was answered since this call last failed.
        silent: bool,
    },
    /// Many different calls in a row fail: one is let through at a time, and none is given up for it.
    Ailing,
    /// The probes failed as well.
    Down,
}

/// All vendors of a run and the route between them.
pub(super) struct Vendors {
    all: BTreeMap<String, Vendor>,
    route: BTreeMap<Endpoint, Vec<String>>,
}

impl Vendors {
    pub(super) fn new(job: &Job, keys: &BTreeMap<String, Key>, patience: &Patience) -> Result<Self, CrawlError> {
        let mut all = BTreeMap::new();
        let room = Room::new(job.vendors.values().map(|settings| settings.concurrency as usize).sum());
        for (name, settings) in &job.vendors {
            let Some(key) = keys.get(name) else { continue };
            let place = settings.description.key.clone();
            let (room, proxy) = (room.clone(), settings.proxy.clone());
            let client = Client::new(&settings.base_url, key.clone(), place, settings.timeout, room, proxy)?;
            let vendor = Vendor {
                name: name.clone(),
                description: settings.description.clone(),
                client: Arc::new(client),
                pace: Pace::new(settings.concurrency, settings.requests_per_minute, patience),
                retries: Bucket::full(),
                versions: Endpoint::ALL.map(|endpoint| (endpoint, settings.versions(endpoint))).into(),
                retired: BTreeMap::new(),
                fallen: BTreeMap::new(),
                price: settings.price.clone(),
                stopped: None,
                failing: BTreeSet::new(),
                silent_probes: 0,
                departures: 0,
                helpful: 0,
                failures: BTreeMap::new(),
            };
            all.insert(name.clone(), vendor);
        }
        Ok(Self { all, route: job.route.clone() })
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Vendor> {
        self.all.get_mut(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Vendor> {
        self.all.get(name)
    }

    /// Returns the first vendor of an endpoint's route that has not stopped.
    pub(super) fn first(&self, endpoint: Endpoint) -> Option<&str> {
        let route = self.route.get(&endpoint)?;
        route.iter().find(|name| self.is_live(name)).map(String::as_str)
    }

    /// Returns the vendor that a task goes to: the one that a cursor belongs to, else the first of the route that may still
    /// show it.
    pub(super) fn of(&self, task: &Task) -> Option<&str> {
        match &task.call {
            Call::UserNotes { via: Some(via), .. } if self.is_live(via) => {
                self.all.get_key_value(via).map(|(name, _)| name.as_str())
            }
            Call::UserNotes { via: Some(_), .. } => None,
            call => {
                let mut route = self.route.get(&call.endpoint())?.iter();
                route.find(|name| self.is_live(name) && !task.is_empty_at(name)).map(String::as_str)
            }
        }
    }

    /// Tells whether another vendor could take over an endpoint.
    pub(super) fn has_other(&self, task: &Task, name: &str) -> bool {
        let could = |other: &String| other != name && self.is_live(other) && !task.is_empty_at(other);
        self.route.get(&task.call.endpoint()).is_some_and(|route| route.iter().any(could))
    }

    fn is_live(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|vendor| vendor.stopped.is_none())
    }

    /// Returns the last vendor of an endpoint's route, with the reason why it stopped.
    pub(super) fn why_none(&self, endpoint: Endpoint) -> (String, String) {
        let last = self.route.get(&endpoint).and_then(|route| route.last());
        let vendor = last.and_then(|name| self.all.get(name));
        vendor.map_or_else(
            || (endpoint.to_string(), "no vendor serves it".to_owned()),
            |vendor| (vendor.name.clone(), vendor.stopped.clone().unwrap_or_default()),
        )
    }
}
