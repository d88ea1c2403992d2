//! Making a program the active one: its types are reconciled with the stored ones by name.
//!
//! An activation that fills indexes first does so in slices ([`build`](super::build)); what the program shows changes in one
//! transaction, so that an activation that fails, or is killed, leaves the earlier program as it was. What the new program
//! does not show any more is removed afterwards ([`pending`](super::pending)).

use helix_plan::diff::{self, Class, SchemaChange};
use helix_plan::{Catalog, Field, Index, ItemKind, ItemType, Program, TypeId};

use super::live::LiveCatalog;
use super::pending::{BuiltIndex, Garbage, Pending};
use super::stored::{self, StoredEnds, StoredField, StoredIndex, StoredLayout, StoredType};
use super::{build, migrate};
use crate::error::{EngineError, Result};
use crate::graph;
use crate::ids::IdCodec;
use crate::storage::meta::{self, Meta};
use crate::storage::{ReadTxn, WriteTxn};
use crate::text::TextConfig;

/// What an activation did.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The types of the program, resolved.
    pub catalog: LiveCatalog,
    /// How the schema changed.
    pub changes: Vec<SchemaChange>,
}

/// The active program, as the store has it.
///
/// # Errors
///
/// [`EngineError::Damaged`] when it cannot be read.
pub fn active<T: ReadTxn>(txn: &T) -> Result<Option<Program>> {
    let Some(bytes) = meta::get(txn, Meta::Plan)? else { return Ok(None) };
    Program::decode(bytes).map(Some).map_err(|error| EngineError::Damaged(format!("the active plan: {error}")))
}

/// How the schema of `program` differs from that of the active one.
///
/// # Errors
///
/// [`EngineError::Activation`] with every breaking change, unless they are allowed.
pub fn changes(active: Option<&Program>, program: &Program, allow_breaking: bool) -> Result<Vec<SchemaChange>> {
    let empty = Catalog::default();
    let before = active.map_or(&empty, |program| &program.catalog);
    let changes = diff::catalogs(before, &program.catalog);
    let breaking: Vec<String> = changes
        .iter()
        .filter(|change| change.class == Class::Breaking && !allow_breaking)
        .map(|change| format!("{} is a breaking change: {}", change.subject, change.reason))
        .collect();
    if breaking.is_empty() { Ok(changes) } else { Err(EngineError::Activation { reasons: breaking }) }
}

/// Makes `program` the active one. Indexes that stored rows must fill were filled before: [`build::begin`], [`build::fill`].
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
    text: &TextConfig,
) -> Result<Activation> {
    let active = active(txn)?;
    let changes = changes(active.as_ref(), program, allow_breaking)?;
    let mut pending = Pending::read(txn)?;
    if let Some(active) = &active {
        let catalog = LiveCatalog::load(txn, &active.catalog)?;
        let reasons: Vec<String> =
            pending.building.iter().filter_map(|building| build::conflict(&catalog, building, codec)).collect();
        if !reasons.is_empty() {
            return Err(EngineError::Activation { reasons });
        }
        discard(txn, &active.catalog, &program.catalog, &mut pending)?;
    }
    let mut types = Definitions::read(txn, pending)?;
    let before = active.as_ref().map(|active| &active.catalog);
    super::text::discard(txn, (before, program), &types.nodes, text, &mut types.pending)?;
    if let Some(active) = &active {
        migrate::rename(txn, &mut types, &active.catalog, &program.catalog)?;
    }
    for kind in [ItemKind::Node, ItemKind::Vector, ItemKind::Edge] {
        types.reconcile(txn, before, &program.catalog, kind)?;
    }
    super::text::adopt(txn, program, &types.nodes, text, &types.pending)?;
    let mut pending = types.pending;
    pending.building.clear();
    pending.write(txn)?;
    meta::put(txn, Meta::Plan, &program.encode())?;
    Ok(Activation { catalog: LiveCatalog::load(txn, &program.catalog)?, changes })
}

/// Takes the definitions of types that are gone, and of edge types whose ends changed, out of the catalog. Their items are
/// garbage from now on.
fn discard<W: WriteTxn>(txn: &mut W, before: &Catalog, after: &Catalog, pending: &mut Pending) -> Result<()> {
    for kind in [ItemKind::Edge, ItemKind::Vector, ItemKind::Node] {
        for stored in stored::all(txn, kind)? {
            let found = migrate::new_type(before, kind, &stored.name, after);
            let keeps = match (kind, before.find(kind, &stored.name), found) {
                (_, _, None) => false,
                (ItemKind::Edge, Some(old), Some(new)) => same_ends(before, old, after, new),
                (_, _, Some(_)) => true,
            };
            if keeps {
                if stored.ends.is_some_and(|ends| ends.unique)
                    && found.is_some_and(|found| !after.edges[found.id.index()].unique)
                {
                    pending.garbage.push(Garbage::Pairs { edge: stored.id });
                }
                continue;
            }
            let indexes = stored.indexes.iter();
            pending.garbage.extend(indexes.map(|index| Garbage::Index { id: index.id, unique: index.unique }));
            if kind == ItemKind::Edge {
                pending.garbage.push(Garbage::Pairs { edge: stored.id });
            }
            pending.garbage.push(Garbage::Type { kind, number: stored.id });
            stored::remove(txn, kind, &stored)?;
        }
    }
    Ok(())
}

