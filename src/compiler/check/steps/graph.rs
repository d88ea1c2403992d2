//! `Out`, `In`, `OutE`, `InE`: along edges of a type.

use helix_plan::{ItemKind, ItemType, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::{Ty, describe_item};
use crate::compiler::diagnostics::steps::{EdgeDoesNotConnect, StepNotApplicable};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

/// Which way a step goes, and whether it stops at the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compiler::check) enum Hop {
    Out,
    In,
    OutE,
    InE,
}

impl Hop {
    /// As it is written.
    pub(in crate::compiler::check) const fn name(self) -> &'static str {
        match self {
            Self::Out => "Out",
            Self::In => "In",
            Self::OutE => "OutE",
            Self::InE => "InE",
        }
    }

    const fn opposite(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
            Self::OutE => Self::InE,
            Self::InE => Self::OutE,
        }
    }

    const fn is_outgoing(self) -> bool {
        matches!(self, Self::Out | Self::OutE)
    }
}

impl Checker<'_> {
    /// A step along edges of a type, written as `hop`.
    pub(super) fn edge_step(&mut self, stream: &mut Stream, hop: Hop, args: Option<ast::TypeArgs>, span: Span) {
        stream.moved = true;
        stream.excluded.clear();
        let edge = self.type_arg(ItemKind::Edge, args, span);
        match edge.filter(|edge| self.schema.knows_ends(*edge)) {
            Some(edge) => self.hop(stream, hop, edge, span),
            None => stream.ty = Ty::Unknown,
        }
    }

    fn hop(&mut self, stream: &mut Stream, hop: Hop, edge: ItemType, span: Span) {
        let (from, to) = {
            let ends = &self.catalog.edges[edge.id.index()];
            (ends.from, ends.to)
        };
        let (near, far) = if hop.is_outgoing() { (from, to) } else { (to, from) };
        if !self.touches(stream, hop, edge, near, span) {
            stream.ty = Ty::Unknown;
            return;
        }
        match hop {
            Hop::Out => stream.push(Step::Out { edge: edge.id, to: far }, Ty::items(far, true)),
            Hop::In => stream.push(Step::In { edge: edge.id, from: far }, Ty::items(far, true)),
            Hop::OutE => stream.push(Step::OutEdges { edge: edge.id }, Ty::items(edge, true)),
            Hop::InE => stream.push(Step::InEdges { edge: edge.id }, Ty::items(edge, true)),
        }
    }

    /// Whether the edges touch what flows; reports when they do not.
    fn touches(&mut self, stream: &Stream, hop: Hop, edge: ItemType, near: ItemType, span: Span) -> bool {
        if stream.ty.is_unknown() {
            return true;
        }
        let found = stream.ty.describe(self.catalog);
        match stream.ty.item() {
            Some(item) if item == near => true,
            Some(item) if item.kind != ItemKind::Edge => {
                let ends = &self.catalog.edges[edge.id.index()];
                let far = if hop.is_outgoing() { ends.to } else { ends.from };
                self.report.add(EdgeDoesNotConnect {
                    edge: self.catalog.name(edge),
                    from: self.catalog.name(ends.from),
                    to: self.catalog.name(ends.to),
                    outgoing: hop.is_outgoing(),
                    found: &describe_item(self.catalog, item),
                    span,
                    opposite: (far == item).then(|| hop.opposite().name()),
                });
                false
            }
            Some(_) | None => {
                let expected = "nodes and vectors";
                self.report.add(StepNotApplicable { step: hop.name(), found: &found, expected, span });
                false
            }
        }
    }
}
