//! `helix push`.

mod all;
mod elsewhere;

use std::time::Instant;

use clap::Args;
use clap::builder::PossibleValuesParser;
use helix_plan::diff::{Class, Diff, QueryChange, SchemaChange};
use serde::Serialize;

use self::all::AllReport;
use self::elsewhere::RemoteReport;
use super::args::{LockArgs, WaitArgs, port};
use super::place::{Place, refuse};
use crate::config::BuildMode;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::TARGETS;
use crate::integrations::embedded::settings::url;
use crate::ops::compile::{self, CompiledProject};
use crate::ops::deploy::Remote;
use crate::ops::instance::{InstanceError, Unit};
use crate::ops::platform::Platform;
use crate::ops::push::{Action, PortChoice, PushOptions, PushPlan, Pushed, describe};
use crate::ops::{local, warnings};
use crate::project::Project;
use crate::ui::{Page, Report, Style};
use crate::utils::count;

const EXAMPLES: &str = "\
Examples:
  helix push                       The only instance, or the one that is chosen
  helix push prod --dry-run        What it would do
  helix push prod --dev            Built in dev mode this once
  helix push --all                 Every instance, one after the other; the first failure ends it
  helix push --all --target fly    Those of one target

Exit codes: 0 done or up to date, 4 queries, 6 build, 8 container runtime, 9 network, 10 login,
11 refused, 12 not healthy, 14 locked.";

/// The targets that can be pushed to.
fn usable_targets() -> PossibleValuesParser {
    PossibleValuesParser::new(TARGETS.iter().filter(|target| target.unsupported.is_none()).map(|target| target.name))
}

/// Arguments of `helix push`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PushArgs {
    /// Instance to push to
    instance: Option<String>,
    /// Push to every instance, one after the other, in the order of the project file
    #[arg(long, conflicts_with_all = ["instance", "port", "image", "write_env", "reveal"])]
    all: bool,
    /// With `--all`: only to the instances of this target
    #[arg(long, value_name = "TARGET", requires = "all", value_parser = usable_targets())]
    target: Option<String>,
    /// With `--all`: go on with the others when one fails
    #[arg(long, requires = "all")]
    keep_going: bool,
    /// Build it in dev mode this once; the project file stays as it is
    #[arg(long)]
    dev: bool,
    /// Push even when nothing changed
    #[arg(long)]
    force: bool,
    /// Port to listen on, or `auto` for the first free one
    #[arg(long, value_name = "N|auto", value_parser = port)]
    port: Option<PortChoice>,
    /// Write the port to the project file
    #[arg(long, requires = "port")]
    save: bool,
    #[command(flatten)]
    wait: WaitArgs,
    /// Lose stored data that the new schema has no place for
    #[arg(long)]
    allow_breaking: bool,
    /// Leave a failed release as it is, rather than going back to the one before
    #[arg(long)]
    no_rollback: bool,
    /// Run this image in place of one that is built, for an instance in a container
    #[arg(long, value_name = "REF")]
    image: Option<String>,
    /// What to say about this release
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Deploy to a public address without a key
    #[arg(long)]
    allow_public: bool,
    /// Write a key that is made for a new instance elsewhere to this file of variables
    #[arg(long, value_name = "FILE")]
    write_env: Option<std::path::PathBuf>,
    /// Show such a key in the result, also with `--json`
    #[arg(long)]
    reveal: bool,
    /// Change nothing; show what would be done
    #[arg(long, visible_alias = "plan-only")]
    dry_run: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What a push did, or would do.
#[derive(Debug, Serialize)]
pub struct PushReport {
    instance: String,
    provider: &'static str,
    changed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_release: Option<String>,
    url: String,
    port: u16,
    #[serde(flatten)]
    unit: Option<Unit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    digest: String,
    plan: Planned,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<&'static str>,
    rolled_back: bool,
    duration_ms: u64,
}

#[derive(Debug, Serialize)]
struct Planned {
    action: Action,
    class: Class,
    queries: Vec<QueryChange>,
    schema: Vec<SchemaChange>,
}

