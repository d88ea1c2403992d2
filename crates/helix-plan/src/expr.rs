//! Expressions and traversals.

use serde::{Deserialize, Serialize};

use crate::{FieldId, FieldRef, ItemType, SlotId, SpanId, Type, TypeId};

/// An expression with its type and its place in the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of the result.
    pub ty: Type,
    /// Where it was written.
    pub span: SpanId,
}

/// What an expression computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// No value: `NONE`. As a field value: "not given" on creation, "remove" in an update.
    Null,
    /// A constant, already of the type of the place where it is used.
    Literal(Literal),
    /// The instant of the query's execution; the same for the whole query.
    Now,
    /// The value of a parameter, a variable, or the current item of the enclosing step.
    Slot(SlotId),
    /// A field of one item. Absent fields give null.
    Field {
        /// The item: an expression whose type is one item.
        item: Box<Expr>,
        /// Which field.
        field: FieldRef,
    },
    /// A member of an object parameter.
    Member {
        /// An expression whose type is an object.
        object: Box<Expr>,
        /// Index into the members of that type.
        index: u16,
    },
    /// The result of a traversal, as its [`Cardinality`] says.
    Traversal(Box<Traversal>),
    /// Whether a traversal yields anything; stops at the first.
    Exists(Box<Traversal>),
    /// Whether a comparison holds; false when either side is null or empty. A Many left side holds if any element does.
    Compare {
        /// Which comparison.
        comparison: Comparison,
        /// The left side.
        left: Box<Expr>,
        /// The right side; a list for [`Comparison::IsIn`].
        right: Box<Expr>,
    },
    /// Whether all hold; stops at the first that does not.
    And(Vec<Expr>),
    /// Whether any holds; stops at the first that does.
    Or(Vec<Expr>),
    /// The opposite of a boolean.
    Not(Box<Expr>),
    /// A mathematical function; null when any argument is null.
    Math {
        /// Which function.
        function: MathFunction,
        /// As many as the function takes.
        arguments: Vec<Expr>,
    },
    /// An array, in `RETURN` or as a value.
    List(Vec<Expr>),
    /// An object, in `RETURN` or nested in a projection.
    Object(Vec<Entry>),
    /// The embedding of a text, from the configured provider.
    Embed(Box<Expr>),
    /// Creates a node and is that node.
    AddNode {
        /// The node type.
        node: TypeId,
        /// The fields given; defaults fill the rest.
        fields: Vec<Assignment>,
    },
    /// Creates an edge for each pair of ends (From-major) and is that edge, or those edges when an end is Many.
    AddEdge {
        /// The edge type.
        edge: TypeId,
        /// An id, or one or many items.
        from: Box<Expr>,
        /// An id, or one or many items.
        to: Box<Expr>,
        /// The fields given; defaults fill the rest.
        fields: Vec<Assignment>,
    },
    /// Creates a vector and is that vector.
    AddVector {
        /// The vector type.
        vector: TypeId,
        /// The components: a list of floats.
        data: Box<Expr>,
        /// The fields given; defaults fill the rest.
        fields: Vec<Assignment>,
    },
    /// Creates a vector of each element, with the defaults of the type for fields, and is those vectors.
    AddVectors {
        /// The vector type.
        vector: TypeId,
        /// A list of lists of floats.
        data: Box<Expr>,
    },
    /// A value that may be missing from the request, where it must not be: an error when it is null.
    Required {
        /// The value.
        value: Box<Expr>,
        /// How the request names it: `nick`, `user.name`.
        name: String,
    },
    /// A value for a field that may be missing from the request: when it is null, the field is not given.
    Optional(Box<Expr>),
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    /// A boolean.
    Boolean(bool),
    /// An integer that fits 128 signed bits.
    Integer(i128),
    /// A `U128` above the signed range.
    Unsigned(u128),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// Text.
    String(String),
    /// An instant: Unix seconds and nanoseconds within the second.
    Date {
        /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
        seconds: i64,
        /// 0 to 999 999 999.
        nanoseconds: u32,
    },
    /// An item id: the UUID's 128 bits.
    Id(u128),
    /// An array of constants.
    List(Vec<Literal>),
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `EQ`.
    Equal,
    /// `NEQ`.
    NotEqual,
    /// `GT`.
    Greater,
    /// `GTE`.
    GreaterOrEqual,
    /// `LT`.
    Less,
    /// `LTE`.
    LessOrEqual,
    /// `CONTAINS`: a substring, or an element of an array field.
    Contains,
    /// `IS_IN`: an element of the list on the right.
    IsIn,
}

