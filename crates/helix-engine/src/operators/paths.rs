//! Shortest paths between nodes, along directed edges.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use helix_plan::{EdgeEnd, FieldId, ItemType, PathAlgorithm};
use rustc_hash::FxHashMap;

use super::datum::{Datum, Item};
use super::{Flow, Run};
use crate::error::{EngineError, Result};
use crate::graph::Direction;
use crate::ids::ItemId;
use crate::value::Value;
use crate::value::compare::float;

/// Edges of a type that a path may walk.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The edge type.
    pub edge: ItemType,
    /// What its edges start at.
    pub from: ItemType,
    /// What its edges end at.
    pub to: ItemType,
}

/// How paths are looked for.
#[derive(Clone, Copy, Debug)]
pub struct PathSearch<'p> {
    /// The way of going about it.
    pub algorithm: PathAlgorithm,
    /// The end of the paths that is the same for all; the other ends are the nodes.
    pub end: EdgeEnd,
    /// The edges that may be walked.
    pub ways: &'p [Way],
    /// For A*: the name of a field, and the node types that have it as a number.
    pub heuristic: Option<(&'p str, &'p [(ItemType, FieldId)])>,
}

/// What an edge weighs: takes the position of its way, and the edge.
type Weigh<'w, 'a> = &'w mut dyn FnMut(usize, Item<'a>) -> Result<Value<'a>>;

/// How a node was reached.
#[derive(Clone, Copy)]
struct Reached {
    ty: ItemType,
    /// The node before it, the edge from there, and the way of that edge; none for the start.
    from: Option<(ItemId, ItemId, usize)>,
    /// The weight up to here.
    weight: f64,
}

/// An edge to walk from a node.
#[derive(Clone, Copy)]
struct Exit {
    edge: ItemId,
    way: usize,
    to: ItemId,
}

/// A node that waits to be walked on from. The greatest is the one that looks nearest, and among equals the one found first.
struct Waiting {
    estimate: f64,
    order: u64,
    weight: f64,
    node: ItemId,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.estimate.total_cmp(&self.estimate).then(other.order.cmp(&self.order))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

impl<'a> Run<'a, '_> {
    /// A shortest path between each node and the other end, in the order of the nodes.
    ///
    /// # Errors
    ///
    /// [`EngineError::PathNotFound`] when nothing joins the ends of one; [`EngineError::Path`] when a weight is negative or the
    /// heuristic is missing; [`EngineError::BadValue`] when a weight is missing or not finite.
    pub fn shortest_paths(
        &self,
        nodes: &[Item<'a>],
        other: Datum<'a>,
        search: &PathSearch<'_>,
        weigh: Weigh<'_, 'a>,
    ) -> Result<Vec<Datum<'a>>> {
        let other = self.ids(other).first().copied();
        let mut paths = Vec::with_capacity(nodes.len());
        for node in nodes {
            let other = other.ok_or(EngineError::PathNotFound)?;
            let path = match search.end {
                _ if other == node.id => Walk::begin(self, search, *node).path(node.id),
                EdgeEnd::To => self.shortest_path(search, *node, other, weigh)?,
                EdgeEnd::From => self.shortest_path(search, self.start(search, other)?, node.id, weigh)?,
            };
            paths.push(path);
        }
        Ok(paths)
    }

    /// The node that paths start at, when only its id is known.
    fn start(&self, search: &PathSearch<'_>, id: ItemId) -> Result<Item<'a>> {
        for way in search.ways {
            if let Some(row) = self.access.row(self.catalog.get(way.from), id)? {
                return Ok(Item::with_row(way.from, id, row));
            }
        }
        Err(EngineError::PathNotFound)
    }

    fn shortest_path(
        &self,
        search: &PathSearch<'_>,
        start: Item<'a>,
        goal: ItemId,
        weigh: Weigh<'_, 'a>,
    ) -> Result<Datum<'a>> {
        let mut walk = Walk::begin(self, search, start);
        let is_found = match search.algorithm {
            PathAlgorithm::BreadthFirst => walk.breadth_first(start.id, goal)?,
            PathAlgorithm::Dijkstra | PathAlgorithm::AStar => walk.by_weight(start.id, goal, weigh)?,
        };
        if is_found { Ok(walk.path(goal)) } else { Err(EngineError::PathNotFound) }
    }
}

/// A search in progress: the nodes that were reached.
struct Walk<'w, 'a, 'x> {
    run: &'w Run<'a, 'x>,
    search: &'w PathSearch<'w>,
    reached: FxHashMap<ItemId, Reached>,
    /// The edges of the node that is looked at; kept for its memory.
    exits: Vec<Exit>,
}

impl<'w, 'a, 'x> Walk<'w, 'a, 'x> {
    fn begin(run: &'w Run<'a, 'x>, search: &'w PathSearch<'w>, start: Item<'a>) -> Self {
        let mut reached = FxHashMap::default();
        reached.insert(start.id, Reached { ty: start.ty, from: None, weight: 0.0 });
        Self { run, search, reached, exits: Vec::new() }
    }

