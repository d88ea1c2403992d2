//! `COUNT` and `FIRST`: from a stream to one value.

use helix_plan::{ScalarType, Source, Step, ValueType};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::check::ty::Ty;
use crate::compiler::source::Span;

impl Checker<'_> {
    /// The number of elements.
    pub(in crate::compiler::check) fn count(&mut self, stream: &mut Stream, span: Span) {
        if self.flows(stream, "COUNT", span) {
            stream.push(Step::Count, Ty::scalar(ScalarType::U64));
        }
    }

    /// The first element, of an array as well.
    pub(super) fn first(&mut self, stream: &mut Stream, place: Place, span: Span) {
        if let Some(ValueType::List(element)) = stream.ty.as_value()
            && !stream.ty.is_many()
        {
            let (element, whole) = (Ty::value(element.as_ref().clone()), stream.span);
            let array = std::mem::replace(stream, Stream::of(self.unknown(whole)));
            let array = self.finish(array, place);
            *stream = Stream::new(Source::Elements(Box::new(array.expr)), element.clone(), whole);
            stream.push(Step::First, element);
        } else if self.flows(stream, "FIRST", span) && stream.ty.is_many() {
            let ty = stream.ty.element();
            stream.push(Step::First, ty);
        }
    }
}
