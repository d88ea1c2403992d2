//! What a migration changes in the store at once. Rows stay as they are: readers map them, and writes bring them up to date.
//!
//! Indexes cannot wait: those of fields that a migration gives other values are filled anew, with the activation.

use helix_plan::{Catalog, ItemKind, ItemType, Migration, Origin};

use super::activate::Definitions;
use super::live::{LiveCatalog, LiveField, LiveIndex, LiveType};
use super::pending::Garbage;
use super::stored;
use crate::error::{EngineError, Result};
use crate::graph;
use crate::ids::{IdCodec, ItemId};
use crate::row::Arena;
use crate::storage::{Table, WriteTxn, keys};
use crate::text;

/// The type that items of a type of the active program are of from now on, under another name.
pub(super) fn renamed(before: &Catalog, kind: ItemKind, name: &str, after: &Catalog) -> Option<ItemType> {
    let is_it = |migration: &&Migration| {
        migration.from == before.version && migration.item.kind == kind && migration.name == name
    };
    after.migrations.iter().find(is_it).map(|migration| migration.item)
}

/// Whether stored items show another value in a field than before. Those of a renamed type count as if they did in each: what
/// is maintained beside them was found by its name.
pub(super) fn changes(before: &Catalog, after: &Catalog, item: ItemType, field: &str) -> bool {
    let migration = after.migration(before.version, item).filter(|_| before.version != after.version);
    let (Some(migration), Some(id)) = (migration, after.field(item, field)) else { return false };
    migration.name != after.name(item)
        || !matches!(&migration.fields[id.index()], Origin::Stored(name) if name == field)
}

/// Gives types their new names.
pub(super) fn rename<W: WriteTxn>(
    txn: &mut W,
    types: &mut Definitions,
    before: &Catalog,
    after: &Catalog,
) -> Result<()> {
    for migration in after.migrations.iter().filter(|migration| migration.from == before.version) {
        let (kind, name) = (migration.item.kind, after.name(migration.item).to_owned());
        if migration.name == name || before.find(kind, &migration.name).is_none() {
            continue;
        }
        let Some(ty) = types.of(kind).iter_mut().find(|ty| ty.name == migration.name) else { continue };
        stored::remove(txn, kind, ty)?;
        ty.name = name;
        stored::put(txn, kind, ty)?;
    }
    Ok(())
}

/// Forgets the indexes that hold what items showed before.
pub(super) fn discard_indexes(types: &mut Definitions, before: &Catalog, after: &Catalog) {
    let mut garbage = Vec::new();
    for item in after.items(ItemKind::Node) {
        let name = after.name(item);
        let Some(ty) = types.nodes.iter_mut().find(|ty| ty.name == name) else { continue };
        ty.indexes.retain(|index| {
            let is_stale = changes(before, after, item, &index.field);
            if is_stale {
                garbage.push(Garbage::Index { id: index.id, unique: index.unique });
            }
            !is_stale
        });
    }
    types.pending.garbage.extend(garbage);
}

/// Fills the indexes of fields that items show other values in, and takes their text anew.
///
/// # Errors
///
/// [`EngineError::Activation`] naming both items, when a value that must be unique is not.
pub(super) fn fill<W: WriteTxn>(
    txn: &mut W,
    before: &Catalog,
    after: &Catalog,
    catalog: &LiveCatalog,
    codec: IdCodec,
) -> Result<()> {
    for item in after.items(ItemKind::Node) {
        let ty = catalog.get(item);
        let stale: Vec<&LiveField> =
            ty.fields.iter().filter(|field| changes(before, after, item, &field.name)).collect();
        if stale.is_empty() {
            continue;
        }
        for id in graph::ids(txn, ty)? {
            for field in stale.iter().filter(|field| field.index.is_some()) {
                index(txn, ty, field, id, codec)?;
            }
            let Some(of) = &ty.text else { continue };
            let arena = Arena::new();
            let Some(row) = graph::row(txn, ty, id)?.map(|row| arena.alloc_slice_copy(row)) else { continue };
            text::put(txn, of.number, id, of.document(row, &arena)?)?;
        }
    }
    Ok(())
}

/// Puts the value of a field into its index.
fn index<W: WriteTxn>(txn: &mut W, ty: &LiveType, field: &LiveField, id: ItemId, codec: IdCodec) -> Result<()> {
    let Some(LiveIndex { id: number, unique }) = field.index else { return Ok(()) };
    let arena = Arena::new();
    let mut key = Vec::with_capacity(64);
    {
        let Some(row) = graph::row(txn, ty, id)? else { return Ok(()) };
        let value = field.reader.read(row, &arena)?;
        if value.is_null() {
            return Ok(());
        }
        keys::index(number, &value, &mut key);
    }
    if !unique {
        txn.put_dup(Table::Index, &key, &id.to_bytes())?;
        return Ok(());
    }
    let holder = txn.get(Table::Unique, &key)?.and_then(|bytes| bytes.try_into().ok()).map(ItemId::from_bytes);
    if let Some(holder) = holder {
        let (one, other) = (codec.encode(holder), codec.encode(id));
        let reason = format!("`{}.{}` must be unique, and {one} and {other} have the same value", ty.name, field.name);
        return Err(EngineError::Activation { reasons: vec![reason] });
    }
    txn.put(Table::Unique, &key, &id.to_bytes())
}
