//! The HTTP server: one current-thread runtime a core, all accepting from one socket, HTTP/1.1 and HTTP/2 by prior knowledge.
//!
//! One socket without `SO_REUSEPORT`, so that a second server on the port is an error and not a silent half of the traffic.

mod metrics;
mod request;
mod respond;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::engine::Engine;
use crate::error::{EngineError, Result};
use crate::mcp::{self, Mcp, Standard};
use crate::runtime::STACK_BYTES;
use metrics::Metrics;

/// How often what ended processes left behind is tidied up.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

/// Events that a slow listener may fall behind.
const EVENT_BACKLOG: usize = 1024;

/// How to serve.
#[derive(Clone)]
pub struct ServerOptions {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The SHA-256 of the API key. Requests without the key are refused when it is set.
    pub api_key_sha256: Option<[u8; 32]>,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How long the headers of a request may take to arrive.
    pub header_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long requests in flight may take when the server stops.
    pub drain_timeout: Duration,
    /// Threads that serve connections.
    pub threads: usize,
    /// Whether the tools of the Model Context Protocol are served.
    pub mcp: bool,
}

impl std::fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerOptions")
            .field("address", &self.address)
            .field("api_key", &self.api_key_sha256.map(|_| "***"))
            .field("max_body_bytes", &self.max_body_bytes)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl ServerOptions {
    /// The defaults, at an address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            api_key_sha256: None,
            max_body_bytes: 64 << 20,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(10),
            threads: thread::available_parallelism().map_or(2, usize::from),
            mcp: true,
        }
    }
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEvent {
    /// The query's name, or the path of another route.
    pub query: String,
    /// The HTTP status.
    pub status: u16,
    /// From the head of the request to the response.
    pub latency: Duration,
    /// Bytes of the response's body.
    pub response_bytes: usize,
    /// The error's text, for a failure.
    pub error: Option<String>,
}

/// What all connections share.
struct State {
    engine: Arc<Engine>,
    options: ServerOptions,
    metrics: Metrics,
    events: broadcast::Sender<RequestEvent>,
    draining: AtomicBool,
    /// The walks of the Model Context Protocol, and its standard form; nothing when they are not served.
    mcp: Option<Tools>,
}

/// How the Model Context Protocol is served.
struct Tools {
    walks: Arc<Mcp>,
    standard: StreamableHttpService<Standard, NeverSessionManager>,
}

/// A server that runs until it is stopped.
pub struct Server {
    state: Arc<State>,
    address: SocketAddr,
    shutdown: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Starts to serve.
    ///
    /// # Errors
    ///
    /// [`EngineError::Io`] when the address cannot be bound, with the system's reason.
    pub fn start(engine: Arc<Engine>, options: ServerOptions) -> Result<Self> {
        let address = options.address;
        let failed = |source| EngineError::Io { action: format!("cannot listen on {address}"), source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mcp = options.mcp.then(|| {
            let walks = Arc::new(Mcp::default());
            let shared = (engine.clone(), walks.clone());
            Tools { walks, standard: mcp::service(shared, address.ip().is_loopback(), options.max_body_bytes) }
        });
        let state = Arc::new(State {
            engine,
            mcp,
            metrics: Metrics::default(),
            events: broadcast::Sender::new(EVENT_BACKLOG),
            draining: AtomicBool::new(false),
            options,
        });
        let shutdown = CancellationToken::new();
        let running = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::new();
        for index in 0..state.options.threads.max(1) {
            let listener = listener.try_clone().map_err(failed)?;
            let (state, shutdown, running) = (state.clone(), shutdown.clone(), running.clone());
            let serve = move || {
                running.fetch_add(1, Ordering::Relaxed);
                serve(&state, listener, &shutdown, index == 0);
                running.fetch_sub(1, Ordering::Relaxed);
            };
            let thread = thread::Builder::new().name(format!("helix-http-{index}")).stack_size(STACK_BYTES);
            threads.push(thread.spawn(serve).map_err(failed)?);
        }
        Ok(Self { state, address, shutdown, threads })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests from now on, as they are answered.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<RequestEvent> {
        self.state.events.subscribe()
    }

    /// Stops: no connection is accepted any more, requests in flight are answered, within the drain timeout. Blocks until then.
    pub fn stop(mut self) {
        self.stop_threads();
    }

    fn stop_threads(&mut self) {
        self.state.draining.store(true, Ordering::Relaxed);
        self.shutdown.cancel();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_threads();
    }
}

/// A thread's work: accept and serve until the shutdown, then wait for what is in flight.
fn serve(state: &Arc<State>, listener: TcpListener, shutdown: &CancellationToken, tidies: bool) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start a runtime for connections");
            return;
        }
    };
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "cannot listen");
                return;
            }
        };
        let connections = TaskTracker::new();
        if tidies {
            let (engine, shutdown) = (state.engine.clone(), shutdown.clone());
            tokio::task::spawn_local(async move { shutdown.run_until_cancelled(tidy(&engine)).await });
        }
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let connection = connection(state.clone(), stream, shutdown.clone());
                    connections.spawn_local(connection);
                }
                Err(error) => {
                    // Out of descriptors, most likely: wait until some come back instead of spinning.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        connections.close();
        let _ = tokio::time::timeout(state.options.drain_timeout, connections.wait()).await;
    });
}

async fn tidy(engine: &Engine) {
    let mut interval = tokio::time::interval(TIDY_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = engine.tidy() {
            tracing::warn!(%error, "cannot tidy up");
        }
    }
}

async fn connection(state: Arc<State>, stream: tokio::net::TcpStream, shutdown: CancellationToken) {
    let mut builder = Builder::new(LocalExecutor);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(state.options.header_timeout).pipeline_flush(true);
    let service = service_fn(|request| {
        let state = state.clone();
        async move { Ok::<_, std::convert::Infallible>(request::answer(&state, request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection ended");
            }
            return;
        }
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended while stopping");
    }
}

/// Runs what a connection spawns on its own thread.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}
