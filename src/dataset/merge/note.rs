//! A note, as all answers together tell it.

use jiff::Timestamp;

use super::best::{Best, Span};
use super::counted::Counted;
use super::gone::Life;
use crate::flatten::tables::{NoteHashtagRow, NoteImageRow, NoteMentionRow, NoteRow};
use crate::model::{Count, EmptyDetail, Listing, NoteContent, NoteId, NoteObservation, NoteSource, Provenance, UserId};

/// What tells most comes first, then what is newest.
pub(super) type ContentKey = (NoteSource, Provenance);

/// Holds, for each group of a note's columns, the observation that wins it.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteState {
    pub(super) content: Best<ContentKey, NoteContent>,
    pub(super) author_id: Best<ContentKey, UserId>,
    pub(super) published_at: Best<ContentKey, Timestamp>,
    pub(super) updated_at: Best<ContentKey, Timestamp>,
    pub(super) counts: [Counted; 4],
    pub(super) listing: Best<Provenance, Listing>,
    pub(super) life: Life,
    /// None as long as no answer shows the note or states that it is gone.
    pub(super) span: Option<Span>,
}

impl From<EmptyDetail> for NoteState {
    fn from(empty: EmptyDetail) -> Self {
        Self {
            content: Best::none(),
            author_id: Best::none(),
            published_at: Best::none(),
            updated_at: Best::none(),
            counts: [const { Counted::none() }; 4],
            listing: Best::none(),
            life: Life::of_empty(empty.seen, empty.run_id),
            span: None,
        }
    }
}

impl From<NoteObservation> for NoteState {
    fn from(note: NoteObservation) -> Self {
        let (key, seen) = ((note.source, note.seen.clone()), &note.seen);
        // A note that an answer shows is there, whichever kind of answer it is.
        let is_gone = note.content.as_ref().map_or(note.is_gone, |_| Some(false));
        Self {
            content: Best::told(&key, note.content),
            author_id: Best::told(&key, note.author_id),
            published_at: Best::told(&key, note.published_at),
            updated_at: Best::told(&key, note.updated_at),
            counts: note.counts.map(|count| Counted::told(seen, count)),
            listing: Best::told(seen, note.listing),
            life: Life::told(seen, is_gone),
            span: Some(Span::at(seen)),
        }
    }
}

