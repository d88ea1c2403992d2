//! `ORDER<Asc>`, `ORDER<Desc>`: sorts by a key of each element.

use helix_plan::{Direction, Expr, Step, ValueType};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::diagnostics::steps::{BadKey, ConditionAsKey};
use crate::compiler::diagnostics::warnings::KeyOfVariable;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _};
use crate::compiler::syntax::kind::{SyntaxKind, SyntaxNode};

impl Checker<'_> {
    /// Sorts the stream, which is many from here on.
    pub(super) fn order(&mut self, stream: &mut Stream, order: &ast::Order, span: Span) {
        self.flows(stream, "ORDER", span);
        let direction = match order.direction() {
            Some(ast::Direction::Ascending) => Direction::Ascending,
            Some(ast::Direction::Descending) => Direction::Descending,
            None => {
                self.report.incomplete(span);
                Direction::Ascending
            }
        };
        let current = self.current("_", &stream.ty);
        self.scopes.enter_item(current.clone());
        let key = self.key(order.key(), span);
        self.scopes.leave_item();
        let ty = stream.ty.with_many(true);
        stream.push(Step::Order { current: current.slot, key, direction }, ty);
    }

    /// The key: a scalar or an array that is computed from the element.
    fn key(&mut self, key: Option<ast::Expr>, whole: Span) -> Expr {
        if let Some(ast::Expr::Exists(_) | ast::Expr::And(_) | ast::Expr::Or(_) | ast::Expr::Not(_)) = key {
            let value = self.part(key, Place::Operand, whole);
            self.report.add(ConditionAsKey { span: value.span });
            return value.expr;
        }
        // HelixQL v2 takes a key that starts at a variable, so it is only warned of.
        let of_variable = key.as_ref().is_some_and(|key| !mentions_item(key) && starts_at_variable(key));
        let is_computed = match &key {
            None => true,
            Some(key @ (ast::Expr::Traversal(_) | ast::Expr::Math(_))) => of_variable || mentions_item(key),
            Some(_) => false,
        };
        let value = self.part(key, Place::Operand, whole);
        let sorts = |ty: &ValueType| ty.as_scalar().is_some() || matches!(ty, ValueType::List(_));
        let fits = value.ty.is_unknown() || (is_computed && value.ty.as_value().is_some_and(sorts));
        if !fits {
            let found = if is_computed {
                value.ty.describe(self.catalog)
            } else {
                "what is the same for every item".to_owned()
            };
            self.report.add(BadKey { found: &found, span: value.span });
        } else if of_variable && !value.ty.is_unknown() {
            self.report.add(KeyOfVariable { span: value.span });
        }
        value.expr
    }
}

/// Whether any part of a key reads an item; one that does not is the same for each.
fn mentions_item(key: &ast::Expr) -> bool {
    let is_item = |node: SyntaxNode| matches!(node.kind(), SyntaxKind::ANONYMOUS | SyntaxKind::IMPLIED);
    key.syntax().descendants().any(is_item)
}

fn starts_at_variable(key: &ast::Expr) -> bool {
    matches!(key, ast::Expr::Traversal(key) if matches!(key.source(), Some(ast::Source::Name(_))))
}
