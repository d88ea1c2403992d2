//! Fields of items by name: implicit ones, declared ones, and the ones that may be written.

use helix_plan::{ExprKind, FieldId, FieldRef, ItemKind, ItemType, SlotId};

use super::Checker;
use super::ty::Ty;
use super::value::Value;
use crate::compiler::diagnostics::names::UnknownField;
use crate::compiler::diagnostics::values::WriteToImplicitField;
use crate::compiler::diagnostics::warnings::ScoreBeforeSearch;
use crate::compiler::source::Span;

/// The implicit field that `name` spells on a kind of item.
pub(super) fn implicit(kind: ItemKind, name: &str) -> Option<FieldRef> {
    match (kind, name) {
        (_, "id" | "ID" | "Id") => Some(FieldRef::Id),
        (_, "label" | "Label") => Some(FieldRef::Label),
        (ItemKind::Edge, "from_node" | "fromNode" | "FromNode") => Some(FieldRef::FromNode),
        (ItemKind::Edge, "to_node" | "toNode" | "ToNode") => Some(FieldRef::ToNode),
        (ItemKind::Vector, "data" | "Data") => Some(FieldRef::Data),
        (ItemKind::Vector, "score" | "distance") => Some(FieldRef::Score),
        (ItemKind::Node | ItemKind::Edge | ItemKind::Vector, _) => None,
    }
}

impl Checker<'_> {
    /// The readable field `name` of items of type `ty`, if there is one. A declared field comes first.
    pub(super) fn find_field(&self, ty: &Ty, name: &str) -> Option<FieldRef> {
        let item = ty.item()?;
        let score = || (matches!(ty, Ty::Scored(_)) && name == "score").then_some(FieldRef::Score);
        self.catalog.field(item, name).map(FieldRef::Declared).or_else(|| implicit(item.kind, name)).or_else(score)
    }

    /// The readable field `name`; reports when items of type `ty` have none.
    pub(super) fn field(&mut self, ty: &Ty, name: &str, span: Span) -> Option<FieldRef> {
        let field = self.find_field(ty, name);
        if let (None, Some(item)) = (field, ty.item()) {
            self.unknown_field(item, name, span);
        }
        field
    }

    /// The declared field `name`, to be written; reports when there is none.
    pub(super) fn writable_field(&mut self, item: ItemType, name: &str, span: Span) -> Option<FieldId> {
        let field = self.catalog.field(item, name);
        if field.is_none() {
            if implicit(item.kind, name).is_some() {
                self.report.add(WriteToImplicitField { kind: item.kind, name, span });
            } else {
                self.unknown_field(item, name, span);
            }
        }
        field
    }

    /// Reports a field that a type does not have, unless a syntax error may have swallowed it.
    fn unknown_field(&mut self, item: ItemType, name: &str, span: Span) {
        if !self.schema.knows_fields(item) {
            return;
        }
        let catalog = self.catalog;
        let declared: Vec<&str> = catalog.fields(item).iter().map(|field| field.name.as_str()).collect();
        let all = catalog.all_fields(item).into_iter().map(|field| catalog.describe(item, field).0);
        self.report.add(UnknownField {
            kind: item.kind,
            ty: catalog.name(item),
            name,
            span,
            nearest: self.report.nearest(name, all),
            declared: &declared,
        });
    }

    /// The type of a field's value.
    pub(super) fn field_type(&self, item: ItemType, field: FieldRef) -> Ty {
        match field {
            FieldRef::Declared(id) if !self.schema.knows_field(item, id) => Ty::Unknown,
            _ => Ty::value(self.catalog.describe(item, field).1),
        }
    }

    /// A field of the item in a slot.
    pub(super) fn read_slot(&mut self, slot: SlotId, item: ItemType, field: FieldRef, span: Span) -> Value {
        let object = self.settled(ExprKind::Slot(slot), Ty::items(item, false), span);
        self.read_field(object, item, field, span)
    }

    /// A field of one item.
    pub(super) fn read_field(&mut self, object: Value, item: ItemType, field: FieldRef, span: Span) -> Value {
        if field == FieldRef::Score && matches!(object.expr.kind, ExprKind::Slot(slot) if Some(slot) == self.unscored) {
            self.report.add(ScoreBeforeSearch { span });
        }
        let ty = self.field_type(item, field);
        self.settled(ExprKind::Field { item: Box::new(object.expr), field }, ty, span)
    }
}
