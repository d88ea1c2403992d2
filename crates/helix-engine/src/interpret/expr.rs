//! Expressions.

use helix_plan::{Comparison, Expr, ExprKind, FieldRef, Literal, SlotId};
use uuid::Uuid;

use super::run::Run;
use crate::error::{EngineError, Result};
use crate::operators::Flow;
use crate::operators::datum::{Datum, Item};
use crate::operators::math;
use crate::row;
use crate::value::compare::{compare, equal};
use crate::value::{Date, Value};

impl<'a> Run<'a, '_> {
    /// What an expression gives.
    pub fn eval(&self, expr: &'a Expr) -> Result<Datum<'a>> {
        Ok(match &expr.kind {
            ExprKind::Null => Datum::NULL,
            ExprKind::Literal(literal) => Datum::Value(self.literal(literal)),
            ExprKind::Now => Datum::Value(Value::Date(self.now)),
            ExprKind::Slot(slot) => self.get(*slot),
            ExprKind::Field { item, field } => Datum::Value(self.field_of(item, *field)?),
            ExprKind::Member { object, index } => match self.value(object)? {
                Value::Object(members) => {
                    Datum::Value(members.get(usize::from(*index)).copied().unwrap_or(Value::Null))
                }
                _ => Datum::NULL,
            },
            ExprKind::Traversal(traversal) => self.traversal(traversal)?,
            ExprKind::Exists(_) | ExprKind::Compare { .. } | ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) => {
                Datum::Value(Value::Bool(self.truth(expr)?))
            }
            ExprKind::Math { function, arguments } => {
                let arguments = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>>>()?;
                Datum::Value(math::apply(*function, &arguments, self.arena)?)
            }
            ExprKind::List(elements) => self.list(elements)?,
            ExprKind::Object(entries) => {
                let values = entries.iter().map(|entry| self.eval(&entry.value)).collect::<Result<Vec<_>>>()?;
                Datum::Object(entries, self.arena.alloc_slice_copy(&values))
            }
            ExprKind::Embed(text) => Datum::Value(self.embedding(text)?),
            ExprKind::AddNode { node, fields } => self.add_node(*node, fields)?,
            ExprKind::AddEdge { edge, from, to, fields } => self.add_edge(*edge, from, to, fields, expr.ty.many)?,
            ExprKind::AddVector { vector, data, fields } => self.add_vector(*vector, data, fields)?,
        })
    }

    /// The value of an expression; of a stream, its first.
    pub fn value(&self, expr: &'a Expr) -> Result<Value<'a>> {
        Ok(match self.eval(expr)? {
            Datum::Value(value) => value,
            Datum::Item(item) => Value::Id(self.context.codec.encode(item.id)),
            Datum::Stream(elements) => elements.first().map_or(Value::Null, Datum::value),
            Datum::Shaped(..) | Datum::Object(..) => Value::Null,
        })
    }

    fn list(&self, elements: &'a [Expr]) -> Result<Datum<'a>> {
        let elements = elements.iter().map(|element| self.eval(element)).collect::<Result<Vec<_>>>()?;
        let values: Option<Vec<Value<'a>>> = elements
            .iter()
            .map(|element| if let Datum::Value(value) = element { Some(*value) } else { None })
            .collect();
        Ok(match values {
            Some(values) => Datum::Value(Value::List(self.arena.alloc_slice_copy(&values))),
            None => Datum::Stream(self.arena.alloc_slice_copy(&elements)),
        })
    }

    /// A constant.
    pub fn literal(&self, literal: &'a Literal) -> Value<'a> {
        match literal {
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Integer(value) => {
                i64::try_from(*value).map_or_else(|_| Value::unsigned(value.unsigned_abs()), Value::Int)
            }
            Literal::Unsigned(value) => Value::unsigned(*value),
            Literal::F32(value) => Value::F32(*value),
            Literal::F64(value) => Value::F64(*value),
            Literal::String(value) => Value::Str(value),
            Literal::Date { seconds, nanoseconds } => {
                Value::Date(Date { seconds: *seconds, nanoseconds: *nanoseconds })
            }
            Literal::Id(value) => Value::Id(Uuid::from_u128(*value)),
            Literal::List(elements) => {
                Value::List(self.arena.alloc_slice_fill_iter(elements.iter().map(|element| self.literal(element))))
            }
        }
    }

    fn field_of(&self, item: &'a Expr, field: FieldRef) -> Result<Value<'a>> {
        // The current item of a step keeps the row that was read for it.
        if let ExprKind::Slot(slot) = item.kind
            && let Datum::Item(found) = self.get(slot)
        {
            if found.row.is_some() || matches!(field, FieldRef::Id | FieldRef::Label | FieldRef::Score) {
                return self.field(&found, field);
            }
            let found = self.with_row(found)?;
            self.set(slot, Datum::Item(found));
            return self.field(&found, field);
        }
        match self.eval(item)? {
            Datum::Stream(elements) => match elements.first().and_then(Datum::item) {
                Some(item) => self.field(&item, field),
                None => Ok(Value::Null),
            },
            datum => match datum.item() {
                Some(item) => self.field(&item, field),
                None => Ok(Value::Null),
            },
        }
    }

    /// A field of an item.
    pub fn field(&self, item: &Item<'a>, field: FieldRef) -> Result<Value<'a>> {
        Ok(match field {
            FieldRef::Id => Value::Id(self.context.codec.encode(item.id)),
            FieldRef::Label => Value::Str(&self.catalog.get(item.ty).name),
            FieldRef::Score => Value::F32(item.score),
            FieldRef::Data => Value::Floats(self.components(item)?),
            FieldRef::FromNode | FieldRef::ToNode => {
                let item = self.with_row(*item)?;
                let (from, to) = row::edge_ends(item.row.unwrap_or_default())?;
                Value::Id(self.context.codec.encode(if field == FieldRef::FromNode { from } else { to }))
            }
            FieldRef::Declared(id) => {
                let reader = &self.catalog.get(item.ty).field(id).reader;
                match item.row {
                    Some(row) => reader.read(row, self.arena)?,
                    None => reader.read(self.with_row(*item)?.row.unwrap_or_default(), self.arena)?,
                }
            }
        })
    }

    /// Whether a condition holds; an absent value does not.
    pub fn truth(&self, expr: &'a Expr) -> Result<bool> {
        match &expr.kind {
            ExprKind::And(conditions) => {
                for condition in conditions {
                    if !self.truth(condition)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            ExprKind::Or(conditions) => {
                for condition in conditions {
                    if self.truth(condition)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            ExprKind::Not(condition) => Ok(!self.truth(condition)?),
            ExprKind::Exists(traversal) => {
                let mut found = false;
                self.stream(traversal, &mut |_| {
                    found = true;
                    Ok(Flow::Stop)
                })?;
                Ok(found)
            }
            ExprKind::Compare { comparison, left, right } => self.compare(*comparison, left, right),
            _ => Ok(matches!(self.value(expr)?, Value::Bool(true))),
        }
    }

    /// Whether a row passes the commonest predicates, comparisons of its own fields with what is known before: they need
    /// neither the slot of the current element nor anything of what other expressions need. `None` for all others.
    #[inline]
    pub fn test_row(&self, current: SlotId, predicate: &'a Expr, datum: &Datum<'a>) -> Result<Option<bool>> {
        let Datum::Item(Item { ty, row: Some(row), .. }) = datum else { return Ok(None) };
        match &predicate.kind {
            ExprKind::And(conditions) => {
                for condition in conditions {
                    match self.test_row(current, condition, datum)? {
                        Some(true) => {}
                        other => return Ok(other),
                    }
                }
                Ok(Some(true))
            }
            ExprKind::Compare { comparison, left, right } => {
                let ExprKind::Field { item, field: FieldRef::Declared(field) } = &left.kind else { return Ok(None) };
                let right = match &right.kind {
                    ExprKind::Literal(literal) => self.literal(literal),
                    ExprKind::Slot(slot) if *slot != current => match self.get(*slot) {
                        Datum::Value(value) => value,
                        _ => return Ok(None),
                    },
                    _ => return Ok(None),
                };
                if !matches!(item.kind, ExprKind::Slot(slot) if slot == current) {
                    return Ok(None);
                }
                let left = self.catalog.get(*ty).field(*field).reader.read(row, self.arena)?;
                Ok(Some(self.holds(*comparison, &left, &right)))
            }
            _ => Ok(None),
        }
    }

    fn compare(&self, comparison: Comparison, left: &'a Expr, right: &'a Expr) -> Result<bool> {
        if let ExprKind::Traversal(traversal) = &left.kind
            && left.ty.many
        {
            // Any of several values will do; the right side is the same for all.
            let right = self.value(right)?;
            let mut holds = false;
            self.stream(traversal, &mut |datum| {
                holds = self.holds(comparison, &datum.value(), &right);
                Ok(if holds { Flow::Stop } else { Flow::Continue })
            })?;
            return Ok(holds);
        }
        if left.ty.many
            && let Datum::Stream(elements) = self.eval(left)?
        {
            let right = self.value(right)?;
            return Ok(elements.iter().any(|element| self.holds(comparison, &element.value(), &right)));
        }
        let left = self.value(left)?;
        if left.is_null() {
            return Ok(false);
        }
        Ok(self.holds(comparison, &left, &self.value(right)?))
    }

    fn holds(&self, comparison: Comparison, left: &Value<'a>, right: &Value<'a>) -> bool {
        if left.is_null() || right.is_null() {
            return false;
        }
        match comparison {
            Comparison::Equal => equal(left, right) == Some(true),
            Comparison::NotEqual => equal(left, right) != Some(true),
            Comparison::Greater => compare(left, right).is_some_and(std::cmp::Ordering::is_gt),
            Comparison::GreaterOrEqual => compare(left, right).is_some_and(std::cmp::Ordering::is_ge),
            Comparison::Less => compare(left, right).is_some_and(std::cmp::Ordering::is_lt),
            Comparison::LessOrEqual => compare(left, right).is_some_and(std::cmp::Ordering::is_le),
            Comparison::Contains => match (left, right) {
                (Value::Str(text), Value::Str(part)) => text.contains(part),
                (Value::List(elements), element) => elements.iter().any(|found| equal(found, element) == Some(true)),
                _ => false,
            },
            Comparison::IsIn => match right {
                Value::List(elements) => elements.iter().any(|element| equal(left, element) == Some(true)),
                _ => false,
            },
        }
    }

    fn embedding(&self, text: &'a Expr) -> Result<Value<'a>> {
        let text = match self.value(text)? {
            Value::Str(text) => text,
            _ => return Err(EngineError::Embedding("there is no text".to_owned())),
        };
        match self.embeddings.get(text) {
            Some(vector) => Ok(Value::Floats(self.arena.alloc_slice_copy(vector))),
            None => Err(EngineError::Embedding(
                "the text depends on stored data; pass it as a parameter instead".to_owned(),
            )),
        }
    }

    /// The components that an expression gives, in f32.
    pub fn floats(&self, expr: &'a Expr) -> Result<Vec<f32>> {
        let component = |value: &Value<'_>| match value {
            Value::Int(value) => Ok(*value as f32),
            Value::F32(value) => Ok(*value),
            Value::F64(value) => Ok(*value as f32),
            _ => Err(EngineError::BadValue("a vector holds numbers".to_owned())),
        };
        match self.value(expr)? {
            Value::Floats(components) => Ok(components.to_vec()),
            Value::List(elements) => elements.iter().map(component).collect(),
            _ => Err(EngineError::BadValue("Invalid vector length: 0".to_owned())),
        }
    }

    /// The number of results asked for.
    pub fn k(&self, expr: &'a Expr) -> Result<usize> {
        match self.value(expr)? {
            Value::Int(k) => usize::try_from(k).map_err(|_| EngineError::BadValue("k must be non-negative".to_owned())),
            Value::Big(_) => Ok(usize::MAX),
            _ => Err(EngineError::BadValue("k must be an integer".to_owned())),
        }
    }
}
