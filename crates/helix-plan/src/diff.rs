//! What changes between two programs, and how careful one must be.
//!
//! `helix push`, the engine's activation and release comparison all use [`diff`], so that they agree.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Access, Catalog, Field, Index, ItemKind, ItemType, Migration, Origin, Program, ScalarType, TypeId, ValueType,
};

/// The changes from one program to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// Queries that differ, by name.
    pub queries: Vec<QueryChange>,
    /// Schema changes, by type and field name.
    pub schema: Vec<SchemaChange>,
}

/// A query that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryChange {
    /// Its name.
    pub name: String,
    /// What happened to it.
    pub change: Change,
    /// What transaction it needs: afterwards, or before when it was removed.
    pub access: crate::introspect::AccessInfo,
}

/// What happened to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It differs.
    Changed,
    /// It is gone.
    Removed,
}

/// A change of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaChange {
    /// The type, or the field as `N::Type.field`.
    pub subject: String,
    /// What happened to it.
    pub change: Change,
    /// How careful one must be.
    pub class: Class,
    /// Why, in a sentence for the user.
    pub reason: String,
}

/// How careful one must be with a schema change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Stored data stays as it is.
    Compatible,
    /// Stored data is converted or checked, and the change fails if it does not fit.
    NeedsMigration,
    /// Stored data is lost or becomes unreadable.
    Breaking,
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty() && self.schema.is_empty()
    }

    /// The most careful class among the schema changes.
    #[must_use]
    pub fn class(&self) -> Class {
        self.schema.iter().map(|change| change.class).max().unwrap_or(Class::Compatible)
    }
}

/// The changes from `old` to `new`.
#[must_use]
pub fn diff(old: &Program, new: &Program) -> Diff {
    Diff {
        queries: queries(&old.without_sources(), &new.without_sources()),
        schema: catalogs(&old.catalog, &new.catalog),
    }
}

fn queries(old: &Program, new: &Program) -> Vec<QueryChange> {
    // Type ids are positions in sorted lists, so equal queries may hold different ids after a type was added.
    let same_catalog = old.catalog == new.catalog;
    let names: BTreeSet<&str> = old.queries.iter().chain(&new.queries).map(|query| query.name.as_str()).collect();
    let changes = names.into_iter().filter_map(|name| {
        let (query, change) = match (old.query(name), new.query(name)) {
            (None, Some(query)) => (query, Change::Added),
            (Some(query), None) => (query, Change::Removed),
            (Some(before), Some(query)) if before != query || !same_catalog => (query, Change::Changed),
            (Some(_) | None, _) => return None,
        };
        let access = match query.access {
            Access::Read => crate::introspect::AccessInfo::Read,
            Access::Write => crate::introspect::AccessInfo::Write,
        };
        Some(QueryChange { name: name.to_owned(), change, access })
    });
    changes.collect()
}

/// The schema changes from `old` to `new`.
#[must_use]
pub fn catalogs(old: &Catalog, new: &Catalog) -> Vec<SchemaChange> {
    let mut changes = Vec::new();
    for kind in [ItemKind::Node, ItemKind::Edge, ItemKind::Vector] {
        for before in items(old, kind) {
            let name = old.name(before);
            let subject = subject(kind, name);
            if let Some((migration, after)) = migrated(old, before, new) {
                if new.name(after) != name {
                    changes.push(SchemaChange {
                        reason: format!("stored items are read as `{}`", new.name(after)),
                        subject: subject.clone(),
                        change: Change::Changed,
                        class: Class::NeedsMigration,
                    });
                }
                if kind == ItemKind::Edge {
                    changes.extend(ends(old, before.id, new, after.id, &subject));
                }
                changes.extend(migrated_fields(&subject, old.fields(before), new, migration));
                continue;
            }
            match new.find(kind, name) {
                None => changes.push(SchemaChange {
                    reason: format!("every stored `{name}` is deleted"),
                    subject,
                    change: Change::Removed,
                    class: Class::Breaking,
                }),
                Some(after) => {
                    if kind == ItemKind::Edge {
                        changes.extend(ends(old, before.id, new, after.id, &subject));
                    }
                    changes.extend(fields(&subject, old.fields(before), new.fields(after)));
                }
            }
        }
        for after in items(new, kind) {
            let name = new.name(after);
            // Items of that name may be those of another type now.
            let reads = |before| migrated(old, before, new).is_none_or(|(_, now)| now == after);
            let is_new = !old.find(kind, name).is_some_and(reads)
                && !new.migrations.iter().any(|one| one.from == old.version && one.item == after);
            if is_new {
                changes.push(SchemaChange {
                    subject: subject(kind, name),
                    change: Change::Added,
                    class: Class::Compatible,
                    reason: "a new type has no data".to_owned(),
                });
            }
        }
    }
    for earlier in old.migrations.iter().filter(|migration| migration.from < old.version) {
        changes.extend(earlier_items(old, earlier, new));
    }
    changes
}

