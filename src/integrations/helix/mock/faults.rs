//! Failures on demand, and the book of what was called.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::types::WireLog;
use super::{Caller, Mock, Refusal, parse};

/// A failure that is to happen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the path must end with.
    pub path: String,
    /// How often it happens.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens, all of it to the same call.
    pub effects: Vec<Effect>,
}

const fn once() -> u32 {
    1
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// It is answered with a status, and not carried out.
    Status {
        /// The status.
        status: u16,
        /// The text of `{"error": "…"}`.
        #[serde(default)]
        error: Option<String>,
        /// A body instead of that.
        #[serde(default)]
        body: Option<String>,
        /// The header `Retry-After`.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The connection is dropped, and nothing is carried out.
    Drop,
    /// It is carried out, and the stream breaks behind so many events.
    Cut(usize),
    /// It is carried out, and the stream ends behind so many events.
    End(usize),
    /// So many milliseconds pass before the answer, and before each event of a stream.
    Slow(u64),
    /// Events of an unknown type are among the others.
    UnknownEvents,
    /// Events are `{"type": "…", …}` instead of `{"…": {…}}`.
    InternalTags,
    /// The stream says just this, as it is.
    Events(Vec<Value>),
}

/// What is to happen to the stream of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects(pub(super) Vec<Effect>);

/// The most of a body that is read.
const MOST: usize = 32 << 20;

/// Looks at every call: who makes it, what is to happen to it; and writes it down.
pub(super) async fn intercept(State(mock): State<Mock>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    if path.starts_with("/__mock/") || path.starts_with("/run/") {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let Ok(bytes) = to_bytes(body, MOST).await else {
        return Refusal(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large".to_owned()).into_response();
    };
    let caller = text(&parts.headers, "x-api-key").and_then(|key| {
        let user = mock.state().keys.get(&key).cloned()?;
        Some(Caller { user, key })
    });
    let effects = due(&mock, &method, &path);
    let index = record(&mock, &parts, &bytes, caller.is_some(), &effects);
    let request_id = text(&parts.headers, "x-request-id");
    for effect in &effects {
        if let Effect::Slow(milliseconds) = effect {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
        }
    }
    let mut response = if let Some(failed) = effects.iter().find_map(failure) {
        failed
    } else if caller.is_none() && path != "/github-login" {
        Refusal(StatusCode::UNAUTHORIZED, "this key is not known".to_owned()).into_response()
    } else {
        parts.extensions.insert(Effects(effects));
        if let Some(caller) = caller {
            parts.extensions.insert(caller);
        }
        next.run(Request::from_parts(parts, Body::from(bytes))).await
    };
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert("x-request-id", id);
    }
    if let Some(entry) = mock.state().journal.get_mut(index) {
        entry["status"] = response.status().as_u16().into();
    }
    response
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What is to happen to this call: the first failure that fits, which is used up by that.
fn due(mock: &Mock, method: &str, path: &str) -> Vec<Effect> {
    let mut state = mock.state();
    let fits = |fault: &&mut Fault| {
        let method_fits = fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        fault.times > 0 && method_fits && path.ends_with(&fault.path)
    };
    let Some(fault) = state.faults.iter_mut().find(fits) else { return Vec::new() };
    fault.times -= 1;
    fault.effects.clone()
}

/// Writes a call down, without keys and secrets.
fn record(mock: &Mock, parts: &axum::http::request::Parts, body: &Bytes, known: bool, effects: &[Effect]) -> usize {
    let path = parts.uri.path();
    let body: Value =
        if path.ends_with("/secrets") { Value::Null } else { serde_json::from_slice(body).unwrap_or_default() };
    let entry = json!({
        "method": parts.method.as_str(),
        "path": path,
        "query": parts.uri.query(),
        "authenticated": known,
        "has_key": parts.headers.contains_key("x-api-key"),
        "request_id": text(&parts.headers, "x-request-id"),
        "idempotency_key": text(&parts.headers, "idempotency-key"),
        "user_agent": text(&parts.headers, "user-agent"),
        "body": body,
        "effects": effects,
    });
    let mut state = mock.state();
    state.journal.push(entry);
    state.journal.len() - 1
}

/// The answer of an effect that keeps a call from being carried out.
fn failure(effect: &Effect) -> Option<Response> {
    match effect {
        Effect::Status { status, error, body, retry_after } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = match body {
                Some(body) => (status, body.clone()).into_response(),
                None => {
                    Refusal(status, error.clone().unwrap_or_else(|| "as it was asked for".to_owned())).into_response()
                }
            };
            if let Some(wait) = retry_after.as_ref().and_then(|wait| HeaderValue::from_str(wait).ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, wait);
            }
            Some(response)
        }
        Effect::Drop => {
            let nothing = futures_util::stream::iter([Err::<Bytes, _>(io::Error::other("dropped"))]);
            Some(([(header::CONTENT_LENGTH, "64")], Body::from_stream(nothing)).into_response())
        }
        Effect::Cut(_)
        | Effect::End(_)
        | Effect::Slow(_)
        | Effect::UnknownEvents
        | Effect::InternalTags
        | Effect::Events(_) => None,
    }
}

/// `POST /__mock/faults`: one failure, or a list of them.
pub(super) async fn add(State(mock): State<Mock>, body: Bytes) -> Result<StatusCode, Refusal> {
    let value: Value = parse(&body)?;
    let list = if value.is_array() { value } else { json!([value]) };
    let faults: Vec<Fault> = serde_json::from_value(list).map_err(|error| Refusal::bad(error.to_string()))?;
    mock.fail(faults);
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /__mock/journal`.
pub(super) async fn journal(State(mock): State<Mock>) -> Json<Vec<Value>> {
    Json(mock.journal())
}

/// `POST /__mock/logs`: a line for the log of a cluster.
pub(super) async fn log(State(mock): State<Mock>, body: Bytes) -> Result<StatusCode, Refusal> {
    #[derive(Deserialize)]
    struct Line {
        cluster_id: String,
        #[serde(flatten)]
        log: WireLog,
    }
    let line: Line = parse(&body)?;
    let mut state = mock.state();
    let found = state.clusters.iter_mut().find(|running| running.cluster.cluster_id == line.cluster_id);
    found.ok_or_else(|| Refusal::not_found("cluster", &line.cluster_id))?.logs.push(line.log);
    Ok(StatusCode::NO_CONTENT)
}

/// The effects that a handler is given: [`intercept`] always adds them.
pub(super) type Given = Extension<Effects>;
