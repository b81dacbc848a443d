//! Made-up notes, and what becomes of them from day to day.

use super::draws::Draws;
use super::{DAY, EPOCH, Universe, UniverseOptions, words};

/// A made-up note, as it is on the universe's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The note's number.
    pub number: u32,
    /// 24 hex digits, the first 8 of which are the second of creation.
    pub id: String,
    /// The number of the user who wrote it.
    pub author: u32,
    /// When it was published, in seconds.
    pub published: i64,
    /// When it was last changed, in seconds.
    pub updated: i64,
    /// Whether its text has changed since.
    pub is_edited: bool,
    /// Whether it is a video; else it has images alone.
    pub is_video: bool,
    /// The title; empty for some.
    pub title: String,
    /// The text in full, with mentions and `#…[话题]#` markers.
    pub text: String,
    /// The topics that the text marks, in its order.
    pub topics: Vec<Topic>,
    /// The numbers of the users whom the text mentions.
    pub mentions: Vec<u32>,
    /// How many images it has; a video has its cover.
    pub images: u32,
    /// The province that it was written from, where told.
    pub place: Option<&'static str>,
    /// The sound of videos and of some image notes.
    pub sound: Option<Sound>,
    /// The exact counts.
    pub counts: Counts,
    /// Whether its author has pinned it.
    pub is_pinned: bool,
    /// Whether it is gone: some listings still show it, a detail says that it is not there.
    pub is_gone: bool,
}

/// A topic that a note is tagged with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// 24 hex digits.
    pub id: String,
    /// The name, without `#`.
    pub name: &'static str,
}

/// The sound under a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// A number beyond 2^53, as text.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// How long it plays, in milliseconds.
    pub duration: u64,
}

/// How often a note was liked, collected, commented and shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Likes.
    pub liked: u64,
    /// Collects.
    pub collected: u64,
    /// Comments.
    pub comments: u64,
    /// Shares.
    pub shared: u64,
}

/// Who wrote a note when: all that lists and searches need of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Birth {
    pub(super) published: i64,
    pub(super) author: u32,
    tail: u32,
}

impl Birth {
    pub(super) fn of(options: &UniverseOptions, users: u32, number: u32) -> Self {
        let mut draws = Draws::new(options.seed, "birth", u64::from(number));
        let author = draws.skewed(u64::from(users), 6) as u32;
        let tail = draws.next() as u32;
        let published = match number.checked_sub(options.notes) {
            // Most are of late, the oldest two years old.
            None => EPOCH - 60 - draws.skewed(730 * DAY.unsigned_abs(), 6).cast_signed(),
            Some(fresh) => EPOCH + i64::from(fresh / a_day(options.notes)) * DAY + draws.seconds(DAY),
        };
        Self { published, author, tail }
    }

    pub(super) fn id(&self) -> String {
        format!("{:08x}00000000{:08x}", self.published, self.tail)
    }
}

/// Returns how many notes appear on each day after the first.
pub(super) fn a_day(notes: u32) -> u32 {
    (notes / 100).max(1)
}

/// Returns how many notes a user likes to pin.
pub(super) fn pins(seed: u64, user: u32) -> usize {
    let mut draws = Draws::new(seed, "pins", u64::from(user));
    if user == 0 || draws.once_in(4) { 1 + draws.below(2) as usize } else { 0 }
}

