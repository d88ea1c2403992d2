//! Typed views and the catalog, to checked queries in the form of the plan.

mod comparison;
mod fields;
mod math;
mod scope;
mod stream;
mod ty;
mod value;

use helix_plan::Catalog;

use self::scope::Scopes;
use super::lower::QueryBuilder;
use super::report::Report;
use super::schema::Schema;
use super::source::{FileId, SourceSet, Span};

/// Checks one query.
struct Checker<'a> {
    sources: &'a SourceSet,
    schema: &'a Schema,
    catalog: &'a Catalog,
    file: FileId,
    report: &'a mut Report,
    builder: QueryBuilder<'a>,
    scopes: Scopes,
}

impl<'a> Checker<'a> {
    /// The source text of a span.
    fn text(&self, span: Span) -> &'a str {
        self.sources.text(span)
    }
}
