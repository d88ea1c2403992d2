//! Running a query: its slots and its statements.

use std::cell::Cell;

use helix_plan::{Access as PlanAccess, Expr, ExprKind, ForBinding, Query, SlotId, Statement, StatementKind};

use super::respond;
use crate::error::Result;
use crate::operators::datum::Datum;
use crate::operators::{Flow, Run};

/// A run of an interpreted query: the operations, and the values of the plan's slots.
pub(super) struct Frame<'a, 'r> {
    pub run: &'r Run<'a, 'r>,
    slots: Vec<Cell<Datum<'a>>>,
    writes: bool,
}

pub(super) fn run<'a>(query: &'a Query, run: &Run<'a, '_>, out: &mut Vec<u8>) -> Result<()> {
    let frame = Frame {
        run,
        slots: vec![Cell::new(Datum::NULL); query.slots.len()],
        writes: query.access == PlanAccess::Write,
    };
    for (param, argument) in query.params.iter().zip(run.arguments) {
        frame.set(param.slot, Datum::Value(*argument));
    }
    frame.statements(&query.body)?;
    respond::respond(&frame, &query.returns, out)
}

impl<'a> Frame<'a, '_> {
    pub fn get(&self, slot: SlotId) -> Datum<'a> {
        self.slots[slot.index()].get()
    }

    pub fn set(&self, slot: SlotId, datum: Datum<'a>) {
        self.slots[slot.index()].set(datum);
    }

    fn statements(&self, statements: &'a [Statement]) -> Result<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&self, statement: &'a Statement) -> Result<()> {
        match &statement.kind {
            StatementKind::Assign { slot, value } => {
                let datum = self.eval(value)?;
                let datum = if self.writes { self.run.settle(datum)? } else { datum };
                self.set(*slot, datum);
                Ok(())
            }
            StatementKind::Evaluate(expr) => self.eval(expr).map(drop),
            StatementKind::Drop(expr) => self.drop_all(expr),
            StatementKind::For { list, binding, body } => {
                for element in self.run.elements(self.eval(list)?) {
                    self.run.tick()?;
                    self.bind(binding, element);
                    self.statements(body)?;
                }
                Ok(())
            }
        }
    }

    fn bind(&self, binding: &ForBinding, element: Datum<'a>) {
        match binding {
            ForBinding::Element(slot) => self.set(*slot, element),
            ForBinding::Members(members) => {
                for (index, slot) in members {
                    self.set(*slot, Datum::Value(self.run.member(element.value(), *index)));
                }
            }
        }
    }

    fn drop_all(&self, expr: &'a Expr) -> Result<()> {
        let mut items = Vec::new();
        let mut add = |datum: Datum<'a>| {
            items.extend(datum.item());
            Ok(Flow::Continue)
        };
        match &expr.kind {
            ExprKind::Traversal(traversal) => self.stream(traversal, &mut add)?,
            _ => self.run.each(self.eval(expr)?, add)?,
        };
        self.run.delete(&items)
    }
}
