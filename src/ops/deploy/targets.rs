//! From what the project file says to a target that can be spoken to.

use std::path::PathBuf;

use super::Kind;
use crate::config::{Cloud, Provider, RegistryKind};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::http;
use crate::integrations::container::names::Names;
use crate::integrations::docker_hub::DockerHub;
use crate::integrations::ecr::Ecr;
use crate::integrations::fly::{self, Fly};
use crate::integrations::ghcr::Ghcr;
use crate::integrations::oci;
use crate::integrations::role::SourceBundle;
use crate::ops::compile::CompiledProject;
use crate::project::Project;

/// The target of an instance. What it needs to know of itself it asks for, and nothing else.
pub(super) async fn open(ctx: &Ctx, project: &Project, name: &str, cloud: &Cloud) -> Result<Kind, Failure> {
    let names = Names::new(&project.slug(), name, &project.root_hash());
    let client = client(ctx)?;
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
        Provider::Helix(_) | Provider::Enterprise(_) => {
            return Err(crate::ops::local::unsupported(name, cloud.target()));
        }
    })
}

/// What a target compiles itself.
pub(super) fn sources(_project: &Project, _name: &str, _compiled: &CompiledProject) -> Result<SourceBundle, Failure> {
    Ok(SourceBundle::default())
}

/// The client of everything that is elsewhere, with the certificates that `HELIX_CA_BUNDLE` names.
pub(super) fn client(ctx: &Ctx) -> Result<reqwest::Client, Failure> {
    let bundle = match ctx.var("HELIX_CA_BUNDLE") {
        Some(path) => {
            let path = ctx.cwd.join(path);
            Some(std::fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?)
        }
        None => None,
    };
    http::client(bundle.as_deref()).map_err(|error| {
        Failure::new("E-NET-TLS", ExitCode::Network, "a certificate cannot be used")
            .cause(error.to_string())
            .hint("correct the file that `HELIX_CA_BUNDLE` names")
    })
}
