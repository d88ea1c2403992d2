//! `helix add`.

use clap::Args;
use serde::Serialize;

use super::targets::Target;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::add::{self, Added};
use crate::ops::cloud::provision::Found;
use crate::ops::cloud::selection;
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix add local -n staging            Another instance on this machine, on the next free port
  helix add fly -n prod --region fra    An app of Fly.io
  helix add ecr -n prod --region eu-central-1
  helix add ghcr -n prod --owner acme
  helix add docker-hub -n prod --namespace acme
  helix add cloud -n prod               A cluster of Helix Cloud: made now, when you are logged in
  helix add cloud -n prod --cluster-id ID

What it needs at other targets is made by the first `helix push`.";

/// Arguments of `helix add`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AddArgs {
    #[command(subcommand)]
    target: Target,
}

/// What was added to the project file.
#[derive(Debug, Serialize)]
pub struct AddReport {
    instance: String,
    provider: &'static str,
    config: serde_json::Map<String, serde_json::Value>,
    /// What it got at its target.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned: Option<Found>,
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
/// When there is one of that name, there is no cluster to be had for it, or the file cannot be changed.
pub async fn run(args: AddArgs, ctx: &Ctx) -> Result<AddReport, Failure> {
    let project = ctx.project()?;
    let mut target = args.target;
    let name = add::name(project, target.name(), target.local_name().is_some())?;
    let provisioned = target.provision(ctx, &name, project.name(), Some(project)).await?;
    let (_, new) = target.instance(ctx, project)?;
    let is_linked = project.config().project.id.is_some();
    let added = add::apply(project, Some(&name), new).and_then(|added| match &provisioned {
        Some(found) if !is_linked => selection::link(project, &found.project()).map(|()| added),
        _ => Ok(added),
    });
    let Added { name, provider, config } = added.map_err(|failure| match &provisioned {
        Some(found) => found.left_by(failure),
        None => failure,
    })?;
    let mut next_steps = Vec::new();
    if provider == "helix" && config.get("cluster_id").is_some_and(|id| id == "YOUR_CLUSTER_ID") {
        next_steps.push("log in and choose a cluster: helix auth login, helix config cluster list".to_owned());
        next_steps.push(format!("write its id to `cluster_id` of `[cloud.{name}.helix]`"));
    }
    next_steps.push(format!("see what a push would do: helix plan {name}"));
    next_steps.push(format!("push: helix push {name}"));
    Ok(AddReport { instance: name, provider, config, provisioned, next_steps })
}
