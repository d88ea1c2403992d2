//! Removing terms that occur nowhere any more. It waits for the writer's idle time, and until there are many.

use std::time::Instant;

use super::postings;
use super::table::{self, IndexMeta};
use crate::error::Result;
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn};

/// Unused terms that are not worth a vacuum.
const FEW_UNUSED: u32 = 1_000;

/// Terms that are looked at between two looks at the clock.
const STEP: usize = 256;

/// Whether something waits to be done for an index.
///
/// # Errors
///
/// When the store fails.
pub fn wants_tending<T: ReadTxn>(txn: &T, index: u16) -> Result<bool> {
    Ok(has_work(&table::meta(txn, index)?))
}

fn has_work(meta: &IndexMeta) -> bool {
    meta.vacuum.is_some() || (meta.unused_terms > FEW_UNUSED && u64::from(meta.unused_terms) * 5 > meta.terms.into())
}

/// Does what waits to be done for an index until `deadline`; gives whether there is more.
///
/// # Errors
///
/// When the store fails.
pub fn tend<W: WriteTxn>(txn: &mut W, index: u16, deadline: Instant) -> Result<bool> {
    let mut meta = table::meta(txn, index)?;
    if !has_work(&meta) {
        return Ok(false);
    }
    loop {
        step(txn, index, &mut meta)?;
        if meta.vacuum.is_none() || Instant::now() >= deadline {
            break;
        }
    }
    table::put_meta(txn, index, &meta)?;
    Ok(has_work(&meta))
}

/// Looks at the next terms.
fn step<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta) -> Result<()> {
    let start = meta.vacuum.take().unwrap_or_else(|| index.to_be_bytes().to_vec());
    // Terms are UTF-8, which has no such byte.
    let end = [&index.to_be_bytes()[..], &[0xff]].concat();
    let mut unused = Vec::new();
    let mut looked_at = 0;
    for entry in txn.range(Table::TextTerm, Bounds::Range(&start, &end))?.take(STEP) {
        let (key, value) = entry?;
        looked_at += 1;
        if !postings::occurs(txn, index, table::term_number(value)?)? {
            unused.push(key.to_vec());
        }
        if looked_at == STEP {
            // The next key there can be.
            meta.vacuum = Some([key, &[0]].concat());
        }
    }
    let removed = unused.len() as u32;
    for key in unused {
        txn.del(Table::TextTerm, &key)?;
    }
    meta.terms -= removed;
    meta.unused_terms -= removed;
    Ok(())
}
