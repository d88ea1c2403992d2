//! Vector search: one index a vector type, in tables of the store, so that vectors commit and roll back with everything else.
//!
//! The components are kept as they were given, in f32, with their norm beside them; the distance is the cosine distance, 0 to 2.
//!
//! Few vectors are compared one by one, which is exact and, side by side in memory, quick. Many are searched through a graph.
//! An insertion only stores its vector; the graph takes it in later, when the writer is idle ([`tend`]), and until then a search
//! compares the backlog one by one. A backlog that grows too long is linked by the insertions themselves. A removed vector
//! stays as a way through the graph until a vacuum has led all paths around it. That is for idle times as well; removals that
//! leave more dead vectors than live ones do it themselves.
//!
//! Source of the graph: Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
//! Navigable Small World graphs", 2018.

mod distance;
mod graph;
mod table;
#[cfg(test)]
mod tests;
mod vacuum;

use std::cmp::Ordering;
use std::time::Instant;

use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{ReadTxn, Table, WriteTxn};
use table::{Entry, IndexMeta, Slots, State};

/// The longest vector.
pub const MAX_DIMENSION: usize = 16_384;

/// The tables of an index; its number starts every key of theirs.
pub const TABLES: [Table; 5] =
    [Table::VectorData, Table::VectorLinks, Table::VectorUpperLinks, Table::VectorFree, Table::VectorMeta];

/// Slots of the backlog that an insertion links when the backlog is too long.
const LINKS_PER_INSERTION: u32 = 2;

/// Steps of a vacuum that a removal takes when most vectors are dead. A vacuum takes three a slot, so that what dies during one
/// is a quarter of the slots at most, fewer than it frees.
const STEPS_PER_REMOVAL: u32 = 12;

/// The parameters of the indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorConfig {
    /// Neighbours that a vector keeps above level 0; twice as many at level 0.
    pub m: usize,
    /// Candidates that an insertion considers.
    pub ef_construction: usize,
    /// Candidates that a search considers, at least.
    pub ef_search: usize,
    /// Live vectors below which a search compares them all, and as long as the backlog may be. Half of it is where the graph
    /// begins. When it is not given, what is less work is estimated from the dimension.
    pub exact_below: Option<u32>,
}

impl VectorConfig {
    /// The number of vectors of a dimension that a walk through the graph begins to pay for.
    fn exact_below(&self, dimension: u32) -> u32 {
        // Measured: comparing takes the time of 64 components beside the components, side by side in memory. A walk compares
        // some 26 vectors for each candidate that it keeps, anywhere in memory, with the time of 512 components beside each.
        let estimate = self.ef_search as u64 * 26 * (512 + u64::from(dimension)) / (64 + u64::from(dimension));
        self.exact_below.unwrap_or_else(|| u32::try_from(estimate).unwrap_or(u32::MAX))
    }
}

