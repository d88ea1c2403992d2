//! Projections: one field as a value, or objects with keys; closures; nested objects and traversals.

use helix_plan::{Entry, ExprKind, FieldRef, ItemType, Kind, Step, Type, ValueType};

use super::Checker;
use super::names::FORBIDDEN;
use super::optional::{as_path, or_null, split_guard};
use super::scope::{Binding, Current, Origin};
use super::steps::{Rest, fieldless};
use super::stream::{Excluded, Place, Stream, shaped};
use super::ty::Ty;
use super::value::Value;
use crate::compiler::diagnostics::names::UnknownMember;
use crate::compiler::diagnostics::steps::{ClosureNotLast, DuplicateProjectionKey, ExcludedTwice};
use crate::compiler::diagnostics::types::{MembersAtOnce, NotAnItem};
use crate::compiler::diagnostics::warnings::{HiddenField, UnknownProjectedName};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _, Expr, Mapping, MappingValue};

/// The item that an object is made of.
struct Subject<'e> {
    current: Current,
    item: Option<ItemType>,
    excluded: &'e [Excluded],
}

/// The keys of an object so far, and the fields that they show.
#[derive(Default)]
struct Keys {
    entries: Vec<Entry>,
    spans: Vec<Span>,
    fields: Vec<FieldRef>,
}

