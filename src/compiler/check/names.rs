//! Names of types, parameters and variables.

use helix_plan::{ExprKind, ItemKind, ItemType, SlotId, ValueType};

use super::Checker;
use super::math::{Meaning, meaning};
use super::scope::{Binding, Origin};
use super::ty::{KINDS, Ty};
use super::value::{Form, Value};
use crate::compiler::diagnostics::names::{ForbiddenName, Redeclared, UnknownItemType, UnknownName};
use crate::compiler::source::Span;

/// Words that no expression may use as a name.
pub(super) const FORBIDDEN: [&str; 19] = [
    "true", "false", "NONE", "String", "Boolean", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64",
    "U128", "Uuid", "Date", "ID",
];

impl Checker<'_> {
    /// The type `name` of a kind; reports when it is not declared.
    pub(super) fn item_type(&mut self, kind: ItemKind, name: &str, span: Span) -> Option<ItemType> {
        let found = self.catalog.find(kind, name);
        if found.is_none() && self.schema.complete {
            let catalog = self.catalog;
            let declared_as = KINDS.into_iter().find(|other| catalog.find(*other, name).is_some());
            let names = self.schema.names(kind);
            self.report.add(UnknownItemType {
                kind,
                name,
                span,
                nearest: self.report.nearest(name, names),
                declared_as,
                older: self.schema.hidden.find(kind, name),
            });
        }
        found
    }

    /// What a name stands for; reports when it is not visible.
    pub(super) fn variable(&mut self, name: &str, span: Span) -> Value {
        if FORBIDDEN.contains(&name) {
            self.report.add(ForbiddenName { name, span });
            return self.unknown(span);
        }
        match self.scopes.get(name) {
            Some(binding) => {
                let (slot, ty, optional) = (binding.slot, binding.ty.clone(), binding.optional);
                let expr = self.builder.expr(ExprKind::Slot(slot), ty.plan(), span);
                if optional {
                    return self.guarded(expr, ty, name, span);
                }
                Value { expr, ty, form: Form::Settled, span }
            }
            None => {
                // A syntax error may have swallowed the declaration.
                if self.broken.is_empty() {
                    let current = self.scopes.current().map(|current| &current.ty);
                    let is_field = current.is_some_and(|ty| self.find_field(ty, name).is_some());
                    let nearest = self.report.nearest(name, self.scopes.names());
                    let is_constant = matches!(meaning(name, 0), Some(Meaning::Constant(_)));
                    self.report.add(UnknownName { name, span, nearest, is_field, is_constant });
                }
                self.unknown(span)
            }
        }
    }

    /// Declares a name in the innermost block. It may hide an outer one.
    pub(super) fn declare(&mut self, name: &str, ty: Ty, origin: Origin, span: Span) -> SlotId {
        let slot = self.builder.slot(name, ty.plan());
        self.scopes.declare(name, Binding { slot, ty, origin, optional: false, span });
        slot
    }

    /// Declares a part of the request.
    pub(super) fn declare_given(&mut self, name: &str, ty: &ValueType, origin: Origin, span: Span) -> SlotId {
        let (ty, is_needed) = Ty::given(ty);
        let slot = self.builder.slot(name, ty.plan());
        self.scopes.declare(name, Binding { slot, ty, origin, optional: !is_needed, span });
        slot
    }

    /// Declares a variable; reports one that is already declared, and forgets what it was.
    pub(super) fn assign_name(&mut self, name: &str, ty: Ty, span: Span) -> SlotId {
        match self.scopes.get(name).map(|binding| binding.span) {
            Some(first) => {
                self.report.add(Redeclared { name, span, first });
                self.declare(name, Ty::Unknown, Origin::Variable, first)
            }
            None => self.declare(name, ty, Origin::Variable, span),
        }
    }
}
