//! One call, one answer: HTTP, keys, pace and patience. Nothing here knows what a note is.
//!
//! * [`Client`] sends one request to one vendor and reads its answer, bounded in size and in time.
//! * [`Room`] bounds what all bodies together take in memory.
//! * [`Key`] holds a vendor's key: it can be sent, and not shown.
//! * [`Proxy`] is what a vendor's calls go through, if the environment names one.
//! * [`Pace`] decides when the vendor may be asked again: slots, calls a minute, pauses.
//! * [`retry`] decides how often, and after how long, a failed call is sent again.

mod charset;
mod client;
mod decode;
mod key;
mod pace;
mod proxy;
pub mod retry;
mod room;
mod scrub;

pub use client::{Client, ClientError, Failure, FailureKind, HttpAnswer, MAX_BODY_BYTES};
pub use key::{Key, KeyError};
pub use pace::{Pace, Permit};
pub use proxy::{Proxy, ProxyError};
pub use room::{Place, Room};
pub use scrub::TAKEN_OUT;
