//! What a call that came back means: kept, billed, asked again, or given up.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::step::GIVEN_UP;
use super::vendors::Health;
use super::{Arrival, Crawl, CrawlError, Ended};
use crate::fetch::FailureKind;
use crate::forget::{self, ForgetError};
use crate::model::{Answer, Billed, Body, Call, Moment, Money, Outcome, shown};
use crate::state::{BodyPlace, Task, TaskStatus, Turn};
use crate::vendor::{Page, Reading, read};

/// A call that came back, read.
struct Settled {
    task: Task,
    vendor: String,
    version: String,
    number: u64,
    reading: Reading,
    status: Option<u16>,
    body: Option<Vec<u8>>,
    latency: Duration,
    retry_after: Option<Duration>,
    /// Whether asking again cannot help.
    hopeless: bool,
    /// Whether the body is in an encoding that is not known here.
    undecodable: bool,
    /// Whether the request never left.
    unreached: bool,
    /// Whether the answer is of any help, so that the vendor is up: a code that says "failed, try again" is not.
    helps: bool,
    spent: Money,
    moment: Moment,
}

impl Settled {
    /// Writes a log line for the call: what was asked, who answered what, and what it cost. A key is in none of it.
    fn log(&self) {
        let reason = self.reading.reason.as_deref().filter(|_| !self.helps || self.reading.outcome == Outcome::Reject);
        tracing::info!(
            endpoint = self.task.call.endpoint().as_str(),
            asked = %shown(&self.task.call.params(), 300),
            vendor = self.vendor.as_str(),
            outcome = self.reading.outcome.as_str(),
            code = self.reading.code.as_deref().map(|code| shown(code, 40)),
            status = self.status,
            notes = self.reading.page.notes.len(),
            ms = u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
            cost = %self.spent,
            reason = reason.map(|reason| shown(reason, 200)),
            "call"
        );
    }
}

