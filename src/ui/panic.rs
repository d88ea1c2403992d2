//! What a user sees of a bug: a few words and a file, never a backtrace.

use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::{Path, PathBuf};

use crate::errors::ExitCode;

/// Runs `work`; a panic ends in a crash log in the folder `crashes`, and exit code 70.
pub fn guard(crashes: PathBuf, work: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(move |info| report(info, &crashes)));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(ExitCode::Internal)
}

fn report(info: &PanicHookInfo<'_>, crashes: &Path) {
    let text = format!(
        "helix {}\n{}\n{info}\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::args().take(2).collect::<Vec<_>>().join(" "),
        std::backtrace::Backtrace::force_capture()
    );
    tracing::error!(panic = %info, "a bug in helix");
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "helix failed because of a bug: {}", message(info));
    if let Some(path) = write(&text, crashes) {
        let _ = writeln!(stderr, "  the details are in {}", path.display());
    }
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(|location| format!(" ({}:{})", location.file(), location.line()));
    format!("{}{}", info.payload_as_str().unwrap_or("no message"), place.unwrap_or_default())
}

fn write(text: &str, crashes: &Path) -> Option<PathBuf> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(crashes).ok()?;
    let path = crashes.join(format!("{}-{}.log", jiff::Timestamp::now().as_second(), std::process::id()));
    std::fs::write(&path, text).ok()?;
    Some(path)
}
