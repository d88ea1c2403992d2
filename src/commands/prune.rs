//! `helix prune`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::args::LockArgs;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::container;
use crate::ops::container::prune::{self, Client, Thing};
use crate::ops::platform::Platform;
use crate::ops::{delete, local};
use crate::ui::{self, Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix prune                  Remove what the container runtime has of instances that are configured no more
  helix prune dev              Remove the container, images and workspace of `dev`; its data stays
  helix prune --all --dry-run  Show what that would be for every instance
  helix prune --system         Remove what no running instance of any project needs

Only things with the labels of helix are touched.
Exit codes: 0 done, 5 nobody agreed, 8 no container runtime answers, 14 another command changes the instance.";

/// How long requests in flight may take.
const DRAIN: Duration = Duration::from_secs(5);

/// Arguments of `helix prune`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PruneArgs {
    /// Instance whose container, images and workspace to remove; its data stays
    #[arg(conflicts_with_all = ["all", "system"])]
    instance: Option<String>,
    /// Do that for every instance of the project that runs on this machine
    #[arg(short, long, conflicts_with = "system")]
    all: bool,
    /// Remove what no running instance of any project on this machine needs
    #[arg(long)]
    system: bool,
    /// Change nothing; show what would be removed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What was removed.
#[derive(Debug, Serialize)]
pub struct PruneReport {
    removed: Vec<Thing>,
    folders: Vec<PathBuf>,
    /// The room that the images took, in bytes; what they share is counted for each.
    size_bytes: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Report for PruneReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        for thing in &self.removed {
            let size = if thing.size_bytes > 0 { format!("  {}", ui::size(thing.size_bytes)) } else { String::new() };
            page.line(Style::Dim, format_args!("  {} {}{size}", thing.kind, thing.name));
        }
        for folder in &self.folders {
            page.line(Style::Dim, format_args!("  folder {}", folder.display()));
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl PruneReport {
    fn line(&self) -> String {
        let count = self.removed.len() + self.folders.len();
        let things = crate::utils::count(count, "thing", "things");
        match (count, self.dry_run) {
            (0, _) => "There is nothing to remove".to_owned(),
            (_, true) => format!("Would remove {things}, {}", ui::size(self.size_bytes)),
            (_, false) => format!("Removed {things}, {}", ui::size(self.size_bytes)),
        }
    }
}

/// Removes what nobody needs any more. Data always stays.
///
/// # Errors
///
/// When nobody agrees, no container runtime answers, or something cannot be removed.
pub async fn run(args: PruneArgs, ctx: &Ctx) -> Result<PruneReport, Failure> {
    if args.system {
        return system(&args, ctx).await;
    }
    let project = ctx.project()?;
    let names: Vec<String> = match &args.instance {
        Some(name) => vec![local::choose(ctx, project, Some(name))?],
        None if args.all => project.config().locals().map(|(name, _)| name.to_owned()).collect(),
        None => {
            let client = container::connect_for_project(ctx, project).await?;
            let things = prune::plan(&client, &prune::Scope::orphans(project)).await?;
            return finish(args.dry_run, &client, things).await;
        }
    };
    if args.all && !args.dry_run {
        ctx.ui.confirm(&format!("Remove the containers, images and workspaces of {}?", names.join(", ")), "--yes")?;
    }
    let (mut removed, mut gone) = (Vec::new(), Vec::new());
    for name in &names {
        let platform = Platform::without_secrets(ctx, project, name)?;
        let folders = delete::plan(project.root(), platform.files(), true)?;
        let folders: Vec<PathBuf> = folders.into_iter().filter(|folder| folder.exists()).collect();
        let things = match &platform {
            Platform::Embedded(_) => Vec::new(),
            Platform::Container(one) => {
                let scope = prune::Scope::Instance { root: project.root_hash(), name: name.clone() };
                prune::plan(one.client().await?, &scope).await?
            }
        };
        if !(args.dry_run || folders.is_empty() && things.is_empty()) {
            let lock = local::lock(platform.settings(), "prune", args.lock.lock_timeout);
            let lock = ctx.unless_cancelled(lock).await?;
            ctx.check_cancelled()?;
            platform.dispose(&folders, DRAIN).await?;
            drop(lock);
        }
        removed.extend(things);
        gone.extend(folders);
    }
    Ok(report(removed, gone, args.dry_run))
}

async fn system(args: &PruneArgs, ctx: &Ctx) -> Result<PruneReport, Failure> {
    let client = container::connect_for_machine(ctx).await?;
    let things = prune::plan(&client, &prune::Scope::System).await?;
    if !args.dry_run && !things.is_empty() {
        let what = crate::utils::count(things.len(), "thing", "things");
        ctx.ui.confirm(&format!("Remove {what} of every project on this machine?"), "--yes")?;
    }
    finish(args.dry_run, &client, things).await
}

async fn finish(dry_run: bool, client: &Client, things: Vec<Thing>) -> Result<PruneReport, Failure> {
    let things = if dry_run { things } else { prune::apply(client, things).await? };
    Ok(report(things, Vec::new(), dry_run))
}

fn report(removed: Vec<Thing>, folders: Vec<PathBuf>, dry_run: bool) -> PruneReport {
    let size_bytes = removed.iter().map(|thing| thing.size_bytes).sum();
    PruneReport { removed, folders, size_bytes, dry_run }
}
