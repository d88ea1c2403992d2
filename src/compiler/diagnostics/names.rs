//! Names that do not mean what they should: unknown, forbidden, or taken.

use helix_plan::ItemKind;

use super::schema::OlderVersion;
use super::{Diagnostic, codes, suggest::did_you_mean, words};
use crate::compiler::source::Span;

/// A query names a type that the schema does not declare.
pub(in crate::compiler) struct UnknownItemType<'a> {
    pub kind: ItemKind,
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
    /// Another kind that does declare the name.
    pub declared_as: Option<ItemKind>,
    /// Where the type is declared, if only in an older version.
    pub older: Option<OlderVersion>,
}

impl From<UnknownItemType<'_>> for Diagnostic {
    fn from(error: UnknownItemType<'_>) -> Self {
        let kind = words::kind(error.kind);
        let code = match error.kind {
            ItemKind::Node => codes::UNKNOWN_NODE_TYPE,
            ItemKind::Edge => codes::UNKNOWN_EDGE_TYPE,
            ItemKind::Vector => codes::UNKNOWN_VECTOR_TYPE,
        };
        if error.name.is_empty() {
            return Self::error(code, error.span, format!("missing {kind} type"))
                .help(format!("name {} type between `<` and `>`", words::a_kind(error.kind)));
        }
        let diagnostic = Self::error(code, error.span, format!("unknown {kind} type `{}`", error.name))
            .label("not declared in the schema");
        let diagnostic = match error.older {
            Some(older) => older.tell(diagnostic, error.name),
            None => diagnostic.help(did_you_mean(error.nearest)),
        };
        match error.declared_as {
            Some(other) => diagnostic.note(format!("`{}` is declared as {} type", error.name, words::a_kind(other))),
            None => diagnostic,
        }
    }
}

/// A word of the language stands where a name should.
pub(in crate::compiler) struct ForbiddenName<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<ForbiddenName<'_>> for Diagnostic {
    fn from(error: ForbiddenName<'_>) -> Self {
        Self::error(codes::FORBIDDEN_NAME, error.span, format!("`{}` cannot be used as a name", error.name))
            .label("a word of the language")
    }
}

/// A name that no parameter, variable or closure declares here.
pub(in crate::compiler) struct UnknownName<'a> {
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
    /// Whether the current item has a field of that name.
    pub is_field: bool,
    /// Whether a mathematical constant has that name.
    pub is_constant: bool,
}

impl From<UnknownName<'_>> for Diagnostic {
    fn from(error: UnknownName<'_>) -> Self {
        Self::error(codes::UNKNOWN_NAME, error.span, format!("unknown name `{}`", error.name))
            .label("neither a parameter nor a variable that is visible here")
            .help(if error.is_field {
                Some(format!("for the field, write `_::{{{}}}`", error.name))
            } else if error.is_constant {
                Some(format!("for the number, write `{}()`", error.name))
            } else {
                super::syntax::constant(error.name).map(str::to_owned).or_else(|| did_you_mean(error.nearest))
            })
    }
}

/// An assignment to a name that is already taken.
pub(in crate::compiler) struct Redeclared<'a> {
    pub name: &'a str,
    pub span: Span,
    pub first: Span,
}

impl From<Redeclared<'_>> for Diagnostic {
    fn from(error: Redeclared<'_>) -> Self {
        Self::error(codes::REDECLARED, error.span, format!("`{}` is already declared", error.name))
            .also(error.first, "first declared here")
            .note("a name is assigned once")
            .help("choose another name".to_owned())
    }
}

/// A member that a loop binds twice.
pub(in crate::compiler) struct BoundTwice<'a> {
    pub name: &'a str,
    pub span: Span,
    pub first: Span,
}

impl From<BoundTwice<'_>> for Diagnostic {
    fn from(error: BoundTwice<'_>) -> Self {
        Self::error(codes::REDECLARED, error.span, format!("member `{}` is bound twice", error.name))
            .also(error.first, "first bound here")
            .help("remove one of them".to_owned())
    }
}

/// Two queries share a name.
pub(in crate::compiler) struct DuplicateQuery<'a> {
    pub name: &'a str,
    pub span: Span,
    pub first: Span,
}

impl From<DuplicateQuery<'_>> for Diagnostic {
    fn from(error: DuplicateQuery<'_>) -> Self {
        Self::error(codes::DUPLICATE_QUERY, error.span, format!("query `{}` is declared twice", error.name))
            .label("second declaration")
            .also(error.first, "first declaration")
            .note("the name of a query is the path of its endpoint")
    }
}

/// A field that the item's type does not have.
pub(in crate::compiler) struct UnknownField<'a> {
    pub kind: ItemKind,
    pub ty: &'a str,
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
    /// The declared fields, for a type that has few.
    pub declared: &'a [&'a str],
}

impl From<UnknownField<'_>> for Diagnostic {
    fn from(error: UnknownField<'_>) -> Self {
        let kind = words::kind(error.kind);
        let message = format!("{kind} type `{}` has no field `{}`", error.ty, error.name);
        let diagnostic = Self::error(codes::UNKNOWN_FIELD, error.span, message).label("unknown field");
        match error.nearest {
            Some(_) => diagnostic.help(did_you_mean(error.nearest)),
            None if error.declared.is_empty() => diagnostic.note(format!("`{}` declares no fields", error.ty)),
            None => {
                diagnostic.note(format!("`{}` declares {}", error.ty, words::list(error.declared.iter().copied(), 8)))
            }
        }
    }
}

/// A member that an object does not have.
pub(in crate::compiler) struct UnknownMember<'a> {
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
    pub members: &'a [&'a str],
    /// Whether a `FOR` takes the member from the elements of a parameter.
    pub of_parameter: bool,
}

impl From<UnknownMember<'_>> for Diagnostic {
    fn from(error: UnknownMember<'_>) -> Self {
        let code = if error.of_parameter { codes::UNKNOWN_PARAMETER_MEMBER } else { codes::UNKNOWN_MEMBER };
        let diagnostic = Self::error(code, error.span, format!("the object has no member `{}`", error.name));
        match error.nearest {
            Some(_) => diagnostic.help(did_you_mean(error.nearest)),
            None => diagnostic.note(format!("its members are {}", words::list(error.members.iter().copied(), 8))),
        }
    }
}
