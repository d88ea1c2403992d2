//! A checked expression, and how it takes on the type of its place.

use helix_plan::{Expr, ExprKind, Kind, Literal, ScalarType, Type, ValueType};

use super::Checker;
use super::ty::{Ty, describe_value, same_class};
use crate::compiler::diagnostics::types::TypeMismatch;
use crate::compiler::diagnostics::values::{BadDate, MalformedId, OutOfRange, UnsupportedElement, UnsupportedValue};
use crate::compiler::lower::literal::{Constant, Misfit};
use crate::compiler::source::Span;

/// A checked expression: its plan node, and what the checker knows beyond it.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub expr: Expr,
    pub ty: Ty,
    pub form: Form,
    pub span: Span,
}

/// How a value was written, as far as its place may still decide on its type.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A literal.
    Constant(Constant),
    /// An array literal.
    Array(Vec<Value>),
    /// Anything whose type is settled.
    Settled,
}

/// How long a value may be that a help repeats.
const MAX_SHOWN: usize = 40;

impl Value {
    /// Whether it is an array literal without any value in it, so that its place decides on its type.
    pub(super) fn is_empty_array(&self) -> bool {
        matches!(&self.form, Form::Array(elements) if elements.iter().all(Self::is_empty_array))
    }

    /// Whether it is `NONE`.
    pub(super) fn is_none(&self) -> bool {
        matches!(self.expr.kind, ExprKind::Null) && !self.ty.is_unknown()
    }
}

/// Why a literal is not of a type.
enum Mismatch {
    /// The value as a whole is of another type.
    Type,
    /// Reported: the literal itself is bad.
    Reported,
}

