//! Steps that do not apply where they stand.

use super::{Diagnostic, codes, words};
use crate::compiler::source::Span;

/// A step after something that it cannot work on.
pub(in crate::compiler) struct StepNotApplicable<'a> {
    pub step: &'a str,
    pub found: &'a str,
    pub expected: &'a str,
    pub span: Span,
}

impl From<StepNotApplicable<'_>> for Diagnostic {
    fn from(error: StepNotApplicable<'_>) -> Self {
        let StepNotApplicable { step, found, expected, span } = error;
        Self::error(codes::STEP_NOT_APPLICABLE, span, format!("`{step}` does not apply to {found}"))
            .note(format!("it applies to {expected}"))
    }
}

/// `_` where there is no item that it could stand for.
pub(in crate::compiler) struct NoCurrentItem {
    pub span: Span,
}

impl From<NoCurrentItem> for Diagnostic {
    fn from(error: NoCurrentItem) -> Self {
        Self::error(codes::STEP_NOT_APPLICABLE, error.span, "`_` has no item to stand for here")
            .note("`_` is the current item within a filter, a sort key, a projection or a closure")
            .help("start with a variable or a source such as `N<Type>`".to_owned())
    }
}

/// An update or upsert of something that it does not change.
pub(in crate::compiler) struct WriteNotApplicable<'a> {
    pub step: &'a str,
    pub found: &'a str,
    pub expected: &'a str,
    pub span: Span,
}

impl From<WriteNotApplicable<'_>> for Diagnostic {
    fn from(error: WriteNotApplicable<'_>) -> Self {
        let WriteNotApplicable { step, found, expected, span } = error;
        Self::error(codes::WRITE_NOT_APPLICABLE, span, format!("`{step}` cannot change {found}"))
            .note(format!("it changes {expected}"))
    }
}

/// A step along edges that do not touch the current items.
pub(in crate::compiler) struct EdgeDoesNotConnect<'a> {
    pub edge: &'a str,
    /// Declared ends.
    pub from: &'a str,
    pub to: &'a str,
    /// Whether the step leaves the current items by their outgoing edges.
    pub outgoing: bool,
    pub found: &'a str,
    pub span: Span,
    /// The step in the other direction, when that one would connect.
    pub opposite: Option<&'a str>,
}

impl From<EdgeDoesNotConnect<'_>> for Diagnostic {
    fn from(error: EdgeDoesNotConnect<'_>) -> Self {
        let EdgeDoesNotConnect { edge, from, to, outgoing, found, span, opposite } = error;
        let verb = if outgoing { "start" } else { "end" };
        Self::error(codes::EDGE_DOES_NOT_CONNECT, span, format!("edges `{edge}` do not {verb} at {found}"))
            .note(format!("`{edge}` goes from `{from}` to `{to}`"))
            .help(opposite.map(|step| format!("to go the other way, use `{step}<{edge}>`")))
    }
}

/// One of the four steps from an edge to an end, on an edge whose end is of the other kind.
pub(in crate::compiler) struct WrongEndKind<'a> {
    pub step: EndStep,
    pub edge: &'a str,
    /// The type at that end.
    pub end: &'a str,
    pub span: Span,
}

/// The steps from an edge to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compiler) enum EndStep {
    FromN,
    ToN,
    FromV,
    ToV,
}

impl EndStep {
    /// As it is written.
    pub(in crate::compiler) const fn name(self) -> &'static str {
        match self {
            Self::FromN => "FromN",
            Self::ToN => "ToN",
            Self::FromV => "FromV",
            Self::ToV => "ToV",
        }
    }
}

impl From<WrongEndKind<'_>> for Diagnostic {
    fn from(error: WrongEndKind<'_>) -> Self {
        let WrongEndKind { step, edge, end, span } = error;
        let (code, verb, wanted, other) = match step {
            EndStep::FromN => (codes::FROM_IS_NOT_A_NODE, "start", "node", "FromV"),
            EndStep::ToN => (codes::TO_IS_NOT_A_NODE, "end", "node", "ToV"),
            EndStep::FromV => (codes::FROM_IS_NOT_A_VECTOR, "start", "vector", "FromN"),
            EndStep::ToV => (codes::TO_IS_NOT_A_VECTOR, "end", "vector", "ToN"),
        };
        Self::error(code, span, format!("edges `{edge}` do not {verb} at a {wanted}"))
            .label(format!("they {verb} at `{end}`"))
            .help(format!("use `{other}`"))
    }
}

