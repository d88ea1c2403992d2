//! The arguments of calls and steps: how many there are, in which order, and under which names.

use super::super::ast::{AstNode, Entry, Expr, IndexLookup, Name, Object, TypeArgs, node_span};
use super::super::kind::SyntaxKind::{self, *};
use super::super::kind::SyntaxNode;
use crate::compiler::diagnostics::Diagnostic;
use crate::compiler::diagnostics::syntax::{Arguments, Fault, RepeatedParameter, UnknownParameter};
use crate::compiler::source::FileId;

/// How a call is written, and what it takes.
struct Call {
    name: &'static str,
    takes: &'static str,
    example: &'static str,
}

const SOURCE: Call =
    Call { name: "N<Type>(…)", takes: "ids, or one look-up", example: "N<User>(id)`, or `N<User>({ email: email })" };
const ONE_TRAVERSAL: Call = Call { name: "EXISTS", takes: "one traversal", example: "EXISTS(_::Out<Follows>)" };
const SEARCH_VECTORS: Call =
    Call { name: "SearchV", takes: "a vector and the number of results", example: "SearchV<Doc>(vector, 10)" };
const SEARCH_TEXT: Call =
    Call { name: "SearchBM25", takes: "a text and the number of results", example: "SearchBM25<Doc>(text, 10)" };
const ADD_VECTOR: Call =
    Call { name: "AddV", takes: "a vector, and then its fields", example: "AddV<Doc>(vector, { title: title })" };
const BATCH: Call = Call { name: "BatchAddV", takes: "one array of vectors", example: "BatchAddV<Doc>(vectors)" };
const UPSERT_VECTOR: Call =
    Call { name: "UpsertV", takes: "a vector and one block of fields", example: "UpsertV(vector, { title: title })" };
const EMBED_TEXT: Call = Call { name: "Embed", takes: "one text", example: "Embed(text)" };
const ALL: Call = Call { name: "AND", takes: "conditions", example: "AND(_::{age}::GT(17), _::{name}::EQ(name))" };
const ANY: Call = Call { name: "OR", takes: "conditions", example: "OR(_::{age}::GT(17), _::{name}::EQ(name))" };
const CHANGE: Call = Call { name: "UPDATE", takes: "the fields that change", example: "UPDATE({ name: name })" };
const UPSERT_A_NODE: Call =
    Call { name: "UpsertN", takes: "the fields that are set", example: "UpsertN({ name: name })" };
const UPSERT_AN_EDGE: Call =
    Call { name: "UpsertE", takes: "the fields that are set", example: "UpsertE({ since: since })::From(a)::To(b)" };
const DESTRUCTURE: Call =
    Call { name: "FOR {…} IN", takes: "members", example: "FOR { name, age } IN users { … }" };
const SORT: Call = Call { name: "ORDER", takes: "one direction", example: "ORDER<Asc>(_::{age})" };
const GROUP: Call = Call { name: "GROUP_BY", takes: "fields", example: "GROUP_BY(age)" };
const AGGREGATE: Call = Call { name: "AGGREGATE_BY", takes: "fields", example: "AGGREGATE_BY(age)" };
const LEAVE_OUT: Call = Call { name: "!{…}", takes: "fields", example: "::!{age}" };
const BY_DIVERSITY: Call = Call { name: "RerankMMR", takes: "`lambda`", example: "RerankMMR(lambda: 0.5)" };

/// Whether [`check`] looks at nodes of the kind.
pub(super) const fn is_checked(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        NODE_SOURCE
            | SEARCH_V
            | SEARCH_BM25
            | ADD_V
            | BATCH_ADD_V
            | UPDATE
            | UPSERT_N
            | UPSERT_E
            | UPSERT_V
            | FOR_MEMBERS
            | EMBED
            | EXISTS
            | AND
            | OR
            | ORDER
            | GROUP_BY
            | AGGREGATE_BY
            | EXCLUDE
            | RERANK_RRF
            | RERANK_MMR
    )
}

