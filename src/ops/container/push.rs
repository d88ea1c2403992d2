//! Making an image what the container of an instance runs.

use std::time::Instant;

use helix_plan::diff::{Class, diff};
use helix_plan::{Catalog, Program};

use super::place::{NotPlaced, Wanted};
use super::{Container, Observed};
use crate::config::Instance;
use crate::ctx::Ctx;
use crate::docker::containers::{self, Phase};
use crate::docker::images::Image;
use crate::errors::Failure;
use crate::integrations::container::{names, spec};
use crate::integrations::embedded::{State, port, state};
use crate::ops::build::Prepared;
use crate::ops::build::generate::Inputs;
use crate::ops::build::image::{self, ImageOptions};
use crate::ops::compile::CompiledProject;
use crate::ops::health::Health;
use crate::ops::instance::{InstanceError, Unit};
use crate::ops::push::{Action, PortChoice, PushFailed, PushOptions, PushPlan, Pushed, remember};
use crate::ops::releases::{self, Outcome, Release};
use crate::project::Project;

impl Container {
    /// Decides what a push has to do. Changes nothing.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer, the image that is named is not there, or no port is free.
    pub async fn plan(&self, program: &Program, options: &PushOptions) -> Result<PushPlan, InstanceError> {
        let observed = self.observe().await?;
        let current = observed.current();
        let digest = program.digest().to_string();
        let served = observed.up().and_then(|up| up.label(names::PLAN)).map(str::to_owned);
        let previous_digest = served.or_else(|| observed.state.as_ref().map(|state| state.digest.clone()));
        let before = previous_digest
            .as_deref()
            .and_then(|digest| state::load_plan(&state::plan_file(self.files(), digest), digest).ok());
        let before = before.unwrap_or_else(|| Program::new(Catalog::default(), Vec::new(), Vec::new()));
        let port = self.choose_port(options.port, current)?;
        let image = match &options.image {
            Some(reference) => Some(self.client().await?.image(reference).await?),
            None => None,
        };
        let action = match observed.up() {
            None => Action::Start,
            Some(up) => self.decide(&observed, up, &digest, image.as_ref(), port, options.force).await?,
        };
        Ok(PushPlan {
            previous_digest,
            previous_release: observed.state.and_then(|state| state.release_id),
            changes: diff(&before, program),
            digest,
            action,
            port,
        })
    }

    async fn decide(
        &self,
        observed: &Observed,
        up: &containers::Container,
        digest: &str,
        image: Option<&Image>,
        port: u16,
        force: bool,
    ) -> Result<Action, InstanceError> {
        let restart = |reason: &str| Ok(Action::Restart { reason: reason.to_owned() });
        let host = self.host().await?;
        if observed.released().is_none_or(|released| released.id != up.id) {
            return restart("an earlier push was interrupted");
        }
        if up.phase == Phase::Restarting {
            return restart(&format!("it ends again and again, with exit code {}", up.exit_code));
        }
        if up.label(names::PLAN) != Some(digest) {
            return restart("the queries or the schema changed");
        }
        if image.is_some_and(|image| image.id != up.image) {
            return restart("it gets another image");
        }
        if up.label(names::CONFIG_HASH) != Some(spec::config_hash(&self.settings, host).as_str()) {
            return restart("its settings changed");
        }
        let current = self.port_of(up);
        if current != port {
            return restart(&format!("it moves from port {current} to {port}"));
        }
        if force {
            return restart("asked for with `--force`");
        }
        Ok(match self.probe(port).await {
            Health::Healthy => Action::Nothing,
            Health::Unhealthy { reason } | Health::Unreachable { reason } => {
                Action::Restart { reason: format!("it is not healthy: {reason}") }
            }
        })
    }

    fn choose_port(&self, choice: PortChoice, current: Option<&containers::Container>) -> Result<u16, InstanceError> {
        let local = &self.settings.local;
        let up = current.filter(|current| current.is_up());
        match choice {
            PortChoice::Exact(port) => Ok(port),
            PortChoice::Configured => Ok(up.and_then(Self::port_override).unwrap_or(local.port)),
            PortChoice::Search => match up.and_then(|up| up.published) {
                Some(own) => Ok(own),
                None => Ok(port::search(local.bind, local.port)?),
            },
        }
    }

    /// The port that was asked for when the container was made, in place of the configured one.
    pub(super) fn port_override(container: &containers::Container) -> Option<u16> {
        container.label(names::PORT_OVERRIDE)?.parse().ok()
    }

