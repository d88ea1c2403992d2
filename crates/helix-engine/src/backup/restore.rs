//! Putting a backup in the place of a stopped instance's data.
//!
//! The copy is made and checked beside the data; the former file gets a second name; then one rename replaces it. Whenever
//! this is killed, the data is the old one or the new one, whole.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::check::{unpack, verify_folder};
use super::files::{failed, fresh_folder, lock_alone, partial, remove_folder, rename, sync_folder};
use super::make::SCRATCH;
use super::manifest::{self, DATA, Manifest};
use super::{BackupError, Result};
use crate::engine::DATABASE;
use crate::storage::lmdb;

/// The folder in a data directory that holds what the last restore replaced: a backup as any other.
pub const SAFETY: &str = "before-restore";

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is there now.
    pub manifest: Manifest,
    /// Where the former data is; `None` when there was none.
    pub safety_copy: Option<PathBuf>,
    /// Why the former data has no manifest: it could not be read.
    pub former_unreadable: Option<String>,
}

/// Replaces the data of a data directory by a backup, a folder or an archive. `instance` names the safety copy.
///
/// # Errors
///
/// [`EngineError::Locked`](crate::EngineError::Locked) when an instance has it open, [`BackupError`] when
/// the backup is not what was written. Then the data is as it was.
pub fn restore(from: &Path, data: &Path, instance: &str) -> Result<Restored> {
    let database = data.join(DATABASE);
    DirBuilder::new().recursive(true).mode(0o700).create(&database).map_err(failed("create", &database))?;
    let _alone = lock_alone(data)?;
    let _engine = lmdb::lock(&database)?;
    tidy(data)?;
    let incoming = incoming(data);
    fresh_folder(&incoming)?;
    let placed = unpack(from, &incoming)
        .and_then(|()| verify_folder(&incoming, from))
        .and_then(|verified| place(data, &incoming, verified.manifest, instance));
    // While the incoming data lies here nothing was replaced, which `tidy` goes by.
    let tidied = if placed.is_err() { tidy(data) } else { Ok(()) };
    let removed = tidied.and_then(|()| remove_folder(&incoming));
    let restored = placed?;
    removed?;
    Ok(restored)
}

fn place(data: &Path, incoming: &Path, manifest: Manifest, instance: &str) -> Result<Restored> {
    let database = data.join(DATABASE);
    let current = database.join(DATA);
    let safety = data.join(SAFETY);
    let former = current.exists();
    let mut former_unreadable = None;
    if former {
        let made = partial(&safety);
        fresh_folder(&made)?;
        second_name(&current, &made.join(DATA))?;
        match manifest::write(&made, instance) {
            Ok(_) => {}
            // Damaged data is kept without a manifest: a backup is to take its place, which must not fail because of it.
            Err(BackupError::Engine(error)) => former_unreadable = Some(error.to_string()),
            Err(error) => return Err(error),
        }
        sync_folder(&made)?;
    }
    // LMDB's own lock file tells of the commits of the former data. Nobody has it open: both locks are held.
    match fs::remove_file(database.join("lock.mdb")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &database.join("lock.mdb"))(error));
        }
        _ => {}
    }
    rename(&incoming.join(DATA), &current)?;
    if former {
        keep(&safety)?;
    }
    Ok(Restored { manifest, safety_copy: former.then_some(safety), former_unreadable })
}

/// Where the new data is made.
fn incoming(data: &Path) -> PathBuf {
    partial(&data.join("restore"))
}

/// Finishes or forgets what an interrupted restore or backup left.
fn tidy(data: &Path) -> Result<()> {
    let safety = data.join(SAFETY);
    let made = partial(&safety);
    if made.exists() {
        // The replacing takes the incoming data away: as long as it is there, or none was made, nothing was replaced. Inodes
        // would not tell where the former data has no second name but a copy.
        if made.join(DATA).exists() && !incoming(data).join(DATA).exists() {
            keep(&safety)?;
        } else {
            remove_folder(&made)?;
        }
    }
    let entries = fs::read_dir(data).map_err(failed("list", data))?;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

/// Puts the safety copy in the place of the one before.
fn keep(safety: &Path) -> Result<()> {
    remove_folder(safety)?;
    rename(&partial(safety), safety)
}

/// A second name for a file, or a copy where the file system has no second names.
fn second_name(from: &Path, to: &Path) -> Result<()> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).and_then(|_| fs::File::open(to)?.sync_all()).map_err(failed("copy", from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_directory() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        for (folder, text) in
            [(SAFETY, "older"), (".before-restore.partial", "former"), (".restore.partial", "incoming")]
        {
            fs::create_dir(data.path().join(folder)).unwrap();
            fs::write(data.path().join(folder).join(DATA), text).unwrap();
        }
        data
    }

    /// A file system without second names gives the copy an inode of its own, whether the data was replaced or not.
    #[test]
    fn a_restore_killed_before_it_replaced_the_data_leaves_the_last_safety_copy() {
        let data = data_directory();
        tidy(data.path()).unwrap();
        assert_eq!(fs::read_to_string(data.path().join(SAFETY).join(DATA)).unwrap(), "older");
        assert!(!data.path().join(".before-restore.partial").exists());
    }

    #[test]
    fn a_restore_killed_after_it_replaced_the_data_has_its_safety_copy_kept() {
        let data = data_directory();
        fs::remove_file(data.path().join(".restore.partial").join(DATA)).unwrap();
        tidy(data.path()).unwrap();
        assert_eq!(fs::read_to_string(data.path().join(SAFETY).join(DATA)).unwrap(), "former");
    }
}
