//! What was last pushed to an instance: `state.json`, and the plans beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use helix_plan::Program;
use serde::{Deserialize, Serialize};

use super::error::{EmbeddedError, Result};
use super::files::{self, Files};

/// The version of the file.
const SCHEMA: u32 = 1;

/// What was last pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The version of this data.
    pub schema: u32,
    /// The target that it was pushed to.
    pub provider: String,
    /// The digest of the plan to serve. Its encoding is in the directory of plans.
    pub digest: String,
    /// The hash of the sources that the plan was compiled from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
    /// The id of the image, when it runs in a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The hash of the settings that the instance was started with.
    pub config_hash: String,
    /// The port that it was last reached on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// Where its data is.
    pub data_dir: PathBuf,
    /// The version of the engine.
    pub engine_version: String,
    /// The version of the tool.
    pub cli_version: String,
    /// When that was, RFC 3339.
    pub deployed_at: String,
    /// The release; absent when a development session activated the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_id: Option<String>,
}

impl State {
    /// A state of the present version.
    #[must_use]
    pub fn new(digest: String, config_hash: String, data_dir: PathBuf) -> Self {
        Self {
            schema: SCHEMA,
            provider: "embedded".to_owned(),
            digest,
            source_hash: None,
            image: None,
            config_hash,
            host_port: None,
            data_dir,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            cli_version: env!("CARGO_PKG_VERSION").to_owned(),
            deployed_at: super::now(),
            release_id: None,
        }
    }

    /// What was last pushed, if anything was.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn load(files: &Files) -> Result<Option<Self>> {
        let path = files.state();
        let state: Option<Self> = files::read_json(&path)?;
        match state {
            Some(state) if state.schema > SCHEMA => {
                let reason = format!("its version {} is newer than this tool's {SCHEMA}: update helix", state.schema);
                Err(EmbeddedError::DamagedFile { path, reason })
            }
            other => Ok(other),
        }
    }

    /// Writes it down.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self, files: &Files) -> Result<()> {
        files::write_json(&files.state(), self)
    }
}

/// The file of the plan with that digest.
#[must_use]
pub fn plan_file(files: &Files, digest: &str) -> PathBuf {
    let name = digest.strip_prefix("sha256:").unwrap_or(digest);
    files.plans().join(format!("{}.plan", &name[..name.len().min(32)]))
}

/// Keeps a plan under its digest. Returns the file.
///
/// # Errors
///
/// When it cannot be written.
pub fn store_plan(files: &Files, program: &Program) -> Result<PathBuf> {
    let path = plan_file(files, &program.digest().to_string());
    files::write_atomic(&path, &program.encode())?;
    Ok(path)
}

/// Reads a plan and checks that it is the one with that digest.
///
/// # Errors
///
/// When the file cannot be read or holds something else.
pub fn load_plan(path: &Path, digest: &str) -> Result<Program> {
    let bytes = fs::read(path).map_err(EmbeddedError::file("read", path))?;
    let program = Program::decode(&bytes)?;
    let found = program.digest().to_string();
    if found == digest {
        return Ok(program);
    }
    let reason = format!("it holds the plan {found}, expected {digest}");
    Err(EmbeddedError::DamagedFile { path: path.to_owned(), reason })
}

/// Forgets every plan that is not in `keep`, which holds digests.
///
/// # Errors
///
/// When the directory cannot be read, or a plan not be removed.
pub fn prune_plans(files: &Files, keep: &BTreeSet<String>) -> Result<()> {
    let keep: BTreeSet<PathBuf> = keep.iter().map(|digest| plan_file(files, digest)).collect();
    let directory = files.plans();
    let entries = fs::read_dir(&directory).map_err(EmbeddedError::file("list", &directory))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "plan") && !keep.contains(&path) {
            files::remove_file(&path)?;
        }
    }
    Ok(())
}
