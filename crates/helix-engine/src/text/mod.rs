//! Full-text search: one index a node type that a query searches, in tables of the store, so that it commits and rolls back
//! with the nodes.
//!
//! The text of a node is the values of its fields. A *document* is a node in the index; documents are numbered in the order
//! of the nodes' ids, so that ties are broken by number. The documents of a term lie in blocks of postings, each with the
//! most that it can add to a score, so that a search reads only those that can matter. How often a term occurs is never
//! stored: the blocks of a term are counted when it is searched for, which keeps the figures exact and writes few.
//!
//! Sources: Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; Ding & Suel, "Faster Top-k
//! Document Retrieval Using Block-Max Indexes", 2011.

mod cursor;
mod document;
mod postings;
mod scan;
mod search;
mod table;
#[cfg(test)]
mod tests;
mod vacuum;
mod verify;
mod write;

pub use document::Document;
pub use scan::Scan;
pub use search::{Hit, search};
pub use vacuum::{tend, wants_tending};
pub use verify::verify;
pub use write::{begin, finish, looked_at, put, remove, take_in};

use std::collections::BTreeMap;

pub use frostem::Algorithm;

use crate::error::Result;
use crate::row::{Arena, FieldReader};
use crate::storage::{ReadTxn, Table};

/// The tables of an index; its number starts every key of theirs.
pub const TABLES: [Table; 5] =
    [Table::TextPostings, Table::TextTerm, Table::TextDocument, Table::TextDocumentOf, Table::TextMeta];

/// The version of the rules by which text becomes terms. An index of another version is built again: a newer `frostem` that
/// stems otherwise is a new version.
pub const TOKENIZER: u16 = 1;

/// Whether and how text is indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextConfig {
    /// Whether the node types that queries search have an index.
    pub enabled: bool,
    /// In which language words are brought to their stems, by node type; words of other types stay as they are.
    pub stemming: BTreeMap<String, Algorithm>,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self { enabled: true, stemming: BTreeMap::new() }
    }
}

impl TextConfig {
    /// What brings the words of a node type to their stems, if anything.
    #[must_use]
    pub fn stemmer(&self, node: &str) -> Option<Algorithm> {
        self.stemming.get(node).copied()
    }
}

/// The text index of a node type, ready to be kept in step with its rows.
#[derive(Clone, Debug)]
pub struct TextIndex {
    /// What keys call it.
    pub number: u16,
    /// What brings words to their stems.
    pub stemmer: Option<Algorithm>,
    /// What reads the fields whose values are its text, in any row of the type.
    pub fields: Vec<FieldReader>,
}

impl TextIndex {
    /// The terms of a row.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`](crate::EngineError::Damaged) when the row is none of the type's.
    pub fn document<'t>(&self, row: &'t [u8], arena: &'t Arena) -> Result<Document> {
        document(self.stemmer, &self.fields, row, arena)
    }
}

/// The terms of the fields of a row.
///
/// # Errors
///
/// [`EngineError::Damaged`](crate::EngineError::Damaged) when the row is none of their type's.
pub fn document<'t, 'f>(
    stemmer: Option<Algorithm>,
    fields: impl IntoIterator<Item = &'f FieldReader>,
    row: &'t [u8],
    arena: &'t Arena,
) -> Result<Document> {
    let mut document = Document::new(stemmer);
    for field in fields {
        document.add(&field.read(row, arena)?);
    }
    document.sort();
    Ok(document)
}

/// What an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextCounts {
    /// Nodes in it.
    pub documents: u64,
    /// Different terms of theirs, with those that a vacuum has yet to remove.
    pub terms: u64,
}

/// What an index holds.
///
/// # Errors
///
/// When the store fails.
pub fn counts<T: ReadTxn>(txn: &T, index: u16) -> Result<TextCounts> {
    let meta = table::meta(txn, index)?;
    Ok(TextCounts { documents: meta.documents, terms: u64::from(meta.terms) })
}
