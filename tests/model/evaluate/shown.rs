//! What an answer shows.

use super::*;

impl Run<'_> {
    pub(super) fn shown(&mut self, expression: &Expression, nested: bool) -> Result<Value> {
        if let Expression::Traversal(traversal) = expression {
            return self.traversal(traversal, nested);
        }
        Ok(match self.bound(expression)? {
            Bound::Missing => Value::Null,
            Bound::Value(value) => value,
            Bound::Elements { many, list, .. } => {
                let shown = list.iter().map(|element| self.whole(element, &[], &[])).collect();
                one_or_all(many, shown).unwrap_or(Value::Null)
            }
        })
    }

    /// The value of a traversal; in a projection, a missing item is an object without values.
    pub(super) fn traversal(&mut self, traversal: &Traversal, nested: bool) -> Result<Value> {
        let (many, kind) = self.cardinality(traversal);
        let stream = self.stream(traversal)?;
        match &traversal.shape {
            Shape::Count => return Ok(Value::Integer(stream.len() as i128)),
            Shape::Group { by, items, counted } => return Ok(self.groups(&stream, by, *items, *counted)),
            Shape::Items | Shape::Part(_) | Shape::Object(..) | Shape::Exclude(_) => {}
        }
        if stream.is_empty() && !many {
            return if nested { Ok(self.without_values(kind, &traversal.shape)) } else { Err(self.nothing(traversal)) };
        }
        let steps_out = !traversal.steps.is_empty();
        let mut shown = Vec::new();
        for element in &stream {
            shown.push(match &traversal.shape {
                Shape::Part(part) if nested && steps_out => {
                    Value::Object(vec![(part.name().to_owned(), self.part(element, *part))])
                }
                Shape::Part(part) => self.part(element, *part),
                Shape::Object(variable, maps, rest) => self.object(element, *variable, maps, *rest)?,
                Shape::Exclude(parts) => self.whole(element, parts, &[]),
                _ => self.whole(element, &[], &[]),
            });
        }
        Ok(one_or_all(many, shown).expect("there is one"))
    }

    pub(super) fn without_values(&self, kind: Name, shape: &Shape) -> Value {
        let nulls = |keys: Vec<String>| Value::Object(keys.into_iter().map(|key| (key, Value::Null)).collect());
        let all = || -> Vec<String> { self.parts(kind).into_iter().map(|part| part.name().to_owned()).collect() };
        match shape {
            Shape::Part(part) => nulls(vec![part.name().to_owned()]),
            Shape::Object(_, maps, rest) => {
                let mut keys: Vec<String> = maps.iter().map(|(key, _)| key.clone()).collect();
                if *rest {
                    let renamed = renamed(maps);
                    let more = all().into_iter().filter(|key| !renamed.contains(&key.as_str()));
                    let more: Vec<String> = more.filter(|key| !keys.contains(key)).collect();
                    keys.extend(more);
                }
                nulls(keys)
            }
            Shape::Exclude(parts) => {
                nulls(all().into_iter().filter(|key| parts.iter().all(|part| part.name() != key)).collect())
            }
            _ => nulls(all()),
        }
    }

    /// Everything that an item of a type shows.
    pub(super) fn parts(&self, kind: &str) -> Vec<Part> {
        let kind = self.model.schema.kind(kind);
        let implicit: &[Part] = match kind.of {
            Of::Node => &[],
            Of::Edge => &[Part::FromNode, Part::ToNode],
            Of::Vector => &[Part::Data, Part::Score],
        };
        let declared = kind.fields.iter().map(|field| Part::Declared(field.name));
        [Part::Id, Part::Label].into_iter().chain(implicit.iter().copied()).chain(declared).collect()
    }

    pub(super) fn part(&self, element: &Element, part: Part) -> Value {
        let end = |pick: fn((usize, usize)) -> usize| Value::Id(element.item.ends.map_or(NOBODY, pick));
        match part {
            Part::Declared(name) => element.item.fields.get(name).cloned().unwrap_or(Value::Null),
            Part::Id => Value::Id(element.id),
            Part::Label => Value::Text(element.item.kind.to_owned()),
            Part::FromNode => end(|(from, _)| from),
            Part::ToNode => end(|(_, to)| to),
            Part::Data => Value::List(element.item.data.iter().map(|value| Value::Single(*value)).collect()),
            Part::Score => element.score.map_or(Value::Double(2.0), Value::About),
        }
    }

    pub(super) fn whole(&self, element: &Element, without: &[Part], first: &[(String, Value)]) -> Value {
        let mut members = first.to_vec();
        for part in self.parts(element.item.kind) {
            if !without.contains(&part) && members.iter().all(|(key, _)| key != part.name()) {
                members.push((part.name().to_owned(), self.part(element, part)));
            }
        }
        Value::Object(members)
    }

    pub(super) fn object(
        &mut self,
        element: &Element,
        variable: Option<Name>,
        maps: &[(String, Map)],
        rest: bool,
    ) -> Result<Value> {
        let members = self.members(element, variable, maps)?;
        if !rest {
            return Ok(Value::Object(members));
        }
        let renamed = renamed(maps);
        let hidden: Vec<Part> =
            self.parts(element.item.kind).into_iter().filter(|part| renamed.contains(&part.name())).collect();
        Ok(self.whole(element, &hidden, &members))
    }

    pub(super) fn members(
        &mut self,
        element: &Element,
        variable: Option<Name>,
        maps: &[(String, Map)],
    ) -> Result<Vec<(String, Value)>> {
        let mut members = Vec::new();
        for (key, map) in maps {
            let value = match map {
                Map::Part(part) => self.part(element, *part),
                Map::Object(inner) => Value::Object(self.members(element, variable, inner)?),
                Map::Value(value) => {
                    let bound = Bound::Elements { many: false, kind: element.item.kind, list: vec![element.clone()] };
                    let names = [Some("_"), variable].into_iter().flatten().map(|name| (name, bound.clone())).collect();
                    self.within(names, |run| run.shown(value, true))?
                }
            };
            members.push((key.clone(), value));
        }
        Ok(members)
    }

    pub(super) fn groups(&self, stream: &[Element], by: &[Name], items: bool, counted: bool) -> Value {
        let mut groups: Vec<(Vec<Value>, Vec<&Element>)> = Vec::new();
        for element in stream {
            let key: Vec<Value> = by.iter().map(|name| self.part(element, Part::Declared(name))).collect();
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, list)) => list.push(element),
                None => groups.push((key, vec![element])),
            }
        }
        let group = |(key, list): (Vec<Value>, Vec<&Element>)| {
            let text = key.iter().map(Value::key).collect::<Vec<_>>().join("_");
            let values = if items {
                let mut shown: Vec<&Element> = Vec::new();
                for element in &list {
                    if shown.iter().all(|known| known.id != element.id) {
                        shown.push(element);
                    }
                }
                Value::List(shown.into_iter().map(|element| self.whole(element, &[], &[])).collect())
            } else {
                let there = by.iter().zip(&key).filter(|(_, value)| **value != Value::Null);
                Value::Object(there.map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
            };
            let count = Value::Integer(list.len() as i128);
            (text, Value::Object(vec![("values".to_owned(), values), ("count".to_owned(), count)]))
        };
        let tag = if counted { "Count" } else { "Group" };
        Value::Object(vec![(tag.to_owned(), Value::Object(groups.into_iter().map(group).collect()))])
    }
}
