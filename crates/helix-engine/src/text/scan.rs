//! The same search without an index: every document is looked at.

use super::Document;
use super::search::{Formula, Hit, words};
use crate::ids::ItemId;

/// A search over documents that are given one by one, in the order of their nodes' ids.
pub struct Scan {
    /// The different words of the query, with how often each occurs.
    words: Vec<(String, u32)>,
    documents: u64,
    length: u64,
    /// In how many documents each word occurs.
    found: Vec<usize>,
    /// The documents that hold any of the words: their length, and how often they hold each.
    matching: Vec<(ItemId, u32, Vec<u32>)>,
}

impl Scan {
    /// A search for a text, whose words stay as they are.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let words = words(text, None);
        Self { found: vec![0; words.len()], words, documents: 0, length: 0, matching: Vec::new() }
    }

    /// Looks at the next document.
    pub fn take(&mut self, id: ItemId, document: &Document) {
        self.documents += 1;
        self.length += u64::from(document.length());
        let count = |word: &str| document.terms().find(|(term, _)| *term == word).map_or(0, |(_, count)| count);
        let counts: Vec<u32> = self.words.iter().map(|(word, _)| count(word)).collect();
        for (found, _) in self.found.iter_mut().zip(&counts).filter(|(_, count)| **count > 0) {
            *found += 1;
        }
        if counts.iter().any(|count| *count > 0) {
            self.matching.push((id, document.length(), counts));
        }
    }

    /// The memory that is held, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.matching.capacity() * (size_of::<(ItemId, u32, Vec<u32>)>() + self.words.len() * size_of::<u32>())
    }

    /// The `k` nodes that fit best, as [`search`](super::search) gives them.
    #[must_use]
    pub fn best(self, k: usize) -> Vec<Hit> {
        let formula = Formula::new(self.documents, self.length);
        let times = self.words.iter().map(|(_, times)| *times);
        let weights: Vec<f64> =
            self.found.iter().zip(times).map(|(found, times)| formula.weight(*found, times)).collect();
        let score = |length: u32, counts: &[u32]| -> f64 {
            let held = weights.iter().zip(counts).filter(|(_, count)| **count > 0);
            held.map(|(weight, count)| formula.score(*weight, f64::from(*count), f64::from(length))).sum()
        };
        let hit =
            |(id, length, counts): &(ItemId, u32, Vec<u32>)| Hit { id: *id, score: score(*length, counts) as f32 };
        let mut hits: Vec<Hit> = self.matching.iter().map(hit).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(k);
        hits
    }
}
