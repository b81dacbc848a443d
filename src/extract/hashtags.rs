//! The hashtags of a note: from the app's lists, else from the web's, else from the text.

use std::collections::HashSet;

use super::object::Object;
use crate::model::Hashtag;

const TOPIC: &str = "topic";
/// What follows a hashtag's name in a note's text.
const MARKER: &str = "[话题]#";

/// Reads a note's hashtags, each once, in order of first appearance.
pub(super) fn read_hashtags(note: &Object<'_>) -> Vec<Hashtag> {
    let mut tags = Tags::default();
    // Topics are usually a subset of the hashtags.
    for names in [["hash_tag", "hashTag"], ["topics", "topic_list"]] {
        read_list(note, &names, &mut tags);
    }
    if tags.all.is_empty() {
        read_list(note, &["tag_list", "tagList"], &mut tags);
    }
    if tags.all.is_empty() {
        let text = note.text(&["desc"]).unwrap_or_default();
        for name in in_text(&text) {
            tags.add(Hashtag { id: None, name: Some(name.to_owned()), kind: Some(TOPIC.to_owned()) });
        }
    }
    tags.all
}

fn read_list(note: &Object<'_>, names: &[&str], tags: &mut Tags) {
    for (_, tag) in note.list(names).iter().flat_map(super::object::List::objects) {
        let kind = tag.text(&["type"]).unwrap_or_else(|| TOPIC.to_owned());
        // The web's list also holds the users mentioned.
        if matches!(kind.as_str(), "mention" | "user") {
            continue;
        }
        let tag = Hashtag { id: tag.text(&["id"]), name: tag.text(&["name"]), kind: Some(kind) };
        if tag.id.is_some() || tag.name.is_some() {
            tags.add(tag);
        }
    }
}

/// Hashtags so far, and what they are known by: a text may hold a million.
#[derive(Debug, Default)]
struct Tags {
    all: Vec<Hashtag>,
    ids: HashSet<String>,
    names: HashSet<Option<String>>,
    names_without_id: HashSet<Option<String>>,
}

impl Tags {
    /// Adds a hashtag unless one of the same id, or of the same name where either has no id, is there.
    fn add(&mut self, tag: Hashtag) {
        let is_known = match &tag.id {
            Some(id) => self.ids.contains(id) || self.names_without_id.contains(&tag.name),
            None => self.names.contains(&tag.name),
        };
        if is_known {
            return;
        }
        match &tag.id {
            Some(id) => self.ids.insert(id.clone()),
            None => self.names_without_id.insert(tag.name.clone()),
        };
        self.names.insert(tag.name.clone());
        self.all.push(tag);
    }
}

/// Lists the names written as `#name[话题]#`.
fn in_text(text: &str) -> impl Iterator<Item = &str> {
    let mut before_markers: Vec<&str> = text.split(MARKER).collect();
    before_markers.pop();
    before_markers.into_iter().filter_map(|before| {
        let name = before.rsplit_once('#')?.1.trim();
        (!name.is_empty() && !name.contains('\n')).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hashtag_stands_once_by_its_id_or_where_either_has_none_by_its_name() {
        let tag = |id: Option<&str>, name: Option<&str>| Hashtag {
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            kind: None,
        };
        let mut tags = Tags::default();
        for (id, name) in [
            (Some("1"), Some("a")),
            (Some("1"), Some("b")),
            (Some("2"), Some("a")),
            (None, Some("a")),
            (None, Some("c")),
            (Some("3"), Some("c")),
            (Some("4"), None),
        ] {
            tags.add(tag(id, name));
        }
        let expected = [(Some("1"), Some("a")), (Some("2"), Some("a")), (None, Some("c")), (Some("4"), None)];
        assert_eq!(tags.all, expected.map(|(id, name)| tag(id, name)));
    }

    #[test]
    fn names_are_found_in_the_text() {
        let names = |text| in_text(text).collect::<Vec<_>>();
        assert_eq!(names("a\n#笔记灵感[话题]# #鱼尾裙[话题]# #x"), ["笔记灵感", "鱼尾裙"]);
        assert_eq!(names("#1 #鱼尾裙[话题]#"), ["鱼尾裙"]);
        for text in ["", "#x", "[话题]#", "#[话题]#", "# \n[话题]#", "plain[话题]"] {
            assert!(names(text).is_empty(), "{text:?}");
        }
    }
}
