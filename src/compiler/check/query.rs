//! A query as a whole.

use helix_plan::Query;

use super::Checker;
use crate::compiler::diagnostics::warnings::{ExtraModel, HiddenServer, HiddenTool, UnknownModel};
use crate::compiler::lower::survey;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, MacroKind};

/// The providers of embeddings, as they begin a model's name; without one it is OpenAI's.
const PROVIDERS: [&str; 4] = ["openai", "azure_openai", "gemini", "local"];

/// The query whose path is that of the standard server of the Model Context Protocol.
const SERVER: &str = "mcp";
/// The tools of that server with which models walk the graph. A query of the same name takes its place.
const TOOLS: [&str; 18] = [
    "init",
    "schema_resource",
    "n_from_type",
    "e_from_type",
    "search_keyword",
    "search_vector_text",
    "out_step",
    "in_step",
    "out_e_step",
    "in_e_step",
    "filter_items",
    "order_by",
    "search_vector",
    "next",
    "collect",
    "group_by",
    "aggregate_by",
    "reset",
];

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
        let (mut model, mut mcp): (Option<(String, Span)>, _) = (None, None);
        for item in query.macros() {
            let span = self.span(&item);
            match item.kind() {
                MacroKind::Mcp => mcp = Some(span),
                MacroKind::Model(name) => {
                    if !is_model(&name) {
                        self.report.add(UnknownModel { model: &name, span });
                    }
                    if let Some((_, earlier)) = model.replace((name, span)) {
                        self.report.add(ExtraModel { span: earlier, last: span });
                    }
                }
                MacroKind::Unknown => self.report.incomplete(span),
            }
        }
        let span = self.builder.span(name_span);
        let params = self.params(query.params());
        let body = self.statements(query.statements());
        let returns = self.returns(query.returns(), mcp.is_some(), name_span);
        self.warn_of_hidden_tools(&name, mcp.is_some(), name_span);
        let (access, class) = survey(&body, &returns);
        let (slots, source_map) = self.builder.finish();
        Query {
            name,
            params,
            access,
            class,
            mcp: mcp.is_some(),
            embedding_model: model.map(|(name, _)| name),
            slots,
            body,
            returns,
            span,
            source_map,
        }
    }

    /// Warns of a name that hides what models call by it.
    fn warn_of_hidden_tools(&mut self, name: &str, is_tool: bool, span: Span) {
        if name == SERVER {
            self.report.add(HiddenServer { span });
        }
        if is_tool && TOOLS.contains(&name) {
            self.report.add(HiddenTool { name, span });
        }
    }
}