impl Checker<'_> {
    /// A value that stands for a mistake which has been reported.
    pub(super) fn unknown(&mut self, span: Span) -> Value {
        let expr = self.builder.expr(ExprKind::Null, Ty::Unknown.plan(), span);
        Value { expr, ty: Ty::Unknown, form: Form::Settled, span }
    }

    /// A value whose type is settled.
    pub(super) fn settled(&mut self, kind: ExprKind, ty: Ty, span: Span) -> Value {
        let expr = self.builder.expr(kind, ty.plan(), span);
        Value { expr, ty, form: Form::Settled, span }
    }

    /// A literal of the type that it has by itself.
    pub(super) fn constant(&mut self, constant: Constant, span: Span) -> Value {
        let ty = constant.natural_type();
        match constant.convert(ty) {
            Ok(literal) => {
                let expr = self.builder.expr(ExprKind::Literal(literal), Type::scalar(ty), span);
                Value { expr, ty: Ty::scalar(ty), form: Form::Constant(constant), span }
            }
            Err(_) => {
                self.report.add(OutOfRange { number: self.text(span), ty, span });
                self.unknown(span)
            }
        }
    }

    /// The value as one of type `expected`, for `place` ("field `age`"). `NONE` fits everywhere.
    pub(super) fn assign(&mut self, value: Value, expected: &ValueType, place: &str) -> Expr {
        if value.is_none() || value.ty.is_unknown() {
            return value.expr;
        }
        if let ValueType::Object(_) = value.ty.as_value().unwrap_or(expected) {
            self.report.add(UnsupportedValue { found: "an object", span: value.span });
            return value.expr;
        }
        match self.literal_as(&value, expected) {
            Some(Ok(expr)) => expr,
            Some(Err(Mismatch::Reported)) => value.expr,
            Some(Err(Mismatch::Type)) => self.mismatch(value, expected, place),
            None => match value.ty.as_value() {
                Some(found) if !value.ty.is_many() && same_class(found, expected) => {
                    self.check_known(&value, expected);
                    value.expr
                }
                _ => self.mismatch(value, expected, place),
            },
        }
    }

    /// Reports a number that is known and does not fit its place.
    fn check_known(&mut self, value: &Value, expected: &ValueType) {
        let Some(ty) = expected.as_scalar() else { return };
        if let (Some((least, greatest)), Some(number)) = (ty.integer_range(), self.known_integer(&value.expr))
            && (number < least || u128::try_from(number).is_ok_and(|number| number > greatest))
        {
            self.report.add(OutOfRange { number: &number.to_string(), ty, span: value.span });
        }
    }

    fn mismatch(&mut self, value: Value, expected: &ValueType, place: &str) -> Expr {
        let found = value.ty.describe(self.catalog);
        let help = self.help_to_fit(&value, expected);
        let expected = describe_value(expected);
        self.report.add(TypeMismatch { place, expected: &expected, found: &found, span: value.span, help });
        value.expr
    }

    /// What makes a value of another type one of type `expected`, if anything does.
    fn help_to_fit(&self, value: &Value, expected: &ValueType) -> Option<String> {
        let is_id = *expected == ValueType::Scalar(ScalarType::Id);
        let element = value.ty.as_value();
        match (value.ty.item(), value.ty.is_many()) {
            (Some(_), false) if is_id => Some("take its id with `::ID`".to_owned()),
            (Some(_), true) if is_id => Some("take the id of the first one with `::FIRST::ID`".to_owned()),
            (Some(_), _) if matches!(value.ty.kind(), Some(Kind::Item(_))) => {
                let first = if value.ty.is_many() { "::FIRST" } else { "" };
                let text = self.text(value.span);
                let text = if text.len() > MAX_SHOWN || text.contains('\n') { "" } else { text };
                Some(format!("select a field: `{text}{first}::{{field}}`"))
            }
            (None, true) if element.is_some_and(|element| same_class(element, expected)) => {
                Some("take the first one with `::FIRST`".to_owned())
            }
            (None, true) if matches!(expected, ValueType::List(of) if element.is_some_and(|one| same_class(one, of))) =>
            {
                let ty = crate::compiler::diagnostics::words::ty(expected);
                Some(format!("an array is a literal, a field, or a parameter of type `{ty}`"))
            }
            (_, _) => None,
        }
    }

    /// A literal as an expression of the scalar type `ty`. `None` when the value is not a literal that fits the type's class;
    /// a literal that fits but is malformed or out of range is reported.
    pub(super) fn literal_as_scalar(&mut self, value: &Value, ty: ScalarType) -> Option<Expr> {
        match self.literal_as(value, &ValueType::Scalar(ty))? {
            Ok(expr) => Some(expr),
            Err(Mismatch::Reported) => Some(value.expr.clone()),
            Err(Mismatch::Type) => None,
        }
    }

    /// A literal, or an array literal, as an expression of type `ty`; `None` for other values.
    fn literal_as(&mut self, value: &Value, ty: &ValueType) -> Option<Result<Expr, Mismatch>> {
        match (&value.form, ty) {
            (Form::Settled, _) => None,
            (Form::Constant(constant), ValueType::Scalar(scalar)) => {
                Some(self.scalar_literal(value, constant, *scalar))
            }
            (Form::Array(elements), ValueType::List(element)) => Some(self.elements_as(value.span, elements, element)),
            (Form::Constant(_) | Form::Array(_), _) => Some(Err(Mismatch::Type)),
        }
    }

    fn scalar_literal(&mut self, value: &Value, constant: &Constant, ty: ScalarType) -> Result<Expr, Mismatch> {
        let span = value.span;
        match constant.convert(ty) {
            Ok(literal) => Ok(self.builder.expr(ExprKind::Literal(literal), Type::scalar(ty), span)),
            Err(Misfit::Type) => Err(Mismatch::Type),
            Err(Misfit::Range) => {
                self.report.add(OutOfRange { number: self.text(span), ty, span });
                Err(Mismatch::Reported)
            }
            Err(Misfit::Date) => {
                self.report.add(BadDate { text: constant.text(), span });
                Err(Mismatch::Reported)
            }
            Err(Misfit::Id) => {
                self.report.add(MalformedId { text: constant.text(), span });
                Err(Mismatch::Reported)
            }
        }
    }

    fn elements_as(&mut self, span: Span, elements: &[Value], ty: &ValueType) -> Result<Expr, Mismatch> {
        let mut exprs = Vec::with_capacity(elements.len());
        for element in elements {
            let fits = match self.literal_as(element, ty) {
                Some(result) => result?,
                None if element.ty.is_unknown() => element.expr.clone(),
                None => match element.ty.as_value() {
                    Some(found) if !element.ty.is_many() && same_class(found, ty) => element.expr.clone(),
                    _ => return Err(Mismatch::Type),
                },
            };
            exprs.push(fits);
        }
        let list = ValueType::List(Box::new(ty.clone()));
        let ty = Ty::value(list).plan();
        Ok(self.builder.expr(fold(exprs), ty, span))
    }

    /// An array literal as a list of type `ty`; `None` when an element is of another type. What is malformed is reported.
    pub(super) fn array_literal(&mut self, span: Span, elements: &[Value], ty: &ValueType) -> Option<Expr> {
        match self.elements_as(span, elements, ty) {
            Ok(expr) => Some(expr),
            Err(Mismatch::Reported) => Some(self.unknown(span).expr),
            Err(Mismatch::Type) => None,
        }
    }

    /// An array literal of the type that its elements agree on.
    pub(super) fn array(&mut self, elements: Vec<Value>, span: Span) -> Value {
        // What holds nothing is of whatever type its place takes.
        let known = elements.iter().find(|element| !element.ty.is_unknown() && !element.is_empty_array());
        let known = known.or_else(|| elements.iter().find(|element| !element.ty.is_unknown()));
        let element = match known.map(|first| (first, first.ty.as_value())) {
            None => ValueType::Scalar(ScalarType::String),
            Some((first, Some(ty))) if !first.ty.is_many() => {
                let widest = widest(&elements, ty.clone());
                match elements.iter().find(|element| !self.agrees(element, &widest)) {
                    None => widest,
                    Some(other) => {
                        let (first_text, other_text) =
                            (first.ty.describe(self.catalog), other.ty.describe(self.catalog));
                        self.report.add(crate::compiler::diagnostics::types::MixedElements {
                            first: &first_text,
                            first_span: first.span,
                            found: &other_text,
                            span: other.span,
                        });
                        return self.unknown(span);
                    }
                }
            }
            Some((first, _)) => {
                let found = first.ty.describe(self.catalog);
                self.report.add(UnsupportedElement { found: &found, span: first.span });
                return self.unknown(span);
            }
        };
        match self.elements_as(span, &elements, &element) {
            Ok(expr) => {
                let ty = Ty::value(ValueType::List(Box::new(element)));
                Value { expr, ty, form: Form::Array(elements), span }
            }
            Err(Mismatch::Type | Mismatch::Reported) => self.unknown(span),
        }
    }

    fn agrees(&self, element: &Value, ty: &ValueType) -> bool {
        if let (Form::Array(elements), ValueType::List(ty)) = (&element.form, ty) {
            return elements.iter().all(|element| self.agrees(element, ty));
        }
        element.ty.is_unknown()
            || (!element.ty.is_many() && element.ty.as_value().is_some_and(|found| same_class(found, ty)))
    }
}

