//! Items: reading, creating, changing, deleting.

use super::*;

impl Run<'_> {
    pub(super) fn element(&self, id: usize) -> Option<Element> {
        let item = self.model.items.get(id)?.clone()?;
        Some(Element { id, item, score: None })
    }

    pub(super) fn all(&self, kind: &str) -> Vec<Element> {
        (0..self.model.items.len()).filter_map(|id| self.element(id)).filter(|e| e.item.kind == kind).collect()
    }

    pub(super) fn kind(&self, name: &str) -> Kind {
        self.model.schema.kind(name).clone()
    }

    pub(super) fn drop(&mut self, id: usize) {
        let Some(item) = self.model.items[id].take() else { return };
        if item.ends.is_none() {
            for other in &mut self.model.items {
                if other.as_ref().and_then(|item| item.ends).is_some_and(|(from, to)| from == id || to == id) {
                    *other = None;
                }
            }
        }
    }

    /// The fields that are given: `None` takes a field away, what is not there leaves it.
    pub(super) fn given(&mut self, sets: &Sets) -> Result<Vec<(Name, Option<Value>)>> {
        let mut given = Vec::new();
        for (field, value) in sets {
            let value = match value {
                Expression::Nothing => None,
                other => match self.bound(other)? {
                    Bound::Missing => continue,
                    Bound::Value(Value::Null) => None,
                    Bound::Value(value) => Some(value),
                    Bound::Elements { .. } => unreachable!("an item is no field"),
                },
            };
            given.push((*field, value));
        }
        Ok(given)
    }

    pub(super) fn merge(&mut self, id: usize, given: &[(Name, Option<Value>)]) -> Result<()> {
        let Some(mut item) = self.model.items[id].clone() else { return refused(404, "Node not found") };
        for (field, value) in given {
            match value {
                Some(value) => item.fields.insert(field, value.clone()),
                None => item.fields.remove(field),
            };
        }
        self.check_unique(Some(id), &item)?;
        self.model.items[id] = Some(item);
        Ok(())
    }

    pub(super) fn create(
        &mut self,
        kind: &Kind,
        sets: &Sets,
        ends: Option<(usize, usize)>,
        data: Vec<f32>,
    ) -> Result<Element> {
        let given = self.given(sets)?;
        let mut fields: HashMap<Name, Value> =
            given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        for field in &kind.fields {
            if let (Some(default), Entry::Vacant(entry)) = (&field.default, fields.entry(field.name)) {
                entry.insert(match default {
                    Default::Now => Value::Date(self.model.now),
                    Default::Value(value) => value.clone(),
                });
            }
        }
        let item = Item { kind: kind.name, ends, data, fields };
        self.check_unique(None, &item)?;
        self.model.items.push(Some(item));
        Ok(self.element(self.model.items.len() - 1).expect("it was made just now"))
    }

    pub(super) fn check_unique(&self, id: Option<usize>, item: &Item) -> Result<()> {
        let kind = self.kind(item.kind);
        let others: Vec<Element> = self.all(item.kind).into_iter().filter(|other| Some(other.id) != id).collect();
        if kind.unique && id.is_none() && others.iter().any(|other| other.item.ends == item.ends) {
            return refused(409, &format!("Duplicate key on unique index: {}:<id>-><id>", kind.name));
        }
        for field in kind.fields.iter().filter(|field| field.index == Index::Unique) {
            let Some(value) = item.fields.get(field.name) else { continue };
            if others.iter().any(|other| other.item.fields.get(field.name).is_some_and(|known| known.equals(value))) {
                return refused(409, &format!("Duplicate key on unique index: {}", field.name));
            }
        }
        Ok(())
    }

    /// The items that an end of an edge names, and whether it may be several.
    pub(super) fn end(&mut self, end: &Expression) -> Result<(Vec<usize>, bool)> {
        match self.bound(end)? {
            Bound::Value(Value::Id(id)) => Ok((vec![id], false)),
            Bound::Value(Value::List(ids)) => {
                let id = |id: Value| if let Value::Id(id) = id { id } else { unreachable!("{id:?} is no id") };
                Ok((ids.into_iter().map(id).collect(), true))
            }
            Bound::Elements { many, list, .. } => Ok((list.iter().map(|element| element.id).collect(), many)),
            other => unreachable!("{other:?} is no end"),
        }
    }

    pub(super) fn connect(&mut self, name: &str, sets: &Sets, from: &[usize], to: &[usize]) -> Result<Vec<Element>> {
        let kind = self.kind(name);
        if from.iter().chain(to).any(|end| self.element(*end).is_none()) {
            return refused(404, "Node not found");
        }
        let mut made = Vec::new();
        for from in from {
            for to in to {
                made.push(self.create(&kind, sets, Some((*from, *to)), Vec::new())?);
            }
        }
        Ok(made)
    }

    /// The least sum of weights from a node to another, by relaxing every edge as often as there are items.
    pub(super) fn path(&self, from: usize, to: usize, edge: &str, weight: Option<Name>) -> Result<Value> {
        let mut best: HashMap<usize, f64> = HashMap::from([(from, 0.0)]);
        let edges = self.all(edge);
        for _ in 0..self.model.items.len() {
            for edge in &edges {
                let (start, end) = edge.item.ends.expect("an edge");
                let cost = match weight {
                    None => 1.0,
                    Some(field) => match edge.item.fields.get(field).and_then(Value::number) {
                        Some(cost) if cost >= 0.0 => cost,
                        // Whether it matters hangs on which edges are looked at.
                        _ => return Err(Failure::Undecided),
                    },
                };
                if let Some(sum) = best.get(&start).map(|sum| sum + cost)
                    && best.get(&end).is_none_or(|known| sum < *known)
                {
                    best.insert(end, sum);
                }
            }
        }
        match best.get(&to) {
            Some(sum) => Ok(Value::Path { from, to, weight, sum: *sum }),
            None => refused(404, "Shortest path not found"),
        }
    }
}
