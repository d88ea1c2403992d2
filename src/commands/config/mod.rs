//! `helix config`.

mod cluster;
mod files;
mod project;
mod settings;
mod workspace;

use clap::{Args, Subcommand};
use serde::Serialize;

use self::cluster::ClusterList;
use self::files::{Files, Valid};
use self::project::{ProjectList, ProjectShow, ProjectSwitch};
use self::settings::{Changed, Got, Settings, Whose};
use self::workspace::{WorkspaceList, WorkspaceShow, WorkspaceSwitch};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::integrations::helix::types::Workspace;
use crate::ui::{Page, Report};

const EXAMPLES: &str = "\
Examples:
  helix config workspace list             The workspaces of the account
  helix config workspace switch acme      Work in one of them from now on
  helix config project switch shop        Link this project to one of Helix Cloud
  helix config cluster list               What can be deployed to
  helix config validate                   Is the project file right
  helix config show prod                  All settings of an instance, and where each is from
  helix config set port 7000 -i dev       Change the project file; its comments stay
  helix config set cloud.endpoint https://cloud.example --user";

/// Arguments of `helix config`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct ConfigArgs {
    #[command(subcommand)]
    about: About,
}

#[derive(Debug, Subcommand)]
enum About {
    /// Workspaces of Helix Cloud
    #[command(subcommand, disable_help_subcommand = true)]
    Workspace(workspace::Deed),
    /// Projects of Helix Cloud
    #[command(subcommand, disable_help_subcommand = true)]
    Project(project::Deed),
    /// Clusters of Helix Cloud
    #[command(subcommand, disable_help_subcommand = true)]
    Cluster(cluster::Deed),
    /// Show a setting
    Get {
        /// The key, with dots between tables: `local.dev.port`
        key: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Change a setting; the file keeps its comments
    Set {
        /// The key, with dots between tables: `local.dev.port`
        key: String,
        /// The value: as in the file, or a plain text
        #[arg(allow_hyphen_values = true)]
        value: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a setting
    Unset {
        /// The key, with dots between tables: `local.dev.memory`
        key: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// List what is set
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show all settings of an instance, and where each is from
    Show {
        /// The instance
        instance: Option<String>,
    },
    /// Check the project file
    Validate,
    /// Show where the settings are
    Path,
}

/// What is set, or what there is to be set.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ConfigReport {
    /// The workspaces.
    WorkspaceList(WorkspaceList),
    /// The selected workspace.
    WorkspaceShow(WorkspaceShow),
    /// Another workspace is selected.
    WorkspaceSwitch(WorkspaceSwitch),
    /// The projects.
    ProjectList(ProjectList),
    /// The linked project.
    ProjectShow(ProjectShow),
    /// Another project is linked.
    ProjectSwitch(ProjectSwitch),
    /// The clusters.
    ClusterList(ClusterList),
    /// A setting.
    Got(Got),
    /// A setting was changed.
    Changed(Changed),
    /// Several settings.
    Settings(Settings),
    /// The project file is right.
    Valid(Valid),
    /// Where the settings are.
    Files(Files),
}

impl ConfigReport {
    fn report(&self) -> &dyn Told {
        match self {
            Self::WorkspaceList(list) => list,
            Self::WorkspaceShow(show) => show,
            Self::WorkspaceSwitch(switch) => switch,
            Self::ProjectList(list) => list,
            Self::ProjectShow(show) => show,
            Self::ProjectSwitch(switch) => switch,
            Self::ClusterList(list) => list,
            Self::Got(got) => got,
            Self::Changed(changed) => changed,
            Self::Settings(settings) => settings,
            Self::Valid(valid) => valid,
            Self::Files(files) => files,
        }
    }
}

/// How each of them is told.
trait Told {
    fn human(&self, page: &mut Page);
    fn line(&self) -> String;
}

impl Report for ConfigReport {
    fn human(&self, page: &mut Page) {
        self.report().human(page);
    }

    fn summary(&self) -> Option<String> {
        Some(self.report().line())
    }
}

/// A workspace of the account, and whether it is the selected one.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    id: String,
    name: String,
    url_slug: String,
    workspace_type: String,
}

impl From<&Workspace> for Named {
    fn from(workspace: &Workspace) -> Self {
        let Workspace { id, name, url_slug, workspace_type } = workspace.clone();
        Self { id, name, url_slug, workspace_type }
    }
}

/// Shows what is set and what there is, and chooses.
///
/// # Errors
///
/// When nobody is logged in, nothing is chosen, or what is named does not exist.
pub async fn run(args: ConfigArgs, ctx: &Ctx) -> Result<ConfigReport, Failure> {
    match args.about {
        About::Workspace(deed) => workspace::run(deed, ctx).await,
        About::Project(deed) => project::run(deed, ctx).await,
        About::Cluster(deed) => cluster::run(deed, ctx).await,
        About::Get { key, whose } => settings::get(ctx, &key, &whose),
        About::Set { key, value, whose } => settings::set(ctx, &key, &value, &whose),
        About::Unset { key, whose } => settings::unset(ctx, &key, &whose),
        About::List { whose } => settings::list(ctx, &whose),
        About::Show { instance } => settings::show(ctx, instance.as_deref()),
        About::Validate => files::validate(ctx),
        About::Path => Ok(files::paths(ctx)),
    }
}
