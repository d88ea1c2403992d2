//! An instance as a development session has it: run by the session itself, or found running.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use helix_engine::server::RequestEvent;
use helix_engine::service::settings::Env;
use helix_plan::Program;
use helix_plan::diff::Diff;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use super::control::{Client, Event};
use super::error::Result;
use super::files::Files;
use super::host::{Host, Instance};
use super::launch::Launch;
use super::settings::url;
use super::state;

/// How many requests may wait to be told.
const BACKLOG: usize = 256;

/// An instance that serves.
#[derive(Debug)]
pub enum Live {
    /// The session runs it, and ends it.
    Own(Own),
    /// Another process runs it, and goes on.
    Attached(Attached),
}

/// An instance of this process.
#[derive(Debug)]
pub struct Own {
    instance: Arc<Instance>,
    address: SocketAddr,
    requests: broadcast::Receiver<RequestEvent>,
    running: JoinHandle<Result<()>>,
}

/// An instance of another process.
#[derive(Debug)]
pub struct Attached {
    files: Files,
    client: Client,
    url: String,
    events: mpsc::Receiver<Event>,
}

impl Live {
    /// Runs the instance within this process.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn open(launch: &Launch, program: Program, env: &Env) -> Result<Self> {
        let host = Host::open(launch, program, env).await?;
        let instance = host.instance();
        let address = instance.address().unwrap_or_else(|| launch.address());
        let requests = instance.requests();
        let running = tokio::spawn(host.run());
        Ok(Self::Own(Own { instance, address, requests, running }))
    }

    /// Goes on with the instance of another process, which listens at `address`.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub async fn attach(files: &Files, address: SocketAddr) -> Result<Self> {
        let client = Client::new(files)?;
        let mut subscription = client.subscribe().await?;
        let (sender, events) = mpsc::channel(BACKLOG);
        // A message must be read to its end, whoever stops waiting for it.
        tokio::spawn(async move {
            while let Some(event) = subscription.next().await {
                if sender.send(event).await.is_err() {
                    break;
                }
            }
        });
        Ok(Self::Attached(Attached { files: files.clone(), client, url: url(address), events }))
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Own(own) => url(own.address),
            Self::Attached(attached) => attached.url.clone(),
        }
    }

    /// Whether the session ends it.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Serves another plan from now on. Returns what that changed.
    ///
    /// # Errors
    ///
    /// When the plan cannot be activated: the earlier one goes on serving.
    pub async fn activate(&self, program: Program, allow_breaking: bool) -> Result<Diff> {
        match self {
            Self::Own(own) => own.instance.activate(program, allow_breaking).await,
            Self::Attached(attached) => {
                let plan = state::store_plan(&attached.files, &program)?;
                let (_, changes) = attached.client.activate(plan, program.digest().to_string(), allow_breaking).await?;
                Ok(changes)
            }
        }
    }

    /// The next request that was answered; `None` when the instance has stopped. May be dropped and called again.
    pub async fn request(&mut self) -> Option<Event> {
        match self {
            Self::Own(own) => loop {
                tokio::select! {
                    event = own.requests.recv() => match event {
                        Ok(event) => return Some(event.into()),
                        // A view, not a record.
                        Err(broadcast::error::RecvError::Lagged(_)) => {}
                        Err(broadcast::error::RecvError::Closed) => return None,
                    },
                    () = own.instance.stopping() => return None,
                }
            },
            Self::Attached(attached) => attached.events.recv().await,
        }
    }

    /// Leaves the instance: ends it if it is the session's own, after requests in flight.
    ///
    /// # Errors
    ///
    /// When it does not end as it should.
    pub async fn leave(self, drain: Duration) -> Result<()> {
        match self {
            Self::Attached(_) => Ok(()),
            Self::Own(own) => {
                own.instance.stop(drain);
                own.running.await.unwrap_or_else(|error| {
                    let source = std::io::Error::other(error);
                    Err(super::EmbeddedError::System { action: "end the instance", source })
                })
            }
        }
    }
}
