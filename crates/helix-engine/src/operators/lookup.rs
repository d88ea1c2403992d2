//! Access paths: what indexes narrow down, where that is less work than looking at every row.

use helix_plan::{Direction as Order, EdgeEnd, FieldId, ItemType};

use super::datum::{Datum, Item};
use super::streams::each;
use super::{Flow, Run};
use crate::catalog::LiveType;
use crate::error::Result;
use crate::graph::{Direction, IndexRange};
use crate::ids::ItemId;
use crate::value::Value;

/// As many hits of an index, or rows, are looked at before anything is known.
const FIRST_LOOK: usize = 128;

/// How much further each look goes.
const FURTHER: usize = 8;

/// Reading a row that an index names takes about as long as reading so many in a row.
const ROWS_PER_HIT: usize = 8;

/// Items among which all are that a condition holds for.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'l, 'a> {
    /// Those with an id, or with one of a list of ids.
    Id(Datum<'a>),
    /// The nodes whose indexed field equals a value, or one of a list of values.
    Value {
        /// A field with an index.
        field: FieldId,
        /// The value or values; null finds nothing.
        value: Datum<'a>,
    },
    /// The nodes whose indexed field is within bounds, or at them.
    Between {
        /// A field with an index.
        field: FieldId,
        /// The least value; null finds nothing.
        from: Option<Value<'a>>,
        /// The greatest value; null finds nothing.
        to: Option<Value<'a>>,
    },
    /// What any of several finds.
    Any(&'l [Lookup<'l, 'a>]),
    /// The edges with an end that has an id, or one of a list of ids.
    End {
        /// Which end.
        end: EdgeEnd,
        /// The id or ids.
        id: Datum<'a>,
    },
    /// The items whose ids are within bounds, or at them.
    IdBetween {
        /// The least id; null finds nothing.
        from: Option<Value<'a>>,
        /// The greatest id; null finds nothing.
        to: Option<Value<'a>>,
    },
}

/// A part of what a lookup finds.
enum Part {
    Item(ItemId),
    Range(IndexRange),
    /// The edges at an item.
    Edges(Direction, ItemId),
}

impl<'a> Run<'a, '_> {
    /// The items of a type that a lookup finds, in creation order; maybe more of them.
    ///
    /// How many an index finds is not known before, nor how many are wanted. So hits of the index and rows of the table are
    /// looked at in turns, each time more of them, until either ends: the work is within a constant factor of the shorter way.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn lookup(
        &self,
        item: ItemType,
        lookup: &Lookup<'_, 'a>,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        if let Lookup::IdBetween { from, to } = lookup {
            return self.id_between(item, from.as_ref(), to.as_ref(), sink);
        }
        let ty = self.catalog.get(item);
        let mut parts = Vec::new();
        if !self.parts(ty, lookup, &mut parts)? {
            return self.all(item, sink);
        }
        let count = self.rows_of(ty)?;
        let (mut next, mut look) = (ItemId(0), FIRST_LOOK);
        loop {
            if let Some(ids) = self.hits(ty, &parts, look)? {
                let left = ids.partition_point(|id| *id < next);
                return self.rows(item, &ids[left..], sink);
            }
            if look >= count / ROWS_PER_HIT {
                return self.all_from(item, next, sink);
            }
            let mut rows = 0;
            let mut flow = Flow::Continue;
            self.all_from(item, next, |found| {
                next = ItemId(found.id.0 + 1);
                rows += 1;
                flow = sink(found)?;
                Ok(if rows == look { Flow::Stop } else { flow })
            })?;
            if flow == Flow::Stop || rows < look {
                return Ok(flow);
            }
            look *= FURTHER;
        }
    }

    /// The nodes of a type that come first in the order of an indexed field, at most `len`, in creation order; maybe more of
    /// them. Those without a value are among them where `absent` says so.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn leading(
        &self,
        item: ItemType,
        field: FieldId,
        (order, absent): (Order, bool),
        len: usize,
        sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let ty = self.catalog.get(item);
        if !self.are_few(ty, len)? {
            return self.all(item, sink);
        }
        match self.access.leading(ty, field, (order, absent), len, &mut || self.tick())? {
            Some(mut ids) => {
                ids.sort_unstable();
                self.rows(item, &ids, sink)
            }
            None => self.all(item, sink),
        }
    }

    /// The items of a type that were created first, or last, at most `len`, in creation order.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn extent(
        &self,
        item: ItemType,
        order: Order,
        len: usize,
        sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let ty = self.catalog.get(item);
        if order == Order::Ascending {
            let mut left = len;
            let is_wanted = |_| {
                let is_wanted = left > 0;
                left = left.saturating_sub(1);
                is_wanted
            };
            return self.all_while(item, ItemId(0), is_wanted, sink);
        }
        if !self.are_few(ty, len)? {
            return self.all(item, sink);
        }
        let mut ids = self.access.newest(ty, len, &mut || self.tick())?;
        ids.reverse();
        self.rows(item, &ids, sink)
    }

    /// The items whose ids are within bounds. Rows are in the order of ids.
    fn id_between(
        &self,
        item: ItemType,
        from: Option<&Value<'a>>,
        to: Option<&Value<'a>>,
        sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let mut bounds = [ItemId(0), ItemId(u64::MAX)];
        for (bound, given) in bounds.iter_mut().zip([from, to]) {
            match given {
                None => {}
                Some(Value::Null) => return Ok(Flow::Continue),
                Some(Value::Id(id)) => match self.context.codec.decode(*id) {
                    Some(id) => *bound = id,
                    // One of another database has its place between others as well, but no row.
                    None => return self.all(item, sink),
                },
                Some(_) => return self.all(item, sink),
            }
        }
        let [first, last] = bounds;
        self.all_while(item, first, |id| id <= last, sink)
    }

    /// The items of a type from an id on, as long as they are wanted.
    fn all_while(
        &self,
        item: ItemType,
        first: ItemId,
        mut is_wanted: impl FnMut(ItemId) -> bool,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let mut flow = Flow::Continue;
        self.all_from(item, first, |found| {
            if !is_wanted(found.id) {
                return Ok(Flow::Stop);
            }
            flow = sink(found)?;
            Ok(flow)
        })?;
        Ok(flow)
    }

    /// Whether so many rows are read quicker by their ids than with all others.
    fn are_few(&self, ty: &LiveType, len: usize) -> Result<bool> {
        Ok(len <= FIRST_LOOK || len < self.rows_of(ty)? / ROWS_PER_HIT)
    }

    fn rows_of(&self, ty: &LiveType) -> Result<usize> {
        Ok(usize::try_from(self.access.count(ty)?).unwrap_or(usize::MAX))
    }

    /// Items that are known by their ids; what is not there is left out.
    fn rows(&self, item: ItemType, ids: &[ItemId], mut sink: impl FnMut(Item<'a>) -> Result<Flow>) -> Result<Flow> {
        let ty = self.catalog.get(item);
        each(ids, |id| {
            self.tick()?;
            match self.access.row(ty, *id)? {
                Some(row) => sink(Item::with_row(item, *id, row)),
                None => Flow::more(),
            }
        })
    }

    /// Takes a lookup apart; gives whether indexes can tell.
    fn parts(&self, ty: &LiveType, lookup: &Lookup<'_, 'a>, parts: &mut Vec<Part>) -> Result<bool> {
        let range = match lookup {
            Lookup::Id(ids) => {
                parts.extend(self.ids(*ids).into_iter().map(Part::Item));
                return Ok(true);
            }
            Lookup::IdBetween { .. } => return Ok(false),
            Lookup::End { end, id } => {
                let direction = match end {
                    EdgeEnd::From => Direction::Out,
                    EdgeEnd::To => Direction::In,
                };
                parts.extend(self.ids(*id).into_iter().map(|id| Part::Edges(direction, id)));
                return Ok(true);
            }
            Lookup::Any(any) => {
                for one in *any {
                    if !self.parts(ty, one, parts)? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
            Lookup::Value { field, value } => {
                for value in self.elements(*value) {
                    let value = value.value();
                    if value.is_null() {
                        continue;
                    }
                    match IndexRange::equal(ty, *field, &value)? {
                        Some(range) => parts.push(Part::Range(range)),
                        None => return Ok(false),
                    }
                }
                return Ok(true);
            }
            Lookup::Between { field: _, from: Some(Value::Null), to: _ }
            | Lookup::Between { field: _, from: _, to: Some(Value::Null) } => return Ok(true),
            Lookup::Between { field, from, to } => IndexRange::between(ty, *field, from.as_ref(), to.as_ref())?,
        };
        Ok(range.map(|range| parts.push(Part::Range(range))).is_some())
    }

    /// What the parts find, in creation order, each once; `None` when that is more than `limit`.
    fn hits(&self, ty: &LiveType, parts: &[Part], limit: usize) -> Result<Option<Vec<ItemId>>> {
        if parts.len() > limit {
            return Ok(None);
        }
        let mut ids = Vec::new();
        for part in parts {
            match part {
                Part::Item(id) => ids.push(*id),
                Part::Range(range) => {
                    let more = self.access.entries(range, limit + 1 - ids.len(), &mut || self.tick())?;
                    ids.extend(more);
                }
                Part::Edges(direction, item) => {
                    self.access.adjacent(*direction, *item, ty, &mut |edge, _| {
                        self.tick()?;
                        ids.push(edge);
                        Ok(if ids.len() > limit { Flow::Stop } else { Flow::Continue })
                    })?;
                }
            }
            if ids.len() > limit {
                return Ok(None);
            }
        }
        self.check_memory(ids.capacity() * size_of::<ItemId>())?;
        ids.sort_unstable();
        ids.dedup();
        Ok(Some(ids))
    }
}
