//! From a status and an envelope to an outcome.

use super::description::{Envelope, Places};
use crate::extract::fields::truth;
use crate::json::{Node, View};
use crate::model::{Billed, Outcome};

/// What the envelope says, and where the data stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    /// What follows.
    pub(super) outcome: Outcome,
    /// The code, as text; an inner code where that one decided.
    pub(super) code: Option<String>,
    /// Whether the vendor charges for it.
    pub(super) billed: Billed,
    /// Why it is not a fact.
    pub(super) reason: Option<String>,
    /// Whether it says that this version of the call is not served any more.
    pub(super) retired: bool,
    /// JSON pointer to the data.
    pub(super) data_path: String,
}

/// Judges an answer: the body's code first, the HTTP status where there is none. `root` is the body as far as it is JSON.
pub(super) fn judge(envelope: &Envelope, status: u16, body: &[u8], root: Node<'_>) -> Verdict {
    let code = first_code(root, &envelope.code);
    let mut verdict = match &code {
        Some(code) => by_code(envelope, code),
        None => without_code(envelope, status, body, root),
    };
    verdict.retired = match &code {
        Some(code) => envelope.is_retired(code),
        // The code of a note that is not there stands in a body; a server without such a path has none.
        None => matches!(status, 404 | 405 | 410),
    };
    verdict.code = code;
    if verdict.outcome == Outcome::Ok {
        verdict.data_path.clone_from(&envelope.data);
        judge_inner(envelope, root, &mut verdict);
    } else if !verdict.outcome.is_fact() {
        let message = first_message(root, &envelope.message).or_else(|| message_in_data(envelope, root));
        verdict.reason = Some(reason(verdict.code.as_deref(), status, message.as_deref()));
    }
    verdict
}

/// Reads what stands in the place of the data of a failure: an envelope with a code of its own, or a text.
fn message_in_data(envelope: &Envelope, root: Node<'_>) -> Option<String> {
    let data = root.pointer(&envelope.data).filter(|_| !envelope.data.is_empty())?;
    if let Some(text) = data.as_str() {
        return Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    }
    let inner = envelope.inner.as_ref()?;
    let is_error = |code: &String| inner.outcomes.get(code) != Some(Outcome::Ok);
    let code = first_code(data, &inner.code).filter(is_error);
    let message = first_message(data, &inner.message);
    match (code, message) {
        (Some(code), message) => Some(platform_says(Some(&code), message.as_deref())),
        (None, message) => message,
    }
}

fn verdict(outcome: Outcome, billed: Billed) -> Verdict {
    Verdict { outcome, code: None, billed, reason: None, retired: false, data_path: String::new() }
}

fn by_code(envelope: &Envelope, code: &str) -> Verdict {
    let as_http = || code.parse().ok().filter(|_| envelope.http_codes).and_then(by_status);
    let retired = || envelope.is_retired(code).then_some(Outcome::Reject);
    let outcome = envelope.outcomes.get(code).or_else(retired).or_else(as_http).unwrap_or(Outcome::Unknown);
    let is_billed = if envelope.billed.is_empty() { outcome == Outcome::Ok } else { envelope.is_billed(code) };
    // Nobody says whether a code that no list names is charged for.
    let otherwise = if outcome == Outcome::Unknown { Billed::Unknown } else { Billed::No };
    verdict(outcome, if is_billed { Billed::Yes } else { otherwise })
}

