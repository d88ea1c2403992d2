//! Containers: what one is made of, as a plain value, and what can be seen of one and done to it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum, HealthConfig, HostConfig, Mount,
    MountType, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptions, EventsOptions, ListContainersOptions, RemoveContainerOptions, RenameContainerOptions,
    StopContainerOptions,
};

use futures_util::StreamExt as _;

use super::error::{DockerError, Result};
use super::{Client, Labels, filters};

/// How many processes and threads a container may have: far more than a server needs, far less than hurts.
const MAX_PIDS: i64 = 4096;
/// Between two questions for the health of a container, in nanoseconds.
const HEALTH_INTERVAL_NANOS: i64 = 10_000_000_000;
/// How long a container may take to become healthy before that counts, in nanoseconds.
const HEALTH_START_NANOS: i64 = 60_000_000_000;

/// When a container is started again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// Whenever it ends, and when the runtime starts.
    Always,
    /// Like `Always`, except when somebody stopped it.
    UnlessStopped,
    /// When it fails, at most that often; 0 is without end.
    OnFailure(u32),
}

impl Restart {
    /// Reads `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "no" => Some(Self::No),
            "always" => Some(Self::Always),
            "unless-stopped" => Some(Self::UnlessStopped),
            "on-failure" => Some(Self::OnFailure(0)),
            _ => text.strip_prefix("on-failure:")?.parse().ok().map(Self::OnFailure),
        }
    }

    fn policy(self) -> RestartPolicy {
        let (name, retries) = match self {
            Self::No => (RestartPolicyNameEnum::NO, None),
            Self::Always => (RestartPolicyNameEnum::ALWAYS, None),
            Self::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
            Self::OnFailure(retries) => (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(retries))),
        };
        RestartPolicy { name: Some(name), maximum_retry_count: retries }
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("no"),
            Self::Always => f.write_str("always"),
            Self::UnlessStopped => f.write_str("unless-stopped"),
            Self::OnFailure(0) => f.write_str("on-failure"),
            Self::OnFailure(retries) => write!(f, "on-failure:{retries}"),
        }
    }
}

/// A container to be made: unprivileged, with a root file system that cannot be written to.
#[derive(Clone)]
pub struct ContainerSpec {
    /// Its name: for people only.
    pub name: String,
    /// The image, best by its id.
    pub image: String,
    /// What it is found by.
    pub labels: Labels,
    /// Its environment. Whoever may look at the container sees it.
    pub env: BTreeMap<String, String>,
    /// A file of this machine with what nobody should see there, and where it is inside.
    pub secrets: Option<(PathBuf, String)>,
    /// `uid:gid`.
    pub user: String,
    /// Where this machine reaches it.
    pub published: SocketAddr,
    /// The port that it listens on inside.
    pub port: u16,
    /// The folder of this machine that it keeps its data in.
    pub data: PathBuf,
    /// Where that is inside.
    pub data_inside: String,
    /// Whether the folder is given to the container alone, in the eyes of SELinux.
    pub relabel: bool,
    /// Its network.
    pub network: String,
    /// When it is started again.
    pub restart: Restart,
    /// The memory that it may use.
    pub memory_bytes: Option<i64>,
    /// The processors that it may use, in billionths.
    pub nano_cpus: Option<i64>,
    /// Asks for its health from inside.
    pub healthcheck: Vec<String>,
    /// How long it may take to end, in seconds.
    pub grace_secs: i64,
}

impl fmt::Debug for ContainerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerSpec").field("name", &self.name).field("image", &self.image).finish_non_exhaustive()
    }
}

