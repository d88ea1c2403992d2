//! A query as a whole.

use helix_plan::Query;

use super::Checker;
use crate::compiler::diagnostics::unsupported::{Construct, Unsupported};
use crate::compiler::lower::survey;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, MacroKind};

impl Checker<'_> {
    /// The query `name`.
    pub(super) fn query(mut self, query: &ast::Query, name: String, name_span: Span) -> Query {
        for item in query.macros() {
            let span = self.span(&item);
            match item.kind() {
                MacroKind::Mcp => self.report.add(Unsupported { construct: Construct::Mcp, span }),
                MacroKind::Model(_) => self.report.add(Unsupported { construct: Construct::Model, span }),
                MacroKind::Unknown => self.report.incomplete(span),
            }
        }
        let span = self.builder.span(name_span);
        let params = self.params(query.params());
        let body = self.statements(query.statements());
        let returns = self.returns(query.returns(), name_span);
        let (access, class) = survey(&body, &returns);
        let (slots, source_map) = self.builder.finish();
        Query { name, params, access, class, mcp: false, embedding_model: None, slots, body, returns, span, source_map }
    }
}
