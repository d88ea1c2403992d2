//! Where requests run: reads on snapshots, short ones at once, others on a pool; writes one after the other on the writer's
//! thread, committed in groups.

mod pool;
mod upkeep;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use helix_plan::{ItemKind, Program};
use sha2::{Digest as _, Sha256};
use thread_local::ThreadLocal;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::catalog::pending::Pending;
use crate::catalog::{self, LiveCatalog};
use crate::compiled::Queries;
use crate::engine::{ActivateOptions, Activated, EngineOptions, Stats};
use crate::error::{EngineError, Result};
use crate::ids::IdCodec;
use crate::interpret::{Arguments, Prepared, PreparedQuery};
use crate::operators::{Embeddings, Limits, RunContext};
use crate::storage::meta::{self, Meta};
use crate::storage::{Lmdb, Memory, Store, WriteTxn as _};
use crate::text::{self, TextConfig, TextCounts};
use crate::vector::{self, VectorConfig, VectorCounts};
use crate::verify::{VerifyReport, verify};
use pool::Pool;
use writer::Writer;

/// The stack of a thread that runs queries, which go deeper with each step and each nesting; what is not used takes no memory.
pub(crate) const STACK_BYTES: usize = 16 << 20;

/// How long a read may hold an I/O thread, whose other connections wait.
const SHORT: Duration = Duration::from_millis(1);

/// A request that was decoded.
#[derive(Clone)]
pub(crate) struct Request {
    pub query: PreparedQuery,
    pub arguments: Arguments,
    pub embeddings: Embeddings,
    /// To decode it again, should another program become active before it runs.
    pub body: Bytes,
    pub started: Instant,
    pub now: SystemTime,
}

/// Where the answer to a request goes.
pub(crate) type Reply = oneshot::Receiver<Result<Bytes>>;

/// A running engine, whatever its store.
pub(crate) trait Core: Send + Sync {
    fn active(&self) -> Option<Arc<Prepared>>;
    fn activate(&self, program: &Program, options: ActivateOptions) -> Result<Activated>;
    fn read_here(&self, request: &Request) -> Result<Bytes>;
    fn read(&self, request: Request) -> Result<Reply>;
    fn write(&self, request: Request) -> Result<Reply>;
    fn filled(&self) -> Result<Option<f64>>;
    fn verify(&self) -> Result<VerifyReport>;
    fn vector_counts(&self) -> Result<Vec<(String, VectorCounts)>>;
    fn text_counts(&self) -> Result<Vec<(String, TextCounts)>>;
    fn stats(&self) -> Stats;
    fn tidy(&self) -> Result<()>;
    fn close(&self) -> Result<()>;
}

/// What a store has beside its tables.
pub trait Files: Store {
    /// The size of its file in bytes.
    fn size_bytes(&self) -> u64 {
        0
    }

    /// The bytes of it that hold something.
    fn used_bytes(&self) -> u64 {
        0
    }

    /// Puts everything on disk.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// Frees what ended processes hold.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn tidy(&self) -> Result<()> {
        Ok(())
    }
}

impl Files for Memory {}

impl Files for Lmdb {
    fn size_bytes(&self) -> u64 {
        Self::size_bytes(self).unwrap_or(0)
    }

    fn used_bytes(&self) -> u64 {
        Self::used_bytes(self).unwrap_or(0)
    }

    fn sync(&self) -> Result<()> {
        Self::sync(self)
    }

    fn tidy(&self) -> Result<()> {
        self.clear_stale_readers().map(drop)
    }
}

/// What all threads share.
pub(crate) struct Shared<S> {
    store: S,
    active: ArcSwapOption<Prepared>,
    /// Held while a snapshot is opened, and alone while a program becomes active: a snapshot always fits its program.
    gate: RwLock<()>,
    codec: IdCodec,
    vectors: VectorConfig,
    text: TextConfig,
    limits: Limits,
    queries: Queries,
    counters: Counters,
    /// When the read of each thread began, in nanoseconds since `opened`; 0 when it does not read.
    readers: ThreadLocal<AtomicU64>,
    opened: Instant,
}

#[derive(Default)]
struct Counters {
    /// The most memory that one request took.
    memory_peak: AtomicU64,
    commits: AtomicU64,
    committed_requests: AtomicU64,
    commit_nanoseconds: AtomicU64,
}

