//! How an instance in a container is.

use std::time::Duration;

use super::{Container, Observed};
use crate::docker::containers::{self, Phase};
use crate::integrations::container::names;
use crate::ops::health::Health;
use crate::ops::instance::{InstanceError, Unit};
use crate::ops::status::{InstanceState, InstanceStatus, at_rest, blank, note_release, occupied};

/// How long the runtime may take to tell.
const BUDGET: Duration = Duration::from_secs(10);

impl Container {
    /// How the instance is. What cannot be told is part of the answer.
    pub async fn status(&self) -> InstanceStatus {
        let local = &self.settings.local;
        let mut status = blank(self.name(), self.settings.runtime.name());
        status.ports = vec![local.port];
        status.data_bytes = occupied(local);
        let observed = tokio::time::timeout(BUDGET, self.observe()).await;
        match observed {
            Ok(Ok(observed)) => self.note(&observed, &mut status).await,
            Ok(Err(InstanceError::Docker(error))) => status.last_error = Some(error.to_string()),
            Ok(Err(error)) => status.last_error = Some(error.to_string()),
            Err(_) => status.last_error = Some(format!("{} does not answer in time", self.settings.runtime)),
        }
        status
    }

    async fn note(&self, observed: &Observed, status: &mut InstanceStatus) {
        if let Some(state) = &observed.state {
            note_release(&self.settings.local, state, status);
            status.image.clone_from(&state.image);
        }
        let Some(current) = observed.current() else {
            // Somebody removed it: what was pushed can be started again.
            status.state = at_rest(&self.settings.local, observed.state.as_ref());
            return;
        };
        status.unit = Some(Unit::Container(current.name.clone()));
        status.image = Some(current.image.clone());
        status.restarts = Some(current.restarts);
        let port = self.port_of(current);
        status.ports = vec![port];
        let release = observed.state.as_ref().and_then(|state| state.release_id.as_deref());
        status.drift |= current.label(names::RELEASE) != release;
        match current.phase {
            Phase::Running => self.note_running(current, port, status).await,
            Phase::Restarting => {
                status.state = InstanceState::Crashed;
                status.last_error = Some(ended(current));
            }
            Phase::Paused => {
                status.state = InstanceState::Unhealthy;
                status.last_error = Some("somebody paused its container".to_owned());
            }
            Phase::Created => status.state = InstanceState::Stopped,
            Phase::Exited if is_crash(current) => {
                status.state = InstanceState::Crashed;
                status.last_error = Some(ended(current));
            }
            Phase::Exited => status.state = InstanceState::Stopped,
        }
    }

    async fn note_running(&self, current: &containers::Container, port: u16, status: &mut InstanceStatus) {
        status.started_at.clone_from(&current.started_at);
        let health = self.probe(port).await;
        status.url = Some(self.url(port));
        status.health = Some(health.name());
        status.last_error = health.reason().map(str::to_owned);
        status.state = match health {
            Health::Healthy if status.drift => InstanceState::Drifted,
            Health::Healthy => InstanceState::Running,
            Health::Unhealthy { .. } | Health::Unreachable { .. } => InstanceState::Unhealthy,
        };
    }
}

/// A server that is told to end does so with 0; one that takes too long is killed by whoever told it.
fn is_crash(container: &containers::Container) -> bool {
    container.oom_killed || !matches!(container.exit_code, 0 | 137 | 143)
}

fn ended(container: &containers::Container) -> String {
    let oom = if container.oom_killed { ", for want of memory" } else { "" };
    let restarts = match container.restarts {
        0 => String::new(),
        times => format!("; it was started again {times} times"),
    };
    format!("its container ended with exit code {}{oom}{restarts}", container.exit_code)
}
