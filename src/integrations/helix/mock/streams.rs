//! Answers that are streams of events.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use serde_json::{Map, Value, json};

use super::faults::{Effect, Effects};

/// An answer with these events, which have the form `{"type": {…}}`, and with what is to happen to them.
pub(super) fn answer(events: impl Stream<Item = Value> + Send + 'static, effects: &Effects) -> Response {
    let mut events: BoxStream<'static, Value> = events.boxed();
    for effect in &effects.0 {
        match effect {
            Effect::Events(script) => events = stream::iter(script.clone()).boxed(),
            Effect::InternalTags => events = events.map(internal).boxed(),
            Effect::UnknownEvents => {
                let among = |event| stream::iter([json!({"confetti": {"count": 3}}), event, json!("applause")]);
                events = events.flat_map(among).boxed();
            }
            Effect::Slow(milliseconds) => {
                let pause = Duration::from_millis(*milliseconds);
                let late = move |event| async move {
                    tokio::time::sleep(pause).await;
                    event
                };
                events = events.then(late).boxed();
            }
            Effect::Cut(_) | Effect::End(_) | Effect::Status { .. } | Effect::Drop => {}
        }
    }
    let mut parts: BoxStream<'static, io::Result<Bytes>> = events.map(|event| Ok(frame(&event))).boxed();
    for effect in &effects.0 {
        match effect {
            Effect::End(after) => parts = parts.take(*after).boxed(),
            Effect::Cut(after) => {
                let broken = stream::once(async {
                    // What was sent before must arrive: it goes out with the next turn.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Err(io::Error::other("cut"))
                });
                parts = parts.take(*after).chain(broken).boxed();
            }
            Effect::Events(_)
            | Effect::InternalTags
            | Effect::UnknownEvents
            | Effect::Slow(_)
            | Effect::Status { .. }
            | Effect::Drop => {}
        }
    }
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(parts)).into_response()
}

/// The same for events that are known already.
pub(super) fn all(events: Vec<Value>, effects: &Effects) -> Response {
    answer(stream::iter(events), effects)
}

fn frame(event: &Value) -> Bytes {
    format!("data: {event}\n\n").into()
}

/// `{"type": {…}}` as `{"type": "type", …}`.
fn internal(event: Value) -> Value {
    let Value::Object(object) = event else { return json!({ "type": event }) };
    let mut tagged = Map::new();
    for (kind, fields) in object {
        tagged.insert("type".to_owned(), kind.clone().into());
        match fields {
            Value::Object(fields) if kind == "success" => {
                tagged.insert("data".to_owned(), fields.into());
            }
            Value::Object(fields) => tagged.extend(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
        }
    }
    tagged.into()
}
