//! Making a program the active one: its types are reconciled with the stored ones by name.
//!
//! Everything happens in the caller's transaction, so that an activation that fails, or is killed, leaves the earlier program
//! as it was.

use helix_plan::diff::{self, Class, SchemaChange};
use helix_plan::{Catalog, Index, ItemKind, ItemType, Program, TypeId};

use super::live::{LiveCatalog, LiveType};
use super::stored::{self, StoredEnds, StoredField, StoredIndex, StoredLayout, StoredType};
use crate::error::{EngineError, Result};
use crate::graph::Mutator;
use crate::ids::{IdCodec, ItemId};
use crate::row::{self, Arena};
use crate::storage::meta::{self, Meta};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn, keys};

/// What an activation did.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The types of the program, resolved.
    pub catalog: LiveCatalog,
    /// How the schema changed.
    pub changes: Vec<SchemaChange>,
}

/// Makes `program` the active one.
///
/// # Errors
///
/// [`EngineError::Activation`] with every reason, when stored data stands in the way: a breaking change that is not allowed, or
/// values that are not unique.
pub fn activate<W: WriteTxn>(
    txn: &mut W,
    program: &Program,
    codec: IdCodec,
    allow_breaking: bool,
) -> Result<Activation> {
    let stored_program = match meta::get(txn, Meta::Plan)? {
        Some(bytes) => {
            Some(Program::decode(bytes).map_err(|error| EngineError::Damaged(format!("the active plan: {error}")))?)
        }
        None => None,
    };
    let empty = Catalog::default();
    let before = stored_program.as_ref().map_or(&empty, |program| &program.catalog);
    let changes = diff::catalogs(before, &program.catalog);
    let breaking: Vec<String> = changes
        .iter()
        .filter(|change| change.class == Class::Breaking && !allow_breaking)
        .map(|change| format!("{} is a breaking change: {}", change.subject, change.reason))
        .collect();
    if !breaking.is_empty() {
        return Err(EngineError::Activation { reasons: breaking });
    }
    if let Some(stored) = &stored_program {
        drop_data(txn, &stored.catalog, &program.catalog)?;
    }
    let mut types = Definitions::read(txn)?;
    for kind in [ItemKind::Node, ItemKind::Vector, ItemKind::Edge] {
        types.reconcile(txn, &program.catalog, kind)?;
    }
    let catalog = LiveCatalog::load(txn, &program.catalog)?;
    build_indexes(txn, &catalog, &types.fresh_indexes, codec)?;
    build_pairs(txn, &catalog, before, &program.catalog)?;
    meta::put(txn, Meta::Plan, &program.encode())?;
    Ok(Activation { catalog, changes })
}

/// Deletes the items of types that are gone, and of edge types whose ends changed.
fn drop_data<W: WriteTxn>(txn: &mut W, before: &Catalog, after: &Catalog) -> Result<()> {
    let live = LiveCatalog::load(txn, before)?;
    let arena = Arena::new();
    for kind in [ItemKind::Edge, ItemKind::Vector, ItemKind::Node] {
        for ty in live.of(kind) {
            let name = before.name(ty.item);
            let found = after.find(kind, name);
            let keeps = found.is_some_and(|found| kind != ItemKind::Edge || same_ends(before, ty.item, after, found));
            if keeps {
                continue;
            }
            let ids = crate::graph::ids(txn, ty)?;
            let mut mutator = Mutator::new(txn, &live, &arena);
            for id in ids {
                mutator.delete(ty.item, id)?;
            }
            if found.is_none() {
                let stored = stored::all(txn, kind)?.into_iter().find(|stored| stored.id == ty.stored);
                if let Some(stored) = stored {
                    stored::remove(txn, kind, &stored)?;
                }
                txn.del(Table::Count, &keys::kind_and_id(stored::kind_byte(kind), ty.stored))?;
                if kind == ItemKind::Vector {
                    crate::vector::clear(txn, ty.stored)?;
                }
            }
        }
    }
    Ok(())
}

fn same_ends(before: &Catalog, old: ItemType, after: &Catalog, new: ItemType) -> bool {
    let (old, new) = (&before.edges[old.id.index()], &after.edges[new.id.index()]);
    let end = |catalog: &Catalog, item: ItemType| (item.kind, catalog.name(item).to_owned());
    end(before, old.from) == end(after, new.from) && end(before, old.to) == end(after, new.to)
}

/// The stored definitions while they are reconciled.
struct Definitions {
    nodes: Vec<StoredType>,
    edges: Vec<StoredType>,
    vectors: Vec<StoredType>,
    next_index: u16,
    /// Indexes that did not exist: node type's name, index.
    fresh_indexes: Vec<(String, StoredIndex)>,
}

