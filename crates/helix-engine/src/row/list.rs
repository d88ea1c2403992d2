//! Arrays in the heap of a row: a count, then tagged values, recursive.

use uuid::Uuid;

use super::read::text;
use super::{Arena, damaged};
use crate::error::Result;
use crate::value::{Big, Date, Value};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const BIG: u8 = 4;
const F32: u8 = 5;
const F64: u8 = 6;
const STR: u8 = 7;
const DATE: u8 = 8;
const ID: u8 = 9;
const LIST: u8 = 10;

/// Arrays nest no deeper than types can be written.
const MAX_DEPTH: u32 = 200;

/// Appends the elements.
pub(super) fn encode(elements: &[Value<'_>], out: &mut Vec<u8>) {
    out.extend_from_slice(&(elements.len() as u32).to_le_bytes());
    for element in elements {
        match *element {
            Value::Null => out.push(NULL),
            Value::Bool(false) => out.push(FALSE),
            Value::Bool(true) => out.push(TRUE),
            Value::Int(value) => tagged(INT, &value.to_le_bytes(), out),
            Value::Big(value) => tagged(BIG, &value.get().to_le_bytes(), out),
            Value::F32(value) => tagged(F32, &value.to_le_bytes(), out),
            Value::F64(value) => tagged(F64, &value.to_le_bytes(), out),
            Value::Str(value) => {
                tagged(STR, &(value.len() as u32).to_le_bytes(), out);
                out.extend_from_slice(value.as_bytes());
            }
            Value::Date(value) => {
                tagged(DATE, &value.seconds.to_le_bytes(), out);
                out.extend_from_slice(&value.nanoseconds.to_le_bytes());
            }
            Value::Id(value) => tagged(ID, value.as_bytes(), out),
            Value::List(elements) => {
                out.push(LIST);
                encode(elements, out);
            }
            // No field has such a type.
            Value::Object(_) => out.push(NULL),
            Value::Floats(elements) => {
                out.push(LIST);
                out.extend_from_slice(&(elements.len() as u32).to_le_bytes());
                for element in elements {
                    tagged(F32, &element.to_le_bytes(), out);
                }
            }
        }
    }
}

fn tagged(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

/// The array in `bytes`; text is borrowed, the array itself is in the arena.
pub(super) fn decode<'t>(bytes: &'t [u8], arena: &'t Arena) -> Result<Value<'t>> {
    let mut rest = bytes;
    let list = elements(&mut rest, arena, 0)?;
    if rest.is_empty() { Ok(list) } else { Err(damaged("bytes behind an array")) }
}

fn elements<'t>(rest: &mut &'t [u8], arena: &'t Arena, depth: u32) -> Result<Value<'t>> {
    let count = u32::from_le_bytes(take(rest)?) as usize;
    // Every element takes a byte at least, so that a damaged count cannot ask for much memory.
    if count > rest.len() || depth > MAX_DEPTH {
        return Err(damaged("an array is longer than its row"));
    }
    let mut list = bumpalo::collections::Vec::with_capacity_in(count, arena);
    for _ in 0..count {
        let [tag] = take(rest)?;
        list.push(match tag {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(i64::from_le_bytes(take(rest)?)),
            BIG => Value::Big(Big::new(u128::from_le_bytes(take(rest)?))),
            F32 => Value::F32(f32::from_le_bytes(take(rest)?)),
            F64 => Value::F64(f64::from_le_bytes(take(rest)?)),
            STR => {
                let len = u32::from_le_bytes(take(rest)?) as usize;
                let (head, tail) = rest.split_at_checked(len).ok_or_else(|| damaged("text ends early"))?;
                *rest = tail;
                Value::Str(text(head)?)
            }
            DATE => Value::Date(Date {
                seconds: i64::from_le_bytes(take(rest)?),
                nanoseconds: u32::from_le_bytes(take(rest)?),
            }),
            ID => Value::Id(Uuid::from_bytes(take(rest)?)),
            LIST => elements(rest, arena, depth + 1)?,
            _ => return Err(damaged("an array element of an unknown kind")),
        });
    }
    Ok(Value::List(list.into_bump_slice()))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(|| damaged("an array ends early"))?;
    *rest = tail;
    Ok(*head)
}
