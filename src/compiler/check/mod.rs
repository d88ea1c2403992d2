//! Typed views and the catalog, to checked queries in the form of the plan.
//!
//! A [`Checker`] goes through one query. Each construct is typed and lowered in one go: what comes back is a [`Value`], a plan
//! node with its type, or [`Ty::Unknown`] behind a mistake that has been reported. `steps/` has one file per step.

mod comparison;
mod condition;
mod create;
mod expr;
mod fields;
mod for_loop;
mod known;
mod math;
mod names;
mod optional;
mod params;
mod projection;
mod query;
mod returns;
mod scope;
mod source;
mod statements;
mod steps;
mod stream;
mod traversal;
mod ty;
mod value;
mod vector;

use std::collections::HashMap;

use helix_plan::{Catalog, ItemType, Literal, Query, SlotId};

use self::scope::Scopes;
use super::diagnostics::names::DuplicateQuery;
use super::lower::QueryBuilder;
use super::report::Report;
use super::schema::Schema;
use super::source::{FileId, SourceSet, Span};
use super::syntax::ast::{self, AstNode};
use super::{Broken, ParsedFile};

/// Checks one query.
struct Checker<'a> {
    sources: &'a SourceSet,
    schema: &'a Schema,
    catalog: &'a Catalog,
    file: FileId,
    report: &'a mut Report,
    builder: QueryBuilder<'a>,
    scopes: Scopes,
    /// The vector that a `PREFILTER` looks at, which has no score yet.
    unscored: Option<SlotId>,
    /// What variables certainly hold.
    known: HashMap<SlotId, Literal>,
    /// How long the first vector of a type is that the query certainly adds.
    lengths: HashMap<ItemType, usize>,
    /// How many loops are around.
    loops: u32,
    /// The syntax errors of the query. A part that holds any is not checked: what it lacks would be blamed on others.
    broken: &'a [Span],
}

/// The queries of all files.
pub(super) fn queries(
    sources: &SourceSet,
    files: &[ParsedFile],
    schema: &Schema,
    broken: &Broken,
    report: &mut Report,
) -> Vec<Query> {
    let mut queries = Vec::new();
    let mut names: HashMap<String, Span> = HashMap::new();
    for file in files {
        for item in file.tree.items() {
            let ast::Item::Query(query) = item else { continue };
            let span = query.span(file.id);
            let Some(name) = query.name() else {
                report.incomplete(span);
                continue;
            };
            let (text, name_span) = (name.text(), name.span(file.id));
            if let Some(first) = names.get(&text) {
                report.add(DuplicateQuery { name: &text, span: name_span, first: *first });
            } else {
                names.insert(text.clone(), name_span);
            }
            report.enter_query(&text);
            let mut checker = Checker::new(sources, schema, file.id, report);
            checker.broken = broken.within(span);
            queries.push(checker.query(&query, text, name_span));
            report.leave_query();
        }
    }
    queries
}

impl<'a> Checker<'a> {
    fn new(sources: &'a SourceSet, schema: &'a Schema, file: FileId, report: &'a mut Report) -> Self {
        let (catalog, builder) = (&schema.catalog, QueryBuilder::new(sources));
        Self {
            sources,
            schema,
            catalog,
            file,
            report,
            builder,
            scopes: Scopes::new(),
            unscored: None,
            known: HashMap::new(),
            lengths: HashMap::new(),
            loops: 0,
            broken: &[],
        }
    }

    /// The source text of a span.
    fn text(&self, span: Span) -> &'a str {
        self.sources.text(span)
    }

    /// Whether a place holds a syntax error, or one follows on the same line.
    fn is_broken(&self, place: Span) -> bool {
        let follows = |error: &Span| {
            let between = self.text(Span { start: place.end, end: error.start, ..place });
            between.chars().all(|c| c.is_whitespace() && c != '\n')
        };
        self.broken.iter().any(|error| error.start >= place.start && (error.start <= place.end || follows(error)))
    }

    /// The place of a node.
    fn span(&self, node: &impl AstNode) -> Span {
        node.span(self.file)
    }
}
