//! The power goes at any step of sealing, publishing and telling: what was kept is there, raw or told, and the latest
//! snapshot is whole.
//!
//! kill -9 cannot see a missing sync, for the system still writes what a dead process gave it. So the steps of a command
//! are logged (`log.rs`), and for each of them a folder is made that holds what a careless file system would keep if
//! the power went right there (`platter.rs`). The next command must find every answer in it, once, and no broken file.
//! SQLite is trusted to sync what it commits; the settings that it needs for that have a test beside the state.
//!
//! The test is tested: of four programs that do it wrong, each must be caught.

mod log;
mod platter;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use notemill::archive;
use notemill::dataset::{self, Effort, Layout, Manifest, Origin, Part, TableEntry};
use notemill::disk::Disk;
use notemill::flatten::Recipe;
use notemill::model::{Answer, Billed, Body, Call, Money, NoteId, Outcome, sha256_hex};
use notemill::observations;
use notemill::state::{BodyPlace, State, StateError};

use self::log::{Event, Logged, Step};
use self::platter::Platter;
use super::{Draws, Promise, fast_folder};

pub(super) const PROMISE: Promise = Promise {
    name: "paid answers survive power loss",
    shown_by: "sealing, publishing and telling over a simulated file system that drops what was not synced",
    must_hold: "0 lost, 0 broken snapshots; 4 of 4 sabotaged programs caught",
    ci: 2_000,
    long: 100_000,
    show,
};

#[test]
fn paid_answers_survive_power_loss() {
    PROMISE.hold();
}

fn show(cases: u64) -> String {
    let (mut shown, mut recordings) = (0, 0);
    while shown < cases {
        let recording = Recording::make(recordings);
        recordings += 1;
        // Each moment of the recording, then each of them with other draws.
        for round in 0..4 {
            for moment in 0..recording.events.len() {
                let case = recordings * 1_000_000 + round * 100_000 + moment as u64;
                let found = recording.lose_power(&recording.events, moment, case);
                assert_eq!(found, Ok(()), "case {case}, before {:?}", recording.events[moment]);
                shown += 1;
            }
        }
    }
    let caught = Sabotage::ALL.iter().filter(|sabotage| sabotage.is_caught()).count();
    assert_eq!(caught, Sabotage::ALL.len(), "sabotaged programs caught");
    format!("0 lost, 0 broken ({shown} moments of {recordings} recordings); {caught} of {} caught", Sabotage::ALL.len())
}

/// A dataset that grew over some rounds, with all that was written meanwhile.
struct Recording {
    events: Vec<Event>,
    answers: Vec<Answer>,
}

pub(super) const LAYOUT: Layout = Layout {
    partition: notemill::job::Partition::Month,
    time_zone: notemill::model::Zone::UTC,
    compression: notemill::job::Compression::Zstd,
    keep_snapshots: 2,
};

impl Recording {
    fn make(seed: u64) -> Self {
        let mut draws = Draws(seed);
        let home = fast_folder();
        let root = home.path().join("data");
        std::fs::create_dir(&root).unwrap();
        let logged = Logged::new(&root);
        let disk = Disk::of(logged.clone());
        let mut state = open(&disk, &root).unwrap();
        state.claim_origin("live").unwrap();
        let mut answers = Vec::new();
        for _ in 0..2 + draws.below(2) {
            for _ in 0..=draws.below(2) {
                keep(&mut state, &mut answers, 1 + draws.below(3), &mut draws);
                logged.note(Event::Kept(answers.len()));
                archive::seal(&mut state, "r1").unwrap();
            }
            let sealed = archive::segments(&mut state).unwrap();
            let built =
                dataset::build(&sealed, &disk, &root, &LAYOUT, &Recipe::default(), Origin::Live, Effort::default())
                    .unwrap();
            logged.note(Event::Published(built.snapshot));
            // Some raw answers go, as `archive.retain` says.
            if draws.below(2) == 0 {
                let until = answers[draws.below(answers.len() as u64) as usize].observed_at;
                archive::expire(&mut state, until, false, |answers| {
                    observations::retain_all(&Recipe::default(), answers)
                })
                .unwrap();
            }
            // The next command opens the state again: the log of this one is folded in.
            drop(state);
            state = open(&disk, &root).unwrap();
        }
        Self { events: logged.events(), answers }
    }

