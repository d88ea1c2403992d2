//! Deleting an instance of this machine: decide what goes, then remove it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::instance::{InstanceError, stop};
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::{Files, files};

/// Where the engine keeps its files within a data directory.
const DATABASE: &str = "user";

/// Decides what is removed: the workspace, and the data unless it is kept. Changes nothing.
///
/// In a data directory of the user's choice only the database goes: who knows what else is there.
///
/// # Errors
///
/// When a path is not where paths of instances are: nothing is better than the wrong thing.
pub fn plan(root: &Path, places: &Files, keep_data: bool) -> Result<Vec<PathBuf>, Failure> {
    let ours = root.join(".helix");
    let usual = ours.join(".volumes");
    let home = places.home().to_owned();
    if home.parent() != Some(ours.as_path()) {
        return Err(wrong(&home));
    }
    let mut doomed = Vec::new();
    if !keep_data {
        let data = places.data();
        if data.parent() == Some(usual.as_path()) {
            doomed.push(data.to_owned());
        } else if root.starts_with(data.join(DATABASE)) {
            return Err(wrong(data));
        } else {
            doomed.push(data.join(DATABASE));
        }
    }
    // Last, since it says what there is.
    doomed.push(home);
    Ok(doomed)
}

fn wrong(path: &Path) -> Failure {
    let message = format!("`{}` is no folder of an instance, and is not removed", path.display());
    Failure::new("E-FS-UNSAFE-PATH", ExitCode::Config, message).hint("correct `data_dir` in the project file")
}

/// Stops the instance and removes what was decided. Doing it again is fine.
///
/// # Errors
///
/// When the process does not end, or something cannot be removed.
pub async fn apply(places: &Files, doomed: &[PathBuf], drain: Duration) -> Result<(), InstanceError> {
    stop(places, drain).await?;
    for path in doomed {
        files::remove_dir(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doomed(data: &str) -> Result<Vec<PathBuf>, Failure> {
        plan(Path::new("/app"), &Files::new("dev", "/app/.helix/dev".into(), data.into()), false)
    }

    #[test]
    fn only_what_is_ours_goes() {
        assert_eq!(doomed("/app/.helix/.volumes/dev").unwrap()[0], Path::new("/app/.helix/.volumes/dev"));
        assert_eq!(doomed("/mnt/big").unwrap()[0], Path::new("/mnt/big/user"));
        assert_eq!(doomed("/app").unwrap()[0], Path::new("/app/user"));
    }

    #[test]
    fn a_workspace_elsewhere_is_left_alone() {
        let files = Files::new("x", "/home".into(), "/app/.helix/.volumes/x".into());
        assert_eq!(plan(Path::new("/app"), &files, true).unwrap_err().code, "E-FS-UNSAFE-PATH");
    }
}
