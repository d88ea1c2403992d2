//! What an activation leaves to be done in slices: data that nothing shows any more, and indexes that are being built.
//!
//! It is one record of the `meta` table, so that a killed process goes on where it was.

use std::time::Instant;

use helix_plan::{Catalog, Digest, ItemKind, Program};
use serde::{Deserialize, Serialize};

use super::stored::kind_byte;
use crate::error::{EngineError, Result};
use crate::graph;
use crate::ids::ItemId;
use crate::row;
use crate::storage::meta::{self, Meta};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn, keys};
use crate::text::TextConfig;

/// Keys that are removed between two looks at the clock.
const STEP: usize = 256;

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// To be removed, in this order.
    pub garbage: Vec<Garbage>,
    /// To be filled before a program becomes active.
    pub building: Vec<Building>,
}

/// The program that indexes are being filled for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coming {
    /// Its types.
    pub catalog: Catalog,
    program: Digest,
    is_text_enabled: bool,
    /// The names of node types and of what brings their words to their stems.
    stemming: Vec<(String, String)>,
}

impl Coming {
    /// A program, with the settings that decide on its indexes.
    #[must_use]
    pub fn new(program: &Program, text: &TextConfig) -> Self {
        let stemming = text.stemming.iter().map(|(node, stemmer)| (node.clone(), stemmer.name().to_owned()));
        Self {
            catalog: program.catalog.clone(),
            program: program.digest(),
            is_text_enabled: text.enabled,
            stemming: stemming.collect(),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn write<W: WriteTxn>(&self, txn: &mut W) -> Result<()> {
        meta::put(txn, Meta::Coming, &encode(self)?)
    }
}

/// Data that nothing shows any more. Its numbers are not given to others before it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Garbage {
    /// The items of a type.
    Type {
        /// Its kind.
        kind: ItemKind,
        /// Its number in keys.
        number: u16,
    },
    /// The entries of an index.
    Index {
        /// Its number in keys.
        id: u16,
        /// Whether its values were held at most once.
        unique: bool,
    },
    /// The pairs of an edge type.
    Pairs {
        /// Its number in keys.
        edge: u16,
    },
    /// A text index.
    Text {
        /// Its number in keys.
        id: u16,
    },
}

/// An index that is being filled. Writers keep it in step from the first slice on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Building {
    /// Which index.
    pub index: BuiltIndex,
    /// The first item that was not looked at yet.
    pub next: u64,
    /// Whether every item was looked at.
    pub filled: bool,
    /// Two items that stand in the way of uniqueness.
    pub conflict: Option<(u64, u64)>,
}

/// An index that can be filled from rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuiltIndex {
    /// On a field of a node type.
    Field {
        /// The node type's number in keys.
        node: u16,
        /// The field's name.
        field: String,
        /// The index's number in keys.
        id: u16,
        /// Whether a value may be held at most once.
        unique: bool,
    },
    /// The pairs that an edge type joins.
    Pairs {
        /// The edge type's number in keys.
        edge: u16,
    },
    /// The text of a node type.
    Text {
        /// The node type's number in keys.
        node: u16,
        /// The index's number in keys.
        id: u16,
        /// What brings its words to their stems.
        stemmer: Option<String>,
    },
}

impl BuiltIndex {
    fn into_garbage(self) -> Garbage {
        match self {
            Self::Field { id, unique, .. } => Garbage::Index { id, unique },
            Self::Pairs { edge } => Garbage::Pairs { edge },
            Self::Text { id, .. } => Garbage::Text { id },
        }
    }
}

impl Pending {
    /// Reads the record.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`] when it cannot be read.
    pub fn read<T: ReadTxn>(txn: &T) -> Result<Self> {
        match meta::get(txn, Meta::Pending)? {
            None => Ok(Self::default()),
            Some(bytes) => postcard::from_bytes(bytes)
                .map_err(|error| EngineError::Damaged(format!("what an activation left: {error}"))),
        }
    }

