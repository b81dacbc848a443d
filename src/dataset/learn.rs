//! Answers read and extracted on several threads, in any order: the merge does not depend on it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::build::BuildError;
use super::part::{Batch, Part};
use crate::flatten::{Flattened, Recipe};

/// A batch larger than this, in bytes, holds a large body. It is extracted by the thread that reads it: one at a time,
/// because parsed it is larger.
const LARGE_BATCH: usize = 4 << 20;

/// Reads all answers of some parts, and hands on what each shows.
///
/// # Errors
///
/// What could not be read or handed on first; nothing more is read then.
pub(super) fn learn<P: Part>(
    parts: &[&P],
    recipe: &Recipe,
    threads: usize,
    mut take: impl FnMut(Flattened) -> Result<(), BuildError<P::Error>>,
) -> Result<(), BuildError<P::Error>> {
    thread::scope(|scope| {
        let (done, extracted) = sync_channel(threads);
        let (small, waiting) = sync_channel::<P::Batch>(threads);
        // Dropped with the last thread that waits, which ends the reader, too.
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let done = done.clone();
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || {
                while let Some(batch) = next(&waiting)
                    && done.send(extract(batch, recipe)).is_ok()
                {}
            });
        }
        drop(waiting);
        scope.spawn(move || {
            if let Err(error) = read(parts, recipe, &small, &done) {
                // Nobody listens after an earlier error.
                let _ = done.send(Err(error));
            }
        });
        // The receiver is dropped at the first error, which ends all other threads.
        extracted
            .into_iter()
            .try_for_each(|batch| batch.map_err(BuildError::Answer)?.into_iter().try_for_each(&mut take))
    })
}

fn next<B>(waiting: &Mutex<Receiver<B>>) -> Option<B> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn extract<E>(batch: impl Batch<E>, recipe: &Recipe) -> Result<Vec<Flattened>, E> {
    batch.answers().map(|answer| Ok(recipe.flatten(&answer?))).collect()
}

/// Reads batches until there are no more, or until nobody wants them.
fn read<P: Part>(
    parts: &[&P],
    recipe: &Recipe,
    small: &SyncSender<P::Batch>,
    done: &SyncSender<Result<Vec<Flattened>, P::Error>>,
) -> Result<(), P::Error> {
    for part in parts {
        for batch in part.batches()? {
            let batch = batch?;
            let is_over = if batch.bytes() > LARGE_BATCH {
                batch.answers().any(|answer| done.send(answer.map(|answer| vec![recipe.flatten(&answer)])).is_err())
            } else {
                small.send(batch).is_err()
            };
            if is_over {
                return Ok(());
            }
        }
    }
    Ok(())
}
