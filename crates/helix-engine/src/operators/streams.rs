//! Streams: elements are pushed into what wants them, one by one, so that nothing is kept that is not needed.
//!
//! Everything that pushes gives back whether more is wanted, so that steps nest: Neumann, "Efficiently Compiling Efficient Query
//! Plans for Modern Hardware", VLDB 2011.

use helix_plan::{FieldId, ItemType};

use super::datum::{Datum, Item};
use super::{Flow, Run};
use crate::catalog::LiveType;
use crate::error::{EngineError, Result};
use crate::graph::Direction;
use crate::ids::ItemId;
use crate::row::{self, Arena};
use crate::text;
use crate::value::Value;
use crate::vector::{self, Hit};

/// An end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where it starts.
    From,
    /// Where it ends.
    To,
}

/// A vector that a search of an index found.
fn nearby<'a>(item: ItemType, hit: &Hit) -> Item<'a> {
    Item { score: hit.distance, is_distance: true, ..Item::new(item, hit.id) }
}

/// Pushes elements that are known.
///
/// # Errors
///
/// What `sink` fails with.
#[inline]
pub fn each<T>(elements: impl IntoIterator<Item = T>, mut sink: impl FnMut(T) -> Result<Flow>) -> Result<Flow> {
    for element in elements {
        if sink(element)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
    }
    Ok(Flow::Continue)
}

