//! Where the nodes of a plan come from. Kept apart from the nodes, so that a program's identity ignores layout.

use serde::{Deserialize, Serialize};

use crate::SpanId;

/// A range of bytes of a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSpan {
    /// Index into [`Program::files`](crate::Program::files).
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// 1-based line of `start`.
    pub line: u32,
    /// 1-based column of `start`, in characters.
    pub column: u32,
}

/// The spans of one query, indexed by [`SpanId`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMap {
    spans: Vec<SourceSpan>,
}

impl SourceMap {
    /// Adds a span and returns its id. Ids count up in the order of the calls.
    pub fn push(&mut self, span: SourceSpan) -> SpanId {
        let id = SpanId(u32::try_from(self.spans.len()).unwrap_or(u32::MAX));
        self.spans.push(span);
        id
    }

    /// The span of `id`; `None` in a program whose spans were stripped.
    #[must_use]
    pub fn get(&self, id: SpanId) -> Option<SourceSpan> {
        self.spans.get(id.index()).copied()
    }
}
