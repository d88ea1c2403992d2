//! The right to change a machine: a lease that Fly.io keeps, for a short time that is extended while we work.
//!
//! A process that is killed extends nothing, so that its lease ends by itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::TITLE;
use super::api::Api;
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::Lock;

/// How long a lease lasts that is not extended, in seconds: as long as those of `flyctl`.
pub(super) const TTL_SECS: u64 = 13;

/// A lease that is held, and extended by a task of its own, which gives it back in the end: also when this is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    done: oneshot::Sender<()>,
    task: JoinHandle<Result<()>>,
}

impl Lease {
    /// Takes the lease of a machine; fails at once when somebody else has it.
    pub(super) async fn take(api: &Arc<Api>, machine: &str, owner: &str) -> Result<Self> {
        let description = format!("{owner} {}", ulid::Ulid::generate());
        api.take_lease(machine, TTL_SECS, &description).await?;
        let (done, ended) = oneshot::channel();
        let task = tokio::spawn(keep(Arc::clone(api), machine.to_owned(), description, ended));
        Ok(Self { done, task })
    }

    /// Gives it back.
    pub(super) async fn give_back(self) -> Result<()> {
        drop(self.done);
        self.task.await.unwrap_or_else(|error| {
            Err(TargetError::new(Code::Upstream, TITLE, "give the lease of the machine back", error.to_string()))
        })
    }
}

async fn keep(api: Arc<Api>, machine: String, description: String, mut ended: oneshot::Receiver<()>) -> Result<()> {
    let half = Duration::from_secs(TTL_SECS) / 2;
    loop {
        match tokio::time::timeout(half, &mut ended).await {
            Ok(_) => return api.release_lease(&machine).await,
            Err(_) => {
                if let Err(error) = api.refresh_lease(&machine, TTL_SECS, &description).await {
                    // What is done next is refused when somebody else has it now.
                    tracing::warn!(%error, machine, "the lease was not extended");
                }
            }
        }
    }
}

#[async_trait]
impl Lock for Lease {
    async fn release(self: Box<Self>) -> Result<()> {
        self.give_back().await
    }
}