/// The changes of fields in items that were stored under a version before the old catalog's, and not written since: the new catalog
/// may read them in another way, or lack the migration.
fn earlier_items(old: &Catalog, before: &Migration, new: &Catalog) -> Vec<SchemaChange> {
    let subject = subject(before.item.kind, old.name(before.item));
    let now = migrated(old, before.item, new);
    let Some(item) = now.map(|(_, item)| item).or_else(|| new.find(before.item.kind, old.name(before.item))) else {
        return Vec::new();
    };
    let is_it = |migration: &&Migration| {
        migration.from == before.from && migration.item == item && migration.name == before.name
    };
    let after = new.migrations.iter().find(is_it);
    // Without a migration, fields are read by their names.
    let origin = |position: usize, field: &Field| {
        after.map_or_else(|| Origin::Stored(field.name.clone()), |after| after.fields[position].clone())
    };
    let origins: Vec<Origin> =
        new.fields(item).iter().enumerate().map(|(position, field)| origin(position, field)).collect();
    let mut changes = Vec::new();
    for (field, was) in old.fields(before.item).iter().zip(&before.fields) {
        // What becomes of the field itself is told where types are compared.
        let target = match now {
            Some((migration, _)) => migration.fields.iter().position(|origin| origin.reads(&field.name)),
            None => new.fields(item).iter().position(|after| after.name == field.name),
        };
        let Some(target) = target else { continue };
        let lost = was.field().filter(|stored| !origins.iter().any(|origin| origin.reads(stored)));
        let (class, reason) = match lost {
            Some(stored) => (
                Class::Breaking,
                format!("items stored under version {} are no longer read from `{stored}`", before.from),
            ),
            None if now.is_none() && origins[target] != *was => {
                (Class::NeedsMigration, format!("items stored under version {} are read in another way", before.from))
            }
            None => continue,
        };
        changes.push(SchemaChange {
            subject: format!("{subject}.{}", field.name),
            change: Change::Changed,
            class,
            reason,
        });
    }
    changes
}

fn items(catalog: &Catalog, kind: ItemKind) -> impl Iterator<Item = ItemType> {
    let len = match kind {
        ItemKind::Node => catalog.nodes.len(),
        ItemKind::Edge => catalog.edges.len(),
        ItemKind::Vector => catalog.vectors.len(),
    };
    (0..len).filter_map(|index| u16::try_from(index).ok()).map(move |index| ItemType { kind, id: TypeId(index) })
}

fn subject(kind: ItemKind, name: &str) -> String {
    let prefix = match kind {
        ItemKind::Node => 'N',
        ItemKind::Edge => 'E',
        ItemKind::Vector => 'V',
    };
    format!("{prefix}::{name}")
}

fn ends(old: &Catalog, before: TypeId, new: &Catalog, after: TypeId, subject: &str) -> Vec<SchemaChange> {
    let (before, after) = (&old.edges[before.index()], &new.edges[after.index()]);
    // What a type of the old catalog is in the new one.
    let now = |item: ItemType| match migrated(old, item, new) {
        Some((_, item)) => Some(item),
        None => new.find(item.kind, old.name(item)),
    };
    let mut changes = Vec::new();
    if now(before.from) != Some(after.from) || now(before.to) != Some(after.to) {
        changes.push(SchemaChange {
            subject: subject.to_owned(),
            change: Change::Changed,
            class: Class::Breaking,
            reason: "stored edges join items of the old end types".to_owned(),
        });
    }
    if before.unique != after.unique {
        let (class, reason) = if after.unique {
            (Class::NeedsMigration, "stored edges are checked for pairs that are joined twice")
        } else {
            (Class::Compatible, "pairs may now be joined more than once")
        };
        changes.push(SchemaChange {
            subject: subject.to_owned(),
            change: Change::Changed,
            class,
            reason: reason.to_owned(),
        });
    }
    changes
}

/// How the items of a type are read under the new catalog, when its migrations say so, and as what.
fn migrated<'c>(old: &Catalog, before: ItemType, new: &'c Catalog) -> Option<(&'c Migration, ItemType)> {
    let is_it = |migration: &&Migration| {
        migration.from == old.version && migration.item.kind == before.kind && migration.name == old.name(before)
    };
    new.migrations.iter().find(is_it).map(|migration| (migration, migration.item))
}

