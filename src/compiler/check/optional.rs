//! Values that the request need not hold: where they may be missing, and where they must not.
//!
//! A missing value is null in comparisons (which do not hold), in the response, in lists that a loop goes through, and in
//! fields (which then are not given). Everywhere else the query fails. So a name stands for the value that must be there, and
//! the places that do without it take the guard off.

use helix_plan::{Expr, ExprKind};

use super::Checker;
use super::ty::Ty;
use super::value::{Form, Value};
use crate::compiler::source::Span;

impl Checker<'_> {
    /// A value of the request that must be there when it is looked at.
    pub(super) fn guarded(&mut self, value: Expr, ty: Ty, name: &str, span: Span) -> Value {
        let kind = ExprKind::Required { value: Box::new(value), name: name.to_owned() };
        let expr = self.builder.expr(kind, ty.plan(), span);
        Value { expr, ty, form: Form::Settled, span }
    }
}

/// The value where null will do when it is missing.
pub(super) fn or_null(expr: Expr) -> Expr {
    split_guard(expr).0
}

/// The value for a field, which is not given when it is missing.
pub(super) fn if_given(expr: Expr) -> Expr {
    match expr.kind {
        ExprKind::Required { value, name: _ } => Expr { kind: ExprKind::Optional(value), ..expr },
        _ => expr,
    }
}

/// The value behind a guard, and what the guard says is missing.
pub(super) fn split_guard(expr: Expr) -> (Expr, Option<String>) {
    match expr.kind {
        ExprKind::Required { value, name } => (*value, Some(name)),
        _ => (expr, None),
    }
}

/// How a request names a member: `user::{name}` is `user.name` there.
pub(super) fn as_path(text: &str) -> String {
    let parts = text
        .split("::")
        .filter(|part| part.trim() != "FIRST")
        .map(|part| part.trim_matches(|c: char| "{}".contains(c) || c.is_whitespace()));
    parts.collect::<Vec<_>>().join(".")
}
