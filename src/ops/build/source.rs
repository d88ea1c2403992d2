//! The sources of servers: packed into this executable by `build.rs`, unpacked once into the cache.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// A workspace that builds by itself.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/engine.tar.gz"));

/// The SHA-256 of the packed workspace, hexadecimal.
pub const HASH: &str = env!("HELIX_ENGINE_HASH");
/// The version of the engine.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A file of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is, relative to the workspace.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The files of the workspace, sorted by path.
///
/// # Errors
///
/// When this executable is damaged.
pub fn files() -> io::Result<Vec<SourceFile>> {
    let mut archive = tar::Archive::new(GzDecoder::new(PACKED));
    let read = |entry: io::Result<tar::Entry<'_, GzDecoder<&[u8]>>>| {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        Ok(SourceFile { path, bytes })
    };
    archive.entries()?.map(read).collect()
}

/// Where the workspace is in the cache.
#[must_use]
pub fn folder(cache: &Path) -> PathBuf {
    let short = HASH.get(..16).unwrap_or(HASH);
    cache.join("engine").join(format!("{VERSION}-{short}"))
}

/// Unpacks the workspace into the cache, unless it is there. Returns where it is.
///
/// It appears under its name as a whole, so that one that is there is complete.
///
/// # Errors
///
/// When it cannot be written.
pub fn unpack(cache: &Path) -> io::Result<PathBuf> {
    let folder = folder(cache);
    if folder.is_dir() {
        return Ok(folder);
    }
    let parent = cache.join("engine");
    fs::create_dir_all(&parent)?;
    let temporary = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(&parent)?;
    write(temporary.path())?;
    match fs::rename(temporary.path(), &folder) {
        Ok(()) => {
            // It is no temporary folder any more.
            let _ = temporary.keep();
            Ok(folder)
        }
        // Another command was first.
        Err(_) if folder.is_dir() => Ok(folder),
        Err(error) => Err(error),
    }
}

/// Writes the workspace into a folder.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(folder: &Path) -> io::Result<()> {
    for file in files()? {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, &file.bytes)?;
    }
    Ok(())
}