/// The changes of fields that a migration maps. What no field comes from is lost.
fn migrated_fields(subject: &str, old: &[Field], new: &Catalog, migration: &Migration) -> Vec<SchemaChange> {
    let after = new.fields(migration.item);
    let is_kept = |field: &Field, origin: &Origin| match origin {
        Origin::Stored(name) => *name == field.name && old.iter().any(|old| old.name == *name),
        Origin::Or(origin, _) => {
            matches!(&**origin, Origin::Stored(name) if *name == field.name && old.iter().any(|old| old.name == *name))
        }
        Origin::Absent | Origin::Cast(..) | Origin::Value(_) => false,
    };
    let kept: Vec<Field> = after
        .iter()
        .zip(&migration.fields)
        .filter(|(field, origin)| is_kept(field, origin))
        .map(|(field, _)| field.clone())
        .collect();
    let is_read = |name: &str| migration.fields.iter().any(|origin| origin.reads(name));
    let unread: Vec<Field> = old.iter().filter(|field| !is_read(&field.name)).cloned().collect();
    let same: Vec<Field> =
        old.iter().filter(|field| kept.iter().any(|kept| kept.name == field.name)).cloned().collect();
    let mut changes = fields(subject, &same, &kept);
    for lost in unread {
        changes.push(SchemaChange {
            subject: format!("{subject}.{}", lost.name),
            change: Change::Removed,
            class: Class::Breaking,
            reason: "its stored values are lost".to_owned(),
        });
    }
    for (field, origin) in after.iter().zip(&migration.fields).filter(|(field, origin)| !is_kept(field, origin)) {
        let reason = match origin {
            Origin::Absent => "stored items read it as absent".to_owned(),
            origin => match origin.field() {
                Some(stored) => format!("stored items read it from `{stored}`"),
                None => "stored items read it as the given value".to_owned(),
            },
        };
        let class = if matches!(origin, Origin::Absent) { Class::Compatible } else { Class::NeedsMigration };
        let subject = format!("{subject}.{}", field.name);
        changes.push(SchemaChange { subject: subject.clone(), change: Change::Added, class, reason });
        if let (Some((class, reason)), false) = (indexed(field.index), matches!(origin, Origin::Absent)) {
            changes.push(SchemaChange { subject, change: Change::Changed, class, reason: reason.to_owned() });
        }
    }
    changes
}

/// What an index that is new does to the values that are stored.
const fn indexed(index: Index) -> Option<(Class, &'static str)> {
    match index {
        Index::None => None,
        Index::Secondary => Some((Class::Compatible, "the index is built from stored values")),
        Index::Unique => Some((Class::NeedsMigration, "stored values are checked to be unique")),
    }
}

fn fields(subject: &str, old: &[Field], new: &[Field]) -> Vec<SchemaChange> {
    let mut changes = Vec::new();
    let mut push = |field: &str, change, class, reason: &str| {
        changes.push(SchemaChange { subject: format!("{subject}.{field}"), change, class, reason: reason.to_owned() });
    };
    for before in old {
        match new.iter().find(|field| field.name == before.name) {
            None => push(&before.name, Change::Removed, Class::Breaking, "its stored values are lost"),
            Some(after) => {
                if before.ty != after.ty {
                    let (class, reason) = if widens(&before.ty, &after.ty) {
                        (Class::Compatible, "every stored value fits the new type")
                    } else {
                        (Class::Breaking, "stored values of the old type cannot be read as the new one")
                    };
                    push(&after.name, Change::Changed, class, reason);
                }
                if before.index != after.index {
                    let (class, reason) = indexed(after.index).unwrap_or((Class::Compatible, "the index is dropped"));
                    push(&after.name, Change::Changed, class, reason);
                }
                if before.default != after.default {
                    push(&after.name, Change::Changed, Class::Compatible, "the default applies to new items");
                }
            }
        }
    }
    for after in new {
        if !old.iter().any(|field| field.name == after.name) {
            push(&after.name, Change::Added, Class::Compatible, "stored items read it as absent");
        }
    }
    changes
}

/// Whether every value of type `from` is a value of type `to`, stored or not.
#[must_use]
pub fn widens(from: &ValueType, to: &ValueType) -> bool {
    match (from, to) {
        (ValueType::Scalar(from), ValueType::Scalar(to)) => match (from.integer_range(), to.integer_range()) {
            (Some((from_min, from_max)), Some((to_min, to_max))) => from_min >= to_min && from_max <= to_max,
            _ => from == to || (*from == ScalarType::F32 && *to == ScalarType::F64),
        },
        (ValueType::List(from), ValueType::List(to)) => widens(from, to),
        (from, to) => from == to,
    }
}
