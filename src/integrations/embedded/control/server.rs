//! The answering side.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use helix_engine::server::RequestEvent;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Event, Reply, Request, Socket, read_message, write_message};

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many clients are served at a time.
const MAX_CLIENTS: usize = 64;

/// Answers the requests that come over a control socket.
pub trait Handler: Send + Sync + 'static {
    /// Answers anything but [`Request::Subscribe`].
    fn answer(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// The requests that the instance answers from now on.
    fn events(&self) -> broadcast::Receiver<RequestEvent>;
}

/// Serves a control socket until `shutdown`.
pub async fn serve(socket: Socket, handler: Arc<impl Handler>, shutdown: CancellationToken) {
    let clients = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = socket.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let Ok(permit) = Arc::clone(&clients).try_acquire_owned() else { continue };
                let handler = Arc::clone(&handler);
                let shutdown = shutdown.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &*handler, shutdown).await {
                        tracing::debug!(%error, "control client failed");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a control client");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn converse(mut stream: UnixStream, handler: &impl Handler, shutdown: CancellationToken) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != rustix::process::geteuid().as_raw() && peer != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("user {peer} is not the owner")));
    }
    let request = timeout(PATIENCE, read_message(&mut stream)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    match request {
        None => Ok(()),
        Some(Request::Subscribe) => publish(stream, handler.events(), shutdown).await,
        Some(request) => {
            let reply = handler.answer(request).await;
            write_message(&mut stream, &reply).await
        }
    }
}

async fn publish(
    mut stream: UnixStream,
    mut events: broadcast::Receiver<RequestEvent>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    write_message(&mut stream, &Reply::Subscribed).await?;
    loop {
        let event = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            event = events.recv() => event,
        };
        match event {
            Ok(event) => timeout(PATIENCE, write_message(&mut stream, &Event::from(event)))
                .await
                .map_err(|_| io::ErrorKind::TimedOut)??,
            // A slow reader misses some; it is a view, not a record.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return Ok(()),
        }
    }
}
