//! What the compiler has to say about a program: data, not text on a terminal.
//!
//! A [`Diagnostic`] is built by a family module next to this one, which holds the wording; whoever finds the problem only says
//! what it found. Rendering happens in `ui`.

pub mod codes;
pub(super) mod migrations;
pub(super) mod names;
pub mod pages;
pub(super) mod paths;
pub(super) mod schema;
pub(super) mod steps;
mod suggest;
pub mod syntax;
pub(super) mod types;
pub(super) mod values;
pub(super) mod warnings;
pub(super) mod words;

pub(super) use suggest::nearest;

use super::source::Span;

/// A problem, its place, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, printed as `E-HQL-101`.
    pub code: &'static str,
    /// Whether it stops the build.
    pub severity: Severity,
    /// One line: what is wrong.
    pub message: String,
    /// The places; the first is the primary one, which carries the location of the diagnostic.
    pub labels: Vec<Label>,
    /// The cause or background, when it is not obvious.
    pub notes: Vec<String>,
    /// What to do next.
    pub help: Option<String>,
    /// The query that the problem is in.
    pub query: Option<String>,
}

/// Every code that the compiler raises.
#[must_use]
pub fn codes() -> Vec<&'static str> {
    codes::ALL.iter().map(|code| code.code).collect()
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program cannot run.
    Error,
    /// The program runs, perhaps not as meant.
    Warning,
}

/// A place in the source with a word on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, span, message.into())
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, span, message.into())
    }

    fn new(code: &'static str, severity: Severity, span: Span, message: String) -> Self {
        let labels = vec![Label { span, text: String::new() }];
        Self { code, severity, message, labels, notes: Vec::new(), help: None, query: None }
    }

    /// Says what is at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.labels[0].text = text.into();
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds background.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do; nothing for `None`.
    #[must_use]
    pub fn help(mut self, text: impl Into<Option<String>>) -> Self {
        self.help = text.into();
        self
    }

    /// The primary place.
    #[must_use]
    pub fn span(&self) -> Span {
        self.labels[0].span
    }
}
