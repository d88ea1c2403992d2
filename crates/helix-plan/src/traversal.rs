//! Traversals: a source and the steps behind it.

use serde::{Deserialize, Serialize};

use crate::{Assignment, Entry, Expr, ExprKind, FieldId, Fold, ItemType, Lookup, PathSearch, SlotId, TypeId};

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
    /// The elements of an array; none of null.
    Elements(Box<Expr>),
    /// The items of a type that a lookup finds, in creation order; maybe more of them.
    Lookup {
        /// The type.
        item: ItemType,
        /// Where to look.
        lookup: Lookup,
    },
    /// The nodes of a type that come first in the order of an indexed field, in creation order; maybe more of them.
    Leading {
        /// The node type.
        node: TypeId,
        /// A field with an index.
        field: FieldId,
        /// Which way that order goes.
        direction: Direction,
        /// Whether nodes without a value belong to the order: first ascending, last descending.
        absent: bool,
        /// How many: an integer. What is none means all.
        len: Box<Expr>,
    },
    /// The items of a type that were created first, or last, in creation order.
    Extent {
        /// The type.
        item: ItemType,
        /// Ascending is first.
        direction: Direction,
        /// How many: an integer. What is none means all.
        len: Box<Expr>,
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

/// How far into a stream the steps behind a point look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach<'p> {
    /// At everything.
    All,
    /// At the first element.
    First,
    /// Up to but not including this element, counted from zero: a constant or a slot.
    Until(&'p Expr),
}

impl<'p> Reach<'p> {
    /// The reach of steps.
    #[must_use]
    pub fn of(steps: &'p [Step]) -> Self {
        match steps.iter().find(|step| !matches!(step, Step::Map { .. } | Step::Project { .. })) {
            Some(Step::First) => Self::First,
            Some(Step::Range { start: _, end }) if matches!(end.kind, ExprKind::Literal(_) | ExprKind::Slot(_)) => {
                Self::Until(end)
            }
            _ => Self::All,
        }
    }
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

    /// The members of the objects that it gives, when it ends in a projection and in steps that leave its objects as they are.
    #[must_use]
    pub fn projection(&self) -> Option<&[Entry]> {
        let mut last = self.steps.iter().rev().skip_while(|step| {
            matches!(step, Step::First | Step::Range { .. } | Step::Order { .. } | Step::Filter { .. })
        });
        match last.next() {
            Some(Step::Project { current: _, entries }) => Some(entries),
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
