//! Where backups of an instance are, and how they are made, listed and restored.

use std::fs;
use std::path::{Path, PathBuf};

use helix_engine::backup::{self, BackupError, CopyOptions, Manifest, Packing, Restored, Verified};

use super::blocking;
use super::platform::Platform;
use crate::errors::Failure;
use crate::integrations::embedded::Files;
use crate::ui::Ui;

/// How a backup is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A folder with the database file and the manifest.
    Folder,
    /// One file with both.
    Archive(Packing),
}

impl Form {
    const fn packing(self) -> Option<Packing> {
        match self {
            Self::Folder => None,
            Self::Archive(packing) => Some(packing),
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Folder => "",
            Self::Archive(Packing::Plain) => ".tar",
            Self::Archive(Packing::Zstd) => ".tar.zst",
        }
    }
}

/// The folder that backups go to when nothing else is said.
#[must_use]
pub fn folder(root: &Path) -> PathBuf {
    root.join("backups")
}

/// A free place in the usual folder, named after the local time.
#[must_use]
pub fn new_place(root: &Path, form: Form) -> PathBuf {
    let name = jiff::ZonedDateTime::now().strftime("backup-%Y%m%d-%H%M%S").to_string();
    let place = |suffix: String| folder(root).join(format!("{name}{suffix}{}", form.extension()));
    let first = place(String::new());
    if !first.exists() {
        return first;
    }
    (2..).map(|number: u32| place(format!("-{number}"))).find(|place| !place.exists()).unwrap_or(first)
}

/// Where the database is within a data directory.
#[must_use]
pub fn database(data: &Path) -> PathBuf {
    data.join("user")
}

/// The size of an instance's database file, in bytes; `None` when it has no data.
#[must_use]
pub fn data_size(files: &Files) -> Option<u64> {
    fs::metadata(database(files.data()).join(backup::DATA)).ok().map(|metadata| metadata.len())
}

/// Makes a backup of an instance of this machine, whether it runs or not.
///
/// # Errors
///
/// When there is no data, the place is taken, or the disk is full. Then nothing is left at the place.
pub async fn make(platform: &Platform, to: &Path, form: Form, compact: bool) -> Result<Manifest, Failure> {
    let files = platform.files().clone();
    if data_size(&files).is_none() {
        return Err(BackupError::NoData { path: files.data().to_owned() }.into());
    }
    prepare(to)?;
    let to = to.to_owned();
    if let Platform::Container(container) = platform {
        let folder = to.parent().unwrap_or(Path::new("."));
        let archive = tempfile::Builder::new().prefix(".helix-backup-").tempfile_in(folder);
        let archive = archive.map_err(|error| Failure::file("create", folder, &error))?;
        if container.archive_data(archive.path(), compact).await? {
            return blocking(move || Ok(backup::adopt(archive.path(), &to, form.packing())?)).await;
        }
    }
    blocking(move || {
        let options = CopyOptions { instance: files.name().to_owned(), compact };
        Ok(match form {
            Form::Folder => backup::copy(files.data(), &to, &options)?,
            Form::Archive(packing) => backup::archive_to_file(files.data(), &to, packing, &options)?,
        })
    })
    .await
}

/// Makes room for a backup: its folder, and nothing in its place.
fn prepare(to: &Path) -> Result<(), Failure> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, &error))?;
    }
    // A folder that somebody prepared is as good as none; one with something in it stays, and is an error.
    if to.is_dir() {
        let _ = fs::remove_dir(to);
    }
    Ok(())
}

/// A backup that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// The backups in a folder, newest first. What is no backup is passed over.
///
/// # Errors
///
/// When the folder is there and cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Found>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file("list", folder, &error)),
    };
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let paths = entries.flatten().map(|entry| entry.path()).filter(|path| !hidden(path));
    let mut found: Vec<Found> =
        paths.filter_map(|path| Some(Found { manifest: backup::read_manifest(&path).ok()?, path })).collect();
    found.sort_by(|a, b| b.manifest.created_at.cmp(&a.manifest.created_at).then_with(|| b.path.cmp(&a.path)));
    Ok(found)
}

/// Removes all but the newest `keep` backups of an instance from a folder; gives what is gone.
///
/// # Errors
///
/// When the folder cannot be read, or a backup not be removed.
pub fn prune(folder: &Path, instance: &str, keep: usize) -> Result<Vec<PathBuf>, Failure> {
    let of_it = list(folder)?.into_iter().filter(|found| found.manifest.instance == instance);
    let old: Vec<PathBuf> = of_it.skip(keep).map(|found| found.path).collect();
    for path in &old {
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.map_err(|error| Failure::file("remove", path, &error))?;
    }
    Ok(old)
}

/// Checks a backup.
///
/// # Errors
///
/// When it is not what was written, or not sound.
pub fn verify(path: &Path) -> Result<Verified, Failure> {
    Ok(backup::verify(path)?)
}

/// Says that only the data itself could be checked, when that is so.
pub fn warn_without_manifest(ui: &Ui, verified: &Verified, path: &Path) {
    if !verified.has_manifest {
        let path = path.display();
        ui.warn(
            "W-BACKUP-MANIFEST",
            format!("there is no manifest in `{path}`: the data was compared with itself alone"),
        );
    }
}

/// Puts a backup in the place of the data of a stopped instance.
///
/// # Errors
///
/// When the backup is not what was written, the instance runs, or the disk is full. Then the data is as it was.
pub fn restore(files: &Files, from: &Path) -> Result<Restored, Failure> {
    Ok(backup::restore(from, files.data(), files.name())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_same_second_differ() {
        let root = tempfile::tempdir().unwrap();
        let first = new_place(root.path(), Form::Archive(Packing::Zstd));
        assert!(first.to_string_lossy().ends_with(".tar.zst"), "{first:?}");
        fs::create_dir_all(folder(root.path())).unwrap();
        fs::write(&first, b"").unwrap();
        assert_ne!(new_place(root.path(), Form::Archive(Packing::Zstd)), first);
    }

    #[test]
    fn what_is_no_backup_is_not_listed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("photos")).unwrap();
        fs::write(root.path().join("notes.tar"), b"no").unwrap();
        assert_eq!(list(root.path()).unwrap(), []);
        assert_eq!(list(&root.path().join("nowhere")).unwrap(), []);
    }
}