/// An edge created or upserted without one of its ends.
pub(in crate::compiler) struct MissingEnd<'a> {
    pub step: &'a str,
    pub end: End,
    pub upsert: bool,
    pub span: Span,
}

/// An end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compiler) enum End {
    From,
    To,
}

impl End {
    /// As it is written.
    pub(in crate::compiler) const fn name(self) -> &'static str {
        match self {
            Self::From => "From",
            Self::To => "To",
        }
    }
}

impl From<MissingEnd<'_>> for Diagnostic {
    fn from(error: MissingEnd<'_>) -> Self {
        let code = match (error.upsert, error.end) {
            (true, _) => codes::STEP_NOT_APPLICABLE,
            (false, End::From) => codes::MISSING_FROM,
            (false, End::To) => codes::MISSING_TO,
        };
        let end = error.end.name();
        Self::error(code, error.span, format!("`{}` lacks `::{end}(…)`", error.step))
            .note("an edge joins two items")
            .help(format!("add `::{end}(…)` with an ID or an item"))
    }
}

/// Parentheses behind a type, with no id between them.
pub(in crate::compiler) struct MissingId<'a> {
    pub kind: helix_plan::ItemKind,
    pub ty: &'a str,
    pub span: Span,
}

impl From<MissingId<'_>> for Diagnostic {
    fn from(error: MissingId<'_>) -> Self {
        let MissingId { kind, ty, span } = error;
        let letter = words::letter(kind);
        let (expected, lookup) = match kind {
            helix_plan::ItemKind::Node => {
                ("an id, or `{field: value}`", format!(" or `{letter}<{ty}>({{ field: value }})`"))
            }
            helix_plan::ItemKind::Edge | helix_plan::ItemKind::Vector => ("an id", String::new()),
        };
        Self::error(codes::STEP_NOT_APPLICABLE, span, format!("`{letter}<{ty}>(…)` lacks {expected}"))
            .help(format!("write `{letter}<{ty}>(id)`{lookup}; without parentheses, `{letter}<{ty}>` is all of them"))
    }
}

/// What a field without an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compiler) enum Unindexed {
    /// A declared one.
    Declared,
    /// A declared array, which no index holds.
    Array,
    /// The id of the node.
    Id,
    /// Another field that the database keeps itself.
    Implicit,
    /// No field of the type.
    Unknown,
}

/// A lookup by a field that has no index.
pub(in crate::compiler) struct NotIndexed<'a> {
    pub ty: &'a str,
    pub field: &'a str,
    pub found: Unindexed,
    pub nearest: Option<String>,
    pub span: Span,
}

impl From<NotIndexed<'_>> for Diagnostic {
    fn from(error: NotIndexed<'_>) -> Self {
        let NotIndexed { ty, field, found, nearest, span } = error;
        let message = match found {
            Unindexed::Unknown => format!("`{ty}` has no field `{field}`"),
            Unindexed::Declared | Unindexed::Array | Unindexed::Id | Unindexed::Implicit => {
                format!("field `{field}` of `{ty}` has no index")
            }
        };
        let help = match found {
            Unindexed::Array => Some(format!("arrays are not indexed; filter: `WHERE(_::{{{field}}}::CONTAINS(…))`")),
            Unindexed::Id => Some(format!("by its id: `N<{ty}>(id)`")),
            Unindexed::Declared => {
                Some(format!("declare it as `INDEX {field}: …`, or filter: `WHERE(_::{{{field}}}::EQ(…))`"))
            }
            Unindexed::Implicit => Some(format!("filter: `N<{ty}>::WHERE(_::{{{field}}}::EQ(…))`")),
            Unindexed::Unknown => super::suggest::did_you_mean(nearest),
        };
        Self::error(codes::NOT_INDEXED, span, message).help(help)
    }
}

