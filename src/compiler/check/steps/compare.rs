//! `EQ`, `GT`, `CONTAINS` and the other comparisons at the end of a traversal.

use helix_plan::{Comparison, ValueType};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, ComparisonOperator};

impl Checker<'_> {
    /// Compares what the stream gives with the argument.
    pub(super) fn compare(&mut self, stream: &mut Stream, comparison: &ast::Comparison, span: Span) {
        let nothing = self.unknown(span);
        let left = std::mem::replace(stream, Stream::of(nothing));
        let whole = Span { end: span.end, ..left.span };
        let left = self.finish(left, Place::Left);
        let Some(operator) = comparison.operator() else {
            self.report.incomplete(span);
            return;
        };
        let right = match operator {
            // Of many arrays the first one counts; many values are no array.
            ComparisonOperator::IsIn => {
                let right = self.part(comparison.argument(), Place::Left, span);
                let is_arrays = matches!(right.ty.as_value(), Some(ValueType::List(_)));
                if right.ty.is_many() && is_arrays { self.first_of(right) } else { right }
            }
            _ => self.part(comparison.argument(), Place::Operand, span),
        };
        let comparison = match operator {
            ComparisonOperator::Equal => Comparison::Equal,
            ComparisonOperator::NotEqual => Comparison::NotEqual,
            ComparisonOperator::Greater => Comparison::Greater,
            ComparisonOperator::GreaterOrEqual => Comparison::GreaterOrEqual,
            ComparisonOperator::Less => Comparison::Less,
            ComparisonOperator::LessOrEqual => Comparison::LessOrEqual,
            ComparisonOperator::Contains => Comparison::Contains,
            ComparisonOperator::IsIn => Comparison::IsIn,
        };
        let mut value = self.comparison(comparison, left, right, span);
        value.span = whole;
        *stream = Stream::of(value);
    }
}
