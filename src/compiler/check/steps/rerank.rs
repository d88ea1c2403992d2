//! `RerankRRF`, `RerankMMR`: new scores and a new order for what a search found.

use helix_plan::{Expr, ExprKind, ItemKind, Kind, Literal, ScalarType, Step, Type, ValueType};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::{BadRerankParameter, RerankOutOfRange, StepNotApplicable, UnknownDistance};
use crate::compiler::diagnostics::types::TypeMismatch;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

/// The rank that counts half as much as the first, when none is given.
const DEFAULT_K: f64 = 60.0;
/// The ways to compare two vectors.
const DISTANCES: [&str; 3] = ["cosine", "euclidean", "dotproduct"];

/// A number that a reranker takes, and which numbers it takes.
#[derive(Clone, Copy)]
struct Parameter {
    step: &'static str,
    name: &'static str,
    expected: &'static str,
    accepts: fn(f64) -> bool,
}

impl Checker<'_> {
    /// Scores nodes or vectors by their rank.
    pub(in crate::compiler::check) fn rerank_by_rank(
        &mut self,
        stream: &mut Stream,
        rerank: &ast::RerankRrf,
        span: Span,
    ) {
        let parameter = Parameter { step: "RerankRRF", name: "k", expected: "a number above 0", accepts: |k| k > 0.0 };
        let k = match rerank.k() {
            Some(k) => self.parameter(parameter, &k),
            None => {
                let kind = ExprKind::Literal(Literal::F64(DEFAULT_K));
                self.builder.expr(kind, Type::scalar(ScalarType::F64), span)
            }
        };
        let expected = "vectors, and nodes that a search found";
        if self.reranked(stream, parameter.step, expected, |ty| is_vector(ty) || matches!(ty, Ty::Scored(_)), span) {
            let ty = stream.ty.with_many(true);
            stream.push(Step::RerankByRank { k }, ty);
        }
    }

    /// Orders vectors by relevance and variety.
    pub(in crate::compiler::check) fn rerank_by_diversity(
        &mut self,
        stream: &mut Stream,
        rerank: &ast::RerankMmr,
        span: Span,
    ) {
        let parameter = Parameter {
            step: "RerankMMR",
            name: "lambda",
            expected: "a number from 0 to 1",
            accepts: |lambda| (0.0..=1.0).contains(&lambda),
        };
        let lambda = match rerank.lambda() {
            Some(lambda) => self.parameter(parameter, &lambda),
            None => {
                self.report.incomplete(span);
                return;
            }
        };
        let distance = self.distance(rerank.distance(), span);
        if self.reranked(stream, parameter.step, "vectors", is_vector, span) {
            let ty = stream.ty.with_many(true);
            stream.push(Step::RerankByDiversity { lambda, distance }, ty);
        }
    }

    /// Whether what flows can be reranked: whole items, since a projection has shown their scores already.
    fn reranked(
        &mut self,
        stream: &mut Stream,
        step: &str,
        expected: &str,
        takes: impl Fn(&Ty) -> bool,
        span: Span,
    ) -> bool {
        if stream.ty.is_unknown() {
            return false;
        }
        let is_whole = matches!(stream.ty.kind(), Some(Kind::Item(_)));
        if is_whole && takes(&stream.ty) {
            return true;
        }
        let found = if stream.ty.item().is_some() && !is_whole {
            "the objects of a projection".to_owned()
        } else {
            stream.ty.describe(self.catalog)
        };
        self.report.add(StepNotApplicable { step, found: &found, expected, span });
        stream.ty = Ty::Unknown;
        false
    }

    fn parameter(&mut self, parameter: Parameter, given: &ast::Expr) -> Expr {
        let Parameter { step, name, expected, accepts } = parameter;
        let span = self.span(given);
        if !matches!(given, ast::Expr::Literal(_) | ast::Expr::Name(_)) {
            self.report.add(BadRerankParameter { step, name, span });
            return self.unknown(span).expr;
        }
        let value = self.expr(given, Place::Top);
        let is_number = value.ty.as_value().and_then(ValueType::as_scalar).is_some_and(ScalarType::is_number);
        if !value.ty.is_unknown() && (!is_number || value.ty.is_many()) {
            let (place, found) = (format!("`{name}` of `{step}`"), value.ty.describe(self.catalog));
            self.report.add(TypeMismatch { place: &place, expected: "a number", found: &found, span, help: None });
            return value.expr;
        }
        let expr = self.literal_as_scalar(&value, ScalarType::F64).unwrap_or(value.expr);
        if self.known_number(&expr).is_some_and(|number| !accepts(number)) {
            self.report.add(RerankOutOfRange { step, name, expected, span });
        }
        expr
    }

    /// The name of a distance: a literal, or a variable that holds it. A literal that names none is a variable's name.
    fn distance(&mut self, given: Option<ast::Expr>, whole: Span) -> Expr {
        let named = |checker: &mut Self, name: &str, span: Span| {
            let kind = ExprKind::Literal(Literal::String(name.to_owned()));
            checker.builder.expr(kind, Type::scalar(ScalarType::String), span)
        };
        let Some(given) = given else { return named(self, DISTANCES[0], whole) };
        let span = self.span(&given);
        let value = match &given {
            ast::Expr::Literal(_) | ast::Expr::Name(_) => self.expr(&given, Place::Top),
            _ => {
                self.report.add(BadRerankParameter { step: "RerankMMR", name: "distance", span });
                return self.unknown(span).expr;
            }
        };
        let value = match &value.expr.kind {
            ExprKind::Literal(Literal::String(name)) if DISTANCES.contains(&name.as_str()) => return value.expr,
            ExprKind::Literal(Literal::String(name)) => {
                let name = name.clone();
                if self.scopes.get(&name).is_none() {
                    self.report.add(UnknownDistance { name: &name, span });
                    return self.unknown(span).expr;
                }
                self.variable(&name, span)
            }
            _ => value,
        };
        if !value.ty.is_unknown() && value.ty != Ty::scalar(ScalarType::String) {
            let (place, found) = ("`distance` of `RerankMMR`", value.ty.describe(self.catalog));
            self.report.add(TypeMismatch { place, expected: "a String", found: &found, span, help: None });
        }
        value.expr
    }
}

fn is_vector(ty: &Ty) -> bool {
    ty.item().is_some_and(|item| item.kind == ItemKind::Vector)
}
