//! The vendors' front: from a request to an answer, in the order in which a vendor looks at it.
//!
//! ```text
//! request ─▶ key ─▶ rate ─▶ parameters ─▶ fault ─▶ balance, quota ─▶ ledger ─▶ latency ─▶ answer, or what is left of it
//! ```

mod connection;
mod envelope;
mod fault;
mod found;
mod pace;
mod request;
mod response;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::connection::{Breaker, Connections};
use self::envelope::{Reply, Style, Word};
use self::fault::{Attempts, Fault};
use self::pace::Pace;
use self::request::Request;
use super::ledger::Ledger;
use super::options::SandboxOptions;
use super::universe::{Draws, hash};
use super::{Shown, day};

/// All that answering needs.
#[derive(Debug)]
pub(super) struct Front {
    options: SandboxOptions,
    universe: Shown,
    ledger: Ledger,
    pace: Option<Mutex<Pace>>,
    attempts: Mutex<Attempts>,
    stop: watch::Receiver<bool>,
}

impl Front {
    pub(super) fn new(options: SandboxOptions, universe: Shown, ledger: Ledger, stop: watch::Receiver<bool>) -> Self {
        let pace = options.rate_limit.map(|a_minute| Mutex::new(Pace::new(a_minute, Instant::now())));
        Self { options, universe, ledger, pace, attempts: Mutex::default(), stop }
    }

    /// Serves until it is told to stop; answers under way are finished.
    pub(super) async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let mut stop = self.stop.clone();
        let stopped = async move {
            // An error means that nobody is left who could say stop.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let router = Router::new().fallback(answer).with_state(Arc::new(self));
        let service = router.into_make_service_with_connect_info::<Breaker>();
        axum::serve(Connections(listener), service).with_graceful_shutdown(stopped).await
    }

    fn is_accepted(&self, key: Option<&str>) -> bool {
        let key = key.unwrap_or_default();
        self.options.key.as_ref().map_or(!key.is_empty(), |accepted| accepted.expose_secret() == key)
    }

    fn wait(&self) -> Option<Duration> {
        let pace = self.pace.as_ref()?;
        pace.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now()).err()
    }

    /// Looks at a request in the order in which a vendor does, up to the books.
    fn turn(&self, request: &Request, call: u64) -> Turn {
        let at_once = |word| Turn { word, fault: None, wait: None };
        if !self.is_accepted(request.key.as_deref()) {
            return at_once(Word::Refused);
        }
        if let Some(wait) = self.wait() {
            return Turn { wait: Some(wait), ..at_once(Word::Throttled) };
        }
        let word = match &request.asked {
            Ok(asked) => self.find(request, asked, call),
            Err(name) => Word::BadParameter(name.clone()),
        };
        if matches!(word, Word::BadParameter(_)) {
            return at_once(word);
        }
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = self.options.faults.draw(&mut attempts.next(self.options.seed, call));
        match fault {
            Some(Fault::Fail) => at_once(Word::Failed),
            Some(Fault::Error(status)) => at_once(Word::Broken(status)),
            Some(Fault::NullData) => at_once(Word::Data(Value::Null)),
            fault => Turn { fault, ..at_once(word) },
        }
    }

    /// Writes a turn into the ledger, unless quota or balance end it there; what is billed decides and changes in one step.
    fn book(&self, request: &Request, turn: Turn, call: u64) -> io::Result<(Reply, Option<Fault>)> {
        let style = Style {
            string_codes: self.options.faults.has_string_codes(self.options.seed, call),
            http_status: self.options.http_status,
        };
        // What varies in an envelope belongs to the call, not to the attempt: equal calls get equal answers.
        let wrap = |word: Word| word.wrap(request.vendor, style, Draws::new(self.options.seed, "envelope", call));
        let is_free = matches!(turn.word, Word::Refused | Word::Throttled | Word::BadParameter(_));
        let mut outcome = (wrap(turn.word), turn.fault);
        self.ledger.record(request.vendor.name(), request.endpoint, &request.params, |billed| {
            let used_up = |limit: Option<u64>| !is_free && limit.is_some_and(|limit| billed >= limit);
            if used_up(self.options.balance) {
                outcome = (wrap(Word::Balance), None);
            } else if used_up(self.options.quota) {
                outcome = (wrap(Word::Quota), None);
            }
            let (reply, fault) = &outcome;
            match fault {
                Some(Fault::Html) => ("html".into(), false),
                Some(Fault::Reset) => ("reset".into(), false),
                // The vendor has done its work, whatever the client sees of it.
                Some(Fault::Cut { .. }) => ("cut".into(), reply.billed),
                Some(Fault::Slow) => ("slow".into(), reply.billed),
                _ => (reply.code.to_string(), reply.billed),
            }
        })?;
        Ok(outcome)
    }
}

/// What a request meets before the books are asked.
#[derive(Debug)]
struct Turn {
    word: Word,
    fault: Option<Fault>,
    wait: Option<Duration>,
}

async fn answer(
    State(front): State<Arc<Front>>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    http: HttpRequest,
) -> Response {
    if http.uri().path() == day::PATH && http.method() == Method::GET {
        return axum::Json(day::report(front.universe.today().options().day)).into_response();
    }
    let Some(request) = Request::read(http.uri(), http.headers()).filter(|_| http.method() == Method::GET) else {
        return (StatusCode::NOT_FOUND, "no such endpoint").into_response();
    };
    let call = hash(&format!("{} {} {:?}", request.vendor.name(), request.endpoint, request.params));
    let turn = front.turn(&request, call);
    let wait = turn.wait;
    let (reply, fault) = match front.book(&request, turn, call) {
        Ok(booked) => booked,
        Err(error) => {
            tracing::error!(%error, "the sandbox could not write its ledger");
            return (StatusCode::INTERNAL_SERVER_ERROR, "the ledger could not be written").into_response();
        }
    };
    if !front.options.latency.is_zero() {
        tokio::time::sleep(front.options.latency).await;
    }
    match fault {
        Some(Fault::Html) => response::html(),
        Some(Fault::Cut { with_length }) => response::cut(reply, with_length),
        Some(Fault::Reset) => {
            breaker.trip();
            StatusCode::OK.into_response()
        }
        Some(Fault::Slow) => {
            // Dropped when the client leaves; when the sandbox stops first, the client gets no answer either.
            let _ = front.stop.clone().wait_for(|stop| *stop).await;
            breaker.trip();
            StatusCode::OK.into_response()
        }
        _ => response::whole(reply, wait),
    }
}
