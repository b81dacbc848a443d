//! What is forgotten, taken out of the observations that are retained in the place of a body.

use std::collections::HashSet;

use serde_json::Value;

use super::body::erased_json;
use crate::flatten::{Flattened, Recipe};
use crate::model::{Answer, AuthorSource, Body, Extra, Forgotten, Mention, NoteContent, Retained};
use crate::observations::{change, retain};

/// What becomes of observations.
pub(super) enum Erased {
    /// They hold nothing that is forgotten.
    Nothing,
    /// They are these now.
    To(Box<Retained>),
    /// All of them must go.
    Whole,
}

/// Takes what is forgotten out of the observations of an answer, whose call is worded anew by then.
///
/// What is left is what would be retained if the answer had been raw: a note that goes leaves an element that is none.
pub(super) fn erased_retained(answer: &Answer, forgotten: &Forgotten) -> Erased {
    let converted = match &answer.body {
        Some(Body::Told { json, .. }) if forgotten.stands_in(json.as_bytes()) => retain(&Recipe::default(), answer),
        // Most answers hold nothing of it: that is seen without reading them.
        Some(Body::Retained(retained)) if retained.any_value(|value| forgotten.stands_in(value.as_bytes())) => {
            Ok(retained.clone())
        }
        _ => return Erased::Nothing,
    };
    // What cannot be read cannot be kept either, for it may hold what is forgotten.
    let Ok(retained) = converted else { return Erased::Whole };
    let mut is_whole = false;
    let changed = change(answer, &retained, |flat| {
        let json = serde_json::to_string(&flat).unwrap_or_default();
        if !forgotten.stands_in(json.as_bytes()) {
            return None;
        }
        let erased = erased(flat, forgotten);
        is_whole = erased.is_none();
        erased
    });
    match changed {
        Ok(Some(retained)) => Erased::To(Box::new(retained)),
        Ok(None) if !is_whole => Erased::Nothing,
        _ => Erased::Whole,
    }
}

/// Returns true if an answer's observations are of its call, as it is worded now, and of nothing else.
pub(super) fn is_call_alone(answer: &Answer, forgotten: &Forgotten) -> bool {
    let Some(Body::Retained(retained)) = &answer.body else { return false };
    let [notes, authors, hits, _, rejects] = retained.batches();
    let has_rows = [notes, authors, hits, rejects].iter().any(|batch| batch.num_rows() > 0);
    !has_rows && matches!(erased_retained(answer, forgotten), Erased::Nothing)
}

/// Takes what is forgotten out of what an answer says; nothing if something of it would be left.
fn erased(mut flat: Flattened, forgotten: &Forgotten) -> Option<Flattened> {
    take_out(&mut flat, forgotten);
    let mut value = serde_json::to_value(&flat).ok()?;
    erase_texts(&mut value, forgotten);
    // No spelling is known in which either can happen.
    if forgotten.stands_in(value.to_string().as_bytes()) { None } else { serde_json::from_value(value).ok() }
}

fn take_out(flat: &mut Flattened, forgotten: &Forgotten) {
    let mut gone = HashSet::new();
    flat.notes.retain(|note| {
        let by_forgotten = note.author_id.as_ref().is_some_and(|author| forgotten.has_user(author));
        let goes = forgotten.has_note(&note.note_id) || by_forgotten;
        if goes {
            gone.insert(note.seen.position.0);
        }
        !goes
    });
    flat.skipped += gone.len() as u32;
    flat.call.skipped = flat.skipped;
    flat.authors.retain(|author| {
        let is_of_gone = author.source == AuthorSource::Note && gone.contains(&author.seen.position.0);
        !is_of_gone && !forgotten.has_user(&author.author_id)
    });
    flat.hits.retain(|hit| !gone.contains(&hit.position));
    flat.rejects.retain(|reject| reject.position.is_none_or(|position| !gone.contains(&position)));
    for content in flat.notes.iter_mut().filter_map(|note| note.content.as_mut()) {
        unmention(content, forgotten);
        content.added.iter_mut().for_each(|value| erase_added(value, forgotten));
    }
    for author in &mut flat.authors {
        author.profile.added.iter_mut().for_each(|value| erase_added(value, forgotten));
    }
}

