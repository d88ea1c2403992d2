//! `helix add`.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::add::{self, Added, NewInstance};
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix add local -n staging            Another instance on this machine, on the next free port
  helix add fly -n prod --region fra    An app of Fly.io
  helix add ecr -n prod --region eu-central-1
  helix add ghcr -n prod --owner acme
  helix add docker-hub -n prod --namespace acme
  helix add cloud -n prod --cluster-id ID

What it needs elsewhere is made by the first `helix push`.";

/// Arguments of `helix add`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AddArgs {
    #[command(subcommand)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Target {
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

#[derive(Debug, Args)]
struct Name {
    /// The name of the instance; that of the project when omitted
    #[arg(short, long)]
    name: Option<String>,
}

/// What was added to the project file.
#[derive(Debug, Serialize)]
pub struct AddReport {
    instance: String,
    provider: &'static str,
    config: serde_json::Map<String, serde_json::Value>,
    next_steps: Vec<String>,
}

impl Report for AddReport {
    fn human(&self, page: &mut Page) {
        page.success(format!("Added `{}`", self.instance));
        for (key, value) in &self.config {
            page.line(Style::Dim, format_args!("  {key} = {value}"));
        }
        for step in &self.next_steps {
            page.text_line(format_args!("  {step}"));
        }
    }

    fn summary(&self) -> Option<String> {
        Some(format!("Added `{}`", self.instance))
    }
}

/// Adds an instance to the project file.
///
/// # Errors
///
/// When there is one of that name, or the file cannot be changed.
pub fn run(args: AddArgs, ctx: &Ctx) -> Result<AddReport, Failure> {
    let project = ctx.project()?;
    let some = |key: &'static str, value: Option<String>| value.map(|value| (key, value.into()));
    let (name, new) = match args.target {
        Target::Local { name, runtime } => (name, NewInstance::local(ctx, project, runtime)?),
        Target::Cloud { name, cluster_id, region } => {
            let cluster = cluster_id.unwrap_or_else(|| "YOUR_CLUSTER_ID".to_owned());
            let keys =
                vec![("cluster_id", cluster.into()), ("region", region.into()), ("build_mode", "release".into())];
            (name, NewInstance::cloud("helix", keys))
        }
        Target::Fly { name, region, vm_size, volume_size, auth, private } => {
            let mut keys: Vec<(&'static str, toml_edit::Value)> = Vec::new();
            keys.extend(some("region", region));
            keys.extend([("vm_size", vm_size.into()), ("volume_initial_size", volume_size.into())]);
            keys.extend((auth == "api_key").then(|| ("auth_type", "ApiKey".into())));
            keys.extend(private.then(|| ("private", true.into())));
            (name, NewInstance::cloud("fly", keys))
        }
        Target::Ecr { name, region, profile } => {
            let keys = some("region", region).into_iter().chain(some("profile", profile)).collect();
            (name, NewInstance::cloud("ecr", keys))
        }
        Target::Ghcr { name, owner } => {
            (name, NewInstance::cloud("ghcr", vec![("owner", owner.to_lowercase().into())]))
        }
        Target::DockerHub { name, namespace } => {
            (name, NewInstance::cloud("docker_hub", vec![("namespace", namespace.into())]))
        }
    };
    let Added { name, provider, config } = add::apply(project, name.name.as_deref(), new)?;
    let mut next_steps = Vec::new();
    if provider == "helix" && config.get("cluster_id").is_some_and(|id| id == "YOUR_CLUSTER_ID") {
        next_steps.push("log in and choose a cluster: helix auth login, helix config cluster list".to_owned());
        next_steps.push(format!("write its id to `cluster_id` of `[cloud.{name}.helix]`"));
    }
    next_steps.push(format!("see what a push would do: helix plan {name}"));
    next_steps.push(format!("push: helix push {name}"));
    Ok(AddReport { instance: name, provider, config, next_steps })
}