impl Report for PushReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        if self.dry_run {
            for line in describe(&self.plan.queries, &self.plan.schema) {
                page.text_line(format_args!("  {line}"));
            }
        }
        let mut details = vec![("url", self.url.clone())];
        if self.dry_run {
            details.push(("action", self.plan.action.describe()));
        }
        if let Some(Unit::Container(name)) = &self.unit {
            details.push(("container", name.clone()));
        }
        details.extend(self.release.clone().map(|release| ("release", release)));
        details.extend(self.health.map(|health| ("health", health.to_owned())));
        page.details(details);
        if self.changed {
            page.line(Style::Dim, format_args!("  see what can be called: helix query {} --list", self.instance));
        }
    }

    fn summary(&self) -> Option<String> {
        Some(format!("{}: {}", self.line(), self.url))
    }
}

impl PushReport {
    fn line(&self) -> String {
        let name = &self.instance;
        match (self.dry_run, self.changed) {
            (true, _) if self.plan.action == Action::Nothing => format!("`{name}` is up to date"),
            (true, _) => format!("Would push `{name}`"),
            (false, true) => format!("Pushed `{name}` in {} ms", self.duration_ms),
            (false, false) => format!("`{name}` is up to date"),
        }
    }
}

/// What one push did, wherever the instance is.
type OneReport = Place<PushReport, RemoteReport>;

/// What was pushed.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Pushes {
    /// One instance.
    One(Box<OneReport>),
    /// Several.
    All(AllReport),
}

impl Report for Pushes {
    fn human(&self, page: &mut Page) {
        match self {
            Self::One(report) => report.human(page),
            Self::All(report) => report.human(page),
        }
    }

    fn summary(&self) -> Option<String> {
        match self {
            Self::One(report) => report.summary(),
            Self::All(report) => report.summary(),
        }
    }
}

/// Makes the queries of the project what an instance serves, or all of them.
///
/// # Errors
///
/// When the project does not compile, the change is refused, or the instance does not become healthy.
pub async fn run(args: PushArgs, ctx: &Ctx) -> Result<Pushes, Failure> {
    let project = ctx.project()?;
    if args.all {
        return Ok(Pushes::All(all::run(&args, ctx, project).await?));
    }
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    Ok(Pushes::One(Box::new(one(&args, ctx, project, &name).await?)))
}

/// Pushes to one instance.
async fn one(args: &PushArgs, ctx: &Ctx, project: &Project, name: &str) -> Result<OneReport, Failure> {
    if args.dev {
        warn_dev(ctx, project, name)?;
    }
    match Remote::in_mode(ctx, project, name, args.dev).await? {
        Some(remote) => {
            refuse("--port", args.port.is_some(), name, true)?;
            Ok(Place::Elsewhere(elsewhere::run(args, ctx, project, &remote).await?))
        }
        None => {
            refuse("--allow-public", args.allow_public && !args.all, name, false)?;
            refuse("--write-env", args.write_env.is_some(), name, false)?;
            refuse("--reveal", args.reveal, name, false)?;
            let dev = args.dev.then(|| project.in_dev_mode(name));
            Ok(Place::Here(here(args, ctx, dev.as_ref().unwrap_or(project), name).await?))
        }
    }
}

/// Says that the next push builds it as the project file says.
fn warn_dev(ctx: &Ctx, project: &Project, name: &str) -> Result<(), Failure> {
    let (name, instance) = project.instance(name)?;
    if instance.build_mode() == BuildMode::Release {
        let message = format!("`{name}` is built in dev mode this once: its `build_mode` is still `release`");
        ctx.ui.warn("W-PUSH-DEV", message);
    }
    Ok(())
}

