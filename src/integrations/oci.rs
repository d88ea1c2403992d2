//! What the targets that store images have in common: logins, what a registry's errors mean, the question whether a push is allowed,
//! and what is ours to remove.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::SecretString;

use super::Target;
use super::error::{Code, Result, TargetError};
use super::role::{Finding, Severity};
use crate::http::HttpError;
use crate::registry::reference::ReferenceError;
use crate::registry::sign::signature_tag;
use crate::registry::{Client, Login, RegistryError, Repository, credentials};

/// The label of all that is ours.
const MANAGED: &str = "dev.helix.managed";
/// How long a vendor's tool may take.
const TOOL: Duration = Duration::from_secs(10);

/// What a target of images is made of.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The variables of the command.
    pub env: BTreeMap<String, String>,
    /// The home folder.
    pub home: PathBuf,
    /// The client of HTTP.
    pub http: reqwest::Client,
}

impl Surroundings {
    /// A variable that is set and not empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// What a failed call of a registry means.
#[must_use]
pub fn failed(target: &'static Target, action: impl Into<String>, error: &RegistryError) -> TargetError {
    let action = action.into();
    let new = |code| TargetError::new(code, target.title, action.clone(), error.to_string());
    match error {
        RegistryError::Reference(ReferenceError::Insecure { .. }) | RegistryError::Insecure { .. } => new(
            Code::Insecure,
        )
        .hint("use an address that encrypts, or set `plain_http = true` for the instance when its network is yours"),
        RegistryError::Reference(ReferenceError::Grammar { .. }) => new(Code::Invalid),
        RegistryError::Http(source) => TargetError::http(target.title, action, source).context(limits(source)),
        RegistryError::Token { source, .. } | RegistryError::Refused { source, .. } => {
            let mut known = TargetError::http(target.title, action.clone(), source);
            known.message = error.to_string();
            if let Some(code) = meaning(error) {
                known.code = code;
            }
            known.context(limits(source))
        }
        RegistryError::Absent { .. } => new(Code::NotFound),
        RegistryError::Moved { .. } => new(Code::StalePlan).hint("look at what is there now: `helix status`"),
        RegistryError::Foreign { .. } => new(Code::Conflict).hint("remove that tag with the tools of its owner"),
        RegistryError::Digest { .. } => new(Code::Upstream).hint("it is safe to run the command again"),
        RegistryError::Image(_) | RegistryError::Docker(_) | RegistryError::File { .. } => new(Code::Image),
    }
}

/// What an answer says of the limit that is reached: how many in how long, how many are left, and for whom it is counted.
fn limits(error: &HttpError) -> Vec<String> {
    let Some(refused) = error.answer().filter(|refused| refused.status == StatusCode::TOO_MANY_REQUESTS) else {
        return Vec::new();
    };
    let header = |name: &str| refused.headers.get(name).and_then(|value| value.to_str().ok());
    // `100;w=21600`: so many in so many seconds.
    let counted = |name: &str| {
        let text = header(name)?;
        let (number, window) = text.split_once(";w=").unwrap_or((text, ""));
        let window = window.parse::<u64>().ok().map(|seconds| format!(" in {seconds} s")).unwrap_or_default();
        Some(format!("{}{window}", number.parse::<u64>().ok()?))
    };
    let lines = [
        counted("ratelimit-limit").map(|limit| format!("the limit is {limit}")),
        counted("ratelimit-remaining").map(|left| format!("what is left is {left}")),
        header("docker-ratelimit-source").map(|source| format!("it is counted for {source}")),
    ];
    lines.into_iter().flatten().collect()
}

/// What the codes of registries mean where their statuses do not say enough.
fn meaning(error: &RegistryError) -> Option<Code> {
    let RegistryError::Refused { code, source, .. } = error else { return None };
    let answer = source.answer()?;
    let challenge = answer.headers.get(reqwest::header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    match code.as_str() {
        // A token was accepted, and is not enough.
        "UNAUTHORIZED" if challenge.is_some_and(|text| text.contains("insufficient_scope")) => Some(Code::AuthScope),
        "UNAUTHORIZED" => Some(Code::AuthRejected),
        "DENIED" if answer.status.as_u16() == 401 => Some(Code::AuthRejected),
        "DENIED" => Some(Code::AuthScope),
        "NAME_UNKNOWN" | "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN" => Some(Code::NotFound),
        "TOOMANYREQUESTS" => Some(Code::RateLimited),
        "UNSUPPORTED" => Some(Code::Unsupported),
        _ => None,
    }
}

/// A failure as something that was found out.
#[must_use]
pub fn finding(error: &TargetError) -> Finding {
    Finding {
        code: error.code.stable().0,
        severity: Severity::Error,
        summary: error.to_string(),
        fix: error.hint.clone(),
    }
}

/// Something that is good to know.
#[must_use]
pub fn note(code: &'static str, severity: Severity, summary: impl Into<String>, fix: Option<String>) -> Finding {
    Finding { code, severity, summary: summary.into(), fix }
}

/// The first variable of `tokens` that is set, with the first of `users`, or `fallback` for a name.
#[must_use]
pub fn login_of_env(around: &Surroundings, tokens: &[&str], users: &[&str], fallback: &str) -> Option<Login> {
    let (name, token) = tokens.iter().find_map(|name| Some((*name, around.var(name)?)))?;
    let user = users.iter().find_map(|name| around.var(name)).unwrap_or(fallback);
    Some(Login::basic(user, SecretString::from(token.to_owned()), format!("the variable `{name}`")))
}

/// The login that Docker or Podman keeps.
///
/// # Errors
///
/// When there is one that cannot be used.
pub async fn login_of_docker(
    target: &'static Target,
    around: &Surroundings,
    repository: &Repository,
) -> Result<Option<Login>> {
    credentials::find(&around.env, &around.home, repository).await.map_err(|error| {
        TargetError::new(Code::AuthMissing, target.title, "log in", error.to_string())
            .hint(format!("log in anew: `docker login {}`", repository.host))
    })
}

/// What a vendor's tool prints; `HELIX_TOOL_<NAME>` names another program.
///
/// # Errors
///
/// When it cannot be run, fails, or takes too long. What it printed is not told.
pub async fn tool(target: &'static Target, around: &Surroundings, name: &str, args: &[&str]) -> Result<String> {
    let failed = |reason: String| TargetError::new(Code::AuthMissing, target.title, "log in", reason);
    let program = around.var(&format!("HELIX_TOOL_{}", name.to_uppercase())).unwrap_or(name);
    let mut command = tokio::process::Command::new(program);
    command.args(args).env_clear().envs(&around.env).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let shown = format!("`{name} {}`", args.join(" "));
    let output = tokio::time::timeout(TOOL, command.output())
        .await
        .map_err(|_| failed(format!("{shown} did not answer in {} s", TOOL.as_secs())))?
        .map_err(|error| failed(format!("{shown} cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("{shown} failed with {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// No source has a login.
#[must_use]
pub fn no_login(target: &'static Target, tried: Vec<String>) -> TargetError {
    TargetError::new(Code::AuthMissing, target.title, "log in", "no credential was found").context(tried)
}

/// Fails unless an image is ours: nobody else's is removed.
///
/// # Errors
///
/// When it is not, or cannot be looked at.
pub async fn check_ours(target: &'static Target, client: &Client, reference: &str) -> Result<()> {
    let action = format!("remove {reference}");
    let labels = client.config_labels(reference).await.map_err(|error| failed(target, action.clone(), &error))?;
    if labels.get(MANAGED).is_some_and(|value| value == "true") {
        return Ok(());
    }
    let message = format!("the image in {} was not made by helix: it has no label `{MANAGED}`", client.repository());
    Err(TargetError::new(Code::Conflict, target.title, action, message).hint("remove it with the tools of its owner"))
}

/// Fails unless all images with a tag are ours.
///
/// # Errors
///
/// As those of [`check_ours`].
pub async fn check_all_ours(target: &'static Target, client: &Client) -> Result<()> {
    let tags = client.tags().await.map_err(|error| failed(target, "list the tags", &error))?;
    // Lists of what belongs to images have no labels.
    for tag in tags.iter().filter(|tag| !tag.starts_with("sha256-")) {
        check_ours(target, client, tag).await?;
    }
    Ok(())
}

/// The manifests of the signatures of images: they go with them, and nothing in them says that they are ours. Images that are not there
/// have none.
///
/// # Errors
///
/// When an image is not ours, or the registry does not say.
pub async fn signatures(target: &'static Target, client: &Client, digests: &[String]) -> Result<Vec<String>> {
    let failed = |error| failed(target, "look for signatures", &error);
    let mut found = Vec::new();
    for digest in digests {
        let Some(signatures) = client.head(&signature_tag(digest)).await.map_err(failed)? else { continue };
        if client.head(digest).await.map_err(failed)?.is_some() {
            check_ours(target, client, digest).await?;
            found.push(signatures.digest);
        }
    }
    Ok(found)
}

/// Removes manifests by the registry's own call; those that are not there are left out.
///
/// # Errors
///
/// When one is not ours, or the registry refuses.
pub async fn remove(target: &'static Target, client: &Client, digests: &[String]) -> Result<Vec<String>> {
    let signatures = signatures(target, client, digests).await?;
    let mut removed = Vec::new();
    for digest in digests {
        let action = || format!("remove {digest}");
        let there = client.head(digest).await.map_err(|error| failed(target, action(), &error))?;
        if there.is_some() {
            check_ours(target, client, digest).await?;
            if client.delete(digest).await.map_err(|error| failed(target, action(), &error))? {
                removed.push(client.repository().at(digest));
            }
        }
    }
    for digest in signatures {
        client.delete(&digest).await.map_err(|error| failed(target, format!("remove {digest}"), &error))?;
    }
    Ok(removed)
}
