//! Traversals: elements are pushed through the steps one by one, so that nothing is kept that is not needed. A step that must
//! see the whole stream cuts the traversal in two.

use helix_plan::{Cardinality, Direction as Sort, Expr, ItemType, Source, Step, Traversal};

use super::run::Run;
use crate::error::{EngineError, Result};
use crate::graph::Direction;
use crate::ids::ItemId;
use crate::operators::Flow;
use crate::operators::datum::{Datum, Item};
use crate::row;
use crate::value::Value;
use crate::value::compare::sort;
use crate::vector;

/// Takes elements, and says whether it wants more.
pub(super) type Sink<'s, 'a> = &'s mut dyn FnMut(Datum<'a>) -> Result<Flow>;

/// Where elements come from: the source of a traversal, or what a cut left.
enum Input<'i, 'a> {
    Source(&'a Source),
    Elements(&'i [Datum<'a>]),
}

impl<'a> Run<'a, '_> {
    /// The value of a traversal.
    pub fn traversal(&self, traversal: &'a Traversal) -> Result<Datum<'a>> {
        match traversal.cardinality {
            Cardinality::Many => {
                let mut elements = Vec::new();
                self.stream(traversal, &mut |datum| {
                    elements.push(datum);
                    Ok(Flow::Continue)
                })?;
                Ok(Datum::Stream(self.arena.alloc_slice_copy(&elements)))
            }
            Cardinality::One => self.first(traversal)?.map_or_else(|| Err(self.missing(traversal)), Ok),
            Cardinality::Optional => Ok(self.first(traversal)?.unwrap_or_else(|| self.absent(traversal))),
        }
    }

    fn first(&self, traversal: &'a Traversal) -> Result<Option<Datum<'a>>> {
        let mut first = None;
        self.stream(traversal, &mut |datum| {
            first = Some(datum);
            Ok(Flow::Stop)
        })?;
        Ok(first)
    }

    /// What stands for a missing element: after a projection, an object without values, so that its keys can be read.
    pub fn absent(&self, traversal: &'a Traversal) -> Datum<'a> {
        match traversal.steps.last() {
            Some(Step::Project { current: _, entries }) => {
                Datum::Object(entries, self.arena.alloc_slice_fill_copy(entries.len(), Datum::NULL))
            }
            _ => Datum::NULL,
        }
    }

    /// Why a traversal that must give an element gave none.
    pub fn missing(&self, traversal: &'a Traversal) -> EngineError {
        let is_filtered = traversal.steps.iter().any(|step| matches!(step, Step::Filter { .. } | Step::Range { .. }));
        if let Source::ById { item, ids } = &traversal.source
            && let [id] = &ids[..]
            && !is_filtered
        {
            match self.lookup(*item, id) {
                Ok(found) if found.is_empty() => return self.unknown_id(*item, id),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
        EngineError::NoValue
    }

    fn unknown_id(&self, item: ItemType, id: &'a Expr) -> EngineError {
        match item.kind {
            helix_plan::ItemKind::Node => EngineError::NodeNotFound,
            helix_plan::ItemKind::Edge => EngineError::EdgeNotFound,
            helix_plan::ItemKind::Vector => {
                let id = match self.value(id) {
                    Ok(Value::Id(id)) => id.to_string(),
                    _ => "unknown".to_owned(),
                };
                EngineError::VectorNotFound { id }
            }
        }
    }

    /// Pushes every element of a traversal into `sink`.
    pub fn stream(&self, traversal: &'a Traversal, sink: Sink<'_, 'a>) -> Result<()> {
        self.run_steps(&Input::Source(&traversal.source), &traversal.steps, traversal, sink)
    }

    /// The same for its first steps only.
    pub fn stream_until(&self, traversal: &'a Traversal, steps: usize, sink: Sink<'_, 'a>) -> Result<()> {
        self.run_steps(&Input::Source(&traversal.source), &traversal.steps[..steps], traversal, sink)
    }

    fn run_steps(
        &self,
        input: &Input<'_, 'a>,
        steps: &'a [Step],
        traversal: &'a Traversal,
        sink: Sink<'_, 'a>,
    ) -> Result<()> {
        let Some(cut) = steps.iter().position(cuts) else {
            return self.each(input, &mut |datum| self.push(steps, datum, sink));
        };
        let (before, step, after) = (&steps[..cut], &steps[cut], &steps[cut + 1..]);
        let elements = self.cut(input, before, step, traversal)?;
        self.run_steps(&Input::Elements(&elements), after, traversal, sink)
    }

    /// What a step that sees the whole stream makes of it.
    fn cut(
        &self,
        input: &Input<'_, 'a>,
        before: &'a [Step],
        step: &'a Step,
        traversal: &'a Traversal,
    ) -> Result<Vec<Datum<'a>>> {
        match step {
            Step::Count => Ok(vec![Datum::Value(Value::unsigned(u128::from(self.count(input, before)?)))]),
            Step::First => self.slice(input, before, 0, 1),
            Step::Range { start, end } => {
                let (start, end) = (self.bound(start)?, self.bound(end)?);
                self.slice(input, before, start, end.saturating_sub(start))
            }
            Step::Order { current, key, direction } => {
                let mut keyed = Vec::new();
                self.each(input, &mut |datum| {
                    self.push(before, datum, &mut |datum| {
                        self.set(*current, datum);
                        let key = self.value(key)?;
                        keyed.push((key, self.reloaded(*current, datum)));
                        Ok(Flow::Continue)
                    })
                })?;
                match direction {
                    Sort::Ascending => keyed.sort_by(|(a, _), (b, _)| sort(a, b)),
                    Sort::Descending => keyed.sort_by(|(a, _), (b, _)| sort(b, a)),
                }
                Ok(keyed.into_iter().map(|(_, datum)| datum).collect())
            }
            Step::SearchVector { query, k } => {
                let elements = self.collect(input, before)?;
                self.search_exactly(&elements, query, k)
            }
            Step::Update { item, fields } => {
                let elements = self.collect(input, before)?;
                self.update(*item, &elements, fields)
            }
            Step::UpsertNode { node, fields } => {
                let elements = self.slice(input, before, 0, 1)?;
                self.upsert_node(*node, elements.first(), fields, traversal)
            }
            Step::UpsertEdge { edge, from, to, fields } => self.upsert_edge(*edge, from, to, fields),
            Step::UpsertVector { vector, data, fields } => {
                let elements = self.slice(input, before, 0, 1)?;
                self.upsert_vector(*vector, elements.first(), data, fields, traversal)
            }
            Step::Out { .. }
            | Step::In { .. }
            | Step::OutEdges { .. }
            | Step::InEdges { .. }
            | Step::From { .. }
            | Step::To { .. }
            | Step::Filter { .. }
            | Step::Map { .. }
            | Step::Project { .. } => self.collect(input, std::slice::from_ref(step)),
        }
    }

    fn collect(&self, input: &Input<'_, 'a>, steps: &'a [Step]) -> Result<Vec<Datum<'a>>> {
        self.slice(input, steps, 0, usize::MAX)
    }

    /// At most `len` elements, after `skip` others.
    fn slice(&self, input: &Input<'_, 'a>, steps: &'a [Step], skip: usize, len: usize) -> Result<Vec<Datum<'a>>> {
        let mut elements = Vec::new();
        if len == 0 {
            return Ok(elements);
        }
        let mut skipped = 0;
        self.each(input, &mut |datum| {
            self.push(steps, datum, &mut |datum| {
                if skipped < skip {
                    skipped += 1;
                    return Ok(Flow::Continue);
                }
                elements.push(datum);
                Ok(if elements.len() < len { Flow::Continue } else { Flow::Stop })
            })
        })?;
        Ok(elements)
    }

    /// How many elements there are, without reading what need not be read.
    fn count(&self, input: &Input<'_, 'a>, steps: &'a [Step]) -> Result<u64> {
        if let (Input::Source(Source::All(item)), []) = (input, steps) {
            return self.access.count(self.catalog.get(*item));
        }
        let mut count = 0;
        let last = steps.split_last().and_then(|(last, before)| {
            let (direction, edge) = match last {
                Step::Out { edge, .. } | Step::OutEdges { edge } => (Direction::Out, edge),
                Step::In { edge, .. } | Step::InEdges { edge } => (Direction::In, edge),
                _ => return None,
            };
            Some((before, direction, ItemType::edge(*edge)))
        });
        if let Some((before, direction, edge)) = last {
            let edge = self.catalog.get(edge);
            self.each(input, &mut |datum| {
                self.push(before, datum, &mut |datum| {
                    if let Some(item) = datum.item() {
                        count += self.access.degree(direction, item.id, edge)?;
                    }
                    Ok(Flow::Continue)
                })
            })?;
            return Ok(count);
        }
        self.each(input, &mut |datum| {
            self.push(steps, datum, &mut |_| {
                count += 1;
                Ok(Flow::Continue)
            })
        })?;
        Ok(count)
    }

    fn bound(&self, expr: &'a Expr) -> Result<usize> {
        let refused = |what: &str| Err(EngineError::BadValue(format!("range bounds must be {what}")));
        match self.value(expr)? {
            Value::Int(bound) => match usize::try_from(bound) {
                Ok(bound) => Ok(bound),
                Err(_) => refused("non-negative"),
            },
            Value::Big(_) => Ok(usize::MAX),
            _ => refused("integers"),
        }
    }

    /// Pushes every element of the input into `sink`.
    fn each(&self, input: &Input<'_, 'a>, sink: Sink<'_, 'a>) -> Result<()> {
        let source = match input {
            Input::Source(source) => source,
            Input::Elements(elements) => {
                for element in *elements {
                    if sink(*element)? == Flow::Stop {
                        break;
                    }
                }
                return Ok(());
            }
        };
        match source {
            Source::All(item) => self.access.scan(self.catalog.get(*item), &mut |id, row| {
                self.tick()?;
                sink(Datum::Item(Item::with_row(*item, id, row)))
            }),
            Source::ById { item, ids } => {
                for id in ids {
                    for found in self.lookup(*item, id)? {
                        if sink(Datum::Item(found))? == Flow::Stop {
                            return Ok(());
                        }
                    }
                }
                Ok(())
            }
            Source::ByIndex { node, field, value } => {
                let item = ItemType::node(*node);
                let ty = self.catalog.get(item);
                let value = self.value(value)?;
                if let Some(id) = self.access.by_index(ty, *field, &value)? {
                    sink(Datum::Item(Item::new(item, id)))?;
                }
                Ok(())
            }
            Source::SearchVector { vector, query, k } => {
                let item = ItemType::vector(*vector);
                let hits = self.access.search(self.catalog.get(item), &self.floats(query)?, self.k(k)?)?;
                for hit in hits {
                    self.tick()?;
                    let found = Item { score: hit.distance, ..Item::new(item, hit.id) };
                    if sink(Datum::Item(found))? == Flow::Stop {
                        break;
                    }
                }
                Ok(())
            }
            Source::Expr(expr) => match self.eval(expr)? {
                Datum::Stream(elements) => self.each(&Input::Elements(elements), sink),
                Datum::Value(Value::Null) => Ok(()),
                one => sink(one).map(drop),
            },
        }
    }

    /// The items of a type that an id expression names; missing ones are left out.
    fn lookup(&self, item: ItemType, id: &'a Expr) -> Result<Vec<Item<'a>>> {
        let ty = self.catalog.get(item);
        let mut ids: Vec<ItemId> = Vec::new();
        let mut add = |value: &Value<'_>| {
            if let Value::Id(uuid) = value {
                ids.extend(self.context.codec.decode(*uuid));
            }
        };
        match self.eval(id)? {
            Datum::Value(Value::List(values)) => values.iter().for_each(add),
            Datum::Value(value) => add(&value),
            Datum::Stream(elements) => ids.extend(elements.iter().filter_map(Datum::item).map(|item| item.id)),
            one => ids.extend(one.item().map(|item| item.id)),
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(row) = self.access.row(ty, id)? {
                found.push(Item::with_row(item, id, row));
            }
        }
        Ok(found)
    }

    /// Pushes an element through steps that look at one element at a time.
    fn push(&self, steps: &'a [Step], datum: Datum<'a>, sink: Sink<'_, 'a>) -> Result<Flow> {
        self.tick()?;
        let Some((step, rest)) = steps.split_first() else { return sink(datum) };
        match step {
            Step::Out { edge, to } => self.neighbours(datum, Direction::Out, ItemType::edge(*edge), *to, rest, sink),
            Step::In { edge, from } => self.neighbours(datum, Direction::In, ItemType::edge(*edge), *from, rest, sink),
            Step::OutEdges { edge } => self.edges(datum, Direction::Out, ItemType::edge(*edge), rest, sink),
            Step::InEdges { edge } => self.edges(datum, Direction::In, ItemType::edge(*edge), rest, sink),
            Step::From { item } => self.end(datum, *item, true, rest, sink),
            Step::To { item } => self.end(datum, *item, false, rest, sink),
            Step::Filter { current, predicate } => {
                if let Some(holds) = self.test_row(*current, predicate, &datum)? {
                    return if holds { self.push(rest, datum, sink) } else { Ok(Flow::Continue) };
                }
                self.set(*current, datum);
                if self.truth(predicate)? {
                    let datum = self.reloaded(*current, datum);
                    self.push(rest, datum, sink)
                } else {
                    Ok(Flow::Continue)
                }
            }
            Step::Map { current, value } => {
                self.set(*current, datum);
                let value = self.eval(value)?;
                self.push(rest, value, sink)
            }
            Step::Project { current, entries } => {
                let Some(item) = datum.item() else { return Ok(Flow::Continue) };
                self.set(*current, Datum::Item(item));
                let values = entries.iter().map(|entry| self.eval(&entry.value)).collect::<Result<Vec<_>>>()?;
                let shaped = Datum::Shaped(self.arena.alloc(item), entries, self.arena.alloc_slice_copy(&values));
                self.push(rest, shaped, sink)
            }
            Step::Count
            | Step::First
            | Step::Range { .. }
            | Step::Order { .. }
            | Step::SearchVector { .. }
            | Step::Update { .. }
            | Step::UpsertNode { .. }
            | Step::UpsertEdge { .. }
            | Step::UpsertVector { .. } => {
                Err(EngineError::Damaged("a step that cuts a traversal was not cut".to_owned()))
            }
        }
    }

    /// The element as a step left it in its slot: with the row that was read for it. Shapes are kept.
    fn reloaded(&self, slot: helix_plan::SlotId, datum: Datum<'a>) -> Datum<'a> {
        match datum {
            Datum::Item(_) => self.get(slot),
            Datum::Value(_) | Datum::Shaped(..) | Datum::Object(..) | Datum::Stream(_) => datum,
        }
    }

    fn neighbours(
        &self,
        datum: Datum<'a>,
        direction: Direction,
        edge: ItemType,
        end: ItemType,
        rest: &'a [Step],
        sink: Sink<'_, 'a>,
    ) -> Result<Flow> {
        let Some(item) = datum.item() else { return Ok(Flow::Continue) };
        let mut flow = Flow::Continue;
        self.access.adjacent(direction, item.id, self.catalog.get(edge), &mut |_, other| {
            flow = self.push(rest, Datum::Item(Item::new(end, other)), sink)?;
            Ok(flow)
        })?;
        Ok(flow)
    }

    fn edges(
        &self,
        datum: Datum<'a>,
        direction: Direction,
        edge: ItemType,
        rest: &'a [Step],
        sink: Sink<'_, 'a>,
    ) -> Result<Flow> {
        let Some(item) = datum.item() else { return Ok(Flow::Continue) };
        let mut flow = Flow::Continue;
        self.access.adjacent(direction, item.id, self.catalog.get(edge), &mut |id, _| {
            flow = self.push(rest, Datum::Item(Item::new(edge, id)), sink)?;
            Ok(flow)
        })?;
        Ok(flow)
    }

    fn end(&self, datum: Datum<'a>, end: ItemType, from: bool, rest: &'a [Step], sink: Sink<'_, 'a>) -> Result<Flow> {
        let Some(edge) = datum.item() else { return Ok(Flow::Continue) };
        let edge = self.with_row(edge)?;
        let ends = row::edge_ends(edge.row.unwrap_or_default())?;
        let id = if from { ends.0 } else { ends.1 };
        self.push(rest, Datum::Item(Item::new(end, id)), sink)
    }

    /// The vectors of a stream most similar to a query, best first.
    fn search_exactly(&self, elements: &[Datum<'a>], query: &'a Expr, k: &'a Expr) -> Result<Vec<Datum<'a>>> {
        let (query, k) = (self.floats(query)?, self.k(k)?);
        let mut scored = Vec::with_capacity(elements.len());
        for item in elements.iter().filter_map(Datum::item) {
            self.tick()?;
            let similarity = 1.0 - vector::cosine_distance(&query, self.components(&item)?)?;
            scored.push(Item { score: similarity, ..item });
        }
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        scored.truncate(k);
        Ok(scored.into_iter().map(Datum::Item).collect())
    }
}

/// Whether a step must see the whole stream, or keeps count of it.
const fn cuts(step: &Step) -> bool {
    match step {
        Step::Out { .. }
        | Step::In { .. }
        | Step::OutEdges { .. }
        | Step::InEdges { .. }
        | Step::From { .. }
        | Step::To { .. }
        | Step::Filter { .. }
        | Step::Map { .. }
        | Step::Project { .. } => false,
        Step::Count
        | Step::First
        | Step::Range { .. }
        | Step::Order { .. }
        | Step::SearchVector { .. }
        | Step::Update { .. }
        | Step::UpsertNode { .. }
        | Step::UpsertEdge { .. }
        | Step::UpsertVector { .. } => true,
    }
}
