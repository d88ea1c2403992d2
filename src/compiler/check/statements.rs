//! Statements: assignments, effects, `DROP`; `FOR` has a file of its own.

use helix_plan::{Statement, StatementKind};

use super::Checker;
use super::stream::Place;
use super::ty::Ty;
use crate::compiler::diagnostics::steps::IdleStatement;
use crate::compiler::diagnostics::types::{DropOfNoItems, UntypedArray};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, Expr};

impl Checker<'_> {
    /// The statements of a block, in order.
    pub(super) fn statements(&mut self, statements: impl Iterator<Item = ast::Statement>) -> Vec<Statement> {
        statements.filter_map(|statement| self.statement(&statement)).collect()
    }

    fn statement(&mut self, statement: &ast::Statement) -> Option<Statement> {
        let span = self.span(statement);
        if self.is_broken(span) && !matches!(statement, ast::Statement::For(_)) {
            self.skip(statement);
            return None;
        }
        let kind = match statement {
            ast::Statement::Assignment(assignment) => self.assignment(assignment, span),
            ast::Statement::Expr(effect) => self.effect(effect, span),
            ast::Statement::Drop(drop) => self.drop(drop, span),
            ast::Statement::For(for_loop) => self.for_loop(for_loop, span),
        }?;
        Some(Statement { kind, span: self.builder.span(span) })
    }

    /// Keeps the name that a broken statement assigns.
    fn skip(&mut self, statement: &ast::Statement) {
        if let ast::Statement::Assignment(assignment) = statement
            && let Some(name) = assignment.name()
        {
            let span = self.span(&name);
            self.assign_name(&ast::AstNode::text(&name), Ty::Unknown, span);
        }
    }

    fn assignment(&mut self, assignment: &ast::Assignment, span: Span) -> Option<StatementKind> {
        let value = self.part(assignment.value(), Place::Top, span);
        let Some(name) = assignment.name() else {
            self.report.incomplete(span);
            return None;
        };
        let (name, span) = (ast::AstNode::text(&name), self.span(&name));
        let ty = if value.is_empty_array() {
            self.report.add(UntypedArray { span: value.span });
            Ty::Unknown
        } else {
            value.ty
        };
        let slot = self.assign_name(&name, ty, span);
        self.learn(slot, &value.expr);
        Some(StatementKind::Assign { slot, value: value.expr })
    }

    fn effect(&mut self, effect: &ast::ExprStatement, span: Span) -> Option<StatementKind> {
        let Some(expr) = effect.expr() else {
            self.report.incomplete(span);
            return None;
        };
        if !has_effect(&expr) {
            self.report.add(IdleStatement { text: self.text(span), span });
            if matches!(expr, Expr::Name(_)) {
                return None;
            }
        }
        Some(StatementKind::Evaluate(self.expr(&expr, Place::Top).expr))
    }

    fn drop(&mut self, drop: &ast::Drop, span: Span) -> Option<StatementKind> {
        let value = self.part(drop.expr(), Place::All, span);
        if !value.ty.is_unknown() && value.ty.item().is_none() {
            let found = value.ty.element().describe(self.catalog);
            self.report.add(DropOfNoItems { found: &found, span: value.span });
        }
        Some(StatementKind::Drop(value.expr))
    }
}

/// Whether an expression creates or changes something.
fn has_effect(expr: &Expr) -> bool {
    match expr {
        Expr::AddNode(_) | Expr::AddEdge(_) | Expr::AddVector(_) | Expr::BatchAddVector(_) => true,
        Expr::Traversal(traversal) => {
            let creates = matches!(
                traversal.source(),
                Some(ast::Source::AddNode(_) | ast::Source::AddEdge(_) | ast::Source::AddVector(_))
            );
            creates || traversal.steps().any(|step| changes(&step))
        }
        Expr::Literal(_)
        | Expr::None(_)
        | Expr::Now(_)
        | Expr::Name(_)
        | Expr::Array(_)
        | Expr::Object(_)
        | Expr::Embed(_)
        | Expr::Exists(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_)
        | Expr::Math(_) => false,
    }
}

/// Whether a step changes something.
fn changes(step: &ast::Step) -> bool {
    matches!(
        step,
        ast::Step::AddEdge(_)
            | ast::Step::Update(_)
            | ast::Step::UpsertNode(_)
            | ast::Step::UpsertEdge(_)
            | ast::Step::UpsertVector(_)
            | ast::Step::Unknown(_)
    )
}
