//! A deployment of the sources as they are, for whoever has compiled them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{bundle, platform};
use crate::config::{Instance, Provider};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::integrations::role::{Activated, Artifact, Desired, HealthGate, Platform as _, Progress};
use crate::ops::compile::CompiledProject;
use crate::ops::env_file;
use crate::project::Project;
use crate::ui::{Step, Style};

/// Tells a step how far it is.
struct Told<'a>(&'a Step<'a>);

impl Progress for Told<'_> {
    fn say(&self, text: &str) {
        self.0.progress(text);
    }

    fn line(&self, text: &str) {
        self.0.progress(text);
    }
}

/// Deploys an instance of Helix Cloud, and gives back where it answers. A key that is new is written into `.env`, and shown only when
/// that is not possible.
///
/// # Errors
///
/// When it is refused, or what became of it is not known.
pub async fn deploy(
    ctx: &Ctx,
    project: &Project,
    name: &str,
    compiled: &CompiledProject,
) -> Result<(Activated, Option<PathBuf>), Failure> {
    let (name, instance) = project.instance(name)?;
    let platform = platform(ctx, project, name, false).await?;
    let bundle = bundle::of_project(project, name, &compiled.sources)?;
    let Instance::Cloud(cloud) = instance else { return Err(Failure::internal("a platform without a cloud instance")) };
    let env = match &cloud.provider {
        Provider::Helix(helix) => helix.env_vars.clone(),
        Provider::Fly(_) | Provider::Registry(_) | Provider::Enterprise(_) => BTreeMap::new(),
    };
    let health = &cloud.health;
    let desired = Desired {
        release: ulid::Ulid::generate().to_string(),
        hash: compiled.sources.hash.clone(),
        artifact: Artifact::Sources(Box::new(bundle)),
        env,
        secrets: BTreeMap::new(),
        labels: BTreeMap::new(),
        health: HealthGate { path: health.path.clone(), interval: health.interval, deadline: health.timeout },
    };
    let step = ctx.ui.step("deploy", &format!("Deploying `{name}`"));
    let activated = platform.activate(&desired, true, &Told(&step)).await?;
    step.done("Deployed");
    let Some(key) = &activated.key else { return Ok((activated, None)) };
    let path = project.root().join(".env");
    match env_file::save(&path, name, None, activated.url.as_deref(), key, false) {
        Ok(()) => Ok((activated, Some(path))),
        Err(failure) => {
            ctx.ui.failure(&failure);
            show_key(ctx, key);
            Ok((activated, None))
        }
    }
}

/// Shows a key, once, to whoever sits here; it is in no log.
pub fn show_key(ctx: &Ctx, key: &secrecy::SecretString) {
    use secrecy::ExposeSecret as _;

    let mut page = ctx.ui.page();
    page.put(Style::Plain, "The key, shown only now: ").put(Style::Bold, key.expose_secret()).end();
    ctx.ui.narrate(&page);
}
