//! A push to every instance, or to those of a target.

use serde::Serialize;

use super::{OneReport, PushArgs};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations;
use crate::project::Project;
use crate::ui::{Page, Report};
use crate::utils::count;

/// What was pushed, in the order of the project file.
#[derive(Debug, Serialize)]
pub struct AllReport {
    instances: Vec<OneReport>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Report for AllReport {
    fn human(&self, page: &mut Page) {
        for report in &self.instances {
            report.human(page);
        }
    }

    fn summary(&self) -> Option<String> {
        let verb = if self.dry_run { "Looked at" } else { "Pushed" };
        Some(format!("{verb} {}", count(self.instances.len(), "instance", "instances")))
    }
}

/// Pushes to them, one after the other. The first failure ends it, lest what did not work in one place is done to the next; with
/// `--keep-going` it is told, the others are pushed, and it is the failure of the whole.
pub(super) async fn run(args: &PushArgs, ctx: &Ctx, project: &Project) -> Result<AllReport, Failure> {
    let names = chosen(args, ctx, project)?;
    let mut report = AllReport { instances: Vec::new(), dry_run: args.dry_run };
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        match super::one(args, ctx, project, name).await {
            Ok(one) => {
                ctx.ui.event("instance", &one);
                report.instances.push(one);
                done.push(name.as_str());
            }
            Err(failure) if args.keep_going && concerns_one(&failure) => {
                let failure = Failure { message: format!("`{name}`: {}", failure.message), ..failure };
                ctx.ui.event("instance.error", &serde_json::json!({ "instance": name, "error": failure.json() }));
                ctx.ui.failure(&failure);
                failed.push((name.as_str(), failure));
            }
            Err(failure) => {
                let left = names.iter().skip(index + 1).map(String::as_str).collect::<Vec<_>>();
                failed.push((name.as_str(), failure));
                return Err(told(failed, &done, &left));
            }
        }
    }
    if failed.is_empty() { Ok(report) } else { Err(told(failed, &done, &[])) }
}

/// Whether it says nothing about the other instances.
fn concerns_one(failure: &Failure) -> bool {
    !matches!(failure.exit, ExitCode::Queries | ExitCode::Interrupted | ExitCode::Terminated)
}

/// The instances that are meant. Those that cannot be pushed to at all are left out.
fn chosen(args: &PushArgs, ctx: &Ctx, project: &Project) -> Result<Vec<String>, Failure> {
    let mut names = project.instance_names()?;
    names.retain(|name| {
        let Ok((_, instance)) = project.instance(name) else { return false };
        let target = integrations::find(instance.target());
        if args.target.as_deref().is_some_and(|wanted| wanted != target.name) {
            return false;
        }
        if let Some(why) = target.unsupported {
            ctx.ui.warn("W-PUSH-LEFT-OUT", format!("`{name}` is left out: {}", why.reason));
        }
        target.unsupported.is_none()
    });
    if names.is_empty() {
        let target = args.target.as_ref().map(|target| format!(" of the target `{target}`")).unwrap_or_default();
        let message = format!("the project has no instance{target} to push to");
        return Err(Failure::new("E-CFG-NO-INSTANCE", ExitCode::Config, message)
            .hint("add one: `helix add`; `helix status` lists those that there are"));
    }
    Ok(names)
}

/// The first failure, with what became of the other instances.
fn told(failed: Vec<(&str, Failure)>, done: &[&str], left: &[&str]) -> Failure {
    let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let others: Vec<&str> = failed.iter().skip(1).map(|(name, _)| *name).collect();
    let Some((name, first)) = failed.into_iter().next() else { return Failure::internal("nothing failed") };
    let lists = [("failed as well", others.as_slice()), ("pushed", done), ("not tried", left)];
    let lines = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let lines = lines.map(|(what, list)| format!("{what}: {}", names(list))).collect::<Vec<_>>();
    first.context([format!("the push to `{name}` failed")]).context(lines)
}
