//! A vendor that says exactly what a test wants, and writes down what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// One call that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The last parts of the path: `search-note/v2`, `app/get_user_notes`.
    pub(crate) what: String,
    /// The parameters, less the key.
    pub(crate) params: BTreeMap<String, String>,
    /// How often the same was asked before.
    pub(crate) before: usize,
}

impl Asked {
    pub(crate) fn new(path: &str, mut params: BTreeMap<String, String>) -> Self {
        params.remove("token");
        let parts: Vec<&str> = path.rsplit('/').take(2).collect();
        Self { what: format!("{}/{}", parts[1], parts[0]), params, before: 0 }
    }

    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// The call on one line: `search-note/v2 keyword=a page=1`.
    pub(crate) fn line(&self) -> String {
        let params: Vec<String> = self.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", self.what, params.join(" "))
    }
}

/// What the vendor answers.
pub(crate) enum Reply {
    Json(Value),
    Status(u16, Value),
    Text(u16, &'static str),
    Header(u16, &'static str, &'static str, Value),
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

#[derive(Clone)]
struct Vendor {
    script: Arc<Script>,
    log: Arc<Mutex<Vec<Asked>>>,
}

/// A scripted vendor that is up until the runtime ends.
pub(crate) struct Scripted {
    pub(crate) base_url: String,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let vendor = Vendor { script: Arc::new(script), log: log.clone() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(vendor);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base_url, log }
    }

    /// Every call so far, on a line each, in the order of arrival.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(Asked::line).collect()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|asked| asked.what == what).count()
    }

    pub(crate) fn forget(&self) {
        self.log.lock().unwrap().clear();
    }
}

async fn answer(State(vendor): State<Vendor>, uri: Uri, Query(params): Query<BTreeMap<String, String>>) -> Response {
    let mut asked = Asked::new(uri.path(), params);
    {
        let mut log = vendor.log.lock().unwrap();
        asked.before = log.iter().filter(|earlier| earlier.line() == asked.line()).count();
        log.push(asked.clone());
    }
    let status = |code: u16| StatusCode::from_u16(code).unwrap();
    match (vendor.script)(&asked) {
        Reply::Json(body) => axum::Json(body).into_response(),
        Reply::Status(code, body) => (status(code), axum::Json(body)).into_response(),
        Reply::Text(code, body) => (status(code), body).into_response(),
        Reply::Header(code, name, value, body) => (status(code), [(name, value)], axum::Json(body)).into_response(),
    }
}

pub(crate) const SEARCH: &str = "search-note/v2";
pub(crate) const DETAIL: &str = "get-note-detail/v1";
pub(crate) const PROFILE: &str = "get-user/v3";
pub(crate) const NOTES: &str = "get-user-note-list/v4";
pub(crate) const SPIDER: &str = "app/get_user_notes";

/// A note id with a creation second: `note(3, 1_700_000_000)`.
pub(crate) fn note_id(number: u32, second: i64) -> String {
    format!("{second:08x}{number:016x}")
}

#[expect(clippy::needless_pass_by_value, reason = "callers make the value on the spot")]
pub(crate) fn ok(data: Value) -> Reply {
    Reply::Json(json!({ "code": 0, "data": data }))
}

pub(crate) fn code(code: i64) -> Reply {
    Reply::Json(json!({ "code": code, "message": "no", "data": null }))
}

/// A search page of notes.
pub(crate) fn search_page(ids: &[String]) -> Reply {
    let items: Vec<Value> = ids.iter().map(|id| json!({ "model_type": "note", "note": listed(id) })).collect();
    ok(json!({ "items": items }))
}

pub(crate) fn listed(id: &str) -> Value {
    json!({ "id": id, "title": "t", "type": "normal", "liked_count": 1, "user": { "userid": "u1", "nickname": "n" } })
}

/// The full answer to any detail or profile call.
pub(crate) fn full(asked: &Asked) -> Reply {
    match asked.what.as_str() {
        DETAIL => ok(json!([{ "note_list": [listed(asked.param("noteId"))] }])),
        PROFILE => ok(json!({ "userid": asked.param("userId"), "nickname": "n", "fans": 3 })),
        _ => ok(json!({ "items": [] })),
    }
}