impl ContainerSpec {
    /// What the API is asked for.
    #[must_use]
    pub fn body(&self) -> ContainerCreateBody {
        let port = format!("{}/tcp", self.port);
        let binding = PortBinding {
            host_ip: Some(self.published.ip().to_string()),
            host_port: Some(self.published.port().to_string()),
        };
        let data = self.data.display();
        let (binds, mounts) = if self.relabel {
            let secrets = self.secrets.iter().map(|(file, inside)| format!("{}:{inside}:ro,Z", file.display()));
            (Some(std::iter::once(format!("{data}:{}:Z", self.data_inside)).chain(secrets).collect()), None)
        } else {
            let mount = |source: String, target: &str, read_only: bool| Mount {
                typ: Some(MountType::BIND),
                source: Some(source),
                target: Some(target.to_owned()),
                read_only: Some(read_only),
                ..Mount::default()
            };
            let secrets = self.secrets.iter().map(|(file, inside)| mount(file.display().to_string(), inside, true));
            (None, Some(std::iter::once(mount(data.to_string(), &self.data_inside, false)).chain(secrets).collect()))
        };
        let host = HostConfig {
            binds,
            mounts,
            port_bindings: Some(HashMap::from([(port.clone(), Some(vec![binding]))])),
            network_mode: Some(self.network.clone()),
            restart_policy: Some(self.restart.policy()),
            memory: self.memory_bytes,
            // Without room to swap, a limit is a limit.
            memory_swap: self.memory_bytes,
            nano_cpus: self.nano_cpus,
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(true),
            tmpfs: Some(HashMap::from([("/tmp".to_owned(), "rw,noexec,nosuid,size=64m".to_owned())])),
            pids_limit: Some(MAX_PIDS),
            ..HostConfig::default()
        };
        ContainerCreateBody {
            image: Some(self.image.clone()),
            user: Some(self.user.clone()),
            env: Some(self.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            labels: Some(self.labels.clone().into_iter().collect()),
            exposed_ports: Some(vec![port]),
            healthcheck: Some(HealthConfig {
                test: Some(["CMD"].into_iter().map(str::to_owned).chain(self.healthcheck.iter().cloned()).collect()),
                interval: Some(HEALTH_INTERVAL_NANOS),
                timeout: Some(HEALTH_INTERVAL_NANOS / 2),
                retries: Some(3),
                start_period: Some(HEALTH_START_NANOS),
                start_interval: None,
            }),
            stop_timeout: Some(self.grace_secs),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        }
    }
}

/// What a container is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was made, and never started.
    Created,
    /// It runs.
    Running,
    /// It ended, and is about to be started again.
    Restarting,
    /// It was frozen by somebody.
    Paused,
    /// It ended.
    Exited,
}

/// A container, as it was seen.
#[derive(Clone, Debug)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The id of its image.
    pub image: String,
    /// Its labels.
    pub labels: Labels,
    /// What it is doing.
    pub phase: Phase,
    /// What it last ended with.
    pub exit_code: i64,
    /// Whether it ended for want of memory.
    pub oom_killed: bool,
    /// How often it was started again by itself.
    pub restarts: i64,
    /// When it was last started, RFC 3339.
    pub started_at: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created_secs: i64,
    /// What the runtime says went wrong.
    pub error: Option<String>,
    /// The port of this machine that it has, or would have.
    pub published: Option<u16>,
}

impl Container {
    /// Whether it is up, or will be in a moment.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Restarting | Phase::Paused)
    }

    /// A label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    fn from_api(found: ContainerInspectResponse) -> Self {
        let state = found.state.unwrap_or_default();
        let config = found.config.unwrap_or_default();
        let bindings = found.host_config.and_then(|host| host.port_bindings).unwrap_or_default();
        let published = bindings.into_values().flatten().flatten().find_map(|binding| binding.host_port?.parse().ok());
        let phase = match state.status {
            Some(ContainerStateStatusEnum::RUNNING) if state.restarting == Some(true) => Phase::Restarting,
            Some(ContainerStateStatusEnum::RUNNING) => Phase::Running,
            Some(ContainerStateStatusEnum::RESTARTING) => Phase::Restarting,
            Some(ContainerStateStatusEnum::PAUSED) => Phase::Paused,
            Some(ContainerStateStatusEnum::CREATED) => Phase::Created,
            Some(
                ContainerStateStatusEnum::EXITED
                | ContainerStateStatusEnum::DEAD
                | ContainerStateStatusEnum::REMOVING
                | ContainerStateStatusEnum::STOPPING
                | ContainerStateStatusEnum::EMPTY,
            )
            | None => Phase::Exited,
        };
        Self {
            id: found.id.unwrap_or_default(),
            name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
            image: found.image.unwrap_or_default(),
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            phase,
            exit_code: state.exit_code.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
            restarts: found.restart_count.unwrap_or_default(),
            started_at: state.started_at.filter(|at| !at.starts_with("0001-")),
            created_secs: found.created.map_or(0, |created| created.unix_timestamp()),
            error: state.error.filter(|error| !error.is_empty()),
            published,
        }
    }
}

