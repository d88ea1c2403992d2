//! `AddN`, `AddE`, `AddV`, and what they share with updates: field blocks and the ends of edges.

use helix_plan::{Assignment, Expr, ExprKind, ItemKind, ItemType, ScalarType, ValueType};

use super::Checker;
use super::optional::if_given;
use super::stream::Place;
use super::ty::{Ty, describe_item, is_vector_data};
use super::value::{Form, Value};
use super::vector::data_type;
use crate::compiler::diagnostics::steps::{DuplicateProjectionKey, End, MissingEnd, RepeatedEnd, WriteInExpression};
use crate::compiler::diagnostics::types::{NotAnId, TypeMismatch, WrongEdgeEnd};
use crate::compiler::diagnostics::values::UnsupportedValue;
use crate::compiler::diagnostics::warnings::{ExtraFieldBlock, ExtraTypeArguments};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _};

/// The edge type whose ends are given, and how the call is written.
#[derive(Clone, Copy)]
pub(super) struct EdgeCall<'a> {
    pub edge: Option<ItemType>,
    pub name: &'a str,
    pub upsert: bool,
    pub span: Span,
}

impl Checker<'_> {
    /// The type named first between `<` and `>`; the others are warned of.
    pub(super) fn type_arg(&mut self, kind: ItemKind, args: Option<ast::TypeArgs>, whole: Span) -> Option<ItemType> {
        let Some(args) = args else {
            // The parser has said so; only sources may be without.
            self.report.incomplete(whole);
            return None;
        };
        let mut names = args.names();
        let Some(first) = names.next() else {
            return self.item_type(kind, "", whole);
        };
        if let Some(second) = names.next() {
            let end = names.last().map_or(self.span(&second).end, |last| self.span(&last).end);
            self.report.add(ExtraTypeArguments { span: Span { end, ..self.span(&second) } });
        }
        let span = self.span(&first);
        self.item_type(kind, &first.text(), span)
    }

    /// Reports what would change the store while a step reads it.
    pub(super) fn check_may_write(&mut self, step: &str, span: Span) {
        if self.scopes.current().is_some() {
            self.report.add(WriteInExpression { step, span });
        }
    }

    /// `AddN<Type>({…})`.
    pub(super) fn add_node(&mut self, add: &ast::AddNode, span: Span) -> Value {
        self.check_may_write("AddN", span);
        let item = self.type_arg(ItemKind::Node, add.type_args(), span);
        let fields = self.field_block(item, add.fields());
        match item {
            Some(item) => self.settled(ExprKind::AddNode { node: item.id, fields }, Ty::items(item, false), span),
            None => self.unknown(span),
        }
    }

    /// `AddV<Type>(vector, {…})`.
    pub(super) fn add_vector(&mut self, add: &ast::AddVector, span: Span) -> Value {
        self.check_may_write("AddV", span);
        let item = self.type_arg(ItemKind::Vector, add.type_args(), span);
        let vector = add.vector();
        let at = vector.as_ref().map_or(span, |vector| self.span(vector));
        let data = Box::new(self.vector(vector, "AddV", span));
        if let Some(item) = item {
            self.check_length(item, &data, "AddV", at);
        }
        let mut blocks: Vec<ast::Object> = add.fields().collect();
        let last = blocks.pop();
        for block in &blocks {
            let span = self.span(block);
            self.report.add(ExtraFieldBlock { span });
        }
        let fields = self.field_block(item, last);
        match item {
            Some(item) => {
                let kind = ExprKind::AddVector { vector: item.id, data, fields };
                self.settled(kind, Ty::items(item, false), span)
            }
            None => self.unknown(span),
        }
    }

    /// `BatchAddV<Type>(vectors)`.
    pub(super) fn add_vectors(&mut self, add: &ast::BatchAddVector, span: Span) -> Value {
        self.check_may_write("BatchAddV", span);
        let item = self.type_arg(ItemKind::Vector, add.type_args(), span);
        let value = self.part(add.vectors(), Place::Top, span);
        let is_vectors = value.ty.as_value().is_some_and(|ty| match ty {
            ValueType::List(element) => is_vector_data(element) && !value.ty.is_many(),
            ValueType::Scalar(_) | ValueType::Object(_) | ValueType::Optional(_) => false,
        });
        let list = ValueType::List(Box::new(data_type()));
        if let Form::Array(vectors) = &value.form
            && let Some(empty) = vectors.iter().find(|vector| vector.is_empty_array())
        {
            self.empty_vector("BatchAddV", empty.span);
        }
        if let (Some(item), Form::Array(vectors)) = (item, &value.form) {
            // The vectors of one batch come together, even within a loop.
            let first = vectors.iter().find_map(|vector| self.known_length(&vector.expr));
            let is_known = self.lengths.contains_key(&item);
            self.lengths.extend(first.filter(|_| !is_known).map(|first| (item, first)));
            for vector in vectors {
                self.check_length(item, &vector.expr, "BatchAddV", vector.span);
            }
            if self.loops > 0 && !is_known {
                self.lengths.remove(&item);
            }
        }
        if value.is_none() {
            let (place, expected, found) = ("`BatchAddV`", "an array of vectors", "`NONE`");
            self.report.add(TypeMismatch { place, expected, found, span: value.span, help: None });
        }
        let data = if is_vectors { value.expr } else { self.assign(value, &list, "`BatchAddV`") };
        match item {
            Some(item) => {
                let kind = ExprKind::AddVectors { vector: item.id, data: Box::new(data) };
                self.settled(kind, Ty::items(item, true), span)
            }
            None => self.unknown(span),
        }
    }

    /// Reports a vector of another length than the first one of its type that the query certainly adds: all of a type have one.
    fn check_length(&mut self, item: ItemType, vector: &Expr, call: &str, span: Span) {
        // That one is empty is said elsewhere.
        let Some(length) = self.known_length(vector).filter(|length| *length > 0) else { return };
        match self.lengths.get(&item) {
            Some(first) if *first != length => {
                let expected = format!("vectors of length {first}, as the first one has");
                let (place, found) = (format!("`{call}`"), format!("one of length {length}"));
                self.report.add(TypeMismatch { place: &place, expected: &expected, found: &found, span, help: None });
            }
            // A loop may have no turn.
            None if self.loops == 0 => {
                self.lengths.insert(item, length);
            }
            Some(_) | None => {}
        }
    }

    /// `AddE<Type>({…})::From(a)::To(b)`. An end that is many items makes many edges.
    pub(super) fn add_edge(&mut self, add: &ast::AddEdge, span: Span) -> Value {
        self.check_may_write("AddE", span);
        let edge = self.type_arg(ItemKind::Edge, add.type_args(), span);
        let fields = self.field_block(edge, add.fields());
        let call = EdgeCall { edge, name: "AddE", upsert: false, span };
        let (from, to) = self.ends(call, &add.ends());
        match (edge, from, to) {
            (Some(edge), Some(from), Some(to)) => {
                let many = from.ty.is_many() || to.ty.is_many();
                let (from, to) = (Box::new(from.expr), Box::new(to.expr));
                let kind = ExprKind::AddEdge { edge: edge.id, from, to, fields };
                self.settled(kind, Ty::items(edge, many), span)
            }
            _ => self.unknown(span),
        }
    }

    /// The fields given to a new or changed item. Behind an unknown type, only the values are checked.
    pub(super) fn field_block(&mut self, item: Option<ItemType>, object: Option<ast::Object>) -> Vec<Assignment> {
        let mut assignments: Vec<Assignment> = Vec::new();
        let mut keys: Vec<(String, Span)> = Vec::new();
        for entry in object.into_iter().flat_map(|object| object.entries()) {
            let whole = self.span(&entry);
            let Some(key) = entry.key() else {
                self.report.incomplete(whole);
                continue;
            };
            let (name, span) = (key.text(), self.span(&key));
            let value = match entry.value() {
                Some(ast::Expr::Object(object)) => {
                    let span = self.span(&object);
                    self.report.add(UnsupportedValue { found: "an object", span });
                    self.unknown(span)
                }
                given => self.part(given, Place::Top, whole),
            };
            if let Some((_, first)) = keys.iter().find(|(other, _)| *other == name) {
                self.report.add(DuplicateProjectionKey { name: &name, span, first: *first });
                continue;
            }
            keys.push((name.clone(), span));
            let Some(item) = item else { continue };
            let Some(field) = self.writable_field(item, &name, span) else { continue };
            let value = if self.schema.knows_field(item, field) {
                let ty = self.catalog.fields(item)[field.index()].ty.clone();
                self.assign(value, &ty, &format!("field `{name}`"))
            } else {
                value.expr
            };
            assignments.push(Assignment { field, value: if_given(value) });
        }
        assignments
    }

    /// Both ends of an edge to be created or merged; reports the ones that are missing.
    pub(super) fn ends(&mut self, call: EdgeCall<'_>, ends: &ast::Ends) -> (Option<Value>, Option<Value>) {
        let from = self.end_of(call, End::From, &ends.from, ends.to.is_empty());
        let to = self.end_of(call, End::To, &ends.to, ends.from.is_empty());
        // An end that is given twice is the other one in one place.
        let is_swapped = ends.from.len() > 1 || ends.to.len() > 1;
        // What cannot be upserted has been reported.
        let follows = is_swapped || (call.upsert && call.edge.is_none());
        for (end, given) in [(End::From, &ends.from), (End::To, &ends.to)] {
            if given.is_empty() && !follows {
                let EdgeCall { name: step, upsert, span, .. } = call;
                self.report.add(MissingEnd { step, end, upsert, span });
            }
        }
        (from, to)
    }

    /// An end, if it is given; `lacks_other` tells whether the other one is not.
    pub(super) fn end_of(
        &mut self,
        call: EdgeCall<'_>,
        end: End,
        given: &[Option<ast::Expr>],
        lacks_other: bool,
    ) -> Option<Value> {
        let EdgeCall { span, .. } = call;
        let other = if end == End::From { End::To } else { End::From };
        for repeated in given.iter().skip(1) {
            let span = repeated.as_ref().map_or(span, |expr| self.span(expr));
            self.report.add(RepeatedEnd { end, missing: lacks_other.then_some(other), span });
        }
        let expr = given.first()?;
        let value = self.part(expr.clone(), Place::Top, span);
        Some(self.endpoint(call, end, value))
    }

    /// A value as the end of an edge: ids, or items of the type that the edge type joins there.
    fn endpoint(&mut self, call: EdgeCall<'_>, end: End, value: Value) -> Value {
        let expected = self.expected_end(call, end);
        if value.ty.is_unknown() {
            return value;
        }
        if call.upsert && value.ty.is_many() {
            return self.not_an_end(call, value, Some("take one of them with `::FIRST`".to_owned()));
        }
        if let Some(item) = value.ty.item() {
            self.check_end_type(call, end, item, expected, value.span);
            return value;
        }
        if let Some(expr) = self.literal_as_scalar(&value, ScalarType::Id) {
            return Value { expr, ty: Ty::scalar(ScalarType::Id), ..value };
        }
        let id = ValueType::Scalar(ScalarType::Id);
        match value.ty.as_value() {
            Some(ty) if *ty == id => value,
            Some(ValueType::List(element)) if **element == id && !value.ty.is_many() && !call.upsert => {
                let help = expected.map(|item| {
                    let (letter, name, text) = (letter(item), self.catalog.name(item), self.text(value.span));
                    format!("give the items: `::{}({letter}<{name}>({text}))`", end.name())
                });
                self.not_an_end(call, value, help)
            }
            _ => self.not_an_end(call, value, None),
        }
    }

    /// What an edge of the type has at an end; `None` behind a mistake.
    pub(super) fn expected_end(&self, call: EdgeCall<'_>, end: End) -> Option<ItemType> {
        let edge = call.edge.filter(|edge| self.schema.knows_ends(*edge))?;
        let ends = &self.catalog.edges[edge.id.index()];
        Some(match end {
            End::From => ends.from,
            End::To => ends.to,
        })
    }

    pub(super) fn check_end_type(
        &mut self,
        call: EdgeCall<'_>,
        end: End,
        item: ItemType,
        expected: Option<ItemType>,
        span: Span,
    ) {
        let (Some(edge), Some(expected)) = (call.edge, expected) else { return };
        if item != expected {
            let catalog = self.catalog;
            self.report.add(WrongEdgeEnd {
                edge: catalog.name(edge),
                end: end.name(),
                expected: &describe_item(catalog, expected),
                found: &describe_item(catalog, item),
                span,
            });
        }
    }

    fn not_an_end(&mut self, call: EdgeCall<'_>, value: Value, help: Option<String>) -> Value {
        let found = value.ty.describe(self.catalog);
        let help = help.or_else(|| help_to_identify(&value));
        let place = format!("an end of `{}`", call.name);
        self.report.add(NotAnId { place: &place, found: &found, span: value.span, help });
        self.unknown(value.span)
    }

    /// The ids that select the items of a source, and whether they may select many.
    pub(super) fn ids(&mut self, item: ItemType, ids: impl Iterator<Item = ast::Expr>) -> (Vec<Expr>, bool) {
        let mut exprs = Vec::new();
        let mut many = false;
        for id in ids {
            let value = self.expr(&id, Place::Top);
            let (expr, is_list) = self.id(item, value);
            many |= is_list || !exprs.is_empty();
            exprs.push(expr);
        }
        (exprs, many)
    }

    /// A value as an id or a list of ids; the second part tells which.
    fn id(&mut self, item: ItemType, value: Value) -> (Expr, bool) {
        if value.ty.is_unknown() {
            return (value.expr, false);
        }
        if let Some(expr) = self.literal_as_scalar(&value, ScalarType::Id) {
            return (expr, false);
        }
        let id = ValueType::Scalar(ScalarType::Id);
        match (value.ty.item(), value.ty.as_value()) {
            (Some(other), _) if !value.ty.is_many() => {
                if other != item {
                    let (wanted, found) = (self.catalog.name(item), describe_item(self.catalog, other));
                    self.report.add(crate::compiler::diagnostics::warnings::LookupOfOtherType {
                        wanted,
                        found: &found,
                        span: value.span,
                    });
                }
                (value.expr, false)
            }
            (_, Some(ty)) if *ty == id => {
                let is_many = value.ty.is_many();
                (value.expr, is_many)
            }
            (_, Some(ValueType::List(element))) if **element == id && !value.ty.is_many() => (value.expr, true),
            _ => {
                let place = format!("`{}<{}>(…)`", letter(item), self.catalog.name(item));
                let found = value.ty.describe(self.catalog);
                let help = match (value.ty.item(), value.ty.as_value()) {
                    (Some(_), _) => Some("these are items already: go on from them without a look-up".to_owned()),
                    (None, Some(ValueType::List(_))) => Some("declare it as `[ID]`".to_owned()),
                    (None, _) => help_to_identify(&value),
                };
                self.report.add(NotAnId { place: &place, found: &found, span: value.span, help });
                (value.expr, false)
            }
        }
    }
}

/// What to write where a literal stands that no declaration makes an id.
pub(super) fn help_to_identify(value: &Value) -> Option<String> {
    let is_literal = matches!(value.form, Form::Constant(_) | Form::Array(_));
    is_literal.then(|| "take a parameter of type `ID`, or the id of an item with `::ID`".to_owned())
}

const fn letter(item: ItemType) -> char {
    crate::compiler::diagnostics::words::letter(item.kind)
}
