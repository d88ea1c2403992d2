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
        let failed = |code: &str| Self::new(code, ExitCode::Build, message);
        match error {
            BuildError::NoCargo => failed("E-BUILD-NO-CARGO")
                .hint("install Rust from https://rustup.rs, or build an image instead: `helix build` without `--bin`"),
            BuildError::OldRust { .. } => failed("E-BUILD-OLD-RUST").hint("`rustup update`"),
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
            BuildError::File { action, path, source } => Self::file(action, &path, &source),
            BuildError::Interrupted => Self::interrupted(ExitCode::Interrupted),
        }
    }
}
