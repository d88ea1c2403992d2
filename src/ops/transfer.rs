//! How the data of an instance becomes lines of JSON, and comes from them.

use std::fs;
use std::path::Path;

use helix_engine::transfer::{self, Contents, Entry, ImportOptions, Progress, TransferError};

use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::Files;
use crate::integrations::embedded::settings::Settings;
use crate::ui::{Page, Style};
use crate::utils::count;

/// How many items that is, in words.
#[must_use]
pub fn items(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "item", "items")
}

/// Shows the types that have items.
pub fn list(page: &mut Page, types: &[Entry]) {
    for ty in types.iter().filter(|ty| ty.items > 0) {
        page.line(Style::Plain, format_args!("  {} {}: {}", ty.kind, ty.name, ty.items));
    }
}

/// Writes the data of an instance of this machine into a new folder, whether it runs or not.
///
/// # Errors
///
/// When there is no data, the place is taken, or the disk is full. Then there is no folder.
pub fn export(files: &Files, to: &Path, progress: &Progress) -> Result<Contents, Failure> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, &error))?;
    }
    // A folder that somebody prepared is as good as none; one with something in it stays, and is an error.
    if to.is_dir() {
        let _ = fs::remove_dir(to);
    }
    Ok(transfer::export(files.data(), to, progress)?)
}

/// Fills a stopped instance without data from an export.
///
/// # Errors
///
/// When it runs or holds data, or the export is not what was written. Then it is as it was.
pub fn import(settings: &Settings, from: &Path, progress: &Progress) -> Result<Contents, Failure> {
    let options = ImportOptions { max_size_gb: settings.engine.db_max_size_gb, vectors: settings.engine.vectors() };
    transfer::import(settings.files.data(), from, &options, progress).map_err(|error| match error {
        TransferError::NotEmpty { .. } => {
            let name = settings.files.name();
            Failure::new("E-STATE-NOT-EMPTY", ExitCode::State, error.to_string()).hint(format!(
                "import into another instance, or give this data up: `helix backup {name}`, then `helix delete {name} --keep-config`"
            ))
        }
        other => other.into(),
    })
}
