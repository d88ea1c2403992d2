//! What was built last for an instance: `.helix/NAME/build.json`, so that unchanged inputs build nothing.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::{BuildError, Result};
use crate::utils::write_atomic;

/// What was built last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The executable.
    pub binary: Option<BinaryRecord>,
    /// The image.
    pub image: Option<ImageRecord>,
}

/// An image that was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The hash of what it was built from.
    pub inputs: String,
    /// The digest of its configuration.
    pub id: String,
    /// The names that it got.
    pub tags: Vec<String>,
}

/// An executable that was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryRecord {
    /// The hash of what it was built from.
    pub inputs: String,
    /// Where it is.
    pub path: PathBuf,
    /// The hash of what it is.
    pub sha256: String,
}

impl Record {
    /// The record of the instance whose workspace is `home`. One that cannot be read is as good as none.
    #[must_use]
    pub fn load(home: &Path) -> Self {
        fs::read(file(home)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Remembers it.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn save(&self, home: &Path) -> Result<()> {
        let path = file(home);
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        write_atomic(&path, &bytes).map_err(BuildError::file("write", path))
    }
}

fn file(home: &Path) -> PathBuf {
    home.join("build.json")
}

/// The hash of a file's content, `sha256:…`.
///
/// # Errors
///
/// When it cannot be read.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(format!("sha256:{}", hex::encode(hash.finalize()))),
            length => hash.update(&buffer[..length]),
        }
    }
}
