//! The targets of instances, as they are typed after `init` and `add`.

use clap::{Args, Subcommand};

use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::add::NewInstance;
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

    /// The instance that is meant, and the name that was given.
    ///
    /// # Errors
    ///
    /// When there is no free port for it.
    pub fn instance(self, ctx: &Ctx, project: &Project) -> Result<(Option<String>, NewInstance), Failure> {
        let some = |key: &'static str, value: Option<String>| value.map(|value| (key, value.into()));
        let (name, new) = match self {
            Self::Local { name, runtime } => (name, NewInstance::local(ctx, project, runtime)?),
            Self::Cloud { name, cluster_id, region } => {
                let cluster = cluster_id.unwrap_or_else(|| "YOUR_CLUSTER_ID".to_owned());
                let keys =
                    vec![("cluster_id", cluster.into()), ("region", region.into()), ("build_mode", "release".into())];
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
