//! Keeping an index in step with the rows of its type.

use std::collections::BTreeMap;

use super::Document;
use super::postings::{self, Posting};
use super::table::{self, DocumentRow, IndexMeta};
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{ReadTxn, Table, WriteTxn};

/// Begins to build an index: until it is finished, it keeps in step only with the rows that were taken in.
///
/// # Errors
///
/// When the store fails.
pub fn begin<W: WriteTxn>(txn: &mut W, index: u16) -> Result<()> {
    table::put_meta(txn, index, &IndexMeta { looked_at: 0, ..IndexMeta::default() })
}

/// The id up to which rows are in an index that is being built.
///
/// # Errors
///
/// When the store fails.
pub fn looked_at<T: ReadTxn>(txn: &T, index: u16) -> Result<u64> {
    Ok(table::meta(txn, index)?.looked_at)
}

/// Takes rows into an index that is being built: the next ones by id.
///
/// # Errors
///
/// When the store fails.
pub fn take_in<W: WriteTxn>(txn: &mut W, index: u16, rows: &[(ItemId, Document)]) -> Result<()> {
    let Some((last, _)) = rows.last() else { return Ok(()) };
    let mut meta = table::meta(txn, index)?;
    meta.looked_at = last.0;
    add(txn, index, &mut meta, rows)?;
    table::put_meta(txn, index, &meta)
}

/// Ends the building of an index: every row was taken in.
///
/// # Errors
///
/// When the store fails.
pub fn finish<W: WriteTxn>(txn: &mut W, index: u16) -> Result<()> {
    let mut meta = table::meta(txn, index)?;
    meta.looked_at = u64::MAX;
    table::put_meta(txn, index, &meta)
}

/// Puts the terms of a row, which is new or has changed, in the place of those that it had.
///
/// # Errors
///
/// When the store fails, or a new row's id is not above those of all rows before.
pub fn put<W: WriteTxn>(txn: &mut W, index: u16, id: ItemId, document: Document) -> Result<()> {
    let mut meta = table::meta(txn, index)?;
    if id.0 > meta.looked_at {
        return Ok(());
    }
    match table::document_of(txn, index, id)? {
        None => add(txn, index, &mut meta, &[(id, document)])?,
        Some(number) => {
            if !replace(txn, index, &mut meta, number, &document)? {
                return Ok(());
            }
        }
    }
    table::put_meta(txn, index, &meta)
}

/// Takes a row out.
///
/// # Errors
///
/// When the store fails.
pub fn remove<W: WriteTxn>(txn: &mut W, index: u16, id: ItemId) -> Result<()> {
    let mut meta = table::meta(txn, index)?;
    if id.0 > meta.looked_at {
        return Ok(());
    }
    let number = table::document_of(txn, index, id)?;
    let number = number.ok_or_else(|| EngineError::Damaged("a node is not in its text index".to_owned()))?;
    let row = table::document(txn, index, number)?;
    for (term, _) in &row.terms {
        take_out(txn, index, &mut meta, *term, number)?;
    }
    txn.del(Table::TextDocument, &table::document_key(index, number))?;
    txn.del(Table::TextDocumentOf, &table::document_of_key(index, id))?;
    meta.documents -= 1;
    meta.length -= u64::from(row.length);
    table::put_meta(txn, index, &meta)
}

/// Adds rows whose ids are above those of all documents. Each term of theirs is written once.
fn add<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta, rows: &[(ItemId, Document)]) -> Result<()> {
    let first = meta.next_document;
    let mut by_term: BTreeMap<&str, Vec<Posting>> = BTreeMap::new();
    let mut documents = Vec::with_capacity(rows.len());
    for (id, document) in rows {
        if id.0 <= meta.last_id {
            return Err(EngineError::Damaged("an id is not above those before it".to_owned()));
        }
        let number = meta.next_document;
        // The largest number stands for the end.
        meta.next_document =
            number.checked_add(1).filter(|next| *next < u32::MAX).ok_or_else(|| table::is_full("nodes"))?;
        meta.last_id = id.0;
        meta.documents += 1;
        let length = document.length();
        meta.length += u64::from(length);
        for (term, count) in document.terms() {
            by_term.entry(term).or_default().push(Posting { document: number, count, length });
        }
        let terms = Vec::with_capacity(document.terms().len());
        documents.push(DocumentRow { id: *id, length, terms });
    }
    for (term, new) in by_term {
        let term = table::term_or_new(txn, index, meta, term)?;
        if postings::append(txn, index, term, &new)? {
            meta.unused_terms -= 1;
        }
        for posting in new {
            documents[(posting.document - first) as usize].terms.push((term, posting.count));
        }
    }
    for (number, mut row) in (first..).zip(documents) {
        row.terms.sort_unstable();
        table::put_document(txn, index, number, &row)?;
        txn.put(Table::TextDocumentOf, &table::document_of_key(index, row.id), &number.to_le_bytes())?;
    }
    Ok(())
}

/// Replaces the terms of a document; gives whether any differ.
fn replace<W: WriteTxn>(
    txn: &mut W,
    index: u16,
    meta: &mut IndexMeta,
    number: u32,
    document: &Document,
) -> Result<bool> {
    let old = table::document(txn, index, number)?;
    let length = document.length();
    let mut terms = Vec::with_capacity(document.terms().len());
    for (text, count) in document.terms() {
        terms.push((table::term_or_new(txn, index, meta, text)?, count));
    }
    terms.sort_unstable();
    if length == old.length && terms == old.terms {
        return Ok(false);
    }
    let before: BTreeMap<u32, u32> = old.terms.iter().copied().collect();
    for (term, _) in &old.terms {
        if terms.binary_search_by_key(term, |(term, _)| *term).is_err() {
            take_out(txn, index, meta, *term, number)?;
        }
    }
    for (term, count) in terms.iter().copied() {
        let known = before.get(&term);
        if known == Some(&count) && length == old.length {
            continue;
        }
        if known.is_none() && !postings::occurs(txn, index, term)? {
            meta.unused_terms -= 1;
        }
        postings::set(txn, index, term, number, Some(Posting { document: number, count, length }))?;
    }
    meta.length = meta.length - u64::from(old.length) + u64::from(length);
    table::put_document(txn, index, number, &DocumentRow { id: old.id, length, terms })?;
    Ok(true)
}

/// Removes the posting of a document.
fn take_out<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta, term: u32, document: u32) -> Result<()> {
    postings::set(txn, index, term, document, None)?;
    if !postings::occurs(txn, index, term)? {
        meta.unused_terms += 1;
    }
    Ok(())
}