    /// Cuts the power before an event, and looks at what the next command makes of what is left.
    fn lose_power(&self, events: &[Event], moment: usize, case: u64) -> Result<(), String> {
        let home = fast_folder();
        let root = home.path().join("data");
        let (mut platter, mut state, mut kept, mut published) = (Platter::new(), None, 0, 0);
        for event in &events[..moment] {
            match event {
                Event::Step(step) => platter.take(step),
                Event::State(files) => state = Some(files),
                Event::Kept(count) => kept = *count,
                Event::Published(snapshot) => published = *snapshot,
            }
        }
        let mut draws = Draws(case);
        platter.survive(&mut draws, &root);
        for (name, bytes) in state.into_iter().flatten() {
            std::fs::write(root.join(name), bytes).unwrap();
        }
        check_latest(&root, published)?;
        let found = recover(&root).map_err(|error| format!("{error:?}"))?;
        let kept_as_they_were = self.answers.iter().zip(&found).all(|(kept, found)| is_raw_or_retained(kept, found));
        if found.len() < kept || found.len() > self.answers.len() || !kept_as_they_were {
            return Err(format!("{kept} answers were kept, and {} are there", found.len()));
        }
        // Building is slow; the rows are looked at now and then.
        let raw = &self.answers[..found.len()];
        if draws.below(16) == 0 { check_tables(&root, raw).map_err(|error| error.to_string()) } else { Ok(()) }
    }
}

/// Returns true if an answer is what was kept, or what is retained of that.
pub(super) fn is_raw_or_retained(kept: &Answer, found: &Answer) -> bool {
    let body = || Some(Body::Retained(observations::retain(&Recipe::default(), kept).unwrap()));
    let retained = || Answer { body: body(), ..kept.clone() };
    found == kept || *found == retained()
}

/// Keeps made-up answers in one turn.
pub(super) fn keep(state: &mut State, answers: &mut Vec<Answer>, count: u64, draws: &mut Draws) {
    let turn = state.turn().unwrap();
    for _ in 0..count {
        let number = answers.len();
        let id = format!("{:08x}{number:016x}", 1_700_000_000 + draws.below(40_000_000));
        let note =
            format!("{{\"id\":\"{id}\",\"title\":\"{}\",\"likes\":{number}}}", "t".repeat(draws.below(300) as usize));
        let body = format!("{{\"code\":0,\"data\":[{{\"note_list\":[{note}]}}]}}");
        let sequence = turn.next_sequence(Timestamp::UNIX_EPOCH).unwrap();
        let answer = Answer {
            run_id: "r1".into(),
            call: Call::NoteDetail { note_id: NoteId::parse(&id).unwrap() },
            vendor: "justoneapi".into(),
            sequence,
            observed_at: Timestamp::from_microsecond(sequence).unwrap(),
            outcome: Outcome::Ok,
            vendor_code: Some("0".into()),
            http_status: Some(200),
            attempts: 1,
            latency_ms: 5,
            billed: Billed::Yes,
            cost: Money::ZERO,
            seed: None,
            items_path: Some("/data/0/note_list".into()),
            admitted: None,
            body: Some(Body::Raw(body.into_bytes())),
        };
        turn.keep(&answer, "{\"notes\":[],\"skipped\":0,\"broken\":0}", None, BodyPlace::UNCOUNTED).unwrap();
        answers.push(answer);
    }
    turn.commit().unwrap();
}

/// Opens a state. A process that another test starts holds the lock for the moment between its fork and its exec.
pub(super) fn open(disk: &Disk, root: &Path) -> Result<State, StateError> {
    loop {
        match State::open_on(disk.clone(), root) {
            Err(StateError::Locked { .. }) => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

/// What the next command does first; returns every answer that is sealed then.
pub(super) fn recover(root: &Path) -> Result<Vec<Answer>, archive::ArchiveError> {
    let mut state = open(&Disk::machine(), root)?;
    archive::reconcile(&mut state)?;
    archive::seal(&mut state, "r1")?;
    let mut answers = archive::answers(&mut state)?.collect::<Result<Vec<_>, _>>()?;
    answers.sort_by_key(|answer| answer.sequence);
    Ok(answers)
}

/// A reader that comes right after the power is back sees a whole snapshot, no older than the last one published.
fn check_latest(root: &Path, published: u64) -> Result<(), String> {
    let Ok(target) = std::fs::read_link(root.join("latest")) else {
        return if published == 0 { Ok(()) } else { Err("the link to the latest snapshot is gone".into()) };
    };
    let folder = root.join(target);
    let manifest = Manifest::read(&folder).map_err(|error| error.to_string())?;
    if manifest.snapshot < published {
        return Err(format!("snapshot {published} was published, and the latest is {}", manifest.snapshot));
    }
    for file in manifest.files() {
        let bytes = std::fs::read(folder.join(&file.path)).map_err(|error| format!("{}: {error}", file.path))?;
        if sha256_hex(&bytes) != file.sha256 {
            return Err(format!("{} of snapshot {} is broken", file.path, manifest.snapshot));
        }
    }
    Ok(())
}

/// A build after the power is back makes the tables of the answers, as if nothing had happened.
fn check_tables(root: &Path, answers: &[Answer]) -> Result<(), Box<dyn std::error::Error>> {
    let undisturbed = fast_folder();
    let undisturbed = tables(undisturbed.path(), &[Whole(answers)])?;
    let mut state = open(&Disk::machine(), root)?;
    let sealed = archive::segments(&mut state)?;
    if tables(root, &sealed)? == undisturbed { Ok(()) } else { Err("the tables are not those of the answers".into()) }
}

/// All answers as one part.
struct Whole<'a>(&'a [Answer]);

impl Part for Whole<'_> {
    type Error = std::convert::Infallible;
    type Batch = Vec<Answer>;

    fn id(&self) -> &'static str {
        "whole"
    }

    fn batches(&self) -> Result<impl Iterator<Item = Result<Vec<Answer>, Self::Error>>, Self::Error> {
        Ok(self.0.chunks(64).map(|batch| Ok(batch.to_vec())))
    }
}

