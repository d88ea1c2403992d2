//! The writer: one thread that owns the write transaction.
//!
//! What waits is taken together, up to a limit, and committed once; each request runs in a nested transaction, so that one that
//! fails fails alone. Nobody hears "done" before the commit is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use helix_plan::Program;
use helix_plan::diff::SchemaChange;
use tokio::sync::oneshot;

use super::{Reply, Request, Shared, current};
use crate::catalog::activate;
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
            .spawn(move || Loop { shared, ids: IdSource::new(last_id) }.run(&receiver))
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
}

impl<S: Store> Loop<S> {
    fn run(mut self, queue: &Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| queue.recv().ok()) {
            match job {
                Job::Activate { program, options, reply } => {
                    let activated = catch_unwind(AssertUnwindSafe(|| self.activate(program, options)));
                    let _ = reply.send(activated.unwrap_or(Err(EngineError::WorkerFailed)));
                }
                Job::Write(first) => {
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
                                next = Some(activation);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.group(group);
                }
            }
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
        let context = self.shared.context(request);
        let mut out = Vec::with_capacity(256);
        let active = self.shared.active.load_full();
        match current(active.as_deref(), request)? {
            None => request.query.write(txn, ids, &context, &request.arguments, &request.embeddings, &mut out)?,
            Some((query, arguments)) => query.write(txn, ids, &context, &arguments, &request.embeddings, &mut out)?,
        }
        Ok(Bytes::from(out))
    }

    fn activate(&mut self, program: Arc<Program>, options: ActivateOptions) -> Result<Vec<SchemaChange>> {
        let mut txn = self.shared.store.write()?;
        let activation = activate(&mut txn, &program, self.shared.codec, options.allow_breaking)?;
        let prepared = Prepared::new(program, Arc::new(activation.catalog));
        // Nobody opens a snapshot between the commit and the swap.
        let _gate = self.shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        txn.commit()?;
        self.shared.active.store(Some(Arc::new(prepared)));
        Ok(activation.changes)
    }
}

/// The failure of a commit, for each of its requests.
fn same(error: &EngineError) -> EngineError {
    match error {
        EngineError::MapFull { limit_gb } => EngineError::MapFull { limit_gb: *limit_gb },
        EngineError::Storage(message) => EngineError::Storage(message.clone()),
        other => EngineError::Storage(other.to_string()),
    }
}
