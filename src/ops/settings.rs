//! Settings of the project file and of the user, one by one: read, changed, removed. Files keep their comments and their order.

use std::fs;
use std::path::Path;

use serde_json::Value;
use toml_edit::{DocumentMut, Item};

use super::cloud::preferences::{self, Preferences};
use super::local;
use crate::config::view::{self, Setting};
use crate::config::{Config, FILE_NAME, edit};
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::endpoint;
use crate::project::Project;
use crate::utils::nearest;

/// The settings of the user that something reads.
pub const USER_KEYS: [&str; 3] = ["cloud.endpoint", "cloud.workspace_id", "cloud.profile"];

/// A key as it is typed, below the table of an instance when one is named.
///
/// # Errors
///
/// When it is no key, or there is no such instance.
pub fn path(project: &Project, instance: Option<&str>, key: &str) -> Result<Vec<String>, Failure> {
    let mut path = match instance {
        Some(name) => {
            let (name, _) = project.instance(name)?;
            view::table_of(&text(project)?, name).unwrap_or_default()
        }
        None => Vec::new(),
    };
    path.extend(edit::path(key).map_err(|_| {
        Failure::new("E-INPUT-KEY", ExitCode::Usage, format!("`{key}` is no key"))
            .hint("write it as in the file, with dots between tables: `local.dev.port`")
    })?);
    Ok(path)
}

/// A setting of an instance as it comes out, or else what the file says under that key.
///
/// # Errors
///
/// When it is not set.
pub fn get(project: &Project, instance: Option<&str>, key: &str) -> Result<Setting, Failure> {
    let text = text(project)?;
    if let Some(instance) = instance {
        let (name, _) = project.instance(instance)?;
        let all = view::instance(&text, project.config(), name);
        if let Some(found) = all.iter().find(|one| one.key == key) {
            return Ok(found.clone());
        }
    }
    let path = path(project, instance, key)?;
    let table = instance.and_then(|name| view::table_of(&text, name)).unwrap_or_default();
    let document: DocumentMut = text.parse().map_err(|error| no_toml(project.file(), &error))?;
    let item = edit::item(&document, &path).ok_or_else(|| not_set(key, known(&text, &table)))?;
    let origin = path.split_last().map(|(_, table)| table.join(".")).unwrap_or_default();
    Ok(Setting { key: key.to_owned(), value: view::json_of(path.last().map_or("", String::as_str), item), origin })
}

/// Sets it in the project file; gives whether that changed anything. The value is read as TOML, and as a text where that is no value
/// which the key can have.
///
/// # Errors
///
/// When the file would not be right with it: nothing is changed then.
pub fn set(project: &Project, path: &[String], new: &str) -> Result<bool, Failure> {
    let mut wanted: Vec<toml_edit::Value> = new.trim().parse().into_iter().collect();
    wanted.push(new.into());
    let (mut is_blocked, mut is_changed) = (false, false);
    local::change_file(
        project,
        |before| {
            let mut first = None;
            for value in wanted {
                let Some(after) = edit::set_value(before, path, value)? else {
                    is_blocked = true;
                    return Ok(None);
                };
                if Config::parse(FILE_NAME, &after).is_ok() {
                    is_changed = after != before;
                    return Ok(Some(after));
                }
                first.get_or_insert(after);
            }
            Ok(first)
        },
        check,
    )?;
    if is_blocked {
        let message = format!("`{}` is a table, or is below something that is none", path.join("."));
        return Err(Failure::new("E-CFG-TYPE", ExitCode::Config, message).hint("name a key: `helix config list`"));
    }
    Ok(is_changed)
}

/// Removes it from the project file.
///
/// # Errors
///
/// When it is not there, is a table, or the file would not be right without it: nothing is changed then.
pub fn unset(project: &Project, path: &[String]) -> Result<(), Failure> {
    let key = path.join(".");
    let text = text(project)?;
    let document: DocumentMut = text.parse().map_err(|error| no_toml(project.file(), &error))?;
    match edit::item(&document, path) {
        None => return Err(not_set(&key, known(&text, &[]))),
        Some(Item::Table(_)) => {
            let message = format!("`{key}` is a table");
            return Err(Failure::new("E-CFG-TYPE", ExitCode::Config, message)
                .hint("name a key of it; `helix delete NAME` removes an instance"));
        }
        Some(_) => {}
    }
    local::change_file(project, |before| edit::unset_value(before, path), check)
}

