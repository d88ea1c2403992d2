//! Values of a type that their place does not take.

use super::{Diagnostic, codes};
use crate::compiler::source::Span;

/// A value whose type differs from what a field, a lookup or an operand takes.
pub(in crate::compiler) struct TypeMismatch<'a> {
    /// What takes the value: "field `age`".
    pub place: &'a str,
    pub expected: &'a str,
    pub found: &'a str,
    pub span: Span,
    pub help: Option<String>,
}

impl From<TypeMismatch<'_>> for Diagnostic {
    fn from(error: TypeMismatch<'_>) -> Self {
        let TypeMismatch { place, expected, found, span, help } = error;
        Self::error(codes::TYPE_MISMATCH, span, format!("{place} takes {expected}, not {found}"))
            .label(format!("this is {found}"))
            .help(help)
    }
}

/// Something that is not an id, where one is needed.
pub(in crate::compiler) struct NotAnId<'a> {
    /// What needs the id: "`N<User>(…)`".
    pub place: &'a str,
    pub found: &'a str,
    pub span: Span,
    /// What to write for this value, where it is not enough to declare an `ID`.
    pub help: Option<String>,
}

impl From<NotAnId<'_>> for Diagnostic {
    fn from(error: NotAnId<'_>) -> Self {
        Self::error(codes::NOT_AN_ID, error.span, format!("{} takes an ID, not {}", error.place, error.found))
            .label(format!("this is {}", error.found))
            .help(error.help.unwrap_or_else(|| "declare it as `ID`, or take the id of an item with `::ID`".to_owned()))
    }
}

/// Fields selected from something without fields.
pub(in crate::compiler) struct NotAnItem<'a> {
    pub found: &'a str,
    /// As it is written, where it is an array of objects.
    pub objects: Option<&'a str>,
    pub span: Span,
}

impl From<NotAnItem<'_>> for Diagnostic {
    fn from(error: NotAnItem<'_>) -> Self {
        Self::error(codes::NOT_AN_ITEM, error.span, format!("fields cannot be selected from {}", error.found))
            .note("only nodes, edges, vectors and objects of the request have fields")
            .help(
                error
                    .objects
                    .map(|rows| format!("go through it: `FOR row IN {rows} {{ … }}`, or read from `{rows}::FIRST`")),
            )
    }
}

/// Several members of an object at once.
pub(in crate::compiler) struct MembersAtOnce<'a> {
    /// As it is written.
    pub object: &'a str,
    /// One of its members.
    pub member: &'a str,
    pub span: Span,
}

impl From<MembersAtOnce<'_>> for Diagnostic {
    fn from(error: MembersAtOnce<'_>) -> Self {
        let MembersAtOnce { object, member, span } = error;
        Self::error(codes::NOT_AN_ITEM, span, "the members of an object are read one at a time")
            .note("only nodes, edges and vectors take another shape")
            .help(format!("read each by itself: `{object}::{{{member}}}`"))
    }
}

/// An operand that a function cannot work with.
pub(in crate::compiler) struct BadOperand<'a> {
    pub function: &'a str,
    pub expected: &'a str,
    pub found: &'a str,
    pub span: Span,
}

impl From<BadOperand<'_>> for Diagnostic {
    fn from(error: BadOperand<'_>) -> Self {
        let BadOperand { function, expected, found, span } = error;
        Self::error(codes::BAD_OPERAND, span, format!("`{function}` works on {expected}, not on {found}"))
            .label(format!("this is {found}"))
    }
}

/// An operand of `AND`, `OR` or `!` that is not boolean.
pub(in crate::compiler) struct NotABoolean<'a> {
    pub found: &'a str,
    /// Whether it is a value, and no item.
    pub is_value: bool,
    pub span: Span,
}

impl From<NotABoolean<'_>> for Diagnostic {
    fn from(error: NotABoolean<'_>) -> Self {
        Self::error(codes::NOT_A_BOOLEAN, error.span, format!("a condition is needed here, not {}", error.found))
            .label(format!("this is {}", error.found))
            .help(if error.is_value {
                "end it in a comparison such as `::EQ(…)`".to_owned()
            } else {
                "end it in a comparison such as `::EQ(…)`, or wrap a traversal in `EXISTS(…)`".to_owned()
            })
    }
}

