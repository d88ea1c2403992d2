//! Keys of Helix Cloud: `credentials.toml`, one table a profile, for its owner's eyes only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use toml_edit::{DocumentMut, Item, Table, value};

use crate::errors::{ExitCode, Failure};
use crate::utils::write_private;

/// The profile of whoever names none.
pub const DEFAULT_PROFILE: &str = "default";
const FILE_NAME: &str = "credentials.toml";
/// The file of version 2.
const OLD_FILE_NAME: &str = "credentials";

/// A login.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Where.
    pub endpoint: Option<String>,
    /// Who, when that is known.
    pub user_id: Option<String>,
    /// The key.
    pub key: SecretString,
    /// Since when, RFC 3339.
    pub created_at: Option<String>,
    /// Whether plain HTTP to another machine was accepted.
    pub insecure_http: bool,
}

/// All logins.
#[derive(Clone, Debug)]
pub struct Credentials {
    path: PathBuf,
    document: DocumentMut,
    profiles: Vec<(String, Profile)>,
}

impl Credentials {
    /// Reads the logins. Those of version 2 are taken over once: its file stays as it is.
    ///
    /// # Errors
    ///
    /// When the file is open to others, or cannot be read.
    pub fn load(state: &Path) -> Result<Self, Failure> {
        let path = state.join(FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(text) => {
                refuse_open(&path)?;
                Self::parse(path, &text)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::of_version_2(state, path),
            Err(error) => Err(Failure::file("read", &path, &error)),
        }
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, Failure> {
        // What the parser says may quote a line, and so a key.
        let damaged = || {
            Failure::new(
                "E-AUTH-DAMAGED",
                ExitCode::Auth,
                format!("`{}` cannot be read as TOML with a key in each profile", path.display()),
            )
            .hint("remove it and log in again: `helix auth login`")
        };
        let document: DocumentMut = text.parse().map_err(|_| damaged())?;
        let mut profiles = Vec::new();
        if let Some(table) = document.get("profile").and_then(Item::as_table_like) {
            for (name, item) in table.iter() {
                let profile = item.as_table_like().ok_or_else(damaged)?;
                let text = |key: &str| profile.get(key).and_then(Item::as_str).map(str::to_owned);
                let key = text("key").filter(|key| !key.is_empty()).ok_or_else(damaged)?;
                let found = Profile {
                    endpoint: text("endpoint"),
                    user_id: text("user_id"),
                    key: key.into(),
                    created_at: text("created_at"),
                    insecure_http: profile.get("insecure_http").and_then(Item::as_bool).unwrap_or_default(),
                };
                profiles.push((name.to_owned(), found));
            }
        }
        Ok(Self { path, document, profiles })
    }

    fn of_version_2(state: &Path, path: PathBuf) -> Result<Self, Failure> {
        let mut credentials = Self { path, document: DocumentMut::new(), profiles: Vec::new() };
        let old = state.join(OLD_FILE_NAME);
        let text = match fs::read_to_string(&old) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(credentials),
            Err(error) => return Err(Failure::file("read", &old, &error)),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let pairs: Vec<(&str, &str)> =
            lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.trim(), value.trim())).collect();
        let find = |wanted: &str| {
            pairs
                .iter()
                .find(|(name, value)| *name == wanted && !value.is_empty())
                .map(|(_, value)| (*value).to_owned())
        };
        if let (Some(user_id), Some(key)) = (find("helix_user_id"), find("helix_user_key")) {
            let profile = Profile {
                endpoint: None,
                user_id: Some(user_id),
                key: key.into(),
                created_at: None,
                insecure_http: false,
            };
            credentials.set(DEFAULT_PROFILE, &profile)?;
        }
        Ok(credentials)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|(name, _)| name.as_str())
    }

    /// A profile.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|(known, _)| known == name).map(|(_, profile)| profile)
    }

    /// Keeps a login.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn set(&mut self, name: &str, profile: &Profile) -> Result<(), Failure> {
        let mut table = Table::new();
        let texts = [
            ("endpoint", profile.endpoint.as_deref()),
            ("user_id", profile.user_id.as_deref()),
            ("key", Some(profile.key.expose_secret())),
            ("created_at", profile.created_at.as_deref()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                table.insert(key, value(text));
            }
        }
        if profile.insecure_http {
            table.insert("insecure_http", value(true));
        }
        let profiles = self.document.entry("profile").or_insert_with(|| {
            let mut profiles = Table::new();
            profiles.set_implicit(true);
            Item::Table(profiles)
        });
        if let Some(profiles) = profiles.as_table_like_mut() {
            profiles.insert(name, Item::Table(table));
        }
        self.save()
    }

    /// Forgets a login; gives what it was. The file stays, so that those of version 2 are not taken over again.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn remove(&mut self, name: &str) -> Result<Option<Profile>, Failure> {
        let removed = self.get(name).cloned();
        if removed.is_some() {
            if let Some(profiles) = self.document.get_mut("profile").and_then(Item::as_table_like_mut) {
                profiles.remove(name);
            }
            self.save()?;
        }
        Ok(removed)
    }

    fn save(&mut self) -> Result<(), Failure> {
        let text = self.document.to_string();
        write_private(&self.path, text.as_bytes()).map_err(|error| Failure::file("write", &self.path, &error))?;
        *self = Self::parse(self.path.clone(), &text)?;
        Ok(())
    }
}

/// Fails when others may read a file of keys.
/// Fails when others may read a file that holds keys.
///
/// # Errors
///
/// Then, and when it cannot be looked at.
pub(in crate::ops) fn refuse_open(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let message = format!("`{}` holds keys, and others may read it (mode {mode:o})", path.display());
    Err(Failure::new("E-AUTH-PERMISSIONS", ExitCode::Auth, message).hint(format!(
        "close it: `chmod 600 {}`; if others had access, log in again, which changes the key",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn profile(key: &str) -> Profile {
        Profile {
            endpoint: Some("https://a.example".to_owned()),
            user_id: None,
            key: key.to_owned().into(),
            created_at: None,
            insecure_http: false,
        }
    }

    #[test]
    fn logins_are_kept_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::load(folder.path()).unwrap();
        credentials.set("default", &profile("one")).unwrap();
        credentials.set("work", &profile("two")).unwrap();
        let mode = fs::metadata(credentials.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let read = Credentials::load(folder.path()).unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), ["default", "work"]);
        assert_eq!(read.get("work").unwrap().key.expose_secret(), "two");
        fs::set_permissions(credentials.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Credentials::load(folder.path()).unwrap_err().code, "E-AUTH-PERMISSIONS");
    }

    #[test]
    fn those_of_version_2_are_taken_over_once() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("credentials");
        fs::write(&old, "# mine\nhelix_user_id = 7\nhelix_user_key=abc=d\nother=1\n").unwrap();
        let mut credentials = Credentials::load(folder.path()).unwrap();
        let taken = credentials.get("default").unwrap();
        assert_eq!((taken.key.expose_secret(), taken.user_id.as_deref()), ("abc=d", Some("7")));
        credentials.remove("default").unwrap();
        assert!(old.exists());
        assert!(Credentials::load(folder.path()).unwrap().get("default").is_none());
    }

    #[test]
    fn a_damaged_file_shows_nothing_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        write_private(&folder.path().join("credentials.toml"), b"[profile.a]\nkey = planted\n").unwrap();
        let failure = Credentials::load(folder.path()).unwrap_err();
        assert!(!format!("{failure:?}").contains("planted"));
    }
}
