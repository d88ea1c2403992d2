//! The engine as its users see it: open a database, activate programs, call queries.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use helix_plan::diff::SchemaChange;
use helix_plan::{Access, Digest, Program, ReadClass};

use crate::compiled::Queries;
use crate::embed::Embedder;
use crate::error::{EngineError, Result};
use crate::interpret::{Arguments, Prepared, PreparedQuery};
use crate::operators::{Embeddings, Limits};
use crate::runtime::{Core, Request, Runtime};
use crate::storage::lmdb::{Durability, LmdbOptions};
use crate::storage::{Lmdb, Memory};
use crate::text::{TextConfig, TextCounts};
use crate::vector::{VectorConfig, VectorCounts};
use crate::verify::VerifyReport;

/// The folder of the database inside a data directory.
pub(crate) const DATABASE: &str = "user";

/// How to run a database.
#[derive(Clone)]
pub struct EngineOptions {
    /// The size that the database may grow to, in GiB.
    pub max_size_gb: u64,
    /// When a commit counts as done.
    pub durability: Durability,
    /// The parameters of vector indexes.
    pub vectors: VectorConfig,
    /// Whether text is indexed.
    pub text: TextConfig,
    /// What one request may use.
    pub limits: Limits,
    /// Threads for reads that are not known to be short.
    pub readers: usize,
    /// Requests that may wait for a thread, or for the writer.
    pub queue: usize,
    /// Queries that were compiled; those of any other program are interpreted.
    pub queries: Queries,
    /// What a request takes for the present instant.
    pub clock: Clock,
    /// What ids are signed with when the database is made; random by default.
    pub secret: Option<[u8; 16]>,
    /// Gives embeddings, if any are configured.
    pub embedder: Option<Arc<dyn Embedder>>,
}

impl std::fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("max_size_gb", &self.max_size_gb)
            .field("durability", &self.durability)
            .field("vectors", &self.vectors)
            .field("text", &self.text)
            .field("limits", &self.limits)
            .field("readers", &self.readers)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            max_size_gb: LmdbOptions::default().max_size_gb,
            durability: Durability::Commit,
            vectors: VectorConfig::default(),
            text: TextConfig::default(),
            limits: Limits::default(),
            readers: std::thread::available_parallelism().map_or(2, usize::from),
            queue: 1_000,
            queries: Queries::default(),
            clock: Clock::System,
            secret: None,
            embedder: None,
        }
    }
}

/// What a request takes for the present instant.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands still but for a millisecond a request: with [`EngineOptions::secret`], it makes runs repeatable to
    /// the byte.
    Stepping(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that steps from an instant on, given in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn stepping_from(milliseconds: u64) -> Self {
        Self::Stepping(Arc::new(AtomicU64::new(milliseconds)))
    }

    fn now(&self) -> SystemTime {
        match self {
            Self::System => SystemTime::now(),
            Self::Stepping(milliseconds) => {
                SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds.fetch_add(1, Ordering::Relaxed))
            }
        }
    }
}

/// How to activate a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivateOptions {
    /// Whether stored data may be lost.
    pub allow_breaking: bool,
}

/// What an activation did.
#[derive(Clone, Debug)]
pub struct Activated {
    /// The identity of the program that is active now.
    pub digest: Digest,
    /// Whether it is another one than before.
    pub changed: bool,
    /// How the schema changed.
    pub changes: Vec<SchemaChange>,
}

/// Figures of a running engine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Writes that wait for the writer.
    pub writer_queue: usize,
    /// Reads that wait for a thread.
    pub reader_queue: usize,
    /// Commits since the start.
    pub commits: u64,
    /// Requests that they held.
    pub committed_requests: u64,
    /// Time spent in commits.
    pub commit_time: Duration,
    /// The size of the database file in bytes; 0 in memory.
    pub size_bytes: u64,
    /// The bytes of it that hold something; the rest is free for reuse.
    pub used_bytes: u64,
    /// The size that it may grow to, in bytes.
    pub max_size_bytes: u64,
    /// How long the oldest read has been going on.
    pub oldest_reader: Duration,
    /// The most memory that one read took since the start, in bytes.
    pub memory_peak_bytes: u64,
}

/// A database with its active program.
pub struct Engine {
    runtime: Box<dyn Core>,
    options: EngineOptions,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the database of a data directory, which is made if it does not exist, and activates its stored program.
    ///
    /// # Errors
    ///
    /// [`EngineError::Locked`] when another process has it open, [`EngineError::NewerFormat`], or when it cannot be opened.
    pub fn open(directory: &Path, options: EngineOptions) -> Result<Arc<Self>> {
        let lmdb = LmdbOptions { max_size_gb: options.max_size_gb, durability: options.durability };
        let store = Lmdb::open(&directory.join(DATABASE), lmdb)?;
        Self::start(store, options)
    }

    /// An empty database in memory.
    ///
    /// # Errors
    ///
    /// When its threads cannot be started.
    pub fn in_memory(options: EngineOptions) -> Result<Arc<Self>> {
        Self::start(Memory::default(), options)
    }

    fn start<S: crate::runtime::Files>(store: S, options: EngineOptions) -> Result<Arc<Self>> {
        let runtime = Runtime::start(store, &options)?;
        Ok(Arc::new(Self { runtime: Box::new(runtime), options }))
    }

