//! A source and its steps.

use super::Checker;
use super::steps::Rest;
use super::stream::{Place, Stream};
use super::value::Value;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, Step};

impl Checker<'_> {
    /// A traversal that stands at `place`.
    pub(super) fn traversal(&mut self, traversal: &ast::Traversal, place: Place) -> Value {
        let stream = self.stream(traversal, place);
        self.finish(stream, place)
    }

    /// The stream that a traversal gives.
    pub(super) fn stream(&mut self, traversal: &ast::Traversal, place: Place) -> Stream {
        let whole = self.span(traversal);
        let mut stream = self.source(traversal.source(), whole);
        let steps: Vec<Step> = traversal.steps().collect();
        for (index, step) in steps.iter().enumerate() {
            let span = self.span(step);
            let before = index.checked_sub(1).and_then(|index| steps.get(index));
            self.step(&mut stream, step, Rest { before, steps: &steps[index + 1..], place }, span);
            stream.span = Span { end: span.end, ..stream.span };
        }
        stream.span = whole;
        stream
    }
}
