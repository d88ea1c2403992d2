//! Compressed layers, by the digest of what they were before: the same layer is compressed once. The oldest go when there are too many.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::registry::error::{RegistryError, Result};
use crate::registry::manifest::{Descriptor, LAYER};
use crate::registry::{Blob, Content};
use crate::utils::write_atomic;

/// The room that layers may take.
const MAX_BYTES: u64 = 4 << 30;
const SCRATCH: &str = "tmp-";
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Cache(PathBuf);

/// What is known of a compressed layer.
#[derive(Serialize, Deserialize)]
struct Record {
    digest: String,
    size: u64,
}

fn name(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

impl Cache {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(RegistryError::file("create", folder))?;
        Ok(Self(folder.to_owned()))
    }

    /// A place beside what is kept, for files that are moved there.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir> {
        tempfile::Builder::new().prefix(SCRATCH).tempdir_in(&self.0).map_err(RegistryError::file("create", &self.0))
    }

    fn layer_file(&self, diff_id: &str) -> PathBuf {
        self.0.join(format!("{}.layer", name(diff_id)))
    }

    fn record_file(&self, diff_id: &str) -> PathBuf {
        self.0.join(format!("{}.json", name(diff_id)))
    }

    fn config_file(&self, id: &str) -> PathBuf {
        self.0.join(format!("{}.config", name(id)))
    }

    /// The compressed layer, when it is here as a whole.
    pub(super) fn layer(&self, diff_id: &str) -> Option<Blob> {
        let record: Record = serde_json::from_slice(&fs::read(self.record_file(diff_id)).ok()?).ok()?;
        let path = self.layer_file(diff_id);
        let file = fs::File::open(&path).ok()?;
        if file.metadata().ok()?.len() != record.size {
            return None;
        }
        // The least used goes first.
        let _ = file.set_modified(SystemTime::now());
        Some(Blob { descriptor: Descriptor::new(LAYER, record.digest, record.size), content: Content::File(path) })
    }

    /// Keeps a compressed layer.
    pub(super) fn keep_layer(&self, diff_id: &str, file: &Path, digest: String, size: u64) -> Result<()> {
        let path = self.layer_file(diff_id);
        fs::rename(file, &path).map_err(RegistryError::file("write", &path))?;
        let record = serde_json::to_vec(&Record { digest, size }).expect("a record is JSON");
        let path = self.record_file(diff_id);
        write_atomic(&path, &record).map_err(RegistryError::file("write", &path))
    }

    /// The configuration of an image.
    pub(super) fn config(&self, id: &str) -> Option<Bytes> {
        fs::read(self.config_file(id)).ok().map(Bytes::from)
    }

    /// Keeps the configuration of an image.
    pub(super) fn keep_config(&self, id: &str, config: &[u8]) -> Result<()> {
        let path = self.config_file(id);
        write_atomic(&path, config).map_err(RegistryError::file("write", &path))
    }

    /// Removes the least used layers, but for those of `used`, until the others are few enough.
    pub(super) fn trim(&self, used: &[String]) -> io::Result<()> {
        self.trim_to(used, MAX_BYTES)
    }

    fn trim_to(&self, used: &[String], most: u64) -> io::Result<()> {
        let used: Vec<PathBuf> = used.iter().map(|diff_id| self.layer_file(diff_id)).collect();
        let mut layers = Vec::new();
        for entry in fs::read_dir(&self.0)?.flatten() {
            let (path, metadata) = (entry.path(), entry.metadata()?);
            let is_scratch = metadata.is_dir() && entry.file_name().to_string_lossy().starts_with(SCRATCH);
            if is_scratch && metadata.modified()?.elapsed().is_ok_and(|age| age > ABANDONED) {
                // Whoever made it was killed.
                fs::remove_dir_all(&path)?;
            } else if path.extension().is_some_and(|extension| extension == "layer") {
                layers.push((metadata.modified()?, metadata.len(), path));
            }
        }
        layers.sort();
        let mut total: u64 = layers.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in layers.into_iter().filter(|(_, _, path)| !used.contains(path)) {
            if total <= most {
                break;
            }
            fs::remove_file(path.with_extension("json"))?;
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_layers_go_and_damaged_ones_are_not_given() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        for (age, name) in ["sha256:a", "sha256:b", "sha256:c"].into_iter().rev().enumerate() {
            let file = cache.scratch().unwrap().keep().join("x");
            fs::write(&file, [0; 10]).unwrap();
            cache.keep_layer(name, &file, format!("d{name}"), 10).unwrap();
            let then = SystemTime::now() - Duration::from_secs(60 * age as u64);
            fs::File::options().write(true).open(cache.layer_file(name)).unwrap().set_modified(then).unwrap();
        }
        cache.trim_to(&["sha256:a".to_owned()], 20).unwrap();
        assert!(cache.layer("sha256:a").is_some() && cache.layer("sha256:c").is_some(), "one is used, one is young");
        assert!(cache.layer("sha256:b").is_none());
        fs::write(cache.layer_file("sha256:c"), [0; 9]).unwrap();
        assert!(cache.layer("sha256:c").is_none());
    }
}
