//! What a command did, kept as lines of JSON: the same events that `--format ndjson` writes, whatever the user sees.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Run logs that are kept; the oldest go first.
const KEPT: usize = 50;

/// The files that events go to.
#[derive(Debug, Default)]
pub(super) struct RunLog {
    files: Mutex<Vec<File>>,
}

impl RunLog {
    /// Adds a file, which is made or gone on with.
    pub fn add(&self, path: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        Ok(())
    }

    /// Writes a line to every file. A full disk does not stop the command.
    pub fn write(&self, line: &[u8]) {
        for file in self.files.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let _ = file.write_all(line);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// The file of this run in the folder of run logs; the oldest ones of others are removed.
pub(super) fn file_of_run(folder: &Path, command: &str) -> io::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut others: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .collect();
    // Names begin with the time.
    others.sort();
    let excess = (others.len() + 1).saturating_sub(KEPT);
    for path in &others[..excess] {
        let _ = fs::remove_file(path);
    }
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ");
    Ok(folder.join(format!("{time}-{command}-{}.ndjson", std::process::id())))
}
