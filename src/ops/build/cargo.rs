//! Running the cargo of this machine: found, watched, stopped.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::error::{BuildError, Result};
use super::generate::PACKAGE;
use crate::config::BuildMode;

/// The oldest Rust that compiles the engine.
pub const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");
/// How many lines of its output a failed build shows.
const LAST_LINES: usize = 20;

/// A toolchain that will do.
#[derive(Clone, Debug)]
pub struct Toolchain {
    cargo: PathBuf,
    /// Where its caches are: paths below it end up in executables.
    cargo_home: Option<PathBuf>,
    /// A linker that is quicker than the compiler's own.
    linker: Option<&'static str>,
    version: String,
}

/// What to compile.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The workspace that the server is in.
    pub workspace: &'a Path,
    /// How it is compiled.
    pub mode: BuildMode,
    /// Whether no network may be used.
    pub offline: bool,
    /// Where all output is written to.
    pub log: &'a Path,
}

/// An error of the Rust compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RustError {
    /// The file, relative to the workspace, and the 1-based line.
    pub place: Option<(String, usize)>,
    /// What it is, in a line.
    pub message: String,
    /// What it is, in full.
    pub rendered: String,
}

/// Compiling failed.
#[derive(Debug)]
pub struct Rejected {
    /// What rustc says of the generated crate.
    pub errors: Vec<RustError>,
    /// The last lines of the output.
    pub last: Vec<String>,
}

impl Toolchain {
    /// Finds cargo in `PATH` or where rustup puts it.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoCargo`], or [`BuildError::OldRust`].
    pub async fn find(env: &BTreeMap<String, String>) -> Result<Self> {
        let cargo_home = env.get("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home.or_else(|| env.get("HOME").map(|home| Path::new(home).join(".cargo")));
        let mut folders: Vec<PathBuf> =
            env.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
        folders.extend(cargo_home.iter().map(|home| home.join("bin")));
        let find = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        let cargo = find("cargo").ok_or(BuildError::NoCargo)?;
        let output = Command::new(&cargo).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output().await;
        let output = output.map_err(BuildError::file("run", &cargo))?;
        let text = String::from_utf8_lossy(&output.stdout);
        // rustup's stand-in is there without a toolchain behind it.
        let found = text.split_whitespace().nth(1).filter(|_| output.status.success()).ok_or(BuildError::NoCargo)?;
        if !is_new_enough(found) {
            return Err(BuildError::OldRust { found: found.to_owned(), needed: OLDEST_RUST });
        }
        let version = found.to_owned();
        // Rust brings lld with it, and uses it by itself, where it does so by default.
        let linkers = [("mold", "mold"), ("ld.lld", "lld")];
        let linker = linkers.into_iter().find(|(program, _)| find(program).is_some()).map(|(_, name)| name);
        Ok(Self { cargo, cargo_home, linker, version })
    }

    /// The version of cargo, which is that of Rust.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Compiles the server, and tells `tell` what is being compiled. `hold` is a lock that lasts until the last process of the
    /// build ends. Returns the executable.
    ///
    /// # Errors
    ///
    /// With what rustc said in the inner error, or when cargo cannot be run or the command is told to stop.
    pub async fn build(
        &self,
        job: &Job<'_>,
        hold: File,
        cancel: &CancellationToken,
        tell: impl FnMut(&str),
    ) -> Result<std::result::Result<PathBuf, Rejected>> {
        let Job { workspace, mode, offline, log } = *job;
        let mut command = Command::new(&self.cargo);
        command.args(["build", "--locked", "--package", PACKAGE, "--message-format=json"]);
        if mode == BuildMode::Release {
            command.arg("--release");
        }
        if offline {
            command.arg("--offline");
        }
        command.current_dir(workspace).env("CARGO_TARGET_DIR", workspace.join("target"));
        command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(workspace)).env_remove("RUSTFLAGS");
        // The time that C compilers write into what they compile.
        command.env("SOURCE_DATE_EPOCH", "0");
        command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never");
        // Cargo and each rustc inherit it: whoever still compiles, after whatever end of this process, holds the lock.
        command.stdin(Stdio::from(hold)).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, to be ended as a whole.
        command.process_group(0).kill_on_drop(true);
        let mut group = Group(command.spawn().map_err(BuildError::file("run", &self.cargo))?);
        let mut watch = Watch::new(File::create(log).map_err(BuildError::file("write", log))?, tell);
        tokio::select! {
            watched = watch.all(&mut group.0) => watched.map_err(BuildError::file("read the output of", &self.cargo))?,
            () = cancel.cancelled() => {
                group.end().await;
                return Err(BuildError::Interrupted);
            }
        }
        let status = group.0.wait().await.map_err(BuildError::file("wait for", &self.cargo))?;
        let Watch { errors, last, executable, .. } = watch;
        match executable.filter(|_| status.success()) {
            Some(executable) => Ok(Ok(executable)),
            None => Ok(Err(Rejected { errors, last: last.into() })),
        }
    }

