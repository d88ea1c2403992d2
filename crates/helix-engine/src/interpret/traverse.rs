//! Traversals: elements are pushed through the steps one by one. A step that must see the whole stream cuts the traversal in
//! two.

use helix_plan::{Cardinality, Expr, Hop, ItemType, PathSearch, Reach, Source, Step, Traversal, Weight};

use super::run::Frame;
use crate::error::{EngineError, Result};
use crate::graph::Direction;
use crate::operators::datum::{Datum, Item};
use crate::operators::fold::{Folded, Intersection};
use crate::operators::group::Groups;
use crate::operators::keep::{First, Keyed, Slice};
use crate::operators::paths::{self, Way};
use crate::operators::streams::{End, each};
use crate::operators::{Flow, Lookup};
use crate::value::Value;

/// Takes elements, and says whether it wants more.
pub(super) type Sink<'s, 'a> = &'s mut dyn FnMut(Datum<'a>) -> Result<Flow>;

/// Where elements come from: the source of a traversal, or what a cut left.
enum Input<'i, 'a> {
    Source(&'a Source),
    Elements(&'i [Datum<'a>]),
}

impl<'a> Frame<'a, '_> {
    /// The value of a traversal.
    pub fn traversal(&self, traversal: &'a Traversal) -> Result<Datum<'a>> {
        match traversal.cardinality {
            Cardinality::Many => {
                let mut slice = Slice::all();
                self.stream(traversal, &mut |datum| slice.take(datum))?;
                Ok(self.run.stream(&slice.into_vec()))
            }
            Cardinality::One => self.first(traversal)?.map_or_else(|| Err(self.missing(traversal)), Ok),
            Cardinality::Optional => Ok(self.first(traversal)?.unwrap_or_else(|| self.absent(traversal))),
        }
    }

    fn first(&self, traversal: &'a Traversal) -> Result<Option<Datum<'a>>> {
        let mut first = First::default();
        self.stream(traversal, &mut |datum| first.take(datum))?;
        Ok(first.get())
    }

    /// What stands for a missing element: after a projection, an object without values, so that its keys can be read.
    pub fn absent(&self, traversal: &'a Traversal) -> Datum<'a> {
        match traversal.projection() {
            Some(entries) => {
                let members: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), Datum::NULL)).collect();
                Datum::Object(self.run.members(&members))
            }
            None => Datum::NULL,
        }
    }

    /// Why a traversal that must give an element gave none.
    pub fn missing(&self, traversal: &'a Traversal) -> EngineError {
        match traversal.looked_up() {
            Some((item, id)) => self.eval(id).map_or_else(|error| error, |id| self.run.missing(item, id)),
            None => EngineError::NoValue,
        }
    }

    /// Pushes every element of a traversal into `sink`.
    pub fn stream(&self, traversal: &'a Traversal, sink: Sink<'_, 'a>) -> Result<Flow> {
        self.stream_until(traversal, traversal.steps.len(), sink)
    }

    /// The same for its first steps only.
    pub fn stream_until(&self, traversal: &'a Traversal, steps: usize, sink: Sink<'_, 'a>) -> Result<Flow> {
        self.run_steps(&Input::Source(&traversal.source), &traversal.steps[..steps], traversal, sink)
    }

    fn run_steps(
        &self,
        input: &Input<'_, 'a>,
        steps: &'a [Step],
        traversal: &'a Traversal,
        sink: Sink<'_, 'a>,
    ) -> Result<Flow> {
        let Some(cut) = steps.iter().position(Step::sees_whole_stream) else {
            return self.each(input, &mut |datum| self.push(steps, datum, sink));
        };
        let (before, step, after) = (&steps[..cut], &steps[cut], &steps[cut + 1..]);
        let elements = self.cut(input, before, step, after, traversal)?;
        self.run_steps(&Input::Elements(&elements), after, traversal, sink)
    }

    /// What a step that sees the whole stream makes of it, before the steps that come `after` it.
    fn cut(
        &self,
        input: &Input<'_, 'a>,
        before: &'a [Step],
        step: &'a Step,
        after: &'a [Step],
        traversal: &'a Traversal,
    ) -> Result<Vec<Datum<'a>>> {
        let all = || self.slice(input, before, Slice::all());
        let one = |item: Item<'a>| vec![Datum::Item(item)];
        let many = |items: Vec<Item<'a>>| items.into_iter().map(Datum::Item).collect();
        Ok(match step {
            Step::Count => vec![Datum::Value(Value::unsigned(u128::from(self.count(input, before)?)))],
            Step::Fold(fold) => {
                let (mut folded, arena) = (Folded::new(*fold), self.run.arena);
                self.each(input, &mut |datum| {
                    self.push(before, datum, &mut |datum| folded.take(datum.value(), arena))
                })?;
                vec![Datum::Value(folded.finish()?)]
            }
            Step::Intersect { current, found } => {
                let mut common = Intersection::default();
                self.each(input, &mut |datum| {
                    self.push(before, datum, &mut |datum| {
                        self.set(*current, datum);
                        common.take(self.eval(found)?)
                    })
                })?;
                common.finish().into_iter().map(Datum::Item).collect()
            }
            Step::Group { current, by, items, tag } => {
                let mut groups = Groups::default();
                self.each(input, &mut |datum| {
                    self.push(before, datum, &mut |datum| {
                        let Some(item) = datum.item() else { return Flow::more() };
                        self.set(*current, Datum::Item(item));
                        let by = by.iter().map(|entry| Ok((entry.key.as_str(), self.value(&entry.value)?)));
                        groups.take(&by.collect::<Result<Vec<_>>>()?, items.then_some(item))
                    })
                })?;
                vec![groups.finish(self.run, *items, *tag)]
            }
            Step::First => self.slice(input, before, Slice::range(0, 1))?,
            Step::Range { start, end } => {
                let (start, end) = (self.run.bound(self.value(start)?)?, self.run.bound(self.value(end)?)?);
                self.slice(input, before, Slice::range(start, end))?
            }
            Step::Order { current, key, direction } => {
                let mut keyed = match Reach::of(after) {
                    Reach::All => Keyed::all(*direction),
                    Reach::First => Keyed::top(*direction, 1),
                    Reach::Until(end) => Keyed::top(*direction, self.run.reach(self.value(end)?)),
                };
                self.each(input, &mut |datum| {
                    self.push(before, datum, &mut |datum| {
                        self.set(*current, datum);
                        let key = self.value(key)?;
                        keyed.take(key, self.reloaded(*current, datum))
                    })
                })?;
                keyed.sorted()
            }
            Step::SearchVector { query, k } => {
                let elements = items(&all()?);
                let (query, k) = (self.run.floats(self.value(query)?)?, self.run.k(self.value(k)?)?);
                many(self.run.search_among(&elements, &query, k)?)
            }
            Step::Update { item, fields } => {
                let first = self.update(*item, &items(&all()?), fields)?;
                first.map_or_else(Vec::new, one)
            }
            Step::UpsertNode { node, fields } => {
                let found = items(&self.slice(input, before, Slice::range(0, 1))?).first().copied();
                one(self.upsert_node(ItemType::node(*node), found, fields, traversal)?)
            }
            Step::UpsertEdge { edge, from, to, fields } => {
                one(self.upsert_edge(ItemType::edge(*edge), from, to, fields)?)
            }
            Step::UpsertVector { vector, data, fields } => {
                let found = items(&self.slice(input, before, Slice::range(0, 1))?).first().copied();
                one(self.upsert_vector(ItemType::vector(*vector), found, data, fields, traversal)?)
            }
            Step::AddEdge { edge, end, other, fields } => {
                let found = items(&all()?);
                many(self.add_edges_of(ItemType::edge(*edge), &found, *end, other, fields)?)
            }
            Step::RerankByRank { k } => many(self.run.rerank_by_rank(items(&all()?), self.value(k)?)?),
            Step::RerankByDiversity { lambda, distance } => {
                let (lambda, distance) = (self.value(lambda)?, self.value(distance)?);
                many(self.run.rerank_by_diversity(items(&all()?), lambda, distance)?)
            }
            Step::ShortestPath(search) => self.shortest_paths(&items(&all()?), search)?,
            Step::Out { .. }
            | Step::In { .. }
            | Step::OutEdges { .. }
            | Step::InEdges { .. }
            | Step::From { .. }
            | Step::To { .. }
            | Step::Filter { .. }
            | Step::Map { .. }
            | Step::Project { .. } => self.slice(input, std::slice::from_ref(step), Slice::all())?,
        })
    }

    fn shortest_paths(&self, nodes: &[Item<'a>], search: &'a PathSearch) -> Result<Vec<Datum<'a>>> {
        let PathSearch { algorithm, end, other, edges, heuristic } = search;
        let ways: Vec<Way> = edges
            .iter()
            .map(|way| Way {
                edge: ItemType::edge(way.edge),
                from: ItemType::node(way.from),
                to: ItemType::node(way.to),
            })
            .collect();
        let guides: Vec<_> = heuristic
            .iter()
            .flat_map(|heuristic| &heuristic.fields)
            .map(|(node, field)| (ItemType::node(*node), *field))
            .collect();
        let heuristic = heuristic.as_ref().map(|heuristic| (heuristic.name.as_str(), &guides[..]));
        let plan = paths::PathSearch { algorithm: *algorithm, end: *end, ways: &ways, heuristic };
        self.run.shortest_paths(nodes, self.eval(other)?, &plan, &mut |way, edge| match &edges[way].weight {
            Some(Weight { current, value }) => {
                self.set(*current, Datum::Item(edge));
                self.value(value)
            }
            None => Ok(Value::Null),
        })
    }

    fn slice(&self, input: &Input<'_, 'a>, steps: &'a [Step], mut slice: Slice<Datum<'a>>) -> Result<Vec<Datum<'a>>> {
        if slice.wants_any() {
            self.each(input, &mut |datum| self.push(steps, datum, &mut |datum| slice.take(datum)))?;
        }
        Ok(slice.into_vec())
    }

    /// How many elements there are, without reading what need not be read.
    fn count(&self, input: &Input<'_, 'a>, steps: &'a [Step]) -> Result<u64> {
        if let (Input::Source(Source::All(item)), []) = (input, steps) {
            return self.run.count(*item);
        }
        let mut count = 0;
        match steps.split_last().and_then(|(last, before)| Some((last.hop()?, before))) {
            Some((hop, before)) => {
                let (direction, edge) = match hop {
                    Hop::Out(edge) => (Direction::Out, edge),
                    Hop::In(edge) => (Direction::In, edge),
                };
                self.each(input, &mut |datum| {
                    self.push(before, datum, &mut |datum| {
                        if let Some(item) = datum.item() {
                            count += self.run.degree(&item, direction, ItemType::edge(edge))?;
                        }
                        Ok(Flow::Continue)
                    })
                })?;
            }
            None => {
                self.each(input, &mut |datum| {
                    self.push(steps, datum, &mut |_| {
                        count += 1;
                        Ok(Flow::Continue)
                    })
                })?;
            }
        }
        Ok(count)
    }

    /// Pushes every element of the input into `sink`.
    fn each(&self, input: &Input<'_, 'a>, sink: Sink<'_, 'a>) -> Result<Flow> {
        let run = self.run;
        let source = match input {
            Input::Source(source) => source,
            Input::Elements(elements) => return each(elements.iter().copied(), sink),
        };
        match source {
            Source::All(item) => run.all(*item, |item| sink(Datum::Item(item))),
            Source::ById { item, ids } => {
                each(ids, |id| run.by_id(*item, self.eval(id)?, |item| sink(Datum::Item(item))))
            }
            Source::ByIndex { node, field, value } => {
                let value = self.value(value)?;
                run.by_index(ItemType::node(*node), *field, value, |item| sink(Datum::Item(item)))
            }
            Source::Lookup { item, lookup } => run.lookup(*item, &self.lookup(lookup)?, |item| sink(Datum::Item(item))),
            Source::Extent { item, direction, len } => {
                let len = run.reach(self.value(len)?);
                run.extent(*item, *direction, len, |item| sink(Datum::Item(item)))
            }
            Source::Leading { node, field, direction, absent, len } => {
                let len = run.reach(self.value(len)?);
                run.leading(ItemType::node(*node), *field, (*direction, *absent), len, |item| sink(Datum::Item(item)))
            }
            Source::SearchVector { vector, query, k } => {
                let (query, k) = (run.floats(self.value(query)?)?, run.k(self.value(k)?)?);
                run.search(ItemType::vector(*vector), &query, k, |item| sink(Datum::Item(item)))
            }
            Source::SearchVectorWhere { vector, query, k, current, predicate } => {
                let (query, k) = (run.floats(self.value(query)?)?, run.k(self.value(k)?)?);
                let accept = |item| {
                    self.set(*current, Datum::Item(item));
                    self.truth(predicate)
                };
                run.search_where(ItemType::vector(*vector), &query, k, accept, |item| sink(Datum::Item(item)))
            }
            Source::Expr(expr) => run.each(self.eval(expr)?, sink),
            Source::Elements(array) => each(run.elements(self.eval(array)?), sink),
            Source::SearchText { node, text, k } => {
                let (text, k) = (self.value(text)?, run.k(self.value(k)?)?);
                run.search_text(ItemType::node(*node), text, k, |item| sink(Datum::Item(item)))
            }
        }
    }

    /// A lookup with the values that it looks for.
    fn lookup(&self, lookup: &'a helix_plan::Lookup) -> Result<Lookup<'a, 'a>> {
        let bound = |bound: &'a Option<Box<Expr>>| bound.as_ref().map(|bound| self.value(bound)).transpose();
        Ok(match lookup {
            helix_plan::Lookup::Id(id) => Lookup::Id(self.eval(id)?),
            helix_plan::Lookup::Value { field, value } => Lookup::Value { field: *field, value: self.eval(value)? },
            helix_plan::Lookup::Between { field, from, to } => {
                Lookup::Between { field: *field, from: bound(from)?, to: bound(to)? }
            }
            helix_plan::Lookup::IdBetween { from, to } => Lookup::IdBetween { from: bound(from)?, to: bound(to)? },
            helix_plan::Lookup::End { end, id } => Lookup::End { end: *end, id: self.eval(id)? },
            helix_plan::Lookup::Any(any) => {
                let any = any.iter().map(|one| self.lookup(one)).collect::<Result<Vec<_>>>()?;
                Lookup::Any(self.run.arena.alloc_slice_copy(&any))
            }
        })
    }

    /// Pushes an element through steps that look at one element at a time.
    fn push(&self, steps: &'a [Step], datum: Datum<'a>, sink: Sink<'_, 'a>) -> Result<Flow> {
        let Some((step, rest)) = steps.split_first() else { return sink(datum) };
        let run = self.run;
        match step {
            Step::Out { edge, to } => self.hop(datum, Direction::Out, ItemType::edge(*edge), *to, rest, sink),
            Step::In { edge, from } => self.hop(datum, Direction::In, ItemType::edge(*edge), *from, rest, sink),
            Step::OutEdges { edge } => self.edges(datum, Direction::Out, ItemType::edge(*edge), rest, sink),
            Step::InEdges { edge } => self.edges(datum, Direction::In, ItemType::edge(*edge), rest, sink),
            Step::From { item } => self.end(datum, End::From, *item, rest, sink),
            Step::To { item } => self.end(datum, End::To, *item, rest, sink),
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
                let members = entries.iter().map(|entry| Ok((entry.key.as_str(), self.eval(&entry.value)?)));
                let shaped = run.shaped(item, &members.collect::<Result<Vec<_>>>()?);
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
            | Step::UpsertVector { .. }
            | Step::Fold(_)
            | Step::Intersect { .. }
            | Step::Group { .. }
            | Step::AddEdge { .. }
            | Step::RerankByRank { .. }
            | Step::RerankByDiversity { .. }
            | Step::ShortestPath(_) => Err(EngineError::Damaged("a step that cuts a traversal was not cut".to_owned())),
        }
    }

    /// The element as a step left it in its slot: with the row that was read for it. Shapes are kept.
    fn reloaded(&self, slot: helix_plan::SlotId, datum: Datum<'a>) -> Datum<'a> {
        match datum {
            Datum::Item(_) => self.get(slot),
            Datum::Value(_) | Datum::Shaped(..) | Datum::Object(..) | Datum::Stream(_) | Datum::Path(..) => datum,
        }
    }

    fn hop(
        &self,
        datum: Datum<'a>,
        direction: Direction,
        edge: ItemType,
        end: ItemType,
        rest: &'a [Step],
        sink: Sink<'_, 'a>,
    ) -> Result<Flow> {
        let Some(item) = datum.item() else { return Ok(Flow::Continue) };
        self.run.neighbours(&item, direction, edge, end, |other| self.push(rest, Datum::Item(other), sink))
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
        self.run.edges(&item, direction, edge, |found| self.push(rest, Datum::Item(found), sink))
    }

    fn end(&self, datum: Datum<'a>, end: End, item: ItemType, rest: &'a [Step], sink: Sink<'_, 'a>) -> Result<Flow> {
        let Some(edge) = datum.item() else { return Ok(Flow::Continue) };
        self.run.end(&edge, end, item, |found| self.push(rest, Datum::Item(found), sink))
    }
}

fn items<'a>(elements: &[Datum<'a>]) -> Vec<Item<'a>> {
    elements.iter().filter_map(Datum::item).collect()
}
