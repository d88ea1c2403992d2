//! Filling new indexes from rows, a slice a transaction, while the earlier program keeps serving.

use helix_plan::{Catalog, Index, ItemKind, ItemType, Program, TypeId, diff};

use super::live::{LiveCatalog, LiveType};
use super::pending::{Building, BuiltIndex, Pending};
use super::stored::{self, StoredType};
use crate::error::{EngineError, Result};
use crate::graph;
use crate::ids::{IdCodec, ItemId};
use crate::row::{self, Arena};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn, keys};

/// Rows that a slice looks at: few enough that requests do not wait long for it.
pub const SLICE: usize = 5_000;

/// Notes the indexes of `program` that stored rows must fill before it becomes active; gives whether there are any.
///
/// # Errors
///
/// When the store fails.
pub fn begin<W: WriteTxn>(txn: &mut W, active: &Program, program: &Program) -> Result<bool> {
    let mut pending = Pending::read(txn)?;
    pending.abandon();
    let nodes = stored::all(txn, ItemKind::Node)?;
    let used = nodes.iter().flat_map(|node| &node.indexes).map(|index| index.id).chain(pending.indexes());
    let mut next_id = used.max().map_or(0, |id| u32::from(id) + 1);
    let mut add = |index| pending.building.push(Building { index, next: 0, filled: false, conflict: None });
    for (number, node) in program.catalog.nodes.iter().enumerate() {
        let Some((stored, old)) = stored_and_old(&nodes, &active.catalog, ItemKind::Node, &node.name) else { continue };
        let before = active.catalog.fields(old);
        let item = ItemType { kind: ItemKind::Node, id: TypeId(number as u16) };
        for field in program.catalog.fields(item) {
            let unique = field.index == Index::Unique;
            let has = stored.indexes.iter().any(|index| index.field == field.name && index.unique == unique);
            let keeps = before.iter().any(|old| old.name == field.name && diff::widens(&old.ty, &field.ty));
            if field.index == Index::None || has || !keeps {
                continue;
            }
            let id = u16::try_from(next_id)
                .map_err(|_| EngineError::Activation { reasons: vec!["there are too many indexes".to_owned()] })?;
            next_id += 1;
            add(BuiltIndex::Field { node: stored.id, field: field.name.clone(), id, unique });
        }
    }
    let edges = stored::all(txn, ItemKind::Edge)?;
    for edge in program.catalog.edges.iter().filter(|edge| edge.unique) {
        let old = stored_and_old(&edges, &active.catalog, ItemKind::Edge, &edge.name);
        if let Some((stored, old)) = old
            && !active.catalog.edges[old.id.index()].unique
        {
            add(BuiltIndex::Pairs { edge: stored.id });
        }
    }
    let builds = !pending.building.is_empty();
    pending.write(txn)?;
    Ok(builds)
}

/// A type of the active program. It may be empty now and get items while others are filled.
fn stored_and_old<'s>(
    stored: &'s [StoredType],
    active: &Catalog,
    kind: ItemKind,
    name: &str,
) -> Option<(&'s StoredType, ItemType)> {
    Some((stored.iter().find(|ty| ty.name == name)?, active.find(kind, name)?))
}

