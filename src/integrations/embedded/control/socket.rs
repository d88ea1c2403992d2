//! Where the control socket is.
//!
//! It is `.helix/NAME/run/control.sock`, in a directory that only the owner may enter. A path of a socket may have some hundred
//! bytes only; in a deeper project the socket is in a private directory of the user, and `control.path` beside it says where.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::net::UnixListener;

use crate::integrations::embedded::error::{EmbeddedError, Result};
use crate::integrations::embedded::files::{self, Files};

/// `sun_path` has 104 bytes on macOS and 108 on Linux, with the final zero.
const MAX_PATH_LEN_BYTES: usize = 103;

/// A bound control socket. Removed when dropped.
#[derive(Debug)]
pub struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    pointer: Option<PathBuf>,
}

impl Socket {
    /// Binds the control socket of an instance. The caller holds the instance's lock, so a socket that is there is a leftover.
    ///
    /// `short` is a directory with a short path, used when the workspace is too deep.
    ///
    /// # Errors
    ///
    /// When the socket cannot be bound.
    pub fn bind(files: &Files, short: &Path) -> Result<Self> {
        let run = files.run();
        files::create_private_dir(&run)?;
        let (path, pointer) = place(&run, short);
        let pointer_file = pointer_file(&run);
        if pointer {
            claim_private_dir(short)?;
            files::write_atomic(&pointer_file, path.as_os_str().as_bytes())?;
        } else {
            files::remove_file(&pointer_file)?;
        }
        files::remove_file(&path)?;
        let listener = UnixListener::bind(&path).map_err(EmbeddedError::file("listen on", &path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(EmbeddedError::file("protect", &path))?;
        Ok(Self { listener, path, pointer: pointer.then_some(pointer_file) })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        if let Some(pointer) = &self.pointer {
            let _ = fs::remove_file(pointer);
        }
    }
}

/// Where the control socket of an instance is, if there is one.
///
/// # Errors
///
/// When the pointer file cannot be read.
pub(super) fn locate(files: &Files) -> Result<Option<PathBuf>> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let run = files.run();
    let pointer = pointer_file(&run);
    let path = match fs::read(&pointer) {
        Ok(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => run.join("control.sock"),
        Err(source) => return Err(EmbeddedError::file("read", pointer)(source)),
    };
    Ok(path.exists().then_some(path))
}

/// Removes what a process that died left of its socket.
///
/// # Errors
///
/// When something is there and cannot be removed.
pub fn remove(files: &Files) -> Result<()> {
    if let Some(path) = locate(files)? {
        files::remove_file(&path)?;
    }
    files::remove_file(&pointer_file(&files.run()))
}

fn pointer_file(run: &Path) -> PathBuf {
    run.join("control.path")
}

/// The path of the socket, and whether a pointer to it is needed.
fn place(run: &Path, short: &Path) -> (PathBuf, bool) {
    let near = run.join("control.sock");
    if near.as_os_str().len() <= MAX_PATH_LEN_BYTES {
        return (near, false);
    }
    let hash = hex::encode(Sha256::digest(run.as_os_str().as_bytes()));
    (short.join(format!("{}.sock", &hash[..16])), true)
}

/// Makes a directory private, and refuses one that is a link or somebody else's: it may be in a directory that all share.
fn claim_private_dir(path: &Path) -> Result<()> {
    let before = fs::symlink_metadata(path).ok();
    let owner = rustix::process::geteuid().as_raw();
    if before.is_some_and(|metadata| !metadata.is_dir() || metadata.uid() != owner) {
        let source = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "it is not a directory of this user");
        return Err(EmbeddedError::file("use", path)(source));
    }
    files::create_private_dir(path)
}
