//! Vector search: one index a vector type, in tables of the store, so that vectors commit and roll back with everything else.
//!
//! The components are kept as they were given, in f32, with their norm beside them; the distance is the cosine distance, 0 to 2.

mod distance;
mod table;

use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{ReadTxn, WriteTxn};
use table::{Entry, IndexMeta};

/// The longest vector.
pub const MAX_DIMENSION: usize = 16_384;

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
pub fn insert<W: WriteTxn>(txn: &mut W, index: u16, _config: &VectorConfig, id: ItemId, data: &[f32]) -> Result<u32> {
    check(data)?;
    let mut meta = table::meta(txn, index)?.unwrap_or_else(|| IndexMeta::new(data.len()));
    meta.check_dimension(data.len())?;
    let slot = meta.take_slot()?;
    table::put(
        txn,
        index,
        slot,
        &Entry { id, dead: false, level: 0, norm: distance::norm(data), data: data.to_vec() },
    )?;
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
    table::delete(txn, index, slot)?;
    meta.live -= 1;
    table::put_meta(txn, index, &meta)
}

/// The components of a vector, as they were given.
///
/// # Errors
///
/// [`EngineError::Damaged`] when there is none in the slot.
pub fn read<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Vec<f32>> {
    Ok(table::get(txn, index, slot)?.data)
}

/// The item whose components a slot holds; `None` for an empty slot.
///
/// # Errors
///
/// When the store fails.
pub fn holder<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Option<ItemId>> {
    table::holder(txn, index, slot)
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
    let mut found = 0_u64;
    let mut findings = Vec::new();
    let Some(meta) = table::meta(txn, index)? else { return Ok(findings) };
    table::scan(txn, index, |slot, id, _, data| {
        found += 1;
        if data.len() != meta.dimension as usize * 4 {
            findings.push(format!("slot {slot} of {} has {} bytes", id.0, data.len()));
        }
        Ok(())
    })?;
    if found != meta.live {
        findings.push(format!("the index counts {} vectors and has {found}", meta.live));
    }
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
    _config: &VectorConfig,
    query: &[f32],
    k: usize,
    mut accept: impl FnMut(ItemId) -> Result<bool>,
) -> Result<Vec<Hit>> {
    let Some(meta) = table::meta(txn, index)? else { return Ok(Vec::new()) };
    if k == 0 || meta.live == 0 {
        return Ok(Vec::new());
    }
    check(query)?;
    meta.check_dimension(query.len())?;
    let query_norm = distance::norm(query);
    let mut hits = Vec::new();
    table::scan(txn, index, |slot, id, norm, data| {
        if accept(id)? {
            hits.push(Hit { id, slot, distance: distance::cosine(query, query_norm, data, norm) });
        }
        Ok(())
    })?;
    Ok(nearest(hits, k))
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
