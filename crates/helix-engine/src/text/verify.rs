//! Checks that an index holds what its rows say, and nothing else.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::postings::{self, OPEN, Posting};
use super::table;
use super::{TOKENIZER, TextIndex};
use crate::error::Result;
use crate::ids::ItemId;
use crate::row::Arena;
use crate::storage::{Bounds, ReadTxn, Table};

/// Postings: how many, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    postings: u64,
    hashes: u64,
}

impl Sum {
    fn add(&mut self, term: u32, posting: &Posting) {
        let numbers = [term, posting.document, posting.count, posting.length];
        let mut bytes = [0; 16];
        for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        self.postings += 1;
        self.hashes = self.hashes.wrapping_add(xxh3_64(&bytes));
    }
}

/// Checks an index against the rows of its type, which come in the order of their ids; gives what disagrees.
///
/// # Errors
///
/// When the store fails.
pub fn verify<'t, T: ReadTxn>(
    txn: &'t T,
    index: &TextIndex,
    rows: impl Iterator<Item = Result<(ItemId, &'t [u8])>>,
) -> Result<Vec<String>> {
    let number = index.number;
    let meta = table::meta(txn, number)?;
    let mut findings = Vec::new();
    if (meta.tokenizer, meta.looked_at) != (TOKENIZER, u64::MAX) {
        findings.push("the text index was not built to its end".to_owned());
    }
    let terms = terms(txn, number)?;
    if terms.len() as u64 != u64::from(meta.terms) {
        findings.push(format!("the text index counts {} terms and has {}", meta.terms, terms.len()));
    }
    let (mut documents, mut length, mut last) = (0_u64, 0_u64, None);
    let mut wanted = Sum::default();
    let mut arena = Arena::new();
    for row in rows {
        let (id, bytes) = row?;
        let Some(document) = table::document_of(txn, number, id)? else {
            findings.push(format!("node {} is not in the text index", id.0));
            continue;
        };
        if last.is_some_and(|last| last >= document) {
            findings.push(format!("node {} is not in its place in the text index", id.0));
        }
        last = Some(document);
        let kept = table::document(txn, number, document)?;
        let text = index.document(bytes, &arena)?;
        let mut expected: Vec<(u32, u32)> =
            text.terms().filter_map(|(term, count)| Some((*terms.get(term)?, count))).collect();
        expected.sort_unstable();
        if kept.id != id
            || kept.length != text.length()
            || kept.terms != expected
            || expected.len() != text.terms().len()
        {
            findings.push(format!("the text index holds other words of node {} than it has", id.0));
        }
        for (term, count) in &kept.terms {
            wanted.add(*term, &Posting { document, count: *count, length: kept.length });
        }
        documents += 1;
        length += u64::from(kept.length);
        arena.reset();
    }
    if (documents, length) != (meta.documents, meta.length) {
        let (counted, words) = (meta.documents, meta.length);
        findings.push(format!(
            "the text index counts {counted} nodes with {words} words, they are {documents} with {length}"
        ));
    }
    for table in [Table::TextDocument, Table::TextDocumentOf] {
        let kept = txn.range(table, Bounds::Prefix(&number.to_be_bytes()))?.count() as u64;
        if kept != documents {
            findings.push(format!("table `{}` has {kept} entries for {documents} nodes", table.name()));
        }
    }
    let (found, used) = blocks(txn, number, &mut findings)?;
    if found != wanted {
        findings.push(format!("the text index has {} postings, its nodes ask for {}", found.postings, wanted.postings));
    }
    if used + u64::from(meta.unused_terms) != u64::from(meta.terms) {
        findings.push(format!(
            "the text index counts {} unused terms of {}, {used} are used",
            meta.unused_terms, meta.terms
        ));
    }
    Ok(findings)
}

/// The terms with their numbers.
fn terms<T: ReadTxn>(txn: &T, index: u16) -> Result<HashMap<String, u32>> {
    let mut terms = HashMap::new();
    for entry in txn.range(Table::TextTerm, Bounds::Prefix(&index.to_be_bytes()))? {
        let (key, value) = entry?;
        terms.insert(String::from_utf8_lossy(&key[2..]).into_owned(), table::term_number(value)?);
    }
    Ok(terms)
}

/// Reads every block; gives the sum of the postings, and of how many terms they are.
fn blocks<T: ReadTxn>(txn: &T, index: u16, findings: &mut Vec<String>) -> Result<(Sum, u64)> {
    let (mut sum, mut used) = (Sum::default(), 0);
    // Term and last document of the posting before.
    let mut before: Option<(u32, u32)> = None;
    let mut found = Vec::new();
    for entry in txn.range(Table::TextPostings, Bounds::Prefix(&index.to_be_bytes()))? {
        let (key, block) = entry?;
        let (term, last) = (table::term_of(key)?, table::last_document(key)?);
        postings::decode(block, &mut found)?;
        let header = postings::header(block)?;
        let after = before.filter(|(of, _)| *of == term).map(|(_, document)| document);
        used += u64::from(before.is_none_or(|(of, _)| of != term));
        let is_ordered = found.is_sorted_by(|a, b| a.document < b.document)
            && after.is_none_or(|after| header.first > after)
            && found.last().is_some_and(|posting| posting.document <= last && posting.document < OPEN);
        let is_bounded = found.iter().all(|posting| {
            (posting.count <= header.most.into() || header.most == u16::MAX) && posting.length >= header.shortest.into()
        });
        if !is_ordered || !is_bounded {
            findings.push(format!("a block of the text index does not fit its place: term {term}, up to {last}"));
        }
        for posting in &found {
            sum.add(term, posting);
        }
        before = found.last().map(|posting| (term, posting.document)).or(before);
    }
    Ok((sum, used))
}
