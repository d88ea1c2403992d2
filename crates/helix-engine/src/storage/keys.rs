//! Keys, byte by byte. Integers are big-endian, so that the order of bytes is the order of numbers.

use xxhash_rust::xxh3::xxh3_128;

use crate::ids::ItemId;
use crate::value::Value;

/// The longest value that an index key holds as it is, in bytes.
const MAX_INDEX_VALUE: usize = 440;

/// `type · id`: a row's key.
#[must_use]
pub fn row(stored_type: u16, id: ItemId) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&stored_type.to_be_bytes());
    key[2..].copy_from_slice(&id.to_bytes());
    key
}

/// The id in a row's key.
#[must_use]
pub fn row_id(key: &[u8]) -> Option<ItemId> {
    key.get(2..10)?.try_into().ok().map(ItemId::from_bytes)
}

/// `item · edge type`: an adjacency list's key.
#[must_use]
pub fn adjacency(item: ItemId, edge_type: u16) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&item.to_bytes());
    key[8..].copy_from_slice(&edge_type.to_be_bytes());
    key
}

/// `edge · other`: an entry of an adjacency list.
#[must_use]
pub fn neighbour(edge: ItemId, other: ItemId) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&edge.to_bytes());
    value[8..].copy_from_slice(&other.to_bytes());
    value
}

/// The edge and the other end of an entry of an adjacency list.
#[must_use]
pub fn split_neighbour(value: &[u8]) -> Option<(ItemId, ItemId)> {
    let (edge, other) = value.split_first_chunk::<8>()?;
    Some((ItemId::from_bytes(*edge), ItemId::from_bytes(other.try_into().ok()?)))
}

/// `edge type · from · to`: the key of a pair that a unique edge joins.
#[must_use]
pub fn pair(edge_type: u16, from: ItemId, to: ItemId) -> [u8; 18] {
    let mut key = [0; 18];
    key[..2].copy_from_slice(&edge_type.to_be_bytes());
    key[2..10].copy_from_slice(&from.to_bytes());
    key[10..].copy_from_slice(&to.to_bytes());
    key
}

/// `kind · type`: the key of a counter, a definition, or the start of a name.
#[must_use]
pub fn kind_and_id(kind: u8, id: u16) -> [u8; 3] {
    let [high, low] = id.to_be_bytes();
    [kind, high, low]
}

/// Appends `index · value`: the key of an index entry.
///
/// Keys compare as values do: numbers by size whatever their width, text by code point, dates by instant, arrays element by
/// element. A value that is too long for a key is cut and ends with its hash, so that equality holds, but not order.
pub fn index(index: u16, value: &Value<'_>, key: &mut Vec<u8>) {
    key.extend_from_slice(&index.to_be_bytes());
    let start = key.len();
    index_value(value, key);
    if key.len() - start > MAX_INDEX_VALUE {
        let hash = xxh3_128(&key[start..]);
        key.truncate(start + MAX_INDEX_VALUE);
        key.push(CUT);
        key.extend_from_slice(&hash.to_be_bytes());
    }
}

/// Stands between a cut value and its hash.
const CUT: u8 = 0xfe;

/// Where values end and what has none is listed: above the first byte of every value.
const ABSENT: u8 = 0xfe;

/// `index · FE`: the key of what has no value.
#[must_use]
pub fn absent(index: u16) -> [u8; 3] {
    let [high, low] = index.to_be_bytes();
    [high, low, ABSENT]
}

/// Whether the value of an index entry's key was cut: among those that begin alike, its place says nothing.
#[must_use]
pub const fn is_cut(key: &[u8]) -> bool {
    key.len() > 2 + MAX_INDEX_VALUE
}

/// The part of an index entry's key whose order is that of values.
#[must_use]
pub fn index_prefix(mut key: Vec<u8>) -> Vec<u8> {
    key.truncate(2 + MAX_INDEX_VALUE);
    key
}

fn index_value(value: &Value<'_>, key: &mut Vec<u8>) {
    match *value {
        // Inside an array absent values sort first. No field holds an object.
        Value::Null | Value::Object(_) => key.push(0x02),
        Value::Bool(value) => key.push(u8::from(value)),
        Value::Int(value) => integer(i128::from(value), key),
        Value::Big(big) => match i128::try_from(big.get()) {
            Ok(value) => integer(value, key),
            Err(_) => {
                key.push(0x11);
                key.extend_from_slice(&big.get().to_be_bytes());
            }
        },
        Value::F32(value) => float(f64::from(value), key),
        Value::F64(value) => float(value, key),
        Value::Date(date) => {
            key.push(0x30);
            key.extend_from_slice(&sign_flipped(date.seconds));
            key.extend_from_slice(&date.nanoseconds.to_be_bytes());
        }
        Value::Id(id) => {
            key.push(0x40);
            key.extend_from_slice(id.as_bytes());
        }
        Value::Str(text) => {
            key.push(0x50);
            for byte in text.bytes() {
                key.push(byte);
                if byte == 0 {
                    key.push(0xff);
                }
            }
            key.extend_from_slice(&[0, 0]);
        }
        Value::List(elements) => {
            key.push(0x60);
            for element in elements {
                index_value(element, key);
            }
            key.push(0);
        }
        Value::Floats(elements) => {
            key.push(0x60);
            for element in elements {
                float(f64::from(*element), key);
            }
            key.push(0);
        }
    }
}

fn integer(value: i128, key: &mut Vec<u8>) {
    key.push(0x10);
    let flipped = (value as u128) ^ (1 << 127);
    key.extend_from_slice(&flipped.to_be_bytes());
}

fn sign_flipped(value: i64) -> [u8; 8] {
    ((value as u64) ^ (1 << 63)).to_be_bytes()
}

/// NaN last, −0 as +0.
fn float(value: f64, key: &mut Vec<u8>) {
    key.push(0x20);
    let bits = if value.is_nan() {
        u64::MAX
    } else if value == 0.0 {
        1 << 63
    } else {
        let bits = value.to_bits();
        if bits >> 63 == 0 { bits | (1 << 63) } else { !bits }
    };
    key.extend_from_slice(&bits.to_be_bytes());
}