/// An array that holds nothing, where nothing else tells its type.
pub(in crate::compiler) struct UntypedArray {
    pub span: Span,
}

impl From<UntypedArray> for Diagnostic {
    fn from(error: UntypedArray) -> Self {
        Self::error(codes::BAD_TYPE, error.span, "the type of this array is not known")
            .label("it holds nothing that tells")
            .help("write `[]` where it is used, or take an array as a parameter such as `xs: [String]`".to_owned())
    }
}

/// An array whose elements differ in type.
pub(in crate::compiler) struct MixedElements<'a> {
    pub first: &'a str,
    pub first_span: Span,
    pub found: &'a str,
    pub span: Span,
}

impl From<MixedElements<'_>> for Diagnostic {
    fn from(error: MixedElements<'_>) -> Self {
        Self::error(codes::NOT_A_BOOLEAN, error.span, "the elements of an array have one type")
            .label(format!("this is {}", error.found))
            .also(error.first_span, format!("the first element is {}", error.first))
    }
}

/// A side of a comparison that has no order and no equality.
pub(in crate::compiler) struct NotComparable<'a> {
    pub comparison: &'a str,
    pub found: &'a str,
    pub expected: &'a str,
    pub span: Span,
}

impl From<NotComparable<'_>> for Diagnostic {
    fn from(error: NotComparable<'_>) -> Self {
        let NotComparable { comparison, found, expected, span } = error;
        Self::error(codes::NOT_COMPARABLE, span, format!("`{comparison}` cannot compare {found}"))
            .label(format!("{expected} is needed here"))
    }
}

/// `INTERSECT` with something that yields no items.
pub(in crate::compiler) struct IntersectionOfNoItems<'a> {
    pub found: &'a str,
    pub span: Span,
}

impl From<IntersectionOfNoItems<'_>> for Diagnostic {
    fn from(error: IntersectionOfNoItems<'_>) -> Self {
        let IntersectionOfNoItems { found, span } = error;
        Self::error(
            codes::NOT_COMPARABLE,
            span,
            format!("`INTERSECT` takes a traversal that yields items, not {found}"),
        )
        .label(format!("this is {found}"))
        .help("lead to what the items have in common: `INTERSECT(_::Out<Type>)`".to_owned())
    }
}

/// Many values of a stream on the right of `IS_IN`.
pub(in crate::compiler) struct ChoicesOfStream<'a> {
    pub found: &'a str,
    pub span: Span,
}

impl From<ChoicesOfStream<'_>> for Diagnostic {
    fn from(error: ChoicesOfStream<'_>) -> Self {
        let ChoicesOfStream { found, span } = error;
        Self::error(codes::NOT_COMPARABLE, span, format!("`IS_IN` takes an array, not {found}"))
            .label(format!("this is {found}"))
            .note("an array is written `[a, b]`, or comes from a parameter or a field")
    }
}

/// Two sides of a comparison that differ in type.
pub(in crate::compiler) struct ComparisonMismatch<'a> {
    pub comparison: &'a str,
    pub left: &'a str,
    pub right: &'a str,
    pub span: Span,
    pub help: Option<String>,
}

impl From<ComparisonMismatch<'_>> for Diagnostic {
    fn from(error: ComparisonMismatch<'_>) -> Self {
        let ComparisonMismatch { comparison, left, right, span, help } = error;
        Self::error(codes::COMPARISON_MISMATCH, span, format!("`{comparison}` compares {left} with {right}"))
            .label("the types differ")
            .help(help)
    }
}

/// `CONTAINS` on an array, with something that is none of its elements.
pub(in crate::compiler) struct NotAnElement<'a> {
    pub element: &'a str,
    pub found: &'a str,
    pub span: Span,
}

impl From<NotAnElement<'_>> for Diagnostic {
    fn from(error: NotAnElement<'_>) -> Self {
        let NotAnElement { element, found, span } = error;
        let message = format!("`CONTAINS` looks for one element of the array, {element}, not for {found}");
        Self::error(codes::COMPARISON_MISMATCH, span, message).label("the types differ")
    }
}

