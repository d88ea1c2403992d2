//! `helix fmt`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::compiler::SourceSet;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::compile;
use crate::ops::format::{self, Formatted, Outcome};
use crate::ui::{Page, Report, Style};
use crate::utils::count;

const EXAMPLES: &str = "\
Examples:
  helix fmt                    Format the schema and the queries of the project
  helix fmt db/queries.hx new  Format a file, and those in a folder
  helix fmt --check            Change nothing; show what would change
  helix fmt --stdin            Format what is piped in; for editors

Comments stay where they are, and no query changes what it means. A file with syntax errors stays as it is.
Exit codes: 0 done, 4 syntax errors, 20 `--check` found something to change.";

/// What messages call the standard input.
const STDIN: &str = "<stdin>";

/// Arguments of `helix fmt`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FmtArgs {
    /// Files and folders to format; the query folder of the project when omitted
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; show what would change, and exit with 20 if there is something
    #[arg(long)]
    check: bool,
    /// Read from the standard input and write to the standard output
    #[arg(long, conflicts_with = "paths")]
    stdin: bool,
}

/// What was formatted.
#[derive(Debug, Serialize)]
pub struct FmtReport {
    files: Vec<FileReport>,
    /// How many are not, or were not, in their canonical form.
    changed: usize,
    /// The canonical form of the standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    formatted: Option<String>,
    #[serde(skip)]
    check: bool,
}

/// A file.
#[derive(Debug, Serialize)]
struct FileReport {
    path: String,
    changed: bool,
    /// What would change, as a patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

impl Report for FmtReport {
    fn human(&self, page: &mut Page) {
        if let Some(text) = &self.formatted {
            return page.verbatim(text);
        }
        for file in self.files.iter().filter(|file| file.changed) {
            match &file.diff {
                Some(diff) => diff.lines().for_each(|line| page.line(style(line), line)),
                None => page.line(Style::Plain, &file.path),
            }
        }
        if self.check && self.changed > 0 {
            page.text_line(self.line());
        } else {
            page.success(self.line());
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.formatted.as_ref().map_or_else(|| self.line(), |text| text.trim_end_matches("\n").to_owned()))
    }

    fn exit(&self) -> ExitCode {
        if self.check && self.changed > 0 { ExitCode::Differences } else { ExitCode::Done }
    }
}

impl FmtReport {
    fn new(formatted: &[Formatted], check: bool) -> Self {
        let files = formatted.iter().map(|one| {
            let changed = one.is_changed();
            FileReport { path: one.name.clone(), changed, diff: (check && changed).then(|| one.diff()) }
        });
        let changed = formatted.iter().filter(|one| one.is_changed()).count();
        Self { files: files.collect(), changed, formatted: None, check }
    }

    fn line(&self) -> String {
        let all = count(self.files.len(), "file", "files");
        match (self.changed, self.check) {
            (0, _) => format!("Nothing to format in {all}"),
            (changed, true) => format!("{changed} of {all} would change; `helix fmt` does it"),
            (changed, false) => format!("Formatted {changed} of {all}"),
        }
    }
}

/// How a line of a patch looks.
fn style(line: &str) -> Style {
    match line.as_bytes().first() {
        _ if line.starts_with("---") || line.starts_with("+++") => Style::Bold,
        Some(b'+') => Style::Good,
        Some(b'-') => Style::Bad,
        Some(b'@') => Style::Dim,
        _ => Style::Plain,
    }
}

/// Formats sources.
///
/// # Errors
///
/// When a file cannot be read or written, or has syntax errors. What can be formatted is, all the same.
pub fn run(args: &FmtArgs, ctx: &Ctx) -> Result<FmtReport, Failure> {
    if args.stdin {
        return stdin(args.check);
    }
    let sources = if args.paths.is_empty() {
        format::of_project(ctx.project()?)?
    } else {
        format::of_paths(&ctx.cwd, &args.paths)?
    };
    let Outcome { formatted, rejected } = format::files(&sources)?;
    if !args.check {
        format::write(&sources, &formatted)?;
    }
    let Some(rejected) = rejected else { return Ok(FmtReport::new(&formatted, args.check)) };
    let did = if args.check { "would change" } else { "formatted" };
    let others = formatted.iter().filter(|one| one.is_changed()).map(|one| format!("{did} {}", one.name));
    Err(Failure::from(rejected).context(others))
}

fn stdin(check: bool) -> Result<FmtReport, Failure> {
    let text = compile::read_stream(STDIN, std::io::stdin())?;
    let Outcome { formatted, rejected } = format::texts(SourceSet::new([(STDIN.to_owned(), text)]));
    if let Some(rejected) = rejected {
        return Err(rejected.into());
    }
    let mut report = FmtReport::new(&formatted, check);
    if !check {
        report.formatted = formatted.into_iter().next().map(|one| one.after);
    }
    Ok(report)
}
