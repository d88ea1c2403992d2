//! Where traversals start.

use helix_plan::{FieldRef, Index, ItemKind, ItemType, ScalarType, Source, ValueType};

use super::Checker;
use super::fields::implicit;
use super::stream::{Place, Stream};
use super::ty::Ty;
use crate::compiler::diagnostics::steps::{LookupNeedsNodes, MissingId, NoCurrentItem, NotIndexed, Unindexed};
use crate::compiler::diagnostics::types::TypeMismatch;
use crate::compiler::diagnostics::values::LookupByObject;
use crate::compiler::diagnostics::warnings::LookupByNone;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _, Expr};

/// The parts of `N<Type>(…)`, `E<Type>(…)` and `V<Type>(…)`.
struct ItemSource {
    kind: ItemKind,
    type_args: Option<ast::TypeArgs>,
    ids: Vec<Expr>,
    lookup: Option<ast::IndexLookup>,
    has_parentheses: bool,
    span: Span,
}

impl Checker<'_> {
    /// The stream that a source starts; `None` is a hole in a broken tree.
    pub(super) fn source(&mut self, source: Option<ast::Source>, whole: Span) -> Stream {
        let Some(source) = source else {
            self.report.incomplete(whole);
            return Stream::of(self.unknown(whole));
        };
        let span = self.span(&source);
        match source {
            ast::Source::Node(node) => self.item_source(ItemSource {
                kind: ItemKind::Node,
                type_args: node.type_args(),
                ids: node.ids().collect(),
                lookup: node.lookup(),
                has_parentheses: node.has_parentheses(),
                span,
            }),
            ast::Source::Edge(edge) => self.item_source(ItemSource {
                kind: ItemKind::Edge,
                type_args: edge.type_args(),
                ids: edge.ids().collect(),
                lookup: edge.lookup(),
                has_parentheses: edge.has_parentheses(),
                span,
            }),
            ast::Source::Vector(vector) => self.item_source(ItemSource {
                kind: ItemKind::Vector,
                type_args: vector.type_args(),
                ids: vector.ids().collect(),
                lookup: vector.lookup(),
                has_parentheses: vector.has_parentheses(),
                span,
            }),
            ast::Source::SearchVector(search) => self.search_source(&search, span),
            ast::Source::SearchText(search) => self.text_source(&search, span),
            ast::Source::Anonymous(_) => self.anonymous(span),
            ast::Source::Implied(_) => self.anonymous(whole),
            ast::Source::Name(_)
            | ast::Source::Math(_)
            | ast::Source::Literal(_)
            | ast::Source::None(_)
            | ast::Source::Now(_)
            | ast::Source::Array(_)
            | ast::Source::Object(_)
            | ast::Source::AddNode(_)
            | ast::Source::AddEdge(_)
            | ast::Source::AddVector(_)
            | ast::Source::BatchAddVector(_)
            | ast::Source::Embed(_)
            | ast::Source::Exists(_)
            | ast::Source::And(_)
            | ast::Source::Or(_)
            | ast::Source::Not(_) => {
                // These are expressions as well; nothing but the steps behind them makes them sources.
                let expr = Expr::cast(source.syntax().clone());
                Stream::of(self.part(expr, Place::Top, span))
            }
        }
    }

    /// `_`: the item of the innermost step that has one.
    fn anonymous(&mut self, span: Span) -> Stream {
        match self.scopes.current().cloned() {
            Some(current) => Stream::of(self.current_value(&current, span)),
            None => {
                self.report.add(NoCurrentItem { span });
                Stream::of(self.unknown(span))
            }
        }
    }

    fn item_source(&mut self, source: ItemSource) -> Stream {
        let ItemSource { kind, type_args, ids, lookup, has_parentheses, span } = source;
        let item = match type_args {
            Some(_) => self.type_arg(kind, type_args, span),
            None => self.item_type(kind, "", span),
        };
        let Some(item) = item else {
            for id in &ids {
                self.expr(id, Place::Top);
            }
            return Stream::of(self.unknown(span));
        };
        if let Some(lookup) = lookup {
            return self.lookup(item, &lookup, span);
        }
        if ids.is_empty() && has_parentheses {
            // Not all items: `DROP N<User>()` would delete them.
            self.report.add(MissingId { kind, ty: self.catalog.name(item), span });
            return Stream::of(self.unknown(span));
        }
        if ids.is_empty() {
            return Stream::new(Source::All(item), Ty::items(item, true), span);
        }
        let (ids, many) = self.ids(item, ids.into_iter());
        Stream::new(Source::ById { item, ids }, Ty::items(item, many), span)
    }

    /// `N<Type>({field: value})`.
    fn lookup(&mut self, item: ItemType, lookup: &ast::IndexLookup, span: Span) -> Stream {
        let braces = self.span(lookup);
        let value = self.part(lookup.value(), Place::Top, braces);
        let found = Stream::of(self.unknown(span));
        if item.kind != ItemKind::Node {
            let ty = self.catalog.name(item);
            self.report.add(LookupNeedsNodes { kind: item.kind, ty, span: braces });
            return Stream { ty: Ty::items(item, false), ..found };
        }
        let Some(name) = lookup.field() else {
            self.report.incomplete(braces);
            return found;
        };
        let name = name.text();
        let Some(field) = self.indexed_field(item, &name, braces) else {
            return Stream { ty: Ty::items(item, false), ..found };
        };
        if let Some(ValueType::Object(_)) = value.ty.as_value() {
            self.report.add(LookupByObject { object: self.text(value.span), span: value.span });
            return Stream { ty: Ty::items(item, false), ..found };
        }
        if value.is_none() {
            self.report.add(LookupByNone { ty: self.catalog.name(item), field: &name, span: value.span });
        }
        let value = if self.schema.knows_field(item, field) {
            let ty = self.catalog.fields(item)[field.index()].ty.clone();
            self.assign(value, &ty, &format!("field `{name}`"))
        } else {
            value.expr
        };
        let source = Source::ByIndex { node: item.id, field, value: Box::new(value) };
        Stream::new(source, Ty::items(item, false), span)
    }

    /// The field `name` if it has an index; reports otherwise.
    fn indexed_field(&mut self, item: ItemType, name: &str, span: Span) -> Option<helix_plan::FieldId> {
        let catalog = self.catalog;
        let fields = catalog.fields(item);
        let field = catalog.field(item, name);
        let is_indexed = field.is_some_and(|field| fields[field.index()].index != Index::None);
        let is_known = self.schema.knows_fields(item);
        if is_indexed || !is_known || field.is_some_and(|field| !self.schema.knows_field(item, field)) {
            return field;
        }
        let indexed = fields.iter().filter(|field| field.index != Index::None);
        let nearest = self.report.nearest(name, indexed.map(|field| field.name.as_str()));
        let ty = catalog.name(item);
        let found = match (field, implicit(item.kind, name)) {
            (Some(field), _) if fields[field.index()].ty.as_scalar().is_none() => Unindexed::Array,
            (Some(_), _) => Unindexed::Declared,
            (None, Some(FieldRef::Id)) => Unindexed::Id,
            (None, Some(_)) => Unindexed::Implicit,
            (None, None) => Unindexed::Unknown,
        };
        self.report.add(NotIndexed { ty, field: name, found, nearest, span });
        None
    }

    fn search_source(&mut self, search: &ast::SearchVector, span: Span) -> Stream {
        let item = self.type_arg(ItemKind::Vector, search.type_args(), span);
        let query = Box::new(self.vector(search.vector(), "SearchV", span));
        let k = Box::new(self.length(search.k(), "SearchV", span));
        match item {
            Some(item) => Stream::new(Source::SearchVector { vector: item.id, query, k }, Ty::items(item, true), span),
            None => Stream::of(self.unknown(span)),
        }
    }

    /// `SearchBM25<Type>(text, k)`.
    fn text_source(&mut self, search: &ast::SearchText, span: Span) -> Stream {
        let item = self.type_arg(ItemKind::Node, search.type_args(), span);
        let query = self.part(search.query(), Place::Top, span);
        if !query.ty.is_unknown() && query.ty != Ty::scalar(ScalarType::String) {
            let (found, span) = (query.ty.describe(self.catalog), query.span);
            let (place, expected) = ("`SearchBM25`", "the text to search for, a String");
            self.report.add(TypeMismatch { place, expected, found: &found, span, help: None });
        }
        let text = Box::new(query.expr);
        let k = Box::new(self.length(search.k(), "SearchBM25", span));
        match item {
            Some(item) => Stream::new(Source::SearchText { node: item.id, text, k }, Ty::scored(item, true), span),
            None => Stream::of(self.unknown(span)),
        }
    }
}
