//! Writes. A [`Mutator`] is the only thing that changes rows: it keeps adjacency, counters, pairs and indexes in step.

use helix_plan::{FieldId, ItemKind, ItemType};

use super::{Direction, adjacent, row, table};
use crate::catalog::pending::{self, BuiltIndex};
use crate::catalog::stored::kind_byte;
use crate::catalog::{EdgeEnds, LiveCatalog, LiveIndex, LiveType};
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::row::{self as rows, Arena, Header, coerce, encode};
use crate::storage::{Table, WriteTxn, keys};
use crate::text;
use crate::value::Value;
use crate::vector::{self, VectorConfig};

/// The ends of a new edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Where it starts.
    pub from: ItemId,
    /// Where it ends.
    pub to: ItemId,
}

/// Changes items inside a transaction.
pub struct Mutator<'a, W> {
    txn: &'a mut W,
    catalog: &'a LiveCatalog,
    arena: &'a Arena,
    vectors: VectorConfig,
    /// Names ids in messages.
    name: &'a dyn Fn(ItemId) -> String,
}

impl<'a, W: WriteTxn> Mutator<'a, W> {
    /// A mutator of the items of `catalog`'s types.
    pub fn new(txn: &'a mut W, catalog: &'a LiveCatalog, arena: &'a Arena) -> Self {
        Self { txn, catalog, arena, vectors: VectorConfig::default(), name: &|id| id.0.to_string() }
    }

    /// The same with other parameters of the vector indexes.
    #[must_use]
    pub fn with_vectors(mut self, config: VectorConfig) -> Self {
        self.vectors = config;
        self
    }

    /// The same with another way to name ids in messages.
    #[must_use]
    pub fn with_names(mut self, name: &'a dyn Fn(ItemId) -> String) -> Self {
        self.name = name;
        self
    }

