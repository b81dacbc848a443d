//! What a job's rules need, worked out from what the vendor shows: which calls, night after night.

use std::collections::{BTreeMap, BTreeSet};

use notemill::model::Endpoint;

use super::witness::{Ask, ShownNote, Witness, ask};

pub(super) const HOUR: i64 = 3_600_000_000;
pub(super) const WEEK: i64 = 168 * HOUR;

/// When the details of a note are asked again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Details {
    Changed,
    /// When they are older, in microseconds.
    Older(i64),
}

/// One search of a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    pub(super) seed: i64,
    pub(super) keyword: &'static str,
    pub(super) sort: &'static str,
    pub(super) published: &'static str,
    pub(super) max_pages: u32,
}

impl Search {
    fn page(&self, page: u32) -> Ask {
        let params = [("keyword", self.keyword), ("sort", self.sort), ("published", self.published)];
        let mut ask = ask(Endpoint::SearchNotes, params);
        ask.1.extend([("page".into(), page.to_string()), ("note_type".into(), "all".into())]);
        ask
    }

    fn of(&self, ask: &Ask) -> bool {
        ask.0 == Endpoint::SearchNotes
            && self.page(1).1.iter().all(|(name, value)| name == "page" || ask.1[name] == *value)
    }
}

/// What a job says; ages are in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) searches: Vec<Search>,
    /// The number of the users' seed, and the users.
    pub(super) users: (i64, Vec<String>),
    pub(super) details: Details,
    pub(super) authors: i64,
    /// How old a search may be; none is asked always.
    pub(super) searches_age: Option<i64>,
    pub(super) until_known: bool,
    /// How old the detail of a note may be that no listing shows; none is never asked again.
    pub(super) known: Option<i64>,
}

/// A run as it went: one night, or several where it was stopped or killed.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) id: String,
    /// The moments of its nights.
    pub(super) moments: Vec<i64>,
    /// Every call that the vendor's books name, in the order of arrival.
    pub(super) asked: Vec<Ask>,
    /// Calls that a kill left without an answer.
    pub(super) lost: u64,
    /// Whether the next run began anew in place of going on with it.
    pub(super) is_abandoned: bool,
    /// Whether a cap left known notes to the next run.
    pub(super) leaves_known: bool,
    /// What was answered: on which day, and when the answer was kept.
    pub(super) answered: BTreeMap<Ask, (u32, i64)>,
}

/// What one answer adds to the tables.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) run: String,
    pub(super) ask: Ask,
    pub(super) day: u32,
    pub(super) at: i64,
    /// The seed of a listing.
    pub(super) seed: i64,
    /// The notes that count, with their places.
    pub(super) notes: Vec<(i64, ShownNote)>,
    pub(super) profile: Option<[i64; 6]>,
    /// Whether a detail stated that its note is not there.
    pub(super) is_gone: bool,
}

/// What a kind of listing told of a note: its counts, and when it was last changed.
type Told = ([i64; 4], i64);

/// What a kind of listing told of a note: lately, by night, and when its detail was last fetched.
#[derive(Clone, Debug)]
struct Listed {
    latest: Told,
    by_night: BTreeMap<u32, Told>,
    at_detail: Option<Told>,
}

/// All that the runs so far have left behind.
#[derive(Debug, Default)]
pub(super) struct Past {
    facts: BTreeMap<Ask, (u32, i64)>,
    /// In how many runs a detail or a profile was a success that shows nothing, since it was last anything else.
    empty_runs: BTreeMap<Ask, u32>,
    /// What the run before was shown nothing of: due, whether a listing shows it or not.
    empty_before: BTreeSet<Ask>,
    listings: BTreeMap<(String, Endpoint), Listed>,
    /// Users whose latest walk went to its end, and what their walks have shown.
    covered: BTreeSet<String>,
    known: BTreeMap<String, BTreeSet<String>>,
    pub(super) seen: Vec<Seen>,
    /// How often each rule decided something, so that a test can tell that it was tried at all.
    pub(super) tried: BTreeMap<&'static str, u32>,
}

/// Which calls a run needs, and which it may make or not: an age that was young on one of its nights and old on another.
#[derive(Debug, Default)]
struct Needs {
    must: BTreeSet<Ask>,
    may: BTreeSet<Ask>,
    authors: BTreeSet<String>,
    notes: BTreeSet<String>,
    seen: Vec<Seen>,
}

