//! Steps that make one value of a stream, or few items of many.

use std::collections::HashSet;

use helix_plan::{Fold, MathFunction};

use super::datum::{Datum, Item};
use super::{Flow, math};
use crate::error::Result;
use crate::ids::ItemId;
use crate::row::Arena;
use crate::value::Value;

/// The sum, the average, an extreme, or the number of the values that it takes.
#[derive(Clone, Copy, Debug)]
pub struct Folded<'a> {
    fold: Fold,
    so_far: Value<'a>,
    count: u64,
    /// Whether a sum is of F32 numbers, which are added up as F64.
    is_single: bool,
}

impl<'a> Folded<'a> {
    /// Nothing so far.
    #[must_use]
    pub const fn new(fold: Fold) -> Self {
        Self { fold, so_far: Value::Null, count: 0, is_single: false }
    }

    /// Takes a value; null is left out.
    ///
    /// # Errors
    ///
    /// As [`math::apply`].
    pub fn take(&mut self, value: Value<'a>, arena: &'a Arena) -> Result<Flow> {
        if value.is_null() {
            return Flow::more();
        }
        let function = match self.fold {
            Fold::Sum | Fold::Average => MathFunction::Add,
            Fold::Least => MathFunction::Min,
            Fold::Greatest => MathFunction::Max,
            Fold::Count => {
                self.count += 1;
                return Flow::more();
            }
        };
        let value = match (self.fold, value) {
            (Fold::Sum | Fold::Average, Value::F32(single)) => {
                self.is_single = true;
                Value::F64(f64::from(single))
            }
            _ => value,
        };
        self.so_far = if self.count == 0 { value } else { math::apply(function, &[self.so_far, value], arena)? };
        self.count += 1;
        Flow::more()
    }

    /// The result.
    ///
    /// # Errors
    ///
    /// As [`math::apply`].
    pub fn finish(self, arena: &'a Arena) -> Result<Value<'a>> {
        match self.fold {
            Fold::Sum if self.count == 0 => Ok(Value::Int(0)),
            Fold::Sum if self.is_single => Ok(match self.so_far {
                Value::F64(sum) if (sum as f32).is_finite() => Value::F32(sum as f32),
                _ => Value::Null,
            }),
            Fold::Count => Ok(Value::unsigned(u128::from(self.count))),
            Fold::Average if self.count > 0 => {
                math::apply(MathFunction::Div, &[self.so_far, Value::F64(self.count as f64)], arena)
            }
            Fold::Sum | Fold::Average | Fold::Least | Fold::Greatest => Ok(self.so_far),
        }
    }
}

/// The items that are in every one of the results that it takes.
#[derive(Debug, Default)]
pub struct Intersection<'a> {
    /// The shortest result so far, the first of its length; `None` before the first.
    shortest: Option<Vec<Item<'a>>>,
    common: HashSet<ItemId>,
}

impl<'a> Intersection<'a> {
    /// Takes a result: items, or none.
    ///
    /// # Errors
    ///
    /// Never; it is the end of a chain that may fail.
    pub fn take(&mut self, found: Datum<'a>) -> Result<Flow> {
        let items: Vec<Item<'a>> = match found {
            Datum::Stream(elements) => elements.iter().filter_map(Datum::item).collect(),
            one => one.item().into_iter().collect(),
        };
        let ids: HashSet<ItemId> = items.iter().map(|item| item.id).collect();
        match &mut self.shortest {
            None => {
                self.common = ids;
                self.shortest = Some(items);
            }
            Some(shortest) => {
                self.common.retain(|id| ids.contains(id));
                if items.len() < shortest.len() {
                    *shortest = items;
                }
            }
        }
        if self.common.is_empty() { Flow::stop() } else { Flow::more() }
    }

    /// The items, each once.
    #[must_use]
    pub fn finish(mut self) -> Vec<Item<'a>> {
        let shortest = self.shortest.unwrap_or_default();
        shortest.into_iter().filter(|item| self.common.remove(&item.id)).collect()
    }
}
