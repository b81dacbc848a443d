//! Answers read and extracted on several threads, and handed on in the order in which they were read.

use std::collections::BTreeMap;
use std::iter;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::build::BuildError;
use super::part::{Batch, Part};
use crate::flatten::Recipe;
use crate::model::Answer;
use crate::observations::{self, Observed};

/// A batch larger than this, in bytes, holds a large body. It is extracted by the thread that reads it: one at a time,
/// because parsed it is larger.
const LARGE_BATCH: usize = 4 << 20;
/// How many batches a thread may be ahead of the one that is handed on next.
const BATCHES_AHEAD: usize = 4;

/// What some answers of a part say.
#[derive(Debug)]
pub(super) struct Extracted {
    /// The part's place among the parts.
    pub(super) part: usize,
    /// What they say at all their positions, one batch a kind; an error if that is more than a batch can hold.
    pub(super) observed: std::result::Result<[RecordBatch; 5], ArrowError>,
}

type Result<T, P> = std::result::Result<T, <P as Part>::Error>;

/// Reads all answers of some parts, and hands on what they say in the order of the answers.
///
/// # Errors
///
/// What could not be read or handed on first; nothing more is read then.
pub(super) fn learn<P: Part>(
    parts: &[&P],
    recipe: &Recipe,
    threads: usize,
    mut take: impl FnMut(Extracted) -> std::result::Result<(), BuildError<P::Error>>,
) -> std::result::Result<(), BuildError<P::Error>> {
    thread::scope(|scope| {
        // Room for all that may wait: nobody stands still while a file is written.
        let (done, extracted) = sync_channel(threads * BATCHES_AHEAD);
        let (small, waiting) = sync_channel::<(u64, usize, P::Batch)>(threads);
        // The reader takes a permit for each batch, so that batches which wait for an earlier one are few.
        let (permit, permits) = channel();
        for _ in 0..threads * BATCHES_AHEAD {
            // The receiver is there.
            let _ = permit.send(());
        }
        // Dropped with the last thread that waits, which ends the reader, too.
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let done = done.clone();
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || {
                let done = Alarm(done);
                while let Some((number, part, batch)) = next(&waiting)
                    && done.0.send(Some((number, extract::<P>(part, batch.answers(), recipe)))).is_ok()
                {
                }
            });
        }
        drop(waiting);
        scope.spawn(move || Reader::<P> { recipe, small, done: Alarm(done), permits, number: 0 }.read(parts));
        // The receiver is dropped at the first error, which ends all other threads.
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for message in extracted {
            // A thread that panicked takes the build with it: the scope panics once all threads have ended.
            let Some((number, batch)) = message else { return Ok(()) };
            early.insert(number, batch.map_err(BuildError::Answer)?);
            while let Some(batch) = early.remove(&due) {
                take(batch)?;
                due += 1;
                // Nobody takes a permit once everything is read.
                let _ = permit.send(());
            }
        }
        Ok(())
    })
}

fn next<B>(waiting: &Mutex<Receiver<B>>) -> Option<B> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn extract<P: Part>(
    part: usize,
    answers: impl Iterator<Item = Result<Answer, P>>,
    recipe: &Recipe,
) -> Result<Extracted, P> {
    let mut observed = Observed::default();
    for answer in answers {
        let answer = answer?;
        observed.add(&answer, observations::read(recipe, &answer));
    }
    Ok(Extracted { part, observed: observed.batches(recipe.outline()) })
}

/// A sender that sends nothing more than a last `None` if its thread panics: nobody may wait for what never comes.
struct Alarm<T>(SyncSender<Option<T>>);

impl<T> Drop for Alarm<T> {
    fn drop(&mut self) {
        if thread::panicking() {
            // Nobody listens after an earlier error.
            let _ = self.0.send(None);
        }
    }
}

/// Reads batches and numbers them.
struct Reader<'a, P: Part> {
    recipe: &'a Recipe,
    small: SyncSender<(u64, usize, P::Batch)>,
    done: Alarm<(u64, Result<Extracted, P>)>,
    permits: Receiver<()>,
    number: u64,
}

impl<P: Part> Reader<'_, P> {
    /// Reads batches until there are no more, or until nobody wants them.
    fn read(mut self, parts: &[&P]) {
        if let Err(error) = self.read_all(parts) {
            // Nobody listens after an earlier error.
            let _ = self.done.0.send(Some((self.number, Err(error))));
        }
    }

    fn read_all(&mut self, parts: &[&P]) -> Result<(), P> {
        for (at, part) in parts.iter().enumerate() {
            for batch in part.batches()? {
                if !self.hand_on(at, batch?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Returns false if nobody wants more.
    fn hand_on(&mut self, part: usize, batch: P::Batch) -> bool {
        if batch.bytes() <= LARGE_BATCH {
            return self.next_number().is_some_and(|number| self.small.send((number, part, batch)).is_ok());
        }
        batch.answers().all(|answer| {
            let extracted = extract::<P>(part, iter::once(answer), self.recipe);
            self.next_number().is_some_and(|number| self.done.0.send(Some((number, extracted))).is_ok())
        })
    }

    fn next_number(&mut self) -> Option<u64> {
        self.permits.recv().ok()?;
        self.number += 1;
        Some(self.number - 1)
    }
}
