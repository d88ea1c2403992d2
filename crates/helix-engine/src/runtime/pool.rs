//! Threads for reads that may take long.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::{Reply, Request, STACK_BYTES, Shared};
use crate::error::{EngineError, Result};
use crate::storage::Store;

struct Job {
    request: Request,
    reply: oneshot::Sender<Result<Bytes>>,
}

/// The threads and their queue.
pub(super) struct Pool {
    queue: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    pub fn start<S: Store>(shared: &Arc<Shared<S>>, threads: usize, queue: usize) -> Result<Self> {
        let (sender, receiver) = bounded::<Job>(queue.max(1));
        let start = |index: usize| {
            let (shared, receiver) = (shared.clone(), receiver.clone());
            let work = move || work(&shared, &receiver);
            thread::Builder::new()
                .name(format!("helix-read-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(work)
                .map_err(|source| EngineError::Io { action: "cannot start a thread".to_owned(), source })
        };
        let threads = (0..threads.max(1)).map(start).collect::<Result<_>>()?;
        Ok(Self { queue: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    pub fn read(&self, request: Request) -> Result<Reply> {
        let (reply, receiver) = oneshot::channel();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().ok_or(EngineError::ShuttingDown)?.try_send(Job { request, reply }) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => Err(EngineError::Overloaded),
            Err(TrySendError::Disconnected(_)) => Err(EngineError::ShuttingDown),
        }
    }

    pub fn queued(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, Sender::len)
    }

    /// Lets the threads finish what waits, and ends them.
    pub fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = thread.join();
        }
    }
}

fn work<S: Store>(shared: &Shared<S>, queue: &Receiver<Job>) {
    for Job { request, reply } in queue {
        // A client that left does not wait for its answer.
        if !reply.is_closed() {
            let _ = reply.send(shared.read(&request, None));
        }
    }
}
