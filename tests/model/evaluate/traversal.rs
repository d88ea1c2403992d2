//! Sources and steps.

use super::*;

/// Longer streams, of hops to and fro, take the model too long.
const MOST_ELEMENTS: usize = 5_000;

impl Run<'_> {
    /// Whether a traversal may give several items, and of which type they are.
    pub(super) fn cardinality(&self, traversal: &Traversal) -> (bool, Name) {
        let (mut many, mut kind) = match &traversal.source {
            Source::All(name) | Source::ByIds(name, _) | Source::SearchV(name, ..) | Source::SearchBm25(name, ..) => {
                (true, *name)
            }
            Source::ById(name, _) | Source::ByIndex(name, ..) => (false, *name),
            Source::Variable(name) => match self.lookup(name) {
                Bound::Elements { many, kind, .. } => (many, kind),
                other => unreachable!("{name} is {other:?}"),
            },
        };
        for step in &traversal.steps {
            self.after(step, &mut many, &mut kind);
        }
        (many, kind)
    }

    pub(super) fn after(&self, step: &Step, many: &mut bool, kind: &mut Name) {
        let ends = |edge: &Name| self.model.schema.kind(edge).ends.expect("an edge");
        match step {
            Step::Out(edge) => (*many, *kind) = (true, ends(edge).1),
            Step::In(edge) => (*many, *kind) = (true, ends(edge).0),
            Step::OutE(edge) | Step::InE(edge) | Step::AddEdge(edge, ..) => (*many, *kind) = (true, edge),
            Step::From(_) => *kind = ends(kind).0,
            Step::To(_) => *kind = ends(kind).1,
            Step::Where(_) | Step::Range(..) => {}
            Step::Order(..) => *many = true,
            Step::First | Step::Update(_) | Step::Upsert(_) => *many = false,
            Step::Intersect(steps) => {
                steps.iter().for_each(|step| self.after(step, many, kind));
                *many = true;
            }
        }
    }

    /// The error of a traversal that had to give an item.
    pub(super) fn nothing(&mut self, traversal: &Traversal) -> Failure {
        let filters = traversal.steps.iter().any(|step| matches!(step, Step::Where(_) | Step::Range(..)));
        let text = match &traversal.source {
            Source::ById(name, _) if !filters && self.source(&traversal.source).is_ok_and(|found| found.is_empty()) => {
                match self.model.schema.kind(name).of {
                    Of::Node => "Node not found",
                    Of::Edge => "Edge not found",
                    Of::Vector => "Vector error: VectorError: Vector not found: <id>",
                }
            }
            _ => "Graph error: No value found",
        };
        Failure::Refused(404, text.to_owned())
    }

    pub(super) fn source(&mut self, source: &Source) -> Result<Vec<Element>> {
        let of_kind = |found: Option<Element>, name: &str| found.filter(|element| element.item.kind == name);
        Ok(match source {
            Source::All(name) => self.all(name),
            Source::ById(name, id) => {
                let (id, _) = self.end(id)?;
                id.into_iter().filter_map(|id| of_kind(self.element(id), name)).collect()
            }
            Source::ByIds(name, ids) => {
                let mut found = Vec::new();
                for id in ids {
                    let (ids, _) = self.end(id)?;
                    found.extend(ids.into_iter().filter_map(|id| of_kind(self.element(id), name)));
                }
                found
            }
            Source::ByIndex(name, field, value) => {
                let value = self.scalar(value)?;
                let equal =
                    |element: &Element| element.item.fields.get(field).is_some_and(|known| known.equals(&value));
                self.all(name).into_iter().find(equal).into_iter().collect()
            }
            Source::Variable(name) => match self.lookup(name) {
                Bound::Elements { list, .. } => list,
                other => unreachable!("{name} is {other:?}"),
            },
            Source::SearchV(name, data, k, only) => {
                let (data, k) = (floats(&self.scalar(data)?), self.scalar(k)?);
                let mut candidates = self.all(name);
                if let Some(only) = only {
                    candidates = self.filter(candidates, only)?;
                }
                for candidate in &mut candidates {
                    candidate.score = Some(math::distance(&candidate.item.data, &data));
                }
                best(candidates, &k, 1.0)?
            }
            Source::SearchBm25(name, text, k) => {
                let (Value::Text(text), k) = (self.scalar(text)?, self.scalar(k)?) else { unreachable!("no text") };
                let mut candidates = self.all(name);
                let kind = self.kind(name);
                let words = |element: &Element| -> Vec<String> {
                    let values = kind.fields.iter().filter_map(|field| element.item.fields.get(field.name));
                    values.flat_map(math::words).collect()
                };
                let texts: Vec<Vec<String>> = candidates.iter().map(words).collect();
                for (candidate, score) in candidates.iter_mut().zip(math::bm25(&texts, &text)) {
                    candidate.score = Some(score);
                }
                candidates.retain(|candidate| candidate.score > Some(0.0));
                best(candidates, &k, -1.0)?
            }
        })
    }

    pub(super) fn filter(&mut self, elements: Vec<Element>, condition: &Condition) -> Result<Vec<Element>> {
        let mut kept = Vec::new();
        for element in elements {
            if self.with_item(&element, |run| run.holds(condition))? {
                kept.push(element);
            }
        }
        Ok(kept)
    }

    pub(super) fn stream(&mut self, traversal: &Traversal) -> Result<Vec<Element>> {
        let mut elements = self.source(&traversal.source)?;
        for (index, step) in traversal.steps.iter().enumerate() {
            let (_, kind) = self.cardinality(&Traversal {
                source: traversal.source.clone(),
                steps: traversal.steps[..index].to_vec(),
                shape: Shape::Items,
            });
            elements = self.step(elements, step, kind, traversal)?;
            if elements.len() > MOST_ELEMENTS {
                return Err(Failure::Undecided);
            }
        }
        Ok(elements)
    }

    /// The edges of a type at an item, and the other end of each.
    pub(super) fn edges(&self, name: &str, at: usize, outwards: bool) -> Vec<(Element, usize)> {
        let other = |element: &Element| {
            let (from, to) = element.item.ends.expect("an edge");
            let (near, far) = if outwards { (from, to) } else { (to, from) };
            (near == at).then_some(far)
        };
        self.all(name).into_iter().filter_map(|edge| other(&edge).map(|far| (edge, far))).collect()
    }

    pub(super) fn step(
        &mut self,
        elements: Vec<Element>,
        step: &Step,
        kind: Name,
        traversal: &Traversal,
    ) -> Result<Vec<Element>> {
        let hops = |run: &Self, name: &str, outwards| -> Vec<(Element, usize)> {
            elements.iter().flat_map(|element| run.edges(name, element.id, outwards)).collect()
        };
        let ends = |run: &Self, pick: fn((usize, usize)) -> usize| -> Vec<Element> {
            let id = |element: &Element| pick(element.item.ends.expect("an edge"));
            elements.iter().filter_map(|element| run.element(id(element))).collect()
        };
        Ok(match step {
            Step::Out(name) => hops(self, name, true).iter().filter_map(|(_, far)| self.element(*far)).collect(),
            Step::In(name) => hops(self, name, false).iter().filter_map(|(_, far)| self.element(*far)).collect(),
            Step::OutE(name) => hops(self, name, true).into_iter().map(|(edge, _)| edge).collect(),
            Step::InE(name) => hops(self, name, false).into_iter().map(|(edge, _)| edge).collect(),
            Step::From(_) => ends(self, |(from, _)| from),
            Step::To(_) => ends(self, |(_, to)| to),
            Step::Where(condition) => self.filter(elements, condition)?,
            Step::Order(ascending, key) => {
                let mut keyed = Vec::new();
                for element in elements {
                    let key = self.with_item(&element, |run| run.scalar(key))?;
                    keyed.push((key, element));
                }
                keyed.sort_by(|(a, _), (b, _)| if *ascending { a.sort(b) } else { b.sort(a) });
                keyed.into_iter().map(|(_, element)| element).collect()
            }
            Step::Range(start, end) => {
                let (start, end) = (self.scalar(start)?, self.scalar(end)?);
                let (Value::Integer(start), Value::Integer(end)) = (start, end) else { unreachable!("bounds") };
                if start < 0 || end < 0 {
                    return refused(400, "Graph error: range bounds must be non-negative");
                }
                elements.into_iter().take(end as usize).skip(start as usize).collect()
            }
            Step::First => elements.into_iter().take(1).collect(),
            Step::Intersect(steps) => {
                let mut found: Vec<Vec<Element>> = Vec::new();
                for element in &elements {
                    let sub = Traversal { source: Source::Variable("_"), steps: steps.clone(), shape: Shape::Items };
                    found.push(self.with_item(element, |run| run.stream(&sub))?);
                }
                // The smallest with what it repeats, which is then left out.
                let Some(smallest) = found.iter().min_by_key(|each| each.len()) else { return Ok(Vec::new()) };
                let mut common: Vec<Element> = Vec::new();
                for element in smallest {
                    let is_in = |each: &Vec<Element>| each.iter().any(|other| other.id == element.id);
                    if found.iter().all(is_in) && !is_in(&common) {
                        common.push(element.clone());
                    }
                }
                common
            }
            Step::Update(sets) => {
                if elements.is_empty() {
                    return Err(self.nothing(traversal));
                }
                let given = self.given(sets)?;
                for element in &elements {
                    self.merge(element.id, &given)?;
                }
                self.element(elements[0].id).into_iter().collect()
            }
            Step::Upsert(sets) => match elements.first() {
                Some(element) => {
                    let (id, given) = (element.id, self.given(sets)?);
                    self.merge(id, &given)?;
                    self.element(id).into_iter().collect()
                }
                None if matches!(traversal.source, Source::ById(..)) => return refused(404, "Node not found"),
                None => vec![self.create(&self.kind(kind), sets, None, Vec::new())?],
            },
            Step::AddEdge(name, sets, to) => {
                let from: Vec<usize> = elements.iter().map(|element| element.id).collect();
                let (to, _) = self.end(to)?;
                self.connect(name, sets, &from, &to)?
            }
        })
    }
}
