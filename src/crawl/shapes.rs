//! What the answers of a run look like, counted as they come; nothing of it can fail a run.
//!
//! Shapes are kept whenever answers are sealed, and not in every turn, where they would weigh more than the answers.
//! After a kill, what came since is counted from the bodies, so that each answer counts exactly once.

use std::collections::{BTreeMap, BTreeSet};

use super::vendors::Vendors;
use crate::archive::{self, ArchiveError};
use crate::json::{self, Node};
use crate::model::{Answer, Body, Call};
use crate::state::{KeptShape, State, StateError, Turn};
use crate::vendor::Shape;

/// The shapes of one run, by endpoint, vendor and the path that is called.
#[derive(Debug, Default)]
pub(super) struct Shapes(BTreeMap<(String, String, String), Shape>);

impl Shapes {
    /// Takes up the shapes of a run that goes on.
    pub(super) fn load(turn: &Turn<'_>, run: &str) -> Result<Self, StateError> {
        let kept = turn.shapes(run)?.into_iter();
        Ok(Self(
            kept.map(|KeptShape { endpoint, vendor, version, shape }| ((endpoint, vendor, version), shape)).collect(),
        ))
    }

    /// Counts an answer that shows something, to a call in the version of this name.
    pub(super) fn count(&mut self, vendors: &Vendors, vendor: &str, version: &str, call: &Call, body: Node<'_>) {
        // Of a vendor that the job no longer names, nobody knows what was called.
        let version = vendors.get(vendor).and_then(|vendor| vendor.version(call.endpoint(), version));
        let Some(version) = version else { return };
        let key = (call.endpoint().as_str().to_owned(), vendor.to_owned(), version.path.clone());
        self.0.entry(key).or_default().count(body, &call.key());
    }

    /// Counts what came before a kill and was not counted.
    pub(super) fn catch_up(&mut self, state: &mut State, run: &str, vendors: &Vendors) -> Result<(), StateError> {
        let uncounted = state.turn()?.uncounted(run)?;
        let mut sealed: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for answer in uncounted {
            match answer.segment {
                Some(segment) => drop(sealed.entry(segment).or_default().insert(answer.moment.sequence)),
                None => self.count_answer(vendors, &state.turn()?.answer(answer.id)?.answer),
            }
        }
        for (segment, places) in sealed {
            if let Err(error) = self.count_sealed(state, &segment, &places, vendors) {
                // The build tells what is damaged, and what to do.
                tracing::warn!(segment, %error, "answers of this run are missing in what is told of their shape");
            }
        }
        Ok(())
    }

    /// Keeps the shapes in a turn of their own; they have counted every answer up to now.
    pub(super) fn keep(&self, state: &mut State, run: &str) -> Result<(), StateError> {
        let turn = state.turn()?;
        turn.keep_shapes(
            run,
            self.0.iter().map(|((endpoint, vendor, version), shape)| {
                (endpoint.as_str(), vendor.as_str(), version.as_str(), shape)
            }),
        )?;
        turn.commit()
    }

    fn count_sealed(
        &mut self,
        state: &State,
        segment: &str,
        places: &BTreeSet<i64>,
        vendors: &Vendors,
    ) -> Result<(), ArchiveError> {
        for answer in archive::segment_answers(state.folder(), segment)? {
            let answer = answer?;
            if places.contains(&answer.sequence) {
                self.count_answer(vendors, &answer);
            }
        }
        Ok(())
    }

    fn count_answer(&mut self, vendors: &Vendors, answer: &Answer) {
        if let Some(body) = answer.body.as_ref().and_then(Body::raw).and_then(|body| json::parse(body).ok()) {
            // Before the kill the version may have been a later one; the state does not say.
            let vendor = vendors.get(&answer.vendor);
            let version = vendor.and_then(|vendor| vendor.version_for(answer.call.endpoint(), 0)).map(str::to_owned);
            self.count(vendors, &answer.vendor, &version.unwrap_or_default(), &answer.call, body.root());
        }
    }
}
