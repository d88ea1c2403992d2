//! Problems of schema declarations.

use helix_plan::{ItemKind, ValueType};

use super::{Diagnostic, codes, suggest::did_you_mean, words};
use crate::compiler::source::Span;

/// No file declares a type.
pub(in crate::compiler) struct NoSchema {
    pub span: Span,
}

impl From<NoSchema> for Diagnostic {
    fn from(error: NoSchema) -> Self {
        Self::error(codes::NO_SCHEMA, error.span, "no schema definitions found")
            .note("a program declares at least one node, edge or vector type")
            .help("add a type, for example `N::User { name: String }`".to_owned())
    }
}

/// An edge starts or ends at a type that is not declared.
pub(in crate::compiler) struct UnknownEndpoint<'a> {
    pub edge: &'a str,
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
    /// Where the type is declared, if only in an older version.
    pub older: Option<OlderVersion>,
}

impl From<UnknownEndpoint<'_>> for Diagnostic {
    fn from(error: UnknownEndpoint<'_>) -> Self {
        let diagnostic =
            Self::error(codes::UNKNOWN_ENDPOINT, error.span, format!("unknown node or vector type `{}`", error.name))
                .label(format!("`{}` cannot be joined to it", error.edge));
        match error.older {
            Some(older) => older.tell(diagnostic, error.name),
            None => diagnostic.help(did_you_mean(error.nearest)),
        }
    }
}

/// A version that declares a type, and the newest one, which does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::compiler) struct OlderVersion {
    pub kind: ItemKind,
    pub version: u32,
    pub newest: u32,
    /// What its items are read as in the newest version, if it is read under another name.
    pub renamed: Option<String>,
}

impl OlderVersion {
    /// Adds to what is said of an unknown type why it is not known.
    pub(super) fn tell(self, diagnostic: Diagnostic, name: &str) -> Diagnostic {
        let Self { kind, version, newest, renamed } = self;
        let outside = if version == 1 { ", as is all that stands outside of blocks" } else { "" };
        diagnostic
            .note(format!("`{name}` is declared in `schema::{version}`{outside}; only `schema::{newest}` is visible"))
            .help(match renamed {
                Some(now) => format!("its {}s are read as `{now}`: name that", words::kind(kind)),
                None => format!("declare it in `schema::{newest}` as well: a version lists all of its types"),
            })
    }
}

/// Two types of one kind share a name.
pub(in crate::compiler) struct DuplicateType<'a> {
    pub kind: ItemKind,
    pub name: &'a str,
    pub span: Span,
    pub first: Span,
}

impl From<DuplicateType<'_>> for Diagnostic {
    fn from(error: DuplicateType<'_>) -> Self {
        let kind = words::kind(error.kind);
        Self::error(codes::DUPLICATE_TYPE, error.span, format!("{kind} type `{}` is declared twice", error.name))
            .label("second declaration")
            .also(error.first, "first declaration")
    }
}

/// Two fields of one type, or two members of one object, share a name.
pub(in crate::compiler) struct DuplicateField<'a> {
    pub name: &'a str,
    pub span: Span,
    pub first: Span,
    /// Whether names that differ in case count as one.
    pub any_case: bool,
}

impl From<DuplicateField<'_>> for Diagnostic {
    fn from(error: DuplicateField<'_>) -> Self {
        let diagnostic =
            Self::error(codes::DUPLICATE_FIELD, error.span, format!("field `{}` is declared twice", error.name))
                .label("second declaration")
                .also(error.first, "first declaration");
        if error.any_case { diagnostic.note("field names are compared without regard to case") } else { diagnostic }
    }
}

/// A field is named like an implicit one.
pub(in crate::compiler) struct ReservedFieldName<'a> {
    pub kind: ItemKind,
    pub name: &'a str,
    pub span: Span,
    pub reserved: &'a [&'a str],
}

impl From<ReservedFieldName<'_>> for Diagnostic {
    fn from(error: ReservedFieldName<'_>) -> Self {
        let kind = words::kind(error.kind);
        let names = words::list(error.reserved.iter().copied(), usize::MAX);
        Self::error(codes::RESERVED_FIELD, error.span, format!("field name `{}` is reserved", error.name))
            .note(format!("reserved on every {kind} type, in any case: {names}"))
            .help("choose another name".to_owned())
    }
}