    /// Finds the edges that lead on from a node, in the order of their creation.
    fn look_around(&mut self, node: ItemId, ty: ItemType) -> Result<()> {
        self.exits.clear();
        let mut ways = 0;
        for (way, found) in self.search.ways.iter().enumerate().filter(|(_, way)| way.from == ty) {
            ways += 1;
            let (run, exits) = (self.run, &mut self.exits);
            run.access.adjacent(Direction::Out, node, run.catalog.get(found.edge), &mut |edge, to| {
                run.tick()?;
                exits.push(Exit { edge, way, to });
                Flow::more()
            })?;
        }
        if ways > 1 {
            self.exits.sort_unstable_by_key(|exit| exit.edge);
        }
        self.run.check_memory(self.reached.capacity() * size_of::<(ItemId, Reached)>())
    }

    /// Whether `goal` is reached, by the fewest edges.
    fn breadth_first(&mut self, start: ItemId, goal: ItemId) -> Result<bool> {
        let mut waiting = VecDeque::from([start]);
        while let Some(node) = waiting.pop_front() {
            let ty = self.reached[&node].ty;
            self.look_around(node, ty)?;
            for Exit { edge, way, to } in self.exits.iter().copied() {
                if self.reached.contains_key(&to) {
                    continue;
                }
                let reached = Reached { ty: self.search.ways[way].to, from: Some((node, edge, way)), weight: 0.0 };
                self.reached.insert(to, reached);
                if to == goal {
                    return Ok(true);
                }
                waiting.push_back(to);
            }
        }
        Ok(false)
    }

    /// Whether `goal` is reached, by the least weight. A node whose weight falls is walked on from again, so that a heuristic
    /// need only never overestimate.
    fn by_weight(&mut self, start: ItemId, goal: ItemId, weigh: Weigh<'_, 'a>) -> Result<bool> {
        let mut waiting = BinaryHeap::from([Waiting { estimate: 0.0, order: 0, weight: 0.0, node: start }]);
        let mut order = 0;
        while let Some(Waiting { weight, node, .. }) = waiting.pop() {
            if node == goal {
                return Ok(true);
            }
            let Reached { ty, weight: best, .. } = self.reached[&node];
            if weight > best {
                continue;
            }
            self.look_around(node, ty)?;
            for index in 0..self.exits.len() {
                let Exit { edge, way, to } = self.exits[index];
                let found = &self.search.ways[way];
                let weight = weight + self.weight(weigh(way, Item::new(found.edge, edge))?, edge)?;
                if self.reached.get(&to).is_some_and(|reached| reached.weight <= weight) {
                    continue;
                }
                let estimate = weight + self.heuristic(Item::new(found.to, to))?;
                self.reached.insert(to, Reached { ty: found.to, from: Some((node, edge, way)), weight });
                order += 1;
                waiting.push(Waiting { estimate, order, weight, node: to });
            }
        }
        Ok(false)
    }

    fn weight(&self, weight: Value<'a>, edge: ItemId) -> Result<f64> {
        let edge = || self.run.context.codec.encode(edge);
        match float(&weight) {
            None => Err(EngineError::BadValue(format!("edge {} has no weight", edge()))),
            Some(weight) if !weight.is_finite() => {
                Err(EngineError::BadValue(format!("the weight of edge {} is not a finite number", edge())))
            }
            Some(weight) if weight < 0.0 => {
                let algorithm = match self.search.algorithm {
                    PathAlgorithm::AStar => "A*",
                    PathAlgorithm::Dijkstra | PathAlgorithm::BreadthFirst => "Dijkstra's algorithm",
                };
                Err(EngineError::Path(format!("Negative edge weights are not supported for {algorithm}")))
            }
            Some(weight) => Ok(weight),
        }
    }

    /// The weight that a node says is left; nothing without a heuristic.
    fn heuristic(&self, node: Item<'a>) -> Result<f64> {
        let Some((name, fields)) = self.search.heuristic else { return Ok(0.0) };
        let field = fields.iter().find(|(ty, _)| *ty == node.ty);
        let value = match field {
            Some((ty, field)) => float(&self.run.read(&node, self.run.column(*ty, *field))?),
            None => None,
        };
        value.filter(|value| value.is_finite()).ok_or_else(|| {
            EngineError::Path(format!("Heuristic property '{name}' not found or is not a numeric value"))
        })
    }

    /// The path to a node that was reached.
    fn path(&self, goal: ItemId) -> Datum<'a> {
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        let mut node = goal;
        while let Some(Reached { ty, from, .. }) = self.reached.get(&node) {
            nodes.push(Item::new(*ty, node));
            let Some((before, edge, way)) = from else { break };
            edges.push(Item::new(self.search.ways[*way].edge, *edge));
            node = *before;
        }
        nodes.reverse();
        edges.reverse();
        let arena = self.run.arena;
        Datum::Path(arena.alloc_slice_copy(&nodes), arena.alloc_slice_copy(&edges))
    }
}
