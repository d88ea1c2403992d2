//! A running instance: what the detached process and a development session both are.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use helix_engine::server::{RequestEvent, Server, ServerOptions};
use helix_engine::service::settings::{self, Env};
use helix_engine::{ActivateOptions, Engine, EngineError};
use helix_plan::Program;
use helix_plan::diff::{Diff, diff};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::control::{self, Handler, Reply, Request, Socket, Status};
use super::error::{EmbeddedError, Result};
use super::files::Files;
use super::launch::Launch;
use super::process::{Fault, Hold, Phase, ProcessId, ProcessRecord};
use super::{now, port, state};

/// How long requests in flight may take when nobody said otherwise.
pub const DRAIN: Duration = Duration::from_secs(10);
/// The server waits at most that long; whoever stops it waits less.
const LONGEST_DRAIN: Duration = Duration::from_secs(24 * 3600);

/// An instance that serves, and has to be [`run`](Host::run) to be told what to do.
#[derive(Debug)]
pub struct Host {
    instance: Arc<Instance>,
    socket: Socket,
}

/// The instance, for whoever changes it while it runs.
#[derive(Debug)]
pub struct Instance {
    engine: Arc<Engine>,
    server: Mutex<Option<Server>>,
    hold: Mutex<Option<Hold>>,
    /// Held for as long as an activation takes.
    activating: tokio::sync::Mutex<()>,
    started: Instant,
    stop: CancellationToken,
    drain: Mutex<Duration>,
}

/// A poisoned lock holds what it held before the panic: every change is a single assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    /// Takes the instance, opens its data, activates its plan and serves.
    ///
    /// A failure is written into the record of the process, so that whoever waits for it can tell why.
    ///
    /// # Errors
    ///
    /// When any of that fails.
    pub async fn open(launch: &Launch, program: Program, env: &Env) -> Result<Self> {
        let files = launch.files();
        files.create()?;
        let mut hold = Hold::take(&files, record(launch))?;
        match Self::serve(launch, &files, program, env).await {
            Ok((engine, server, socket)) => {
                let (address, digest) = (server.address(), digest(&engine));
                hold.update(|record| {
                    record.phase = Phase::Ready;
                    record.address = Some(address);
                    record.digest = Some(digest);
                })?;
                tracing::info!(%address, data = %launch.data.display(), "ready");
                let instance = Arc::new(Instance {
                    engine,
                    server: Mutex::new(Some(server)),
                    hold: Mutex::new(Some(hold)),
                    activating: tokio::sync::Mutex::new(()),
                    started: Instant::now(),
                    stop: CancellationToken::new(),
                    drain: Mutex::new(DRAIN),
                });
                Ok(Self { instance, socket })
            }
            Err(error) => {
                tracing::error!(%error, "cannot start");
                let fault = Fault { code: code(&error).to_owned(), message: error.to_string() };
                hold.update(|record| {
                    record.phase = Phase::Failed;
                    record.fault = Some(fault);
                })?;
                Err(error)
            }
        }
    }

    async fn serve(
        launch: &Launch,
        files: &Files,
        program: Program,
        env: &Env,
    ) -> Result<(Arc<Engine>, Server, Socket)> {
        // Before the data is touched.
        port::check(launch.address())?;
        let socket = Socket::bind(files, &launch.short)?;
        let (data, options, allow_breaking) =
            (launch.data.clone(), settings::engine_options(&launch.engine, env)?, launch.allow_breaking);
        let engine = blocking("open the data", move || {
            let engine = Engine::open(&data, options)?;
            engine.activate(&program, ActivateOptions { allow_breaking })?;
            Ok(engine)
        })
        .await?;
        tracing::info!(digest = digest(&engine), "activated");
        let server = Server::start(Arc::clone(&engine), server_options(launch, env)?)?;
        Ok((engine, server, socket))
    }

    /// The instance, to change it while it runs.
    #[must_use]
    pub fn instance(&self) -> Arc<Instance> {
        Arc::clone(&self.instance)
    }

    /// Serves until [`Instance::stop`] or a stop over the control socket, and until requests in flight are done.
    ///
    /// # Errors
    ///
    /// When the data cannot be closed as it should.
    pub async fn run(self) -> Result<()> {
        let Self { instance, socket } = self;
        let closing = CancellationToken::new();
        let control = tokio::spawn(control::serve(socket, Arc::clone(&instance), closing.clone()));
        instance.stop.cancelled().await;
        instance.note(|record| record.phase = Phase::Draining)?;
        let limit = *lock(&instance.drain);
        tracing::info!(limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX), "draining");
        let server = lock(&instance.server).take();
        if let Some(server) = server {
            let drained = tokio::task::spawn_blocking(move || server.stop());
            if tokio::time::timeout(limit, drained).await.is_err() {
                tracing::warn!("requests in flight were cut off");
            }
        }
        closing.cancel();
        let _ = control.await;
        let engine = Arc::clone(&instance.engine);
        blocking("close the data", move || Ok(engine.close()?)).await?;
        tracing::info!("stopped");
        let hold = lock(&instance.hold).take();
        hold.map_or(Ok(()), Hold::release)
    }
}

impl Instance {
    /// Begins to stop: no more requests are accepted, those in flight may take that long.
    pub fn stop(&self, drain: Duration) {
        *lock(&self.drain) = drain;
        self.stop.cancel();
    }

