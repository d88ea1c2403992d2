//! Shortest paths.

use serde::{Deserialize, Serialize};

use crate::{EdgeEnd, Expr, FieldId, SlotId, TypeId};

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
