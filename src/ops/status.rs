//! How instances are.

use std::time::Duration;

use serde::Serialize;

use super::health::{self, Health};
use super::instance::{InstanceError, Runner, Unit};
use super::releases;
use crate::integrations::embedded::launch::last_lines;
use crate::integrations::embedded::settings::{Settings, url};
use crate::integrations::embedded::state::State;
use crate::integrations::embedded::{Phase, Presence, ProcessRecord, Session, process};

/// What an instance is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Nothing was pushed.
    Absent,
    /// A push failed before anything ran.
    Built,
    /// It serves.
    Running,
    /// It is about to serve.
    Starting,
    /// Its image is in a registry, for somebody else to run.
    Published,
    /// It was stopped.
    Stopped,
    /// It runs, and does not answer as it should.
    Unhealthy,
    /// Its process ended without being asked to.
    Crashed,
    /// It serves another plan than its release.
    Drifted,
    /// It cannot be told.
    Unknown,
}

impl InstanceState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Built => "built",
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Published => "published",
            Self::Stopped => "stopped",
            Self::Unhealthy => "unhealthy",
            Self::Crashed => "crashed",
            Self::Drifted => "drifted",
            Self::Unknown => "unknown",
        }
    }
}

/// How an instance is.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceStatus {
    /// Its name.
    pub name: String,
    /// The target.
    pub provider: &'static str,
    /// What it is doing.
    pub state: InstanceState,
    /// What it says when asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<&'static str>,
    /// Where it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The ports: the one it has, or the one it would have.
    pub ports: Vec<u16>,
    /// What it runs as.
    #[serde(flatten)]
    pub unit: Option<Unit>,
    /// The id of the image, when it runs in a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How often its container was started again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<i64>,
    /// Who runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Session>,
    /// Since when it runs, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// The last release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// When that was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<String>,
    /// The digest of what it serves or last served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether that is another plan than the release's.
    pub drift: bool,
    /// How much room its data takes, in bytes.
    pub data_bytes: u64,
    /// Why it is not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl InstanceStatus {
    /// Whether it serves, and is healthy.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        matches!(self.state, InstanceState::Running | InstanceState::Drifted) && self.health == Some("healthy")
    }
}

/// How an embedded instance is. What cannot be told is part of the answer.
pub async fn embedded(runner: &Runner, settings: &Settings) -> InstanceStatus {
    let mut status = blank(settings.files.name(), "embedded");
    status.ports = vec![settings.port];
    status.data_bytes = occupied(settings);
    match observe(settings) {
        Ok((presence, state)) => {
            if let Some(state) = &state {
                note_release(settings, state, &mut status);
            }
            match presence {
                Presence::None => status.state = at_rest(settings, state.as_ref()),
                Presence::Dead(record) => dead(settings, &record, &mut status),
                Presence::Running(record) => running(runner, settings, &record, &mut status).await,
            }
        }
        Err(error) => status.last_error = Some(error.to_string()),
    }
    status
}

/// An instance that nothing can be told of.
#[must_use]
pub fn unknown(name: &str, provider: &'static str, reason: String) -> InstanceStatus {
    InstanceStatus { last_error: Some(reason), ..blank(name, provider) }
}

pub(super) fn blank(name: &str, provider: &'static str) -> InstanceStatus {
    InstanceStatus {
        name: name.to_owned(),
        provider,
        state: InstanceState::Unknown,
        health: None,
        url: None,
        ports: Vec::new(),
        unit: None,
        image: None,
        restarts: None,
        mode: None,
        started_at: None,
        release: None,
        released_at: None,
        digest: None,
        drift: false,
        data_bytes: 0,
        last_error: None,
    }
}

fn observe(settings: &Settings) -> Result<(Presence, Option<State>), InstanceError> {
    Ok((process::observe(&settings.files)?, State::load(&settings.files)?))
}

pub(super) fn note_release(settings: &Settings, state: &State, status: &mut InstanceStatus) {
    status.digest = Some(state.digest.clone());
    status.release.clone_from(&state.release_id);
    let releases = releases::list(&settings.files.releases()).unwrap_or_default();
    if let Some(release) = releases.into_iter().find(|release| Some(&release.id) == state.release_id.as_ref()) {
        status.drift = release.digest != state.digest;
        status.released_at = Some(release.created_at);
    }
}

pub(super) fn at_rest(settings: &Settings, state: Option<&State>) -> InstanceState {
    match state {
        Some(_) => InstanceState::Stopped,
        None if settings.files.plans().exists() => InstanceState::Built,
        None => InstanceState::Absent,
    }
}

fn dead(settings: &Settings, record: &ProcessRecord, status: &mut InstanceStatus) {
    status.state = InstanceState::Crashed;
    status.last_error = Some(match &record.fault {
        Some(fault) => fault.message.clone(),
        None => {
            let last = last_lines(&settings.files, 1).pop().map(|line| format!("; its last words: {line}"));
            format!("process {} ended without a word{}", record.process.pid, last.unwrap_or_default())
        }
    });
}

async fn running(runner: &Runner, settings: &Settings, record: &ProcessRecord, status: &mut InstanceStatus) {
    status.unit = Some(Unit::Pid(record.process.pid));
    status.mode = Some(record.session);
    status.started_at = Some(record.started_at.clone());
    if let Some(digest) = &record.digest {
        status.drift |= status.digest.as_ref().is_some_and(|last| last != digest);
        status.digest = Some(digest.clone());
    }
    let Some(address) = record.address.filter(|_| record.phase != Phase::Starting) else {
        status.state = InstanceState::Running;
        status.health = Some("starting");
        return;
    };
    let url = url(address);
    status.ports = vec![address.port()];
    let health = health::probe(&runner.http, &url, &settings.health.path).await;
    status.url = Some(url);
    status.health = Some(health.name());
    status.last_error = health.reason().map(str::to_owned);
    status.state = match health {
        Health::Healthy if status.drift && record.session == Session::Detached => InstanceState::Drifted,
        Health::Healthy => InstanceState::Running,
        Health::Unhealthy { .. } | Health::Unreachable { .. } => InstanceState::Unhealthy,
    };
}

/// The room that the files of the data directory take on the disk.
pub(super) fn occupied(settings: &Settings) -> u64 {
    use std::os::unix::fs::MetadataExt as _;

    let mut folders = vec![settings.files.data().to_owned()];
    let mut total = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                // A sparse file takes less room than it is long.
                Ok(metadata) => total += metadata.blocks() * 512,
                Err(_) => {}
            }
        }
    }
    total
}

/// How long ago an instant was; `None` when it cannot be read.
#[must_use]
pub fn age(rfc3339: &str) -> Option<Duration> {
    let then: jiff::Timestamp = rfc3339.parse().ok()?;
    Duration::try_from(jiff::Timestamp::now().duration_since(then)).ok()
}
