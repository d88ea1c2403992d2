//! `DEFAULT`: constants of the field's type.

use helix_plan::{DefaultValue, ScalarType, ValueType};

use crate::compiler::diagnostics::schema::DefaultMismatch;
use crate::compiler::diagnostics::values::{BadDate, MalformedId};
use crate::compiler::diagnostics::words;
use crate::compiler::lower::literal::{Constant, Integer, Misfit, date_from_seconds};
use crate::compiler::report::Report;
use crate::compiler::source::FileId;
use crate::compiler::syntax::ast::{self, AstNode as _};

/// What a literal says; `None` when it is broken, which the parser has reported.
pub(in crate::compiler) fn constant(literal: &ast::Literal) -> Option<Constant> {
    Some(match literal.value().ok()? {
        ast::LiteralValue::Integer { negative, magnitude } => Constant::Integer(Integer { negative, magnitude }),
        ast::LiteralValue::Float(value) => Constant::Float(value),
        ast::LiteralValue::String(text) => Constant::String(text),
        ast::LiteralValue::Boolean(value) => Constant::Boolean(value),
    })
}

/// The default of a field, if it has one that fits.
pub(super) fn default(
    file: FileId,
    field: &ast::Field,
    name: &str,
    ty: &ValueType,
    report: &mut Report,
) -> Option<DefaultValue> {
    let default = field.default()?;
    let scalar = ty.as_scalar();
    if default.is_none() {
        return None;
    }
    if default.is_now() {
        if scalar == Some(ScalarType::Date) {
            return Some(DefaultValue::Now);
        }
        let span = default.span(file);
        report.add(DefaultMismatch { field: name, ty, found: "a Date", span });
        return None;
    }
    let Some((literal, constant)) = default.literal().and_then(|literal| Some((literal.clone(), constant(&literal)?)))
    else {
        report.incomplete(default.span(file));
        return None;
    };
    let span = literal.span(file);
    match convert(&constant, scalar) {
        Ok(literal) => return Some(DefaultValue::Literal(literal)),
        Err(Misfit::Type) => {
            let found = words::scalar(constant.natural_type());
            report.add(DefaultMismatch { field: name, ty, found, span });
        }
        Err(Misfit::Range) => report.add(DefaultMismatch { field: name, ty, found: "out of its range", span }),
        Err(Misfit::Date) => report.add(BadDate { text: constant.text(), span }),
        Err(Misfit::Id) => report.add(MalformedId { text: constant.text(), span }),
    }
    None
}

pub(super) fn convert(constant: &Constant, ty: Option<ScalarType>) -> Result<helix_plan::Literal, Misfit> {
    match (constant, ty) {
        (Constant::Integer(seconds), Some(ScalarType::Date)) => date_from_seconds(*seconds),
        (_, Some(scalar)) => constant.convert(scalar),
        (_, None) => Err(Misfit::Type),
    }
}