/// What the file says, all of it or below the table of an instance.
///
/// # Errors
///
/// When there is no such instance.
pub fn list(project: &Project, instance: Option<&str>) -> Result<Vec<Setting>, Failure> {
    let text = text(project)?;
    let all = view::written(&text).map_err(|error| no_toml(project.file(), &error))?;
    let Some(name) = instance else { return Ok(all) };
    let (name, _) = project.instance(name)?;
    let table = format!("{}.", view::table_of(&text, name).unwrap_or_default().join("."));
    let own = all.into_iter().filter_map(|one| Some(Setting { key: one.key.strip_prefix(&table)?.to_owned(), ..one }));
    Ok(own.collect())
}

/// Every setting of an instance, with where it is from.
///
/// # Errors
///
/// When there is no such instance.
pub fn show(project: &Project, instance: &str) -> Result<Vec<Setting>, Failure> {
    let (name, _) = project.instance(instance)?;
    Ok(view::instance(&text(project)?, project.config(), name))
}

/// What the file of the user says.
///
/// # Errors
///
/// When it cannot be read.
pub fn list_user(state: &Path) -> Result<Vec<Setting>, Failure> {
    let path = preferences::file(state);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::file("read", &path, &error)),
    };
    view::written(&text).map_err(|error| no_toml(&path, &error))
}

/// A setting of the user.
///
/// # Errors
///
/// When it is not set.
pub fn get_user(state: &Path, key: &str) -> Result<Setting, Failure> {
    let known = USER_KEYS.iter().map(|key| (*key).to_owned()).collect();
    list_user(state)?.into_iter().find(|one| one.key == key).ok_or_else(|| not_set(key, known))
}

/// Sets or removes a setting of the user; gives whether that changed anything.
///
/// # Errors
///
/// When nothing reads such a setting, it cannot be that, or the file cannot be written.
pub fn change_user(state: &Path, key: &str, new: Option<&str>) -> Result<bool, Failure> {
    let Some(name) = USER_KEYS.iter().find(|known| **known == key).and_then(|key| key.strip_prefix("cloud.")) else {
        let failure = Failure::new("E-CFG-UNKNOWN-KEY", ExitCode::Config, format!("the user has no setting `{key}`"));
        return Err(failure.hint(match nearest(key, USER_KEYS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is {}", USER_KEYS.join(", ")),
        }));
    };
    if let (Some(address), "endpoint") = (new, name) {
        endpoint::parse(address, true).map_err(|error| {
            Failure::new("E-CLOUD-ENDPOINT", ExitCode::Config, error.to_string())
                .hint("it is an address such as `https://cloud.example`")
        })?;
    }
    let before = list_user(state)?.into_iter().find(|one| one.key == key).map(|one| one.value);
    if new.is_none() && before.is_none() {
        return Err(not_set(key, USER_KEYS.iter().map(|key| (*key).to_owned()).collect()));
    }
    Preferences::set(state, name, new)?;
    Ok(before != new.map(Value::from))
}

fn text(project: &Project) -> Result<String, Failure> {
    let file = project.file();
    fs::read_to_string(file).map_err(|error| Failure::file("read", file, &error))
}

fn check(text: &str) -> Result<(), Failure> {
    Ok(Config::parse(FILE_NAME, text).map(|_| ())?)
}

/// The keys that are written below a table, as they are typed.
fn known(text: &str, table: &[String]) -> Vec<String> {
    let table: String = table.iter().map(|step| format!("{step}.")).collect();
    let all = view::written(text).unwrap_or_default();
    all.into_iter().filter_map(|one| Some(one.key.strip_prefix(&table)?.to_owned())).collect()
}

fn not_set(key: &str, known: Vec<String>) -> Failure {
    let failure = Failure::new("E-STATE-NOT-SET", ExitCode::State, format!("`{key}` is not set"));
    match nearest(key, known.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("see what is: `helix config list`"),
    }
}

fn no_toml(path: &Path, error: &toml_edit::TomlError) -> Failure {
    let message = format!("`{}` is no TOML", path.display());
    Failure::new("E-CFG-SYNTAX", ExitCode::Config, message).cause(error.to_string()).hint("correct it, or remove it")
}
