//! The API of Docker and Podman: finding who speaks it, and the calls that instances need, with errors that say what to do.
//!
//! What is asked for are plain values of [`containers`] and the other modules; sending them is thin. Nothing is found by its
//! name, only by its labels.

pub mod build;
mod build_secrets;
pub mod containers;
pub mod detect;
pub mod error;
pub mod exec;
mod files;
pub mod images;
pub mod logs;
pub mod networks;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use bollard::{API_DEFAULT_VERSION, Docker};

pub use detect::Environment;
pub use error::{DockerError, Result};

/// The least version of the API: Docker 20.10.
pub const MIN_API: &str = "1.41";
/// How long a call may take, in seconds. Stopping a container takes its grace period.
const TIMEOUT_SECS: u64 = 120;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// What runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl Runtime {
    /// The name, as in a project file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Docker => Self::Podman,
            Self::Podman => Self::Docker,
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
        })
    }
}

/// A container runtime that answers.
#[derive(Clone, Debug)]
pub struct Client {
    docker: Docker,
    runtime: Runtime,
    host: String,
}

impl Client {
    /// The connection, for what this client has no call for.
    #[must_use]
    pub const fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Who answers.
    #[must_use]
    pub const fn runtime(&self) -> Runtime {
        self.runtime
    }

    /// Where it listens.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it runs as an ordinary user: its containers' root is then that user.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub async fn is_rootless(&self) -> Result<bool> {
        let info = self.docker.info().await.map_err(DockerError::of("ask the container runtime about itself"))?;
        Ok(info.security_options.unwrap_or_default().iter().any(|option| option.contains("rootless")))
    }
}

/// Connects to a container runtime: to the first of its addresses where somebody listens.
///
/// # Errors
///
/// When nobody answers, this user may not ask, or it is too old.
pub async fn connect(environment: &Environment, runtime: Runtime) -> Result<Client> {
    match try_connect(environment, runtime).await {
        Err(DockerError::Missing { runtime, looked_at, .. }) => {
            let other = try_connect(environment, runtime.other()).await.ok().map(|client| client.runtime);
            // Docker's socket may be Podman's in disguise.
            let other = other.filter(|other| *other != runtime);
            Err(DockerError::Missing { runtime, looked_at, other })
        }
        done => done,
    }
}

async fn try_connect(environment: &Environment, runtime: Runtime) -> Result<Client> {
    let candidates = environment.candidates(runtime);
    let mut failed = None;
    for candidate in &candidates {
        let path = candidate.host.strip_prefix("unix://").map(Path::new);
        if path.is_some_and(|path| !path.exists()) {
            continue;
        }
        match ask(runtime, &candidate.host).await {
            // One that is closed to this user, or that nobody listens on, may have an open one behind it.
            Err(error @ (DockerError::Denied { .. } | DockerError::NotRunning { .. })) if !candidate.named => {
                failed.get_or_insert(error);
            }
            done => return done,
        }
    }
    let missing = || DockerError::Missing {
        runtime,
        looked_at: candidates.into_iter().map(|candidate| candidate.host).collect(),
        other: None,
    };
    Err(failed.unwrap_or_else(missing))
}

async fn ask(runtime: Runtime, host: &str) -> Result<Client> {
    let address =
        |error: bollard::errors::Error| DockerError::Address { host: host.to_owned(), reason: error.to_string() };
    let docker = match host.split_once("://") {
        Some(("unix", path)) => Docker::connect_with_unix(path, TIMEOUT_SECS, API_DEFAULT_VERSION),
        Some(("tcp" | "http", _)) => Docker::connect_with_http(host, TIMEOUT_SECS, API_DEFAULT_VERSION),
        _ => {
            let reason = "expected `unix://PATH` or `tcp://HOST:PORT`".to_owned();
            return Err(DockerError::Address { host: host.to_owned(), reason });
        }
    };
    let docker = docker.map_err(address)?;
    let docker = docker.negotiate_version().await.map_err(|error| error::unreachable(runtime, host, &error))?;
    let version = docker.version().await.map_err(|error| error::unreachable(runtime, host, &error))?;
    let is_podman = version.components.iter().flatten().any(|component| component.name.contains("Podman"));
    let runtime = if is_podman { Runtime::Podman } else { runtime };
    let api = version.api_version.unwrap_or_default();
    // Podman speaks of 1.40 in some versions, and has what is needed from its third generation on.
    if !is_podman && parse_version(&api) < parse_version(MIN_API) {
        return Err(DockerError::TooOld { runtime, host: host.to_owned(), api });
    }
    Ok(Client { docker, runtime, host: host.to_owned() })
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What all of `labels` have, as the API asks for it.
fn filters(labels: &Labels) -> HashMap<String, Vec<String>> {
    let each = labels.iter().map(|(name, value)| format!("{name}={value}"));
    HashMap::from([("label".to_owned(), each.collect())])
}

#[cfg(test)]
mod tests;
