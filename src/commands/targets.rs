//! The targets of instances, as they are typed after `init` and `add`.

use clap::{Args, Subcommand};

use crate::config::{Instance, Provider};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::add::NewInstance;
use crate::ops::cloud::provision::{self, Asked, Found};
use crate::project::Project;

/// A target, as it is typed after `init` and `add`.
#[derive(Clone, Debug, Subcommand)]
pub enum Target {
    /// An instance on this machine
    Local {
        #[command(flatten)]
        name: Name,
        /// What runs it
        #[arg(long, value_parser = ["embedded", "docker", "podman"])]
        runtime: Option<String>,
    },
    /// A cluster of Helix Cloud
    Cloud {
        #[command(flatten)]
        name: Name,
        /// The cluster; `helix config cluster list` lists them
        #[arg(long, value_name = "ID")]
        cluster_id: Option<String>,
        /// Where it is
        #[arg(long, value_name = "REGION", default_value = "us-east-1")]
        region: String,
        /// How it is compiled
        #[arg(long, value_parser = ["dev", "release"], default_value = "release")]
        build_mode: String,
        /// The workspace, by its slug; the selected one when omitted
        #[arg(long, value_name = "SLUG", conflicts_with = "cluster_id")]
        workspace: Option<String>,
        /// The project there, by its name or id; the one of this name when omitted
        #[arg(long, value_name = "NAME|ID", conflicts_with = "cluster_id")]
        project: Option<String>,
        /// Make that project when it is not there
        #[arg(long, conflicts_with = "cluster_id")]
        create_project: bool,
        /// Write the table only: ask for no cluster
        #[arg(long, conflicts_with_all = ["cluster_id", "workspace", "project", "create_project"])]
        no_provision: bool,
    },
    /// An app of Fly.io
    Fly {
        #[command(flatten)]
        name: Name,
        /// Where it runs
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// The size of its machine
        #[arg(long, value_name = "SIZE", default_value = "shared-cpu-4x")]
        vm_size: String,
        /// The size of its volume, in GB
        #[arg(long, value_name = "GB", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=500))]
        volume_size: i64,
        /// How to log in
        #[arg(long, value_parser = ["cli", "api_key"], default_value = "cli")]
        auth: String,
        /// Give it no public address
        #[arg(long)]
        private: bool,
    },
    /// A repository of AWS ECR
    Ecr {
        #[command(flatten)]
        name: Name,
        /// Where it is
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// The AWS profile
        #[arg(long, value_name = "PROFILE")]
        profile: Option<String>,
    },
    /// A package of the GitHub Container Registry
    Ghcr {
        #[command(flatten)]
        name: Name,
        /// The user or organisation
        #[arg(long, value_name = "OWNER")]
        owner: String,
    },
    /// A repository of Docker Hub
    #[command(alias = "docker_hub", alias = "dockerhub")]
    DockerHub {
        #[command(flatten)]
        name: Name,
        /// The user or organisation
        #[arg(long, value_name = "NAMESPACE")]
        namespace: String,
    },
}

/// What a new instance is called.
#[derive(Clone, Debug, Args)]
pub struct Name {
    /// The name of the instance; that of the project when omitted
    #[arg(short, long)]
    name: Option<String>,
}

impl Target {
    /// The name that was given, when it is of this machine.
    #[must_use]
    pub fn local_name(&self) -> Option<Option<&str>> {
        match self {
            Self::Local { name, .. } => Some(name.name.as_deref()),
            Self::Cloud { .. } | Self::Fly { .. } | Self::Ecr { .. } | Self::Ghcr { .. } | Self::DockerHub { .. } => {
                None
            }
        }
    }

    /// What runs it, when that was said and it is of this machine.
    #[must_use]
    pub fn local_runtime(&self) -> Option<&str> {
        match self {
            Self::Local { runtime, .. } => runtime.as_deref(),
            Self::Cloud { .. } | Self::Fly { .. } | Self::Ecr { .. } | Self::Ghcr { .. } | Self::DockerHub { .. } => {
                None
            }
        }
    }