impl<'a> Run<'a, '_> {
    /// Every item of a type, in creation order.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn all(&self, item: ItemType, sink: impl FnMut(Item<'a>) -> Result<Flow>) -> Result<Flow> {
        self.all_from(item, ItemId(0), sink)
    }

    /// The same from an id on.
    #[inline]
    pub(super) fn all_from(
        &self,
        item: ItemType,
        first: ItemId,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let mut flow = Flow::Continue;
        self.access.scan(self.catalog.get(item), first, &mut |id, row| {
            self.tick()?;
            flow = sink(Item::with_row(item, id, row))?;
            Ok(flow)
        })?;
        Ok(flow)
    }

    /// How many items of a type there are.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn count(&self, item: ItemType) -> Result<u64> {
        self.access.count(self.catalog.get(item))
    }

    /// The items of a type that an id, a list of ids or items name; missing ones are left out.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn by_id(&self, item: ItemType, id: Datum<'a>, mut sink: impl FnMut(Item<'a>) -> Result<Flow>) -> Result<Flow> {
        let ty = self.catalog.get(item);
        for id in self.ids(id) {
            self.tick()?;
            if let Some(row) = self.access.row(ty, id)?
                && sink(Item::with_row(item, id, row))? == Flow::Stop
            {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// The oldest node whose indexed field equals a value, if there is one.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn by_index(
        &self,
        item: ItemType,
        field: FieldId,
        value: Value<'a>,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        match self.access.by_index(self.catalog.get(item), field, &value)? {
            Some(id) => sink(Item::new(item, id)),
            None => Ok(Flow::Continue),
        }
    }

    /// The vectors of a type nearest to a query, at most `k`, best first.
    ///
    /// # Errors
    ///
    /// When the dimension is another one, or the store or `sink` fails.
    #[inline]
    pub fn search(
        &self,
        item: ItemType,
        query: &[f32],
        k: usize,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        for hit in self.access.search(self.catalog.get(item), query, k)? {
            self.tick()?;
            if sink(nearby(item, &hit))? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// The same among the vectors that `accept` takes.
    ///
    /// # Errors
    ///
    /// As [`Run::search`]; what `accept` fails with.
    #[inline]
    pub fn search_where(
        &self,
        item: ItemType,
        query: &[f32],
        k: usize,
        mut accept: impl FnMut(Item<'a>) -> Result<bool>,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let accept: &mut dyn FnMut(ItemId) -> Result<bool> = &mut |id| {
            self.tick()?;
            accept(Item::new(item, id))
        };
        each(self.access.search_where(self.catalog.get(item), query, k, accept)?, |hit| sink(nearby(item, &hit)))
    }

    /// The nodes of a type whose text fits a query best, at most `k`, best first; none for an absent text.
    ///
    /// # Errors
    ///
    /// [`EngineError::TextNotEnabled`] when text is not indexed, or when the store or `sink` fails.
    pub fn search_text(
        &self,
        item: ItemType,
        query: Value<'a>,
        k: usize,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let query = if let Value::Str(text) = query { text } else { "" };
        for hit in self.text_hits(self.catalog.get(item), query, k)? {
            self.tick()?;
            if sink(Item { score: hit.score, ..Item::new(item, hit.id) })? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// The best nodes of a type. One that no query of the program searches has no index; a one-off query looks at every node.
    fn text_hits(&self, ty: &LiveType, query: &str, k: usize) -> Result<Vec<text::Hit>> {
        if ty.text.is_some() || !self.context.is_text_enabled {
            return self.access.search_text(ty, query, k, &mut || self.tick());
        }
        let mut scan = text::Scan::new(query);
        let mut arena = Arena::new();
        self.access.scan(ty, ItemId(0), &mut |id, row| {
            self.tick()?;
            scan.take(id, &text::document(None, ty.fields.iter().map(|field| &field.kept), row, &arena)?);
            arena.reset();
            self.check_memory(scan.held_bytes())?;
            Ok(Flow::Continue)
        })?;
        Ok(scan.best(k))
    }

    /// What an expression gave: all of many, one of one, none of null.
    ///
    /// # Errors
    ///
    /// What `sink` fails with.
    #[inline]
    pub fn each(&self, datum: Datum<'a>, mut sink: impl FnMut(Datum<'a>) -> Result<Flow>) -> Result<Flow> {
        match datum {
            Datum::Stream(elements) => each(elements.iter().copied(), |element| {
                self.tick()?;
                sink(element)
            }),
            Datum::Value(Value::Null) => Ok(Flow::Continue),
            one => sink(one),
        }
    }

    /// The items at the far end of the edges of a type at an item.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn neighbours(
        &self,
        item: &Item<'a>,
        direction: Direction,
        edge: ItemType,
        end: ItemType,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let mut flow = Flow::Continue;
        self.access.adjacent(direction, item.id, self.catalog.get(edge), &mut |_, other| {
            self.tick()?;
            flow = sink(Item::new(end, other))?;
            Ok(flow)
        })?;
        Ok(flow)
    }

    /// The edges of a type at an item.
    ///
    /// # Errors
    ///
    /// When the store or `sink` fails.
    #[inline]
    pub fn edges(
        &self,
        item: &Item<'a>,
        direction: Direction,
        edge: ItemType,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let mut flow = Flow::Continue;
        self.access.adjacent(direction, item.id, self.catalog.get(edge), &mut |id, _| {
            self.tick()?;
            flow = sink(Item::new(edge, id))?;
            Ok(flow)
        })?;
        Ok(flow)
    }

    /// How many edges of a type there are at an item.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn degree(&self, item: &Item<'a>, direction: Direction, edge: ItemType) -> Result<u64> {
        self.tick()?;
        self.access.degree(direction, item.id, self.catalog.get(edge))
    }

    /// The item at an end of an edge, which is of that type; none when it was deleted since the edge was found.
    ///
    /// # Errors
    ///
    /// When the edge was deleted since it was found, or when the store or `sink` fails.
    #[inline]
    pub fn end(
        &self,
        edge: &Item<'a>,
        end: End,
        item: ItemType,
        mut sink: impl FnMut(Item<'a>) -> Result<Flow>,
    ) -> Result<Flow> {
        let edge = self.load(*edge)?;
        let (from, to) = row::edge_ends(edge.row.unwrap_or_default())?;
        let id = if end == End::From { from } else { to };
        // On a snapshot the edge would be gone with its end.
        if !self.access.is_writing() {
            return sink(Item::new(item, id));
        }
        match self.access.row(self.catalog.get(item), id)? {
            Some(row) => sink(Item::with_row(item, id, row)),
            None => Ok(Flow::Continue),
        }
    }

    /// The vectors of a stream most similar to a query, at most `k`, best first, each compared.
    ///
    /// # Errors
    ///
    /// When a dimension is another one, or the store fails.
    pub fn search_among(&self, items: &[Item<'a>], query: &[f32], k: usize) -> Result<Vec<Item<'a>>> {
        let mut scored = Vec::with_capacity(items.len());
        for item in items {
            self.tick()?;
            let similarity = 1.0 - vector::cosine_distance(query, self.components(item)?)?;
            scored.push(Item { score: similarity, is_distance: false, ..*item });
        }
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        scored.truncate(k);
        Ok(scored)
    }

    /// A bound of a range.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadValue`] when it is no whole number, or negative.
    pub fn bound(&self, value: Value<'a>) -> Result<usize> {
        let refused = |what: &str| Err(EngineError::BadValue(format!("range bounds must be {what}")));
        match value {
            Value::Int(bound) => usize::try_from(bound).or_else(|_| refused("non-negative")),
            Value::Big(_) => Ok(usize::MAX),
            _ => refused("integers"),
        }
    }

    /// How many elements a range up to a bound looks at; what is no bound, the range itself refuses.
    #[must_use]
    pub fn reach(&self, end: Value<'a>) -> usize {
        self.bound(end).unwrap_or(usize::MAX)
    }

    /// The number of results that a search is asked for.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadValue`] when it is no whole number, or negative.
    pub fn k(&self, value: Value<'a>) -> Result<usize> {
        match value {
            Value::Int(k) => usize::try_from(k).map_err(|_| EngineError::BadValue("k must be non-negative".to_owned())),
            Value::Big(_) => Ok(usize::MAX),
            _ => Err(EngineError::BadValue("k must be an integer".to_owned())),
        }
    }

    /// The components of a query vector or of a new vector.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadValue`] when the value is no list of numbers.
    pub fn floats(&self, value: Value<'a>) -> Result<Vec<f32>> {
        let component = |value: &Value<'_>| match value {
            Value::Int(value) => Ok(*value as f32),
            Value::F32(value) => Ok(*value),
            Value::F64(value) => Ok(*value as f32),
            _ => Err(EngineError::BadValue("a vector holds numbers".to_owned())),
        };
        match value {
            Value::Floats(components) => Ok(components.to_vec()),
            Value::List(elements) => elements.iter().map(component).collect(),
            _ => Err(EngineError::BadValue("Invalid vector length: 0".to_owned())),
        }
    }
}