/// The mathematical functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MathFunction {
    /// `ADD(a, b)`; also joins two strings or two arrays.
    Add,
    /// `SUB(a, b)`.
    Sub,
    /// `MUL(a, b)`.
    Mul,
    /// `DIV(a, b)`; truncates toward zero for integers.
    Div,
    /// `MOD(a, b)`; the sign of the dividend.
    Mod,
    /// `POW(a, b)`; always F64.
    Pow,
    /// `ABS(a)`.
    Abs,
    /// `SQRT(a)`; always F64.
    Sqrt,
    /// `MIN(a, b)`.
    Min,
    /// `MAX(a, b)`.
    Max,
    /// `LN(a)`, the natural logarithm; F64, as all that follow.
    Ln,
    /// `LOG10(a)`.
    Log10,
    /// `LOG(a, base)`.
    Log,
    /// `EXP(a)`.
    Exp,
    /// `CEIL(a)`.
    Ceil,
    /// `FLOOR(a)`.
    Floor,
    /// `ROUND(a)`, half away from zero.
    Round,
    /// `SIN(a)`, of radians.
    Sin,
    /// `COS(a)`, of radians.
    Cos,
    /// `TAN(a)`, of radians.
    Tan,
    /// `ASIN(a)`, in radians.
    Asin,
    /// `ACOS(a)`, in radians.
    Acos,
    /// `ATAN(a)`, in radians.
    Atan,
    /// `ATAN2(y, x)`, in radians.
    Atan2,
    /// The number as F64: what every operand of a weight becomes.
    Float,
}

/// What becomes of the numbers of a stream; null ones are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fold {
    /// `SUM`: integers exactly; 0 of nothing.
    Sum,
    /// `AVG`: always F64; null of nothing.
    Average,
    /// `MIN`: null of nothing.
    Least,
    /// `MAX`: null of nothing.
    Greatest,
    /// `COUNT` of values: how many there are; 0 of nothing.
    Count,
}

/// A value for a declared field of a created or updated item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The field of the item's type.
    pub field: FieldId,
    /// The value; the engine converts numbers to the field's width and fails when they do not fit.
    pub value: Expr,
}

/// A named value of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The key in the response.
    pub key: String,
    /// The value.
    pub value: Expr,
}

/// A source followed by steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traversal {
    /// Where the stream comes from.
    pub source: Source,
    /// What happens to it, in order.
    pub steps: Vec<Step>,
    /// What becomes of the stream in the end.
    pub cardinality: Cardinality,
}

/// How the stream of a traversal becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cardinality {
    /// All elements, in order.
    Many,
    /// The only (or first) element. An empty stream is an error: "… not found" when the source is a lookup by id that no
    /// filtering step follows, else "No value found".
    One,
    /// The first element, or null. After a projection, an object in which every key is null.
    Optional,
}

/// Where a stream comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// All items of a type, in creation order.
    All(ItemType),
    /// The items of a type with the given ids, in the order given; missing ones contribute nothing.
    ById {
        /// The type that a found item must have.
        item: ItemType,
        /// Expressions of type id, of one item (its id), or of a list of ids.
        ids: Vec<Expr>,
    },
    /// The oldest node whose indexed field equals a value.
    ByIndex {
        /// The node type.
        node: TypeId,
        /// A field with an index.
        field: FieldId,
        /// The value; null finds nothing.
        value: Box<Expr>,
    },
    /// The nearest vectors of a type, best first, by cosine distance.
    SearchVector {
        /// The vector type.
        vector: TypeId,
        /// The query vector: a list of floats.
        query: Box<Expr>,
        /// How many, at most: an integer.
        k: Box<Expr>,
    },
    /// The items that an expression gives: a variable, the current item, or a created item.
    Expr(Box<Expr>),
    /// The nearest of those vectors of a type for which a predicate holds, best first, by cosine distance.
    SearchVectorWhere {
        /// The vector type.
        vector: TypeId,
        /// The query vector: a list of floats.
        query: Box<Expr>,
        /// How many, at most: an integer.
        k: Box<Expr>,
        /// Holds the vector while `predicate` runs.
        current: SlotId,
        /// A boolean.
        predicate: Box<Expr>,
    },
    /// The nodes of a type whose text fits a query best, best first, by Okapi BM25.
    SearchText {
        /// The node type.
        node: TypeId,
        /// The words to search for: a String; null finds nothing.
        text: Box<Expr>,
        /// How many, at most: an integer.
        k: Box<Expr>,
    },
}

