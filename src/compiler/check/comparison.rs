//! Comparisons: which types may meet, and how literals take on the type of the other side.

use helix_plan::{Comparison, ExprKind, Kind, ScalarType, ValueType};

use super::Checker;
use super::optional::or_null;
use super::ty::{Ty, describe_value, same_class, same_scalar_class};
use super::value::{Form, Value};
use crate::compiler::diagnostics::steps::ComparisonOfNothing;
use crate::compiler::diagnostics::types::{
    BadOperand, ChoicesOfStream, ComparisonMismatch, NotAnElement, NotComparable,
};
use crate::compiler::diagnostics::warnings::ComparisonWithNone;
use crate::compiler::diagnostics::words;
use crate::compiler::source::Span;

/// A comparison as it is written.
pub(super) const fn name(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "EQ",
        Comparison::NotEqual => "NEQ",
        Comparison::Greater => "GT",
        Comparison::GreaterOrEqual => "GTE",
        Comparison::Less => "LT",
        Comparison::LessOrEqual => "LTE",
        Comparison::Contains => "CONTAINS",
        Comparison::IsIn => "IS_IN",
    }
}

impl Checker<'_> {
    /// A comparison of two checked sides. The result is boolean, whatever is wrong with the sides.
    pub(super) fn comparison(&mut self, comparison: Comparison, left: Value, right: Value, span: Span) -> Value {
        if right.is_none() {
            self.report.add(ComparisonWithNone { span: right.span });
        }
        let right = if left.ty.is_unknown() || right.ty.is_unknown() || right.is_none() {
            right.expr
        } else {
            match comparison {
                Comparison::Contains => self.contained(&left, right, span),
                Comparison::IsIn => self.choices(&left, right, span),
                Comparison::Equal
                | Comparison::NotEqual
                | Comparison::Greater
                | Comparison::GreaterOrEqual
                | Comparison::Less
                | Comparison::LessOrEqual => self.peer(comparison, &left, right, span),
            }
        };
        let (left, right) = (Box::new(or_null(left.expr)), Box::new(or_null(right)));
        let kind = ExprKind::Compare { comparison, left, right };
        self.settled(kind, Ty::scalar(ScalarType::Boolean), span)
    }

    /// The scalar type of a left side; reports when it has none.
    fn comparable(&mut self, comparison: Comparison, left: &Value, span: Span) -> Option<ScalarType> {
        if let Some(scalar) = left.ty.as_value().and_then(ValueType::as_scalar) {
            return Some(scalar);
        }
        let name = name(comparison);
        let found = left.ty.describe(self.catalog);
        match left.ty.kind() {
            Some(Kind::Item(_)) => {
                self.report.add(ComparisonOfNothing { comparison: name, found: &found, span });
            }
            Some(Kind::Shaped(_)) => {
                let found = "the objects of a projection";
                self.report.add(NotComparable { comparison: name, found, expected: "a single field", span });
            }
            Some(Kind::Null | Kind::Value(_) | Kind::Composite | Kind::Path) | None => {
                self.report.add(NotComparable { comparison: name, found: &found, expected: "a scalar", span });
            }
        }
        None
    }

    /// The right side of an equality or order.
    fn peer(&mut self, comparison: Comparison, left: &Value, right: Value, span: Span) -> helix_plan::Expr {
        let Some(scalar) = self.comparable(comparison, left, span) else { return right.expr };
        if let Some(expr) = self.literal_as_scalar(&right, scalar) {
            return expr;
        }
        match right.ty.as_value().and_then(ValueType::as_scalar) {
            Some(other) if same_scalar_class(scalar, other) && matches!(right.form, Form::Settled) => {}
            Some(other) => self.differ(comparison, words::scalar(scalar), words::scalar(other), span),
            None => {
                let found = right.ty.describe(self.catalog);
                let comparison = name(comparison);
                self.report.add(NotComparable { comparison, found: &found, expected: "a scalar", span });
            }
        }
        right.expr
    }

    fn differ(&mut self, comparison: Comparison, left: &str, right: &str, span: Span) {
        self.report.add(ComparisonMismatch { comparison: name(comparison), left, right, span, help: None });
    }

    /// The right side of `CONTAINS`: a part of a text, or an element of an array.
    fn contained(&mut self, left: &Value, right: Value, span: Span) -> helix_plan::Expr {
        let comparison = Comparison::Contains;
        let element = match left.ty.as_value() {
            Some(ValueType::List(element)) => element.as_ref().clone(),
            Some(ValueType::Scalar(ScalarType::String)) => ValueType::Scalar(ScalarType::String),
            Some(ValueType::Scalar(_) | ValueType::Object(_) | ValueType::Optional(_)) => {
                let found = left.ty.describe(self.catalog);
                let expected = "text and arrays";
                self.report.add(BadOperand { function: name(comparison), expected, found: &found, span });
                return right.expr;
            }
            None => {
                self.comparable(comparison, left, span);
                return right.expr;
            }
        };
        if let Some(scalar) = element.as_scalar()
            && let Some(expr) = self.literal_as_scalar(&right, scalar)
        {
            return expr;
        }
        let settled = matches!(right.form, Form::Settled);
        if !right.ty.as_value().is_some_and(|ty| settled && same_class(ty, &element)) {
            let found = right.ty.describe(self.catalog);
            match left.ty.as_value() {
                Some(ValueType::List(_)) => {
                    self.report.add(NotAnElement { element: &describe_value(&element), found: &found, span });
                }
                _ => self.differ(comparison, &left.ty.describe(self.catalog), &found, span),
            }
        }
        right.expr
    }

    /// The right side of `IS_IN`: a list of values like the left one.
    fn choices(&mut self, left: &Value, right: Value, span: Span) -> helix_plan::Expr {
        let comparison = Comparison::IsIn;
        let Some(scalar) = self.comparable(comparison, left, span) else { return right.expr };
        let wanted = ValueType::Scalar(scalar);
        if let Form::Array(elements) = &right.form {
            return match self.array_literal(right.span, elements, &wanted) {
                Some(expr) => expr,
                None => {
                    let found = right.ty.describe(self.catalog);
                    self.differ(comparison, words::scalar(scalar), &found, span);
                    right.expr
                }
            };
        }
        let found = right.ty.describe(self.catalog);
        match right.ty.as_value() {
            Some(ValueType::List(element)) if !right.ty.is_many() && element.as_scalar().is_some() => {
                if !same_class(element, &wanted) {
                    self.differ(comparison, words::scalar(scalar), &found, span);
                }
            }
            Some(ValueType::Scalar(_)) if right.ty.is_many() => {
                self.report.add(ChoicesOfStream { found: &found, span: right.span });
            }
            _ => {
                let (comparison, expected) = (name(comparison), "an array of scalars");
                self.report.add(NotComparable { comparison, found: &found, expected, span });
            }
        }
        right.expr
    }
}