/// A lookup by a field on edges or vectors, which have no indexes.
pub(in crate::compiler) struct LookupNeedsNodes<'a> {
    pub kind: helix_plan::ItemKind,
    pub ty: &'a str,
    pub span: Span,
}

impl From<LookupNeedsNodes<'_>> for Diagnostic {
    fn from(error: LookupNeedsNodes<'_>) -> Self {
        let (letter, ty) = (words::letter(error.kind), error.ty);
        Self::error(codes::NOT_INDEXED, error.span, format!("{}s have no index", words::kind(error.kind)))
            .help(format!("filter instead: `{letter}<{ty}>::WHERE(_::{{field}}::EQ(…))`"))
    }
}

/// A closure with steps behind it.
pub(in crate::compiler) struct ClosureNotLast<'a> {
    /// A step behind it that shows no fields.
    pub needless_before: Option<&'a str>,
    pub span: Span,
}

impl From<ClosureNotLast<'_>> for Diagnostic {
    fn from(error: ClosureNotLast<'_>) -> Self {
        Self::error(codes::CLOSURE_NOT_LAST, error.span, "a closure is the last step of a traversal").help(match error
            .needless_before
        {
            Some(step) => format!("remove it: `{step}` shows no fields"),
            None => "move the other steps before it".to_owned(),
        })
    }
}

/// A field that is excluded twice, or excluded and then named.
pub(in crate::compiler) struct ExcludedTwice<'a> {
    pub name: &'a str,
    pub span: Span,
    pub other: Span,
    /// Whether the other place names the field to show it.
    pub named: bool,
}

impl From<ExcludedTwice<'_>> for Diagnostic {
    fn from(error: ExcludedTwice<'_>) -> Self {
        let ExcludedTwice { name, span, other, named } = error;
        let (message, label) = if named {
            (format!("field `{name}` is excluded and then named"), "excluded here")
        } else {
            (format!("field `{name}` is excluded twice"), "excluded again here")
        };
        Self::error(codes::EXCLUDED_TWICE, span, message).also(other, label).help("remove one of them".to_owned())
    }
}

/// An exclude before a step that has no use for it.
pub(in crate::compiler) struct ExcludeMisplaced<'a> {
    pub span: Span,
    pub next: &'a str,
    pub next_span: Span,
    /// A step behind it that shows no fields.
    pub needless_before: Option<&'a str>,
}

impl From<ExcludeMisplaced<'_>> for Diagnostic {
    fn from(error: ExcludeMisplaced<'_>) -> Self {
        Self::error(codes::EXCLUDE_MISPLACED, error.span, format!("an exclude cannot precede `{}`", error.next))
            .also(error.next_span, "this step has no use for it")
            .help(match error.needless_before {
                Some(step) => format!("remove the exclude: `{step}` shows no fields"),
                None => "move the exclude to the end of the traversal".to_owned(),
            })
    }
}

/// A comparison with nothing on its left.
pub(in crate::compiler) struct ComparisonOfNothing<'a> {
    pub comparison: &'a str,
    pub found: &'a str,
    pub span: Span,
}

impl From<ComparisonOfNothing<'_>> for Diagnostic {
    fn from(error: ComparisonOfNothing<'_>) -> Self {
        let ComparisonOfNothing { comparison, found, span } = error;
        Self::error(codes::COMPARISON_OF_NOTHING, span, format!("`{comparison}` has no value to compare"))
            .label(format!("what precedes it is {found}"))
            .help(format!("select a field first: `::{{field}}::{comparison}(…)`"))
    }
}

/// A sort key that cannot differ from item to item.
pub(in crate::compiler) struct BadKey<'a> {
    pub found: &'a str,
    pub span: Span,
}

/// A sort key that is a condition.
pub(in crate::compiler) struct ConditionAsKey {
    pub span: Span,
}

