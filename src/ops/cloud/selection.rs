//! Which workspace and which project are meant.

use std::fs;

use super::preferences::Preferences;
use crate::config::edit;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::types::{ProjectRef, Workspace};
use crate::integrations::helix::{Cloud, plain};
use crate::project::Project;
use crate::utils::{nearest, write_atomic};

/// How something is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// By what people call it.
    Name(String),
    /// By its id.
    Id(String),
}

impl Selector {
    /// What was said, if anything.
    #[must_use]
    pub fn of(name: Option<&str>, id: Option<&str>) -> Option<Self> {
        id.map(|id| Self::Id(id.to_owned())).or_else(|| name.map(|name| Self::Name(name.to_owned())))
    }
}

/// The workspaces of the account, and the one that is selected. A remembered one that is gone is forgotten.
///
/// # Errors
///
/// When the service does not answer.
pub async fn workspaces(ctx: &Ctx, cloud: &Cloud) -> Result<(Vec<Workspace>, Option<Workspace>), Failure> {
    let all = cloud.workspaces().await?;
    let Some(id) = Preferences::load(&ctx.dirs.state)?.workspace_id else { return Ok((all, None)) };
    let found = all.iter().find(|workspace| workspace.id == id).cloned();
    if found.is_none() {
        Preferences::set(&ctx.dirs.state, "workspace_id", None)?;
        ctx.ui.warn("W-CLOUD-WORKSPACE", "the selected workspace does not exist any more: none is selected now");
    }
    Ok((all, found))
}

/// The workspace that is meant: as said, as selected, the only one, or as chosen now.
///
/// # Errors
///
/// When there is none, or nobody says which.
pub async fn workspace(ctx: &Ctx, cloud: &Cloud, selector: Option<&Selector>) -> Result<Workspace, Failure> {
    if let Some(selector) = selector {
        return find(cloud.workspaces().await?, selector);
    }
    let (mut all, selected) = workspaces(ctx, cloud).await?;
    if let Some(selected) = selected {
        return Ok(selected);
    }
    if all.len() > 1 && !ctx.ui.is_interactive() {
        let slugs: Vec<&str> = all.iter().map(|workspace| workspace.url_slug.as_str()).collect();
        let failure = Failure::new("E-CLOUD-NO-WORKSPACE", ExitCode::State, "no workspace is selected");
        return Err(
            failure.hint(format!("select one: `helix config workspace switch SLUG`, with one of {}", slugs.join(", ")))
        );
    }
    let index = choose(ctx, &all)?;
    Ok(all.swap_remove(index))
}

/// Lets a workspace be chosen; a single one is chosen silently.
///
/// # Errors
///
/// When nobody can be asked.
pub fn choose(ctx: &Ctx, all: &[Workspace]) -> Result<usize, Failure> {
    if all.is_empty() {
        let failure = Failure::new("E-CLOUD-NO-WORKSPACE", ExitCode::State, "the account has no workspace");
        return Err(failure.hint("make one on the web page of the service"));
    }
    let names: Vec<String> =
        all.iter().map(|workspace| plain(&format!("{} ({})", workspace.name, workspace.url_slug))).collect();
    ctx.ui.choose("Which workspace?", &names, "its slug")
}

/// The workspace that a selector means.
///
/// # Errors
///
/// When there is none.
pub fn find(all: Vec<Workspace>, selector: &Selector) -> Result<Workspace, Failure> {
    let slugs: Vec<String> = all.iter().map(|workspace| plain(&workspace.url_slug)).collect();
    let (text, fits): (&str, fn(&Workspace) -> &str) = match selector {
        Selector::Name(slug) => (slug, |workspace| &workspace.url_slug),
        Selector::Id(id) => (id, |workspace| &workspace.id),
    };
    all.iter().find(|workspace| fits(workspace) == text).cloned().ok_or_else(|| missing("workspace", text, &slugs))
}

/// The project of a workspace that a selector means.
///
/// # Errors
///
/// When there is none.
pub fn find_project(all: &[ProjectRef], selector: &Selector) -> Result<ProjectRef, Failure> {
    let names: Vec<String> = all.iter().map(|project| plain(&project.name)).collect();
    let (text, fits): (&str, fn(&ProjectRef) -> &str) = match selector {
        Selector::Name(name) => (name, |project| &project.name),
        Selector::Id(id) => (id, |project| &project.id),
    };
    all.iter().find(|project| fits(project) == text).cloned().ok_or_else(|| missing("project", text, &names))
}

fn missing(what: &str, text: &str, known: &[String]) -> Failure {
    let failure = Failure::new("E-CLOUD-NOT-FOUND", ExitCode::State, format!("the account has no {what} `{text}`"));
    match nearest(text, known.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure,
        None => failure.hint(format!("there is {}", known.join(", "))),
    }
}

/// Links the project file to a project of the service; its comments stay.
///
/// # Errors
///
/// When the project file cannot be changed.
pub fn link(project: &Project, to: &ProjectRef) -> Result<(), Failure> {
    let file = project.file();
    let text = fs::read_to_string(file).map_err(|error| Failure::file("read", file, &error))?;
    let linked = edit::link_project(&text, &to.id, &to.name).map_err(|error| {
        Failure::new("E-CFG-SYNTAX", ExitCode::Config, "the project file is no TOML").cause(error.to_string())
    })?;
    // A name that this file cannot hold is found now, not by the next command.
    crate::config::Config::parse(crate::config::FILE_NAME, &linked)?;
    write_atomic(file, linked.as_bytes()).map_err(|error| Failure::file("write", file, &error))
}