impl Definitions {
    fn read<T: ReadTxn>(txn: &T) -> Result<Self> {
        let nodes = stored::all(txn, ItemKind::Node)?;
        let used = nodes.iter().flat_map(|node| &node.indexes).map(|index| index.id).max();
        Ok(Self {
            next_index: used.map_or(0, |id| id.saturating_add(1)),
            nodes,
            edges: stored::all(txn, ItemKind::Edge)?,
            vectors: stored::all(txn, ItemKind::Vector)?,
            fresh_indexes: Vec::new(),
        })
    }

    fn of(&mut self, kind: ItemKind) -> &mut Vec<StoredType> {
        match kind {
            ItemKind::Node => &mut self.nodes,
            ItemKind::Edge => &mut self.edges,
            ItemKind::Vector => &mut self.vectors,
        }
    }

    fn number(&mut self, catalog: &Catalog, item: ItemType) -> Result<u16> {
        let name = catalog.name(item);
        let found = self.of(item.kind).iter().find(|ty| ty.name == name).map(|ty| ty.id);
        found.ok_or_else(|| EngineError::Damaged(format!("type `{name}` has no number")))
    }

    fn reconcile<W: WriteTxn>(&mut self, txn: &mut W, catalog: &Catalog, kind: ItemKind) -> Result<()> {
        let len = match kind {
            ItemKind::Node => catalog.nodes.len(),
            ItemKind::Edge => catalog.edges.len(),
            ItemKind::Vector => catalog.vectors.len(),
        };
        for index in 0..len {
            let item = ItemType { kind, id: TypeId(index as u16) };
            let name = catalog.name(item).to_owned();
            let known = self.of(kind).iter().position(|ty| ty.name == name);
            let place = match known {
                Some(place) => place,
                None => {
                    let id = self.of(kind).iter().map(|ty| ty.id).max().map_or(0, |id| id + 1);
                    self.of(kind).push(StoredType { id, name, layouts: Vec::new(), indexes: Vec::new(), ends: None });
                    self.of(kind).len() - 1
                }
            };
            let mut ty = self.of(kind)[place].clone();
            layouts(&mut ty, catalog, item)?;
            if kind == ItemKind::Node {
                self.indexes(txn, &mut ty, catalog, item)?;
            }
            if kind == ItemKind::Edge {
                let edge = &catalog.edges[item.id.index()];
                let from = (edge.from.kind, self.number(catalog, edge.from)?);
                let to = (edge.to.kind, self.number(catalog, edge.to)?);
                ty.ends = Some(StoredEnds { from, to, unique: edge.unique });
            }
            stored::put(txn, kind, &ty)?;
            self.of(kind)[place] = ty;
        }
        Ok(())
    }

    /// Keeps the indexes that still apply, drops the others, and numbers the new ones.
    fn indexes<W: WriteTxn>(
        &mut self,
        txn: &mut W,
        ty: &mut StoredType,
        catalog: &Catalog,
        item: ItemType,
    ) -> Result<()> {
        let declared = catalog.fields(item);
        let mut kept = Vec::new();
        for index in std::mem::take(&mut ty.indexes) {
            let field = declared.iter().find(|field| field.name == index.field);
            let layout = ty.layouts.iter().rev().nth(1);
            let converted = layout.is_some_and(|layout| {
                let before = layout.fields.iter().find(|field| field.name == index.field);
                before.map(|before| &before.ty) != field.map(|field| &field.ty)
            });
            let wanted = field.map_or(Index::None, |field| field.index);
            let has = if index.unique { Index::Unique } else { Index::Secondary };
            // The keys of widened numbers stay as they are; a type that came back starts anew.
            if wanted == has && !(converted && field.is_none()) {
                kept.push(index);
            } else {
                clear_index(txn, index.id, index.unique)?;
            }
        }
        ty.indexes = kept;
        for field in declared.iter().filter(|field| field.index != Index::None) {
            if ty.indexes.iter().any(|index| index.field == field.name) {
                continue;
            }
            let index =
                StoredIndex { id: self.next_index, field: field.name.clone(), unique: field.index == Index::Unique };
            self.next_index = self
                .next_index
                .checked_add(1)
                .ok_or_else(|| EngineError::Activation { reasons: vec!["there are too many indexes".to_owned()] })?;
            self.fresh_indexes.push((ty.name.clone(), index.clone()));
            ty.indexes.push(index);
        }
        Ok(())
    }
}

