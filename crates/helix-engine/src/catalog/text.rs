//! Which node types have a text index: those that a query of the program searches, if text is indexed at all.

use helix_plan::{Catalog, Field, ItemKind, ItemType, Program, TypeId};
use serde::{Deserialize, Serialize};

use super::live::{LiveCatalog, LiveField};
use super::migrate;
use super::pending::{BuiltIndex, Garbage, Pending};
use super::stored::StoredType;
use crate::error::{EngineError, Result};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn, keys};
use crate::text::{self, Algorithm, TOKENIZER, TextConfig, TextIndex};

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
fn keeps(text: &StoredText, config: &TextConfig, (before, after): (&Catalog, &Catalog), item: ItemType) -> bool {
    let Some(old) = migrate::old_type(before, after, item) else { return false };
    let (old, new) = (before.fields(old), after.fields(item));
    let same = |field: &Field| new.iter().any(|new| new.name == field.name && new.ty == field.ty);
    let stems = text.stemmer == stemmer_name(config.stemmer(after.name(item)));
    stems
        && text.tokenizer == TOKENIZER
        && old.iter().all(same)
        && !new.iter().any(|field| migrate::changes(before, after, item, &field.name))
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
    let wanted = wanted(program, config);
    let (before, after) = (&active.catalog, &program.catalog);
    for node in nodes {
        let item = migrate::new_type(before, ItemKind::Node, &node.name, after);
        let Some(item) = item.filter(|item| wanted.contains(&item.id)) else { continue };
        let is_kept = |text: &StoredText| keeps(text, config, (before, after), item);
        if texts.iter().any(|text| text.node == node.id && is_kept(text)) {
            continue;
        }
        let number = fresh(&texts, pending)?;
        text::begin(txn, number)?;
        let stemmer = stemmer_name(config.stemmer(after.name(item)));
        let index = BuiltIndex::Text { node: node.id, id: number, stemmer };
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
        let is_kept = before.zip(nodes.iter().find(|node| node.id == text.node)).is_some_and(|(before, node)| {
            migrate::new_type(before, ItemKind::Node, &node.name, &program.catalog).is_some_and(|item| {
                wanted.contains(&item.id)
                    && filled(pending, node.id).is_none()
                    && keeps(&text, config, (before, &program.catalog), item)
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
    Some(text_index(text.id, stemmer(text.stemmer.as_deref())?, fields))
}

/// A text index that is being filled, with the fields of the coming program.
pub(super) fn building(number: u16, named: Option<&str>, fields: &[LiveField]) -> Option<TextIndex> {
    Some(text_index(number, stemmer(named)?, fields))
}

fn text_index(number: u16, stemmer: Option<Algorithm>, fields: &[LiveField]) -> TextIndex {
    TextIndex { number, stemmer, fields: fields.iter().map(|field| field.kept.clone()).collect() }
}