impl NoteState {
    /// Joins what two groups of answers tell of the same note.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut counts = self.counts;
        for (own, other) in counts.iter_mut().zip(other.counts) {
            own.raise(other);
        }
        Self {
            content: self.content.merge(other.content),
            author_id: self.author_id.merge(other.author_id),
            published_at: self.published_at.merge(other.published_at),
            updated_at: self.updated_at.merge(other.updated_at),
            counts,
            listing: self.listing.merge(other.listing),
            life: self.life.merge(other.life),
            span: merge_spans(self.span, other.span),
        }
    }

    /// Returns the time that says where the note is filed: of its publication, else the second in its id, else when it
    /// was first seen. Every note that has a row has one: readers differ in how they take a folder without a date.
    pub(in crate::dataset) fn filed_at(&self, id: &NoteId) -> Option<Timestamp> {
        self.published_at().or_else(|| id.created_at()).or_else(|| self.span.map(|span| span.first.1))
    }

    /// Returns when the note was published, as vendors told.
    pub(in crate::dataset) fn published_at(&self) -> Option<Timestamp> {
        self.published_at.value().copied()
    }

    /// Makes the note's row; none if no answer shows the note or states that it is gone.
    pub(in crate::dataset) fn row(&self, id: &NoteId) -> Option<NoteRow> {
        let span = self.span?;
        let gone = self.life.gone();
        let told = self.content.value();
        let nothing = NoteContent::default();
        let content = told.unwrap_or(&nothing);
        let listing = self.listing.value();
        let content_key = self.content.key();
        let names = |content: &NoteContent| {
            let mut names: Vec<String> = Vec::new();
            for name in content.hashtags.iter().filter_map(|tag| tag.name.as_ref()) {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            names
        };
        let shown = self.counts.each_ref().map(Counted::shown);
        let [liked_count, collected_count, comment_count, share_count] = shown.map(|count| Some(count?.value));
        let approximate = shown.into_iter().flatten().map(Count::is_approximate);
        Some(NoteRow {
            note_id: id.to_string(),
            author_id: self.author_id.value().map(UserId::to_string),
            author_nickname: content.author_nickname.clone(),
            note_type: content.note_type.clone(),
            title: content.title.clone(),
            description: content.description.clone(),
            description_is_truncated: told.map(|content| content.description_is_truncated),
            published_at: self.published_at(),
            updated_at: self.updated_at.value().copied(),
            ip_location: content.ip_location.clone(),
            language: content.language.clone(),
            liked_count,
            collected_count,
            comment_count,
            share_count,
            counts_are_approximate: approximate.reduce(|own, other| own || other),
            image_count: content.image_count,
            hashtags: told.map(names),
            cover_url: content.cover.url.clone(),
            cover_width: content.cover.width,
            cover_height: content.cover.height,
            video_duration_ms: content.video.duration_ms,
            video_url: content.video.url.clone(),
            video_width: content.video.width,
            video_height: content.video.height,
            sound_id: content.sound_id.clone(),
            sound_name: content.sound_name.clone(),
            share_url: content.share_url.clone(),
            is_sticky: listing.and_then(|listing| listing.is_sticky),
            xsec_token: listing.and_then(|listing| listing.xsec_token.clone()),
            is_gone: self.life.is_told().then_some(gone.is_some()),
            gone_reason: gone,
            content_source: content_key.map(|(source, _)| source.as_str()),
            content_observed_at: content_key.map(|(_, seen)| seen.observed_at),
            counts_observed_at: self.counts.iter().filter_map(Counted::newest).max().map(|seen| seen.observed_at),
            first_seen_at: span.first.1,
            last_seen_at: span.last.1,
            added: content.added.clone(),
        })
    }

    /// Makes a row for each image.
    pub(in crate::dataset) fn image_rows(&self, id: &NoteId) -> impl Iterator<Item = NoteImageRow> {
        let images = self.content.value().into_iter().flat_map(|content| &content.images);
        images.map(|image| NoteImageRow {
            note_id: id.to_string(),
            position: image.position,
            file_id: image.file_id.clone(),
            url: image.url.clone(),
            large_url: image.large_url.clone(),
            original_url: image.original_url.clone(),
            width: image.width,
            height: image.height,
            expires_at: image.expires_at,
        })
    }

    /// Makes a row for each hashtag.
    pub(in crate::dataset) fn hashtag_rows(&self, id: &NoteId) -> impl Iterator<Item = NoteHashtagRow> {
        let hashtags = self.content.value().into_iter().flat_map(|content| &content.hashtags);
        (0_i32..).zip(hashtags).map(|(position, tag)| NoteHashtagRow {
            note_id: id.to_string(),
            position,
            hashtag_id: tag.id.clone(),
            name: tag.name.clone(),
            kind: tag.kind.clone(),
        })
    }

    /// Makes a row for each user mentioned.
    pub(in crate::dataset) fn mention_rows(&self, id: &NoteId) -> impl Iterator<Item = NoteMentionRow> {
        let mentions = self.content.value().into_iter().flat_map(|content| &content.mentions);
        mentions.map(|mention| NoteMentionRow {
            note_id: id.to_string(),
            position: mention.position,
            user_id: mention.user_id.as_ref().map(UserId::to_string),
            nickname: mention.nickname.clone(),
        })
    }
}

fn merge_spans(own: Option<Span>, other: Option<Span>) -> Option<Span> {
    match (own, other) {
        (Some(own), Some(other)) => Some(own.merge(other)),
        (own, other) => own.or(other),
    }
}
