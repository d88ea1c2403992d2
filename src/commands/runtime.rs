//! Running commands that wait, with Ctrl-C and SIGTERM in mind.

use std::future::Future;
use std::time::{Duration, Instant};

use helix_engine::transfer::Progress;
use tokio::signal::unix::{SignalKind, signal};

use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ui::Step;

/// A second signal within this time ends the process at once.
const IMPATIENCE: Duration = Duration::from_secs(2);
/// Between two counts of a transfer.
const TICK: Duration = Duration::from_millis(500);

/// What a signal does to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnSignal {
    /// It is dropped where it is: it changes nothing, or what it changes may stop anywhere.
    Drop,
    /// It is told, and ends as it thinks right.
    Tell,
}

/// Runs a command to its end.
pub(super) fn block_on<T>(
    ctx: &Ctx,
    on_signal: OnSignal,
    command: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal("cannot start the runtime").cause(error.to_string()))?;
    let result = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let mut command = std::pin::pin!(command);
        loop {
            tokio::select! {
                result = &mut command => return result.map_err(|failure| signals.correct(failure)),
                exit = signals.next() => {
                    ctx.cancel.cancel();
                    if on_signal == OnSignal::Drop {
                        return Err(Failure::interrupted(exit));
                    }
                }
            }
        }
    });
    // A task that is still at work must not keep the user waiting.
    runtime.shutdown_background();
    result
}

/// Waits for a transfer, and tells how far it is. One that is told to stop undoes what it did.
pub(super) async fn counting<T>(
    ctx: &Ctx,
    step: &Step<'_>,
    progress: &Progress,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut tick = tokio::time::interval(TICK);
    tick.tick().await;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return result,
            _ = tick.tick() => step.progress(&format!("{} items", progress.items())),
            () = ctx.cancel.cancelled(), if !progress.is_stopped() => progress.stop(),
        }
    }
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    last: Option<(Instant, ExitCode)>,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::internal("cannot listen for signals").cause(error.to_string()))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            last: None,
        })
    }

    /// The exit code that the next signal stands for.
    async fn next(&mut self) -> ExitCode {
        let exit = tokio::select! {
            _ = self.interrupt.recv() => ExitCode::Interrupted,
            _ = self.terminate.recv() => ExitCode::Terminated,
        };
        if self.last.is_some_and(|(last, _)| last.elapsed() < IMPATIENCE) {
            std::process::exit(exit as i32);
        }
        self.last = Some((Instant::now(), exit));
        exit
    }

    /// A command that was told to stop does not know by which signal.
    fn correct(&self, result: Failure) -> Failure {
        match self.last {
            Some((_, exit)) if result.exit == ExitCode::Interrupted => Failure::interrupted(exit),
            _ => result,
        }
    }
}
