//! Files of backups: private, on disk before they get their names, and checked by SHA-256.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{BackupError, Result};

/// Held by whoever reads the data of a directory for a backup (shared), and by who replaces it (alone).
const LOCK: &str = "backup.lock";
/// What is read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// What is left free on the disk, in bytes.
const RESERVE_BYTES: u64 = 16 << 20;

pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { action, path, source }
}

/// A new file that only its owner may read.
pub(crate) fn create(path: &Path) -> Result<File> {
    let created = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
    created.map_err(failed("create", path))
}

/// A new folder that only its owner may enter, in place of what an interrupted run left there.
pub(crate) fn fresh_folder(path: &Path) -> Result<()> {
    remove_folder(path)?;
    DirBuilder::new().mode(0o700).create(path).map_err(failed("create", path))
}

pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// A folder for what is being made; gone with its owner.
pub(crate) struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(path: PathBuf) -> Result<Self> {
        // The data directory may be missing, which is for who reads it to say.
        if path.parent().is_none_or(Path::exists) {
            fresh_folder(&path)?;
        }
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // After a success it has another name; after a failure, that is what is told.
        let _ = remove_folder(&self.0);
    }
}

/// Renames, and waits until the name is on disk.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(failed("put in place", to))?;
    sync_folder(to.parent().unwrap_or(Path::new(".")))
}

pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("write", path))
}

/// The name of something that is being made, beside its place.
pub(crate) fn partial(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".partial");
    path.with_file_name(name)
}

/// Copies all that `from` gives, and says how much it was and its SHA-256 in hex.
pub(crate) fn pour(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size = 0;
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => return Ok((size, hex(&hash.finalize()))),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
        size += read as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Fails when a folder has no room for that many bytes.
pub(crate) fn need_room(folder: &Path, bytes: u64) -> Result<()> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| failed("look at", folder)(error.into()))?;
    let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    let needed_bytes = bytes.saturating_add(RESERVE_BYTES);
    if free_bytes >= needed_bytes {
        return Ok(());
    }
    Err(BackupError::NoRoom { path: folder.to_owned(), needed_bytes, free_bytes })
}

/// Keeps a restore from replacing data that is being read.
pub(crate) fn lock_shared(data: &Path) -> Result<File> {
    locked(data, File::try_lock_shared)
}

/// Keeps every backup and restore away.
pub(crate) fn lock_alone(data: &Path) -> Result<File> {
    locked(data, File::try_lock)
}

fn locked(data: &Path, lock: impl FnOnce(&File) -> std::result::Result<(), TryLockError>) -> Result<File> {
    let path = data.join(LOCK);
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(failed("open", &path))?;
    match lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::Busy { path: data.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}
