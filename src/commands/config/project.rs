//! `helix config project`.

use clap::Subcommand;
use serde::Serialize;

use super::{ConfigReport, Named, Told};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::plain;
use crate::integrations::helix::types::{ProjectDetails, ProjectRef};
use crate::ops::cloud;
use crate::ops::cloud::selection::{self, Selector};
use crate::ui::{Page, Style};
use crate::utils::count;

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// List the projects of a workspace
    List {
        /// Slug of the workspace; the selected one when omitted
        #[arg(conflicts_with = "id")]
        slug: Option<String>,
        /// Id of the workspace
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Show the project that `helix.toml` is linked to
    Show,
    /// Link `helix.toml` to a project of the selected workspace
    Switch {
        /// Its name; asked for when omitted
        #[arg(conflicts_with = "id")]
        name: Option<String>,
        /// Its id
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

/// The projects.
#[derive(Debug, Serialize)]
pub struct ProjectList {
    workspace: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_project_id: Option<String>,
    projects: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    project: ProjectRef,
    current: bool,
}

impl Told for ProjectList {
    fn human(&self, page: &mut Page) {
        page.line(Style::Dim, format_args!("Workspace {}", self.workspace.url_slug));
        let cells = |row: &Row| {
            let mark = if row.current { "*" } else { "" };
            let ProjectRef { id, name } = row.project.clone();
            vec![(Style::Good, mark.to_owned()), (Style::Plain, plain(&name)), (Style::Dim, plain(&id))]
        };
        page.table(&["", "NAME", "ID"], &self.projects.iter().map(cells).collect::<Vec<_>>());
    }

    fn line(&self) -> String {
        count(self.projects.len(), "project", "projects")
    }
}

/// The linked project.
#[derive(Debug, Serialize)]
pub struct ProjectShow {
    project: ProjectDetails,
}

impl Told for ProjectShow {
    fn human(&self, page: &mut Page) {
        let ProjectDetails { id, name, workspace_slug, workspace_name, .. } = &self.project;
        page.line(Style::Bold, plain(name));
        page.details([("id", id.clone()), ("workspace", plain(&format!("{workspace_name} ({workspace_slug})")))]);
    }

    fn line(&self) -> String {
        self.project.name.clone()
    }
}

/// Another project is linked.
#[derive(Debug, Serialize)]
pub struct ProjectSwitch {
    project: ProjectRef,
    file: String,
}

impl Told for ProjectSwitch {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        page.line(Style::Dim, format_args!("  {}", self.file));
    }

    fn line(&self) -> String {
        format!("Linked to the project `{}`", self.project.name)
    }
}

pub(super) async fn run(deed: Deed, ctx: &Ctx) -> Result<ConfigReport, Failure> {
    match deed {
        Deed::List { slug, id } => {
            let service = cloud::connect(ctx).await?;
            let selector = Selector::of(slug.as_deref(), id.as_deref());
            let workspace = selection::workspace(ctx, &service, selector.as_ref()).await?;
            let current_project_id = ctx.fresh_project().ok().and_then(|project| project.config().project.id.clone());
            let projects = service.projects(&workspace.id).await?.into_iter();
            let mark = |project: ProjectRef| Row { current: current_project_id.as_ref() == Some(&project.id), project };
            let projects = projects.map(mark).collect();
            Ok(ConfigReport::ProjectList(ProjectList { workspace: (&workspace).into(), current_project_id, projects }))
        }
        Deed::Show => {
            let project = ctx.project()?;
            let Some(id) = &project.config().project.id else {
                let message = format!("`{}` is linked to no project of Helix Cloud", project.file().display());
                let failure = Failure::new("E-CLOUD-NO-PROJECT", ExitCode::State, message);
                return Err(failure.hint("link one: `helix config project switch NAME`"));
            };
            let project = cloud::connect(ctx).await?.project(id).await?;
            Ok(ConfigReport::ProjectShow(ProjectShow { project }))
        }
        Deed::Switch { name, id } => {
            let project = ctx.project()?;
            let service = cloud::connect(ctx).await?;
            let wanted = match (&id, name.as_deref()) {
                // An id says where it is by itself.
                (Some(id), _) => {
                    let found = service.project(id).await?;
                    ProjectRef { id: found.id, name: found.name }
                }
                (None, name) => {
                    let workspace = selection::workspace(ctx, &service, None).await?;
                    let all = service.projects(&workspace.id).await?;
                    match Selector::of(name, None) {
                        Some(selector) => selection::find_project(&all, &selector)?,
                        None => choose(ctx, all)?,
                    }
                }
            };
            selection::link(project, &wanted)?;
            Ok(ConfigReport::ProjectSwitch(ProjectSwitch {
                project: wanted,
                file: project.file().display().to_string(),
            }))
        }
    }
}

fn choose(ctx: &Ctx, mut all: Vec<ProjectRef>) -> Result<ProjectRef, Failure> {
    if all.is_empty() {
        let failure = Failure::new("E-CLOUD-NO-PROJECT", ExitCode::State, "the workspace has no project");
        return Err(failure.hint("make one on the web page of the service, or select another workspace"));
    }
    let names: Vec<String> = all.iter().map(|project| project.name.clone()).collect();
    let index = ctx.ui.choose("Which project?", &names, "its name")?;
    Ok(all.swap_remove(index))
}
