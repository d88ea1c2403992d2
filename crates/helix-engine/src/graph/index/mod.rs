//! What the indexes on fields tell.

#[cfg(test)]
mod tests;

use helix_plan::{Direction as Order, FieldId, ScalarType};

use super::{id_of, to_id};
use crate::catalog::{LiveField, LiveIndex, LiveType};
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::row::{Arena, coerce};
use crate::storage::{Bounds, ReadTxn, Table, keys};
use crate::value::Value;
use crate::value::compare::float;

/// The oldest node whose indexed field equals a value. Null, and a value that the field cannot hold, equal nothing.
///
/// # Errors
///
/// When the store fails, or the field has no index.
pub fn by_index<T: ReadTxn>(txn: &T, ty: &LiveType, field: FieldId, value: &Value<'_>) -> Result<Option<ItemId>> {
    let (field, index) = indexed(ty, field)?;
    let arena = Arena::new();
    match (value, coerce(*value, &field.ty, &field.name, &arena)) {
        (_, Ok(Value::Null) | Err(_)) => Ok(None),
        // What is rounded to the 32 bits of the field is not equal to it.
        (Value::F64(exact), Ok(Value::F32(rounded))) if f64::from(rounded) != *exact => Ok(None),
        (_, Ok(value)) => id_of(txn.get(index.table(), &index.key(&value))?),
    }
}

/// Entries of an index: those from a key up to but not including another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRange {
    table: Table,
    from: Vec<u8>,
    end: Vec<u8>,
}

impl IndexRange {
    /// The entries of all nodes whose field equals a value; `None` when the index cannot tell which these are.
    ///
    /// # Errors
    ///
    /// When the field has no index.
    pub fn equal(ty: &LiveType, field: FieldId, value: &Value<'_>) -> Result<Option<Self>> {
        let (field, index) = indexed(ty, field)?;
        Ok(comparable(field, value).map(|value| {
            let from = index.key(&value);
            Self { table: index.table(), end: after(&from), from }
        }))
    }

    /// The entries of all nodes whose field is neither below one value nor above another; `None` when the index cannot tell
    /// which these are.
    ///
    /// # Errors
    ///
    /// When the field has no index.
    pub fn between(
        ty: &LiveType,
        field: FieldId,
        from: Option<&Value<'_>>,
        to: Option<&Value<'_>>,
    ) -> Result<Option<Self>> {
        let (field, index) = indexed(ty, field)?;
        let key = |value: &Value<'_>| comparable(field, value).map(|value| keys::index_prefix(index.key(&value)));
        let from = from.map_or_else(|| Some(index.first_key()), key);
        let end = to.map_or_else(|| Some(index.last_key()), |to| key(to).map(|key| after(&key)));
        Ok(from.zip(end).map(|(from, end)| Self { table: index.table(), from, end }))
    }

    /// The nodes of the first `limit` entries, by value. `tick` is called for each.
    ///
    /// # Errors
    ///
    /// When the store or `tick` fails.
    pub fn read<T: ReadTxn>(&self, txn: &T, limit: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Vec<ItemId>> {
        if self.from >= self.end {
            return Ok(Vec::new());
        }
        let entries = txn.range(self.table, Bounds::Range(&self.from, &self.end))?.take(limit);
        entries
            .map(|entry| {
                tick()?;
                to_id(entry?.1)
            })
            .collect()
    }
}

/// The nodes that come first in the order of a field, at most `len`; those of one value in creation order. Nodes without a value
/// are left out, unless `absent` says that they belong to the order: first ascending, last descending. `None` when the index
/// cannot tell. `tick` is called for each.
///
/// # Errors
///
/// When the store or `tick` fails, or the field has no index.
pub fn leading<T: ReadTxn>(
    txn: &T,
    ty: &LiveType,
    field: FieldId,
    (order, absent): (Order, bool),
    len: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Option<Vec<ItemId>>> {
    let (field, index) = indexed(ty, field)?;
    if !field.reader.is_timeless() || (absent && !index.lists_absent) {
        return Ok(None);
    }
    let mut leading = Leading { txn, index, len, tick, found: Vec::new() };
    let is_exact = match order {
        Order::Ascending => {
            leading.absent(absent)?;
            leading.least()?
        }
        Order::Descending => {
            let is_exact = leading.greatest()?;
            leading.absent(absent)?;
            is_exact
        }
    };
    Ok(is_exact.then_some(leading.found))
}

struct Leading<'t, T> {
    txn: &'t T,
    index: LiveIndex,
    len: usize,
    tick: &'t mut dyn FnMut() -> Result<()>,
    found: Vec<ItemId>,
}

impl<T: ReadTxn> Leading<'_, T> {
    /// Adds those of the least values; gives whether their keys are in order.
    fn least(&mut self) -> Result<bool> {
        let (first, last) = (self.index.first_key(), self.index.last_key());
        let entries = self.txn.range(self.index.table(), Bounds::Range(&first, &last))?;
        for entry in entries.take(self.len - self.found.len()) {
            let (key, id) = entry?;
            if keys::is_cut(key) {
                return Ok(false);
            }
            self.take(id)?;
        }
        Ok(true)
    }

    /// The same with the greatest values.
    fn greatest(&mut self) -> Result<bool> {
        let (first, mut end) = (self.index.first_key(), self.index.last_key());
        while self.found.len() < self.len {
            let Some((key, id)) = self.txn.last(self.index.table(), Bounds::Range(&first, &end))? else { break };
            if keys::is_cut(key) {
                return Ok(false);
            }
            if self.index.unique {
                self.take(id)?;
            } else {
                self.list(self.index.table(), key)?;
            }
            end = key.to_vec();
        }
        Ok(true)
    }

    fn absent(&mut self, are_wanted: bool) -> Result<()> {
        if are_wanted { self.list(Table::Index, &self.index.absent_key()) } else { Ok(()) }
    }

    /// Adds those that are listed under a key.
    fn list(&mut self, table: Table, key: &[u8]) -> Result<()> {
        let ids = self.txn.dups(table, key)?;
        ids.take(self.len - self.found.len()).try_for_each(|id| self.take(id?))
    }

    fn take(&mut self, id: &[u8]) -> Result<()> {
        (self.tick)()?;
        self.found.push(to_id(id)?);
        Ok(())
    }
}

fn indexed(ty: &LiveType, field: FieldId) -> Result<(&LiveField, LiveIndex)> {
    let field = ty.field(field);
    let index = field.index;
    let index = index.ok_or_else(|| EngineError::Damaged(format!("`{}.{}` has no index", ty.name, field.name)))?;
    Ok((field, index))
}

/// A value as the index on a field holds it; `None` when the order of its keys is not that of the comparison, or when reads of
/// the field show more than the index holds.
fn comparable<'v>(field: &LiveField, value: &Value<'v>) -> Option<Value<'v>> {
    let scalar = field.ty.as_scalar()?;
    let is_float = matches!(scalar, ScalarType::F32 | ScalarType::F64);
    let value = match value {
        Value::Int(_) | Value::Big(_) | Value::F32(_) | Value::F64(_) if is_float => Value::F64(float(value)?),
        Value::Int(_) | Value::Big(_) if scalar.integer_range().is_some() => *value,
        Value::Str(_) if scalar == ScalarType::String => *value,
        Value::Date(_) if scalar == ScalarType::Date => *value,
        Value::Id(_) if scalar == ScalarType::Id => *value,
        Value::Bool(_) if scalar == ScalarType::Boolean => *value,
        _ => return None,
    };
    field.reader.is_timeless().then_some(value)
}

/// The end of a range that includes a key.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0xff]].concat()
}
