//! Changes to the text of a project file that keep its comments, its order and what we do not know.

use toml_edit::{DocumentMut, Item, Table};

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

fn implicit() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}
