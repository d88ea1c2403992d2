//! Which node types have a text index: those that a query of the program searches, if text is indexed at all.

use helix_plan::{Catalog, ItemKind, ItemType, Program, TypeId, ValueType, diff};
use serde::{Deserialize, Serialize};

use super::live::{LiveCatalog, LiveField};
use super::pending::{BuiltIndex, Garbage, Pending};
use super::stored::{StoredField, StoredType};
use crate::error::{EngineError, Result};
use crate::row::{FieldReader, Layout};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn, keys};
use crate::text::{self, Algorithm, TOKENIZER, TextConfig, TextField, TextIndex};

/// The byte that stands for text indexes in the catalog's keys.
const KIND: u8 = 6;

/// The version of the definitions' encoding. Version 1 has no stemmer.
const FORMAT: u8 = 2;

/// The text index of a node type, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredText {
    /// Its number in keys.
    pub id: u16,
    /// The node type's number in keys.
    pub node: u16,
    /// By which rules text became terms.
    pub tokenizer: u16,
    /// What brought words to their stems.
    pub stemmer: Option<String>,
}

/// All text indexes, by number.
pub(super) fn all<T: ReadTxn>(txn: &T) -> Result<Vec<StoredText>> {
    let entries = txn.range(Table::Catalog, Bounds::Prefix(&[KIND]))?;
    entries
        .map(|entry| {
            let (_, value) = entry?;
            let text = match value.split_first() {
                Some((1, body)) => {
                    let read = postcard::from_bytes::<(u16, u16, u16)>(body).ok();
                    read.map(|(id, node, tokenizer)| StoredText { id, node, tokenizer, stemmer: None })
                }
                Some((&FORMAT, body)) => postcard::from_bytes(body).ok(),
                _ => None,
            };
            text.ok_or_else(|| EngineError::Damaged("the definition of a text index".to_owned()))
        })
        .collect()
}

fn put<W: WriteTxn>(txn: &mut W, text: &StoredText) -> Result<()> {
    let value = postcard::to_extend(text, vec![FORMAT]).map_err(|error| EngineError::Storage(error.to_string()))?;
    txn.put(Table::Catalog, &keys::kind_and_id(KIND, text.id), &value)
}

/// Whether the types of a program have the text indexes that it asks for, and no others.
#[must_use]
pub fn indexes_text(live: &LiveCatalog, program: &Program, config: &TextConfig) -> bool {
    let wanted = wanted(program, config);
    live.of(ItemKind::Node).iter().all(|ty| {
        let stemmer = wanted.contains(&ty.item.id).then(|| config.stemmer(&ty.name));
        ty.text.as_ref().map(|text| text.stemmer) == stemmer
    })
}

fn wanted(program: &Program, config: &TextConfig) -> std::collections::BTreeSet<TypeId> {
    if config.enabled { program.searched_nodes() } else { std::collections::BTreeSet::new() }
}

/// Whether an index still holds the text of every row when the program changes: rows show the same fields as before.
fn keeps(
    text: &StoredText,
    node: &StoredType,
    config: &TextConfig,
    (before, after): (&Catalog, &Catalog),
    item: ItemType,
) -> bool {
    let Some(old) = before.find(ItemKind::Node, &node.name) else { return false };
    let (old, new) = (before.fields(old), after.fields(item));
    let same = |field: &helix_plan::Field| new.iter().any(|new| new.name == field.name && new.ty == field.ty);
    // A field that comes back shows what rows of an earlier layout still hold.
    let is_fresh = |field: &helix_plan::Field| {
        let mut known = node.layouts.iter().flat_map(|layout| &layout.fields);
        !known.any(|known| known.name == field.name && diff::widens(&known.ty, &field.ty))
    };
    let comes = |field: &&helix_plan::Field| !old.iter().any(|old| old.name == field.name);
    let stems = text.stemmer == stemmer_name(config.stemmer(&node.name));
    stems && text.tokenizer == TOKENIZER && old.iter().all(same) && new.iter().filter(comes).all(is_fresh)
}

/// Notes the text indexes of `program` that stored rows must fill before it becomes active.
pub(super) fn begin<W: WriteTxn>(
    txn: &mut W,
    (active, program): (&Program, &Program),
    nodes: &[StoredType],
    config: &TextConfig,
    pending: &mut Pending,
) -> Result<()> {
    let texts = all(txn)?;
    for id in wanted(program, config) {
        let item = ItemType { kind: ItemKind::Node, id };
        let name = program.catalog.name(item);
        let Some(node) = nodes.iter().find(|node| node.name == name) else { continue };
        let is_kept = |text: &StoredText| keeps(text, node, config, (&active.catalog, &program.catalog), item);
        if texts.iter().any(|text| text.node == node.id && is_kept(text)) {
            continue;
        }
        let fields = program.catalog.fields(item).iter();
        let fields = fields.map(|field| StoredField { name: field.name.clone(), ty: field.ty.clone() }).collect();
        let number = fresh(&texts, pending)?;
        text::begin(txn, number)?;
        let index = BuiltIndex::Text { node: node.id, id: number, fields, stemmer: stemmer_name(config.stemmer(name)) };
        pending.building.push(super::pending::Building { index, next: 0, filled: false, conflict: None });
    }
    Ok(())
}