    /// The image to run: the one that is named, or the one that is built.
    ///
    /// # Errors
    ///
    /// When it is not there, or cannot be built.
    pub async fn image(
        &self,
        ctx: &Ctx,
        project: &Project,
        compiled: &CompiledProject,
        named: Option<&str>,
    ) -> Result<Image, Failure> {
        let client = self.client().await?;
        if let Some(reference) = named {
            let image = client.image(reference).await?;
            let digest = compiled.program.digest().to_string();
            if image.labels.get(names::PLAN).is_some_and(|other| *other != digest) {
                let message = format!("`{reference}` was built from other queries than those of the project");
                ctx.ui.warn("W-PUSH-IMAGE", message);
            }
            return Ok(image);
        }
        let (name, instance): (&str, &Instance) = project.instance(self.name())?;
        let inputs = Inputs::new(project, name, instance, compiled)?;
        let prepared = Prepared::new(ctx, project, instance, &inputs)?;
        let options = ImageOptions::default();
        let built = image::image(ctx, client, &inputs, &prepared, self.files().home(), &options).await?;
        Ok(client.image(&built.reference).await?)
    }

    /// An image that is there.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub async fn named_image(&self, reference: &str) -> Result<Image, Failure> {
        Ok(self.client().await?.image(reference).await?)
    }

    /// Does what was decided, waits for health, and remembers the release; without an image there is nothing to do. The caller holds the lock of the instance, and has
    /// the user's word for a [`Class::Breaking`] change.
    ///
    /// # Errors
    ///
    /// When the container cannot be started, or does not become healthy. The instance then runs what it ran before, if it did.
    pub async fn apply(
        &self,
        program: &Program,
        source_hash: Option<String>,
        plan: &PushPlan,
        image: Option<&Image>,
        options: &PushOptions,
    ) -> Result<Pushed, PushFailed> {
        let observed = self.observe().await?;
        let image = match (image, observed.up()) {
            (Some(image), _) => image,
            (None, Some(up)) => return Ok(self.unchanged(plan, up)),
            // It was up when that was decided.
            (None, None) => return Err(InstanceError::NothingPushed { name: self.name().to_owned() }.into()),
        };
        let files = self.files();
        files.create()?;
        let began = Instant::now();
        state::store_plan(files, program)?;
        let config_hash = spec::config_hash(&self.settings, self.host().await.map_err(InstanceError::from)?);
        let mut release = Release::new(
            files.name(),
            self.settings.runtime.name(),
            plan.digest.clone(),
            config_hash.clone(),
            plan.changes.clone(),
        );
        let wanted = Wanted {
            image: image.id.clone(),
            release: release.id.clone(),
            plan: plan.digest.clone(),
            port: plan.port,
            allow_breaking: plan.changes.class() == Class::Breaking,
            wait: options.wait,
            rollback: options.rollback,
        };
        let done = self.place(&observed, &wanted).await;

        release.image = Some(image.id.clone());
        release.source_hash.clone_from(&source_hash);
        release.git_revision = releases::git_revision(files.home());
        release.message.clone_from(&options.message);
        release.previous.clone_from(&plan.previous_release);
        release.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &done {
            Ok(started) => {
                release.outcome = if started.health.is_some() { Outcome::Succeeded } else { Outcome::Unverified };
                let mut state = State::new(plan.digest.clone(), config_hash, files.data().to_owned());
                self.settings.runtime.name().clone_into(&mut state.provider);
                state.source_hash = source_hash;
                state.image = Some(image.id.clone());
                state.host_port = Some(started.port);
                state.release_id = Some(release.id.clone());
                state.save(files)?;
            }
            Err(failed) => release.error = Some(failed.error.to_string()),
        }
        remember(&self.settings.local, &release)?;
        match done {
            Ok(started) => Ok(Pushed {
                release: Some(release.id),
                url: started.url,
                port: started.port,
                unit: started.unit,
                image: Some(image.id.clone()),
                health: started.health,
            }),
            Err(NotPlaced { error, rolled_back }) => Err(PushFailed { error, rolled_back }),
        }
    }

    fn unchanged(&self, plan: &PushPlan, up: &containers::Container) -> Pushed {
        let port = self.port_of(up);
        Pushed {
            release: plan.previous_release.clone(),
            url: self.url(port),
            port,
            unit: Unit::Container(up.name.clone()),
            image: Some(up.image.clone()),
            health: Some(Health::Healthy),
        }
    }
}
