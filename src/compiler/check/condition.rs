//! Conditions: `AND`, `OR`, `!`, `EXISTS`, comparisons, and boolean values.

use helix_plan::{Comparison, Expr, ExprKind, Fold, Kind, Literal, ScalarType, SlotId, Source, Step, Type, ValueType};

use super::Checker;
use super::optional::or_null;
use super::scope::Origin;
use super::stream::{Place, Stream};
use super::ty::Ty;
use super::value::Value;
use crate::compiler::diagnostics::steps::StepNotApplicable;
use crate::compiler::diagnostics::types::{NotABoolean, NotACondition};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// An expression that is true or false; reports when it is neither.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Value {
        let span = self.span(expr);
        match expr {
            ast::Expr::And(and) => self.all_or_any(ExprKind::And, and.arguments(), span),
            ast::Expr::Or(or) => self.all_or_any(ExprKind::Or, or.arguments(), span),
            ast::Expr::Not(not) => self.not(not, span),
            ast::Expr::Exists(exists) => self.exists_expr(exists, span),
            ast::Expr::Literal(_)
            | ast::Expr::None(_)
            | ast::Expr::Now(_)
            | ast::Expr::Name(_)
            | ast::Expr::Array(_)
            | ast::Expr::Object(_)
            | ast::Expr::AddNode(_)
            | ast::Expr::AddEdge(_)
            | ast::Expr::AddVector(_)
            | ast::Expr::BatchAddVector(_)
            | ast::Expr::Embed(_)
            | ast::Expr::Math(_)
            | ast::Expr::Traversal(_) => {
                let value = self.expr(expr, Place::Left);
                let is_traversal = matches!(expr, ast::Expr::Traversal(_));
                self.truth(value, is_traversal)
            }
        }
    }

    /// A condition that may be missing from a broken tree.
    pub(super) fn condition_part(&mut self, expr: Option<ast::Expr>, whole: Span) -> Value {
        match expr {
            Some(expr) => self.condition(&expr),
            None => {
                self.report.incomplete(whole);
                self.unknown(whole)
            }
        }
    }

    fn all_or_any(
        &mut self,
        kind: fn(Vec<Expr>) -> ExprKind,
        arguments: impl Iterator<Item = ast::Expr>,
        span: Span,
    ) -> Value {
        let operands: Vec<Expr> = arguments.map(|argument| self.condition(&argument).expr).collect();
        if operands.is_empty() {
            self.report.incomplete(span);
        }
        self.settled(kind(operands), Ty::scalar(ScalarType::Boolean), span)
    }

    fn not(&mut self, not: &ast::Not, span: Span) -> Value {
        let operand = Box::new(self.condition_part(not.operand(), span).expr);
        self.settled(ExprKind::Not(operand), Ty::scalar(ScalarType::Boolean), span)
    }

    fn exists_expr(&mut self, exists: &ast::Exists, span: Span) -> Value {
        let mut stream = match exists.argument() {
            Some(ast::Expr::Traversal(traversal)) => self.stream(&traversal, Place::Left),
            other => Stream::of(self.part(other, Place::Left, span)),
        };
        if self.is_always_there(&stream) || is_boolean_variable(&stream) {
            let found = stream.ty.describe(self.catalog);
            let expected = "traversals, and to fields and parameters that may be absent";
            self.report.add(StepNotApplicable { step: "EXISTS", found: &found, expected, span: stream.span });
        }
        if let Source::Expr(expr) = stream.source {
            stream.source = Source::Expr(Box::new(or_null(*expr)));
        }
        self.exists(stream, span)
    }

    /// Whether a stream is one value that is never absent, so that there is nothing to ask and nothing to count.
    pub(super) fn is_always_there(&self, stream: &Stream) -> bool {
        if stream.ty.is_many() {
            return false;
        }
        match (stream.ty.kind(), stream.steps.last(), &stream.source) {
            (Some(Kind::Null | Kind::Composite), ..) => true,
            (None | Some(Kind::Item(_) | Kind::Shaped(_) | Kind::Path), ..) => false,
            (Some(Kind::Value(_)), Some(step), _) => is_number_of(step),
            (Some(Kind::Value(_)), None, Source::Expr(expr)) => self.is_given(expr, stream.span),
            (Some(Kind::Value(_)), None, _) => false,
        }
    }

    /// Whether a value is written down or calculated, or the request must hold it.
    fn is_given(&self, expr: &Expr, span: Span) -> bool {
        match &expr.kind {
            ExprKind::Literal(_)
            | ExprKind::Now
            | ExprKind::Math { .. }
            | ExprKind::List(_)
            | ExprKind::Object(_)
            | ExprKind::Compare { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Exists(_)
            | ExprKind::Embed(_) => true,
            ExprKind::Slot(slot) => self.is_needed_parameter(*slot, span),
            ExprKind::Member { object, index: _ } => matches!(object.kind, ExprKind::Slot(_) | ExprKind::Member { .. }),
            ExprKind::Traversal(traversal) => traversal.steps.last().is_some_and(is_number_of),
            ExprKind::Null
            | ExprKind::Field { .. }
            | ExprKind::AddNode { .. }
            | ExprKind::AddEdge { .. }
            | ExprKind::AddVector { .. }
            | ExprKind::AddVectors { .. }
            | ExprKind::Required { .. }
            | ExprKind::Optional(_) => false,
        }
    }

    /// Whether a name stands for a parameter that every request holds.
    fn is_needed_parameter(&self, slot: SlotId, name: Span) -> bool {
        self.scopes
            .get(self.text(name))
            .is_some_and(|binding| binding.slot == slot && binding.origin == Origin::Parameter && !binding.optional)
    }

    /// A value as a condition: what is stored as true holds, what is absent does not.
    fn truth(&mut self, value: Value, is_traversal: bool) -> Value {
        if value.ty.is_unknown() || (is_boolean(&value.ty) && self.is_never_absent(&value)) {
            return value;
        }
        let span = value.span;
        if !is_boolean(&value.ty) {
            let found = value.ty.describe(self.catalog);
            if is_traversal {
                let is_number = self.is_given(&value.expr, span) && is_number(&value.ty);
                self.report.add(NotACondition { found: &found, is_number, span });
            } else {
                let is_value = value.ty.as_value().is_some();
                self.report.add(NotABoolean { found: &found, is_value, span });
            }
            return self.unknown(span);
        }
        let boolean = Type::scalar(ScalarType::Boolean);
        let right = Box::new(self.builder.expr(ExprKind::Literal(Literal::Boolean(true)), boolean, span));
        let kind = ExprKind::Compare { comparison: Comparison::Equal, left: Box::new(or_null(value.expr)), right };
        self.settled(kind, Ty::scalar(ScalarType::Boolean), span)
    }

    fn is_never_absent(&self, value: &Value) -> bool {
        match &value.expr.kind {
            ExprKind::Literal(_)
            | ExprKind::Compare { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Exists(_) => true,
            ExprKind::Slot(slot) => self.is_needed_parameter(*slot, value.span),
            ExprKind::Null
            | ExprKind::Now
            | ExprKind::Field { .. }
            | ExprKind::Member { .. }
            | ExprKind::Traversal(_)
            | ExprKind::Math { .. }
            | ExprKind::List(_)
            | ExprKind::Object(_)
            | ExprKind::Embed(_)
            | ExprKind::AddNode { .. }
            | ExprKind::AddEdge { .. }
            | ExprKind::AddVector { .. }
            | ExprKind::AddVectors { .. }
            | ExprKind::Required { .. }
            | ExprKind::Optional(_) => false,
        }
    }
}

/// Whether a step says how many there are, or their sum: a number even where nothing flows.
const fn is_number_of(step: &Step) -> bool {
    matches!(step, Step::Count | Step::Fold(Fold::Count | Fold::Sum))
}

/// Whether a stream is a variable that is true or false.
fn is_boolean_variable(stream: &Stream) -> bool {
    let is_name = matches!(&stream.source, Source::Expr(expr) if matches!(expr.kind, ExprKind::Slot(_)));
    is_boolean(&stream.ty) && is_name && stream.is_one_expr()
}

fn is_number(ty: &Ty) -> bool {
    ty.as_value().and_then(ValueType::as_scalar).is_some_and(ScalarType::is_number)
}

fn is_boolean(ty: &Ty) -> bool {
    matches!(ty, Ty::Known(Type { kind: Kind::Value(ValueType::Scalar(ScalarType::Boolean)), .. }))
}
