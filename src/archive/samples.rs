//! What answers look like, counted in the turn that seals them: of each endpoint, vendor and path that was called, a sample.
//!
//! The sample does not depend on the order in which answers came: it is those whose calls' keys have the smallest hashes.

use std::collections::BTreeMap;

use twox_hash::XxHash3_128;

use crate::json;
use crate::model::{Answer, Body, Outcome};
use crate::state::{KeptShape, StateError, Turn};
use crate::vendor::Shape;

/// So many answers of a segment are counted of each path that was called.
const SAMPLE: usize = 64;

/// The path that was called, by endpoint and vendor.
type Called = (String, String, String);

/// The answers of one path, by the hash of their call's key and their sequence.
type Chosen = BTreeMap<(u128, i64), Sample>;

/// The answers of one segment that are counted, by run and by what was called.
#[derive(Debug, Default)]
pub(super) struct Samples(BTreeMap<String, BTreeMap<Called, Chosen>>);

/// One answer.
#[derive(Debug)]
struct Sample {
    key: String,
    body: Vec<u8>,
}

impl Samples {
    /// Takes an answer into the sample if it belongs there. Only answers that show something count.
    pub(super) fn offer(&mut self, answer: &Answer, version: &str) {
        let Some(body) = answer.body.as_ref().and_then(Body::raw) else { return };
        if answer.outcome != Outcome::Ok {
            return;
        }
        let (endpoint, vendor) = (answer.call.endpoint().as_str().to_owned(), answer.vendor.clone());
        let of_run = self.0.entry(answer.run_id.clone()).or_default();
        let sample = of_run.entry((endpoint, vendor, version.to_owned())).or_default();
        let key = answer.call.key();
        let place = (XxHash3_128::oneshot(key.as_bytes()), answer.sequence);
        if sample.len() >= SAMPLE && sample.last_key_value().is_some_and(|(last, _)| *last < place) {
            return;
        }
        sample.insert(place, Sample { key, body: body.to_vec() });
        if sample.len() > SAMPLE {
            sample.pop_last();
        }
    }

    /// Counts the sample into the shapes of its runs.
    pub(super) fn keep(self, turn: &Turn<'_>) -> Result<(), StateError> {
        for (run, called) in self.0 {
            let mut known: BTreeMap<Called, Shape> = turn
                .shapes(&run)?
                .into_iter()
                .map(|KeptShape { endpoint, vendor, version, shape }| ((endpoint, vendor, version), shape))
                .collect();
            for (called, sample) in called {
                let mut shape = known.remove(&called).unwrap_or_default();
                // In the order in which they came: an example of something new is the first that shows it.
                let mut sample: Vec<_> = sample.into_iter().collect();
                sample.sort_by_key(|((_, sequence), _)| *sequence);
                for (_, Sample { key, body }) in sample {
                    if let Ok(body) = json::parse(&body) {
                        shape.count(body.root(), &key);
                    }
                }
                let (endpoint, vendor, version) = called;
                turn.keep_shape(&run, &KeptShape { endpoint, vendor, version, shape })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flatten::fixtures;
    use crate::model::{Call, NoteId};
    use crate::state::State;

    fn detail(number: i64) -> Answer {
        let call = Call::NoteDetail { note_id: NoteId::parse(&format!("n{number}")).unwrap() };
        let answer = fixtures::answer("justoneapi", call, &format!("{{\"a{number}\":1}}"), number);
        Answer { sequence: number, outcome: Outcome::Ok, ..answer }
    }

    #[test]
    fn a_sample_is_the_same_in_any_order_and_no_larger_than_it_may_be() {
        let keys = |numbers: &mut dyn Iterator<Item = i64>| {
            let mut samples = Samples::default();
            numbers.for_each(|number| samples.offer(&detail(number), "/v1"));
            let of_runs: Vec<_> = samples.0.into_values().flat_map(BTreeMap::into_values).collect();
            let [sample] = <[_; 1]>::try_from(of_runs).unwrap();
            sample.into_values().map(|sample| sample.key).collect::<Vec<_>>()
        };
        let forwards = keys(&mut (0..500));
        assert_eq!((forwards.len(), keys(&mut (0..500).rev())), (SAMPLE, forwards));
        assert_eq!(keys(&mut (0..3)).len(), 3);
    }

    #[test]
    fn what_shows_nothing_is_not_counted_and_what_was_counted_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let turn = state.turn().unwrap();
        for numbers in [0..3, 3..5] {
            let mut samples = Samples::default();
            for answer in numbers.map(detail) {
                samples.offer(&answer, "/v1");
                samples.offer(&Answer { outcome: Outcome::Empty, ..answer.clone() }, "/v1");
                samples.offer(&Answer { body: None, ..answer }, "/v1");
            }
            samples.keep(&turn).unwrap();
        }
        let kept = turn.shapes(&detail(0).run_id).unwrap();
        assert_eq!(
            kept.iter().map(|kept| (kept.version.as_str(), kept.shape.answers())).collect::<Vec<_>>(),
            [("/v1", 5)]
        );
    }
}
