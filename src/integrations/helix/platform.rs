//! Helix Cloud as a platform.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use secrecy::SecretString;

use super::api::Cloud;
use super::deploy::{self, Deployed};
use super::types::{ClusterProject, Extension, RuntimeConfig};
use super::{TITLE, logs};
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::{
    Activated, Artifact, Desired, Finding, Identity, Lock, LogLine, LogQuery, Platform, Progress, Provisioned,
    Registry, RemoteRelease, RemoteStatus, SecretInfo, Severity,
};
use crate::integrations::{self, Target};

/// An instance of Helix Cloud.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The instance.
    pub instance: String,
    /// The cluster; `None` before it was created.
    pub cluster: Option<String>,
    /// The project that the cluster must belong to, where the project file names one.
    pub project: Option<String>,
    /// The settings of the database.
    pub runtime_config: RuntimeConfig,
    /// `dev` or `release`.
    pub build_mode: String,
    /// `dev` when this deployment alone is to be compiled so.
    pub build_mode_override: Option<String>,
}

/// An instance that runs in a managed cluster.
#[derive(Clone, Debug)]
pub struct HelixCloud {
    cloud: Cloud,
    settings: Settings,
}

impl HelixCloud {
    /// An instance of the service.
    #[must_use]
    pub const fn new(cloud: Cloud, settings: Settings) -> Self {
        Self { cloud, settings }
    }

    /// The service.
    #[must_use]
    pub const fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    fn cluster(&self) -> Result<&str> {
        self.settings.cluster.as_deref().ok_or_else(|| {
            let name = &self.settings.instance;
            let message = format!("`[cloud.{name}.helix]` names no cluster yet");
            TargetError::new(Code::NotFound, TITLE, "find the cluster", message)
                .hint("write the id of one into `cluster_id`; `helix config cluster list` shows what there is")
        })
    }

    /// The cluster, as long as it belongs to the project that the project file names.
    async fn own(&self) -> Result<ClusterProject> {
        let found = self.cloud.cluster(self.cluster()?).await?;
        match &self.settings.project {
            Some(project) if *project != found.project_id => {
                let message = format!(
                    "the cluster `{}` belongs to the project `{}` ({}), this one is {project}",
                    found.cluster_id, found.project_name, found.project_id
                );
                Err(TargetError::new(Code::Conflict, TITLE, "use the cluster", message)
                    .hint("correct `cluster_id`, or link the project: `helix config project switch`"))
            }
            _ => Ok(found),
        }
    }

    /// The cluster of a change that only some services can make.
    async fn extended(&self, extension: Extension, action: &str, instead: &str) -> Result<&str> {
        let cluster = self.cluster()?;
        self.cloud.require(extension, action, instead).await?;
        self.own().await?;
        Ok(cluster)
    }

    async fn control(&self, deed: Extension) -> Result<()> {
        let instead = "use the web page of the service; its data stays either way";
        let cluster = self.extended(deed, &format!("{} the cluster", deed.name()), instead).await?;
        self.cloud.control(cluster, deed).await
    }

    async fn activated(&self, deployed: Deployed) -> Activated {
        // That it is deployed is known; how it is told is not worth failing for.
        let status = match self.status().await {
            Ok(status) => status,
            Err(_) => RemoteStatus { state: "running", url: deployed.url.clone(), ..RemoteStatus::default() },
        };
        // The service says so once the release answers.
        Activated { url: deployed.url, key: deployed.key, status, is_healthy: true }
    }
}

