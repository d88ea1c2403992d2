//! The logins that Docker and Podman keep: `config.json`, `auth.json`, and the helpers that they name. They are read, never written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

use super::Credential;
use super::reference::{DOCKER_HUB, Repository};

/// The key of Docker Hub in Docker's file.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// How long a helper may take.
const HELPER: Duration = Duration::from_secs(10);
/// What a helper says when it knows nothing.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The name that stands for an identity token.
const TOKEN_USER: &str = "<token>";

/// A credential, and where it was found.
#[derive(Clone, Debug)]
pub struct Login {
    /// The credential.
    pub credential: Credential,
    /// Where it is from: a variable, a file, a helper.
    pub source: String,
}

impl Login {
    /// A name and a password from `source`.
    #[must_use]
    pub fn basic(user: &str, password: SecretString, source: impl Into<String>) -> Self {
        Self { credential: Credential::Basic { user: user.to_owned(), password }, source: source.into() }
    }

    /// The name, when it has one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.credential {
            Credential::Basic { user, .. } => Some(user),
            Credential::Identity(_) => None,
        }
    }
}

/// Why a login that is there cannot be used. Weaker sources are not tried then.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file is damaged.
    #[error("`{}` cannot be read: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The helper failed.
    #[error("`docker-credential-{helper}`, which `{}` names, {reason}", path.display())]
    Helper {
        /// Its name.
        helper: String,
        /// The file that names it.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ConfigFile {
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

/// The files that may hold a login, the first that is there counts.
#[must_use]
pub fn files(env: &BTreeMap<String, String>, home: &Path) -> Vec<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let docker = set("DOCKER_CONFIG").unwrap_or_else(|| home.join(".docker")).join("config.json");
    let podman = set("XDG_RUNTIME_DIR").map(|run| run.join("containers/auth.json"));
    std::iter::once(docker).chain(podman).chain([home.join(".config/containers/auth.json")]).collect()
}

/// The login for a repository that Docker or Podman keeps; `None` when there is none.
///
/// # Errors
///
/// When there is one, and it cannot be used.
pub async fn find(
    env: &BTreeMap<String, String>,
    home: &Path,
    repository: &Repository,
) -> Result<Option<Login>, CredentialError> {
    for path in files(env, home) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let file = |reason: String| CredentialError::File { path: path.clone(), reason };
        // What serde says would quote the file.
        let config: ConfigFile = serde_json::from_str(&text).map_err(|error| {
            file(format!("line {}, column {} is not as it should be", error.line(), error.column()))
        })?;
        if let Some(login) = look_up(&config, &path, env, repository).await? {
            return Ok(Some(login));
        }
    }
    Ok(None)
}

async fn look_up(
    config: &ConfigFile,
    path: &Path,
    env: &BTreeMap<String, String>,
    repository: &Repository,
) -> Result<Option<Login>, CredentialError> {
    let keys = keys(repository);
    let specific = keys.iter().find_map(|key| Some((key, config.cred_helpers.get(key)?)));
    let general = config.creds_store.as_ref().map(|store| (&keys[keys.len() - 1], store));
    for (key, helper) in specific.into_iter().chain(general).filter(|(_, helper)| !helper.is_empty()) {
        if let Some(login) = ask(helper, key, path, env).await? {
            return Ok(Some(login));
        }
    }
    let found = keys.iter().find_map(|key| {
        config.auths.iter().find(|(name, entry)| bare(name) == bare(key) && !entry.is_empty()).map(|(_, entry)| entry)
    });
    let Some(entry) = found else { return Ok(None) };
    let credential = entry.credential().ok_or_else(|| CredentialError::File {
        path: path.to_owned(),
        reason: format!("its login for {} is damaged", repository.host),
    })?;
    Ok(Some(Login { credential, source: path.display().to_string() }))
}

/// The keys that a login may have, the most specific first, the registry's own last.
fn keys(repository: &Repository) -> Vec<String> {
    let host = repository.host.as_str();
    let mut keys = Vec::new();
    let mut path = Some(repository.path.as_str());
    while let Some(prefix) = path {
        keys.push(format!("{host}/{prefix}"));
        path = prefix.rsplit_once('/').map(|(shorter, _)| shorter);
    }
    keys.push(host.to_owned());
    if host == DOCKER_HUB {
        keys.push(HUB_KEY.to_owned());
    }
    keys
}

/// A key without scheme and version.
fn bare(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest).trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

impl Entry {
    /// A store keeps empty entries for what is in it.
    fn is_empty(&self) -> bool {
        [&self.auth, &self.username, &self.identitytoken]
            .iter()
            .all(|text| text.as_deref().unwrap_or_default().is_empty())
    }

    fn credential(&self) -> Option<Credential> {
        if let Some(token) = self.identitytoken.as_ref().filter(|token| !token.is_empty()) {
            return Some(Credential::Identity(SecretString::from(token.clone())));
        }
        if let Some(auth) = self.auth.as_ref().filter(|auth| !auth.is_empty()) {
            let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let decoded = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient).decode(auth).ok()?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (user, password) = decoded.trim_end_matches('\0').split_once(':')?;
            return Some(credential(user, password.to_owned()));
        }
        Some(credential(self.username.as_ref()?, self.password.clone()?))
    }
}

fn credential(user: &str, secret: String) -> Credential {
    let secret = SecretString::from(secret);
    if user == TOKEN_USER {
        Credential::Identity(secret)
    } else {
        Credential::Basic { user: user.to_owned(), password: secret }
    }
}

/// Asks a helper, in its protocol: the key on its stdin, JSON on its stdout. What it prints is in no error.
async fn ask(
    helper: &str,
    key: &str,
    path: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Option<Login>, CredentialError> {
    let failed = |reason: String| CredentialError::Helper { helper: helper.to_owned(), path: path.to_owned(), reason };
    let mut command = tokio::process::Command::new(executable(&format!("docker-credential-{helper}"), env));
    command.arg("get").env_clear().envs(env).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| failed(format!("cannot be run: {error}")))?;
    let answer = async {
        if let Some(mut stdin) = child.stdin.take() {
            // One that needs no more of it may close it.
            let _ = stdin.write_all(key.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(HELPER, answer)
        .await
        .map_err(|_| failed(format!("did not answer in {} s", HELPER.as_secs())))?
        .map_err(|error| failed(format!("failed: {error}")))?;
    if !output.status.success() {
        let is_absent = String::from_utf8_lossy(&output.stdout).contains(NOT_FOUND);
        return if is_absent { Ok(None) } else { Err(failed(format!("failed with {}", output.status))) };
    }
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("answered with something else than a login".to_owned()))?;
    let secret = SecretString::from(answer.secret);
    let source = format!("docker-credential-{helper}");
    Ok(Some(Login { credential: credential(&answer.username, secret.expose_secret().to_owned()), source }))
}

/// A program on the path of `env`.
fn executable(name: &str, env: &BTreeMap<String, String>) -> PathBuf {
    let path = env.get("PATH").map(String::as_str).unwrap_or_default();
    let found = std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from(name))
}

#[cfg(test)]
mod tests;
