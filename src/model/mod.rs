//! The words of the domain: ids, calls, answers, observations, counts, times and money. No I/O.

mod answer;
mod call;
mod caught;
mod count;
mod extra;
mod fill;
mod forgotten;
mod id;
mod inspection;
mod money;
mod observation;
mod problem;
mod record;
mod retained;
mod shown;
mod time;
mod zone;

pub use answer::{Answer, Billed, Body, Moment, Outcome, from_hex, hex, sha256, sha256_hex};
pub use call::{Call, Endpoint, NoteTypeFilter, Published, Query, Sort};
pub use caught::caught;
pub use count::{Count, read_count};
pub use extra::{Extra, Float};
pub use fill::Fill;
pub(crate) use forgotten::STAND_IN;
pub use forgotten::{Forgotten, ForgottenError};
pub use id::{IdError, NoteId, UserId, read_id};
pub use inspection::{Finding, Inspection};
pub use money::{Money, ParseMoneyError};
pub use observation::{
    AuthorObservation, AuthorSource, AuthorTag, Cover, EmptyDetail, Gender, Hashtag, Image, Listing, Mention,
    NoteContent, NoteObservation, NoteSource, Profile, Provenance, Video,
};
pub use problem::{Problem, did_you_mean, parse_duration, reader_problem};
pub use record::{CallRecord, Reject, SearchHit};
pub use retained::{KINDS, Retained, without_descriptions};
pub use shown::shown;
pub use time::{place_after_time, read_time};
pub use zone::{UnknownZone, Zone};
