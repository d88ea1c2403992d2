//! The role of whatever runs instances on this machine: everything that commands do to one, whether it is a process of its own
//! or a container.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use helix_engine::service::settings::server_options;
use helix_plan::Program;

use super::compile::CompiledProject;
use super::container::{Container, logs};
use super::env_file::API_KEY;
use super::instance::{self, InstanceError, Runner, Stopped, Wait};
use super::lifecycle::{self, Started};
use super::push::{self, PushFailed, PushOptions, PushPlan, Pushed};
use super::secrets::Secrets;
use super::status::{self, InstanceStatus};
use super::{delete, local};
use crate::config::{Instance, Runtime};
use crate::ctx::Ctx;
use crate::docker::images::Image;
use crate::errors::Failure;
use crate::integrations::embedded::control::{Client, Status};
use crate::integrations::embedded::log::read::{self, Filter, Record};
use crate::integrations::embedded::settings::Settings;
use crate::integrations::embedded::{EmbeddedError, Files};
use crate::project::Project;

/// Between two looks at an activation.
const WATCH: Duration = Duration::from_millis(500);

/// The variable that names a file with the hash of the key, for the server in a container.
const API_KEY_FILE: &str = "HELIX_API_KEY_FILE";

/// Between two looks at a log that is followed.
const POLL: Duration = Duration::from_millis(100);

/// What runs an instance.
#[derive(Debug)]
pub enum Platform {
    /// A process of this executable.
    Embedded(Box<Embedded>),
    /// A container of Docker or Podman.
    Container(Box<Container>),
}

/// An instance that is a process of this executable.
#[derive(Debug)]
pub struct Embedded {
    runner: Runner,
    settings: Settings,
}

/// A log that is followed.
pub enum Follow<'a> {
    /// Of files.
    Files(PathBuf, read::Follow),
    /// Of a container.
    Container(logs::Follow<'a>),
}

impl Platform {
    /// What runs the instance `name` of the project.
    ///
    /// # Errors
    ///
    /// When its target cannot be used, or its settings cannot be read.
    pub fn of(ctx: &Ctx, project: &Project, name: &str) -> Result<Self, Failure> {
        Self::with(ctx, project, name, Secrets::Opened)
    }

    /// The same, without the secrets of the instance: for what starts no server, and works without the key of secrets.
    ///
    /// # Errors
    ///
    /// As for [`Platform::of`].
    pub fn without_secrets(ctx: &Ctx, project: &Project, name: &str) -> Result<Self, Failure> {
        Self::with(ctx, project, name, Secrets::Closed)
    }

    fn with(ctx: &Ctx, project: &Project, name: &str, secrets: Secrets) -> Result<Self, Failure> {
        let settings = local::settings(ctx, project, name, secrets)?;
        match project.instance(name)? {
            (name, Instance::Local(local)) if local.runtime != Runtime::Embedded => {
                Ok(Self::Container(Box::new(Container::new(ctx, project, name, local, secrets)?)))
            }
            _ => Ok(Self::Embedded(Box::new(Embedded { runner: local::runner()?, settings }))),
        }
    }

