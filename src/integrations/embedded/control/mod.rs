//! How a command talks to a running instance: short JSON messages over a Unix domain socket of the owner.
//!
//! A message is its length in four bytes, big-endian, and that many bytes of JSON. A connection carries one request and its
//! answer; after [`Request::Subscribe`] it carries events until one side closes it.

mod client;
mod server;
mod socket;

use std::io;
use std::path::PathBuf;

use helix_engine::server::RequestEvent;
use helix_plan::diff::Diff;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::now;

pub use client::{Client, Events};
pub use server::{Handler, serve};
pub use socket::{Socket, remove};

/// The largest message, in bytes. Plans travel as files.
const MAX_LEN_BYTES: usize = 1 << 20;

/// What is asked of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// How it is.
    Status,
    /// Serve another plan from now on.
    Activate {
        /// The file that holds the encoded plan.
        plan: PathBuf,
        /// The digest that the plan must have.
        digest: String,
        /// Whether stored data may be lost.
        allow_breaking: bool,
    },
    /// Finish what is in flight, then end.
    Stop {
        /// How long requests in flight may take, in milliseconds.
        drain_ms: u64,
    },
    /// Tell every request from now on.
    Subscribe,
}

/// What an instance answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::Status`].
    Status(Status),
    /// To [`Request::Activate`]: it serves the plan now.
    Activated {
        /// The digest of what it serves.
        digest: String,
        /// What that changed.
        diff: Diff,
    },
    /// To [`Request::Stop`]: it accepts no more requests and ends soon.
    Stopping,
    /// To [`Request::Subscribe`]: events follow.
    Subscribed,
    /// It did not do what was asked.
    Refused {
        /// A stable code.
        code: String,
        /// Why.
        message: String,
    },
}

/// How an instance is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The digest of the plan that it serves.
    pub digest: String,
    /// How many queries that plan has.
    pub queries: usize,
    /// How long it has been up, in milliseconds.
    pub uptime_ms: u64,
    /// How much of the indexes of a coming plan is filled, in percent, while they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled_percent: Option<u8>,
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it was answered, RFC 3339.
    pub ts: String,
    /// The query, or the path.
    pub query: String,
    /// The HTTP status.
    pub status: u16,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// The error's text, for a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl From<RequestEvent> for Event {
    fn from(event: RequestEvent) -> Self {
        let RequestEvent { query, status, latency, error, .. } = event;
        Self { ts: now(), query, status, micros: u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), error }
    }
}

async fn write_message(stream: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(message).map_err(io::Error::other)?;
    if body.len() > MAX_LEN_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {} bytes is too long", body.len()),
        ));
    }
    let len_bytes = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut bytes = len_bytes.to_be_bytes().to_vec();
    bytes.extend_from_slice(&body);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// The next message; `None` when the other side closed between messages.
async fn read_message<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let mut header = [0; 4];
    if stream.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut header[1..]).await?;
    let len_bytes = u32::from_be_bytes(header) as usize;
    if len_bytes > MAX_LEN_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {len_bytes} bytes is too long")));
    }
    let mut body = vec![0; len_bytes];
    stream.read_exact(&mut body).await?;
    serde_json::from_slice(&body).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests;
