//! Mathematical functions. Integers are computed exactly; an absent argument makes the result absent.

use helix_plan::MathFunction;

use crate::error::{EngineError, Result};
use crate::row::Arena;
use crate::value::compare::{compare, float};
use crate::value::{Big, Value};

/// The result of a function; null where it is no finite number.
///
/// # Errors
///
/// [`EngineError::BadValue`] on overflow, division by zero, or arguments that the function does not take.
pub fn apply<'a>(function: MathFunction, arguments: &[Value<'a>], arena: &'a Arena) -> Result<Value<'a>> {
    if arguments.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let result = calculate(function, arguments, arena)?;
    let is_finite = match result {
        Value::F32(value) => value.is_finite(),
        Value::F64(value) => value.is_finite(),
        _ => true,
    };
    Ok(if is_finite { result } else { Value::Null })
}

fn calculate<'a>(function: MathFunction, arguments: &[Value<'a>], arena: &'a Arena) -> Result<Value<'a>> {
    match (function, arguments) {
        (MathFunction::Abs, [value]) => abs(value),
        (MathFunction::Log, [value, base]) => Ok(Value::F64(number(value)?.log(number(base)?))),
        (MathFunction::Atan2, [y, x]) => Ok(Value::F64(number(y)?.atan2(number(x)?))),
        (MathFunction::Pow, [base, exponent]) => Ok(Value::F64(number(base)?.powf(number(exponent)?))),
        (MathFunction::Min, [a, b]) => pick(a, b, true),
        (MathFunction::Max, [a, b]) => pick(a, b, false),
        (MathFunction::Add, [Value::Str(a), Value::Str(b)]) => {
            let mut text = bumpalo::collections::String::with_capacity_in(a.len() + b.len(), arena);
            text.push_str(a);
            text.push_str(b);
            Ok(Value::Str(text.into_bump_str()))
        }
        (MathFunction::Add, [Value::List(a), Value::List(b)]) => {
            Ok(Value::List(arena.alloc_slice_fill_iter(a.iter().chain(*b).copied().collect::<Vec<_>>())))
        }
        (_, [a, b]) => binary(function, a, b),
        (_, [value]) => unary(function, number(value)?).map(Value::F64),
        _ => Err(EngineError::BadValue(format!("{function:?} does not take {} arguments", arguments.len()))),
    }
}

/// A function of one number, other than `ABS`.
fn unary(function: MathFunction, value: f64) -> Result<f64> {
    Ok(match function {
        MathFunction::Sqrt => value.sqrt(),
        MathFunction::Ln => value.ln(),
        MathFunction::Log10 => value.log10(),
        MathFunction::Exp => value.exp(),
        MathFunction::Ceil => value.ceil(),
        MathFunction::Floor => value.floor(),
        MathFunction::Round => value.round(),
        MathFunction::Sin => value.sin(),
        MathFunction::Cos => value.cos(),
        MathFunction::Tan => value.tan(),
        MathFunction::Asin => value.asin(),
        MathFunction::Acos => value.acos(),
        MathFunction::Atan => value.atan(),
        MathFunction::Float => value,
        MathFunction::Add
        | MathFunction::Sub
        | MathFunction::Mul
        | MathFunction::Div
        | MathFunction::Mod
        | MathFunction::Pow
        | MathFunction::Abs
        | MathFunction::Min
        | MathFunction::Max
        | MathFunction::Log
        | MathFunction::Atan2 => {
            return Err(EngineError::BadValue(format!("{function:?} does not take one number")));
        }
    })
}

pub(super) fn number(value: &Value<'_>) -> Result<f64> {
    float(value).ok_or_else(|| EngineError::BadValue("a number was expected".to_owned()))
}

/// An integer of up to 128 bits beside its sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exact {
    is_negative: bool,
    magnitude: u128,
}

