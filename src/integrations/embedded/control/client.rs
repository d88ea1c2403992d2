//! The asking side.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use helix_plan::diff::Diff;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{Event, Reply, Request, Status, read_message, socket, write_message};
use crate::integrations::embedded::error::{EmbeddedError, Result};
use crate::integrations::embedded::files::Files;

/// How long an instance may take for an answer that needs no work.
const PROMPT: Duration = Duration::from_secs(3);
/// How long an activation may take: indexes may have to be built.
const ACTIVATION: Duration = Duration::from_secs(3600);

/// Asks a running instance. Each question is a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    name: String,
    path: PathBuf,
}

impl Client {
    /// A client of the instance; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the instance has no control socket.
    pub fn new(files: &Files) -> Result<Self> {
        let name = files.name().to_owned();
        match socket::locate(files)? {
            Some(path) => Ok(Self { name, path }),
            None => Err(EmbeddedError::Control { name, reason: "there is no socket".to_owned() }),
        }
    }

    /// How the instance is.
    ///
    /// # Errors
    ///
    /// When it does not answer in time.
    pub async fn status(&self) -> Result<Status> {
        match self.ask(&Request::Status, PROMPT).await? {
            Reply::Status(status) => Ok(status),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Has the instance serve another plan. Returns the digest of what it serves and what that changed.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Refused`] when the plan cannot be activated: the earlier one goes on serving.
    pub async fn activate(&self, plan: PathBuf, digest: String, allow_breaking: bool) -> Result<(String, Diff)> {
        let request = Request::Activate { plan, digest, allow_breaking };
        match self.ask(&request, ACTIVATION).await? {
            Reply::Activated { digest, diff } => Ok((digest, diff)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Has the instance finish what is in flight and end. It still runs when this returns.
    ///
    /// # Errors
    ///
    /// When it does not answer in time.
    pub async fn stop(&self, drain: Duration) -> Result<()> {
        let drain_ms = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
        match self.ask(&Request::Stop { drain_ms }, PROMPT).await? {
            Reply::Stopping => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// The requests that the instance answers from now on.
    ///
    /// # Errors
    ///
    /// When it does not answer in time.
    pub async fn subscribe(&self) -> Result<Events> {
        let (stream, reply) = timeout(PROMPT, self.open(&Request::Subscribe)).await.map_err(|_| self.late())??;
        match reply {
            Reply::Subscribed => Ok(Events { stream }),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn ask(&self, request: &Request, limit: Duration) -> Result<Reply> {
        let (_, reply) = timeout(limit, self.open(request)).await.map_err(|_| self.late())??;
        match reply {
            Reply::Refused { code, message } => Err(EmbeddedError::Refused { code, message }),
            reply => Ok(reply),
        }
    }

    async fn open(&self, request: &Request) -> Result<(UnixStream, Reply)> {
        let talk = async {
            let mut stream = UnixStream::connect(&self.path).await?;
            let peer = stream.peer_cred()?.uid();
            if peer != rustix::process::geteuid().as_raw() {
                let text = format!("the socket belongs to user {peer}");
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
            }
            write_message(&mut stream, request).await?;
            let reply = read_message(&mut stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok((stream, reply))
        };
        talk.await.map_err(|error: io::Error| self.failed(error.to_string()))
    }

    fn late(&self) -> EmbeddedError {
        self.failed("no answer in time".to_owned())
    }

    fn unexpected(&self, reply: &Reply) -> EmbeddedError {
        self.failed(format!("it gave an answer to another question: {reply:?}"))
    }

    fn failed(&self, reason: String) -> EmbeddedError {
        EmbeddedError::Control { name: self.name.clone(), reason }
    }
}

/// The requests of an instance as they are answered.
#[derive(Debug)]
pub struct Events {
    stream: UnixStream,
}

impl Events {
    /// The next one; `None` when the instance ended. Not to be dropped and called again in between.
    pub async fn next(&mut self) -> Option<Event> {
        read_message(&mut self.stream).await.ok().flatten()
    }
}
