//! Mathematical functions: the types of their operands and results.

use helix_plan::{ExprKind, MathFunction, ScalarType, ValueType};

use super::Checker;
use super::ty::{Ty, same_class};
use super::value::Value;
use crate::compiler::diagnostics::types::BadOperand;
use crate::compiler::source::Span;

impl Checker<'_> {
    /// A call of `function`, written `name`. The parser has counted the arguments.
    pub(super) fn math(&mut self, function: MathFunction, name: &str, arguments: Vec<Value>, span: Span) -> Value {
        let ty = match self.math_type(function, name, &arguments) {
            Some(ty) => Ty::value(ty),
            None => Ty::Unknown,
        };
        let arguments = arguments.into_iter().map(|argument| argument.expr).collect();
        self.settled(ExprKind::Math { function, arguments }, ty, span)
    }

    /// The type of the result; `None` after a mistake.
    fn math_type(&mut self, function: MathFunction, name: &str, arguments: &[Value]) -> Option<ValueType> {
        if arguments.iter().any(|argument| argument.ty.is_unknown()) {
            return None;
        }
        if function == MathFunction::Add
            && let Some(joined) = joined(arguments)
        {
            return Some(joined);
        }
        let mut scalars = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument.ty.as_value().and_then(ValueType::as_scalar) {
                Some(scalar) if scalar.is_number() => scalars.push(scalar),
                _ => {
                    let found = argument.ty.describe(self.catalog);
                    self.report.add(BadOperand {
                        function: name,
                        expected: "numbers",
                        found: &found,
                        span: argument.span,
                    });
                    return None;
                }
            }
        }
        Some(ValueType::Scalar(result(function, &scalars)))
    }
}

/// The type of two texts or two arrays joined by `ADD`.
fn joined(arguments: &[Value]) -> Option<ValueType> {
    let [a, b] = arguments else { return None };
    let (a, b) = (a.ty.as_value()?, b.ty.as_value()?);
    let joins = match a {
        ValueType::Scalar(scalar) => *scalar == ScalarType::String,
        ValueType::List(_) => true,
        ValueType::Object(_) => false,
    };
    (joins && same_class(a, b)).then(|| a.clone())
}

/// The type of a result: integers stay integers and two F32 stay F32, except where the function leaves them.
fn result(function: MathFunction, operands: &[ScalarType]) -> ScalarType {
    match function {
        MathFunction::Pow | MathFunction::Sqrt => ScalarType::F64,
        MathFunction::Add
        | MathFunction::Sub
        | MathFunction::Mul
        | MathFunction::Div
        | MathFunction::Mod
        | MathFunction::Abs
        | MathFunction::Min
        | MathFunction::Max => {
            if operands.iter().all(|operand| operand.is_integer()) {
                ScalarType::I64
            } else if operands.iter().all(|operand| *operand == ScalarType::F32) {
                ScalarType::F32
            } else {
                ScalarType::F64
            }
        }
    }
}
