//! What a push to an instance elsewhere would do.

use helix_plan::diff::{Class, QueryChange, SchemaChange};
use serde::Serialize;

use super::PlanArgs;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::role::{Finding, RemoteRelease, Severity};
use crate::ops::deploy::Remote;
use crate::ops::deploy::plan::{self, Action, PushRequest};
use crate::ops::push::describe;
use crate::ops::{compile, warnings};
use crate::project::Project;
use crate::ui::{Page, Report, Style};

/// What a push would do.
#[derive(Debug, Serialize)]
pub struct RemotePlanReport {
    instance: String,
    provider: &'static str,
    changes: bool,
    action: Action,
    class: Class,
    schema: Vec<SchemaChange>,
    queries: Vec<QueryChange>,
    /// Whether the changes are those against what runs: it may have been pushed from elsewhere.
    known: bool,
    findings: Vec<Finding>,
    builds_image: bool,
    /// What the key is called that the image would be signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_with: Option<String>,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<RemoteRelease>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip)]
    exit_code: bool,
}

impl Report for RemotePlanReport {
    fn human(&self, page: &mut Page) {
        if self.is_refused() {
            page.line(Style::Bad, self.line());
        } else {
            page.success(self.line());
        }
        for line in describe(&self.queries, &self.schema) {
            page.text_line(format_args!("  {line}"));
        }
        for finding in &self.findings {
            let (style, word) = match finding.severity {
                Severity::Error => (Style::Bad, "error"),
                Severity::Warning => (Style::Warn, "warning"),
                Severity::Info => (Style::Dim, "note"),
            };
            page.put(style, format_args!("  {word}[{}]", finding.code))
                .put(Style::Plain, format_args!(": {}", finding.summary))
                .end();
            if let Some(fix) = &finding.fix {
                page.line(Style::Dim, format_args!("    help: {fix}"));
            }
        }
        let mut details = Vec::new();
        // What runs may not even be known.
        details.extend((!self.is_refused()).then(|| ("action", self.action.describe())));
        details.extend(self.previous.as_ref().map(|release| ("running", release.id.clone())));
        details.extend(self.url.clone().map(|url| ("url", url)));
        details.extend(self.signed_with.clone().map(|key| ("signed with", key)));
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

impl RemotePlanReport {
    fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    fn line(&self) -> String {
        let name = &self.instance;
        if self.is_refused() {
            return format!("A push to `{name}` would be refused");
        }
        if self.changes { format!("A push would change `{name}`") } else { format!("`{name}` is up to date") }
    }
}

/// Looks, and changes nothing.
pub(super) async fn run(
    args: PlanArgs,
    ctx: &Ctx,
    project: &Project,
    remote: &Remote,
) -> Result<RemotePlanReport, Failure> {
    let compiled = compile::compile(compile::read_sources(project)?)?;
    warnings::show(ctx, &compiled.warnings, &compiled.sources.set);
    let builds_image = args.image.is_none() && remote.registry().is_some();
    let request = PushRequest { image: args.image, ..PushRequest::default() };
    let plan = plan::plan(remote, ctx, project, &compiled, &request).await?;
    let changes = plan.action != Action::Nothing;
    let signed_with = plan.signed_with().filter(|_| changes);
    Ok(RemotePlanReport {
        instance: remote.name.clone(),
        provider: remote.target().name,
        changes,
        class: plan.changes.class(),
        schema: plan.changes.schema,
        queries: plan.changes.queries,
        known: plan.is_known,
        findings: plan.findings,
        builds_image: builds_image && changes,
        signed_with,
        digest: plan.digest,
        previous_release: plan.status.release.as_ref().map(|release| release.id.clone()),
        previous: plan.status.release,
        url: plan.status.url,
        action: plan.action,
        exit_code: args.exit_code,
    })
}
