//! What large graphs and large programs cost: loading, filters, groups and orders over every node, two hops, shortest paths; and
//! checking a program of many queries.
//!
//! `cargo run --release --example scale -- [NODES] [EDGES]` (or `./build.sh bench scale`), by default 1 000 000 and 5 000 000.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "the figures are the output; a broken bench may panic")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use helix::compiler::{self, SourceSet};
use helix_engine::{ActivateOptions, Engine, EngineError, EngineOptions};
use serde_json::Value;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SCHEMA: &str = "N::Person { UNIQUE INDEX number: I64, INDEX city: String, age: I32, score: F64, name: String }
E::Knows { From: Person, To: Person, Properties: { years: I64 } }
N::Note { UNIQUE INDEX number: I64, INDEX city: String, text: String }
V::Meaning { number: I64 }
E::Means UNIQUE { From: Note, To: Meaning }
";

const QUERIES: &str = "QUERY load(rows: [{ number: I64, city: String, age: I32, score: F64, name: String }]) =>
    FOR { number, city, age, score, name } IN rows {
        AddN<Person>({ number: number, city: city, age: age, score: score, name: name })
    }
    RETURN NONE
QUERY link(rows: [{ a: I64, b: I64, years: I64 }]) =>
    FOR { a, b, years } IN rows {
        from <- N<Person>({ number: a })
        to <- N<Person>({ number: b })
        AddE<Knows>({ years: years })::From(from)::To(to)
    }
    RETURN NONE
QUERY filter(min: I32) =>
    n <- N<Person>::WHERE(AND(_::{age}::GTE(min), _::{score}::LT(0.5)))::COUNT
    RETURN n
QUERY equal(city: String) =>
    n <- N<Person>::WHERE(_::{city}::EQ(city))::COUNT
    RETURN n
QUERY range(number: I64, end: I64) =>
    n <- N<Person>::WHERE(AND(_::{number}::GTE(number), _::{number}::LT(end)))::COUNT
    RETURN n
QUERY wide(number: I64) =>
    n <- N<Person>::WHERE(_::{number}::GTE(number))::COUNT
    RETURN n
QUERY page(number: I64) =>
    people <- N<Person>::WHERE(_::{number}::GTE(number))::RANGE(0, 10)
    RETURN people::{number}
QUERY top() =>
    people <- N<Person>::ORDER<Desc>(_::{number})::RANGE(0, 10)
    RETURN people::{number}
QUERY greatest() =>
    RETURN MAX(N<Person>::{number})
QUERY contains(text: String) =>
    n <- N<Person>::WHERE(_::{name}::CONTAINS(text))::COUNT
    RETURN n
QUERY group() =>
    groups <- N<Person>::GROUP_BY(city)
    RETURN groups
QUERY order() =>
    people <- N<Person>::ORDER<Desc>(_::{score})::RANGE(0, 10)
    RETURN people::{number}
QUERY average() =>
    RETURN AVG(N<Person>::{score})
QUERY hops(number: I64) =>
    n <- N<Person>({ number: number })::Out<Knows>::Out<Knows>::COUNT
    RETURN n
QUERY friends(number: I64) =>
    people <- N<Person>({ number: number })::Out<Knows>::Out<Knows>::WHERE(_::{age}::GT(30))
    RETURN people::{number}
QUERY fewest(a: I64, b: I64) =>
    to <- N<Person>({ number: b })
    path <- N<Person>({ number: a })::ShortestPathBFS<Knows>::To(to)
    RETURN path::FIRST
QUERY lightest(a: I64, b: I64) =>
    to <- N<Person>({ number: b })
    path <- N<Person>({ number: a })::ShortestPathDijkstras<Knows>(_::{years})::To(to)
    RETURN path::FIRST
QUERY write(rows: [{ number: I64, city: String, text: String, data: [F64] }]) =>
    FOR { number, city, text, data } IN rows {
        note <- AddN<Note>({ number: number, city: city, text: text })
        meaning <- AddV<Meaning>(data, { number: number })
        AddE<Means>::From(note)::To(meaning)
    }
    RETURN NONE
QUERY search(text: String) =>
    RETURN SearchBM25<Note>(text, 10)::{number}
";

/// Rows of one request.
const BATCH: u64 = 10_000;
/// Notes with text, a vector and a unique edge; words of each, and different ones; components of each vector.
const NOTES: u64 = 20_000;
const WORDS: usize = 20;
const VOCABULARY: u32 = 5_000;
const DIMENSION: usize = 128;
const CITIES: u64 = 200;

struct Bench {
    engine: std::sync::Arc<Engine>,
    runtime: Runtime,
    rng: fastrand::Rng,
    nodes: u64,
}

impl Bench {
    fn call(&self, query: &str, body: String) -> Value {
        match self.runtime.block_on(self.engine.call(query, body.into())) {
            Ok(answer) => serde_json::from_slice(&answer).expect("responses are JSON"),
            // In a sparse graph, not every two nodes are joined.
            Err(EngineError::PathNotFound) => Value::Null,
            Err(error) => panic!("{query}: {error}"),
        }
    }