/// An answer without a code: HTTP decides, and a success must at least be a JSON object that holds the data.
fn without_code(envelope: &Envelope, status: u16, body: &[u8], root: Node<'_>) -> Verdict {
    if !(200..300).contains(&status) {
        // Where no code is described, the status is the code.
        let code = status.to_string();
        let listed = envelope.outcomes.get(&code).filter(|_| envelope.code.is_empty());
        let billed = if envelope.is_billed(&code) { Billed::Yes } else { Billed::No };
        return match (listed, by_status(status)) {
            (Some(outcome), _) => verdict(outcome, billed),
            (None, Some(outcome)) => verdict(outcome, Billed::No),
            (None, None) => verdict(Outcome::Unknown, Billed::Unknown),
        };
    }
    let has_data = root.pointer(&envelope.data).is_some_and(|data| !data.is_null());
    if root.is_object() && has_data {
        return verdict(Outcome::Ok, Billed::Yes);
    }
    // No envelope, but perhaps the cut or garbled answer of a call that went through, or a new shape.
    let billed = if is_front_page(body) { Billed::No } else { Billed::Unknown };
    verdict(if root.is_object() || root.is_array() { Outcome::Unknown } else { Outcome::Retry }, billed)
}

/// What is larger comes from the vendor itself.
const LARGEST_FRONT_PAGE: usize = 1 << 20;

/// Tells the page or the few words of a server in front of the vendor's, which come before any call: HTML, `busy`.
fn is_front_page(body: &[u8]) -> bool {
    if body.len() > LARGEST_FRONT_PAGE {
        return false;
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_html = text.starts_with('<') && !text.contains("\"code\"");
    let is_few_words = !text.is_empty() && text.len() < 200 && !text.contains(['{', '[', '\0', '\u{fffd}']);
    is_html || is_few_words
}

/// Says what HTTP means by a status.
fn by_status(status: u16) -> Option<Outcome> {
    Some(match status {
        200..300 => Outcome::Ok,
        300..400 | 408 | 425 | 500..600 => Outcome::Retry,
        429 => Outcome::Throttle,
        401 | 403 => Outcome::Refuse,
        402 => Outcome::Stop,
        400..500 => Outcome::Reject,
        _ => return None,
    })
}

/// Follows the inner envelope if it is there; one wrap where two are documented is fine.
fn judge_inner(envelope: &Envelope, root: Node<'_>, verdict: &mut Verdict) {
    let Some(inner) = &envelope.inner else { return };
    let Some(data) = root.pointer(&verdict.data_path).filter(|data| data.is_object()) else { return };
    let holds_data = data.pointer(&inner.data).is_some();
    let Some(code) = first_code(data, &inner.code) else {
        let success = data.get("success");
        let is_failure = success.and_then(truth) == Some(false) && data.pointer(&inner.data).is_none_or(Node::is_null);
        if is_failure {
            fail_inside(verdict, Outcome::Retry, None, first_message(data, &inner.message).as_deref());
        } else if holds_data && success.is_some() {
            verdict.data_path.push_str(&inner.data);
        }
        return;
    };
    match inner.outcomes.get(&code) {
        Some(Outcome::Ok) if holds_data => verdict.data_path.push_str(&inner.data),
        // A payload with a `code` of its own and no inner data is the data itself.
        Some(Outcome::Ok) => {}
        outcome => {
            let message = first_message(data, &inner.message);
            fail_inside(verdict, outcome.unwrap_or(Outcome::Retry), Some(code), message.as_deref());
        }
    }
}

/// Takes over what an inner envelope says.
fn fail_inside(verdict: &mut Verdict, outcome: Outcome, code: Option<String>, message: Option<&str>) {
    verdict.outcome = outcome;
    if !outcome.is_fact() {
        verdict.reason = Some(platform_says(code.as_deref(), message));
        verdict.billed = Billed::Unknown;
    }
    verdict.code = code.or_else(|| verdict.code.take());
}

fn platform_says(code: Option<&str>, message: Option<&str>) -> String {
    let code = code.map_or("no success".to_owned(), |code| format!("code `{}`", shown(code)));
    let message = message.map(|message| format!(": {}", shown(message))).unwrap_or_default();
    format!("the platform answered {code}{message}")
}

/// Reads the first code of several places.
fn first_code(root: Node<'_>, places: &Places) -> Option<String> {
    places.iter().find_map(|pointer| code_at(root, pointer))
}

/// Reads the first message of several places that is not blank.
fn first_message(root: Node<'_>, places: &Places) -> Option<String> {
    let texts = places.iter().filter_map(|pointer| root.pointer(pointer)?.as_str());
    texts.map(str::trim).find(|text| !text.is_empty()).map(str::to_owned)
}

/// Reads a code written as an integer, a whole float, or text.
fn code_at(root: Node<'_>, pointer: &str) -> Option<String> {
    match root.pointer(pointer)?.view() {
        View::Number(number) if number.is_f64() => {
            number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e15).map(|f| (f as i64).to_string())
        }
        View::Number(number) => Some(number.to_string()),
        View::Text(text) if !text.trim().is_empty() && text.len() <= 64 => Some(text.trim().to_owned()),
        _ => None,
    }
}

