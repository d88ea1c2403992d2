//! Numbers the slots and spans of one query.

use helix_plan::{Expr, ExprKind, Slot, SlotId, SourceMap, SourceSpan, SpanId, Type};

use crate::compiler::source::{SourceSet, Span};

/// Collects what the nodes of one query refer to by number.
#[derive(Debug)]
pub(in crate::compiler) struct QueryBuilder<'a> {
    sources: &'a SourceSet,
    slots: Vec<Slot>,
    source_map: SourceMap,
    last: Option<(Span, SpanId)>,
}

impl<'a> QueryBuilder<'a> {
    /// A builder without slots and spans.
    pub(in crate::compiler) fn new(sources: &'a SourceSet) -> Self {
        Self { sources, slots: Vec::new(), source_map: SourceMap::default(), last: None }
    }

    /// A new slot.
    pub(in crate::compiler) fn slot(&mut self, name: &str, ty: Type) -> SlotId {
        let id = SlotId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.slots.push(Slot { name: name.to_owned(), ty });
        id
    }

    /// The id of a span. Neighbouring nodes of one span share it.
    pub(in crate::compiler) fn span(&mut self, span: Span) -> SpanId {
        if let Some((last, id)) = self.last
            && last == span
        {
            return id;
        }
        let start = self.sources.file(span.file).position(span.start);
        let id = self.source_map.push(SourceSpan {
            file: span.file.0,
            start: span.start,
            end: span.end,
            line: start.line,
            column: start.column,
        });
        self.last = Some((span, id));
        id
    }

    /// An expression at a span.
    pub(in crate::compiler) fn expr(&mut self, kind: ExprKind, ty: Type, span: Span) -> Expr {
        Expr { kind, ty, span: self.span(span) }
    }

    /// The slots and spans collected.
    pub(in crate::compiler) fn finish(self) -> (Vec<Slot>, SourceMap) {
        (self.slots, self.source_map)
    }
}
