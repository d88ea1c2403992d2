//! The tables of a vector index: its counters, and the components of each slot.

use serde::{Deserialize, Serialize};

use super::invalid_length;
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn};

/// Bytes before the components: id, flags, level, padding, norm.
const HEADER: usize = 16;

/// The counters of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexMeta {
    /// The number of components of every vector.
    pub dimension: u32,
    /// Vectors that searches give.
    pub live: u64,
    /// The next slot that was never used.
    pub next_slot: u32,
}

impl IndexMeta {
    pub fn new(dimension: usize) -> Self {
        Self { dimension: dimension as u32, live: 0, next_slot: 0 }
    }

    pub fn check_dimension(&self, found: usize) -> Result<()> {
        if found == self.dimension as usize { Ok(()) } else { Err(invalid_length(found, self.dimension as usize)) }
    }

    pub fn take_slot(&mut self) -> Result<u32> {
        let slot = self.next_slot;
        self.next_slot = slot
            .checked_add(1)
            .ok_or_else(|| EngineError::BadValue("a vector type holds too many vectors".to_owned()))?;
        self.live += 1;
        Ok(slot)
    }
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub id: ItemId,
    pub dead: bool,
    pub level: u8,
    pub norm: f32,
    pub data: Vec<f32>,
}

fn slot_key(index: u16, slot: u32) -> [u8; 6] {
    let mut key = [0; 6];
    key[..2].copy_from_slice(&index.to_be_bytes());
    key[2..].copy_from_slice(&slot.to_be_bytes());
    key
}

pub(super) fn meta<T: ReadTxn>(txn: &T, index: u16) -> Result<Option<IndexMeta>> {
    let Some(bytes) = txn.get(Table::VectorMeta, &index.to_be_bytes())? else { return Ok(None) };
    postcard::from_bytes(bytes).map(Some).map_err(|_| damaged("counters"))
}

pub(super) fn put_meta<W: WriteTxn>(txn: &mut W, index: u16, meta: &IndexMeta) -> Result<()> {
    let bytes = postcard::to_stdvec(meta).map_err(|_| damaged("counters"))?;
    txn.put(Table::VectorMeta, &index.to_be_bytes(), &bytes)
}

pub(super) fn put<W: WriteTxn>(txn: &mut W, index: u16, slot: u32, entry: &Entry) -> Result<()> {
    let mut value = Vec::with_capacity(HEADER + entry.data.len() * 4);
    value.extend_from_slice(&entry.id.to_bytes());
    value.extend_from_slice(&[u8::from(entry.dead), entry.level, 0, 0]);
    value.extend_from_slice(&entry.norm.to_le_bytes());
    for component in &entry.data {
        value.extend_from_slice(&component.to_le_bytes());
    }
    txn.put(Table::VectorData, &slot_key(index, slot), &value)
}

pub(super) fn delete<W: WriteTxn>(txn: &mut W, index: u16, slot: u32) -> Result<()> {
    if txn.del(Table::VectorData, &slot_key(index, slot))? { Ok(()) } else { Err(damaged("an empty slot")) }
}

pub(super) fn get<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Entry> {
    let bytes = txn.get(Table::VectorData, &slot_key(index, slot))?.ok_or_else(|| damaged("an empty slot"))?;
    let (id, dead, level, norm, data) = split(bytes)?;
    let data = data.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
    Ok(Entry { id, dead, level, norm, data })
}

pub(super) fn holder<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Option<ItemId>> {
    match txn.get(Table::VectorData, &slot_key(index, slot))? {
        None => Ok(None),
        Some(bytes) => {
            let (id, dead, ..) = split(bytes)?;
            Ok((!dead).then_some(id))
        }
    }
}

pub(super) fn clear<W: WriteTxn>(txn: &mut W, index: u16) -> Result<()> {
    for table in [Table::VectorMeta, Table::VectorData, Table::VectorLinks, Table::VectorUpperLinks, Table::VectorFree]
    {
        crate::catalog::clear_prefix(txn, table, &index.to_be_bytes())?;
    }
    Ok(())
}

/// Every slot of an index, with the components as bytes.
pub(super) fn scan<T: ReadTxn>(
    txn: &T,
    index: u16,
    mut visit: impl FnMut(u32, ItemId, f32, &[u8]) -> Result<()>,
) -> Result<()> {
    for entry in txn.range(Table::VectorData, Bounds::Prefix(&index.to_be_bytes()))? {
        let (key, value) = entry?;
        let slot = key.get(2..6).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| damaged("a key"))?;
        let (id, dead, _, norm, data) = split(value)?;
        if !dead {
            visit(u32::from_be_bytes(slot), id, norm, data)?;
        }
    }
    Ok(())
}

fn split(bytes: &[u8]) -> Result<(ItemId, bool, u8, f32, &[u8])> {
    let header: (&[u8; HEADER], &[u8]) = bytes.split_first_chunk().ok_or_else(|| damaged("a short slot"))?;
    let (header, data) = header;
    let id = header[..8].try_into().map(ItemId::from_bytes).map_err(|_| damaged("an id"))?;
    let norm = f32::from_le_bytes([header[12], header[13], header[14], header[15]]);
    Ok((id, header[8] != 0, header[9], norm, data))
}

fn damaged(what: &str) -> EngineError {
    EngineError::Damaged(format!("vector index: {what}"))
}
