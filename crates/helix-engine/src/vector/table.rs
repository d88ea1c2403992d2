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
    /// Removed vectors that the graph still walks through.
    pub dead: u64,
    /// The next slot that was never used.
    pub next_slot: u32,
    /// Every slot below this one is in the graph, or gone.
    pub linked: u32,
    /// Where searches start.
    pub entry: Option<u32>,
    /// The level of the entry.
    pub top_level: u8,
    /// Seeds the levels, so that the same insertions build the same graph.
    pub seed: u64,
}

impl IndexMeta {
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension: dimension as u32,
            live: 0,
            dead: 0,
            next_slot: 0,
            linked: 0,
            entry: None,
            top_level: 0,
            seed: 0x9e37_79b9_7f4a_7c15,
        }
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

/// What a slot holds: the item, and its components as little-endian bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry<'t> {
    pub id: ItemId,
    pub dead: bool,
    pub level: u8,
    pub norm: f32,
    pub data: &'t [u8],
}

impl Entry<'_> {
    /// The components.
    pub fn components(&self) -> Vec<f32> {
        let chunks = self.data.chunks_exact(4);
        chunks.map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
    }
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

pub(super) fn put<W: WriteTxn>(txn: &mut W, index: u16, slot: u32, entry: &Entry<'_>) -> Result<()> {
    let mut value = Vec::with_capacity(HEADER + entry.data.len());
    value.extend_from_slice(&entry.id.to_bytes());
    value.extend_from_slice(&[u8::from(entry.dead), entry.level, 0, 0]);
    value.extend_from_slice(&entry.norm.to_le_bytes());
    value.extend_from_slice(entry.data);
    txn.put(Table::VectorData, &slot_key(index, slot), &value)
}

pub(super) fn delete<W: WriteTxn>(txn: &mut W, index: u16, slot: u32) -> Result<bool> {
    txn.del(Table::VectorData, &slot_key(index, slot))
}

/// Marks a slot as dead.
pub(super) fn bury<W: WriteTxn>(txn: &mut W, index: u16, slot: u32) -> Result<()> {
    let key = slot_key(index, slot);
    let mut value = txn.get(Table::VectorData, &key)?.ok_or_else(|| damaged("an empty slot"))?.to_vec();
    value[8] = 1;
    txn.put(Table::VectorData, &key, &value)
}

/// What a slot holds; `None` for an empty one.
#[inline]
pub(super) fn find<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Option<Entry<'_>>> {
    txn.get(Table::VectorData, &slot_key(index, slot))?.map(split).transpose()
}

/// What a slot holds that must hold something.
#[inline]
pub(super) fn get<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Entry<'_>> {
    find(txn, index, slot)?.ok_or_else(|| damaged("an empty slot"))
}

pub(super) fn clear<W: WriteTxn>(txn: &mut W, index: u16) -> Result<()> {
    for table in [Table::VectorMeta, Table::VectorData] {
        crate::catalog::clear_prefix(txn, table, &index.to_be_bytes())?;
    }
    clear_links(txn, index)
}

pub(super) fn clear_links<W: WriteTxn>(txn: &mut W, index: u16) -> Result<()> {
    for table in [Table::VectorLinks, Table::VectorUpperLinks] {
        crate::catalog::clear_prefix(txn, table, &index.to_be_bytes())?;
    }
    Ok(())
}

/// Every slot of an index, dead ones too.
pub(super) fn scan<T: ReadTxn>(txn: &T, index: u16, mut visit: impl FnMut(u32, Entry<'_>) -> Result<()>) -> Result<()> {
    for entry in txn.range(Table::VectorData, Bounds::Prefix(&index.to_be_bytes()))? {
        let (key, value) = entry?;
        let slot = key.get(2..6).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| damaged("a key"))?;
        visit(u32::from_be_bytes(slot), split(value)?)?;
    }
    Ok(())
}

fn split(bytes: &[u8]) -> Result<Entry<'_>> {
    let header: (&[u8; HEADER], &[u8]) = bytes.split_first_chunk().ok_or_else(|| damaged("a short slot"))?;
    let (header, data) = header;
    let id = header[..8].try_into().map(ItemId::from_bytes).map_err(|_| damaged("an id"))?;
    let norm = f32::from_le_bytes([header[12], header[13], header[14], header[15]]);
    Ok(Entry { id, dead: header[8] != 0, level: header[9], norm, data })
}

/// Appends the neighbours of a slot at a level.
pub(super) fn links<T: ReadTxn>(txn: &T, index: u16, slot: u32, level: u8, out: &mut Vec<u32>) -> Result<()> {
    out.clear();
    let (table, key) = links_key(index, slot, level);
    if let Some(bytes) = txn.get(table, &key[..key_len(level)])? {
        let chunks = bytes.chunks_exact(4);
        out.extend(chunks.map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])));
    }
    Ok(())
}

pub(super) fn put_links<W: WriteTxn>(txn: &mut W, index: u16, slot: u32, level: u8, neighbours: &[u32]) -> Result<()> {
    let (table, key) = links_key(index, slot, level);
    let value: Vec<u8> = neighbours.iter().flat_map(|neighbour| neighbour.to_le_bytes()).collect();
    txn.put(table, &key[..key_len(level)], &value)
}

fn links_key(index: u16, slot: u32, level: u8) -> (Table, [u8; 7]) {
    let mut key = [0; 7];
    key[..6].copy_from_slice(&slot_key(index, slot));
    key[6] = level;
    (if level == 0 { Table::VectorLinks } else { Table::VectorUpperLinks }, key)
}

const fn key_len(level: u8) -> usize {
    if level == 0 { 6 } else { 7 }
}

fn damaged(what: &str) -> EngineError {
    EngineError::Damaged(format!("vector index: {what}"))
}
