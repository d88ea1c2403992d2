//! What the form of a program allows but no program may do: repeated parameters, wrong arity, numbers and escapes that mean
//! nothing. Reported with the syntax errors, since no type is needed to see it.

use std::collections::HashMap;

mod calls;

use super::ast::{AstNode, BadLiteral, Literal, Math, Query};
use super::kind::SyntaxNode;
use super::parser::Problem;
use crate::compiler::diagnostics::Diagnostic;
use crate::compiler::diagnostics::syntax::{DuplicateParameter, NumberTooLarge, UnknownEscape, WrongArity};
use crate::compiler::source::{FileId, Span};

/// Checks the whole tree. What a call lacks is not said where the parser has said something about it.
pub(super) fn validate(file: FileId, root: &SyntaxNode, problems: &[Problem]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for node in root.descendants() {
        if let Some(literal) = Literal::cast(node.clone()) {
            diagnostics.extend(check_literal(file, &literal));
        } else if let Some(query) = Query::cast(node.clone()) {
            diagnostics.extend(check_params(file, &query));
        } else if is_call(&node) && !is_broken(&node, problems) {
            match Math::cast(node.clone()) {
                Some(math) => diagnostics.extend(check_arity(file, &math)),
                None => diagnostics.extend(calls::check(file, &node)),
            }
        }
    }
    diagnostics
}

fn is_call(node: &SyntaxNode) -> bool {
    Math::cast(node.clone()).is_some() || calls::is_checked(node.kind())
}

/// Whether the parser has a problem within the node, or right behind it.
fn is_broken(node: &SyntaxNode, problems: &[Problem]) -> bool {
    let mut behind = node.last_token().and_then(|token| token.next_token());
    while let Some(token) = behind.as_ref().filter(|token| token.kind().is_trivia()) {
        behind = token.next_token();
    }
    let end = behind.map_or(node.text_range().end(), |token| token.text_range().start());
    let (start, end) = (usize::from(node.text_range().start()), usize::from(end));
    let first = problems.partition_point(|problem| problem.start < start);
    problems.get(first).is_some_and(|problem| problem.start <= end)
}

fn check_literal(file: FileId, literal: &Literal) -> Option<Diagnostic> {
    let span = literal.span(file);
    match literal.value() {
        Ok(_) | Err(BadLiteral::Open | BadLiteral::Missing) => None,
        Err(BadLiteral::TooLarge) => Some(NumberTooLarge { span }.into()),
        Err(BadLiteral::UnknownEscape { at, len }) => {
            let text = literal.text();
            let (start, end) = (at as usize, (at + len) as usize);
            let span = Span { start: span.start + at, end: span.start + at + len, ..span };
            Some(UnknownEscape { escape: text.get(start..end).unwrap_or("\\"), span }.into())
        }
    }
}

fn check_arity(file: FileId, math: &Math) -> Option<Diagnostic> {
    let function = math.function()?;
    let (range, takes) = match function.text() {
        "PI" | "E" => (0..=0, "no argument"),
        "ADD" | "SUB" | "MUL" | "DIV" | "POW" | "MOD" | "LOG" | "ATAN2" => (2..=2, "two arguments"),
        "MIN" | "MAX" => (1..=2, "one or two arguments"),
        _ => (1..=1, "one argument"),
    };
    let given = math.arguments().count();
    if range.contains(&given) {
        return None;
    }
    Some(WrongArity { function: function.text(), takes, given, span: math.span(file) }.into())
}

fn check_params(file: FileId, query: &Query) -> Vec<Diagnostic> {
    let mut seen: HashMap<String, Span> = HashMap::new();
    let mut diagnostics = Vec::new();
    for name in query.params().filter_map(|param| param.name()) {
        let (text, span) = (name.text(), name.span(file));
        match seen.get(&text) {
            Some(first) => diagnostics.push(DuplicateParameter { name: &text, span, first: *first }.into()),
            None => {
                seen.insert(text, span);
            }
        }
    }
    diagnostics
}