#[async_trait]
impl Platform for HelixCloud {
    fn target(&self) -> &'static Target {
        integrations::find("helix")
    }

    fn registry(&self) -> Option<&dyn Registry> {
        None
    }

    async fn whoami(&self) -> Result<Identity> {
        let workspaces = self.cloud.workspaces().await?;
        let names: Vec<&str> = workspaces.iter().map(|workspace| workspace.url_slug.as_str()).collect();
        Ok(Identity { account: names.join(", "), source: self.cloud.source().to_owned() })
    }

    async fn preflight(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |error: TargetError| {
            let code = error.code.stable().0;
            findings.push(Finding { code, severity: Severity::Error, summary: error.to_string(), fix: error.hint });
        };
        let found = match self.cluster() {
            Ok(_) => self.own().await.map(drop),
            Err(error) => {
                add(error);
                self.whoami().await.map(drop)
            }
        };
        found.err().into_iter().for_each(add);
        findings
    }

    async fn provision(&self) -> Result<Provisioned> {
        let found = self.own().await?;
        let adopted = vec![format!("cluster `{}` of project `{}`", found.cluster_id, found.project_name)];
        Ok(Provisioned { adopted, ..Provisioned::default() })
    }

    async fn status(&self) -> Result<RemoteStatus> {
        let found = match self.own().await {
            Ok(found) => found,
            Err(error) if error.code == Code::NotFound => {
                return Ok(RemoteStatus { state: "absent", ..RemoteStatus::default() });
            }
            Err(error) => return Err(error),
        };
        let states = ["running", "stopped", "starting", "failed", "absent"];
        // A service of version 2 does not say how a cluster is, only that it has it.
        let told = found.status.as_deref().and_then(|told| states.into_iter().find(|state| *state == told));
        let releases = if self.cloud.extensions().await?.contains(&Extension::Releases) {
            self.releases().await?
        } else {
            Vec::new()
        };
        let details = vec![("cluster".to_owned(), found.cluster_id), ("project".to_owned(), found.project_name)];
        Ok(RemoteStatus {
            state: told.unwrap_or("published"),
            release: releases.into_iter().find(|release| release.current),
            url: found.url,
            details,
        })
    }

    async fn lock(&self, _: &str) -> Result<Option<Box<dyn Lock>>> {
        Ok(None)
    }

    async fn activate(&self, desired: &Desired, _: bool, progress: &dyn Progress) -> Result<Activated> {
        let Artifact::Sources(bundle) = &desired.artifact else {
            return Err(TargetError::new(
                Code::Unsupported,
                TITLE,
                "deploy",
                "it compiles sources, and runs no images",
            )
            .hint("push to Fly.io, or to a registry"));
        };
        let cluster = self.cluster()?;
        let body = deploy::body(&self.settings, desired, bundle)?;
        self.own().await?;
        if !desired.secrets.is_empty() {
            let values = desired.secrets.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
            self.set_secrets(&values).await?;
        }
        let events = self.cloud.deploy(cluster, &body, &desired.release).await?;
        let deployed = deploy::follow("deploy", events, progress).await?;
        Ok(self.activated(deployed).await)
    }

    async fn start(&self) -> Result<()> {
        self.control(Extension::Start).await
    }

    async fn stop(&self) -> Result<()> {
        self.control(Extension::Stop).await
    }

    async fn restart(&self) -> Result<()> {
        self.control(Extension::Restart).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<BoxStream<'static, Result<LogLine>>> {
        logs::lines(&self.cloud, self.cluster()?, query).await
    }

    async fn releases(&self) -> Result<Vec<RemoteRelease>> {
        let cluster = self.cluster()?;
        let instead = "`helix releases` shows what was deployed from here";
        self.cloud.require(Extension::Releases, "list the releases", instead).await?;
        self.cloud.releases(cluster).await
    }

    async fn rollback(&self, to: &RemoteRelease, progress: &dyn Progress) -> Result<Activated> {
        let instead = "check out the sources of that release, and push them again: `helix push`";
        let cluster = self.extended(Extension::Rollback, "roll back", instead).await?;
        let events = self.cloud.rollback(cluster, &to.id).await?;
        let deployed = deploy::follow("roll back", events, progress).await?;
        Ok(self.activated(deployed).await)
    }

    async fn secrets(&self) -> Result<Vec<SecretInfo>> {
        let cluster = self.cluster()?;
        self.cloud.require(Extension::Secrets, "list the secrets", "see them on the web page of the service").await?;
        self.cloud.secrets(cluster).await
    }

    async fn set_secrets(&self, values: &BTreeMap<String, Option<SecretString>>) -> Result<()> {
        let cluster =
            self.extended(Extension::Secrets, "set the secrets", "set them on the web page of the service").await?;
        let set: BTreeMap<&str, &SecretString> =
            values.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?))).collect();
        if !set.is_empty() {
            self.cloud.set_secrets(cluster, &set).await?;
        }
        for (name, _) in values.iter().filter(|(_, value)| value.is_none()) {
            self.cloud.remove_secret(cluster, name).await?;
        }
        Ok(())
    }

    async fn things(&self) -> Result<Vec<String>> {
        let found = self.own().await?;
        Ok(vec![format!("cluster `{}` of project `{}`, with its data", found.cluster_id, found.project_name)])
    }

    async fn destroy(&self, with_data: bool) -> Result<Vec<String>> {
        let instead = "delete it on the web page of the service";
        self.cloud.require(Extension::Delete, "delete the cluster", instead).await?;
        let things = match self.things().await {
            Err(error) if error.code == Code::NotFound => return Ok(Vec::new()),
            things => things?,
        };
        if !with_data {
            let message = "a cluster cannot be deleted without its data";
            return Err(
                TargetError::new(Code::Unsupported, TITLE, "delete the cluster", message).hint("stop it: `helix stop`")
            );
        }
        self.cloud.delete_cluster(self.cluster()?).await?;
        Ok(things)
    }
}
