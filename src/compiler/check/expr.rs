//! Expressions: one arm each.

use helix_plan::{ExprKind, ScalarType};

use super::Checker;
use super::stream::Place;
use super::ty::Ty;
use super::value::Value;
use crate::compiler::diagnostics::steps::MisplacedEmbed;
use crate::compiler::diagnostics::values::MisplacedObject;
use crate::compiler::schema;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _, Expr};

impl Checker<'_> {
    /// A part of the tree that may be missing, which the parser has reported.
    pub(super) fn part(&mut self, expr: Option<Expr>, place: Place, whole: Span) -> Value {
        match expr {
            Some(expr) => self.expr(&expr, place),
            None => {
                self.report.incomplete(whole);
                self.unknown(whole)
            }
        }
    }

    /// An expression that stands at `place`.
    pub(super) fn expr(&mut self, expr: &Expr, place: Place) -> Value {
        let span = self.span(expr);
        match expr {
            Expr::Literal(literal) => self.literal(literal, span),
            Expr::None(_) => self.settled(ExprKind::Null, Ty::null(), span),
            Expr::Now(_) => self.settled(ExprKind::Now, Ty::scalar(ScalarType::Date), span),
            Expr::Name(name) => self.name_expr(name, place, span),
            Expr::Array(array) => self.array_expr(array, span),
            Expr::Object(_) => self.object_expr(span),
            Expr::AddNode(add) => self.add_node(add, span),
            Expr::AddEdge(add) => self.add_edge(add, span),
            Expr::AddVector(add) => self.add_vector(add, span),
            Expr::BatchAddVector(add) => self.add_vectors(add, span),
            Expr::Embed(_) => self.misplaced_embed(span),
            Expr::Exists(_) | Expr::And(_) | Expr::Or(_) | Expr::Not(_) => self.condition(expr),
            Expr::Math(math) => self.math_expr(math, span),
            Expr::Traversal(traversal) => self.traversal(traversal, place),
        }
    }

    fn literal(&mut self, literal: &ast::Literal, span: Span) -> Value {
        match schema::constant(literal) {
            Some(constant) => self.constant(constant, span),
            None => {
                self.report.incomplete(span);
                self.unknown(span)
            }
        }
    }

    fn name_expr(&mut self, name: &ast::NameExpr, place: Place, span: Span) -> Value {
        let Some(name) = name.name() else {
            self.report.incomplete(span);
            return self.unknown(span);
        };
        let value = self.variable(&name.text(), span);
        if place == Place::Operand && value.ty.is_many() { self.first_of(value) } else { value }
    }

    fn array_expr(&mut self, array: &ast::Array, span: Span) -> Value {
        let elements = array.elements().map(|element| self.expr(&element, Place::Left)).collect();
        self.array(elements, span)
    }

    fn object_expr(&mut self, span: Span) -> Value {
        self.report.add(MisplacedObject { span });
        self.unknown(span)
    }

    fn misplaced_embed(&mut self, span: Span) -> Value {
        self.report.add(MisplacedEmbed { span });
        self.unknown(span)
    }
}
