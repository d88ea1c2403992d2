//! The ordered key-value store under everything else: tables, keys, transactions.
//!
//! [`Store`] is the one trait; [`lmdb`] is what runs, [`memory`] keeps the trait honest and tests fast. Bytes that a
//! transaction hands out live as long as the transaction is borrowed: LMDB lends pages, a remote store would pin the blocks
//! that it fetched.

pub mod keys;
pub mod lmdb;
pub mod memory;
pub mod meta;
mod tables;
#[cfg(test)]
mod tests;

pub use lmdb::{Beside, Lmdb};
pub use memory::Memory;
pub use tables::Table;

use crate::Result;

/// The keys of a scan.
#[derive(Clone, Copy, Debug)]
pub enum Bounds<'b> {
    /// Keys that start with these bytes.
    Prefix(&'b [u8]),
    /// Keys from the first up to but not including the second.
    Range(&'b [u8], &'b [u8]),
}

/// An ordered key-value store with snapshots and one writer.
pub trait Store: Send + Sync + 'static {
    /// A snapshot.
    type Read<'s>: ReadTxn
    where
        Self: 's;
    /// The write transaction; there is at most one at a time.
    type Write<'s>: WriteTxn
    where
        Self: 's;

    /// Opens a snapshot of the last commit.
    ///
    /// # Errors
    ///
    /// When the store cannot open another one.
    fn read(&self) -> Result<Self::Read<'_>>;

    /// Opens the write transaction, waiting for another to end.
    ///
    /// # Errors
    ///
    /// When the store cannot open one.
    fn write(&self) -> Result<Self::Write<'_>>;
}

/// What can be read inside a transaction.
pub trait ReadTxn {
    /// Keys and values of a scan, ascending.
    type Range<'t>: Iterator<Item = Result<(&'t [u8], &'t [u8])>>
    where
        Self: 't;
    /// The duplicates of a key, ascending.
    type Dups<'t>: Iterator<Item = Result<&'t [u8]>>
    where
        Self: 't;

    /// The value of a key; the least duplicate in a duplicate table.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn get<'t>(&'t self, table: Table, key: &[u8]) -> Result<Option<&'t [u8]>>;

    /// The entries within bounds, in key order, each duplicate an entry.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn range<'t>(&'t self, table: Table, bounds: Bounds<'_>) -> Result<Self::Range<'t>>;

    /// The last entry within bounds.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn last<'t>(&'t self, table: Table, bounds: Bounds<'_>) -> Result<Option<(&'t [u8], &'t [u8])>>;

    /// The duplicates of a key of a duplicate table.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn dups<'t>(&'t self, table: Table, key: &[u8]) -> Result<Self::Dups<'t>>;

    /// How many duplicates a key of a duplicate table has.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn dup_count(&self, table: Table, key: &[u8]) -> Result<u64>;
}

/// What can be changed inside the write transaction. Dropping it undoes everything.
pub trait WriteTxn: ReadTxn {
    /// A nested transaction: its changes join this one when it commits, and vanish when it is dropped.
    type Nested<'n>: WriteTxn
    where
        Self: 'n;

    /// Puts a value, in place of the one that the key has.
    ///
    /// # Errors
    ///
    /// When the store fails or is full.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()>;

    /// Adds a duplicate; `false` when it is already there.
    ///
    /// # Errors
    ///
    /// When the store fails or is full.
    fn put_dup(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool>;

    /// Removes a key with all of its duplicates; `false` when it is not there.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn del(&mut self, table: Table, key: &[u8]) -> Result<bool>;

    /// Removes a duplicate; `false` when it is not there.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn del_dup(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool>;

    /// Opens a nested transaction.
    ///
    /// # Errors
    ///
    /// When the store fails.
    fn nested(&mut self) -> Result<Self::Nested<'_>>;

    /// Makes the changes durable, or part of the parent.
    ///
    /// # Errors
    ///
    /// When they cannot be written; then none of them is.
    fn commit(self) -> Result<()>;
}
