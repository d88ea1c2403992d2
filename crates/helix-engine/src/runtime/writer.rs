//! The writer: one thread that owns the write transaction.
//!
//! What waits is taken together, up to a limit, and committed once; each request runs in a nested transaction, so that one that
//! fails fails alone. Nobody hears "done" before the commit is. When nothing waits, and now and then when something always does,
//! the thread does what can be done later: [`upkeep`](super::upkeep).

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use helix_plan::Program;
use helix_plan::diff::SchemaChange;
use tokio::sync::oneshot;

use super::{Reply, Request, STACK_BYTES, Shared, current, upkeep};
use crate::catalog::pending::Pending;
use crate::catalog::{self, LiveCatalog, build};
use crate::engine::ActivateOptions;
use crate::error::{EngineError, Result};
use crate::ids::IdSource;
use crate::interpret::Prepared;
use crate::storage::meta::{self, Meta};
use crate::storage::{Store, WriteTxn};

/// Requests in a group, at most.
const MAX_GROUP: usize = 256;

/// Bytes of request bodies in a group, at most.
const MAX_GROUP_BYTES: usize = 4 << 20;

/// How long nothing must have come before upkeep begins.
const QUIET: Duration = Duration::from_millis(20);

/// The time of a slice of upkeep: as long as a request may have to wait for it.
const SLICE: Duration = Duration::from_millis(5);

/// The pause between slices: requests that come meanwhile go first.
const PAUSE: Duration = Duration::from_millis(1);

/// How long upkeep waits at most for a quiet moment, which a busy writer never has.
const PATIENCE: Duration = Duration::from_millis(100);

enum Job {
    Write(WriteJob),
    Activate { program: Arc<Program>, options: ActivateOptions, reply: Sender<Result<Vec<SchemaChange>>> },
}

struct WriteJob {
    request: Request,
    reply: oneshot::Sender<Result<Bytes>>,
}

/// The writer's queue.
pub(super) struct Writer {
    queue: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub fn start<S: Store>(shared: Arc<Shared<S>>, last_id: u64, queue: usize) -> Result<Self> {
        let (sender, receiver) = bounded(queue.max(1));
        let thread = thread::Builder::new()
            .name("helix-write".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || Loop { shared, ids: IdSource::new(last_id), later: VecDeque::new() }.run(&receiver))
            .map_err(|source| EngineError::Io { action: "cannot start a thread".to_owned(), source })?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub fn write(&self, request: Request) -> Result<Reply> {
        let (reply, receiver) = oneshot::channel();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().ok_or(EngineError::ShuttingDown)?.try_send(Job::Write(WriteJob { request, reply })) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => Err(EngineError::Overloaded),
            Err(TrySendError::Disconnected(_)) => Err(EngineError::ShuttingDown),
        }
    }

    /// Activates a program and waits for it.
    pub fn activate(&self, program: Arc<Program>, options: ActivateOptions) -> Result<Vec<SchemaChange>> {
        let (reply, receiver) = bounded(1);
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = queue.ok_or(EngineError::ShuttingDown)?.send(Job::Activate { program, options, reply });
        sent.map_err(|_| EngineError::ShuttingDown)?;
        receiver.recv().unwrap_or(Err(EngineError::WorkerFailed))
    }

    pub fn queued(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, Sender::len)
    }

    /// Lets the thread finish what waits, and ends it.
    pub fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

struct Loop<S> {
    shared: Arc<Shared<S>>,
    ids: IdSource,
    /// Jobs that were taken from the queue before their turn.
    later: VecDeque<Job>,
}

