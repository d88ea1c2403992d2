//! Programs of others: what `helix build --bin` compiles with, and git. None is needed for anything else.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::{Check, Outcome};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::build::cargo::{OLDEST_RUST, Toolchain};

/// How long a program may take to say its version.
pub(super) const LIMIT: Duration = Duration::from_secs(2);
/// What brings a C compiler and a linker.
const C_FIX: &str = if cfg!(target_os = "macos") {
    "`xcode-select --install`"
} else {
    "install them: `sudo apt install build-essential`, or `sudo dnf install gcc`"
};

pub(super) async fn checks(ctx: &Ctx) -> Vec<Check> {
    let compiler = ctx.var("CC").unwrap_or("cc");
    let (rust, c, linker, git) =
        tokio::join!(rust(&ctx.env), version(&ctx.env, compiler), version(&ctx.env, "ld"), version(&ctx.env, "git"),);
    let for_binaries = |answer: Result<String, String>, name: &'static str| match answer {
        Ok(found) => Check::pass(name, found),
        Err(found) => Check::warn(name, format!("{found}: `helix build --bin` needs it"), C_FIX),
    };
    let git = match git {
        Ok(found) => Check::pass("git", found),
        Err(found) => Check::skip("git", format!("{found}; releases then carry no revision")),
    };
    vec![rust, for_binaries(c, "c-compiler"), for_binaries(linker, "linker"), git]
}

async fn rust(env: &BTreeMap<String, String>) -> Check {
    match timeout(LIMIT, Toolchain::find(env)).await {
        Ok(Ok(toolchain)) => Check::pass(
            "rust",
            format!("Rust {}; `helix build --bin` needs {OLDEST_RUST} or newer", toolchain.version()),
        ),
        Ok(Err(error)) => Check::failed("rust", Outcome::Warn, Failure::from(error)),
        Err(_) => Check::warn("rust", "`cargo --version` does not answer", "see what it waits for: `cargo --version`"),
    }
}

/// The first line of what a program says of its version, or why there is none.
async fn version(env: &BTreeMap<String, String>, name: &str) -> Result<String, String> {
    let path = all_on_path(env, name).into_iter().next().ok_or_else(|| format!("`{name}` was not found"))?;
    let said = run(&path, &["--version".as_ref()]).await?;
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}

/// What a program writes, within [`LIMIT`]; else why nothing.
pub(super) async fn run(program: &Path, arguments: &[&std::ffi::OsStr]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).env("LC_ALL", "C");
    let shown = program.display();
    match timeout(LIMIT, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("`{shown}` failed: {}", said.lines().next().unwrap_or("it does not say why")))
        }
        Ok(Err(error)) => Err(format!("`{shown}` cannot be run: {error}")),
        Err(_) => Err(format!("`{shown}` does not answer within {} s", LIMIT.as_secs())),
    }
}

/// The programs of that name in `PATH`, in its order. A name with a slash is a program already.
pub(super) fn all_on_path(env: &BTreeMap<String, String>, name: &str) -> Vec<PathBuf> {
    let runs =
        |path: &PathBuf| path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        return vec![PathBuf::from(name)].into_iter().filter(runs).collect();
    }
    let folders = env.get("PATH").map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
    folders.into_iter().map(|folder| folder.join(name)).filter(runs).collect()
}