impl Past {
    /// Checks one run against the rules, call by call, and adds what it showed.
    pub(super) async fn add(&mut self, rules: &Rules, run: &Run, witness: &mut Witness) {
        let mut needs = Needs { authors: rules.users.1.iter().cloned().collect(), ..Needs::default() };
        for search in &rules.searches {
            self.walk_search(rules, search, run, witness, &mut needs).await;
        }
        for user in &rules.users.1 {
            self.walk_user(rules, user, run, witness, &mut needs).await;
        }
        self.note_listings(&mut needs);
        let listed = std::mem::take(&mut needs.notes);
        for note in listed.clone() {
            let detail = ask(Endpoint::NoteDetail, [("note_id", &note)]);
            let is_due = self.is_due_for_it_is_empty(&detail);
            let (first, last) = match (rules.details, self.facts.get(&detail)) {
                (_, None) => (true, true),
                (_, Some(_)) if is_due => (true, true),
                (Details::Older(age), Some((_, at))) => run.is_old(*at, age),
                (Details::Changed, Some(_)) => {
                    let changed = self.has_changed(&note);
                    (changed, changed)
                }
            };
            self.need(detail, first, last, "details", &mut needs);
        }
        for ask in std::mem::take(&mut self.empty_before) {
            if self.is_due_for_it_is_empty(&ask) {
                self.count("unresolved before");
                if let (Endpoint::NoteDetail, Some((day, _))) = (ask.0, run.answered.get(&ask)) {
                    let shown = witness.shown(*day, &ask).await;
                    needs.authors.extend(shown.notes.iter().map(|(_, note)| note.author.clone()));
                }
                needs.must.insert(ask);
            }
        }
        for author in std::mem::take(&mut needs.authors) {
            let profile = ask(Endpoint::UserProfile, [("user_id", &author)]);
            let is_due = self.is_due_for_it_is_empty(&profile);
            let before = self.facts.get(&profile).filter(|_| !is_due);
            let (first, last) = before.map_or((true, true), |(_, at)| run.is_old(*at, rules.authors));
            self.need(profile, first, last, "authors", &mut needs);
        }

        self.need_known(rules, run, &listed, witness, &mut needs).await;

        let mut times: BTreeMap<&Ask, u64> = BTreeMap::new();
        run.asked.iter().for_each(|ask| *times.entry(ask).or_default() += 1);
        let missing: Vec<_> = needs.must.iter().filter(|ask| !times.contains_key(ask)).collect();
        assert!(missing.is_empty() || run.is_abandoned, "run {}: not asked: {missing:#?}", run.id);
        let extra: Vec<_> =
            times.keys().filter(|ask| !needs.must.contains(**ask) && !needs.may.contains(**ask)).collect();
        assert!(extra.is_empty(), "run {}: asked without need: {extra:#?}", run.id);
        let twice: u64 = times.values().map(|times| times - 1).sum();
        assert!(twice <= run.lost, "run {}: {twice} asked twice, and {} were cut off", run.id, run.lost);
        assert!(times.keys().all(|ask| run.answered.contains_key(*ask)), "run {}: an answer is not there", run.id);
        assert_eq!(run.answered.len(), times.len(), "run {}: an answer that nobody asked for", run.id);

        for (ask, (day, at)) in &run.answered {
            if matches!(ask.0, Endpoint::NoteDetail | Endpoint::UserProfile) {
                let shown = witness.shown(*day, ask).await;
                let (notes, profile, is_gone) = (shown.notes.clone(), shown.profile, shown.is_gone);
                if notes.is_empty() && profile.is_none() && !is_gone {
                    *self.empty_runs.entry(ask.clone()).or_default() += 1;
                    self.empty_before.insert(ask.clone());
                } else {
                    self.empty_runs.remove(ask);
                }
                needs.seen.push(Seen {
                    run: run.id.clone(),
                    ask: ask.clone(),
                    day: *day,
                    at: *at,
                    seed: 0,
                    notes,
                    profile,
                    is_gone,
                });
            }
            if let Some(note) = ask.1.get("note_id") {
                // Later listings are compared with those of the night of the detail, or with the first after it.
                for listed in self.listings.iter_mut().filter(|((id, _), _)| id == note).map(|(_, listed)| listed) {
                    let then = listed.by_night.range(..=*day).next_back().or_else(|| listed.by_night.first_key_value());
                    listed.at_detail = then.map(|(_, told)| *told);
                }
            }
            self.facts.insert(ask.clone(), (*day, *at));
        }
        self.seen.append(&mut needs.seen);
    }