    /// Makes a program the active one: its types are reconciled with the stored data, its indexes are built, then it takes the
    /// place of the one before between two requests. Requests in flight finish on the old one; a failure leaves it serving.
    ///
    /// Blocks until it is done.
    ///
    /// # Errors
    ///
    /// [`EngineError::Activation`] with every reason, when stored data stands in the way.
    pub fn activate(&self, program: &Program, options: ActivateOptions) -> Result<Activated> {
        self.runtime.activate(program, options)
    }

    /// How far an activation is that fills indexes: the share of rows, from 0 to 1, that were looked at; `None` when none does.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn filled(&self) -> Result<Option<f64>> {
        self.runtime.filled()
    }

    /// The active program.
    #[must_use]
    pub fn program(&self) -> Option<Arc<Program>> {
        self.runtime.active().map(|active| active.program().clone())
    }

    /// Calls a query with a JSON body and gives the JSON of its response.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownQuery`], [`EngineError::Decode`], [`EngineError::Overloaded`], and what the query fails with.
    pub async fn call(&self, name: &str, body: Bytes) -> Result<Bytes> {
        let started = Instant::now();
        let unknown = || EngineError::UnknownQuery { name: name.to_owned() };
        let active = self.runtime.active().ok_or_else(unknown)?;
        let query = active.query(name).ok_or_else(unknown)?;
        let arguments = query.decode(&body)?;
        let (query, embeddings, now) = (query.clone(), Embeddings::new(), self.options.clock.now());
        self.embed_and_run(Request { query, arguments, embeddings, body, started, now }).await
    }

    /// Runs a request with the embeddings that it needs: those that its arguments tell are there before it runs, the others are
    /// fetched, all that are missing at once, each time that a run found some. No transaction is open meanwhile.
    async fn embed_and_run(&self, mut request: Request) -> Result<Bytes> {
        if !request.query.embeds() {
            return self.run(request).await;
        }
        let mut texts = request.query.embedding_texts(&request.arguments);
        loop {
            let found = self.embeddings(&request.query, texts).await?;
            request.embeddings.extend(found);
            request.now = self.options.clock.now();
            texts = match self.run(request.clone()).await {
                Err(EngineError::Unembedded { texts }) => texts,
                answer => return answer,
            };
            let deadline = self.options.limits.deadline;
            if request.started.elapsed() > deadline {
                return Err(EngineError::LimitExceeded { limit: format!("{} s", deadline.as_secs_f64()) });
            }
        }
    }

    async fn run(&self, request: Request) -> Result<Bytes> {
        match (request.query.access(), request.query.class()) {
            (Access::Read, ReadClass::Short) => match self.runtime.read_here(&request) {
                Err(EngineError::Moved) => answered(self.runtime.read(request)?.await),
                answer => answer,
            },
            (Access::Read, ReadClass::Long) => answered(self.runtime.read(request)?.await),
            (Access::Write, _) => answered(self.runtime.write(request)?.await),
        }
    }

    /// The active program, ready to run.
    pub(crate) fn active(&self) -> Option<Arc<Prepared>> {
        self.runtime.active()
    }

    /// Runs a query without parameters that reads, and is none of the active program's.
    pub(crate) async fn run_once(&self, query: PreparedQuery) -> Result<Bytes> {
        let (started, arguments, embeddings) = (Instant::now(), Arguments::default(), Embeddings::new());
        let (body, now) = (Bytes::new(), self.options.clock.now());
        self.embed_and_run(Request { query, arguments, embeddings, body, started, now }).await
    }

    async fn embeddings(&self, query: &PreparedQuery, texts: Vec<String>) -> Result<Embeddings> {
        if texts.is_empty() {
            return Ok(Embeddings::new());
        }
        let embedder = self
            .options
            .embedder
            .as_ref()
            .ok_or_else(|| EngineError::Embedding("no embedding provider is configured".to_owned()))?;
        let vectors = embedder.embed(query.embedding_model(), texts.clone()).await?;
        if vectors.len() != texts.len() {
            return Err(EngineError::Embedding(format!(
                "{} vectors came back for {} texts",
                vectors.len(),
                texts.len()
            )));
        }
        Ok(texts.into_iter().zip(vectors.into_iter().map(Arc::from)).collect())
    }

    /// Checks every index against its rows.
    ///
    /// # Errors
    ///
    /// When the store fails; what merely disagrees is a finding.
    pub fn verify(&self) -> Result<VerifyReport> {
        self.runtime.verify()
    }

    /// What the index of each vector type holds.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn vector_counts(&self) -> Result<Vec<(String, VectorCounts)>> {
        self.runtime.vector_counts()
    }

    /// What the text index of each node type holds that has one.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn text_counts(&self) -> Result<Vec<(String, TextCounts)>> {
        self.runtime.text_counts()
    }

    /// Figures of the moment.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let max_size_bytes = self.options.max_size_gb.saturating_mul(1 << 30);
        Stats { max_size_bytes, ..self.runtime.stats() }
    }

    /// Frees what readers of ended processes hold; call it now and then.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn tidy(&self) -> Result<()> {
        self.runtime.tidy()
    }

    /// Ends: no more requests are taken, those that wait are answered, everything is on disk. A second call does nothing.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn close(&self) -> Result<()> {
        self.runtime.close()
    }
}

fn answered(reply: std::result::Result<Result<Bytes>, tokio::sync::oneshot::error::RecvError>) -> Result<Bytes> {
    // A worker that is gone took the request with it.
    reply.unwrap_or(Err(EngineError::WorkerFailed))
}
