//! Vector search: one index a vector type, in tables of the store, so that vectors commit and roll back with everything else.
//!
//! The components are kept as they were given, in f32, with their norm beside them; the distance is the cosine distance, 0 to 2.
//!
//! Few vectors are compared one by one, which is exact and quick. From `LINK_FROM` on, insertions build a graph, their own
//! slot and some of the backlog each, and from `EXACT_BELOW` on, searches walk it. A removed vector stays as a way through the
//! graph until too many are dead; then the graph is built anew, a few slots with each insertion, and searches are exact again
//! until it is whole.
//!
//! Source of the graph: Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
//! Navigable Small World graphs", 2018.

mod distance;
mod graph;
mod table;
#[cfg(test)]
mod tests;

use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{ReadTxn, WriteTxn};
use table::{Entry, IndexMeta};

/// The longest vector.
pub const MAX_DIMENSION: usize = 16_384;

/// Live vectors below which a search compares them all.
const EXACT_BELOW: u64 = 4_000;

/// Slots from which on insertions build the graph.
const LINK_FROM: u32 = 2_000;

/// Slots of the backlog that each insertion links beside its own.
const BACKLOG: u32 = 3;

/// The parameters of the indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorConfig {
    /// Neighbours that a vector keeps above level 0; twice as many at level 0.
    pub m: usize,
    /// Candidates that an insertion considers.
    pub ef_construction: usize,
    /// Candidates that a search considers, at least.
    pub ef_search: usize,
}

impl Default for VectorConfig {
    fn default() -> Self {
        Self { m: 16, ef_construction: 128, ef_search: 768 }
    }
}

/// A found vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The item.
    pub id: ItemId,
    /// Where its components are.
    pub slot: u32,
    /// The cosine distance from the query, 0 to 2.
    pub distance: f32,
}

/// Adds a vector and gives its slot.
///
/// # Errors
///
/// [`EngineError::BadValue`] when it is empty, too long, not finite in f32, or of another length than the vectors before.
pub fn insert<W: WriteTxn>(txn: &mut W, index: u16, config: &VectorConfig, id: ItemId, data: &[f32]) -> Result<u32> {
    check(data)?;
    let mut meta = table::meta(txn, index)?.unwrap_or_else(|| IndexMeta::new(data.len()));
    meta.check_dimension(data.len())?;
    let slot = meta.take_slot()?;
    let level = graph::level(meta.seed, slot, config.m);
    let bytes: Vec<u8> = data.iter().flat_map(|component| component.to_le_bytes()).collect();
    table::put(txn, index, slot, &Entry { id, dead: false, level, norm: distance::norm(data), data: &bytes })?;
    if meta.next_slot > LINK_FROM {
        for _ in 0..=BACKLOG {
            if meta.linked < meta.next_slot {
                graph::link(txn, index, config, &mut meta)?;
            }
        }
    }
    table::put_meta(txn, index, &meta)?;
    Ok(slot)
}

/// Removes a vector: no search gives it from now on.
///
/// # Errors
///
/// [`EngineError::Damaged`] when there is none in the slot.
pub fn remove<W: WriteTxn>(txn: &mut W, index: u16, slot: u32) -> Result<()> {
    let mut meta =
        table::meta(txn, index)?.ok_or_else(|| EngineError::Damaged("a vector index without meta".to_owned()))?;
    if slot < meta.linked {
        table::bury(txn, index, slot)?;
        meta.dead += 1;
    } else if !table::delete(txn, index, slot)? {
        return Err(EngineError::Damaged("a vector's slot is empty".to_owned()));
    }
    meta.live -= 1;
    if meta.dead * 10 > (meta.live + meta.dead) * 3 && meta.dead > u64::from(LINK_FROM) {
        graph::forget(txn, index, &mut meta)?;
    }
    table::put_meta(txn, index, &meta)
}

/// The components of a vector, as they were given.
///
/// # Errors
///
/// [`EngineError::Damaged`] when there is none in the slot.
pub fn read<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Vec<f32>> {
    Ok(table::get(txn, index, slot)?.components())
}

/// The item whose components a slot holds; `None` for an empty slot.
///
/// # Errors
///
/// When the store fails.
pub fn holder<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Option<ItemId>> {
    Ok(table::find(txn, index, slot)?.filter(|entry| !entry.dead).map(|entry| entry.id))
}

/// Removes a whole index.
///
/// # Errors
///
/// When the store fails.
pub fn clear<W: WriteTxn>(txn: &mut W, index: u16) -> Result<()> {
    table::clear(txn, index)
}

