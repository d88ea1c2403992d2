//! Filling new indexes from rows, a slice a transaction, while the earlier program keeps serving. They hold what the coming
//! program shows of the rows.

use helix_plan::{Catalog, Index, ItemKind, ItemType, Program};

use super::activate::keeps_index;
use super::live::{LiveCatalog, LiveType};
use super::migrate;
use super::pending::{Building, BuiltIndex, Coming, Pending};
use super::stored::{self, StoredIndex};
use crate::error::{EngineError, Result};
use crate::graph;
use crate::ids::{IdCodec, ItemId};
use crate::row::{self, Arena};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn, keys};
use crate::text::{self, TextConfig};

/// Rows that a slice looks at: few enough that requests do not wait long for it.
pub const SLICE: usize = 5_000;

/// Bytes of rows whose text a slice takes in, after which it ends.
const SLICE_BYTES: usize = 2 << 20;

/// Notes the indexes of `program` that stored rows must fill before it becomes active; gives whether there are any. What was
/// begun for the same program goes on where it was; what was begun for another one is given up.
///
/// # Errors
///
/// When the store fails.
pub fn begin<W: WriteTxn>(txn: &mut W, active: &Program, program: &Program, text: &TextConfig) -> Result<bool> {
    let mut pending = Pending::read(txn)?;
    let coming = Coming::new(program, text);
    if pending.coming(txn)?.is_some_and(|begun| begun == coming) {
        return Ok(true);
    }
    pending.abandon();
    let nodes = stored::all(txn, ItemKind::Node)?;
    let used = nodes.iter().flat_map(|node| &node.indexes).map(|index| index.id).chain(pending.indexes());
    let mut next_id = used.max().map_or(0, |id| u32::from(id) + 1);
    let mut add = |index| pending.building.push(Building { index, next: 0, filled: false, conflict: None });
    let (before, after) = (&active.catalog, &program.catalog);
    for stored in &nodes {
        let Some(item) = migrate::new_type(before, ItemKind::Node, &stored.name, after) else { continue };
        for field in after.fields(item).iter().filter(|field| field.index != Index::None) {
            let is_it = |index: &StoredIndex| index.field == field.name && keeps_index(index, before, after, item);
            if stored.indexes.iter().any(is_it) {
                continue;
            }
            let id = u16::try_from(next_id)
                .map_err(|_| EngineError::Activation { reasons: vec!["there are too many indexes".to_owned()] })?;
            next_id += 1;
            let unique = field.index == Index::Unique;
            add(BuiltIndex::Field { node: stored.id, field: field.name.clone(), id, unique });
        }
    }
    for stored in stored::all(txn, ItemKind::Edge)? {
        let old = before.find(ItemKind::Edge, &stored.name);
        let new = migrate::new_type(before, ItemKind::Edge, &stored.name, after);
        let is_unique = |catalog: &Catalog, item: ItemType| catalog.edges[item.id.index()].unique;
        if old.zip(new).is_some_and(|(old, new)| is_unique(after, new) && !is_unique(before, old)) {
            add(BuiltIndex::Pairs { edge: stored.id });
        }
    }
    super::text::begin(txn, (active, program), &nodes, text, &mut pending)?;
    let builds = !pending.building.is_empty();
    pending.write(txn)?;
    if builds {
        coming.write(txn)?;
    }
    Ok(builds)
}

