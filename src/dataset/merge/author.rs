//! An author, as all answers together tell it: a profile beats what notes show, whole.

use serde::{Deserialize, Serialize};

use super::best::{Best, Span};
use crate::flatten::tables::{AuthorRow, AuthorTagRow};
use crate::model::{AuthorObservation, AuthorSource, Count, Gender, Profile, Provenance, UserId};

/// Holds the observation of an author that wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorState {
    profile: Best<(AuthorSource, Provenance), Profile>,
    /// The newest exact observation of each count: it stands where the profile has a rounded spelling of it.
    exact: [Best<(AuthorSource, Provenance), i64>; 6],
    span: Span,
}

impl From<AuthorObservation> for AuthorState {
    fn from(author: AuthorObservation) -> Self {
        let span = Span::at(&author.seen);
        let key = (author.source, author.seen);
        let exact = author.profile.counts.map(|count| count.filter(|count| !count.is_approximate()));
        let exact = exact.map(|count| Best::told(&key, count.map(|count| count.value)));
        Self { profile: Best::one(key, author.profile), exact, span }
    }
}

impl AuthorState {
    /// Joins what two groups of answers tell of the same author.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut exact = self.exact;
        for (own, other) in exact.iter_mut().zip(other.exact) {
            own.raise(other);
        }
        Self { profile: self.profile.merge(other.profile), exact, span: self.span.merge(other.span) }
    }

    /// Makes the author's row; there is always an observation behind a state.
    pub(in crate::dataset) fn row(&self, id: &UserId) -> Option<AuthorRow> {
        let ((source, seen), profile) = (self.profile.key()?, self.profile.value()?);
        let mut counts = profile.counts;
        for (own, exact) in counts.iter_mut().zip(&self.exact) {
            let is_rounded = |own: &Count| exact.value().is_some_and(|exact| own.rounds(*exact));
            if own.as_ref().is_some_and(is_rounded) {
                *own = exact.value().copied().map(Count::exact);
            }
        }
        let [fans_count, follows_count, liked_count, collected_count, interaction_count, notes_count] =
            counts.map(|count| Some(count?.value));
        Some(AuthorRow {
            author_id: id.to_string(),
            red_id: profile.red_id.clone(),
            nickname: profile.nickname.clone(),
            description: profile.description.clone(),
            gender: profile.gender.map(Gender::as_str),
            location: profile.location.clone(),
            ip_location: profile.ip_location.clone(),
            fans_count,
            follows_count,
            liked_count,
            collected_count,
            interaction_count,
            notes_count,
            is_verified: profile.is_verified,
            verified_content: profile.verified_content.clone(),
            avatar_url: profile.avatar_url.clone(),
            banner_url: profile.banner_url.clone(),
            share_url: profile.share_url.clone(),
            registered_at: id.created_at(),
            profile_source: source.as_str(),
            profile_observed_at: seen.observed_at,
            first_seen_at: self.span.first.1,
            last_seen_at: self.span.last.1,
            added: profile.added.clone(),
        })
    }

    /// Makes a row for each label.
    pub(in crate::dataset) fn tag_rows(&self, id: &UserId) -> impl Iterator<Item = AuthorTagRow> {
        let tags = self.profile.value().into_iter().flat_map(|profile| &profile.tags);
        tags.map(|tag| AuthorTagRow {
            author_id: id.to_string(),
            position: tag.position,
            kind: tag.kind.clone(),
            name: tag.name.clone(),
        })
    }
}
