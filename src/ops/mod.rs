//! Deeds that commands share.

pub mod add;
pub mod backup;
pub mod build;
pub mod cloud;
pub mod compile;
pub mod container;
pub mod delete;
pub mod deploy;
pub mod dev;
pub mod doctor;
pub mod env_file;
mod failures;
pub mod format;
pub mod health;
pub mod init;
pub mod instance;
pub mod invoke;
pub mod lifecycle;
pub mod local;
pub mod lock;
pub mod params;
pub mod platform;
pub mod push;
pub mod releases;
pub mod secrets;
pub mod seed;
pub mod settings;
pub mod status;
pub mod transfer;
pub mod variables;
pub mod warnings;
pub mod watch;

use crate::errors::Failure;

/// Does work that blocks away from the thread that listens for signals.
///
/// # Errors
///
/// What the work fails with.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::internal("the work ended early").cause(error.to_string()))?
}
