//! `WHERE`: keeps the elements for which a condition holds.

use helix_plan::Step;

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Filters the stream. One element stays one: should it be filtered out, reading it fails.
    pub(super) fn filter(&mut self, stream: &mut Stream, filter: &ast::Where, span: Span) {
        self.flows(stream, "WHERE", span);
        let current = self.current("_", &stream.ty);
        self.scopes.enter_item(current.clone());
        let predicate = self.condition_part(filter.argument(), span).expr;
        self.scopes.leave_item();
        let ty = stream.ty.clone();
        stream.push(Step::Filter { current: current.slot, predicate }, ty);
    }
}
