//! Output of a command that must not wait for its reader.
//!
//! A pipe that nobody reads fills up, and writing to it blocks. `helix dev` goes on serving saves all the same: what it tells
//! goes through a queue to a thread, and what finds the queue full is counted and left out.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};

/// Texts that may wait for the reader.
const QUEUE: usize = 4096;

/// How long the end of the command waits for the reader.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which stream a text goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// Writes a text to a stream. A reader that has gone is not an error.
pub(super) fn write(stream: Stream, text: &[u8], color: ColorChoice) {
    match stream {
        Stream::Stdout => {
            let mut stdout = AutoStream::new(std::io::stdout().lock(), color);
            let _ = stdout.write_all(text);
            let _ = stdout.flush();
        }
        Stream::Stderr => {
            let _ = AutoStream::new(std::io::stderr().lock(), color).write_all(text);
        }
    }
}

/// A text and where it goes.
type Text = (Stream, Vec<u8>);

/// The queue and its thread.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Mutex<Option<SyncSender<Text>>>,
    left_out: AtomicU64,
    /// Closed when the thread has written everything.
    done: Mutex<Receiver<()>>,
}

impl Outbox {
    pub fn new(color: ColorChoice) -> Self {
        let (queue, texts) = sync_channel::<Text>(QUEUE);
        let (alive, done) = channel();
        let work = move || {
            let _alive = alive;
            for (stream, text) in texts {
                write(stream, &text, color);
            }
        };
        // Without a thread there is no queue either: texts are written at once.
        let queue = thread::Builder::new().name("helix-output".to_owned()).spawn(work).is_ok().then_some(queue);
        Self { queue: Mutex::new(queue), left_out: AtomicU64::new(0), done: Mutex::new(done) }
    }

    /// Queues a text; gives it back when there is no queue (any more).
    pub fn send(&self, stream: Stream, text: Vec<u8>) -> Option<Vec<u8>> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref()?.try_send((stream, text)) {
            Ok(()) => None,
            Err(TrySendError::Full(_)) => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
                None
            }
            Err(TrySendError::Disconnected((_, text))) => Some(text),
        }
    }

    /// How many texts were left out.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, but not for ever.
    pub fn finish(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        // Both a closed channel and a reader that takes too long end the command.
        let _ = done.recv_timeout(PATIENCE);
    }
}
