//! Answers read and extracted on several threads, in any order: the merge does not depend on it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::build::BuildError;
use super::part::Part;
use crate::flatten::{Flattened, Recipe};
use crate::model::Answer;

/// A body larger than this, in bytes, is extracted by the thread that reads it: one at a time, because parsed it is larger.
const LARGE_BODY: usize = 1 << 20;
/// Answers are handed from thread to thread in batches of about this many bytes of bodies: a hand-over costs more than a
/// small answer.
const BATCH_BYTES: usize = 256 << 10;
/// Answers of one batch at most.
const BATCH_ANSWERS: usize = 64;

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
        let (done, batches) = sync_channel(threads);
        let (small, waiting) = sync_channel::<Vec<Answer>>(threads);
        // Dropped with the last thread that waits, which ends the reader, too.
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let done = done.clone();
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || {
                while let Some(answers) = next(&waiting)
                    && done.send(Ok(answers.iter().map(|answer| recipe.flatten(answer)).collect())).is_ok()
                {
                }
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
        batches.into_iter().try_for_each(|batch| batch.map_err(BuildError::Answer)?.into_iter().try_for_each(&mut take))
    })
}

fn next(waiting: &Mutex<Receiver<Vec<Answer>>>) -> Option<Vec<Answer>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Reads answers until there are no more, or until nobody wants them.
fn read<P: Part>(
    parts: &[&P],
    recipe: &Recipe,
    small: &SyncSender<Vec<Answer>>,
    done: &SyncSender<Result<Vec<Flattened>, P::Error>>,
) -> Result<(), P::Error> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for part in parts {
        for answer in part.answers()? {
            let answer = answer?;
            let length = answer.body.as_ref().map_or(0, |body| body.bytes().len());
            if length > LARGE_BODY {
                if done.send(Ok(vec![recipe.flatten(&answer)])).is_err() {
                    return Ok(());
                }
                continue;
            }
            batch.push(answer);
            bytes += length;
            if bytes >= BATCH_BYTES || batch.len() >= BATCH_ANSWERS {
                if small.send(std::mem::take(&mut batch)).is_err() {
                    return Ok(());
                }
                bytes = 0;
            }
        }
    }
    if !batch.is_empty() {
        // Nobody wants it after an earlier error.
        let _ = small.send(batch);
    }
    Ok(())
}