/// Checks an index against itself; gives what disagrees.
///
/// # Errors
///
/// When the store fails.
pub fn verify<T: ReadTxn>(txn: &T, index: u16) -> Result<Vec<String>> {
    let Some(meta) = table::meta(txn, index)? else { return Ok(Vec::new()) };
    let (mut live, mut dead) = (0_u64, 0_u64);
    let mut findings = Vec::new();
    table::scan(txn, index, |slot, entry| {
        *(if entry.dead { &mut dead } else { &mut live }) += 1;
        if entry.data.len() != meta.dimension as usize * 4 {
            findings.push(format!("slot {slot} holds {} bytes of components", entry.data.len()));
        }
        if entry.dead && slot >= meta.linked {
            findings.push(format!("slot {slot} is dead and was never linked"));
        }
        Ok(())
    })?;
    if (live, dead) != (meta.live, meta.dead) {
        findings.push(format!("the index counts {} and {} vectors, it has {live} and {dead}", meta.live, meta.dead));
    }
    findings.extend(graph::verify(txn, index, &meta)?);
    Ok(findings)
}

/// How many vectors an index holds.
///
/// # Errors
///
/// When the store fails.
pub fn live<T: ReadTxn>(txn: &T, index: u16) -> Result<u64> {
    Ok(table::meta(txn, index)?.map_or(0, |meta| meta.live))
}

/// The `k` accepted vectors nearest to a query, closest first; all of them when there are fewer.
///
/// # Errors
///
/// [`EngineError::BadValue`] when the query's length is not the index's; what `accept` fails with.
pub fn search<T: ReadTxn>(
    txn: &T,
    index: u16,
    config: &VectorConfig,
    query: &[f32],
    k: usize,
    accept: impl FnMut(ItemId) -> Result<bool>,
) -> Result<Vec<Hit>> {
    search_from(txn, index, config, query, k, accept, EXACT_BELOW)
}

/// The same with another number of vectors from which on the graph is walked.
fn search_from<T: ReadTxn>(
    txn: &T,
    index: u16,
    config: &VectorConfig,
    query: &[f32],
    k: usize,
    mut accept: impl FnMut(ItemId) -> Result<bool>,
    exact_below: u64,
) -> Result<Vec<Hit>> {
    let Some(meta) = table::meta(txn, index)? else { return Ok(Vec::new()) };
    if k == 0 || meta.live == 0 {
        return Ok(Vec::new());
    }
    check(query)?;
    meta.check_dimension(query.len())?;
    let query = Query { data: query, norm: distance::norm(query) };
    if meta.live >= exact_below && meta.linked == meta.next_slot {
        let hits = graph::search(txn, index, config, &meta, &query, k, &mut accept)?;
        if hits.len() == k {
            return Ok(hits);
        }
        // A filter, or a part of the graph that nothing leads to, hid some: compare them all.
    }
    let mut hits = Vec::new();
    table::scan(txn, index, |slot, entry| {
        if !entry.dead && accept(entry.id)? {
            hits.push(Hit { id: entry.id, slot, distance: query.distance(&entry) });
        }
        Ok(())
    })?;
    Ok(nearest(hits, k))
}

/// What is searched for.
struct Query<'q> {
    data: &'q [f32],
    norm: f32,
}

impl Query<'_> {
    fn distance(&self, entry: &Entry<'_>) -> f32 {
        distance::cosine(self.data, self.norm, entry.data, entry.norm)
    }
}

/// The cosine distance between two vectors of one length.
///
/// # Errors
///
/// [`EngineError::BadValue`] when the lengths differ.
pub fn cosine_distance(a: &[f32], b: &[f32]) -> Result<f32> {
    if a.len() != b.len() {
        return Err(invalid_length(b.len(), a.len()));
    }
    Ok(distance::cosine_slices(a, distance::norm(a), b, distance::norm(b)))
}

/// The first `k` by distance, then id.
fn nearest(mut hits: Vec<Hit>, k: usize) -> Vec<Hit> {
    let order = |a: &Hit, b: &Hit| a.distance.total_cmp(&b.distance).then(a.id.cmp(&b.id));
    if k < hits.len() {
        hits.select_nth_unstable_by(k - 1, order);
        hits.truncate(k);
    }
    hits.sort_unstable_by(order);
    hits
}

fn check(data: &[f32]) -> Result<()> {
    if data.is_empty() || data.len() > MAX_DIMENSION {
        return Err(EngineError::BadValue(format!("Invalid vector length: {} (1 to {MAX_DIMENSION})", data.len())));
    }
    if data.iter().any(|component| !component.is_finite()) {
        return Err(EngineError::BadValue("a vector component is not finite in 32 bits".to_owned()));
    }
    Ok(())
}

fn invalid_length(found: usize, expected: usize) -> EngineError {
    EngineError::BadValue(format!("Invalid vector length: {found}, expected {expected}"))
}