fn fresh(texts: &[StoredText], pending: &Pending) -> Result<u16> {
    match texts.iter().map(|text| text.id).chain(pending.texts()).max() {
        None => Ok(0),
        Some(id) => id
            .checked_add(1)
            .ok_or_else(|| EngineError::Activation { reasons: vec!["there are too many text indexes".to_owned()] }),
    }
}

/// Discards the text indexes that do not apply any more. `nodes` are the stored node types as they were.
pub(super) fn discard<W: WriteTxn>(
    txn: &mut W,
    (before, program): (Option<&Catalog>, &Program),
    nodes: &[StoredType],
    config: &TextConfig,
    pending: &mut Pending,
) -> Result<()> {
    let wanted = wanted(program, config);
    for text in all(txn)? {
        let is_kept = nodes.iter().find(|node| node.id == text.node).is_some_and(|node| {
            program.catalog.find(ItemKind::Node, &node.name).is_some_and(|item| {
                wanted.contains(&item.id)
                    && filled(pending, node.id).is_none()
                    && before.is_some_and(|before| keeps(&text, node, config, (before, &program.catalog), item))
            })
        });
        if !is_kept {
            txn.del(Table::Catalog, &keys::kind_and_id(KIND, text.id))?;
            pending.garbage.push(Garbage::Text { id: text.id });
        }
    }
    Ok(())
}

/// Takes on the new text indexes: those that were filled, and those of types without rows.
pub(super) fn adopt<W: WriteTxn>(
    txn: &mut W,
    program: &Program,
    nodes: &[StoredType],
    config: &TextConfig,
    pending: &Pending,
) -> Result<()> {
    let mut texts = all(txn)?;
    for id in wanted(program, config) {
        let name = program.catalog.name(ItemType { kind: ItemKind::Node, id });
        let Some(node) = nodes.iter().find(|node| node.name == name) else { continue };
        if texts.iter().any(|text| text.node == node.id) {
            continue;
        }
        let id = match filled(pending, node.id) {
            Some(id) => id,
            None => fresh(&texts, pending)?,
        };
        let text = StoredText { id, node: node.id, tokenizer: TOKENIZER, stemmer: stemmer_name(config.stemmer(name)) };
        put(txn, &text)?;
        texts.push(text);
    }
    Ok(())
}

/// The number of the index that was filled for a node type.
fn filled(pending: &Pending, of: u16) -> Option<u16> {
    pending.building.iter().find_map(|building| match &building.index {
        BuiltIndex::Text { node, id, .. } if *node == of => Some(*id),
        BuiltIndex::Text { .. } | BuiltIndex::Field { .. } | BuiltIndex::Pairs { .. } => None,
    })
}

/// How a stemmer is called in what is stored.
fn stemmer_name(stemmer: Option<Algorithm>) -> Option<String> {
    stemmer.map(|algorithm| algorithm.name().to_owned())
}

/// What brings words to their stems, by its stored name; `None` when that is not known here.
fn stemmer(name: Option<&str>) -> Option<Option<Algorithm>> {
    name.map(Algorithm::from_name).transpose().ok()
}

/// The text index of a node type that is ready, if it has one.
pub(super) fn ready(texts: &[StoredText], fields: &[LiveField], node: &StoredType) -> Option<TextIndex> {
    // One of other rules is built again by the next activation.
    let text = texts.iter().find(|text| text.node == node.id && text.tokenizer == TOKENIZER)?;
    let fields = fields.iter().map(|field| TextField { reader: field.reader.timeless(), ty: field.ty.clone() });
    Some(TextIndex { number: text.id, stemmer: stemmer(text.stemmer.as_deref())?, fields: fields.collect() })
}

/// The text index of a node type that is being filled, if there is one.
pub(super) fn building(pending: &Pending, stored: &StoredType) -> Option<TextIndex> {
    pending.building.iter().find_map(|building| match &building.index {
        BuiltIndex::Text { node, id, fields, stemmer: named } if *node == stored.id => {
            let fields = fields.iter().map(|field| (field.name.as_str(), &field.ty));
            Some(TextIndex { number: *id, stemmer: stemmer(named.as_deref())?, fields: readers(stored, fields) })
        }
        BuiltIndex::Text { .. } | BuiltIndex::Field { .. } | BuiltIndex::Pairs { .. } => None,
    })
}

/// Readers of fields in rows of any layout. A field that no layout holds is left out: it is absent from every row.
fn readers<'f>(node: &StoredType, fields: impl Iterator<Item = (&'f str, &'f ValueType)>) -> Vec<TextField> {
    let layout = |stored: &super::StoredLayout| {
        Layout::new(ItemKind::Node, stored.version, stored.fields.iter().map(|field| field.ty.clone()).collect())
    };
    let layouts: Vec<_> = node.layouts.iter().map(|stored| (layout(stored), stored)).collect();
    fields
        .filter_map(|(name, ty)| {
            let place = |stored: &super::StoredLayout| {
                stored.fields.iter().position(|field| field.name == name && diff::widens(&field.ty, ty))
            };
            let last = layouts.iter().rposition(|(_, stored)| place(stored).is_some())?;
            let (newest, stored) = &layouts[last];
            let others = layouts.iter().enumerate().filter(|(at, _)| *at != last);
            let others = others.map(|(_, (layout, stored))| (layout, place(stored)));
            let reader = FieldReader::new(newest, place(stored)?, others);
            Some(TextField { reader, ty: ty.clone() })
        })
        .collect()
}
