//! `helix sync`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::config::{Instance, Provider};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::error::Code;
use crate::integrations::helix::plain;
use crate::integrations::helix::types::Snapshot;
use crate::ops::cloud;
use crate::ops::cloud::sync::{self, Decision, Deed, Difference, Prefer, checkout};
use crate::ops::compile::{self, CompiledProject};
use crate::ops::deploy::Remote;
use crate::ops::deploy::plan::{self, PushRequest};
use crate::ops::deploy::{findings, key, push as flow};
use crate::ops::warnings;
use crate::project::Project;
use crate::ui::{Page, Report, Style};
use crate::utils::count;

const EXAMPLES: &str = "\
Examples:
  helix sync prod --dry-run               What differs; exit code 20 if anything does
  helix sync prod                         Take what changed there, deploy what changed here
  helix sync --cluster-id cl_123          In an empty folder: make a project of what the cluster has
  helix sync prod --pull --prefer cloud   Have here what is there; copies go to .helix/sync-backup";

/// Arguments of `helix sync`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SyncArgs {
    /// Instance of Helix Cloud to be in step with
    instance: Option<String>,
    /// Cluster instead of an instance; outside of a project, one is made of what the cluster has
    #[arg(long, value_name = "ID", conflicts_with = "instance")]
    cluster_id: Option<String>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Who wins where both sides changed
    #[arg(long, value_name = "SIDE", default_value = "none")]
    prefer: PreferArg,
    /// Only take what changed there
    #[arg(long, conflicts_with = "push")]
    pull: bool,
    /// Only deploy what changed here
    #[arg(long)]
    push: bool,
    /// Take a cluster without sources for an empty one, not for a mistake
    #[arg(long)]
    remote_empty_ok: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PreferArg {
    /// What is here
    Local,
    /// What is there
    Cloud,
    /// Neither: such files stay as they are
    None,
}

/// What was done.
#[derive(Debug, Serialize)]
pub struct SyncReport {
    instance: String,
    cluster_id: String,
    dry_run: bool,
    in_sync: bool,
    pulled: Vec<Difference>,
    pushed: Vec<Difference>,
    /// What differs and was left so.
    left: Decision,
    skipped: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_written_to: Option<PathBuf>,
}

impl Report for SyncReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        list(page, "taken", &self.pulled);
        list(page, "deployed", &self.pushed);
        list(page, "changed there", &self.left.pull);
        list(page, "changed here", &self.left.push);
        for path in &self.left.conflicts {
            page.line(
                Style::Warn,
                format_args!("  ! {path}  changed at both sides: `--prefer local` or `--prefer cloud` decides"),
            );
        }
        let paths = [("copies", &self.backup), ("key in", &self.key_written_to)];
        let paths = paths.into_iter().filter_map(|(label, path)| Some((label, path.as_ref()?.display().to_string())));
        page.details(paths.chain(self.url.iter().map(|url| ("url", url.clone()))));
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }

    fn exit(&self) -> ExitCode {
        let differs = !self.left.conflicts.is_empty() || (self.dry_run && !self.in_sync);
        if differs { ExitCode::Differences } else { ExitCode::Done }
    }
}

fn list(page: &mut Page, what: &str, all: &[Difference]) {
    for one in all {
        page.text_line(format_args!("  {} {}  {what}", one.deed.sign(), one.path));
    }
}

impl SyncReport {
    fn line(&self) -> String {
        let name = &self.instance;
        if self.in_sync {
            return format!("`{name}` is in step with its cluster");
        }
        if self.dry_run {
            let all = self.left.pull.len() + self.left.push.len() + self.left.conflicts.len();
            return format!("`{name}` and its cluster differ in {}", count(all, "file", "files"));
        }
        format!(
            "`{name}`: {} taken, {} deployed",
            count(self.pulled.len(), "file", "files"),
            count(self.pushed.len(), "file", "files")
        )
    }
}

