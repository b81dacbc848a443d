//! What need not be asked again, and what follows from an earlier answer.

use std::path::Path;

use super::expand::Rules;
use super::{Crawl, CrawlError, sow};
use crate::archive;
use crate::job::{MaxAge, RefreshDetails};
use crate::model::{Call, Money, Outcome, shown};
use crate::observations;
use crate::state::{Kept, Level, Task, TaskStatus, Turn, latest_credible};

/// Runs in which a note or a user that vendors show nothing of is due at once; from then on, it is due by its age.
const EMPTY_RUNS: usize = 3;

impl Rules<'_> {
    /// Finds an earlier answer that is still good for a task.
    pub(super) fn fresh(self, turn: &Turn<'_>, task: &Task) -> Result<Option<Kept>, CrawlError> {
        let Some(kept) = turn.latest_fact(&task.call.key())? else { return Ok(None) };
        let is_unresolved = kept.outcome == Outcome::Empty && task.walk.is_none();
        // What this run was answered is never asked again in it; what one vendor did not show, another may.
        if kept.run == self.run {
            return Ok((!is_unresolved).then_some(kept));
        }
        if is_unresolved && turn.empty_runs(&task.call.key())?.len() < EMPTY_RUNS {
            return Ok(None);
        }
        let refresh = &self.job.refresh;
        let good = match &task.call {
            Call::NoteDetail { .. } if task.level == Level::Known => is_young(turn, &kept, refresh.known),
            Call::NoteDetail { note_id } => match refresh.details {
                RefreshDetails::Age(age) => is_young(turn, &kept, age),
                RefreshDetails::Changed => !turn.listing_changed(note_id)?,
            },
            Call::UserProfile { .. } => is_young(turn, &kept, refresh.authors),
            Call::SearchNotes { page, .. } => page_is_fresh(turn, task, *page, &kept, refresh.searches)?,
            Call::UserNotes { page, .. } => page_is_fresh(turn, task, *page, &kept, refresh.user_notes)?,
        };
        Ok(good.then_some(kept))
    }
}

impl Crawl<'_> {
    /// Settles a task with an earlier answer: what followed from it then follows now, under today's limits.
    pub(super) fn reuse(
        &mut self,
        turn: &Turn<'_>,
        dataset: &Path,
        task: &Task,
        kept: &Kept,
    ) -> Result<(), CrawlError> {
        turn.set_task(task.id, TaskStatus::Done)?;
        tracing::debug!(
            endpoint = task.call.endpoint().as_str(),
            asked = %shown(&task.call.params(), 300),
            observed_at = %kept.moment.observed_at,
            "used an earlier answer again"
        );
        if kept.run != self.run {
            // What was not billed then would not be billed now.
            let price = if kept.billed.counts() { sow::price(self.job, task.call.endpoint()) } else { Money::ZERO };
            turn.mark_saved(task.id, price)?;
        }
        let admitted = self.rules().expand(turn, task, &kept.page, &kept.vendor, kept.moment)?;
        let Some(wider) = wider(kept.admitted.as_deref(), admitted.as_deref()) else { return Ok(()) };
        let body = match &kept.segment {
            None => None,
            Some(segment) => {
                let answer = archive::read_answer(dataset, segment, kept.moment.sequence)?;
                observations::admitting(answer, wider.clone()).body
            }
        };
        turn.admit_more(kept.id, wider.as_deref(), body)?;
        Ok(())
    }
}

/// A walk ages as one: by its first page; later pages are good if they did not come before it.
fn page_is_fresh(turn: &Turn<'_>, task: &Task, page: u32, kept: &Kept, age: MaxAge) -> Result<bool, CrawlError> {
    let Some(walk) = task.walk else { return Ok(false) };
    let mut walk = turn.walk(walk)?;
    if page > 1 {
        return Ok(walk.reuse_from.is_some_and(|from| kept.moment.sequence >= from));
    }
    let good = is_young(turn, kept, age);
    if good {
        walk.reuse_from = Some(kept.moment.sequence);
        turn.update_walk(&walk)?;
    }
    Ok(good)
}

fn is_young(turn: &Turn<'_>, kept: &Kept, age: MaxAge) -> bool {
    match age {
        MaxAge::Always => false,
        MaxAge::Forever => true,
        MaxAge::Age(limit) => {
            let (now, observed_at) = (turn.now(), kept.moment.observed_at);
            // Within the slack of clocks, an answer of the future is young. Beyond it, nobody knows how old it is.
            let age = std::time::Duration::try_from(now.duration_since(observed_at)).unwrap_or_default();
            observed_at <= latest_credible(now) && age < limit
        }
    }
}

/// Joins two sets of admitted positions (none is all); nothing if the first holds the second.
#[expect(clippy::option_option, reason = "the inner option is the set of all positions")]
fn wider(before: Option<&[u32]>, now: Option<&[u32]>) -> Option<Option<Vec<u32>>> {
    let before = before?;
    let Some(now) = now else { return Some(None) };
    let mut joined: Vec<u32> = before.iter().chain(now).copied().collect();
    joined.sort_unstable();
    joined.dedup();
    (joined.len() > before.len()).then_some(Some(joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_admitted_again() {
        assert_eq!(wider(None, Some(&[1])), None);
        assert_eq!(wider(Some(&[1, 2]), Some(&[2])), None);
        assert_eq!(wider(Some(&[1]), Some(&[0, 2])), Some(Some(vec![0, 1, 2])));
        assert_eq!(wider(Some(&[1]), None), Some(None));
    }
}
