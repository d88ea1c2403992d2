//! The graph: levels of neighbours, each a thinner map of the one below.

use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::table::{self, IndexMeta};
use super::{Hit, Query, VectorConfig, distance};
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{ReadTxn, WriteTxn};

/// No level is higher, however many vectors there are.
const MAX_LEVEL: u8 = 24;

/// A slot at a distance, ordered by it.
#[derive(Clone, Copy, Debug)]
struct Near {
    distance: f32,
    slot: u32,
}

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Near {}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(self.slot.cmp(&other.slot))
    }
}

/// The level of a slot: drawn once, by the seed, so that replaying insertions builds the same graph.
pub(super) fn level(seed: u64, slot: u32, m: usize) -> u8 {
    // SplitMix64, by Sebastiano Vigna.
    let mut bits = seed.wrapping_add(u64::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    // Uniform in (0, 1].
    let uniform = ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    let level = -uniform.ln() / (m.max(2) as f64).ln();
    (level as u8).min(MAX_LEVEL)
}

const fn max_links(config: &VectorConfig, level: u8) -> usize {
    if level == 0 { config.m * 2 } else { config.m }
}

/// Slots that a walk has seen: an array of epochs, reused from walk to walk.
struct Visited {
    epochs: Vec<u32>,
    epoch: u32,
}

impl Visited {
    fn start(&mut self, slots: u32) {
        self.epochs.resize(self.epochs.len().max(slots as usize), 0);
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.epochs.fill(0);
            self.epoch = 1;
        }
    }

    /// Whether the slot is seen for the first time.
    fn visit(&mut self, slot: u32) -> bool {
        match self.epochs.get_mut(slot as usize) {
            Some(epoch) if *epoch != self.epoch => {
                *epoch = self.epoch;
                true
            }
            _ => false,
        }
    }
}

thread_local! {
    static VISITED: RefCell<Visited> = const { RefCell::new(Visited { epochs: Vec::new(), epoch: 0 }) };
}

/// A graph as one transaction sees it.
struct View<'g, T> {
    txn: &'g T,
    index: u16,
    meta: &'g IndexMeta,
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<'_, T> {}