impl Crawl<'_> {
    /// Settles a call that came back, in the turn that makes it durable.
    pub(super) fn settle(&mut self, turn: &Turn<'_>, arrival: Arrival) -> Result<(), CrawlError> {
        if let Some(vendor) = self.vendors.get_mut(&arrival.vendor) {
            vendor.pace.came_back();
        }
        let Some(task) = turn.task(arrival.task)? else { return Ok(()) };
        let sequence = turn.next_sequence(turn.now())?;
        let moment = Moment { sequence, observed_at: to_micros(arrival.observed_at) };
        let Some(mut settled) = self.understand(task, arrival, moment) else { return Ok(()) };
        self.erase(&mut settled)?;
        settled.log();
        // On the day on which it is settled, as the caps of a day are read.
        let (task, billed) = (&settled.task, settled.reading.billed);
        turn.spend(&self.run, billed, task.reserved, task.sent_at, turn.now())?;
        if settled.helps
            && let Some(vendor) = self.vendors.get_mut(&settled.vendor)
        {
            vendor.is_up(settled.number);
        }
        match settled.reading.outcome {
            Outcome::Ok | Outcome::Gone | Outcome::Empty => self.keep_fact(turn, settled),
            Outcome::Throttle => self.throttle(turn, &settled),
            Outcome::Stop => self.stop_vendor(turn, &settled),
            Outcome::Refuse => self.refuse(turn, &settled),
            Outcome::Reject => self.fall_back_or_give_up(turn, settled),
            Outcome::Retry | Outcome::Unknown => self.retry(turn, settled),
        }
    }

    fn understand(&self, task: Task, arrival: Arrival, moment: Moment) -> Option<Settled> {
        let vendor = self.vendors.get(&arrival.vendor)?;
        let version = vendor.version(task.call.endpoint(), &arrival.version)?;
        let failure = arrival.answer.as_ref().err().map(|failure| failure.kind);
        let undecodable = failure == Some(FailureKind::Undecodable);
        let hopeless = undecodable || failure == Some(FailureKind::TooLarge);
        let unreached = failure == Some(FailureKind::NotSent);
        let (reading, status, body, retry_after) = match arrival.answer {
            Ok(answer) => {
                let reading =
                    read(&vendor.description, version, &task.call, answer.status, &answer.body, moment.observed_at);
                (reading, Some(answer.status), Some(answer.body), answer.retry_after)
            }
            Err(failure) => {
                let reading = Reading {
                    outcome: Outcome::Retry,
                    code: None,
                    billed: failure.billed(),
                    reason: Some(failure.reason.clone()),
                    retired: false,
                    page: Page::default(),
                };
                (reading, failure.status, None, None)
            }
        };
        let helps = !matches!(reading.outcome, Outcome::Retry | Outcome::Unknown);
        let spent = if reading.billed.counts() { task.reserved } else { Money::ZERO };
        let (vendor, version, number, latency) = (arrival.vendor, arrival.version, arrival.number, arrival.took);
        Some(Settled {
            task,
            vendor,
            version,
            number,
            reading,
            status,
            body,
            latency,
            retry_after,
            hopeless,
            undecodable,
            unreached,
            helps,
            spent,
            moment,
        })
    }

    /// Takes what is forgotten out of what came, before any of it is kept.
    fn erase(&mut self, settled: &mut Settled) -> Result<(), CrawlError> {
        if self.forgotten.is_empty() {
            return Ok(());
        }
        let Settled { task, reading, body, .. } = settled;
        if let Call::NoteDetail { note_id } = &task.call
            && forget::is_by_forgotten(&reading.page, note_id, &self.forgotten)
        {
            // Written before the turn: no later run pays for it again. What showed it before is looked through once more.
            self.forgotten.add_note(note_id);
            self.forgotten.set_pending(true);
            forget::write(&self.disk, &self.dataset, &self.forgotten).map_err(ForgetError::from)?;
        }
        forget::erase_coming(&mut task.call, reading, body, &self.forgotten);
        Ok(())
    }

    fn keep_fact(&mut self, turn: &Turn<'_>, settled: Settled) -> Result<(), CrawlError> {
        if let Some(vendor) = self.vendors.get_mut(&settled.vendor) {
            vendor.pace.answered();
            vendor.retries.earn();
        }
        turn.settle_task(&settled.task, settled.spent, TaskStatus::Done)?;
        if let Call::NoteDetail { note_id } = &settled.task.call {
            turn.detail_fetched(note_id, settled.reading.outcome, settled.moment)?;
        }
        if settled.reading.outcome == Outcome::Empty && settled.task.walk.is_none() {
            return self.ask_elsewhere(turn, settled);
        }
        let page = settled.reading.page.clone();
        let admitted = self.rules().expand(turn, &settled.task, &page, &settled.vendor, settled.moment)?;
        self.keep(turn, settled, admitted)
    }

    /// A success that shows nothing of a note or a user says nothing of it: the next vendor of the route is asked. With none
    /// left, the call is given up for this run.
    fn ask_elsewhere(&mut self, turn: &Turn<'_>, settled: Settled) -> Result<(), CrawlError> {
        let mut task = settled.task.clone();
        task.empty_at.push(settled.vendor.clone());
        turn.set_empty_at(task.id, &task.empty_at)?;
        let is_left = self.vendors.of(&task).is_some();
        turn.set_task(task.id, if is_left { TaskStatus::Ready } else { TaskStatus::GivenUp })?;
        self.keep(turn, settled, None)
    }

    fn keep(&mut self, turn: &Turn<'_>, settled: Settled, admitted: Option<Vec<u32>>) -> Result<(), CrawlError> {
        let Settled { task, vendor, version, reading, .. } = settled;
        let called = self.vendors.get(&vendor).and_then(|vendor| vendor.version(task.call.endpoint(), &version));
        let place = BodyPlace::Unsealed { version: called.map(|called| called.path.as_str()) };
        let seed = task.walk.map(|walk| turn.walk(walk)).transpose()?.and_then(|walk| walk.seed);
        let page = serde_json::to_string(&reading.page).unwrap_or_default();
        let answer = Answer {
            run_id: self.run.clone(),
            vendor,
            sequence: settled.moment.sequence,
            observed_at: settled.moment.observed_at,
            outcome: reading.outcome,
            vendor_code: reading.code,
            http_status: settled.status,
            attempts: task.sends,
            latency_ms: settled.latency.as_millis().min(u128::from(u32::MAX)) as u32,
            billed: reading.billed,
            cost: task.cost + settled.spent,
            seed,
            items_path: reading.page.items_path,
            admitted,
            body: settled.body.map(Body::Raw),
            call: task.call,
        };
        turn.keep(&answer, &page, reading.reason.as_deref(), place)?;
        self.unsealed += answer.body.as_ref().map_or(0, |body| body.bytes().len() as u64);
        self.progress.settled += 1;
        Ok(())
    }

    /// The vendor pauses as a whole; the call has used up nothing.
    fn throttle(&mut self, turn: &Turn<'_>, settled: &Settled) -> Result<(), CrawlError> {
        turn.settle_task(&settled.task, settled.spent, TaskStatus::Ready)?;
        let Some(vendor) = self.vendors.get_mut(&settled.vendor) else { return Ok(()) };
        let now = Instant::now();
        vendor.pace.throttled(now, settled.retry_after);
        tracing::info!(vendor = vendor.name, "the vendor asks for a slower pace");
        let longest = self.patience.longest_throttle;
        if vendor.pace.throttled_for(now) > longest {
            let reason = format!("it asked for a slower pace for {} s on end", longest.as_secs());
            return self.finish(turn, &settled.vendor, reason);
        }
        Ok(())
    }

    /// The vendor's quota or balance is used up; the call is still owed.
    fn stop_vendor(&mut self, turn: &Turn<'_>, settled: &Settled) -> Result<(), CrawlError> {
        turn.settle_task(&settled.task, settled.spent, TaskStatus::Ready)?;
        self.finish(turn, &settled.vendor, settled.reading.reason.clone().unwrap_or_default())
    }

    /// A vendor is finished for this run; what it leaves owed has all its attempts at the next one of the route.
    fn finish(&mut self, turn: &Turn<'_>, vendor: &str, reason: String) -> Result<(), CrawlError> {
        if let Some(vendor) = self.vendors.get_mut(vendor)
            && vendor.stopped.is_none()
        {
            tracing::warn!(vendor = vendor.name, reason = reason.as_str(), "the vendor is finished for this run");
            vendor.stopped = Some(reason);
        }
        Ok(turn.fresh_attempts(&self.run)?)
    }

    /// The key is refused: nothing more is sent to anyone.
    fn refuse(&mut self, turn: &Turn<'_>, settled: &Settled) -> Result<(), CrawlError> {
        turn.settle_task(&settled.task, settled.spent, TaskStatus::Ready)?;
        let reason = settled.reading.reason.clone().unwrap_or_default();
        let vendor = settled.vendor.clone();
        if !matches!(self.ending, Some(Ended::Refused { .. })) {
            self.ending = Some(Ended::Refused { vendor, reason });
        }
        Ok(())
    }

    /// Asks again after a while, as long as attempts are left.
    fn retry(&mut self, turn: &Turn<'_>, mut settled: Settled) -> Result<(), CrawlError> {
        let patience = self.patience;
        let task = &mut settled.task;
        match (settled.reading.outcome, settled.reading.billed) {
            (Outcome::Unknown, _) => task.unknown += 1,
            (_, Billed::No) => task.free += 1,
            (_, Billed::Yes | Billed::Unknown) => task.billable += 1,
        }
        // An unknown code is asked once more, unless it was paid for.
        let unknown_limit = if settled.reading.billed == Billed::Yes { 1 } else { 2 };
        let exhausted = settled.hopeless
            || task.free >= patience.free_attempts
            || task.billable >= patience.billable_attempts
            || task.unknown >= unknown_limit;
        let (id, failed) = (task.id, task.free + task.billable + task.unknown);
        if settled.undecodable {
            return self.give_up_undecoded(turn, settled);
        }
        match self.health(&settled, exhausted) {
            Health::Up { .. } => {}
            // The fault is the vendor's: the call is still owed.
            Health::Ailing => return Ok(turn.settle_task(&settled.task, settled.spent, TaskStatus::Ready)?),
            Health::Down => {
                turn.settle_task(&settled.task, settled.spent, TaskStatus::Ready)?;
                let reason = settled.reading.reason.as_deref().unwrap_or("no readable answer");
                return self.finish(turn, &settled.vendor, format!("it does not answer: {reason}"));
            }
        }
        if exhausted {
            return self.fall_back_or_give_up(turn, settled);
        }
        turn.settle_task(&settled.task, settled.spent, TaskStatus::Waiting)?;
        let asked = settled.retry_after.unwrap_or_default().min(patience.longest_delay);
        let at = Instant::now() + patience.delay(failed, seed_of(&settled.task)).max(asked);
        self.waiting.insert((at, id), settled.vendor);
        Ok(())
    }

    /// Tells whether a call failed because its vendor fails for all.
    fn health(&mut self, settled: &Settled, exhausted: bool) -> Health {
        let has_other = self.vendors.has_other(&settled.task, &settled.vendor);
        let vendor = self.vendors.get_mut(&settled.vendor).filter(|_| !settled.hopeless);
        let Some(vendor) = vendor else { return Health::Up { silent: false } };
        if vendor.stopped.is_some() {
            // It was on its way when the others showed the vendor to be finished.
            return Health::Down;
        }
        match vendor.fails(settled.task.id, &self.patience, Instant::now()) {
            // One call alone shows an outage only where the vendor cannot even be reached, or where another may do
            // better: else the fault may be the call's own.
            Health::Up { silent: true } if exhausted && (settled.unreached || has_other) => Health::Down,
            health => health,
        }
    }

    /// Gives up a call whose answer is in an encoding that is not known here: asked again, it would come so again. A
    /// vendor that answers many calls in a row like that is finished for this run, for each of them may be billed.
    fn give_up_undecoded(&mut self, turn: &Turn<'_>, settled: Settled) -> Result<(), CrawlError> {
        let (name, reason) = (settled.vendor.clone(), settled.reading.reason.clone().unwrap_or_default());
        let (task, patience) = (settled.task.id, self.patience);
        let vendor = self.vendors.get_mut(&name);
        let is_rule =
            vendor.is_some_and(|vendor| !matches!(vendor.fails(task, &patience, Instant::now()), Health::Up { .. }));
        self.give_up(turn, settled)?;
        if is_rule { self.finish(turn, &name, reason) } else { Ok(()) }
    }

    /// Asks in the next version that the description names, if this one failed the call and billed no attempt at it.
    fn fall_back_or_give_up(&mut self, turn: &Turn<'_>, mut settled: Settled) -> Result<(), CrawlError> {
        let Settled { task, reading, vendor, version, .. } = &settled;
        let endpoint = task.call.endpoint();
        let is_free = reading.billed == Billed::No && task.billable == 0 && task.unknown == 0;
        let may = settled.status.is_some() && is_free && !task.call.is_bound();
        let vendor = self.vendors.get_mut(vendor).filter(|_| may);
        let next = vendor.and_then(|vendor| vendor.fall_back(endpoint, task.id, version, reading.retired));
        let Some(next) = next else { return self.give_up(turn, settled) };
        let reason = reading.reason.as_deref().unwrap_or_default();
        tracing::warn!(endpoint = endpoint.as_str(), from = version, to = next, reason, "another version is asked");
        settled.task.free = 0;
        Ok(turn.settle_task(&settled.task, settled.spent, TaskStatus::Ready)?)
    }

    fn give_up(&mut self, turn: &Turn<'_>, settled: Settled) -> Result<(), CrawlError> {
        turn.settle_task(&settled.task, settled.spent, TaskStatus::GivenUp)?;
        let reason = settled.reading.reason.clone().unwrap_or_else(|| settled.reading.outcome.to_string());
        tracing::warn!(
            endpoint = settled.task.call.endpoint().as_str(),
            reason = reason.as_str(),
            "a call was given up"
        );
        if let Call::NoteDetail { note_id } = &settled.task.call
            && (settled.reading.billed.counts() || settled.task.cost > Money::ZERO)
        {
            turn.detail_failed(note_id, settled.moment)?;
        }
        if let Some(walk) = settled.task.walk {
            let mut walk = turn.walk(walk)?;
            walk.ended = Some(GIVEN_UP.into());
            turn.update_walk(&walk)?;
        }
        self.keep(turn, settled, None)
    }
}

/// Cuts a moment to what is stored of it.
fn to_micros(moment: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(moment.as_microsecond()).unwrap_or(moment)
}

/// Makes a call's retry delays its own, and the same in every run.
fn seed_of(task: &Task) -> u64 {
    task.call
        .key()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
