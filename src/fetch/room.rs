//! Room for bodies: what all calls of a run hold in memory at once, whatever the network sends.
//!
//! Each body's first part is free, and so small that all calls on their way can hold one. A body that outgrows it needs
//! one of a few places, and has it until its answer is settled. Nothing deadlocks: whoever has a place waits for no
//! other, and has it for no longer than its own timeout and one turn. Whoever waits is served in order, and the wait
//! does not count towards its timeout, for its answer is paid for. Meanwhile the vendor's side is held up by TCP; that is
//! why each call has a connection of its own: streams that share one would share its window, and those that wait would
//! stop those that have a place.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all free parts take together, as long as each has its least.
const FREE_BYTES: usize = 16 << 20;
/// The most of one body that is free: more than a page has.
const MOST_FREE: usize = 1 << 20;
/// The least, so that a run of very many calls still reads small answers side by side.
const LEAST_FREE: usize = 64 << 10;
/// Bodies that may be larger than that at one time.
const LARGE_BODIES: usize = 2;

/// The room that all calls of a run share.
#[derive(Clone, Debug)]
pub struct Room {
    free: usize,
    large: Arc<Semaphore>,
}

/// A large body's place in the room; dropped with the body.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "it is given back when it is dropped")] Option<OwnedSemaphorePermit>);

impl Room {
    /// Makes the room for so many calls at once.
    pub fn new(calls: usize) -> Self {
        let free = (FREE_BYTES / calls.max(1)).clamp(LEAST_FREE, MOST_FREE);
        Self { free, large: Arc::new(Semaphore::new(LARGE_BODIES)) }
    }

    /// Returns how many bytes of a body need no place.
    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// Waits for a place for a large body.
    pub(super) async fn enter(&self) -> Place {
        // An error would say that the semaphore is closed, which nobody does.
        Place(self.large.clone().acquire_owned().await.ok())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn the_free_parts_of_all_calls_stay_small() {
        let free = |calls| Room::new(calls).free();
        assert_eq!([0, 1, 8, 16].map(free), [1 << 20; 4]);
        assert_eq!((free(64), free(512), free(10_000)), (256 << 10, 64 << 10, 64 << 10));
    }

    #[tokio::test]
    async fn places_are_few_and_are_given_back() {
        let room = Room::new(64);
        let mut places = Vec::new();
        for _ in 0..LARGE_BODIES {
            places.push(room.enter().await);
        }
        assert!(room.enter().now_or_never().is_none());
        places.pop();
        assert!(room.enter().now_or_never().is_some());
    }
}
