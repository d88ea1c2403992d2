//! What an answer of Fly.io that is an error means.

use serde::Deserialize;

use super::TITLE;
use crate::http::HttpError;
use crate::integrations::error::{Code, TargetError};

/// The body of such an answer.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
}

/// A call that failed. `app` and `source` are for the hints: what the token must be for, and where it is from.
pub(super) fn failed(action: &str, error: &HttpError, app: &str, source: &str) -> TargetError {
    let mut failed = TargetError::http(TITLE, action, error);
    let Some(refused) = error.answer() else { return failed };
    let body: Body = serde_json::from_str(&refused.body).unwrap_or_default();
    let said = if body.error.is_empty() { body.message } else { body.error };
    if !said.is_empty() {
        failed.message.clone_from(&said);
    }
    match body.status.as_str() {
        "insufficient_capacity" => failed.code = Code::Capacity,
        "volume_placement_capacity" => {
            failed.code = Code::Capacity;
            failed.hint = Some("the host of the volume has no room: choose a smaller `vm_size`".to_owned());
        }
        "name_taken" => failed.code = Code::Conflict,
        _ => {}
    }
    if failed.code == Code::Conflict && is_no_room(&said) {
        failed.code = Code::Capacity;
        failed.hint = Some("the host of the machine has no room: choose a smaller `vm_size`".to_owned());
    }
    if let Some(holder) = holder(&said) {
        failed.code = Code::Locked;
        failed.message = format!("the lease of the machine is held by {holder}");
        failed.hint =
            Some("wait until that deployment has ended: a lease that nobody renews ends by itself".to_owned());
    }
    let hint = match failed.code {
        Code::AuthRejected => {
            Some(format!("the token from {source} is not valid any more: make a new one: {}", token(app)))
        }
        Code::AuthScope => Some(format!("the token from {source} may not do that: use one that may: {}", token(app))),
        Code::Quota => Some("look at the limits and the billing of the organisation: `fly dashboard`".to_owned()),
        Code::Invalid => Some("correct what it names in the project file".to_owned()),
        Code::StalePlan => Some("it was changed meanwhile: run the command again".to_owned()),
        _ => None,
    };
    failed.hint = failed.hint.or(hint);
    failed
}

/// The command that makes a token for the app and nothing else.
fn token(app: &str) -> String {
    format!("`fly tokens create deploy -a {app}`")
}

/// Who holds a lease, and until when: the service says so in prose.
fn holder(said: &str) -> Option<&str> {
    Some(said.split_once("lease currently held by ")?.1.trim_end_matches('.'))
}

fn is_no_room(said: &str) -> bool {
    said.contains("insufficient") && said.contains("available to fulfill request") || said.ends_with("no capacity")
}

/// Takes secrets out of what may be shown.
pub(super) fn without<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    const SHORTEST: usize = 4;
    let long = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST);
    long.fold(text.to_owned(), |text, secret| text.replace(secret, "[redacted]"))
}
