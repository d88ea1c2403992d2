//! `helix restart`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::args::{LockArgs, WaitArgs, duration};
use super::place::{Changed, Place};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::deploy::Remote;
use crate::ops::lifecycle::Started;
use crate::ops::local;
use crate::ops::platform::Platform;
use crate::ops::warnings;
use crate::project::Project;
use crate::ui::{Page, Report};

/// Arguments of `helix restart`.
#[derive(Debug, Args)]
pub struct RestartArgs {
    /// Instance to restart
    instance: Option<String>,
    /// How long requests in flight may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    #[command(flatten)]
    wait: WaitArgs,
    /// Change nothing; say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What runs now.
#[derive(Debug, Serialize)]
pub struct RestartReport {
    instance: String,
    provider: &'static str,
    changed: bool,
    /// Whether the settings changed since it was started.
    reconfigured: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(flatten)]
    started: Option<Started>,
}

impl Report for RestartReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        if let Some(started) = self.started.as_ref().filter(|_| !self.dry_run) {
            page.details([("url", started.url.clone()), started.unit.detail()]);
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl RestartReport {
    fn line(&self) -> String {
        let verb = if self.dry_run { "Would restart" } else { "Restarted" };
        let settings = if self.reconfigured { " with its new settings" } else { "" };
        format!("{verb} `{}`{settings}", self.instance)
    }
}

/// Ends what an instance runs as and starts it again with what was last pushed.
///
/// # Errors
///
/// When nothing was pushed, the process does not end, or the new one does not become healthy.
pub async fn run(args: RestartArgs, ctx: &Ctx) -> Result<Place<RestartReport, Changed>, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    match Remote::of(ctx, project, &name).await? {
        Some(remote) => {
            let platform = remote.platform("restart")?;
            if !args.dry_run {
                let lock = ctx.unless_cancelled(remote.lock("restart", args.lock.lock_timeout)).await?;
                let step = ctx.ui.step("restart", &format!("Restarting `{name}`"));
                platform.restart().await?;
                step.done("Restarted");
                drop(lock);
            }
            Ok(Place::Elsewhere(Changed::new(&remote, ("Restarted", "restart"), args.dry_run)))
        }
        None => Ok(Place::Here(here(args, ctx, project, name).await?)),
    }
}

async fn here(args: RestartArgs, ctx: &Ctx, project: &Project, name: String) -> Result<RestartReport, Failure> {
    let platform = Platform::of(ctx, project, &name)?;
    platform.check_key(ctx)?;
    warnings::idle_key(ctx, project, &platform);
    let report = |reconfigured, started| RestartReport {
        instance: name.clone(),
        provider: platform.provider(),
        changed: true,
        reconfigured,
        dry_run: args.dry_run,
        started,
    };
    if args.dry_run {
        return Ok(report(platform.is_reconfigured().await?, platform.running().await?));
    }
    let lock = ctx.unless_cancelled(local::lock(platform.settings(), "restart", args.lock.lock_timeout)).await?;
    ctx.check_cancelled()?;
    ctx.ui.header(&format!("Restarting `{name}`"));
    let step = ctx.ui.step("restart", "Restarting");
    let reconfigured = platform.is_reconfigured().await?;
    let started = platform.restart(args.timeout, args.wait.wait()).await?;
    step.done("Restarted");
    drop(lock);
    Ok(report(reconfigured, Some(started)))
}