impl<S: Store> Shared<S> {
    fn context(&self, request: &Request, leave_at: Option<Instant>) -> RunContext {
        RunContext {
            leave_at,
            codec: self.codec,
            vectors: self.vectors,
            now: request.now,
            started: request.started,
            limits: self.limits,
            is_text_enabled: self.text.enabled,
        }
    }

    /// Runs a read, until `leave_at` if that is given. A panic is the request's failure, not the thread's.
    fn read(&self, request: &Request, leave_at: Option<Instant>) -> Result<Bytes> {
        let began = self.readers.get_or(AtomicU64::default);
        let now = u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX);
        began.store(now.max(1), Ordering::Relaxed);
        let run = || {
            let (active, txn) = {
                let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
                (self.active.load_full(), self.store.read()?)
            };
            let context = self.context(request, leave_at);
            let mut out = Vec::with_capacity(512);
            let taken = match current(active.as_deref(), request)? {
                None => request.query.read(&txn, &context, &request.arguments, &request.embeddings, &mut out)?,
                Some((query, arguments)) => query.read(&txn, &context, &arguments, &request.embeddings, &mut out)?,
            };
            self.counters.memory_peak.fetch_max((taken + out.len()) as u64, Ordering::Relaxed);
            Ok(Bytes::from(out))
        };
        let answer = catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(EngineError::WorkerFailed));
        began.store(0, Ordering::Relaxed);
        answer
    }
}

impl<S> Shared<S> {
    /// How long the oldest read has been going on: its snapshot keeps pages from being used again.
    fn oldest_reader(&self) -> Duration {
        let began = self.readers.iter().map(|began| began.load(Ordering::Relaxed)).filter(|began| *began > 0).min();
        began.map_or(Duration::ZERO, |began| self.opened.elapsed().saturating_sub(Duration::from_nanos(began)))
    }
}

/// The request's query in the active program, decoded again, if that is not the program that the request was made for.
fn current(active: Option<&Prepared>, request: &Request) -> Result<Option<(PreparedQuery, Arguments)>> {
    let unknown = || EngineError::UnknownQuery { name: request.query.name().to_owned() };
    let active = active.ok_or_else(unknown)?;
    if request.query.is_of(active) {
        return Ok(None);
    }
    let query = active.query(request.query.name()).ok_or_else(unknown)?;
    let arguments = query.decode(&request.body)?;
    Ok(Some((query.clone(), arguments)))
}

/// The threads of an engine.
pub(crate) struct Runtime<S: Files> {
    shared: Arc<Shared<S>>,
    writer: Writer,
    pool: Pool,
    closed: Mutex<bool>,
}

impl<S: Files> Runtime<S> {
    pub fn start(store: S, options: &EngineOptions) -> Result<Self> {
        let (codec, last_id, program) = {
            let mut txn = store.write()?;
            meta::prepare(&mut txn, options.secret.unwrap_or_else(random_secret))?;
            let secret = meta::get_array::<16>(&txn, Meta::Secret)?;
            let secret = secret.ok_or_else(|| EngineError::Damaged("the database has no secret".to_owned()))?;
            let last_id = meta::get_array::<8>(&txn, Meta::LastId)?.map_or(0, u64::from_be_bytes);
            // An activation that was killed goes on when it is asked for again; until then writes keep its indexes in step.
            let mut pending = Pending::read(&txn)?;
            if pending.coming(&txn).is_err() {
                pending.abandon();
                pending.write(&mut txn)?;
            }
            let program = match meta::get(&txn, Meta::Plan)? {
                None => None,
                Some(bytes) => match Program::decode(bytes) {
                    Ok(program) => {
                        let catalog = LiveCatalog::load(&txn, &program.catalog)?;
                        Some(Arc::new(Prepared::new(Arc::new(program), Arc::new(catalog), &options.queries)))
                    }
                    Err(error) => return Err(EngineError::Damaged(format!("the active plan: {error}"))),
                },
            };
            txn.commit()?;
            (IdCodec::new(secret), last_id, program)
        };
        let shared = Arc::new(Shared {
            store,
            active: ArcSwapOption::new(program),
            gate: RwLock::new(()),
            codec,
            vectors: options.vectors,
            text: options.text.clone(),
            limits: options.limits,
            queries: options.queries,
            counters: Counters::default(),
            readers: ThreadLocal::new(),
            opened: Instant::now(),
        });
        let writer = Writer::start(shared.clone(), last_id, options.queue)?;
        let pool = Pool::start(&shared, options.readers, options.queue)?;
        Ok(Self { shared, writer, pool, closed: Mutex::new(false) })
    }
}

