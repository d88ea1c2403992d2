//! The interpreter: runs a plan as it stands.
//!
//! A plan names nothing: types, fields and slots are numbers, and [`LiveCatalog`] holds a reader for each field. So preparing a
//! program means to check once what each query needs; running one looks nothing up by name.

mod arguments;
mod assign;
mod embed;
mod expr;
pub mod once;
mod respond;
mod run;
mod traverse;

use std::collections::HashMap;
use std::sync::Arc;

use helix_plan::{Access as PlanAccess, Program, Query, ReadClass};

pub use arguments::{Argument, Arguments};

use crate::catalog::LiveCatalog;
use crate::compiled::{Body, Queries};
use crate::error::{EngineError, Result};
use crate::ids::IdSource;
use crate::operators::access::{Access, ReadAccess, WriteAccess};
use crate::operators::{Embeddings, Run, RunContext};
use crate::row::Arena;
use crate::storage::{ReadTxn, WriteTxn};
use crate::value::Value;

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
    /// What it was compiled to; else it is interpreted.
    body: Option<Body>,
    /// Whether it embeds anything.
    embeds: bool,
}

impl Prepared {
    /// Prepares a program whose types were resolved. Queries that were compiled from it run as Rust, others are interpreted.
    #[must_use]
    pub fn new(program: Arc<Program>, catalog: Arc<LiveCatalog>, compiled: &Queries) -> Self {
        let bodies = compiled.of(&program);
        let prepared = program.queries.iter().enumerate().map(|(index, query)| {
            let body = bodies.iter().find(|(name, _)| *name == query.name).map(|(_, body)| *body);
            let embeds = embed::embeds(query);
            let prepared = PreparedQuery { program: program.clone(), catalog: catalog.clone(), index, body, embeds };
            (query.name.clone(), prepared)
        });
        Self { queries: prepared.collect(), program: program.clone(), catalog }
    }

    /// The query named `name`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&PreparedQuery> {
        self.queries.get(name)
    }

    /// A query that is none of the program's, against its types: to be run once.
    #[must_use]
    pub fn once(&self, query: Query) -> PreparedQuery {
        let embeds = embed::embeds(&query);
        let program = Program::new(self.program.catalog.clone(), vec![query], Vec::new());
        PreparedQuery { program: Arc::new(program), catalog: self.catalog.clone(), index: 0, body: None, embeds }
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

    /// Whether the query is against the types of a program, as they were resolved for it.
    #[must_use]
    pub fn is_of(&self, prepared: &Prepared) -> bool {
        Arc::ptr_eq(&self.catalog, &prepared.catalog)
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
    /// [`EngineError::Decode`] when they do not fit the parameters.
    pub fn decode(&self, body: &[u8]) -> Result<Arguments> {
        arguments::decode(&self.query().params, body)
    }

    /// Whether it embeds anything.
    #[must_use]
    pub const fn embeds(&self) -> bool {
        self.embeds
    }

    /// The texts whose embeddings the run will ask for, each once, as far as that follows from the arguments.
    #[must_use]
    pub fn embedding_texts(&self, arguments: &Arguments) -> Vec<String> {
        if self.embeds { embed::texts(self.query(), arguments) } else { Vec::new() }
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
        let arena = Arena::at(context.now);
        let access = ReadAccess { txn, arena: &arena, vectors: context.vectors };
        self.run(&access, &arena, context, arguments, embeddings, out)?;
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
        let arena = Arena::at(context.now);
        let access = WriteAccess::new(txn, ids, &self.catalog, &arena, context.codec, context.vectors, context.now);
        self.run(&access, &arena, context, arguments, embeddings, out)
    }

    fn run<'a>(
        &'a self,
        access: &dyn Access<'a>,
        arena: &'a Arena,
        context: &RunContext,
        arguments: &'a Arguments,
        embeddings: &Embeddings,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let params = self.query().params.iter().zip(&arguments.0);
        let values: Vec<Value<'a>> = params.map(|(param, argument)| argument.value(&param.ty, arena)).collect();
        let run = Run::new(&self.catalog, access, arena, arena.alloc_slice_copy(&values), context, embeddings);
        let answer = match self.body {
            Some(body) => body(&run, out),
            None => run::run(self.query(), &run, out),
        };
        match answer {
            Err(limit @ EngineError::LimitExceeded { .. }) => Err(limit),
            // With what is missing it may go another way: what came of it without does not count.
            answer => run.missing_embeddings().and(answer),
        }
    }
}
