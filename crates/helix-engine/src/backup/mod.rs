//! Backups: a consistent copy of a data directory with a manifest, and the way back.
//!
//! [`copy()`] and [`archive()`] read beside a process that serves the data; [`restore`](restore::restore)
//! needs it stopped. A backup is a folder with `data.mdb` and `manifest.json`, or the same two as one tar stream, which zstd may
//! have compressed. It gets its name last, so that whatever has the name is whole.

mod check;
pub(crate) mod files;
mod make;
mod manifest;
mod restore;

use std::io;
use std::path::PathBuf;

pub use check::{Verified, read_manifest, verify};
pub use make::{CopyOptions, Packing, adopt, archive, archive_to_file, copy};
pub use manifest::{Counts, DATA, MANIFEST, Manifest, StoredFile};
pub use restore::{Restored, SAFETY, restore};

use crate::error::EngineError;

/// A result of this part.
pub type Result<T, E = BackupError> = std::result::Result<T, E>;

/// Why a backup could not be made, checked or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The data directory holds no database.
    #[error("there is no data in `{}`", path.display())]
    NoData {
        /// The data directory.
        path: PathBuf,
    },
    /// The place for the backup is taken.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// There is no backup at that place.
    #[error("`{}` is no backup: {reason}", path.display())]
    NotABackup {
        /// The place.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A file of the backup is not what was written.
    #[error("backup file `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it differs.
        reason: String,
    },
    /// The indexes of the copy do not agree with its rows.
    #[error("the data of backup `{}` is not sound: {}", path.display(), findings.join("; "))]
    Unsound {
        /// The backup.
        path: PathBuf,
        /// What does not agree.
        findings: Vec<String>,
    },
    /// The backup is of a newer engine.
    #[error("backup `{}` has data format {found}, newer than this engine's {supported}", path.display())]
    Newer {
        /// The backup.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this engine reads.
        supported: u32,
    },
    /// The data directory is being backed up or restored.
    #[error("another backup or restore of `{}` is going on", path.display())]
    Busy {
        /// The data directory.
        path: PathBuf,
    },
    /// There is not enough room.
    #[error("`{}` has {free_bytes} bytes of free room, {needed_bytes} are needed", path.display())]
    NoRoom {
        /// The folder that is written to.
        path: PathBuf,
        /// What is needed.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// A file could not be used.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