/// What happens to each element of a stream, or to the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// The items at the far end of outgoing edges of a type.
    Out {
        /// The edge type.
        edge: TypeId,
        /// What its edges end at.
        to: ItemType,
    },
    /// The items at the far end of incoming edges of a type.
    In {
        /// The edge type.
        edge: TypeId,
        /// What its edges start at.
        from: ItemType,
    },
    /// The outgoing edges of a type.
    OutEdges {
        /// The edge type.
        edge: TypeId,
    },
    /// The incoming edges of a type.
    InEdges {
        /// The edge type.
        edge: TypeId,
    },
    /// The item that each edge starts at: `FromN`, `FromV`.
    From {
        /// Its type.
        item: ItemType,
    },
    /// The item that each edge ends at: `ToN`, `ToV`.
    To {
        /// Its type.
        item: ItemType,
    },
    /// Keeps the elements for which a predicate holds.
    Filter {
        /// Holds the current element while `predicate` runs.
        current: SlotId,
        /// A boolean.
        predicate: Expr,
    },
    /// Sorts, keeping the order of equal keys. Null comes first ascending and last descending.
    Order {
        /// Holds the current element while `key` runs.
        current: SlotId,
        /// The key.
        key: Expr,
        /// Which way.
        direction: Direction,
    },
    /// The elements from `start` up to but not including `end`, counted from zero. Negative bounds are an error.
    Range {
        /// An integer.
        start: Expr,
        /// An integer.
        end: Expr,
    },
    /// The first element, if any.
    First,
    /// Replaces the stream by its length: one U64.
    Count,
    /// Replaces each element by a value: `::{field}`, `::ID`.
    Map {
        /// Holds the current element while `value` runs.
        current: SlotId,
        /// The value.
        value: Expr,
    },
    /// Gives each item the shape of an object. The item stays what later steps work on.
    Project {
        /// Holds the current item while `entries` run.
        current: SlotId,
        /// The keys and values, in output order; keys are distinct.
        entries: Vec<Entry>,
    },
    /// The incoming vectors most similar to a query, best first, by exact comparison.
    SearchVector {
        /// The query vector: a list of floats.
        query: Expr,
        /// How many, at most: an integer.
        k: Expr,
    },
    /// Updates every item of the stream, then yields the first. An empty stream yields nothing.
    Update {
        /// The item type.
        item: ItemType,
        /// The fields to set; null removes.
        fields: Vec<Assignment>,
    },
    /// Merges fields into the first node of the stream, or creates a node when the stream is empty.
    UpsertNode {
        /// The node type.
        node: TypeId,
        /// The fields to set.
        fields: Vec<Assignment>,
    },
    /// Merges fields into the first edge between two items, or creates it. The stream itself is ignored.
    UpsertEdge {
        /// The edge type.
        edge: TypeId,
        /// An id or one item.
        from: Expr,
        /// An id or one item.
        to: Expr,
        /// The fields to set.
        fields: Vec<Assignment>,
    },
    /// Merges fields into the first vector of the stream and replaces its data, or creates a vector.
    UpsertVector {
        /// The vector type.
        vector: TypeId,
        /// The components: a list of floats.
        data: Expr,
        /// The fields to set.
        fields: Vec<Assignment>,
    },
    /// Replaces a stream of numbers by one value.
    Fold(Fold),
    /// Replaces the stream by the items that `found` gives for every element, each once, in the order of the shortest of those
    /// results. Of an empty stream there are none.
    Intersect {
        /// Holds the current element while `found` runs.
        current: SlotId,
        /// One or many items.
        found: Expr,
    },
    /// Replaces the items by one object: what they have in common under `tag`, in the order in which groups appeared.
    Group {
        /// Holds the current item while `by` runs.
        current: SlotId,
        /// What the items of a group have in common; keys are distinct.
        by: Vec<Entry>,
        /// Whether a group shows its items, each once, instead of what they have in common.
        items: bool,
        /// The key of the groups.
        tag: GroupTag,
    },
    /// Creates an edge between each item and the items at its other end, item-major, and yields those edges.
    AddEdge {
        /// The edge type.
        edge: TypeId,
        /// The end that `other` is.
        end: EdgeEnd,
        /// An id, or one or many items.
        other: Expr,
        /// The fields given; defaults fill the rest.
        fields: Vec<Assignment>,
    },
    /// Scores the elements by their rank: 1 / (k + rank), ranks counted from 1. Source: Cormack, Clarke, Buettcher, "Reciprocal
    /// Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
    RerankByRank {
        /// A number above 0.
        k: Expr,
    },
    /// Orders vectors so that each is relevant and unlike those before it. Source: Carbonell, Goldstein, "The Use of MMR,
    /// Diversity-Based Reranking for Reordering Documents and Producing Summaries", SIGIR 1998.
    RerankByDiversity {
        /// The weight of relevance: a number from 0 to 1.
        lambda: Expr,
        /// How alike two vectors are: `cosine`, `euclidean` or `dotproduct`.
        distance: Expr,
    },
    /// Replaces each node by a shortest path between it and another one.
    ShortestPath(Box<PathSearch>),
}

/// An end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EdgeEnd {
    /// Where it starts.
    From,
    /// Where it ends.
    To,
}