impl<S: Store> Loop<S> {
    fn run(mut self, queue: &Receiver<Job>) {
        let mut wait = Some(QUIET);
        let mut last_upkeep = Instant::now();
        loop {
            match self.next(queue, wait) {
                Ok(job) => {
                    match job {
                        Job::Activate { program, options, reply } => {
                            let activate = AssertUnwindSafe(|| self.activate(program, options, queue));
                            let activated = catch_unwind(activate);
                            let _ = reply.send(activated.unwrap_or(Err(EngineError::WorkerFailed)));
                        }
                        Job::Write(first) => self.write(first, queue),
                    }
                    wait = Some(QUIET);
                    if last_upkeep.elapsed() >= PATIENCE {
                        self.upkeep();
                        last_upkeep = Instant::now();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    wait = self.upkeep().then_some(PAUSE);
                    last_upkeep = Instant::now();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Does a slice of upkeep; gives whether there is more to do.
    fn upkeep(&self) -> bool {
        let slice = catch_unwind(AssertUnwindSafe(|| upkeep::slice(&self.shared, Instant::now() + SLICE)));
        slice.unwrap_or(Err(EngineError::WorkerFailed)).unwrap_or_else(|error| {
            tracing::warn!(%error, "upkeep failed; it is tried again after the next write");
            false
        })
    }

    fn next(&mut self, queue: &Receiver<Job>, wait: Option<Duration>) -> std::result::Result<Job, RecvTimeoutError> {
        match (self.later.pop_front(), wait) {
            (Some(job), _) => Ok(job),
            (None, Some(wait)) => queue.recv_timeout(wait),
            (None, None) => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Runs a write, together with those that wait behind it.
    fn write(&mut self, first: WriteJob, queue: &Receiver<Job>) {
        let mut bytes = first.request.body.len();
        let mut group = vec![first];
        while group.len() < MAX_GROUP && bytes < MAX_GROUP_BYTES {
            match queue.try_recv() {
                Ok(Job::Write(job)) => {
                    bytes += job.request.body.len();
                    group.push(job);
                }
                // An activation comes after what was asked before it.
                Ok(activation) => {
                    self.later.push_back(activation);
                    break;
                }
                Err(_) => break,
            }
        }
        self.group(group);
    }

    /// Lets a group of writes pass that waits while an activation works in slices. One group, since there may always be
    /// another; other activations wait for the end of this one.
    fn let_writes_pass(&mut self, queue: &Receiver<Job>) {
        match queue.try_recv() {
            Ok(Job::Write(first)) => self.write(first, queue),
            Ok(activation) => self.later.push_back(activation),
            Err(_) => {}
        }
    }

    /// Runs a group. A request that panics is answered alone, and the others run again without it.
    fn group(&mut self, mut group: Vec<WriteJob>) {
        group.retain(|job| !job.reply.is_closed());
        while !group.is_empty() {
            let mut running = 0;
            let ran = catch_unwind(AssertUnwindSafe(|| self.commit_group(&group, &mut running)));
            match ran {
                Ok(answers) => {
                    for (job, answer) in group.drain(..).zip(answers) {
                        let _ = job.reply.send(answer);
                    }
                }
                Err(_) => {
                    let culprit = group.remove(running.min(group.len() - 1));
                    tracing::error!(query = culprit.request.query.name(), "a write panicked; nothing of it was stored");
                    let _ = culprit.reply.send(Err(EngineError::WorkerFailed));
                }
            }
        }
    }

    fn commit_group(&mut self, group: &[WriteJob], running: &mut usize) -> Vec<Result<Bytes>> {
        let mut answers = Vec::with_capacity(group.len());
        let mut ids = self.ids;
        let committed = (|| {
            let mut txn = self.shared.store.write()?;
            for (index, job) in group.iter().enumerate() {
                *running = index;
                let mut own_ids = ids;
                let mut nested = txn.nested()?;
                let answer = self.run_one(&mut nested, &mut own_ids, &job.request);
                if answer.is_ok() {
                    nested.commit()?;
                    ids = own_ids;
                }
                answers.push(answer);
            }
            if answers.iter().all(Result::is_err) {
                return Ok(());
            }
            meta::put(&mut txn, Meta::LastId, &ids.last().to_be_bytes())?;
            let started = Instant::now();
            txn.commit()?;
            let counters = &self.shared.counters;
            let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            counters.commits.fetch_add(1, Ordering::Relaxed);
            counters.committed_requests.fetch_add(group.len() as u64, Ordering::Relaxed);
            counters.commit_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
            Ok(())
        })();
        match committed {
            Ok(()) => {
                self.ids = ids;
                answers
            }
            Err(error) => {
                tracing::error!(%error, requests = group.len(), "a commit failed; nothing of it was stored");
                group.iter().map(|_| Err(same(&error))).collect()
            }
        }
    }

    fn run_one<W: WriteTxn>(&self, txn: &mut W, ids: &mut IdSource, request: &Request) -> Result<Bytes> {
        let context = self.shared.context(request, None);
        let mut out = Vec::with_capacity(256);
        let active = self.shared.active.load_full();
        match current(active.as_deref(), request)? {
            None => request.query.write(txn, ids, &context, &request.arguments, &request.embeddings, &mut out)?,
            Some((query, arguments)) => query.write(txn, ids, &context, &arguments, &request.embeddings, &mut out)?,
        }
        Ok(Bytes::from(out))
    }

    /// Makes a program the active one. While stored rows fill its indexes, slice by slice, the earlier program serves.
    fn activate(
        &mut self,
        program: Arc<Program>,
        options: ActivateOptions,
        queue: &Receiver<Job>,
    ) -> Result<Vec<SchemaChange>> {
        let builds = self.begin(&program, options, queue)?;
        let activated = self.fill(builds, queue).and_then(|()| self.finish(program, options));
        if activated.is_err() && builds {
            self.abandon()?;
        }
        activated
    }

    /// Notes which indexes must be filled; gives whether there are any.
    fn begin(&mut self, program: &Program, options: ActivateOptions, queue: &Receiver<Job>) -> Result<bool> {
        let active = {
            let txn = self.shared.store.read()?;
            catalog::active(&txn)?
        };
        catalog::changes(active.as_ref(), program, options.allow_breaking)?;
        let Some(active) = active else { return Ok(false) };
        // Pairs have no number of their own: those of before must be gone before new ones are filled in.
        while Pending::read(&self.shared.store.read()?)?.has_pairs() && upkeep::collect(&self.shared, SLICE)? {
            self.let_writes_pass(queue);
        }
        let mut txn = self.shared.store.write()?;
        let was_building = !Pending::read(&txn)?.building.is_empty();
        let builds = build::begin(&mut txn, &active, program, &self.shared.text)?;
        if was_building || builds {
            self.swap(txn, Arc::new(active))?;
        }
        Ok(builds)
    }

    fn fill(&mut self, builds: bool, queue: &Receiver<Job>) -> Result<()> {
        let mut more = builds;
        while more {
            let active = self.shared.active.load_full();
            let active = active.ok_or_else(|| EngineError::Damaged("no program is active".to_owned()))?;
            let mut txn = self.shared.store.write()?;
            more = build::fill(&mut txn, active.catalog(), self.shared.codec, build::SLICE)?;
            txn.commit()?;
            self.let_writes_pass(queue);
        }
        Ok(())
    }

    fn finish(&self, program: Arc<Program>, options: ActivateOptions) -> Result<Vec<SchemaChange>> {
        let mut txn = self.shared.store.write()?;
        let Shared { codec, text, .. } = &*self.shared;
        let activation = catalog::activate(&mut txn, &program, *codec, options.allow_breaking, text)?;
        self.swap(txn, program)?;
        Ok(activation.changes)
    }

    /// Leaves the earlier program as it was.
    fn abandon(&self) -> Result<()> {
        let mut txn = self.shared.store.write()?;
        let mut pending = Pending::read(&txn)?;
        pending.abandon();
        pending.write(&mut txn)?;
        match self.shared.active.load_full() {
            Some(active) => self.swap(txn, active.program().clone()),
            None => txn.commit(),
        }
    }

    /// Commits, and runs a program with the types that the transaction left.
    fn swap(&self, txn: S::Write<'_>, program: Arc<Program>) -> Result<()> {
        let catalog = LiveCatalog::load(&txn, &program.catalog)?;
        let prepared = Prepared::new(program, Arc::new(catalog), &self.shared.queries);
        // Nobody opens a snapshot between the commit and the swap.
        let _gate = self.shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        txn.commit()?;
        self.shared.active.store(Some(Arc::new(prepared)));
        Ok(())
    }
}

/// The failure of a commit, for each of its requests.
fn same(error: &EngineError) -> EngineError {
    match error {
        EngineError::MapFull { limit_gb } => EngineError::MapFull { limit_gb: *limit_gb },
        EngineError::DiskFull { reason } => EngineError::DiskFull { reason },
        EngineError::Storage(message) => EngineError::Storage(message.clone()),
        other => EngineError::Storage(other.to_string()),
    }
}
