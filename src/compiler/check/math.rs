//! Mathematical functions: the types of their operands and results.

use helix_plan::{ExprKind, Fold, Literal, MathFunction, ScalarType, Step, ValueType};

use super::Checker;
use super::stream::{Place, Stream};
use super::ty::{Ty, same_class};
use super::value::Value;
use crate::compiler::diagnostics::types::BadOperand;
use crate::compiler::diagnostics::warnings::DivisionByZero;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, Expr};

/// What a mathematical word names.
pub(super) enum Meaning {
    Constant(f64),
    Function(MathFunction),
    Fold(Fold),
    Count,
}

impl Checker<'_> {
    /// A call as it is written. The parser has counted the arguments.
    pub(super) fn math_expr(&mut self, math: &ast::Math, span: Span) -> Value {
        let Some(word) = math.function() else {
            self.report.incomplete(span);
            return self.unknown(span);
        };
        let name = word.text();
        let arguments: Vec<Expr> = math.arguments().collect();
        match meaning(name, arguments.len()) {
            Some(Meaning::Constant(constant)) => {
                self.settled(ExprKind::Literal(Literal::F64(constant)), Ty::scalar(ScalarType::F64), span)
            }
            Some(Meaning::Function(function)) => {
                let arguments = arguments.iter().map(|argument| self.expr(argument, Place::Operand)).collect();
                self.math(function, name, arguments, span)
            }
            Some(Meaning::Fold(fold)) => self.fold(Some(fold), name, arguments.first(), span),
            Some(Meaning::Count) => self.fold(None, name, arguments.first(), span),
            None => {
                self.report.incomplete(span);
                self.unknown(span)
            }
        }
    }

    /// A function over all values of a traversal; without a fold, how many there are.
    fn fold(&mut self, fold: Option<Fold>, name: &str, argument: Option<&Expr>, span: Span) -> Value {
        let mut stream = match argument {
            Some(Expr::Traversal(traversal)) => self.stream(traversal, Place::Left),
            Some(other) => Stream::of(self.expr(other, Place::Left)),
            None => {
                self.report.incomplete(span);
                return self.unknown(span);
            }
        };
        self.apply_excludes(&mut stream);
        if stream.ty.is_unknown() {
            return self.unknown(span);
        }
        match fold {
            // What is absent does not count among values.
            None if stream.ty.as_value().is_some() => {
                let place = stream.span;
                if self.counts(&mut stream, place) {
                    stream.push(Step::Fold(Fold::Count), Ty::scalar(ScalarType::U64));
                }
            }
            None => self.count(&mut stream, span),
            Some(fold) => {
                let number = stream.ty.as_value().and_then(ValueType::as_scalar).filter(|scalar| scalar.is_number());
                let Some(number) = number else {
                    let found = stream.ty.describe(self.catalog);
                    let expected = "a traversal that yields numbers";
                    self.report.add(BadOperand { function: name, expected, found: &found, span: stream.span });
                    return self.unknown(span);
                };
                let ty = match fold {
                    Fold::Sum => result(MathFunction::Add, &[number]),
                    Fold::Average => ScalarType::F64,
                    Fold::Least | Fold::Greatest => result(MathFunction::Min, &[number]),
                    Fold::Count => ScalarType::U64,
                };
                stream.push(Step::Fold(fold), Ty::scalar(ty));
            }
        }
        stream.span = span;
        self.finish(stream, Place::Operand)
    }

    /// A call of `function`, written `name`. The parser has counted the arguments.
    fn math(&mut self, function: MathFunction, name: &str, arguments: Vec<Value>, span: Span) -> Value {
        let ty = match self.math_type(function, name, &arguments) {
            Some(ty) => {
                self.warn_of_zero(function, name, &arguments);
                Ty::value(ty)
            }
            None => Ty::Unknown,
        };
        let arguments = arguments.into_iter().map(|argument| argument.expr).collect();
        self.settled(ExprKind::Math { function, arguments }, ty, span)
    }

    /// Warns of a division by a zero that is known.
    fn warn_of_zero(&mut self, function: MathFunction, name: &str, arguments: &[Value]) {
        let is_division = matches!(function, MathFunction::Div | MathFunction::Mod);
        if let (true, Some(divisor)) = (is_division, arguments.get(1))
            && self.known_number(&divisor.expr) == Some(0.0)
        {
            self.report.add(DivisionByZero { function: name, span: divisor.span });
        }
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
                    let expected = match function {
                        MathFunction::Add => "two numbers, two texts or two arrays",
                        _ => "numbers",
                    };
                    self.report.add(BadOperand { function: name, expected, found: &found, span: argument.span });
                    return None;
                }
            }
        }
        Some(ValueType::Scalar(result(function, &scalars)))
    }
}

