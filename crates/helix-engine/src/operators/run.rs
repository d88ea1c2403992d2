//! One run of a query: what its operations share, and what it may use.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant, SystemTime};

use super::access::Access;
use crate::catalog::LiveCatalog;
use crate::error::{EngineError, Result};
use crate::ids::IdCodec;
use crate::row::Arena;
use crate::value::{Date, Value};
use crate::vector::VectorConfig;

/// Elements between two looks at the clock and the memory.
const TICKS: u64 = 256;

/// Vectors by the text that they stand for.
pub type Embeddings = std::collections::HashMap<String, std::sync::Arc<[f32]>>;

/// What one request may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may run.
    pub deadline: Duration,
    /// Elements that it may touch.
    pub items: u64,
    /// Memory that it may take, in bytes.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(30), items: 50_000_000, memory_bytes: 256 << 20 }
    }
}

/// What a run needs beside its transaction and arguments.
#[derive(Clone, Copy, Debug)]
pub struct RunContext {
    /// Turns ids into UUIDs and back.
    pub codec: IdCodec,
    /// The parameters of vector indexes.
    pub vectors: VectorConfig,
    /// The instant of the request: every `NOW` of it.
    pub now: SystemTime,
    /// When the request started, for its deadline.
    pub started: Instant,
    /// What it may use.
    pub limits: Limits,
    /// When it must leave the thread that it is tried on.
    pub leave_at: Option<Instant>,
    /// Whether text is searched.
    pub is_text_enabled: bool,
}

/// One run of a query, interpreted or compiled. Its methods are the plan's operations.
///
/// `'a` is the life of the request's arena, and of the snapshot of a read.
pub struct Run<'a, 'x> {
    /// The types of the program.
    pub catalog: &'a LiveCatalog,
    /// The store.
    pub access: &'x dyn Access<'a>,
    /// The memory of the request.
    pub arena: &'a Arena,
    /// The values of the parameters, in their order.
    pub arguments: &'a [Value<'a>],
    /// Every `NOW` of the request.
    pub now: Date,
    pub(super) context: &'x RunContext,
    embeddings: &'x Embeddings,
    /// Texts whose embedding was asked for and is not there, each once.
    missing: RefCell<Vec<String>>,
    touched: Cell<u64>,
}

impl<'a, 'x> Run<'a, 'x> {
    /// A run that begins.
    #[must_use]
    pub fn new(
        catalog: &'a LiveCatalog,
        access: &'x dyn Access<'a>,
        arena: &'a Arena,
        arguments: &'a [Value<'a>],
        context: &'x RunContext,
        embeddings: &'x Embeddings,
    ) -> Self {
        let now = Date::from_system(context.now);
        let missing = RefCell::default();
        Self { catalog, access, arena, arguments, now, context, embeddings, missing, touched: Cell::new(0) }
    }

    /// Counts an element against the budget.
    ///
    /// # Errors
    ///
    /// [`EngineError::LimitExceeded`] when there were too many, or it took too long or too much memory;
    /// [`EngineError::Moved`] when the run has to leave its thread.
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

    /// Counts memory that is held outside of the arena against the budget.
    ///
    /// # Errors
    ///
    /// [`EngineError::LimitExceeded`] when it is too much.
    pub(super) fn check_memory(&self, held_bytes: usize) -> Result<()> {
        let limit = self.context.limits.memory_bytes;
        if held_bytes + self.arena.allocated_bytes() > limit {
            return Err(EngineError::LimitExceeded { limit: format!("{} MiB of memory", limit >> 20) });
        }
        Ok(())
    }

    /// The embedding of a text.
    ///
    /// One that is not there is noted, and the run goes on with zeros in its place, to find what else is missing; nothing of it will
    /// count. The provider is asked when the transaction is over, and the query runs again.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unembedded`] when nothing tells yet how long embeddings are; [`EngineError::Embedding`] when there is no text.
    pub fn embedding(&self, text: Value<'a>) -> Result<Value<'a>> {
        let Value::Str(text) = text else { return Err(EngineError::Embedding("there is no text".to_owned())) };
        if let Some(vector) = self.embeddings.get(text) {
            return Ok(Value::Floats(self.arena.alloc_slice_copy(vector)));
        }
        self.miss(text)?;
        match self.embeddings.values().next() {
            Some(other) => Ok(Value::Floats(self.arena.alloc_slice_fill_copy(other.len(), 0.0))),
            None => Err(EngineError::Unembedded { texts: vec![text.to_owned()] }),
        }
    }

    fn miss(&self, text: &str) -> Result<()> {
        let mut missing = self.missing.borrow_mut();
        if !missing.iter().any(|known| known == text) {
            missing.push(text.to_owned());
            self.check_memory(missing.iter().map(String::len).sum())?;
        }
        Ok(())
    }

    /// That every embedding was there.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unembedded`] otherwise.
    pub(crate) fn missing_embeddings(&self) -> Result<()> {
        let texts = self.missing.take();
        if texts.is_empty() { Ok(()) } else { Err(EngineError::Unembedded { texts }) }
    }
}
