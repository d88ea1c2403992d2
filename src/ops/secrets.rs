//! Secrets of instances of this machine: one encrypted file a project, `.helix/secrets.age`, whose key is elsewhere.
//!
//! The format is that of age, <https://age-encryption.org/v1>, so that the file can be opened without helix.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use age::x25519::Identity;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::config::Local;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::role::SecretInfo;
use crate::ops::cloud::credentials::refuse_open;
use crate::project::{FOR_THE_TOOL, Project};
use crate::utils::write_private;

/// The variable that holds the key itself, and the one that names its file.
const IDENTITY: &str = "HELIX_AGE_IDENTITY";
const IDENTITY_FILE: &str = "HELIX_AGE_IDENTITY_FILE";
/// The file of a key that is made here, among those of helix.
const OWN_IDENTITY: &str = "secrets.key";
/// The version of what is in the file.
const VERSION: u32 = 1;

/// The encrypted file of a project.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    state: PathBuf,
    identity: Option<SecretString>,
    identity_file: Option<PathBuf>,
}

/// What is in it.
#[derive(Default, Serialize, Deserialize)]
struct Contents {
    version: u32,
    /// What digests are keyed with: equal values of two projects do not look equal.
    salt: String,
    instances: BTreeMap<String, BTreeMap<String, Stored>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    value: String,
    /// RFC 3339.
    set_at: String,
}

impl Store {
    /// That of a project. Nothing is read yet.
    #[must_use]
    pub fn of(ctx: &Ctx, project: &Project) -> Self {
        Self {
            path: project.root().join(".helix").join("secrets.age"),
            state: ctx.dirs.state.clone(),
            identity: ctx.var(IDENTITY).map(SecretString::from),
            identity_file: ctx.var(IDENTITY_FILE).map(|file| ctx.cwd.join(file)),
        }
    }

    /// The secrets of an instance, by name.
    ///
    /// # Errors
    ///
    /// When the file is open to others or damaged, or its key is missing or another one.
    pub fn values(&self, instance: &str) -> Result<BTreeMap<String, SecretString>, Failure> {
        let found = self.read()?.and_then(|mut contents| contents.instances.remove(instance)).unwrap_or_default();
        Ok(found.into_iter().map(|(name, stored)| (name, SecretString::from(stored.value))).collect())
    }

    /// The names of an instance's secrets, with what tells values apart.
    ///
    /// # Errors
    ///
    /// As [`Store::values`].
    pub fn list(&self, instance: &str) -> Result<Vec<SecretInfo>, Failure> {
        let Some(contents) = self.read()? else { return Ok(Vec::new()) };
        let all = contents.instances.get(instance).into_iter().flatten();
        let info = |(name, stored): (&String, &Stored)| SecretInfo {
            name: name.clone(),
            digest: Some(digest(&contents.salt, &stored.value)),
            updated_at: Some(stored.set_at.clone()),
        };
        Ok(all.map(info).collect())
    }

    /// Sets secrets of an instance, and removes those without a value. A key is made where there is none; then its file is given.
    ///
    /// # Errors
    ///
    /// As [`Store::values`], or when the file cannot be written.
    pub fn change(
        &self,
        instance: &str,
        values: &BTreeMap<String, Option<SecretString>>,
    ) -> Result<Option<PathBuf>, Failure> {
        // The file is that of the project: commands for its other instances change it as well.
        let _lock = self.lock()?;
        let mut contents = self.read()?.unwrap_or_else(|| Contents {
            version: VERSION,
            salt: uuid::Uuid::new_v4().simple().to_string(),
            instances: BTreeMap::new(),
        });
        let own = contents.instances.entry(instance.to_owned()).or_default();
        for (name, value) in values {
            match value {
                Some(value) => {
                    let set_at = jiff::Timestamp::now().to_string();
                    own.insert(name.clone(), Stored { value: value.expose_secret().to_owned(), set_at });
                }
                None => {
                    own.remove(name);
                }
            }
        }
        let (identity, made) = match self.identity()? {
            Some(identity) => (identity, None),
            None => self.make_identity().map(|(identity, file)| (identity, Some(file)))?,
        };
        let plain =
            SecretString::from(serde_json::to_string(&contents).map_err(|error| Failure::internal(error.to_string()))?);
        let closed = age::encrypt(&identity.to_public(), plain.expose_secret().as_bytes())
            .map_err(|error| Failure::internal(error.to_string()))?;
        write_private(&self.path, &closed).map_err(|error| Failure::file("write", &self.path, &error))?;
        Ok(made)
    }

    /// Removes all secrets of an instance that is no more.
    ///
    /// # Errors
    ///
    /// As [`Store::change`].
    pub fn forget(&self, instance: &str) -> Result<(), Failure> {
        let names = self.values(instance)?;
        if names.is_empty() {
            return Ok(());
        }
        self.change(instance, &names.into_keys().map(|name| (name, None)).collect()).map(drop)
    }

    /// The right to change the file; let go with the value. Nobody keeps it for longer than a change takes.
    fn lock(&self) -> Result<fs::File, Failure> {
        let path = self.path.with_extension("lock");
        let open = || {
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            file.lock().map(|()| file)
        };
        open().map_err(|error| Failure::file("lock", &path, &error))
    }

