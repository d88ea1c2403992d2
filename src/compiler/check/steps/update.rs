//! `UPDATE`: changes fields of nodes and edges.

use helix_plan::{Assignment, ItemKind, ItemType, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::{NoFields, WriteNotApplicable};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

/// A step that changes items: how it is written, and the items that it takes.
#[derive(Clone, Copy)]
pub(super) struct Change {
    pub name: &'static str,
    pub kinds: &'static [ItemKind],
    pub expected: &'static str,
}

impl Checker<'_> {
    /// Updates every item; the first one flows on.
    pub(super) fn update(&mut self, stream: &mut Stream, update: &ast::Update, span: Span) {
        let change = Change { name: "UPDATE", kinds: &[ItemKind::Node, ItemKind::Edge], expected: "nodes and edges" };
        let item = self.changed(stream, change, span);
        let fields = self.changes(item, update.fields(), change, span);
        if let Some(item) = item {
            stream.push(Step::Update { item, fields }, Ty::items(item, false));
        }
    }

    /// The type of the items that are changed; reports when the step cannot change them.
    pub(super) fn changed(&mut self, stream: &mut Stream, change: Change, span: Span) -> Option<ItemType> {
        self.check_may_write(change.name, span);
        stream.moved = true;
        if stream.ty.is_unknown() {
            return None;
        }
        if Self::is_of(stream, change.kinds) {
            return stream.ty.item();
        }
        let found = stream.ty.describe(self.catalog);
        let Change { name: step, expected, .. } = change;
        self.report.add(WriteNotApplicable { step, found: &found, expected, span });
        stream.ty = Ty::Unknown;
        None
    }

    /// The fields that are set, at least one.
    pub(super) fn changes(
        &mut self,
        item: Option<ItemType>,
        fields: Option<ast::Object>,
        change: Change,
        span: Span,
    ) -> Vec<Assignment> {
        if fields.as_ref().is_some_and(|fields| fields.entries().next().is_none()) {
            let fieldless = item.filter(|item| self.catalog.fields(*item).is_empty());
            let fieldless = fieldless.map(|item| (item.kind, self.catalog.name(item)));
            self.report.add(NoFields { step: change.name, fieldless, span });
        }
        if fields.is_none() {
            self.report.incomplete(span);
        }
        self.field_block(item, fields)
    }
}
