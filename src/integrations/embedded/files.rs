//! Where an embedded instance keeps its files, and how they are written.
//!
//! Nothing below [`Files::home`] is irreplaceable; the data is in [`Files::data`].

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{EmbeddedError, Result};

/// The places of one instance.
#[derive(Clone, Debug)]
pub struct Files {
    name: String,
    home: PathBuf,
    data: PathBuf,
}

impl Files {
    /// The places of the instance `name`, whose workspace is `home` and whose data is in `data`. Both are absolute.
    #[must_use]
    pub fn new(name: impl Into<String>, home: PathBuf, data: PathBuf) -> Self {
        Self { name: name.into(), home, data }
    }

    /// The name of the instance.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The workspace: disposable.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What was last pushed.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.home.join("state.json")
    }

    /// One file per release.
    #[must_use]
    pub fn releases(&self) -> PathBuf {
        self.home.join("releases")
    }

    /// Encoded plans by digest.
    #[must_use]
    pub fn plans(&self) -> PathBuf {
        self.home.join("plans")
    }

    /// What the running process wrote about itself.
    #[must_use]
    pub fn process(&self) -> PathBuf {
        self.home.join("process.json")
    }

    /// Locked for as long as the process lives.
    #[must_use]
    pub fn process_lock(&self) -> PathBuf {
        self.home.join("process.lock")
    }

    /// The private directory of the control socket.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.home.join("run")
    }

    /// What the process is started with.
    #[must_use]
    pub fn launch(&self) -> PathBuf {
        self.home.join("run").join("launch.json")
    }

    /// The log directory.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.home.join("logs")
    }

    /// The current log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.logs().join("instance.log")
    }

    /// What the process wrote to its standard streams: normally nothing.
    #[must_use]
    pub fn stdio(&self) -> PathBuf {
        self.logs().join("stdio.log")
    }

    /// Creates the workspace.
    ///
    /// # Errors
    ///
    /// When a directory cannot be created.
    pub fn create(&self) -> Result<()> {
        for directory in [self.home.clone(), self.logs(), self.plans(), self.releases()] {
            fs::create_dir_all(&directory).map_err(EmbeddedError::file("create", &directory))?;
        }
        create_private_dir(&self.run())
    }
}

/// Creates a directory that only its owner may enter, or narrows an existing one.
///
/// # Errors
///
/// When that is not possible.
pub fn create_private_dir(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.map_err(EmbeddedError::file("create", path))?;
    let permissions = fs::Permissions::from_mode(0o700);
    fs::set_permissions(path, permissions).map_err(EmbeddedError::file("protect", path))
}

/// Replaces a file as a whole: whoever reads it sees the old or the new content, also after a crash. Mode 0600.
///
/// # Errors
///
/// When the directory cannot be written to.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_added_extension(format!("{}.tmp", std::process::id()));
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        EmbeddedError::File { action: "write", path: path.to_owned(), source }
    })
}

/// Writes a value as JSON, as [`write_atomic`] does.
///
/// # Errors
///
/// When the directory cannot be written to.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let damaged =
        |error: serde_json::Error| EmbeddedError::DamagedFile { path: path.to_owned(), reason: error.to_string() };
    let mut bytes = serde_json::to_vec_pretty(value).map_err(damaged)?;
    bytes.push(b'\n');
    write_atomic(path, &bytes)
}

/// Reads a JSON file; `None` when there is none.
///
/// # Errors
///
/// When it cannot be read, or does not hold a `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(EmbeddedError::file("read", path)(source)),
    };
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|error| EmbeddedError::DamagedFile { path: path.to_owned(), reason: error.to_string() })
}

/// Removes a file; that it is not there is fine.
///
/// # Errors
///
/// When it is there and cannot be removed.
pub fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(EmbeddedError::file("remove", path)(source))
        }
        _ => Ok(()),
    }
}

/// Removes a directory with all that is in it; that it is not there is fine. Returns whether it was there.
///
/// # Errors
///
/// When it is there and cannot be removed.
pub fn remove_dir(path: &Path) -> Result<bool> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(true),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(EmbeddedError::file("remove", path)(source)),
    }
}
