//! Instances in containers: what commands do to them. What runs is told from labels and inspection each time, never from what
//! was written down, so that a command that is killed anywhere leaves a state that the next one understands.

mod backup;
pub mod crash;
pub mod delete;
pub mod lifecycle;
pub mod logs;
mod network;
mod place;
pub mod prune;
pub mod push;
pub mod status;

use std::collections::BTreeMap;

use tokio::sync::OnceCell;

use super::instance::InstanceError;
use super::{health, local};
use crate::config::{ContainerRuntime, Instance, Local, Runtime as LocalRuntime};
use crate::ctx::Ctx;
use crate::docker::containers::{self, Restart};
use crate::docker::{self, Client, DockerError, Environment, Runtime};
use crate::errors::{ExitCode, Failure};
use crate::integrations::container::settings::bytes;
use crate::integrations::container::spec::Host;
use crate::integrations::container::{Names, Settings, names};
use crate::integrations::embedded::settings::url;
use crate::integrations::embedded::{Files, State};
use crate::ops::secrets::{self, Secrets};
use crate::ops::variables::forwarded_to_containers;
use crate::project::Project;

/// The variable that has another runtime used than the project says.
const RUNTIME_VAR: &str = "HELIX_CONTAINER_RUNTIME";
/// An instance in a container.
#[derive(Debug)]
pub struct Container {
    /// What it is made of.
    pub settings: Settings,
    /// Asks for health.
    pub http: reqwest::Client,
    connection: OnceCell<Client>,
    host: OnceCell<Host>,
}

/// The containers of an instance: one, unless a push is at work or was interrupted.
#[derive(Debug)]
pub struct Observed {
    /// All of them, the newest first.
    pub all: Vec<containers::Container>,
    /// What was last pushed.
    pub state: Option<State>,
}

impl Observed {
    /// The one that runs, or crashes again and again.
    #[must_use]
    pub fn up(&self) -> Option<&containers::Container> {
        let up = || self.all.iter().filter(|container| container.is_up());
        up().find(|container| self.is_released(container)).or_else(|| up().next())
    }

    /// The one of the last release that succeeded.
    #[must_use]
    pub fn released(&self) -> Option<&containers::Container> {
        self.all.iter().find(|container| self.is_released(container))
    }

    /// The one that speaks for the instance.
    #[must_use]
    pub fn current(&self) -> Option<&containers::Container> {
        self.up().or_else(|| self.released()).or_else(|| self.all.first())
    }

    fn is_released(&self, container: &containers::Container) -> bool {
        let release = self.state.as_ref().and_then(|state| state.release_id.as_deref());
        release.is_some() && container.label(names::RELEASE) == release
    }
}

impl Container {
    /// The instance `name` of the project.
    ///
    /// # Errors
    ///
    /// When its settings cannot be used.
    pub fn new(ctx: &Ctx, project: &Project, name: &str, local: &Local, secrets: Secrets) -> Result<Self, Failure> {
        let mut common = local::settings(ctx, project, name, secrets)?;
        let all = variables(ctx, project, name, local, secrets)?;
        // What the project file says is in the open anyway; all else may be a secret.
        let (open, hidden) = all.into_iter().partition(|(name, value)| local.env.set.get(name) == Some(value));
        common.env = open;
        let (runtime, otherwise) = runtimes(ctx, project, local)?;
        let restart = Restart::parse(&local.restart).ok_or_else(|| {
            let message = format!("`local.{name}.restart` is `{}`", local.restart);
            Failure::new("E-CFG-VALUE", ExitCode::Config, message)
                .hint("write `no`, `always`, `unless-stopped` or `on-failure:N`")
        })?;
        let settings = Settings {
            names: Names::new(&project.slug(), common.files.name(), &project.root_hash()),
            local: common,
            hidden,
            runtime,
            otherwise,
            environment: Environment::new(&ctx.env),
            memory_bytes: local.memory.as_deref().and_then(bytes),
            cpus: local.cpus,
            restart,
        };
        Ok(Self { settings, http: local::http(false)?, connection: OnceCell::new(), host: OnceCell::new() })
    }

    /// The name of the instance.
    #[must_use]
    pub fn name(&self) -> &str {
        self.files().name()
    }

    /// Its places.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.settings.local.files
    }

    /// The container runtime.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub async fn client(&self) -> Result<&Client, DockerError> {
        let settings = &self.settings;
        let connect = || connect_any(&settings.environment, settings.runtime, settings.otherwise);
        self.connection.get_or_try_init(connect).await
    }

    /// What of the runtime matters for a container.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub async fn host(&self) -> Result<Host, DockerError> {
        let ask = || async {
            let client = self.client().await?;
            Ok(Host { rootless: client.is_rootless().await?, relabel: client.runtime() == Runtime::Podman })
        };
        self.host.get_or_try_init(ask).await.copied()
    }

    /// The containers of the instance as they are now.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer, or the state cannot be read.
    pub async fn observe(&self) -> Result<Observed, InstanceError> {
        let state = State::load(self.files())?;
        let all = self.client().await?.containers(&self.settings.names.selector()).await?;
        Ok(Observed { all, state })
    }

    /// Where it is reached at a port.
    #[must_use]
    pub fn url(&self, port: u16) -> String {
        url(self.settings.local.address(port))
    }

    /// The port that a container has, or would have.
    #[must_use]
    pub fn port_of(&self, container: &containers::Container) -> u16 {
        container.published.unwrap_or(self.settings.local.port)
    }

    async fn probe(&self, port: u16) -> health::Health {
        health::probe(&self.http, &self.url(port), &self.settings.local.health.path).await
    }
}