    /// The name that was given.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let (Self::Local { name, .. }
        | Self::Cloud { name, .. }
        | Self::Fly { name, .. }
        | Self::Ecr { name, .. }
        | Self::Ghcr { name, .. }
        | Self::DockerHub { name, .. }) = self;
        name.name.as_deref()
    }

    /// Finds or makes what an instance has to have before it is written down: a cluster of Helix Cloud. What every other target needs is
    /// made by the first push. `name` is that of the instance, `project` the one of the project; `linked` is there already.
    ///
    /// # Errors
    ///
    /// When somebody is logged in, and there is no cluster to be had.
    pub async fn provision(
        &mut self,
        ctx: &Ctx,
        name: &str,
        project: &str,
        linked: Option<&Project>,
    ) -> Result<Option<Found>, Failure> {
        let Self::Cloud { cluster_id, build_mode, workspace, project: other, create_project, no_provision, .. } = self
        else {
            return Ok(None);
        };
        if cluster_id.is_some() || *no_provision {
            return Ok(None);
        }
        let asked = Asked {
            project_id: linked.and_then(|linked| linked.config().project.id.as_deref()),
            project_name: project,
            cluster: name,
            build_mode,
            taken: linked.map(clusters).unwrap_or_default(),
            workspace: workspace.as_deref(),
            project: other.as_deref(),
            create_project: *create_project,
        };
        let found = ctx.unless_cancelled(provision::cluster(ctx, &asked)).await?;
        *cluster_id = found.as_ref().map(|found| found.cluster_id.clone());
        Ok(found)
    }

    /// The instance that is meant, and the name that was given.
    ///
    /// # Errors
    ///
    /// When there is no free port for it.
    pub fn instance(self, ctx: &Ctx, project: &Project) -> Result<(Option<String>, NewInstance), Failure> {
        let some = |key: &'static str, value: Option<String>| value.map(|value| (key, value.into()));
        let (name, new) = match self {
            Self::Local { name, runtime } => (name, NewInstance::local(ctx, project, runtime)?),
            Self::Cloud { name, cluster_id, region, build_mode, .. } => {
                let cluster = cluster_id.unwrap_or_else(|| "YOUR_CLUSTER_ID".to_owned());
                let keys =
                    vec![("cluster_id", cluster.into()), ("region", region.into()), ("build_mode", build_mode.into())];
                (name, NewInstance::cloud("helix", keys))
            }
            Self::Fly { name, region, vm_size, volume_size, auth, private } => {
                let mut keys: Vec<(&'static str, toml_edit::Value)> = Vec::new();
                keys.extend(some("region", region));
                keys.extend([("vm_size", vm_size.into()), ("volume_initial_size", volume_size.into())]);
                keys.extend((auth == "api_key").then(|| ("auth_type", "ApiKey".into())));
                keys.extend(private.then(|| ("private", true.into())));
                (name, NewInstance::cloud("fly", keys))
            }
            Self::Ecr { name, region, profile } => {
                let keys = some("region", region).into_iter().chain(some("profile", profile)).collect();
                (name, NewInstance::cloud("ecr", keys))
            }
            Self::Ghcr { name, owner } => {
                (name, NewInstance::cloud("ghcr", vec![("owner", owner.to_lowercase().into())]))
            }
            Self::DockerHub { name, namespace } => {
                (name, NewInstance::cloud("docker_hub", vec![("namespace", namespace.into())]))
            }
        };
        Ok((name.name, new))
    }
}

/// The clusters that instances of a project have.
fn clusters(project: &Project) -> Vec<String> {
    let all = project.config().instances.values().filter_map(|instance| match instance {
        Instance::Cloud(cloud) => match &cloud.provider {
            Provider::Helix(helix) => helix.cluster_id.clone(),
            Provider::Fly(_) | Provider::Registry(_) | Provider::Enterprise(_) => None,
        },
        Instance::Local(_) => None,
    });
    all.collect()
}
