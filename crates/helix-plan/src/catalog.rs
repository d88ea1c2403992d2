//! The schema, with ids instead of names.

use serde::{Deserialize, Serialize};

use crate::{FieldId, FieldRef, ItemKind, ItemType, Literal, ScalarType, TypeId, ValueType};

/// All declared types of a program.
///
/// Each list is sorted by name, so that the order of declarations and files never changes a program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// The schema version that the declarations belong to.
    pub version: u32,
    /// Node types by name.
    pub nodes: Vec<NodeType>,
    /// Edge types by name.
    pub edges: Vec<EdgeType>,
    /// Vector types by name.
    pub vectors: Vec<VectorType>,
    /// How items of earlier versions of the schema are read, by version, kind and type.
    pub migrations: Vec<Migration>,
}

/// How items of a type of an earlier version of the schema are read as those of a type of this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// The earlier version.
    pub from: u32,
    /// The type that they are read as.
    pub item: ItemType,
    /// The name of the type that they are of.
    pub name: String,
    /// Where each field of `item` comes from.
    pub fields: Vec<Origin>,
}

/// Where a field comes from, in an item of an earlier version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Origin {
    /// Nowhere: it is absent.
    Absent,
    /// A stored field, by name.
    Stored(String),
    /// A value as another type; absent when it cannot be.
    Cast(Box<Origin>, ScalarType),
    /// A value that every item has.
    Value(DefaultValue),
    /// What is there, else a value.
    Or(Box<Origin>, DefaultValue),
}

impl Origin {
    /// The stored field that it is read from, if it is.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Stored(name) => Some(name),
            Self::Cast(origin, _) | Self::Or(origin, _) => origin.field(),
            Self::Absent | Self::Value(_) => None,
        }
    }

    /// Whether it is read from a stored field.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        self.field() == Some(name)
    }
}

/// A node type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeType {
    /// The declared name; the `label` of its items.
    pub name: String,
    /// Fields in declaration order, which is the order of output.
    pub fields: Vec<Field>,
}

/// An edge type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeType {
    /// The declared name; the `label` of its items.
    pub name: String,
    /// What an edge starts at: a node or vector type.
    pub from: ItemType,
    /// What an edge ends at: a node or vector type.
    pub to: ItemType,
    /// Whether at most one edge may join an ordered pair.
    pub unique: bool,
    /// Fields in declaration order.
    pub fields: Vec<Field>,
}

/// A vector type; each has an index of its own, by cosine distance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorType {
    /// The declared name; the `label` of its items.
    pub name: String,
    /// Fields in declaration order.
    pub fields: Vec<Field>,
}

/// A declared field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The declared name.
    pub name: String,
    /// A scalar or list type; never an object.
    pub ty: ValueType,
    /// Whether lookups and uniqueness are maintained; always [`Index::None`] outside nodes.
    pub index: Index,
    /// What a new item gets when the field is not given.
    pub default: Option<DefaultValue>,
}

/// What is maintained beside a node field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Index {
    /// Nothing.
    #[default]
    None,
    /// A secondary index: value to nodes.
    Secondary,
    /// A unique index: value to at most one node.
    Unique,
}

/// A field's `DEFAULT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DefaultValue {
    /// The instant of the query that creates the item.
    Now,
    /// A constant of the field's type.
    Literal(Literal),
}

impl Catalog {
    /// How items of a version of the schema are read as those of a type; `None` when fields keep their names and meanings.
    #[must_use]
    pub fn migration(&self, from: u32, item: ItemType) -> Option<&Migration> {
        self.migrations.iter().find(|migration| migration.from == from && migration.item == item)
    }

    /// The name of a type.
    ///
    /// # Panics
    ///
    /// When `item` is not of this catalog.
    #[must_use]
    pub fn name(&self, item: ItemType) -> &str {
        match item.kind {
            ItemKind::Node => &self.nodes[item.id.index()].name,
            ItemKind::Edge => &self.edges[item.id.index()].name,
            ItemKind::Vector => &self.vectors[item.id.index()].name,
        }
    }

    /// All types of a kind, by name.
    pub fn items(&self, kind: ItemKind) -> impl Iterator<Item = ItemType> + use<> {
        let len = match kind {
            ItemKind::Node => self.nodes.len(),
            ItemKind::Edge => self.edges.len(),
            ItemKind::Vector => self.vectors.len(),
        };
        (0..len).filter_map(|index| u16::try_from(index).ok()).map(move |id| ItemType { kind, id: TypeId(id) })
    }

    /// The declared fields of a type, in declaration order.
    ///
    /// # Panics
    ///
    /// When `item` is not of this catalog.
    #[must_use]
    pub fn fields(&self, item: ItemType) -> &[Field] {
        match item.kind {
            ItemKind::Node => &self.nodes[item.id.index()].fields,
            ItemKind::Edge => &self.edges[item.id.index()].fields,
            ItemKind::Vector => &self.vectors[item.id.index()].fields,
        }
    }

    /// The type named `name` of a kind.
    #[must_use]
    pub fn find(&self, kind: ItemKind, name: &str) -> Option<ItemType> {
        let found = match kind {
            ItemKind::Node => self.nodes.binary_search_by(|node| node.name.as_str().cmp(name)),
            ItemKind::Edge => self.edges.binary_search_by(|edge| edge.name.as_str().cmp(name)),
            ItemKind::Vector => self.vectors.binary_search_by(|vector| vector.name.as_str().cmp(name)),
        };
        let id = TypeId(u16::try_from(found.ok()?).ok()?);
        Some(ItemType { kind, id })
    }

    /// The declared field named `name` of a type.
    #[must_use]
    pub fn field(&self, item: ItemType, name: &str) -> Option<FieldId> {
        let index = self.fields(item).iter().position(|field| field.name == name)?;
        Some(FieldId(u16::try_from(index).ok()?))
    }

    /// The name and type of any readable field.
    ///
    /// # Panics
    ///
    /// When `item` or a declared field is not of this catalog.
    #[must_use]
    pub fn describe(&self, item: ItemType, field: FieldRef) -> (&str, ValueType) {
        match field {
            FieldRef::Declared(id) => {
                let field = &self.fields(item)[id.index()];
                (&field.name, field.ty.clone())
            }
            FieldRef::Id => ("id", ValueType::Scalar(ScalarType::Id)),
            FieldRef::Label => ("label", ValueType::Scalar(ScalarType::String)),
            FieldRef::FromNode => ("from_node", ValueType::Scalar(ScalarType::Id)),
            FieldRef::ToNode => ("to_node", ValueType::Scalar(ScalarType::Id)),
            FieldRef::Data => ("data", ValueType::List(Box::new(ValueType::Scalar(ScalarType::F64)))),
            FieldRef::Score => ("score", ValueType::Scalar(ScalarType::F64)),
        }
    }

    /// Every field that a full item shows, in output order: the implicit ones of its kind, then the declared ones.
    #[must_use]
    pub fn all_fields(&self, item: ItemType) -> Vec<FieldRef> {
        let implicit: &[FieldRef] = match item.kind {
            ItemKind::Node => &[FieldRef::Id, FieldRef::Label],
            ItemKind::Edge => &[FieldRef::Id, FieldRef::Label, FieldRef::FromNode, FieldRef::ToNode],
            ItemKind::Vector => &[FieldRef::Id, FieldRef::Label, FieldRef::Data, FieldRef::Score],
        };
        let declared = (0..self.fields(item).len()).filter_map(|index| u16::try_from(index).ok());
        implicit.iter().copied().chain(declared.map(|index| FieldRef::Declared(FieldId(index)))).collect()
    }
}
