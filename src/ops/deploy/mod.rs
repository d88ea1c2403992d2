//! Instances that are elsewhere: what a push, a rollback, a status of one is, whatever the target.
//!
//! A target is a [`Registry`] or a [`Platform`]; all that they differ in is behind these roles. The steps of a push are in
//! [`push`]; a step that a target does not have is left out.

pub mod destroy;
mod environment;
pub mod findings;
pub mod hook;
mod image;
pub mod key;
pub mod plan;
pub mod push;
pub mod rollback;
pub mod sign;
pub mod status;
mod tags;
mod targets;

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{BuildMode, Cloud, Instance, Provider};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::Files;
use crate::integrations::role::{Platform, Progress, Registry};
use crate::integrations::{self, Target};
use crate::ops::lock::InstanceLock;
use crate::ops::{local, releases};
use crate::project::Project;
use crate::ui::Step;

/// An instance that is elsewhere.
#[derive(Debug)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// What the project file says of it.
    pub cloud: Box<Cloud>,
    /// What is remembered of it here. Nothing in there is needed: the target is asked.
    pub files: Files,
    /// What it is.
    pub kind: Kind,
    /// Whether the project file asks for signatures.
    pub require_signature: bool,
}

/// The role of a target.
#[derive(Debug)]
pub enum Kind {
    /// It stores images.
    Registry(Box<dyn Registry>),
    /// It runs releases.
    Platform(Box<dyn Platform>),
}

impl Remote {
    /// The instance `name`, when it is elsewhere; `None` when it is on this machine.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or its target cannot be used.
    pub async fn of(ctx: &Ctx, project: &Project, name: &str) -> Result<Option<Self>, Failure> {
        Self::in_mode(ctx, project, name, false).await
    }

    /// The same; `dev` has it built in dev mode, whatever the project file says.
    ///
    /// # Errors
    ///
    /// As for [`Remote::of`].
    pub async fn in_mode(ctx: &Ctx, project: &Project, name: &str, dev: bool) -> Result<Option<Self>, Failure> {
        let (name, instance) = project.instance(name)?;
        let Instance::Cloud(cloud) = instance else { return Ok(None) };
        let target = integrations::find(instance.target());
        if target.unsupported.is_some() {
            return Err(local::unsupported(name, instance.target()));
        }
        if ctx.offline {
            let message = format!("`{name}` is at {}, and `--offline` was asked for", target.title);
            return Err(Failure::new("E-NET-OFFLINE", ExitCode::Network, message).hint("leave `--offline` out"));
        }
        let kind = targets::open(ctx, project, name, cloud, dev).await?;
        // It has no data here.
        let files = Files::new(name, project.home(name), PathBuf::new());
        let mut cloud = cloud.clone();
        if dev {
            cloud.build_mode = BuildMode::Dev;
        }
        let require_signature = project.config().deploy.require_signature;
        Ok(Some(Self { name: name.to_owned(), cloud, files, kind, require_signature }))
    }

    /// The row of the table.
    #[must_use]
    pub fn target(&self) -> &'static Target {
        match &self.kind {
            Kind::Registry(registry) => registry.target(),
            Kind::Platform(platform) => platform.target(),
        }
    }

    /// Where its images are stored, when it has any.
    #[must_use]
    pub fn registry(&self) -> Option<&dyn Registry> {
        match &self.kind {
            Kind::Registry(registry) => Some(registry.as_ref()),
            Kind::Platform(platform) => platform.registry(),
        }
    }

    /// The platform.
    ///
    /// # Errors
    ///
    /// `E-DEPLOY-UNSUPPORTED` when it only stores images: `action` is what was wanted, after "cannot".
    pub fn platform(&self, action: &str) -> Result<&dyn Platform, Failure> {
        match &self.kind {
            Kind::Platform(platform) => Ok(platform.as_ref()),
            Kind::Registry(registry) => {
                let target = registry.target();
                let message =
                    format!("cannot {action} `{}`: {} stores its image, and runs nothing", self.name, target.title);
                Err(Failure::new("E-DEPLOY-UNSUPPORTED", ExitCode::Unsupported, message)
                    .hint(format!("do it where {} is run", registry.repository())))
            }
        }
    }

    /// The right to change it, among the commands of this machine.
    ///
    /// # Errors
    ///
    /// When another command has it for longer than `timeout`.
    pub async fn lock(&self, command: &str, timeout: Duration) -> Result<InstanceLock, Failure> {
        local::lock_home(self.files.home(), &self.name, command, timeout).await
    }

    /// Whether anybody on the internet reaches it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        match &self.cloud.provider {
            Provider::Fly(fly) => !fly.private,
            Provider::Helix(_) | Provider::Registry(_) | Provider::Enterprise(_) => false,
        }
    }

    /// The releases that are remembered here, newest first.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn remembered(&self) -> Result<Vec<releases::Release>, Failure> {
        releases::list(&self.files.releases()).map_err(|error| super::instance::InstanceError::from(error).into())
    }
}

/// Who deploys, for whoever finds the lock taken.
fn owner(ctx: &Ctx) -> String {
    let user = ctx.var("USER").or(ctx.var("LOGNAME")).unwrap_or("somebody");
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}")
}

/// Shows what a target tells in the line of a step.
struct Shown<'a>(&'a Step<'a>);

impl Progress for Shown<'_> {
    fn say(&self, text: &str) {
        self.0.progress(text);
    }

    fn line(&self, text: &str) {
        self.0.progress(text);
    }
}
