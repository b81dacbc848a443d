//! Many streams of sorted records, merged to one sequence of groups: all records of a key together.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::rc::Rc;

use arrow::array::RecordBatch;

use super::records::rank_all;
use super::{Family, Member, Records};
use crate::dataset::merge_state::MergeError;

/// Batches of records in the order of their keys.
pub(in crate::dataset) type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, MergeError>> + 'a>;

/// A stream of sorted records.
pub(in crate::dataset) enum Stream<'a> {
    /// One that is open.
    Open(Batches<'a>),
    /// One that begins with a known key, and is opened when that is due.
    Later {
        /// The bytes of the first key.
        first: Vec<u8>,
        /// Opens it.
        open: Box<dyn FnOnce() -> Result<Batches<'a>, MergeError> + 'a>,
    },
}

/// Merges streams, and hands on the records of each key, sorted by rank, in the order of the keys.
///
/// # Errors
///
/// What a stream could not give or the receiver could not take.
pub(in crate::dataset) fn groups<F: Family, E: From<MergeError>>(
    streams: Vec<Stream<'_>>,
    mut take: impl FnMut(&[Member<F>]) -> Result<(), E>,
) -> Result<(), E> {
    let (mut opened, mut later) = (Vec::new(), Vec::new());
    let mut heap: BinaryHeap<Head<F>> = BinaryHeap::new();
    for stream in streams {
        match stream {
            Stream::Open(batches) => begin(batches, &mut opened, &mut heap)?,
            Stream::Later { first, open } => {
                heap.push(Head { at: At::Later(first), stream: later.len() });
                later.push(Some(open));
            }
        }
    }
    let mut group: Vec<Member<F>> = Vec::new();
    while let Some(Head { at, stream }) = heap.pop() {
        match at {
            At::Later(_) => {
                if let Some(open) = later.get_mut(stream).and_then(Option::take) {
                    begin(open()?, &mut opened, &mut heap)?;
                }
            }
            At::Record(member) => {
                if group.first().is_some_and(|first| first.key() != member.key()) {
                    hand_on(&mut group, &mut take)?;
                }
                if member.row + 1 < member.records.batch.num_rows() {
                    let next = Member { records: Rc::clone(&member.records), row: member.row + 1 };
                    heap.push(Head { at: At::Record(next), stream });
                } else if let Some(batches) = opened.get_mut(stream) {
                    read_on(batches, stream, &mut heap)?;
                }
                group.push(member);
            }
        }
    }
    if group.is_empty() { Ok(()) } else { hand_on(&mut group, &mut take) }
}

fn hand_on<F: Family, E: From<MergeError>>(
    group: &mut Vec<Member<F>>,
    take: &mut impl FnMut(&[Member<F>]) -> Result<(), E>,
) -> Result<(), E> {
    if group.len() > 1 {
        rank_all(group).map_err(MergeError::from)?;
    }
    let taken = take(group);
    group.clear();
    taken
}

/// Takes up a stream that is open.
fn begin<'a, F: Family>(
    mut batches: Batches<'a>,
    opened: &mut Vec<Batches<'a>>,
    heap: &mut BinaryHeap<Head<F>>,
) -> Result<(), MergeError> {
    read_on(&mut batches, opened.len(), heap)?;
    opened.push(batches);
    Ok(())
}

/// Puts the first record of the next batch of a stream on the heap, if there is one.
fn read_on<F: Family>(
    batches: &mut Batches<'_>,
    stream: usize,
    heap: &mut BinaryHeap<Head<F>>,
) -> Result<(), MergeError> {
    for batch in batches {
        let batch = batch?;
        if batch.num_rows() > 0 {
            heap.push(Head { at: At::Record(Member { records: Records::new(batch)?, row: 0 }), stream });
            break;
        }
    }
    Ok(())
}

/// What comes next in a stream; the greatest head is that of the smallest key.
struct Head<F: Family> {
    at: At<F>,
    stream: usize,
}

enum At<F: Family> {
    /// The stream is not open; it begins with this key.
    Later(Vec<u8>),
    Record(Member<F>),
}

impl<F: Family> Head<F> {
    /// A stream that is not open comes before the records of its first key.
    fn order(&self) -> (&[u8], bool, usize) {
        match &self.at {
            At::Later(first) => (first, false, self.stream),
            At::Record(member) => (member.key(), true, self.stream),
        }
    }
}

impl<F: Family> Ord for Head<F> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.order().cmp(&self.order())
    }
}

impl<F: Family> PartialOrd for Head<F> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<F: Family> PartialEq for Head<F> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<F: Family> Eq for Head<F> {}
