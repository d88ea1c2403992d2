//! Text search: how long an index takes to fill, what a search takes beside it, and what writes cost with it.
//!
//! `cargo run --release --example text -- [DOCUMENTS …]` (or `./build.sh bench text`), by default 20 000 and 200 000, of 20 to 60
//! words each that are as unevenly frequent as those of a language (Zipf's law).
#![allow(clippy::print_stdout, clippy::expect_used, reason = "the figures are the output; a broken bench may panic")]

use std::time::{Duration, Instant};

use helix::compiler::{self, SourceSet};
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SCHEMA: &str = "N::Article { INDEX number: I64, text: String }
QUERY load(rows: [{ number: I64, text: String }]) =>
    FOR { number, text } IN rows { AddN<Article>({ number: number, text: text }) }
    RETURN NONE
QUERY add(number: I64, text: String) =>
    article <- AddN<Article>({ number: number, text: text })
    RETURN NONE
QUERY change(number: I64, text: String) =>
    article <- N<Article>({ number: number })::UPDATE({ text: text })
    RETURN NONE
QUERY remove(number: I64) =>
    DROP N<Article>({ number: number })
    RETURN NONE
";

const SEARCH: &str = "QUERY search(text: String) =>
    hits <- SearchBM25<Article>(text, 10)
    RETURN hits::{number, score}
";

const QUERIES: usize = 2_000;
const WRITES: usize = 300;
const WORDS: f64 = 50_000.0;

/// Repeatable numbers, uniform between 0 and 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The n-th most frequent word, with a probability of about 1/n.
    fn word(&mut self) -> String {
        format!("word{}", WORDS.powf(self.roll()) as u64)
    }

    fn text(&mut self) -> String {
        let words = 20 + (self.roll() * 41.0) as usize;
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

fn call(runtime: &Runtime, engine: &Engine, query: &str, body: &Value) {
    runtime.block_on(engine.call(query, body.to_string().into())).expect("the query runs");
}

fn activate(engine: &Engine, source: String) -> Duration {
    let sources = SourceSet::new([("app.hx".to_owned(), source)]);
    let program = compiler::compile(&sources).program.expect("the program compiles");
    let began = Instant::now();
    engine.activate(&program, ActivateOptions::default()).expect("the program activates");
    began.elapsed()
}

/// How long each of some calls takes, sorted.
fn timed(calls: usize, mut call: impl FnMut(usize)) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..calls)
        .map(|number| {
            let began = Instant::now();
            call(number);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn figures(what: &str, times: &[Duration]) {
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let rate = times.len() as f64 / times.iter().sum::<Duration>().as_secs_f64();
    println!("  {what}: p50 {:.3} ms, p90 {:.3} ms, p99 {:.3} ms, {rate:.0} a second", at(0.5), at(0.9), at(0.99));
}

fn run(documents: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let engine = Engine::open(folder.path(), EngineOptions::default()).expect("the database opens");
    let mut dice = Dice(7);
    activate(&engine, SCHEMA.to_owned());
    let began = Instant::now();
    for first in (0..documents).step_by(2_000) {
        let rows: Vec<Value> = (first..documents.min(first + 2_000))
            .map(|number| json!({ "number": number, "text": dice.text() }))
            .collect();
        call(&runtime, &engine, "load", &json!({ "rows": rows }));
    }
    println!("{documents} documents: stored in {:.1} s without an index", began.elapsed().as_secs_f64());
    let before = engine.stats().used_bytes;
    let built = activate(&engine, format!("{SCHEMA}{SEARCH}"));
    let added = (engine.stats().used_bytes - before) as f64 / f64::from(1 << 20);
    println!("  index filled in {:.2} s, {added:.0} MiB", built.as_secs_f64());
    for words in [1, 2, 4, 16] {
        let queries: Vec<Value> = (0..QUERIES)
            .map(|_| json!({ "text": (0..words).map(|_| dice.word()).collect::<Vec<_>>().join(" ") }))
            .collect();
        let times = timed(QUERIES, |number| call(&runtime, &engine, "search", &queries[number]));
        figures(&format!("search of {words} words, top 10"), &times);
    }
    let common = json!({ "text": "word1 word2 word3" });
    figures("search of the most frequent words", &timed(200, |_| call(&runtime, &engine, "search", &common)));
    let texts: Vec<String> = (0..WRITES).map(|_| dice.text()).collect();
    let body = |number: usize| json!({ "number": documents + number, "text": texts[number] });
    figures("add, durable", &timed(WRITES, |number| call(&runtime, &engine, "add", &body(number))));
    let body = |number: usize| json!({ "number": number * 7, "text": texts[number] });
    figures("change, durable", &timed(WRITES, |number| call(&runtime, &engine, "change", &body(number))));
    let body = |number: usize| json!({ "number": number * 7 });
    figures("remove, durable", &timed(WRITES, |number| call(&runtime, &engine, "remove", &body(number))));
    engine.close().expect("the database closes");
}

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).map(|argument| argument.parse().expect("a number")).collect();
    for documents in if asked.is_empty() { vec![20_000, 200_000] } else { asked } {
        run(documents);
    }
}
