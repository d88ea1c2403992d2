//! The steps of a traversal: one file each, or a few that differ by a word.

mod add_edge;
mod compare;
mod ends;
mod exclude;
mod filter;
mod graph;
mod group;
mod intersect;
mod order;
mod path;
mod prefilter;
mod range;
mod rerank;
mod search;
mod shape;
mod update;
mod upsert;

use helix_plan::{ItemKind, Kind, Type, ValueType};

use self::graph::Hop;
use self::group::Shown;
use super::Checker;
use super::stream::{Place, Stream};
use super::ty::Ty;
use crate::compiler::diagnostics::steps::{EndStep, StepNotApplicable};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::Step;

/// What follows a step: the steps behind it, and where the traversal stands.
#[derive(Clone, Copy)]
pub(super) struct Rest<'s> {
    /// The step before this one.
    pub before: Option<&'s Step>,
    pub steps: &'s [Step],
    pub place: Place,
}

impl Rest<'_> {
    /// Whether a grouping follows at once: a `COUNT` before it says how it is answered.
    pub(super) fn is_grouped(self) -> bool {
        matches!(self.steps.first(), Some(Step::GroupBy(_) | Step::AggregateBy(_)))
    }

    /// Whether a comparison takes what flows as its left side.
    pub(super) fn compares(self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Comparison(_)))
    }
}

/// The first step behind which no fields are shown, so that what says which ones has no place in the traversal.
pub(super) fn fieldless(steps: &[Step]) -> Option<&Step> {
    steps.iter().find(|step| {
        matches!(
            step,
            Step::Count(_)
                | Step::GroupBy(_)
                | Step::AggregateBy(_)
                | Step::Comparison(_)
                | Step::Path(_)
                | Step::Intersect(_)
                | Step::AddEdge(_)
        )
    })
}

impl<'a> Checker<'a> {
    /// The word that a step starts with.
    pub(super) fn word_of(&self, step: &Step) -> &'a str {
        self.text(self.span(step)).split(['(', '<', '{']).next().unwrap_or_default().trim()
    }
}

impl Checker<'_> {
    /// Adds a step to the stream.
    pub(super) fn step(&mut self, stream: &mut Stream, step: &Step, rest: Rest<'_>, span: Span) {
        match step {
            Step::Out(out) => self.edge_step(stream, Hop::Out, out.type_args(), span),
            Step::In(into) => self.edge_step(stream, Hop::In, into.type_args(), span),
            Step::OutEdges(out) => self.edge_step(stream, Hop::OutE, out.type_args(), span),
            Step::InEdges(into) => self.edge_step(stream, Hop::InE, into.type_args(), span),
            Step::FromN(_) => self.end(stream, EndStep::FromN, span),
            Step::ToN(_) => self.end(stream, EndStep::ToN, span),
            Step::FromV(_) => self.end(stream, EndStep::FromV, span),
            Step::ToV(_) => self.end(stream, EndStep::ToV, span),
            Step::Where(filter) => self.filter(stream, filter, span),
            Step::Order(order) => self.order(stream, order, span),
            Step::Range(range) => self.range(stream, range, span),
            Step::Count(_) if rest.is_grouped() => {}
            Step::Count(_) => self.count(stream, span),
            Step::First(_) => self.first(stream, rest.place, span),
            Step::Id(_) => self.id_step(stream, rest, span),
            Step::Projection(projection) => self.projection(stream, projection, rest),
            Step::Closure(closure) => self.closure(stream, closure, rest, span),
            Step::Exclude(exclude) => self.exclude(stream, exclude, rest, span),
            Step::Comparison(comparison) => self.compare(stream, comparison, span),
            Step::Update(update) => self.update(stream, update, span),
            Step::UpsertNode(upsert) => self.upsert_node(stream, upsert, span),
            Step::UpsertEdge(upsert) => self.upsert_edge(stream, upsert, span),
            Step::UpsertVector(upsert) => self.upsert_vector(stream, upsert, span),
            Step::SearchVector(search) => self.search_step(stream, search, span),
            Step::Prefilter(prefilter) => self.prefilter(stream, prefilter, span),
            Step::RerankRrf(rerank) => self.rerank_by_rank(stream, rerank, span),
            Step::RerankMmr(rerank) => self.rerank_by_diversity(stream, rerank, span),
            Step::Intersect(intersect) => self.intersect(stream, intersect, span),
            Step::GroupBy(group) => self.group(stream, group.names().collect(), Shown::Values, rest, span),
            Step::AggregateBy(group) => self.group(stream, group.names().collect(), Shown::Items, rest, span),
            Step::AddEdge(add) => self.add_edge_step(stream, add, span),
            Step::Path(path) => self.path(stream, path, span),
            Step::Unknown(_) => {
                self.report.incomplete(span);
                stream.ty = Ty::Unknown;
            }
        }
    }

    /// Whether `step` can work on what flows: anything but an array or an object; paths can only be counted, and the first
    /// be taken. Reports otherwise.
    fn flows(&mut self, stream: &mut Stream, step: &str, span: Span) -> bool {
        let is_whole = matches!(stream.ty.as_value(), Some(ValueType::List(_) | ValueType::Object(_)));
        let is_composite = matches!(&stream.ty, Ty::Known(Type { kind: Kind::Composite, .. }));
        let is_path = matches!(stream.ty.kind(), Some(Kind::Path));
        let takes = !is_path || matches!(step, "COUNT" | "FIRST");
        if (is_whole && !stream.ty.is_many()) || is_composite || stream.ty == Ty::null() || !takes {
            let found = stream.ty.describe(self.catalog);
            self.report.add(StepNotApplicable { step, found: &found, expected: "streams", span });
            stream.ty = Ty::Unknown;
        }
        !stream.ty.is_unknown()
    }

    /// Whether what flows are items of one of the kinds.
    fn is_of(stream: &Stream, kinds: &[ItemKind]) -> bool {
        stream.ty.item().is_some_and(|item| kinds.contains(&item.kind))
    }
}
