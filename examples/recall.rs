//! Recall and speed of vector search at the default settings, beside the exact answer.
//!
//! `cargo run --release --example recall -- [VECTORS] [DIMENSION]` (or `./build.sh bench recall`), by default 100 000 of 128, in
//! clusters, since evenly spread vectors have no neighbourhoods to find.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "the figures are the output; a broken bench may panic")]

use std::time::{Duration, Instant};

use helix::compiler::{self, SourceSet};
use helix_engine::vector::VectorConfig;
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const APP: &str = "V::Doc { number: I64 }
QUERY load(rows: [{ v: [F64], number: I64 }]) =>
    FOR { v, number } IN rows { AddV<Doc>(v, { number: number }) }
    RETURN NONE
QUERY near(v: [F64]) =>
    docs <- SearchV<Doc>(v, 10)
    RETURN docs::{number}
";

const CLUSTERS: usize = 500;
const QUERIES: usize = 300;

/// Repeatable numbers, uniform between −1 and 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn near(&mut self, center: &[f64]) -> Vec<f64> {
        center.iter().map(|component| component + 0.35 * self.roll()).collect()
    }
}

fn open(folder: &std::path::Path, vectors: VectorConfig) -> std::sync::Arc<Engine> {
    let engine =
        Engine::open(folder, EngineOptions { vectors, ..EngineOptions::default() }).expect("the database opens");
    let sources = SourceSet::new([("app.hx".to_owned(), APP.to_owned())]);
    let program = compiler::compile(&sources).program.expect("the program compiles");
    engine.activate(&program, ActivateOptions::default()).expect("the program activates");
    engine
}

fn ask(runtime: &tokio::runtime::Runtime, engine: &Engine, queries: &[Vec<f64>]) -> (Vec<Vec<Value>>, Duration) {
    let began = Instant::now();
    let answers = queries.iter().map(|query| {
        let body = json!({ "v": query }).to_string();
        let answer = runtime.block_on(engine.call("near", body.into())).expect("the search runs");
        let answer: Value = serde_json::from_slice(&answer).expect("responses are JSON");
        answer["docs"].as_array().expect("a list").clone()
    });
    let answers = answers.collect();
    (answers, began.elapsed() / queries.len() as u32)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let (vectors, dimension): (usize, usize) = (arguments.next().unwrap_or(100_000), arguments.next().unwrap_or(128));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut dice = Dice(7);
    let centers: Vec<Vec<f64>> = (0..CLUSTERS).map(|_| (0..dimension).map(|_| dice.roll()).collect()).collect();
    let queries: Vec<Vec<f64>> = (0..QUERIES).map(|query| dice.near(&centers[query % CLUSTERS])).collect();

    let engine = open(folder.path(), VectorConfig::default());
    let began = Instant::now();
    for first in (0..vectors).step_by(500) {
        let rows: Vec<Value> = (first..vectors.min(first + 500))
            .map(|number| json!({ "v": dice.near(&centers[number * 7919 % CLUSTERS]), "number": number }))
            .collect();
        runtime.block_on(engine.call("load", json!({ "rows": rows }).to_string().into())).expect("the vectors load");
    }
    println!("{vectors} vectors of {dimension}: stored in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    while engine.vector_counts().expect("counts").iter().any(|(_, counts)| counts.backlog > 0) {
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("linked {:.1} s after that", began.elapsed().as_secs_f64());
    let (walked, took) = ask(&runtime, &engine, &queries);
    engine.close().expect("the database closes");
    drop(engine);

    let engine = open(folder.path(), VectorConfig { exact_below: Some(u32::MAX), ..VectorConfig::default() });
    let (exact, exact_took) = ask(&runtime, &engine, &queries);
    let found: usize =
        walked.iter().zip(&exact).map(|(walked, exact)| walked.iter().filter(|hit| exact.contains(hit)).count()).sum();
    let wanted: usize = exact.iter().map(Vec::len).sum();
    println!("recall@10 {:.4}", found as f64 / wanted as f64);
    println!("default {:.3} ms a search, exact {:.3} ms", took.as_secs_f64() * 1e3, exact_took.as_secs_f64() * 1e3);
}