    /// Writes the record.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn write<W: WriteTxn>(&self, txn: &mut W) -> Result<()> {
        if self.building.is_empty() {
            meta::del(txn, Meta::Coming)?;
        }
        meta::put(txn, Meta::Pending, &encode(self)?)
    }

    /// What the indexes are being filled for, if any are.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`] when it cannot be read.
    pub fn coming<T: ReadTxn>(&self, txn: &T) -> Result<Option<Coming>> {
        if self.building.is_empty() {
            return Ok(None);
        }
        let coming = postcard::from_bytes(meta::get(txn, Meta::Coming)?.unwrap_or_default());
        coming.map(Some).map_err(|error| EngineError::Damaged(format!("the coming program: {error}")))
    }

    /// Gives up what is being built.
    pub fn abandon(&mut self) {
        self.garbage.extend(self.building.drain(..).map(|building| building.index.into_garbage()));
    }

    /// Whether pairs wait to be removed.
    #[must_use]
    pub fn has_pairs(&self) -> bool {
        self.garbage.iter().any(|garbage| matches!(garbage, Garbage::Pairs { .. }))
    }

    /// The numbers of a kind's types whose items are still there.
    pub fn numbers(&self, of: ItemKind) -> impl Iterator<Item = u16> {
        self.garbage.iter().filter_map(move |garbage| match garbage {
            Garbage::Type { kind, number } if *kind == of => Some(*number),
            Garbage::Type { .. } | Garbage::Index { .. } | Garbage::Pairs { .. } | Garbage::Text { .. } => None,
        })
    }

    /// The numbers of indexes that are going or coming.
    pub fn indexes(&self) -> impl Iterator<Item = u16> {
        let going = self.garbage.iter().filter_map(|garbage| match garbage {
            Garbage::Index { id, .. } => Some(*id),
            Garbage::Type { .. } | Garbage::Pairs { .. } | Garbage::Text { .. } => None,
        });
        let coming = self.building.iter().filter_map(|building| match building.index {
            BuiltIndex::Field { id, .. } => Some(id),
            BuiltIndex::Pairs { .. } | BuiltIndex::Text { .. } => None,
        });
        going.chain(coming)
    }

    /// The numbers of edge types whose pairs are going or coming.
    pub fn pairs(&self) -> impl Iterator<Item = u16> {
        let going = self.garbage.iter().filter_map(|garbage| match garbage {
            Garbage::Pairs { edge } => Some(*edge),
            Garbage::Type { .. } | Garbage::Index { .. } | Garbage::Text { .. } => None,
        });
        let coming = self.building.iter().filter_map(|building| match building.index {
            BuiltIndex::Pairs { edge } => Some(edge),
            BuiltIndex::Field { .. } | BuiltIndex::Text { .. } => None,
        });
        going.chain(coming)
    }

    /// The numbers of text indexes that are going or coming.
    pub fn texts(&self) -> impl Iterator<Item = u16> {
        let going = self.garbage.iter().filter_map(|garbage| match garbage {
            Garbage::Text { id } => Some(*id),
            Garbage::Type { .. } | Garbage::Index { .. } | Garbage::Pairs { .. } => None,
        });
        let coming = self.building.iter().filter_map(|building| match building.index {
            BuiltIndex::Text { id, .. } => Some(id),
            BuiltIndex::Field { .. } | BuiltIndex::Pairs { .. } => None,
        });
        going.chain(coming)
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|error| EngineError::Storage(error.to_string()))
}

/// Notes that a write holds up an index that is being built; the activation then refuses and names both items.
///
/// # Errors
///
/// When the store fails.
pub(crate) fn note_conflict<W: WriteTxn>(
    txn: &mut W,
    is_it: impl Fn(&BuiltIndex) -> bool,
    items: (ItemId, ItemId),
) -> Result<()> {
    let mut pending = Pending::read(txn)?;
    if let Some(building) = pending.building.iter_mut().find(|building| is_it(&building.index)) {
        building.conflict.get_or_insert((items.0.0, items.1.0));
    }
    pending.write(txn)
}

