//! `helix stop`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::args::{LockArgs, duration};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::deploy::Remote;
use crate::ops::instance::{Stopped, Unit};
use crate::ops::local;
use crate::ops::platform::Platform;
use crate::ui::{Page, Report, Style};

/// Arguments of `helix stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Instance to stop
    #[arg(conflicts_with = "all")]
    instance: Option<String>,
    /// Stop every instance of the project that runs on this machine
    #[arg(long)]
    all: bool,
    /// How long requests in flight may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    /// Change nothing; say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What was stopped.
#[derive(Debug, Serialize)]
pub struct StopReport {
    instances: Vec<One>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct One {
    instance: String,
    provider: &'static str,
    changed: bool,
    #[serde(flatten)]
    unit: Option<Unit>,
    /// Whether it had to be killed.
    killed: bool,
}

impl Report for StopReport {
    fn human(&self, page: &mut Page) {
        for one in &self.instances {
            page.success(self.line(one));
        }
        if self.instances.is_empty() {
            page.line(Style::Dim, "There is nothing to stop");
        }
    }

    fn summary(&self) -> Option<String> {
        let lines: Vec<String> = self.instances.iter().map(|one| self.line(one)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl StopReport {
    fn line(&self, one: &One) -> String {
        let name = &one.instance;
        match (one.changed, self.dry_run, one.killed) {
            (true, true, _) => format!("Would stop `{name}`"),
            (true, false, false) => format!("Stopped `{name}`"),
            (true, false, true) => format!("Stopped `{name}`: it did not end by itself and was killed"),
            (false, ..) => format!("`{name}` is not running"),
        }
    }
}

/// Stops instances. That one does not run is fine.
///
/// # Errors
///
/// When a process does not end.
pub async fn run(args: StopArgs, ctx: &Ctx) -> Result<StopReport, Failure> {
    let project = ctx.project()?;
    if !args.all {
        let name = local::choose(ctx, project, args.instance.as_deref())?;
        if let Some(remote) = Remote::of(ctx, project, &name).await? {
            let platform = remote.platform("stop")?;
            if !args.dry_run {
                let lock = ctx.unless_cancelled(remote.lock("stop", args.lock.lock_timeout)).await?;
                let step = ctx.ui.step("stop", &format!("Stopping `{name}`"));
                platform.stop().await?;
                step.done("Stopped");
                drop(lock);
            }
            let provider = remote.target().name;
            let one = One { instance: name, provider, changed: true, unit: None, killed: false };
            return Ok(StopReport { instances: vec![one], dry_run: args.dry_run });
        }
    }
    let chosen: Vec<Platform> = if args.all {
        let names = project.config().locals().map(|(name, _)| name);
        names.filter_map(|name| Platform::without_secrets(ctx, project, name).ok()).collect()
    } else {
        let name = local::choose(ctx, project, args.instance.as_deref())?;
        vec![Platform::without_secrets(ctx, project, &name)?]
    };
    let mut instances = Vec::new();
    for platform in &chosen {
        instances.push(stop_one(&args, ctx, platform).await?);
    }
    Ok(StopReport { instances, dry_run: args.dry_run })
}

async fn stop_one(args: &StopArgs, ctx: &Ctx, platform: &Platform) -> Result<One, Failure> {
    let (instance, provider) = (platform.files().name().to_owned(), platform.provider());
    // What never ran leaves no trace by being stopped.
    if args.dry_run || !platform.files().home().exists() {
        let running = platform.running().await?;
        let changed = running.is_some();
        return Ok(One { instance, provider, changed, unit: running.map(|one| one.unit), killed: false });
    }
    let lock = ctx.unless_cancelled(local::lock(platform.settings(), "stop", args.lock.lock_timeout)).await?;
    let step = ctx.ui.step("stop", &format!("Stopping `{instance}`"));
    let stopped = platform.stop(args.timeout).await?;
    let (changed, unit, killed) = match stopped {
        Stopped::WasStopped | Stopped::WasDead => (false, None, false),
        Stopped::Drained { unit } => (true, Some(unit), false),
        Stopped::Killed { unit } => (true, Some(unit), true),
    };
    step.done(if changed { "Stopped" } else { "Not running" });
    drop(lock);
    Ok(One { instance, provider, changed, unit, killed })
}
