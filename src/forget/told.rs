//! What is forgotten, taken out of what an answer told in the place of its body.

use std::collections::HashSet;

use serde_json::Value;

use crate::flatten::Told;
use crate::model::{AuthorSource, Forgotten, Mention};

/// Takes what is forgotten out of it; none where it holds nothing of it.
///
/// What is left is what would be told if the answer had been raw: a note that goes leaves an element that is none.
pub(super) fn erased_told(json: &str, forgotten: &Forgotten) -> Option<String> {
    if !forgotten.stands_in(json.as_bytes()) {
        return None;
    }
    // What cannot be read cannot be kept either, for it holds what is forgotten.
    let Ok(mut told) = Told::parse(json) else { return Some(String::new()) };
    take_out(&mut told, forgotten);
    let mut value = serde_json::to_value(&told).unwrap_or_default();
    erase_texts(&mut value, forgotten);
    Some(value.to_string())
}

fn take_out(told: &mut Told, forgotten: &Forgotten) {
    let mut gone = HashSet::new();
    told.notes.retain(|note| {
        let by_forgotten = note.author_id.as_ref().is_some_and(|author| forgotten.has_user(author));
        let goes = forgotten.has_note(&note.note_id) || by_forgotten;
        if goes {
            gone.insert(note.seen.position.0);
        }
        !goes
    });
    told.skipped += gone.len() as u32;
    told.authors.retain(|author| {
        let is_of_gone = author.source == AuthorSource::Note && gone.contains(&author.seen.position.0);
        !is_of_gone && !forgotten.has_user(&author.author_id)
    });
    told.rejects.retain(|reject| reject.position.is_none_or(|position| !gone.contains(&position)));
    for content in told.notes.iter_mut().filter_map(|note| note.content.as_mut()) {
        let is_forgotten = |mention: &Mention| mention.user_id.as_ref().is_some_and(|user| forgotten.has_user(user));
        let (out, stay) = content.mentions.drain(..).partition::<Vec<_>, _>(is_forgotten);
        content.mentions = stay;
        let names = out.into_iter().filter_map(|mention| mention.nickname).filter(|name| !name.trim().is_empty());
        for name in names.map(|name| format!("@{name}")) {
            let tags = content.hashtags.iter_mut().map(|tag| &mut tag.name);
            for text in [&mut content.title, &mut content.description].into_iter().chain(tags).flatten() {
                *text = text.replace(&name, "@");
            }
        }
    }
}

/// Puts a word in the place of each id in each text.
fn erase_texts(value: &mut Value, forgotten: &Forgotten) {
    match value {
        Value::String(text) => {
            if let Some(erased) = forgotten.erased(text) {
                *text = erased;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| erase_texts(value, forgotten)),
        Value::Object(fields) => fields.values_mut().for_each(|value| erase_texts(value, forgotten)),
        _ => {}
    }
}
