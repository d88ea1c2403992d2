//! `helix export`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use helix_engine::transfer::{Contents, Entry, MANIFEST, Progress};
use serde::Serialize;

use super::runtime::counting;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::platform::Platform;
use crate::ops::{local, transfer};
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix export dev -o dump            Write dump/nodes.User.jsonl and its like
  helix import test --from dump       Fill another instance with it";

/// Arguments of `helix export`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// Instance whose data is written
    instance: String,
    /// Folder to make
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// What was exported.
#[derive(Debug, Serialize)]
pub struct ExportReport {
    instance: String,
    path: PathBuf,
    items: u64,
    plan_digest: String,
    types: Vec<Entry>,
}

impl Report for ExportReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        transfer::list(page, &self.types);
        page.line(Style::Dim, format_args!("  {}", self.path.display()));
        page.line(Style::Dim, format_args!("  `{MANIFEST}` holds the secret of the ids: keep it as you keep the data"));
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl ExportReport {
    fn line(&self) -> String {
        format!("Exported `{}`: {}", self.instance, transfer::items(self.items))
    }
}

/// Writes the data of an instance as lines of JSON.
///
/// # Errors
///
/// When there is no data, the folder is taken, or the disk is full.
pub async fn run(args: ExportArgs, ctx: &Ctx) -> Result<ExportReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, Some(&args.instance))?;
    let platform = Platform::without_secrets(ctx, project, &name)?;
    let path = ctx.cwd.join(&args.output);
    ctx.check_cancelled()?;
    let step = ctx.ui.step("export", &format!("Writing the data of `{name}`"));
    let progress = Arc::new(Progress::default());
    let work = transfer::export(&platform, &path, &progress);
    let contents = counting(ctx, &step, &progress, work).await?;
    step.done("Written");
    let items = contents.total();
    let Contents { plan_digest, types, .. } = contents;
    Ok(ExportReport { instance: name, path, items, plan_digest, types })
}
