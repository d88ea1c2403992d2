//! What can go wrong in the engine, with the stable texts, codes and statuses of the HTTP contract.

use std::io;
use std::path::PathBuf;

/// A result of the engine.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// Why an operation of the engine failed.
///
/// The text of a variant that a query can raise is what clients read in `error`; some match on it, so it is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A path names no query.
    #[error("Couldn't find `{name}` of type Query")]
    UnknownQuery {
        /// The name asked for.
        name: String,
    },
    /// A path names no tool of the Model Context Protocol.
    #[error("Couldn't find `{name}` of type MCP")]
    UnknownTool {
        /// The name asked for.
        name: String,
    },
    /// No walk is kept under an id.
    #[error("Storage error: Connection not found: {id}")]
    ConnectionNotFound {
        /// The id.
        id: String,
    },
    /// A lookup of a node by id found nothing, and the query needs one.
    #[error("Node not found")]
    NodeNotFound,
    /// A lookup of an edge by id found nothing, and the query needs one.
    #[error("Edge not found")]
    EdgeNotFound,
    /// A lookup of a vector by id found nothing, and the query needs one.
    #[error("Vector error: VectorError: Vector not found: {id}")]
    VectorNotFound {
        /// The id asked for, as a UUID.
        id: String,
    },
    /// A traversal that must give one item gave none.
    #[error("Graph error: No value found")]
    NoValue,
    /// The request body does not fit the parameters.
    #[error("Decode error: {0}")]
    Decode(String),
    /// An optional parameter was not given, and the query needs it.
    #[error("Parameter {name} not found in request")]
    MissingParameter {
        /// The parameter, or `parameter.member`.
        name: String,
    },
    /// Nothing joins the ends of a path.
    #[error("Shortest path not found")]
    PathNotFound,
    /// A path cannot be looked for: what is stored does not allow it.
    #[error("Traversal error: {0}")]
    Path(String),
    /// A value is already held by another item.
    #[error("Duplicate key on unique index: {key}")]
    DuplicateKey {
        /// The field, or `Type:<from>-><to>` for an edge.
        key: String,
    },
    /// A value does not fit: bad range, overflow, division by zero, bad `k`, wrong dimensions.
    #[error("Graph error: {0}")]
    BadValue(String),
    /// An edge end is an item of the wrong type.
    #[error("Traversal error: {0}")]
    Traversal(String),
    /// The embedding provider failed.
    #[error("Error while embedding text: {0}")]
    Embedding(String),
    /// A query searches text, and the settings say that none is indexed.
    #[error("Graph error: BM25 not enabled!")]
    TextNotEnabled,
    /// The query used more than it may.
    #[error("Graph error: query exceeded its limit of {limit}")]
    LimitExceeded {
        /// Which limit, with its value and unit.
        limit: String,
    },
    /// Too many requests wait.
    #[error("Graph error: Server is overloaded")]
    Overloaded,
    /// The server is stopping.
    #[error("Graph error: Server is shutting down")]
    ShuttingDown,
    /// A request panicked; nothing of it was stored.
    #[error("Graph error: Internal server error: worker failed to respond")]
    WorkerFailed,
    /// A read that was tried on an I/O thread takes long: it runs again on the pool. Nobody outside sees this.
    #[error("Graph error: the request was moved")]
    Moved,
    /// A query needs embeddings of texts that only running it could tell: it runs again when they are there. Nobody outside sees this.
    #[error("Error while embedding text: the query was not run again")]
    Unembedded {
        /// The texts, each once.
        texts: Vec<String>,
    },
    /// The store failed.
    #[error("Storage error: {0}")]
    Storage(String),
    /// The store is full up to its configured size.
    #[error("Storage error: the database reached its size limit of {limit_gb} GiB: raise `db_max_size_gb`")]
    MapFull {
        /// The configured limit in GiB.
        limit_gb: u64,
    },
    /// The disk, or what the process may use of it, is full.
    #[error("Storage error: {reason}; nothing of the request was stored")]
    DiskFull {
        /// Which of both.
        reason: &'static str,
    },
    /// A stored row, key or definition cannot be what was written.
    #[error("Storage error: damaged data: {0}")]
    Damaged(String),
    /// The data directory is in use.
    #[error("data directory `{}` is in use by process {pid}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The process that holds it, as it wrote itself down.
        pid: String,
    },
    /// The data directory is of a newer format.
    #[error("data format {found} is newer than this engine's {supported}: update helix")]
    NewerFormat {
        /// The format found.
        found: u32,
        /// The newest format that this engine reads.
        supported: u32,
    },
    /// The data directory cannot be used.
    #[error("cannot use data directory `{}`: {reason}", path.display())]
    DataDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A program's schema cannot follow the stored one.
    #[error("the schema cannot be activated: {}", reasons.join("; "))]
    Activation {
        /// What stands in the way, each a sentence.
        reasons: Vec<String>,
    },
    /// An operation of the system failed.
    #[error("{action}: {source}")]
    Io {
        /// What was attempted.
        action: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl EngineError {
    /// The `code` member of the error body.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownQuery { .. } | Self::UnknownTool { .. } => "NOT_FOUND",
            _ => "GRAPH_ERROR",
        }
    }

    /// The HTTP status of the error.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnknownQuery { .. }
            | Self::UnknownTool { .. }
            | Self::ConnectionNotFound { .. }
            | Self::NodeNotFound
            | Self::EdgeNotFound
            | Self::VectorNotFound { .. }
            | Self::PathNotFound
            | Self::NoValue => 404,
            Self::Decode(_)
            | Self::MissingParameter { .. }
            | Self::BadValue(_)
            | Self::Traversal(_)
            | Self::LimitExceeded { .. } => 400,
            Self::DuplicateKey { .. } => 409,
            Self::Embedding(_) => 502,
            Self::Overloaded | Self::ShuttingDown => 503,
            Self::MapFull { .. } | Self::DiskFull { .. } => 507,
            Self::WorkerFailed
            | Self::TextNotEnabled
            | Self::Moved
            | Self::Unembedded { .. }
            | Self::Path(_)
            | Self::Storage(_)
            | Self::Damaged(_)
            | Self::Locked { .. }
            | Self::NewerFormat { .. }
            | Self::DataDirectory { .. }
            | Self::Activation { .. }
            | Self::Io { .. } => 500,
        }
    }
}
