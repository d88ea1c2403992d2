//! How a command fails: a stable code, an exit code, and what to do about it.
//!
//! Lower layers have typed errors of their own; each becomes a [`Failure`] once, where the command ends.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// What the exit code of the process says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or nothing to do.
    Done = 0,
    /// A failure of no particular kind.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is wrong, or there is no project.
    Config = 3,
    /// The schema or the queries are wrong.
    Queries = 4,
    /// Something has to be asked and nobody can be, or the answer was no.
    Input = 5,
    /// The build failed.
    Build = 6,
    /// The target cannot do that.
    Unsupported = 7,
    /// The container runtime is missing or not running.
    Runtime = 8,
    /// The network failed.
    Network = 9,
    /// The key or login was not accepted.
    Auth = 10,
    /// The other side rejected the deployment.
    Rejected = 11,
    /// It was deployed and is not healthy.
    Unhealthy = 12,
    /// There is no such instance, or it is in the wrong state.
    State = 13,
    /// Another `helix` process holds a lock.
    Locked = 14,
    /// There are differences.
    Differences = 20,
    /// We have a bug.
    Internal = 70,
    /// Interrupted by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// A 1-based place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file, as the user knows it.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The stable code, `E-<FAMILY>-<NAME>`.
    pub code: String,
    /// The exit code.
    pub exit: ExitCode,
    /// What happened, in a sentence without a final stop.
    pub message: String,
    /// What to do, with the exact command where there is one.
    pub hint: Option<String>,
    /// What was found, line by line.
    pub context: Vec<String>,
    /// Where it is.
    pub location: Option<Location>,
    /// What was behind it.
    pub cause: Option<String>,
    /// Findings in files, for machines.
    pub diagnostics: Vec<Value>,
    /// The same findings, ready to be shown.
    pub rendered: Option<String>,
    /// Of a release that failed: whether what ran before it runs again.
    pub rolled_back: Option<bool>,
}

impl Failure {
    /// A failure.
    #[must_use]
    pub fn new(code: impl Into<String>, exit: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            exit,
            message: message.into(),
            hint: None,
            context: Vec::new(),
            location: None,
            cause: None,
            diagnostics: Vec::new(),
            rendered: None,
            rolled_back: None,
        }
    }

    /// A bug of ours.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("E-INTERNAL", ExitCode::Internal, message)
    }

    /// Something has to be asked, and nobody can be.
    #[must_use]
    pub fn input_required(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new("E-INPUT-REQUIRED", ExitCode::Input, message).hint(hint)
    }

    /// The user said no.
    #[must_use]
    pub fn declined() -> Self {
        Self::new("E-INPUT-DECLINED", ExitCode::Input, "not confirmed: nothing was changed")
    }

    /// The command was told to stop by the signal that the exit code stands for.
    #[must_use]
    pub fn interrupted(exit: ExitCode) -> Self {
        match exit {
            ExitCode::Terminated => Self::new("E-INPUT-TERMINATED", exit, "ended by SIGTERM"),
            _ => Self::new("E-INPUT-INTERRUPTED", ExitCode::Interrupted, "interrupted"),
        }
    }

    /// A file or folder could not be used.
    #[must_use]
    pub fn file(action: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::PermissionDenied => "E-FS-PERMISSION",
            std::io::ErrorKind::NotFound => "E-FS-NOT-FOUND",
            std::io::ErrorKind::StorageFull => "E-FS-FULL",
            _ => "E-FS-IO",
        };
        Self::new(code, ExitCode::Failed, format!("cannot {action} `{}`", path.display())).cause(error.to_string())
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds lines of what was found.
    #[must_use]
    pub fn context(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.context.extend(lines.into_iter().map(Into::into));
        self
    }

    /// Says where it is.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// Says what was behind it.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The error object of the JSON document.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut object = serde_json::Map::new();
        object.insert("code".into(), self.code.clone().into());
        object.insert("exit".into(), (self.exit as u8).into());
        object.insert("message".into(), self.message.clone().into());
        let optional = [("hint", &self.hint), ("cause", &self.cause)];
        for (name, text) in optional {
            if let Some(text) = text {
                object.insert(name.into(), text.clone().into());
            }
        }
        if !self.context.is_empty() {
            object.insert("context".into(), self.context.clone().into());
        }
        if let Some(location) = &self.location {
            object.insert(
                "location".into(),
                serde_json::json!({"file": location.file, "line": location.line, "column": location.column}),
            );
        }
        if let Some(rolled_back) = self.rolled_back {
            object.insert("rolled_back".into(), rolled_back.into());
        }
        if !self.diagnostics.is_empty() {
            object.insert("diagnostics".into(), self.diagnostics.clone().into());
        }
        Value::Object(object)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
