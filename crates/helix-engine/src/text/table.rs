//! The tables of a text index: its counters, the numbers of its terms, and its documents.

use serde::{Deserialize, Serialize};

use super::TOKENIZER;
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::storage::{ReadTxn, Table, WriteTxn};

/// The counters of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexMeta {
    /// By which rules text became terms.
    pub tokenizer: u16,
    /// Nodes in the index.
    pub documents: u64,
    /// Words of all of them.
    pub length: u64,
    /// The next document's number.
    pub next_document: u32,
    /// The next term's number.
    pub next_term: u32,
    /// Terms that have a number.
    pub terms: u32,
    /// Those of them that occur nowhere any more.
    pub unused_terms: u32,
    /// The id of the node that is the last document.
    pub last_id: u64,
    /// Rows up to this id are in the index; those behind it are not looked at yet.
    pub looked_at: u64,
    /// Up to which term a vacuum is, if there is one.
    pub vacuum: Option<Vec<u8>>,
}

impl Default for IndexMeta {
    fn default() -> Self {
        Self {
            tokenizer: TOKENIZER,
            documents: 0,
            length: 0,
            next_document: 0,
            next_term: 0,
            terms: 0,
            unused_terms: 0,
            last_id: 0,
            looked_at: u64::MAX,
            vacuum: None,
        }
    }
}

/// The counters of an index; those of an empty one when it has none.
pub(super) fn meta<T: ReadTxn>(txn: &T, index: u16) -> Result<IndexMeta> {
    let Some(bytes) = txn.get(Table::TextMeta, &index.to_be_bytes())? else { return Ok(IndexMeta::default()) };
    postcard::from_bytes(bytes).map_err(|error| EngineError::Damaged(format!("the counters of a text index: {error}")))
}

/// Writes the counters of an index.
pub(super) fn put_meta<W: WriteTxn>(txn: &mut W, index: u16, meta: &IndexMeta) -> Result<()> {
    let bytes = postcard::to_stdvec(meta).map_err(|error| EngineError::Storage(error.to_string()))?;
    txn.put(Table::TextMeta, &index.to_be_bytes(), &bytes)
}

/// `index · term`: the start of the keys of a term's postings.
pub(super) fn term_key(index: u16, term: u32) -> [u8; 6] {
    let mut key = [0; 6];
    key[..2].copy_from_slice(&index.to_be_bytes());
    key[2..].copy_from_slice(&term.to_be_bytes());
    key
}

/// `index · term · last document`: a block's key.
pub(super) fn postings_key(index: u16, term: u32, last: u32) -> [u8; 10] {
    let mut key = [0; 10];
    key[..6].copy_from_slice(&term_key(index, term));
    key[6..].copy_from_slice(&last.to_be_bytes());
    key
}

/// The last document that a block may hold, in its key.
pub(super) fn last_document(key: &[u8]) -> Result<u32> {
    number(key, 6)
}

/// The term in a block's key.
pub(super) fn term_of(key: &[u8]) -> Result<u32> {
    number(key, 2)
}

fn number(key: &[u8], at: usize) -> Result<u32> {
    let bytes = key.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u32::from_be_bytes).ok_or_else(|| EngineError::Damaged("a key of a text index".to_owned()))
}

/// `index · text`: a term's key.
pub(super) fn text_key(index: u16, text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 + text.len());
    key.extend_from_slice(&index.to_be_bytes());
    key.extend_from_slice(text.as_bytes());
    key
}

/// The number of a term, if it has one.
pub(super) fn term<T: ReadTxn>(txn: &T, index: u16, text: &str) -> Result<Option<u32>> {
    txn.get(Table::TextTerm, &text_key(index, text))?.map(term_number).transpose()
}

/// The number that a term's entry holds.
pub(super) fn term_number(value: &[u8]) -> Result<u32> {
    let bytes = value.try_into();
    bytes.map(u32::from_le_bytes).map_err(|_| EngineError::Damaged("a term of a text index".to_owned()))
}

/// The number of a term, which it gets now if it has none.
pub(super) fn term_or_new<W: WriteTxn>(txn: &mut W, index: u16, meta: &mut IndexMeta, text: &str) -> Result<u32> {
    let key = text_key(index, text);
    if let Some(value) = txn.get(Table::TextTerm, &key)? {
        return term_number(value);
    }
    let number = meta.next_term;
    meta.next_term = number.checked_add(1).ok_or_else(|| is_full("terms"))?;
    meta.terms += 1;
    // It counts as used when it gets its first posting.
    meta.unused_terms += 1;
    txn.put(Table::TextTerm, &key, &number.to_le_bytes())?;
    Ok(number)
}

