//! `helix import`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use helix_engine::transfer::{Contents, Entry, Progress};
use serde::Serialize;

use super::args::LockArgs;
use super::runtime::counting;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::State;
use crate::ops::platform::Platform;
use crate::ops::{blocking, local, transfer};
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix export dev -o dump            Write dump/nodes.User.jsonl and its like
  helix import test --from dump       Fill another instance with it";

/// Arguments of `helix import`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// Instance to fill: stopped, and without data
    instance: String,
    /// Folder that `helix export` made
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    lock: LockArgs,
}

/// What was imported.
#[derive(Debug, Serialize)]
pub struct ImportReport {
    instance: String,
    from: PathBuf,
    data_dir: PathBuf,
    items: u64,
    types: Vec<Entry>,
    /// Whether anything was pushed to the instance, so that it can be started.
    pushed: bool,
}

impl Report for ImportReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        transfer::list(page, &self.types);
        let next = if self.pushed { "start" } else { "push" };
        page.line(Style::Dim, format_args!("  next: `helix {next} {}`", self.instance));
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl ImportReport {
    fn line(&self) -> String {
        format!("Imported into `{}`: {}", self.instance, transfer::items(self.items))
    }
}

/// Fills an instance from an export.
///
/// # Errors
///
/// When it runs or holds data, or the export is not what was written. Then it is as it was.
pub async fn run(args: ImportArgs, ctx: &Ctx) -> Result<ImportReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, Some(&args.instance))?;
    let platform = Platform::without_secrets(ctx, project, &name)?;
    let settings = platform.settings();
    let from = ctx.cwd.join(&args.from);
    let lock = ctx.unless_cancelled(local::lock(settings, "import", args.lock.lock_timeout)).await?;
    if let Some(running) = platform.running().await? {
        let (kind, unit) = running.unit.detail();
        let message = format!("instance `{name}` runs ({kind} {unit}): it cannot be filled");
        let failure = Failure::new("E-STATE-RUNNING", ExitCode::State, message);
        return Err(failure.hint(format!("stop it first: `helix stop {name}`")));
    }
    ctx.check_cancelled()?;
    let step = ctx.ui.step("import", &format!("Filling `{name}`"));
    let progress = Arc::new(Progress::default());
    let (of, source, told) = (settings.clone(), from.clone(), progress.clone());
    let work = blocking(move || transfer::import(&of, &source, &told));
    let contents = counting(ctx, &step, &progress, work).await?;
    step.done("Filled, and checked");
    drop(lock);
    let (data_dir, pushed) = (settings.files.data().to_owned(), State::load(&settings.files)?.is_some());
    let items = contents.total();
    let Contents { types, .. } = contents;
    Ok(ImportReport { instance: name, from, data_dir, items, types, pushed })
}
