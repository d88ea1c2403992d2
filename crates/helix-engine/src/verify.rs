//! Checks that every index agrees with its rows, both ways.

use std::collections::BTreeMap;

use helix_plan::ItemKind;

use crate::catalog::{LiveCatalog, LiveType};
use crate::error::Result;
use crate::graph::{self, Direction};
use crate::ids::ItemId;
use crate::row::{self, Arena};
use crate::storage::meta::{self, Meta};
use crate::storage::{Bounds, ReadTxn, Table, keys};
use crate::vector;

/// Findings beyond this many are counted, not kept.
const MAX_FINDINGS: usize = 100;

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
    let mut report = VerifyReport::default();
    let last_id = meta::get_array::<8>(txn, Meta::LastId)?.map_or(0, u64::from_be_bytes);
    let mut expected = Expected::default();
    for kind in [ItemKind::Node, ItemKind::Edge, ItemKind::Vector] {
        for ty in catalog.of(kind) {
            rows(txn, catalog, ty, last_id, &mut expected, &mut report)?;
        }
    }
    tables(txn, &expected, &mut report)?;
    for ty in catalog.of(ItemKind::Vector) {
        for finding in vector::verify(txn, ty.stored)? {
            report.find(|| format!("V::{}: {finding}", ty.name));
        }
    }
    Ok(report)
}

/// How many entries the rows ask for, by table.
#[derive(Default)]
struct Expected(BTreeMap<Table, u64>);

impl Expected {
    fn add(&mut self, table: Table) {
        *self.0.entry(table).or_default() += 1;
    }
}

fn rows<T: ReadTxn>(
    txn: &T,
    catalog: &LiveCatalog,
    ty: &LiveType,
    last_id: u64,
    expected: &mut Expected,
    report: &mut VerifyReport,
) -> Result<()> {
    let mut count = 0_u64;
    let mut arena = Arena::new();
    for entry in graph::scan(txn, ty)? {
        let (id, bytes) = entry?;
        count += 1;
        report.rows += 1;
        if id.0 > last_id {
            report.find(|| format!("{} {} is above the last id {last_id}", ty.name, id.0));
        }
        fields(txn, ty, id, bytes, &arena, expected, report)?;
        if ty.item.kind == ItemKind::Edge {
            edge(txn, catalog, ty, id, bytes, expected, report)?;
        }
        if ty.item.kind == ItemKind::Vector && vector::holder(txn, ty.stored, row::vector_slot(bytes)?)? != Some(id) {
            report.find(|| format!("vector {} {} has no components", ty.name, id.0));
        }
        arena.reset();
    }
    let counted = graph::count(txn, ty)?;
    if counted != count {
        report.find(|| format!("{} counts {counted} items and has {count}", ty.name));
    }
    Ok(())
}

fn fields<T: ReadTxn>(
    txn: &T,
    ty: &LiveType,
    id: ItemId,
    bytes: &[u8],
    arena: &Arena,
    expected: &mut Expected,
    report: &mut VerifyReport,
) -> Result<()> {
    for field in &ty.fields {
        let value = match field.reader.read(bytes, arena) {
            Ok(value) => value,
            Err(error) => {
                report.find(|| format!("{} {}.{}: {error}", ty.name, id.0, field.name));
                continue;
            }
        };
        let Some(index) = field.index else { continue };
        if value.is_null() {
            continue;
        }
        let mut key = Vec::new();
        keys::index(index.id, &value, &mut key);
        let table = if index.unique { Table::Unique } else { Table::Index };
        expected.add(table);
        let found = if index.unique {
            txn.get(table, &key)? == Some(&id.to_bytes())
        } else {
            let mut found = false;
            for dup in txn.dups(table, &key)? {
                found |= dup? == id.to_bytes();
            }
            found
        };
        if !found {
            report.find(|| format!("{} {} is not in the index on `{}`", ty.name, id.0, field.name));
        }
    }
    Ok(())
}

fn edge<T: ReadTxn>(
    txn: &T,
    catalog: &LiveCatalog,
    ty: &LiveType,
    id: ItemId,
    bytes: &[u8],
    expected: &mut Expected,
    report: &mut VerifyReport,
) -> Result<()> {
    let (from, to) = row::edge_ends(bytes)?;
    let Some(ends) = ty.ends else { return Ok(()) };
    for (end, item, other, direction) in [(ends.from, from, to, Direction::Out), (ends.to, to, from, Direction::In)] {
        expected.add(if direction == Direction::Out { Table::Out } else { Table::In });
        if graph::row(txn, catalog.get(end), item)?.is_none() {
            report.find(|| format!("edge {} {} joins {}, which does not exist", ty.name, id.0, item.0));
        }
        let mut found = false;
        for entry in graph::adjacent(txn, direction, item, ty)? {
            found |= entry? == (id, other);
        }
        if !found {
            report.find(|| format!("edge {} {} is not in the list at {}", ty.name, id.0, item.0));
        }
    }
    if ends.unique {
        expected.add(Table::Pair);
        if txn.get(Table::Pair, &keys::pair(ty.stored, from, to))? != Some(&id.to_bytes()) {
            report.find(|| format!("unique edge {} {} is not in the pairs", ty.name, id.0));
        }
    }
    Ok(())
}

/// Every entry that a row asks for was found above; equal counts mean that there is no other.
fn tables<T: ReadTxn>(txn: &T, expected: &Expected, report: &mut VerifyReport) -> Result<()> {
    for table in [Table::Out, Table::In, Table::Pair, Table::Index, Table::Unique] {
        let mut found = 0_u64;
        for entry in txn.range(table, Bounds::Prefix(&[]))? {
            entry?;
            found += 1;
        }
        let wanted = expected.0.get(&table).copied().unwrap_or(0);
        if found != wanted {
            report.find(|| format!("table `{}` has {found} entries, its rows ask for {wanted}", table.name()));
        }
    }
    Ok(())
}
