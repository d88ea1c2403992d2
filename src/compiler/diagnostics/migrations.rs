//! Problems of migrations.

use helix_plan::{ItemKind, ValueType};

use super::suggest::did_you_mean;
use super::{Diagnostic, codes, words};
use crate::compiler::source::Span;

/// A version that no block declares.
pub(in crate::compiler) struct UnknownVersion {
    pub span: Span,
}

impl From<UnknownVersion> for Diagnostic {
    fn from(error: UnknownVersion) -> Self {
        Self::error(codes::UNKNOWN_VERSION, error.span, "no type is declared in this version of the schema")
            .help("declare its types in a block `schema::n { … }`; those outside of blocks are version 1".to_owned())
    }
}

/// A migration that leaves out a version, or goes back.
pub(in crate::compiler) struct NotTheNextVersion {
    pub from: u32,
    pub next: Option<u32>,
    pub span: Span,
}

impl From<NotTheNextVersion> for Diagnostic {
    fn from(error: NotTheNextVersion) -> Self {
        let NotTheNextVersion { from, next, span } = error;
        let help = match next {
            Some(next) => format!("migrate to `schema::{next}`, and from there in another block"),
            None => format!("`schema::{from}` is the newest version"),
        };
        Self::error(codes::NOT_THE_NEXT_VERSION, span, format!("this is not the version after `schema::{from}`"))
            .help(help)
    }
}

/// A mapped type that its version does not have.
pub(in crate::compiler) struct UnknownMappedType<'a> {
    pub kind: ItemKind,
    pub name: &'a str,
    pub version: u32,
    pub span: Span,
    pub nearest: Option<String>,
}

impl From<UnknownMappedType<'_>> for Diagnostic {
    fn from(error: UnknownMappedType<'_>) -> Self {
        let UnknownMappedType { kind, name, version, span, nearest } = error;
        let message = format!("`schema::{version}` has no {} type `{name}`", words::kind(kind));
        Self::error(codes::UNKNOWN_MAPPED_TYPE, span, message).help(did_you_mean(nearest))
    }
}

/// A node becomes an edge, or the like.
pub(in crate::compiler) struct OtherKind {
    pub from: ItemKind,
    pub to: ItemKind,
    pub span: Span,
}

impl From<OtherKind> for Diagnostic {
    fn from(error: OtherKind) -> Self {
        let (from, to) = (words::a_kind(error.from), words::a_kind(error.to));
        Self::error(codes::TYPE_MISMATCH, error.span, format!("{from} cannot become {to}"))
    }
}

/// A mapped field that its type does not have.
pub(in crate::compiler) struct UnknownMappedField<'a> {
    pub ty: &'a str,
    pub name: &'a str,
    pub version: u32,
    pub span: Span,
    pub nearest: Option<String>,
}

impl From<UnknownMappedField<'_>> for Diagnostic {
    fn from(error: UnknownMappedField<'_>) -> Self {
        let UnknownMappedField { ty, name, version, span, nearest } = error;
        let message = format!("`{ty}` has no field `{name}` in `schema::{version}`");
        Self::error(codes::UNKNOWN_FIELD, span, message).help(did_you_mean(nearest))
    }
}

/// A field, or a type, that is mapped twice.
pub(in crate::compiler) struct MappedTwice<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<MappedTwice<'_>> for Diagnostic {
    fn from(error: MappedTwice<'_>) -> Self {
        Self::error(codes::DUPLICATE_FIELD, error.span, format!("`{}` is mapped twice", error.name))
    }
}

/// A value that the field cannot hold.
pub(in crate::compiler) struct MigrationValueMismatch<'a> {
    pub field: &'a str,
    pub ty: &'a ValueType,
    pub found: &'a str,
    pub span: Span,
    /// The field of the earlier version that can be converted.
    pub convert: Option<&'a str>,
}

impl From<MigrationValueMismatch<'_>> for Diagnostic {
    fn from(error: MigrationValueMismatch<'_>) -> Self {
        let MigrationValueMismatch { field, ty, found, span, convert } = error;
        let ty = words::ty(ty);
        Self::error(codes::TYPE_MISMATCH, span, format!("field `{field}` is of type {ty}, not {found}"))
            .help(convert.map(|name| format!("convert it: `{field}: {name} AS {ty}`")))
    }
}

/// A constant that the field's type cannot hold.
pub(in crate::compiler) struct MigrationValueOutOfRange<'a> {
    pub field: &'a str,
    pub ty: &'a ValueType,
    pub span: Span,
}

impl From<MigrationValueOutOfRange<'_>> for Diagnostic {
    fn from(error: MigrationValueOutOfRange<'_>) -> Self {
        let MigrationValueOutOfRange { field, ty, span } = error;
        let message = format!("this number is out of the range of {}, the type of `{field}`", words::ty(ty));
        let diagnostic = Self::error(codes::TYPE_MISMATCH, span, message);
        match ty.as_scalar().and_then(|scalar| scalar.integer_range()) {
            Some((least, greatest)) => diagnostic.note(format!("{} holds {least} to {greatest}", words::ty(ty))),
            None => diagnostic,
        }
    }
}

/// The time of each read, for a field whose index cannot hold it.
pub(in crate::compiler) struct MigrationNowOfIndex<'a> {
    pub field: &'a str,
    pub span: Span,
}

impl From<MigrationNowOfIndex<'_>> for Diagnostic {
    fn from(error: MigrationNowOfIndex<'_>) -> Self {
        let message = format!("`NOW` is the time of each read, which the index of `{}` cannot hold", error.field);
        Self::error(codes::TYPE_MISMATCH, error.span, message)
            .help("give a date such as `\"2024-05-01\"`, or leave the field out".to_owned())
    }
}

/// A cast to another type than that of the field, or of something that never becomes one.
pub(in crate::compiler) struct ImpossibleCast<'a> {
    pub field: &'a str,
    /// The type of the field, and that of the one which is read.
    pub ty: &'a ValueType,
    pub from: &'a ValueType,
    /// Whether the cast names the field's type.
    pub is_right: bool,
    /// Whether a cast to the field's type gives anything.
    pub possible: bool,
    pub span: Span,
}

impl From<ImpossibleCast<'_>> for Diagnostic {
    fn from(error: ImpossibleCast<'_>) -> Self {
        let ImpossibleCast { field, ty, from, is_right, possible, span } = error;
        let (ty, from) = (words::ty(ty), words::ty(from));
        let message = if is_right {
            format!("a value of type {from} never becomes one of type {ty}")
        } else {
            format!("the cast is to another type than {ty}, the type of `{field}`")
        };
        let diagnostic = Self::error(codes::TYPE_MISMATCH, span, message);
        if possible {
            return diagnostic.help(format!("write `AS {ty}`"));
        }
        let diagnostic = if is_right {
            diagnostic
        } else {
            diagnostic.note(format!("what is read is of type {from}, which never becomes one of type {ty}"))
        };
        diagnostic
            .note("numbers become one another, every scalar becomes a String, and a String whatever scalar it spells")
            .help("give a constant, or leave the field out".to_owned())
    }
}
