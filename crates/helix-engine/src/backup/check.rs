//! Is a backup what was written, and sound?

use std::fs::{self, File};
use std::io::{Read, Seek as _};
use std::path::Path;

use super::files::{create, failed, need_room, pour};
use super::manifest::{self, DATA, MANIFEST, Manifest};
use super::{BackupError, Result};
use crate::catalog::{self, LiveCatalog};
use crate::storage::lmdb::Beside;
use crate::storage::{Lmdb, Store as _};
use crate::verify::{self, VerifyReport};

/// How a stream of zstd begins: RFC 8878, §3.1.1.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The most that a manifest may be, in bytes.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
/// The instance of a copy without a manifest.
const UNKNOWN: &str = "unknown";

/// A backup that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says of itself; without a manifest, what was found in it.
    pub manifest: Manifest,
    /// Whether there is a manifest. Without one, only what disagrees within the data can be found.
    pub has_manifest: bool,
    /// What was read.
    pub report: VerifyReport,
}

/// Checks a backup, a folder or an archive: its files against the manifest, then every index of the copy against its rows. An
/// archive is unpacked beside itself for that. A folder without a manifest, such as damaged data that a restore kept, is checked
/// against itself.
///
/// # Errors
///
/// [`BackupError::Damaged`] naming the file, [`BackupError::Unsound`] with what does not agree, or when it cannot be read.
pub fn verify(path: &Path) -> Result<Verified> {
    if path.is_dir() {
        return verify_folder(path, path);
    }
    // Before anything is made beside it.
    File::open(path).map_err(failed("read", path))?;
    // A name of its own: `.NAME.partial` is of whoever makes `NAME`, perhaps the only copy of what a killed restore replaced.
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = tempfile::Builder::new().prefix(".verify-").tempdir_in(beside).map_err(failed("create", beside))?;
    let verified = unpack(path, folder.path()).and_then(|()| verify_folder(folder.path(), path));
    let place = folder.path().to_owned();
    folder.close().map_err(failed("remove", &place))?;
    verified
}

/// The manifest of a backup, a folder or an archive. Nothing else is read.
///
/// # Errors
///
/// When it is no backup, or its manifest cannot be read or is of a newer engine.
pub fn read_manifest(path: &Path) -> Result<Manifest> {
    if path.is_dir() {
        return manifest::read(path);
    }
    let file = File::open(path).map_err(failed("read", path))?;
    let mut tar = tar::Archive::new(decoded(path, file)?);
    let mut entries = tar.entries().map_err(failed("read", path))?;
    // It comes first, so that nobody needs to read on.
    let first = entries.next().and_then(|entry| entry.ok()).filter(|entry| {
        entry.path().is_ok_and(|name| name == Path::new(MANIFEST)) && entry.size() <= MAX_MANIFEST_BYTES
    });
    let Some(mut entry) = first else {
        let reason = format!("it does not begin with `{MANIFEST}`");
        return Err(BackupError::NotABackup { path: path.to_owned(), reason });
    };
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(failed("read", path))?;
    manifest::decode(&bytes, path)
}

/// The tar stream of an archive, whether it is compressed or not.
fn decoded(path: &Path, mut file: File) -> Result<Box<dyn Read>> {
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic).and_then(|_| file.rewind()).map_err(failed("read", path))?;
    if magic != ZSTD_MAGIC {
        return Ok(Box::new(file));
    }
    decompressed(path, file)
}

#[cfg(feature = "zstd")]
fn decompressed(path: &Path, file: File) -> Result<Box<dyn Read>> {
    let decoder = zstd::Decoder::new(file).map_err(failed("read", path))?;
    Ok(Box::new(decoder))
}

#[cfg(not(feature = "zstd"))]
fn decompressed(path: &Path, _file: File) -> Result<Box<dyn Read>> {
    let reason = "it is compressed, which this program does not read".to_owned();
    Err(BackupError::NotABackup { path: path.to_owned(), reason })
}

