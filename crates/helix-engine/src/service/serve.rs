//! Serving: open the data, activate the release, answer until told to stop, end cleanly.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use helix_plan::Program;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::environment::Configuration;
use super::settings::{engine_options, server_options};
use super::{Exit, Failure};
use crate::compiled::Queries;
use crate::engine::{ActivateOptions, Engine, EngineOptions};
use crate::error::EngineError;
use crate::server::Server;

/// The server waits at most that long; whoever stops it waits less.
const LONGEST_DRAIN: Duration = Duration::from_secs(24 * 3600);

/// Serves until a signal says to stop.
pub(super) fn run(configuration: Configuration, program: Program, queries: Queries) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Internal, format!("cannot start a runtime: {error}")))?;
    let result = runtime.block_on(serve(configuration, program, queries));
    // Work that a signal came before is safe to leave: a crash at that place is.
    runtime.shutdown_background();
    result
}

async fn serve(configuration: Configuration, program: Program, queries: Queries) -> Result<(), Failure> {
    // Before all else: the first process of a container gets no signal that it does not listen for.
    let mut signals =
        Signals::new().map_err(|error| Failure::new(Exit::Internal, format!("cannot listen for signals: {error}")))?;
    let drain = configuration.drain;
    let (engine, server) = tokio::select! {
        started = blocking(move || start(&configuration, &program, queries)) => started?,
        () = signals.next() => {
            tracing::info!("stopped before it was ready");
            return Ok(());
        }
    };
    signals.next().await;
    tracing::info!(limit_s = drain.as_secs(), "draining");
    let drained = tokio::task::spawn_blocking(move || server.stop());
    tokio::select! {
        ended = tokio::time::timeout(drain, drained) => if ended.is_err() {
            tracing::warn!("requests in flight were cut off");
        },
        () = signals.next() => tracing::warn!("told twice: requests in flight were cut off"),
    }
    blocking(move || engine.close().map_err(Failure::from)).await?;
    tracing::info!("stopped");
    Ok(())
}

fn start(configuration: &Configuration, program: &Program, queries: Queries) -> Result<(Arc<Engine>, Server), Failure> {
    let Configuration { address, data, settings, env, .. } = configuration;
    // Before the data is touched.
    let mut options =
        server_options(*address, settings, env).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    options.drain_timeout = LONGEST_DRAIN;
    let engine = engine_options(settings, env).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let engine = Engine::open(data, EngineOptions { queries, ..engine })?;
    let activated = engine.activate(program, ActivateOptions { allow_breaking: configuration.allow_breaking })?;
    tracing::info!(digest = %activated.digest, changed = activated.changed, "activated");
    let server = Server::start(Arc::clone(&engine), options)?;
    let named = |name: &str| env.get(name).map(String::as_str);
    tracing::info!(
        address = %server.address(),
        data = %data.display(),
        project = named("HELIX_PROJECT"),
        instance = named("HELIX_INSTANCE"),
        "ready"
    );
    Ok((engine, server))
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let exit = match &error {
            EngineError::Locked { .. } | EngineError::NewerFormat { .. } | EngineError::DataDirectory { .. } => {
                Exit::State
            }
            EngineError::Activation { .. } | EngineError::DuplicateKey { .. } => Exit::Refused,
            EngineError::Io { .. } | EngineError::MapFull { .. } | EngineError::DiskFull { .. } => Exit::Failed,
            EngineError::UnknownQuery { .. }
            | EngineError::UnknownTool { .. }
            | EngineError::ConnectionNotFound { .. }
            | EngineError::NodeNotFound
            | EngineError::EdgeNotFound
            | EngineError::VectorNotFound { .. }
            | EngineError::NoValue
            | EngineError::MissingParameter { .. }
            | EngineError::PathNotFound
            | EngineError::Path(_)
            | EngineError::Decode(_)
            | EngineError::BadValue(_)
            | EngineError::Traversal(_)
            | EngineError::TextNotEnabled
            | EngineError::Embedding(_)
            | EngineError::LimitExceeded { .. }
            | EngineError::Overloaded
            | EngineError::ShuttingDown
            | EngineError::WorkerFailed
            | EngineError::Moved
            | EngineError::Unembedded { .. }
            | EngineError::Storage(_)
            | EngineError::Damaged(_) => Exit::Internal,
        };
        Self::new(exit, error.to_string())
    }
}

/// Runs what blocks beside what must not.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::new(Exit::Internal, error.to_string())))
}

/// What tells a server to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
