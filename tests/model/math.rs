//! Mathematics, distances and text scores of the model.

use super::evaluate::{Failure, Result, refused};
use super::language::{Fold, Function};
use super::value::Value;

/// Applies a function; what is missing makes the whole missing.
pub fn apply(function: Function, arguments: &[Value]) -> Result<Value> {
    if arguments.contains(&Value::Null) {
        return Ok(Value::Null);
    }
    match (function, arguments) {
        (Function::Pow, [base, exponent]) => Ok(double(float(base).powf(float(exponent)))),
        (Function::Floor, [value]) => Ok(double(float(value).floor())),
        (Function::Abs, [Value::Integer(value)]) => integer(value.checked_abs()),
        (Function::Abs, [Value::Single(value)]) => Ok(Value::Single(value.abs())),
        (Function::Abs, [value]) => Ok(double(float(value).abs())),
        (_, [Value::Text(a), Value::Text(b)]) if function == Function::Add => Ok(Value::Text(format!("{a}{b}"))),
        (_, [Value::Integer(a), Value::Integer(b)]) => integers(function, *a, *b),
        (_, [a, b]) => {
            let value = floats(function, float(a), float(b))?;
            let single = matches!((a, b), (Value::Single(_), Value::Single(_)));
            Ok(if single { Value::Single(value as f32) } else { double(value) })
        }
        _ => unreachable!("{function:?} of {} arguments", arguments.len()),
    }
}

fn float(value: &Value) -> f64 {
    value.number().unwrap_or_else(|| panic!("{value:?} is no number"))
}

fn double(value: f64) -> Value {
    if value.is_finite() { Value::Double(value) } else { Value::Null }
}

fn integer(value: Option<i128>) -> Result<Value> {
    match value {
        Some(value) if value >= i128::from(i64::MIN) => Ok(Value::Integer(value)),
        Some(_) => refused(400, "Graph error: integer overflow"),
        // The language counts one bit further than the model.
        None => Err(Failure::Undecided),
    }
}

fn integers(function: Function, a: i128, b: i128) -> Result<Value> {
    match function {
        Function::Add => integer(a.checked_add(b)),
        Function::Sub => integer(a.checked_sub(b)),
        Function::Mul => integer(a.checked_mul(b)),
        Function::Div if b == 0 => refused(400, "Graph error: Division by zero"),
        Function::Mod if b == 0 => refused(400, "Graph error: Modulo by zero"),
        Function::Div => integer(Some(a / b)),
        Function::Mod => integer(Some(a % b)),
        Function::Min => integer(Some(a.min(b))),
        Function::Max => integer(Some(a.max(b))),
        Function::Abs | Function::Pow | Function::Floor => unreachable!("not of two integers"),
    }
}

fn floats(function: Function, a: f64, b: f64) -> Result<f64> {
    Ok(match function {
        Function::Add => a + b,
        Function::Sub => a - b,
        Function::Mul => a * b,
        Function::Div if b == 0.0 => return refused(400, "Graph error: Division by zero"),
        Function::Mod if b == 0.0 => return refused(400, "Graph error: Modulo by zero"),
        Function::Div => a / b,
        Function::Mod => a % b,
        Function::Min => a.min(b),
        Function::Max => a.max(b),
        Function::Abs | Function::Pow | Function::Floor => unreachable!("not of two numbers"),
    })
}

/// Folds values, of which those that are missing do not count.
pub fn fold(fold: Fold, values: &[Value]) -> Value {
    let there: Vec<&Value> = values.iter().filter(|value| **value != Value::Null).collect();
    let integers = there.iter().all(|value| matches!(value, Value::Integer(_)));
    let sum = || there.iter().map(|value| float(value)).sum::<f64>();
    match fold {
        Fold::Count => Value::Integer(there.len() as i128),
        Fold::Sum if integers => {
            Value::Integer(there.iter().map(|value| if let Value::Integer(value) = value { *value } else { 0 }).sum())
        }
        Fold::Sum => Value::Double(sum()),
        Fold::Avg if there.is_empty() => Value::Null,
        Fold::Avg => Value::Double(sum() / there.len() as f64),
        Fold::Min => there.into_iter().min_by(|a, b| a.sort(b)).cloned().unwrap_or(Value::Null),
        Fold::Max => there.into_iter().rev().max_by(|a, b| a.sort(b)).cloned().unwrap_or(Value::Null),
    }
}

/// The cosine distance of two vectors; 2 where one of them is zero.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = dot(a, a).sqrt() * dot(b, b).sqrt();
    if lengths == 0.0 { 2.0 } else { 1.0 - dot(a, b) / lengths }
}

/// The words of a value that count for text search.
pub fn words(value: &Value) -> Vec<String> {
    let text = match value {
        Value::List(values) => return values.iter().flat_map(words).collect(),
        Value::Null | Value::Object(_) | Value::Id(_) | Value::Path { .. } => return Vec::new(),
        other => other.key(),
    };
    let words = text.to_lowercase();
    words.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).map(str::to_owned).collect()
}

/// The score of each text, 0 where no word is found.
pub fn bm25(texts: &[Vec<String>], query: &str) -> Vec<f64> {
    let searched = words(&Value::Text(query.to_owned()));
    let average = texts.iter().map(Vec::len).sum::<usize>() as f64 / texts.len().max(1) as f64;
    let score = |text: &Vec<String>, word: &String| {
        let frequency = text.iter().filter(|known| *known == word).count() as f64;
        let having = texts.iter().filter(|text| text.contains(word)).count() as f64;
        let idf = ((texts.len() as f64 - having + 0.5) / (having + 0.5) + 1.0).ln();
        idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * text.len() as f64 / average))
    };
    texts.iter().map(|text| searched.iter().map(|word| score(text, word)).sum()).collect()
}
