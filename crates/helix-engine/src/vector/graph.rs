//! The graph: levels of neighbours, each a thinner map of the one below.

use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::table::{self, Entry, IndexMeta, Slots};
use super::{Query, VectorConfig, distance};
use crate::error::Result;
use crate::storage::{ReadTxn, WriteTxn};

/// No level is higher, however many vectors there are.
const MAX_LEVEL: u8 = 24;

/// A slot at a distance, ordered by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    pub distance: f32,
    pub slot: u32,
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

pub(super) const fn max_links(config: &VectorConfig, level: u8) -> usize {
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

/// What a walk takes, and how far it goes.
struct Walk<'w, 't> {
    level: u8,
    /// Slots that it keeps, at most.
    ef: usize,
    /// Slots that it looks at before it gives up.
    visits: u64,
    /// Whether a slot is kept; the others are walked through.
    takes: &'w mut dyn FnMut(&Entry<'t>) -> Result<bool>,
}

/// The nearest slots at a level that a walk from `starts` finds, closest first; `None` when it looked at more than it may.
fn walk<'t, T: ReadTxn>(
    slots: &Slots<'t, T>,
    meta: &IndexMeta,
    query: &Query<'_>,
    starts: &[Near],
    walk: Walk<'_, 't>,
) -> Result<Option<Vec<Near>>> {
    let Walk { level, ef, mut visits, takes } = walk;
    VISITED.with_borrow_mut(|visited| {
        visited.start(meta.next_slot);
        let mut open = BinaryHeap::new();
        let mut found: BinaryHeap<Near> = BinaryHeap::new();
        let mut links = Vec::new();
        for start in starts {
            if visited.visit(start.slot) {
                open.push(Reverse(*start));
                if takes(&slots.get(start.slot)?)? {
                    found.push(*start);
                }
            }
        }
        while let Some(Reverse(next)) = open.pop() {
            if found.len() >= ef && found.peek().is_some_and(|worst| next.distance > worst.distance) {
                break;
            }
            table::links(slots.txn(), slots.index(), next.slot, level, &mut links)?;
            for slot in links.iter().copied() {
                if !visited.visit(slot) {
                    continue;
                }
                let Some(left) = visits.checked_sub(1) else { return Ok(None) };
                visits = left;
                let entry = slots.get(slot)?;
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
        Ok(Some(found.into_sorted_vec()))
    })
}

/// The entry, and the walk down from it to the level above `level`.
fn descend<T: ReadTxn>(slots: &Slots<'_, T>, meta: &IndexMeta, query: &Query<'_>, level: u8) -> Result<Option<Near>> {
    let Some(entry) = meta.entry else { return Ok(None) };
    let mut nearest = Near { distance: query.distance(&slots.get(entry)?), slot: entry };
    for level in (level + 1..=meta.top_level).rev() {
        let one = Walk { level, ef: 1, visits: u64::MAX, takes: &mut |_| Ok(true) };
        let found = walk(slots, meta, query, &[nearest], one)?;
        nearest = found.and_then(|found| found.first().copied()).unwrap_or(nearest);
    }
    Ok(Some(nearest))
}

/// At most `ef` accepted slots, closest first; `None` when comparing all vectors is less work than walking on.
pub(super) fn search<'t, T: ReadTxn>(
    slots: &Slots<'t, T>,
    meta: &IndexMeta,
    query: &Query<'_>,
    ef: usize,
    takes: &mut dyn FnMut(&Entry<'t>) -> Result<bool>,
) -> Result<Option<Vec<Near>>> {
    let Some(start) = descend(slots, meta, query, 0)? else { return Ok(None) };
    let visits = u64::from(meta.next_slot) / 2 + ef as u64;
    walk(slots, meta, query, &[start], Walk { level: 0, ef, visits, takes })
}

/// A list of neighbours that is to be written.
struct NewList {
    slot: u32,
    level: u8,
    links: Vec<u32>,
}

/// Puts a slot into the graph. An empty slot is left out.
pub(super) fn link<W: WriteTxn>(
    txn: &mut W,
    index: u16,
    config: &VectorConfig,
    meta: &mut IndexMeta,
    slot: u32,
) -> Result<()> {
    let slots = Slots::new(&*txn, index, meta);
    let Some(entry) = slots.find(slot)?.filter(Entry::is_live) else { return Ok(()) };
    let own_level = entry.level;
    let lists = neighbourhood(&slots, config, meta, slot, &entry)?;
    for NewList { slot, level, links } in lists {
        table::put_links(txn, index, slot, level, &links)?;
    }
    if meta.entry.is_none() || own_level > meta.top_level {
        meta.entry = Some(slot);
        meta.top_level = own_level;
    }
    Ok(())
}

/// The lists of a slot at each of its levels, and those of its neighbours with it.
fn neighbourhood<T: ReadTxn>(
    slots: &Slots<'_, T>,
    config: &VectorConfig,
    meta: &IndexMeta,
    slot: u32,
    entry: &Entry<'_>,
) -> Result<Vec<NewList>> {
    let data = entry.components();
    let query = Query { data: &data, norm: entry.norm };
    let mut lists = Vec::new();
    let Some(mut nearest) = descend(slots, meta, &query, entry.level)? else { return Ok(lists) };
    for level in (0..=entry.level.min(meta.top_level)).rev() {
        // Dead slots are left out: new links lead to what can be found. So is the slot, should it be linked anew.
        let mut takes = |found: &Entry<'_>| Ok(found.is_live() && found.id != entry.id);
        let wide = Walk { level, ef: config.ef_construction, visits: u64::MAX, takes: &mut takes };
        let candidates = walk(slots, meta, &query, &[nearest], wide)?.unwrap_or_default();
        let chosen = choose(slots, &candidates, max_links(config, level).min(config.m))?;
        for neighbour in &chosen {
            let links = list_with(slots, *neighbour, slot, level, max_links(config, level))?;
            lists.push(NewList { slot: *neighbour, level, links });
        }
        lists.push(NewList { slot, level, links: chosen });
        nearest = candidates.first().copied().unwrap_or(nearest);
    }
    Ok(lists)
}

/// Neighbours that lead in different directions: a candidate is chosen when it is closer to the slot than to all chosen
/// before; what is left fills the rest, closest first. Algorithm 4 of the paper, keeping pruned connections.
pub(super) fn choose<T: ReadTxn>(slots: &Slots<'_, T>, candidates: &[Near], limit: usize) -> Result<Vec<u32>> {
    if candidates.len() <= limit {
        return Ok(candidates.iter().map(|candidate| candidate.slot).collect());
    }
    let mut chosen: Vec<u32> = Vec::with_capacity(limit);
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(limit);
    let mut pruned = Vec::new();
    for candidate in candidates {
        if chosen.len() == limit {
            break;
        }
        let entry = slots.get(candidate.slot)?;
        if entries.iter().all(|other| between(&entry, other) >= candidate.distance) {
            chosen.push(candidate.slot);
            entries.push(entry);
        } else {
            pruned.push(candidate.slot);
        }
    }
    let missing = limit - chosen.len();
    chosen.extend(pruned.into_iter().take(missing));
    Ok(chosen)
}

fn between(a: &Entry<'_>, b: &Entry<'_>) -> f32 {
    distance::cosine_stored(a.data, a.norm, b.data, b.norm)
}

/// The list of a slot with one more neighbour, thinned by its own distances when it is full.
fn list_with<T: ReadTxn>(slots: &Slots<'_, T>, from: u32, to: u32, level: u8, limit: usize) -> Result<Vec<u32>> {
    let mut links = Vec::with_capacity(limit + 1);
    table::links(slots.txn(), slots.index(), from, level, &mut links)?;
    if links.contains(&to) {
        return Ok(links);
    }
    links.push(to);
    if links.len() > limit {
        links = nearest_of(slots, &slots.get(from)?, &links, limit)?;
    }
    Ok(links)
}

/// The best neighbours of a slot among some.
pub(super) fn nearest_of<T: ReadTxn>(
    slots: &Slots<'_, T>,
    from: &Entry<'_>,
    among: &[u32],
    limit: usize,
) -> Result<Vec<u32>> {
    let near = |slot: &u32| Ok(Near { distance: between(from, &slots.get(*slot)?), slot: *slot });
    let mut candidates = among.iter().map(near).collect::<Result<Vec<_>>>()?;
    candidates.sort_unstable();
    choose(slots, &candidates, limit)
}

/// What disagrees in the graph: links to empty slots.
pub(super) fn verify<T: ReadTxn>(txn: &T, index: u16, meta: &IndexMeta) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let Some(entry) = meta.entry else { return Ok(findings) };
    let slots = Slots::new(txn, index, meta);
    if slots.find(entry)?.is_none() {
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
        let Some(found) = slots.find(slot)? else {
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
