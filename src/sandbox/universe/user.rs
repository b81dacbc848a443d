//! Made-up people.

use super::draws::Draws;
use super::{EPOCH, Universe, words};

/// A made-up user, as the universe shows it on its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's number; small ones write more.
    pub number: u32,
    /// 24 hex digits, the first 8 of which are the second of registration.
    pub id: String,
    /// The number or word that people search by.
    pub red_id: String,
    /// The name shown.
    pub nickname: String,
    /// What the user says about themselves.
    pub description: String,
    /// 0 is male, 1 female, 2 not told.
    pub gender: u8,
    /// Province and city.
    pub place: (&'static str, &'static str),
    /// What the user says to be, if anything.
    pub trades: Vec<&'static str>,
    /// Whether the platform has verified the user.
    pub is_verified: bool,
    /// How many people follow the user.
    pub fans: u64,
    /// How many people the user follows.
    pub follows: u64,
    /// Likes over all notes.
    pub liked: u64,
    /// Collects over all notes.
    pub collected: u64,
    /// Notes that the user's list shows.
    pub notes: u64,
}

impl Universe {
    /// Returns a user by number; any number has a user, whether or not the universe lists it.
    pub(crate) fn user_at(&self, number: u32) -> User {
        let mut draws = Draws::new(self.seed(), "user", u64::from(number));
        let id = id(&mut draws);
        let mut nickname = words::nickname(&mut draws);
        let red_id = match draws.below(3) {
            0 => format!("{}{}", draws.hex(6), draws.below(1000)),
            _ => (100_000_000 + draws.below(9_000_000_000)).to_string(),
        };
        let trades = (0..draws.below(3)).map(|_| *draws.pick(words::TRADES)).collect();
        let description = format!("🧡{}\n🌈{}", words::title(&mut draws), words::title(&mut draws));
        let gender = draws.below(3) as u8;
        let place = *draws.pick(words::PLACES);
        let is_verified = draws.once_in(12);
        let fans = draws.next() >> (46 + draws.below(17));
        let follows = draws.below(900);
        if self.is_odd() && number % 3 == 1 {
            (*draws.pick(words::HOSTILE)).clone_into(&mut nickname);
        }
        let notes = self.list_of(number).len() as u64;
        let day = u64::from(self.day());
        let fans = fans + day * (fans / 400 + 1);
        let liked = fans / 2 + notes * 40 + day * (fans / 300 + 2);
        let collected = liked * (20 + draws.below(60)) / 100;
        User {
            number,
            id,
            red_id,
            nickname,
            description,
            gender,
            place,
            trades,
            is_verified,
            fans,
            follows,
            liked,
            collected,
            notes,
        }
    }

    /// Returns a user's id; it depends on the seed and the number alone.
    pub(super) fn user_id(seed: u64, number: u32) -> String {
        id(&mut Draws::new(seed, "user", u64::from(number)))
    }
}

/// Registration lies between three and nine years before the universe's first day.
fn id(draws: &mut Draws) -> String {
    const YEAR: i64 = 365 * 86_400;
    let registered = EPOCH - 3 * YEAR - draws.seconds(6 * YEAR);
    format!("{registered:08x}00000000{}", draws.hex(8))
}
