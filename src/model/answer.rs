//! An answer as it is kept for good: what was asked, what came back, what it cost.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Call, Endpoint, Money, Retained};

/// Sorts an answer by what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer holds what was asked for.
    Ok,
    /// The vendor stated by a code that the note or the user is not there.
    Gone,
    /// A success that shows nothing: of a list, its end; of a note or a user, not a fact about it.
    Empty,
    /// The vendor failed for now; asked again.
    Retry,
    /// The vendor asks for a slower pace.
    Throttle,
    /// The vendor's quota or balance is used up.
    Stop,
    /// The vendor refused the key.
    Refuse,
    /// The vendor refused this call alone.
    Reject,
    /// The vendor answered with a code that its description does not name.
    Unknown,
}

/// The codes by which vendors, and the platform inside their answers, state that something is not there.
const GONE_CODES: [&str; 4] = ["404", "201", "-510000", "-510001"];

impl Outcome {
    /// Every outcome, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Gone,
        Self::Empty,
        Self::Retry,
        Self::Throttle,
        Self::Stop,
        Self::Refuse,
        Self::Reject,
        Self::Unknown,
    ];

    /// Returns what an answer that shows nothing says: `Gone` if a code states it, `Empty` if not, or if it is a list.
    pub fn of_nothing(endpoint: Endpoint, code: Option<&str>, is_stated: bool) -> Self {
        let is_list = matches!(endpoint, Endpoint::SearchNotes | Endpoint::UserNotes);
        let stated = is_stated || code.is_some_and(|code| GONE_CODES.contains(&code));
        if stated && !is_list { Self::Gone } else { Self::Empty }
    }

    /// Returns what a stored outcome means: earlier versions stored `empty` also for what is gone, and the code decides.
    #[must_use]
    pub fn as_stored(self, endpoint: Endpoint, code: Option<&str>) -> Self {
        if self == Self::Empty { Self::of_nothing(endpoint, code, false) } else { self }
    }

    /// Returns the word that tables and vendor descriptions use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Gone => "gone",
            Self::Empty => "empty",
            Self::Retry => "retry",
            Self::Throttle => "throttle",
            Self::Stop => "stop",
            Self::Refuse => "refuse",
            Self::Reject => "reject",
            Self::Unknown => "unknown",
        }
    }

    /// Finds an outcome by its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// Tells whether the vendor answered the call: all others end in a call given up.
    pub const fn is_fact(self) -> bool {
        matches!(self, Self::Ok | Self::Gone | Self::Empty)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Says whether the vendor charged for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billed {
    /// Charged.
    Yes,
    /// Not charged.
    No,
    /// The request was written, but no whole answer came back.
    Unknown,
}

impl Billed {
    /// Returns the word that tables use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }

    /// Finds a value by its word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Yes, Self::No, Self::Unknown].into_iter().find(|billed| billed.as_str() == word)
    }

    /// Tells whether the call counts against the budget.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::No)
    }
}

/// Holds what an answer said.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// What came, unpacked, as UTF-8 where its character set is known, and less any key that the vendor echoed.
    Raw(Vec<u8>),
    /// The observations that are retained in its place: the job keeps raw answers for a while only.
    Retained(Retained),
    /// The same as JSON, as earlier versions wrote it.
    Told {
        /// What tells the key of the users' pseudonyms from other keys; none where users stand under their own ids.
        key: Option<String>,
        /// The observations, as JSON.
        json: String,
    },
}

impl Body {
    /// Returns the bytes; nothing if observations are retained in their place.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Raw(bytes) => bytes,
            Self::Retained(_) => &[],
            Self::Told { json, .. } => json.as_bytes(),
        }
    }

    /// Returns the raw bytes; none if they are gone.
    pub fn raw(&self) -> Option<&[u8]> {
        match self {
            Self::Raw(bytes) => Some(bytes),
            Self::Retained(_) | Self::Told { .. } => None,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(bytes) => write!(f, "Body({} bytes, raw)", bytes.len()),
            Self::Retained(retained) => retained.fmt(f),
            Self::Told { json, .. } => write!(f, "Body({} bytes, told)", json.len()),
        }
    }
}

/// When an answer came: its place among all answers, and what the clock said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its place: the greatest is the newest.
    pub sequence: i64,
    /// What the clock said; a clock that jumps says anything.
    pub observed_at: Timestamp,
}

/// Keeps one call with its final answer; the tables are a pure function of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The run that sent the call.
    pub run_id: String,
    /// What was asked.
    pub call: Call,
    /// The vendor that answered.
    pub vendor: String,
    /// Its place among all answers of the dataset: strictly increasing, in microseconds where no clock jumped.
    pub sequence: i64,
    /// What the clock said at the answer's last byte, whatever it said before.
    pub observed_at: Timestamp,
    /// What follows from the answer.
    pub outcome: Outcome,
    /// The vendor's own code, as text.
    pub vendor_code: Option<String>,
    /// The HTTP status; none where no answer came.
    pub http_status: Option<u16>,
    /// How often the call was sent in this run.
    pub attempts: u32,
    /// Milliseconds from the last send to its last byte.
    pub latency_ms: u32,
    /// Whether the vendor charged for the last attempt.
    pub billed: Billed,
    /// What all attempts cost, in the vendor's price unit; maybe-billed ones count in full.
    pub cost: Money,
    /// The number of the job's seed that led here, from 1; none for expansions.
    pub seed: Option<u32>,
    /// JSON pointer to the items (listings), the note list (details) or the profile object.
    pub items_path: Option<String>,
    /// Positions among the items that the job's limits admitted; none means all.
    pub admitted: Option<Vec<u32>>,
    /// What the answer said; none for a call given up without any.
    pub body: Option<Body>,
}

impl Answer {
    /// Returns when it came.
    pub const fn moment(&self) -> Moment {
        Moment { sequence: self.sequence, observed_at: self.observed_at }
    }
}

/// Returns the SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the SHA-256 of some bytes as lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

/// Returns bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble });
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte & 15));
    }
    digits
}
/// Reads hex digits; nothing if the text has anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push((digit(*high)? << 4 | digit(*low)?) as u8);
    }
    rest.is_empty().then_some(bytes)
}
