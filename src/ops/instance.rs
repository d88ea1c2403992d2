//! Starting and stopping an instance of this machine, and waiting for its health.

use std::path::PathBuf;
use std::time::Duration;

use helix_plan::diff::SchemaChange;
use rustix::process::Signal;
use serde::Serialize;

use super::container::crash::Crash;
use super::health::{self, Health};
use super::lock::LockError;
use super::releases::ReleaseError;
use crate::docker::DockerError;
use crate::integrations::embedded::control::{self, Client};
use crate::integrations::embedded::launch::{self, Launch};
use crate::integrations::embedded::settings::{Settings, url};
use crate::integrations::embedded::state::{self, State};
use crate::integrations::embedded::{EmbeddedError, Files, Presence, ProcessRecord, Session, files, port, process};

/// How much longer than its requests in flight a process may take to end, before it is ended.
const GRACE: Duration = Duration::from_secs(5);
/// How many lines of its log an unhealthy instance shows.
const LOG_LINES: usize = 50;

/// Why something could not be done to an instance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// The embedded runtime failed.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The container runtime failed.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// The container ended while it was waited for.
    #[error(transparent)]
    Crashed(Box<Crash>),
    /// Another command changes the instance.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The record of releases failed.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// There is nothing to start.
    #[error("nothing was pushed to instance `{name}` yet")]
    NothingPushed {
        /// The instance.
        name: String,
    },
    /// It runs, and does not answer as it should.
    #[error("instance `{name}` runs but is not healthy: {reason}")]
    Unhealthy {
        /// The instance.
        name: String,
        /// What it answered last.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// A development session has the instance.
    #[error("instance `{name}` is run by `helix dev` (pid {pid})")]
    InDevelopment {
        /// The instance.
        name: String,
        /// The process of the session.
        pid: u32,
    },
    /// The new plan would lose stored data, and nobody agreed to that.
    #[error("the schema change would lose stored data: {}", list(changes))]
    Breaking {
        /// What would be lost.
        changes: Vec<SchemaChange>,
    },
}

fn list(changes: &[SchemaChange]) -> String {
    let each = changes.iter().map(|change| format!("{}: {}", change.subject, change.reason));
    each.collect::<Vec<_>>().join("; ")
}

/// What is needed to run processes of instances.
#[derive(Clone, Debug)]
pub struct Runner {
    /// The executable that is the instance process: this one.
    pub program: PathBuf,
    /// Asks for health.
    pub http: reqwest::Client,
}

/// How long to wait for health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As the instance is configured.
    Configured,
    /// That long.
    For(Duration),
    /// Not at all.
    No,
}

impl Wait {
    /// The longest time; `None` for not at all.
    #[must_use]
    pub fn limit(self, settings: &Settings) -> Option<Duration> {
        match self {
            Self::Configured => Some(settings.health.timeout),
            Self::For(limit) => Some(limit),
            Self::No => None,
        }
    }
}

/// What an instance runs as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A process of this machine.
    Pid(u32),
    /// The container of that name.
    Container(String),
}

impl Unit {
    /// What it is, and which one.
    #[must_use]
    pub fn detail(&self) -> (&'static str, String) {
        match self {
            Self::Pid(pid) => ("pid", pid.to_string()),
            Self::Container(name) => ("container", name.clone()),
        }
    }
}

/// What was started.
#[derive(Clone, Debug)]
pub struct Started {
    /// What it runs as.
    pub unit: Unit,
    /// Where it is reached.
    pub url: String,
    /// The port it listens on.
    pub port: u16,
    /// What was found when it was asked for health; `None` when it was not.
    pub health: Option<Health>,
}

/// How stopping went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It did not run.
    WasStopped,
    /// It did not run any more; what the crash left is tidied up.
    WasDead,
    /// It finished what was in flight and ended.
    Drained {
        /// What it ran as.
        unit: Unit,
    },
    /// It had to be killed.
    Killed {
        /// What it ran as.
        unit: Unit,
    },
}

