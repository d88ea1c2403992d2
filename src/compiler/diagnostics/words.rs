//! Words that several families share.

use helix_plan::{ItemKind, ScalarType, ValueType};

/// The word for a kind of item.
pub(in crate::compiler) const fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Node => "node",
        ItemKind::Edge => "edge",
        ItemKind::Vector => "vector",
    }
}

/// The word for a kind of item, with its article.
pub(in crate::compiler) const fn a_kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Node => "a node",
        ItemKind::Edge => "an edge",
        ItemKind::Vector => "a vector",
    }
}

/// A name in backticks with its article: "a `User`", "an `Owner`".
pub(in crate::compiler) fn a_name(name: &str) -> String {
    let article = if name.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} `{name}`")
}

/// A type as it is declared: `I32`, `[[F64]]`.
pub(in crate::compiler) fn ty(ty: &ValueType) -> String {
    match ty {
        ValueType::List(element) => format!("[{}]", self::ty(element)),
        ValueType::Optional(inner) => self::ty(inner),
        ValueType::Scalar(_) | ValueType::Object(_) => ty.to_string(),
    }
}

/// The letter that declares a kind of item and starts a traversal over it.
pub(in crate::compiler) const fn letter(kind: ItemKind) -> char {
    match kind {
        ItemKind::Node => 'N',
        ItemKind::Edge => 'E',
        ItemKind::Vector => 'V',
    }
}

/// A scalar type with its article.
pub(in crate::compiler) const fn scalar(ty: ScalarType) -> &'static str {
    match ty {
        ScalarType::String => "a String",
        ScalarType::Boolean => "a Boolean",
        ScalarType::I8 => "an I8",
        ScalarType::I16 => "an I16",
        ScalarType::I32 => "an I32",
        ScalarType::I64 => "an I64",
        ScalarType::U8 => "a U8",
        ScalarType::U16 => "a U16",
        ScalarType::U32 => "a U32",
        ScalarType::U64 => "a U64",
        ScalarType::U128 => "a U128",
        ScalarType::F32 => "an F32",
        ScalarType::F64 => "an F64",
        ScalarType::Id => "an ID",
        ScalarType::Date => "a Date",
    }
}

/// The names as a list for people: `a`, `b` and `c`; at most `limit` of them.
pub(in crate::compiler) fn list<'a>(names: impl IntoIterator<Item = &'a str>, limit: usize) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let shown = names.iter().take(limit).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    match shown.as_slice() {
        [] => "none".to_owned(),
        _ if names.len() > limit => format!("{} and {} more", shown.join(", "), names.len() - limit),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
