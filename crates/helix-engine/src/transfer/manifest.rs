//! What an export says of itself. It names no time and no instance, so that the same data gives the same bytes.

use std::fs;
use std::path::Path;

use helix_plan::{ItemKind, Program};
use serde::{Deserialize, Serialize};

use super::{Result, TransferError, failed};
use crate::backup::StoredFile;
use crate::backup::files;

/// The name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// The name of the file with the active program, as `helix_plan` encodes it.
pub const PLAN: &str = "plan.bin";
/// The version of the manifest and the lines.
const FORMAT: u32 = 1;

/// What an export holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The version of the manifest and the lines.
    pub format: u32,
    /// The version of the engine that made it.
    pub engine_version: String,
    /// The digest of the program that was active.
    pub plan_digest: String,
    /// What UUIDs are made with, 16 bytes in hex. A secret: who has it can guess ids.
    pub secret: String,
    /// The last id that was given.
    pub last_id: u64,
    /// The file of the program.
    pub plan: StoredFile,
    /// The types, in the order of the program: nodes, vectors, edges.
    pub types: Vec<Entry>,
}

/// A type, and the file with its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `nodes`, `vectors` or `edges`.
    pub kind: String,
    /// The type's name.
    pub name: String,
    /// How many items there are.
    pub items: u64,
    /// The file.
    pub file: StoredFile,
}

impl Contents {
    pub(super) fn new(program: &Program, secret: [u8; 16], last_id: u64, plan: StoredFile, types: Vec<Entry>) -> Self {
        Self {
            format: FORMAT,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan_digest: program.digest().to_string(),
            secret: hex::encode(secret),
            last_id,
            plan,
            types,
        }
    }

    /// All items.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.types.iter().map(|ty| ty.items).sum()
    }

    /// The bytes of the secret.
    pub(super) fn secret(&self, folder: &Path) -> Result<[u8; 16]> {
        let mut secret = [0; 16];
        hex::decode_to_slice(&self.secret, &mut secret).map_err(|_| TransferError::Damaged {
            path: folder.join(MANIFEST),
            reason: "its secret is not 16 bytes in hex".to_owned(),
        })?;
        Ok(secret)
    }

    /// Writes it into the folder of the export.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        use std::io::Write as _;

        let path = folder.join(MANIFEST);
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| failed("write", &path)(error.into()))?;
        bytes.push(b'\n');
        let mut file = files::create(&path)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed("write", &path))
    }

    /// Reads it from the folder of an export.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                let reason = format!("it has no `{MANIFEST}`");
                return Err(TransferError::NotAnExport { path: folder.to_owned(), reason });
            }
            Err(error) => return Err(failed("read", &path)(error)),
        };
        // Its manifest has a format too, which counts something else.
        if folder.join(crate::backup::DATA).exists() {
            let reason = "it is a backup, which is for `helix restore`".to_owned();
            return Err(TransferError::NotAnExport { path: folder.to_owned(), reason });
        }
        /// What every version has.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let damaged =
            |error: serde_json::Error| TransferError::Damaged { path: path.clone(), reason: error.to_string() };
        let Version { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if format > FORMAT {
            return Err(TransferError::Newer { path: folder.to_owned(), found: format, supported: FORMAT });
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }
}

/// How a kind is called in manifests and the names of files.
pub(super) const fn kind_name(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Node => "nodes",
        ItemKind::Edge => "edges",
        ItemKind::Vector => "vectors",
    }
}

/// The kinds in the order of export and import: edges join what is there already.
pub(super) const KINDS: [ItemKind; 3] = [ItemKind::Node, ItemKind::Vector, ItemKind::Edge];

/// The file of a type.
pub(super) fn file_name(kind: ItemKind, name: &str) -> String {
    format!("{}.{name}.jsonl", kind_name(kind))
}

/// Fails when a file is not what its manifest says.
pub(super) fn compare(path: &Path, found: (u64, &str), known: &StoredFile) -> Result<()> {
    let reason = if found.0 != known.size_bytes {
        format!("it has {} bytes, not {}", found.0, known.size_bytes)
    } else if found.1 != known.sha256 {
        "its SHA-256 is not that of the manifest".to_owned()
    } else {
        return Ok(());
    };
    Err(TransferError::Damaged { path: path.to_owned(), reason })
}

/// The active program of the export.
pub(super) fn read_plan(folder: &Path, contents: &Contents) -> Result<Program> {
    let path = folder.join(PLAN);
    let mut bytes = Vec::new();
    let mut file = fs::File::open(&path).map_err(failed("read", &path))?;
    let (size, sha256) = files::pour(&mut file, &mut bytes).map_err(failed("read", &path))?;
    compare(&path, (size, &sha256), &contents.plan)?;
    Program::decode(&bytes).map_err(|error| TransferError::Damaged { path, reason: error.to_string() })
}
