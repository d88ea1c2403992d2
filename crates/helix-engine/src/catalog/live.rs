//! A program's types, resolved against the store.

use helix_plan::{Catalog, DefaultValue, FieldId, ItemKind, ItemType, Origin, TypeId, ValueType};

use super::activate::layouts;
use super::migrate;
use super::pending::{BuiltIndex, Pending};
use super::stored::{self, StoredField, StoredLayout, StoredType};
use super::text::{self, StoredText};
use crate::error::{EngineError, Result};
use crate::row::{Arena, FieldReader, Layout};
use crate::storage::{ReadTxn, Table, keys};
use crate::text::TextIndex;
use crate::value::Value;

/// The types of the active program; the plan's ids index the lists.
#[derive(Clone, Debug, Default)]
pub struct LiveCatalog {
    nodes: Vec<LiveType>,
    edges: Vec<LiveType>,
    vectors: Vec<LiveType>,
}

/// A type.
#[derive(Clone, Debug)]
pub struct LiveType {
    /// What the plan calls it.
    pub item: ItemType,
    /// Its name.
    pub name: String,
    /// What keys call it. A vector type's index has the same number.
    pub stored: u16,
    /// The fields; the plan's ids index them.
    pub fields: Vec<LiveField>,
    /// The ends; only of edges.
    pub ends: Option<EdgeEnds>,
    /// Whether any field has an index.
    pub is_indexed: bool,
    /// The text index; only of nodes that a query searches.
    pub text: Option<TextIndex>,
    /// Indexes on fields that are being filled; writes keep them in step, nothing reads them.
    pub building: Vec<BuildingIndex>,
    /// A text index that is being filled, likewise.
    pub building_text: Option<TextIndex>,
    /// What new rows get.
    layout: Layout,
    /// For each field of the layout, the plan's id.
    order: Vec<FieldId>,
}

/// A field.
#[derive(Clone, Debug)]
pub struct LiveField {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: ValueType,
    /// Reads it from rows.
    pub reader: FieldReader,
    /// The same for what is kept beside rows, which cannot follow the time of the read.
    pub kept: FieldReader,
    /// Its index, if it has one.
    pub index: Option<LiveIndex>,
    /// What a new item gets when it is not given.
    pub default: Option<DefaultValue>,
}

/// An index on a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveIndex {
    /// What keys call it.
    pub id: u16,
    /// Whether a value is held at most once.
    pub unique: bool,
    /// Whether it lists what has no value as well.
    pub lists_absent: bool,
}

impl LiveIndex {
    /// The table that lists values.
    #[must_use]
    pub const fn table(self) -> Table {
        if self.unique { Table::Unique } else { Table::Index }
    }

    /// The key of a value in that table.
    #[must_use]
    pub fn key(self, value: &Value<'_>) -> Vec<u8> {
        let mut key = Vec::with_capacity(64);
        keys::index(self.id, value, &mut key);
        key
    }

    /// The key in [`Table::Index`] of what has no value.
    #[must_use]
    pub fn absent_key(self) -> Vec<u8> {
        keys::absent(self.id).to_vec()
    }

    /// Where the keys of values begin.
    #[must_use]
    pub fn first_key(self) -> Vec<u8> {
        self.id.to_be_bytes().to_vec()
    }

    /// What comes behind the keys of all values.
    #[must_use]
    pub fn last_key(self) -> Vec<u8> {
        self.absent_key()
    }

    /// Where an item with a value is listed, if it is.
    #[must_use]
    pub fn entry(self, value: &Value<'_>) -> Option<(Table, Vec<u8>)> {
        if value.is_null() {
            self.lists_absent.then(|| (Table::Index, self.absent_key()))
        } else {
            Some((self.table(), self.key(value)))
        }
    }
}

/// An index on a field of the coming program.
#[derive(Clone, Debug)]
pub struct BuildingIndex {
    /// The index.
    pub index: LiveIndex,
    /// Reads the field from rows as the coming program does.
    reader: FieldReader,
}

impl BuildingIndex {
    /// Where an item with a row is listed.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`] when the row is none of the type's.
    pub fn entry(&self, row: &[u8], arena: &Arena) -> Result<Option<(Table, Vec<u8>)>> {
        Ok(self.index.entry(&self.reader.read(row, arena)?))
    }
}

