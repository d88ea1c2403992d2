//! `helix start`.

use clap::Args;
use serde::Serialize;

use super::args::{LockArgs, WaitArgs};
use super::place::{Changed, Place, refuse};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::deploy::Remote;
use crate::ops::lifecycle::Started;
use crate::ops::local;
use crate::ops::platform::Platform;
use crate::ops::warnings;
use crate::project::Project;
use crate::ui::{Page, Report};

/// Arguments of `helix start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Instance to start
    instance: Option<String>,
    /// Port to listen on, instead of the configured one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
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
pub struct StartReport {
    instance: String,
    provider: &'static str,
    changed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(flatten)]
    started: Option<Started>,
}

impl Report for StartReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        if let Some(started) = &self.started {
            page.details([
                ("url", started.url.clone()),
                started.unit.detail(),
                ("data", started.data_dir.display().to_string()),
            ]);
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl StartReport {
    fn line(&self) -> String {
        let name = &self.instance;
        match (self.dry_run, self.changed) {
            (true, true) => format!("Would start `{name}`"),
            (false, true) => format!("Started `{name}`"),
            (_, false) => format!("`{name}` is running already"),
        }
    }
}

/// Starts an instance with what was last pushed to it.
///
/// # Errors
///
/// When nothing was pushed, its port is taken, or it does not become healthy.
pub async fn run(args: StartArgs, ctx: &Ctx) -> Result<Place<StartReport, Changed>, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    match Remote::of(ctx, project, &name).await? {
        Some(remote) => {
            refuse("--port", args.port.is_some(), &name, true)?;
            let platform = remote.platform("start")?;
            if !args.dry_run {
                let lock = ctx.unless_cancelled(remote.lock("start", args.lock.lock_timeout)).await?;
                let step = ctx.ui.step("start", &format!("Starting `{name}`"));
                platform.start().await?;
                step.done("Started");
                drop(lock);
            }
            Ok(Place::Elsewhere(Changed::new(&remote, ("Started", "start"), args.dry_run)))
        }
        None => Ok(Place::Here(here(args, ctx, project, name).await?)),
    }
}

async fn here(args: StartArgs, ctx: &Ctx, project: &Project, name: String) -> Result<StartReport, Failure> {
    let platform = Platform::of(ctx, project, &name)?;
    platform.check_key(ctx)?;
    warnings::idle_key(ctx, project, &platform);
    let report = |changed, started| StartReport {
        instance: name.clone(),
        provider: platform.provider(),
        changed,
        dry_run: args.dry_run,
        started,
    };
    if args.dry_run {
        let running = platform.running().await?;
        return Ok(report(running.is_none(), running));
    }
    let lock = ctx.unless_cancelled(local::lock(platform.settings(), "start", args.lock.lock_timeout)).await?;
    if let Some(running) = platform.running().await? {
        platform.check_health(&running).await?;
        return Ok(report(false, Some(running)));
    }
    ctx.ui.header(&format!("Starting `{name}`"));
    let step = ctx.ui.step("start", "Starting");
    let started = platform.start(args.port, args.wait.wait()).await?;
    step.done("Started");
    drop(lock);
    Ok(report(true, Some(started)))
}
