//! A backup of a container that runs: made inside, since LMDB knows its readers by process ids, which are others out here.

use std::path::Path;

use super::Container;
use crate::errors::{ExitCode, Failure};
use crate::integrations::container::SERVER;
use crate::ops::instance::InstanceError;

impl Container {
    /// Writes an archive of the data to a file that is there; `false` when the container does not run, so that the data can be read
    /// from here.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer, or the server cannot make the backup.
    pub async fn archive_data(&self, to: &Path, compact: bool) -> Result<bool, Failure> {
        let observed = self.observe().await?;
        let Some(container) = observed.up() else { return Ok(false) };
        let client = self.client().await.map_err(InstanceError::from)?;
        let file = tokio::fs::OpenOptions::new().write(true).open(to).await;
        let mut file = file.map_err(|error| Failure::file("open", to, &error))?;
        let command: &[&str] = if compact { &[SERVER, "backup", "--compact"] } else { &[SERVER, "backup"] };
        let ended = client.exec(&container.id, command, &mut file).await;
        let ended = ended.map_err(InstanceError::from)?;
        if ended.code == Some(0) {
            return Ok(true);
        }
        let message = format!("the server of `{}` could not make a backup", self.name());
        Err(Failure::new("E-RUNTIME-BACKUP", ExitCode::Failed, message)
            .cause(ended.stderr)
            .hint(format!("stop it and try again: `helix stop {}`", self.name())))
    }
}
