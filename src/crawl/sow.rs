//! From seeds to the first tasks.

use serde::Serialize;

use super::CrawlError;
use crate::job::{Job, Limits, Order, SeedKind};
use crate::model::{Call, Endpoint, Money, Outcome, Query, UserId};
use crate::state::{Level, NewTask, Turn};

/// Adds the first tasks of every seed.
pub(super) fn sow(turn: &Turn<'_>, job: &Job, run: &str) -> Result<(), CrawlError> {
    for seed in &job.seeds {
        match &seed.kind {
            SeedKind::Queries(queries) => {
                for query in queries {
                    sow_query(turn, job, run, seed.number, query, &seed.limits)?;
                }
            }
            SeedKind::Users(users) => {
                for user in users {
                    sow_user(turn, job, run, Some(seed.number), user, &seed.limits)?;
                    if job.expand.authors {
                        add(turn, job, run, &Call::UserProfile { user_id: user.clone() }, None, Level::Seed)?;
                    }
                }
            }
            SeedKind::Notes(notes) => {
                for note in notes {
                    turn.note_seen(note, run, None)?;
                    add(turn, job, run, &Call::NoteDetail { note_id: note.clone() }, None, Level::Seed)?;
                }
            }
        }
    }
    Ok(())
}

/// Adds the details and profiles that the run before asked for and was shown nothing of: they are due, whether a listing
/// still shows them or not.
pub(super) fn sow_unresolved(turn: &Turn<'_>, job: &Job, run: &str, before: &str) -> Result<(), CrawlError> {
    for (call, level) in turn.empty_calls(before)? {
        let is_wanted = match call.endpoint() {
            Endpoint::NoteDetail => job.expand.details,
            Endpoint::UserProfile => job.expand.authors,
            _ => false,
        };
        let latest = turn.latest_fact(&call.key())?;
        if is_wanted && latest.is_some_and(|latest| latest.outcome == Outcome::Empty) {
            add(turn, job, run, &call, None, level)?;
        }
    }
    Ok(())
}

fn sow_query(
    turn: &Turn<'_>,
    job: &Job,
    run: &str,
    seed: u32,
    query: &Query,
    limits: &Limits,
) -> Result<(), CrawlError> {
    let name = name(Endpoint::SearchNotes, query);
    if let Some(walk) = turn.add_walk(run, &name, Some(seed), limits)? {
        add(turn, job, run, &Call::SearchNotes { query: query.clone(), page: 1 }, Some(walk), Level::Seed)?;
    }
    Ok(())
}

/// Adds the walk of a user's notes, unless the run has it; a seed's walk comes first and its limits hold.
pub(super) fn sow_user(
    turn: &Turn<'_>,
    job: &Job,
    run: &str,
    seed: Option<u32>,
    user: &UserId,
    limits: &Limits,
) -> Result<(), CrawlError> {
    #[derive(Serialize)]
    struct Name<'a> {
        user_id: &'a UserId,
    }
    let name = name(Endpoint::UserNotes, &Name { user_id: user });
    if let Some(id) = turn.add_walk(run, &name, seed, limits)? {
        let mut walk = turn.walk(id)?;
        // Known notes may end the walk if the one before went to the end, or as far as today's limits let it.
        let before = turn.user_walk(user)?.filter(|covered| covered == "all" || *covered == limits_text(limits));
        walk.until_known = before.filter(|_| job.refresh.until_known);
        turn.update_walk(&walk)?;
        let level = if seed.is_some() { Level::Seed } else { Level::Author };
        let first = Call::UserNotes { user_id: user.clone(), via: None, cursor: None, page: 1 };
        add(turn, job, run, &first, Some(id), level)?;
    }
    Ok(())
}

/// Adds a task, unless the run has it.
pub(super) fn add(
    turn: &Turn<'_>,
    job: &Job,
    run: &str,
    call: &Call,
    walk: Option<i64>,
    level: Level,
) -> Result<(), CrawlError> {
    let task = NewTask { call, walk, rank: rank(job.budget.order, call), level };
    turn.add_task(run, &task)?;
    Ok(())
}

/// Returns what a call costs at the first vendor of its route.
pub fn price(job: &Job, endpoint: Endpoint) -> Money {
    let vendor = job.route.get(&endpoint).and_then(|route| route.first());
    let settings = vendor.and_then(|name| job.vendors.get(name));
    settings.and_then(|settings| settings.price.get(&endpoint).copied()).unwrap_or(Money::ZERO)
}

/// Says what goes first. Depth: notes and authors before pages. Breadth: first pages, then those, then later pages.
fn rank(order: Order, call: &Call) -> i64 {
    match (order, call) {
        (_, Call::NoteDetail { .. }) => 1,
        (_, Call::UserProfile { .. }) => 2,
        (Order::Depth, _) => 3,
        (Order::Breadth, Call::SearchNotes { page: 1, .. } | Call::UserNotes { page: 1, .. }) => 0,
        (Order::Breadth, Call::SearchNotes { page, .. } | Call::UserNotes { page, .. }) => 3 + i64::from(*page),
    }
}

fn name(endpoint: Endpoint, of: &impl Serialize) -> String {
    // Serializing plain strings into memory cannot fail.
    format!("{endpoint} {}", serde_json::to_string(of).unwrap_or_default())
}

/// Words limits so that equal ones are equal texts.
pub(super) fn limits_text(limits: &Limits) -> String {
    // Serializing numbers and times into memory cannot fail.
    serde_json::to_string(limits).unwrap_or_default()
}
