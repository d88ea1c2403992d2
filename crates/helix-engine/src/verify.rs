//! Checks that every index agrees with its rows, both ways.
//!
//! The entries that the rows ask for and those that the tables hold are counted and summed up by a hash, which takes one pass
//! over each. Only where the sums differ is every entry looked up, to name what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use helix_plan::ItemKind;
use xxhash_rust::xxh3::Xxh3;

use crate::catalog::pending::Pending;
use crate::catalog::{LiveCatalog, LiveType};
use crate::error::Result;
use crate::graph::{self, Direction};
use crate::ids::ItemId;
use crate::row::{self, Arena};
use crate::storage::meta::{self, Meta};
use crate::storage::{Bounds, ReadTxn, Table, keys};
use crate::{text, vector};

/// Findings beyond this many are counted, not kept.
const MAX_FINDINGS: usize = 100;

/// The tables that hold what rows ask for.
const INDEXES: [Table; 5] = [Table::Out, Table::In, Table::Pair, Table::Index, Table::Unique];

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// What does not agree, a sentence each; the first hundred.
    pub findings: Vec<String>,
    /// How many there are in all.
    pub total_findings: u64,
    /// Rows that were read.
    pub rows: u64,
}

impl VerifyReport {
    fn find(&mut self, finding: impl FnOnce() -> String) {
        self.total_findings += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding());
        }
    }
}

/// Checks the whole store against itself.
///
/// # Errors
///
/// When the store fails; what merely disagrees is a finding.
pub fn verify<T: ReadTxn>(txn: &T, catalog: &LiveCatalog) -> Result<VerifyReport> {
    let mut check = Check::new(txn, catalog);
    check.rows()?;
    check.tables()?;
    if check.disagrees {
        check.look_up()?;
    }
    let mut report = check.report;
    for ty in catalog.of(ItemKind::Vector) {
        for finding in vector::verify(txn, ty.stored)? {
            report.find(|| format!("V::{}: {finding}", ty.name));
        }
    }
    for ty in catalog.of(ItemKind::Node) {
        let Some(index) = &ty.text else { continue };
        for finding in text::verify(txn, index, graph::scan(txn, ty)?)? {
            report.find(|| format!("N::{}: {finding}", ty.name));
        }
    }
    Ok(report)
}

/// Entries of a table: how many, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    entries: u64,
    hashes: u64,
}

impl Sum {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let mut hash = Xxh3::new();
        hash.update(&(key.len() as u64).to_le_bytes());
        hash.update(key);
        hash.update(value);
        self.entries += 1;
        self.hashes = self.hashes.wrapping_add(hash.digest());
    }
}

/// An entry that a row asks for.
struct Entry {
    table: Table,
    key: Vec<u8>,
    value: Vec<u8>,
    /// What is wrong when it is not there.
    missing: String,
}

struct Check<'c, T> {
    txn: &'c T,
    catalog: &'c LiveCatalog,
    expected: BTreeMap<Table, Sum>,
    disagrees: bool,
    report: VerifyReport,
}

impl<'c, T: ReadTxn> Check<'c, T> {
    const fn new(txn: &'c T, catalog: &'c LiveCatalog) -> Self {
        let report = VerifyReport { findings: Vec::new(), total_findings: 0, rows: 0 };
        Self { txn, catalog, expected: BTreeMap::new(), disagrees: false, report }
    }

    /// Every type, with the kinds that edges join first.
    fn types(&self) -> impl Iterator<Item = &'c LiveType> + use<'c, T> {
        let catalog = self.catalog;
        [ItemKind::Node, ItemKind::Edge, ItemKind::Vector].into_iter().flat_map(move |kind| catalog.of(kind))
    }

    fn rows(&mut self) -> Result<()> {
        let last_id = meta::get_array::<8>(self.txn, Meta::LastId)?.map_or(0, u64::from_be_bytes);
        let mut arena = Arena::new();
        for ty in self.types() {
            let mut count = 0_u64;
            for row in graph::scan(self.txn, ty)? {
                let (id, bytes) = row?;
                count += 1;
                if id.0 > last_id {
                    self.report.find(|| format!("{} {} is above the last id {last_id}", ty.name, id.0));
                }
                self.item(ty, id, bytes)?;
                for entry in self.entries(ty, id, bytes, &arena)? {
                    self.expected.entry(entry.table).or_default().add(&entry.key, &entry.value);
                }
                arena.reset();
            }
            self.report.rows += count;
            let counted = graph::count(self.txn, ty)?;
            if counted != count {
                self.report.find(|| format!("{} counts {counted} items and has {count}", ty.name));
            }
        }
        Ok(())
    }

