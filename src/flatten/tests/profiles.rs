//! Odd profiles.

use serde_json::{Value, json};

use super::told;
use crate::flatten::fixtures::{profile, with_data};
use crate::flatten::flatten;
use crate::model::{AuthorObservation, Gender};

fn author(data: &Value) -> AuthorObservation {
    let mut flat = flatten(&with_data(profile("u1"), data));
    assert_eq!(flat.rejects, []);
    flat.authors.remove(0)
}

#[test]
fn a_profile_belongs_to_the_id_that_it_tells() {
    assert_eq!(author(&json!({"nickname": "n"})).author_id.as_str(), "u1");
    assert_eq!(author(&json!({"basic_info": {"nickname": "n"}, "userid": "u1"})).author_id.as_str(), "u1");
    let flat = flatten(&with_data(profile("u1"), &json!({"nickname": "n", "user_id": "u2"})));
    assert_eq!(flat.authors[0].author_id.as_str(), "u2");
    assert_eq!(told(&flat), [("/data", "does not show the user asked for, `u1`")]);
    let flat = flatten(&with_data(profile("u1"), &json!({"nickname": "n", "userid": "a/b"})));
    assert_eq!(flat.authors, []);
    assert_eq!(told(&flat)[0].0, "/data/userid");
}

#[test]
fn the_webs_shape_of_a_profile_is_read() {
    let web = json!({
        "basic_info": {"nickname": "n", "desc": "d", "gender": 0, "images": "https://h/s.jpg", "imageb": "https://h/b.jpg",
            "red_id": 94_712_345_678_i64, "ip_location": "上海", "red_official_verify_type": 1},
        "interactions": [{"type": "interaction", "count": "3.9亿"}, {"type": "fans", "count": "1.2万"}, {"type": "follows", "count": "0"}],
        "tags": [{"tagType": "location", "name": "上海"}, {"tagType": "info", "icon": "i"}],
    });
    let profile = author(&web).profile;
    assert_eq!((profile.nickname.as_deref(), profile.description.as_deref()), (Some("n"), Some("d")));
    assert_eq!((profile.gender, profile.red_id.as_deref()), (Some(Gender::Male), Some("94712345678")));
    assert_eq!((profile.avatar_url.as_deref(), profile.is_verified), (Some("https://h/b.jpg"), Some(true)));
    assert_eq!(
        profile.counts.map(|count| Some(count?.value)),
        [Some(12_000), Some(0), None, None, Some(390_000_000), None]
    );
    assert_eq!((profile.tags.len(), profile.tags[0].name.as_str()), (1, "上海"));
}

#[test]
fn profile_counts_at_the_top_hold_before_the_interactions() {
    let data = json!({"fans": 5, "interactions": [{"type": "fans", "count": 9}, {"type": "follows", "count": 2}],
        "note_num_stat": {"posted": 3, "liked": 4, "collected": 6}});
    assert_eq!(
        author(&data).profile.counts.map(|count| Some(count?.value)),
        [Some(5), Some(2), Some(4), Some(6), None, Some(3)]
    );
}

#[test]
fn gender_is_told_only_by_0_and_1() {
    for (value, expected) in [
        (json!(0), Some(Gender::Male)),
        (json!("1"), Some(Gender::Female)),
        (json!(2), None),
        (json!(null), None),
        (json!("?"), None),
    ] {
        assert_eq!(author(&json!({"nickname": "n", "gender": value})).profile.gender, expected, "{value}");
    }
}