/// Looks at the next `rows` rows; gives whether there are more.
///
/// # Errors
///
/// [`EngineError::Activation`] naming both items, when a value or a pair is not unique.
pub fn fill<W: WriteTxn>(txn: &mut W, catalog: &LiveCatalog, codec: IdCodec, rows: usize) -> Result<bool> {
    let mut pending = Pending::read(txn)?;
    let Some(building) = pending.building.iter_mut().find(|building| !building.filled) else { return Ok(false) };
    let (kind, number) = match building.index {
        BuiltIndex::Field { node, .. } | BuiltIndex::Text { node, .. } => (ItemKind::Node, node),
        BuiltIndex::Pairs { edge } => (ItemKind::Edge, edge),
    };
    let ty = catalog.of(kind).iter().find(|ty| ty.stored == number);
    let ty = ty.ok_or_else(|| EngineError::Damaged("an index of an unknown type is being built".to_owned()))?;
    if let BuiltIndex::Text { .. } = building.index {
        building.filled = fill_text(txn, ty, rows)?;
        pending.write(txn)?;
        return Ok(pending.building.iter().any(|building| !building.filled));
    }
    let entries = entries(txn, ty, building, rows)?;
    building.filled = entries.len() < rows;
    for (id, entry) in entries {
        building.next = id.0 + 1;
        let Some((table, key)) = entry else { continue };
        if table.has_duplicates() {
            txn.put_dup(table, &key, &id.to_bytes())?;
            continue;
        }
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

/// The share of rows, from 0 to 1, that were looked at for what is being filled; `None` when nothing is.
///
/// # Errors
///
/// When the store fails.
pub fn filled<T: ReadTxn>(txn: &T) -> Result<Option<f64>> {
    let building = Pending::read(txn)?.building;
    let shares = building.iter().map(|building| filled_of(txn, building)).collect::<Result<Vec<f64>>>()?;
    let count = shares.len() as f64;
    Ok((!shares.is_empty()).then(|| shares.into_iter().sum::<f64>() / count))
}

/// The share by ids, which are given in the order of creation.
fn filled_of<T: ReadTxn>(txn: &T, building: &Building) -> Result<f64> {
    if building.filled {
        return Ok(1.0);
    }
    let (table, number, next) = match &building.index {
        BuiltIndex::Field { node, .. } => (Table::Node, *node, building.next),
        BuiltIndex::Pairs { edge } => (Table::Edge, *edge, building.next),
        BuiltIndex::Text { node, id, .. } => (Table::Node, *node, text::looked_at(txn, *id)?.saturating_add(1)),
    };
    let prefix = number.to_be_bytes();
    let id = |entry: Option<(&[u8], &[u8])>| entry.and_then(|(key, _)| keys::row_id(key)).map_or(0, |id| id.0);
    let first = id(txn.range(table, Bounds::Prefix(&prefix))?.next().transpose()?);
    let rows = id(txn.last(table, Bounds::Prefix(&prefix))?).saturating_sub(first).saturating_add(1);
    Ok((next.saturating_sub(first) as f64 / rows as f64).min(1.0))
}

/// Takes the next rows of a type into its text index; gives whether all are in.
fn fill_text<W: WriteTxn>(txn: &mut W, ty: &LiveType, rows: usize) -> Result<bool> {
    let index = ty.building_text.as_ref();
    let index = index.ok_or_else(|| EngineError::Damaged("an unknown text index is being built".to_owned()))?;
    let first = text::looked_at(txn, index.number)?.saturating_add(1);
    let mut arena = Arena::new();
    let mut documents = Vec::with_capacity(rows);
    let mut bytes = 0;
    let mut is_last = true;
    for row in graph::scan_from(txn, ty, ItemId(first))? {
        if documents.len() == rows || bytes > SLICE_BYTES {
            is_last = false;
            break;
        }
        let (id, row) = row?;
        bytes += row.len();
        documents.push((id, index.document(row, &arena)?));
        arena.reset();
    }
    text::take_in(txn, index.number, &documents)?;
    if is_last {
        text::finish(txn, index.number)?;
    }
    Ok(is_last)
}

/// Where an item is listed, if it is.
type Entry = (ItemId, Option<(Table, Vec<u8>)>);

/// The next rows of a type as entries of an index.
fn entries<T: ReadTxn>(txn: &T, ty: &LiveType, building: &Building, rows: usize) -> Result<Vec<Entry>> {
    let mut arena = Arena::new();
    let mut entries = Vec::with_capacity(rows);
    for row in graph::scan_from(txn, ty, ItemId(building.next))?.take(rows) {
        let (id, bytes) = row?;
        let entry = match &building.index {
            BuiltIndex::Pairs { edge } => {
                let (from, to) = row::edge_ends(bytes)?;
                Some((Table::Pair, keys::pair(*edge, from, to).to_vec()))
            }
            BuiltIndex::Text { .. } => None,
            BuiltIndex::Field { id, .. } => {
                let index = ty.building.iter().find(|building| building.index.id == *id);
                let index = index
                    .ok_or_else(|| EngineError::Damaged(format!("an unknown index of `{}` is being built", ty.name)))?;
                index.entry(bytes, &arena)?
            }
        };
        entries.push((id, entry));
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
    match &building.index {
        BuiltIndex::Field { node, field, .. } => {
            let name = name(ItemKind::Node, *node);
            Some(format!("N::{name}.{field} cannot be unique: {a} and {b} hold the same value"))
        }
        BuiltIndex::Pairs { edge } => {
            Some(format!("E::{} cannot be unique: {a} and {b} join the same pair", name(ItemKind::Edge, *edge)))
        }
        BuiltIndex::Text { .. } => None,
    }
}