fn reason(code: Option<&str>, status: u16, message: Option<&str>) -> String {
    let code = code.map_or_else(|| format!("HTTP {status}"), |code| format!("code `{}`", shown(code)));
    match message {
        Some(message) if !message.trim().is_empty() => format!("{code}: {}", shown(message)),
        _ => code,
    }
}

/// Makes a vendor's words safe to show: one line, no controls, at most 120 characters.
fn shown(text: &str) -> String {
    crate::model::shown(text, 120)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::tape_of;
    use crate::vendor::builtin;

    fn outcome(vendor: &str, status: u16, body: &Value) -> (Outcome, Billed) {
        let verdict =
            judge(&builtin(vendor).unwrap().envelope, status, body.to_string().as_bytes(), tape_of(body).root());
        (verdict.outcome, verdict.billed)
    }

    #[test]
    fn just_ones_codes_mean_what_its_page_says_as_number_and_as_text() {
        let cases = [
            (0, Outcome::Ok, Billed::Yes),
            (201, Outcome::Empty, Billed::Yes),
            (404, Outcome::Empty, Billed::No),
            (301, Outcome::Retry, Billed::No),
            (500, Outcome::Retry, Billed::No),
            (503, Outcome::Retry, Billed::No),
            (302, Outcome::Throttle, Billed::No),
            (303, Outcome::Stop, Billed::No),
            (601, Outcome::Stop, Billed::No),
            (602, Outcome::Stop, Billed::No),
            (100, Outcome::Refuse, Billed::No),
            (600, Outcome::Refuse, Billed::No),
            (400, Outcome::Reject, Billed::No),
            (777, Outcome::Unknown, Billed::Unknown),
        ];
        for (code, expected, billed) in cases {
            for status in [200, 400, 500, u16::try_from(code).unwrap()] {
                for code in [json!(code), json!(code.to_string()), json!(f64::from(code)), json!(format!(" {code} "))] {
                    let body = json!({"code": code, "data": {}});
                    assert_eq!(outcome("justoneapi", status, &body), (expected, billed), "{code} under HTTP {status}");
                }
            }
        }
    }

    #[test]
    fn spiderhubs_codes_are_http_with_a_platform_code_inside() {
        let inner = |code: Value| json!({"code": 200, "data": {"code": code, "data": {"notes": []}}});
        assert_eq!(outcome("spiderhubs", 200, &inner(json!(0))), (Outcome::Ok, Billed::Yes));
        assert_eq!(outcome("spiderhubs", 200, &inner(json!("0"))), (Outcome::Ok, Billed::Yes));
        assert_eq!(outcome("spiderhubs", 200, &inner(json!(-510_000))), (Outcome::Empty, Billed::Yes));
        assert_eq!(outcome("spiderhubs", 200, &inner(json!("-510001"))), (Outcome::Empty, Billed::Yes));
        assert_eq!(outcome("spiderhubs", 200, &inner(json!(300_013))), (Outcome::Retry, Billed::Unknown));
        for (code, expected, billed) in [
            (401, Outcome::Refuse, Billed::No),
            (402, Outcome::Stop, Billed::No),
            (403, Outcome::Refuse, Billed::No),
            (404, Outcome::Reject, Billed::No),
            (422, Outcome::Reject, Billed::No),
            (429, Outcome::Throttle, Billed::No),
            (500, Outcome::Retry, Billed::No),
            (503, Outcome::Retry, Billed::No),
            (302, Outcome::Retry, Billed::No),
            (777, Outcome::Unknown, Billed::Unknown),
        ] {
            for status in [200, 500, code] {
                for code in [json!(code), json!(code.to_string())] {
                    let verdict = outcome("spiderhubs", status, &json!({"code": code}));
                    assert_eq!(verdict, (expected, billed), "{code} under HTTP {status}");
                }
            }
            // A body without a code: HTTP says it.
            assert_eq!(outcome("spiderhubs", code, &Value::Null), (expected, billed), "HTTP {code}");
        }
        for status in [200, 500, 404] {
            assert_eq!(outcome("spiderhubs", status, &inner(json!("0"))), (Outcome::Ok, Billed::Yes), "HTTP {status}");
        }
    }

    #[test]
    fn where_a_description_names_no_billed_code_a_success_is_billed() {
        let mut envelope = builtin("spiderhubs").unwrap().envelope;
        envelope.billed.clear();
        let billed = |code: u16| {
            judge(&envelope, 200, b"", tape_of(&json!({"code": code, "data": {"notes": []}})).root()).billed
        };
        assert_eq!((billed(200), billed(500), billed(429)), (Billed::Yes, Billed::No, Billed::No));
    }

    #[test]
    fn without_a_described_code_the_status_is_the_code() {
        let mut envelope = builtin("justoneapi").unwrap().envelope;
        envelope.code = Places::default();
        let told = |envelope: &Envelope, status| {
            let verdict = judge(envelope, status, b"", tape_of(&json!({"data": {}})).root());
            (verdict.outcome, verdict.billed)
        };
        assert_eq!(told(&envelope, 404), (Outcome::Empty, Billed::No));
        assert_eq!(told(&envelope, 601), (Outcome::Stop, Billed::No));
        assert_eq!(told(&envelope, 429), (Outcome::Throttle, Billed::No), "what no list names means what HTTP says");
        envelope.code = serde_json::from_value(json!("/code")).unwrap();
        assert_eq!(told(&envelope, 404), (Outcome::Reject, Billed::No), "a body that lacks its code states nothing");
    }

    #[test]
    fn data_is_found_under_one_wrap_and_under_two() {
        let path =
            |body: Value| judge(&builtin("spiderhubs").unwrap().envelope, 200, b"", tape_of(&body).root()).data_path;
        assert_eq!(path(json!({"code": 200, "data": {"code": 0, "data": {"notes": []}}})), "/data/data");
        assert_eq!(path(json!({"code": 200, "data": {"success": true, "data": {"notes": []}}})), "/data/data");
        assert_eq!(path(json!({"code": 200, "data": {"notes": []}})), "/data");
        assert_eq!(path(json!({"code": 200, "data": {"code": 0, "notes": []}})), "/data");
    }

    /// Code, reason, outcome and bill.
    fn told(envelope: &Envelope, status: u16, body: &Value) -> (Option<String>, Option<String>, Outcome, Billed) {
        let verdict = judge(envelope, status, body.to_string().as_bytes(), tape_of(body).root());
        (verdict.code, verdict.reason, verdict.outcome, verdict.billed)
    }

    #[test]
    fn a_nested_error_keeps_its_code_and_message() {
        let spider = builtin("spiderhubs").unwrap().envelope;
        let cases = [
            (
                json!({"code": 200, "data": {"code": 300_013, "success": false, "msg": "访问频次异常", "data": null}}),
                ("300013", "the platform answered code `300013`: 访问频次异常", Outcome::Retry, Billed::Unknown),
            ),
            (
                json!({"code": 200, "data": {"code": -1, "message": "busy"}}),
                ("-1", "the platform answered code `-1`: busy", Outcome::Retry, Billed::Unknown),
            ),
            (
                json!({"code": 200, "data": {"success": false, "msg": "服务异常"}}),
                ("200", "the platform answered no success: 服务异常", Outcome::Retry, Billed::Unknown),
            ),
            (
                json!({"code": 500, "data": {"code": 300_011, "msg": "账号异常"}}),
                ("500", "code `500`: the platform answered code `300011`: 账号异常", Outcome::Retry, Billed::No),
            ),
            (
                json!({"code": 422, "data": "user_id is required"}),
                ("422", "code `422`: user_id is required", Outcome::Reject, Billed::No),
            ),
        ];
        for (body, (code, reason, outcome, billed)) in cases {
            let expected = (Some(code.to_owned()), Some(reason.to_owned()), outcome, billed);
            assert_eq!(told(&spider, 200, &body), expected, "{body}");
        }
        let profile = |code: i64, success: bool| json!({"code": 0, "data": {"nickname": "n", "result": {"success": success, "code": code, "message": "用户异常"}}});
        let just_one = builtin("justoneapi").unwrap().envelope;
        assert_eq!(told(&just_one, 200, &profile(0, true)).2, Outcome::Ok);
        assert_eq!(told(&just_one, 200, &profile(-510_001, false)).2, Outcome::Empty);
        let (code, reason, outcome, _) = told(&just_one, 200, &profile(-9999, false));
        assert_eq!((code.as_deref(), outcome), (Some("-9999"), Outcome::Retry));
        assert_eq!(reason.as_deref(), Some("the platform answered code `-9999`: 用户异常"));
    }

    #[test]
    fn a_code_may_stand_in_several_places() {
        let text = include_str!("../../vendors/spiderhubs.toml")
            .replacen("code = \"/code\"", "code = [\"/code\", \"/detail/code\"]", 1)
            .replacen("message = \"/message\"", "message = [\"/message\", \"/detail/message\"]\nretired = [4010]", 1);
        let envelope = super::super::Description::parse("mine.toml", &text).unwrap().envelope;
        let nested = json!({"detail": {"code": 400, "message": "Bad keyword", "router": "/x"}});
        let expected = (Some("400".into()), Some("code `400`: Bad keyword".into()), Outcome::Reject, Billed::No);
        assert_eq!(told(&envelope, 400, &nested), expected);
        assert_eq!(told(&envelope, 200, &json!({"code": null, "detail": {"code": "402"}})).2, Outcome::Stop);
        let ok = json!({"code": 200, "detail": {"code": 400}, "data": {"code": 0, "data": {"notes": []}}});
        assert_eq!(told(&envelope, 200, &ok).2, Outcome::Ok);
        let retired = |status: u16, body: &Value| judge(&envelope, status, b"", tape_of(body).root()).retired;
        assert!(retired(404, &json!({"detail": "Not Found"})) && retired(410, &Value::Null));
        assert!(retired(200, &json!({"detail": {"code": 4010}})));
        assert_eq!(told(&envelope, 200, &json!({"detail": {"code": 4010}})).2, Outcome::Reject);
        assert!(!retired(404, &json!({"code": 404})) && !retired(500, &Value::Null));
    }

    #[test]
    fn what_is_no_envelope_is_never_a_success() {
        for body in [Value::Null, json!(1), json!("ok")] {
            assert_eq!(outcome("justoneapi", 200, &body), (Outcome::Retry, Billed::No));
        }
        assert_eq!(outcome("justoneapi", 200, &json!({"ok": true})), (Outcome::Unknown, Billed::Unknown));
        assert_eq!(outcome("justoneapi", 200, &json!({"code": null})), (Outcome::Unknown, Billed::Unknown));
    }
}
