//! What can go wrong around an embedded instance.

use std::io;
use std::path::PathBuf;

/// A result of the embedded runtime.
pub type Result<T, E = EmbeddedError> = std::result::Result<T, E>;

/// Why something about an embedded instance failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// An operation on a file failed.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A file of the instance does not hold what was written there.
    #[error("`{}` is damaged: {reason}", path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process runs the instance already.
    #[error("instance `{name}` is already run by process {pid}")]
    AlreadyRunning {
        /// The instance.
        name: String,
        /// The process.
        pid: u32,
    },
    /// Something holds the instance's lock, and it is not known what.
    #[error("instance `{name}` is held by a process that left no trustworthy record")]
    UnknownHolder {
        /// The instance.
        name: String,
    },
    /// The port cannot be listened on.
    #[error("port {port} on {address} is in use{}", owner.as_deref().map(|owner| format!(" by {owner}")).unwrap_or_default())]
    PortInUse {
        /// The port.
        port: u16,
        /// The address that was tried.
        address: String,
        /// The program that owns it, when known.
        owner: Option<String>,
    },
    /// No free port was found.
    #[error("no free port from {first} to {last}")]
    NoFreePort {
        /// The first one tried.
        first: u16,
        /// The last one tried.
        last: u16,
    },
    /// The control socket gave no or a wrong answer.
    #[error("instance `{name}` does not answer on its control socket: {reason}")]
    Control {
        /// The instance.
        name: String,
        /// What happened.
        reason: String,
    },
    /// The instance refused what was asked of it.
    #[error("{message}")]
    Refused {
        /// The stable code of the refusal.
        code: String,
        /// Why, as the instance said it.
        message: String,
    },
    /// The instance process ended before it served.
    #[error("instance `{name}` stopped while starting: {reason}")]
    Exited {
        /// The instance.
        name: String,
        /// The stable code that the process left, if it left one.
        code: Option<String>,
        /// What it said, or how it ended.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// The instance process did not become ready in time.
    #[error("instance `{name}` is not ready after {waited_secs} s: {reason}")]
    NotReady {
        /// The instance.
        name: String,
        /// How long was waited, in seconds.
        waited_secs: u64,
        /// What was seen last.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// The process did not end in time.
    #[error("process {pid} of instance `{name}` did not end within {waited_secs} s")]
    NotStopped {
        /// The instance.
        name: String,
        /// The process.
        pid: u32,
        /// How long was waited, in seconds.
        waited_secs: u64,
    },
    /// The system refused something about a process.
    #[error("cannot {action}: {source}")]
    System {
        /// What was attempted.
        action: &'static str,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// Requests need a key, and nobody said which.
    #[error(transparent)]
    ApiKey(#[from] helix_engine::service::settings::NoApiKey),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] helix_engine::EngineError),
    /// A stored plan cannot be read.
    #[error("cannot read the plan: {0}")]
    Plan(#[from] helix_plan::DecodeError),
}

impl EmbeddedError {
    /// A failed operation on a file.
    pub fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    /// A failed system call.
    pub fn system(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { action, source }
    }
}
