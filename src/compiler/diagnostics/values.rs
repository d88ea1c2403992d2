//! Literals that do not stand for a value of their type.

use helix_plan::{ItemKind, ScalarType};

use super::{Diagnostic, codes, words};
use crate::compiler::source::Span;

/// A text that is not a UUID, where an id is needed.
pub(in crate::compiler) struct MalformedId<'a> {
    pub text: &'a str,
    pub span: Span,
}

impl From<MalformedId<'_>> for Diagnostic {
    fn from(error: MalformedId<'_>) -> Self {
        Self::error(codes::MALFORMED_ID, error.span, format!("\"{}\" is not an id", excerpt(error.text)))
            .note("an id is a UUID, such as \"1f0e3e9c-5b1a-6c40-8f00-010203040506\"")
    }
}

/// A text that is not a date, where one is needed.
pub(in crate::compiler) struct BadDate<'a> {
    pub text: &'a str,
    pub span: Span,
}

impl From<BadDate<'_>> for Diagnostic {
    fn from(error: BadDate<'_>) -> Self {
        Self::error(codes::BAD_DATE, error.span, format!("\"{}\" is not a date", excerpt(error.text)))
            .note("a date is `YYYY-MM-DD`, or a date and time with an offset, such as \"2024-05-01T12:00:00Z\"")
    }
}

/// A number that its type cannot hold.
pub(in crate::compiler) struct OutOfRange<'a> {
    pub number: &'a str,
    pub ty: ScalarType,
    pub span: Span,
}

impl From<OutOfRange<'_>> for Diagnostic {
    fn from(error: OutOfRange<'_>) -> Self {
        let message = format!("{} is out of the range of {}", error.number, error.ty);
        let diagnostic = Self::error(codes::OUT_OF_RANGE, error.span, message);
        match error.ty.integer_range() {
            Some((least, greatest)) => diagnostic.note(format!("{} holds {least} to {greatest}", error.ty)),
            None => diagnostic,
        }
    }
}

/// A negative number, where a position or a number of results is needed.
pub(in crate::compiler) struct NegativeCount<'a> {
    pub number: &'a str,
    pub span: Span,
}

impl From<NegativeCount<'_>> for Diagnostic {
    fn from(error: NegativeCount<'_>) -> Self {
        Self::error(codes::OUT_OF_RANGE, error.span, format!("{} is negative", error.number))
            .label("positions and numbers of results start at 0")
    }
}

/// Something in an array that is no value.
pub(in crate::compiler) struct UnsupportedElement<'a> {
    pub found: &'a str,
    pub span: Span,
}

impl From<UnsupportedElement<'_>> for Diagnostic {
    fn from(error: UnsupportedElement<'_>) -> Self {
        Self::error(codes::UNSUPPORTED_VALUE, error.span, format!("an array cannot hold {}", error.found))
            .note("the elements of an array are single values")
    }
}

/// An object, where a node is looked up by a value.
pub(in crate::compiler) struct LookupByObject<'a> {
    /// As it is written.
    pub object: &'a str,
    pub span: Span,
}

impl From<LookupByObject<'_>> for Diagnostic {
    fn from(error: LookupByObject<'_>) -> Self {
        Self::error(codes::UNSUPPORTED_VALUE, error.span, "a node is looked up by a value, not by an object")
            .help(format!("select a member of the object: `{}::{{member}}`", excerpt(error.object)))
    }
}

/// An object outside of what is returned.
pub(in crate::compiler) struct MisplacedObject {
    pub span: Span,
}

impl From<MisplacedObject> for Diagnostic {
    fn from(error: MisplacedObject) -> Self {
        Self::error(codes::UNSUPPORTED_VALUE, error.span, "no object can be made here")
            .label("neither a `RETURN` nor a projection")
            .help("objects are made where they are returned: `RETURN { key: value }`, `x::{ key: value }`".to_owned())
    }
}

/// A kind of value that no field holds.
pub(in crate::compiler) struct UnsupportedValue<'a> {
    pub found: &'a str,
    pub span: Span,
}

impl From<UnsupportedValue<'_>> for Diagnostic {
    fn from(error: UnsupportedValue<'_>) -> Self {
        Self::error(codes::UNSUPPORTED_VALUE, error.span, format!("a field cannot hold {}", error.found))
            .help("store its scalars in fields of their own".to_owned())
    }
}

/// A write to a field that the database keeps itself.
pub(in crate::compiler) struct WriteToImplicitField<'a> {
    pub kind: ItemKind,
    pub name: &'a str,
    pub span: Span,
}

impl From<WriteToImplicitField<'_>> for Diagnostic {
    fn from(error: WriteToImplicitField<'_>) -> Self {
        let message = format!("field `{}` of {} cannot be written", error.name, words::a_kind(error.kind));
        Self::error(codes::RESERVED_FIELD, error.span, message).label("the database keeps it")
    }
}

/// The text, or its beginning when it is long, on one line.
fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    let mut line: String = text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        line.push('…');
    }
    line
}
