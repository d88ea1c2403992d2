//! `helix backup`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use helix_engine::backup::{Manifest, Packing};
use serde::Serialize;

use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::backup::{self, Form};
use crate::ops::platform::Platform;
use crate::ops::transfer::items;
use crate::ops::{blocking, local};
use crate::ui::{Page, Report, Style};
use crate::utils::{count, size};

/// So many rows, in words.
fn rows_of(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "row", "rows")
}

/// Above this size a backup asks first, in bytes.
const LARGE_BYTES: u64 = 10 << 30;

/// Arguments of `helix backup`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub struct BackupArgs {
    #[command(subcommand)]
    deed: Option<Deed>,
    /// Instance to copy
    #[arg(required = true)]
    instance: Option<String>,
    /// Folder or file to make; `backups/backup-<date>-<time>` in the project when omitted
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Leave free pages out: smaller, takes longer
    #[arg(long)]
    compact: bool,
    /// Make one tar file instead of a folder
    #[arg(long)]
    archive: bool,
    /// Make one compressed tar file
    #[arg(long, value_name = "HOW")]
    compress: Option<CompressArg>,
    /// Keep the newest N backups of the instance in the usual folder, and remove the others
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "output")]
    keep: Option<u16>,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// List backups
    List {
        /// Folder to look in; `backups` in the project when omitted
        path: Option<PathBuf>,
    },
    /// Check a backup: its checksums, then every index against its rows
    Verify {
        /// The folder or the archive
        path: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompressArg {
    /// Zstandard
    Zstd,
}

/// What was made, found or checked.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum BackupReport {
    /// A backup was made.
    Made {
        /// What it says of itself.
        backup: One,
        /// Older ones that are gone.
        removed: Vec<PathBuf>,
    },
    /// What there is, newest first.
    Listed {
        /// The backups.
        backups: Vec<One>,
    },
    /// A backup is what was written.
    Verified {
        /// What it says of itself.
        backup: One,
        /// Whether there was a manifest to compare with.
        has_manifest: bool,
        /// Rows that were read.
        rows: u64,
    },
}

/// A backup.
#[derive(Debug, Serialize)]
pub struct One {
    path: PathBuf,
    #[serde(flatten)]
    manifest: Manifest,
}

impl Report for BackupReport {
    fn human(&self, page: &mut Page) {
        match self {
            Self::Made { backup, removed } => {
                page.success(self.line());
                page.line(Style::Dim, format_args!("  {}", backup.path.display()));
                for path in removed {
                    page.line(Style::Dim, format_args!("  removed: {}", path.display()));
                }
            }
            Self::Listed { backups } if backups.is_empty() => page.line(Style::Dim, "There is no backup"),
            Self::Listed { backups } => {
                let rows: Vec<Vec<(Style, String)>> = backups.iter().map(row).collect();
                page.table(&["INSTANCE", "MADE", "ITEMS", "SIZE", "PATH"], &rows);
            }
            Self::Verified { .. } => page.success(self.line()),
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

fn row(one: &One) -> Vec<(Style, String)> {
    let manifest = &one.manifest;
    vec![
        (Style::Bold, manifest.instance.clone()),
        (Style::Plain, manifest.created_at.clone()),
        (Style::Plain, manifest.counts.total().to_string()),
        (Style::Plain, size(manifest.data.size_bytes)),
        (Style::Dim, one.path.display().to_string()),
    ]
}

impl BackupReport {
    fn line(&self) -> String {
        match self {
            Self::Made { backup: One { manifest, .. }, .. } => {
                let (items, bytes) = (items(manifest.counts.total()), size(manifest.data.size_bytes));
                format!("Backed up `{}`: {items}, {bytes}", manifest.instance)
            }
            Self::Listed { backups } => count(backups.len(), "backup", "backups"),
            Self::Verified { backup, has_manifest: true, rows } => {
                format!("`{}` is what was written, and sound: {}", backup.path.display(), rows_of(*rows))
            }
            Self::Verified { backup, has_manifest: false, rows } => {
                format!("`{}` is sound: {}", backup.path.display(), rows_of(*rows))
            }
        }
    }
}

/// Makes, lists or checks backups.
///
/// # Errors
///
/// When there is no data, nobody agrees to a large copy, a backup is damaged, or the disk is full.
pub async fn run(args: BackupArgs, ctx: &Ctx) -> Result<BackupReport, Failure> {
    match &args.deed {
        Some(Deed::List { path }) => {
            let folder = match path {
                Some(path) => ctx.cwd.join(path),
                None => backup::folder(ctx.project()?.root()),
            };
            let found = ctx.unless_cancelled(blocking(move || backup::list(&folder))).await?;
            let backups = found.into_iter().map(|found| One { path: found.path, manifest: found.manifest }).collect();
            Ok(BackupReport::Listed { backups })
        }
        Some(Deed::Verify { path }) => {
            let path = ctx.cwd.join(path);
            let step = ctx.ui.step("verify", "Reading every row and index");
            let checked = path.clone();
            let verified = ctx.unless_cancelled(blocking(move || backup::verify(&checked))).await?;
            step.done("Checked");
            backup::warn_without_manifest(&ctx.ui, &verified, &path);
            let has_manifest = verified.has_manifest;
            let backup = One { path, manifest: verified.manifest };
            Ok(BackupReport::Verified { backup, has_manifest, rows: verified.report.rows })
        }
        None => make(args, ctx).await,
    }
}

async fn make(args: BackupArgs, ctx: &Ctx) -> Result<BackupReport, Failure> {
    let form = match (args.compress, args.archive) {
        (Some(CompressArg::Zstd), _) => Form::Archive(Packing::Zstd),
        (None, true) => Form::Archive(Packing::Plain),
        (None, false) => Form::Folder,
    };
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    let platform = Platform::without_secrets(ctx, project, &name)?;
    if let Some(bytes) = backup::data_size(platform.files()).filter(|bytes| *bytes > LARGE_BYTES) {
        ctx.ui.confirm(&format!("The data of `{name}` takes {}. Copy it?", size(bytes)), "--yes")?;
    }
    let usual = args.output.is_none();
    let path = args.output.map_or_else(|| backup::new_place(project.root(), form), |path| ctx.cwd.join(path));
    ctx.check_cancelled()?;
    let step = ctx.ui.step("backup", &format!("Copying the data of `{name}`"));
    let manifest = backup::make(&platform, &path, form, args.compact).await?;
    step.done("Copied");
    let removed = match args.keep.filter(|_| usual) {
        Some(keep) => backup::prune(&backup::folder(project.root()), &name, keep.into())?,
        None => Vec::new(),
    };
    Ok(BackupReport::Made { backup: One { path, manifest }, removed })
}
