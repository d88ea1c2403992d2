//! Starting and restarting what was last pushed.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::health::{self, Health};
use super::instance::{InstanceError, Runner, Unit, Wait, stop};
use crate::integrations::embedded::launch::last_lines;
use crate::integrations::embedded::settings::{Settings, url};
use crate::integrations::embedded::{ProcessRecord, Session, process};

/// How many lines of its log an unhealthy instance shows.
const LOG_LINES: usize = 50;

/// An instance that runs.
#[derive(Clone, Debug, Serialize)]
pub struct Started {
    /// What it runs as.
    #[serde(flatten)]
    pub unit: Unit,
    /// Where it is reached.
    pub url: String,
    /// The port it listens on.
    pub port: u16,
    /// Where its data is.
    pub data_dir: PathBuf,
    /// What it said when it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<&'static str>,
}

/// The process of the instance, if one runs.
///
/// # Errors
///
/// When it cannot be told.
pub fn running(settings: &Settings) -> Result<Option<Started>, InstanceError> {
    let record = process::observe(&settings.files)?.running();
    Ok(record.map(|record| describe(settings, &record)))
}

fn describe(settings: &Settings, record: &ProcessRecord) -> Started {
    let address = record.address.unwrap_or_else(|| settings.address(record.port_override.unwrap_or(settings.port)));
    Started {
        unit: Unit::Pid(record.process.pid),
        url: url(address),
        port: address.port(),
        data_dir: record.data_dir.clone(),
        health: None,
    }
}

/// Whether the settings are others than those that the running process was started with.
///
/// # Errors
///
/// When it cannot be told.
pub fn is_reconfigured(settings: &Settings) -> Result<bool, InstanceError> {
    let record = process::observe(&settings.files)?.running();
    Ok(record.is_some_and(|record| record.config_hash != settings.hash()))
}

/// Fails unless the instance is healthy.
///
/// # Errors
///
/// [`InstanceError::Unhealthy`] with what it said.
pub async fn check_health(runner: &Runner, settings: &Settings, running: &Started) -> Result<(), InstanceError> {
    let health = health::probe(&runner.http, &running.url, &settings.health.path).await;
    match health.reason() {
        None => Ok(()),
        Some(reason) => Err(InstanceError::Unhealthy {
            name: settings.files.name().to_owned(),
            reason: reason.to_owned(),
            log: last_lines(&settings.files, LOG_LINES),
        }),
    }
}

/// Starts a process that serves what was last pushed.
///
/// # Errors
///
/// When nothing was pushed, the port is taken, or it does not become healthy.
pub async fn start(runner: &Runner, settings: &Settings, port: u16, wait: Wait) -> Result<Started, InstanceError> {
    let launch = runner.last_launch(settings, port)?;
    let started = runner.start(settings, &launch, wait).await?;
    Ok(Started {
        unit: started.unit,
        url: started.url,
        port: started.port,
        data_dir: launch.data,
        health: started.health.as_ref().map(Health::name),
    })
}

/// Ends the running process, if there is one, and starts another one on the port that it had been asked to have.
///
/// # Errors
///
/// When a development session has the instance, or the new process does not become healthy.
pub async fn restart(
    runner: &Runner,
    settings: &Settings,
    drain: Duration,
    wait: Wait,
) -> Result<Started, InstanceError> {
    let record = process::observe(&settings.files)?.running();
    if let Some(record) = record.as_ref().filter(|record| record.session == Session::Dev) {
        let (name, pid) = (settings.files.name().to_owned(), record.process.pid);
        return Err(InstanceError::InDevelopment { name, pid });
    }
    let port = record.as_ref().and_then(|record| record.port_override).unwrap_or(settings.port);
    // Better to find out before the running process is ended.
    runner.last_launch(settings, port)?;
    stop(&settings.files, drain).await?;
    start(runner, settings, port, wait).await
}