impl Client {
    /// The containers that have all of these labels, whether or not they run, the newest first.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn containers(&self, labels: &Labels) -> Result<Vec<Container>> {
        let options = ListContainersOptions { all: true, filters: Some(filters(labels)), ..Default::default() };
        let listed = self.docker.list_containers(Some(options)).await.map_err(DockerError::of("list containers"))?;
        let mut found = Vec::with_capacity(listed.len());
        for id in listed.into_iter().filter_map(|one| one.id) {
            match self.container(&id).await {
                Ok(container) => found.push(container),
                // It went away since.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by_key(|container| std::cmp::Reverse(container.created_secs));
        Ok(found)
    }

    /// One container.
    ///
    /// # Errors
    ///
    /// When it is not there, or the runtime refuses.
    pub async fn container(&self, id: &str) -> Result<Container> {
        let found = self.docker.inspect_container(id, None).await;
        found.map(Container::from_api).map_err(DockerError::of("inspect the container"))
    }

    /// What a container last ended with, also when it was started again since: the state of one that runs tells no exit code.
    /// `None` when the runtime remembers no end.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn last_exit(&self, container: &Container) -> Result<Option<i64>> {
        let now = jiff::Timestamp::now();
        let wanted = [("container", container.id.as_str()), ("event", "die")];
        let options = EventsOptions {
            since: Some(container.created_secs.to_string()),
            // What is to come is not waited for.
            until: Some(format!("{}.{:09}", now.as_second(), now.subsec_nanosecond())),
            filters: Some(wanted.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into()),
        };
        let mut ends = std::pin::pin!(self.docker.events(Some(options)));
        let mut last = None;
        while let Some(event) = ends.next().await {
            let event = event.map_err(DockerError::of("list the ends of the container"))?;
            let attributes = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
            // Podman has a name of its own for it.
            let code = attributes.get("exitCode").or_else(|| attributes.get("containerExitCode"));
            last = code.and_then(|code| code.parse().ok()).or(last);
        }
        Ok(last)
    }

    /// The name of the container that publishes a port of this machine.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn publisher(&self, port: u16) -> Result<Option<String>> {
        let listed = self.docker.list_containers(None).await.map_err(DockerError::of("list containers"))?;
        let publishes = |one: &bollard::models::ContainerSummary| {
            one.ports.iter().flatten().any(|published| published.public_port == Some(port))
        };
        let names = listed.into_iter().find(publishes).and_then(|one| one.names).unwrap_or_default();
        Ok(names.first().map(|name| name.trim_start_matches('/').to_owned()))
    }

    /// Makes a container, without starting it. Returns its id.
    ///
    /// # Errors
    ///
    /// When its image is not there, its name is taken, or the runtime refuses.
    pub async fn create_container(&self, spec: &ContainerSpec) -> Result<String> {
        let options = CreateContainerOptions { name: Some(spec.name.clone()), ..Default::default() };
        let created = self.docker.create_container(Some(options), spec.body()).await;
        match created.map_err(DockerError::of("create the container")) {
            Ok(created) => Ok(created.id),
            Err(DockerError::NotFound { message, .. }) if message.to_ascii_lowercase().contains("image") => {
                Err(DockerError::NoImage { image: spec.image.clone() })
            }
            Err(error) => Err(error),
        }
    }

    /// Starts a container. That it runs is fine.
    ///
    /// # Errors
    ///
    /// When its port is taken, or the runtime refuses.
    pub async fn start_container(&self, id: &str) -> Result<()> {
        already(self.docker.start_container(id, None).await.map_err(DockerError::of("start the container")))
    }

    /// Has a container end within `grace_secs`, or kills it. That it does not run is fine.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn stop_container(&self, id: &str, grace_secs: i32) -> Result<()> {
        let options = StopContainerOptions { t: Some(grace_secs), ..Default::default() };
        already(self.docker.stop_container(id, Some(options)).await.map_err(DockerError::of("stop the container")))
    }

    /// Removes a container, whether or not it runs; what it wrote to its folders stays. That it is not there is fine.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn remove_container(&self, id: &str) -> Result<()> {
        let options = RemoveContainerOptions { force: true, ..Default::default() };
        gone(self.docker.remove_container(id, Some(options)).await.map_err(DockerError::of("remove the container")))
    }

    /// Gives a container another name.
    ///
    /// # Errors
    ///
    /// When the name is taken, or the runtime refuses.
    pub async fn rename_container(&self, id: &str, name: &str) -> Result<()> {
        let options = RenameContainerOptions { name: name.to_owned() };
        self.docker.rename_container(id, options).await.map_err(DockerError::of("rename the container"))
    }
}