/// Numbers are not given twice, so that nothing that is left can be taken for something new.
pub(super) fn is_full(what: &str) -> EngineError {
    EngineError::Storage(format!(
        "a text index has given all {} numbers to {what}: start the instance once with `bm25 = false`, then with \
         `bm25 = true`, to build it again",
        u32::MAX
    ))
}

/// A node in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DocumentRow {
    /// The node.
    pub id: ItemId,
    /// How many words it has.
    pub length: u32,
    /// The numbers of its terms, ascending, with how often each occurs.
    pub terms: Vec<(u32, u32)>,
}

/// `index · document`: a document's key.
pub(super) fn document_key(index: u16, document: u32) -> [u8; 6] {
    term_key(index, document)
}

/// `index · id`: the key of a node's document.
pub(super) fn document_of_key(index: u16, id: ItemId) -> [u8; 10] {
    crate::storage::keys::row(index, id)
}

/// The document of a node.
pub(super) fn document_of<T: ReadTxn>(txn: &T, index: u16, id: ItemId) -> Result<Option<u32>> {
    let Some(bytes) = txn.get(Table::TextDocumentOf, &document_of_key(index, id))? else { return Ok(None) };
    let bytes = bytes.try_into().map_err(|_| EngineError::Damaged("the document of a node".to_owned()))?;
    Ok(Some(u32::from_le_bytes(bytes)))
}

/// The node that a document is.
pub(super) fn id_of<T: ReadTxn>(txn: &T, index: u16, document: u32) -> Result<ItemId> {
    let row = txn.get(Table::TextDocument, &document_key(index, document))?;
    let id = row.and_then(|row| row.first_chunk::<8>());
    id.map(|bytes| ItemId::from_bytes(*bytes)).ok_or_else(no_document)
}

/// What is kept of a document.
pub(super) fn document<T: ReadTxn>(txn: &T, index: u16, document: u32) -> Result<DocumentRow> {
    let row = txn.get(Table::TextDocument, &document_key(index, document))?;
    decode_document(row.ok_or_else(no_document)?)
}

/// Reads what is kept of a document.
pub(super) fn decode_document(row: &[u8]) -> Result<DocumentRow> {
    let (id, mut bytes) = row.split_first_chunk::<8>().ok_or_else(no_document)?;
    let length = varint::take(&mut bytes)?;
    let count = varint::take(&mut bytes)?;
    let mut terms = Vec::with_capacity(bytes.len() / 2);
    let mut number = 0_u32;
    for _ in 0..count {
        number = number.checked_add(varint::take(&mut bytes)?).ok_or_else(no_document)?;
        terms.push((number, varint::take(&mut bytes)?));
    }
    Ok(DocumentRow { id: ItemId::from_bytes(*id), length, terms })
}

/// Writes what is kept of a document.
pub(super) fn put_document<W: WriteTxn>(txn: &mut W, index: u16, document: u32, row: &DocumentRow) -> Result<()> {
    let mut bytes = Vec::with_capacity(16 + 4 * row.terms.len());
    bytes.extend_from_slice(&row.id.to_bytes());
    varint::put(row.length, &mut bytes);
    varint::put(u32::try_from(row.terms.len()).unwrap_or(u32::MAX), &mut bytes);
    let mut before = 0;
    for (number, count) in &row.terms {
        varint::put(number - before, &mut bytes);
        varint::put(*count, &mut bytes);
        before = *number;
    }
    txn.put(Table::TextDocument, &document_key(index, document), &bytes)
}

fn no_document() -> EngineError {
    EngineError::Damaged("a document of a text index".to_owned())
}

/// Numbers in as many bytes as they need, seven bits each, the lowest first.
pub(super) mod varint {
    use crate::error::{EngineError, Result};

    /// Appends a number.
    #[inline]
    pub fn put(mut number: u32, bytes: &mut Vec<u8>) {
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }

    /// Takes a number off the front.
    #[inline]
    pub fn take(bytes: &mut &[u8]) -> Result<u32> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let Some((&byte, rest)) = bytes.split_first() else { break };
            *bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(number).map_err(|_| damaged());
            }
        }
        Err(damaged())
    }

    fn damaged() -> EngineError {
        EngineError::Damaged("a number in a text index".to_owned())
    }
}
