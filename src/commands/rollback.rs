//! `helix rollback`.

use clap::Args;
use serde::Serialize;

use super::args::{LockArgs, WaitArgs};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::state;
use crate::ops::deploy::rollback::{self, Known};
use crate::ops::deploy::sign::Signing;
use crate::ops::deploy::{Remote, findings};
use crate::ops::local;
use crate::ops::platform::Platform;
use crate::ops::push::{PortChoice, PushOptions};
use crate::ui::{Page, Report};

const EXAMPLES: &str = "\
Examples:
  helix rollback prod             Go back to the last good release before the one that runs
  helix rollback prod --to 7QX2   Go back to that one; the end of its id is enough

Exit codes: 0 done, 11 the earlier schema does not go with the stored data or the image is not signed as it must be, 13 there is no
such release.";

/// Arguments of `helix rollback`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RollbackArgs {
    /// Instance to take back
    instance: String,
    /// The release to go back to: its id, or the end of it
    #[arg(long, value_name = "RELEASE")]
    to: Option<String>,
    /// Lose stored data that the earlier schema has no place for
    #[arg(long)]
    allow_breaking: bool,
    /// Change nothing; say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    lock: LockArgs,
}

/// Where an instance is now.
#[derive(Debug, Serialize)]
pub struct RollbackReport {
    instance: String,
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Report for RollbackReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        let mut details = Vec::new();
        details.extend(self.from.clone().map(|from| ("from", from)));
        details.push(("to", self.to.clone()));
        details.extend(self.url.clone().map(|url| ("url", url)));
        details.extend(self.image.clone().map(|image| ("image", image)));
        page.details(details);
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl RollbackReport {
    fn line(&self) -> String {
        let verb = if self.dry_run { "Would take" } else { "Took" };
        format!("{verb} `{}` back to release {}", self.instance, self.to)
    }
}

/// Has an instance run an earlier release.
///
/// # Errors
///
/// When there is none, its schema does not go with the stored data, or it does not become healthy.
pub async fn run(args: RollbackArgs, ctx: &Ctx) -> Result<RollbackReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, Some(&args.instance))?;
    let from = |all: &[Known]| all.iter().find(|one| one.current).map(|one| one.id.clone());
    if let Some(remote) = Remote::of(ctx, project, &name).await? {
        ctx.ui.header(&format!("Taking `{name}` back"));
        let lock = ctx.unless_cancelled(remote.lock("rollback", args.lock.lock_timeout)).await?;
        let all = ctx.unless_cancelled(rollback::history(&remote)).await?;
        let to = rollback::choose(&name, &all, args.to.as_deref())?;
        rollback::check_schema(&remote, &all, to, args.allow_breaking)?;
        let signing = Signing::of_rollback(ctx, project, &remote)?;
        findings::show(ctx, signing.findings())?;
        ctx.unless_cancelled(signing.check(&remote, to.image.as_deref())).await?;
        ctx.check_cancelled()?;
        let (url, image) = match args.dry_run {
            true => (None, to.image.clone()),
            false => rollback::roll_back(&remote, ctx, &all, to).await?,
        };
        drop(lock);
        return Ok(RollbackReport {
            instance: name,
            provider: remote.target().name,
            from: from(&all),
            to: to.id.clone(),
            image,
            url,
            dry_run: args.dry_run,
        });
    }
    let platform = Platform::of(ctx, project, &name)?;
    let lock = ctx.unless_cancelled(local::lock(platform.settings(), "rollback", args.lock.lock_timeout)).await?;
    let all = rollback::local_history(&platform)?;
    let to = rollback::choose(&name, &all, args.to.as_deref())?;
    let release = rollback::local_release(&platform, &to.id)?;
    let program = state::load_plan(&state::plan_file(platform.files(), &release.digest), &release.digest)?;
    let options = PushOptions {
        force: true,
        wait: args.wait.wait(),
        image: release.image.clone(),
        message: Some(format!("back to {}", to.id)),
        ..PushOptions::new(PortChoice::Configured)
    };
    let plan = platform.plan(&program, &options).await?;
    if plan.changes.class() == helix_plan::diff::Class::Breaking && !args.allow_breaking {
        let message = format!(
            "cannot go back to release `{}` of `{name}`: its schema has no place for data that is stored now",
            to.id
        );
        return Err(Failure::new("E-DEPLOY-SCHEMA", ExitCode::Rejected, message)
            .hint("pass `--allow-breaking` when the data may be lost"));
    }
    ctx.check_cancelled()?;
    let mut url = None;
    if !args.dry_run {
        ctx.ui.header(&format!("Taking `{name}` back"));
        let image = match &release.image {
            Some(image) => platform.named_image(image).await?,
            None => None,
        };
        let step = ctx.ui.step("activate", &format!("Going back to {}", to.id));
        let pushed = platform.apply(&program, release.source_hash.clone(), &plan, image.as_ref(), &options).await?;
        step.done("Went back");
        url = Some(pushed.url);
    }
    drop(lock);
    Ok(RollbackReport {
        instance: name,
        provider: platform.provider(),
        from: from(&all),
        to: to.id.clone(),
        image: release.image,
        url,
        dry_run: args.dry_run,
    })
}