/// Looks at the next `rows` rows; gives whether there are more.
///
/// # Errors
///
/// [`EngineError::Activation`] naming both items, when a value or a pair is not unique.
pub fn fill<W: WriteTxn>(txn: &mut W, catalog: &LiveCatalog, codec: IdCodec, rows: usize) -> Result<bool> {
    let mut pending = Pending::read(txn)?;
    let Some(building) = pending.building.iter_mut().find(|building| !building.filled) else { return Ok(false) };
    let kind = match building.index {
        BuiltIndex::Field { .. } => ItemKind::Node,
        BuiltIndex::Pairs { .. } => ItemKind::Edge,
    };
    let (BuiltIndex::Field { node: number, .. } | BuiltIndex::Pairs { edge: number }) = building.index;
    let ty = catalog.of(kind).iter().find(|ty| ty.stored == number);
    let ty = ty.ok_or_else(|| EngineError::Damaged("an index of an unknown type is being built".to_owned()))?;
    let entries = entries(txn, ty, building, rows)?;
    building.filled = entries.len() < rows;
    for Entry { id, key } in entries {
        building.next = id.0 + 1;
        let Some(key) = key else { continue };
        let table = match building.index {
            BuiltIndex::Field { unique: false, .. } => {
                txn.put_dup(Table::Index, &key, &id.to_bytes())?;
                continue;
            }
            BuiltIndex::Field { unique: true, .. } => Table::Unique,
            BuiltIndex::Pairs { .. } => Table::Pair,
        };
        let holder = txn.get(table, &key)?.and_then(|bytes| bytes.try_into().ok()).map(ItemId::from_bytes);
        match holder {
            Some(holder) if holder != id => building.conflict = Some((holder.0, id.0)),
            Some(_) => {}
            None => txn.put(table, &key, &id.to_bytes())?,
        }
        if let Some(reason) = conflict(catalog, building, codec) {
            return Err(EngineError::Activation { reasons: vec![reason] });
        }
    }
    pending.write(txn)?;
    Ok(pending.building.iter().any(|building| !building.filled))
}

/// What a row asks of an index.
struct Entry {
    id: ItemId,
    /// `None` where the value is absent.
    key: Option<Vec<u8>>,
}

/// The next rows of a type as entries of an index.
fn entries<T: ReadTxn>(txn: &T, ty: &LiveType, building: &Building, rows: usize) -> Result<Vec<Entry>> {
    let mut arena = Arena::new();
    let mut entries = Vec::with_capacity(rows);
    let (first, end) = (keys::row(ty.stored, ItemId(building.next)), keys::row(ty.stored, ItemId(u64::MAX)));
    for row in txn.range(graph::table(ty.item.kind), Bounds::Range(&first, &end))?.take(rows) {
        let (key, bytes) = row?;
        let id = keys::row_id(key).ok_or_else(|| EngineError::Damaged("a row's key".to_owned()))?;
        let key = match &building.index {
            BuiltIndex::Pairs { edge } => {
                let (from, to) = row::edge_ends(bytes)?;
                Some(keys::pair(*edge, from, to).to_vec())
            }
            BuiltIndex::Field { field, id, .. } => {
                let field = ty.fields.iter().find(|found| found.name == *field);
                let field = field.ok_or_else(|| {
                    EngineError::Damaged(format!("an index of an unknown field of `{}` is being built", ty.name))
                })?;
                let value = field.reader.read(bytes, &arena)?;
                (!value.is_null()).then(|| {
                    let mut key = Vec::new();
                    keys::index(*id, &value, &mut key);
                    key
                })
            }
        };
        entries.push(Entry { id, key });
        arena.reset();
    }
    Ok(entries)
}

/// Why an index cannot be unique.
pub(super) fn conflict(catalog: &LiveCatalog, building: &Building, codec: IdCodec) -> Option<String> {
    let (a, b) = building.conflict?;
    let (a, b) = (codec.encode(ItemId(a)), codec.encode(ItemId(b)));
    let name = |kind, number| {
        let found = catalog.of(kind).iter().find(|ty: &&LiveType| ty.stored == number);
        found.map_or("?", |ty| ty.name.as_str())
    };
    Some(match &building.index {
        BuiltIndex::Field { node, field, .. } => {
            format!("N::{}.{field} cannot be unique: {a} and {b} hold the same value", name(ItemKind::Node, *node))
        }
        BuiltIndex::Pairs { edge } => {
            format!("E::{} cannot be unique: {a} and {b} join the same pair", name(ItemKind::Edge, *edge))
        }
    })
}