    /// What else an item needs: the ends of an edge, the components of a vector.
    fn item(&mut self, ty: &LiveType, id: ItemId, bytes: &[u8]) -> Result<()> {
        if let Some(ends) = ty.ends {
            let (from, to) = row::edge_ends(bytes)?;
            for (end, item) in [(ends.from, from), (ends.to, to)] {
                if graph::row(self.txn, self.catalog.get(end), item)?.is_none() {
                    self.report.find(|| format!("edge {} {} joins {}, which does not exist", ty.name, id.0, item.0));
                }
            }
        }
        if ty.item.kind == ItemKind::Vector
            && vector::holder(self.txn, ty.stored, row::vector_slot(bytes)?)? != Some(id)
        {
            self.report.find(|| format!("vector {} {} has no components", ty.name, id.0));
        }
        Ok(())
    }

    /// The entries that a row asks for. A field that cannot be read is a finding.
    fn entries(&mut self, ty: &LiveType, id: ItemId, bytes: &[u8], arena: &Arena) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for field in &ty.fields {
            let value = match field.kept.read(bytes, arena) {
                Ok(value) => value,
                Err(error) => {
                    self.report.find(|| format!("{} {}.{}: {error}", ty.name, id.0, field.name));
                    continue;
                }
            };
            if let Some((table, key)) = field.index.and_then(|index| index.entry(&value)) {
                let missing = format!("{} {} is not in the index on `{}`", ty.name, id.0, field.name);
                entries.push(Entry { table, key, value: id.to_bytes().to_vec(), missing });
            }
        }
        if let Some(ends) = ty.ends {
            let (from, to) = row::edge_ends(bytes)?;
            for (direction, item, other) in [(Direction::Out, from, to), (Direction::In, to, from)] {
                entries.push(Entry {
                    table: direction.table(),
                    key: keys::adjacency(item, ty.stored).to_vec(),
                    value: keys::neighbour(id, other).to_vec(),
                    missing: format!("edge {} {} is not in the list at {}", ty.name, id.0, item.0),
                });
            }
            if ends.unique {
                entries.push(Entry {
                    table: Table::Pair,
                    key: keys::pair(ty.stored, from, to).to_vec(),
                    value: id.to_bytes().to_vec(),
                    missing: format!("unique edge {} {} is not in the pairs", ty.name, id.0),
                });
            }
        }
        Ok(entries)
    }

    /// Compares what the tables hold with what the rows ask for. Entries of what waits to be removed, or is being filled, are
    /// left out.
    fn tables(&mut self) -> Result<()> {
        let pending = Pending::read(self.txn)?;
        let gone: BTreeSet<u16> = pending.numbers(ItemKind::Edge).collect();
        let indexes: BTreeSet<u16> = pending.indexes().collect();
        let pairs: BTreeSet<u16> = pending.pairs().collect();
        let number = |key: &[u8], at: usize| {
            key.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(u16::MAX, u16::from_be_bytes)
        };
        for table in INDEXES {
            let mut found = Sum::default();
            for entry in self.txn.range(table, Bounds::Prefix(&[]))? {
                let (key, value) = entry?;
                let is_pending = match table {
                    Table::Out | Table::In => gone.contains(&number(key, 8)),
                    Table::Pair => pairs.contains(&number(key, 0)),
                    _ => indexes.contains(&number(key, 0)),
                };
                if !is_pending {
                    found.add(key, value);
                }
            }
            let wanted = self.expected.get(&table).copied().unwrap_or_default();
            if found.entries != wanted.entries {
                let name = table.name();
                self.report.find(|| {
                    format!("table `{name}` has {} entries, its rows ask for {}", found.entries, wanted.entries)
                });
            } else if found != wanted {
                self.report.find(|| format!("table `{}` has entries that no row asks for", table.name()));
            }
            self.disagrees |= found != wanted;
        }
        Ok(())
    }

    /// Looks every entry up that a row asks for.
    fn look_up(&mut self) -> Result<()> {
        let mut arena = Arena::new();
        for ty in self.types() {
            for row in graph::scan(self.txn, ty)? {
                let (id, bytes) = row?;
                for entry in self.entries(ty, id, bytes, &arena)? {
                    if !self.holds(&entry)? {
                        self.report.find(|| entry.missing);
                    }
                }
                arena.reset();
            }
        }
        Ok(())
    }

    fn holds(&self, entry: &Entry) -> Result<bool> {
        if !entry.table.has_duplicates() {
            return Ok(self.txn.get(entry.table, &entry.key)? == Some(&entry.value));
        }
        for duplicate in self.txn.dups(entry.table, &entry.key)? {
            if duplicate? == entry.value {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
