//! A request: which route it is for, whether it may, and what it answers.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::respond::{Answer, json, text};
use super::{RequestEvent, State, Tools};
use crate::error::EngineError;
use crate::{inspect, mcp};

/// The name under which requests to no query are counted, so that strangers cannot make metrics grow.
const NO_QUERY: &str = "(none)";

/// The path of the standard Model Context Protocol.
const STANDARD: &str = "/mcp";

/// The body of a response: whole, or as the standard protocol streams it.
pub(super) type Body = Either<Full<Bytes>, BoxBody<Bytes, Infallible>>;

/// Answers a request, and tells logs, metrics and listeners of it.
pub(super) async fn answer(state: &State, request: Request<Incoming>) -> Response<Body> {
    let started = Instant::now();
    let path = request.uri().path().to_owned();
    if let Some(tools) = state.mcp.as_ref().filter(|_| path == STANDARD && !is_query(state, &path[1..])) {
        return match standard(state, tools, request).await {
            Ok(response) => response.map(Either::Right),
            Err(refused) => refused.into_response().map(Either::Left),
        };
    }
    let is_query = request.method() == Method::POST && !path[1.min(path.len())..].contains('/');
    let name = path.get(1..).unwrap_or_default();
    let tool = path.strip_prefix("/mcp/").filter(|tool| request.method() == Method::POST && !tool.contains('/'));
    let answer = match (tool, developer_route(state, name, request.method())) {
        (Some(tool), _) => call_tool(state, tool, request).await,
        (None, Some(route)) => inspect(state, route, request).await,
        (None, None) if is_query => query(state, name, request).await,
        (None, None) => other(state, &path, &request),
    };
    let latency = started.elapsed();
    let known = self::is_query(state, name);
    if is_query {
        state.metrics.observe(if known { name } else { NO_QUERY }, answer.status, latency);
        tracing::info!(
            target: "requests",
            query = name,
            status = answer.status,
            latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
            bytes = answer.body.len(),
            error = answer.error.as_deref(),
        );
        // Nobody may be listening.
        let _ = state.events.send(RequestEvent {
            query: name.to_owned(),
            status: answer.status,
            latency,
            response_bytes: answer.body.len(),
            error: answer.error.clone(),
        });
    }
    answer.into_response().map(Either::Left)
}

/// Whether the active program has a query of that name.
fn is_query(state: &State, name: &str) -> bool {
    state.engine.program().is_some_and(|program| program.query(name).is_some())
}

async fn query(state: &State, name: &str, request: Request<Incoming>) -> Answer {
    let (parts, incoming) = request.into_parts();
    let body = match body(state, &parts.headers, incoming).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    match state.engine.call(name, body).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => failed(name, &error),
    }
}

/// A tool of the Model Context Protocol, as the published clients call it.
async fn call_tool(state: &State, name: &str, request: Request<Incoming>) -> Answer {
    let Some(tools) = &state.mcp else {
        return Answer::error(StatusCode::NOT_FOUND, "NOT_FOUND", "The tools of MCP are not served: `mcp` is off");
    };
    let (parts, incoming) = request.into_parts();
    let body = match body(state, &parts.headers, incoming).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    match tools.walks.call(&state.engine, name, &body).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => failed(name, &error),
    }
}

/// A message of the standard Model Context Protocol.
async fn standard(
    state: &State,
    tools: &Tools,
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Answer> {
    let (mut parts, incoming) = request.into_parts();
    let body = body(state, &parts.headers, incoming).await?;
    if parts.method == Method::POST {
        let arguments = mcp::arguments(&body).map_err(|answer| json(StatusCode::BAD_REQUEST, answer))?;
        if let Some(arguments) = arguments {
            parts.extensions.insert(arguments);
        }
    }
    Ok(tools.standard.handle(Request::from_parts(parts, Full::new(body))).await)
}

/// The developer route that a request asks for, as it is called with POST. A query of that name comes first.
fn developer_route(state: &State, name: &str, method: &Method) -> Option<&'static str> {
    let asked = |(get, post): &&(&'static str, &'static str)| match *method {
        Method::GET => *get == name,
        Method::POST => *post == name && !is_query(state, name),
        _ => false,
    };
    inspect::ROUTES.iter().find(asked).map(|(_, post)| *post)
}