/// The first thing that is wrong with the arguments of a call.
pub(super) fn check(file: FileId, node: &SyntaxNode) -> Option<Diagnostic> {
    let arguments: Vec<Expr> = children(node).collect();
    let call = Checked { file, node };
    match node.kind() {
        NODE_SOURCE => {
            // A look-up stands alone; ids are as many as one likes, and none is not for the form to say.
            let lookups: Vec<IndexLookup> = children(node).collect();
            let mut given: Vec<&SyntaxNode> = arguments.iter().map(AstNode::syntax).collect();
            given.extend(lookups.iter().map(AstNode::syntax));
            given.sort_by_key(|node| node.text_range().start());
            match given.get(1) {
                Some(second) if !lookups.is_empty() => Some(call.fault(&SOURCE, Fault::TooMany, second)),
                _ => None,
            }
        }
        SEARCH_V => call.count(&SEARCH_VECTORS, &arguments, ["a vector", "the number of results"]),
        SEARCH_BM25 => call.count(&SEARCH_TEXT, &arguments, ["a text", "the number of results"]),
        BATCH_ADD_V => call.count(&BATCH, &arguments, ["an array of vectors"]),
        EMBED => call.count(&EMBED_TEXT, &arguments, ["a text"]),
        EXISTS => call.count(&ONE_TRAVERSAL, &arguments, ["a traversal"]),
        ADD_V => call.vector_and_fields(&ADD_VECTOR, &arguments),
        UPSERT_V => match (call.vector_and_fields(&UPSERT_VECTOR, &arguments), arguments.as_slice()) {
            (None, [_]) => Some(call.fault(&UPSERT_VECTOR, Fault::Missing("the block of fields"), node)),
            (None, [_, _, third, ..]) => Some(call.fault(&UPSERT_VECTOR, Fault::TooMany, third.syntax())),
            (fault, _) => fault,
        },
        UPDATE => call.some(&CHANGE, children::<Object>(node).count(), "the block of fields"),
        UPSERT_N => call.some(&UPSERT_A_NODE, children::<Object>(node).count(), "the block of fields"),
        UPSERT_E => call.some(&UPSERT_AN_EDGE, children::<Object>(node).count(), "the block of fields"),
        FOR_MEMBERS => call.some(&DESTRUCTURE, children::<Name>(node).count(), "a member"),
        AND => call.some(&ALL, arguments.len(), "a condition"),
        OR => call.some(&ANY, arguments.len(), "a condition"),
        GROUP_BY => call.some(&GROUP, children::<Name>(node).count(), "a field"),
        AGGREGATE_BY => call.some(&AGGREGATE, children::<Name>(node).count(), "a field"),
        EXCLUDE => call.some(&LEAVE_OUT, children::<Name>(node).count(), "a field"),
        ORDER => {
            let directions: Vec<Name> = children::<TypeArgs>(node).flat_map(|args| args.names()).collect();
            match directions.as_slice() {
                [] => Some(call.fault(&SORT, Fault::Missing("`Asc` or `Desc`"), node)),
                [_] => None,
                [_, second, ..] => Some(call.fault(&SORT, Fault::TooMany, second.syntax())),
            }
        }
        RERANK_RRF => call.names("RerankRRF", &["k"]),
        RERANK_MMR => call.names("RerankMMR", &["lambda", "distance"]).or_else(|| {
            let is_given = children::<Entry>(node).any(|entry| entry.key().is_some_and(|key| key.text() == "lambda"));
            (!is_given).then(|| call.fault(&BY_DIVERSITY, Fault::Missing("`lambda`"), node))
        }),
        _ => None,
    }
}

fn children<N: AstNode>(node: &SyntaxNode) -> impl Iterator<Item = N> + use<N> {
    node.children().filter_map(N::cast)
}

/// A call that is being checked.
struct Checked<'n> {
    file: FileId,
    node: &'n SyntaxNode,
}

impl Checked<'_> {
    fn fault(&self, call: &Call, fault: Fault, at: &SyntaxNode) -> Diagnostic {
        let Call { name, takes, example } = *call;
        Arguments { call: name, takes, fault, example, span: node_span(self.file, at) }.into()
    }

    /// As many arguments as there are words for them.
    fn count<const N: usize>(&self, call: &Call, given: &[Expr], words: [&'static str; N]) -> Option<Diagnostic> {
        match (words.get(given.len()), given.get(N)) {
            (Some(missing), _) => Some(self.fault(call, Fault::Missing(missing), self.node)),
            (None, Some(extra)) => Some(self.fault(call, Fault::TooMany, extra.syntax())),
            (None, None) => None,
        }
    }

    /// At least one.
    fn some(&self, call: &Call, given: usize, word: &'static str) -> Option<Diagnostic> {
        (given == 0).then(|| self.fault(call, Fault::Missing(word), self.node))
    }

    /// A vector, and behind it nothing but blocks of fields.
    fn vector_and_fields(&self, call: &Call, given: &[Expr]) -> Option<Diagnostic> {
        let Some(extra) = given.iter().skip(1).find(|expr| !matches!(expr, Expr::Object(_))) else {
            let has_vector = given.first().is_some_and(|first| !matches!(first, Expr::Object(_)));
            return (!has_vector).then(|| self.fault(call, Fault::Missing("the vector"), self.node));
        };
        let fault = match given.first() {
            Some(Expr::Object(_)) => Fault::Misplaced("the vector comes first"),
            _ => Fault::TooMany,
        };
        Some(self.fault(call, fault, extra.syntax()))
    }

    /// Parameters that are known, each once.
    fn names(&self, call: &'static str, known: &[&'static str]) -> Option<Diagnostic> {
        let mut seen: Vec<(String, Name)> = Vec::new();
        for name in children::<Entry>(self.node).filter_map(|entry| entry.key()) {
            let (text, span) = (name.text(), name.span(self.file));
            if !known.contains(&text.as_str()) {
                return Some(UnknownParameter { call, name: &text, known, span }.into());
            }
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == text) {
                return Some(RepeatedParameter { name: &text, span, first: first.span(self.file) }.into());
            }
            seen.push((text, name));
        }
        None
    }
}
