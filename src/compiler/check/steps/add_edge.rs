//! `AddE` as a step: an edge at each item of the stream.

use helix_plan::{EdgeEnd, ItemKind, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::create::EdgeCall;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::{BothEndsGiven, End, MissingEnd, StepNotApplicable};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Creates edges between the items and the end that is given.
    pub(super) fn add_edge_step(&mut self, stream: &mut Stream, add: &ast::AddEdgeStep, span: Span) {
        self.check_may_write("AddE", span);
        stream.moved = true;
        stream.excluded.clear();
        let edge = self.type_arg(ItemKind::Edge, add.type_args(), span);
        let fields = self.field_block(edge, add.fields());
        let call = EdgeCall { edge, name: "AddE", upsert: false, span };
        let ends = add.ends();
        let (end, items_at) = match (ends.from.is_empty(), ends.to.is_empty()) {
            (false, false) => {
                self.report.add(BothEndsGiven { span });
                stream.ty = Ty::Unknown;
                return;
            }
            (true, _) => (End::To, End::From),
            (false, true) => (End::From, End::To),
        };
        let given = if end == End::To { &ends.to } else { &ends.from };
        let other = self.end_of(call, end, given, false);
        if given.is_empty() {
            self.report.add(MissingEnd { step: call.name, end, upsert: false, span });
        }
        if stream.ty.is_unknown() {
            return;
        }
        let Some(item) = stream.ty.item() else {
            let found = stream.ty.describe(self.catalog);
            self.report.add(StepNotApplicable { step: "AddE", found: &found, expected: "nodes and vectors", span });
            stream.ty = Ty::Unknown;
            return;
        };
        let expected = self.expected_end(call, items_at);
        self.check_end_type(call, items_at, item, expected, stream.span);
        match (edge, other) {
            (Some(edge), Some(other)) => {
                let end = if end == End::To { EdgeEnd::To } else { EdgeEnd::From };
                let step = Step::AddEdge { edge: edge.id, end, other: other.expr, fields };
                stream.push(step, Ty::items(edge, true));
            }
            _ => stream.ty = Ty::Unknown,
        }
    }
}
