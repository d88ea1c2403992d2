//! Constructs of the language that this version reads but does not run.

use super::{Diagnostic, codes};
use crate::compiler::source::Span;

/// A construct that is not supported yet, and where it stands.
pub(in crate::compiler) struct Unsupported {
    pub construct: Construct,
    pub span: Span,
}

/// What is not supported yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compiler) enum Construct {
    AddEdgeStep,
    BatchAddV,
    Mcp,
    Migration,
    OptionalParameter,
    Prefilter,
    Rerank,
    SchemaVersion,
    SearchBm25,
    ShortestPath,
    TypeAsParameter,
}

impl From<Unsupported> for Diagnostic {
    fn from(Unsupported { construct, span }: Unsupported) -> Self {
        let (code, what, instead) = construct.words();
        Self::error(code, span, format!("{what} not supported yet")).help(instead.map(str::to_owned))
    }
}

impl Construct {
    /// The code, the subject with its verb, and what works instead.
    const fn words(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::AddEdgeStep => (
                codes::ADD_EDGE_STEP,
                "`AddE` as a step is",
                Some("assign the items to a variable `x` and write `AddE<Type>::From(x)::To(…)`"),
            ),
            Self::BatchAddV => {
                (codes::BATCH_ADD_V, "`BatchAddV` is", Some("write `FOR v IN vectors { AddV<Type>(v) }`"))
            }
            Self::Mcp => (codes::MCP, "`#[mcp]` is", Some("remove it: the query is still served over HTTP")),
            Self::Migration => (
                codes::MIGRATION,
                "`MIGRATION` is",
                Some("change the schema in place: added fields, types and indexes need no migration"),
            ),
            Self::OptionalParameter => (
                codes::OPTIONAL_PARAMETER,
                "an optional parameter is",
                Some("declare it without `?`, or write a second query without it"),
            ),
            Self::Prefilter => (
                codes::PREFILTER,
                "`PREFILTER` is",
                Some("search for more vectors than needed and filter them with `WHERE(…)`"),
            ),
            Self::Rerank => {
                (codes::RERANK, "reranking is", Some("search results come nearest first; cut with `RANGE`"))
            }
            Self::SchemaVersion => (
                codes::SCHEMA_VERSION,
                "a schema version above 1 is",
                Some("declare the newest types outside of a `schema::` block"),
            ),
            Self::SearchBm25 => {
                (codes::SEARCH_BM25, "`SearchBM25` is", Some("filter with `WHERE(_::{field}::CONTAINS(…))`"))
            }
            Self::ShortestPath => {
                (codes::SHORTEST_PATH, "a shortest path is", Some("follow edges step by step with `Out<Type>`"))
            }
            Self::TypeAsParameter => (
                codes::TYPE_AS_PARAMETER,
                "a schema type as the type of a parameter is",
                Some("list the members that you need: `{name: String, age: U8}`"),
            ),
        }
    }
}
