//! What a migration changes in the store at once. Rows stay as they are: readers map them, and writes bring them up to date.
//!
//! Indexes cannot wait: those of fields that a migration gives other values are filled anew before the activation.

use helix_plan::{Catalog, ItemKind, ItemType, Migration, Origin};

use super::activate::Definitions;
use super::stored;
use crate::error::Result;
use crate::storage::WriteTxn;

/// The type that items of a type of the active program are of from now on.
pub(super) fn new_type(before: &Catalog, kind: ItemKind, name: &str, after: &Catalog) -> Option<ItemType> {
    renamed(before, kind, name, after).or_else(|| after.find(kind, name))
}

/// The type of the active program whose items are of a type from now on.
pub(super) fn old_type(before: &Catalog, after: &Catalog, item: ItemType) -> Option<ItemType> {
    before.items(item.kind).find(|old| new_type(before, item.kind, before.name(*old), after) == Some(item))
}

/// The same, where a migration says so.
pub(super) fn renamed(before: &Catalog, kind: ItemKind, name: &str, after: &Catalog) -> Option<ItemType> {
    let is_it = |migration: &&Migration| {
        migration.from == before.version && migration.item.kind == kind && migration.name == name
    };
    after.migrations.iter().find(is_it).map(|migration| migration.item)
}

/// Whether stored items show another value in a field than before.
pub(super) fn changes(before: &Catalog, after: &Catalog, item: ItemType, field: &str) -> bool {
    let migration = after.migration(before.version, item).filter(|_| before.version != after.version);
    let (Some(migration), Some(id)) = (migration, after.field(item, field)) else { return false };
    !matches!(&migration.fields[id.index()], Origin::Stored(name) if name == field)
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
