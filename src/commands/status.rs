//! `helix status`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::config::Instance;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::Files;
use crate::ops::deploy::{self, Remote};
use crate::ops::local;
use crate::ops::platform::Platform;
use crate::ops::status::{self, InstanceState, InstanceStatus};
use crate::project::Project;
use crate::ui::{Page, Report, Style};

/// Between two looks of `--watch`.
const INTERVAL: Duration = Duration::from_secs(1);

/// Arguments of `helix status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Instance to look at; every instance when omitted
    instance: Option<String>,
    /// Ask the targets of instances elsewhere, too
    #[arg(long)]
    remote: bool,
    /// Look again and again
    #[arg(long)]
    pub(super) watch: bool,
    /// Exit with 20 unless every instance is healthy
    #[arg(long)]
    exit_code: bool,
}

/// How the instances are.
#[derive(Debug, Serialize)]
pub struct StatusReport {
    project: Named,
    instances: Vec<InstanceStatus>,
    #[serde(skip)]
    exit_code: bool,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
    root: String,
}

impl Report for StatusReport {
    fn human(&self, page: &mut Page) {
        page.put(Style::Bold, &self.project.name).put(Style::Dim, format_args!("  {}", self.project.root)).end();
        let rows: Vec<_> = self.instances.iter().map(row).collect();
        page.table(&["INSTANCE", "TARGET", "STATE", "HEALTH", "RELEASE", "UP", "URL"], &rows);
        for one in &self.instances {
            if let Some(error) = &one.last_error {
                page.put(Style::Dim, format_args!("  {}: ", one.name)).put(Style::Plain, error).end();
            }
        }
    }

    fn exit(&self) -> ExitCode {
        let healthy = self.instances.iter().all(InstanceStatus::is_healthy);
        if self.exit_code && !healthy { ExitCode::Differences } else { ExitCode::Done }
    }
}

fn row(one: &InstanceStatus) -> Vec<(Style, String)> {
    let style = match one.state {
        InstanceState::Running | InstanceState::Published => Style::Good,
        InstanceState::Crashed | InstanceState::Unhealthy => Style::Bad,
        InstanceState::Drifted | InstanceState::Starting => Style::Warn,
        InstanceState::Absent | InstanceState::Built | InstanceState::Stopped | InstanceState::Unknown => Style::Dim,
    };
    let or_dash = |text: Option<String>| (Style::Plain, text.unwrap_or_else(|| "-".to_owned()));
    let up = one.started_at.as_deref().and_then(status::age).map(short);
    let drift = if one.drift { "*" } else { "" };
    let release = one.release.as_deref().map(|id| format!("{}{drift}", &id[id.len().saturating_sub(8)..]));
    vec![
        (Style::Bold, one.name.clone()),
        (Style::Plain, one.provider.to_owned()),
        (style, one.state.name().to_owned()),
        or_dash(one.health.map(str::to_owned)),
        or_dash(release),
        or_dash(up),
        or_dash(one.url.clone()),
    ]
}

/// A time in its largest unit.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Looks at the instances. What cannot be told is part of the answer.
///
/// # Errors
///
/// When there is no project, or no such instance.
pub async fn run(args: StatusArgs, ctx: &Ctx) -> Result<StatusReport, Failure> {
    let project = ctx.project()?;
    let names = match &args.instance {
        Some(name) => vec![project.instance(name)?.0.to_owned()],
        None => project.instance_names()?,
    };
    loop {
        let report = look(&args, ctx, project, &names).await?;
        if !args.watch {
            return Ok(report);
        }
        if ctx.ui.is_stream() {
            ctx.ui.event("status", &report);
        } else {
            let mut page = ctx.ui.page();
            if ctx.ui.is_terminal() {
                page.clear_screen();
            }
            report.human(&mut page);
            ctx.ui.print(&page);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn look(args: &StatusArgs, ctx: &Ctx, project: &Project, names: &[String]) -> Result<StatusReport, Failure> {
    let mut instances = Vec::with_capacity(names.len());
    for name in names {
        let (name, instance) = project.instance(name)?;
        if matches!(instance, Instance::Cloud(_)) && local::why_unsupported(instance).is_none() {
            // A name is a wish to know; all of them are not.
            let ask = args.remote || args.instance.is_some();
            instances.push(elsewhere(ctx, project, name, instance.target(), ask).await);
            continue;
        }
        instances.push(match (local::why_unsupported(instance), Platform::without_secrets(ctx, project, name)) {
            (Some(reason), _) => status::unknown(name, instance.target(), reason.to_owned()),
            (None, Ok(platform)) => platform.status().await,
            (None, Err(failure)) => status::unknown(name, instance.target(), failure.message),
        });
    }
    let project = Named { name: project.name().to_owned(), root: project.root().display().to_string() };
    Ok(StatusReport { project, instances, exit_code: args.exit_code })
}

/// An instance elsewhere: what its target says, or what is remembered of it.
async fn elsewhere(ctx: &Ctx, project: &Project, name: &str, target: &'static str, ask: bool) -> InstanceStatus {
    if !ask {
        let files = Files::new(name, project.home(name), PathBuf::new());
        return deploy::status::remembered(name, target, &files);
    }
    let remote = match Remote::of(ctx, project, name).await {
        Ok(Some(remote)) => remote,
        Ok(None) => return status::unknown(name, target, "it is on this machine".to_owned()),
        Err(failure) => return status::unknown(name, target, failure.message),
    };
    match deploy::plan::status(&remote).await {
        Ok(found) => deploy::status::of(&remote, found),
        Err(failure) => status::unknown(name, target, failure.message),
    }
}
