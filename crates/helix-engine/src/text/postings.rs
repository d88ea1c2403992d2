//! Blocks of postings: which documents a term occurs in, how often, and how long they are.
//!
//! A block is found by a document that is not before its last one. The block that grows has the key of the document after
//! all others, so that appending needs no look-up.

use super::table::{self, varint};
use crate::error::{EngineError, Result};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn};

/// Postings in a block, at most.
pub(super) const MAX: usize = 128;

/// The document in the key of the block that grows.
pub(super) const OPEN: u32 = u32::MAX;

/// Bytes of a block before its postings: count, first document, most occurrences, least length.
const HEADER: usize = 9;

/// A document that a term occurs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    /// The document.
    pub document: u32,
    /// How often the term occurs in it.
    pub count: u32,
    /// How many words it has.
    pub length: u32,
}

/// What a block says of its postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// How many there are.
    pub postings: usize,
    /// The first document.
    pub first: u32,
    /// The most occurrences in one document; the largest number stands for any above it.
    pub most: u16,
    /// The fewest words of a document; the largest number stands for any above it.
    pub shortest: u16,
}

/// Writes a block.
pub(super) fn encode(postings: &[Posting], block: &mut Vec<u8>) {
    let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    let first = postings.first().map_or(0, |posting| posting.document);
    let most = postings.iter().map(|posting| small(posting.count)).max().unwrap_or(0);
    let shortest = postings.iter().map(|posting| small(posting.length)).min().unwrap_or(u16::MAX);
    block.clear();
    block.push(u8::try_from(postings.len()).unwrap_or(u8::MAX));
    block.extend_from_slice(&first.to_le_bytes());
    block.extend_from_slice(&most.to_le_bytes());
    block.extend_from_slice(&shortest.to_le_bytes());
    let mut before = first;
    for posting in postings {
        varint::put(posting.document - before, block);
        varint::put(posting.count, block);
        varint::put(posting.length, block);
        before = posting.document;
    }
}

/// What a block says of its postings.
#[inline]
pub(super) fn header(block: &[u8]) -> Result<Header> {
    let Some((&[count, a, b, c, d, most_low, most_high, short_low, short_high], _)) =
        block.split_first_chunk::<HEADER>()
    else {
        return Err(damaged());
    };
    Ok(Header {
        postings: usize::from(count),
        first: u32::from_le_bytes([a, b, c, d]),
        most: u16::from_le_bytes([most_low, most_high]),
        shortest: u16::from_le_bytes([short_low, short_high]),
    })
}

/// Reads a block, in place of what `postings` holds.
pub(super) fn decode(block: &[u8], postings: &mut Vec<Posting>) -> Result<()> {
    let Header { postings: count, first, .. } = header(block)?;
    let mut bytes = &block[HEADER..];
    let mut document = first;
    postings.clear();
    for _ in 0..count {
        document = document.checked_add(varint::take(&mut bytes)?).ok_or_else(damaged)?;
        postings.push(Posting { document, count: varint::take(&mut bytes)?, length: varint::take(&mut bytes)? });
    }
    if bytes.is_empty() { Ok(()) } else { Err(damaged()) }
}

fn damaged() -> EngineError {
    EngineError::Damaged("a block of postings".to_owned())
}

/// The blocks of a term with the last document that each may hold, in order.
pub(super) fn blocks<'t, T: ReadTxn>(
    txn: &'t T,
    index: u16,
    term: u32,
) -> Result<impl Iterator<Item = Result<(u32, &'t [u8])>> + use<'t, T>> {
    let blocks = txn.range(Table::TextPostings, Bounds::Prefix(&table::term_key(index, term)))?;
    Ok(blocks.map(|entry| {
        let (key, block) = entry?;
        Ok((table::last_document(key)?, block))
    }))
}

/// Whether a term occurs anywhere.
pub(super) fn occurs<T: ReadTxn>(txn: &T, index: u16, term: u32) -> Result<bool> {
    Ok(blocks(txn, index, term)?.next().transpose()?.is_some())
}

/// Adds postings of documents after all others; gives whether the term occurred nowhere before.
pub(super) fn append<W: WriteTxn>(txn: &mut W, index: u16, term: u32, new: &[Posting]) -> Result<bool> {
    let mut postings = Vec::with_capacity(MAX + new.len());
    let open = txn.get(Table::TextPostings, &table::postings_key(index, term, OPEN))?;
    let is_new = match open {
        Some(block) => {
            decode(block, &mut postings)?;
            false
        }
        None => !occurs(txn, index, term)?,
    };
    postings.extend_from_slice(new);
    let mut block = Vec::with_capacity(512);
    let mut rest = &postings[..];
    while let Some((full, more)) = rest.split_at_checked(MAX).filter(|(_, more)| !more.is_empty()) {
        encode(full, &mut block);
        txn.put(Table::TextPostings, &table::postings_key(index, term, full[MAX - 1].document), &block)?;
        rest = more;
    }
    encode(rest, &mut block);
    txn.put(Table::TextPostings, &table::postings_key(index, term, OPEN), &block)?;
    Ok(is_new)
}

/// Sets or removes the posting of a document that is not after all others.
pub(super) fn set<W: WriteTxn>(
    txn: &mut W,
    index: u16,
    term: u32,
    document: u32,
    posting: Option<Posting>,
) -> Result<()> {
    let mut postings = Vec::with_capacity(MAX + 1);
    let key = {
        let (start, end) = (table::postings_key(index, term, document), table::postings_key(index, term, OPEN));
        match txn.range(Table::TextPostings, Bounds::Range(&start, &end))?.next().transpose()? {
            Some((key, block)) => {
                decode(block, &mut postings)?;
                table::postings_key(index, term, table::last_document(key)?)
            }
            None => {
                if let Some(block) = txn.get(Table::TextPostings, &end)? {
                    decode(block, &mut postings)?;
                }
                end
            }
        }
    };
    match (postings.binary_search_by_key(&document, |posting| posting.document), posting) {
        (Ok(place), Some(posting)) => postings[place] = posting,
        (Err(place), Some(posting)) => postings.insert(place, posting),
        (Ok(place), None) => drop(postings.remove(place)),
        (Err(_), None) => return Err(EngineError::Damaged("a posting is missing".to_owned())),
    }
    let mut block = Vec::with_capacity(512);
    if postings.len() > MAX {
        let (lower, upper) = postings.split_at(MAX / 2);
        encode(lower, &mut block);
        txn.put(Table::TextPostings, &table::postings_key(index, term, lower[MAX / 2 - 1].document), &block)?;
        encode(upper, &mut block);
        return txn.put(Table::TextPostings, &key, &block);
    }
    if postings.is_empty() {
        txn.del(Table::TextPostings, &key)?;
        return Ok(());
    }
    encode(&postings, &mut block);
    txn.put(Table::TextPostings, &key, &block)
}
