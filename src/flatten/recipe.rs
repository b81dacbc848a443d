//! How a job wants its answers read: with columns of its own, without some of ours, with pseudonyms for users.

use super::tables::Outline;
use super::{Flattened, Pseudonyms, read};
use crate::model::{Answer, Body, UserId};

/// Reads answers as a job wants its tables. Whatever it says, the answers stay, and tables can be built anew.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    outline: Outline,
    pseudonyms: Option<Pseudonyms>,
}

/// Says that tables have pseudonyms whose key is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("users stand under pseudonyms, and the key to them is named by the job alone")]
pub struct NeedsKey;

impl Recipe {
    /// Makes the recipe of these wishes; where there is a key, the outline tells it from others.
    pub fn new(mut outline: Outline, pseudonyms: Option<Pseudonyms>) -> Self {
        outline.pseudonyms = pseudonyms.as_ref().map(Pseudonyms::fingerprint);
        Self { outline, pseudonyms }
    }

    /// Takes up the recipe of tables that stand.
    ///
    /// # Errors
    ///
    /// The tables have pseudonyms: without the key they cannot be made again.
    pub fn without_key(outline: Outline) -> Result<Self, NeedsKey> {
        if outline.pseudonyms.is_some() { Err(NeedsKey) } else { Ok(Self { outline, pseudonyms: None }) }
    }

    /// Returns what readers see of it; there is no key in it.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Returns the name under which a user stands in the tables; none where that is the id.
    pub fn pseudonym(&self, user: &UserId) -> Option<UserId> {
        self.pseudonyms.as_ref().map(|pseudonyms| pseudonyms.of(user))
    }

    /// Reads one answer whose body is there. Of a listing, only the admitted positions count.
    pub fn flatten(&self, answer: &Answer) -> Flattened {
        let mut flat = self.read(answer);
        flat.admit(answer);
        flat
    }

    /// Reads one answer whose body is there at all its positions; see [`read`](crate::observations::read) for all others.
    pub fn read(&self, answer: &Answer) -> Flattened {
        match &answer.body {
            Some(Body::Told { key, json }) => self.recall(answer, key.as_deref(), json),
            _ => self.hide(read(answer, &self.outline), false),
        }
    }

    /// Puts pseudonyms into what was read. What was told under them has them, all but its call.
    pub(crate) fn hide(&self, flat: Flattened, is_hidden: bool) -> Flattened {
        match &self.pseudonyms {
            Some(pseudonyms) if is_hidden => pseudonyms.hide_told(flat),
            Some(pseudonyms) => pseudonyms.hide(flat),
            None => flat,
        }
    }
}
