//! `helix check`.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::compiler::{Diagnostic, SourceSet};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::compile::{self, Rejected};
use crate::ops::watch::Watch;
use crate::project::Project;
use crate::ui::{Page, Report, Silent, Style, diagnostics};
use crate::utils::count;

/// Arguments of `helix check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Instance to check; every instance when omitted
    instance: Option<String>,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    /// Check again at each save, until Ctrl-C
    #[arg(long)]
    pub(super) watch: bool,
}

/// A format of other tools for what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Findings {
    /// Annotations of GitHub Actions.
    Github,
    /// The Static Analysis Results Interchange Format, 2.1.0.
    Sarif,
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Github => "github",
            Self::Sarif => "sarif",
        })
    }
}

/// Checks at each save until the command is told to stop.
///
/// # Errors
///
/// When there is no project, or it cannot be watched.
pub async fn watch(args: CheckArgs, ctx: &Ctx, findings: Option<Findings>) -> Result<Silent, Failure> {
    let project = ctx.project()?;
    let watch = Watch::new(project.file(), &project.queries());
    let mut watch = watch.map_err(|error| Failure::new("E-FS-WATCH", ExitCode::Failed, error.to_string()))?;
    loop {
        match ctx.fresh_project().and_then(|project| check(&args, ctx, &project, findings)) {
            Ok(report) if ctx.ui.is_stream() => ctx.ui.event("checked", &report),
            Ok(report) => {
                let mut page = ctx.ui.page();
                report.human(&mut page);
                ctx.ui.print(&page);
            }
            Err(failure) if ctx.ui.is_stream() => {
                ctx.ui.event("diagnostics", &json!({ "error": failure.json(), "diagnostics": failure.diagnostics }));
            }
            Err(failure) => ctx.ui.failure(&failure),
        }
        tokio::select! {
            () = ctx.cancel.cancelled() => return Ok(Silent {}),
            _ = watch.changed() => {}
        }
    }
}

/// What the check found: nothing that is wrong.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    instances: Vec<Checked>,
    queries: usize,
    types: usize,
    digest: String,
    diagnostics: Vec<Value>,
    #[serde(skip)]
    rendered: String,
    /// Whether stdout holds the findings in a format of other tools, and nothing else.
    #[serde(skip)]
    is_for_tools: bool,
}

#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    target: &'static str,
    phases: Vec<Phase>,
}

#[derive(Clone, Debug, Serialize)]
struct Phase {
    name: &'static str,
    ok: bool,
}

/// What a check goes through. A plan that is made is a plan that runs: nothing is left to find out later.
const PHASES: [&str; 4] = ["config", "syntax", "semantics", "plan"];

impl Report for CheckReport {
    fn human(&self, page: &mut Page) {
        if self.is_for_tools {
            return;
        }
        page.verbatim(&self.rendered);
        page.success(self.line());
        for instance in &self.instances {
            page.put(Style::Dim, format_args!("  {} ({})", instance.name, instance.target)).end();
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl CheckReport {
    fn line(&self) -> String {
        let warnings = match self.diagnostics.len() {
            0 => String::new(),
            number => format!(", {}", count(number, "warning", "warnings")),
        };
        let (queries, types) = (count(self.queries, "query", "queries"), count(self.types, "type", "types"));
        format!("No errors in {queries} over {types}{warnings}")
    }
}

/// Checks everything that can be checked without running anything.
///
/// # Errors
///
/// With every problem of the project file, or every diagnostic of the queries.
pub fn run(args: &CheckArgs, ctx: &Ctx, findings: Option<Findings>) -> Result<CheckReport, Failure> {
    check(args, ctx, ctx.project()?, findings)
}

fn check(args: &CheckArgs, ctx: &Ctx, project: &Project, findings: Option<Findings>) -> Result<CheckReport, Failure> {
    let instances = match &args.instance {
        Some(name) => vec![project.instance(name)?],
        None => project.config().instances.iter().map(|(name, instance)| (name.as_str(), instance)).collect(),
    };
    let step = ctx.ui.step("check", "Checking");
    let compiled = match compile::compile(compile::read_sources(project)?) {
        Ok(compiled) if args.strict && !compiled.warnings.is_empty() => {
            let rejected = Rejected { diagnostics: compiled.warnings, sources: compiled.sources.set };
            annotate(ctx, findings, &rejected.diagnostics, &rejected.sources);
            return Err(too_strict(rejected));
        }
        Ok(compiled) => compiled,
        Err(rejected) => {
            annotate(ctx, findings, &rejected.diagnostics, &rejected.sources);
            return Err(rejected.into());
        }
    };
    let set = &compiled.sources.set;
    annotate(ctx, findings, &compiled.warnings, set);
    step.done("Checked");
    let program = &compiled.program;
    let catalog = &program.catalog;
    let phases: Vec<Phase> = PHASES.into_iter().map(|name| Phase { name, ok: true }).collect();
    Ok(CheckReport {
        instances: instances
            .into_iter()
            .map(|(name, instance)| Checked {
                name: name.to_owned(),
                target: instance.target(),
                phases: phases.clone(),
            })
            .collect(),
        queries: program.queries.len(),
        types: catalog.nodes.len() + catalog.edges.len() + catalog.vectors.len(),
        digest: program.digest().to_string(),
        diagnostics: compile::json(&compiled.warnings, set),
        rendered: diagnostics::render(&compiled.warnings, set),
        is_for_tools: findings == Some(Findings::Sarif),
    })
}

fn annotate(ctx: &Ctx, findings: Option<Findings>, found: &[Diagnostic], sources: &SourceSet) {
    let mut page = ctx.ui.page();
    match findings {
        None => return,
        Some(Findings::Github) => found.iter().for_each(|one| page.text_line(diagnostics::github(one, sources))),
        Some(Findings::Sarif) => page.verbatim(&format!("{:#}\n", diagnostics::sarif(found, sources))),
    }
    ctx.ui.print(&page);
}

/// Warnings that count as errors.
fn too_strict(rejected: Rejected) -> Failure {
    let first = rejected.diagnostics.first().map_or("E-HQL", |first| first.code);
    let message = format!("{} under `--strict`", count(rejected.diagnostics.len(), "warning", "warnings"));
    Failure { message, code: first.to_owned(), hint: Some(compile::more(first)), ..Failure::from(rejected) }
}
