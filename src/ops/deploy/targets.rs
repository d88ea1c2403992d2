//! From what the project file says to a target that can be spoken to.

use std::path::PathBuf;

use super::Kind;
use crate::config::{Cloud, Provider, RegistryKind};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::integrations::container::names::Names;
use crate::integrations::docker_hub::DockerHub;
use crate::integrations::ecr::Ecr;
use crate::integrations::fly::{self, Fly};
use crate::integrations::ghcr::Ghcr;
use crate::integrations::oci;
use crate::integrations::role::SourceBundle;
use crate::ops::{self, compile::CompiledProject};
use crate::project::Project;

/// The target of an instance. What it needs to know of itself it asks for, and nothing else. `dev` is for what compiles sources itself.
pub(super) async fn open(ctx: &Ctx, project: &Project, name: &str, cloud: &Cloud, dev: bool) -> Result<Kind, Failure> {
    let names = Names::new(&project.slug(), name, &project.root_hash());
    let client = ops::cloud::client(ctx)?;
    let home = ctx.var("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    let around = || oci::Surroundings { env: ctx.env.clone(), home: home.clone(), http: client.clone() };
    Ok(match &cloud.provider {
        Provider::Registry(settings) => Kind::Registry(match settings.kind {
            RegistryKind::Ecr { .. } => Box::new(Ecr::connect(settings, names.image(), around()).await?),
            RegistryKind::Ghcr { .. } => Box::new(Ghcr::new(settings, names.image(), around())?),
            RegistryKind::DockerHub { .. } => Box::new(DockerHub::new(settings, names.image(), around())?),
        }),
        Provider::Fly(settings) => {
            let around = fly::Surroundings { env: &ctx.env, home: &home, root: project.root() };
            Kind::Platform(Box::new(Fly::new(settings, &names, around, &client, fly::Pace::default())))
        }
        Provider::Helix(_) => Kind::Platform(Box::new(ops::cloud::platform(ctx, project, name, dev).await?)),
        Provider::Enterprise(_) => return Err(ops::local::unsupported(name, cloud.target())),
    })
}

/// What a target compiles itself.
pub(super) fn sources(project: &Project, name: &str, compiled: &CompiledProject) -> Result<SourceBundle, Failure> {
    ops::cloud::bundle::of_project(project, name, &compiled.sources)
}
