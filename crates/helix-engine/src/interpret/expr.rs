//! Expressions.

use helix_plan::{Comparison, Expr, ExprKind, FieldRef, ItemType, SlotId};

use super::run::Frame;
use crate::error::Result;
use crate::operators::datum::{Datum, Item};
use crate::operators::predicate::{any_holds, holds, is_true};
use crate::operators::{Flow, math};
use crate::value::Value;

impl<'a> Frame<'a, '_> {
    /// What an expression gives.
    pub fn eval(&self, expr: &'a Expr) -> Result<Datum<'a>> {
        let run = self.run;
        Ok(match &expr.kind {
            ExprKind::Null => Datum::NULL,
            ExprKind::Literal(literal) => Datum::Value(run.literal(literal)),
            ExprKind::Now => Datum::Value(Value::Date(run.now)),
            ExprKind::Slot(slot) => self.get(*slot),
            ExprKind::Field { item, field } => Datum::Value(self.field_of(item, *field)?),
            ExprKind::Member { object, index } => Datum::Value(run.member(self.value(object)?, *index)),
            ExprKind::Traversal(traversal) => self.traversal(traversal)?,
            ExprKind::Exists(_) | ExprKind::Compare { .. } | ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) => {
                Datum::Value(Value::Bool(self.truth(expr)?))
            }
            ExprKind::Math { function, arguments } => {
                let arguments = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>>>()?;
                Datum::Value(math::apply(*function, &arguments, run.arena)?)
            }
            ExprKind::List(elements) => {
                run.list(&elements.iter().map(|element| self.eval(element)).collect::<Result<Vec<_>>>()?)
            }
            ExprKind::Object(entries) => {
                let members = entries.iter().map(|entry| Ok((entry.key.as_str(), self.eval(&entry.value)?)));
                Datum::Object(run.members(&members.collect::<Result<Vec<_>>>()?))
            }
            ExprKind::Embed(text) => Datum::Value(run.embedding(self.value(text)?)?),
            ExprKind::AddNode { node, fields } => self.add_node(ItemType::node(*node), fields)?,
            ExprKind::AddEdge { edge, from, to, fields } => {
                self.add_edge(ItemType::edge(*edge), from, to, fields, expr.ty.many)?
            }
            ExprKind::AddVector { vector, data, fields } => self.add_vector(ItemType::vector(*vector), data, fields)?,
            ExprKind::AddVectors { vector, data } => self.add_vectors(ItemType::vector(*vector), data)?,
            ExprKind::Required { value, name } => Datum::Value(run.required(self.value(value)?, name)?),
            ExprKind::Optional(value) => self.eval(value)?,
        })
    }

    /// The value of an expression; of a stream, its first.
    pub fn value(&self, expr: &'a Expr) -> Result<Value<'a>> {
        Ok(self.run.value(self.eval(expr)?))
    }

    fn field_of(&self, item: &'a Expr, field: FieldRef) -> Result<Value<'a>> {
        // The current item of a step keeps the row that was read for it.
        if let ExprKind::Slot(slot) = item.kind
            && let Datum::Item(found) = self.get(slot)
        {
            if found.row.is_some() || matches!(field, FieldRef::Id | FieldRef::Label | FieldRef::Score) {
                return self.run.field(&found, field);
            }
            let found = self.run.load(found)?;
            self.set(slot, Datum::Item(found));
            return self.run.field(&found, field);
        }
        self.run.field_of(self.eval(item)?, field)
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
            _ => Ok(is_true(self.value(expr)?)),
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
                    ExprKind::Literal(literal) => self.run.literal(literal),
                    ExprKind::Slot(slot) if *slot != current => match self.get(*slot) {
                        Datum::Value(value) => value,
                        _ => return Ok(None),
                    },
                    _ => return Ok(None),
                };
                if !matches!(item.kind, ExprKind::Slot(slot) if slot == current) {
                    return Ok(None);
                }
                let left = self.run.catalog.get(*ty).field(*field).reader.read(row, self.run.arena)?;
                Ok(Some(holds(*comparison, left, right)))
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
            let mut any = false;
            self.stream(traversal, &mut |datum| {
                any = holds(comparison, datum.value(), right);
                Ok(if any { Flow::Stop } else { Flow::Continue })
            })?;
            return Ok(any);
        }
        if left.ty.many {
            let left = self.eval(left)?;
            return Ok(any_holds(comparison, left, self.value(right)?));
        }
        let left = self.value(left)?;
        if left.is_null() {
            return Ok(false);
        }
        Ok(holds(comparison, left, self.value(right)?))
    }
}