    /// What every instance of this machine has.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        match self {
            Self::Embedded(embedded) => &embedded.settings,
            Self::Container(container) => &container.settings.local,
        }
    }

    /// Its places.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.settings().files
    }

    /// The stable name of the target.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "embedded",
            Self::Container(container) => container.settings.runtime.name(),
        }
    }

    /// Whether it runs an image, which has to be built.
    #[must_use]
    pub const fn has_image(&self) -> bool {
        matches!(self, Self::Container(_))
    }

    /// The value of a variable of its server, where the project or the secrets give it one.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let hidden = match self {
            Self::Embedded(_) => None,
            Self::Container(container) => container.settings.hidden.get(name),
        };
        hidden.or_else(|| self.settings().env.get(name)).map(String::as_str)
    }

    /// Fails when the server could not check the keys of requests as the project file asks for: better before anything that runs
    /// is ended.
    ///
    /// # Errors
    ///
    /// When `HELIX_API_KEY` holds no hash of a key.
    pub fn check_key(&self, ctx: &Ctx) -> Result<(), Failure> {
        let given = |name: &str| self.variable(name).or_else(|| ctx.var(name));
        if self.has_image() && given(API_KEY_FILE).is_some() {
            return Ok(());
        }
        let env = given(API_KEY).map(|value| (API_KEY.to_owned(), value.to_owned())).into_iter().collect();
        let settings = self.settings();
        match server_options(settings.address(settings.port), &settings.engine, &env) {
            Ok(_) => Ok(()),
            Err(error) => Err(EmbeddedError::from(error).into()),
        }
    }

    /// Decides what a push has to do. Changes nothing.
    ///
    /// # Errors
    ///
    /// When the state of the instance cannot be told.
    pub async fn plan(&self, program: &Program, options: &PushOptions) -> Result<PushPlan, InstanceError> {
        match self {
            Self::Embedded(one) => push::plan(&one.runner, &one.settings, program, options).await,
            Self::Container(one) => one.plan(program, options).await,
        }
    }

    /// The image that a push runs, built where it has to be; `None` where none is needed.
    ///
    /// # Errors
    ///
    /// When it cannot be built, or is not there.
    pub async fn image(
        &self,
        ctx: &Ctx,
        project: &Project,
        compiled: &CompiledProject,
        options: &PushOptions,
    ) -> Result<Option<Image>, Failure> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Container(one) => Ok(Some(one.image(ctx, project, compiled, options.image.as_deref()).await?)),
        }
    }

    /// An image that is there; `None` for what runs none.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub async fn named_image(&self, reference: &str) -> Result<Option<Image>, Failure> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Container(one) => Ok(Some(one.named_image(reference).await?)),
        }
    }

    /// Does what was decided, waits for health, and remembers the release. `image` is what [`Platform::image`] gave.
    ///
    /// # Errors
    ///
    /// When that fails. The instance then serves what it served before, if it did.
    pub async fn apply(
        &self,
        program: &Program,
        source_hash: Option<String>,
        plan: &PushPlan,
        image: Option<&Image>,
        options: &PushOptions,
    ) -> Result<Pushed, PushFailed> {
        match (self, image) {
            (Self::Embedded(one), _) => {
                push::apply(&one.runner, &one.settings, program, source_hash, plan, options).await
            }
            (Self::Container(one), image) => one.apply(program, source_hash, plan, image, options).await,
        }
    }

    /// Tells, now and then, how much of the indexes of a coming plan an instance has filled, in percent. Goes on until it is
    /// dropped. Of a container, nothing is known.
    pub async fn watch_filling(&self, tell: impl Fn(u8)) -> Infallible {
        loop {
            tokio::time::sleep(WATCH).await;
            let Self::Embedded(one) = self else { continue };
            let Ok(client) = Client::new(&one.settings.files) else { continue };
            if let Ok(Status { filled_percent: Some(percent), .. }) = client.status().await {
                tell(percent);
            }
        }
    }

    /// The instance, if it runs.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub async fn running(&self) -> Result<Option<Started>, InstanceError> {
        match self {
            Self::Embedded(one) => lifecycle::running(&one.settings),
            Self::Container(one) => one.running().await,
        }
    }

    /// Whether the settings are others than those that it was started with.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub async fn is_reconfigured(&self) -> Result<bool, InstanceError> {
        match self {
            Self::Embedded(one) => lifecycle::is_reconfigured(&one.settings),
            Self::Container(one) => one.is_reconfigured().await,
        }
    }

    /// Fails unless the instance is healthy.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Unhealthy`] with what it said.
    pub async fn check_health(&self, running: &Started) -> Result<(), InstanceError> {
        match self {
            Self::Embedded(one) => lifecycle::check_health(&one.runner, &one.settings, running).await,
            Self::Container(one) => one.check_health(running).await,
        }
    }

    /// Starts what was last pushed.
    ///
    /// # Errors
    ///
    /// When nothing was pushed, the port is taken, or it does not become healthy.
    pub async fn start(&self, port: Option<u16>, wait: Wait) -> Result<Started, InstanceError> {
        match self {
            Self::Embedded(one) => {
                lifecycle::start(&one.runner, &one.settings, port.unwrap_or(one.settings.port), wait).await
            }
            Self::Container(one) => one.start(port, wait).await,
        }
    }

    /// Has the instance finish what is in flight for at most `drain`, and end. That it does not run is fine.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub async fn stop(&self, drain: Duration) -> Result<Stopped, InstanceError> {
        match self {
            Self::Embedded(one) => instance::stop(&one.settings.files, drain).await,
            Self::Container(one) => one.stop(drain).await,
        }
    }

    /// Stops the instance and starts what was last pushed.
    ///
    /// # Errors
    ///
    /// When nothing was pushed, or it does not become healthy.
    pub async fn restart(&self, drain: Duration, wait: Wait) -> Result<Started, InstanceError> {
        match self {
            Self::Embedded(one) => lifecycle::restart(&one.runner, &one.settings, drain, wait).await,
            Self::Container(one) => one.restart(drain, wait).await,
        }
    }

    /// How the instance is. What cannot be told is part of the answer.
    pub async fn status(&self) -> InstanceStatus {
        match self {
            Self::Embedded(one) => status::embedded(&one.runner, &one.settings).await,
            Self::Container(one) => one.status().await,
        }
    }

    /// The wanted lines of its log, oldest first; the last `count` of them when that is given.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn logs(&self, filter: &Filter, count: Option<usize>) -> Result<Vec<Record>, Failure> {
        match self {
            Self::Embedded(one) => {
                let path = one.settings.files.log();
                let read = match count {
                    Some(count) => read::tail(&path, filter, count),
                    None => read::all(&path, filter),
                };
                read.map_err(|error| Failure::file("read", &path, &error))
            }
            Self::Container(one) => Ok(one.logs(filter, count).await?),
        }
    }

    /// The last `count` wanted lines, and what follows.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn follow(&self, filter: Filter, count: usize) -> Result<(Vec<Record>, Follow<'_>), Failure> {
        match self {
            Self::Embedded(one) => {
                let path = one.settings.files.log();
                let (last, follow) = read::Follow::after_tail(&path, filter, count)
                    .map_err(|error| Failure::file("read", &path, &error))?;
                Ok((last, Follow::Files(path, follow)))
            }
            Self::Container(one) => {
                let (last, follow) = one.follow(filter, count).await?;
                Ok((last, Follow::Container(follow)))
            }
        }
    }

    /// What the platform itself has of the instance, for people. Folders are not among it.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub async fn things(&self) -> Result<Vec<String>, InstanceError> {
        match self {
            Self::Embedded(_) => Ok(Vec::new()),
            Self::Container(one) => one.things().await,
        }
    }

    /// Ends the instance, and removes what the platform has of it and these folders. Doing it again is fine.
    ///
    /// # Errors
    ///
    /// When it does not end, or something cannot be removed.
    pub async fn dispose(&self, folders: &[PathBuf], drain: Duration) -> Result<(), InstanceError> {
        if let Self::Container(one) = self {
            one.stop(drain).await?;
            one.remove_things().await?;
        }
        delete::apply(self.files(), folders, drain).await
    }
}

impl Follow<'_> {
    /// The wanted lines that come next: at least one, after a while perhaps.
    ///
    /// # Errors
    ///
    /// When the log cannot be read any more.
    pub async fn next(&mut self) -> Result<Vec<Record>, Failure> {
        match self {
            Self::Container(follow) => Ok(follow.next().await?),
            Self::Files(path, follow) => loop {
                let records = follow.poll().map_err(|error| Failure::file("read", path, &error))?;
                if !records.is_empty() {
                    return Ok(records);
                }
                tokio::time::sleep(POLL).await;
            },
        }
    }
}
