//! `WHERE`: keeps the elements for which a condition holds.

use helix_plan::{
    Comparison, Expr, ExprKind, FieldRef, Index, ItemKind, ItemType, Kind, ScalarType, SlotId, Source, Step, Type,
};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Filters the stream. One element stays one: should it be filtered out, reading it fails.
    pub(super) fn filter(&mut self, stream: &mut Stream, filter: &ast::Where, span: Span) {
        self.flows(stream, "WHERE", span);
        let current = self.current("_", &stream.ty);
        self.scopes.enter_item(current.clone());
        let predicate = self.condition_part(filter.argument(), span).expr;
        self.scopes.leave_item();
        let ty = stream.ty.clone();
        if let (Source::All(item), []) = (&stream.source, &stream.steps[..])
            && let Some(source) = self.indexed(*item, current.slot, &predicate)
        {
            stream.source = source;
        }
        stream.push(Step::Filter { current: current.slot, predicate }, ty);
    }

    /// The nodes of an index among which all are for which a predicate holds, when it asks for one value of a field. The
    /// predicate is tested all the same.
    fn indexed(&self, item: ItemType, current: SlotId, predicate: &Expr) -> Option<Source> {
        match &predicate.kind {
            ExprKind::And(parts) => parts.iter().find_map(|part| self.indexed(item, current, part)),
            ExprKind::Compare { comparison: Comparison::Equal, left, right } => {
                let ExprKind::Field { item: of, field: FieldRef::Declared(field) } = &left.kind else { return None };
                let declared = &self.catalog.fields(item)[field.index()];
                let is_known = matches!(right.kind, ExprKind::Literal(_))
                    || matches!(right.kind, ExprKind::Slot(slot) if slot != current);
                let is_indexed = of.kind == ExprKind::Slot(current)
                    && item.kind == ItemKind::Node
                    && declared.index != Index::None
                    && self.schema.knows_field(item, *field);
                let value = match &right.ty {
                    Type { kind: Kind::Value(value), many: false } => value.as_scalar(),
                    _ => None,
                };
                let types = declared.ty.as_scalar().zip(value);
                let is_alike = types.is_some_and(|(field, value)| has_key_of(field, value));
                let source = || Source::WithValue { node: item.id, field: *field, value: right.clone() };
                (is_known && is_indexed && is_alike).then(source)
            }
            _ => None,
        }
    }
}

/// Whether equal values of two types have one key in an index. Floats have not: zero has two signs.
fn has_key_of(field: ScalarType, value: ScalarType) -> bool {
    let is_float = matches!(field, ScalarType::F32 | ScalarType::F64);
    !is_float && (field == value || (field.integer_range().is_some() && value.integer_range().is_some()))
}