    /// Creates a node. `values` holds a value for every field, in the plan's order.
    ///
    /// # Errors
    ///
    /// [`EngineError::DuplicateKey`], [`EngineError::BadValue`], or when the store fails.
    pub fn insert_node(&mut self, item: ItemType, id: ItemId, values: &[Value<'_>]) -> Result<()> {
        self.insert(item, id, Header::Node, values)
    }

    /// Creates an edge between two items that exist and are of the types that it joins.
    ///
    /// # Errors
    ///
    /// [`EngineError::NodeNotFound`] when an end does not exist, [`EngineError::Traversal`] when it is of another type,
    /// [`EngineError::DuplicateKey`] when a unique edge joins the pair already, [`EngineError::BadValue`], or when the store
    /// fails.
    pub fn insert_edge(&mut self, item: ItemType, id: ItemId, ends: Ends, values: &[Value<'_>]) -> Result<()> {
        self.check_ends(item, &[ends.from], &[ends.to])?;
        let edge = self.catalog.get(item);
        let declared = ends_of(edge)?;
        if declared.unique {
            let key = keys::pair(edge.stored, ends.from, ends.to);
            if self.txn.get(Table::Pair, &key)?.is_some() {
                let (from, to) = ((self.name)(ends.from), (self.name)(ends.to));
                return Err(EngineError::DuplicateKey { key: format!("{}:{from}->{to}", edge.name) });
            }
            self.txn.put(Table::Pair, &key, &id.to_bytes())?;
        }
        if declared.building {
            let is_it = |index: &BuiltIndex| *index == BuiltIndex::Pairs { edge: edge.stored };
            self.claim(Table::Pair, &keys::pair(edge.stored, ends.from, ends.to), id, is_it)?;
        }
        self.insert(item, id, Header::Edge { from: ends.from, to: ends.to }, values)?;
        self.txn.put_dup(Table::Out, &keys::adjacency(ends.from, edge.stored), &keys::neighbour(id, ends.to))?;
        self.txn.put_dup(Table::In, &keys::adjacency(ends.to, edge.stored), &keys::neighbour(id, ends.from))?;
        Ok(())
    }

    /// Creates a vector.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadValue`] when the components do not fit the index or a value its field, or when the store fails.
    pub fn insert_vector(&mut self, item: ItemType, id: ItemId, data: &[f32], values: &[Value<'_>]) -> Result<()> {
        let index = self.catalog.get(item).stored;
        let slot = vector::insert(self.txn, index, &self.vectors, id, data)?;
        self.insert(item, id, Header::Vector { slot }, values)
    }

    /// Sets fields of an item; null removes.
    ///
    /// # Errors
    ///
    /// [`EngineError::NodeNotFound`] and its like when there is no such item, otherwise as creating.
    pub fn update(&mut self, item: ItemType, id: ItemId, changes: &[(FieldId, Value<'_>)]) -> Result<()> {
        let ty = self.catalog.get(item);
        let bytes = self.copy_row(ty, id)?;
        let header = header(item.kind, bytes)?;
        let before = self.values(ty, bytes)?;
        let mut after = before.clone();
        for (field, value) in changes {
            after[field.index()] = *value;
        }
        let after = self.coerce_all(ty, &after)?;
        for (field, new) in ty.fields.iter().zip(&after) {
            if let Some(index) = field.index {
                let old = field.kept.read(bytes, self.arena)?;
                self.reindex(&field.name, index, id, (Some(&old), Some(new)))?;
            }
        }
        self.put_row(ty, id, header, &after, Some(bytes))
    }

    /// Replaces the components of a vector, which keeps its id.
    ///
    /// # Errors
    ///
    /// As [`insert_vector`](Self::insert_vector); [`EngineError::VectorNotFound`] when there is no such vector.
    pub fn replace_vector(&mut self, item: ItemType, id: ItemId, data: &[f32]) -> Result<()> {
        let ty = self.catalog.get(item);
        let bytes = self.copy_row(ty, id)?;
        let values = self.values(ty, bytes)?;
        vector::remove(self.txn, ty.stored, &self.vectors, rows::vector_slot(bytes)?)?;
        let slot = vector::insert(self.txn, ty.stored, &self.vectors, id, data)?;
        self.put_row(ty, id, Header::Vector { slot }, &values, Some(bytes))
    }

    /// Deletes an item, with all edges at it if it is a node or vector; `false` when there is none.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn delete(&mut self, item: ItemType, id: ItemId) -> Result<bool> {
        let ty = self.catalog.get(item);
        let Some(bytes) = row(self.txn, ty, id)? else { return Ok(false) };
        let bytes: &[u8] = self.arena.alloc_slice_copy(bytes);
        match header(item.kind, bytes)? {
            Header::Edge { from, to } => self.detach(ty, id, from, to)?,
            Header::Node => self.delete_edges_at(item, id)?,
            Header::Vector { slot } => {
                self.delete_edges_at(item, id)?;
                vector::remove(self.txn, ty.stored, &self.vectors, slot)?;
            }
        }
        for field in &ty.fields {
            if let Some(index) = field.index {
                let old = field.kept.read(bytes, self.arena)?;
                self.reindex(&field.name, index, id, (Some(&old), None))?;
            }
        }
        self.rebuild(ty, id, Some(bytes), None)?;
        for index in ty.text.iter().chain(&ty.building_text) {
            text::remove(self.txn, index.number, id)?;
        }
        self.txn.del(table(item.kind), &keys::row(ty.stored, id))?;
        self.add_to_count(ty, -1)?;
        Ok(true)
    }

    fn insert(&mut self, item: ItemType, id: ItemId, header: Header, values: &[Value<'_>]) -> Result<()> {
        let ty = self.catalog.get(item);
        let values = self.coerce_all(ty, values)?;
        if ty.is_indexed {
            for (field, value) in ty.fields.iter().zip(&values) {
                if let Some(index) = field.index {
                    self.reindex(&field.name, index, id, (None, Some(value)))?;
                }
            }
        }
        self.put_row(ty, id, header, &values, None)?;
        self.add_to_count(ty, 1)
    }

    /// Takes an edge out of the lists at both ends, and out of the pairs.
    fn detach(&mut self, ty: &LiveType, id: ItemId, from: ItemId, to: ItemId) -> Result<()> {
        self.txn.del_dup(Table::Out, &keys::adjacency(from, ty.stored), &keys::neighbour(id, to))?;
        self.txn.del_dup(Table::In, &keys::adjacency(to, ty.stored), &keys::neighbour(id, from))?;
        if ty.ends.is_some_and(|ends| ends.unique || ends.building) {
            self.release(Table::Pair, &keys::pair(ty.stored, from, to), id)?;
        }
        Ok(())
    }

    fn delete_edges_at(&mut self, item: ItemType, id: ItemId) -> Result<()> {
        let catalog = self.catalog;
        for edge in catalog.of(ItemKind::Edge) {
            let Some(ends) = edge.ends else { continue };
            for (end, direction) in [(ends.from, Direction::Out), (ends.to, Direction::In)] {
                if end != item {
                    continue;
                }
                let edges: Vec<ItemId> = adjacent(self.txn, direction, id, edge)?
                    .map(|entry| entry.map(|(edge, _)| edge))
                    .collect::<Result<_>>()?;
                for found in edges {
                    self.delete(edge.item, found)?;
                }
            }
        }
        Ok(())
    }

    /// Checks that items exist, and are of the types that an edge joins.
    ///
    /// # Errors
    ///
    /// [`EngineError::NodeNotFound`] when one does not exist, [`EngineError::Traversal`] when it is of another type.
    pub fn check_ends(&self, item: ItemType, from: &[ItemId], to: &[ItemId]) -> Result<()> {
        let edge = self.catalog.get(item);
        let declared = ends_of(edge)?;
        from.iter().try_for_each(|id| self.check_end(edge, declared.from, *id, "From"))?;
        to.iter().try_for_each(|id| self.check_end(edge, declared.to, *id, "To"))
    }

    fn check_end(&self, edge: &LiveType, expected: ItemType, id: ItemId, end: &str) -> Result<()> {
        if row(self.txn, self.catalog.get(expected), id)?.is_some() {
            return Ok(());
        }
        for kind in [ItemKind::Node, ItemKind::Vector, ItemKind::Edge] {
            for ty in self.catalog.of(kind) {
                if row(self.txn, ty, id)?.is_some() {
                    let expected = &self.catalog.get(expected).name;
                    return Err(EngineError::Traversal(format!(
                        "{end} of `{}` must be a `{expected}`, found a `{}`",
                        edge.name, ty.name
                    )));
                }
            }
        }
        Err(EngineError::NodeNotFound)
    }

    fn copy_row(&self, ty: &LiveType, id: ItemId) -> Result<&'a [u8]> {
        match row(self.txn, ty, id)? {
            Some(bytes) => Ok(self.arena.alloc_slice_copy(bytes)),
            None => Err(match ty.item.kind {
                ItemKind::Node => EngineError::NodeNotFound,
                ItemKind::Edge => EngineError::EdgeNotFound,
                ItemKind::Vector => EngineError::VectorNotFound { id: (self.name)(id) },
            }),
        }
    }

    fn values(&self, ty: &LiveType, bytes: &'a [u8]) -> Result<Vec<Value<'a>>> {
        ty.fields.iter().map(|field| field.reader.read(bytes, self.arena)).collect()
    }

    fn coerce_all(&self, ty: &LiveType, values: &[Value<'_>]) -> Result<Vec<Value<'a>>> {
        let copied = values.iter().zip(&ty.fields).map(|(value, field)| {
            let value = value.copied_into(self.arena);
            coerce(value, &field.ty, &field.name, self.arena)
        });
        copied.collect()
    }

    /// Stores a row, in the place of the one `before`.
    fn put_row(
        &mut self,
        ty: &LiveType,
        id: ItemId,
        header: Header,
        values: &[Value<'_>],
        before: Option<&[u8]>,
    ) -> Result<()> {
        let ordered: Vec<Value<'_>> = ty.layout_order().iter().map(|field| values[field.index()]).collect();
        let mut bytes = Vec::with_capacity(128);
        encode(ty.layout(), header, &ordered, &mut bytes)?;
        self.txn.put(table(ty.item.kind), &keys::row(ty.stored, id), &bytes)?;
        self.rebuild(ty, id, before, Some(&bytes))?;
        for index in ty.text.iter().chain(&ty.building_text) {
            text::put(self.txn, index.number, id, index.document(&bytes, self.arena)?)?;
        }
        Ok(())
    }

    /// Moves an item's entry in a field's index from one value to another; before an item is there, and after, is none.
    fn reindex(
        &mut self,
        field: &str,
        index: LiveIndex,
        id: ItemId,
        (old, new): (Option<&Value<'_>>, Option<&Value<'_>>),
    ) -> Result<()> {
        let entry = |value: Option<&Value<'_>>| value.and_then(|value| index.entry(value));
        let (old, new) = (entry(old), entry(new));
        if old == new {
            return Ok(());
        }
        if let Some((Table::Unique, key)) = &new
            && self.txn.get(Table::Unique, key)?.is_some()
        {
            return Err(EngineError::DuplicateKey { key: field.to_owned() });
        }
        self.move_entry(index, id, old, new)
    }

    /// Moves an item's entries in the indexes that are being filled from one row to another.
    fn rebuild(&mut self, ty: &LiveType, id: ItemId, before: Option<&[u8]>, after: Option<&[u8]>) -> Result<()> {
        for building in &ty.building {
            let entry = |row: Option<&[u8]>| row.map_or(Ok(None), |row| building.entry(row, self.arena));
            let (old, new) = (entry(before)?, entry(after)?);
            if old != new {
                self.move_entry(building.index, id, old, new)?;
            }
        }
        Ok(())
    }

    fn move_entry(
        &mut self,
        index: LiveIndex,
        id: ItemId,
        old: Option<(Table, Vec<u8>)>,
        new: Option<(Table, Vec<u8>)>,
    ) -> Result<()> {
        match old {
            None => {}
            Some((Table::Unique, old)) => self.release(Table::Unique, &old, id)?,
            Some((table, old)) => {
                self.txn.del_dup(table, &old, &id.to_bytes())?;
            }
        }
        match new {
            None => Ok(()),
            Some((Table::Unique, new)) => {
                let is_it = |built: &BuiltIndex| matches!(built, BuiltIndex::Field { id, .. } if *id == index.id);
                self.claim(Table::Unique, &new, id, is_it)
            }
            Some((table, new)) => self.txn.put_dup(table, &new, &id.to_bytes()).map(drop),
        }
    }

    /// Makes an item the holder of a key. Another holder stands in the way of an index that is being filled; of others it was
    /// looked for before.
    fn claim(&mut self, table: Table, key: &[u8], id: ItemId, is_it: impl Fn(&BuiltIndex) -> bool) -> Result<()> {
        let holder = self.txn.get(table, key)?.and_then(|bytes| bytes.try_into().ok()).map(ItemId::from_bytes);
        match holder {
            Some(holder) => pending::note_conflict(self.txn, is_it, (holder, id)),
            None => self.txn.put(table, key, &id.to_bytes()),
        }
    }

    /// Takes a key from an item, if that is its holder.
    fn release(&mut self, table: Table, key: &[u8], id: ItemId) -> Result<()> {
        if self.txn.get(table, key)? == Some(&id.to_bytes()) {
            self.txn.del(table, key)?;
        }
        Ok(())
    }

    fn add_to_count(&mut self, ty: &LiveType, change: i64) -> Result<()> {
        let count = super::count(self.txn, ty)?.saturating_add_signed(change);
        self.txn.put(Table::Count, &keys::kind_and_id(kind_byte(ty.item.kind), ty.stored), &count.to_be_bytes())
    }
}

/// What an edge type joins.
fn ends_of(edge: &LiveType) -> Result<EdgeEnds> {
    edge.ends.ok_or_else(|| EngineError::Damaged(format!("edge type `{}` without ends", edge.name)))
}

fn header(kind: ItemKind, bytes: &[u8]) -> Result<Header> {
    Ok(match kind {
        ItemKind::Node => Header::Node,
        ItemKind::Edge => {
            let (from, to) = rows::edge_ends(bytes)?;
            Header::Edge { from, to }
        }
        ItemKind::Vector => Header::Vector { slot: rows::vector_slot(bytes)? },
    })
}
