//! The engine in process: what a request costs without the network, interpreted and compiled. `./build.sh bench engine`.
//!
//! `queries.rs` is what the emitter makes of `app.hx`; `tests/generated.rs` keeps it current.

#[rustfmt::skip]
mod queries;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use helix::compiler::{self, SourceSet};
use helix_engine::compiled::Queries;
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const APP: &str = include_str!("app.hx");

const USERS: usize = 50_000;
const DOCS: usize = 10_000;
const DIMENSION: usize = 128;

fn vector(seed: usize) -> Vec<f64> {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..DIMENSION)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % 2_000) as f64 / 1_000.0 - 1.0
        })
        .collect()
}

fn call(runtime: &Runtime, engine: &Engine, query: &str, body: &Value) -> Value {
    let answer = runtime.block_on(engine.call(query, body.to_string().into())).expect("the query runs");
    serde_json::from_slice(&answer).expect("responses are JSON")
}

fn filled(runtime: &Runtime, engine: &Engine) -> String {
    let users: Vec<Value> = (0..USERS)
        .map(|n| json!({"email": format!("{n}@x"), "name": format!("User {n}"), "age": n % 100, "score": (n * 7919 % 1000) as f64}))
        .collect();
    for rows in users.chunks(2_000) {
        call(runtime, engine, "load", &json!({"rows": rows}));
    }
    let pairs: Vec<Value> =
        (0..USERS).map(|n| json!({"a": format!("{}@x", n / 5), "b": format!("{}@x", n * 31 % USERS)})).collect();
    for pairs in pairs.chunks(2_000) {
        call(runtime, engine, "link", &json!({"pairs": pairs}));
    }
    let docs: Vec<Value> = (0..DOCS).map(|n| json!({"v": vector(n), "title": format!("Doc {n}")})).collect();
    for rows in docs.chunks(500) {
        call(runtime, engine, "load_docs", &json!({"rows": rows}));
    }
    call(runtime, engine, "id", &json!({"email": "17@x"}))["user"].as_str().expect("an id").to_owned()
}

/// The database of a folder, its queries interpreted or compiled.
fn open(folder: &Path, queries: Queries) -> Arc<Engine> {
    let engine = Engine::open(folder, EngineOptions { queries, ..EngineOptions::default() }).expect("a database");
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), APP.to_owned())]));
    let program = compiled.program.expect("it compiles");
    let digest = program.digest().to_string();
    assert_eq!(queries::QUERIES.digest, digest, "run `UPDATE_CORPUS=1 cargo nextest run --test generated`");
    engine.activate(&program, ActivateOptions::default()).expect("it activates");
    engine
}

/// Lets go of the database, so that it can be opened anew.
fn close(engine: Arc<Engine>) {
    engine.close().expect("it closes");
    drop(engine);
}

fn reads(c: &mut Criterion, runtime: &Runtime, engine: &Engine, how: &str, id: &str) {
    let reads = [
        ("point read by id", "by_id", json!({"id": id})),
        ("point read by index", "by_index", json!({"email": "17@x"})),
        ("one hop, 5 rows", "one_hop", json!({"id": id})),
        ("two hops, count", "two_hop_count", json!({"id": id})),
        ("filter scan of 50 000 rows", "filter", json!({"min": 90})),
        ("filter with three conditions, projected", "filter_more", json!({"min": 50, "score": 20.0})),
        ("filter, hop, filter", "sum_of_hops", json!({"min": 50})),
        ("order 50 000 rows", "order", json!({})),
        ("vector top 10 of 10 000 x 128", "near", json!({"v": vector(123_456)})),
    ];
    for (name, query, body) in reads {
        let body = bytes_of(&body);
        c.bench_function(&format!("{name}, {how}"), |b| {
            b.iter(|| black_box(runtime.block_on(engine.call(query, body.clone().into())).expect("it runs")));
        });
    }
}

fn writes(c: &mut Criterion, runtime: &Runtime, engine: &Engine, how: &str) {
    let mut next = 0;
    c.bench_function(&format!("add node, durable, {how}"), |b| {
        b.iter_batched(
            || {
                next += 1;
                bytes_of(&json!({"email": format!("{how}{next}@x"), "name": "New", "age": 3}))
            },
            |body| runtime.block_on(engine.call("add", body.into())).expect("it runs"),
            BatchSize::SmallInput,
        );
    });
    c.bench_function(&format!("add vector 128, durable, {how}"), |b| {
        b.iter_batched(
            || {
                next += 1;
                bytes_of(&json!({"v": vector(next + 1_000_000), "title": "New"}))
            },
            |body| runtime.block_on(engine.call("add_doc", body.into())).expect("it runs"),
            BatchSize::SmallInput,
        );
    });
}

fn benches(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let engine = open(folder.path(), Queries::default());
    let id = filled(&runtime, &engine);
    close(engine);
    let ways = [("interpreted", Queries::default()), ("compiled", queries::QUERIES)];
    for (how, queries) in ways {
        let engine = open(folder.path(), queries);
        reads(c, &runtime, &engine, how, &id);
        close(engine);
    }
    for (how, queries) in ways {
        let engine = open(folder.path(), queries);
        writes(c, &runtime, &engine, how);
        close(engine);
    }
}

fn bytes_of(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

criterion_group! {
    name = engine;
    config = Criterion::default().sample_size(20);
    targets = benches
}
criterion_main!(engine);
