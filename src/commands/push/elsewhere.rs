//! A push to an instance that is elsewhere.

use std::time::Instant;

use helix_plan::diff::{Class, QueryChange, SchemaChange};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};

use super::PushArgs;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::deploy::plan::{self, Action, PushRequest, RemotePlan};
use crate::ops::deploy::push::{self, Deployed};
use crate::ops::deploy::sign::Signature;
use crate::ops::deploy::{Remote, findings, key};
use crate::ops::push::describe;
use crate::ops::{compile, env_file, warnings};
use crate::project::Project;
use crate::ui::{Page, Report, Style};
use crate::utils::count;

/// What a push elsewhere did, or would do.
#[derive(Debug, Serialize)]
pub struct RemoteReport {
    instance: String,
    provider: &'static str,
    changed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded_bytes: Option<u64>,
    digest: String,
    plan: Planned,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<&'static str>,
    rolled_back: bool,
    /// A new key of the instance; only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "reveal")]
    api_key: Option<SecretString>,
    duration_ms: u64,
}

#[derive(Debug, Serialize)]
struct Planned {
    action: Action,
    class: Class,
    queries: Vec<QueryChange>,
    schema: Vec<SchemaChange>,
    /// What the key is called that the image is signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_with: Option<String>,
}

/// Only `--reveal` puts one here.
fn reveal<S: Serializer>(key: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.as_ref().map(|key| key.expose_secret()).unwrap_or_default())
}

impl Report for RemoteReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        if self.dry_run {
            for line in describe(&self.plan.queries, &self.plan.schema) {
                page.text_line(format_args!("  {line}"));
            }
        }
        let mut details = Vec::new();
        if self.dry_run {
            details.push(("action", self.plan.action.describe()));
        }
        details.extend(self.url.clone().map(|url| ("url", url)));
        details.extend(self.image.clone().map(|image| ("image", image)));
        details.extend((!self.tags.is_empty()).then(|| ("tags", self.tags.join(", "))));
        details.extend(self.signature.as_ref().map(|signature| ("signature", signature.tag.clone())));
        details.extend(self.plan.signed_with.clone().map(|key| ("signed with", key)));
        details.extend(self.release.clone().map(|release| ("release", release)));
        details.extend(self.health.map(|health| ("health", health.to_owned())));
        page.details(details);
        if self.changed && self.url.is_some() {
            page.line(Style::Dim, format_args!("  look at it: helix status {0}, helix logs {0}", self.instance));
        }
    }

    fn summary(&self) -> Option<String> {
        let at = self.url.as_ref().or(self.image.as_ref());
        Some(at.map_or_else(|| self.line(), |at| format!("{}: {at}", self.line())))
    }
}

impl RemoteReport {
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

/// Pushes to it.
pub(super) async fn run(
    args: &PushArgs,
    ctx: &Ctx,
    project: &Project,
    remote: &Remote,
) -> Result<RemoteReport, Failure> {
    let began = Instant::now();
    let title = remote.target().title;
    if let Some(file) = &args.write_env {
        env_file::refuse_tracked(&ctx.cwd.join(file), false)?;
    }
    ctx.ui.header(&format!("Pushing `{}` to {title}", remote.name));
    let step = ctx.ui.step("check", "Checking");
    let compiled = compile::compile(compile::read_sources(project)?)?;
    step.done(&format!("Checked {}", count(compiled.program.queries.len(), "query", "queries")));
    warnings::show(ctx, &compiled.warnings, &compiled.sources.set);
    warnings::text_index(ctx, project.instance(&remote.name)?.1, &compiled.program);
    let request = PushRequest {
        force: args.force,
        image: args.image.clone(),
        message: args.message.clone(),
        no_rollback: args.no_rollback,
        allow_public: args.allow_public,
        write_env: args.write_env.clone(),
    };
    let lock = match args.dry_run {
        true => None,
        false => Some(ctx.unless_cancelled(remote.lock("push", args.lock.lock_timeout)).await?),
    };
    let step = ctx.ui.step("preflight", &format!("Asking {title}"));
    let plan = ctx.unless_cancelled(plan::plan(remote, ctx, project, &compiled, &request)).await?;
    findings::show(ctx, &plan.findings)?;
    step.done(&format!("{title} answers"));
    if args.dry_run || plan.action == Action::Nothing {
        return Ok(report(args, remote, &plan, None, began));
    }
    push::agree(ctx, remote, &plan, args.allow_breaking)?;
    for line in describe(&plan.changes.queries, &plan.changes.schema).into_iter().take(20) {
        ctx.ui.note(&line);
    }
    ctx.check_cancelled()?;
    let deployed = push::push(remote, ctx, project, &compiled, &plan, &request).await?;
    key::tell(ctx, &remote.name, &deployed, args.reveal);
    drop(lock);
    Ok(report(args, remote, &plan, Some(deployed), began))
}

fn report(
    args: &PushArgs,
    remote: &Remote,
    plan: &RemotePlan,
    deployed: Option<Deployed>,
    began: Instant,
) -> RemoteReport {
    let previous = plan.previous().map(|release| release.id.clone());
    let planned = Planned {
        action: plan.action.clone(),
        class: plan.changes.class(),
        queries: plan.changes.queries.clone(),
        schema: plan.changes.schema.clone(),
        signed_with: plan.signed_with().filter(|_| plan.action != Action::Nothing),
    };
    let now = plan.previous();
    let mut report = RemoteReport {
        instance: remote.name.clone(),
        provider: remote.target().name,
        changed: deployed.is_some(),
        dry_run: args.dry_run,
        release: None,
        previous_release: previous.clone(),
        url: plan.status.url.clone(),
        image: now.and_then(|now| now.image.clone()),
        tags: Vec::new(),
        signature: None,
        uploaded_bytes: None,
        digest: plan.digest.clone(),
        plan: planned,
        health: None,
        rolled_back: false,
        api_key: None,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    match deployed {
        Some(done) => {
            report.release = Some(done.release.id);
            report.url = done.url;
            report.image = done.image;
            report.tags = done.tags;
            report.signature = done.signature;
            report.uploaded_bytes = done.uploaded_bytes;
            report.health = done.health;
            report.api_key = done.key.filter(|_| args.reveal);
        }
        None if plan.action == Action::Nothing => {
            report.release = previous;
            report.previous_release = None;
        }
        None => {}
    }
    report
}
