//! The cluster of a new instance: found, or made.

use serde::Serialize;

use super::preferences::Preferences;
use super::selection::{self, Selector};
use super::{Wanted, login, with_key};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::types::{Cluster, ProjectDetails, ProjectRef, Workspace};
use crate::integrations::helix::{Cloud, TITLE, plain};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The project that the project file is linked to.
    pub project_id: Option<&'a str>,
    /// The name of the project, there as here.
    pub project_name: &'a str,
    /// The name of the cluster: that of the instance.
    pub cluster: &'a str,
    /// `dev` or `release`.
    pub build_mode: &'a str,
    /// The clusters that other instances have.
    pub taken: Vec<String>,
    /// The slug of the workspace, when it was said.
    pub workspace: Option<&'a str>,
    /// Another project there, by its name or id, when it was said.
    pub project: Option<&'a str>,
    /// Whether a project that is not there is made without being asked for.
    pub create_project: bool,
}

/// A cluster for an instance.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The slug of the workspace.
    pub workspace: String,
    /// The project.
    pub project_id: String,
    /// Its name.
    pub project_name: String,
    /// The cluster.
    pub cluster_id: String,
    /// Whether it was made just now.
    pub created: bool,
}

impl Found {
    /// A failure that comes after it: with what was made there, and how it is taken.
    #[must_use]
    pub fn left_by(&self, failure: Failure) -> Failure {
        let cluster = &self.cluster_id;
        let line = format!("the cluster `{cluster}` was made: `helix add cloud --cluster-id {cluster}` takes it");
        failure.context(self.created.then_some(line))
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> ProjectRef {
        ProjectRef { id: self.project_id.clone(), name: self.project_name.clone() }
    }
}

/// Finds the cluster of a new instance, or makes it, as whoever is logged in. `None` when nobody is, or without network: then nobody is
/// asked anything.
///
/// # Errors
///
/// When the workspace cannot pay, a choice is missing, or the service does not make it.
pub async fn cluster(ctx: &Ctx, asked: &Asked<'_>) -> Result<Option<Found>, Failure> {
    if ctx.offline {
        return Ok(None);
    }
    let found = match login(ctx, &Wanted::default()) {
        Err(failure) if matches!(failure.code.as_str(), "E-AUTH-MISSING" | "E-CLOUD-UNCONFIGURED") => return Ok(None),
        found => found?,
    };
    let cloud = with_key(ctx, &found.endpoint, found.key, &found.source)?;
    let step = ctx.ui.step("provision", &format!("Asking {TITLE} for a cluster"));
    let (workspace, linked) = workspace(ctx, &cloud, asked).await?;
    let billing = cloud.billing(&workspace.id).await?;
    if !billing.has_billing {
        let message = format!("the workspace `{}` has no way to pay for a cluster", workspace.url_slug);
        return Err(Failure::new("E-CLOUD-BILLING", ExitCode::Rejected, message)
            .hint("set up its billing on the web page of the service, or name another one: `--workspace SLUG`"));
    }
    let project = match linked {
        Some(project) => project,
        None => project(ctx, &cloud, &workspace, asked).await?,
    };
    let all = cloud.project_clusters(&project.id).await?.standard;
    let existing = existing(ctx, asked, all)?;
    let created = existing.is_none();
    let cluster_id = match existing {
        Some(cluster) => cluster.cluster_id,
        None => cloud.create_cluster(&project.id, asked.cluster, asked.build_mode).await?,
    };
    let verb = if created { "Made" } else { "Took" };
    step.done(&format!("{verb} the cluster `{}` of the project `{}`", plain(&cluster_id), plain(&project.name)));
    Ok(Some(Found {
        workspace: workspace.url_slug,
        project_id: project.id,
        project_name: project.name,
        cluster_id,
        created,
    }))
}

/// The workspace: that of the linked project, as said, as selected, the only one, or as chosen now; and that project.
async fn workspace(ctx: &Ctx, cloud: &Cloud, asked: &Asked<'_>) -> Result<(Workspace, Option<ProjectRef>), Failure> {
    if let Some(id) = asked.project_id {
        match cloud.project(id).await {
            Ok(found) => {
                check_said(asked, &found)?;
                let workspace = selection::find(cloud.workspaces().await?, &Selector::Id(found.workspace_id))?;
                return Ok((workspace, Some(ProjectRef { id: found.id, name: found.name })));
            }
            Err(error) => ctx.ui.warn("W-CLOUD-PROJECT", format!("the linked project cannot be looked at: {error}")),
        }
    }
    let selector = Selector::of(asked.workspace, None);
    let workspace = selection::workspace(ctx, cloud, selector.as_ref()).await?;
    if selector.is_none() {
        Preferences::set(&ctx.dirs.state, "workspace_id", Some(&workspace.id))?;
    }
    Ok((workspace, None))
}

/// A project file has one project there: what is said beside it must be that one.
fn check_said(asked: &Asked<'_>, linked: &ProjectDetails) -> Result<(), Failure> {
    let is_other_project = asked.project.is_some_and(|said| said != linked.name && said != linked.id);
    let is_other_workspace = asked.workspace.is_some_and(|said| said != linked.workspace_slug);
    if !is_other_project && !is_other_workspace {
        return Ok(());
    }
    let message = format!(
        "the project file is linked to the project `{}` of the workspace `{}`",
        plain(&linked.name),
        plain(&linked.workspace_slug)
    );
    Err(Failure::new("E-DEPLOY-CONFLICT", ExitCode::Rejected, message)
        .hint("leave `--project` and `--workspace` out, or link another one first: `helix config project switch NAME`"))
}

/// The project: as said, the one of that name, or, as is chosen, a new one or another.
async fn project(ctx: &Ctx, cloud: &Cloud, workspace: &Workspace, asked: &Asked<'_>) -> Result<ProjectRef, Failure> {
    let mut all = cloud.projects(&workspace.id).await?;
    let wanted = asked.project.unwrap_or(asked.project_name);
    if let Some(found) = all.iter().find(|project| project.name == wanted || project.id == wanted) {
        return Ok(found.clone());
    }
    if asked.create_project {
        return Ok(cloud.create_project(&workspace.id, wanted).await?);
    }
    if asked.project.is_some() {
        return selection::find_project(&all, &Selector::Name(wanted.to_owned()));
    }
    let mut choices = vec![format!("Make the project `{wanted}`")];
    choices.extend(all.iter().map(|project| plain(&project.name)));
    // A single project is no answer to whether another is to be made.
    if !ctx.ui.is_interactive() {
        let known: Vec<String> = all.iter().map(|project| format!("`{}`", plain(&project.name))).collect();
        let message = format!("the workspace `{}` has no project `{wanted}`", workspace.url_slug);
        let others =
            if known.is_empty() { String::new() } else { format!(", or `--project` with {}", known.join(", ")) };
        return Err(Failure::input_required(message, format!("pass `--create-project`{others}")));
    }
    match ctx.ui.choose("Which project?", &choices, "`--create-project`, or `--project NAME`")? {
        0 => Ok(cloud.create_project(&workspace.id, wanted).await?),
        other => Ok(all.swap_remove(other - 1)),
    }
}

/// A cluster that is there: the one of that name, or as is chosen; `None` for a new one.
fn existing(ctx: &Ctx, asked: &Asked<'_>, mut all: Vec<Cluster>) -> Result<Option<Cluster>, Failure> {
    all.retain(|cluster| !asked.taken.contains(&cluster.cluster_id));
    if let Some(index) = all.iter().position(|cluster| cluster.cluster_name == asked.cluster) {
        return Ok(Some(all.swap_remove(index)));
    }
    if all.is_empty() || !ctx.ui.is_interactive() {
        return Ok(None);
    }
    let mut choices = vec![format!("Make the cluster `{}`", asked.cluster)];
    choices.extend(all.iter().map(|cluster| plain(&format!("{} ({})", cluster.cluster_name, cluster.cluster_id))));
    let index = ctx.ui.choose("Which cluster?", &choices, "`--cluster-id ID`")?;
    Ok(index.checked_sub(1).map(|index| all.swap_remove(index)))
}