/// The type that holds every integer literal of an array, also within arrays; `first` for others.
fn widest(elements: &[Value], first: ValueType) -> ValueType {
    elements.iter().filter_map(|element| element.ty.as_value()).fold(first, wider)
}

/// The wider of two integer types, or of arrays of them; `a` for others.
fn wider(a: ValueType, b: &ValueType) -> ValueType {
    let greatest = |ty: ScalarType| ty.integer_range().map(|(_, greatest)| greatest);
    match (a, b) {
        (ValueType::Scalar(a), ValueType::Scalar(b)) if greatest(*b) > greatest(a) && greatest(a).is_some() => {
            ValueType::Scalar(*b)
        }
        (ValueType::List(a), ValueType::List(b)) => ValueType::List(Box::new(wider(*a, b))),
        (a, _) => a,
    }
}

/// A list of literals as one literal.
fn fold(exprs: Vec<Expr>) -> ExprKind {
    let literals: Option<Vec<Literal>> = exprs
        .iter()
        .map(|expr| match &expr.kind {
            ExprKind::Literal(literal) => Some(literal.clone()),
            _ => None,
        })
        .collect();
    match literals {
        Some(literals) => ExprKind::Literal(Literal::List(literals)),
        None => ExprKind::List(exprs),
    }
}
