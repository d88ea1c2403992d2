//! `INTERSECT`: what a traversal gives for every element.

use helix_plan::Step;

use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::types::IntersectionOfNoItems;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Replaces what flows by the items that all elements lead to.
    pub(super) fn intersect(&mut self, stream: &mut Stream, intersect: &ast::Intersect, span: Span) {
        self.flows(stream, "INTERSECT", span);
        let current = self.current("_", &stream.ty);
        self.scopes.enter_item(current.clone());
        let found = self.part(intersect.argument(), Place::All, span);
        self.scopes.leave_item();
        if stream.ty.is_unknown() || found.ty.is_unknown() {
            stream.ty = Ty::Unknown;
            return;
        }
        let Some(item) = found.ty.item() else {
            let description = found.ty.describe(self.catalog);
            self.report.add(IntersectionOfNoItems { found: &description, span: found.span });
            stream.ty = Ty::Unknown;
            return;
        };
        stream.moved = true;
        stream.push(Step::Intersect { current: current.slot, found: found.expr }, Ty::items(item, true));
    }
}
