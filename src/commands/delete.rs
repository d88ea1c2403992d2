//! `helix delete`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::args::LockArgs;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::deploy::{Remote, destroy};
use crate::ops::platform::Platform;
use crate::ops::secrets::Store;
use crate::ops::{delete, local};
use crate::project::Project;
use crate::ui::{Page, Report, Style};

/// How long requests in flight may take.
const DRAIN: Duration = Duration::from_secs(5);

/// Arguments of `helix delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Instance to delete
    instance: String,
    /// Keep its data
    #[arg(long)]
    keep_data: bool,
    /// Keep its table in the project file
    #[arg(long)]
    keep_config: bool,
    /// Change nothing; say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What was deleted.
#[derive(Debug, Serialize)]
pub struct DeleteReport {
    instance: String,
    provider: &'static str,
    /// The folders and files that are gone.
    removed: Vec<PathBuf>,
    /// What the container runtime had of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    things: Vec<String>,
    data_kept: bool,
    config_kept: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Report for DeleteReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        for thing in &self.things {
            page.line(Style::Dim, format_args!("  {thing}"));
        }
        for path in &self.removed {
            page.line(Style::Dim, format_args!("  {}", path.display()));
        }
        let kept = [(self.data_kept, "its data"), (self.config_kept, "its table in the project file")];
        for (_, what) in kept.into_iter().filter(|(kept, _)| *kept) {
            page.line(Style::Dim, format_args!("  kept: {what}"));
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl DeleteReport {
    fn line(&self) -> String {
        let verb = if self.dry_run { "Would delete" } else { "Deleted" };
        format!("{verb} `{}`", self.instance)
    }
}

/// Deletes an instance: its process or container, its data, its workspace, its table in the project file.
///
/// # Errors
///
/// When nobody agrees, the process does not end, or something cannot be removed. What is gone is gone; doing it again finishes
/// it.
pub async fn run(args: DeleteArgs, ctx: &Ctx) -> Result<DeleteReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, Some(&args.instance))?;
    if let Some(remote) = Remote::of(ctx, project, &name).await? {
        return elsewhere(&args, ctx, project, &remote).await;
    }
    let platform = Platform::without_secrets(ctx, project, &name)?;
    let doomed = delete::plan(project.root(), platform.files(), args.keep_data)?;
    // Where it runs first: what cannot be told must not be left behind.
    let things = platform.things().await?;
    if !args.dry_run {
        let what = if args.keep_data { "" } else { " and all its data" };
        ctx.ui.confirm_typed(&format!("This deletes `{name}`{what}."), &name)?;
        let lock = ctx.unless_cancelled(local::lock(platform.settings(), "delete", args.lock.lock_timeout)).await?;
        ctx.check_cancelled()?;
        let step = ctx.ui.step("delete", &format!("Deleting `{name}`"));
        platform.dispose(&doomed, DRAIN).await?;
        forget_secrets(ctx, project, &name)?;
        if !args.keep_config {
            local::forget(project, &name)?;
        }
        step.done("Deleted");
        drop(lock);
    }
    Ok(DeleteReport {
        instance: name,
        provider: platform.provider(),
        removed: doomed,
        things,
        data_kept: args.keep_data,
        config_kept: args.keep_config,
        dry_run: args.dry_run,
    })
}

/// Removes the secrets of an instance that is no more. Where the key of the file was lost they stay in it, and open to nobody.
fn forget_secrets(ctx: &Ctx, project: &Project, name: &str) -> Result<(), Failure> {
    match Store::of(ctx, project).forget(name) {
        Err(failure) if failure.code.starts_with("E-SECRET-") => {
            let message = format!("the secrets of `{name}` stay where they are, closed: {}", failure.message);
            ctx.ui.warn("W-SECRET-KEY", message);
            Ok(())
        }
        done => done,
    }
}

/// Deletes what is ours elsewhere, and what is remembered of it here.
async fn elsewhere(args: &DeleteArgs, ctx: &Ctx, project: &Project, remote: &Remote) -> Result<DeleteReport, Failure> {
    let mut things = ctx.unless_cancelled(destroy::things(remote, args.keep_data)).await?;
    let home = remote.files.home().to_owned();
    let removed: Vec<PathBuf> = home.exists().then_some(home).into_iter().collect();
    if !args.dry_run {
        let what = if args.keep_data { "" } else { " and all its data" };
        let question =
            format!("This deletes `{}` from {}{what}: {}.", remote.name, remote.target().title, things.join(", "));
        ctx.ui.confirm_typed(&question, &remote.name)?;
        let lock = ctx.unless_cancelled(remote.lock("delete", args.lock.lock_timeout)).await?;
        ctx.check_cancelled()?;
        let step = ctx.ui.step("delete", &format!("Deleting `{}`", remote.name));
        things = destroy::destroy(remote, args.keep_data).await?;
        if !args.keep_config {
            local::forget(project, &remote.name)?;
        }
        for folder in &removed {
            std::fs::remove_dir_all(folder).map_err(|error| Failure::file("remove", folder, &error))?;
        }
        step.done("Deleted");
        drop(lock);
    }
    Ok(DeleteReport {
        instance: remote.name.clone(),
        provider: remote.target().name,
        removed,
        things,
        data_kept: args.keep_data,
        config_kept: args.keep_config,
        dry_run: args.dry_run,
    })
}