    fn read(&self) -> Result<Option<Contents>, Failure> {
        let closed = match fs::read(&self.path) {
            Ok(closed) => closed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file("read", &self.path, &error)),
        };
        refuse_open(&self.path)?;
        let refused = |code: &str, why: &str, hint: String| {
            let message = format!("`{}` cannot be opened: {why}", self.path.display());
            Failure::new(code, ExitCode::State, message).hint(hint)
        };
        let Some(identity) = self.identity()? else {
            let hint = format!(
                "set {IDENTITY} or {IDENTITY_FILE} to the key that it was written with; if that is lost, remove the file and set \
                     the secrets anew"
            );
            return Err(refused("E-SECRET-KEY", "its key is not on this machine", hint));
        };
        let plain = age::decrypt(&identity, &closed).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => {
                let hint = format!(
                    "set {IDENTITY} or {IDENTITY_FILE} to the key that it was written with; if that is lost, remove the file and set \
                     the secrets anew"
                );
                refused("E-SECRET-KEY", "it was written with another key", hint)
            }
            error => {
                let hint = "take it from a backup, or remove it and set the secrets again".to_owned();
                refused("E-SECRET-DAMAGED", &error.to_string(), hint)
            }
        })?;
        let contents: Contents = serde_json::from_slice(&plain).map_err(|_| {
            refused("E-SECRET-DAMAGED", "what is in it is not understood", "was it written by helix?".to_owned())
        })?;
        if contents.version != VERSION {
            let hint = "use the version of helix that wrote it".to_owned();
            return Err(refused("E-SECRET-VERSION", "it is of another version", hint));
        }
        Ok(Some(contents))
    }

    /// The key, where there is one.
    fn identity(&self) -> Result<Option<Identity>, Failure> {
        if let Some(identity) = &self.identity {
            return parse(identity.expose_secret(), IDENTITY).map(Some);
        }
        let (path, is_named) = match &self.identity_file {
            Some(path) => (path.clone(), true),
            None => (self.state.join(OWN_IDENTITY), false),
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                refuse_open(&path)?;
                parse(&text, &path.display().to_string()).map(Some)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => Ok(None),
            Err(error) => Err(Failure::file("read", &path, &error)),
        }
    }

    fn make_identity(&self) -> Result<(Identity, PathBuf), Failure> {
        let identity = Identity::generate();
        let path = self.state.join(OWN_IDENTITY);
        let text =
            format!("# Opens the secrets of helix projects of this user.\n{}\n", identity.to_string().expose_secret());
        let put = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.state)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.state)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            // Another project may have made one meanwhile: its secrets depend on it.
            file.persist_noclobber(&path).map(drop).map_err(|error| error.error)
        };
        match put() {
            Ok(()) => Ok((identity, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let found = self.identity()?.ok_or_else(|| Failure::internal("the key of secrets is gone"))?;
                Ok((found, path))
            }
            Err(error) => Err(Failure::file("write", &path, &error)),
        }
    }
}

/// The key in a text: the line that is no comment.
fn parse(text: &str, place: &str) -> Result<Identity, Failure> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    line.parse().map_err(|error: &str| {
        Failure::new("E-SECRET-KEY", ExitCode::Config, format!("{place} holds no key of age: {error}"))
            .hint("it begins with `AGE-SECRET-KEY-1`; `age-keygen` makes one")
    })
}

/// What tells two values apart, and neither from one of another project.
fn digest(salt: &str, value: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).expect("any length is a key");
    mac.update(value.as_bytes());
    hex::encode(mac.finalize().into_bytes()).chars().take(16).collect()
}

/// Whether secrets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are: a server may be started with them.
    Opened,
    /// They are not: nothing is started, and a key that was lost must not be in the way of that.
    Closed,
}

/// The variables of an instance of this machine: what the project gives it, and above that its secrets. What this process has as well
/// is left to it; what is for this tool alone is left out.
///
/// # Errors
///
/// When a file of variables or the secrets cannot be read.
pub fn environment(
    ctx: &Ctx,
    project: &Project,
    name: &str,
    local: &Local,
    process: &BTreeMap<String, String>,
    secrets: Secrets,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = project.environment(name, &local.env, process, &ctx.env_files)?;
    let values = match secrets {
        Secrets::Opened => Store::of(ctx, project).values(name)?,
        Secrets::Closed => BTreeMap::new(),
    };
    for (variable, value) in values {
        if !process.contains_key(&variable) {
            variables.insert(variable, value.expose_secret().to_owned());
        }
    }
    variables.retain(|variable, _| !FOR_THE_TOOL.contains(&variable.as_str()));
    Ok(variables)
}

/// A text of variables in the syntax of `.env` files, each value in single quotes where it can be.
#[must_use]
pub fn dotenv(values: &BTreeMap<String, SecretString>) -> SecretString {
    let line = |(name, value): (&String, &SecretString)| format!("{name}={}\n", quoted(value.expose_secret()));
    SecretString::from(values.iter().map(line).collect::<String>())
}

fn quoted(value: &str) -> String {
    if !value.contains(['\'', '\n', '\r']) {
        return format!("'{value}'");
    }
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests;
