//! The steps of a walk, as clients send them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The names of all tools that are not queries.
pub(super) const NAMES: [&str; 19] = [
    "init",
    "next",
    "collect",
    "reset",
    "schema_resource",
    "tool_call",
    "n_from_type",
    "e_from_type",
    "out_step",
    "in_step",
    "out_e_step",
    "in_e_step",
    "filter_items",
    "order_by",
    "search_vector",
    "search_vector_text",
    "search_keyword",
    "aggregate_by",
    "group_by",
];

/// Results of a search, when nobody says how many.
const fn default_k() -> usize {
    10
}

/// A step of a walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tool_name", content = "args", rename_all = "snake_case")]
pub(super) enum Tool {
    /// All nodes of a type.
    NFromType { node_type: String },
    /// All edges of a type.
    EFromType { edge_type: String },
    /// The items at the far end of outgoing edges.
    OutStep(Hop),
    /// The items at the far end of incoming edges.
    InStep(Hop),
    /// The outgoing edges.
    OutEStep(Hop),
    /// The incoming edges.
    InEStep(Hop),
    /// The items that a filter takes.
    FilterItems {
        #[serde(default)]
        filter: Filter,
    },
    /// The items in the order of a field.
    OrderBy { properties: String, order: Order },
    /// The vectors of the walk nearest to a vector.
    #[serde(alias = "search_vec")]
    SearchVector {
        vector: Vec<f64>,
        #[serde(default = "default_k")]
        k: usize,
        min_score: Option<f64>,
    },
    /// The vectors of a type nearest to the embedding of a text.
    #[serde(alias = "search_vec_text")]
    SearchVectorText {
        query: String,
        label: String,
        #[serde(default = "default_k")]
        k: usize,
    },
    /// The nodes of a type whose text fits best.
    SearchKeyword {
        query: String,
        label: String,
        #[serde(default = "default_k")]
        limit: usize,
    },
}

impl Tool {
    /// Whether the step starts a walk of its own.
    pub const fn begins(&self) -> bool {
        match self {
            Self::NFromType { .. }
            | Self::EFromType { .. }
            | Self::SearchVectorText { .. }
            | Self::SearchKeyword { .. } => true,
            Self::OutStep(_)
            | Self::InStep(_)
            | Self::OutEStep(_)
            | Self::InEStep(_)
            | Self::FilterItems { .. }
            | Self::OrderBy { .. }
            | Self::SearchVector { .. } => false,
        }
    }
}

/// A step along edges of a type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Hop {
    /// The edge type.
    pub edge_label: String,
    /// What the edges lead to.
    pub edge_type: Option<EndKind>,
    /// What else the items found must be.
    pub filter: Option<Filter>,
}

/// What an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EndKind {
    /// A node.
    Node,
    /// A vector.
    #[serde(alias = "vector")]
    Vec,
}

/// A sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    /// Least first.
    Asc,
    /// Greatest first.
    Desc,
}

/// A filter: any of the groups, of which all conditions hold; and every traversal finds something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Filter {
    /// Groups of conditions. None at all is no restriction.
    pub properties: Option<Vec<Vec<Condition>>>,
    /// Steps that must find something from each item.
    pub filter_traversals: Option<Vec<Tool>>,
}

/// A condition on a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Condition {
    /// The field.
    pub key: String,
    /// The value, or several of which any will do.
    pub value: Value,
    /// The comparison; equality when it is not given.
    pub operator: Option<Operator>,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Operator {
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "<=")]
    LessOrEqual,
}
