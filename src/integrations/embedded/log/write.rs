//! Writing: `tracing` events to rotated files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use helix_engine::service::log::filter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::{KEPT_FILES, rotated};

/// A file that starts anew when it is full; the full one is kept under another name, the oldest is forgotten.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    max_len_bytes: u64,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    len_bytes: u64,
}

impl RotatingFile {
    /// Opens the file, to be continued at its end.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn open(path: impl Into<PathBuf>, max_len_bytes: u64) -> io::Result<Self> {
        let path = path.into();
        let open = Mutex::new(open(&path)?);
        Ok(Self { path, max_len_bytes, open })
    }

    /// Appends one line as a whole.
    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut current = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let len_bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if current.len_bytes > 0 && current.len_bytes.saturating_add(len_bytes) > self.max_len_bytes {
            self.rotate()?;
            *current = open(&self.path)?;
        }
        current.file.write_all(line)?;
        current.len_bytes += len_bytes;
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        for index in (0..KEPT_FILES).rev() {
            match fs::rename(rotated(&self.path, index), rotated(&self.path, index + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let len_bytes = file.metadata()?.len();
    Ok(Open { file, len_bytes })
}

/// `tracing_subscriber` hands over one whole line a call.
impl Write for &RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.append(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends the events of this process to the log of an instance, from now on.
///
/// `level` is what [`filter`] reads.
///
/// # Errors
///
/// When the file cannot be opened. That another subscriber was first is fine.
pub fn install(path: &Path, max_len_bytes: u64, level: &str) -> io::Result<()> {
    let file = Arc::new(RotatingFile::open(path, max_len_bytes)?);
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    let layer = layer.with_span_list(false).with_writer(file);
    let _ = tracing_subscriber::registry().with(filter(level)).with(layer).try_init();
    Ok(())
}