impl Universe {
    /// Makes up a note in full.
    pub(crate) fn note_at(&self, number: u32) -> Note {
        let birth = self.births[number as usize];
        let mut draws = Draws::new(self.seed(), "note", u64::from(number));
        let mut title = if draws.once_in(7) { String::new() } else { words::title(&mut draws) };
        let topics: Vec<Topic> = self.topics(&mut draws);
        let mentions: Vec<u32> =
            (0..draws.below(6).saturating_sub(3)).map(|_| draws.below(self.lists.len() as u64) as u32).collect();
        let mut text = String::new();
        for user in &mentions {
            text.extend(["@", &self.user_at(*user).nickname, " "]);
        }
        text += &words::sentences(&mut draws);
        for topic in &topics {
            text.extend(["#", topic.name, "[话题]# "]);
        }
        let is_video = self.is_video(number);
        let images = if is_video { 1 } else { 1 + draws.below(9).min(draws.below(9)) as u32 };
        let place = (!draws.once_in(9)).then(|| draws.pick(words::PLACES).0);
        let sound = (is_video || draws.once_in(6)).then(|| Sound {
            id: (1_000_000_000_000_000_000 + draws.next() / 4).to_string(),
            name: format!("{}的原声", self.user_at(birth.author).nickname),
            duration: 5_000 + draws.below(175_000),
        });
        let end_of_day = EPOCH + i64::from(self.born(number)) * DAY;
        let mut updated = (birth.published + draws.seconds(3 * DAY)).min(end_of_day);
        let edited = self.edited(number);
        if let Some(second) = edited {
            updated = second;
            title = format!("更新|{title}");
            text = format!("(有更新){text}");
        }
        if self.is_odd() && number % 5 == 2 {
            title += *draws.pick(words::HOSTILE);
        }
        let id = birth.id();
        let (counts, is_pinned, is_gone) = (self.counts(number), self.is_pinned(number), self.is_gone(number));
        let Birth { author, published, .. } = birth;
        Note {
            number,
            id,
            author,
            published,
            updated,
            is_edited: edited.is_some(),
            is_video,
            title,
            text,
            topics,
            mentions,
            images,
            place,
            sound,
            counts,
            is_pinned,
            is_gone,
        }
    }

    fn topics(&self, draws: &mut Draws) -> Vec<Topic> {
        let mut topics: Vec<Topic> = Vec::new();
        for _ in 0..draws.below(7) {
            let at = draws.skewed(words::TOPICS.len() as u64, 4);
            let name = words::TOPICS[at as usize];
            if topics.iter().all(|topic| topic.name != name) {
                let mut draws = Draws::new(self.seed(), "topic", at);
                topics.push(Topic { id: format!("5{}00000000{}", draws.hex(7), draws.hex(8)), name });
            }
        }
        topics
    }

    pub(super) fn is_video(&self, number: u32) -> bool {
        Draws::new(self.seed(), "video", u64::from(number)).below(10) < 4
    }

    pub(super) fn counts(&self, number: u32) -> Counts {
        let mut draws = Draws::new(self.seed(), "counts", u64::from(number));
        let first = draws.next() >> (47 + draws.below(14));
        let rate = if draws.once_in(4) { 0 } else { first / (20 + draws.below(200)) + 1 + draws.below(4) };
        // Many move every day, some by leaps, and each of these on days of its own.
        let mut pace = Draws::new(self.seed(), "pace", u64::from(number));
        let (stride, lead) = (*pace.pick(&[1, 1, 2, 5]), pace.below(5) as u32);
        let leaps = |day: u32| u64::from((day + lead) / stride);
        let liked = first + rate * leaps(self.day()).saturating_sub(leaps(self.born(number)));
        // Shares of a number that only grows, so that each count only grows.
        let mut part = |most: u64| liked * draws.below(most) / 100;
        let (collected, comments, shared) = (part(60), part(20), part(30));
        Counts { liked, collected, comments, shared }
    }

    /// Returns the day on which a note appeared; 0 for all that stood on the first.
    fn born(&self, number: u32) -> u32 {
        let notes = self.options.notes;
        number.checked_sub(notes).map_or(0, |fresh| 1 + fresh / a_day(notes))
    }

    /// Returns the day from which a note is gone.
    pub(super) fn gone_from(&self, number: u32) -> u32 {
        let mut draws = Draws::new(self.seed(), "fate", u64::from(number));
        let after = if draws.once_in(33) { 0 } else { 1 + draws.below(1000) as u32 };
        self.born(number).saturating_add(after)
    }

    pub(super) fn is_gone(&self, number: u32) -> bool {
        self.day() >= self.gone_from(number)
    }

    /// Tells whether listings show a note: those that vanish stay for one day more, those gone from the start for good.
    pub(super) fn is_listed(&self, number: u32) -> bool {
        let gone_from = self.gone_from(number);
        gone_from == self.born(number) || self.day() <= gone_from
    }

    /// Returns the second in which a note was edited, if it was by now.
    fn edited(&self, number: u32) -> Option<i64> {
        let mut draws = Draws::new(self.seed(), "edit", u64::from(number));
        let day = self.born(number) + 1 + draws.below(400) as u32;
        let second = EPOCH + i64::from(day) * DAY - 1 - draws.seconds(DAY / 2);
        (self.day() >= day).then_some(second)
    }
}
