//! The store as operators see it: rows that live as long as the request, whatever kind of transaction they come from.
//!
//! A read lends pages of its snapshot. A write copies what it reads into the request's arena, so that no borrow is left when
//! something is written.

use std::cell::RefCell;

use helix_plan::{Direction as Order, FieldId, ItemType};

use super::Flow;
use crate::catalog::{LiveCatalog, LiveType};
use crate::error::{EngineError, Result};
use crate::graph::{self, Direction, Ends, IndexRange, Mutator};
use crate::ids::{IdCodec, IdSource, ItemId};
use crate::row::Arena;
use crate::storage::{ReadTxn, WriteTxn};
use crate::text;
use crate::value::Value;
use crate::vector::{self, Hit, VectorConfig};

/// Reads.
pub trait Access<'a> {
    /// The row of an item of a type.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn row(&self, ty: &LiveType, id: ItemId) -> Result<Option<&'a [u8]>>;

    /// Every item of a type from an id on with its row, in creation order, until `visit` stops.
    ///
    /// # Errors
    ///
    /// When the store or `visit` fails.
    fn scan(&self, ty: &LiveType, first: ItemId, visit: &mut dyn FnMut(ItemId, &'a [u8]) -> Result<Flow>)
    -> Result<()>;

    /// The edges of a type at an item with their other ends, in creation order, until `visit` stops.
    ///
    /// # Errors
    ///
    /// When the store or `visit` fails.
    fn adjacent(
        &self,
        direction: Direction,
        item: ItemId,
        edge: &LiveType,
        visit: &mut dyn FnMut(ItemId, ItemId) -> Result<Flow>,
    ) -> Result<()>;

    /// How many edges of a type there are at an item.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn degree(&self, direction: Direction, item: ItemId, edge: &LiveType) -> Result<u64>;

    /// The oldest node whose indexed field equals a value.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn by_index(&self, ty: &LiveType, field: FieldId, value: &Value<'_>) -> Result<Option<ItemId>>;

    /// The nodes of the first entries of an index.
    ///
    /// # Errors
    ///
    /// As [`IndexRange::read`].
    fn entries(&self, range: &IndexRange, limit: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Vec<ItemId>>;

    /// The nodes that come first in the order of an indexed field.
    ///
    /// # Errors
    ///
    /// As [`graph::leading`].
    fn leading(
        &self,
        ty: &LiveType,
        field: FieldId,
        order: (Order, bool),
        len: usize,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<Vec<ItemId>>>;

    /// The items of a type that were created last.
    ///
    /// # Errors
    ///
    /// As [`graph::newest`].
    fn newest(&self, ty: &LiveType, len: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Vec<ItemId>>;

    /// The first edge of a type between two items.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn edge_between(&self, edge: &LiveType, from: ItemId, to: ItemId) -> Result<Option<ItemId>>;

    /// How many items of a type there are.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn count(&self, ty: &LiveType) -> Result<u64>;

    /// The components of a vector.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn components(&self, ty: &LiveType, slot: u32) -> Result<&'a [f32]>;

    /// The nearest vectors of a type.
    ///
    /// # Errors
    ///
    /// As [`vector::search`].
    fn search(&self, ty: &LiveType, query: &[f32], k: usize) -> Result<Vec<Hit>>;

    /// The nearest vectors of a type among those that `accept` takes.
    ///
    /// # Errors
    ///
    /// As [`vector::search`].
    fn search_where(
        &self,
        ty: &LiveType,
        query: &[f32],
        k: usize,
        accept: &mut dyn FnMut(ItemId) -> Result<bool>,
    ) -> Result<Vec<Hit>>;

    /// The nodes of a type whose text fits a query best. `tick` is called for every step of work.
    ///
    /// # Errors
    ///
    /// [`EngineError::TextNotEnabled`] when the type has no text index, otherwise as [`text::search`].
    fn search_text(
        &self,
        ty: &LiveType,
        query: &str,
        k: usize,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<text::Hit>>;

    /// Whether what was found may be gone since: in a transaction that writes.
    fn is_writing(&self) -> bool;

    /// The writes, of a transaction that may write.
    ///
    /// # Errors
    ///
    /// When it may not.
    fn mutations(&self) -> Result<&dyn Mutations>;
}

/// Writes. Every one keeps all indexes in step.
pub trait Mutations {
    /// Creates a node.
    ///
    /// # Errors
    ///
    /// As [`Mutator::insert_node`].
    fn insert_node(&self, item: ItemType, values: &[Value<'_>]) -> Result<ItemId>;

    /// Creates an edge.
    ///
    /// # Errors
    ///
    /// As [`Mutator::insert_edge`].
    fn insert_edge(&self, item: ItemType, ends: Ends, values: &[Value<'_>]) -> Result<ItemId>;

    /// Checks the ends of edges that are not made, because the other side has none.
    ///
    /// # Errors
    ///
    /// As [`Mutator::check_ends`].
    fn check_ends(&self, item: ItemType, from: &[ItemId], to: &[ItemId]) -> Result<()>;

    /// Creates a vector.
    ///
    /// # Errors
    ///
    /// As [`Mutator::insert_vector`].
    fn insert_vector(&self, item: ItemType, data: &[f32], values: &[Value<'_>]) -> Result<ItemId>;

    /// Sets fields of an item.
    ///
    /// # Errors
    ///
    /// As [`Mutator::update`].
    fn update(&self, item: ItemType, id: ItemId, changes: &[(FieldId, Value<'_>)]) -> Result<()>;

    /// Replaces the components of a vector.
    ///
    /// # Errors
    ///
    /// As [`Mutator::replace_vector`].
    fn replace_vector(&self, item: ItemType, id: ItemId, data: &[f32]) -> Result<()>;

    /// Deletes an item.
    ///
    /// # Errors
    ///
    /// As [`Mutator::delete`].
    fn delete(&self, item: ItemType, id: ItemId) -> Result<bool>;
}

/// The number of a type's text index.
fn text_index(ty: &LiveType) -> Result<(u16, Option<text::Algorithm>)> {
    ty.text.as_ref().map(|index| (index.number, index.stemmer)).ok_or(EngineError::TextNotEnabled)
}

/// A snapshot, for a query that reads.
pub struct ReadAccess<'a, T> {
    /// The snapshot.
    pub txn: &'a T,
    /// The request's memory.
    pub arena: &'a Arena,
    /// The parameters of vector searches.
    pub vectors: VectorConfig,
}

impl<'a, T: ReadTxn> Access<'a> for ReadAccess<'a, T> {
    fn row(&self, ty: &LiveType, id: ItemId) -> Result<Option<&'a [u8]>> {
        graph::row(self.txn, ty, id)
    }

    fn scan(
        &self,
        ty: &LiveType,
        first: ItemId,
        visit: &mut dyn FnMut(ItemId, &'a [u8]) -> Result<Flow>,
    ) -> Result<()> {
        for entry in graph::scan_from(self.txn, ty, first)? {
            let (id, row) = entry?;
            if visit(id, row)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }

    fn adjacent(
        &self,
        direction: Direction,
        item: ItemId,
        edge: &LiveType,
        visit: &mut dyn FnMut(ItemId, ItemId) -> Result<Flow>,
    ) -> Result<()> {
        for entry in graph::adjacent(self.txn, direction, item, edge)? {
            let (edge, other) = entry?;
            if visit(edge, other)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }

    fn degree(&self, direction: Direction, item: ItemId, edge: &LiveType) -> Result<u64> {
        graph::degree(self.txn, direction, item, edge)
    }

    fn by_index(&self, ty: &LiveType, field: FieldId, value: &Value<'_>) -> Result<Option<ItemId>> {
        graph::by_index(self.txn, ty, field, value)
    }

    fn entries(&self, range: &IndexRange, limit: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Vec<ItemId>> {
        range.read(self.txn, limit, tick)
    }

    fn leading(
        &self,
        ty: &LiveType,
        field: FieldId,
        order: (Order, bool),
        len: usize,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<Vec<ItemId>>> {
        graph::leading(self.txn, ty, field, order, len, tick)
    }

    fn newest(&self, ty: &LiveType, len: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Vec<ItemId>> {
        graph::newest(self.txn, ty, len, tick)
    }

    fn edge_between(&self, edge: &LiveType, from: ItemId, to: ItemId) -> Result<Option<ItemId>> {
        graph::edge_between(self.txn, edge, from, to)
    }

    fn count(&self, ty: &LiveType) -> Result<u64> {
        graph::count(self.txn, ty)
    }

    fn components(&self, ty: &LiveType, slot: u32) -> Result<&'a [f32]> {
        Ok(self.arena.alloc_slice_copy(&vector::read(self.txn, ty.stored, slot)?))
    }

    fn search(&self, ty: &LiveType, query: &[f32], k: usize) -> Result<Vec<Hit>> {
        vector::search(self.txn, ty.stored, &self.vectors, query, k, |_| Ok(true))
    }

    fn search_where(
        &self,
        ty: &LiveType,
        query: &[f32],
        k: usize,
        accept: &mut dyn FnMut(ItemId) -> Result<bool>,
    ) -> Result<Vec<Hit>> {
        vector::search(self.txn, ty.stored, &self.vectors, query, k, accept)
    }

    fn search_text(
        &self,
        ty: &LiveType,
        query: &str,
        k: usize,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<text::Hit>> {
        text::search(self.txn, text_index(ty)?, query, k, tick)
    }

    fn is_writing(&self) -> bool {
        false
    }

    fn mutations(&self) -> Result<&dyn Mutations> {
        Err(EngineError::Damaged("a read query writes: its plan is wrong".to_owned()))
    }
}

/// The write transaction, for a query that writes.
pub struct WriteAccess<'a, 'w, W> {
    txn: RefCell<&'w mut W>,
    ids: RefCell<&'w mut IdSource>,
    catalog: &'a LiveCatalog,
    arena: &'a Arena,
    codec: IdCodec,
    vectors: VectorConfig,
    now: std::time::SystemTime,
}

impl<'a, 'w, W: WriteTxn> WriteAccess<'a, 'w, W> {
    /// Access to `txn`, giving ids of `ids` for items created at `now`.
    pub fn new(
        txn: &'w mut W,
        ids: &'w mut IdSource,
        catalog: &'a LiveCatalog,
        arena: &'a Arena,
        codec: IdCodec,
        vectors: VectorConfig,
        now: std::time::SystemTime,
    ) -> Self {
        Self { txn: RefCell::new(txn), ids: RefCell::new(ids), catalog, arena, codec, vectors, now }
    }

    fn mutate<R>(&self, change: impl FnOnce(&mut Mutator<'_, W>) -> Result<R>) -> Result<R> {
        let names = |id| self.codec.encode(id).to_string();
        let mut txn = self.txn.borrow_mut();
        change(&mut Mutator::new(&mut **txn, self.catalog, self.arena).with_vectors(self.vectors).with_names(&names))
    }

    fn next_id(&self) -> ItemId {
        self.ids.borrow_mut().next(self.now)
    }
}

impl<'a, W: WriteTxn> Access<'a> for WriteAccess<'a, '_, W> {
    fn row(&self, ty: &LiveType, id: ItemId) -> Result<Option<&'a [u8]>> {
        let txn = self.txn.borrow();
        Ok(graph::row(&**txn, ty, id)?.map(|row| &*self.arena.alloc_slice_copy(row)))
    }

    fn scan(
        &self,
        ty: &LiveType,
        first: ItemId,
        visit: &mut dyn FnMut(ItemId, &'a [u8]) -> Result<Flow>,
    ) -> Result<()> {
        let txn = self.txn.borrow();
        for entry in graph::scan_from(&**txn, ty, first)? {
            let (id, row) = entry?;
            if visit(id, self.arena.alloc_slice_copy(row))? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }

    fn adjacent(
        &self,
        direction: Direction,
        item: ItemId,
        edge: &LiveType,
        visit: &mut dyn FnMut(ItemId, ItemId) -> Result<Flow>,
    ) -> Result<()> {
        let txn = self.txn.borrow();
        for entry in graph::adjacent(&**txn, direction, item, edge)? {
            let (edge, other) = entry?;
            if visit(edge, other)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }

    fn degree(&self, direction: Direction, item: ItemId, edge: &LiveType) -> Result<u64> {
        graph::degree(&**self.txn.borrow(), direction, item, edge)
    }

    fn by_index(&self, ty: &LiveType, field: FieldId, value: &Value<'_>) -> Result<Option<ItemId>> {
        graph::by_index(&**self.txn.borrow(), ty, field, value)
    }

    fn entries(&self, range: &IndexRange, limit: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Vec<ItemId>> {
        range.read(&**self.txn.borrow(), limit, tick)
    }

    fn leading(
        &self,
        ty: &LiveType,
        field: FieldId,
        order: (Order, bool),
        len: usize,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<Vec<ItemId>>> {
        graph::leading(&**self.txn.borrow(), ty, field, order, len, tick)
    }

    fn newest(&self, ty: &LiveType, len: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Vec<ItemId>> {
        graph::newest(&**self.txn.borrow(), ty, len, tick)
    }

    fn edge_between(&self, edge: &LiveType, from: ItemId, to: ItemId) -> Result<Option<ItemId>> {
        graph::edge_between(&**self.txn.borrow(), edge, from, to)
    }

    fn count(&self, ty: &LiveType) -> Result<u64> {
        graph::count(&**self.txn.borrow(), ty)
    }

    fn components(&self, ty: &LiveType, slot: u32) -> Result<&'a [f32]> {
        Ok(self.arena.alloc_slice_copy(&vector::read(&**self.txn.borrow(), ty.stored, slot)?))
    }

    fn search(&self, ty: &LiveType, query: &[f32], k: usize) -> Result<Vec<Hit>> {
        vector::search(&**self.txn.borrow(), ty.stored, &self.vectors, query, k, |_| Ok(true))
    }

    fn search_where(
        &self,
        ty: &LiveType,
        query: &[f32],
        k: usize,
        accept: &mut dyn FnMut(ItemId) -> Result<bool>,
    ) -> Result<Vec<Hit>> {
        vector::search(&**self.txn.borrow(), ty.stored, &self.vectors, query, k, accept)
    }

    fn search_text(
        &self,
        ty: &LiveType,
        query: &str,
        k: usize,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<text::Hit>> {
        text::search(&**self.txn.borrow(), text_index(ty)?, query, k, tick)
    }

    fn is_writing(&self) -> bool {
        true
    }

    fn mutations(&self) -> Result<&dyn Mutations> {
        Ok(self)
    }
}

impl<W: WriteTxn> Mutations for WriteAccess<'_, '_, W> {
    fn insert_node(&self, item: ItemType, values: &[Value<'_>]) -> Result<ItemId> {
        let id = self.next_id();
        self.mutate(|mutator| mutator.insert_node(item, id, values))?;
        Ok(id)
    }

    fn insert_edge(&self, item: ItemType, ends: Ends, values: &[Value<'_>]) -> Result<ItemId> {
        let id = self.next_id();
        self.mutate(|mutator| mutator.insert_edge(item, id, ends, values))?;
        Ok(id)
    }

    fn check_ends(&self, item: ItemType, from: &[ItemId], to: &[ItemId]) -> Result<()> {
        self.mutate(|mutator| mutator.check_ends(item, from, to))
    }

    fn insert_vector(&self, item: ItemType, data: &[f32], values: &[Value<'_>]) -> Result<ItemId> {
        let id = self.next_id();
        self.mutate(|mutator| mutator.insert_vector(item, id, data, values))?;
        Ok(id)
    }

    fn update(&self, item: ItemType, id: ItemId, changes: &[(FieldId, Value<'_>)]) -> Result<()> {
        self.mutate(|mutator| mutator.update(item, id, changes))
    }

    fn replace_vector(&self, item: ItemType, id: ItemId, data: &[f32]) -> Result<()> {
        self.mutate(|mutator| mutator.replace_vector(item, id, data))
    }

    fn delete(&self, item: ItemType, id: ItemId) -> Result<bool> {
        self.mutate(|mutator| mutator.delete(item, id))
    }
}