/// What an edge joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeEnds {
    /// What it starts at.
    pub from: ItemType,
    /// What it ends at.
    pub to: ItemType,
    /// Whether a pair is joined at most once.
    pub unique: bool,
    /// Whether the pairs are being filled; writes keep them in step, nothing reads them.
    pub building: bool,
}

impl LiveType {
    /// The layout of new rows.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// For each field of the layout, the plan's id.
    #[must_use]
    pub fn layout_order(&self) -> &[FieldId] {
        &self.order
    }

    /// A field.
    #[must_use]
    pub fn field(&self, field: FieldId) -> &LiveField {
        &self.fields[field.index()]
    }
}

impl LiveCatalog {
    /// Resolves a program's types.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`] when the store does not know them: it holds another program's data.
    pub fn load<T: ReadTxn>(txn: &T, catalog: &Catalog) -> Result<Self> {
        let pending = Pending::read(txn)?;
        let coming = pending.coming(txn)?;
        let texts = text::all(txn)?;
        let load = |kind, len: usize| -> Result<Vec<LiveType>> {
            let stored = stored::all(txn, kind)?;
            (0..len)
                .map(|index| {
                    let item = ItemType { kind, id: TypeId(index as u16) };
                    let name = catalog.name(item);
                    let stored = stored.iter().find(|ty| ty.name == name);
                    let stored = stored.ok_or_else(|| unknown(name))?;
                    let mut ty = live(catalog, item, stored, &texts, &pending)?;
                    if let (ItemKind::Node, Some(coming)) = (kind, &coming) {
                        build(&mut ty, catalog, &coming.catalog, stored, &pending)?;
                    }
                    Ok(ty)
                })
                .collect()
        };
        Ok(Self {
            nodes: load(ItemKind::Node, catalog.nodes.len())?,
            edges: load(ItemKind::Edge, catalog.edges.len())?,
            vectors: load(ItemKind::Vector, catalog.vectors.len())?,
        })
    }

    /// A type of the program.
    ///
    /// # Panics
    ///
    /// When the type is of another program.
    #[must_use]
    pub fn get(&self, item: ItemType) -> &LiveType {
        &self.of(item.kind)[item.id.index()]
    }

    /// All types of a kind.
    #[must_use]
    pub fn of(&self, kind: ItemKind) -> &[LiveType] {
        match kind {
            ItemKind::Node => &self.nodes,
            ItemKind::Edge => &self.edges,
            ItemKind::Vector => &self.vectors,
        }
    }
}

#[cfg(test)]
impl LiveCatalog {
    /// Takes the indexes of a node type as those of an earlier format.
    pub fn forget_absent(&mut self, item: ItemType) {
        let fields = &mut self.nodes[item.id.index()].fields;
        fields.iter_mut().filter_map(|field| field.index.as_mut()).for_each(|index| index.lists_absent = false);
    }
}

fn unknown(name: &str) -> EngineError {
    EngineError::Damaged(format!("the store does not know `{name}`"))
}

fn layout_of(kind: ItemKind, stored: &StoredLayout) -> Layout {
    Layout::new(kind, stored.version, stored.fields.iter().map(|field| field.ty.clone()).collect())
}

fn live(
    catalog: &Catalog,
    item: ItemType,
    stored: &StoredType,
    texts: &[StoredText],
    pending: &Pending,
) -> Result<LiveType> {
    let current = stored.current()?;
    let fields = fields(catalog, item, stored)?;
    let order = current.fields.iter().map(|stored| {
        catalog.field(item, &stored.name).ok_or_else(|| unknown(&format!("{}.{}", catalog.name(item), stored.name)))
    });
    let order = order.collect::<Result<Vec<_>>>()?;
    let ends = (item.kind == ItemKind::Edge).then(|| {
        let edge = &catalog.edges[item.id.index()];
        let building = pending.building.iter().any(|one| one.index == BuiltIndex::Pairs { edge: stored.id });
        EdgeEnds { from: edge.from, to: edge.to, unique: edge.unique, building }
    });
    let is_node = item.kind == ItemKind::Node;
    Ok(LiveType {
        item,
        name: stored.name.clone(),
        stored: stored.id,
        is_indexed: fields.iter().any(|field| field.index.is_some()),
        text: is_node.then(|| text::ready(texts, &fields, stored)).flatten(),
        building: Vec::new(),
        building_text: None,
        fields,
        ends,
        layout: layout_of(item.kind, current),
        order,
    })
}

