//! `helix restore`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use helix_engine::backup::Manifest;
use serde::Serialize;

use super::args::LockArgs;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::platform::Platform;
use crate::ops::transfer::items;
use crate::ops::{backup, blocking, local};
use crate::ui::{Page, Report, Style};

/// How long requests in flight may take.
const DRAIN: Duration = Duration::from_secs(10);

/// Arguments of `helix restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Instance whose data is replaced
    instance: String,
    /// Backup to put in its place: a folder or an archive
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// Stop the instance when it runs
    #[arg(long)]
    stop: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What was restored.
#[derive(Debug, Serialize)]
pub struct RestoreReport {
    instance: String,
    from: PathBuf,
    data_dir: PathBuf,
    /// Where the former data is.
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_copy: Option<PathBuf>,
    /// Whether it was stopped for this.
    stopped: bool,
    backup: Manifest,
}

impl Report for RestoreReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        if let Some(path) = &self.safety_copy {
            page.line(Style::Dim, format_args!("  the former data: {}", path.display()));
        }
        page.line(Style::Dim, format_args!("  next: `helix start {}`", self.instance));
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl RestoreReport {
    fn line(&self) -> String {
        let Manifest { counts, created_at, .. } = &self.backup;
        format!("Restored `{}` as of {created_at}: {}", self.instance, items(counts.total()))
    }
}

/// Replaces the data of an instance by a backup.
///
/// # Errors
///
/// When it runs and is not to be stopped, nobody agrees, or the backup is damaged. Then the data is as it was.
pub async fn run(args: RestoreArgs, ctx: &Ctx) -> Result<RestoreReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, Some(&args.instance))?;
    let platform = Platform::without_secrets(ctx, project, &name)?;
    let from = ctx.cwd.join(&args.from);
    let running = platform.running().await?;
    if let Some(running) = running.as_ref().filter(|_| !args.stop) {
        let (kind, unit) = running.unit.detail();
        let message = format!("instance `{name}` runs ({kind} {unit}): its data cannot be replaced");
        let hint = format!("helix restore {name} --from {} --stop", args.from.display());
        return Err(Failure::new("E-STATE-RUNNING", ExitCode::State, message).hint(format!("stop it: `{hint}`")));
    }
    if backup::data_size(platform.files()).is_some() {
        ctx.ui.confirm(&format!("This replaces the data of `{name}`. Go on?"), "--yes")?;
    }
    let lock = ctx.unless_cancelled(local::lock(platform.settings(), "restore", args.lock.lock_timeout)).await?;
    // Better to find out before the instance is stopped.
    let step = ctx.ui.step("verify", "Checking the backup");
    let checked = from.clone();
    let verified = ctx.unless_cancelled(blocking(move || backup::verify(&checked))).await?;
    step.done("The backup is sound");
    backup::warn_without_manifest(&ctx.ui, &verified, &from);
    ctx.check_cancelled()?;
    if running.is_some() {
        platform.stop(DRAIN).await?;
    }
    let step = ctx.ui.step("restore", &format!("Replacing the data of `{name}`"));
    let (files, source) = (platform.files().clone(), from.clone());
    let restored = blocking(move || backup::restore(&files, &source)).await?;
    step.done("Replaced");
    drop(lock);
    if let Some(reason) = &restored.former_unreadable {
        let message = format!("the former data could not be read ({reason}); it is kept as it is, without a manifest");
        ctx.ui.warn("W-BACKUP-FORMER", message);
    }
    Ok(RestoreReport {
        instance: name,
        from,
        data_dir: platform.files().data().to_owned(),
        safety_copy: restored.safety_copy,
        stopped: running.is_some(),
        backup: restored.manifest,
    })
}
