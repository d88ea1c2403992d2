//! The tables of a vector index: its counters, the components of its slots, and the links between them.
//!
//! Slots lie side by side in blocks of some 32 KiB, so that a search looks a block up once and then reads memory: a look-up in
//! the tree costs more than comparing two vectors.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use super::invalid_length;
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn};

/// Bytes of a slot before its components: id, state, level, padding, norm.
const HEADER: usize = 16;

/// Bytes of a block, at most, unless one slot takes more: eight pages of the store less their header.
const BLOCK_BYTES: usize = 8 * 4096 - 16;

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
    /// Slots below `linked` that are free for reuse.
    pub free: u32,
    /// Where searches start.
    pub entry: Option<u32>,
    /// The level of the entry.
    pub top_level: u8,
    /// Seeds the levels, so that the same insertions build the same graph.
    pub seed: u64,
    /// The removal of dead slots from the graph, while it goes on.
    pub vacuum: Option<Vacuum>,
}

/// How far the removal of dead slots is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Vacuum {
    /// What is being done to the slots.
    pub phase: Phase,
    /// The slot to go on with.
    pub next: u32,
}

/// The passes of a vacuum over all slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// The dead are condemned; what dies later waits for the next vacuum.
    Condemn,
    /// No list leads to the dead any more.
    Unlink,
    /// The condemned become free.
    Free,
}

impl IndexMeta {
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension: dimension as u32,
            live: 0,
            dead: 0,
            next_slot: 0,
            linked: 0,
            free: 0,
            entry: None,
            top_level: 0,
            seed: 0x9e37_79b9_7f4a_7c15,
            vacuum: None,
        }
    }

    pub fn check_dimension(&self, found: usize) -> Result<()> {
        if found == self.dimension as usize { Ok(()) } else { Err(invalid_length(found, self.dimension as usize)) }
    }

    const fn stride(&self) -> usize {
        HEADER + 4 * self.dimension as usize
    }

    /// Slots that a block holds.
    const fn per_block(&self) -> u32 {
        let slots = BLOCK_BYTES / self.stride();
        if slots == 0 { 1 } else { slots as u32 }
    }
}

/// What became of a slot that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// Searches give it.
    Live = 1,
    /// Walked through, never given.
    Dead = 2,
    /// Dead, and soon free.
    Condemned = 3,
}

/// What a slot holds: the item, and its components as little-endian bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry<'t> {
    pub id: ItemId,
    pub state: State,
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

    pub fn is_live(&self) -> bool {
        self.state == State::Live
    }
}

fn key(index: u16, number: u32) -> [u8; 6] {
    let mut key = [0; 6];
    key[..2].copy_from_slice(&index.to_be_bytes());
    key[2..].copy_from_slice(&number.to_be_bytes());
    key
}

pub(super) fn meta<T: ReadTxn>(txn: &T, index: u16) -> Result<Option<IndexMeta>> {
    let Some(bytes) = txn.get(Table::VectorMeta, &index.to_be_bytes())? else { return Ok(None) };
    postcard::from_bytes(bytes).map(Some).map_err(|_| damaged("counters"))
}

/// The counters of an index that holds something.
pub(super) fn known_meta<T: ReadTxn>(txn: &T, index: u16) -> Result<IndexMeta> {
    meta(txn, index)?.ok_or_else(|| damaged("no counters"))
}

pub(super) fn put_meta<W: WriteTxn>(txn: &mut W, index: u16, meta: &IndexMeta) -> Result<()> {
    let bytes = postcard::to_stdvec(meta).map_err(|_| damaged("counters"))?;
    txn.put(Table::VectorMeta, &index.to_be_bytes(), &bytes)
}

/// The slots of an index as one transaction sees them; each block is looked up once.
pub(super) struct Slots<'t, T> {
    txn: &'t T,
    index: u16,
    stride: usize,
    per_block: u32,
    blocks: Vec<Cell<Option<&'t [u8]>>>,
}

