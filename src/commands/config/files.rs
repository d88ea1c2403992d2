//! `helix config validate` and `helix config path`.

use std::path::PathBuf;

use serde::Serialize;

use super::{ConfigReport, Told};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ui::Page;
use crate::utils::count;

/// The project file is right.
#[derive(Debug, Serialize)]
pub struct Valid {
    file: PathBuf,
    instances: Vec<String>,
}

impl Told for Valid {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
    }

    fn line(&self) -> String {
        format!("`{}` is right: {}", self.file.display(), count(self.instances.len(), "instance", "instances"))
    }
}

/// Where the settings are.
#[derive(Debug, Serialize)]
pub struct Files {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<PathBuf>,
    user: PathBuf,
    credentials: PathBuf,
}

impl Told for Files {
    fn human(&self, page: &mut Page) {
        let project = self.project.iter().map(|path| ("project", path.display().to_string()));
        page.details(project.chain([
            ("user", self.user.display().to_string()),
            ("credentials", self.credentials.display().to_string()),
        ]));
    }

    fn line(&self) -> String {
        self.project.as_ref().unwrap_or(&self.user).display().to_string()
    }
}

/// Reads the project file; all that is wrong with it is the failure.
pub(super) fn validate(ctx: &Ctx) -> Result<ConfigReport, Failure> {
    let project = ctx.project()?;
    let instances = project.config().instances.keys().cloned().collect();
    Ok(ConfigReport::Valid(Valid { file: project.file().to_owned(), instances }))
}

/// The files, whether or not they are there.
pub(super) fn paths(ctx: &Ctx) -> ConfigReport {
    ConfigReport::Files(Files {
        project: ctx.fresh_project().ok().map(|project| project.file().to_owned()),
        user: ctx.dirs.state.join("config.toml"),
        credentials: ctx.dirs.state.join("credentials.toml"),
    })
}