/// Removes garbage until `deadline`; gives whether there is more.
///
/// # Errors
///
/// When the store fails.
pub fn collect<W: WriteTxn>(txn: &mut W, deadline: Instant) -> Result<bool> {
    let mut pending = Pending::read(txn)?;
    let before = pending.garbage.len();
    while let Some(garbage) = pending.garbage.first() {
        if !remove(txn, garbage, deadline)? {
            break;
        }
        pending.garbage.remove(0);
    }
    if pending.garbage.len() != before {
        pending.write(txn)?;
    }
    Ok(!pending.garbage.is_empty())
}

/// Removes one piece of garbage until `deadline`; gives whether it is gone.
fn remove<W: WriteTxn>(txn: &mut W, garbage: &Garbage, deadline: Instant) -> Result<bool> {
    match garbage {
        Garbage::Index { id, unique } => {
            // What has no value is listed beside the others.
            let tables = [Table::Index].into_iter().chain(unique.then_some(Table::Unique));
            clear_all(txn, tables, *id, deadline)
        }
        Garbage::Pairs { edge } => clear(txn, Table::Pair, &edge.to_be_bytes(), deadline),
        Garbage::Text { id } => clear_all(txn, crate::text::TABLES, *id, deadline),
        Garbage::Type { kind, number } => {
            let gone = match kind {
                ItemKind::Node => clear(txn, Table::Node, &number.to_be_bytes(), deadline)?,
                ItemKind::Edge => clear_edges(txn, *number, deadline)?,
                ItemKind::Vector => {
                    let tables = std::iter::once(Table::Vector).chain(crate::vector::TABLES);
                    clear_all(txn, tables, *number, deadline)?
                }
            };
            if gone {
                txn.del(Table::Count, &keys::kind_and_id(kind_byte(*kind), *number))?;
            }
            Ok(gone)
        }
    }
}

/// Removes the keys of some tables that start with a number until `deadline`; gives whether they are gone.
fn clear_all<W: WriteTxn>(
    txn: &mut W,
    tables: impl IntoIterator<Item = Table>,
    number: u16,
    deadline: Instant,
) -> Result<bool> {
    for table in tables {
        if !clear(txn, table, &number.to_be_bytes(), deadline)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes the keys that start with a prefix until `deadline`; gives whether they are gone.
fn clear<W: WriteTxn>(txn: &mut W, table: Table, prefix: &[u8], deadline: Instant) -> Result<bool> {
    loop {
        let mut keys: Vec<Vec<u8>> = Vec::with_capacity(STEP);
        for entry in txn.range(table, Bounds::Prefix(prefix))? {
            let (key, _) = entry?;
            if keys.last().is_none_or(|last| last != key) {
                keys.push(key.to_vec());
            }
            if keys.len() == STEP {
                break;
            }
        }
        for key in &keys {
            txn.del(table, key)?;
        }
        if keys.len() < STEP {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
    }
}

/// Removes the edges of a type, with their places in the lists of their ends.
fn clear_edges<W: WriteTxn>(txn: &mut W, number: u16, deadline: Instant) -> Result<bool> {
    loop {
        let mut edges = Vec::with_capacity(STEP);
        for entry in txn.range(Table::Edge, Bounds::Prefix(&number.to_be_bytes()))?.take(STEP) {
            let (key, bytes) = entry?;
            let id = keys::row_id(key).ok_or_else(|| EngineError::Damaged("a row's key".to_owned()))?;
            edges.push((id, row::edge_ends(bytes)?));
        }
        for (id, (from, to)) in &edges {
            txn.del_dup(graph::Direction::Out.table(), &keys::adjacency(*from, number), &keys::neighbour(*id, *to))?;
            txn.del_dup(graph::Direction::In.table(), &keys::adjacency(*to, number), &keys::neighbour(*id, *from))?;
            txn.del(Table::Edge, &keys::row(number, *id))?;
        }
        if edges.len() < STEP {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
    }
}
