//! What can go wrong while something is built.

use std::io;
use std::path::PathBuf;

use super::blame::Blame;
use crate::errors::{ExitCode, Failure};

/// A result of a build.
pub type Result<T, E = BuildError> = std::result::Result<T, E>;

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no cargo on this machine.
    #[error("`cargo` was not found: a server is compiled with the Rust toolchain")]
    NoCargo,
    /// The toolchain is too old for the engine.
    #[error("Rust {found} is too old: the engine needs {needed} or newer")]
    OldRust {
        /// The version that is there.
        found: String,
        /// The oldest one that will do.
        needed: &'static str,
    },
    /// Generated code was refused by the Rust compiler: a bug of ours.
    #[error("the code that was generated{} does not compile: {message}", blame.as_ref().map(|blame| format!(" for query `{}`", blame.query)).unwrap_or_default())]
    Rust {
        /// The query and its place, when known.
        blame: Option<Blame>,
        /// What rustc says, in a line.
        message: String,
        /// What rustc says, in full.
        rendered: String,
        /// The whole output.
        log: PathBuf,
    },
    /// Compiling failed otherwise.
    #[error("compiling the server failed")]
    Compile {
        /// The last lines of the output.
        last: Vec<String>,
        /// The whole output.
        log: PathBuf,
    },
    /// No container runtime answers.
    #[error("no container runtime answers: {0}")]
    NoDaemon(String),
    /// A step of an image's build failed.
    #[error("the step `{step}` failed: {message}")]
    Step {
        /// The step.
        step: String,
        /// What it failed with.
        message: String,
        /// The last lines that it wrote.
        last: Vec<String>,
        /// The whole output.
        log: PathBuf,
    },
    /// The image is for another platform than was asked for.
    #[error("the image is for {actual}, not for {wanted}: the base images are for that platform only")]
    Platform {
        /// What was asked for.
        wanted: String,
        /// What it is for.
        actual: String,
    },
    /// Another build gave other layers.
    #[error("another build gave other layers: {} of {of}, counted from 0", layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NotReproducible {
        /// Which ones.
        layers: Vec<usize>,
        /// How many there are.
        of: usize,
    },
    /// The variable of a secret holds nothing.
    #[error("`build.secrets` names the variable `{0}`, which is not set")]
    SecretUnset(String),
    /// A setting of `[build]` asks for what cannot be done.
    #[error("`build.{key}` {reason}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What to do instead.
        hint: String,
    },
    /// A folder that is to be written holds something else.
    #[error("`{}` holds something else than a Dockerfile of helix", .0.display())]
    Occupied(PathBuf),
    /// A file or folder could not be used.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The command was told to stop.
    #[error("interrupted")]
    Interrupted,
}

impl BuildError {
    /// A failed operation on a file.
    pub fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let message = error.to_string();
        let failed = |code: &str| Self::new(code, ExitCode::Build, message.clone());
        match error {
            BuildError::NoCargo => failed("E-BUILD-NO-CARGO")
                .hint("install Rust from https://rustup.rs, or build an image instead: `helix build` without `--bin`"),
            BuildError::OldRust { .. } => failed("E-BUILD-OLD-RUST").hint("`rustup update`"),
            BuildError::SecretUnset(variable) => Self::new("E-BUILD-SECRET", ExitCode::Usage, message)
                .hint(format!("set it for this command: `{variable}=... helix build`")),
            BuildError::NotReproducible { .. } => failed("E-BUILD-NOT-REPRODUCIBLE")
                .hint("name the base images of `[build]` by digest, and look at what the steps download"),
            BuildError::Rust { blame, rendered, log, .. } => {
                let failure = failed("E-BUILD-RUST").context(rendered.lines()).hint(format!(
                    "this is a bug of helix, not of the query: report it with `{}`; writing the query in another way may \
                     help until it is fixed",
                    log.display()
                ));
                match blame {
                    Some(blame) => failure.at(blame.location),
                    None => failure,
                }
            }
            BuildError::Compile { last, log } => {
                let no_compiler = last
                    .iter()
                    .any(|line| line.contains("failed to find tool") || line.contains("linker `cc` not found"));
                let hint = if no_compiler {
                    "the engine's store needs a C compiler: install one, `apt-get install gcc libc6-dev` on Debian"
                        .to_owned()
                } else {
                    format!("the whole output is in `{}`", log.display())
                };
                failed("E-BUILD-FAILED").context(last).hint(hint)
            }
            BuildError::NoDaemon(_) => Self::new("E-RUNTIME-MISSING", ExitCode::Runtime, message)
                .hint("start Docker or Podman, or build an executable instead: `helix build --bin DIR`"),
            BuildError::Step { message: reason, last, .. } if is_disk_full(&reason, &last) => {
                Self::new("E-RUNTIME-DISK-FULL", ExitCode::Runtime, message)
                    .context(last)
                    .hint("make room: `helix prune --system` removes what no running instance needs")
            }
            BuildError::Step { message: reason, last, log, .. } => {
                let hint = step_hint(&reason, &last, &log);
                failed("E-BUILD-STEP").context(last).hint(hint)
            }
            BuildError::Platform { .. } => failed("E-BUILD-PLATFORM")
                .hint("name base images for that platform: `build.builder_image` and `build.runtime_image`"),
            BuildError::Setting { hint, .. } => {
                Self::new("E-BUILD-UNSUPPORTED", ExitCode::Unsupported, message).hint(hint)
            }
            BuildError::Occupied(_) => {
                Self::new("E-FS-NOT-EMPTY", ExitCode::Usage, message).hint("name an empty folder")
            }
            BuildError::File { action, path, source } => Self::file(action, &path, &source),
            BuildError::Interrupted => Self::interrupted(ExitCode::Interrupted),
        }
    }
}

/// Whether a step failed for want of room.
fn is_disk_full(reason: &str, last: &[String]) -> bool {
    let mut lines = last.iter().map(String::as_str).chain([reason]);
    lines.any(|line| line.to_ascii_lowercase().contains("no space left on device"))
}

/// What to do about a step that failed, as far as its words tell.
fn step_hint(reason: &str, last: &[String], log: &std::path::Path) -> String {
    let says = |words: &[&str]| {
        let mut lines = last.iter().map(String::as_str).chain([reason]);
        lines.any(|line| words.iter().any(|word| line.contains(word)))
    };
    if says(&[
        "pull access denied",
        "manifest unknown",
        "failed to resolve",
        "not found: manifest",
        "registry-1.docker.io",
    ]) {
        return "the base image cannot be had: set `build.builder_image` and `build.runtime_image` to images that can"
            .to_owned();
    }
    if says(&["certificate", "UnknownIssuer"]) {
        return "crates are fetched through something with a certificate of its own: name its bundle in `build.ca_bundle`, which \
                is often the file in `SSL_CERT_FILE`"
            .to_owned();
    }
    format!("the whole output is in `{}`", log.display())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_a_failed_step_says_leads_to_what_can_be_done() {
        let hint = |reason: &str, line: &str| step_hint(reason, &[line.to_owned()], Path::new("build.log"));
        assert!(hint("", "[60] SSL peer certificate was not OK").contains("build.ca_bundle"));
        assert!(hint("pull access denied for rust", "").contains("build.builder_image"));
        assert_eq!(hint("exit code: 1", "boom"), "the whole output is in `build.log`");
    }
}
