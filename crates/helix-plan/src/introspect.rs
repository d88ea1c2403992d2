//! The schema and queries as `GET /introspect` shows them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{Access, Catalog, ExprKind, FieldRef, ItemType, Program, Query, Return, TypeId};

/// What a client may know of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Introspection {
    /// The declared types.
    pub schema: Schema,
    /// The queries by name.
    pub queries: Vec<QueryInfo>,
}

/// The declared types by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Node types, with their implicit fields.
    pub nodes: Vec<ItemInfo>,
    /// Vector types, with their implicit fields.
    pub vectors: Vec<ItemInfo>,
    /// Edge types, with their declared fields only.
    pub edges: Vec<EdgeInfo>,
}

/// A node or vector type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemInfo {
    /// Its name.
    pub name: String,
    /// Field names to type texts.
    pub properties: BTreeMap<String, String>,
}

/// An edge type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeInfo {
    /// Its name.
    pub name: String,
    /// The type that it starts at.
    pub from: String,
    /// The type that it ends at.
    pub to: String,
    /// Field names to type texts.
    pub properties: BTreeMap<String, String>,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryInfo {
    /// Its name.
    pub name: String,
    /// Parameter names to type texts.
    pub parameters: BTreeMap<String, String>,
    /// The parameters that a request need not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
    /// The elements of `RETURN` that are plain variables.
    pub returns: Vec<String>,
    /// `read` or `write`.
    #[serde(default)]
    pub access: AccessInfo,
}

/// Which kind of transaction a query runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessInfo {
    /// A snapshot.
    #[default]
    Read,
    /// The single writer.
    Write,
}

impl Program {
    /// The introspection of the program.
    #[must_use]
    pub fn introspect(&self) -> Introspection {
        let catalog = &self.catalog;
        let ids = |len: usize| (0..len).filter_map(|index| u16::try_from(index).ok()).map(TypeId);
        Introspection {
            schema: Schema {
                nodes: ids(catalog.nodes.len()).map(|id| item(catalog, ItemType::node(id))).collect(),
                vectors: ids(catalog.vectors.len()).map(|id| item(catalog, ItemType::vector(id))).collect(),
                edges: ids(catalog.edges.len()).map(|id| edge(catalog, id)).collect(),
            },
            queries: self.queries.iter().map(query).collect(),
        }
    }
}

fn item(catalog: &Catalog, item: ItemType) -> ItemInfo {
    ItemInfo { name: catalog.name(item).to_owned(), properties: properties(catalog, item, catalog.all_fields(item)) }
}

fn edge(catalog: &Catalog, id: TypeId) -> EdgeInfo {
    let item = ItemType::edge(id);
    let ends = &catalog.edges[id.index()];
    let declared =
        catalog.all_fields(item).into_iter().filter(|field| matches!(field, FieldRef::Declared(_))).collect();
    EdgeInfo {
        name: ends.name.clone(),
        from: catalog.name(ends.from).to_owned(),
        to: catalog.name(ends.to).to_owned(),
        properties: properties(catalog, item, declared),
    }
}

fn properties(catalog: &Catalog, item: ItemType, fields: Vec<FieldRef>) -> BTreeMap<String, String> {
    let described = fields.into_iter().map(|field| catalog.describe(item, field));
    described.map(|(name, ty)| (name.to_owned(), ty.to_string())).collect()
}

fn query(query: &Query) -> QueryInfo {
    let returns = match &query.returns {
        Return::Null => Vec::new(),
        Return::Object(entries) => entries
            .iter()
            .filter_map(|entry| match entry.value.kind {
                // A member of an object has a key of its own.
                ExprKind::Slot(slot) => Some(&query.slots[slot.index()].name).filter(|name| **name == entry.key),
                _ => None,
            })
            .cloned()
            .collect(),
    };
    QueryInfo {
        name: query.name.clone(),
        parameters: query.params.iter().map(|param| (param.name.clone(), param.ty.to_string())).collect(),
        optional: query.params.iter().filter(|param| !param.ty.given().1).map(|param| param.name.clone()).collect(),
        returns,
        access: match query.access {
            Access::Read => AccessInfo::Read,
            Access::Write => AccessInfo::Write,
        },
    }
}
