//! The second store: ordered maps in memory. For tests and throw-away databases; nothing outlives the process.
//!
//! A snapshot shares the tables of the last commit; a writer copies a table when it first changes it, and a nested writer works
//! on a copy that replaces its parent's when it commits.

use std::collections::btree_map;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::{Bounds, ReadTxn, Store, Table, WriteTxn};
use crate::error::Result;

/// A table: a plain one maps key to value, a duplicate one maps key then duplicate to nothing.
#[derive(Clone, Default)]
struct Map(BTreeMap<Box<[u8]>, Entry>);

/// The duplicates of a key.
type Values = BTreeSet<Box<[u8]>>;
type ValuesIter<'t> = std::collections::btree_set::Iter<'t, Box<[u8]>>;

#[derive(Clone)]
enum Entry {
    Value(Box<[u8]>),
    Dups(Values),
}

type Tables = [Arc<Map>; Table::ALL.len()];

/// A store in memory.
#[derive(Default)]
pub struct Memory {
    committed: RwLock<Tables>,
    writer: Mutex<()>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    fn tables(&self) -> Tables {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Store for Memory {
    type Read<'s> = MemoryRead;
    type Write<'s> = MemoryWrite<'s>;

    fn read(&self) -> Result<MemoryRead> {
        Ok(MemoryRead { tables: self.tables() })
    }

    fn write(&self) -> Result<MemoryWrite<'_>> {
        let guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(MemoryWrite { tables: self.tables(), target: Target::Store(self, guard) })
    }
}

/// A snapshot.
pub struct MemoryRead {
    tables: Tables,
}

/// The write transaction, or one nested in it.
pub struct MemoryWrite<'s> {
    tables: Tables,
    target: Target<'s>,
}

/// Where the tables go when a transaction commits.
enum Target<'s> {
    Store(&'s Memory, MutexGuard<'s, ()>),
    Parent(&'s mut Tables),
}

/// Entries within bounds.
pub struct Range<'t> {
    entries: btree_map::Range<'t, Box<[u8]>, Entry>,
    prefix: Box<[u8]>,
    dups: Option<(&'t [u8], ValuesIter<'t>)>,
}

impl<'t> Iterator for Range<'t> {
    type Item = Result<(&'t [u8], &'t [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, dups)) = &mut self.dups {
                if let Some(dup) = dups.next() {
                    return Some(Ok((key, dup)));
                }
                self.dups = None;
            }
            let (key, entry) = self.entries.next()?;
            if !key.starts_with(&self.prefix) {
                return None;
            }
            match entry {
                Entry::Value(value) => return Some(Ok((key, value))),
                Entry::Dups(dups) => self.dups = Some((key, dups.iter())),
            }
        }
    }
}

/// The duplicates of a key.
pub struct Dups<'t>(Option<ValuesIter<'t>>);

impl<'t> Iterator for Dups<'t> {
    type Item = Result<&'t [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.as_mut()?.next().map(|dup| Ok(&**dup))
    }
}

impl Map {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        match self.0.get(key)? {
            Entry::Value(value) => Some(value),
            Entry::Dups(dups) => dups.first().map(|dup| &**dup),
        }
    }

    fn range(&self, bounds: Bounds<'_>) -> Range<'_> {
        let (lower, upper, prefix) = match bounds {
            Bounds::Prefix(prefix) => (prefix, Bound::Unbounded, prefix),
            Bounds::Range(start, end) => (start, Bound::Excluded(end), &[][..]),
        };
        let empty = matches!(upper, Bound::Excluded(end) if lower >= end);
        let upper = if empty { Bound::Excluded(lower) } else { upper };
        let entries = self.0.range::<[u8], _>((Bound::Included(lower), upper));
        Range { entries, prefix: prefix.into(), dups: None }
    }

    fn dups(&self, key: &[u8]) -> Option<&Values> {
        match self.0.get(key)? {
            Entry::Dups(dups) => Some(dups),
            Entry::Value(_) => None,
        }
    }
}

macro_rules! read_txn {
    ($name:ty) => {
        impl ReadTxn for $name {
            type Range<'t>
                = Range<'t>
            where
                Self: 't;
            type Dups<'t>
                = Dups<'t>
            where
                Self: 't;

            fn get<'t>(&'t self, table: Table, key: &[u8]) -> Result<Option<&'t [u8]>> {
                Ok(self.tables[table.index()].get(key))
            }

            fn range<'t>(&'t self, table: Table, bounds: Bounds<'_>) -> Result<Range<'t>> {
                Ok(self.tables[table.index()].range(bounds))
            }

            fn last<'t>(&'t self, table: Table, bounds: Bounds<'_>) -> Result<Option<(&'t [u8], &'t [u8])>> {
                self.tables[table.index()].range(bounds).last().transpose()
            }

            fn dups<'t>(&'t self, table: Table, key: &[u8]) -> Result<Dups<'t>> {
                Ok(Dups(self.tables[table.index()].dups(key).map(|dups| dups.iter())))
            }

            fn dup_count(&self, table: Table, key: &[u8]) -> Result<u64> {
                Ok(self.tables[table.index()].dups(key).map_or(0, |dups| dups.len() as u64))
            }
        }
    };
}

read_txn!(MemoryRead);
read_txn!(MemoryWrite<'_>);

impl MemoryWrite<'_> {
    fn map(&mut self, table: Table) -> &mut BTreeMap<Box<[u8]>, Entry> {
        &mut Arc::make_mut(&mut self.tables[table.index()]).0
    }
}

impl WriteTxn for MemoryWrite<'_> {
    type Nested<'n>
        = MemoryWrite<'n>
    where
        Self: 'n;

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.map(table).insert(key.into(), Entry::Value(value.into()));
        Ok(())
    }

    fn put_dup(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool> {
        let entry = self.map(table).entry(key.into()).or_insert_with(|| Entry::Dups(Values::new()));
        match entry {
            Entry::Dups(dups) => Ok(dups.insert(value.into())),
            Entry::Value(_) => Ok(false),
        }
    }

    fn del(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        Ok(self.map(table).remove(key).is_some())
    }

    fn del_dup(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool> {
        let map = self.map(table);
        let Some(Entry::Dups(dups)) = map.get_mut(key) else { return Ok(false) };
        let removed = dups.remove(value);
        if dups.is_empty() {
            map.remove(key);
        }
        Ok(removed)
    }

    fn nested(&mut self) -> Result<MemoryWrite<'_>> {
        Ok(MemoryWrite { tables: self.tables.clone(), target: Target::Parent(&mut self.tables) })
    }

    fn commit(self) -> Result<()> {
        let Self { tables, target } = self;
        match target {
            Target::Store(store, _guard) => *store.committed.write().unwrap_or_else(PoisonError::into_inner) = tables,
            Target::Parent(parent) => *parent = tables,
        }
        Ok(())
    }
}
