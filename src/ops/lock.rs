//! One command at a time changes an instance.
//!
//! The lock is `.helix/NAME/.lock`, held through the open file, so that it ends with the process however that ends. The file
//! says who holds it, for the message to whoever has to wait.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The name of the machine.
    pub host: String,
    /// The command, as in `push`.
    pub command: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`helix {}` (pid {} on {}, since {})", self.command, self.pid, self.host, self.since)
    }
}

/// Why an instance could not be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another command holds it.
    #[error("instance `{instance}` is being changed by {}", holder.as_ref().map_or("another command".to_owned(), Holder::to_string))]
    Held {
        /// The instance.
        instance: String,
        /// Who, if it was written down.
        holder: Option<Holder>,
    },
    /// The lock file cannot be used.
    #[error("cannot lock `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

/// The right to change an instance; ends when dropped.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

impl InstanceLock {
    /// Takes the lock of the instance whose workspace is `home`, waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] with the holder when somebody else has it for longer.
    pub async fn take(home: &Path, instance: &str, command: &str, timeout: Duration) -> Result<Self, LockError> {
        let path = home.join(".lock");
        let failed = |source| LockError::File { path: path.clone(), source };
        fs::create_dir_all(home).map_err(failed)?;
        let deadline = Instant::now() + timeout;
        loop {
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = opened.map_err(failed)?;
            match file.try_lock() {
                // `delete` removes the file while it holds it: what is locked must still be what is there.
                Ok(()) if is_same(&file, &path) => {
                    sign(&mut file, command).map_err(failed)?;
                    return Ok(Self { _file: file });
                }
                Ok(()) => fs::create_dir_all(home).map_err(failed)?,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held { instance: instance.to_owned(), holder: holder(&mut file) });
                }
            }
        }
    }
}

fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn sign(file: &mut File, command: &str) -> io::Result<()> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = format!("{:.0}", jiff::Timestamp::now());
    let holder = Holder { pid: std::process::id(), host, command: command.to_owned(), since };
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&holder)?)
}

fn holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests;
