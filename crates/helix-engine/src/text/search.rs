//! The documents that fit a query best, by Okapi BM25.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::cursor::{Cursor, END};
use super::document::tokens;
use super::postings::Header;
use super::table;
use frostem::Algorithm;

use crate::error::Result;
use crate::ids::ItemId;
use crate::storage::ReadTxn;

/// How soon more occurrences of a term add little.
const K1: f64 = 1.2;

/// How much the length of a document counts.
const B: f64 = 0.75;

/// A found node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The node.
    pub id: ItemId,
    /// How well it fits; the larger the better.
    pub score: f32,
}

/// The score of a document: the sum over the terms of the query.
///
/// Every step of it keeps the order of numbers, rounded or not. That is why a bound that is computed from the most
/// occurrences and the least length of several documents is no less than the score of any of them.
pub(super) struct Formula {
    documents: f64,
    average_length: f64,
}

impl Formula {
    /// For so many documents that have so many words in all.
    pub fn new(documents: u64, length: u64) -> Self {
        Self { documents: documents as f64, average_length: length as f64 / documents as f64 }
    }

    /// How much a term counts that occurs in some documents, and several times in the query.
    pub fn weight(&self, found: usize, times: u32) -> f64 {
        let found = found as f64;
        let rarity = ((self.documents - found + 0.5) / (found + 0.5) + 1.0).ln();
        f64::from(times) * rarity * (K1 + 1.0)
    }

    /// What a term adds to the score of a document.
    #[inline]
    pub fn score(&self, weight: f64, count: f64, length: f64) -> f64 {
        weight / (1.0 + K1 * (1.0 - B + B * (length / self.average_length)) / count)
    }

    /// The most that a term adds to the score of a document of a block.
    pub fn most(&self, weight: f64, header: &Header) -> f64 {
        let most = if header.most == u16::MAX { f64::INFINITY } else { f64::from(header.most) };
        self.score(weight, most, f64::from(header.shortest))
    }
}

/// The `k` nodes that fit a text best, best first, and by id where they fit alike; fewer when fewer hold any of its words.
/// `tick` is called for every step of work, and may end it.
///
/// # Errors
///
/// What `tick` fails with, or when the store fails.
pub fn search<T: ReadTxn>(
    txn: &T,
    (index, stemmer): (u16, Option<Algorithm>),
    text: &str,
    k: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Hit>> {
    let meta = table::meta(txn, index)?;
    if k == 0 || meta.documents == 0 {
        return Ok(Vec::new());
    }
    let formula = Formula::new(meta.documents, meta.length);
    let mut cursors = Vec::new();
    for (word, times) in words(text, stemmer) {
        tick()?;
        if let Some(term) = table::term(txn, index, &word)? {
            cursors.extend(Cursor::new(txn, (index, term), times, &formula, tick)?);
        }
    }
    let wanted = usize::try_from(meta.documents).unwrap_or(usize::MAX).min(k);
    let best = best(&mut cursors, &formula, wanted, tick)?;
    best.into_iter()
        .map(|found| Ok(Hit { id: table::id_of(txn, index, found.document)?, score: found.score }))
        .collect()
}

/// The different words of a query with how often each occurs, in the order in which they appear.
pub(super) fn words(text: &str, stemmer: Option<Algorithm>) -> Vec<(String, u32)> {
    let mut places = std::collections::HashMap::<String, usize>::new();
    let mut words: Vec<(String, u32)> = Vec::new();
    tokens(text, stemmer, |word| match places.get(word) {
        Some(place) => words[*place].1 += 1,
        None => {
            places.insert(word.to_owned(), words.len());
            words.push((word.to_owned(), 1));
        }
    });
    words
}

/// A document with its score. The better one is the greater.
#[derive(Clone, Copy, Debug)]
struct Found {
    score: f32,
    document: u32,
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.document.cmp(&self.document))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Found {}

/// The best documents so far.
struct Best {
    k: usize,
    found: BinaryHeap<Reverse<Found>>,
}

impl Best {
    /// Whether a document after all that were looked at can be among the best with this score, or less.
    fn wants(&self, score: f64) -> bool {
        // Of documents that fit alike the earlier one stays.
        self.worst().is_none_or(|worst| score as f32 > worst)
    }

    /// The score of the worst, once there are enough.
    fn worst(&self) -> Option<f32> {
        if self.found.len() < self.k { None } else { self.found.peek().map(|Reverse(found)| found.score) }
    }

    fn push(&mut self, found: Found) {
        self.found.push(Reverse(found));
        if self.found.len() > self.k {
            self.found.pop();
        }
    }
}

/// Goes through the documents of all cursors together, in their order, and gives the `k` best, best first.
fn best(
    cursors: &mut [Cursor<'_>],
    formula: &Formula,
    k: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Found>> {
    let mut best = Best { k, found: BinaryHeap::new() };
    let mut order: Vec<usize> = (0..cursors.len()).collect();
    loop {
        tick()?;
        order.sort_unstable_by_key(|cursor| cursors[*cursor].document);
        let Some(pivot) = pivot(cursors, &order, &best) else { break };
        let document = cursors[order[pivot]].document;
        let behind = order.iter().position(|cursor| cursors[*cursor].document > document).unwrap_or(order.len());
        // Summed in the order of the query, as scores are: rounding is the same.
        let (mut bound, mut until) = (0.0, END);
        for cursor in cursors.iter().filter(|cursor| cursor.document <= document) {
            let (most, last) = cursor.bound_at(document);
            bound += most;
            until = until.min(last);
        }
        if !best.wants(bound) {
            let next = order.get(behind).map_or(END, |cursor| cursors[*cursor].document);
            let to = until.saturating_add(1).min(next);
            for cursor in &order[..behind] {
                cursors[*cursor].seek(to)?;
            }
            continue;
        }
        if behind == 1 {
            // Nothing else adds to the scores of these.
            let end = order.get(1).map_or(END, |cursor| cursors[*cursor].document);
            cursors[order[0]].visit(end, formula, |document, score| {
                if best.wants(score) {
                    best.push(Found { score: score as f32, document });
                }
            })?;
        } else if cursors[order[0]].document == document {
            let here = cursors.iter_mut().filter(|cursor| cursor.document == document);
            let score = here.map(|cursor| cursor.score(formula)).sum::<Result<f64>>()?;
            if best.wants(score) {
                best.push(Found { score: score as f32, document });
            }
            for cursor in &order[..behind] {
                cursors[*cursor].seek(document + 1)?;
            }
        } else {
            for cursor in &order[..behind] {
                cursors[*cursor].seek(document)?;
            }
        }
    }
    let mut found: Vec<Found> = best.found.into_iter().map(|Reverse(found)| found).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

/// The place of the first cursor whose document can be among the best, in the order of documents; `None` when none can.
fn pivot(cursors: &[Cursor<'_>], order: &[usize], best: &Best) -> Option<usize> {
    /// The sum is in another order than that of scores; rounding must not make it less.
    const SLACK: f64 = 1.0 + 1e-9;
    let mut bound = 0.0;
    order.iter().position(|cursor| {
        let cursor = &cursors[*cursor];
        bound += cursor.bound;
        cursor.document != END && best.wants(bound * SLACK)
    })
}
