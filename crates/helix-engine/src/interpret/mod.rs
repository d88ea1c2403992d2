//! The interpreter: runs a plan as it stands.
//!
//! A plan names nothing: types, fields and slots are numbers, and [`LiveCatalog`] holds a reader for each field. So preparing a
//! program means to check once what each query needs; running one looks nothing up by name.

mod arguments;
mod assign;
mod embed;
mod expr;
mod respond;
mod run;
mod traverse;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use helix_plan::{Access as PlanAccess, Program, Query, ReadClass};

pub use arguments::{Argument, Arguments};
pub use embed::Embeddings;

use crate::catalog::LiveCatalog;
use crate::error::Result;
use crate::ids::{IdCodec, IdSource};
use crate::operators::access::{ReadAccess, WriteAccess};
use crate::row::Arena;
use crate::storage::{ReadTxn, WriteTxn};
use crate::vector::VectorConfig;

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
}

/// A program that is ready to run.
#[derive(Debug)]
pub struct Prepared {
    program: Arc<Program>,
    catalog: Arc<LiveCatalog>,
    queries: HashMap<String, PreparedQuery>,
}

/// A query that is ready to run.
#[derive(Clone, Debug)]
pub struct PreparedQuery {
    program: Arc<Program>,
    catalog: Arc<LiveCatalog>,
    index: usize,
}

impl Prepared {
    /// Prepares a program whose types were resolved.
    #[must_use]
    pub fn new(program: Arc<Program>, catalog: Arc<LiveCatalog>) -> Self {
        let prepared = program.queries.iter().enumerate().map(|(index, query)| {
            let prepared = PreparedQuery { program: program.clone(), catalog: catalog.clone(), index };
            (query.name.clone(), prepared)
        });
        Self { queries: prepared.collect(), program: program.clone(), catalog }
    }

    /// The query named `name`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&PreparedQuery> {
        self.queries.get(name)
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Its types, resolved.
    #[must_use]
    pub const fn catalog(&self) -> &Arc<LiveCatalog> {
        &self.catalog
    }
}

impl PreparedQuery {
    fn query(&self) -> &Query {
        &self.program.queries[self.index]
    }

    /// Whether the query belongs to a program.
    #[must_use]
    pub fn is_of(&self, prepared: &Prepared) -> bool {
        Arc::ptr_eq(&self.program, &prepared.program)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.query().name
    }

    /// Which transaction it needs.
    #[must_use]
    pub fn access(&self) -> PlanAccess {
        self.query().access
    }

    /// How much work a read is known to be.
    #[must_use]
    pub fn class(&self) -> ReadClass {
        self.query().class
    }

    /// The arguments that a request body holds.
    ///
    /// # Errors
    ///
    /// [`EngineError::Decode`](crate::EngineError::Decode) when they do not fit the parameters.
    pub fn decode(&self, body: &[u8]) -> Result<Arguments> {
        arguments::decode(&self.query().params, body)
    }

    /// The texts whose embeddings the run will ask for, each once.
    #[must_use]
    pub fn embedding_texts(&self, arguments: &Arguments) -> Vec<String> {
        embed::texts(self.query(), arguments)
    }

    /// The model that the query names, if it names one.
    #[must_use]
    pub fn embedding_model(&self) -> Option<&str> {
        self.query().embedding_model.as_deref()
    }

    /// Runs a query that reads, on a snapshot, and appends the response. Returns the bytes of memory that it took.
    ///
    /// # Errors
    ///
    /// What the query's operations fail with.
    pub fn read<T: ReadTxn>(
        &self,
        txn: &T,
        context: &RunContext,
        arguments: &Arguments,
        embeddings: &Embeddings,
        out: &mut Vec<u8>,
    ) -> Result<usize> {
        let arena = Arena::new();
        let access = ReadAccess { txn, arena: &arena, vectors: context.vectors };
        run::run(self.query(), &self.catalog, &access, &arena, context, arguments, embeddings, out)?;
        Ok(arena.allocated_bytes())
    }

    /// Runs a query, in a write transaction, and appends the response. The caller commits, or undoes after an error.
    ///
    /// # Errors
    ///
    /// What the query's operations fail with.
    pub fn write<W: WriteTxn>(
        &self,
        txn: &mut W,
        ids: &mut IdSource,
        context: &RunContext,
        arguments: &Arguments,
        embeddings: &Embeddings,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let arena = Arena::new();
        let access = WriteAccess::new(txn, ids, &self.catalog, &arena, context.codec, context.vectors, context.now);
        run::run(self.query(), &self.catalog, &access, &arena, context, arguments, embeddings, out)
    }
}