impl Runner {
    /// Starts a process and waits until it is healthy.
    ///
    /// # Errors
    ///
    /// When the port is taken, the process ends, or it does not become healthy in time.
    pub async fn start(&self, settings: &Settings, launch: &Launch, wait: Wait) -> Result<Started, InstanceError> {
        port::check(launch.address())?;
        tidy(&settings.files)?;
        let starting = launch::spawn(&self.program, launch, &settings.env)?;
        let unit = Unit::Pid(starting.pid());
        let Some(limit) = wait.limit(settings) else {
            return Ok(Started { unit, url: url(launch.address()), port: launch.port, health: None });
        };
        let record = starting.ready(limit).await?;
        let address = record.address.unwrap_or_else(|| launch.address());
        let url = url(address);
        let health = self.healthy(settings, &url, limit).await?;
        Ok(Started { unit, url, port: address.port(), health: Some(health) })
    }

    /// Waits until a running instance is healthy.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Unhealthy`] when it is not in time.
    pub async fn healthy(&self, settings: &Settings, url: &str, limit: Duration) -> Result<Health, InstanceError> {
        let asked = &settings.health;
        let health = health::wait(&self.http, url, &asked.path, limit, asked.interval).await;
        match health.reason() {
            None => Ok(health),
            Some(reason) => Err(InstanceError::Unhealthy {
                name: settings.files.name().to_owned(),
                reason: reason.to_owned(),
                log: launch::last_lines(&settings.files, LOG_LINES),
            }),
        }
    }

    /// What a process that serves what was last pushed is started with.
    ///
    /// # Errors
    ///
    /// [`InstanceError::NothingPushed`] when nothing was.
    pub fn last_launch(&self, settings: &Settings, port: u16) -> Result<Launch, InstanceError> {
        let files = &settings.files;
        let nothing = || InstanceError::NothingPushed { name: files.name().to_owned() };
        let state = State::load(files)?.ok_or_else(nothing)?;
        let plan = state::plan_file(files, &state.digest);
        if !plan.exists() {
            return Err(nothing());
        }
        Ok(settings.launch(Session::Detached, port, plan, state.digest))
    }
}

/// Has the instance finish what is in flight for at most `drain`, and end. That it does not run is fine.
///
/// # Errors
///
/// When the process does not even end when it is killed.
pub async fn stop(files: &Files, drain: Duration) -> Result<Stopped, InstanceError> {
    match process::observe(files)? {
        Presence::None => Ok(Stopped::WasStopped),
        Presence::Dead(_) => {
            tidy(files)?;
            Ok(Stopped::WasDead)
        }
        Presence::Running(record) => end(files, &record, drain).await,
    }
}

async fn end(files: &Files, record: &ProcessRecord, drain: Duration) -> Result<Stopped, InstanceError> {
    let pid = record.process.pid;
    let asked = match Client::new(files) {
        Ok(client) => client.stop(drain).await,
        Err(error) => Err(error),
    };
    if asked.is_err() {
        record.process.signal(Signal::TERM)?;
    }
    if process::wait_gone(files, drain + GRACE).await? {
        return Ok(Stopped::Drained { unit: Unit::Pid(pid) });
    }
    record.process.signal(Signal::KILL)?;
    if process::wait_gone(files, GRACE).await? {
        tidy(files)?;
        return Ok(Stopped::Killed { unit: Unit::Pid(pid) });
    }
    let waited_secs = (drain + GRACE + GRACE).as_secs();
    Err(EmbeddedError::NotStopped { name: files.name().to_owned(), pid, waited_secs }.into())
}

/// Removes what a process that died left behind.
///
/// # Errors
///
/// When it cannot be removed.
pub fn tidy(files: &Files) -> Result<(), EmbeddedError> {
    if let Presence::Dead(_) = process::observe(files)? {
        files::remove_file(&files.process())?;
        control::remove(files)?;
    }
    Ok(())
}
