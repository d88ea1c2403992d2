//! Work on an index that no request waits for: linking the backlog, and taking dead slots out of the graph.
//!
//! A dead slot is a way through the graph until no list leads to it. A vacuum goes over all slots three times, a slice at a
//! time: it condemns the dead, gives each list that leads to a dead slot other neighbours, and frees the condemned. Source of
//! the second pass: Singh et al., "FreshDiskANN: A Fast and Accurate Graph-Based ANN Index for Streaming Similarity Search",
//! 2021, algorithm 4.

use std::time::Instant;

use super::graph::{self, max_links};
use super::table::{self, Entry, IndexMeta, Phase, Slots, State, Vacuum};
use super::{VectorConfig, is_due};
use crate::error::Result;
use crate::storage::{ReadTxn, WriteTxn};

/// Dead slots below which a vacuum is not worth its passes.
const FEW_DEAD: u64 = 64;

/// Works until `deadline`; gives whether there is more to do.
pub(super) fn tend<W: WriteTxn>(
    txn: &mut W,
    index: u16,
    config: &VectorConfig,
    meta: &mut IndexMeta,
    deadline: Instant,
) -> Result<bool> {
    while has_work(config, meta) {
        if Instant::now() >= deadline {
            return Ok(true);
        }
        if is_due(config, meta) {
            let slot = meta.linked;
            meta.linked += 1;
            graph::link(txn, index, config, meta, slot)?;
        } else {
            advance(txn, index, config, meta)?;
        }
    }
    Ok(false)
}

/// Whether there is something to do.
pub(super) fn has_work(config: &VectorConfig, meta: &IndexMeta) -> bool {
    is_due(config, meta) || meta.vacuum.is_some() || (meta.dead > FEW_DEAD && meta.dead * 20 > meta.live + meta.dead)
}

/// Whether most slots are dead: a writer that is never idle must not wait for its idle time.
pub(super) fn is_pressing(meta: &IndexMeta) -> bool {
    meta.dead > FEW_DEAD && meta.dead > meta.live
}

/// One slot of a vacuum.
pub(super) fn advance<W: WriteTxn>(txn: &mut W, index: u16, config: &VectorConfig, meta: &mut IndexMeta) -> Result<()> {
    let Vacuum { phase, next } = meta.vacuum.unwrap_or(Vacuum { phase: Phase::Condemn, next: 0 });
    if next < meta.linked {
        meta.vacuum = Some(Vacuum { phase, next: next + 1 });
        return match phase {
            Phase::Condemn => condemn(txn, index, meta, next),
            Phase::Unlink => unlink(txn, index, config, meta, next),
            Phase::Free => free(txn, index, meta, next),
        };
    }
    meta.vacuum = match phase {
        Phase::Condemn => Some(Vacuum { phase: Phase::Unlink, next: 0 }),
        Phase::Unlink => {
            choose_entry(txn, index, meta)?;
            Some(Vacuum { phase: Phase::Free, next: 0 })
        }
        Phase::Free => None,
    };
    Ok(())
}

fn condemn<W: WriteTxn>(txn: &mut W, index: u16, meta: &IndexMeta, slot: u32) -> Result<()> {
    if table::find(txn, index, meta, slot)?.is_some_and(|entry| entry.state == State::Dead) {
        table::set_state(txn, index, meta, slot, Some(State::Condemned))?;
    }
    Ok(())
}

/// Gives the lists of a slot that lead to dead ones the live neighbours of those instead.
fn unlink<W: WriteTxn>(txn: &mut W, index: u16, config: &VectorConfig, meta: &mut IndexMeta, slot: u32) -> Result<()> {
    let mut lists = Vec::new();
    let mut is_starved = false;
    {
        let slots = Slots::new(&*txn, index, meta);
        let Some(entry) = slots.find(slot)?.filter(|entry| entry.state != State::Condemned) else { return Ok(()) };
        for level in 0..=entry.level {
            let Some(around) = live_around(&slots, slot, level)? else { continue };
            is_starved |= around.len() < config.m / 2 && entry.is_live();
            lists.push((level, graph::nearest_of(&slots, &entry, &around, max_links(config, level))?));
        }
    }
    for (level, links) in lists {
        table::put_links(txn, index, slot, level, &links)?;
    }
    if is_starved { graph::link(txn, index, config, meta, slot) } else { Ok(()) }
}

/// The live neighbours of a slot, and those of its dead neighbours; `None` when none of its own is dead.
fn live_around<T: ReadTxn>(slots: &Slots<'_, T>, slot: u32, level: u8) -> Result<Option<Vec<u32>>> {
    let mut own = Vec::new();
    table::links(slots.txn(), slots.index(), slot, level, &mut own)?;
    let mut around = Vec::with_capacity(own.len());
    let mut has_dead = false;
    let mut beyond = Vec::new();
    let is_live = |slot: u32| slots.find(slot).map(|entry| entry.as_ref().is_some_and(Entry::is_live));
    for neighbour in own {
        if is_live(neighbour)? {
            around.push(neighbour);
            continue;
        }
        has_dead = true;
        table::links(slots.txn(), slots.index(), neighbour, level, &mut beyond)?;
        for candidate in beyond.iter().copied() {
            if candidate != slot && is_live(candidate)? {
                around.push(candidate);
            }
        }
    }
    around.sort_unstable();
    around.dedup();
    Ok(has_dead.then_some(around))
}

/// A condemned entry gives way to the live slot of the highest level.
fn choose_entry<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta) -> Result<()> {
    let Some(entry) = meta.entry else { return Ok(()) };
    if table::find(txn, index, meta, entry)?.is_some_and(|entry| entry.state != State::Condemned) {
        return Ok(());
    }
    let mut best: Option<(u8, u32)> = None;
    table::scan(txn, index, meta, 0, |slot, entry| {
        if entry.is_live() && slot < meta.linked && best.is_none_or(|(level, _)| entry.level > level) {
            best = Some((entry.level, slot));
        }
        Ok(())
    })?;
    meta.entry = best.map(|(_, slot)| slot);
    meta.top_level = best.map_or(0, |(level, _)| level);
    Ok(())
}

fn free<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta, slot: u32) -> Result<()> {
    let Some(entry) = table::find(txn, index, meta, slot)?.filter(|entry| entry.state == State::Condemned) else {
        return Ok(());
    };
    for level in 0..=entry.level {
        table::delete_links(txn, index, slot, level)?;
    }
    meta.dead -= 1;
    table::free_slot(txn, index, meta, slot)
}
