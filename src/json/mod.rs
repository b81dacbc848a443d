//! JSON from the network: bounded, tolerant, and read in place.
//!
//! ```text
//! bytes ──parse()──▶ Tape ──root()──▶ Node ──view()──▶ text, numbers, elements, fields
//! ```

mod names;
mod node;
mod parse;
mod repair;
mod scalar;
mod tape;

pub use node::{Elements, Fields, Node, View};
pub use parse::{BodyError, parse};
pub use scalar::Scalar;
pub use tape::Tape;

#[cfg(test)]
pub(crate) use tape::tape_of;