/// Docker answers 304 to what is so already.
fn already(done: Result<()>) -> Result<()> {
    match done {
        Err(DockerError::Api {
            source: bollard::errors::Error::DockerResponseServerError { status_code: 304, .. },
            ..
        }) => Ok(()),
        other => other,
    }
}

/// What is not there need not be removed; what is being removed is as good as gone.
pub(super) fn gone(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.is_not_found() => Ok(()),
        Err(DockerError::Conflict { message, .. }) if message.contains("already in progress") => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ContainerSpec {
        ContainerSpec {
            name: "helix-shop-dev_app".to_owned(),
            image: "sha256:1234".to_owned(),
            labels: BTreeMap::from([("dev.helix.managed".to_owned(), "true".to_owned())]),
            env: BTreeMap::from([("HELIX_PORT".to_owned(), "6969".to_owned())]),
            secrets: None,
            user: "1000:1000".to_owned(),
            published: "127.0.0.1:7000".parse().unwrap(),
            port: 6969,
            data: "/shop/.helix/.volumes/dev".into(),
            data_inside: "/data".to_owned(),
            relabel: false,
            network: "helix-shop-dev_net".to_owned(),
            restart: Restart::OnFailure(3),
            memory_bytes: Some(512 << 20),
            nano_cpus: Some(1_500_000_000),
            healthcheck: vec!["helix-server".to_owned(), "health".to_owned()],
            grace_secs: 30,
        }
    }

    #[test]
    fn a_container_is_unprivileged_and_on_the_loopback() {
        insta::assert_json_snapshot!(spec().body());
    }

    #[test]
    fn podman_is_given_the_folder_with_its_label() {
        let host = ContainerSpec { relabel: true, ..spec() }.body().host_config.unwrap();
        assert_eq!(host.binds.unwrap(), ["/shop/.helix/.volumes/dev:/data:Z"]);
        assert!(host.mounts.is_none());
    }

    #[test]
    fn secrets_are_a_file_that_cannot_be_written_to() {
        let secrets = Some(("/shop/.helix/dev/container.env".into(), "/run/helix.env".to_owned()));
        let host = ContainerSpec { secrets: secrets.clone(), ..spec() }.body().host_config.unwrap();
        let mount = &host.mounts.unwrap()[1];
        assert_eq!((mount.target.as_deref(), mount.read_only), (Some("/run/helix.env"), Some(true)));
        let host = ContainerSpec { relabel: true, secrets, ..spec() }.body().host_config.unwrap();
        assert_eq!(host.binds.unwrap()[1], "/shop/.helix/dev/container.env:/run/helix.env:ro,Z");
    }

    #[test]
    fn the_environment_is_not_shown() {
        let mut spec = spec();
        spec.env.insert("OPENAI_API_KEY".to_owned(), "sk-secret".to_owned());
        assert!(!format!("{spec:?}").contains("sk-secret"));
    }

    #[test]
    fn restart_policies_are_read_as_they_are_written() {
        for text in ["no", "always", "unless-stopped", "on-failure", "on-failure:3"] {
            assert_eq!(Restart::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Restart::parse("sometimes"), None);
        assert_eq!(Restart::parse("on-failure:x"), None);
    }
}
