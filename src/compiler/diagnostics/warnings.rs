//! Programs that run, perhaps not as meant.

use super::{Diagnostic, codes};
use crate::compiler::source::Span;

/// Two entries of the response share a key.
pub(in crate::compiler) struct DuplicateKey<'a> {
    pub key: &'a str,
    pub span: Span,
    pub first: Span,
    /// Whether the author wrote the keys.
    pub is_named: bool,
}

impl From<DuplicateKey<'_>> for Diagnostic {
    fn from(warning: DuplicateKey<'_>) -> Self {
        let help =
            if warning.is_named { "rename or remove one of them" } else { "give them keys: `RETURN {a: …, b: …}`" };
        let message = format!("the response has two entries `{}`; the last one wins", warning.key);
        Self::warning(codes::DUPLICATE_KEY, warning.span, message)
            .also(warning.first, "this entry is dropped")
            .help(help.to_owned())
    }
}

/// In a projection, a variable is taken where a field has the same name.
pub(in crate::compiler) struct HiddenField<'a> {
    pub name: &'a str,
    pub span: Span,
    pub variable: Span,
}

impl From<HiddenField<'_>> for Diagnostic {
    fn from(warning: HiddenField<'_>) -> Self {
        let name = warning.name;
        Self::warning(codes::HIDDEN_FIELD, warning.span, format!("variable `{name}` hides the field `{name}`"))
            .also(warning.variable, "the variable that is taken")
            .help(format!("for the field, write `_::{{{name}}}`"))
    }
}

/// Type arguments after the first.
pub(in crate::compiler) struct ExtraTypeArguments {
    pub span: Span,
}

impl From<ExtraTypeArguments> for Diagnostic {
    fn from(warning: ExtraTypeArguments) -> Self {
        Self::warning(codes::NO_EFFECT, warning.span, "only the first type is used")
            .help("remove the others".to_owned())
    }
}

/// A name that items are grouped by, and that is no field of theirs: it is missing in each.
pub(in crate::compiler) struct UnknownGroupField<'a> {
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
}

impl From<UnknownGroupField<'_>> for Diagnostic {
    fn from(warning: UnknownGroupField<'_>) -> Self {
        let UnknownGroupField { name, span, nearest } = warning;
        Self::warning(codes::NO_EFFECT, span, format!("`{name}` is no field of the items: it is missing in each"))
            .help(super::suggest::did_you_mean(nearest))
    }
}

/// A model of embeddings whose provider is not known: `Embed` will fail.
pub(in crate::compiler) struct UnknownModel<'a> {
    pub model: &'a str,
    pub span: Span,
}

impl From<UnknownModel<'_>> for Diagnostic {
    fn from(warning: UnknownModel<'_>) -> Self {
        let UnknownModel { model, span } = warning;
        Self::warning(codes::NO_EFFECT, span, format!("no provider of embeddings has a model `{model}`"))
            .help("write `openai:MODEL`, `azure_openai:DEPLOYMENT`, `gemini:MODEL` or `local`".to_owned())
    }
}

/// Field blocks of one `AddV` before the last.
pub(in crate::compiler) struct ExtraFieldBlock {
    pub span: Span,
}

impl From<ExtraFieldBlock> for Diagnostic {
    fn from(warning: ExtraFieldBlock) -> Self {
        Self::warning(codes::NO_EFFECT, warning.span, "only the last field block is used")
            .help("join the blocks into one".to_owned())
    }
}

/// A name on the right of a projection that is neither a variable nor a field.
pub(in crate::compiler) struct UnknownProjectedName<'a> {
    pub key: &'a str,
    pub name: &'a str,
    pub span: Span,
    pub nearest: Option<String>,
}

impl From<UnknownProjectedName<'_>> for Diagnostic {
    fn from(warning: UnknownProjectedName<'_>) -> Self {
        let UnknownProjectedName { key, name, span, nearest } = warning;
        Self::warning(codes::NO_EFFECT, span, format!("`{name}` is neither a variable nor a field: `{key}` is null"))
            .help(super::suggest::did_you_mean(nearest))
    }
}

/// A `SearchV` step whose type differs from that of the vectors that it searches.
pub(in crate::compiler) struct OtherSearchType<'a> {
    pub named: &'a str,
    pub actual: &'a str,
    pub span: Span,
}

impl From<OtherSearchType<'_>> for Diagnostic {
    fn from(warning: OtherSearchType<'_>) -> Self {
        let OtherSearchType { named, actual, span } = warning;
        Self::warning(codes::NO_EFFECT, span, format!("the vectors searched are `{actual}`, not `{named}`"))
            .note("as a step, `SearchV` searches the vectors that reach it")
    }
}

