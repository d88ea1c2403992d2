//! How the data of an instance becomes lines of JSON, and comes from them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use helix_engine::transfer::{self, Contents, Entry, ImportOptions, Progress, TransferError};

use super::backup::{self, Form};
use super::blocking;
use super::platform::Platform;
use crate::errors::{ExitCode, Failure};
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
pub async fn export(platform: &Platform, to: &Path, progress: &Arc<Progress>) -> Result<Contents, Failure> {
    let files = platform.files();
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, &error))?;
    // The data of a container that runs is read from a copy that was made inside.
    let copy = match platform {
        Platform::Container(_) if platform.running().await?.is_some() => Some(copy(platform, parent).await?),
        Platform::Container(_) | Platform::Embedded(_) => None,
    };
    let data = copy.as_ref().map_or_else(|| files.data().to_owned(), |copy| copy.path().to_owned());
    let (to, progress) = (to.to_owned(), progress.clone());
    let written = blocking(move || write(&data, &to, &progress)).await;
    drop(copy);
    written
}

/// A data directory with a copy of the data, beside where it is wanted.
async fn copy(platform: &Platform, beside: &Path) -> Result<tempfile::TempDir, Failure> {
    let folder = tempfile::Builder::new().prefix(".helix-export-").tempdir_in(beside);
    let folder = folder.map_err(|error| Failure::file("create", beside, &error))?;
    backup::make(platform, &backup::database(folder.path()), Form::Folder, false).await?;
    Ok(folder)
}

fn write(data: &Path, to: &Path, progress: &Progress) -> Result<Contents, Failure> {
    // A folder that somebody prepared is as good as none; one with something in it stays, and is an error.
    if to.is_dir() {
        let _ = fs::remove_dir(to);
    }
    Ok(transfer::export(data, to, progress)?)
}

/// Fills a stopped instance without data from an export.
///
/// # Errors
///
/// When it runs or holds data, or the export is not what was written. Then it is as it was.
pub fn import(settings: &Settings, from: &Path, progress: &Progress) -> Result<Contents, Failure> {
    let options = ImportOptions {
        max_size_gb: settings.engine.db_max_size_gb,
        vectors: settings.engine.vectors(),
        text: settings.engine.text(),
    };
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
