//! The developer routes: the graph as tools that draw it want it, and single nodes. Every value of a field is text.
//!
//! Each route is a plan of its own against the active program, over all of its types, that the interpreter runs once.

use std::collections::BTreeMap;

use bytes::Bytes;
use helix_plan::{
    Cardinality, Entry, ExprKind, ItemKind, ItemType, Kind, Literal, Program, ScalarType, Source, Step, Traversal, Type,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::engine::Engine;
use crate::error::{EngineError, Result};
use crate::interpret::once::{self, expr, integer, literal};

/// The routes, as they are read with GET and as they are called with POST.
pub(crate) const ROUTES: [(&str, &str); 4] = [
    ("nodes-edges", "nodes_edges"),
    ("nodes-by-label", "nodes_by_label"),
    ("node-connections", "node_connections"),
    ("node-details", "node_details"),
];

/// The most nodes that a limit may ask for.
const MOST: usize = 300;

/// What a route is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "a JSON object with the parameters")]
pub(crate) struct Parameters {
    limit: Option<Number>,
    node_label: Option<String>,
    label: Option<String>,
    node_id: Option<String>,
    id: Option<String>,
}

/// A number, which a query string holds as text.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a whole number for `limit`")]
enum Number {
    Number(usize),
    Text(String),
}

/// Answers a route, named as it is called with POST.
///
/// # Errors
///
/// [`EngineError::BadValue`] when a parameter is missing or none, and what reading fails with.
pub(crate) async fn answer(engine: &Engine, route: &str, parameters: &Parameters) -> Result<Bytes> {
    let program = engine.program().ok_or_else(|| bad("no program is active"))?;
    let answer = match route {
        "nodes_edges" => nodes_edges(engine, &program, parameters).await?,
        "nodes_by_label" => nodes_by_label(engine, &program, parameters).await?,
        "node_connections" => node_connections(engine, &program, parameters).await?,
        _ => node_details(engine, &program, parameters).await?,
    };
    Ok(Bytes::from(answer.to_string()))
}

async fn nodes_edges(engine: &Engine, program: &Program, parameters: &Parameters) -> Result<Value> {
    let catalog = &program.catalog;
    let limit = parameters.limit()?;
    let all = |kind| catalog.items(kind).map(|item| (item, Source::All(item), Vec::new()));
    let found = run(engine, all(ItemKind::Node).chain(all(ItemKind::Edge)).chain(all(ItemKind::Vector))).await?;
    let nodes: Vec<&Found> = found.iter().filter(|found| found.ty.kind == ItemKind::Node).collect();
    let edges: Vec<&Found> = found.iter().filter(|found| found.ty.kind == ItemKind::Edge).collect();
    let vectors: Vec<&Found> = found.iter().filter(|found| found.ty.kind == ItemKind::Vector).collect();
    let stats = json!({"num_nodes": nodes.len(), "num_edges": edges.len(), "num_vectors": vectors.len()});
    let label = |node: &Found| match &parameters.node_label {
        None => None,
        Some(property) => match (node.text(property), limit) {
            (Some(text), _) => Some(text),
            (None, None) => Some(node.text("label").unwrap_or_default()),
            (None, Some(_)) => None,
        },
    };
    let (shown_nodes, shown_edges) = match limit {
        None => (nodes, edges),
        Some(limit) => {
            let mut degrees: BTreeMap<String, usize> = BTreeMap::new();
            for edge in &edges {
                for end in ["from_node", "to_node"] {
                    *degrees.entry(edge.text(end).unwrap_or_default()).or_default() += 1;
                }
            }
            let degree = |node: &&Found| degrees.get(&node.text("id").unwrap_or_default()).copied().unwrap_or_default();
            let mut nodes = nodes;
            nodes.sort_by_key(|node| std::cmp::Reverse(degree(node)));
            nodes.truncate(limit);
            let ids: Vec<String> = nodes.iter().filter_map(|node| node.text("id")).collect();
            let edges = edges
                .into_iter()
                .filter(|edge| edge.text("from_node").is_some_and(|from| ids.contains(&from)))
                .collect();
            (nodes, edges)
        }
    };
    let shown_nodes = shown_nodes.into_iter().map(|node| {
        let id = node.text("id").unwrap_or_default();
        let mut shown = Map::from_iter([("id".to_owned(), json!(id)), ("title".to_owned(), json!(id))]);
        if let Some(label) = label(node) {
            shown.insert("label".to_owned(), json!(label));
        }
        Value::Object(shown)
    });
    let shown_edges = shown_edges.into_iter().map(|edge| {
        let (from, to) = (edge.text("from_node"), edge.text("to_node"));
        let mut shown = Map::from_iter([
            ("from".to_owned(), json!(from)),
            ("to".to_owned(), json!(to)),
            ("title".to_owned(), json!(edge.text("label"))),
        ]);
        if limit.is_none() {
            shown.insert("id".to_owned(), json!(edge.text("id")));
        }
        Value::Object(shown)
    });
    let shown_vectors = vectors.into_iter().map(|vector| {
        let data = vector.fields.get("data").cloned().unwrap_or_default();
        let dimension = data.as_array().map_or(0, Vec::len);
        json!({"id": vector.text("id"), "level": 0, "distance": null, "data": data, "dimension": dimension})
    });
    Ok(json!({
        "data": {"nodes": shown_nodes.collect::<Vec<_>>(), "edges": shown_edges.collect::<Vec<_>>()},
        "vectors": shown_vectors.collect::<Vec<_>>(),
        "stats": stats,
    }))
}

async fn nodes_by_label(engine: &Engine, program: &Program, parameters: &Parameters) -> Result<Value> {
    let label = parameters.label.as_deref().ok_or_else(|| bad("label is required"))?;
    let steps = match parameters.limit()? {
        None => Vec::new(),
        Some(limit) => vec![Step::Range { start: integer(0), end: integer(limit) }],
    };
    let item = program.catalog.find(ItemKind::Node, label);
    let streams = item.map(|item| (item, Source::All(item), steps));
    let found = run(engine, streams.into_iter()).await?;
    let nodes: Vec<Value> = found.iter().map(Found::shown).collect();
    Ok(json!({"nodes": nodes, "count": nodes.len()}))
}

async fn node_details(engine: &Engine, program: &Program, parameters: &Parameters) -> Result<Value> {
    let id = parameters.id.as_deref().ok_or_else(|| bad("id is required"))?;
    let id = parse_id(id).ok_or_else(|| bad("invalid ID format: must be UUID or u128"))?;
    let catalog = &program.catalog;
    let streams = catalog.items(ItemKind::Node).map(|item| (item, by_id(item, id), Vec::new()));
    Ok(match run(engine, streams).await?.first() {
        Some(node) => json!({"node": node.shown(), "found": true}),
        None => json!({"node": null, "found": false}),
    })
}

async fn node_connections(engine: &Engine, program: &Program, parameters: &Parameters) -> Result<Value> {
    let id = parameters.node_id.as_deref().ok_or_else(|| bad("node_id is required"))?;
    let id = parse_id(id).ok_or_else(|| bad("Invalid node_id format - must be UUID or u128"))?;
    let catalog = &program.catalog;
    let mut streams = Vec::new();
    for edge in catalog.items(ItemKind::Edge) {
        let ends = &catalog.edges[edge.id.index()];
        let (from, to) = (ends.from, ends.to);
        if from.kind == ItemKind::Node {
            streams.push((edge, by_id(from, id), vec![Step::OutEdges { edge: edge.id }]));
            if to.kind == ItemKind::Node {
                streams.push((to, by_id(from, id), vec![Step::Out { edge: edge.id, to }]));
            }
        }
        if to.kind == ItemKind::Node {
            streams.push((edge, by_id(to, id), vec![Step::InEdges { edge: edge.id }]));
            if from.kind == ItemKind::Node {
                streams.push((from, by_id(to, id), vec![Step::In { edge: edge.id, from }]));
            }
        }
    }
    let found = run(engine, streams.into_iter()).await?;
    let own = id.to_string();
    let mut connected: Vec<&Found> = Vec::new();
    for node in found.iter().filter(|found| found.ty.kind == ItemKind::Node) {
        if !connected.iter().any(|known| known.text("id") == node.text("id")) {
            connected.push(node);
        }
    }
    let edges = |end: &str| -> Vec<Value> {
        let mut shown: Vec<Value> = Vec::new();
        let edges = found.iter().filter(|found| found.ty.kind == ItemKind::Edge);
        for edge in edges.filter(|edge| edge.text(end).as_deref() == Some(own.as_str())) {
            let edge = json!({
                "id": edge.text("id"),
                "from_node": edge.text("from_node"),
                "to_node": edge.text("to_node"),
                "label": edge.text("label"),
            });
            // An edge from a node to itself is found from both of its ends.
            if !shown.contains(&edge) {
                shown.push(edge);
            }
        }
        shown
    };
    Ok(json!({
        "connected_nodes": connected.into_iter().map(Found::shown).collect::<Vec<_>>(),
        "incoming_edges": edges("to_node"),
        "outgoing_edges": edges("from_node"),
    }))
}

impl Parameters {
    fn limit(&self) -> Result<Option<usize>> {
        let limit = match &self.limit {
            None => return Ok(None),
            Some(Number::Number(limit)) => *limit,
            Some(Number::Text(text)) => text.parse().map_err(|_| bad("limit must be a number"))?,
        };
        if limit > MOST { Err(bad("limit must be at most 300")) } else { Ok(Some(limit)) }
    }
}

/// An item that was found.
struct Found {
    ty: ItemType,
    fields: Map<String, Value>,
}

impl Found {
    /// A field as text; `None` when it is absent.
    fn text(&self, field: &str) -> Option<String> {
        self.fields.get(field).and_then(text)
    }

    /// The id, the label and the title, then the other fields that are there, as text.
    fn shown(&self) -> Value {
        let mut shown = Map::new();
        for (name, value) in &self.fields {
            shown.extend(text(value).map(|text| (name.clone(), Value::from(text))));
        }
        shown.insert("title".to_owned(), json!(self.text("id")));
        Value::Object(shown)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Reads streams of items in one snapshot.
async fn run(engine: &Engine, streams: impl Iterator<Item = (ItemType, Source, Vec<Step>)>) -> Result<Vec<Found>> {
    let (mut types, mut entries) = (Vec::new(), Vec::new());
    for (index, (item, source, steps)) in streams.enumerate() {
        types.push(item);
        let traversal = Box::new(Traversal { source, steps, cardinality: Cardinality::Many });
        let value = expr(ExprKind::Traversal(traversal), Type::many(Kind::Item(item)));
        entries.push(Entry { key: index.to_string(), value });
    }
    let active = engine.active().ok_or_else(|| bad("no program is active"))?;
    let answer = engine.run_once(active.once(once::reading(Vec::new(), entries))).await?;
    let mut answer: BTreeMap<usize, Vec<Map<String, Value>>> =
        serde_json::from_slice(&answer).map_err(|error| EngineError::Damaged(error.to_string()))?;
    let found = types.into_iter().enumerate().flat_map(|(index, ty)| {
        answer.remove(&index).unwrap_or_default().into_iter().map(move |fields| Found { ty, fields })
    });
    Ok(found.collect())
}

fn by_id(item: ItemType, id: Uuid) -> Source {
    Source::ById { item, ids: vec![literal(Literal::Id(id.as_u128()), ScalarType::Id)] }
}

/// A UUID, or its 128 bits as a decimal number.
fn parse_id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok().or_else(|| text.parse::<u128>().ok().map(Uuid::from_u128))
}

fn bad(message: &str) -> EngineError {
    EngineError::BadValue(message.to_owned())
}