async fn here(args: &PushArgs, ctx: &Ctx, project: &Project, name: &str) -> Result<PushReport, Failure> {
    let began = Instant::now();
    let platform = Platform::of(ctx, project, name)?;
    if args.image.is_some() && !platform.has_image() {
        let message = format!("instance `{name}` is {}, and runs no image", platform.provider());
        return Err(Failure::new("E-INPUT-IMAGE", ExitCode::Usage, message)
            .hint(format!("set `runtime = \"docker\"` in `[local.{name}]`")));
    }
    platform.check_key(ctx)?;
    ctx.ui.header(&format!("Pushing `{name}`"));

    let step = ctx.ui.step("check", "Checking");
    let compiled = compile::compile(compile::read_sources(project)?)?;
    step.done(&format!("Checked {}", count(compiled.program.queries.len(), "query", "queries")));
    warnings::show(ctx, &compiled.warnings, &compiled.sources.set);
    warnings::text_index(ctx, project.instance(name)?.1, &compiled.program);
    warnings::idle_key(ctx, project, &platform);

    let options = PushOptions {
        force: args.force,
        port: args.port.unwrap_or(PortChoice::Configured),
        wait: args.wait.wait(),
        rollback: !args.no_rollback,
        message: args.message.clone(),
        image: args.image.clone(),
    };
    if args.dry_run {
        let plan = platform.plan(&compiled.program, &options).await?;
        return Ok(report(&platform, &plan, None, began));
    }
    let lock = ctx.unless_cancelled(local::lock(platform.settings(), "push", args.lock.lock_timeout)).await?;
    let plan = platform.plan(&compiled.program, &options).await?;
    agree(args, ctx, &plan)?;
    ctx.check_cancelled()?;
    let pushed = deliver(ctx, project, &platform, compiled, &plan, &options).await?;
    if args.save {
        local::save_port(project, name, pushed.port)?;
    }
    drop(lock);
    Ok(report(&platform, &plan, Some(pushed), began))
}

/// Gets the user's word for a change that loses data.
fn agree(args: &PushArgs, ctx: &Ctx, plan: &PushPlan) -> Result<(), Failure> {
    if args.allow_breaking || plan.changes.class() != Class::Breaking {
        return Ok(());
    }
    let lost = plan.changes.schema.iter().filter(|change| change.class == Class::Breaking).cloned().collect();
    let breaking = InstanceError::Breaking { changes: lost };
    if !ctx.ui.is_interactive() {
        return Err(breaking.into());
    }
    ctx.ui.warn("W-PUSH-BREAKING", breaking.to_string());
    ctx.ui.confirm_explicitly("Push all the same?", "--allow-breaking")
}

async fn deliver(
    ctx: &Ctx,
    project: &Project,
    platform: &Platform,
    compiled: CompiledProject,
    plan: &PushPlan,
    options: &PushOptions,
) -> Result<Pushed, Failure> {
    for line in describe(&plan.changes.queries, &plan.changes.schema).into_iter().take(20) {
        ctx.ui.note(&line);
    }
    let image = match &plan.action {
        Action::Nothing => None,
        Action::Swap | Action::Restart { .. } | Action::Start => {
            platform.image(ctx, project, &compiled, options).await?
        }
    };
    ctx.check_cancelled()?;
    let (running, done) = match &plan.action {
        Action::Nothing => ("Looking", "Nothing to do".to_owned()),
        Action::Swap => ("Swapping the plan", "Swapped the plan".to_owned()),
        Action::Restart { reason } => ("Restarting", format!("Restarted: {reason}")),
        Action::Start => ("Starting", "Started".to_owned()),
    };
    let step = ctx.ui.step("activate", running);
    let hash = Some(compiled.sources.hash);
    let pushed = tokio::select! {
        pushed = platform.apply(&compiled.program, hash, plan, image.as_ref(), options) => pushed?,
        never = platform.watch_filling(|percent| step.progress(&format!("{percent} % of the new indexes"))) => match never {},
    };
    step.done(&done);
    Ok(pushed)
}

fn report(platform: &Platform, plan: &PushPlan, pushed: Option<Pushed>, began: Instant) -> PushReport {
    let Diff { queries, schema } = plan.changes.clone();
    let class = plan.changes.class();
    let planned = Planned { action: plan.action.clone(), class, queries, schema };
    let changed = pushed.is_some() && plan.action != Action::Nothing;
    let dry_run = pushed.is_none();
    let at = match &pushed {
        Some(done) => (done.url.clone(), done.port),
        None => (url(platform.settings().address(plan.port)), plan.port),
    };
    let (release, unit, image, health) = match pushed {
        Some(done) => (done.release, Some(done.unit), done.image, done.health),
        None => (None, None, None, None),
    };
    PushReport {
        instance: platform.files().name().to_owned(),
        provider: platform.provider(),
        changed,
        dry_run,
        previous_release: plan.previous_release.clone().filter(|previous| release.as_ref() != Some(previous)),
        release,
        url: at.0,
        port: at.1,
        unit,
        image,
        digest: plan.digest.clone(),
        plan: planned,
        health: health.as_ref().map(crate::ops::health::Health::name),
        rolled_back: false,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}
