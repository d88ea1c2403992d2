//! The engine in process: what a request costs without the network. `./build.sh bench`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use helix::compiler::{self, SourceSet};
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const APP: &str = r"
N::User { UNIQUE INDEX email: String, name: String, age: U8, score: F64 }
E::Follows { From: User, To: User }
V::Doc { title: String }
QUERY load(rows: [{ email: String, name: String, age: U8, score: F64 }]) =>
    FOR { email, name, age, score } IN rows { AddN<User>({ email: email, name: name, age: age, score: score }) }
    RETURN NONE
QUERY link(pairs: [{ a: String, b: String }]) =>
    FOR { a, b } IN pairs {
        x <- N<User>({ email: a })
        y <- N<User>({ email: b })
        AddE<Follows>::From(x)::To(y)
    }
    RETURN NONE
QUERY add(email: String, name: String, age: U8) =>
    user <- AddN<User>({ email: email, name: name, age: age })
    RETURN user
QUERY id(email: String) =>
    user <- N<User>({ email: email })
    RETURN user::ID
QUERY by_id(id: ID) =>
    user <- N<User>(id)
    RETURN user
QUERY by_index(email: String) =>
    user <- N<User>({ email: email })
    RETURN user
QUERY one_hop(id: ID) =>
    users <- N<User>(id)::Out<Follows>
    RETURN users::{name, age}
QUERY two_hop_count(id: ID) =>
    n <- N<User>(id)::Out<Follows>::Out<Follows>::COUNT
    RETURN n
QUERY filter(min: U8) =>
    n <- N<User>::WHERE(_::{age}::GT(min))::COUNT
    RETURN n
QUERY order() =>
    users <- N<User>::ORDER<Desc>(_::{score})::RANGE(0, 10)
    RETURN users::{name}
QUERY add_doc(v: [F64], title: String) =>
    doc <- AddV<Doc>(v, { title: title })
    RETURN doc::ID
QUERY load_docs(rows: [{ v: [F64], title: String }]) =>
    FOR { v, title } IN rows { AddV<Doc>(v, { title: title }) }
    RETURN NONE
QUERY near(v: [F64]) =>
    docs <- SearchV<Doc>(v, 10)
    RETURN docs::{title, score}
";

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

fn benches(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let engine: Arc<Engine> = Engine::open(folder.path(), EngineOptions::default()).expect("a database");
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), APP.to_owned())]));
    engine.activate(&compiled.program.expect("it compiles"), ActivateOptions::default()).expect("it activates");
    let id = filled(&runtime, &engine);
    let reads = [
        ("point read by id", "by_id", json!({"id": id})),
        ("point read by index", "by_index", json!({"email": "17@x"})),
        ("one hop, 5 rows", "one_hop", json!({"id": id})),
        ("two hops, count", "two_hop_count", json!({"id": id})),
        ("filter scan of 50 000 rows", "filter", json!({"min": 90})),
        ("order 50 000 rows", "order", json!({})),
        ("vector top 10 of 10 000 x 128", "near", json!({"v": vector(123_456)})),
    ];
    for (name, query, body) in reads {
        let body = bytes_of(&body);
        c.bench_function(name, |b| {
            b.iter(|| black_box(runtime.block_on(engine.call(query, body.clone().into())).expect("it runs")));
        });
    }
    let mut next = 0;
    c.bench_function("add node, durable", |b| {
        b.iter_batched(
            || {
                next += 1;
                bytes_of(&json!({"email": format!("new{next}@x"), "name": "New", "age": 3}))
            },
            |body| runtime.block_on(engine.call("add", body.into())).expect("it runs"),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("add vector 128, durable", |b| {
        b.iter_batched(
            || {
                next += 1;
                bytes_of(&json!({"v": vector(next + 1_000_000), "title": "New"}))
            },
            |body| runtime.block_on(engine.call("add_doc", body.into())).expect("it runs"),
            BatchSize::SmallInput,
        );
    });
    engine.close().expect("it closes");
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
