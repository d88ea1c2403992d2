//! Export and import: a database as lines of JSON, one file a type, and back.
//!
//! [`export`] reads one snapshot beside a process that serves the data; [`import`] fills an empty database of a stopped one. The
//! same data gives the same bytes, whenever and wherever it is exported. Items keep their ids: an export carries the secret that
//! UUIDs are made with, and an import takes it over.

mod export;
mod import;
mod line;
mod manifest;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use export::export;
pub use import::{ImportOptions, import};
pub use manifest::{Contents, Entry, MANIFEST, PLAN};

use crate::backup::BackupError;
use crate::error::EngineError;

/// A result of this part.
pub type Result<T, E = TransferError> = std::result::Result<T, E>;

/// How far a transfer is, for who waits for it on another thread, and who may stop it.
#[derive(Debug, Default)]
pub struct Progress {
    items: AtomicU64,
    stopped: AtomicBool,
}

impl Progress {
    /// Items that were written or read so far.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items.load(Ordering::Relaxed)
    }

    /// Ends the transfer, which undoes what it did.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Counts an item.
    fn item(&self) -> Result<()> {
        self.items.fetch_add(1, Ordering::Relaxed);
        self.go_on()
    }

    fn go_on(&self) -> Result<()> {
        if self.is_stopped() { Err(TransferError::Stopped) } else { Ok(()) }
    }
}

/// Why data could not be exported or imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// No program was ever activated, so that there are no types.
    #[error("there is no schema in `{}`: nothing was ever pushed to it", path.display())]
    NoSchema {
        /// The data directory, or the export.
        path: PathBuf,
    },
    /// There is no export at that place.
    #[error("`{}` is no export: {reason}", path.display())]
    NotAnExport {
        /// The place.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The export is of a newer engine.
    #[error("export `{}` has format {found}, newer than this engine's {supported}", path.display())]
    Newer {
        /// The export.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this engine reads.
        supported: u32,
    },
    /// A file of the export is not what was written.
    #[error("export file `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it differs.
        reason: String,
    },
    /// A line is no item that can be stored.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The schema of the database has no such type.
    #[error("`{}` holds items of `{name}`, which the schema of the instance does not have", path.display())]
    UnknownType {
        /// The file.
        path: PathBuf,
        /// The type.
        name: String,
    },
    /// The database that is to be filled holds something.
    #[error("there is data in `{}` already: {items} items", path.display())]
    NotEmpty {
        /// The data directory.
        path: PathBuf,
        /// What it holds.
        items: u64,
    },
    /// The indexes of the filled database do not agree with its rows.
    #[error("the imported data is not sound: {}", findings.join("; "))]
    Unsound {
        /// What does not agree.
        findings: Vec<String>,
    },
    /// It was told to stop.
    #[error("the transfer was stopped; nothing was changed")]
    Stopped,
    /// A file or folder could not be used, or another process uses it.
    #[error(transparent)]
    Files(#[from] BackupError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TransferError {
    let failed = crate::backup::files::failed(action, path);
    move |error| failed(error).into()
}
