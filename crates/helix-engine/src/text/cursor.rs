//! Going through the documents of a term, past blocks that do not matter without reading them.

use super::postings::{self, Posting};
use super::search::Formula;
use crate::error::Result;
use crate::storage::ReadTxn;

/// After the last document.
pub(super) const END: u32 = u32::MAX;

/// The documents of one term of a query.
pub(super) struct Cursor<'t> {
    /// The document that it is at; [`END`] when there are no more.
    pub document: u32,
    /// The most that the term adds to any score.
    pub bound: f64,
    weight: f64,
    blocks: Vec<Block<'t>>,
    /// The block that it is in, or that comes next.
    at: usize,
    /// The postings of that block, once they were read: as long as it is at the first of them, that can wait.
    postings: Vec<Posting>,
    is_read: bool,
    place: usize,
}

/// A block that was not read yet.
struct Block<'t> {
    first: u32,
    /// No document of it is after this one.
    last: u32,
    /// The most that the term adds to the score of a document of it.
    bound: f64,
    bytes: &'t [u8],
}

impl<'t> Cursor<'t> {
    /// A cursor at the first document of a term that occurs `times` in the query; `None` when it occurs in no document.
    pub fn new<T: ReadTxn>(
        txn: &'t T,
        (index, term): (u16, u32),
        times: u32,
        formula: &Formula,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<Self>> {
        let mut found = 0;
        let mut headers = Vec::new();
        for block in postings::blocks(txn, index, term)? {
            tick()?;
            let (last, bytes) = block?;
            let header = postings::header(bytes)?;
            found += header.postings;
            headers.push((last, header, bytes));
        }
        let Some((_, first, _)) = headers.first() else { return Ok(None) };
        let document = first.first;
        let weight = formula.weight(found, times);
        let blocks: Vec<Block<'t>> = headers
            .into_iter()
            .map(|(last, header, bytes)| Block {
                first: header.first,
                last,
                bound: formula.most(weight, &header),
                bytes,
            })
            .collect();
        let bound = blocks.iter().map(|block| block.bound).fold(0.0, f64::max);
        Ok(Some(Self { document, bound, weight, blocks, at: 0, postings: Vec::new(), is_read: false, place: 0 }))
    }

    /// Moves to the first document that is not before `document`.
    pub fn seek(&mut self, document: u32) -> Result<()> {
        self.skip(document);
        while let Some(block) = self.blocks.get(self.at) {
            if !self.is_read && block.first >= document {
                (self.document, self.place) = (block.first, 0);
                return Ok(());
            }
            self.read()?;
            let behind = &self.postings[self.place..];
            // The next one, mostly.
            let passed = match behind.first() {
                Some(posting) if posting.document >= document => 0,
                _ => behind.partition_point(|posting| posting.document < document),
            };
            self.place += passed;
            if let Some(posting) = self.postings.get(self.place) {
                self.document = posting.document;
                return Ok(());
            }
            self.at += 1;
            self.is_read = false;
        }
        self.document = END;
        Ok(())
    }

    /// Calls `visit` with every document of the block from where it is up to but not including `end`, and what the term adds
    /// to its score; then moves on.
    pub fn visit(&mut self, end: u32, formula: &Formula, mut visit: impl FnMut(u32, f64)) -> Result<()> {
        self.read()?;
        let mut last = self.document;
        for posting in self.postings[self.place..].iter().take_while(|posting| posting.document < end) {
            last = posting.document;
            visit(last, formula.score(self.weight, f64::from(posting.count), f64::from(posting.length)));
        }
        self.seek(last + 1)
    }

    /// Reads the block that it is in.
    fn read(&mut self) -> Result<()> {
        match self.blocks.get(self.at) {
            Some(block) if !self.is_read => {
                self.is_read = true;
                self.place = 0;
                postings::decode(block.bytes, &mut self.postings)
            }
            _ => Ok(()),
        }
    }

    /// Goes past the blocks that end before a document.
    fn skip(&mut self, document: u32) {
        let passed = self.passed(document);
        if passed > 0 {
            self.at += passed;
            self.is_read = false;
        }
    }

    fn passed(&self, document: u32) -> usize {
        match self.blocks.get(self.at) {
            Some(block) if block.last < document => {
                self.blocks[self.at..].partition_point(|block| block.last < document)
            }
            _ => 0,
        }
    }

    /// The most that the term adds to the score of a document, which is not before the cursor's, and the last document that
    /// this is known of.
    pub fn bound_at(&self, document: u32) -> (f64, u32) {
        self.blocks.get(self.at + self.passed(document)).map_or((0.0, END), |block| (block.bound, block.last))
    }

    /// What the term adds to the score of the document that the cursor is at.
    pub fn score(&mut self, formula: &Formula) -> Result<f64> {
        self.read()?;
        let Posting { count, length, .. } = self.postings[self.place];
        Ok(formula.score(self.weight, f64::from(count), f64::from(length)))
    }
}
