//! Random programs answer as the language says.
//!
//! `model/` holds a small part of HelixQL as data, a generator of schemas, queries and arguments, and an evaluator that searches
//! lists from end to end: it shares no line with the compiler, the plan or the engine. Each case is a schema with queries over it
//! and a database that every request goes on with; answers, failures and, at the end, everything that is stored must agree.
//!
//! `./build.sh soak model --rounds 100000` runs more of them; `HELIX_MODEL_SEED=17 HELIX_MODEL_CASES=1` one again.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says how far it is")]

#[path = "model/mod.rs"]
mod model;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use helix::compiler::diagnostics::Severity;
use helix::compiler::{self, SourceSet};
use helix_engine::{ActivateOptions, Clock, Engine, EngineOptions};
use helix_plan::Access;
use model::evaluate::{Failure, Model};
use model::generate::Generator;
use model::language::Query;
use model::value::{Ids, Value, differs};
use regex::Regex;
use serde_json::{Map, Value as Json};
use tokio::runtime::Runtime;

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000;
/// How many items of each type are made, and queries asked.
const ITEMS: usize = 6;
const QUERIES: usize = 8;
const ROUNDS: usize = 2;
/// A case ends where loops have made more items than the model looks through in a moment.
const MOST_ITEMS: usize = 2_000;

/// What became of the requests of a case.
#[derive(Default)]
struct Counts {
    answered: usize,
    refused: usize,
    undecided: usize,
}

impl Counts {
    fn add(&mut self, more: &Self) {
        self.answered += more.answered;
        self.refused += more.refused;
        self.undecided += more.undecided;
    }
}

/// A database beside its model.
struct Case {
    runtime: Runtime,
    engine: Arc<Engine>,
    clock: Arc<AtomicU64>,
    model: Model,
    ids: Ids,
    counts: Counts,
    /// The queries that write.
    writes: BTreeSet<String>,
    /// Whether the model does not know any more what is stored.
    is_lost: bool,
    /// The requests so far, to tell how a difference comes about.
    log: String,
}

impl Case {
    fn ask(&mut self, query: &Query, generator: &mut Generator) -> Result<(), String> {
        let (items, ids) = (&self.model.items, &self.ids);
        let named = |kind: &str| -> Vec<usize> {
            let of_kind = |id: &usize| items[*id].as_ref().is_some_and(|item| item.kind == kind) && ids.knows(*id);
            (0..items.len()).filter(of_kind).collect()
        };
        let arguments: Vec<Option<Value>> =
            query.parameters.iter().map(|parameter| generator.argument(parameter, named)).collect();
        let given = query.parameters.iter().zip(&arguments);
        let body: Map<String, Json> =
            given.filter_map(|(p, value)| Some((p.name.to_owned(), value.as_ref()?.argument(ids)))).collect();
        let body = Json::Object(body).to_string();
        let _ = writeln!(self.log, "{} {body}", query.name);

        self.model.now = self.clock.load(Ordering::Relaxed).try_into().unwrap();
        let expected = match self.model.call(query, &arguments) {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(status, text)) => Err((status, text)),
            Err(Failure::Undecided) => {
                self.counts.undecided += 1;
                self.is_lost |= self.writes.contains(&query.name);
                return Ok(());
            }
        };
        let found = self.runtime.block_on(self.engine.call(&query.name, body.into()));
        match (expected, found) {
            (Ok(expected), Ok(found)) => {
                let found: Json = serde_json::from_slice(&found).unwrap();
                let _ = writeln!(self.log, "200 {found}");
                differs(&expected, &found, &mut self.ids, "answer")?;
                self.counts.answered += 1;
            }
            (Err((status, text)), Err(error)) => {
                let id = Regex::new("[0-9a-f]{8}-[0-9a-f-]{27}").unwrap();
                let found = (error.status(), id.replace_all(&error.to_string(), "<id>").into_owned());
                if found != (status, text.clone()) {
                    return Err(format!("expected {status} {text}, found {} {}", found.0, found.1));
                }
                self.counts.refused += 1;
            }
            (Ok(expected), Err(error)) => return Err(format!("expected {expected:?}, found {error}")),
            (Err(error), Ok(found)) => {
                return Err(format!("expected {error:?}, found {}", String::from_utf8_lossy(&found)));
            }
        }
        Ok(())
    }
}

/// Runs a case.
///
/// # Errors
/// The program, the requests, and where an answer differs.
fn run(seed: u64) -> Result<Counts, String> {
    let mut generator = Generator::new(seed);
    let (makers, viewers) = (generator.makers(), generator.viewers());
    let queries: Vec<Query> = (0..QUERIES).map(|index| generator.query(index)).collect();
    let mut source = format!("{}\n", generator.schema);
    makers.iter().chain(&queries).chain(&viewers).for_each(|query| source.push_str(&format!("{query}\n")));
    let sources = SourceSet::new([("case.hx".to_owned(), source.clone())]);
    let compiled = compiler::compile(&sources);
    let Some(program) = compiled.program else {
        let errors =
            compiled.diagnostics.into_iter().filter(|found| found.severity == Severity::Error).collect::<Vec<_>>();
        return Err(format!("refused:\n{}", helix::ui::diagnostics::render_plain(&errors, &sources)));
    };
    let clock = Arc::new(AtomicU64::new(START));
    let options = EngineOptions { clock: Clock::Stepping(clock.clone()), ..EngineOptions::default() };
    let engine = Engine::in_memory(options).unwrap();
    engine.activate(&program, ActivateOptions::default()).unwrap();
    let writes = program.queries.iter().filter(|query| query.access == Access::Write);
    let mut case = Case {
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        engine,
        clock,
        model: Model { schema: generator.schema.clone(), items: Vec::new(), now: 0 },
        ids: Ids::default(),
        counts: Counts::default(),
        writes: writes.map(|query| query.name.clone()).collect(),
        is_lost: false,
        log: String::new(),
    };
    let made = makers.iter().flat_map(|query| std::iter::repeat_n(query, ITEMS));
    let asked = (0..ROUNDS).flat_map(|_| &queries);
    for query in made.chain(asked).chain(&viewers) {
        if case.is_lost || case.model.items.len() > MOST_ITEMS {
            break;
        }
        if let Err(difference) = case.ask(query, &mut generator) {
            return Err(format!("{difference}\n\n{query}\nof\n{source}\nafter\n{}", case.log));
        }
    }
    Ok(case.counts)
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn random_programs_answer_as_the_model_does() {
    let (first, cases) = (number("HELIX_MODEL_SEED", 0), number("HELIX_MODEL_CASES", 300));
    let next = AtomicU64::new(first);
    let total = Mutex::new(Counts::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + cases {
                break;
            }
            let counts = run(seed).unwrap_or_else(|difference| {
                // The other threads need not go on.
                next.store(u64::MAX / 2, Ordering::Relaxed);
                panic!("seed {seed}: {difference}");
            });
            total.lock().unwrap().add(&counts);
            if (seed + 1 - first).is_multiple_of(1000) {
                eprintln!("{} cases", seed + 1 - first);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let failed = threads.into_iter().map(std::thread::ScopedJoinHandle::join).filter(Result::is_err).count();
        assert_eq!(failed, 0, "a case failed, see above");
    });
    let Counts { answered, refused, undecided } = total.into_inner().unwrap();
    eprintln!("{cases} cases: {answered} answered, {refused} refused, {undecided} left open by the language");
    let representative = refused > 100 && undecided * 20 < answered;
    assert!(answered > refused && (cases < 100 || representative));
}
