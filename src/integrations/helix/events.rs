//! The events of a stream: what they are, in either encoding, and how they are read off the wire.
//!
//! An event is one JSON value: `{"type": {…}}`, `"type"`, or `{"type": "type", …}`. Types that we do not know are left out, so that
//! a newer service can say more. Source: the protocol of `cli.md` §12.2; the framing is that of Server-sent events in the HTML
//! standard, read by `eventsource-stream`.

use eventsource_stream::{EventStreamError, Eventsource as _};
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::types::WireLog;
use crate::http::innermost;

/// What a stream says.
#[derive(Clone, Debug)]
pub enum Event {
    /// The user has to confirm a login.
    UserVerification {
        /// What to type.
        user_code: String,
        /// Where.
        verification_uri: String,
    },
    /// It worked.
    Success(Success),
    /// The user did not confirm the login in time.
    DeviceCodeTimeout(String),
    /// It did not work.
    Error(String),
    /// How far it is.
    Progress {
        /// 0 to 100.
        percentage: f64,
        /// At what.
        message: Option<String>,
    },
    /// A line of a log.
    Log(WireLog),
    /// The past is told; what follows happens now.
    BackfillComplete,
    /// The cluster is in another state.
    StatusTransition {
        /// The state.
        to: String,
        /// Why.
        message: Option<String>,
    },
    /// A project is made.
    CreatingProject,
    /// A cluster is made.
    ProjectCreated(String),
    /// The queries are checked.
    ValidatingQueries,
    /// The server is built, so many per cent of it.
    Building(f64),
    /// The server is brought out.
    Deploying,
    /// It is deployed.
    Deployed {
        /// Where it answers.
        url: String,
        /// Its key, when it is new.
        key: Option<SecretString>,
    },
    /// The request is wrong.
    BadRequest(String),
    /// The queries are wrong.
    QueryValidationError(String),
}

/// What a success says; all of it is optional.
#[derive(Clone, Debug, Default)]
pub struct Success {
    /// The key of the user, or of the cluster.
    pub key: Option<SecretString>,
    /// The user.
    pub user_id: Option<String>,
    /// Where it answers.
    pub url: Option<String>,
}

/// Why a stream cannot be read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// What came is no event.
    #[error("an event cannot be understood: {0}")]
    Malformed(String),
}

/// A stream that was opened.
pub struct Opened {
    /// What it says.
    pub events: Events,
    /// What to call it, for whoever supports the service.
    pub request_id: String,
}

/// A stream of events.
pub type Events = BoxStream<'static, Result<Event, EventError>>;

/// The events of an answer. It ends where the answer ends: whether that was too early is known by whoever reads.
#[must_use]
pub fn of_response(response: reqwest::Response) -> Events {
    let parts = stream::try_unfold(response, |mut response| async move {
        let part = response.chunk().await.map_err(|error| innermost(&error))?;
        Ok::<_, String>(part.map(|part| (part, response)))
    });
    of_bytes(parts).boxed()
}

/// The events in a stream of bytes, however it is cut.
pub fn of_bytes<B, E>(
    bytes: impl Stream<Item = Result<B, E>> + Send,
) -> impl Stream<Item = Result<Event, EventError>> + Send
where
    B: AsRef<[u8]> + Send,
    E: std::fmt::Display + Send,
{
    // After a failure nothing more is read: what would follow is not in step.
    let mut failed = false;
    bytes
        .eventsource()
        .take_while(move |found| {
            let go_on = !failed;
            failed |= found.is_err();
            std::future::ready(go_on)
        })
        .filter_map(|found| {
            let event = match found {
                Ok(event) => decode(&event.data).map_err(EventError::Malformed).transpose(),
                Err(EventStreamError::Transport(error)) => Some(Err(EventError::Broken(error.to_string()))),
                Err(EventStreamError::Utf8(_)) => Some(Err(EventError::Malformed("it is not UTF-8".to_owned()))),
                Err(EventStreamError::Parser(_)) => Some(Err(EventError::Malformed("it is no event".to_owned()))),
            };
            std::future::ready(event)
        })
}

/// Reads one event; `None` when its type is not known.
///
/// # Errors
///
/// When it is no event, or one of a known type lacks what it must say. Values are not in the message: they may be keys.
pub fn decode(data: &str) -> Result<Option<Event>, String> {
    let value: Value = serde_json::from_str(data).map_err(|error| format!("it is no JSON ({:?})", error.classify()))?;
    let (kind, fields) = match value {
        Value::String(kind) => (kind, Map::new()),
        Value::Object(mut object) => match object.get("type") {
            Some(Value::String(kind)) => {
                let kind = kind.clone();
                match object.remove("data") {
                    Some(Value::Object(data)) => (kind, data),
                    _ => (kind, object),
                }
            }
            _ => {
                let mut members = object.into_iter();
                match (members.next(), members.next()) {
                    (Some((kind, Value::Object(fields))), None) => (kind, fields),
                    (Some((kind, _)), None) => (kind, Map::new()),
                    _ => return Err("it has no type".to_owned()),
                }
            }
        },
        _ => return Err("it is neither an object nor a text".to_owned()),
    };
    event(&kind, &Fields { kind: &kind, fields: &fields })
}

fn event(kind: &str, fields: &Fields<'_>) -> Result<Option<Event>, String> {
    Ok(Some(match kind {
        "user_verification" => Event::UserVerification {
            user_code: fields.required("user_code")?,
            verification_uri: fields.required("verification_uri")?,
        },
        "success" => Event::Success(Success {
            key: fields.optional("key").or_else(|| fields.optional("auth_key")).map(Into::into),
            user_id: fields.optional("user_id"),
            url: fields.optional("url"),
        }),
        "device_code_timeout" => Event::DeviceCodeTimeout(fields.optional("message").unwrap_or_default()),
        "error" => Event::Error(fields.optional("error").unwrap_or_default()),
        "progress" => Event::Progress {
            percentage: fields.number("percentage").unwrap_or_default(),
            message: fields.optional("message"),
        },
        "log" => Event::Log(WireLog {
            message: fields.required("message")?,
            severity: fields.optional("severity").or_else(|| fields.optional("level")),
            timestamp: fields.fields.get("timestamp").cloned().unwrap_or_default(),
        }),
        "backfill_complete" => Event::BackfillComplete,
        "status_transition" => {
            Event::StatusTransition { to: fields.required("to")?, message: fields.optional("message") }
        }
        "creating_project" => Event::CreatingProject,
        "project_created" => Event::ProjectCreated(fields.required("cluster_id")?),
        "validating_queries" => Event::ValidatingQueries,
        "building" => Event::Building(fields.number("estimated_percentage").unwrap_or_default()),
        "deploying" => Event::Deploying,
        "deployed" | "redeployed" | "done" => {
            Event::Deployed { url: fields.required("url")?, key: fields.optional("auth_key").map(Into::into) }
        }
        "bad_request" => Event::BadRequest(fields.optional("error").unwrap_or_default()),
        "query_validation_error" => Event::QueryValidationError(fields.optional("error").unwrap_or_default()),
        unknown => {
            tracing::debug!(kind = unknown, "an event of an unknown type is left out");
            return Ok(None);
        }
    }))
}

struct Fields<'a> {
    kind: &'a str,
    fields: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn required(&self, name: &str) -> Result<String, String> {
        self.optional(name).ok_or_else(|| format!("`{}` has no `{name}`", self.kind))
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.fields.get(name)?.as_f64()
    }
}

#[cfg(test)]
mod tests;