/// Sixteen bytes that nobody can guess.
fn random_secret() -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(Uuid::new_v4().as_bytes());
    hash.update(Uuid::new_v4().as_bytes());
    let digest = hash.finalize();
    std::array::from_fn(|index| digest[index])
}

impl<S: Files> Core for Runtime<S> {
    fn active(&self) -> Option<Arc<Prepared>> {
        self.shared.active.load_full()
    }

    fn activate(&self, program: &Program, options: ActivateOptions) -> Result<Activated> {
        let digest = program.digest();
        let is_it = |active: Arc<Prepared>| {
            active.program().digest() == digest
                && catalog::indexes_text(active.catalog(), active.program(), &self.shared.text)
        };
        let is_building = || Ok(!Pending::read(&self.shared.store.read()?)?.building.is_empty());
        if self.active().is_some_and(is_it) && !is_building()? {
            return Ok(Activated { digest, changed: false, changes: Vec::new() });
        }
        let changed = self.active().is_none_or(|active| active.program().digest() != digest);
        let changes = self.writer.activate(Arc::new(program.clone()), options)?;
        Ok(Activated { digest, changed, changes })
    }

    fn read_here(&self, request: &Request) -> Result<Bytes> {
        self.shared.read(request, Some(Instant::now() + SHORT))
    }

    fn read(&self, request: Request) -> Result<Reply> {
        self.pool.read(request)
    }

    fn write(&self, request: Request) -> Result<Reply> {
        self.writer.write(request)
    }

    fn filled(&self) -> Result<Option<f64>> {
        catalog::build::filled(&self.shared.store.read()?)
    }

    fn verify(&self) -> Result<VerifyReport> {
        let (active, txn) = {
            let _gate = self.shared.gate.read().unwrap_or_else(PoisonError::into_inner);
            (self.active(), self.shared.store.read()?)
        };
        match active {
            Some(active) => verify(&txn, active.catalog()),
            None => Ok(VerifyReport::default()),
        }
    }

    fn vector_counts(&self) -> Result<Vec<(String, VectorCounts)>> {
        let (active, txn) = {
            let _gate = self.shared.gate.read().unwrap_or_else(PoisonError::into_inner);
            (self.active(), self.shared.store.read()?)
        };
        let Some(active) = active else { return Ok(Vec::new()) };
        let types = active.catalog().of(ItemKind::Vector).iter();
        types.map(|ty| Ok((ty.name.clone(), vector::counts(&txn, ty.stored)?))).collect()
    }

    fn text_counts(&self) -> Result<Vec<(String, TextCounts)>> {
        let (active, txn) = {
            let _gate = self.shared.gate.read().unwrap_or_else(PoisonError::into_inner);
            (self.active(), self.shared.store.read()?)
        };
        let Some(active) = active else { return Ok(Vec::new()) };
        let types = active.catalog().of(ItemKind::Node).iter();
        let indexes = types.filter_map(|ty| Some((ty.name.clone(), ty.text.as_ref()?.number)));
        indexes.map(|(name, number)| Ok((name, text::counts(&txn, number)?))).collect()
    }

    fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        Stats {
            writer_queue: self.writer.queued(),
            reader_queue: self.pool.queued(),
            commits: counters.commits.load(Ordering::Relaxed),
            committed_requests: counters.committed_requests.load(Ordering::Relaxed),
            commit_time: Duration::from_nanos(counters.commit_nanoseconds.load(Ordering::Relaxed)),
            size_bytes: self.shared.store.size_bytes(),
            used_bytes: self.shared.store.used_bytes(),
            oldest_reader: self.shared.oldest_reader(),
            memory_peak_bytes: counters.memory_peak.load(Ordering::Relaxed),
            max_size_bytes: 0,
        }
    }

    fn tidy(&self) -> Result<()> {
        self.shared.store.tidy()
    }

    fn close(&self) -> Result<()> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Ok(());
        }
        *closed = true;
        self.pool.close();
        self.writer.close();
        self.shared.store.sync()
    }
}

impl<S: Files> Drop for Runtime<S> {
    fn drop(&mut self) {
        // The threads hold the store: without this the database would stay locked.
        let _ = self.close();
    }
}
