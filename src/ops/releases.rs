//! What was released to an instance: one JSON file a release, the newest [`KEPT`] of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use helix_plan::diff::Diff;
use serde::{Deserialize, Serialize};

/// How many releases are remembered.
pub const KEPT: usize = 50;
/// The version of the files.
const SCHEMA: u32 = 1;

/// How a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was activated and is or was healthy.
    Succeeded,
    /// It was activated and nobody waited for its health.
    Unverified,
    /// It was not activated, or did not become healthy.
    Failed,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The version of this data.
    pub schema: u32,
    /// A ULID: later releases sort after earlier ones.
    pub id: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// The instance.
    pub instance: String,
    /// The target.
    pub provider: String,
    /// The digest of the plan.
    pub digest: String,
    /// The id of the image, when it runs in a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What the key is called that the image was signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_with: Option<String>,
    /// The hash of the sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
    /// The hash of the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_hash: Option<String>,
    /// The hash of the settings.
    pub config_hash: String,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_revision: Option<String>,
    /// What the user said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The release before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// What it changed.
    pub changes: Diff,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The version of the tool.
    pub cli_version: String,
}

impl Release {
    /// A release that is about to be made.
    #[must_use]
    pub fn new(instance: &str, provider: &str, digest: String, config_hash: String, changes: Diff) -> Self {
        Self {
            schema: SCHEMA,
            id: ulid::Ulid::generate().to_string(),
            created_at: format!("{:.3}", jiff::Timestamp::now()),
            instance: instance.to_owned(),
            provider: provider.to_owned(),
            digest,
            image: None,
            signed_with: None,
            source_hash: None,
            schema_hash: None,
            config_hash,
            git_revision: None,
            message: None,
            previous: None,
            changes,
            outcome: Outcome::Failed,
            error: None,
            duration_ms: 0,
            cli_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Why releases cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {source}", path.display())]
pub struct ReleaseError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl ReleaseError {
    fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}

/// Remembers a release, and forgets the oldest ones.
///
/// # Errors
///
/// When the directory cannot be written to.
pub fn record(directory: &Path, release: &Release) -> Result<(), ReleaseError> {
    fs::create_dir_all(directory).map_err(ReleaseError::of("create", directory))?;
    let path = directory.join(format!("{}.json", release.id));
    let temporary = directory.join(format!("{}.tmp", release.id));
    let bytes = serde_json::to_vec_pretty(release).map_err(|error| ReleaseError::of("encode", &path)(error.into()))?;
    fs::write(&temporary, bytes).map_err(ReleaseError::of("write", &temporary))?;
    fs::rename(&temporary, &path).map_err(ReleaseError::of("write", &path))?;
    for old in files(directory)?.iter().rev().skip(KEPT) {
        fs::remove_file(old).map_err(ReleaseError::of("remove", old))?;
    }
    Ok(())
}

/// The remembered releases, newest first. A file that cannot be understood is passed over.
///
/// # Errors
///
/// When the directory cannot be read.
pub fn list(directory: &Path) -> Result<Vec<Release>, ReleaseError> {
    let files = files(directory)?;
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
    Ok(files.iter().rev().filter_map(read).collect())
}

/// The files of releases, oldest first.
fn files(directory: &Path) -> Result<Vec<PathBuf>, ReleaseError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ReleaseError::of("list", directory)(source)),
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    Ok(files)
}

/// The commit that is checked out at `start` or above, when there is a git repository: read from its files.
#[must_use]
pub fn git_revision(start: &Path) -> Option<String> {
    let marker = start.ancestors().map(|directory| directory.join(".git")).find(|marker| marker.exists())?;
    let git = if marker.is_dir() {
        marker
    } else {
        let text = fs::read_to_string(&marker).ok()?;
        marker.parent()?.join(text.strip_prefix("gitdir:")?.trim())
    };
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(reference) = head.trim().strip_prefix("ref:").map(str::trim) else { return Some(head.trim().to_owned()) };
    let common = fs::read_to_string(git.join("commondir")).map_or_else(|_| git.clone(), |path| git.join(path.trim()));
    let loose = fs::read_to_string(common.join(reference)).ok();
    loose.map(|text| text.trim().to_owned()).or_else(|| {
        let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
        let line = packed.lines().find(|line| line.ends_with(reference))?;
        line.split_whitespace().next().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests;
