//! A writer that is never idle: what is done beside requests is done all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use helix::compiler::{self, SourceSet};
use helix_engine::vector::VectorConfig;
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use helix_plan::Program;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

const QUERIES: &str = "
QUERY load(rows: [{ name: I64 }]) =>
    FOR { name } IN rows { AddN<User>({ name: name }) }
    RETURN NONE
QUERY add(name: I64) =>
    user <- AddN<User>({ name: name })
    RETURN NONE
QUERY face(v: [F64]) =>
    face <- AddV<Face>(v, { name: 1 })
    RETURN face::ID
QUERY drop(id: ID) =>
    DROP V<Face>(id)
    RETURN NONE
";

fn program(index: &str) -> Program {
    let source = format!("N::User {{ {index} name: I64 }}\nV::Face {{ name: I64 }}\n{QUERIES}");
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), source)]));
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn call(engine: &Engine, query: &str, body: &Value) -> Value {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(ask(engine, query, body.clone()))
}

/// More clients than the writer takes requests at a time: when it has answered some, others wait.
const CLIENTS: i64 = 700;

/// Clients that write one request after the other.
struct Clients {
    stop: Arc<AtomicBool>,
    runtime: Runtime,
    tasks: Vec<JoinHandle<()>>,
}

impl Clients {
    fn start<F: Future<Output = ()> + Send + 'static>(engine: &Arc<Engine>, write: fn(Arc<Engine>, i64) -> F) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let client = |number: i64| {
            let (engine, stop) = (engine.clone(), stop.clone());
            runtime.spawn(async move {
                let mut count = number * 1_000_000;
                while !stop.load(Ordering::Relaxed) {
                    count += 1;
                    write(engine.clone(), count).await;
                }
            })
        };
        let tasks = (1..=CLIENTS).map(client).collect();
        Self { stop, runtime, tasks }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            self.runtime.block_on(task).unwrap();
        }
    }
}

async fn ask(engine: &Engine, query: &str, body: Value) -> Value {
    let answer = engine.call(query, body.to_string().into()).await.unwrap();
    serde_json::from_slice(&answer).unwrap()
}

#[test]
fn an_activation_that_fills_indexes_ends_under_steady_writes() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), EngineOptions::default()).unwrap();
    engine.activate(&program(""), ActivateOptions::default()).unwrap();
    for first in (0..20_000).step_by(5_000) {
        let rows: Vec<Value> = (first..first + 5_000).map(|name| json!({ "name": name })).collect();
        call(&engine, "load", &json!({ "rows": rows }));
    }
    let clients = Clients::start(&engine, |engine, count| async move {
        ask(&engine, "add", json!({ "name": count })).await;
    });
    thread::sleep(Duration::from_millis(200));
    let activation = {
        let engine = engine.clone();
        thread::spawn(move || engine.activate(&program("UNIQUE INDEX"), ActivateOptions::default()))
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while !activation.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    let is_done = activation.is_finished();
    clients.end();
    assert!(is_done, "the activation waits for the writes to end");
    activation.join().unwrap().unwrap();
    assert_eq!(engine.verify().unwrap().findings, Vec::<String>::new());
}

#[test]
fn dead_vectors_are_freed_under_steady_writes() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = VectorConfig { exact_below: Some(0), ef_construction: 16, ..VectorConfig::default() };
    let engine = Engine::open(folder.path(), EngineOptions { vectors, ..EngineOptions::default() }).unwrap();
    engine.activate(&program(""), ActivateOptions::default()).unwrap();
    static REMOVED: AtomicU64 = AtomicU64::new(0);
    let clients = Clients::start(&engine, |engine, count| async move {
        let at = count as f64;
        let face = ask(&engine, "face", json!({ "v": [at.sin(), at.cos(), (at * 0.7).sin(), 1.0] })).await;
        ask(&engine, "drop", json!({ "id": face["face"] })).await;
        REMOVED.fetch_add(1, Ordering::Relaxed);
    });
    let mut most = 0;
    while REMOVED.load(Ordering::Relaxed) < 10_000 && most < 5_000 {
        most = most.max(engine.vector_counts().unwrap()[0].1.dead);
        thread::sleep(Duration::from_millis(5));
    }
    clients.end();
    assert!(most < 5_000, "the dead only become more");
    assert_eq!(engine.verify().unwrap().findings, Vec::<String>::new());
}