    /// The notes that no listing of the run shows: those whose detail is old, after everything else, the oldest first; not
    /// those that are gone, unless a listing has shown them since.
    async fn need_known(
        &mut self,
        rules: &Rules,
        run: &Run,
        listed: &BTreeSet<String>,
        witness: &mut Witness,
        needs: &mut Needs,
    ) {
        let Some(age) = rules.known else { return };
        let mut due = Vec::new();
        for (ask, (day, at)) in self.facts.clone() {
            if ask.0 != Endpoint::NoteDetail || !run.is_old(at, age).1 {
                continue;
            }
            let note = &ask.1["note_id"];
            // An empty detail says nothing of its note.
            let is_there = !witness.shown(day, &ask).await.is_gone;
            let shows = |seen: &&Seen| seen.at > at && seen.notes.iter().any(|(_, shown)| shown.id == *note);
            if needs.must.contains(&ask) && !listed.contains(note) {
                // It is unresolved, and asked before the known ones.
            } else if listed.contains(note) {
                self.count("known and listed");
            } else if is_there || self.seen.iter().find(shows).is_some() {
                due.push((at, ask));
            } else {
                self.count("known and gone");
            }
        }
        due.sort();
        let place = |ask: &Ask| run.asked.iter().position(|asked| asked == ask);
        let others = run.asked.iter().rposition(|asked| due.iter().all(|(_, ask)| ask != asked));
        let mut is_left = false;
        for (at, ask) in due {
            match place(&ask) {
                Some(place) => {
                    assert!(others.is_none_or(|others| others < place), "run {}: {ask:?} came before others", run.id);
                    assert!(!is_left, "run {}: {ask:?} came before an older one", run.id);
                    self.count("known again");
                }
                None if run.is_old(at, age).0 => {
                    assert!(run.leaves_known, "run {}: {ask:?} is due", run.id);
                    self.count("known and left");
                    is_left = true;
                }
                None => {}
            }
            needs.may.insert(ask);
        }
    }

    async fn walk_search(
        &mut self,
        rules: &Rules,
        search: &Search,
        run: &Run,
        witness: &mut Witness,
        needs: &mut Needs,
    ) {
        let before = self.facts.get(&search.page(1)).copied();
        let replays = before.zip(rules.searches_age).is_some_and(|((_, at), age)| !run.is_old(at, age).1);
        let (mut ids, mut stale) = (BTreeSet::new(), 0);
        for page in 1..=search.max_pages {
            let ask = search.page(page);
            let (day, at) = if replays {
                self.count("searches used again");
                self.facts[&ask]
            } else {
                needs.must.insert(ask.clone());
                let Some(answered) = run.answered.get(&ask) else { return };
                *answered
            };
            let shown = witness.shown(day, &ask).await;
            if shown.is_empty {
                if !replays {
                    needs.seen.push(Seen {
                        run: run.id.clone(),
                        ask,
                        day,
                        at,
                        seed: search.seed,
                        notes: vec![],
                        profile: None,
                        is_gone: false,
                    });
                }
                return;
            }
            let mut notes = shown.notes.clone();
            let all = notes.len();
            notes.retain(|(_, note)| search.published != "week" || note.published * 1_000_000 >= at - WEEK);
            self.add_count("left out by the window", all - notes.len());
            needs.list(&notes);
            if !replays {
                let run = run.id.clone();
                needs.seen.push(Seen { run, ask, day, at, seed: search.seed, notes, profile: None, is_gone: false });
            }
            let before = ids.len();
            ids.extend(shown.notes.iter().map(|(_, note)| note.id.clone()));
            stale = if ids.len() > before { 0 } else { stale + 1 };
            if stale == 2 {
                return;
            }
        }
    }

