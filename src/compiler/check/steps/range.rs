//! `RANGE(start, end)`: the elements between two positions.

use helix_plan::{Expr, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::diagnostics::types::BadBound;
use crate::compiler::diagnostics::warnings::EmptyRange;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Cuts a half-open range out of the stream.
    pub(super) fn range(&mut self, stream: &mut Stream, range: &ast::Range, span: Span) {
        self.flows(stream, "RANGE", span);
        let start = self.bound(range.start(), span);
        let end = self.bound(range.end(), span);
        if let (Some(first), Some(last)) = (self.known_integer(&start), self.known_integer(&end))
            && first > last
            && last >= 0
        {
            self.report.add(EmptyRange { span });
        }
        let ty = stream.ty.clone();
        stream.push(Step::Range { start, end }, ty);
    }

    fn bound(&mut self, bound: Option<ast::Expr>, whole: Span) -> Expr {
        let value = self.part(bound, Place::Top, whole);
        match self.integer(&value) {
            Some(expr) => expr,
            None => {
                let found = value.ty.describe(self.catalog);
                self.report.add(BadBound { found: &found, span: value.span });
                value.expr
            }
        }
    }
}
