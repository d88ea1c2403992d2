//! `helix dev`: each save is live at once.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::{LockArgs, port};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::dev::{DevOptions, DevSession};
use crate::ops::local;
use crate::ops::push::PortChoice;
use crate::ops::watch::Watch;
use crate::project::Project;
use crate::ui::{Page, Report};
use crate::utils::count;

/// The instance that is meant when there are several and none is named.
const USUAL: &str = "dev";

/// Arguments of `helix dev`.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Instance to work on; `dev` when omitted
    instance: Option<String>,
    /// Port to listen on, or `auto` for the first free one
    #[arg(long, value_name = "N|auto", value_parser = port)]
    port: Option<PortChoice>,
    /// Call queries at the start: lines of {"query": NAME, "data": {…}}
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Use data that is thrown away at the end
    #[arg(long)]
    ephemeral: bool,
    /// End after the first activation
    #[arg(long)]
    once: bool,
    /// Lose stored data that a new schema has no place for
    #[arg(long)]
    allow_breaking: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What a session was.
#[derive(Debug, Serialize)]
pub struct DevReport {
    instance: String,
    activations: usize,
    requests: u64,
    /// Whether the instance goes on running.
    running: bool,
}

impl Report for DevReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl DevReport {
    fn line(&self) -> String {
        let verb = if self.running { "Left" } else { "Stopped" };
        format!("{verb} `{}` after {}", self.instance, count(self.activations, "activation", "activations"))
    }
}

/// Works on an instance until Ctrl-C, which is how it is meant to end.
///
/// # Errors
///
/// When the instance cannot be run; with `--once` also when the project does not compile.
pub async fn run(args: DevArgs, ctx: &Ctx) -> Result<DevReport, Failure> {
    let project = ctx.project()?;
    let name = choose(&args, ctx, project)?;
    // Before anything is compiled: an instance that cannot run here is no work to begin.
    local::embedded(ctx, project, &name)?;
    ctx.ui.header(&format!("Developing `{name}`, Ctrl-C ends it"));
    let options = DevOptions {
        port: args.port.unwrap_or(PortChoice::Configured),
        seed: args.seed.clone(),
        ephemeral: args.ephemeral,
        allow_breaking: args.allow_breaking || args.ephemeral,
        lock_timeout: args.lock.lock_timeout,
    };
    ctx.ui.do_not_wait();
    let mut session = DevSession::new(ctx, &name, options)?;
    let worked = work(&args, ctx, project, &mut session).await;
    let ended = session.end().await;
    worked?;
    Ok(DevReport {
        instance: name.clone(),
        activations: session.activations,
        requests: session.requests,
        running: ended?,
    })
}

async fn work(args: &DevArgs, ctx: &Ctx, project: &Project, session: &mut DevSession<'_>) -> Result<(), Failure> {
    // From before the first look, so that no edit is missed.
    let watch = (!args.once).then(|| Watch::new(project.file(), &project.queries())).transpose();
    let watch = watch.map_err(|error| Failure::new("E-FS-WATCH", ExitCode::Failed, error.to_string()))?;
    let begun = session.begin(project).await;
    match (begun, watch) {
        (begun, None) => begun,
        (Ok(()), Some(mut watch)) => session.work(&mut watch).await,
        (Err(failure), Some(mut watch)) if session.is_mendable(&failure) => {
            session.show(&failure);
            session.work(&mut watch).await
        }
        (Err(failure), Some(_)) => {
            if ctx.cancel.is_cancelled() {
                return Ok(());
            }
            Err(failure)
        }
    }
}

/// The instance that is meant.
fn choose(args: &DevArgs, ctx: &Ctx, project: &Project) -> Result<String, Failure> {
    let usual = project.config().instances.contains_key(USUAL).then_some(USUAL);
    local::choose(ctx, project, args.instance.as_deref().or(usual))
}