/// Takes users who are forgotten off the list of those whom a note mentions, and their names out of its texts.
fn unmention(content: &mut NoteContent, forgotten: &Forgotten) {
    let is_forgotten = |mention: &Mention| mention.user_id.as_ref().is_some_and(|user| forgotten.has_user(user));
    let (out, stay) = content.mentions.drain(..).partition::<Vec<_>, _>(is_forgotten);
    content.mentions = stay;
    let names = out.into_iter().filter_map(|mention| mention.nickname).filter(|name| !name.trim().is_empty());
    for name in names.map(|name| format!("@{name}")) {
        let tags = content.hashtags.iter_mut().filter_map(|tag| tag.name.as_mut());
        let added = content.added.iter_mut().flatten().filter_map(|value| match value {
            Extra::Text(text) | Extra::Json(text) => Some(text),
            _ => None,
        });
        let own = [&mut content.title, &mut content.description, &mut content.sound_name].into_iter().flatten();
        own.chain(tags).chain(added).for_each(|text| *text = text.replace(&name, "@"));
    }
}

/// Takes what is forgotten out of a value of an added column, as out of the same place of a raw answer.
fn erase_added(value: &mut Option<Extra>, forgotten: &Forgotten) {
    match value {
        Some(Extra::Json(text)) => {
            if let Some(erased) = erased_json(text, forgotten) {
                *value = (erased != "null").then_some(Extra::Json(erased));
            }
        }
        Some(Extra::Whole(number)) if forgotten.is_id(&number.to_string()) => *value = None,
        Some(Extra::Number(number)) if forgotten.is_id(&number.0.to_string()) => *value = None,
        _ => {}
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::flatten::tables::{AddedColumn, ColumnType, Outline};
    use crate::flatten::{Recipe, fixtures};
    use crate::forget::answer::erase_answer;
    use crate::forget::body::tests::forgotten;
    use crate::model::{Answer, Body};
    use crate::observations::{flatten as read_admitted, retain};
    use crate::vendor::Page;

    fn recipe() -> Recipe {
        let column =
            |(name, path, kind): (&str, &str, ColumnType)| (name.to_owned(), AddedColumn { path: path.into(), kind });
        let columns = [
            ("whole", "", ColumnType::Json),
            ("ats", "/ats", ColumnType::Json),
            ("see", "/see", ColumnType::Int64),
            ("says", "/desc", ColumnType::String),
            ("by", "/user", ColumnType::Json),
        ];
        let columns: std::collections::BTreeMap<_, _> = columns.into_iter().map(column).collect();
        Recipe::new(Outline { notes: columns.clone(), authors: columns, ..Outline::default() }, None)
    }

    /// Forgetting in what is retained gives what is retained after forgetting, and leaves neither ids nor names.
    #[test]
    fn it_does_not_matter_which_comes_first() {
        let mention = |user: &str, name: &str| json!({"userid": user, "nickname": name});
        let note = |id: &str, user: &str| json!({"id": id, "title": "t", "user": {"userid": user, "nickname": "n"}, "likes": 1});
        let mut mentions = note("n2", "u2");
        mentions["ats"] = json!([mention("u3", "阿草"), mention("gone-user", "阿花")]);
        mentions["desc"] = json!("hi @阿花 and @阿草, see gone-note #@阿花[话题]#");
        mentions["see"] = json!(77001);
        mentions["native_voice_info"] = json!({"sound_id": "s", "name": "@阿花 sings"});
        let mut odd = note("gone-note", "u9");
        odd["likes"] = json!({});
        let items = json!([note("n1", "u1"), odd, mentions, note("n3", "gone-user"), null]);
        let raw = fixtures::listing(&items);
        let retained = |answer: &Answer| Answer {
            body: Some(Body::Retained(retain(&recipe(), answer).unwrap())),
            ..answer.clone()
        };
        let erased = |answer: &Answer| {
            let mut answer = answer.clone();
            assert!(erase_answer(&mut answer, &mut Page::default(), &forgotten()));
            answer
        };
        let (first, last) = (retained(&erased(&raw)), erased(&retained(&raw)));
        let Some(Body::Retained(kept)) = &last.body else { panic!("{last:?}") };
        let text = format!("{:?}", kept.batches());
        for name in ["gone-note", "gone-user", "阿花", "77001"] {
            assert!(!text.contains(name), "{name} in {text}");
        }
        let [first, last] = [first, last].map(|answer| {
            let mut flat = read_admitted(&recipe(), &answer);
            // The length of the answer stays what it was.
            flat.call.body_bytes = None;
            flat
        });
        assert_eq!(last, first);
        assert_eq!((last.notes.len(), last.skipped), (2, 3));
    }
}
