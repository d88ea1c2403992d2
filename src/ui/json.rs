//! Output for machines: one document, or lines of events of which the last is the document.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Warning;

/// The name and version of the envelope.
const SCHEMA: &str = "helix.cli/1";

/// The document that ends every command.
pub(super) struct Document<'a> {
    pub command: &'static str,
    /// The data, with every digit of its numbers, or the error.
    pub result: Result<Box<RawValue>, Value>,
    pub warnings: &'a [Warning],
    pub steps: &'a [(String, Duration)],
    pub total: Duration,
}

/// The document as it is written.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    schema: &'static str,
    command: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Value>,
    warnings: &'a [Warning],
    timings_ms: Timings<'a>,
}

#[derive(Serialize)]
struct Timings<'a> {
    total: u64,
    steps: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    name: &'a str,
    ms: u64,
}

/// The line of the document, as the last event of a stream or alone.
pub(super) fn finish(document: &Document<'_>, stream: bool) -> Vec<u8> {
    let ok = document.result.is_ok();
    let steps = document.steps.iter().map(|(name, took)| Step { name, ms: millis(*took) });
    line(&Written {
        ts: stream.then(now),
        kind: stream.then_some(if ok { "result" } else { "error" }),
        schema: SCHEMA,
        command: document.command,
        ok,
        data: document.result.as_deref().ok(),
        error: document.result.as_ref().err(),
        warnings: document.warnings,
        timings_ms: Timings { total: millis(document.total), steps: steps.collect() },
    })
}

/// The line of an event.
pub(super) fn event(kind: &str, fields: &impl Serialize) -> Vec<u8> {
    let mut object = Map::new();
    object.insert("ts".into(), now().into());
    object.insert("type".into(), kind.into());
    if let Ok(Value::Object(fields)) = serde_json::to_value(fields) {
        object.extend(fields.into_iter().filter(|(name, _)| name != "ts" && name != "type"));
    }
    line(&Value::Object(object))
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