/// The container runtime that builds and runs an instance.
///
/// # Errors
///
/// When none answers.
pub async fn connect(ctx: &Ctx, project: &Project, instance: &Instance) -> Result<Client, Failure> {
    let (runtime, otherwise) = match instance {
        Instance::Local(local) => runtimes(ctx, project, local)?,
        Instance::Cloud(_) => (runtime_of(ctx)?.unwrap_or(Runtime::Docker), Some(Runtime::Podman)),
    };
    Ok(connect_any(&Environment::new(&ctx.env), runtime, otherwise).await?)
}

/// The container runtime of the project, for what belongs to none of its instances.
///
/// # Errors
///
/// When none answers.
pub async fn connect_for_project(ctx: &Ctx, project: &Project) -> Result<Client, Failure> {
    let (runtime, otherwise) = match (runtime_of(ctx)?, project.config().project.container_runtime) {
        (Some(runtime), _) => (runtime, None),
        (None, Some(ContainerRuntime::Podman)) => (Runtime::Podman, None),
        (None, Some(ContainerRuntime::Docker)) => (Runtime::Docker, None),
        (None, Some(ContainerRuntime::Auto) | None) => (Runtime::Docker, Some(Runtime::Podman)),
    };
    Ok(connect_any(&Environment::new(&ctx.env), runtime, otherwise).await?)
}

/// The container runtime of this machine.
///
/// # Errors
///
/// When none answers.
pub async fn connect_for_machine(ctx: &Ctx) -> Result<Client, Failure> {
    let (runtime, otherwise) = match runtime_of(ctx)? {
        Some(runtime) => (runtime, None),
        None => (Runtime::Docker, Some(Runtime::Podman)),
    };
    Ok(connect_any(&Environment::new(&ctx.env), runtime, otherwise).await?)
}

async fn connect_any(
    environment: &Environment,
    runtime: Runtime,
    otherwise: Option<Runtime>,
) -> Result<Client, DockerError> {
    match (docker::connect(environment, runtime).await, otherwise) {
        (Err(error), Some(other)) => docker::connect(environment, other).await.map_err(|_| error),
        (done, _) => done,
    }
}

/// What runs an instance, and what else may.
fn runtimes(ctx: &Ctx, project: &Project, local: &Local) -> Result<(Runtime, Option<Runtime>), Failure> {
    if let Some(runtime) = runtime_of(ctx)? {
        return Ok((runtime, None));
    }
    Ok(match (local.runtime, project.config().project.container_runtime) {
        (LocalRuntime::Podman, _) => (Runtime::Podman, None),
        (LocalRuntime::Docker, Some(ContainerRuntime::Auto)) => (Runtime::Docker, Some(Runtime::Podman)),
        // An embedded instance is in no container; its image can be built by whoever is there.
        (LocalRuntime::Embedded, Some(ContainerRuntime::Podman)) => (Runtime::Podman, Some(Runtime::Docker)),
        (LocalRuntime::Embedded, _) => (Runtime::Docker, Some(Runtime::Podman)),
        (LocalRuntime::Docker, _) => (Runtime::Docker, None),
    })
}

fn runtime_of(ctx: &Ctx) -> Result<Option<Runtime>, Failure> {
    match ctx.var(RUNTIME_VAR) {
        None | Some("auto") => Ok(None),
        Some("docker") => Ok(Some(Runtime::Docker)),
        Some("podman") => Ok(Some(Runtime::Podman)),
        Some(other) => {
            let failure = Failure::new("E-CFG-ENV", ExitCode::Config, format!("`{RUNTIME_VAR}` is `{other}`"));
            Err(failure.hint("set it to `docker`, `podman` or `auto`"))
        }
    }
}

/// The variables that the project gives an instance: a container does not see those of the command by itself.
fn variables(
    ctx: &Ctx,
    project: &Project,
    name: &str,
    local: &Local,
    secrets: Secrets,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = secrets::environment(ctx, project, name, local, &ctx.env, secrets)?;
    // What the process has as well was left to it.
    let declared = secrets::environment(ctx, project, name, local, &BTreeMap::new(), secrets)?;
    let forwarded = local.env.forward.iter().map(String::as_str).chain(forwarded_to_containers());
    for name in declared.keys().map(String::as_str).chain(forwarded) {
        if let (false, Some(value)) = (variables.contains_key(name), ctx.env.get(name)) {
            variables.insert(name.to_owned(), value.clone());
        }
    }
    Ok(variables)
}
