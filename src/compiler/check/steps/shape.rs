//! `COUNT` and `FIRST`: from a stream to one value.

use helix_plan::{ScalarType, Source, Step, ValueType};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::StepNotApplicable;
use crate::compiler::source::Span;

impl Checker<'_> {
    /// The number of elements.
    pub(in crate::compiler::check) fn count(&mut self, stream: &mut Stream, span: Span) {
        if self.counts(stream, span) {
            stream.push(Step::Count, Ty::scalar(ScalarType::U64));
        }
    }

    /// Whether there is anything to count: one value that is always there is always one. Reports otherwise.
    pub(in crate::compiler::check) fn counts(&mut self, stream: &mut Stream, span: Span) -> bool {
        if !self.flows(stream, "COUNT", span) {
            return false;
        }
        let is_one = self.is_always_there(stream);
        if is_one {
            let found = stream.ty.describe(self.catalog);
            self.report.add(StepNotApplicable { step: "COUNT", found: &found, expected: "streams", span });
            stream.ty = Ty::Unknown;
        }
        !is_one
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
