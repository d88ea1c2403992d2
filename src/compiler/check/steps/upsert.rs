//! `UpsertN`, `UpsertE`, `UpsertV`: change what is there, or create it.

use helix_plan::{ItemKind, Step};

use super::update::Change;
use crate::compiler::check::Checker;
use crate::compiler::check::create::EdgeCall;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Merges fields into the first node, or creates one.
    pub(super) fn upsert_node(&mut self, stream: &mut Stream, upsert: &ast::UpsertNode, span: Span) {
        let change = Change { name: "UpsertN", kinds: &[ItemKind::Node], expected: "nodes" };
        let item = self.changed(stream, change, span);
        let fields = self.changes(item, upsert.fields(), change, span);
        if let Some(item) = item {
            stream.push(Step::UpsertNode { node: item.id, fields }, Ty::items(item, false));
        }
    }

    /// Merges fields into the first edge between two items, or creates it.
    pub(super) fn upsert_edge(&mut self, stream: &mut Stream, upsert: &ast::UpsertEdge, span: Span) {
        let change = Change { name: "UpsertE", kinds: &[ItemKind::Edge], expected: "edges" };
        let item = self.changed(stream, change, span);
        let fields = self.changes(item, upsert.fields(), change, span);
        let call = EdgeCall { edge: item, name: "UpsertE", upsert: true, span };
        let (from, to) = self.ends(call, &upsert.ends());
        if let (Some(item), Some(from), Some(to)) = (item, from, to) {
            let step = Step::UpsertEdge { edge: item.id, from: from.expr, to: to.expr, fields };
            stream.push(step, Ty::items(item, false));
        }
    }

    /// Merges fields into the first vector and replaces its data, or creates one.
    pub(super) fn upsert_vector(&mut self, stream: &mut Stream, upsert: &ast::UpsertVector, span: Span) {
        let change = Change { name: "UpsertV", kinds: &[ItemKind::Vector], expected: "vectors" };
        let item = self.changed(stream, change, span);
        let data = self.vector(upsert.vector(), "UpsertV", span);
        let fields = self.changes(item, upsert.fields(), change, span);
        if let Some(item) = item {
            stream.push(Step::UpsertVector { vector: item.id, data, fields }, Ty::items(item, false));
        }
    }
}
