//! What is forgotten, taken out of what an answer told in the place of its body.

use std::collections::HashSet;

use serde_json::Value;

use super::body::{Erased, erased_json};
use crate::flatten::Told;
use crate::model::{AuthorSource, Extra, Forgotten, Mention, NoteContent};

/// Takes what is forgotten out of it.
///
/// What is left is what would be told if the answer had been raw: a note that goes leaves an element that is none.
pub(super) fn erased_told(json: &str, forgotten: &Forgotten) -> Erased {
    if !forgotten.stands_in(json.as_bytes()) {
        return Erased::Nothing;
    }
    // What cannot be read cannot be kept either, for it holds what is forgotten.
    let Ok(mut told) = Told::parse(json) else { return Erased::Whole };
    take_out(&mut told, forgotten);
    let Ok(mut value) = serde_json::to_value(&told) else { return Erased::Whole };
    erase_texts(&mut value, forgotten);
    let json = value.to_string();
    // No spelling is known in which either can happen.
    if forgotten.stands_in(json.as_bytes()) || Told::parse(&json).is_err() {
        return Erased::Whole;
    }
    Erased::To(json.into_bytes())
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
        unmention(content, forgotten);
        content.added.iter_mut().for_each(|value| erase_added(value, forgotten));
    }
    for author in &mut told.authors {
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
    use crate::model::Answer;
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

    /// Forgetting what was told gives what telling gives after forgetting, and leaves neither ids nor names.
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
        let told = |answer: &Answer| Answer { body: recipe().tell(answer).unwrap(), ..answer.clone() };
        let erased = |answer: &Answer| {
            let mut answer = answer.clone();
            assert!(erase_answer(&mut answer, &mut Page::default(), &forgotten()));
            answer
        };
        let (first, last) = (told(&erased(&raw)), erased(&told(&raw)));
        let text = String::from_utf8(last.body.as_ref().unwrap().bytes().to_vec()).unwrap();
        for name in ["gone-note", "gone-user", "阿花", "77001"] {
            assert!(!text.contains(name), "{name} in {text}");
        }
        let [first, last] = [first, last].map(|answer| {
            let mut flat = recipe().flatten(&answer);
            // How long the answer was is told as it was.
            flat.call.body_bytes = None;
            flat
        });
        assert_eq!(last, first);
        assert_eq!((last.notes.len(), last.skipped), (2, 3));
    }
}
