//! `helix config get`, `set`, `unset`, `list` and `show`.

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{ConfigReport, Told};
use crate::config::view::Setting;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::{local, settings};
use crate::ui::{Page, Style};
use crate::utils::count;

/// Whose settings.
#[derive(Clone, Debug, Args)]
pub(super) struct Whose {
    /// Settings of this instance: keys are those of its table
    #[arg(short, long, value_name = "NAME")]
    instance: Option<String>,
    /// Settings of the user, for all projects
    #[arg(long, conflicts_with = "instance")]
    user: bool,
}

/// A setting.
#[derive(Debug, Serialize)]
pub struct Got(Setting);

/// A setting was changed, or was so already.
#[derive(Debug, Serialize)]
pub struct Changed {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    changed: bool,
    file: String,
}

/// Settings that are written, or that an instance comes out with.
#[derive(Debug, Serialize)]
pub struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    file: String,
    settings: Vec<Setting>,
}

impl Told for Got {
    fn human(&self, page: &mut Page) {
        page.text_line(self.line());
    }

    fn line(&self) -> String {
        shown(&self.0.value)
    }
}

impl Told for Changed {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        page.line(Style::Dim, format_args!("  {}", self.file));
    }

    fn line(&self) -> String {
        let key = &self.key;
        match (&self.value, self.changed) {
            (Some(value), true) => format!("Set `{key}` to {}", shown(value)),
            (Some(value), false) => format!("`{key}` is {} already", shown(value)),
            (None, _) => format!("Removed `{key}`"),
        }
    }
}

impl Told for Settings {
    fn human(&self, page: &mut Page) {
        if self.settings.is_empty() {
            page.text_line("Nothing is set");
            return;
        }
        let cells = |one: &Setting| {
            let mut cells = vec![(Style::Bold, one.key.clone()), (Style::Plain, shown(&one.value))];
            cells.extend(self.instance.is_some().then(|| (Style::Dim, one.origin.clone())));
            cells
        };
        let titles: &[&str] = if self.instance.is_some() { &["KEY", "VALUE", "FROM"] } else { &["KEY", "VALUE"] };
        page.table(titles, &self.settings.iter().map(cells).collect::<Vec<_>>());
    }

    fn line(&self) -> String {
        count(self.settings.len(), "setting", "settings")
    }
}

/// A text as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn get(ctx: &Ctx, key: &str, whose: &Whose) -> Result<ConfigReport, Failure> {
    let found = match whose.user {
        true => settings::get_user(&ctx.dirs.state, key)?,
        false => settings::get(ctx.project()?, whose.instance.as_deref(), key)?,
    };
    Ok(ConfigReport::Got(Got(found)))
}

pub(super) fn set(ctx: &Ctx, key: &str, new: &str, whose: &Whose) -> Result<ConfigReport, Failure> {
    let (changed, file) = if whose.user {
        (settings::change_user(&ctx.dirs.state, key, Some(new))?, user_file(ctx))
    } else {
        let project = ctx.project()?;
        let path = settings::path(project, whose.instance.as_deref(), key)?;
        (settings::set(project, &path, new)?, project.file().display().to_string())
    };
    // As it is in the file now: that may be a number.
    let value = match whose.user {
        true => settings::get_user(&ctx.dirs.state, key)?.value,
        false => settings::get(&ctx.fresh_project()?, whose.instance.as_deref(), key)?.value,
    };
    Ok(ConfigReport::Changed(Changed { key: key.to_owned(), value: Some(value), changed, file }))
}

pub(super) fn unset(ctx: &Ctx, key: &str, whose: &Whose) -> Result<ConfigReport, Failure> {
    let file = if whose.user {
        settings::change_user(&ctx.dirs.state, key, None)?;
        user_file(ctx)
    } else {
        let project = ctx.project()?;
        settings::unset(project, &settings::path(project, whose.instance.as_deref(), key)?)?;
        project.file().display().to_string()
    };
    Ok(ConfigReport::Changed(Changed { key: key.to_owned(), value: None, changed: true, file }))
}

pub(super) fn list(ctx: &Ctx, whose: &Whose) -> Result<ConfigReport, Failure> {
    let (settings, file) = if whose.user {
        (settings::list_user(&ctx.dirs.state)?, user_file(ctx))
    } else {
        let project = ctx.project()?;
        (settings::list(project, whose.instance.as_deref())?, project.file().display().to_string())
    };
    Ok(ConfigReport::Settings(Settings { instance: None, file, settings }))
}

pub(super) fn show(ctx: &Ctx, instance: Option<&str>) -> Result<ConfigReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, instance)?;
    let settings = settings::show(project, &name)?;
    let file = project.file().display().to_string();
    Ok(ConfigReport::Settings(Settings { instance: Some(name), file, settings }))
}

fn user_file(ctx: &Ctx) -> String {
    ctx.dirs.state.join("config.toml").display().to_string()
}
