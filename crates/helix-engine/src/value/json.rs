//! Values as JSON, straight into the output buffer.

use super::{Date, Value};

/// Appends a value.
pub fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    match *value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Value::Big(value) => out.extend_from_slice(itoa::Buffer::new().format(value.get()).as_bytes()),
        Value::F32(value) => float32(value, out),
        Value::F64(value) => float64(value, out),
        Value::Str(value) => string(value, out),
        Value::Date(value) => date(value, out),
        Value::Id(value) => {
            out.push(b'"');
            out.extend_from_slice(value.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).as_bytes());
            out.push(b'"');
        }
        Value::List(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(element, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (index, (name, member)) in members.iter().enumerate() {
                key(index, name, out);
                write(member, out);
            }
            out.push(b'}');
        }
        Value::Floats(components) => {
            out.push(b'[');
            for (index, component) in components.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                float32(*component, out);
            }
            out.push(b']');
        }
    }
}

fn float32(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

fn float64(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

fn date(value: Date, out: &mut Vec<u8>) {
    out.push(b'"');
    value.write(out);
    out.push(b'"');
}

/// Appends the key of a member of an object: the one at this position.
pub fn key(index: usize, name: &str, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    string(name, out);
    out.push(b':');
}

/// Appends text in quotes, escaped as RFC 8259 asks.
pub fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0x00..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[clean..index]);
        if escape.is_empty() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 0xf)]);
        } else {
            out.extend_from_slice(escape);
        }
        clean = index + 1;
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}