/// A lookup that cannot find anything, since the id belongs to an item of another type.
pub(in crate::compiler) struct LookupOfOtherType<'a> {
    pub wanted: &'a str,
    pub found: &'a str,
    pub span: Span,
}

impl From<LookupOfOtherType<'_>> for Diagnostic {
    fn from(warning: LookupOfOtherType<'_>) -> Self {
        let LookupOfOtherType { wanted, found, span } = warning;
        Self::warning(codes::NO_EFFECT, span, format!("this finds nothing: {found} is not a `{wanted}`"))
    }
}

/// A comparison with `NONE`, which never holds.
pub(in crate::compiler) struct ComparisonWithNone {
    pub span: Span,
}

impl From<ComparisonWithNone> for Diagnostic {
    fn from(warning: ComparisonWithNone) -> Self {
        Self::warning(codes::NO_EFFECT, warning.span, "a comparison with `NONE` never holds")
    }
}

/// A look-up by `NONE`, which no index holds.
pub(in crate::compiler) struct LookupByNone<'a> {
    pub ty: &'a str,
    pub field: &'a str,
    pub span: Span,
}

impl From<LookupByNone<'_>> for Diagnostic {
    fn from(warning: LookupByNone<'_>) -> Self {
        let LookupByNone { ty, field, span } = warning;
        Self::warning(codes::NO_EFFECT, span, "this finds nothing: an index does not hold nodes without the field")
            .help(format!("for these, filter: `N<{ty}>::WHERE(!EXISTS(_::{{{field}}}))`"))
    }
}

/// A division by a literal zero.
pub(in crate::compiler) struct DivisionByZero<'a> {
    pub function: &'a str,
    pub span: Span,
}

impl From<DivisionByZero<'_>> for Diagnostic {
    fn from(warning: DivisionByZero<'_>) -> Self {
        let message = format!("`{}` by zero: the query fails where this is calculated", warning.function);
        Self::warning(codes::NO_EFFECT, warning.span, message)
    }
}

/// The score of a search, where the search chooses what it looks at.
pub(in crate::compiler) struct ScoreBeforeSearch {
    pub span: Span,
}

impl From<ScoreBeforeSearch> for Diagnostic {
    fn from(warning: ScoreBeforeSearch) -> Self {
        Self::warning(codes::NO_EFFECT, warning.span, "within `PREFILTER` every score is 2.0: nothing is found yet")
            .help("filter what is found: `::WHERE(_::{score}::LT(…))`".to_owned())
    }
}

/// A sort key that a variable gives, the same for every item.
pub(in crate::compiler) struct KeyOfVariable {
    pub span: Span,
}

impl From<KeyOfVariable> for Diagnostic {
    fn from(warning: KeyOfVariable) -> Self {
        Self::warning(codes::NO_EFFECT, warning.span, "this key is the same for every item: nothing is sorted")
            .help("sort by a value of the item, such as `_::{field}`".to_owned())
    }
}

/// A model of embeddings before another one.
pub(in crate::compiler) struct ExtraModel {
    pub span: Span,
    pub last: Span,
}

impl From<ExtraModel> for Diagnostic {
    fn from(warning: ExtraModel) -> Self {
        Self::warning(codes::NO_EFFECT, warning.span, "only the last model is used")
            .also(warning.last, "this one")
            .help("remove the others".to_owned())
    }
}

/// A tool that takes the name of one of the server's own.
pub(in crate::compiler) struct HiddenTool<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<HiddenTool<'_>> for Diagnostic {
    fn from(warning: HiddenTool<'_>) -> Self {
        let message = format!("the query hides the tool `{}` of the MCP server", warning.name);
        Self::warning(codes::NO_EFFECT, warning.span, message)
            .note("models walk the graph with it, and cannot tell the two apart")
            .help("choose another name, or remove `#[mcp]`".to_owned())
    }
}

/// A query on the path of the standard server of the Model Context Protocol.
pub(in crate::compiler) struct HiddenServer {
    pub span: Span,
}

impl From<HiddenServer> for Diagnostic {
    fn from(warning: HiddenServer) -> Self {
        Self::warning(codes::NO_EFFECT, warning.span, "`POST /mcp` calls this query: the MCP server cannot be reached")
            .help("choose another name".to_owned())
    }
}

/// `RANGE` with literal bounds that leave nothing.
pub(in crate::compiler) struct EmptyRange {
    pub span: Span,
}

impl From<EmptyRange> for Diagnostic {
    fn from(warning: EmptyRange) -> Self {
        Self::warning(codes::EMPTY_RANGE, warning.span, "the range starts after its end, so it is always empty")
    }
}