/// Checks a folder. `shown` is the backup as the user knows it.
pub(super) fn verify_folder(folder: &Path, shown: &Path) -> Result<Verified> {
    let path = folder.join(DATA);
    let known = match manifest::read(folder) {
        Ok(manifest) => Some(manifest),
        Err(BackupError::NotABackup { .. }) if path.is_file() => None,
        Err(error) => return Err(error),
    };
    if let Some(known) = &known {
        let damaged = |reason| Err(BackupError::Damaged { path: shown_file(shown), reason });
        let found = match manifest::hash(&path) {
            Ok(found) => found,
            Err(BackupError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return damaged("it is missing".to_owned());
            }
            Err(error) => return Err(error),
        };
        if found.size_bytes != known.data.size_bytes {
            return damaged(format!("it has {} bytes, not {}", found.size_bytes, known.data.size_bytes));
        }
        if found.sha256 != known.data.sha256 {
            return damaged("its SHA-256 is not that of the manifest".to_owned());
        }
    }
    let report = sound(folder)?;
    if report.total_findings > 0 {
        return Err(BackupError::Unsound { path: shown.to_owned(), findings: report.findings });
    }
    let has_manifest = known.is_some();
    let manifest = known.map_or_else(|| manifest::describe(folder, UNKNOWN), Ok)?;
    Ok(Verified { manifest, has_manifest, report })
}

/// What an error calls the copy of a backup.
fn shown_file(shown: &Path) -> std::path::PathBuf {
    if shown.is_dir() { shown.join(DATA) } else { shown.to_owned() }
}

/// Every index of a copy that lies still against its rows.
fn sound(folder: &Path) -> Result<VerifyReport> {
    let store = Lmdb::open_beside(folder, Beside::Nobody)?;
    let txn = store.read()?;
    let Some(program) = catalog::active(&txn)? else { return Ok(VerifyReport::default()) };
    let live = LiveCatalog::load(&txn, &program.catalog)?;
    Ok(verify::verify(&txn, &live)?)
}

/// Brings a backup, a folder or an archive, into an empty folder.
pub(super) fn unpack(from: &Path, folder: &Path) -> Result<()> {
    if from.is_dir() {
        let data = from.join(DATA);
        let mut names = vec![MANIFEST, DATA];
        match manifest::read(from) {
            Ok(manifest) => need_room(folder, manifest.data.size_bytes)?,
            Err(BackupError::NotABackup { .. }) if data.is_file() => {
                names.remove(0);
                need_room(folder, fs::metadata(&data).map_err(failed("read", &data))?.len())?;
            }
            Err(error) => return Err(error),
        }
        for name in names {
            let path = from.join(name);
            let mut file = File::open(&path).map_err(failed("read", &path))?;
            put(&mut file, &folder.join(name))?;
        }
        return Ok(());
    }
    let file = File::open(from).map_err(failed("read", from))?;
    need_room(folder, fs::metadata(from).map_err(failed("read", from))?.len())?;
    unpack_tar(from, decoded(from, file)?, folder)
}

/// Takes the two files of a backup out of a tar stream, and nothing else.
fn unpack_tar(from: &Path, stream: impl Read, folder: &Path) -> Result<()> {
    let torn = |error: std::io::Error| BackupError::Damaged { path: from.to_owned(), reason: error.to_string() };
    let mut tar = tar::Archive::new(stream);
    let mut names = Vec::new();
    for entry in tar.entries().map_err(torn)? {
        let mut entry = entry.map_err(torn)?;
        let path = entry.path().map_err(torn)?.into_owned();
        let known = [MANIFEST, DATA].into_iter().find(|name| path == Path::new(name));
        let Some(name) = known.filter(|name| entry.header().entry_type().is_file() && !names.contains(name)) else {
            let reason = format!("it holds `{}`, which no backup does", path.display());
            return Err(BackupError::Damaged { path: from.to_owned(), reason });
        };
        names.push(name);
        need_room(folder, entry.size())?;
        if name == MANIFEST && entry.size() > MAX_MANIFEST_BYTES {
            return Err(torn(std::io::ErrorKind::FileTooLarge.into()));
        }
        let target = folder.join(name);
        let mut file = create(&target)?;
        pour(&mut entry, &mut file).map_err(torn)?;
        file.sync_all().map_err(failed("write", &target))?;
    }
    if names.len() == 2 {
        return Ok(());
    }
    let reason = format!("it does not hold both `{MANIFEST}` and `{DATA}`");
    Err(BackupError::NotABackup { path: from.to_owned(), reason })
}

fn put(from: &mut impl Read, to: &Path) -> Result<()> {
    let mut file = create(to)?;
    pour(from, &mut file).and_then(|_| file.sync_all()).map_err(failed("write", to))
}
