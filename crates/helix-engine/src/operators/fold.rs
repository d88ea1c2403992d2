//! Steps that make one value of a stream, or few items of many.

use std::collections::HashSet;

use helix_plan::{Fold, MathFunction};

use super::datum::{Datum, Item};
use super::math::Exact;
use super::{Flow, math};
use crate::error::Result;
use crate::ids::ItemId;
use crate::row::Arena;
use crate::value::Value;

/// The sum, the average, an extreme, or the number of the values that it takes.
#[derive(Clone, Copy, Debug)]
pub struct Folded<'a> {
    fold: Fold,
    extreme: Value<'a>,
    sum: Sum,
    count: u64,
}

/// A sum so far. One of integers is exact, whatever lies between: only the whole must fit.
#[derive(Clone, Copy, Debug)]
enum Sum {
    Nothing,
    Integers(Exact),
    /// Of numbers of 64 bits, or of 32 bits, which are added up as those of 64.
    Floats {
        sum: f64,
        is_single: bool,
    },
}

impl Sum {
    fn plus(self, value: &Value<'_>, fold: Fold) -> Result<Self> {
        let is_single = matches!(value, Value::F32(_));
        match (self, Exact::of(value)) {
            (Self::Nothing, Some(exact)) => Ok(Self::Integers(exact)),
            (Self::Nothing, None) => Ok(Self::Floats { sum: math::number(value)?, is_single }),
            (Self::Integers(sum), Some(exact)) => match sum.plus(exact) {
                Some(sum) => Ok(Self::Integers(sum)),
                None if fold == Fold::Average => {
                    Ok(Self::Floats { sum: sum.to_f64() + exact.to_f64(), is_single: false })
                }
                None => Err(math::overflow()),
            },
            (Self::Integers(sum), None) => Ok(Self::Floats { sum: sum.to_f64() + math::number(value)?, is_single }),
            (Self::Floats { sum, is_single: before }, _) => {
                Ok(Self::Floats { sum: sum + math::number(value)?, is_single: before && is_single })
            }
        }
    }
}

impl<'a> Folded<'a> {
    /// Nothing so far.
    #[must_use]
    pub const fn new(fold: Fold) -> Self {
        Self { fold, extreme: Value::Null, sum: Sum::Nothing, count: 0 }
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
        let first = self.count == 0;
        self.count += 1;
        match self.fold {
            Fold::Count => {}
            Fold::Sum | Fold::Average => self.sum = self.sum.plus(&value, self.fold)?,
            Fold::Least | Fold::Greatest if first => self.extreme = value,
            Fold::Least => self.extreme = math::apply(MathFunction::Min, &[self.extreme, value], arena)?,
            Fold::Greatest => self.extreme = math::apply(MathFunction::Max, &[self.extreme, value], arena)?,
        }
        Flow::more()
    }

    /// The result; null where it is no finite number.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadValue`](crate::EngineError::BadValue) when a sum of integers does not fit.
    pub fn finish(self) -> Result<Value<'a>> {
        let finite = |value: f64| if value.is_finite() { Value::F64(value) } else { Value::Null };
        Ok(match (self.fold, self.sum) {
            (Fold::Count, _) => Value::unsigned(u128::from(self.count)),
            (Fold::Sum, Sum::Nothing) => Value::Int(0),
            (Fold::Sum, Sum::Integers(sum)) => return sum.value(),
            (Fold::Sum, Sum::Floats { sum, is_single: true }) if (sum as f32).is_finite() => Value::F32(sum as f32),
            (Fold::Sum, Sum::Floats { is_single: true, .. }) => Value::Null,
            (Fold::Sum, Sum::Floats { sum, is_single: false }) => finite(sum),
            (Fold::Average, Sum::Nothing) => Value::Null,
            (Fold::Average, Sum::Integers(sum)) => finite(sum.to_f64() / self.count as f64),
            (Fold::Average, Sum::Floats { sum, is_single: _ }) => finite(sum / self.count as f64),
            (Fold::Least | Fold::Greatest, _) => self.extreme,
        })
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