/// Brings the query folder and a cluster in step.
///
/// # Errors
///
/// When the cluster cannot be asked, a confirmation is missing, or the queries have errors.
pub async fn run(args: SyncArgs, ctx: &Ctx) -> Result<SyncReport, Failure> {
    let project = match (ctx.project(), &args.cluster_id) {
        (Err(failure), Some(cluster)) if failure.code == "E-CFG-NO-PROJECT" && ctx.config_file().is_none() => {
            return check_out(&args, ctx, cluster).await;
        }
        (project, _) => project?,
    };
    let named = args.cluster_id.as_deref().map(|cluster| instance_of(project, cluster)).transpose()?;
    let (name, cluster) = choose(ctx, project, named.as_deref().or(args.instance.as_deref()))?;
    let snapshot = ctx.unless_cancelled(fetch(&args, ctx, project, &name, &cluster)).await?;
    let remote = sync::remote(&snapshot);
    warn_skipped(ctx, &remote.skipped);
    let base = sync::base(project, &name, &cluster)?;
    let mut local = sync::local(project)?;
    let prefer = match args.prefer {
        PreferArg::Local => Prefer::Local,
        PreferArg::Cloud => Prefer::Cloud,
        PreferArg::None => Prefer::None,
    };
    let decision = sync::decide(&base, &local, &remote.files, prefer);
    let mut report = SyncReport {
        instance: name.clone(),
        cluster_id: cluster.clone(),
        dry_run: args.dry_run,
        in_sync: decision.is_empty(),
        pulled: Vec::new(),
        pushed: Vec::new(),
        left: decision,
        skipped: remote.skipped,
        backup: None,
        url: None,
        key_written_to: None,
    };
    if args.dry_run {
        return Ok(report);
    }
    if let Some(side) = undecided(ctx, &report.left)? {
        report.left = sync::decide(&base, &local, &remote.files, side);
    }
    let mut there = remote.files;
    if !args.push && !report.left.pull.is_empty() {
        confirm_pull(ctx, &report.left.pull, prefer)?;
        ctx.check_cancelled()?;
        report.backup = sync::pull(project, &report.left, &there)?;
        local = sync::local(project)?;
        report.pulled = std::mem::take(&mut report.left.pull);
        sync::remember(project, &name, &cluster, sync::common(&base, &local, &there))?;
    }
    if !args.pull && !report.left.push.is_empty() {
        push(ctx, project, &mut report, prefer).await?;
        there.clone_from(&local);
    }
    sync::remember(project, &name, &cluster, sync::common(&base, &local, &there))?;
    Ok(report)
}

/// Makes a project of what a cluster has, in this folder.
async fn check_out(args: &SyncArgs, ctx: &Ctx, cluster: &str) -> Result<SyncReport, Failure> {
    let step = ctx.ui.step("fetch", &format!("Fetching the sources of `{cluster}`"));
    let checkout = ctx.unless_cancelled(checkout::fetch(ctx, cluster)).await?;
    step.done("Fetched");
    let pulled: Vec<Difference> = checkout.paths().map(|path| Difference { path, deed: Deed::Create }).collect();
    let mut report = SyncReport {
        instance: checkout.instance.clone(),
        cluster_id: cluster.to_owned(),
        dry_run: args.dry_run,
        in_sync: false,
        pulled: Vec::new(),
        pushed: Vec::new(),
        left: Decision { pull: pulled, ..Decision::default() },
        skipped: checkout.skipped.clone(),
        backup: None,
        url: None,
        key_written_to: None,
    };
    warn_skipped(ctx, &report.skipped);
    checkout.refuse_existing(&ctx.cwd)?;
    if args.dry_run {
        return Ok(report);
    }
    confirm_pull(ctx, &report.left.pull, Prefer::None)?;
    ctx.check_cancelled()?;
    checkout.write(&ctx.cwd)?;
    report.pulled = std::mem::take(&mut report.left.pull);
    Ok(report)
}

fn warn_skipped(ctx: &Ctx, skipped: &[String]) {
    for path in skipped {
        let message = format!("`{}` is left out: it is no path of a query below the query folder", plain(path));
        ctx.ui.warn("W-SYNC-PATH", message);
    }
}

