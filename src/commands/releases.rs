//! `helix releases`.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::deploy::Remote;
use crate::ops::deploy::rollback::{self, Known};
use crate::ops::platform::Platform;
use crate::ops::{local, releases};
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix releases list             The releases of the only instance
  helix releases list prod        Those that the target has, and those remembered here
  helix releases show prod 7QX2   One of them, by the end of its id";

/// Arguments of `helix releases`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReleasesArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the releases of an instance, newest first
    List {
        /// Instance whose releases to list
        instance: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Show one release
    Show {
        /// Instance
        instance: String,
        /// The id of the release, or its end
        release: String,
    },
}

/// The releases of an instance.
#[derive(Debug, Serialize)]
pub struct ReleasesReport {
    instance: String,
    provider: &'static str,
    releases: Vec<Known>,
}

impl Report for ReleasesReport {
    fn human(&self, page: &mut Page) {
        if self.releases.is_empty() {
            page.line(Style::Dim, format_args!("`{}` has no releases", self.instance));
            return;
        }
        let dash = |text: &Option<String>| (Style::Plain, text.clone().unwrap_or_else(|| "-".to_owned()));
        let short =
            |text: &Option<String>, most: usize| text.as_ref().map(|text| text.chars().take(most).collect::<String>());
        let rows: Vec<_> = self
            .releases
            .iter()
            .map(|one| {
                let (style, state) = match (one.current, one.outcome) {
                    (true, _) => (Style::Good, "current"),
                    (_, Some(releases::Outcome::Failed)) => (Style::Bad, "failed"),
                    _ if one.available => (Style::Plain, "available"),
                    _ => (Style::Dim, "gone"),
                };
                vec![
                    (Style::Bold, one.id.clone()),
                    (style, state.to_owned()),
                    dash(&short(&one.created_at, 19)),
                    dash(&short(&one.git_revision, 8)),
                    dash(&one.message),
                ]
            })
            .collect();
        page.table(&["RELEASE", "STATE", "MADE", "COMMIT", "MESSAGE"], &rows);
        if let [one] = self.releases.as_slice()
            && let Some(image) = &one.image
        {
            let signed = one.signed.then(|| ("signed", "yes".to_owned()));
            page.details([("image", image.clone())].into_iter().chain(signed));
        }
    }
}

/// Shows what was released.
///
/// # Errors
///
/// When there is no such instance or release, or the target does not say.
pub async fn run(args: ReleasesArgs, ctx: &Ctx) -> Result<ReleasesReport, Failure> {
    let project = ctx.project()?;
    let (wanted, only, limit) = match args.action {
        Action::List { instance, limit } => (instance, None, limit),
        Action::Show { instance, release } => (Some(instance), Some(release), usize::MAX),
    };
    let name = local::choose(ctx, project, wanted.as_deref())?;
    let (provider, mut all) = match Remote::of(ctx, project, &name).await? {
        Some(remote) => (remote.target().name, rollback::history(&remote).await?),
        None => {
            let platform = Platform::without_secrets(ctx, project, &name)?;
            (platform.provider(), rollback::local_history(&platform)?)
        }
    };
    match only {
        Some(id) => {
            all.retain(|one| one.id.ends_with(&id.to_uppercase()) || one.id == id);
            if all.is_empty() {
                let message = format!("`{name}` has no release `{id}`");
                return Err(Failure::new("E-STATE-NO-RELEASE", ExitCode::State, message)
                    .hint(format!("see `helix releases list {name}`")));
            }
        }
        None => all.truncate(limit),
    }
    Ok(ReleasesReport { instance: name, provider, releases: all })
}
