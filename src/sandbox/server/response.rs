//! What goes on the wire: a reply as it is, or broken.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;

use super::envelope::Reply;

const HTML: &str = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>";

/// Sends a page of HTML with a status that speaks of success.
pub(super) fn html() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], HTML).into_response()
}

/// Sends a reply as it is.
pub(super) fn whole(reply: Reply, wait: Option<Duration>) -> Response {
    let mut response = (reply.status, [(header::CONTENT_TYPE, "application/json")], reply.body).into_response();
    // Just One documents no such header.
    if let (Some(wait), StatusCode::TOO_MANY_REQUESTS, 429) = (wait, reply.status, reply.code) {
        let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Sends half of a body and breaks off, with or without having told its length.
pub(super) fn cut(reply: Reply, with_length: bool) -> Response {
    let length = reply.body.len();
    let half = Bytes::from(reply.body).slice(..length / 2);
    let body = stream::unfold(0, move |step| {
        let half = half.clone();
        async move {
            if step == 0 {
                return Some((Ok(half), 1));
            }
            // Lets the first half go out before the connection breaks.
            tokio::task::yield_now().await;
            Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), 2))
        }
    });
    let mut response =
        (reply.status, [(header::CONTENT_TYPE, "application/json")], Body::from_stream(body)).into_response();
    if with_length {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
}
