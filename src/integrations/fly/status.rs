//! How the machine is, in words that all targets share, and what is told of one that failed.

use secrecy::ExposeSecret as _;

use super::api::Api;
use super::error::without;
use super::types::{Machine, State};
use super::{Fly, TITLE, history, logs};
use crate::integrations::container::PORT;
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::{Desired, LogQuery, RemoteStatus};

/// How many lines of the log are told of a release that failed.
const LAST_LINES: usize = 20;

impl Fly {
    pub(super) async fn look(&self) -> Result<RemoteStatus> {
        let api = self.api()?;
        if let Some(machine) = self.machine(api).await? {
            return Ok(self.status_of(&machine));
        }
        let mut status = RemoteStatus { state: "absent", ..RemoteStatus::default() };
        let volumes = match api.volumes().await {
            Err(error) if error.code == Code::NotFound => Vec::new(),
            volumes => volumes?,
        };
        for volume in volumes.iter().filter(|volume| volume.name == self.settings.volume) {
            status.details.push(("volume".to_owned(), format!("{} ({} GB), kept", volume.id, volume.size_gb)));
        }
        Ok(status)
    }

    pub(super) fn status_of(&self, machine: &Machine) -> RemoteStatus {
        let settings = &self.settings;
        let state = match machine.state {
            State::Started if machine.is_passing() => "running",
            State::Started if machine.checks.iter().any(|check| check.status == "critical") => "failed",
            State::Stopped | State::Suspended if machine.exit().is_some() => "failed",
            State::Stopped | State::Suspended | State::Stopping | State::Suspending => "stopped",
            State::Failed => "failed",
            State::Destroying | State::Destroyed => "absent",
            State::Created | State::Starting | State::Started | State::Replacing | State::Replaced | State::Unknown => {
                "starting"
            }
        };
        let mut details = vec![
            ("app".to_owned(), settings.app.clone()),
            ("machine".to_owned(), machine.id.clone()),
            ("region".to_owned(), machine.region.clone()),
            ("size".to_owned(), size(&machine.config["guest"])),
            ("address inside".to_owned(), format!("http://{}.internal:{PORT}", settings.app)),
        ];
        for check in machine.checks.iter().filter(|check| check.status != "passing") {
            details.push((format!("check {}", check.name), format!("{}: {}", check.status, check.output.trim())));
        }
        if machine.host_status == "unreachable" {
            details.push(("host".to_owned(), "cannot be reached".to_owned()));
        }
        RemoteStatus { state, release: Some(history::current(machine)), url: self.url(), details }
    }

    /// Where the instance answers everyone.
    pub(super) fn url(&self) -> Option<String> {
        (!self.settings.private).then(|| format!("https://{}.fly.dev", self.settings.app))
    }

    /// A release that is not healthy, with all that tells why.
    pub(super) async fn evidence(
        &self,
        api: &std::sync::Arc<Api>,
        machine: &Machine,
        reason: &str,
        desired: &Desired,
    ) -> TargetError {
        let checks = machine.checks.iter().filter(|check| check.status != "passing");
        let mut lines: Vec<String> = checks
            .map(|check| format!("check `{}` is {}: {}", check.name, check.status, check.output.trim()))
            .collect();
        lines.extend(self.last_lines(api).await.unwrap_or_default());
        // What a server writes when it fails may be what it was given.
        let secrets: Vec<&str> = desired.secrets.values().map(|secret| secret.expose_secret()).collect();
        let lines = lines.iter().map(|line| without(line, secrets.iter().copied()));
        TargetError::new(Code::Unhealthy, TITLE, "run the release", reason)
            .context(lines)
            .hint(format!("read its log: `helix logs {}`", self.settings.instance))
    }

    async fn last_lines(&self, api: &std::sync::Arc<Api>) -> Result<Vec<String>> {
        use futures_util::StreamExt as _;
        let query = LogQuery { count: Some(LAST_LINES), ..LogQuery::default() };
        let lines: Vec<_> = logs::lines(api, &query).await?.collect().await;
        lines.into_iter().map(|line| line.map(|line| line.message)).collect()
    }
}

/// The size that a machine has, for people.
fn size(guest: &serde_json::Value) -> String {
    let kind = guest["gpu_kind"].as_str().or(guest["cpu_kind"].as_str()).unwrap_or("unknown");
    format!("{} x {kind}, {} MB", guest["cpus"], guest["memory_mb"])
}
