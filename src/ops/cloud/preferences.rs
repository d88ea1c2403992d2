//! What the user chose once for all projects: the `[cloud]` table of `config.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, value};

use crate::errors::{ExitCode, Failure};
use crate::utils::write_private;

const FILE_NAME: &str = "config.toml";
/// The file of version 2.
const OLD_FILE_NAME: &str = "config";

/// The choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Where the service is.
    pub endpoint: Option<String>,
    /// The workspace.
    pub workspace_id: Option<String>,
    /// The profile.
    pub profile: Option<String>,
}

/// The file that they are in.
#[must_use]
pub fn file(state: &Path) -> PathBuf {
    state.join(FILE_NAME)
}

impl Preferences {
    /// Reads them. The workspace that version 2 remembers counts as long as there is no file of ours.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn load(state: &Path) -> Result<Self, Failure> {
        let Some(document) = read(&file(state))? else {
            let old = read(&state.join(OLD_FILE_NAME))?;
            let workspace_id = old.and_then(|old| Some(old.get("workspace_id")?.as_str()?.to_owned()));
            return Ok(Self { workspace_id, ..Self::default() });
        };
        let text = |key: &str| {
            let found = document.get("cloud").and_then(Item::as_table_like)?.get(key)?.as_str()?;
            Some(found.to_owned()).filter(|found| !found.is_empty())
        };
        Ok(Self { endpoint: text("endpoint"), workspace_id: text("workspace_id"), profile: text("profile") })
    }

    /// Remembers a choice, or forgets it; everything else in the file stays as it is.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn set(state: &Path, key: &str, choice: Option<&str>) -> Result<(), Failure> {
        let path = file(state);
        let document = match read(&path)? {
            Some(document) => Some(document),
            // What version 2 remembers must not be lost by another choice.
            None => {
                let known = Self::load(state)?.workspace_id;
                known.map(|id| {
                    let mut document = DocumentMut::new();
                    document.insert("cloud", Item::Table(Table::from_iter([("workspace_id", value(id))])));
                    document
                })
            }
        };
        let mut document = document.unwrap_or_default();
        let cloud = document.entry("cloud").or_insert_with(|| Item::Table(Table::new()));
        if let Some(cloud) = cloud.as_table_like_mut() {
            match choice {
                Some(choice) => {
                    cloud.insert(key, value(choice));
                }
                None => {
                    cloud.remove(key);
                }
            }
        }
        write_private(&path, document.to_string().as_bytes()).map_err(|error| Failure::file("write", &path, &error))
    }
}

fn read(path: &Path) -> Result<Option<DocumentMut>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file("read", path, &error)),
    };
    text.parse().map(Some).map_err(|error: toml_edit::TomlError| {
        let message = format!("`{}` is no TOML", path.display());
        Failure::new("E-CFG-SYNTAX", ExitCode::Config, message)
            .cause(error.to_string())
            .hint("correct it, or remove it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_changes_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "# mine\n[ui]\nascii = true # always\n\n[cloud]\nendpoint = \"https://a.example\"\n").unwrap();
        Preferences::set(folder.path(), "workspace_id", Some("ws")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# mine\n[ui]\nascii = true # always\n"), "{text}");
        let read = Preferences::load(folder.path()).unwrap();
        assert_eq!((read.endpoint.as_deref(), read.workspace_id.as_deref()), (Some("https://a.example"), Some("ws")));
        Preferences::set(folder.path(), "workspace_id", None).unwrap();
        assert_eq!(Preferences::load(folder.path()).unwrap().workspace_id, None);
    }

    #[test]
    fn the_workspace_of_version_2_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config"), "workspace_id = \"old\"\n").unwrap();
        assert_eq!(Preferences::load(folder.path()).unwrap().workspace_id.as_deref(), Some("old"));
        Preferences::set(folder.path(), "profile", Some("work")).unwrap();
        let read = Preferences::load(folder.path()).unwrap();
        assert_eq!((read.profile.as_deref(), read.workspace_id.as_deref()), (Some("work"), Some("old")));
    }
}
