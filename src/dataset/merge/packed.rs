//! How a note's state is laid on a shelf: an observation stands there once, not once for each column that it won.
//!
//! Most notes are told by one or two observations, and each of them wins many columns. Written out, they would be the
//! greater part of a record.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::best::{Best, Span};
use super::counted::Counted;
use super::gone::Life;
use super::note::{ContentKey, NoteState};
use crate::model::{Count, Listing, NoteContent, NoteSource, Provenance, UserId};

/// An observation: its answer's place, nanoseconds since 1970, call, position.
type Seen<T> = (i64, i128, T, u32);
/// A place among all answers, and nanoseconds since 1970.
type End = (i64, i128);
/// A value, and the place of the observation that tells it.
type Placed<V> = Option<(u8, V)>;
/// The same where the kind of answer counts, too.
type Sourced<V> = Option<(u8, NoteSource, V)>;

/// A note's state with places where observations stood: each observation, what it says of the note, counts, the span.
type Packed<T, C, U, L> = (
    Vec<Seen<T>>,
    (Sourced<C>, Sourced<U>, Sourced<i128>, Sourced<i128>),
    ([(Placed<i64>, Placed<Count>); 4], Placed<L>, (Placed<bool>, Vec<(u8, String)>)),
    Option<(End, End)>,
);

impl Serialize for NoteState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut places = Places::default();
        let told = (
            places.sourced(&self.content, |content| content),
            places.sourced(&self.author_id, |author| author),
            places.sourced(&self.published_at, |time| time.as_nanosecond()),
            places.sourced(&self.updated_at, |time| time.as_nanosecond()),
        );
        let rest = (
            self.counts.each_ref().map(|count| {
                (places.placed(&count.exact, |count| *count), places.placed(&count.approximate, |count| *count))
            }),
            places.placed(&self.listing, |listing| listing),
            (
                places.placed(&self.life.is_gone, |truth| *truth),
                self.life.empties.iter().map(|(seen, run)| (places.of(seen), run.clone())).collect(),
            ),
        );
        let span = self
            .span
            .map(|span| [span.first, span.last].map(|(sequence, time)| (sequence, time.as_nanosecond())).into());
        let seen = places.0.iter();
        let seen = seen.map(|seen| (seen.sequence, seen.observed_at.as_nanosecond(), &*seen.call_key, seen.position.0));
        let packed: Packed<&str, &NoteContent, &UserId, &Listing> = (seen.collect(), told, rest, span);
        packed.serialize(to)
    }
}

/// The observations that won something, each once.
#[derive(Default)]
struct Places<'a>(Vec<&'a Provenance>);

impl<'a> Places<'a> {
    /// Returns an observation's place; a state has fewer than 16 groups of columns to win.
    fn of(&mut self, seen: &'a Provenance) -> u8 {
        let found = self.0.iter().position(|own| *own == seen);
        found.unwrap_or_else(|| {
            self.0.push(seen);
            self.0.len() - 1
        }) as u8
    }

    fn placed<V: Ord, T>(&mut self, best: &'a Best<Provenance, V>, value: impl Fn(&'a V) -> T) -> Placed<T> {
        Some((self.of(best.key()?), value(best.value()?)))
    }

    fn sourced<V: Ord, T>(&mut self, best: &'a Best<ContentKey, V>, value: impl Fn(&'a V) -> T) -> Sourced<T> {
        let (source, seen) = best.key()?;
        Some((self.of(seen), *source, value(best.value()?)))
    }
}

impl<'de> Deserialize<'de> for NoteState {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        type Owned = Packed<Arc<str>, NoteContent, UserId, Listing>;
        let (seen, told, rest, span): Owned = Deserialize::deserialize(from)?;
        let time = |nanoseconds| Timestamp::from_nanosecond(nanoseconds).map_err(D::Error::custom);
        let end = |(sequence, nanoseconds): End| Ok::<_, D::Error>((sequence, time(nanoseconds)?));
        let seen = seen.into_iter().map(|(sequence, observed_at, call_key, position)| {
            Ok(Provenance { sequence, observed_at: time(observed_at)?, call_key, position: Reverse(position) })
        });
        let seen: Vec<Provenance> = seen.collect::<Result<_, D::Error>>()?;
        let timed = |best: Sourced<i128>| {
            best.map(|(at, source, nanoseconds)| Ok((at, source, time(nanoseconds)?))).transpose()
        };
        let (content, author_id, published_at, updated_at) = told;
        let ([liked, collected, comments, shared], listing, (is_gone, empties)) = rest;
        let counted = |(exact, approximate)| {
            Ok(Counted { exact: placed(&seen, exact)?, approximate: placed(&seen, approximate)? })
        };
        Ok(Self {
            content: sourced(&seen, content)?,
            author_id: sourced(&seen, author_id)?,
            published_at: sourced(&seen, timed(published_at)?)?,
            updated_at: sourced(&seen, timed(updated_at)?)?,
            counts: [counted(liked)?, counted(collected)?, counted(comments)?, counted(shared)?],
            listing: placed(&seen, listing)?,
            life: Life {
                is_gone: placed(&seen, is_gone)?,
                empties: empties
                    .into_iter()
                    .map(|(place, run)| Ok((at(&seen, place)?, run)))
                    .collect::<Result<_, D::Error>>()?,
            },
            span: span.map(|(first, last)| Ok(Span { first: end(first)?, last: end(last)? })).transpose()?,
        })
    }
}

fn at<E: Error>(seen: &[Provenance], at: u8) -> Result<Provenance, E> {
    seen.get(usize::from(at)).cloned().ok_or_else(|| E::custom("an observation is not there"))
}

fn placed<V: Ord, E: Error>(seen: &[Provenance], told: Placed<V>) -> Result<Best<Provenance, V>, E> {
    Ok(match told {
        Some((place, value)) => Best::one(at(seen, place)?, value),
        None => Best::none(),
    })
}

fn sourced<V: Ord, E: Error>(seen: &[Provenance], told: Sourced<V>) -> Result<Best<ContentKey, V>, E> {
    Ok(match told {
        Some((place, source, value)) => Best::one((source, at(seen, place)?), value),
        None => Best::none(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::merge::laws::note;
    use crate::model::EmptyDetail;

    proptest! {
        #[test]
        fn a_state_comes_back_from_its_shelf(notes in prop::collection::vec(note(), 1..6), empties in prop::collection::vec("r[1-5]", 0..4)) {
            let seen = notes[0].seen.clone();
            let empty = |run_id| EmptyDetail { note_id: notes[0].note_id.clone(), run_id, seen: seen.clone() };
            let empties: Vec<_> = empties.into_iter().map(empty).map(NoteState::from).collect();
            let states = notes.into_iter().map(NoteState::from).chain(empties);
            let state = states.reduce(NoteState::merge).unwrap();
            let bytes = postcard::to_stdvec(&state).unwrap();
            prop_assert_eq!(postcard::from_bytes::<NoteState>(&bytes).unwrap(), state);
        }

        #[test]
        fn damage_is_told_and_never_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            // Most of it is no state; whatever is one is a state like any other.
            if let Ok(state) = postcard::from_bytes::<NoteState>(&bytes) {
                let again = postcard::to_stdvec(&state).unwrap();
                prop_assert_eq!(postcard::from_bytes::<NoteState>(&again).unwrap(), state);
            }
        }
    }
}