impl Exact {
    pub(super) fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Int(value) => Some(Self { is_negative: *value < 0, magnitude: u128::from(value.unsigned_abs()) }),
            Value::Big(value) => Some(Self { is_negative: false, magnitude: value.get() }),
            _ => None,
        }
    }

    const fn negated(self) -> Self {
        Self { is_negative: !self.is_negative, magnitude: self.magnitude }
    }

    /// `None` where it does not fit.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        if self.is_negative == other.is_negative {
            return Some(Self { magnitude: self.magnitude.checked_add(other.magnitude)?, ..self });
        }
        let (larger, smaller) = if self.magnitude >= other.magnitude { (self, other) } else { (other, self) };
        Some(Self { magnitude: larger.magnitude - smaller.magnitude, ..larger })
    }

    /// Of a product or a quotient.
    const fn signed(self, other: Self, magnitude: u128) -> Self {
        Self { is_negative: self.is_negative != other.is_negative, magnitude }
    }

    pub(super) fn to_f64(self) -> f64 {
        let magnitude = self.magnitude as f64;
        if self.is_negative { -magnitude } else { magnitude }
    }

    /// The value, if it fits 64 signed or 128 unsigned bits.
    pub(super) fn value<'a>(self) -> Result<Value<'a>> {
        match i64::try_from(self.magnitude) {
            Ok(magnitude) => Ok(Value::Int(if self.is_negative { -magnitude } else { magnitude })),
            Err(_) if !self.is_negative => Ok(Value::Big(Big::new(self.magnitude))),
            Err(_) if self.magnitude == u128::from(i64::MIN.unsigned_abs()) => Ok(Value::Int(i64::MIN)),
            Err(_) => Err(overflow()),
        }
    }
}

const fn is_integer(value: &Value<'_>) -> bool {
    matches!(value, Value::Int(_) | Value::Big(_))
}

pub(super) fn overflow() -> EngineError {
    EngineError::BadValue("integer overflow".to_owned())
}

fn abs<'a>(value: &Value<'_>) -> Result<Value<'a>> {
    match value {
        Value::F32(value) => Ok(Value::F32(value.abs())),
        Value::F64(value) => Ok(Value::F64(value.abs())),
        Value::Big(value) => Ok(Value::Big(*value)),
        Value::Int(_) => {
            Exact::of(value).ok_or_else(overflow).and_then(|exact| Exact { is_negative: false, ..exact }.value())
        }
        _ => number(value).map(Value::F64),
    }
}

fn pick<'a>(a: &Value<'a>, b: &Value<'a>, least: bool) -> Result<Value<'a>> {
    let (x, y) = (number(a)?, number(b)?);
    let a_first = compare(a, b).is_none_or(|order| if least { order.is_le() } else { order.is_ge() });
    let picked = if a_first { (*a, x) } else { (*b, y) };
    let same = is_integer(a) && is_integer(b) || matches!((a, b), (Value::F32(_), Value::F32(_)));
    Ok(if same { picked.0 } else { Value::F64(picked.1) })
}

fn binary<'a>(function: MathFunction, a: &Value<'_>, b: &Value<'_>) -> Result<Value<'a>> {
    if let (Some(a), Some(b)) = (Exact::of(a), Exact::of(b)) {
        return integers(function, a, b);
    }
    let (x, y) = (number(a)?, number(b)?);
    let result = match function {
        MathFunction::Add => x + y,
        MathFunction::Sub => x - y,
        MathFunction::Mul => x * y,
        MathFunction::Div if y == 0.0 => return Err(division_by_zero()),
        MathFunction::Div => x / y,
        MathFunction::Mod if y == 0.0 => return Err(modulo_by_zero()),
        MathFunction::Mod => x % y,
        _ => {
            return Err(EngineError::BadValue(format!("{function:?} does not take two arguments")));
        }
    };
    if let (Value::F32(_), Value::F32(_)) = (a, b) {
        return Ok(Value::F32(result as f32));
    }
    Ok(Value::F64(result))
}

fn integers<'a>(function: MathFunction, a: Exact, b: Exact) -> Result<Value<'a>> {
    let result = match function {
        MathFunction::Add => a.plus(b),
        MathFunction::Sub => a.plus(b.negated()),
        MathFunction::Mul => a.magnitude.checked_mul(b.magnitude).map(|product| a.signed(b, product)),
        MathFunction::Div if b.magnitude == 0 => return Err(division_by_zero()),
        MathFunction::Div => Some(a.signed(b, a.magnitude / b.magnitude)),
        MathFunction::Mod if b.magnitude == 0 => return Err(modulo_by_zero()),
        // The remainder has the sign of the dividend.
        MathFunction::Mod => Some(Exact { magnitude: a.magnitude % b.magnitude, ..a }),
        _ => return Err(EngineError::BadValue(format!("{function:?} does not take two integers"))),
    };
    result.ok_or_else(overflow)?.value()
}

fn division_by_zero() -> EngineError {
    EngineError::BadValue("Division by zero".to_owned())
}

fn modulo_by_zero() -> EngineError {
    EngineError::BadValue("Modulo by zero".to_owned())
}
