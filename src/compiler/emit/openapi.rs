//! A program as an OpenAPI document: each query with what it takes and what it answers.
//!
//! Source: <https://spec.openapis.org/oas/v3.1.0>. Schemas are of JSON Schema, draft 2020-12.

use helix_plan::{
    Access, Cardinality, Catalog, Entry, Expr, ExprKind, FieldRef, ItemKind, ItemType, Kind, Program, Query, Return,
    ScalarType, Step, Traversal, ValueType,
};
use serde_json::{Map, Value, json};

/// A place where the program is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its address.
    pub url: String,
    /// What it is.
    pub description: String,
}

/// The document of a program, and of where it is served.
#[must_use]
pub fn document(program: &Program, title: &str, version: &str, servers: &[Server]) -> Value {
    let servers = servers.iter().map(|server| json!({"url": server.url, "description": server.description}));
    let paths = program.queries.iter().map(|query| (format!("/{}", query.name), operation(&program.catalog, query)));
    let kinds = [ItemKind::Node, ItemKind::Edge, ItemKind::Vector].into_iter();
    let items = kinds.flat_map(|kind| program.catalog.items(kind));
    let mut schemas: Map<String, Value> =
        items.map(|item| (component(&program.catalog, item), item_schema(&program.catalog, item))).collect();
    let error = json!({
        "type": "object",
        "properties": {"error": {"type": "string"}, "code": {"type": "string"}},
        "required": ["error", "code"],
    });
    schemas.insert("Error".to_owned(), error);
    json!({
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": servers.collect::<Vec<_>>(),
        "security": [{}, {"apiKey": []}],
        "paths": paths.collect::<Map<_, _>>(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
    })
}

fn operation(catalog: &Catalog, query: &Query) -> Value {
    let access = match query.access {
        Access::Read => "reads",
        Access::Write => "writes",
    };
    let failed = json!({
        "description": "It failed, and changed nothing",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    });
    let answer = json!({
        "description": "The answer",
        "content": {"application/json": {"schema": answer(catalog, &query.returns)}},
    });
    let mut post = json!({
        "operationId": query.name,
        "summary": format!("The query `{}`, which {access}", query.name),
        "responses": {"200": answer, "default": failed},
    });
    if !query.params.is_empty() {
        let content = json!({"application/json": {"schema": query.json_schema()}});
        post["requestBody"] = json!({"required": true, "content": content});
    }
    json!({"post": post})
}

fn answer(catalog: &Catalog, returns: &Return) -> Value {
    match returns {
        Return::Null => json!({"type": "null"}),
        Return::Object(entries) => object(catalog, entries, false),
    }
}

/// An object with these entries; within projections, what is absent is null.
fn object(catalog: &Catalog, entries: &[Entry], is_nested: bool) -> Value {
    let schema = |entry: &Entry| {
        let schema = expr(catalog, &entry.value);
        (entry.key.clone(), if is_nested { or_null(schema) } else { schema })
    };
    let properties: Map<String, Value> = entries.iter().map(schema).collect();
    let required: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn expr(catalog: &Catalog, found: &Expr) -> Value {
    let one = match (&found.ty.kind, &found.kind) {
        (Kind::Null, _) => return json!({"type": "null"}),
        (Kind::Item(item), _) => json!({"$ref": format!("#/components/schemas/{}", component(catalog, *item))}),
        (Kind::Shaped(_), ExprKind::Traversal(traversal)) => shaped(catalog, traversal),
        (Kind::Shaped(_), _) => json!({"type": "object"}),
        (Kind::Value(ty), _) => or_null(value(ty)),
        (Kind::Composite, ExprKind::Object(entries)) => object(catalog, entries, true),
        (Kind::Composite, ExprKind::List(elements)) => {
            let elements: Vec<Value> = elements.iter().map(|element| or_null(expr(catalog, element))).collect();
            return json!({"type": "array", "prefixItems": elements});
        }
        (Kind::Composite, _) => json!({"type": "object"}),
        (Kind::Path, _) => json!({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "array"}}),
    };
    let one = match &found.kind {
        ExprKind::Traversal(traversal) if traversal.cardinality == Cardinality::Optional => or_null(one),
        _ => one,
    };
    if found.ty.many { json!({"type": "array", "items": one}) } else { one }
}

/// What a traversal that ends in a projection gives.
fn shaped(catalog: &Catalog, traversal: &Traversal) -> Value {
    let entries = traversal.steps.iter().rev().find_map(|step| match step {
        Step::Project { current: _, entries } => Some(entries),
        _ => None,
    });
    entries.map_or_else(|| json!({"type": "object"}), |entries| object(catalog, entries, true))
}

/// A value in an answer.
fn value(ty: &ValueType) -> Value {
    match ty {
        ValueType::Scalar(scalar) => match scalar {
            ScalarType::Date => json!({"type": "string", "format": "date-time"}),
            ScalarType::U128 => json!({"type": "integer", "minimum": 0}),
            // Mathematics and comparisons widen; only the class is promised.
            scalar if scalar.is_integer() => json!({"type": "integer"}),
            scalar => scalar.json_schema(),
        },
        ValueType::List(element) => json!({"type": "array", "items": or_null(value(element))}),
        ValueType::Object(members) => {
            let properties: Map<String, Value> =
                members.iter().map(|(name, ty)| (name.clone(), or_null(value(ty)))).collect();
            json!({"type": "object", "properties": properties})
        }
        ValueType::Optional(ty) => value(ty),
    }
}

fn or_null(schema: Value) -> Value {
    let nothing = json!({"type": "null"});
    let is_nullable = schema == nothing || schema["anyOf"].as_array().is_some_and(|any| any.contains(&nothing));
    if is_nullable { schema } else { json!({"anyOf": [schema, nothing]}) }
}

fn item_schema(catalog: &Catalog, item: ItemType) -> Value {
    let fields = catalog.all_fields(item);
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let (name, ty) = catalog.describe(item, *field);
            let schema = value(&ty);
            let is_kept = !matches!(field, FieldRef::Declared(_));
            (name.to_owned(), if is_kept { schema } else { or_null(schema) })
        })
        .collect();
    let required: Vec<&str> = fields.iter().map(|field| catalog.describe(item, *field).0).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

/// The name of a type's schema; types of different kinds may share theirs.
fn component(catalog: &Catalog, item: ItemType) -> String {
    let prefix = match item.kind {
        ItemKind::Node => 'N',
        ItemKind::Edge => 'E',
        ItemKind::Vector => 'V',
    };
    format!("{prefix}.{}", catalog.name(item))
}
