//! A made-up universe of notes and people: a pure function of a seed, a size and a day.
//!
//! ```text
//! seed ─▶ draws ─▶ births (who wrote which note when) ─▶ lists by user, hits by query
//!                  └▶ notes and users, made up in full when they are asked for
//! ```

mod draws;
mod note;
mod search;
mod user;
mod words;

use std::collections::HashMap;

pub(crate) use draws::{Draws, hash};
pub use note::{Counts, Note, Sound, Topic};
pub(crate) use search::Slot;
pub use search::{NOTHING, RESULT_CAP};
pub use user::User;

/// The universe's first day, 2026-11-01T00:00:00Z, in seconds: all times count from here, none from the clock.
pub const EPOCH: i64 = 1_793_491_200;

/// A user of the default universe who writes a lot and pins an old note: good for examples.
pub const EXAMPLE_USER: &str = "5d109e81000000009e6648c5";

/// Items on a full page of a listing.
pub const PAGE: usize = 20;

const DAY: i64 = 86_400;

/// Returns the second at which a run of a day begins: the end of the universe's day, and a second later each night, as no
/// scheduler is early. So what is to be asked after 7 days is due 7 nights later.
pub fn moment_of(day: u32) -> i64 {
    EPOCH + i64::from(day) * (DAY + 1)
}

/// Returns the day to which a second belongs; the first for all seconds before it.
pub fn day_at(second: i64) -> u32 {
    u32::try_from((second - EPOCH) / (DAY + 1)).unwrap_or(0)
}

/// Says which universe to make up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniverseOptions {
    /// Equal seeds give equal universes.
    pub seed: u64,
    /// Notes that stand on day 0; a hundredth of it appears on each later day.
    pub notes: u32,
    /// People who write; none is an eighth of the notes.
    pub users: Option<u32>,
    /// Days since the first: counts have grown, notes have appeared, vanished and changed.
    pub day: u32,
    /// Whether text and ids are hostile here and there.
    pub odd: bool,
}

impl Default for UniverseOptions {
    fn default() -> Self {
        Self { seed: 7, notes: 2000, users: None, day: 0, odd: false }
    }
}

/// A made-up universe on one of its days.
#[derive(Debug)]
pub struct Universe {
    options: UniverseOptions,
    births: Vec<note::Birth>,
    note_numbers: HashMap<String, u32>,
    user_numbers: HashMap<String, u32>,
    lists: Vec<List>,
}

/// The notes that a user's list shows: pinned ones first, then newest first.
#[derive(Debug, Default)]
struct List {
    notes: Vec<u32>,
    pinned: usize,
}

impl Universe {
    /// Makes up a universe.
    pub fn new(options: UniverseOptions) -> Self {
        let users = options.users.unwrap_or(options.notes / 8).max(1);
        let total = options.notes.saturating_add(options.day.saturating_mul(note::a_day(options.notes)));
        let births: Vec<_> = (0..total).map(|number| note::Birth::of(&options, users, number)).collect();
        let mut universe = Self {
            options,
            note_numbers: births.iter().zip(0..).map(|(birth, number)| (birth.id(), number)).collect(),
            user_numbers: (0..users).map(|number| (Self::user_id(options.seed, number), number)).collect(),
            lists: (0..users).map(|_| List::default()).collect(),
            births,
        };
        universe.fill_lists();
        universe
    }

    fn fill_lists(&mut self) {
        let mut lists = std::mem::take(&mut self.lists);
        for (birth, number) in self.births.iter().zip(0..) {
            lists[birth.author as usize].notes.push(number);
        }
        for (list, user) in lists.iter_mut().zip(0..) {
            // Pins are chosen among all notes of the first day, so that they stay the same on later days.
            list.notes.sort_by_key(|number| self.births[*number as usize].published);
            let old = list.notes.iter().filter(|number| **number < self.options.notes).count();
            list.pinned = note::pins(self.options.seed, user).min(old.saturating_sub(1));
            list.notes[list.pinned..].reverse();
            let pinned = list.notes[..list.pinned].iter().filter(|number| self.is_listed(**number)).count();
            list.notes.retain(|number| self.is_listed(*number));
            list.pinned = pinned;
        }
        self.lists = lists;
    }

    /// Returns what the universe was made from.
    pub fn options(&self) -> &UniverseOptions {
        &self.options
    }

    /// Returns the present second: the end of the universe's day.
    pub fn now(&self) -> i64 {
        EPOCH + i64::from(self.options.day) * DAY
    }

    /// Lists the ids of all users, by number.
    pub fn user_ids(&self) -> Vec<String> {
        (0..self.lists.len() as u32).map(|number| Self::user_id(self.options.seed, number)).collect()
    }

    /// Lists the ids of all notes that ever were, by number.
    pub fn note_ids(&self) -> Vec<String> {
        self.births.iter().map(note::Birth::id).collect()
    }

    /// Finds a user.
    pub fn user(&self, id: &str) -> Option<User> {
        self.user_numbers.get(id).map(|number| self.user_at(*number))
    }

    /// Finds a note, also one that is gone.
    pub fn note(&self, id: &str) -> Option<Note> {
        self.note_numbers.get(id).map(|number| self.note_at(*number))
    }

    /// Lists what a user's list shows, in its order: pinned ones first, then newest first.
    pub fn notes_of(&self, user_id: &str) -> Vec<Note> {
        let numbers = self.user_numbers.get(user_id).map_or(&[][..], |number| self.list_of(*number));
        numbers.iter().map(|number| self.note_at(*number)).collect()
    }

    pub(crate) fn note_id(&self, number: u32) -> String {
        self.births[number as usize].id()
    }

    pub(crate) fn user_number(&self, id: &str) -> Option<u32> {
        self.user_numbers.get(id).copied()
    }

    pub(crate) fn list_of(&self, user: u32) -> &[u32] {
        self.lists.get(user as usize).map_or(&[], |list| &list.notes)
    }

    /// Returns the place in a user's list that follows one of the user's notes, also one that has left the list since.
    pub(crate) fn place_after(&self, user: u32, note_id: &str) -> Option<usize> {
        let (list, number) = (self.lists.get(user as usize)?, *self.note_numbers.get(note_id)?);
        if let Some(place) = list.notes.iter().position(|listed| *listed == number) {
            return Some(place + 1);
        }
        let published = |number: u32| self.births[number as usize].published;
        let newer = list.notes[list.pinned..].iter().take_while(|listed| published(**listed) > published(number));
        (self.births[number as usize].author == user).then(|| list.pinned + newer.count())
    }

    pub(crate) fn seed(&self) -> u64 {
        self.options.seed
    }

    pub(crate) fn is_odd(&self) -> bool {
        self.options.odd
    }

    pub(crate) fn day(&self) -> u32 {
        self.options.day
    }

    fn is_pinned(&self, number: u32) -> bool {
        let list = &self.lists[self.births[number as usize].author as usize];
        list.notes[..list.pinned].contains(&number)
    }
}

#[cfg(test)]
mod tests;