impl<'t, T: ReadTxn> Slots<'t, T> {
    pub fn new(txn: &'t T, index: u16, meta: &IndexMeta) -> Self {
        let per_block = meta.per_block();
        let blocks = vec![Cell::new(None); meta.next_slot.div_ceil(per_block) as usize];
        Self { txn, index, stride: meta.stride(), per_block, blocks }
    }

    pub const fn txn(&self) -> &'t T {
        self.txn
    }

    pub const fn index(&self) -> u16 {
        self.index
    }

    /// What a slot holds; `None` for an empty one.
    #[inline]
    pub fn find(&self, slot: u32) -> Result<Option<Entry<'t>>> {
        let (block, place) = (slot / self.per_block, (slot % self.per_block) as usize);
        let Some(known) = self.blocks.get(block as usize) else { return Ok(None) };
        let bytes = match known.get() {
            Some(bytes) => bytes,
            None => {
                let bytes = self.txn.get(Table::VectorData, &key(self.index, block))?.unwrap_or_default();
                known.set(Some(bytes));
                bytes
            }
        };
        match bytes.get(place * self.stride..(place + 1) * self.stride) {
            Some(bytes) => split(bytes),
            None => Ok(None),
        }
    }

    /// What a slot holds that must hold something.
    #[inline]
    pub fn get(&self, slot: u32) -> Result<Entry<'t>> {
        self.find(slot)?.ok_or_else(|| damaged("an empty slot"))
    }
}

/// What a slot holds; `None` for an empty one.
pub(super) fn find<'t, T: ReadTxn>(txn: &'t T, index: u16, meta: &IndexMeta, slot: u32) -> Result<Option<Entry<'t>>> {
    let (block, place) = (slot / meta.per_block(), (slot % meta.per_block()) as usize);
    let Some(bytes) = txn.get(Table::VectorData, &key(index, block))? else { return Ok(None) };
    match bytes.get(place * meta.stride()..(place + 1) * meta.stride()) {
        Some(bytes) => split(bytes),
        None => Ok(None),
    }
}

pub(super) fn put<W: WriteTxn>(txn: &mut W, index: u16, meta: &IndexMeta, slot: u32, entry: &Entry<'_>) -> Result<()> {
    change(txn, index, meta, slot, |bytes| {
        bytes[..8].copy_from_slice(&entry.id.to_bytes());
        bytes[8..12].copy_from_slice(&[entry.state as u8, entry.level, 0, 0]);
        bytes[12..16].copy_from_slice(&entry.norm.to_le_bytes());
        bytes[HEADER..].copy_from_slice(entry.data);
    })
}

/// Says what became of a slot; `None` empties it. `false` when it was empty.
pub(super) fn set_state<W: WriteTxn>(
    txn: &mut W,
    index: u16,
    meta: &IndexMeta,
    slot: u32,
    state: Option<State>,
) -> Result<bool> {
    let mut was_used = false;
    change(txn, index, meta, slot, |bytes| {
        was_used = bytes[8] != 0;
        if was_used {
            bytes[8] = state.map_or(0, |state| state as u8);
        }
    })?;
    Ok(was_used)
}

/// Rewrites a slot in its block, which grows to hold it.
fn change<W: WriteTxn>(
    txn: &mut W,
    index: u16,
    meta: &IndexMeta,
    slot: u32,
    edit: impl FnOnce(&mut [u8]),
) -> Result<()> {
    let (block, place) = (slot / meta.per_block(), (slot % meta.per_block()) as usize);
    let key = key(index, block);
    let end = (place + 1) * meta.stride();
    let stored = txn.get(Table::VectorData, &key)?.unwrap_or_default();
    let mut bytes = Vec::with_capacity(stored.len().max(end));
    bytes.extend_from_slice(stored);
    bytes.resize(stored.len().max(end), 0);
    edit(&mut bytes[end - meta.stride()..end]);
    txn.put(Table::VectorData, &key, &bytes)
}

