//! `helix plan`.

mod elsewhere;

use clap::Args;
use helix_plan::diff::{Class, Diff, QueryChange, SchemaChange};
use serde::Serialize;

use super::place::Place;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::settings::url;
use crate::ops::deploy::Remote;
use crate::ops::platform::Platform;
use crate::ops::push::{Action, PortChoice, PushOptions, describe};
use crate::ops::{compile, local, warnings};
use crate::project::Project;
use crate::ui::{Page, Report};

const EXAMPLES: &str = "\
Examples:
  helix plan                 Show what `helix push` would do
  helix plan dev --exit-code Exit with 20 when it would do something
  helix plan dev --json      The same for programs

Exit codes: 0 done, 3 or 4 the project does not compile, 8 no container runtime answers, 20 there are changes (`--exit-code`).";

/// Arguments of `helix plan`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PlanArgs {
    /// Instance to plan a push to
    instance: Option<String>,
    /// Plan to run this image in place of one that is built, for an instance in a container
    #[arg(long, value_name = "REF")]
    image: Option<String>,
    /// Exit with 20 when a push would do something
    #[arg(long)]
    exit_code: bool,
}

/// What a push would do.
#[derive(Debug, Serialize)]
pub struct PlanReport {
    instance: String,
    provider: &'static str,
    /// Whether it would do anything.
    changes: bool,
    action: Action,
    /// What the change of the schema means for stored data.
    class: Class,
    schema: Vec<SchemaChange>,
    queries: Vec<QueryChange>,
    /// Whether an image would be built.
    builds_image: bool,
    /// Whether it would not serve for a moment.
    downtime: bool,
    url: String,
    port: u16,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_release: Option<String>,
    #[serde(skip)]
    exit_code: bool,
}

impl Report for PlanReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        for line in describe(&self.queries, &self.schema) {
            page.text_line(format_args!("  {line}"));
        }
        if !self.changes {
            return;
        }
        let image = if self.builds_image { "built where it is not there" } else { "none is built" };
        let mut details = vec![("action", self.action.describe()), ("url", self.url.clone())];
        if self.provider != "embedded" {
            details.push(("image", image.to_owned()));
        }
        if self.class == Class::Breaking {
            details.push(("breaking", "stored data would be lost: needs `--allow-breaking`".to_owned()));
        }
        page.details(details);
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }

    fn exit(&self) -> ExitCode {
        if self.exit_code && self.changes { ExitCode::Differences } else { ExitCode::Done }
    }
}

impl PlanReport {
    fn line(&self) -> String {
        let name = &self.instance;
        if self.changes { format!("A push would change `{name}`") } else { format!("`{name}` is up to date") }
    }
}

/// Says what a push would do, and does none of it.
///
/// # Errors
///
/// When the project does not compile, or the state of the instance cannot be told.
pub async fn run(args: PlanArgs, ctx: &Ctx) -> Result<Place<PlanReport, elsewhere::RemotePlanReport>, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    match Remote::of(ctx, project, &name).await? {
        Some(remote) => Ok(Place::Elsewhere(elsewhere::run(args, ctx, project, &remote).await?)),
        None => Ok(Place::Here(here(args, ctx, project, name).await?)),
    }
}

async fn here(args: PlanArgs, ctx: &Ctx, project: &Project, name: String) -> Result<PlanReport, Failure> {
    let platform = Platform::of(ctx, project, &name)?;
    let compiled = compile::compile(compile::read_sources(project)?)?;
    warnings::show(ctx, &compiled.warnings, &compiled.sources.set);
    let named = args.image.is_some();
    let options = PushOptions { image: args.image, ..PushOptions::new(PortChoice::Configured) };
    let plan = platform.plan(&compiled.program, &options).await?;
    let class = plan.changes.class();
    let Diff { queries, schema } = plan.changes;
    let changes = plan.action != Action::Nothing;
    Ok(PlanReport {
        instance: name,
        provider: platform.provider(),
        changes,
        builds_image: changes && platform.has_image() && !named,
        downtime: matches!(plan.action, Action::Restart { .. }),
        action: plan.action,
        class,
        schema,
        queries,
        url: url(platform.settings().address(plan.port)),
        port: plan.port,
        digest: plan.digest,
        previous_digest: plan.previous_digest,
        previous_release: plan.previous_release,
        exit_code: args.exit_code,
    })
}