impl Checker<'_> {
    /// `{a}`, or `{a, b: …, ..}`.
    pub(super) fn projection(&mut self, stream: &mut Stream, projection: &ast::Projection, rest: Rest<'_>) {
        let mappings: Vec<Mapping> = projection.mappings().collect();
        match mappings.as_slice() {
            [only] if !only.has_colon() && only.value().is_none() && projection.spread().is_none() => {
                self.single_field(stream, only, rest);
            }
            _ => self.object_step(stream, projection, None),
        }
    }

    /// `|x| {…}`: a projection that names its item.
    pub(super) fn closure(&mut self, stream: &mut Stream, closure: &ast::Closure, rest: Rest<'_>, span: Span) {
        if !rest.steps.is_empty() {
            let step = fieldless(rest.steps).map(|step| self.word_of(step));
            self.report.add(ClosureNotLast { needless_before: step, span });
        }
        match closure.projection() {
            Some(projection) => self.object_step(stream, &projection, closure.variable()),
            None => self.report.incomplete(span),
        }
        if !rest.steps.is_empty() {
            stream.ty = Ty::Unknown;
        }
    }

    /// `ID`, which is `{id}`.
    pub(super) fn id_step(&mut self, stream: &mut Stream, rest: Rest<'_>, span: Span) {
        self.select(stream, "id", span, rest);
    }

    fn single_field(&mut self, stream: &mut Stream, mapping: &Mapping, rest: Rest<'_>) {
        let span = self.span(mapping);
        match mapping.key() {
            Some(key) => self.select(stream, &key.text(), span, rest),
            None => self.report.incomplete(span),
        }
    }

    /// Replaces each item by one of its fields.
    fn select(&mut self, stream: &mut Stream, name: &str, span: Span, rest: Rest<'_>) {
        if stream.ty.is_unknown() {
            return;
        }
        let Some(item) = stream.ty.item() else { return self.select_member(stream, name, rest, span) };
        let excluded = std::mem::take(&mut stream.excluded);
        let Some(field) = self.field(&stream.ty, name, span) else {
            stream.ty = Ty::Unknown;
            return;
        };
        self.check_not_excluded(&excluded, field, name, span);
        let many = stream.ty.is_many();
        if rest.place == Place::Nested && stream.moved && !rest.compares() {
            // Behind graph steps, a nested field is shown as an object with one key.
            let current = self.current("_", &stream.ty);
            let value = self.read_slot(current.slot, item, field, span).expr;
            let entries = vec![Entry { key: name.to_owned(), value }];
            stream.push(Step::Project { current: current.slot, entries }, shaped(&stream.ty, item, many));
        } else if stream.is_one_expr() && (rest.steps.is_empty() || rest.compares()) {
            let nothing = self.unknown(span);
            let object = self.finish(std::mem::replace(stream, Stream::of(nothing)), Place::Left);
            let whole = Span { start: object.span.start, ..span };
            let moved = Stream::of(self.read_field(object, item, field, whole));
            *stream = moved;
        } else {
            let current = self.current("_", &stream.ty);
            let value = self.read_slot(current.slot, item, field, span);
            let ty = value.ty.with_many(many);
            stream.push(Step::Map { current: current.slot, value: value.expr }, ty);
        }
    }

    /// Replaces an object by one of its members.
    fn select_member(&mut self, stream: &mut Stream, name: &str, rest: Rest<'_>, span: Span) {
        let members = match stream.ty.as_value() {
            Some(ValueType::Object(members)) if !stream.ty.is_many() => members.clone(),
            _ => return self.no_fields(stream, span),
        };
        let nothing = self.unknown(span);
        // Where nothing is compared, an object that is not there fails as it does in a variable.
        let place = if rest.place == Place::Top && !rest.compares() { Place::Top } else { Place::Left };
        let object = self.finish(std::mem::replace(stream, Stream::of(nothing)), place);
        match members.iter().position(|(member, _)| member == name) {
            Some(index) => {
                let (ty, is_needed) = Ty::given(&members[index].1);
                let index = u16::try_from(index).unwrap_or(u16::MAX);
                let whole = self.text(Span { end: span.end, ..object.span });
                let (object, missing) = split_guard(object.expr);
                let missing = if is_needed { missing } else { Some(as_path(whole)) };
                let member = self.settled(ExprKind::Member { object: Box::new(object), index }, ty.clone(), span);
                *stream = Stream::of(match missing {
                    None => member,
                    Some(name) => self.guarded(member.expr, ty, &name, span),
                });
            }
            None => {
                let names: Vec<&str> = members.iter().map(|(member, _)| member.as_str()).collect();
                let nearest = self.report.nearest(name, names.iter().copied());
                self.report.add(UnknownMember { name, span, nearest, members: &names, of_parameter: false });
            }
        }
    }

    /// Reports that fields are selected from what has none, or that has members.
    pub(super) fn no_fields(&mut self, stream: &mut Stream, span: Span) {
        match stream.ty.as_value() {
            Some(ValueType::Object(members)) if !stream.ty.is_many() && !members.is_empty() => {
                self.report.add(MembersAtOnce { object: self.text(stream.span), member: &members[0].0, span });
            }
            ty => {
                let is_objects = matches!(ty, Some(ValueType::List(of)) if matches!(**of, ValueType::Object(_)));
                let objects = (is_objects && !stream.ty.is_many()).then(|| self.text(stream.span));
                let found = stream.ty.describe(self.catalog);
                self.report.add(NotAnItem { found: &found, objects, span });
            }
        }
        stream.ty = Ty::Unknown;
    }

    /// Gives each item the shape of an object.
    fn object_step(&mut self, stream: &mut Stream, projection: &ast::Projection, variable: Option<ast::Name>) {
        let span = self.span(projection);
        let item = stream.ty.item();
        if item.is_none() && !stream.ty.is_unknown() {
            let first = projection.mappings().next();
            let span = first.map_or(span, |mapping| self.span(&mapping));
            self.no_fields(stream, span);
        }
        let excluded = std::mem::take(&mut stream.excluded);
        let name = variable.as_ref().map_or_else(|| "_".to_owned(), ast::AstNode::text);
        let current = self.current(&name, &stream.ty);
        self.scopes.enter();
        self.scopes.enter_item(current.clone());
        if let Some(variable) = variable {
            let span = self.span(&variable);
            let Current { slot, ty } = current.clone();
            self.scopes.declare(&name, Binding { slot, ty, origin: Origin::Closure, optional: false, span });
        }
        let slot = current.slot;
        let entries = self.object(&Subject { current, item, excluded: &excluded }, projection);
        self.scopes.leave_item();
        self.scopes.leave();
        if let Some(item) = item {
            let ty = shaped(&stream.ty, item, stream.ty.is_many());
            stream.push(Step::Project { current: slot, entries }, ty);
        }
    }

    /// The entries of an object over the subject.
    fn object(&mut self, subject: &Subject<'_>, projection: &ast::Projection) -> Vec<Entry> {
        let mut keys = Keys::default();
        for mapping in projection.mappings() {
            let Some(key) = mapping.key() else {
                self.report.incomplete(self.span(&mapping));
                continue;
            };
            let (key, span) = (key.text(), self.span(&key));
            if let Some(first) = keys.entries.iter().position(|entry| entry.key == key) {
                let first = keys.spans[first];
                self.report.add(DuplicateProjectionKey { name: &key, span, first });
                continue;
            }
            let value = self.mapping(subject, &mapping, &key, span, &mut keys.fields);
            keys.entries.push(Entry { key, value: or_null(value.expr) });
            keys.spans.push(span);
        }
        if let (Some(spread), Some(item)) = (projection.spread(), subject.item) {
            let span = self.span(&spread);
            self.spread(subject, item, span, &mut keys);
        }
        keys.entries
    }

    fn mapping(
        &mut self,
        subject: &Subject<'_>,
        mapping: &Mapping,
        key: &str,
        key_span: Span,
        fields: &mut Vec<FieldRef>,
    ) -> Value {
        match mapping.value() {
            None if mapping.has_colon() => {
                self.report.incomplete(key_span);
                self.unknown(key_span)
            }
            None => self.own_field(subject, key, key_span, fields),
            Some(MappingValue::Projection(projection)) => {
                let span = self.span(&projection);
                let entries = self.object(subject, &projection);
                let ty = Ty::Known(Type::one(Kind::Composite));
                self.settled(ExprKind::Object(entries), ty, span)
            }
            Some(MappingValue::Expr(Expr::Name(name))) => self.named(subject, key, &name, fields),
            Some(MappingValue::Expr(expr)) => self.expr(&expr, Place::Nested),
        }
    }

    /// A field of the subject; reports when there is none.
    fn own_field(&mut self, subject: &Subject<'_>, name: &str, span: Span, fields: &mut Vec<FieldRef>) -> Value {
        let found = subject.item.and_then(|item| Some((item, self.field(&subject.current.ty, name, span)?)));
        match found {
            Some((item, field)) => self.shown_field(subject, item, field, span, fields),
            None => self.unknown(span),
        }
    }

    fn shown_field(
        &mut self,
        subject: &Subject<'_>,
        item: ItemType,
        field: FieldRef,
        span: Span,
        fields: &mut Vec<FieldRef>,
    ) -> Value {
        let name = self.catalog.describe(item, field).0;
        self.check_not_excluded(subject.excluded, field, name, span);
        fields.push(field);
        self.read_slot(subject.current.slot, item, field, span)
    }

    /// `key: name`: a variable if one is visible, else a field, else null.
    fn named(&mut self, subject: &Subject<'_>, key: &str, name: &ast::NameExpr, fields: &mut Vec<FieldRef>) -> Value {
        let (name, span) = (name.text(), self.span(name));
        let field = subject.item.and_then(|item| Some((item, self.find_field(&subject.current.ty, &name)?)));
        let variable = self.scopes.get(&name).map(|binding| binding.span);
        match (variable, field) {
            (Some(variable), field) => {
                if field.is_some() && !FORBIDDEN.contains(&name.as_str()) {
                    self.report.add(HiddenField { name: &name, span, variable });
                }
                self.variable(&name, span)
            }
            (None, Some((item, field))) => self.shown_field(subject, item, field, span, fields),
            (None, None) if subject.item.is_none() => self.unknown(span),
            (None, None) => {
                let catalog = self.catalog;
                let all = subject.item.into_iter().flat_map(|item| {
                    catalog.all_fields(item).into_iter().map(move |field| catalog.describe(item, field).0)
                });
                let nearest = self.report.nearest(&name, self.scopes.names().chain(all));
                self.report.add(UnknownProjectedName { key, name: &name, span, nearest });
                self.settled(ExprKind::Null, Ty::null(), span)
            }
        }
    }

    /// `..`: every field that is not excluded, shown, renamed, or hidden by a key.
    fn spread(&mut self, subject: &Subject<'_>, item: ItemType, span: Span, keys: &mut Keys) {
        for field in self.catalog.all_fields(item) {
            let name = self.catalog.describe(item, field).0;
            let is_excluded = subject.excluded.iter().any(|excluded| excluded.field == field);
            let is_shown = keys.fields.contains(&field) || keys.entries.iter().any(|entry| entry.key == name);
            if !is_excluded && !is_shown {
                let entry = self.field_entry(&subject.current, item, field, span);
                keys.entries.push(entry);
            }
        }
    }

    fn check_not_excluded(&mut self, excluded: &[Excluded], field: FieldRef, name: &str, span: Span) {
        if let Some(earlier) = excluded.iter().find(|excluded| excluded.field == field) {
            self.report.add(ExcludedTwice { name, span, other: earlier.span, named: true });
        }
    }
}
