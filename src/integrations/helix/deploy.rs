//! A deployment: what is sent, and what the stream says until it ends.

use futures_util::StreamExt as _;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::events::{Event, Opened};
use super::platform::Settings;
use super::types::DeployBody;
use super::{TITLE, plain};
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::{Desired, Progress, SourceBundle};

/// The largest request that the service takes, in bytes.
pub const MAX_BODY_BYTES: usize = 20 << 20;
/// As many lines of a failed deployment are shown.
const KEPT_LINES: usize = 20;

/// What a deployment ended with.
#[derive(Debug, Default)]
pub(super) struct Deployed {
    /// Where it answers.
    pub(super) url: Option<String>,
    /// The key, when it is new.
    pub(super) key: Option<SecretString>,
}

/// What is sent.
///
/// # Errors
///
/// When there is nothing to deploy, or too much.
pub(super) fn body(settings: &Settings, desired: &Desired, bundle: &SourceBundle) -> Result<DeployBody> {
    let refused = |message: String| TargetError::new(Code::Invalid, TITLE, "deploy", message);
    if bundle.schema.trim().is_empty() {
        return Err(
            refused("there is no schema".to_owned()).hint("write the types into `schema.hx` in the query folder")
        );
    }
    if bundle.queries.values().all(|text| text.trim().is_empty()) {
        return Err(
            refused("there are no queries".to_owned()).hint("write the queries into another file than the schema")
        );
    }
    let size = bundle.schema.len()
        + bundle.project_file.len()
        + bundle.queries.iter().map(|(path, text)| path.len() + text.len()).sum::<usize>();
    if size > MAX_BODY_BYTES {
        let message = format!(
            "the sources have {}, the service takes {}",
            crate::utils::size(size as u64),
            crate::utils::size(MAX_BODY_BYTES as u64)
        );
        return Err(refused(message).hint("move what is no query out of the query folder"));
    }
    Ok(DeployBody {
        schema: bundle.schema.clone(),
        queries: bundle.queries.clone(),
        env_vars: desired.env.clone(),
        runtime_config: settings.runtime_config.clone(),
        build_mode: settings.build_mode.clone(),
        build_mode_override: settings.build_mode_override.clone(),
        instance_name: settings.instance.clone(),
        helix_toml: bundle.project_file.clone(),
        schema_path: bundle.schema_path.clone(),
        schema_hash: Some(hex::encode(Sha256::digest(&bundle.schema))),
        client_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        release: Some(desired.release.clone()),
        hash: Some(desired.hash.clone()),
    })
}

/// Reads a stream to its end. Only an event that says so is success: a stream that ends without one is a failure, because what
/// became of the deployment is then unknown.
///
/// # Errors
///
/// When the service says no, or says nothing more.
pub(super) async fn follow(action: &str, stream: Opened, progress: &dyn Progress) -> Result<Deployed> {
    let Opened { mut events, request_id } = stream;
    let mut lines: Vec<String> = Vec::new();
    let failed = |code: Code, message: String, lines: &[String]| {
        let last = lines.len().saturating_sub(KEPT_LINES);
        let failed = TargetError::new(code, TITLE, action, message).context(lines[last..].iter().cloned());
        TargetError { request_id: Some(request_id.clone()), ..failed }
    };
    let unknown =
        "see what became of it, `helix status`, and run the command again: it does not deploy twice what is deployed";
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| failed(Code::Upstream, error.to_string(), &lines).hint(unknown))?;
        match event {
            Event::Success(success) => return Ok(Deployed { url: success.url, key: success.key }),
            Event::Deployed { url, key } => return Ok(Deployed { url: Some(url), key }),
            Event::QueryValidationError(error) => {
                let mut parts = error.trim().lines().map(plain);
                let first = parts.next().unwrap_or_else(|| "the queries were turned down".to_owned());
                return Err(
                    failed(Code::Queries, first, &parts.collect::<Vec<_>>()).hint("check them here: `helix check`")
                );
            }
            Event::BadRequest(error) => {
                return Err(failed(Code::Invalid, or(error, "the request was turned down"), &lines));
            }
            Event::Error(error) => return Err(failed(Code::Conflict, or(error, "it failed there"), &lines)),
            Event::DeviceCodeTimeout(message) => {
                return Err(failed(Code::AuthRejected, or(message, "it took too long"), &lines));
            }
            Event::Progress { percentage, message } => {
                progress.say(
                    &message.map_or_else(|| format!("{percentage:.0} %"), |text| format!("{text}, {percentage:.0} %")),
                );
            }
            Event::Log(log) => {
                let line = plain(&log.message);
                progress.line(&line);
                lines.push(line);
            }
            Event::StatusTransition { to, message } => {
                progress.say(&message.map_or_else(|| to.clone(), |text| format!("{to}: {text}")));
            }
            Event::CreatingProject => progress.say("Making the project"),
            Event::ValidatingQueries => progress.say("Checking the queries"),
            Event::Building(percentage) => progress.say(&format!("Building, {percentage:.0} %")),
            Event::Deploying => progress.say("Bringing it out"),
            Event::ProjectCreated(_) | Event::BackfillComplete | Event::UserVerification { .. } => {}
        }
    }
    Err(failed(Code::Upstream, "the connection ended before it was done".to_owned(), &lines).hint(unknown))
}

fn or(text: String, otherwise: &str) -> String {
    if text.trim().is_empty() { otherwise.to_owned() } else { plain(&text) }
}
