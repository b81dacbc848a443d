//! What the vendors put around their answers: codes, messages, and how HTTP tells of them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::request::Vendor;
use crate::sandbox::universe::Draws;

/// What the vendor has to say.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// Here it is.
    Data(Value),
    /// Just One's code for nothing there, which it bills.
    NoContent,
    /// The newer code for nothing there, which it does not bill.
    NotFound,
    /// The platform's own code for a note or user that is gone, inside a success.
    Gone,
    BadParameter(String),
    Refused,
    Throttled,
    Quota,
    Balance,
    Failed,
    Broken(StatusCode),
}

/// A body with its status, and what the ledger says of it.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    pub(super) code: i64,
    pub(super) billed: bool,
}

/// How envelopes look that may look in several ways.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Whether codes are text.
    pub(super) string_codes: bool,
    /// Whether Just One's codes show in the HTTP status.
    pub(super) http_status: bool,
}

impl Word {
    /// Wraps the word as a vendor does; the draws make up what varies from call to call.
    pub(super) fn wrap(self, vendor: Vendor, style: Style, mut draws: Draws) -> Reply {
        match vendor {
            Vendor::JustOne => just_one(self, style, &mut draws),
            Vendor::SpiderHubs => spider_hubs(self, style, &mut draws),
        }
    }
}

fn just_one(word: Word, style: Style, draws: &mut Draws) -> Reply {
    let (code, message, data) = match word {
        Word::Data(data) => (0, "success".into(), data),
        Word::NoContent => (201, "no content".into(), Value::Null),
        Word::NotFound => (404, "not found".into(), Value::Null),
        // The platform's own envelope, let through.
        Word::Gone => (0, "success".into(), json!({"code": -510_000, "success": false, "msg": "笔记不存在"})),
        Word::BadParameter(name) => (400, format!("parameter error: {name}"), Value::Null),
        Word::Refused => (100, "token invalid or expired".into(), Value::Null),
        Word::Throttled => (302, "rate limit exceeded".into(), Value::Null),
        Word::Quota => (303, "daily quota exceeded".into(), Value::Null),
        Word::Balance => (601, "insufficient balance".into(), Value::Null),
        Word::Failed => (301, "collection failed, please retry".into(), Value::Null),
        Word::Broken(status) => (i64::from(status.as_u16()), "internal server error".into(), Value::Null),
    };
    let broken = matches!(code, 500 | 503);
    let status = if style.http_status || broken { status_of(code) } else { StatusCode::OK };
    let mut body = json!({"code": coded(code, style), "message": message, "data": data});
    if draws.once_in(2) {
        body["recordTime"] = json!("2026-11-01T08:00:00.123456789");
    } else if code == 0 {
        body["message"] = Value::Null;
    }
    Reply { status, body: body.to_string().into_bytes(), code, billed: matches!(code, 0 | 201) }
}

/// Says which HTTP status a code of Just One has since it uses them.
fn status_of(code: i64) -> StatusCode {
    match code {
        0 | 201 => StatusCode::OK,
        100 => StatusCode::UNAUTHORIZED,
        302 | 303 => StatusCode::TOO_MANY_REQUESTS,
        400 => StatusCode::BAD_REQUEST,
        404 => StatusCode::NOT_FOUND,
        503 => StatusCode::SERVICE_UNAVAILABLE,
        600.. => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn spider_hubs(word: Word, style: Style, draws: &mut Draws) -> Reply {
    let inner = |code: i64, data: Value| {
        let mut inner = json!({"code": coded(code, style), "success": code == 0, "data": data});
        if code != 0 {
            inner["msg"] = json!("note or user unavailable");
        }
        (200, code, inner)
    };
    let (status, code, data) = match word {
        Word::Data(Value::Null) => (200, 0, Value::Null),
        Word::Data(data) => inner(0, data),
        Word::NoContent | Word::NotFound | Word::Gone => inner(-510_000, json!({})),
        // An inner failure under an outer success.
        Word::Failed => inner(-1, Value::Null),
        Word::BadParameter(name) => (400, 400, json!(name)),
        Word::Refused => (401, 401, Value::Null),
        Word::Throttled => (429, 429, Value::Null),
        Word::Quota | Word::Balance => (402, 402, Value::Null),
        Word::Broken(status) => (status.as_u16(), i64::from(status.as_u16()), Value::Null),
    };
    let id = draws.hex(32);
    let request_id = format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]);
    let body = json!({"code": coded(i64::from(status), style), "request_id": request_id, "data": data});
    let billed = status == 200 && code != -1;
    let code = if code == 0 { 200 } else { code };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Reply { status, body: body.to_string().into_bytes(), code, billed }
}

fn coded(code: i64, style: Style) -> Value {
    if style.string_codes { json!(code.to_string()) } else { json!(code) }
}