/// What a word means with so many arguments.
pub(super) fn meaning(name: &str, arguments: usize) -> Option<Meaning> {
    Some(match (name, arguments) {
        ("PI", _) => Meaning::Constant(std::f64::consts::PI),
        ("E", _) => Meaning::Constant(std::f64::consts::E),
        ("SUM", _) => Meaning::Fold(Fold::Sum),
        ("AVG", _) => Meaning::Fold(Fold::Average),
        ("COUNT", _) => Meaning::Count,
        ("MIN", 1) => Meaning::Fold(Fold::Least),
        ("MAX", 1) => Meaning::Fold(Fold::Greatest),
        (name, _) => Meaning::Function(match name {
            "ADD" => MathFunction::Add,
            "SUB" => MathFunction::Sub,
            "MUL" => MathFunction::Mul,
            "DIV" => MathFunction::Div,
            "MOD" => MathFunction::Mod,
            "POW" => MathFunction::Pow,
            "ABS" => MathFunction::Abs,
            "SQRT" => MathFunction::Sqrt,
            "MIN" => MathFunction::Min,
            "MAX" => MathFunction::Max,
            "LN" => MathFunction::Ln,
            "LOG10" => MathFunction::Log10,
            "LOG" => MathFunction::Log,
            "EXP" => MathFunction::Exp,
            "CEIL" => MathFunction::Ceil,
            "FLOOR" => MathFunction::Floor,
            "ROUND" => MathFunction::Round,
            "SIN" => MathFunction::Sin,
            "COS" => MathFunction::Cos,
            "TAN" => MathFunction::Tan,
            "ASIN" => MathFunction::Asin,
            "ACOS" => MathFunction::Acos,
            "ATAN" => MathFunction::Atan,
            "ATAN2" => MathFunction::Atan2,
            _ => return None,
        }),
    })
}

/// The type of two texts or two arrays joined by `ADD`.
fn joined(arguments: &[Value]) -> Option<ValueType> {
    let [a, b] = arguments else { return None };
    // What holds nothing is of whatever type the other is.
    let (a, b) = if a.is_empty_array() { (b, a) } else { (a, b) };
    let is_open = b.is_empty_array();
    let (a, b) = (a.ty.as_value()?, b.ty.as_value()?);
    let joins = match a {
        ValueType::Scalar(scalar) => *scalar == ScalarType::String,
        ValueType::List(_) => true,
        ValueType::Object(_) | ValueType::Optional(_) => false,
    };
    let is_list = matches!((a, b), (ValueType::List(_), ValueType::List(_)));
    (joins && (same_class(a, b) || (is_open && is_list))).then(|| a.clone())
}

/// The type of a result: integers stay integers and two F32 stay F32, except where the function leaves them.
fn result(function: MathFunction, operands: &[ScalarType]) -> ScalarType {
    match function {
        MathFunction::Pow
        | MathFunction::Sqrt
        | MathFunction::Ln
        | MathFunction::Log10
        | MathFunction::Log
        | MathFunction::Exp
        | MathFunction::Ceil
        | MathFunction::Floor
        | MathFunction::Round
        | MathFunction::Sin
        | MathFunction::Cos
        | MathFunction::Tan
        | MathFunction::Asin
        | MathFunction::Acos
        | MathFunction::Atan
        | MathFunction::Atan2
        | MathFunction::Float => ScalarType::F64,
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
