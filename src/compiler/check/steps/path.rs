//! `ShortestPath` and its siblings: from nodes to the paths between them and another node.

use helix_plan::{
    EdgeEnd, Expr, ExprKind, FieldRef, Heuristic, ItemKind, ItemType, Kind, Literal, MathFunction, PathAlgorithm,
    PathEdge, PathSearch, ScalarType, Step, Type, ValueType, Weight,
};

use crate::compiler::check::Checker;
use crate::compiler::check::create::help_to_identify;
use crate::compiler::check::math::{Meaning, meaning};
use crate::compiler::check::stream::{Place, Stream};
use crate::compiler::check::ty::Ty;
use crate::compiler::check::value::Value;
use crate::compiler::diagnostics::paths::{
    IgnoredPathEnd, ImpossiblePath, MalformedHeuristic, MalformedWeight, MissingPathEnd, PathArguments, UnknownGuide,
    UnknownWeightField,
};
use crate::compiler::diagnostics::steps::StepNotApplicable;
use crate::compiler::diagnostics::types::NotAnId;
use crate::compiler::diagnostics::warnings::DivisionByZero;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _};

impl Checker<'_> {
    /// Replaces nodes by paths.
    pub(super) fn path(&mut self, stream: &mut Stream, path: &ast::Path, span: Span) {
        stream.moved = true;
        stream.excluded.clear();
        let Some(word) = path.word() else {
            self.report.incomplete(span);
            return;
        };
        let name = word.text();
        let algorithm = match name {
            "ShortestPathDijkstras" => PathAlgorithm::Dijkstra,
            "ShortestPathAStar" => PathAlgorithm::AStar,
            _ => PathAlgorithm::BreadthFirst,
        };
        let is_known = path.type_args().map(|args| self.type_arg(ItemKind::Edge, Some(args), span));
        let ways = match is_known {
            None => self.all_ways(),
            Some(edge) => edge.into_iter().filter(|edge| self.joins_nodes(*edge)).collect(),
        };
        let arguments: Vec<ast::Expr> = path.arguments().collect();
        let ends = path.ends();
        let has_end = !(ends.from.is_empty() && ends.to.is_empty());
        let is_complete = arguments.len() == parameters(algorithm);
        let (weights, heuristic) = if is_complete {
            self.path_arguments(&arguments, &ways)
        } else {
            self.report.add(PathArguments { step: name, expected: parameters(algorithm), has_end, span });
            (vec![None; ways.len()], None)
        };
        // Of a call with wrong arguments, ends may have been meant by them.
        let other = if has_end || is_complete { self.path_end(name, &ends, span) } else { None };
        if stream.ty.is_unknown() {
            return;
        }
        let Some(item) = stream.ty.item().filter(|item| item.kind == ItemKind::Node) else {
            let found = stream.ty.describe(self.catalog);
            self.report.add(StepNotApplicable { step: name, found: &found, expected: "nodes", span });
            stream.ty = Ty::Unknown;
            return;
        };
        let Some((end, other)) = other else {
            stream.ty = Ty::Unknown;
            return;
        };
        if is_known != Some(None) {
            self.warn_of_dead_end(item, end, is_known.flatten(), &ways, span);
        }
        let edges = ways.into_iter().zip(weights).map(|(edge, weight)| {
            let ends = &self.catalog.edges[edge.id.index()];
            PathEdge { edge: edge.id, from: ends.from.id, to: ends.to.id, weight }
        });
        let search = PathSearch { algorithm, end, other, edges: edges.collect(), heuristic };
        stream.push(Step::ShortestPath(Box::new(search)), Ty::Known(Type::many(Kind::Path)));
    }

    /// Every edge type between nodes.
    fn all_ways(&self) -> Vec<ItemType> {
        self.catalog.items(ItemKind::Edge).filter(|edge| self.joins_nodes(*edge)).collect()
    }

    fn joins_nodes(&self, edge: ItemType) -> bool {
        let ends = &self.catalog.edges[edge.id.index()];
        self.schema.knows_ends(edge) && ends.from.kind == ItemKind::Node && ends.to.kind == ItemKind::Node
    }

    /// Warns of a path that cannot be: no edge leaves, or reaches, the nodes that are given.
    fn warn_of_dead_end(
        &mut self,
        item: ItemType,
        end: EdgeEnd,
        named: Option<ItemType>,
        ways: &[ItemType],
        span: Span,
    ) {
        let touches = |edge: &ItemType| {
            let ends = &self.catalog.edges[edge.id.index()];
            (if end == EdgeEnd::To { ends.from } else { ends.to }) == item
        };
        if !ways.iter().any(touches) && self.schema.complete {
            let direction = if end == EdgeEnd::To { "leaves" } else { "reaches" };
            let to_vectors = named.filter(|edge| self.schema.knows_ends(*edge) && !self.joins_nodes(*edge));
            let to_vectors = to_vectors.map(|edge| self.catalog.name(edge));
            self.report.add(ImpossiblePath { direction, node: self.catalog.name(item), to_vectors, span });
        }
    }

    /// The weight of the edges of each type, and what guides the search.
    fn path_arguments(
        &mut self,
        arguments: &[ast::Expr],
        ways: &[ItemType],
    ) -> (Vec<Option<Weight>>, Option<Heuristic>) {
        let weights = match arguments.first() {
            None => vec![None; ways.len()],
            Some(weight) => self.weights(weight, ways),
        };
        let heuristic = arguments.get(1).and_then(|field| self.guide(field, ways));
        (weights, heuristic)
    }

    fn weights(&mut self, weight: &ast::Expr, ways: &[ItemType]) -> Vec<Option<Weight>> {
        let mut weights = Vec::with_capacity(ways.len());
        for edge in ways {
            let current = self.current("_", &Ty::items(*edge, false));
            self.scopes.enter_item(current.clone());
            let value = self.weight(weight, *edge, ways);
            self.scopes.leave_item();
            let Some(value) = value else {
                // Said once; it would be wrong for every type.
                return vec![None; ways.len()];
            };
            weights.push(Some(Weight { current: current.slot, value }));
        }
        weights
    }

    /// A weight, of which every part is an F64; `None` after a mistake.
    fn weight(&mut self, expr: &ast::Expr, edge: ItemType, ways: &[ItemType]) -> Option<Expr> {
        let span = self.span(expr);
        let float = Type::scalar(ScalarType::F64);
        match expr {
            ast::Expr::Literal(_) => {
                let value = self.expr(expr, Place::Operand);
                match self.literal_as_scalar(&value, ScalarType::F64) {
                    Some(number) if !matches!(number.kind, ExprKind::Literal(Literal::F64(found)) if found < 0.0) => {
                        Some(number)
                    }
                    _ => self.malformed(&value, span),
                }
            }
            ast::Expr::Name(_) => self.weight_value(expr, span),
            ast::Expr::Math(math) => {
                let arguments: Vec<ast::Expr> = math.arguments().collect();
                let word = math.function()?;
                match meaning(word.text(), arguments.len()) {
                    Some(Meaning::Constant(number)) => {
                        Some(self.builder.expr(ExprKind::Literal(Literal::F64(number)), float, span))
                    }
                    Some(Meaning::Function(function)) => {
                        let arguments: Option<Vec<Expr>> =
                            arguments.iter().map(|argument| self.operand(argument, edge, ways)).collect();
                        let arguments = arguments?;
                        let is_division = matches!(function, MathFunction::Div | MathFunction::Mod);
                        let zero = ExprKind::Literal(Literal::F64(0.0));
                        if is_division && arguments.get(1).is_some_and(|divisor| divisor.kind == zero) {
                            self.report.add(DivisionByZero { function: word.text(), span });
                        }
                        let kind = ExprKind::Math { function, arguments };
                        Some(self.builder.expr(kind, float, span))
                    }
                    Some(Meaning::Fold(_) | Meaning::Count) => self.weight_value(expr, span),
                    None => {
                        self.report.add(MalformedWeight { span });
                        None
                    }
                }
            }
            ast::Expr::Traversal(traversal) => self.weight_field(expr, traversal, edge, ways),
            _ => {
                self.report.add(MalformedWeight { span });
                None
            }
        }
    }

    /// A number that is no field of the edge or of its ends.
    fn weight_value(&mut self, expr: &ast::Expr, span: Span) -> Option<Expr> {
        let value = self.expr(expr, Place::Operand);
        if !is_number(&value.ty) {
            return self.malformed(&value, span);
        }
        let is_known = !value.ty.is_unknown();
        is_known.then(|| self.float(value.expr, span))
    }

    /// An operand of a weight, which may be negative.
    fn operand(&mut self, expr: &ast::Expr, edge: ItemType, ways: &[ItemType]) -> Option<Expr> {
        if let ast::Expr::Literal(_) = expr {
            let value = self.expr(expr, Place::Operand);
            let span = value.span;
            return self.literal_as_scalar(&value, ScalarType::F64).or_else(|| self.malformed(&value, span));
        }
        self.weight(expr, edge, ways)
    }

    fn malformed(&mut self, value: &Value, span: Span) -> Option<Expr> {
        if !value.ty.is_unknown() {
            self.report.add(MalformedWeight { span });
        }
        None
    }

    fn float(&mut self, value: Expr, span: Span) -> Expr {
        let kind = ExprKind::Math { function: MathFunction::Float, arguments: vec![value] };
        self.builder.expr(kind, Type::scalar(ScalarType::F64), span)
    }

    /// `_::{field}`, `_::FromN::{field}`, `_::ToN::{field}`.
    fn weight_field(
        &mut self,
        expr: &ast::Expr,
        traversal: &ast::Traversal,
        edge: ItemType,
        ways: &[ItemType],
    ) -> Option<Expr> {
        let span = self.span(expr);
        let steps: Vec<ast::Step> = traversal.steps().collect();
        let (end, projection) = match (traversal.source(), steps.as_slice()) {
            (Some(ast::Source::Anonymous(_)), [ast::Step::Projection(field)]) => (None, field),
            (Some(ast::Source::Anonymous(_)), [ast::Step::FromN(_), ast::Step::Projection(field)]) => {
                (Some(EdgeEnd::From), field)
            }
            (Some(ast::Source::Anonymous(_)), [ast::Step::ToN(_), ast::Step::Projection(field)]) => {
                (Some(EdgeEnd::To), field)
            }
            _ => return self.weight_value(expr, span),
        };
        let mappings: Vec<ast::Mapping> = projection.mappings().collect();
        let [mapping] = mappings.as_slice() else {
            self.report.add(MalformedWeight { span });
            return None;
        };
        let (Some(key), false) = (mapping.key(), mapping.has_colon() || projection.spread().is_some()) else {
            self.report.add(MalformedWeight { span });
            return None;
        };
        let (name, name_span) = (key.text(), self.span(&key));
        if self.number_at(edge, end, &name).is_some() {
            let value = self.expr(expr, Place::Operand).expr;
            return Some(self.float(value, span));
        }
        // An edge type that lacks the field fails when it is walked; the query can do without it.
        if edge == ways[0] && !ways.iter().any(|way| self.number_at(*way, end, &name).is_some()) {
            self.report.add(UnknownWeightField { name: &name, span: name_span });
        }
        Some(self.builder.expr(ExprKind::Null, Type::one(Kind::Null), span))
    }

    /// The field of an edge or of its end, if it is a number.
    fn number_at(&self, edge: ItemType, end: Option<EdgeEnd>, name: &str) -> Option<FieldRef> {
        let ends = &self.catalog.edges[edge.id.index()];
        let item = match end {
            None => edge,
            Some(EdgeEnd::From) => ends.from,
            Some(EdgeEnd::To) => ends.to,
        };
        let field = self.find_field(&Ty::items(item, false), name)?;
        is_number(&self.field_type(item, field)).then_some(field)
    }

    /// The field that guides A*: a string.
    fn guide(&mut self, field: &ast::Expr, ways: &[ItemType]) -> Option<Heuristic> {
        let span = self.span(field);
        let value = match field {
            ast::Expr::Literal(_) => self.expr(field, Place::Operand).expr.kind,
            _ => ExprKind::Null,
        };
        let ExprKind::Literal(Literal::String(name)) = value else {
            self.report.add(MalformedHeuristic { span });
            return None;
        };
        let mut fields = Vec::new();
        for way in ways {
            let node = self.catalog.edges[way.id.index()].to;
            let is_new = fields.iter().all(|(known, _)| *known != node.id);
            if let (true, Some(FieldRef::Declared(field))) = (is_new, self.number_at(*way, Some(EdgeEnd::To), &name)) {
                fields.push((node.id, field));
            }
        }
        if fields.is_empty() && !ways.is_empty() {
            self.report.add(UnknownGuide { name: &name, span });
        }
        Some(Heuristic { name, fields })
    }

    /// The end of the paths that is given. Of two, the first one written counts.
    fn path_end(&mut self, name: &str, ends: &ast::Ends, span: Span) -> Option<(EdgeEnd, Expr)> {
        let from = ends.from.iter().map(|end| (EdgeEnd::From, end));
        let to = ends.to.iter().map(|end| (EdgeEnd::To, end));
        let mut given: Vec<(EdgeEnd, &Option<ast::Expr>)> =
            if ends.from_first { from.chain(to).collect() } else { to.chain(from).collect() };
        if given.is_empty() {
            self.report.add(MissingPathEnd { step: name, span });
            return None;
        }
        for (_, ignored) in given.split_off(1) {
            let span = ignored.as_ref().map_or(span, |expr| self.span(expr));
            self.report.add(IgnoredPathEnd { span });
        }
        let (end, expr) = given[0];
        let value = self.part(expr.clone(), Place::Top, span);
        let is_node = value.ty.item().is_some_and(|item| item.kind == ItemKind::Node);
        let is_id = value.ty.as_value() == Some(&ValueType::Scalar(ScalarType::Id));
        if value.ty.is_unknown() || ((is_node || is_id) && !value.ty.is_many()) {
            return Some((end, value.expr));
        }
        if let Some(id) = self.literal_as_scalar(&value, ScalarType::Id) {
            return Some((end, id));
        }
        let (place, found) = (format!("an end of `{name}`"), value.ty.describe(self.catalog));
        let help = match value.ty.item() {
            Some(item) if item.kind != ItemKind::Node => Some("paths lead from node to node: give one".to_owned()),
            _ if value.ty.is_many() => Some("take one of them with `::FIRST`".to_owned()),
            _ => help_to_identify(&value),
        };
        self.report.add(NotAnId { place: &place, found: &found, span: value.span, help });
        None
    }
}

/// How many arguments a search takes: a weight, and what guides it.
const fn parameters(algorithm: PathAlgorithm) -> usize {
    match algorithm {
        PathAlgorithm::BreadthFirst => 0,
        PathAlgorithm::Dijkstra => 1,
        PathAlgorithm::AStar => 2,
    }
}

fn is_number(ty: &Ty) -> bool {
    ty.is_unknown()
        || (!ty.is_many() && ty.as_value().and_then(ValueType::as_scalar).is_some_and(ScalarType::is_number))
}
