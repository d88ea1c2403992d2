//! Expressions and conditions.

use super::*;

impl Run<'_> {
    pub(super) fn bound(&mut self, expression: &Expression) -> Result<Bound> {
        let made = |element: Element| Bound::Elements { many: false, kind: element.item.kind, list: vec![element] };
        Ok(match expression {
            Expression::Literal(value) => Bound::Value(value.clone()),
            Expression::Now => Bound::Value(Value::Date(self.model.now)),
            Expression::Nothing => Bound::Value(Value::Null),
            Expression::Variable(name) => self.lookup(name),
            Expression::Traversal(traversal) => match traversal.shape {
                Shape::Items => {
                    let (many, kind) = self.cardinality(traversal);
                    let list = self.stream(traversal)?;
                    if !many && list.is_empty() {
                        return Err(self.nothing(traversal));
                    }
                    Bound::Elements { many, kind, list }
                }
                _ => Bound::Value(self.traversal(traversal, false)?),
            },
            Expression::Math(function, arguments) => {
                let arguments = arguments.iter().map(|argument| self.scalar(argument));
                Bound::Value(math::apply(*function, &arguments.collect::<Result<Vec<_>>>()?)?)
            }
            Expression::Fold(fold, traversal) => Bound::Value(math::fold(*fold, &self.values(traversal)?)),
            Expression::Condition(condition) => Bound::Value(Value::Boolean(self.holds(condition)?)),
            Expression::AddNode(name, sets) => made(self.create(&self.kind(name), sets, None, Vec::new())?),
            Expression::AddEdge(name, sets, from, to) => {
                let ((from, many), (to, more)) = (self.end(from)?, self.end(to)?);
                let many = many || more;
                let list = self.connect(name, sets, &from, &to)?;
                Bound::Elements { many, kind: self.kind(name).name, list }
            }
            Expression::Path { from, edge, weight, to } => {
                let (from, (to, _)) = (self.stream(from)?, self.end(to)?);
                let paths = from.iter().map(|from| self.path(from.id, to[0], edge, *weight));
                Bound::Value(Value::List(paths.collect::<Result<_>>()?))
            }
            Expression::AddVector(name, data, sets) => {
                let Bound::Value(data) = self.bound(data)? else { unreachable!("not a vector") };
                made(self.create(&self.kind(name), sets, None, floats(&data))?)
            }
        })
    }

    /// A value where one is needed.
    pub(super) fn scalar(&mut self, expression: &Expression) -> Result<Value> {
        if let Expression::Traversal(traversal) = expression {
            return Ok(self.values(traversal)?.into_iter().next().unwrap_or(Value::Null));
        }
        match self.bound(expression)? {
            Bound::Value(value) => Ok(value),
            Bound::Missing => Ok(Value::Null),
            Bound::Elements { .. } => unreachable!("an item is no value"),
        }
    }

    /// The values that a traversal to a part of items, or a count, gives.
    pub(super) fn values(&mut self, traversal: &Traversal) -> Result<Vec<Value>> {
        match traversal.shape {
            Shape::Part(part) => {
                let stream = self.stream(traversal)?;
                Ok(stream.iter().map(|element| self.part(element, part)).collect())
            }
            Shape::Count => Ok(vec![Value::Integer(self.stream(traversal)?.len() as i128)]),
            _ => unreachable!("{traversal} gives no values"),
        }
    }

    pub(super) fn holds(&mut self, condition: &Condition) -> Result<bool> {
        let operands = |run: &mut Self, expression: &Expression| match expression {
            Expression::Traversal(traversal) => run.values(traversal),
            other => Ok(vec![run.scalar(other)?]),
        };
        Ok(match condition {
            Condition::Compare(left, operator, right) => {
                let (left, right) = (operands(self, left)?, self.scalar(right)?);
                left.iter().filter_map(|left| left.compare(&right)).any(|order| match operator {
                    Operator::Eq => order.is_eq(),
                    Operator::Neq => order.is_ne(),
                    Operator::Gt => order.is_gt(),
                    Operator::Gte => order.is_ge(),
                    Operator::Lt => order.is_lt(),
                    Operator::Lte => order.is_le(),
                })
            }
            Condition::Contains(left, right) => {
                let (left, right) = (operands(self, left)?, self.scalar(right)?);
                left.iter().any(|left| match (left, &right) {
                    (Value::Text(text), Value::Text(needle)) => text.contains(needle.as_str()),
                    (Value::List(values), needle) => values.iter().any(|value| value.equals(needle)),
                    _ => false,
                })
            }
            Condition::IsIn(left, right) => {
                let (left, right) = (operands(self, left)?, self.scalar(right)?);
                let Value::List(known) = right else { return Ok(false) };
                left.iter().any(|left| known.iter().any(|known| known.equals(left)))
            }
            Condition::Exists(negated, traversal) => self.stream(traversal)?.is_empty() == *negated,
            Condition::And(negated, parts) => self.all_hold(parts)? != *negated,
            Condition::Or(negated, parts) => self.any_holds(parts)? != *negated,
            Condition::Flag(value) => operands(self, value)?.contains(&Value::Boolean(true)),
        })
    }

    pub(super) fn all_hold(&mut self, parts: &[Condition]) -> Result<bool> {
        for part in parts {
            if !self.holds(part)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn any_holds(&mut self, parts: &[Condition]) -> Result<bool> {
        for part in parts {
            if self.holds(part)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
