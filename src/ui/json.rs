//! Output for machines: one document, or lines of events of which the last is the document.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Warning;

/// The name and version of the envelope.
const SCHEMA: &str = "helix.cli/1";

/// The document that ends every command.
pub(super) struct Document<'a> {
    pub command: &'static str,
    /// The data, or the error.
    pub result: Result<Value, Value>,
    pub warnings: &'a [Warning],
    pub steps: &'a [(String, Duration)],
    pub total: Duration,
}

/// The line of the document, as the last event of a stream or alone.
pub(super) fn finish(document: &Document<'_>, stream: bool) -> Vec<u8> {
    let mut object = Map::new();
    if stream {
        let kind = if document.result.is_ok() { "result" } else { "error" };
        object.insert("ts".into(), now().into());
        object.insert("type".into(), kind.into());
    }
    object.insert("schema".into(), SCHEMA.into());
    object.insert("command".into(), document.command.into());
    object.insert("ok".into(), document.result.is_ok().into());
    match &document.result {
        Ok(data) => object.insert("data".into(), data.clone()),
        Err(error) => object.insert("error".into(), error.clone()),
    };
    object.insert("warnings".into(), json!(document.warnings));
    let steps: Vec<Value> =
        document.steps.iter().map(|(name, took)| json!({ "name": name, "ms": millis(*took) })).collect();
    object.insert("timings_ms".into(), json!({ "total": millis(document.total), "steps": steps }));
    line(&Value::Object(object))
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

fn line(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
