//! `COUNT` and `FIRST`: from a stream to one value.

use helix_plan::{ScalarType, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;

impl Checker<'_> {
    /// The number of elements.
    pub(super) fn count(&mut self, stream: &mut Stream) {
        let ty = if stream.ty.is_unknown() { Ty::Unknown } else { Ty::scalar(ScalarType::U64) };
        stream.push(Step::Count, ty);
    }

    /// The first element.
    pub(super) fn first(&mut self, stream: &mut Stream) {
        if stream.ty.is_many() {
            let ty = stream.ty.element();
            stream.push(Step::First, ty);
        }
    }
}