/// Every used slot of an index from `first` on, dead ones too.
#[inline]
pub(super) fn scan<'t, T: ReadTxn>(
    txn: &'t T,
    index: u16,
    meta: &IndexMeta,
    first: u32,
    mut visit: impl FnMut(u32, Entry<'t>) -> Result<()>,
) -> Result<()> {
    let (stride, per_block) = (meta.stride(), meta.per_block());
    let end = index.checked_add(1).map_or([0xff; 7].to_vec(), |next| next.to_be_bytes().to_vec());
    for entry in txn.range(Table::VectorData, Bounds::Range(&key(index, first / per_block), &end))? {
        let (key, value) = entry?;
        let block = key.get(2..6).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| damaged("a key"))?;
        let start = u32::from_be_bytes(block) * per_block;
        for (place, bytes) in value.chunks_exact(stride).enumerate() {
            let slot = start + place as u32;
            if slot >= first
                && let Some(entry) = split(bytes)?
            {
                visit(slot, entry)?;
            }
        }
    }
    Ok(())
}

#[inline]
fn split(bytes: &[u8]) -> Result<Option<Entry<'_>>> {
    let (header, data) = bytes.split_first_chunk::<HEADER>().ok_or_else(|| damaged("a short slot"))?;
    let state = match header[8] {
        0 => return Ok(None),
        1 => State::Live,
        2 => State::Dead,
        3 => State::Condemned,
        _ => return Err(damaged("a slot's state")),
    };
    let [a, b, c, d, e, f, g, h, ..] = *header;
    let id = ItemId::from_bytes([a, b, c, d, e, f, g, h]);
    let norm = f32::from_le_bytes([header[12], header[13], header[14], header[15]]);
    Ok(Some(Entry { id, state, level: header[9], norm, data }))
}

/// The neighbours of a slot at a level, in place of what `out` held.
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

pub(super) fn delete_links<W: WriteTxn>(txn: &mut W, index: u16, slot: u32, level: u8) -> Result<()> {
    let (table, key) = links_key(index, slot, level);
    txn.del(table, &key[..key_len(level)]).map(drop)
}

fn links_key(index: u16, slot: u32, level: u8) -> (Table, [u8; 7]) {
    let mut bytes = [0; 7];
    bytes[..6].copy_from_slice(&key(index, slot));
    bytes[6] = level;
    (if level == 0 { Table::VectorLinks } else { Table::VectorUpperLinks }, bytes)
}

const fn key_len(level: u8) -> usize {
    if level == 0 { 6 } else { 7 }
}

/// Takes a slot for a new vector: a free one, or the next.
pub(super) fn take_slot<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta) -> Result<u32> {
    let mut freed = None;
    if meta.free > 0 {
        let last = txn.last(Table::VectorFree, Bounds::Prefix(&index.to_be_bytes()))?;
        freed = last.and_then(|(key, _)| key.get(2..6)?.try_into().ok()).map(u32::from_be_bytes);
    }
    let slot = match freed {
        Some(slot) => {
            txn.del(Table::VectorFree, &key(index, slot))?;
            meta.free -= 1;
            slot
        }
        None => {
            let slot = meta.next_slot;
            meta.next_slot = slot
                .checked_add(1)
                .ok_or_else(|| EngineError::BadValue("a vector type holds too many vectors".to_owned()))?;
            slot
        }
    };
    meta.live += 1;
    Ok(slot)
}

/// Empties a slot for reuse.
pub(super) fn free_slot<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta, slot: u32) -> Result<()> {
    set_state(txn, index, meta, slot, None)?;
    txn.put(Table::VectorFree, &key(index, slot), &[])?;
    meta.free += 1;
    Ok(())
}

fn damaged(what: &str) -> EngineError {
    EngineError::Damaged(format!("vector index: {what}"))
}