/// The instance of a cluster.
fn instance_of(project: &Project, cluster: &str) -> Result<String, Failure> {
    let found = project.config().instances.keys().find(|name| cloud::cluster_of(Some(project), name) == cluster);
    found.cloned().ok_or_else(|| {
        let failure = Failure::new(
            "E-STATE-NO-INSTANCE",
            ExitCode::State,
            format!("no instance of the project is in the cluster `{cluster}`"),
        );
        failure.hint(format!("add it: `[cloud.NAME.helix]` with `cluster_id = \"{cluster}\"`"))
    })
}

/// The instance that is meant, and its cluster.
fn choose(ctx: &Ctx, project: &Project, given: Option<&str>) -> Result<(String, String), Failure> {
    let cluster = |instance: &Instance| match instance {
        Instance::Cloud(cloud) => match &cloud.provider {
            Provider::Helix(helix) => Some(helix.cluster_id.clone()),
            Provider::Fly(_) | Provider::Registry(_) | Provider::Enterprise(_) => None,
        },
        Instance::Local(_) => None,
    };
    let name = match given {
        Some(name) => project.instance(name)?.0.to_owned(),
        None => {
            let all = project.config().instances.iter().filter(|(_, instance)| cluster(instance).is_some());
            let mut names: Vec<String> = all.map(|(name, _)| name.clone()).collect();
            if names.is_empty() {
                let failure =
                    Failure::new("E-STATE-NOT-CLOUD", ExitCode::State, "the project has no instance of Helix Cloud");
                return Err(failure.hint("add a table `[cloud.prod.helix]` with its `cluster_id`; `helix config cluster list` shows what there is"));
            }
            let index = ctx.ui.choose("Which instance?", &names, "the name of an instance")?;
            names.swap_remove(index)
        }
    };
    let (_, instance) = project.instance(&name)?;
    match cluster(instance) {
        Some(Some(cluster)) => Ok((name, cluster)),
        Some(None) => {
            let failure = Failure::new(
                "E-STATE-NO-CLUSTER",
                ExitCode::State,
                format!("`[cloud.{name}.helix]` names no cluster yet"),
            );
            Err(failure.hint("write its id into `cluster_id`; `helix config cluster list` shows what there is"))
        }
        None => {
            let message = format!("`{name}` keeps no sources to be in step with");
            let failure = Failure::new("E-DEPLOY-UNSUPPORTED", ExitCode::Unsupported, message);
            Err(failure.hint("name an instance of Helix Cloud, with a table `[cloud.NAME.helix]`"))
        }
    }
}

async fn fetch(args: &SyncArgs, ctx: &Ctx, project: &Project, name: &str, cluster: &str) -> Result<Snapshot, Failure> {
    let step = ctx.ui.step("fetch", &format!("Fetching the sources of `{name}`"));
    let service = cloud::connect(ctx).await?;
    let found = service.cluster(cluster).await?;
    if let Some(own) = project.config().project.id.as_ref().filter(|own| **own != found.project_id) {
        let message = format!(
            "the cluster `{cluster}` belongs to the project `{}` ({}), this one is {own}",
            found.project_name, found.project_id
        );
        let failure = Failure::new("E-DEPLOY-CONFLICT", ExitCode::Rejected, message);
        return Err(failure.hint("correct `cluster_id`, or link the project: `helix config project switch`"));
    }
    let snapshot = match service.snapshot(cluster).await {
        Err(error) if error.code == Code::NotFound && args.remote_empty_ok => Snapshot::default(),
        Err(error) if error.code == Code::NotFound => {
            let hint =
                format!("deploy first: `helix push {name}`; or say that it is empty on purpose: `--remote-empty-ok`");
            return Err(Failure::from(error).hint(hint));
        }
        snapshot => snapshot?,
    };
    step.done("Fetched");
    Ok(snapshot)
}

/// Who wins where both sides changed, if somebody sits here to say so.
fn undecided(ctx: &Ctx, decision: &Decision) -> Result<Option<Prefer>, Failure> {
    if decision.conflicts.is_empty() || !ctx.ui.is_interactive() {
        return Ok(None);
    }
    let question = format!("{} changed at both sides. Which is right?", decision.conflicts.join(", "));
    let choices = ["Leave them as they are", "What is in the cloud", "What is here"].map(str::to_owned);
    let sides = [None, Some(Prefer::Cloud), Some(Prefer::Local)];
    let index = ctx.ui.choose(&question, &choices, "`--prefer local` or `--prefer cloud`")?;
    Ok(sides.get(index).copied().flatten())
}

