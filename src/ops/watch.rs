//! Waiting for a project to be edited.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// How long it must be quiet after a change: an editor writes a file in several steps, a checkout writes many.
const QUIET: Duration = Duration::from_millis(40);
/// How long changes are gathered at most.
const GATHER: Duration = Duration::from_millis(250);
/// Between two looks where the system does not tell of changes.
const POLL: Duration = Duration::from_millis(250);

/// Why a project cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch `{}` for changes: {source}", path.display())]
pub struct WatchError {
    path: PathBuf,
    #[source]
    source: notify::Error,
}

/// Tells of changes to the sources and settings of a project.
pub struct Watch {
    changes: mpsc::UnboundedReceiver<Vec<PathBuf>>,
    _watcher: Box<dyn Watcher + Send>,
}

impl Watch {
    /// Watches the `.hx` files below `queries`, and the project file `config` with the `.env` files beside it. To be called
    /// within a runtime.
    ///
    /// # Errors
    ///
    /// When the system does not allow it.
    pub fn new(config: &Path, queries: &Path) -> Result<Self, WatchError> {
        let (sender, single) = mpsc::unbounded_channel();
        let config_name = config.file_name().map(OsStr::to_owned);
        let report = move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            let rescan = event.need_rescan().then(PathBuf::new);
            // Moving a folder tells of the folder only, not of the files in it.
            let moves = !matches!(event.kind, EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)));
            let of_interest = event.paths.into_iter().filter(|path| matters(path, config_name.as_deref(), moves));
            for path in of_interest.chain(rescan) {
                // The receiver is gone only when nobody watches any more.
                let _ = sender.send(path);
            }
        };
        let mut watcher = watcher(report).map_err(|source| WatchError { path: queries.to_owned(), source })?;
        let mut watch = |path: &Path, mode| {
            watcher.watch(path, mode).map_err(|source| WatchError { path: path.to_owned(), source })
        };
        watch(queries, RecursiveMode::Recursive)?;
        // The folder, since editors replace files rather than write to them.
        if let Some(folder) = config.parent().filter(|folder| *folder != queries) {
            watch(folder, RecursiveMode::NonRecursive)?;
        }
        let (sender, changes) = mpsc::unbounded_channel();
        tokio::spawn(gather(single, sender));
        Ok(Self { changes, _watcher: watcher })
    }

    /// Waits for a change, and until it is quiet again. Returns what changed; empty paths stand for "anything". May be dropped
    /// and called again.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        match self.changes.recv().await {
            Some(changed) => changed,
            None => std::future::pending().await,
        }
    }
}

/// Makes one change of those that come close together.
async fn gather(mut single: mpsc::UnboundedReceiver<PathBuf>, sender: mpsc::UnboundedSender<Vec<PathBuf>>) {
    while let Some(first) = single.recv().await {
        let end = Instant::now() + GATHER;
        let mut changed = vec![first];
        while let Ok(Some(path)) = timeout_at(end.min(Instant::now() + QUIET), single.recv()).await {
            if !changed.contains(&path) {
                changed.push(path);
            }
        }
        if sender.send(changed).is_err() {
            return;
        }
    }
}

/// The system's watcher or, where it has none left, one that looks again and again.
fn watcher<F>(report: F) -> notify::Result<Box<dyn Watcher + Send>>
where
    F: Fn(notify::Result<Event>) + Send + Sync + Clone + 'static,
{
    match RecommendedWatcher::new(report.clone(), Config::default()) {
        Ok(watcher) => Ok(Box::new(watcher)),
        Err(error) => {
            tracing::debug!(%error, "looking for changes instead of being told");
            let config = Config::default().with_poll_interval(POLL).with_compare_contents(true);
            Ok(Box::new(PollWatcher::new(report, config)?))
        }
    }
}

fn matters(path: &Path, config: Option<&OsStr>, moves: bool) -> bool {
    let Some(name) = path.file_name() else { return false };
    if path.components().any(|component| component.as_os_str() == ".helix") {
        return false;
    }
    let text = name.to_string_lossy();
    Some(name) == config
        || text.starts_with(".env")
        || (!text.starts_with('.') && (text.ends_with(".hx") || (moves && !text.contains('.'))))
}

#[cfg(test)]
mod tests;