/// The nearest slots at a level that a walk from `starts` finds: at most `ef` of those that `takes` wants, closest first. The
/// others are walked through.
fn walk<T: ReadTxn>(
    view: View<'_, T>,
    query: &Query<'_>,
    starts: &[Near],
    ef: usize,
    level: u8,
    takes: &mut dyn FnMut(&table::Entry<'_>) -> Result<bool>,
) -> Result<Vec<Near>> {
    let View { txn, index, meta } = view;
    VISITED.with_borrow_mut(|visited| {
        visited.start(meta.next_slot);
        let mut open = BinaryHeap::new();
        let mut found: BinaryHeap<Near> = BinaryHeap::new();
        let mut links = Vec::new();
        for start in starts {
            if visited.visit(start.slot) {
                open.push(Reverse(*start));
                if takes(&table::get(txn, index, start.slot)?)? {
                    found.push(*start);
                }
            }
        }
        while let Some(Reverse(next)) = open.pop() {
            if found.len() >= ef && found.peek().is_some_and(|worst| next.distance > worst.distance) {
                break;
            }
            table::links(txn, index, next.slot, level, &mut links)?;
            for slot in links.iter().copied() {
                if !visited.visit(slot) {
                    continue;
                }
                let entry = table::get(txn, index, slot)?;
                let near = Near { distance: query.distance(&entry), slot };
                if found.len() < ef || found.peek().is_some_and(|worst| near < *worst) {
                    open.push(Reverse(near));
                    if takes(&entry)? {
                        found.push(near);
                        if found.len() > ef {
                            found.pop();
                        }
                    }
                }
            }
        }
        Ok(found.into_sorted_vec())
    })
}

/// The entry, and the walk down from it to the level above `level`.
fn descend<T: ReadTxn>(view: View<'_, T>, query: &Query<'_>, level: u8) -> Result<Option<Near>> {
    let View { txn, index, meta } = view;
    let Some(entry) = meta.entry else { return Ok(None) };
    let mut nearest = Near { distance: query.distance(&table::get(txn, index, entry)?), slot: entry };
    for level in (level + 1..=meta.top_level).rev() {
        let found = walk(view, query, &[nearest], 1, level, &mut |_| Ok(true))?;
        nearest = found.first().copied().unwrap_or(nearest);
    }
    Ok(Some(nearest))
}

/// At most `k` accepted vectors, closest first; fewer when the walk did not find more.
pub(super) fn search<T: ReadTxn>(
    txn: &T,
    index: u16,
    config: &VectorConfig,
    meta: &IndexMeta,
    query: &Query<'_>,
    k: usize,
    accept: &mut dyn FnMut(ItemId) -> Result<bool>,
) -> Result<Vec<Hit>> {
    let view = View { txn, index, meta };
    let Some(start) = descend(view, query, 0)? else { return Ok(Vec::new()) };
    let ef = config.ef_search.max(k);
    let found = walk(view, query, &[start], ef, 0, &mut |entry| Ok(!entry.dead && accept(entry.id)?))?;
    let hits = found.into_iter().take(k).map(|near| {
        let id = table::get(txn, index, near.slot)?.id;
        Ok(Hit { id, slot: near.slot, distance: near.distance })
    });
    hits.collect()
}

/// Puts the next slot of the backlog into the graph.
pub(super) fn link<W: WriteTxn>(txn: &mut W, index: u16, config: &VectorConfig, meta: &mut IndexMeta) -> Result<()> {
    let slot = meta.linked;
    meta.linked += 1;
    let (own_level, norm, data) = match table::find(txn, index, slot)? {
        // Removed before its turn came.
        None => return Ok(()),
        Some(entry) => (entry.level, entry.norm, entry.components()),
    };
    let query = Query { data: &data, norm };
    let Some(mut nearest) = descend(View { txn: &*txn, index, meta: &*meta }, &query, own_level)? else {
        meta.entry = Some(slot);
        meta.top_level = own_level;
        return Ok(());
    };
    let mut vectors = Vectors { index, known: FxHashMap::default() };
    for level in (0..=own_level.min(meta.top_level)).rev() {
        // Dead slots are left out: new links lead to what can be found.
        let view = View { txn: &*txn, index, meta: &*meta };
        let alive = &mut |entry: &table::Entry<'_>| Ok(!entry.dead);
        let candidates = walk(view, &query, &[nearest], config.ef_construction, level, alive)?;
        let chosen = vectors.choose(txn, &candidates, max_links(config, level).min(config.m))?;
        table::put_links(txn, index, slot, level, &chosen)?;
        for neighbour in chosen {
            vectors.add_link(txn, neighbour, slot, level, max_links(config, level))?;
        }
        nearest = candidates.first().copied().unwrap_or(nearest);
    }
    if own_level > meta.top_level {
        meta.entry = Some(slot);
        meta.top_level = own_level;
    }
    Ok(())
}

/// The vectors that an insertion compares, each read once.
struct Vectors {
    index: u16,
    known: FxHashMap<u32, (f32, Box<[f32]>)>,
}

impl Vectors {
    fn read<T: ReadTxn>(&mut self, txn: &T, slot: u32) -> Result<()> {
        if !self.known.contains_key(&slot) {
            let entry = table::get(txn, self.index, slot)?;
            self.known.insert(slot, (entry.norm, entry.components().into()));
        }
        Ok(())
    }

    fn distance<T: ReadTxn>(&mut self, txn: &T, a: u32, b: u32) -> Result<f32> {
        self.read(txn, a)?;
        self.read(txn, b)?;
        match (self.known.get(&a), self.known.get(&b)) {
            (Some((a_norm, a)), Some((b_norm, b))) => Ok(distance::cosine_slices(a, *a_norm, b, *b_norm)),
            _ => Err(EngineError::Damaged("vector index: a neighbour is gone".to_owned())),
        }
    }

    /// Neighbours that lead in different directions: a candidate is chosen when it is closer to the slot than to all chosen
    /// before; what is left fills the rest, closest first. Algorithm 4 of the paper, keeping pruned connections.
    fn choose<T: ReadTxn>(&mut self, txn: &T, candidates: &[Near], limit: usize) -> Result<Vec<u32>> {
        if candidates.len() <= limit {
            return Ok(candidates.iter().map(|candidate| candidate.slot).collect());
        }
        let mut chosen: Vec<u32> = Vec::with_capacity(limit);
        let mut pruned = Vec::new();
        for candidate in candidates {
            if chosen.len() == limit {
                break;
            }
            let mut is_diverse = true;
            for other in &chosen {
                if self.distance(txn, candidate.slot, *other)? < candidate.distance {
                    is_diverse = false;
                    break;
                }
            }
            (if is_diverse { &mut chosen } else { &mut pruned }).push(candidate.slot);
        }
        let missing = limit - chosen.len();
        chosen.extend(pruned.into_iter().take(missing));
        Ok(chosen)
    }

    /// Adds a link from a slot, and thins its list by its own distances when it is full.
    fn add_link<W: WriteTxn>(&mut self, txn: &mut W, from: u32, to: u32, level: u8, limit: usize) -> Result<()> {
        let mut links = Vec::with_capacity(limit + 1);
        table::links(txn, self.index, from, level, &mut links)?;
        links.push(to);
        if links.len() > limit {
            let mut candidates = Vec::with_capacity(links.len());
            for slot in links {
                candidates.push(Near { distance: self.distance(txn, from, slot)?, slot });
            }
            candidates.sort_unstable();
            links = self.choose(txn, &candidates, limit)?;
        }
        table::put_links(txn, self.index, from, level, &links)
    }
}

/// Drops the graph and the dead, so that it is built anew.
pub(super) fn forget<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta) -> Result<()> {
    let mut dead = Vec::new();
    table::scan(txn, index, |slot, entry| {
        if entry.dead {
            dead.push(slot);
        }
        Ok(())
    })?;
    for slot in dead {
        table::delete(txn, index, slot)?;
    }
    table::clear_links(txn, index)?;
    meta.dead = 0;
    meta.linked = 0;
    meta.entry = None;
    meta.top_level = 0;
    Ok(())
}

/// What disagrees in the graph: links to empty slots, and live slots that no walk reaches.
pub(super) fn verify<T: ReadTxn>(txn: &T, index: u16, meta: &IndexMeta) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let Some(entry) = meta.entry else { return Ok(findings) };
    if table::find(txn, index, entry)?.is_none() {
        findings.push(format!("the entry {entry} is empty"));
        return Ok(findings);
    }
    let mut reached = vec![false; meta.next_slot as usize];
    let mut open = vec![entry];
    let mut links = Vec::new();
    while let Some(slot) = open.pop() {
        let Some(seen) = reached.get_mut(slot as usize) else {
            findings.push(format!("a link leads to slot {slot}, which was never used"));
            continue;
        };
        if std::mem::replace(seen, true) {
            continue;
        }
        let Some(found) = table::find(txn, index, slot)? else {
            findings.push(format!("a link leads to slot {slot}, which is empty"));
            continue;
        };
        for level in 0..=found.level {
            table::links(txn, index, slot, level, &mut links)?;
            open.extend_from_slice(&links);
        }
    }
    Ok(findings)
}