/// Shows what is about to change here, and asks. A deletion needs more than `--yes`.
fn confirm_pull(ctx: &Ctx, all: &[Difference], prefer: Prefer) -> Result<(), Failure> {
    let mut page = ctx.ui.page();
    list(&mut page, "as it is in the cloud", all);
    ctx.ui.narrate(&page);
    let deleted: Vec<&str> = all.iter().filter(|one| one.deed == Deed::Delete).map(|one| one.path.as_str()).collect();
    if deleted.is_empty() {
        return ctx.ui.confirm(&format!("Take {} from the cloud?", count(all.len(), "file", "files")), "--yes");
    }
    let question =
        format!("Take {} from the cloud, which deletes {}?", count(all.len(), "file", "files"), deleted.join(", "));
    match prefer {
        Prefer::Cloud => ctx.ui.confirm(&question, "--yes --prefer cloud"),
        Prefer::Local | Prefer::None => ctx.ui.confirm_explicitly(&question, "--yes --prefer cloud"),
    }
}

/// Deploys what is here, unless that would undo what is there.
async fn push(ctx: &Ctx, project: &Project, report: &mut SyncReport, prefer: Prefer) -> Result<(), Failure> {
    if !report.left.conflicts.is_empty() {
        ctx.ui.warn("W-SYNC-CONFLICT", "nothing is deployed as long as files changed at both sides");
        return Ok(());
    }
    if !report.left.pull.is_empty() && prefer != Prefer::Local {
        let paths: Vec<&str> = report.left.pull.iter().map(|one| one.path.as_str()).collect();
        let message = format!("the cluster has changes that are not here: {}", paths.join(", "));
        let failure = Failure::new("E-STATE-STALE-PLAN", ExitCode::State, message);
        return Err(failure.hint("take them first: leave `--push` out; or lose them: `--prefer local`"));
    }
    let compiled = compile::compile(compile::read_sources(project)?)?;
    warnings::show(ctx, &compiled.warnings, &compiled.sources.set);
    let mut page = ctx.ui.page();
    list(&mut page, "as it is here", &report.left.push);
    ctx.ui.narrate(&page);
    ctx.ui.confirm(&format!("Deploy `{}` as it is here?", report.instance), "--yes")?;
    ctx.check_cancelled()?;
    deploy(ctx, project, report, &compiled).await?;
    report.pushed = std::mem::take(&mut report.left.push);
    // What was there and not here is gone with it.
    report.pushed.append(&mut report.left.pull);
    Ok(())
}

/// Deploys the instance through the flow of `helix push`. The key of a first deployment goes to `.env`.
async fn deploy(
    ctx: &Ctx,
    project: &Project,
    report: &mut SyncReport,
    compiled: &CompiledProject,
) -> Result<(), Failure> {
    let name = &report.instance;
    let not_cloud = || Failure::internal("an instance of Helix Cloud is on this machine");
    let remote = Remote::of(ctx, project, name).await?.ok_or_else(not_cloud)?;
    // A comment that changed is nothing to a push, and all to whoever keeps sources in step.
    let write_env = Some(project.root().join(".env"));
    let request = PushRequest { force: true, write_env, ..PushRequest::default() };
    let lock = ctx.unless_cancelled(remote.lock("sync", Duration::ZERO)).await?;
    let planned = ctx.unless_cancelled(plan::plan(&remote, ctx, project, compiled, &request)).await?;
    findings::show(ctx, &planned.findings)?;
    let hint = format!("deploy it with `helix push {name} --allow-breaking`");
    flow::agree(ctx, &remote, &planned, false).map_err(|failure| failure.hint(hint))?;
    ctx.check_cancelled()?;
    let deployed = flow::push(&remote, ctx, project, compiled, &planned, &request).await?;
    drop(lock);
    key::tell(ctx, name, &deployed, false);
    report.url = deployed.url;
    report.key_written_to = deployed.key_written_to;
    Ok(())
}
