//! Numbers, strings and booleans, decoded.

use super::{token, views};
use crate::compiler::syntax::kind::SyntaxKind;

views! {
    /// A number, string or boolean, with its sign.
    Literal = LITERAL;
}

/// What a literal means.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralValue {
    /// An integer: sign and magnitude.
    Integer {
        /// Whether a `-` stands before it.
        negative: bool,
        /// The digits.
        magnitude: u128,
    },
    /// A number with a point or an exponent; finite.
    Float(f64),
    /// Text, with escapes resolved.
    String(String),
    /// `true` or `false`.
    Boolean(bool),
}

/// Why a literal has no value. `at` counts bytes from the start of the literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadLiteral {
    /// An integer above 128 bits, or a float that is not finite.
    TooLarge,
    /// A backslash with something that is no escape.
    UnknownEscape {
        /// Where the backslash is.
        at: u32,
        /// The escape's length in bytes.
        len: u32,
    },
    /// No closing quote.
    Open,
    /// Nothing that could be a literal.
    Missing,
}

impl Literal {
    /// The value.
    ///
    /// # Errors
    ///
    /// [`BadLiteral`], which the parser has reported.
    pub fn value(&self) -> Result<LiteralValue, BadLiteral> {
        let negative = token(&self.0, SyntaxKind::MINUS).is_some();
        if let Some(token) = token(&self.0, SyntaxKind::INT) {
            let magnitude = token.text().parse().map_err(|_| BadLiteral::TooLarge)?;
            return Ok(LiteralValue::Integer { negative, magnitude });
        }
        if let Some(token) = token(&self.0, SyntaxKind::FLOAT) {
            let value: f64 = token.text().parse().map_err(|_| BadLiteral::TooLarge)?;
            let value = if negative { -value } else { value };
            return if value.is_finite() { Ok(LiteralValue::Float(value)) } else { Err(BadLiteral::TooLarge) };
        }
        if let Some(token) = token(&self.0, SyntaxKind::STRING) {
            let text = token.text();
            return unescape(&text[1..text.len() - 1]).map(LiteralValue::String);
        }
        if let Some(token) = token(&self.0, SyntaxKind::IDENT) {
            return Ok(LiteralValue::Boolean(token.text() == "true"));
        }
        match token(&self.0, SyntaxKind::OPEN_STRING) {
            Some(_) => Err(BadLiteral::Open),
            None => Err(BadLiteral::Missing),
        }
    }
}

/// Resolves the escapes of a string without its quotes.
fn unescape(text: &str) -> Result<String, BadLiteral> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let (value, len) = decode_escape(escape).ok_or_else(|| {
            let offset = text.len() - escape.len();
            let digits = escape
                .strip_prefix("\\u")
                .map_or(0, |rest| rest.bytes().take(4).take_while(u8::is_ascii_hexdigit).count());
            let len = escape.chars().take(2).map(char::len_utf8).sum::<usize>() + digits;
            let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
            BadLiteral::UnknownEscape { at: number(offset + 1), len: number(len) }
        })?;
        out.push(value);
        rest = &escape[len..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The character that the escape at the start of `text` stands for, and its length in bytes.
fn decode_escape(text: &str) -> Option<(char, usize)> {
    let simple = match text.as_bytes().get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => {
            let high = hex4(text.get(2..6)?)?;
            if (0xd800..0xdc00).contains(&high) {
                let low = text.get(6..12)?.strip_prefix("\\u").and_then(hex4)?;
                let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                return Some((char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?, 12));
            }
            return Some((char::from_u32(high)?, 6));
        }
        _ => return None,
    };
    Some((simple, 2))
}

fn hex4(text: &str) -> Option<u32> {
    let all_hex = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if all_hex { u32::from_str_radix(text, 16).ok() } else { None }
}