/// How a shortest path is looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathSearch {
    /// The way of going about it.
    pub algorithm: PathAlgorithm,
    /// The end of the path that `other` is; the other end are the nodes of the stream.
    pub end: EdgeEnd,
    /// An id, or one node.
    pub other: Expr,
    /// The edges that may be walked, in their direction.
    pub edges: Vec<PathEdge>,
    /// For A*: a field of the nodes, which never overestimates the weight that is left.
    pub heuristic: Option<Heuristic>,
}

/// The algorithms for shortest paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathAlgorithm {
    /// The fewest edges: breadth-first search.
    BreadthFirst,
    /// The least total weight: Dijkstra, "A Note on Two Problems in Connexion with Graphs", 1959.
    Dijkstra,
    /// The least total weight, guided: Hart, Nilsson, Raphael, "A Formal Basis for the Heuristic Determination of Minimum Cost
    /// Paths", 1968.
    AStar,
}

/// Edges of a type that a path may walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathEdge {
    /// The edge type.
    pub edge: TypeId,
    /// The node type that its edges start at.
    pub from: TypeId,
    /// The node type that its edges end at.
    pub to: TypeId,
    /// What an edge weighs; none where edges are only counted.
    pub weight: Option<Weight>,
}

/// The weight of an edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Holds the edge while `value` runs.
    pub current: SlotId,
    /// A number, not negative.
    pub value: Expr,
}

/// The field that guides a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heuristic {
    /// Its name.
    pub name: String,
    /// The node types that have it, as a number.
    pub fields: Vec<(TypeId, FieldId)>,
}

/// The key under which groups are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupTag {
    /// `Group`.
    Group,
    /// `Count`: the grouping of a count.
    Count,
}

impl GroupTag {
    /// As it is answered.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "Group",
            Self::Count => "Count",
        }
    }
}

/// A step from items to their edges, or to what is at the other end of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Along outgoing edges of a type.
    Out(TypeId),
    /// Along incoming edges of a type.
    In(TypeId),
}

impl Traversal {
    /// The type and the id expression, when the traversal looks one id up and leaves out nothing that it finds: if it gives no
    /// element, then because that item does not exist.
    #[must_use]
    pub fn looked_up(&self) -> Option<(ItemType, &Expr)> {
        let is_filtered = self.steps.iter().any(|step| matches!(step, Step::Filter { .. } | Step::Range { .. }));
        match &self.source {
            Source::ById { item, ids } if !is_filtered => match &ids[..] {
                [id] => Some((*item, id)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Step {
    /// Whether the step must see the whole stream, or keeps count of it: it cuts a traversal in two.
    #[must_use]
    pub const fn sees_whole_stream(&self) -> bool {
        match self {
            Self::Out { .. }
            | Self::In { .. }
            | Self::OutEdges { .. }
            | Self::InEdges { .. }
            | Self::From { .. }
            | Self::To { .. }
            | Self::Filter { .. }
            | Self::Map { .. }
            | Self::Project { .. } => false,
            Self::Count
            | Self::First
            | Self::Range { .. }
            | Self::Order { .. }
            | Self::SearchVector { .. }
            | Self::Update { .. }
            | Self::UpsertNode { .. }
            | Self::UpsertEdge { .. }
            | Self::UpsertVector { .. }
            | Self::Fold(_)
            | Self::Intersect { .. }
            | Self::Group { .. }
            | Self::AddEdge { .. }
            | Self::RerankByRank { .. }
            | Self::RerankByDiversity { .. }
            | Self::ShortestPath(_) => true,
        }
    }

    /// The edges that the step follows, when it gives one element for each.
    #[must_use]
    pub const fn hop(&self) -> Option<Hop> {
        match self {
            Self::Out { edge, .. } | Self::OutEdges { edge } => Some(Hop::Out(*edge)),
            Self::In { edge, .. } | Self::InEdges { edge } => Some(Hop::In(*edge)),
            Self::From { .. }
            | Self::To { .. }
            | Self::Filter { .. }
            | Self::Map { .. }
            | Self::Project { .. }
            | Self::Count
            | Self::First
            | Self::Range { .. }
            | Self::Order { .. }
            | Self::SearchVector { .. }
            | Self::Update { .. }
            | Self::UpsertNode { .. }
            | Self::UpsertEdge { .. }
            | Self::UpsertVector { .. }
            | Self::Fold(_)
            | Self::Intersect { .. }
            | Self::Group { .. }
            | Self::AddEdge { .. }
            | Self::RerankByRank { .. }
            | Self::RerankByDiversity { .. }
            | Self::ShortestPath(_) => None,
        }
    }
}

/// A sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Least first.
    Ascending,
    /// Greatest first.
    Descending,
}
