//! `FromN`, `ToN`, `FromV`, `ToV`: from edges to the items that they join.

use helix_plan::{ItemKind, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::{EndStep, StepNotApplicable, WrongEndKind};
use crate::compiler::source::Span;

impl Checker<'_> {
    /// A step to an end of each edge. One edge gives one item.
    pub(super) fn end(&mut self, stream: &mut Stream, step: EndStep, span: Span) {
        stream.moved = true;
        stream.excluded.clear();
        if stream.ty.is_unknown() {
            return;
        }
        let Some(edge) = stream.ty.item().filter(|item| item.kind == ItemKind::Edge) else {
            let found = stream.ty.describe(self.catalog);
            self.report.add(StepNotApplicable { step: step.name(), found: &found, expected: "edges", span });
            stream.ty = Ty::Unknown;
            return;
        };
        if !self.schema.knows_ends(edge) {
            stream.ty = Ty::Unknown;
            return;
        }
        let ends = &self.catalog.edges[edge.id.index()];
        let (item, wanted) = match step {
            EndStep::FromN => (ends.from, ItemKind::Node),
            EndStep::ToN => (ends.to, ItemKind::Node),
            EndStep::FromV => (ends.from, ItemKind::Vector),
            EndStep::ToV => (ends.to, ItemKind::Vector),
        };
        if item.kind != wanted {
            let (edge, end) = (self.catalog.name(edge), self.catalog.name(item));
            self.report.add(WrongEndKind { step, edge, end, span });
            stream.ty = Ty::Unknown;
            return;
        }
        let ty = Ty::items(item, stream.ty.is_many());
        match step {
            EndStep::FromN | EndStep::FromV => stream.push(Step::From { item }, ty),
            EndStep::ToN | EndStep::ToV => stream.push(Step::To { item }, ty),
        }
    }
}