fn same_ends(before: &Catalog, old: ItemType, after: &Catalog, new: ItemType) -> bool {
    let (old, new) = (&before.edges[old.id.index()], &after.edges[new.id.index()]);
    let is_same =
        |old: ItemType, new: ItemType| migrate::new_type(before, old.kind, before.name(old), after) == Some(new);
    is_same(old.from, new.from) && is_same(old.to, new.to)
}

/// The stored definitions while they are reconciled.
pub(super) struct Definitions {
    pub nodes: Vec<StoredType>,
    edges: Vec<StoredType>,
    vectors: Vec<StoredType>,
    next_index: u16,
    pub pending: Pending,
}

impl Definitions {
    fn read<T: ReadTxn>(txn: &T, pending: Pending) -> Result<Self> {
        let nodes = stored::all(txn, ItemKind::Node)?;
        let used = nodes.iter().flat_map(|node| &node.indexes).map(|index| index.id).chain(pending.indexes()).max();
        Ok(Self {
            next_index: used.map_or(0, |id| id.saturating_add(1)),
            nodes,
            edges: stored::all(txn, ItemKind::Edge)?,
            vectors: stored::all(txn, ItemKind::Vector)?,
            pending,
        })
    }

    pub fn of(&mut self, kind: ItemKind) -> &mut Vec<StoredType> {
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

    fn reconcile<W: WriteTxn>(
        &mut self,
        txn: &mut W,
        before: Option<&Catalog>,
        catalog: &Catalog,
        kind: ItemKind,
    ) -> Result<()> {
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
                    let used = self.pending.numbers(kind).max();
                    let id = self.of(kind).iter().map(|ty| ty.id).chain(used).max().map_or(0, |id| id + 1);
                    self.of(kind).push(StoredType { id, name, layouts: Vec::new(), indexes: Vec::new(), ends: None });
                    self.of(kind).len() - 1
                }
            };
            let mut ty = self.of(kind)[place].clone();
            layouts(&mut ty, catalog, item)?;
            if kind == ItemKind::Node {
                self.indexes(txn, &mut ty, (before, catalog), item)?;
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

    /// Keeps the indexes that still apply, discards the others, and takes on the new ones: those that were filled, and those of
    /// types without items.
    fn indexes<T: ReadTxn>(
        &mut self,
        txn: &T,
        ty: &mut StoredType,
        (before, catalog): (Option<&Catalog>, &Catalog),
        item: ItemType,
    ) -> Result<()> {
        let declared = catalog.fields(item);
        let is_kept = |index: &StoredIndex| before.is_some_and(|before| keeps_index(index, before, catalog, item));
        let (kept, gone) = std::mem::take(&mut ty.indexes).into_iter().partition::<Vec<_>, _>(is_kept);
        let gone = gone.into_iter().map(|index| Garbage::Index { id: index.id, unique: index.unique });
        self.pending.garbage.extend(gone);
        ty.indexes = kept;
        for field in declared.iter().filter(|field| field.index != Index::None) {
            if ty.indexes.iter().any(|index| index.field == field.name) {
                continue;
            }
            let unique = field.index == Index::Unique;
            let (id, lists_absent) = match self.filled(ty.id, &field.name, unique) {
                Some(id) => (id, true),
                None => (self.fresh_index()?, graph::count_of(txn, ItemKind::Node, ty.id)? == 0),
            };
            ty.indexes.push(StoredIndex { id, field: field.name.clone(), unique, lists_absent });
        }
        Ok(())
    }

    /// The number of the index that was filled for a field.
    fn filled(&self, node_type: u16, of: &str, is_unique: bool) -> Option<u16> {
        self.pending.building.iter().find_map(|building| match &building.index {
            BuiltIndex::Field { node, field, id, unique }
                if (*node, field.as_str(), *unique) == (node_type, of, is_unique) =>
            {
                Some(*id)
            }
            BuiltIndex::Field { .. } | BuiltIndex::Pairs { .. } | BuiltIndex::Text { .. } => None,
        })
    }

    fn fresh_index(&mut self) -> Result<u16> {
        let id = self.next_index;
        self.next_index = id
            .checked_add(1)
            .ok_or_else(|| EngineError::Activation { reasons: vec!["there are too many indexes".to_owned()] })?;
        Ok(id)
    }
}

/// Whether an index on a field of a node type still holds what its items show under another program.
pub(super) fn keeps_index(index: &StoredIndex, before: &Catalog, after: &Catalog, item: ItemType) -> bool {
    let named = |field: &&Field| field.name == index.field;
    let wanted = if index.unique { Index::Unique } else { Index::Secondary };
    let old = migrate::old_type(before, after, item).and_then(|old| before.fields(old).iter().find(named));
    let new = after.fields(item).iter().find(named);
    // The keys of widened numbers stay as they are.
    old.zip(new).is_some_and(|(old, new)| new.index == wanted && diff::widens(&old.ty, &new.ty))
        && !migrate::changes(before, after, item, &index.field)
}

/// Adds a layout when the fields differ from the current one.
pub(super) fn layouts(ty: &mut StoredType, catalog: &Catalog, item: ItemType) -> Result<()> {
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
    let schema = catalog.version;
    if ty.layouts.last().is_some_and(|layout| layout.fields == fields && layout.schema == schema) {
        return Ok(());
    }
    let version = match ty.layouts.last() {
        None => 0,
        Some(layout) => layout.version.checked_add(1).ok_or_else(|| EngineError::Activation {
            reasons: vec![format!("`{}` was changed too often: export and import the data", ty.name)],
        })?,
    };
    ty.layouts.push(StoredLayout { version, schema, fields });
    Ok(())
}