/// A schema field has an object or a schema type.
pub(in crate::compiler) struct ObjectField<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<ObjectField<'_>> for Diagnostic {
    fn from(error: ObjectField<'_>) -> Self {
        Self::error(codes::BAD_TYPE, error.span, format!("field `{}` cannot hold an object", error.name))
            .label("only scalars and arrays of scalars are stored")
            .help("declare a type of its own and join it with an edge".to_owned())
    }
}

/// A type name that is neither a scalar nor declared.
pub(in crate::compiler) struct UnknownType<'a> {
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
    /// Where an item type of that name is declared, if only in an older version.
    pub older: Option<OlderVersion>,
}

impl From<UnknownType<'_>> for Diagnostic {
    fn from(error: UnknownType<'_>) -> Self {
        let diagnostic = Self::error(codes::BAD_TYPE, error.span, format!("unknown type `{}`", error.name));
        match error.older {
            Some(older) => older.tell(diagnostic, error.name),
            None => diagnostic.help(did_you_mean(meant_by(error.name).map(str::to_owned).or(error.nearest))),
        }
    }
}

/// The type that other languages call so.
fn meant_by(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_uppercase().as_str() {
        "INT" | "INTEGER" | "LONG" | "BIGINT" => "I64",
        "SHORT" => "I16",
        "BYTE" => "U8",
        "UINT" | "UNSIGNED" => "U64",
        "BOOL" => "Boolean",
        "FLOAT" | "DOUBLE" | "NUMBER" | "DECIMAL" | "REAL" => "F64",
        "DATETIME" | "TIMESTAMP" | "TIME" | "INSTANT" => "Date",
        "TEXT" | "STR" | "CHAR" | "VARCHAR" => "String",
        "UUID" | "GUID" => "ID",
        "VECTOR" | "EMBEDDING" => "[F64]",
        _ => return None,
    })
}

/// A `DEFAULT` that its field cannot hold.
pub(in crate::compiler) struct DefaultMismatch<'a> {
    pub field: &'a str,
    pub ty: &'a ValueType,
    pub found: &'a str,
    pub span: Span,
}

impl From<DefaultMismatch<'_>> for Diagnostic {
    fn from(error: DefaultMismatch<'_>) -> Self {
        let message = format!("default of field `{}` is not of type {}", error.field, words::ty(error.ty));
        Self::error(codes::DEFAULT_MISMATCH, error.span, message).label(format!("this is {}", error.found))
    }
}

/// `INDEX` or `DEFAULT` where nothing comes of it.
pub(in crate::compiler) struct NoEffectHere<'a> {
    pub word: &'a str,
    pub place: &'a str,
    pub span: Span,
}

impl From<NoEffectHere<'_>> for Diagnostic {
    fn from(warning: NoEffectHere<'_>) -> Self {
        let NoEffectHere { word, place, span } = warning;
        Self::warning(codes::NO_EFFECT_HERE, span, format!("`{word}` has no effect on {place}"))
            .help(format!("remove `{word}`"))
    }
}

/// A type is named like one that other HelixQL compilers need for themselves.
pub(in crate::compiler) struct ReservedTypeName<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<ReservedTypeName<'_>> for Diagnostic {
    fn from(warning: ReservedTypeName<'_>) -> Self {
        Self::warning(codes::RESERVED_TYPE_NAME, warning.span, format!("type name `{}` is not portable", warning.name))
            .note("it works here, but HelixQL v2 rejects it")
    }
}

/// `schema::0`.
pub(in crate::compiler) struct ZeroVersion {
    pub span: Span,
}

impl From<ZeroVersion> for Diagnostic {
    fn from(error: ZeroVersion) -> Self {
        Self::error(codes::SYNTAX, error.span, "schema versions start at 1")
    }
}

/// A program beyond a limit of the plan.
pub(in crate::compiler) struct OverLimit<'a> {
    pub what: &'a str,
    pub limit: usize,
    pub span: Span,
}

impl From<OverLimit<'_>> for Diagnostic {
    fn from(error: OverLimit<'_>) -> Self {
        Self::error(codes::SYNTAX, error.span, format!("more than {} {}", error.limit, error.what))
    }
}
