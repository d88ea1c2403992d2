//! `COUNT` and `FIRST`: from a stream to one value.

use helix_plan::{ScalarType, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::source::Span;

impl Checker<'_> {
    /// The number of elements.
    pub(in crate::compiler::check) fn count(&mut self, stream: &mut Stream, span: Span) {
        if self.flows(stream, "COUNT", span) {
            stream.push(Step::Count, Ty::scalar(ScalarType::U64));
        }
    }

    /// The first element.
    pub(super) fn first(&mut self, stream: &mut Stream, span: Span) {
        if self.flows(stream, "FIRST", span) && stream.ty.is_many() {
            let ty = stream.ty.element();
            stream.push(Step::First, ty);
        }
    }
}
