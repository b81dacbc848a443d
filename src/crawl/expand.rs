//! From an answer to the tasks that follow from it.

use std::collections::BTreeMap;

use super::step::{KEY_IN_CURSOR, Paging, REPEATED_CURSOR, Seen, UNTIL_KNOWN, is_cut_short, step};
use super::{CrawlError, sow};
use crate::fetch::TAKEN_OUT;
use crate::forget::FORGOTTEN_CURSOR;
use crate::job::{Job, Limits, RefreshDetails};
use crate::model::{Call, Endpoint, Moment, NoteId, STAND_IN, UserId};
use crate::state::{Level, Task, Turn, Walk};
use crate::vendor::{NoteRef, Page};

/// What decides what a run asks: the job, and which answers are this run's own.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) job: &'a Job,
    pub(super) run: &'a str,
}

impl Rules<'_> {
    /// Returns true if a vendor of a task's route may still show it: not all of them have shown nothing.
    pub(super) fn has_vendor_left(self, task: &Task) -> bool {
        let route = self.job.route.get(&task.call.endpoint());
        task.empty_at.is_empty() || route.into_iter().flatten().any(|name| !task.is_empty_at(name))
    }

    /// Adds what follows from an answer; returns the positions that count, or none where all do.
    pub(super) fn expand(
        self,
        turn: &Turn<'_>,
        task: &Task,
        page: &Page,
        vendor: &str,
        moment: Moment,
    ) -> Result<Option<Vec<u32>>, CrawlError> {
        match (&task.call, task.walk) {
            (Call::SearchNotes { .. } | Call::UserNotes { .. }, Some(walk)) => {
                let walk = turn.walk(walk)?;
                self.expand_page(turn, task, walk, page, vendor, moment).map(Some)
            }
            // What is known of a note has led to its author already.
            (Call::NoteDetail { .. }, _) if task.level == Level::Known => Ok(None),
            (Call::NoteDetail { note_id }, _) => {
                // An answer about another note shows that note; it is not what was asked for, and nothing follows from it.
                for note in page.notes.iter().filter(|note| note.id == *note_id) {
                    self.add_author(turn, note, task.level)?;
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn expand_page(
        self,
        turn: &Turn<'_>,
        task: &Task,
        mut walk: Walk,
        page: &Page,
        vendor: &str,
        moment: Moment,
    ) -> Result<Vec<u32>, CrawlError> {
        let (query, user) = match &task.call {
            Call::SearchNotes { query, .. } => (Some(query), None),
            Call::UserNotes { user_id, .. } => (None, Some(user_id)),
            _ => (None, None),
        };
        if let Some(user) = user.filter(|_| walk.pages == 0) {
            // From here on the walk before does not count: this one may stop in the middle.
            turn.set_user_walk(user, None)?;
        }
        let seen = self.seen(turn, &walk, user, page)?;
        let paging = self.paging(vendor, task.call.endpoint());
        let step = step(&mut walk, query, page, &seen, paging, moment.observed_at);
        for (note, admitted) in &step.notes {
            turn.set_walk_note(walk.id, note, walk.leg, *admitted)?;
            if let Some(user) = user {
                turn.user_shows(user, note, self.run)?;
            }
        }
        // What the walk of a discovered author shows is one level further out.
        let level = if walk.seed.is_some() { Level::Seed } else { Level::Author };
        for note in page.notes.iter().filter(|note| step.notes.get(&note.id) == Some(&true)) {
            turn.note_listed(&note.id, task.call.endpoint(), &note.counts, self.run)?;
            turn.note_seen(&note.id, self.run, Some(moment.sequence))?;
            if self.job.expand.details {
                let call = Call::NoteDetail { note_id: note.id.clone() };
                sow::add(turn, self.job, self.run, &call, None, level)?;
                if self.job.refresh.details == RefreshDetails::Changed && turn.listing_changed(&note.id)? {
                    // An earlier answer may have been taken for good before this listing told of a change.
                    turn.reopen(self.run, &call)?;
                }
            }
            self.add_author(turn, note, level)?;
        }
        let ended = match step.ended {
            Some(reason) => Some(reason),
            None => self.next_page(turn, task, &walk, page, vendor, paging)?,
        };
        if let (Some(ended), Some(user)) = (ended, user) {
            turn.set_user_walk(user, covered(&walk, ended).as_deref())?;
        }
        walk.ended = ended.map(str::to_owned);
        turn.update_walk(&walk)?;
        Ok(step.admitted)
    }

    fn seen(
        self,
        turn: &Turn<'_>,
        walk: &Walk,
        user: Option<&UserId>,
        page: &Page,
    ) -> Result<BTreeMap<NoteId, Seen>, CrawlError> {
        let mut seen = BTreeMap::new();
        for note in &page.notes {
            let shown = turn.walk_note(walk.id, &note.id)?;
            let known = match user {
                Some(user) if walk.until_known.is_some() => turn.user_showed(user, &note.id, self.run)?,
                _ => false,
            };
            let (leg, admitted) = shown.map_or((None, false), |(leg, admitted)| (Some(leg), admitted));
            seen.insert(note.id.clone(), Seen { leg, admitted, known });
        }
        Ok(seen)
    }

    fn paging(self, vendor: &str, endpoint: Endpoint) -> Paging {
        let version = self.job.vendors.get(vendor).and_then(|vendor| vendor.call(endpoint));
        let by_cursor =
            endpoint == Endpoint::UserNotes && version.is_none_or(|version| version.params.contains_key("cursor"));
        if by_cursor { Paging::Cursor } else { Paging::Number }
    }

    /// Adds the next page's task; returns why there is none.
    fn next_page(
        self,
        turn: &Turn<'_>,
        task: &Task,
        walk: &Walk,
        page: &Page,
        vendor: &str,
        paging: Paging,
    ) -> Result<Option<&'static str>, CrawlError> {
        let next = match &task.call {
            Call::SearchNotes { query, page } => Call::SearchNotes { query: query.clone(), page: page + 1 },
            Call::UserNotes { user_id, page: number, .. } => {
                let cursor = page.cursor.clone().filter(|_| paging == Paging::Cursor);
                let is_forgotten = cursor.as_deref().is_some_and(|cursor| cursor.contains(STAND_IN));
                if cursor.as_deref().is_some_and(|cursor| cursor.contains(TAKEN_OUT)) {
                    // Less the key it leads nowhere, and with it it must not be kept.
                    return Ok(Some(KEY_IN_CURSOR));
                }
                if let Some(cursor) = &cursor
                    && !turn.add_cursor(walk.id, walk.leg, cursor)?
                {
                    return Ok(Some(REPEATED_CURSOR));
                }
                let via = Some(vendor.to_owned());
                let next = Call::UserNotes { user_id: user_id.clone(), via, cursor, page: number + 1 };
                // It leads nowhere but to what this run has been answered already.
                if is_forgotten && turn.latest_fact(&next.key())?.is_none_or(|kept| kept.run != self.run) {
                    return Ok(Some(FORGOTTEN_CURSOR));
                }
                next
            }
            _ => return Ok(None),
        };
        sow::add(turn, self.job, self.run, &next, Some(walk.id), task.level)?;
        Ok(None)
    }

    /// Adds the profile and the notes of a note's author, as the job says; notes of authors go one level out, no further.
    fn add_author(self, turn: &Turn<'_>, note: &NoteRef, level: Level) -> Result<(), CrawlError> {
        let Some(author) = &note.author else { return Ok(()) };
        if self.job.expand.authors {
            sow::add(turn, self.job, self.run, &Call::UserProfile { user_id: author.clone() }, None, level)?;
        }
        if self.job.expand.author_notes && level == Level::Seed {
            let limits = Limits { stop_when_stale: 2, ..Limits::default() };
            sow::sow_user(turn, self.job, self.run, None, author, &limits)?;
        }
        Ok(())
    }
}

/// Says how far a user's walk went when it ended: to the last note, or as far as its limits let it; none where the vendor
/// cut it short.
fn covered(walk: &Walk, ended: &str) -> Option<String> {
    match (ended, &walk.until_known) {
        ("last page" | "no more notes", _) => Some("all".to_owned()),
        (UNTIL_KNOWN, Some(before)) => Some(before.clone()),
        _ => (!is_cut_short(ended)).then(|| sow::limits_text(&walk.limits)),
    }
}
