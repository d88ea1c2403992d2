//! The log of an instance: one JSON object a line, in files of bounded size.
//!
//! [`mod@write`] is for the process that runs the instance, [`read`] for whoever looks.

pub mod read;
pub mod write;

use std::path::{Path, PathBuf};

/// How many files are kept beside the current one.
pub const KEPT_FILES: usize = 4;
/// How large the current file may grow, in bytes.
pub const MAX_LEN_BYTES: u64 = 10 << 20;

/// The name of the `index`th file: the current one is 0, higher is older.
fn rotated(path: &Path, index: usize) -> PathBuf {
    if index == 0 { path.to_owned() } else { path.with_added_extension(index.to_string()) }
}

#[cfg(test)]
mod tests;
