//! Running a query: its slots, its statements, its budget.

use std::cell::Cell;
use std::time::Instant;

use helix_plan::{Access as PlanAccess, ForBinding, Query, SlotId, Statement, StatementKind};

use super::arguments::Arguments;
use super::embed::Embeddings;
use super::{Limits, RunContext, respond};
use crate::catalog::LiveCatalog;
use crate::error::{EngineError, Result};
use crate::operators::access::Access;
use crate::operators::datum::{Datum, Item};
use crate::row::{self, Arena};
use crate::value::{Date, Value};

/// Elements between two looks at the clock and the memory.
const TICKS: u64 = 256;

/// One run of a query.
pub(super) struct Run<'a, 'x> {
    pub catalog: &'a LiveCatalog,
    pub access: &'x dyn Access<'a>,
    pub arena: &'a Arena,
    pub embeddings: &'x Embeddings,
    pub context: &'x RunContext,
    pub now: Date,
    slots: Vec<Cell<Datum<'a>>>,
    writes: bool,
    touched: Cell<u64>,
}

#[expect(clippy::too_many_arguments, reason = "the one place where everything that a run needs comes together")]
pub(super) fn run<'a>(
    query: &'a Query,
    catalog: &'a LiveCatalog,
    access: &dyn Access<'a>,
    arena: &'a Arena,
    context: &RunContext,
    arguments: &'a Arguments,
    embeddings: &Embeddings,
    out: &mut Vec<u8>,
) -> Result<()> {
    let run = Run {
        catalog,
        access,
        arena,
        embeddings,
        context,
        now: Date::from_system(context.now),
        slots: vec![Cell::new(Datum::NULL); query.slots.len()],
        writes: query.access == PlanAccess::Write,
        touched: Cell::new(0),
    };
    for (param, argument) in query.params.iter().zip(&arguments.0) {
        run.set(param.slot, Datum::Value(argument.value(arena)));
    }
    run.statements(&query.body)?;
    respond::respond(&run, &query.returns, out)
}

impl<'a> Run<'a, '_> {
    pub fn get(&self, slot: SlotId) -> Datum<'a> {
        self.slots[slot.index()].get()
    }

    pub fn set(&self, slot: SlotId, datum: Datum<'a>) {
        self.slots[slot.index()].set(datum);
    }

    /// Counts an element against the budget.
    #[inline]
    pub fn tick(&self) -> Result<()> {
        let touched = self.touched.get() + 1;
        self.touched.set(touched);
        if touched.is_multiple_of(TICKS) { self.check_budget(touched) } else { Ok(()) }
    }

    #[cold]
    fn check_budget(&self, touched: u64) -> Result<()> {
        let Limits { deadline, items, memory_bytes } = self.context.limits;
        if self.context.leave_at.is_some_and(|leave_at| Instant::now() >= leave_at) {
            return Err(EngineError::Moved);
        }
        let limit = if touched > items {
            format!("{items} items")
        } else if self.arena.allocated_bytes() > memory_bytes {
            format!("{} MiB of memory", memory_bytes >> 20)
        } else if self.context.started.elapsed() > deadline {
            format!("{} s", deadline.as_secs_f64())
        } else {
            return Ok(());
        };
        Err(EngineError::LimitExceeded { limit })
    }

    fn statements(&self, statements: &'a [Statement]) -> Result<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&self, statement: &'a Statement) -> Result<()> {
        match &statement.kind {
            StatementKind::Assign { slot, value } => {
                let datum = self.eval(value)?;
                let datum = if self.writes { self.settle(datum)? } else { datum };
                self.set(*slot, datum);
                Ok(())
            }
            StatementKind::Evaluate(expr) => self.eval(expr).map(drop),
            StatementKind::Drop(expr) => self.delete(expr),
            StatementKind::For { list, binding, body } => {
                let elements: Vec<Datum<'a>> = match self.eval(list)? {
                    Datum::Stream(elements) => elements.to_vec(),
                    Datum::Value(Value::List(elements)) => elements.iter().map(|value| Datum::Value(*value)).collect(),
                    Datum::Value(Value::Null) => Vec::new(),
                    one => vec![one],
                };
                for element in elements {
                    self.tick()?;
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
                let values = if let Value::Object(values) = element.value() { values } else { &[] };
                for (index, slot) in members {
                    let value = values.get(usize::from(*index)).copied().unwrap_or(Value::Null);
                    self.set(*slot, Datum::Value(value));
                }
            }
        }
    }

    /// A variable holds values, not references: in a query that writes, its items are read now, whole.
    fn settle(&self, datum: Datum<'a>) -> Result<Datum<'a>> {
        Ok(match datum {
            Datum::Item(item) => Datum::Item(self.settle_item(item)?),
            Datum::Stream(elements) => {
                let elements = elements.iter().map(|element| self.settle(*element)).collect::<Result<Vec<_>>>()?;
                Datum::Stream(self.arena.alloc_slice_copy(&elements))
            }
            Datum::Value(_) | Datum::Shaped(..) | Datum::Object(..) => datum,
        })
    }

    fn settle_item(&self, item: Item<'a>) -> Result<Item<'a>> {
        let mut item = self.with_row(item)?;
        if item.ty.kind == helix_plan::ItemKind::Vector && item.data.is_none() {
            item.data = Some(self.components(&item)?);
        }
        Ok(item)
    }

    /// The item with its row; an item that was deleted since it was found is an error of the query's own making.
    pub fn with_row(&self, mut item: Item<'a>) -> Result<Item<'a>> {
        if item.row.is_none() {
            let ty = self.catalog.get(item.ty);
            item.row = Some(self.access.row(ty, item.id)?.ok_or_else(|| self.not_found(&item))?);
        }
        Ok(item)
    }

    pub fn not_found(&self, item: &Item<'_>) -> EngineError {
        match item.ty.kind {
            helix_plan::ItemKind::Node => EngineError::NodeNotFound,
            helix_plan::ItemKind::Edge => EngineError::EdgeNotFound,
            helix_plan::ItemKind::Vector => {
                EngineError::VectorNotFound { id: self.context.codec.encode(item.id).to_string() }
            }
        }
    }

    /// The components of a vector.
    pub fn components(&self, item: &Item<'a>) -> Result<&'a [f32]> {
        if let Some(data) = item.data {
            return Ok(data);
        }
        let item = self.with_row(*item)?;
        let slot = row::vector_slot(item.row.unwrap_or_default())?;
        self.access.components(self.catalog.get(item.ty), slot)
    }
}