impl From<ConditionAsKey> for Diagnostic {
    fn from(error: ConditionAsKey) -> Self {
        Self::error(codes::BAD_KEY, error.span, "`ORDER` cannot sort by a condition")
            .help("sort by a value, such as `_::{field}` or `_::Out<Type>::COUNT`".to_owned())
    }
}

impl From<BadKey<'_>> for Diagnostic {
    fn from(error: BadKey<'_>) -> Self {
        Self::error(codes::BAD_KEY, error.span, format!("`ORDER` cannot sort by {}", error.found))
            .help("sort by a value of the item, such as `_::{field}`".to_owned())
    }
}

/// `FOR a.b IN`.
pub(in crate::compiler) struct ForMemberAccess<'a> {
    pub member: &'a str,
    pub span: Span,
}

impl From<ForMemberAccess<'_>> for Diagnostic {
    fn from(error: ForMemberAccess<'_>) -> Self {
        Self::error(codes::FOR_MEMBER_ACCESS, error.span, "`FOR` cannot bind a member by its path")
            .help(format!("destructure the element: `FOR {{{}}} IN …`", error.member))
    }
}

/// A key that a projection lists twice.
pub(in crate::compiler) struct DuplicateProjectionKey<'a> {
    pub name: &'a str,
    pub span: Span,
    pub first: Span,
}

impl From<DuplicateProjectionKey<'_>> for Diagnostic {
    fn from(error: DuplicateProjectionKey<'_>) -> Self {
        Self::error(codes::DUPLICATE_FIELD, error.span, format!("key `{}` is given twice", error.name))
            .also(error.first, "first given here")
            .help("rename or remove one of them".to_owned())
    }
}

/// An end of an edge that is given more than once.
pub(in crate::compiler) struct RepeatedEnd {
    pub end: End,
    /// The other end, where that one is missing.
    pub missing: Option<End>,
    pub span: Span,
}

impl From<RepeatedEnd> for Diagnostic {
    fn from(error: RepeatedEnd) -> Self {
        Self::error(codes::SYNTAX, error.span, format!("`::{}(…)` is given twice", error.end.name()))
            .help(error.missing.map(|end| format!("the other end is `::{}(…)`", end.name())))
    }
}

/// An update or upsert that sets nothing.
pub(in crate::compiler) struct NoFields<'a> {
    pub step: &'a str,
    /// The type, when it declares no field.
    pub fieldless: Option<(helix_plan::ItemKind, &'a str)>,
    pub span: Span,
}

impl From<NoFields<'_>> for Diagnostic {
    fn from(error: NoFields<'_>) -> Self {
        let NoFields { step, fieldless, span } = error;
        let diagnostic = Self::error(codes::SYNTAX, span, format!("`{step}` sets no field"));
        let Some((kind, ty)) = fieldless else { return diagnostic.help("name at least one field".to_owned()) };
        let create = match kind {
            helix_plan::ItemKind::Node => format!("`AddN<{ty}>`"),
            helix_plan::ItemKind::Edge => format!("`AddE<{ty}>::From(…)::To(…)`"),
            helix_plan::ItemKind::Vector => format!("`AddV<{ty}>(…)`"),
        };
        let help = if step == "UPDATE" {
            "remove the step".to_owned()
        } else {
            format!("create one with {create}, or declare a field")
        };
        diagnostic.note(format!("`{ty}` declares no fields")).help(help)
    }
}

/// A statement that reads and does nothing with it.
pub(in crate::compiler) struct IdleStatement<'a> {
    /// As it is written.
    pub text: &'a str,
    pub span: Span,
}

impl From<IdleStatement<'_>> for Diagnostic {
    fn from(error: IdleStatement<'_>) -> Self {
        // What stands behind a value is a statement of its own.
        let help = match error.text.chars().next() {
            Some('-') => "keep its value: `x <- …`; to subtract, write `SUB(a, b)`",
            Some('[') => "keep its value: `x <- …`; to take one of many, write `::FIRST` or `::RANGE(0, 1)`",
            _ => "keep its value: `x <- …`",
        };
        Self::error(codes::SYNTAX, error.span, "the statement neither changes nor keeps anything").help(help.to_owned())
    }
}

