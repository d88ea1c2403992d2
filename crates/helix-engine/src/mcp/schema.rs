//! What the tools of walks take, as JSON Schema.

use serde_json::{Map, Value, json};

/// A parameter of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parameter {
    /// A text that must be given.
    Text(&'static str, &'static str),
    /// A number of results.
    Number(&'static str, &'static str),
    /// What a step along edges leads to.
    EndKind,
    /// A filter.
    Filter,
    /// Numbers.
    Vector,
    /// A score that results must be above.
    LeastScore,
    /// A sort direction.
    Order,
    /// Names of fields.
    Fields,
    /// Positions of items.
    Range,
    /// Whether the walk is forgotten afterwards.
    Drop,
}

use Parameter::{Drop, EndKind, Fields, Filter, LeastScore, Number, Order, Range, Text, Vector};

const CONNECTION: Parameter = Text("connection_id", "What `init` gave");
const EDGE: Parameter = Text("edge_label", "The edge type");

/// The tools, what they do, and what they take.
pub(super) const WALKS: [(&str, &str, &[Parameter]); 18] = [
    ("init", "Opens a connection for a walk and gives its id.", &[]),
    ("schema_resource", "The types of the database and its queries, as JSON.", &[CONNECTION]),
    (
        "n_from_type",
        "Begins a walk with all nodes of a type; gives the first.",
        &[CONNECTION, Text("node_type", "The node type")],
    ),
    (
        "e_from_type",
        "Begins a walk with all edges of a type; gives the first.",
        &[CONNECTION, Text("edge_type", "The edge type")],
    ),
    (
        "search_keyword",
        "Begins a walk with the nodes of a type whose text fits best; gives the first.",
        &[CONNECTION, Text("query", "The words"), Text("label", "The node type"), Number("limit", "How many, at most")],
    ),
    (
        "search_vector_text",
        "Begins a walk with the vectors of a type nearest in meaning to a text; gives the first.",
        &[CONNECTION, Text("query", "The text"), Text("label", "The vector type"), Number("k", "How many, at most")],
    ),
    (
        "out_step",
        "Goes along outgoing edges to what they lead to; gives the first.",
        &[CONNECTION, EDGE, EndKind, Filter],
    ),
    (
        "in_step",
        "Goes along incoming edges to what they come from; gives the first.",
        &[CONNECTION, EDGE, EndKind, Filter],
    ),
    ("out_e_step", "Goes to the outgoing edges; gives the first.", &[CONNECTION, EDGE, Filter]),
    ("in_e_step", "Goes to the incoming edges; gives the first.", &[CONNECTION, EDGE, Filter]),
    ("filter_items", "Keeps the items that a filter takes; gives the first.", &[CONNECTION, Filter]),
    (
        "order_by",
        "Orders the items by a field; gives the first.",
        &[CONNECTION, Text("properties", "The field"), Order],
    ),
    (
        "search_vector",
        "Keeps the vectors of the walk nearest to a vector; gives the first.",
        &[CONNECTION, Vector, Number("k", "How many, at most"), LeastScore],
    ),
    ("next", "The next item of the walk, or null.", &[CONNECTION]),
    ("collect", "The items of the walk.", &[CONNECTION, Range, Drop]),
    ("group_by", "Counts the items of the walk by what they have in common.", &[CONNECTION, Fields, Drop]),
    ("aggregate_by", "Groups the items of the walk by what they have in common.", &[CONNECTION, Fields, Drop]),
    ("reset", "Forgets the walk; the connection stays.", &[CONNECTION]),
];

/// The schema of a tool with these parameters.
pub(super) fn of(parameters: &[Parameter]) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for parameter in parameters {
        let (name, schema, is_required) = described(*parameter);
        properties.insert(name.to_owned(), schema);
        if is_required {
            required.push(name);
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn described(parameter: Parameter) -> (&'static str, Value, bool) {
    match parameter {
        Text(name, what) => (name, json!({"type": "string", "description": what}), true),
        Number(name, what) => {
            (name, json!({"type": "integer", "minimum": 0, "default": 10, "description": what}), false)
        }
        EndKind => {
            let what = "What the edges lead to";
            ("edge_type", json!({"type": "string", "enum": ["node", "vec"], "description": what}), true)
        }
        Filter => ("filter", filter(), false),
        Vector => ("vector", json!({"type": "array", "items": {"type": "number"}}), true),
        LeastScore => {
            let what = "The similarity that results must be above, -1 to 1";
            ("min_score", json!({"type": ["number", "null"], "description": what}), false)
        }
        Order => ("order", json!({"type": "string", "enum": ["asc", "desc"]}), true),
        Fields => ("properties", json!({"type": "array", "items": {"type": "string"}, "minItems": 1}), true),
        Range => {
            let what = "Positions from 0; without an end, or with -1, up to the last";
            let position = json!({"type": "integer"});
            let properties = json!({"start": {"type": "integer", "minimum": 0}, "end": position});
            (
                "range",
                json!({"type": "object", "properties": properties, "required": ["start"], "description": what}),
                false,
            )
        }
        Drop => {
            ("drop", json!({"type": "boolean", "default": true, "description": "Whether to forget the walk"}), false)
        }
    }
}

fn filter() -> Value {
    let operators = json!(["==", "!=", ">", "<", ">=", "<="]);
    let scalar = json!({"type": ["string", "number", "boolean"]});
    json!({
        "type": "object",
        "description": "Any of the groups of conditions, of which all hold; and every traversal finds something",
        "properties": {
            "properties": {
                "type": "array",
                "items": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "key": {"type": "string", "description": "The field"},
                            "operator": {"type": "string", "enum": operators, "default": "=="},
                            "value": {"anyOf": [scalar, {"type": "array", "items": scalar}]},
                        },
                        "required": ["key", "value"],
                    },
                },
            },
            "filter_traversals": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "tool_name": {"type": "string", "enum": ["out_step", "in_step", "out_e_step", "in_e_step"]},
                        "args": {
                            "type": "object",
                            "properties": {
                                "edge_label": {"type": "string"},
                                "edge_type": {"type": "string", "enum": ["node", "vec"]},
                                "filter": {"type": "object"},
                            },
                            "required": ["edge_label"],
                        },
                    },
                    "required": ["tool_name", "args"],
                },
            },
        },
    })
}
