//! `helix config workspace`.

use clap::Subcommand;
use serde::Serialize;

use super::{ConfigReport, Named, Told};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::plain;
use crate::integrations::helix::types::Member;
use crate::ops::cloud;
use crate::ops::cloud::preferences::Preferences;
use crate::ops::cloud::selection::{self, Selector};
use crate::ui::{Page, Style};
use crate::utils::count;

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// List the workspaces of the account
    List {
        /// With who is in them: one call for each
        #[arg(long)]
        members: bool,
    },
    /// Show the selected workspace
    Show,
    /// Select a workspace
    Switch {
        /// Its slug; asked for when omitted
        #[arg(conflicts_with = "id")]
        slug: Option<String>,
        /// Its id
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

/// The workspaces.
#[derive(Debug, Serialize)]
pub struct WorkspaceList {
    #[serde(skip_serializing_if = "Option::is_none")]
    current_workspace_id: Option<String>,
    workspaces: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    workspace: Named,
    current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Member>>,
}

impl Told for WorkspaceList {
    fn human(&self, page: &mut Page) {
        if self.workspaces.is_empty() {
            page.text_line(self.line());
            return;
        }
        let rows: Vec<_> = self.workspaces.iter().map(Row::cells).collect();
        page.table(&["", "SLUG", "NAME", "TYPE", "ID"], &rows);
        for row in &self.workspaces {
            for member in row.members.iter().flatten() {
                let user = &member.user;
                let who = user.github_name.as_deref().or(user.github_login.as_deref()).unwrap_or("somebody");
                let role = member.role.as_str().unwrap_or_default();
                page.line(Style::Dim, plain(&format!("  {}: {who} {role}", row.workspace.url_slug)));
            }
        }
    }

    fn line(&self) -> String {
        count(self.workspaces.len(), "workspace", "workspaces")
    }
}

impl Row {
    fn cells(&self) -> Vec<(Style, String)> {
        let mark = if self.current { "*" } else { "" };
        let Named { id, name, url_slug, workspace_type } = &self.workspace;
        let texts = [url_slug, name, workspace_type].map(|text| (Style::Plain, plain(text)));
        [(Style::Good, mark.to_owned())].into_iter().chain(texts).chain([(Style::Dim, id.clone())]).collect()
    }
}

/// The selected workspace.
#[derive(Debug, Serialize)]
pub struct WorkspaceShow {
    workspace: Named,
}

impl Told for WorkspaceShow {
    fn human(&self, page: &mut Page) {
        let Named { id, name, url_slug, workspace_type } = &self.workspace;
        page.line(Style::Bold, plain(name));
        page.details([("slug", url_slug.clone()), ("type", workspace_type.clone()), ("id", id.clone())]);
    }

    fn line(&self) -> String {
        self.workspace.url_slug.clone()
    }
}

/// Another workspace is selected.
#[derive(Debug, Serialize)]
pub struct WorkspaceSwitch {
    workspace: Named,
}

impl Told for WorkspaceSwitch {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
    }

    fn line(&self) -> String {
        format!("Selected the workspace `{}`", self.workspace.url_slug)
    }
}

pub(super) async fn run(deed: Deed, ctx: &Ctx) -> Result<ConfigReport, Failure> {
    let service = cloud::connect(ctx).await?;
    match deed {
        Deed::List { members } => {
            let (all, selected) = selection::workspaces(ctx, &service).await?;
            let current_workspace_id = selected.map(|workspace| workspace.id);
            let mut workspaces = Vec::with_capacity(all.len());
            for workspace in &all {
                let members = if members { Some(service.members(&workspace.id).await?) } else { None };
                let current = current_workspace_id.as_ref() == Some(&workspace.id);
                workspaces.push(Row { workspace: workspace.into(), current, members });
            }
            Ok(ConfigReport::WorkspaceList(WorkspaceList { current_workspace_id, workspaces }))
        }
        Deed::Show => match selection::workspaces(ctx, &service).await?.1 {
            Some(workspace) => Ok(ConfigReport::WorkspaceShow(WorkspaceShow { workspace: (&workspace).into() })),
            None => {
                let failure = Failure::new("E-CLOUD-NO-WORKSPACE", ExitCode::State, "no workspace is selected");
                Err(failure.hint("select one: `helix config workspace switch SLUG`"))
            }
        },
        Deed::Switch { slug, id } => {
            let mut all = service.workspaces().await?;
            let workspace = match Selector::of(slug.as_deref(), id.as_deref()) {
                Some(selector) => selection::find(all, &selector)?,
                None => all.swap_remove(selection::choose(ctx, &all)?),
            };
            Preferences::set(&ctx.dirs.state, "workspace_id", Some(&workspace.id))?;
            Ok(ConfigReport::WorkspaceSwitch(WorkspaceSwitch { workspace: (&workspace).into() }))
        }
    }
}