/// Something is created or changed where an expression runs for each item.
pub(in crate::compiler) struct WriteInExpression<'a> {
    pub step: &'a str,
    pub span: Span,
}

impl From<WriteInExpression<'_>> for Diagnostic {
    fn from(error: WriteInExpression<'_>) -> Self {
        Self::error(codes::STEP_NOT_APPLICABLE, error.span, format!("`{}` cannot stand within a step", error.step))
            .note("filters, sort keys and projections only read")
            .help("make it a statement of its own, in a `FOR` if it belongs to each item".to_owned())
    }
}

/// `Embed` where no vector is needed.
pub(in crate::compiler) struct MisplacedEmbed {
    pub span: Span,
}

impl From<MisplacedEmbed> for Diagnostic {
    fn from(error: MisplacedEmbed) -> Self {
        Self::error(codes::STEP_NOT_APPLICABLE, error.span, "`Embed` stands only where a vector is needed")
            .note("these are the first arguments of `AddV`, `SearchV` and `UpsertV`")
    }
}

/// `AddE` as a step, with both ends given: the item itself would be none.
pub(in crate::compiler) struct BothEndsGiven {
    pub span: Span,
}

impl From<BothEndsGiven> for Diagnostic {
    fn from(error: BothEndsGiven) -> Self {
        Self::error(codes::SYNTAX, error.span, "`AddE` as a step takes one end, the items are the other")
            .help("remove `::From(…)` or `::To(…)`, or write `AddE<Type>::From(…)::To(…)` on its own".to_owned())
    }
}

/// A parameter of a reranker that is neither a literal nor a variable.
pub(in crate::compiler) struct BadRerankParameter<'a> {
    pub step: &'a str,
    pub name: &'a str,
    pub span: Span,
}

impl From<BadRerankParameter<'_>> for Diagnostic {
    fn from(error: BadRerankParameter<'_>) -> Self {
        let BadRerankParameter { step, name, span } = error;
        Self::error(codes::UNSUPPORTED_VALUE, span, format!("`{name}` of `{step}` is a literal or a variable"))
            .help("assign the expression to a variable first".to_owned())
    }
}

/// A literal that a reranker cannot work with.
pub(in crate::compiler) struct RerankOutOfRange<'a> {
    pub step: &'a str,
    pub name: &'a str,
    pub expected: &'a str,
    pub span: Span,
}

impl From<RerankOutOfRange<'_>> for Diagnostic {
    fn from(error: RerankOutOfRange<'_>) -> Self {
        let RerankOutOfRange { step, name, expected, span } = error;
        Self::error(codes::UNSUPPORTED_VALUE, span, format!("`{name}` of `{step}` is {expected}"))
    }
}

/// A distance that a reranker does not know, and no variable has that name.
pub(in crate::compiler) struct UnknownDistance<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<UnknownDistance<'_>> for Diagnostic {
    fn from(error: UnknownDistance<'_>) -> Self {
        let UnknownDistance { name, span } = error;
        Self::error(codes::UNKNOWN_NAME, span, format!("`{name}` is neither a distance nor a variable"))
            .help("write `\"cosine\"`, `\"euclidean\"` or `\"dotproduct\"`".to_owned())
    }
}

/// A query that is a tool of the Model Context Protocol, and answers nothing or several values.
pub(in crate::compiler) struct ToolOfManyValues {
    pub values: usize,
    pub span: Span,
}

impl From<ToolOfManyValues> for Diagnostic {
    fn from(error: ToolOfManyValues) -> Self {
        let (found, help) = match error.values {
            0 => ("none".to_owned(), "return what it found or made, or a text: `RETURN \"done\"`"),
            values => (values.to_string(), "put several values into one: `RETURN {answer: {a: …, b: …}}`"),
        };
        let message = format!("a query with `#[mcp]` returns one value, not {found}");
        Self::error(codes::TOOL_OF_MANY_VALUES, error.span, message).help(help.to_owned())
    }
}