    /// The flags of rustc, in cargo's encoding: nothing of this machine's folders in the executable.
    fn rustflags(&self, workspace: &Path) -> OsString {
        let mut flags: Vec<OsString> = Vec::new();
        let mut remap = |from: &Path, to: &str| {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from);
            flag.push("=");
            flag.push(to);
            flags.push(flag);
        };
        remap(workspace, "/helix");
        if let Some(home) = &self.cargo_home {
            remap(home, "/cargo");
        }
        if let Some(linker) = self.linker {
            flags.push(format!("-Clink-arg=-fuse-ld={linker}").into());
        }
        flags.join(std::ffi::OsStr::new("\u{1f}"))
    }
}

/// Compares versions such as `1.95.0` or `1.96.0-nightly`, by their first two numbers.
fn is_new_enough(found: &str) -> bool {
    let numbers = |text: &str| {
        let mut parts = text.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    };
    numbers(found) >= numbers(OLDEST_RUST)
}

/// Cargo with the compilers that it started.
struct Group(Child);

impl Group {
    fn signal(&self, signal: Signal) {
        let group = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // It may have ended by itself.
            let _ = kill_process_group(group, signal);
        }
    }

    async fn end(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.0.wait().await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// What is seen of a build.
struct Watch<T> {
    log: File,
    tell: T,
    errors: Vec<RustError>,
    last: VecDeque<String>,
    executable: Option<PathBuf>,
}

impl<T: FnMut(&str)> Watch<T> {
    fn new(log: File, tell: T) -> Self {
        Self { log, tell, errors: Vec::new(), last: VecDeque::new(), executable: None }
    }

    /// Reads both streams to their ends.
    async fn all(&mut self, cargo: &mut Child) -> std::io::Result<()> {
        let (Some(stdout), Some(stderr)) = (cargo.stdout.take(), cargo.stderr.take()) else { return Ok(()) };
        let (mut messages, mut narration) = (BufReader::new(stdout).lines(), BufReader::new(stderr).lines());
        let (mut telling, mut narrating) = (true, true);
        while telling || narrating {
            tokio::select! {
                line = messages.next_line(), if telling => match line? {
                    Some(line) => self.message(&line)?,
                    None => telling = false,
                },
                line = narration.next_line(), if narrating => match line? {
                    Some(line) => self.narration(&line)?,
                    None => narrating = false,
                },
            }
        }
        Ok(())
    }

    /// A line for people: `   Compiling tokio v1.54.1`.
    fn narration(&mut self, line: &str) -> std::io::Result<()> {
        if let Some(what) = line.trim_start().strip_prefix("Compiling ") {
            (self.tell)(what.split(" (").next().unwrap_or(what));
        }
        self.keep(line)
    }

    /// A line for machines.
    fn message(&mut self, line: &str) -> std::io::Result<()> {
        match serde_json::from_str(line) {
            Ok(Message::Artifact { target, executable }) if target.name == PACKAGE => {
                self.executable = executable.or(self.executable.take());
            }
            Ok(Message::Diagnostic { target, message }) if message.level.starts_with("error") => {
                let rendered = message.rendered.clone().unwrap_or_else(|| message.message.clone());
                for line in rendered.lines() {
                    self.keep(line)?;
                }
                // The last one merely counts the others.
                if target.name == PACKAGE && !message.spans.is_empty() {
                    self.errors.push(message.into());
                }
            }
            Ok(_) => {}
            Err(_) => self.keep(line)?,
        }
        Ok(())
    }

    fn keep(&mut self, line: &str) -> std::io::Result<()> {
        writeln!(self.log, "{line}")?;
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
        Ok(())
    }
}

/// What cargo says with `--message-format=json`, as far as we need it.
///
/// Source: <https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>.
#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-artifact")]
    Artifact { target: Target, executable: Option<PathBuf> },
    #[serde(rename = "compiler-message")]
    Diagnostic { target: Target, message: Diagnostic },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    spans: Vec<Span>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: usize,
    is_primary: bool,
}

impl From<Diagnostic> for RustError {
    fn from(diagnostic: Diagnostic) -> Self {
        let Diagnostic { message, spans, rendered, .. } = diagnostic;
        let place = spans.into_iter().find(|span| span.is_primary).map(|span| (span.file_name, span.line_start));
        Self { place, rendered: rendered.unwrap_or_else(|| message.clone()), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_new_enough("1.95.0") && is_new_enough("1.100.0-nightly") && is_new_enough("2.0.0"));
        assert!(!is_new_enough("1.94.9") && !is_new_enough("1.9.0") && !is_new_enough(""));
    }
}
