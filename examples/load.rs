//! HTTP load on a server in this process, its queries interpreted and compiled, beside an answer that costs nothing, so that the
//! figures are ratios of one run.
//!
//! `cargo run --release --example load` (or `./build.sh bench http`), a few seconds a row.
#![allow(clippy::print_stdout, reason = "the figures are the output")]

#[path = "../benches/engine/queries.rs"]
#[rustfmt::skip]
mod queries;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use helix::compiler::{self, SourceSet};
use helix_engine::compiled::Queries;
use helix_engine::server::{Server, ServerOptions};
use helix_engine::{ActivateOptions, Engine, EngineOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const APP: &str = include_str!("../benches/engine/app.hx");

const USERS: usize = 50_000;
const DOCS: usize = 10_000;
const DIMENSION: usize = 128;
const SECONDS: Duration = Duration::from_secs(3);

static NEXT: AtomicU64 = AtomicU64::new(0);

fn vector(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let components: Vec<String> = (0..DIMENSION)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            format!("{:.3}", (state % 2_000) as f64 / 1_000.0 - 1.0)
        })
        .collect();
    format!("[{}]", components.join(","))
}

/// Makes a request body; gets the id of a node.
type Body = fn(&str) -> String;

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    fn call(&mut self, query: &str, body: &str) -> String {
        let request = format!("POST /{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(request.as_bytes()).expect("the server reads");
        let mut filled = 0;
        loop {
            filled += self.stream.read(&mut self.buffer[filled..]).expect("the server answers");
            let text = &self.buffer[..filled];
            let Some(head) = text.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head_text = String::from_utf8_lossy(&text[..head]).to_lowercase();
            assert!(head_text.starts_with("http/1.1 200"), "{query}: {}", String::from_utf8_lossy(text));
            let length = head_text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.and_then(|length| length.trim().parse().ok()).expect("a length");
            if filled >= head + 4 + length {
                return String::from_utf8_lossy(&text[head + 4..head + 4 + length]).into_owned();
            }
        }
    }
}

/// Requests a second, and the median latency.
fn measure(address: SocketAddr, connections: usize, query: &'static str, body: Body, id: &str) -> (f64, Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (stop, id) = (stop.clone(), id.to_owned());
            thread::spawn(move || {
                let mut connection = Connection::new(address);
                let mut latencies = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let body = body(&id);
                    let sent = Instant::now();
                    connection.call(query, &body);
                    latencies.push(sent.elapsed());
                }
                latencies
            })
        })
        .collect();
    thread::sleep(SECONDS);
    stop.store(true, Ordering::Relaxed);
    let mut latencies: Vec<Duration> =
        clients.into_iter().flat_map(|client| client.join().expect("a client ends")).collect();
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    (latencies.len() as f64 / elapsed.as_secs_f64(), latencies[latencies.len() / 2])
}

/// A database of a folder with its server, the queries interpreted or compiled.
fn serve(folder: &Path, queries: Queries) -> (Arc<Engine>, Server) {
    let engine = Engine::open(folder, EngineOptions { queries, ..EngineOptions::default() }).expect("a database");
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), APP.to_owned())]));
    engine.activate(&compiled.program.expect("it compiles"), ActivateOptions::default()).expect("it activates");
    let options = ServerOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = Server::start(engine.clone(), options).expect("it listens");
    (engine, server)
}

/// Fills the database; gives the id of a node.
fn fill(address: SocketAddr) -> String {
    let mut connection = Connection::new(address);
    let loaded = Instant::now();
    for start in (0..USERS).step_by(1_000) {
        let row =
            |n: usize| format!(r#"{{"email":"{n}@x","name":"User {n}","age":{},"score":{}.0}}"#, n % 100, n % 977);
        let rows: Vec<String> = (start..start + 1_000).map(row).collect();
        connection.call("load", &format!(r#"{{"rows":[{}]}}"#, rows.join(",")));
    }
    for start in (0..USERS).step_by(1_000) {
        let pair = |n: usize| format!(r#"{{"a":"{}@x","b":"{}@x"}}"#, n / 5, n * 31 % USERS);
        let pairs: Vec<String> = (start..start + 1_000).map(pair).collect();
        connection.call("link", &format!(r#"{{"pairs":[{}]}}"#, pairs.join(",")));
    }
    println!("loaded {USERS} nodes and {USERS} edges in {:.1?}", loaded.elapsed());
    let loaded = Instant::now();
    for start in (0..DOCS).step_by(250) {
        let row = |n: usize| format!(r#"{{"v":{},"title":"Doc {n}"}}"#, vector(n as u64));
        let rows: Vec<String> = (start..start + 250).map(row).collect();
        connection.call("load_docs", &format!(r#"{{"rows":[{}]}}"#, rows.join(",")));
    }
    println!("loaded {DOCS} vectors of {DIMENSION} in {:.1?}", loaded.elapsed());
    let answer = connection.call("id", r#"{"email":"17@x"}"#);
    answer.split('"').nth(3).expect("an id").to_owned()
}

/// The queries that read, and how a request to each is made.
const READS: [(&str, Body); 8] = [
    ("constant", |_| String::new()),
    ("by_id", |id| format!(r#"{{"id":"{id}"}}"#)),
    ("by_index", |_| r#"{"email":"17@x"}"#.to_owned()),
    ("one_hop", |id| format!(r#"{{"id":"{id}"}}"#)),
    ("two_hop_count", |id| format!(r#"{{"id":"{id}"}}"#)),
    ("filter", |_| r#"{"min":90}"#.to_owned()),
    ("filter_more", |_| r#"{"min":50,"score":20.0}"#.to_owned()),
    ("near", |_| format!(r#"{{"v":{}}}"#, vector(NEXT.fetch_add(1, Ordering::Relaxed) + 500_000))),
];

/// Those that write. They come last: what they add would be read.
const WRITES: [(&str, Body); 3] = [
    ("add", |_| format!(r#"{{"email":"new{}","name":"New","age":3}}"#, NEXT.fetch_add(1, Ordering::Relaxed))),
    ("follow", |id| format!(r#"{{"a":"{id}","b":"{id}"}}"#)),
    ("add_doc", |_| format!(r#"{{"v":{},"title":"New"}}"#, vector(NEXT.fetch_add(1, Ordering::Relaxed) + 900_000))),
];

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut id = String::new();
    let ways = [("interpreted", Queries::default()), ("compiled", queries::QUERIES)];
    let runs = [&READS[..], &WRITES[..]].into_iter().flat_map(|rows| ways.map(|(how, queries)| (how, queries, rows)));
    for (how, queries, rows) in runs {
        let (engine, server) = serve(folder.path(), queries);
        if id.is_empty() {
            id = fill(server.address());
        }
        println!(
            "{how:<16}{:>14}{:>12}{:>10}{:>14}{:>12}{:>10}",
            "1 conn rps", "p50", "ratio", "16 conn rps", "p50", "ratio"
        );
        let mut constant = (f64::NAN, f64::NAN);
        for (query, body) in rows.iter().copied() {
            let (one, one_p50) = measure(server.address(), 1, query, body, &id);
            let (many, many_p50) = measure(server.address(), 16, query, body, &id);
            if query == "constant" {
                constant = (one, many);
            }
            println!(
                "{query:<16}{one:>14.0}{one_p50:>12.2?}{:>10.2}{many:>14.0}{many_p50:>12.2?}{:>10.2}",
                one / constant.0,
                many / constant.1
            );
        }
        server.stop();
        engine.close().expect("it closes");
    }
}
