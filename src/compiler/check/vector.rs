//! Vector operands: literals, values of type `[F64]` or `[F32]`, and `Embed`.

use helix_plan::{Expr, ExprKind, ScalarType, ValueType};

use super::Checker;
use super::stream::Place;
use super::ty::{Ty, is_vector_data};
use super::value::{Form, Value};
use crate::compiler::diagnostics::types::{EmbedOfNoText, MixedElements, TypeMismatch};
use crate::compiler::diagnostics::values::NegativeCount;
use crate::compiler::lower::literal::{Constant, Integer};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

/// What a vector is made of.
pub(super) fn data_type() -> ValueType {
    ValueType::List(Box::new(ValueType::Scalar(ScalarType::F64)))
}

impl Checker<'_> {
    /// The vector that `call` takes.
    pub(super) fn vector(&mut self, expr: Option<ast::Expr>, call: &str, whole: Span) -> Expr {
        match expr {
            Some(ast::Expr::Embed(embed)) => self.embed(&embed),
            Some(ast::Expr::Array(array)) => self.vector_literal(&array, call),
            other => {
                let value = self.part(other, Place::Top, whole);
                let fits =
                    value.ty.is_unknown() || (!value.ty.is_many() && value.ty.as_value().is_some_and(is_vector_data));
                if !fits {
                    self.not_a_vector(&value, call);
                }
                value.expr
            }
        }
    }

    fn embed(&mut self, embed: &ast::Embed) -> Expr {
        let span = self.span(embed);
        let text = self.part(embed.text_argument(), Place::Top, span);
        let is_text = text.ty == Ty::scalar(ScalarType::String);
        if !text.ty.is_unknown() && !is_text {
            let found = text.ty.describe(self.catalog);
            self.report.add(EmbedOfNoText { found: &found, span: text.span });
        }
        self.settled(ExprKind::Embed(Box::new(text.expr)), Ty::value(data_type()), span).expr
    }

    fn vector_literal(&mut self, array: &ast::Array, call: &str) -> Expr {
        let span = self.span(array);
        let elements: Vec<Value> = array.elements().map(|element| self.expr(&element, Place::Left)).collect();
        let Some(first) = elements.first() else {
            self.empty_vector(call, span);
            return self.unknown(span).expr;
        };
        // A number without a fraction is a component like others.
        if is_component(&first.ty)
            && let Some(other) = elements.iter().find(|element| !is_component(&element.ty) && !element.ty.is_unknown())
        {
            let (first_text, found) = (first.ty.describe(self.catalog), other.ty.describe(self.catalog));
            let (first, first_span) = (&first_text, first.span);
            self.report.add(MixedElements { first, first_span, found: &found, span: other.span });
            return other.expr.clone();
        }
        match self.array_literal(span, &elements, &ValueType::Scalar(ScalarType::F64)) {
            Some(expr) => expr,
            None => {
                let value = self.array(elements, span);
                if !value.ty.is_unknown() {
                    self.not_a_vector(&value, call);
                }
                value.expr
            }
        }
    }

    fn not_a_vector(&mut self, value: &Value, call: &str) {
        let found = value.ty.describe(self.catalog);
        let (place, expected) = (format!("`{call}`"), "a vector of type [F64]");
        self.report.add(TypeMismatch { place: &place, expected, found: &found, span: value.span, help: None });
    }

    /// Reports a vector literal without components.
    pub(super) fn empty_vector(&mut self, call: &str, span: Span) {
        let (place, expected, found) = (format!("`{call}`"), "a vector of type [F64]", "an empty one");
        self.report.add(TypeMismatch { place: &place, expected, found, span, help: None });
    }

    /// A number of elements, such as the `k` of a search.
    pub(super) fn length(&mut self, expr: Option<ast::Expr>, call: &str, whole: Span) -> Expr {
        let value = self.part(expr, Place::Top, whole);
        match self.integer(&value) {
            Some(expr) => expr,
            None => {
                let found = value.ty.describe(self.catalog);
                let place = format!("`{call}`");
                let expected = "an integer as the number of results";
                self.report.add(TypeMismatch { place: &place, expected, found: &found, span: value.span, help: None });
                value.expr
            }
        }
    }

    /// The value as an integer that counts something; `None` when it is none. A negative literal is reported.
    pub(super) fn integer(&mut self, value: &Value) -> Option<Expr> {
        if value.ty.is_unknown() {
            return Some(value.expr.clone());
        }
        let scalar = value.ty.as_value().and_then(ValueType::as_scalar)?;
        if !scalar.is_integer() || value.ty.is_many() {
            return None;
        }
        if matches!(&value.form, Form::Constant(Constant::Integer(Integer { negative: true, magnitude })) if *magnitude > 0)
        {
            self.report.add(NegativeCount { number: self.text(value.span), span: value.span });
            return Some(value.expr.clone());
        }
        if let (Form::Settled, Some(number)) = (&value.form, self.known_integer(&value.expr).filter(|known| *known < 0))
        {
            self.report.add(NegativeCount { number: &number.to_string(), span: value.span });
        }
        Some(self.literal_as_scalar(value, ScalarType::U64).unwrap_or_else(|| value.expr.clone()))
    }
}

fn is_component(ty: &Ty) -> bool {
    !ty.is_many() && ty.as_value().and_then(ValueType::as_scalar).is_some_and(ScalarType::is_number)
}
