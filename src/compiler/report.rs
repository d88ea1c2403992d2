//! Collects what the stages of one compilation have to say.

use super::diagnostics::{Diagnostic, Severity, codes, nearest};
use super::source::Span;

/// How many diagnostics may come with a suggestion.
const MAX_SUGGESTIONS: usize = 500;

/// The diagnostics so far, and the query that the next ones are in.
#[derive(Debug, Default)]
pub(super) struct Report {
    diagnostics: Vec<Diagnostic>,
    query: Option<String>,
    incomplete: Option<Span>,
}

impl Report {
    /// A report that starts with the findings of the parser.
    pub(super) fn new(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, query: None, incomplete: None }
    }

    /// Adds a diagnostic.
    pub(super) fn add(&mut self, diagnostic: impl Into<Diagnostic>) {
        let mut diagnostic = diagnostic.into();
        if diagnostic.query.is_none() {
            diagnostic.query.clone_from(&self.query);
        }
        self.diagnostics.push(diagnostic);
    }

    /// The candidate that was probably meant by `name`. A program with very many mistakes gets no more suggestions, which
    /// bounds the work.
    pub(super) fn nearest<'n>(&self, name: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<String> {
        if self.diagnostics.len() < MAX_SUGGESTIONS { nearest(name, candidates) } else { None }
    }

    /// Notes that the tree lacks a part here.
    ///
    /// The parser has reported the reason, so nothing is added; should it not have, [`Self::finish`] does.
    pub(super) fn incomplete(&mut self, span: Span) {
        self.incomplete.get_or_insert(span);
    }

    /// Says which query the following diagnostics are in.
    pub(super) fn enter_query(&mut self, name: &str) {
        self.query = Some(name.to_owned());
    }

    /// The following diagnostics are in no query.
    pub(super) fn leave_query(&mut self) {
        self.query = None;
    }

    /// The diagnostics in the order of their places, and whether any is an error.
    pub(super) fn finish(mut self) -> (Vec<Diagnostic>, bool) {
        let has_errors = |all: &[Diagnostic]| all.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        if let (Some(span), false) = (self.incomplete, has_errors(&self.diagnostics)) {
            self.add(Diagnostic::error(codes::SYNTAX, span, "incomplete syntax"));
        }
        self.diagnostics.sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.code));
        self.diagnostics.dedup();
        let failed = has_errors(&self.diagnostics);
        (self.diagnostics, failed)
    }
}
