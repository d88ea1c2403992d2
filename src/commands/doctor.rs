//! `helix doctor`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::doctor::bundle::{self, Bundle, Existing};
use crate::ops::doctor::{self, Check, Depth, Outcome};
use crate::ui::{Page, Report, Style, Symbol};
use crate::utils::{count, size};

const EXAMPLES: &str = "\
Examples:
  helix doctor                         Find what is wrong, and what mends it
  helix doctor --deep                  Read all data of the local instances as well
  helix doctor --bundle report.tar.gz  Put what a bug report needs into an archive

Exit codes: 0 nothing fails, 20 something does; warnings change nothing.";

/// Arguments of `helix doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// Read all data of the local instances as well: every index against its rows
    #[arg(long)]
    deep: bool,
    /// Write an archive for a bug report: what was found, the project file and the last logs, without secrets
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Replace the archive if it is there already
    #[arg(long, requires = "bundle")]
    force: bool,
}

/// What was checked.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    checks: Vec<Check>,
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<Bundle>,
    #[serde(skip)]
    verbose: bool,
}

/// How many checks came out how.
#[derive(Debug, Default, Serialize)]
struct Summary {
    pass: usize,
    warn: usize,
    fail: usize,
    skip: usize,
}

impl Summary {
    fn of(checks: &[Check]) -> Self {
        let number = |state| checks.iter().filter(|check| check.state == state).count();
        Self {
            pass: number(Outcome::Pass),
            warn: number(Outcome::Warn),
            fail: number(Outcome::Fail),
            skip: number(Outcome::Skip),
        }
    }
}

impl Report for DoctorReport {
    fn human(&self, page: &mut Page) {
        let shown = || self.checks.iter().filter(|check| self.verbose || check.state != Outcome::Skip);
        let width = shown().map(|check| title(check).chars().count()).max().unwrap_or(0);
        for check in shown() {
            let symbol = match check.state {
                Outcome::Pass => Symbol::Check,
                Outcome::Warn => Symbol::Warning,
                Outcome::Fail => Symbol::Cross,
                Outcome::Skip => Symbol::Arrow,
            };
            page.symbol(symbol, format_args!("{:width$}  {}", title(check), check.found));
            for detail in &check.details {
                page.put(Style::Dim, "  | ").put(Style::Plain, detail).end();
            }
            if let Some(fix) = &check.fix {
                page.put(Style::Good, "  help: ").put(Style::Plain, fix).end();
            }
        }
        page.end();
        page.line(Style::Bold, self.counted());
        if let Some(bundle) = &self.bundle {
            let path = bundle.path.display();
            page.success(format_args!("Wrote {path}, {}", size(bundle.size_bytes)));
            page.line(Style::Dim, format_args!("  look through it before you send it: `tar -xzf '{path}'`"));
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.counted())
    }

    fn exit(&self) -> ExitCode {
        if self.summary.fail > 0 { ExitCode::Differences } else { ExitCode::Done }
    }
}

impl DoctorReport {
    fn counted(&self) -> String {
        let Summary { pass, warn, fail, skip } = &self.summary;
        let problems = match (fail, warn) {
            (0, 0) => "no problem".to_owned(),
            (0, _) => count(*warn, "warning", "warnings"),
            (_, 0) => count(*fail, "problem", "problems"),
            _ => format!("{}, {}", count(*fail, "problem", "problems"), count(*warn, "warning", "warnings")),
        };
        format!("{problems}; {pass} passed, {skip} skipped")
    }
}

fn title(check: &Check) -> String {
    match &check.subject {
        Some(subject) => format!("{} ({subject})", check.name),
        None => check.name.to_owned(),
    }
}

/// Looks at this machine, the project and its instances. What is wrong is part of the answer.
///
/// # Errors
///
/// When the archive cannot be written, or the command is told to stop.
pub async fn run(args: DoctorArgs, ctx: &Ctx) -> Result<DoctorReport, Failure> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let to = args.bundle.map(|file| ctx.cwd.join(file));
    if let Some(to) = &to {
        bundle::refuse_existing(to, existing)?;
    }
    let depth = if args.deep { Depth::Data } else { Depth::Quick };
    let checks = doctor::examine(ctx, depth).await?;
    let bundle = match to {
        Some(to) => Some(bundle::write(ctx, &to, existing, &checks)?),
        None => None,
    };
    Ok(DoctorReport { summary: Summary::of(&checks), checks, bundle, verbose: ctx.ui.is_verbose() })
}
