//! The steps of a walk, as clients send them.

use super::members::{JsonKind, Member, Members};
use crate::error::{EngineError, Result};

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
const DEFAULT_K: usize = 10;

/// Filters within steps of filters.
const DEEPEST: usize = 16;

/// A step of a walk.
#[derive(Clone, Debug, PartialEq)]
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
    FilterItems { filter: Filter },
    /// The items in the order of a field.
    OrderBy { properties: String, order: Order },
    /// The vectors of the walk nearest to a vector.
    SearchVector { vector: Vec<f64>, k: usize, min_score: Option<f64> },
    /// The vectors of a type nearest to the embedding of a text.
    SearchVectorText { query: String, label: String, k: usize },
    /// The nodes of a type whose text fits best.
    SearchKeyword { query: String, label: String, limit: usize },
}

impl Tool {
    /// The step `name` with its arguments.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTool`] when there is none, [`EngineError::Decode`] when the arguments are not those of the step.
    pub fn read(name: &str, args: &Members<'_>) -> Result<Self> {
        Self::read_at(name, args, 0)
    }

    /// A step with its name: `{"tool_name": …, "args": {…}}`.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn read_named(step: &Members<'_>) -> Result<Self> {
        Self::read_named_at(step, 0)
    }

    fn read_named_at(step: &Members<'_>, depth: usize) -> Result<Self> {
        Self::read_at(&step.need("tool_name")?.text()?, &step.need("args")?.object()?, depth)
    }

    fn read_at(name: &str, args: &Members<'_>, depth: usize) -> Result<Self> {
        let text = |name: &str| args.need(name)?.text();
        let count = |name: &str| args.get(name).map_or(Ok(DEFAULT_K), |count| count.count());
        Ok(match name {
            "n_from_type" => Self::NFromType { node_type: text("node_type")? },
            "e_from_type" => Self::EFromType { edge_type: text("edge_type")? },
            "out_step" => Self::OutStep(Hop::read(args, depth)?),
            "in_step" => Self::InStep(Hop::read(args, depth)?),
            "out_e_step" => Self::OutEStep(Hop::read(args, depth)?),
            "in_e_step" => Self::InEStep(Hop::read(args, depth)?),
            "filter_items" => Self::FilterItems { filter: Filter::read(args, depth)?.unwrap_or_default() },
            "order_by" => Self::OrderBy {
                properties: text("properties")?,
                order: args.need("order")?.word(&[("asc", Order::Asc), ("desc", Order::Desc)])?,
            },
            "search_vector" | "search_vec" => Self::SearchVector {
                vector: args.need("vector")?.list()?.iter().map(Member::number).collect::<Result<_>>()?,
                k: count("k")?,
                min_score: args.get("min_score").map(|least| least.number()).transpose()?,
            },
            "search_vector_text" | "search_vec_text" => {
                Self::SearchVectorText { query: text("query")?, label: text("label")?, k: count("k")? }
            }
            "search_keyword" => {
                Self::SearchKeyword { query: text("query")?, label: text("label")?, limit: count("limit")? }
            }
            other => return Err(EngineError::UnknownTool { name: other.to_owned() }),
        })
    }

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
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hop {
    /// The edge type.
    pub edge_label: String,
    /// What the edges lead to.
    pub edge_type: Option<EndKind>,
    /// What else the items found must be.
    pub filter: Option<Filter>,
}

impl Hop {
    fn read(args: &Members<'_>, depth: usize) -> Result<Self> {
        let kinds = [("node", EndKind::Node), ("vec", EndKind::Vec), ("vector", EndKind::Vec)];
        Ok(Self {
            edge_label: args.need("edge_label")?.text()?,
            edge_type: args.get("edge_type").map(|kind| kind.word(&kinds)).transpose()?,
            filter: Filter::read(args, depth)?,
        })
    }
}

/// What an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndKind {
    /// A node.
    Node,
    /// A vector.
    Vec,
}

/// A sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Least first.
    Asc,
    /// Greatest first.
    Desc,
}

/// A filter: any of the groups, of which all conditions hold; and every traversal finds something.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter {
    /// Groups of conditions. None at all is no restriction.
    pub properties: Vec<Vec<Condition>>,
    /// Steps that must find something from each item.
    pub filter_traversals: Vec<Tool>,
}

impl Filter {
    fn read(args: &Members<'_>, depth: usize) -> Result<Option<Self>> {
        let Some(filter) = args.get("filter") else { return Ok(None) };
        if depth > DEEPEST {
            return Err(EngineError::Decode(format!("filters are nested more than {DEEPEST} deep")));
        }
        let filter = filter.object()?;
        let list = |name: &str| filter.get(name).map_or(Ok(Vec::new()), |list| list.list());
        let group = |group: &Member<'_>| group.list()?.iter().map(|one| Condition::read(&one.object()?)).collect();
        let step = |step: &Member<'_>| Tool::read_named_at(&step.object()?, depth + 1);
        Ok(Some(Self {
            properties: list("properties")?.iter().map(group).collect::<Result<_>>()?,
            filter_traversals: list("filter_traversals")?.iter().map(step).collect::<Result<_>>()?,
        }))
    }
}

/// A condition on a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// The field.
    pub key: String,
    /// The values of which any will do.
    pub values: Vec<Given>,
    /// The comparison.
    pub operator: Operator,
}

impl Condition {
    fn read(condition: &Members<'_>) -> Result<Self> {
        let value = condition.given("value").ok_or_else(|| condition.missing("value"))?;
        let values = if value.kind() == JsonKind::Array { value.list()? } else { vec![value] };
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            (">", Operator::Greater),
            ("<", Operator::Less),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
        ];
        let operator = condition.get("operator").map(|operator| operator.word(&operators)).transpose()?;
        Ok(Self {
            key: condition.need("key")?.text()?,
            values: values.iter().filter_map(|value| Given::read(value).transpose()).collect::<Result<_>>()?,
            operator: operator.unwrap_or(Operator::Equal),
        })
    }
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    /// `true` or `false`.
    Boolean(bool),
    /// The text of a number, with all its digits.
    Number(String),
    /// A text.
    Text(String),
}

impl Given {
    /// The value; nothing of what no field can be.
    fn read(value: &Member<'_>) -> Result<Option<Self>> {
        Ok(match value.kind() {
            JsonKind::Boolean => Some(Self::Boolean(value.boolean()?)),
            JsonKind::Number => Some(Self::Number(value.json().to_owned())),
            JsonKind::String => Some(Self::Text(value.text()?)),
            JsonKind::Null | JsonKind::Array | JsonKind::Object => None,
        })
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
}