/// Whether values of a field are read still: every one of the layouts, one after the other, has it, with a type that its values fit.
/// What was dropped is lost, also when a field of that name comes back.
fn lasts<'l>(name: &str, mut layouts: impl Iterator<Item = &'l StoredLayout>) -> bool {
    let mut before: Option<&ValueType> = None;
    layouts.all(|layout| {
        let Some(field) = layout.fields.iter().find(|field| field.name == name) else { return false };
        before.replace(&field.ty).is_none_or(|before| helix_plan::diff::widens(before, &field.ty))
    })
}

/// Whether a migration reads a field from that of the same name, as it is.
fn keeps_name(origin: &Origin, field: &str) -> bool {
    match origin {
        Origin::Stored(name) => name == field,
        Origin::Or(origin, _) => keeps_name(origin, field),
        Origin::Absent | Origin::Cast(..) | Origin::Value(_) => false,
    }
}

/// The fields of a type, ready to be read from rows of any layout.
fn fields(catalog: &Catalog, item: ItemType, stored: &StoredType) -> Result<Vec<LiveField>> {
    let current = stored.current()?;
    let layout = layout_of(item.kind, current);
    let layouts = &stored.layouts;
    let older: Vec<_> = (0..layouts.len() - 1).map(|at| (layout_of(item.kind, &layouts[at]), &layouts[at..])).collect();
    let fields = catalog.fields(item).iter().map(|field| {
        let place = current.fields.iter().position(|stored| stored.name == field.name);
        let place = place.ok_or_else(|| unknown(&format!("{}.{}", stored.name, field.name)))?;
        let earlier = older.iter().map(|(built, since)| {
            let place = since[0].fields.iter().position(|stored| stored.name == field.name);
            (built, place.filter(|_| lasts(&field.name, since.iter())))
        });
        let mut reader = FieldReader::new(&layout, place, earlier);
        for (built, since) in older.iter().filter(|(_, since)| since[0].schema != catalog.version) {
            let schema = since[0].schema;
            if let (Some(migration), Some(id)) = (catalog.migration(schema, item), catalog.field(item, &field.name)) {
                // Up to the last one that was read without the migration.
                let last = since.iter().rposition(|layout| layout.schema == schema).unwrap_or_default();
                let unmapped = &since[..=last];
                let name = |stored: &StoredField| lasts(&stored.name, unmapped.iter()).then(|| stored.name.clone());
                let names: Vec<Option<String>> = since[0].fields.iter().map(name).collect();
                let origin = &migration.fields[id.index()];
                // A field that keeps its name is dropped for these rows too where the newest version dropped it once.
                let newest = since.iter().filter(|layout| layout.schema == catalog.version);
                let is_lost = keeps_name(origin, &field.name) && !lasts(&field.name, newest);
                reader.migrate(built, if is_lost { &Origin::Absent } else { origin }, &names);
            }
        }
        let index = stored.indexes.iter().find(|index| index.field == field.name);
        Ok(LiveField {
            name: field.name.clone(),
            ty: field.ty.clone(),
            kept: reader.timeless(),
            reader,
            index: index.map(|index| LiveIndex {
                id: index.id,
                unique: index.unique,
                lists_absent: index.lists_absent,
            }),
            default: field.default.clone(),
        })
    });
    fields.collect()
}

/// Adds the indexes of a node type that are being filled for the coming program.
fn build(ty: &mut LiveType, active: &Catalog, coming: &Catalog, stored: &StoredType, pending: &Pending) -> Result<()> {
    let Some(item) = migrate::new_type(active, ItemKind::Node, &stored.name, coming) else { return Ok(()) };
    let mut stored = stored.clone();
    layouts(&mut stored, coming, item)?;
    let fields = fields(coming, item, &stored)?;
    for building in &pending.building {
        match &building.index {
            BuiltIndex::Field { node, field: name, id, unique } if *node == stored.id => {
                let field = fields.iter().find(|field| field.name == *name);
                let reader = field.ok_or_else(|| unknown(&format!("{}.{name}", stored.name)))?.kept.clone();
                ty.building
                    .push(BuildingIndex { index: LiveIndex { id: *id, unique: *unique, lists_absent: true }, reader });
            }
            BuiltIndex::Text { node, id, stemmer } if *node == stored.id => {
                ty.building_text = text::building(*id, stemmer.as_deref(), &fields);
            }
            BuiltIndex::Field { .. } | BuiltIndex::Text { .. } | BuiltIndex::Pairs { .. } => {}
        }
    }
    Ok(())
}
