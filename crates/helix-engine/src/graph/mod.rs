//! The graph: typed reads and writes over the tables, with every index kept in step.

mod index;
#[cfg(test)]
mod tests;
mod write;

pub use index::{IndexRange, by_index, leading};
pub use write::{Ends, Mutator};

use crate::catalog::LiveType;
use crate::catalog::stored::kind_byte;
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{Bounds, ReadTxn, Table, keys};
use helix_plan::ItemKind;

/// Which way edges are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From an item to what its edges end at.
    Out,
    /// From an item to what its edges start at.
    In,
}

impl Direction {
    /// The table of the lists.
    #[must_use]
    pub const fn table(self) -> Table {
        match self {
            Self::Out => Table::Out,
            Self::In => Table::In,
        }
    }
}

/// The table that holds the rows of a kind.
#[must_use]
pub const fn table(kind: ItemKind) -> Table {
    match kind {
        ItemKind::Node => Table::Node,
        ItemKind::Edge => Table::Edge,
        ItemKind::Vector => Table::Vector,
    }
}

/// The row of an item of a type, if there is one.
///
/// # Errors
///
/// When the store fails.
#[inline]
pub fn row<'t, T: ReadTxn>(txn: &'t T, ty: &LiveType, id: ItemId) -> Result<Option<&'t [u8]>> {
    txn.get(table(ty.item.kind), &keys::row(ty.stored, id))
}

/// Every item of a type with its row, in creation order.
///
/// # Errors
///
/// When the store fails.
pub fn scan<'t, T: ReadTxn>(
    txn: &'t T,
    ty: &LiveType,
) -> Result<impl Iterator<Item = Result<(ItemId, &'t [u8])>> + use<'t, T>> {
    scan_from(txn, ty, ItemId(0))
}

/// The same from an id on.
///
/// # Errors
///
/// When the store fails.
pub fn scan_from<'t, T: ReadTxn>(
    txn: &'t T,
    ty: &LiveType,
    first: ItemId,
) -> Result<impl Iterator<Item = Result<(ItemId, &'t [u8])>> + use<'t, T>> {
    let (first, end) = (keys::row(ty.stored, first), keys::row(ty.stored, ItemId(u64::MAX)));
    let rows = txn.range(table(ty.item.kind), Bounds::Range(&first, &end))?;
    Ok(rows.map(|entry| {
        let (key, row) = entry?;
        let id = keys::row_id(key).ok_or_else(|| EngineError::Damaged("a row's key".to_owned()))?;
        Ok((id, row))
    }))
}

/// The ids of every item of a type, in creation order.
///
/// # Errors
///
/// When the store fails.
pub fn ids<T: ReadTxn>(txn: &T, ty: &LiveType) -> Result<Vec<ItemId>> {
    scan(txn, ty)?.map(|entry| entry.map(|(id, _)| id)).collect()
}

/// The ids of the items of a type that were created last, at most `len`, the last one first. `tick` is called for each.
///
/// # Errors
///
/// When the store or `tick` fails.
pub fn newest<T: ReadTxn>(
    txn: &T,
    ty: &LiveType,
    len: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<ItemId>> {
    let (first, mut end) = (keys::row(ty.stored, ItemId(0)), keys::row(ty.stored, ItemId(u64::MAX)));
    let mut found = Vec::new();
    while found.len() < len {
        let Some((key, _)) = txn.last(table(ty.item.kind), Bounds::Range(&first, &end))? else { break };
        tick()?;
        let id = keys::row_id(key).ok_or_else(|| EngineError::Damaged("a row's key".to_owned()))?;
        found.push(id);
        end = keys::row(ty.stored, id);
    }
    Ok(found)
}

/// The edges of a type at an item, in creation order: the edge, and the item at its other end.
///
/// # Errors
///
/// When the store fails.
pub fn adjacent<'t, T: ReadTxn>(
    txn: &'t T,
    direction: Direction,
    item: ItemId,
    edge: &LiveType,
) -> Result<impl Iterator<Item = Result<(ItemId, ItemId)>> + use<'t, T>> {
    let entries = txn.dups(direction.table(), &keys::adjacency(item, edge.stored))?;
    Ok(entries.map(|entry| {
        keys::split_neighbour(entry?).ok_or_else(|| EngineError::Damaged("an entry of an adjacency list".to_owned()))
    }))
}

/// How many edges of a type there are at an item.
///
/// # Errors
///
/// When the store fails.
pub fn degree<T: ReadTxn>(txn: &T, direction: Direction, item: ItemId, edge: &LiveType) -> Result<u64> {
    txn.dup_count(direction.table(), &keys::adjacency(item, edge.stored))
}

/// The edge of a unique type that joins a pair, or the first edge of any other type that does.
///
/// # Errors
///
/// When the store fails.
pub fn edge_between<T: ReadTxn>(txn: &T, edge: &LiveType, from: ItemId, to: ItemId) -> Result<Option<ItemId>> {
    if edge.ends.is_some_and(|ends| ends.unique) {
        return id_of(txn.get(Table::Pair, &keys::pair(edge.stored, from, to))?);
    }
    // Both lists are in creation order; the shorter one is the shorter way.
    let is_out_shorter = degree(txn, Direction::Out, from, edge)? <= degree(txn, Direction::In, to, edge)?;
    let (direction, near, far) = if is_out_shorter { (Direction::Out, from, to) } else { (Direction::In, to, from) };
    for entry in adjacent(txn, direction, near, edge)? {
        let (id, other) = entry?;
        if other == far {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// How many items of a type there are.
///
/// # Errors
///
/// When the store fails.
pub fn count<T: ReadTxn>(txn: &T, ty: &LiveType) -> Result<u64> {
    count_of(txn, ty.item.kind, ty.stored)
}

/// The same by kind and number.
///
/// # Errors
///
/// When the store fails.
pub fn count_of<T: ReadTxn>(txn: &T, kind: ItemKind, number: u16) -> Result<u64> {
    let bytes = txn.get(Table::Count, &keys::kind_and_id(kind_byte(kind), number))?;
    match bytes {
        None => Ok(0),
        Some(bytes) => {
            bytes.try_into().map(u64::from_be_bytes).map_err(|_| EngineError::Damaged("a counter".to_owned()))
        }
    }
}

fn id_of(bytes: Option<&[u8]>) -> Result<Option<ItemId>> {
    bytes.map(to_id).transpose()
}

fn to_id(bytes: &[u8]) -> Result<ItemId> {
    let bytes = bytes.try_into().map_err(|_| EngineError::Damaged("an id of another length".to_owned()))?;
    Ok(ItemId::from_bytes(bytes))
}
