//! Plans of the engine's own: queries that no program declares, run once against the types of the active one.

use helix_plan::{
    Access, Comparison, Entry, Expr, ExprKind, Kind, Literal, Query, ReadClass, Return, ScalarType, Slot, SourceMap,
    SpanId, Type,
};

/// A query that reads, and answers with an object.
#[must_use]
pub fn reading(slots: Vec<Slot>, entries: Vec<Entry>) -> Query {
    Query {
        name: String::new(),
        params: Vec::new(),
        access: Access::Read,
        class: ReadClass::Long,
        mcp: false,
        embedding_model: None,
        slots,
        body: Vec::new(),
        returns: Return::Object(entries),
        span: SpanId(0),
        source_map: SourceMap::default(),
    }
}

/// An expression that was written nowhere.
#[must_use]
pub const fn expr(kind: ExprKind, ty: Type) -> Expr {
    Expr { kind, ty, span: SpanId(0) }
}

/// A constant.
#[must_use]
pub fn literal(literal: Literal, ty: ScalarType) -> Expr {
    expr(ExprKind::Literal(literal), Type::scalar(ty))
}

/// A whole number.
#[must_use]
pub fn integer(value: usize) -> Expr {
    literal(Literal::Integer(i128::try_from(value).unwrap_or(i128::MAX)), ScalarType::U64)
}

/// A text.
#[must_use]
pub fn string(text: &str) -> Expr {
    literal(Literal::String(text.to_owned()), ScalarType::String)
}

/// A truth value.
#[must_use]
pub fn boolean(value: bool) -> Expr {
    literal(Literal::Boolean(value), ScalarType::Boolean)
}

/// No value.
#[must_use]
pub fn null() -> Expr {
    expr(ExprKind::Null, Type::one(Kind::Null))
}

/// A comparison.
#[must_use]
pub fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    let (left, right) = (Box::new(left), Box::new(right));
    expr(ExprKind::Compare { comparison, left, right }, Type::scalar(ScalarType::Boolean))
}
