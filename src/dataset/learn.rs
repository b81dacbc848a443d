//! Answers read, and what they tell, on several threads: in any order, for the merge does not mind.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::build::BuildError;
use super::part::Part;
use crate::flatten::{Flattened, Recipe};
use crate::model::Answer;

/// A body larger than this, in bytes, is flattened where it is read: one at a time, for what it is parsed to is larger still.
const LARGE_BODY: usize = 1 << 20;

/// Reads all answers of some parts, and hands on what each tells.
///
/// # Errors
///
/// What could not be read or handed on first; nothing is read any more then.
pub(super) fn learn<P: Part>(
    parts: &[&P],
    recipe: &Recipe,
    threads: usize,
    mut take: impl FnMut(Flattened) -> Result<(), BuildError<P::Error>>,
) -> Result<(), BuildError<P::Error>> {
    thread::scope(|scope| {
        let (told, flats) = sync_channel(threads);
        let (small, waiting) = sync_channel::<Answer>(threads);
        // Dropped with the last thread that waits: the reader ends then, too.
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let told = told.clone();
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || {
                while let Some(answer) = next(&waiting)
                    && told.send(Ok(recipe.flatten(&answer))).is_ok()
                {}
            });
        }
        drop(waiting);
        scope.spawn(move || {
            if let Err(error) = read(parts, recipe, &small, &told) {
                // Nobody listens once something else went wrong.
                let _ = told.send(Err(error));
            }
        });
        // The receiver is dropped at the first error, so that all others end.
        flats.into_iter().try_for_each(|flat| take(flat.map_err(BuildError::Answer)?))
    })
}

fn next(waiting: &Mutex<Receiver<Answer>>) -> Option<Answer> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Reads answers until there are no more, or nobody wants them.
fn read<P: Part>(
    parts: &[&P],
    recipe: &Recipe,
    small: &SyncSender<Answer>,
    told: &SyncSender<Result<Flattened, P::Error>>,
) -> Result<(), P::Error> {
    for part in parts {
        for answer in part.answers()? {
            let answer = answer?;
            let is_large = answer.body.as_ref().is_some_and(|body| body.bytes().len() > LARGE_BODY);
            let sent =
                if is_large { told.send(Ok(recipe.flatten(&answer))).is_ok() } else { small.send(answer).is_ok() };
            if !sent {
                return Ok(());
            }
        }
    }
    Ok(())
}