fn tables<P: Part>(root: &Path, parts: &[P]) -> Result<BTreeMap<String, TableEntry>, String> {
    let built =
        dataset::build(parts, &Disk::machine(), root, &LAYOUT, &Recipe::default(), Origin::Live, Effort::default());
    let built = built.map_err(|error| format!("{error:?}"))?;
    Ok(Manifest::read(&dataset::snapshot_folder(root, built.snapshot)).map_err(|error| error.to_string())?.tables)
}

/// A program that does it wrong.
#[derive(Clone, Copy, Debug)]
enum Sabotage {
    NoFileSync,
    NoFolderSync,
    RenameBeforeSync,
    BodiesDroppedFirst,
}

impl Sabotage {
    const ALL: [Self; 4] = [Self::NoFileSync, Self::NoFolderSync, Self::RenameBeforeSync, Self::BodiesDroppedFirst];

    /// Tells whether any loss of power in the same recordings shows what is wrong.
    fn is_caught(self) -> bool {
        (0..2).any(|seed| {
            let recording = Recording::make(seed);
            let events = self.apply(&recording.events);
            (0..events.len()).any(|moment| recording.lose_power(&events, moment, moment as u64).is_err())
        })
    }

    fn apply(self, events: &[Event]) -> Vec<Event> {
        match self {
            Self::NoFileSync => without(events, |step| matches!(step, Step::SyncFile(_))),
            Self::NoFolderSync => without(events, |step| matches!(step, Step::SyncFolder(_))),
            Self::RenameBeforeSync => renamed_before_sync(events),
            Self::BodiesDroppedFirst => dropped_first(events),
        }
    }
}

fn without(events: &[Event], is_out: impl Fn(&Step) -> bool) -> Vec<Event> {
    events.iter().filter(|event| !matches!(event, Event::Step(step) if is_out(step))).cloned().collect()
}

/// Every file is synced only after it, or the folder that it is in, has its name.
fn renamed_before_sync(events: &[Event]) -> Vec<Event> {
    let (mut changed, mut late) = (Vec::new(), Vec::<PathBuf>::new());
    for event in events {
        match event {
            Event::Step(Step::SyncFile(path)) => late.push(path.clone()),
            Event::Step(Step::Rename(from, to)) => {
                changed.push(event.clone());
                for path in std::mem::take(&mut late) {
                    let path = path.strip_prefix(from).map_or(path.clone(), |inner| {
                        if inner.as_os_str().is_empty() { to.clone() } else { to.join(inner) }
                    });
                    changed.push(Event::Step(Step::SyncFile(path)));
                }
            }
            _ => changed.push(event.clone()),
        }
    }
    changed
}

/// The state names a segment, and drops the bodies, before the segment is written.
fn dropped_first(events: &[Event]) -> Vec<Event> {
    let mut changed = events.to_vec();
    let is_segment = |event: &Event| matches!(event, Event::Step(Step::Create(path)) if path.starts_with("archive"));
    for at in (0..events.len()).filter(|at| is_segment(&events[*at])) {
        let named = (at..events.len()).find(|at| matches!(events[*at], Event::State(_)));
        if let Some(named) = named {
            let state = changed.remove(named);
            changed.insert(at, state);
        }
    }
    changed
}
