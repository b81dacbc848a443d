//! The one reader of bodies: what a provider's JSON says of notes and users.
//!
//! ```text
//! body ──json::parse()──▶ Node ──items_at()──▶ items ──Facts, read_note(), read_profile()──▶ observations
//! ```
//!
//! The crawl takes its page view and the build its observations from the same functions, so that both see the same note.
//! Readers are tolerant: of several names for one field, the first that can be read counts; a value that cannot be read is
//! noted, and the rest of the note lives.

mod address;
mod author;
mod counts;
pub mod fields;
mod hashtags;
mod images;
mod items;
mod mentions;
mod note;
mod object;
mod video;

pub use author::{read_profile, read_stub};
pub use counts::unreported;
pub use items::{Item, ItemKind, is_whole_note, items_at};
pub use note::{Facts, read_note};
pub use object::{Object, Unreadable, is_blank};
