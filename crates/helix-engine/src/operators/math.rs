//! Mathematical functions. Integers are computed exactly; an absent argument makes the result absent.

use helix_plan::MathFunction;

use crate::error::{EngineError, Result};
use crate::row::Arena;
use crate::value::compare::{compare, float};
use crate::value::{Big, Value};

/// The result of a function.
///
/// # Errors
///
/// [`EngineError::BadValue`] on overflow, division by zero, or arguments that the function does not take.
pub fn apply<'a>(function: MathFunction, arguments: &[Value<'a>], arena: &'a Arena) -> Result<Value<'a>> {
    if arguments.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
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

fn number(value: &Value<'_>) -> Result<f64> {
    float(value).ok_or_else(|| EngineError::BadValue("a number was expected".to_owned()))
}

fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Big(value) => i128::try_from(value.get()).ok(),
        _ => None,
    }
}

const fn is_integer(value: &Value<'_>) -> bool {
    matches!(value, Value::Int(_) | Value::Big(_))
}

fn overflow() -> EngineError {
    EngineError::BadValue("integer overflow".to_owned())
}

fn exact<'a>(value: Option<i128>) -> Result<Value<'a>> {
    let value = value.ok_or_else(overflow)?;
    match i64::try_from(value) {
        Ok(value) => Ok(Value::Int(value)),
        Err(_) => u128::try_from(value).map(|value| Value::Big(Big::new(value))).map_err(|_| overflow()),
    }
}

fn abs<'a>(value: &Value<'_>) -> Result<Value<'a>> {
    match value {
        Value::F32(value) => Ok(Value::F32(value.abs())),
        Value::F64(value) => Ok(Value::F64(value.abs())),
        Value::Big(value) => Ok(Value::Big(*value)),
        Value::Int(value) => exact(Some(i128::from(*value).abs())),
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
    if is_integer(a) && is_integer(b) {
        return integers(function, integer(a).ok_or_else(overflow)?, integer(b).ok_or_else(overflow)?);
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

fn integers<'a>(function: MathFunction, a: i128, b: i128) -> Result<Value<'a>> {
    match function {
        MathFunction::Add => exact(a.checked_add(b)),
        MathFunction::Sub => exact(a.checked_sub(b)),
        MathFunction::Mul => exact(a.checked_mul(b)),
        MathFunction::Div if b == 0 => Err(division_by_zero()),
        MathFunction::Div => exact(a.checked_div(b)),
        MathFunction::Mod if b == 0 => Err(modulo_by_zero()),
        MathFunction::Mod => exact(a.checked_rem(b)),
        _ => Err(EngineError::BadValue(format!("{function:?} does not take two integers"))),
    }
}

fn division_by_zero() -> EngineError {
    EngineError::BadValue("Division by zero".to_owned())
}

fn modulo_by_zero() -> EngineError {
    EngineError::BadValue("Modulo by zero".to_owned())
}
