//! `helix init`.

use std::path::{Component, Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::targets::Target;
use crate::config::{FILE_NAME, check_instance_name};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::add;
use crate::ops::cloud::provision::Found;
use crate::ops::cloud::selection;
use crate::ops::init::{Deed, NewProject, PlannedFile, apply, plan};
use crate::project::{Project, slug};
use crate::ui::{Page, Report, Style};

/// Arguments of `helix init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder of the project; created when it is not there
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
    /// What to begin with
    #[arg(short, long, value_name = "NAME", default_value = "empty")]
    template: Template,
    /// The folder of the queries
    #[arg(short, long, value_name = "DIR", default_value = "./db/")]
    queries_path: String,
    /// Write starter files anew that are there already
    #[arg(long, conflicts_with = "keep")]
    overwrite: bool,
    /// Keep starter files that are there already
    #[arg(long)]
    keep: bool,
    /// Write nothing; say what would be written
    #[arg(long)]
    dry_run: bool,
    #[command(subcommand)]
    target: Option<Target>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Template {
    /// A small example that works
    Empty,
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct InitReport {
    root: PathBuf,
    project: String,
    instances: Vec<String>,
    files_created: Vec<String>,
    files_skipped: Vec<String>,
    next_steps: Vec<String>,
    /// What the instance elsewhere got at its target.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned: Option<Found>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Report for InitReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        for file in &self.files_created {
            page.text_line(format_args!("  {file}"));
        }
        for file in &self.files_skipped {
            page.line(Style::Dim, format_args!("  {file} (kept)"));
        }
        if !self.dry_run {
            page.end();
            page.line(Style::Bold, "Next");
            for step in &self.next_steps {
                page.text_line(format_args!("  {step}"));
            }
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl InitReport {
    fn line(&self) -> String {
        let verb = if self.dry_run { "Would make" } else { "Made" };
        format!("{verb} project `{}` in {}", self.project, self.root.display())
    }
}

/// Makes a project.
///
/// # Errors
///
/// When there is one already, a name is not allowed, or a file cannot be written; nothing is then left behind.
pub async fn run(args: &InitArgs, ctx: &Ctx) -> Result<InitReport, Failure> {
    let Template::Empty = args.template;
    let root = normal(&ctx.cwd.join(&args.path));
    let local = args.target.as_ref().and_then(Target::local_name).flatten();
    let instance = local.unwrap_or("dev").to_owned();
    check_instance_name(&instance).map_err(|what| {
        Failure::new("E-INPUT-NAME", ExitCode::Usage, format!("`{instance}` cannot be the name of an instance: {what}"))
    })?;
    if root.join(FILE_NAME).exists() {
        let message = format!("there is a project already: `{}`", root.join(FILE_NAME).display());
        return Err(Failure::new("E-CFG-EXISTS", ExitCode::Config, message).hint("make its queries live: `helix push`"));
    }
    let queries = queries_path(&args.queries_path)?;
    let runtime = args.target.as_ref().and_then(Target::local_runtime).filter(|runtime| *runtime != "embedded");
    let runtime = runtime.map(str::to_owned);
    let project = NewProject { name: project_name(&root), root, queries, instance, runtime };
    let mut files = plan(&project).map_err(|error| Failure::file("look at", &project.root, &error))?;
    for file in &mut files {
        if file.deed == Deed::Overwrite && !overwrite(args, ctx, file)? {
            file.deed = Deed::Keep;
        }
    }
    let mut elsewhere = args.target.clone().filter(|target| target.local_name().is_none() && !args.dry_run);
    let mut provisioned = None;
    if let Some(target) = &mut elsewhere {
        // Before anything is written: what cannot be had leaves nothing behind here.
        let name = target.name().map_or_else(|| slug(&project.name), str::to_owned);
        add::check_name(&name, [project.instance.as_str()])?;
        provisioned = target.provision(ctx, &name, &project.name, None).await?;
    }
    let made = write(args, ctx, &project, &files, elsewhere, provisioned.clone());
    made.map_err(|failure| match &provisioned {
        Some(found) => found.left_by(failure),
        None => failure,
    })
}

/// Writes the files, then the instance elsewhere.
fn write(
    args: &InitArgs,
    ctx: &Ctx,
    project: &NewProject,
    files: &[PlannedFile],
    elsewhere: Option<Target>,
    provisioned: Option<Found>,
) -> Result<InitReport, Failure> {
    if !args.dry_run {
        apply(project, files).map_err(|(path, error)| Failure::file("write", &path, &error))?;
    }
    let mut report = report(args, ctx, project, files);
    if let Some(target) = elsewhere {
        let made = Project::load(&project.root.join(FILE_NAME))?;
        let (name, new) = target.instance(ctx, &made)?;
        let added = add::apply(&made, name.as_deref(), new)?;
        report.next_steps.push(format!("helix plan {0}, helix push {0}", added.name));
        report.instances.push(added.name);
        if let Some(found) = &provisioned {
            selection::link(&made, &found.project())?;
        }
        report.provisioned = provisioned;
    }
    Ok(report)
}

/// Whether a starter file that is there is written anew.
fn overwrite(args: &InitArgs, ctx: &Ctx, file: &PlannedFile) -> Result<bool, Failure> {
    if args.overwrite || args.keep || args.dry_run {
        return Ok(args.overwrite);
    }
    let shown = file.path.display();
    if !ctx.ui.is_interactive() {
        ctx.ui.warn("W-INIT-KEPT", format!("`{shown}` is there already and is kept; `--overwrite` writes it anew"));
        return Ok(false);
    }
    match ctx.ui.confirm(&format!("`{shown}` is there already. Write it anew?"), "--overwrite") {
        Ok(()) => Ok(true),
        Err(failure) if failure.code == "E-INPUT-DECLINED" => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn report(args: &InitArgs, ctx: &Ctx, project: &NewProject, files: &[PlannedFile]) -> InitReport {
    let shown = |file: &PlannedFile| {
        let path = file.path.strip_prefix(&project.root).unwrap_or(&file.path);
        path.display().to_string()
    };
    let (kept, written): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.deed == Deed::Keep);
    let instance = &project.instance;
    let mut next_steps = Vec::new();
    if project.root != normal(&ctx.cwd) {
        let folder = project.root.strip_prefix(&ctx.cwd).unwrap_or(&project.root);
        next_steps.push(format!("cd {}", quoted(folder)));
    }
    next_steps.push(format!("helix push {instance}"));
    next_steps.push(format!("helix query {instance} --list"));
    next_steps.push("helix dev".to_owned());
    InitReport {
        root: project.root.clone(),
        project: project.name.clone(),
        instances: vec![instance.clone()],
        files_created: written.into_iter().map(shown).collect(),
        files_skipped: kept.into_iter().map(shown).collect(),
        next_steps,
        provisioned: None,
        dry_run: args.dry_run,
    }
}

/// A path for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The name of the folder, as far as a project can have it.
fn project_name(root: &Path) -> String {
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || " ._-".contains(c) { c } else { '-' }).take(64).collect();
    let trimmed = kept.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end();
    if trimmed.is_empty() { "helix-project".to_owned() } else { trimmed.to_owned() }
}

/// The path without `.` and `..`, so that `--path .` has a name.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

fn queries_path(text: &str) -> Result<String, Failure> {
    let path = text.replace('\\', "/");
    let inside = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if inside && !path.is_empty() {
        return Ok(path);
    }
    let message = format!("the query folder must be inside of the project: `{text}`");
    Err(Failure::new("E-INPUT-PATH", ExitCode::Usage, message).hint("pass a relative path, like `./db/`"))
}