    /// Whether it is stopping or has stopped.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Completes when the instance begins to stop.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Where it is reached.
    #[must_use]
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        lock(&self.server).as_ref().map(Server::address)
    }

    /// The digest of the plan that it serves.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&self.engine)
    }

    /// The requests from now on, as they are answered. Ends at once when the instance has stopped.
    #[must_use]
    pub fn requests(&self) -> broadcast::Receiver<RequestEvent> {
        let server = lock(&self.server);
        server.as_ref().map_or_else(|| broadcast::channel(1).1, Server::subscribe)
    }

    /// Calls a query without a detour over the network. Returns the JSON of its response.
    ///
    /// # Errors
    ///
    /// What the query fails with.
    pub async fn call(&self, name: &str, body: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.engine.call(name, body.into()).await?.to_vec())
    }

    /// Serves another plan from now on; requests in flight finish on the earlier one. Returns what that changed.
    ///
    /// # Errors
    ///
    /// When the plan cannot be activated: the earlier one goes on serving.
    pub async fn activate(&self, program: Program, allow_breaking: bool) -> Result<Diff> {
        let _alone = self.activating.lock().await;
        let before = self.engine.program();
        let engine = Arc::clone(&self.engine);
        let changes = blocking("activate the plan", move || {
            let changes = before.map(|before| diff(&before, &program)).unwrap_or_default();
            engine.activate(&program, ActivateOptions { allow_breaking })?;
            Ok(changes)
        })
        .await
        .inspect_err(|error| tracing::warn!(%error, "a plan was refused"))?;
        let digest = self.digest();
        tracing::info!(digest, queries = changes.queries.len(), schema = changes.schema.len(), "activated");
        self.note(|record| record.digest = Some(digest))?;
        Ok(changes)
    }

    fn note(&self, change: impl FnOnce(&mut ProcessRecord)) -> Result<()> {
        lock(&self.hold).as_mut().map_or(Ok(()), |hold| hold.update(change))
    }

    async fn activate_file(&self, plan: &std::path::Path, digest: &str, allow_breaking: bool) -> Result<Diff> {
        let program = state::load_plan(plan, digest)?;
        self.activate(program, allow_breaking).await
    }

    fn status(&self) -> Status {
        Status {
            digest: self.digest(),
            queries: self.engine.program().map_or(0, |program| program.queries.len()),
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            // Progress is told where it can be; nothing depends on it.
            filled_percent: self.engine.filled().ok().flatten().map(|share| (share * 100.0) as u8),
        }
    }
}

impl Handler for Instance {
    async fn answer(&self, request: Request) -> Reply {
        match request {
            Request::Status => Reply::Status(self.status()),
            Request::Activate { plan, digest, allow_breaking } => {
                match self.activate_file(&plan, &digest, allow_breaking).await {
                    Ok(diff) => Reply::Activated { digest, diff },
                    Err(error) => Reply::Refused { code: code(&error).to_owned(), message: error.to_string() },
                }
            }
            Request::Stop { drain_ms } => {
                self.stop(Duration::from_millis(drain_ms));
                Reply::Stopping
            }
            Request::Subscribe => Reply::Subscribed,
        }
    }

    fn events(&self) -> broadcast::Receiver<RequestEvent> {
        self.requests()
    }
}

fn record(launch: &Launch) -> ProcessRecord {
    ProcessRecord {
        process: ProcessId::current(),
        session: launch.session,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: now(),
        phase: Phase::Starting,
        address: None,
        digest: None,
        config_hash: launch.config_hash.clone(),
        port_override: launch.port_override,
        data_dir: launch.data.clone(),
        fault: None,
    }
}

fn digest(engine: &Engine) -> String {
    engine.program().map(|program| program.digest().to_string()).unwrap_or_default()
}

/// Runs what blocks beside what must not.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(EmbeddedError::System { action, source: io::Error::other(error) }))
}

fn server_options(launch: &Launch, env: &Env) -> Result<ServerOptions> {
    let mut options = settings::server_options(launch.address(), &launch.engine, env)?;
    options.drain_timeout = LONGEST_DRAIN;
    Ok(options)
}

/// The stable code of a failure that is told to another process.
fn code(error: &EmbeddedError) -> &'static str {
    match error {
        EmbeddedError::PortInUse { .. } => "E-PORT-IN-USE",
        EmbeddedError::AlreadyRunning { .. } => "E-STATE-RUNNING",
        EmbeddedError::ApiKey(_) => "E-AUTH-KEY-HASH",
        EmbeddedError::Engine(error) => match error {
            EngineError::Activation { .. } | EngineError::DuplicateKey { .. } => "E-DEPLOY-REFUSED",
            EngineError::Locked { .. } => "E-STATE-DATA-IN-USE",
            EngineError::NewerFormat { .. } => "E-STATE-FORMAT",
            EngineError::DataDirectory { .. } => "E-FS-DATA",
            EngineError::MapFull { .. } | EngineError::DiskFull { .. } => "E-DEPLOY-DATABASE-FULL",
            EngineError::Io { source, .. } if source.kind() == io::ErrorKind::AddrInUse => "E-PORT-IN-USE",
            _ => "E-DEPLOY-FAILED",
        },
        _ => "E-DEPLOY-FAILED",
    }
}