/// A condition that is a traversal without a comparison at its end.
pub(in crate::compiler) struct NotACondition<'a> {
    pub found: &'a str,
    /// Whether it ends in a number that is always there.
    pub is_number: bool,
    pub span: Span,
}

impl From<NotACondition<'_>> for Diagnostic {
    fn from(error: NotACondition<'_>) -> Self {
        Self::error(codes::NOT_A_CONDITION, error.span, "the traversal does not end in a comparison")
            .label(format!("this is {}, neither true nor false", error.found))
            .help(if error.is_number {
                "end it in a comparison such as `::GT(0)`".to_owned()
            } else {
                "wrap it in `EXISTS(…)`, or end it in a comparison such as `::EQ(…)`".to_owned()
            })
    }
}

/// `Embed` of something that is not text.
pub(in crate::compiler) struct EmbedOfNoText<'a> {
    pub found: &'a str,
    pub span: Span,
}

impl From<EmbedOfNoText<'_>> for Diagnostic {
    fn from(error: EmbedOfNoText<'_>) -> Self {
        Self::error(codes::EMBED_OF_NO_TEXT, error.span, format!("`Embed` takes a String, not {}", error.found))
    }
}

/// The end of a new edge is of a type that the edge type does not join.
pub(in crate::compiler) struct WrongEdgeEnd<'a> {
    pub edge: &'a str,
    /// `From` or `To`.
    pub end: &'a str,
    pub expected: &'a str,
    pub found: &'a str,
    pub span: Span,
}

impl From<WrongEdgeEnd<'_>> for Diagnostic {
    fn from(error: WrongEdgeEnd<'_>) -> Self {
        let WrongEdgeEnd { edge, end, expected, found, span } = error;
        Self::error(codes::WRONG_EDGE_END, span, format!("`{end}` of `{edge}` must be {expected}"))
            .label(format!("this is {found}"))
    }
}

/// A bound of `RANGE` that is not an integer.
pub(in crate::compiler) struct BadBound<'a> {
    pub found: &'a str,
    pub span: Span,
}

impl From<BadBound<'_>> for Diagnostic {
    fn from(error: BadBound<'_>) -> Self {
        Self::error(codes::BAD_BOUND, error.span, format!("`RANGE` takes integers, not {}", error.found))
            .label(format!("this is {}", error.found))
    }
}

/// `FOR` over something that is not a list.
pub(in crate::compiler) struct NotIterable<'a> {
    pub name: &'a str,
    pub found: &'a str,
    pub span: Span,
}

impl From<NotIterable<'_>> for Diagnostic {
    fn from(error: NotIterable<'_>) -> Self {
        cannot_iterate(codes::NOT_ITERABLE, error.name, error.found, error.span)
    }
}

fn cannot_iterate(code: &'static str, name: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error(code, span, format!("`FOR` cannot go through `{name}`"))
        .label(format!("this is {found}"))
        .note("`FOR` goes through arrays, and through variables that hold many items or values")
}

/// `FOR {…}` over elements that are not objects.
pub(in crate::compiler) struct NotDestructurable<'a> {
    pub name: &'a str,
    pub found: &'a str,
    /// Whether there are elements at all.
    pub has_elements: bool,
    pub span: Span,
}

impl From<NotDestructurable<'_>> for Diagnostic {
    fn from(error: NotDestructurable<'_>) -> Self {
        if !error.has_elements {
            return cannot_iterate(codes::NOT_DESTRUCTURABLE, error.name, error.found, error.span);
        }
        Self::error(codes::NOT_DESTRUCTURABLE, error.span, format!("`{}` does not hold objects", error.name))
            .label(format!("this is {}", error.found))
            .help("bind the whole element: `FOR x IN …`".to_owned())
    }
}

/// `DROP` of something that is not stored.
pub(in crate::compiler) struct DropOfNoItems<'a> {
    pub found: &'a str,
    pub span: Span,
}

impl From<DropOfNoItems<'_>> for Diagnostic {
    fn from(error: DropOfNoItems<'_>) -> Self {
        Self::error(codes::DROP_OF_NO_ITEMS, error.span, "`DROP` can only be applied to nodes, edges and vectors")
            .label(format!("this is {}", error.found))
    }
}
