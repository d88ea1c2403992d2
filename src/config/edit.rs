//! Changes to the text of a project file that keep its comments, its order and what we do not know.

use toml_edit::{DocumentMut, InlineTable, Item, Key, Table, Value};

pub use toml_edit::TomlError as EditError;

/// Removes the table of an instance, and the tables that held nothing else. Returns `None` when there is none.
///
/// # Errors
///
/// When the text is not TOML.
pub fn remove_instance(text: &str, name: &str) -> Result<Option<String>, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let kinds = ["local", "cloud", "enterprise"];
    let removed = kinds.iter().any(|kind| {
        let Some(table) = document.get_mut(kind).and_then(Item::as_table_like_mut) else { return false };
        let found = table.remove(name).is_some();
        if found && table.is_empty() {
            document.remove(kind);
        }
        found
    });
    Ok(removed.then(|| document.to_string()))
}

/// Sets the port of a local instance.
///
/// # Errors
///
/// When the text is not TOML.
pub fn set_port(text: &str, name: &str, port: u16) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let local = document.entry("local").or_insert_with(|| Item::Table(implicit()));
    if let Some(local) = local.as_table_like_mut() {
        let instance = local.entry(name).or_insert_with(|| Item::Table(Table::new()));
        if let Some(instance) = instance.as_table_like_mut() {
            match instance.get_mut("port").and_then(Item::as_value_mut) {
                Some(value) => {
                    let decor = value.decor().clone();
                    *value = i64::from(port).into();
                    *value.decor_mut() = decor;
                }
                None => {
                    instance.insert("port", toml_edit::value(i64::from(port)));
                }
            }
        }
    }
    Ok(document.to_string())
}

/// The steps of a dotted key, as it is typed.
///
/// # Errors
///
/// When it is no key.
pub fn path(key: &str) -> Result<Vec<String>, EditError> {
    Ok(Key::parse(key)?.iter().map(|key| key.get().to_owned()).collect())
}

/// What is written under a key.
#[must_use]
pub fn item<'d>(document: &'d DocumentMut, path: &[String]) -> Option<&'d Item> {
    path.iter().try_fold(document.as_item(), |item, step| item.get(step.as_str()))
}

/// Sets a key; tables that it is in and that are not there are made. Returns `None` when a table is in its place, or something else in
/// that of a table.
///
/// # Errors
///
/// When the text is not TOML.
pub fn set_value(text: &str, path: &[String], new: Value) -> Result<Option<String>, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let Some((key, tables)) = path.split_last() else { return Ok(None) };
    let mut item = document.as_item_mut();
    for (depth, step) in tables.iter().enumerate() {
        let is_inline = item.is_inline_table();
        let Some(table) = item.as_table_like_mut() else { return Ok(None) };
        item = table.entry(step).or_insert_with(|| match is_inline {
            true => Item::Value(InlineTable::new().into()),
            false if depth + 1 == tables.len() => Item::Table(Table::new()),
            false => Item::Table(implicit()),
        });
    }
    let Some(table) = item.as_table_like_mut() else { return Ok(None) };
    match table.get_mut(key) {
        Some(Item::Value(value)) => {
            let decor = value.decor().clone();
            *value = new;
            *value.decor_mut() = decor;
        }
        Some(Item::Table(_) | Item::ArrayOfTables(_)) => return Ok(None),
        Some(Item::None) | None => {
            table.insert(key, toml_edit::value(new));
        }
    }
    Ok(Some(document.to_string()))
}

/// Removes a key. Returns `None` when it is not there.
///
/// # Errors
///
/// When the text is not TOML.
pub fn unset_value(text: &str, path: &[String]) -> Result<Option<String>, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let Some((key, tables)) = path.split_last() else { return Ok(None) };
    let table = tables.iter().try_fold(document.as_item_mut(), |item, step| item.get_mut(step.as_str()));
    let removed = table.and_then(Item::as_table_like_mut).and_then(|table| table.remove(key));
    Ok(removed.map(|_| document.to_string()))
}

/// Links the project to one of Helix Cloud, and gives it that one's name.
///
/// # Errors
///
/// When the text is not TOML.
pub fn link_project(text: &str, id: &str, name: &str) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let project = document.entry("project").or_insert_with(|| Item::Table(Table::new()));
    if let Some(project) = project.as_table_like_mut() {
        for (key, text) in [("name", name), ("id", id)] {
            match project.get_mut(key).and_then(Item::as_value_mut) {
                Some(value) => {
                    let decor = value.decor().clone();
                    *value = text.into();
                    *value.decor_mut() = decor;
                }
                None => {
                    project.insert(key, toml_edit::value(text));
                }
            }
        }
    }
    Ok(document.to_string())
}

/// The text with `[project]` and one cloud instance only, as it is sent along with its sources.
///
/// # Errors
///
/// When the text is not TOML.
pub fn reduce(text: &str, instance: &str) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    document.as_table_mut().retain(|key, _| key == "project" || key == "cloud");
    if let Some(cloud) = document.get_mut("cloud").and_then(Item::as_table_like_mut) {
        let others: Vec<String> =
            cloud.iter().map(|(name, _)| name.to_owned()).filter(|name| name != instance).collect();
        for other in others {
            cloud.remove(&other);
        }
        // What it extends is not there any more.
        let providers = cloud.get_mut(instance).and_then(Item::as_table_like_mut);
        for (_, provider) in providers.into_iter().flat_map(|providers| providers.iter_mut()) {
            if let Some(provider) = provider.as_table_like_mut() {
                provider.remove("extends");
            }
        }
    }
    Ok(document.to_string())
}

fn implicit() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

/// Sets a key of the table of a provider, `[cloud.NAME.PROVIDER]`, which must be there. Returns `None` when it is not.
///
/// # Errors
///
/// When the text is not TOML.
pub fn set_cloud(text: &str, name: &str, provider: &str, key: &str, new: &str) -> Result<Option<String>, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let path = ["cloud", name, provider];
    let table = path.iter().try_fold(document.as_item_mut(), |item, step| item.get_mut(step));
    let Some(table) = table.and_then(Item::as_table_like_mut) else { return Ok(None) };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = new.into();
            *value.decor_mut() = decor;
        }
        None => {
            table.insert(key, toml_edit::value(new));
        }
    }
    Ok(Some(document.to_string()))
}

/// Adds the table of an instance, `[cloud.NAME.PROVIDER]` or `[local.NAME]`, with these keys.
///
/// # Errors
///
/// When the text is not TOML.
pub fn add_instance(text: &str, path: &[&str], keys: &[(&str, toml_edit::Value)]) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let mut table = document.as_table_mut();
    for (depth, step) in path.iter().enumerate() {
        let is_last = depth + 1 == path.len();
        let made = if is_last { Table::new() } else { implicit() };
        let item = table.entry(step).or_insert_with(|| Item::Table(made));
        let Some(next) = item.as_table_mut() else { return Ok(text.to_owned()) };
        table = next;
    }
    for (key, value) in keys {
        table.insert(key, toml_edit::value(value.clone()));
    }
    Ok(document.to_string())
}