/// Adds a layout when the fields differ from the current one.
fn layouts(ty: &mut StoredType, catalog: &Catalog, item: ItemType) -> Result<()> {
    let declared = catalog.fields(item);
    let kept = ty.layouts.last().map_or(&[][..], |layout| &layout.fields);
    let as_stored = |field: &helix_plan::Field| StoredField { name: field.name.clone(), ty: field.ty.clone() };
    // Fields keep their order; new ones follow by name, so that the order of declarations does not matter.
    let mut fields: Vec<StoredField> =
        kept.iter().filter_map(|kept| declared.iter().find(|field| field.name == kept.name)).map(as_stored).collect();
    let mut fresh: Vec<StoredField> =
        declared.iter().filter(|field| !kept.iter().any(|kept| kept.name == field.name)).map(as_stored).collect();
    fresh.sort_by(|a, b| a.name.cmp(&b.name));
    fields.extend(fresh);
    if ty.layouts.last().is_some_and(|layout| layout.fields == fields) {
        return Ok(());
    }
    let version = match ty.layouts.last() {
        None => 0,
        Some(layout) => layout.version.checked_add(1).ok_or_else(|| EngineError::Activation {
            reasons: vec![format!("`{}` was changed too often: export and import the data", ty.name)],
        })?,
    };
    ty.layouts.push(StoredLayout { version, fields });
    Ok(())
}

fn clear_index<W: WriteTxn>(txn: &mut W, id: u16, unique: bool) -> Result<()> {
    let table = if unique { Table::Unique } else { Table::Index };
    clear_prefix(txn, table, &id.to_be_bytes())
}

/// Removes every key that starts with a prefix, in slices, so that memory stays bounded.
pub(crate) fn clear_prefix<W: WriteTxn>(txn: &mut W, table: Table, prefix: &[u8]) -> Result<()> {
    loop {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for entry in txn.range(table, Bounds::Prefix(prefix))? {
            let (key, _) = entry?;
            if keys.last().is_none_or(|last| last != key) {
                keys.push(key.to_vec());
            }
            if keys.len() >= 10_000 {
                break;
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys {
            txn.del(table, &key)?;
        }
    }
}

/// Fills the new indexes from the rows. Values that are not unique refuse the activation; both items are named.
fn build_indexes<W: WriteTxn>(
    txn: &mut W,
    catalog: &LiveCatalog,
    fresh: &[(String, StoredIndex)],
    codec: IdCodec,
) -> Result<()> {
    let mut reasons = Vec::new();
    for (name, index) in fresh {
        let Some(ty) = catalog.of(ItemKind::Node).iter().find(|ty| ty.name == *name) else { continue };
        let Some(field) = ty.fields.iter().find(|field| field.name == index.field) else { continue };
        let mut arena = Arena::new();
        let mut key = Vec::new();
        for id in crate::graph::ids(txn, ty)? {
            key.clear();
            {
                let Some(row) = crate::graph::row(txn, ty, id)? else { continue };
                let value = field.reader.read(row, &arena)?;
                if value.is_null() {
                    continue;
                }
                keys::index(index.id, &value, &mut key);
            }
            arena.reset();
            if !index.unique {
                txn.put_dup(Table::Index, &key, &id.to_bytes())?;
                continue;
            }
            let holder = txn.get(Table::Unique, &key)?.and_then(|bytes| bytes.try_into().ok()).map(ItemId::from_bytes);
            match holder {
                None => txn.put(Table::Unique, &key, &id.to_bytes())?,
                Some(holder) => {
                    reasons.push(format!(
                        "N::{name}.{} cannot be unique: {} and {} hold the same value",
                        index.field,
                        codec.encode(holder),
                        codec.encode(id)
                    ));
                    break;
                }
            }
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(EngineError::Activation { reasons }) }
}

/// Fills or clears the pairs of edge types that became unique or stopped being it.
fn build_pairs<W: WriteTxn>(txn: &mut W, catalog: &LiveCatalog, before: &Catalog, after: &Catalog) -> Result<()> {
    let mut reasons = Vec::new();
    for ty in catalog.of(ItemKind::Edge) {
        let name = after.name(ty.item);
        let Some(old) = before.find(ItemKind::Edge, name) else { continue };
        let was = before.edges[old.id.index()].unique;
        let is = after.edges[ty.item.id.index()].unique;
        if was && !is {
            clear_prefix(txn, Table::Pair, &ty.stored.to_be_bytes())?;
        }
        if !was && is {
            reasons.extend(build_pairs_of(txn, ty)?);
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(EngineError::Activation { reasons }) }
}

fn build_pairs_of<W: WriteTxn>(txn: &mut W, ty: &LiveType) -> Result<Option<String>> {
    for id in crate::graph::ids(txn, ty)? {
        let Some(row) = crate::graph::row(txn, ty, id)? else { continue };
        let (from, to) = row::edge_ends(row)?;
        let key = keys::pair(ty.stored, from, to);
        if txn.get(Table::Pair, &key)?.is_some() {
            return Ok(Some(format!("E::{} cannot be unique: two edges join the same pair", ty.name)));
        }
        txn.put(Table::Pair, &key, &id.to_bytes())?;
    }
    Ok(None)
}