async fn inspect(state: &State, route: &str, request: Request<Incoming>) -> Answer {
    let is_get = request.method() == Method::GET;
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (parts, incoming) = request.into_parts();
    let body = match body(state, &parts.headers, incoming).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let parameters = if is_get {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs: serde_json::Map<_, _> = pairs.map(|(name, value)| (name.into_owned(), value.into())).collect();
        serde_json::from_value(pairs.into())
    } else {
        serde_json::from_slice(if body.is_empty() { b"{}" } else { &body })
    };
    let answer = match parameters {
        Ok(parameters) => inspect::answer(&state.engine, route, &parameters).await,
        Err(error) => Err(EngineError::Decode(error.to_string())),
    };
    match answer {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => failed(route, &error),
    }
}

/// The body of a request that may go on; else why it may not.
async fn body(state: &State, headers: &HeaderMap, incoming: Incoming) -> Result<Bytes, Answer> {
    if let Some(refused) = refuse(state, headers) {
        return Err(refused);
    }
    let limited = Limited::new(incoming, state.options.max_body_bytes);
    match tokio::time::timeout(state.options.body_timeout, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let limit = state.options.max_body_bytes;
            let message = format!("Request body is larger than {limit} bytes");
            Err(Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", &message))
        }
        Ok(Err(_)) => Err(bad_request("The request body could not be read")),
        Err(_) => Err(Answer::error(StatusCode::REQUEST_TIMEOUT, "BAD_REQUEST", "The request body took too long")),
    }
}

/// The error of a query.
fn failed(name: &str, error: &EngineError) -> Answer {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_server_error() {
        tracing::error!(query = name, %error, "a query failed");
    }
    let answer = Answer::error(status, error.code(), &error.to_string());
    match error {
        EngineError::Overloaded => answer.header(RETRY_AFTER, "1"),
        _ => answer,
    }
}

/// Routes that are no query.
fn other(state: &State, path: &str, request: &Request<Incoming>) -> Answer {
    let is_get = request.method() == Method::GET;
    match path {
        "/healthz" if is_get => json(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#)),
        "/readyz" if is_get => ready(state),
        "/metrics" if is_get => text(state.metrics.text(&state.engine)),
        "/introspect" if is_get => match refuse(state, request.headers()) {
            Some(refused) => refused,
            None => introspect(state),
        },
        "/healthz" | "/readyz" | "/metrics" | "/introspect" => not_allowed("GET"),
        _ => match path.strip_prefix("/mcp/") {
            Some(tool) if !tool.contains('/') => not_allowed("POST"),
            _ if path.get(1..).unwrap_or_default().contains('/') => bad_request("A query's path has one segment"),
            _ if path == "/" => Answer::error(StatusCode::NOT_FOUND, "NOT_FOUND", "Queries are called as POST /<name>"),
            _ => not_allowed("POST"),
        },
    }
}

fn ready(state: &State) -> Answer {
    let unready = |why: &str| Answer::error(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", why);
    if state.draining.load(Ordering::Relaxed) {
        return unready("The server is shutting down");
    }
    match state.engine.program() {
        Some(program) => {
            let body = serde_json::json!({"status": "ready", "queries": program.queries.len()});
            json(StatusCode::OK, Bytes::from(body.to_string()))
        }
        None => unready("No program is active"),
    }
}

fn introspect(state: &State) -> Answer {
    match state.engine.program() {
        Some(program) => match serde_json::to_vec(&program.introspect()) {
            Ok(body) => json(StatusCode::OK, Bytes::from(body)),
            Err(error) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "GRAPH_ERROR", &error.to_string()),
        },
        None => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "GRAPH_ERROR", "Could not find schema"),
    }
}

/// Why a request may not go on, if it may not.
fn refuse(state: &State, headers: &HeaderMap) -> Option<Answer> {
    let is_no_text = |name| headers.get(name).is_some_and(|value| std::str::from_utf8(value.as_bytes()).is_err());
    if is_no_text(CONTENT_TYPE) {
        let message = "The Content-Type header is not text";
        return Some(Answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    if is_no_text(ACCEPT) {
        return Some(bad_request("The Accept header is not text"));
    }
    let expected = state.options.api_key_sha256?;
    let Some(key) = headers.get("x-api-key") else { return Some(bad_request("Missing x-api-key header")) };
    let found: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    if bool::from(found.ct_eq(&expected)) {
        return None;
    }
    Some(Answer::error(StatusCode::FORBIDDEN, "INVALID_API_KEY", "Invalid API key"))
}

fn bad_request(message: &str) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}

fn not_allowed(method: &'static str) -> Answer {
    let message = format!("Only {method} is allowed here");
    Answer::error(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", &message).header(ALLOW, method)
}
