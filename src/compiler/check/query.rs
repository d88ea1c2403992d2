//! A query as a whole.

use helix_plan::{Query, Return};

use super::Checker;
use crate::compiler::diagnostics::steps::ToolOfManyValues;
use crate::compiler::diagnostics::warnings::UnknownModel;
use crate::compiler::lower::survey;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, MacroKind};

/// The providers of embeddings, as they begin a model's name; without one it is OpenAI's.
const PROVIDERS: [&str; 4] = ["openai", "azure_openai", "gemini", "local"];

/// Whether a provider of that model is known.
fn is_model(name: &str) -> bool {
    match name.split_once(':') {
        Some((provider, model)) => PROVIDERS.contains(&provider) && (!model.is_empty() || provider == "local"),
        None => !name.is_empty(),
    }
}

impl Checker<'_> {
    /// The query `name`.
    pub(super) fn query(mut self, query: &ast::Query, name: String, name_span: Span) -> Query {
        let (mut model, mut mcp) = (None, None);
        for item in query.macros() {
            let span = self.span(&item);
            match item.kind() {
                MacroKind::Mcp => mcp = Some(span),
                MacroKind::Model(name) => {
                    if !is_model(&name) {
                        self.report.add(UnknownModel { model: &name, span });
                    }
                    model = Some(name);
                }
                MacroKind::Unknown => self.report.incomplete(span),
            }
        }
        let span = self.builder.span(name_span);
        let params = self.params(query.params());
        let body = self.statements(query.statements());
        let returns = self.returns(query.returns(), name_span);
        if mcp.is_some() {
            self.check_answers_one(&returns, name_span);
        }
        let (access, class) = survey(&body, &returns);
        let (slots, source_map) = self.builder.finish();
        Query {
            name,
            params,
            access,
            class,
            mcp: mcp.is_some(),
            embedding_model: model,
            slots,
            body,
            returns,
            span,
            source_map,
        }
    }

    /// A tool answers one value; reports others.
    fn check_answers_one(&mut self, returns: &Return, span: Span) {
        let values = match returns {
            Return::Null => 0,
            Return::Object(entries) => entries.len(),
        };
        if values != 1 && self.broken.is_empty() {
            self.report.add(ToolOfManyValues { values, span });
        }
    }
}
