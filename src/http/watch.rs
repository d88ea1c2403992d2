//! Limits of silence: a call that goes on may take as long as it likes, one that stands still may not.
//!
//! The client's own limit for reading counts the time of sending as well, and would end every long upload.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use reqwest::{Response, ResponseBuilderExt as _};
use tokio::time::Instant;

/// When something was sent last.
#[derive(Clone)]
pub(super) struct Pulse(Arc<Mutex<Instant>>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Pulse {
    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same pieces; each that is taken is felt.
    pub(super) fn felt_by<S>(&self, pieces: S) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let pulse = self.clone();
        pieces.inspect(move |_| *pulse.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now())
    }

    /// Returns when nothing was felt for that long.
    pub(super) async fn stopped(&self, limit: Duration) {
        loop {
            let end = self.last() + limit;
            tokio::time::sleep_until(end).await;
            if self.last() + limit <= end {
                return;
            }
        }
    }
}

/// The same answer; reading it fails when nothing arrives for that long.
pub(super) fn watched(response: Response, limit: Duration) -> Response {
    let url = response.url().clone();
    let (mut parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    // Relative addresses in the answer are relative to this.
    if let Ok(named) = http::Response::builder().url(url).body(()) {
        parts.extensions.extend(named.into_parts().0.extensions);
    }
    let pieces = http_body_util::BodyDataStream::new(body);
    let pieces = futures_util::stream::unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        match tokio::time::timeout(limit, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(io::Error::new(io::ErrorKind::TimedOut, "nothing arrived in time")), None)),
        }
    });
    Response::from(http::Response::from_parts(parts, reqwest::Body::wrap_stream(pieces)))
}
