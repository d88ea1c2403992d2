//! What a backup says of itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use helix_plan::ItemKind;
use serde::{Deserialize, Serialize};

use super::files::{create, failed, pour};
use super::{BackupError, Result};
use crate::catalog::{self, LiveCatalog};
use crate::graph;
use crate::storage::lmdb::Beside;
use crate::storage::meta::{self, FORMAT, Meta};
use crate::storage::{Lmdb, Store as _};

/// The name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// The name of the copy.
pub const DATA: &str = "data.mdb";
/// The version of the manifest.
const SCHEMA: u32 = 1;

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file.
    pub schema: u32,
    /// The format of the data.
    pub format: u32,
    /// The version of the engine that made the backup.
    pub engine_version: String,
    /// The digest of the active program; absent when none was ever activated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_digest: Option<String>,
    /// The instance that it is of.
    pub instance: String,
    /// When it was made, RFC 3339 in UTC.
    pub created_at: String,
    /// The last commit that it holds.
    pub last_commit: u64,
    /// The last id that was given.
    pub last_id: u64,
    /// How many items of each type there are.
    pub counts: Counts,
    /// The copy.
    pub data: StoredFile,
}

/// How many items of each type there are, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Of node types.
    pub nodes: BTreeMap<String, u64>,
    /// Of edge types.
    pub edges: BTreeMap<String, u64>,
    /// Of vector types.
    pub vectors: BTreeMap<String, u64>,
}

impl Counts {
    /// All items.
    #[must_use]
    pub fn total(&self) -> u64 {
        [&self.nodes, &self.edges, &self.vectors].into_iter().flat_map(BTreeMap::values).sum()
    }
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
}

/// Describes the copy in a folder, and writes that into the folder.
pub(super) fn write(folder: &Path, instance: &str) -> Result<Manifest> {
    let manifest = describe(folder, instance)?;
    let path = folder.join(MANIFEST);
    let mut file = create(&path)?;
    file.write_all(&encode(&manifest, &path)?).and_then(|()| file.sync_all()).map_err(failed("write", &path))?;
    Ok(manifest)
}

fn encode(manifest: &Manifest, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(manifest).map_err(|error| failed("write", path)(error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What a copy that lies still holds.
pub(super) fn describe(folder: &Path, instance: &str) -> Result<Manifest> {
    let path = folder.join(DATA);
    let data = hash(&path)?;
    let store = Lmdb::open_beside(folder, Beside::Nobody)?;
    let txn = store.read()?;
    let program = catalog::active(&txn)?;
    let mut counts = Counts::default();
    if let Some(program) = &program {
        let live = LiveCatalog::load(&txn, &program.catalog)?;
        for kind in [ItemKind::Node, ItemKind::Edge, ItemKind::Vector] {
            let counted = match kind {
                ItemKind::Node => &mut counts.nodes,
                ItemKind::Edge => &mut counts.edges,
                ItemKind::Vector => &mut counts.vectors,
            };
            for ty in live.of(kind) {
                counted.insert(ty.name.clone(), graph::count(&txn, ty)?);
            }
        }
    }
    Ok(Manifest {
        schema: SCHEMA,
        format: meta::get_array::<4>(&txn, Meta::Format)?.map_or(FORMAT, u32::from_be_bytes),
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        plan_digest: program.map(|program| program.digest().to_string()),
        instance: instance.to_owned(),
        created_at: format!("{:.3}", jiff::Timestamp::now()),
        last_commit: store.last_commit(),
        last_id: meta::get_array::<8>(&txn, Meta::LastId)?.map_or(0, u64::from_be_bytes),
        counts,
        data,
    })
}

/// The size and checksum of a file.
pub(super) fn hash(path: &Path) -> Result<StoredFile> {
    let mut file = File::open(path).map_err(failed("read", path))?;
    let (size_bytes, sha256) = pour(&mut file, &mut std::io::sink()).map_err(failed("read", path))?;
    Ok(StoredFile { name: DATA.to_owned(), size_bytes, sha256 })
}

/// The manifest of a backup that is a folder.
pub(super) fn read(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            let reason = format!("it has no `{MANIFEST}`");
            return Err(BackupError::NotABackup { path: folder.to_owned(), reason });
        }
        Err(error) => return Err(failed("read", &path)(error)),
    };
    decode(&bytes, &path)
}

/// Understands a manifest. `path` is where it was read.
pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Manifest> {
    let damaged = |reason| BackupError::Damaged { path: path.to_owned(), reason };
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    if manifest.schema > SCHEMA {
        return Err(damaged(format!("its version {} is newer than this engine's {SCHEMA}", manifest.schema)));
    }
    if manifest.format > FORMAT {
        return Err(BackupError::Newer { path: path.to_owned(), found: manifest.format, supported: FORMAT });
    }
    if manifest.data.name != DATA {
        return Err(damaged(format!("it speaks of a file `{}`", manifest.data.name)));
    }
    Ok(manifest)
}