impl Default for VectorConfig {
    fn default() -> Self {
        Self { m: 16, ef_construction: 128, ef_search: 768, exact_below: None }
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
    let slot = table::take_slot(txn, index, &mut meta)?;
    let level = graph::level(meta.seed, slot, config.m);
    let bytes: Vec<u8> = data.iter().flat_map(|component| component.to_le_bytes()).collect();
    let entry = Entry { id, state: State::Live, level, norm: distance::norm(data), data: &bytes };
    table::put(txn, index, &meta, slot, &entry)?;
    if slot < meta.linked {
        // The backlog is past it.
        graph::link(txn, index, config, &mut meta, slot)?;
    } else if is_due(config, &meta) && meta.next_slot - meta.linked > config.exact_below(meta.dimension) {
        for slot in meta.linked..meta.next_slot.min(meta.linked + LINKS_PER_INSERTION) {
            meta.linked = slot + 1;
            graph::link(txn, index, config, &mut meta, slot)?;
        }
    }
    table::put_meta(txn, index, &meta)?;
    Ok(slot)
}

/// Whether slots wait to be linked that are worth it.
fn is_due(config: &VectorConfig, meta: &IndexMeta) -> bool {
    meta.linked < meta.next_slot && meta.next_slot > config.exact_below(meta.dimension) / 2
}

/// Removes a vector: no search gives it from now on.
///
/// # Errors
///
/// [`EngineError::Damaged`] when there is none in the slot.
pub fn remove<W: WriteTxn>(txn: &mut W, index: u16, config: &VectorConfig, slot: u32) -> Result<()> {
    let mut meta = table::known_meta(txn, index)?;
    if table::find(txn, index, &meta, slot)?.is_none_or(|entry| !entry.is_live()) {
        return Err(EngineError::Damaged("a vector's slot is empty".to_owned()));
    }
    if slot < meta.linked {
        table::set_state(txn, index, &meta, slot, Some(State::Dead))?;
        meta.dead += 1;
    } else {
        table::free_slot(txn, index, &mut meta, slot)?;
    }
    meta.live -= 1;
    for _ in 0..STEPS_PER_REMOVAL {
        if !vacuum::is_pressing(&meta) {
            break;
        }
        vacuum::advance(txn, index, config, &mut meta)?;
    }
    table::put_meta(txn, index, &meta)
}

/// Does what waits to be done for an index until `deadline`; gives whether there is more.
///
/// # Errors
///
/// When the store fails.
pub fn tend<W: WriteTxn>(txn: &mut W, index: u16, config: &VectorConfig, deadline: Instant) -> Result<bool> {
    let Some(mut meta) = table::meta(txn, index)? else { return Ok(false) };
    let more = vacuum::tend(txn, index, config, &mut meta, deadline)?;
    table::put_meta(txn, index, &meta)?;
    Ok(more)
}

/// Whether something waits to be done for an index.
///
/// # Errors
///
/// When the store fails.
pub fn wants_tending<T: ReadTxn>(txn: &T, index: u16, config: &VectorConfig) -> Result<bool> {
    Ok(table::meta(txn, index)?.is_some_and(|meta| vacuum::has_work(config, &meta)))
}

/// The components of a vector, as they were given.
///
/// # Errors
///
/// [`EngineError::Damaged`] when there is none in the slot.
pub fn read<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Vec<f32>> {
    let meta = table::known_meta(txn, index)?;
    let entry = table::find(txn, index, &meta, slot)?;
    entry.map(|entry| entry.components()).ok_or_else(|| EngineError::Damaged("a vector's slot is empty".to_owned()))
}

/// The item whose components a slot holds; `None` for an empty slot.
///
/// # Errors
///
/// When the store fails.
pub fn holder<T: ReadTxn>(txn: &T, index: u16, slot: u32) -> Result<Option<ItemId>> {
    let Some(meta) = table::meta(txn, index)? else { return Ok(None) };
    Ok(table::find(txn, index, &meta, slot)?.filter(Entry::is_live).map(|entry| entry.id))
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
    table::scan(txn, index, &meta, 0, |slot, entry| {
        *(if entry.is_live() { &mut live } else { &mut dead }) += 1;
        if slot >= meta.next_slot {
            findings.push(format!("slot {slot} is beyond the last one"));
        }
        if !entry.is_live() && slot >= meta.linked {
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

/// What an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VectorCounts {
    /// Vectors that searches give.
    pub live: u64,
    /// Removed vectors that a vacuum has yet to take out of the graph.
    pub dead: u64,
    /// Slots that the graph has not taken in yet.
    pub backlog: u64,
}

/// What an index holds.
///
/// # Errors
///
/// When the store fails.
pub fn counts<T: ReadTxn>(txn: &T, index: u16) -> Result<VectorCounts> {
    let counts = |meta: IndexMeta| VectorCounts {
        live: meta.live,
        dead: meta.dead,
        backlog: u64::from(meta.next_slot - meta.linked),
    };
    Ok(table::meta(txn, index)?.map_or_else(VectorCounts::default, counts))
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
    mut accept: impl FnMut(ItemId) -> Result<bool>,
) -> Result<Vec<Hit>> {
    let Some(meta) = table::meta(txn, index)? else { return Ok(Vec::new()) };
    if k == 0 || meta.live == 0 {
        return Ok(Vec::new());
    }
    check(query)?;
    meta.check_dimension(query.len())?;
    let query = Query { data: query, norm: distance::norm(query) };
    let wanted = usize::try_from(meta.live).unwrap_or(usize::MAX).min(k);
    if meta.live >= u64::from(config.exact_below(meta.dimension)) && meta.linked > meta.next_slot / 2 {
        let slots = Slots::new(txn, index, &meta);
        let takes = &mut |entry: &Entry<'_>| Ok(entry.is_live() && accept(entry.id)?);
        if let Some(walked) = graph::search(&slots, &meta, &query, config.ef_search.max(k), takes)? {
            let mut best = Best::new(k);
            for near in walked {
                let id = slots.get(near.slot)?.id;
                best.push(Hit { id, slot: near.slot, distance: near.distance });
            }
            compare(txn, index, &meta, meta.linked, &query, &mut best, &mut accept)?;
            let hits = best.finish();
            if hits.len() == wanted {
                return Ok(hits);
            }
        }
        // A filter, or a part of the graph that nothing leads to, hid some: compare them all.
    }
    let mut best = Best::new(k);
    compare(txn, index, &meta, 0, &query, &mut best, &mut accept)?;
    Ok(best.finish())
}

/// Compares the query with the accepted vectors from a slot on, one by one.
fn compare<T: ReadTxn>(
    txn: &T,
    index: u16,
    meta: &IndexMeta,
    first: u32,
    query: &Query<'_>,
    best: &mut Best,
    accept: &mut impl FnMut(ItemId) -> Result<bool>,
) -> Result<()> {
    if first == meta.next_slot {
        return Ok(());
    }
    table::scan(txn, index, meta, first, |slot, entry| {
        let hit = Hit { id: entry.id, slot, distance: query.distance(&entry) };
        if entry.is_live() && best.wants(&hit) && accept(entry.id)? {
            best.push(hit);
        }
        Ok(())
    })
}

/// The closest hits so far.
struct Best {
    k: usize,
    hits: Vec<Hit>,
    /// No closer than this is the worst of `k` hits.
    bound: f32,
}

impl Best {
    const fn new(k: usize) -> Self {
        Self { k, hits: Vec::new(), bound: f32::INFINITY }
    }

    /// Whether a hit may be among the closest.
    fn wants(&self, hit: &Hit) -> bool {
        hit.distance <= self.bound
    }

    fn push(&mut self, hit: Hit) {
        self.hits.push(hit);
        // Thinned now and then, which costs less than keeping a heap.
        if self.hits.len() >= self.k.saturating_mul(2).saturating_add(64) {
            self.thin();
        }
    }

    fn thin(&mut self) {
        if self.k < self.hits.len() {
            self.hits.select_nth_unstable_by(self.k - 1, closest);
            self.hits.truncate(self.k);
            self.bound = self.hits[self.k - 1].distance;
        }
    }

    /// The closest `k`, in order of distance, then id.
    fn finish(mut self) -> Vec<Hit> {
        self.thin();
        self.hits.sort_unstable_by(closest);
        self.hits
    }
}

fn closest(a: &Hit, b: &Hit) -> Ordering {
    a.distance.total_cmp(&b.distance).then(a.id.cmp(&b.id))
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
    check_same_length(a, b)?;
    Ok(distance::cosine_slices(a, distance::norm(a), b, distance::norm(b)))
}

/// The Euclidean distance between two vectors of one length.
///
/// # Errors
///
/// [`EngineError::BadValue`] when the lengths differ.
pub fn euclidean_distance(a: &[f32], b: &[f32]) -> Result<f32> {
    check_same_length(a, b)?;
    Ok(a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt())
}

/// The dot product of two vectors of one length.
///
/// # Errors
///
/// [`EngineError::BadValue`] when the lengths differ.
pub fn dot_product(a: &[f32], b: &[f32]) -> Result<f32> {
    check_same_length(a, b)?;
    Ok(distance::dot(a, b))
}

fn check_same_length(a: &[f32], b: &[f32]) -> Result<()> {
    if a.len() == b.len() { Ok(()) } else { Err(invalid_length(a.len(), b.len())) }
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