    async fn walk_user(&mut self, rules: &Rules, user: &str, run: &Run, witness: &mut Witness, needs: &mut Needs) {
        let known = self.known.get(user).cloned().unwrap_or_default();
        let may_stop = rules.until_known && self.covered.contains(user);
        let mut page = ask(Endpoint::UserNotes, [("user_id", user)]);
        loop {
            needs.must.insert(page.clone());
            let Some((day, at)) = run.answered.get(&page).copied() else { return };
            // The walk before counts until this one has begun.
            self.covered.remove(user);
            let shown = witness.shown(day, &page).await;
            needs.list(&shown.notes);
            let (run, notes) = (run.id.clone(), shown.notes.clone());
            let (ask, seed) = (page.clone(), rules.users.0);
            needs.seen.push(Seen { run, ask, day, at, seed, notes, profile: None, is_gone: false });
            let own = self.known.entry(user.to_owned()).or_default();
            own.extend(shown.notes.iter().map(|(_, note)| note.id.clone()));
            let mut unpinned = shown.notes.iter().filter(|(_, note)| note.sticky != Some(true)).peekable();
            let is_known = unpinned.peek().is_some() && unpinned.all(|(_, note)| known.contains(&note.id));
            if shown.is_empty || (may_stop && is_known) || shown.has_more == Some(false) {
                if !shown.is_empty && shown.has_more != Some(false) {
                    self.count("walks that ended at known notes");
                }
                self.covered.insert(user.to_owned());
                return;
            }
            if rules.until_known && is_known {
                self.count("walks that went on, for the one before had not ended");
            }
            page.1.insert("cursor".into(), shown.notes.last().unwrap().1.id.clone());
        }
    }

    /// Takes in what the listings of a run told, in the order in which they came.
    fn note_listings(&mut self, needs: &mut Needs) {
        needs.seen.sort_by_key(|seen| seen.at);
        for seen in &needs.seen {
            for (_, note) in &seen.notes {
                let told = (note.counts, note.updated.unwrap_or_default());
                let has_detail = self.facts.contains_key(&ask(Endpoint::NoteDetail, [("note_id", &note.id)]));
                let at_detail = has_detail.then_some(told);
                let first = Listed { latest: told, by_night: BTreeMap::new(), at_detail };
                let listed = self.listings.entry((note.id.clone(), seen.ask.0)).or_insert(first);
                listed.latest = (told.0, told.1.max(listed.latest.1));
                listed.by_night.insert(seen.day, listed.latest);
            }
        }
    }

    fn has_changed(&self, note: &str) -> bool {
        let kinds = [Endpoint::SearchNotes, Endpoint::UserNotes];
        let mut listed = kinds.iter().filter_map(|kind| self.listings.get(&(note.to_owned(), *kind)));
        listed.any(|Listed { latest, at_detail, .. }| {
            at_detail.is_some_and(|at_detail| latest.0 != at_detail.0 || latest.1 > at_detail.1)
        })
    }

    /// Tells whether a detail or a profile is asked again for it was a success that shows nothing, in fewer than three runs.
    fn is_due_for_it_is_empty(&mut self, ask: &Ask) -> bool {
        let Some(runs) = self.empty_runs.get(ask).copied() else { return false };
        self.count(if runs < 3 { "empty and due" } else { "empty in three runs" });
        runs < 3
    }

    /// Notes that a call is needed by what its first night and its last say.
    fn need(&mut self, ask: Ask, first: bool, last: bool, kind: &'static str, needs: &mut Needs) {
        match (self.facts.contains_key(&ask), last) {
            (_, false) => self.count(if kind == "details" { "details spared" } else { "authors spared" }),
            (true, true) => self.count(if kind == "details" { "details again" } else { "authors again" }),
            (false, true) => {}
        }
        if first && last {
            needs.must.insert(ask);
        } else if last {
            needs.may.insert(ask);
        }
    }

    fn count(&mut self, what: &'static str) {
        self.add_count(what, 1);
    }

    fn add_count(&mut self, what: &'static str, times: usize) {
        *self.tried.entry(what).or_default() += times as u32;
    }
}

impl Needs {
    fn list(&mut self, notes: &[(i64, ShownNote)]) {
        self.notes.extend(notes.iter().map(|(_, note)| note.id.clone()));
        self.authors.extend(notes.iter().map(|(_, note)| note.author.clone()));
    }
}

impl Run {
    /// Tells whether an answer of an earlier run is too old on the first night, and on the last.
    fn is_old(&self, at: i64, age: i64) -> (bool, bool) {
        let (first, last) = (self.moments.first().unwrap(), self.moments.last().unwrap());
        (first - at >= age, last - at >= age)
    }

    pub(super) fn search_of<'a>(rules: &'a Rules, ask: &Ask) -> &'a Search {
        rules.searches.iter().find(|search| search.of(ask)).unwrap()
    }
}
