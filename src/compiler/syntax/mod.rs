//! Text to lossless syntax tree, with recovery; typed views of the tree.
//!
//! [`parse`] never fails: it gives a tree that holds every byte of the text, and the diagnostics. A formatter walks the tokens
//! of [`Parse::syntax`], comments included; an editor asks it for the token at an offset; the checker reads the typed views of
//! [`ast`]. Keywords are contextual: every word is an [`IDENT`](SyntaxKind::IDENT), and its place says what it means.
//!
//! No node starts or ends with white space or comments, so that the range of a node is what should be underlined.

pub mod ast;
pub mod kind;

mod lexer;
mod parser;
#[cfg(test)]
mod tests;
mod validate;

pub use kind::{HelixQl, SyntaxKind, SyntaxNode, SyntaxToken};

use ast::{AstNode, SourceFile};
use parser::{Problem, ProblemKind};
use rowan::GreenNode;

use crate::compiler::diagnostics::{Diagnostic, syntax};
use crate::compiler::source::{FileId, Span};

/// The largest file that is parsed, in bytes.
const MAX_FILE_BYTES: usize = 16 << 20;

/// How many problems of a file are shown.
const MAX_DIAGNOSTICS: usize = 100;

/// Every step, for suggestions.
const STEPS: &[&str] = &[
    "Out",
    "In",
    "OutE",
    "InE",
    "FromN",
    "ToN",
    "FromV",
    "ToV",
    "COUNT",
    "FIRST",
    "ID",
    "WHERE",
    "PREFILTER",
    "INTERSECT",
    "EQ",
    "NEQ",
    "GT",
    "GTE",
    "LT",
    "LTE",
    "CONTAINS",
    "IS_IN",
    "ORDER",
    "RANGE",
    "GROUP_BY",
    "AGGREGATE_BY",
    "AddE",
    "UPDATE",
    "UpsertN",
    "UpsertE",
    "UpsertV",
    "SearchV",
    "RerankRRF",
    "RerankMMR",
    "ShortestPath",
    "ShortestPathBFS",
    "ShortestPathDijkstras",
    "ShortestPathAStar",
];

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Parse {
    file: FileId,
    green: GreenNode,
    diagnostics: Vec<Diagnostic>,
}

impl Parse {
    /// The root of the tree.
    #[must_use]
    pub fn syntax(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// The root as a view.
    ///
    /// # Panics
    ///
    /// Never: the root is always a file.
    #[must_use]
    pub fn tree(&self) -> SourceFile {
        SourceFile::cast(self.syntax()).expect("the parser makes a file of every text")
    }

    /// Which file it is.
    #[must_use]
    pub fn file(&self) -> FileId {
        self.file
    }

    /// What is wrong with the form of the text, in order.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

/// Parses a file. Time and memory are linear in its length.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parse {
    let start = Span { file, start: 0, end: 0 };
    if text.len() > MAX_FILE_BYTES {
        let diagnostics = vec![syntax::FileTooLarge { span: start }.into()];
        return Parse { file, green: parser::build("", &parser::parse("")), diagnostics };
    }
    let output = parser::parse(text);
    let green = parser::build(text, &output);
    let mut diagnostics: Vec<Diagnostic> =
        output.problems.iter().take(MAX_DIAGNOSTICS).map(|problem| word(file, text, problem)).collect();
    diagnostics.extend(
        validate::validate(file, &SyntaxNode::new_root(green.clone()), &output.problems)
            .into_iter()
            .take(MAX_DIAGNOSTICS),
    );
    diagnostics.sort_by_key(|diagnostic| diagnostic.span().start);
    if let Some(next) = output.problems.get(MAX_DIAGNOSTICS) {
        let more = output.problems.len() - MAX_DIAGNOSTICS;
        diagnostics.push(syntax::TooManyErrors { more, span: span(file, next) }.into());
    }
    Parse { file, green, diagnostics }
}

fn span(file: FileId, problem: &Problem) -> Span {
    Span { file, start: offset(problem.start), end: offset(problem.end) }
}

fn offset(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

fn word(file: FileId, text: &str, problem: &Problem) -> Diagnostic {
    let span = span(file, problem);
    let found = &text[problem.start..problem.end];
    let expected = |what, help: Option<&'static str>| {
        let found = (!found.is_empty()).then_some(found);
        let is_member = found == Some(".") && text[problem.end..].starts_with(|next: char| next.is_ascii_alphabetic());
        let is_fraction = found == Some(".") && text[problem.end..].starts_with(|next: char| next.is_ascii_digit());
        let help = help
            .or(is_member.then_some("fields and members are read with `::{name}`"))
            .or(is_fraction.then_some("a number has a digit before its point: `0.5`"));
        syntax::Expected { what, found, help, span }.into()
    };
    match problem.kind {
        ProblemKind::Expected(what) => expected(what, None),
        ProblemKind::ExpectedWithHelp(what, help) => expected(what, Some(help)),
        ProblemKind::UnknownItem => syntax::UnknownItem { found, span }.into(),
        ProblemKind::UnknownFunction => {
            syntax::UnknownFunction { name: found, is_step: STEPS.contains(&found), span }.into()
        }
        ProblemKind::TooDeep => syntax::TooDeep { span }.into(),
        ProblemKind::TooManySteps => syntax::TooManySteps { span }.into(),
        ProblemKind::UnknownStep => {
            let has_type = text[problem.end..].trim_start().starts_with('<');
            syntax::UnknownStep { name: found, steps: STEPS, has_type, span }.into()
        }
        ProblemKind::Keyword(keyword) => syntax::Keyword { keyword, found, span }.into(),
        ProblemKind::OpenString => {
            let next = text[problem.start..].find('"').map_or(problem.end, |at| problem.start + at + 1);
            let next = text[next..].find('"').map(|at| next + at);
            let next = next.map(|start| Span { start: offset(start), end: offset(start + 1), ..span });
            syntax::OpenString { span, next }.into()
        }
        ProblemKind::Comment => syntax::Comment { found, span }.into(),
        ProblemKind::Name => syntax::BadName { name: found, span }.into(),
        ProblemKind::Number => syntax::BadNumber { number: found, span }.into(),
    }
}