    /// Loads rows in batches; gives how long it took.
    fn load(&mut self, query: &str, count: u64, row: impl Fn(&mut fastrand::Rng, u64) -> String) -> Duration {
        let mut took = Duration::ZERO;
        for start in (0..count).step_by(BATCH as usize) {
            let rows: Vec<String> =
                (start..count.min(start + BATCH)).map(|number| row(&mut self.rng, number)).collect();
            let body = format!(r#"{{"rows":[{}]}}"#, rows.join(","));
            let began = Instant::now();
            self.call(query, body);
            took += began.elapsed();
        }
        took
    }

    /// Asks so often; prints the median and the slowest.
    fn measure(&mut self, query: &str, times: usize, body: impl Fn(&mut fastrand::Rng, u64) -> String) {
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..times {
            let body = body(&mut self.rng, self.nodes);
            let began = Instant::now();
            self.call(query, body);
            took.push(began.elapsed());
        }
        took.sort();
        let median = took[took.len() / 2];
        println!("{query:<10} p50 {median:>10.2?}   slowest {:>10.2?}   ({times} times)", took[took.len() - 1]);
    }
}

fn check(queries: usize) {
    let mut source = SCHEMA.to_owned();
    let bodies: Vec<&str> = QUERIES.split("QUERY ").skip(1).collect();
    for index in 0..queries {
        let (name, rest) = bodies[index % bodies.len()].split_once('(').expect("a query has parameters");
        let _ = write!(source, "QUERY {name}_{index}({rest}");
    }
    let sources = SourceSet::new([("app.hx".to_owned(), source)]);
    let began = Instant::now();
    let compiled = compiler::compile(&sources);
    println!("checking and lowering {queries} queries: {:.2?}", began.elapsed());
    assert!(compiled.program.is_some(), "{:?}", compiled.diagnostics);
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let (nodes, edges) = (numbers.first().copied().unwrap_or(1_000_000), numbers.get(1).copied().unwrap_or(5_000_000));
    check(1_000);

    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(folder.path(), EngineOptions::default()).expect("the database opens");
    let sources = SourceSet::new([("app.hx".to_owned(), format!("{SCHEMA}{QUERIES}"))]);
    let program = compiler::compile(&sources).program.expect("the program compiles");
    engine.activate(&program, ActivateOptions::default()).expect("the program activates");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut bench = Bench { engine, runtime, rng: fastrand::Rng::with_seed(1), nodes };

    let took = bench.load("load", nodes, |rng, number| {
        format!(
            r#"{{"number":{number},"city":"city {}","age":{},"score":{:.6},"name":"person {number}"}}"#,
            rng.u64(..CITIES),
            rng.i32(0..100),
            rng.f64()
        )
    });
    println!("{nodes} nodes with two indexes: {took:.2?} ({:.0}/s)", nodes as f64 / took.as_secs_f64());
    let took = bench.load("link", edges, |rng, _| {
        format!(r#"{{"a":{},"b":{},"years":{}}}"#, rng.u64(..nodes), rng.u64(..nodes), rng.u64(1..50))
    });
    println!("{edges} edges, both ends looked up: {took:.2?} ({:.0}/s)", edges as f64 / took.as_secs_f64());

    let took = bench.load("write", NOTES, |rng, number| {
        let words: Vec<String> = (0..WORDS).map(|_| format!("word{}", rng.u32(..VOCABULARY))).collect();
        let data: Vec<String> = (0..DIMENSION).map(|_| format!("{:.4}", rng.f32() - 0.5)).collect();
        let (city, text, data) = (rng.u64(..CITIES), words.join(" "), data.join(","));
        format!(r#"{{"number":{number},"city":"city {city}","text":"{text}","data":[{data}]}}"#)
    });
    println!("{NOTES} notes with every kind of index: {took:.2?} ({:.0}/s)", NOTES as f64 / took.as_secs_f64());

    let indexed = SCHEMA.replace(" age: I32", " INDEX age: I32");
    let sources = SourceSet::new([("app.hx".to_owned(), format!("{indexed}{QUERIES}"))]);
    let program = compiler::compile(&sources).program.expect("the program compiles");
    let began = Instant::now();
    bench.engine.activate(&program, ActivateOptions::default()).expect("the program activates");
    println!("an activation that indexes a field of {nodes} nodes: {:.2?}", began.elapsed());

    bench.measure("filter", 5, |rng, _| format!(r#"{{"min":{}}}"#, rng.i32(10..90)));
    bench.measure("equal", 5, |rng, _| format!(r#"{{"city":"city {}"}}"#, rng.u64(..CITIES)));
    bench.measure("range", 100, |rng, nodes| {
        let number = rng.u64(..nodes);
        format!(r#"{{"number":{number},"end":{}}}"#, number + 1_000)
    });
    bench.measure("wide", 5, |_, nodes| format!(r#"{{"number":{}}}"#, nodes / 10));
    bench.measure("page", 100, |rng, nodes| format!(r#"{{"number":{}}}"#, rng.u64(..nodes)));
    bench.measure("top", 100, |_, _| "{}".to_owned());
    bench.measure("greatest", 100, |_, _| "{}".to_owned());
    bench.measure("contains", 5, |rng, _| format!(r#"{{"text":"{}"}}"#, rng.u32(100..999)));
    bench.measure("group", 5, |_, _| "{}".to_owned());
    bench.measure("order", 5, |_, _| "{}".to_owned());
    bench.measure("average", 5, |_, _| "{}".to_owned());
    bench.measure("hops", 1_000, |rng, nodes| format!(r#"{{"number":{}}}"#, rng.u64(..nodes)));
    bench.measure("friends", 1_000, |rng, nodes| format!(r#"{{"number":{}}}"#, rng.u64(..nodes)));
    let ends = |rng: &mut fastrand::Rng, nodes| format!(r#"{{"a":{},"b":{}}}"#, rng.u64(..nodes), rng.u64(..nodes));
    bench.measure("fewest", 10, ends);
    bench.measure("lightest", 10, ends);
}
