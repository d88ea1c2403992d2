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
    Mcp,
    Migration,
    SchemaVersion,
    SearchBm25,
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
            Self::Mcp => (codes::MCP, "`#[mcp]` is", Some("remove it: the query is still served over HTTP")),
            Self::Migration => (
                codes::MIGRATION,
                "`MIGRATION` is",
                Some("change the schema in place: added fields, types and indexes need no migration"),
            ),
            Self::SchemaVersion => (
                codes::SCHEMA_VERSION,
                "a schema version above 1 is",
                Some("declare the newest types outside of a `schema::` block"),
            ),
            Self::SearchBm25 => {
                (codes::SEARCH_BM25, "`SearchBM25` is", Some("filter with `WHERE(_::{field}::CONTAINS(…))`"))
            }
        }
    }
}
