//! No source text and no request body makes the compiler or the engine panic.
//!
//! Source: programs of the corpus and random ones, changed token by token and line by line, so that most of it stays HelixQL. What
//! they compile to is explained, emitted and formatted as well. Bodies: the requests of the corpus with parts replaced, and bytes
//! that are no JSON.
//!
//! `./build.sh soak fuzz --minutes 30` goes on for longer; `HELIX_FUZZ_SEED=17 HELIX_FUZZ_ROUNDS=1` repeats a round.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says how far it is")]

#[path = "common/corpus.rs"]
mod corpus_files;
#[path = "common/programs.rs"]
mod programs;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use corpus_files::{Session, blocks, cases, parse, requests};
use fastrand::Rng;
use helix::compiler::source::FileId;
use helix::compiler::{self, SourceSet, emit, explain, format};
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use helix_plan::Program;
use serde_json::{Value, json};

/// What is put where something else was: words of the language, and what no program holds.
const WORDS: [&str; 78] = [
    "N",
    "E",
    "V",
    "N::",
    "E::",
    "V::",
    "QUERY",
    "RETURN",
    "FOR",
    "IN",
    "DROP",
    "AddN",
    "AddE",
    "AddV",
    "BatchAddV",
    "SearchV",
    "SearchBM25",
    "Embed",
    "WHERE",
    "EXISTS",
    "AND",
    "OR",
    "!",
    "EQ",
    "NEQ",
    "GT",
    "CONTAINS",
    "IS_IN",
    "COUNT",
    "FIRST",
    "RANGE",
    "ORDER",
    "Asc",
    "GROUP_BY",
    "AGGREGATE_BY",
    "INTERSECT",
    "UPDATE",
    "UpsertN",
    "UpsertE",
    "UpsertV",
    "RerankRRF",
    "RerankMMR",
    "PREFILTER",
    "ShortestPath",
    "ShortestPathDijkstras",
    "From",
    "To",
    "FromN",
    "ToV",
    "ID",
    "NONE",
    "NOW",
    "DEFAULT",
    "INDEX",
    "UNIQUE",
    "MIGRATION",
    "schema",
    "=>",
    "<-",
    "::",
    "..",
    "_",
    "|",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ",",
    "?",
    "\"",
    "-",
    "99999999999999999999999999999999999999999",
    "1e999",
    "\u{feff}é\u{0}",
];

/// The sources of a program, and its requests.
struct Seed {
    source: String,
    http: String,
}

/// Programs to begin with.
fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for path in cases() {
        let parts = parse(&fs::read_to_string(&path).unwrap());
        let of = |language: &str| -> String {
            blocks(&parts).filter(|block| block.language == language).map(|block| block.text.as_str()).collect()
        };
        let (source, http) = (of("hx"), of("http"));
        let sources = SourceSet::new([("seed.hx".to_owned(), source.clone())]);
        if compiler::compile(&sources).program.is_some() {
            seeds.push(Seed { source, http });
        }
    }
    seeds.extend((0..4).map(|seed| {
        let random = programs::random(seed, 16);
        Seed { source: random.source, http: random.requests }
    }));
    seeds
}

/// A text in tokens: words, numbers, and single signs, with the space before each.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut last = ' ';
    for (place, c) in text.char_indices() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if place > start && !(is_word(c) && is_word(last)) && !last.is_whitespace() {
            tokens.push(&text[start..place]);
            start = place;
        }
        last = c;
    }
    tokens.push(&text[start..]);
    tokens
}

fn pick<'t, T>(rng: &mut Rng, of: &'t [T]) -> &'t T {
    &of[rng.usize(..of.len())]
}

/// A program with a few changes.
fn mutated(rng: &mut Rng, seeds: &[Seed]) -> String {
    let mut text = pick(rng, seeds).source.clone();
    if rng.u8(..4) == 0 {
        // Lines of another program, which are statements most of the time.
        let mut lines: Vec<&str> = text.lines().collect();
        let other: Vec<&str> = pick(rng, seeds).source.lines().collect();
        for _ in 0..rng.usize(1..4) {
            if !other.is_empty() {
                lines.insert(rng.usize(..=lines.len()), *pick(rng, other.as_slice()));
            }
        }
        text = lines.join("\n");
    }
    let mut tokens: Vec<String> = tokens(&text).into_iter().map(str::to_owned).collect();
    // One change leaves most programs right but for one thing, many leave none.
    for _ in 0..*pick(rng, &[0, 1, 1, 1, 2, 5]) {
        if tokens.is_empty() {
            break;
        }
        let place = rng.usize(..tokens.len());
        let is_word = |token: &str| token.trim_start().starts_with(char::is_alphanumeric);
        match rng.u8(..12) {
            0 => {
                tokens.remove(place);
            }
            1 => tokens.insert(place, tokens[place].clone()),
            2 => {
                let other = rng.usize(..tokens.len());
                tokens.swap(place, other);
            }
            3 => tokens[place] = format!(" {}", pick(rng, &WORDS)),
            4 => tokens.insert(place, format!(" {}", pick(rng, &WORDS))),
            5 => {
                // A piece again, somewhere else: nesting grows.
                let end = (place + rng.usize(1..12)).min(tokens.len());
                let piece = tokens[place..end].to_vec();
                let at = rng.usize(..=tokens.len());
                tokens.splice(at..at, piece);
            }
            // A name or a word of the language for another, a sign for another.
            _ => {
                let alike = |token: &&String| is_word(token) == is_word(&tokens[place]);
                let alike: Vec<&String> = tokens.iter().filter(alike).collect();
                tokens[place] = (*pick(rng, &alike)).clone();
            }
        }
    }
    tokens.concat()
}

/// Everything that is made of a source text.
fn compile(text: &str) -> Option<Program> {
    let sources = SourceSet::new([("fuzz.hx".to_owned(), text.to_owned())]);
    let compiled = compiler::compile(&sources);
    let shown = helix::ui::diagnostics::render_plain(&compiled.diagnostics, &sources);
    assert_eq!(shown.is_empty(), compiled.diagnostics.is_empty());
    if let Ok(once) = format::format(FileId(0), text) {
        assert_eq!(format::format(FileId(0), &once).ok().as_ref(), Some(&once), "formatted twice is another text");
    }
    let program = compiled.program?;
    let made = [
        emit::rust::queries(&program),
        explain::program(&program),
        emit::openapi::document(&program, "a", "1", &[]).to_string(),
    ];
    assert!(!made[0].is_empty());
    assert_eq!(Program::decode(&program.encode()).unwrap().digest(), program.digest());
    Some(program)
}

/// A value that is seldom asked for.
fn odd(rng: &mut Rng) -> Value {
    match rng.u8(..14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(i64::MIN),
        5 => json!(1e308),
        6 => json!(0.1),
        7 => json!(""),
        8 => json!("é\u{0}\u{1F600} graph"),
        9 => json!("1f0e3e9c-5b1a-6c40-8f00-010203040506"),
        10 => json!([]),
        11 => json!({}),
        12 => json!([[[1.0]], {"a": [null]}]),
        _ => json!("9".repeat(rng.usize(1..200))),
    }
}

fn change(rng: &mut Rng, value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() && rng.u8(..5) > 0 => {
            let keys: Vec<String> = members.keys().cloned().collect();
            let key = pick(rng, &keys).clone();
            match rng.u8(..6) {
                0 => {
                    members.remove(&key);
                }
                1 => {
                    members.insert(format!("{key}é"), odd(rng));
                }
                _ => change(rng, members.get_mut(&key).unwrap()),
            }
        }
        Value::Array(elements) if !elements.is_empty() && rng.u8(..4) > 0 => {
            let place = rng.usize(..elements.len());
            match rng.u8(..4) {
                0 => {
                    elements.remove(place);
                }
                1 => elements.push(odd(rng)),
                _ => change(rng, &mut elements[place]),
            }
        }
        other => *other = odd(rng),
    }
}

/// A body with changes; sometimes no JSON at all.
fn body(rng: &mut Rng, text: &str) -> Vec<u8> {
    let mut bytes = match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            (0..rng.usize(1..4)).for_each(|_| change(rng, &mut value));
            value.to_string().into_bytes()
        }
        Err(_) => text.as_bytes().to_vec(),
    };
    match rng.u8(..12) {
        0 => bytes.truncate(rng.usize(..=bytes.len())),
        1 if !bytes.is_empty() => {
            let place = rng.usize(..bytes.len());
            bytes[place] = rng.u8(..);
        }
        2 => bytes = [b"[".repeat(rng.usize(1..3000)), bytes].concat(),
        _ => {}
    }
    bytes
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Runs rounds, each of which repeats from its seed: so many, or for so long as is asked.
fn rounds(otherwise: u64, round: impl Fn(u64)) -> u64 {
    let first = number("HELIX_FUZZ_SEED").unwrap_or(0);
    let end = number("HELIX_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let most = number("HELIX_FUZZ_ROUNDS").unwrap_or(if end.is_some() { u64::MAX } else { otherwise });
    let mut done = 0;
    while done < most && end.is_none_or(|end| Instant::now() < end) {
        round(first + done);
        done += 1;
    }
    done
}

#[test]
fn no_source_text_panics() {
    let seeds = seeds();
    let compiled = std::cell::Cell::new(0);
    let done = rounds(600, |seed| {
        let text = mutated(&mut Rng::with_seed(seed), &seeds);
        let start = Instant::now();
        let result = catch_unwind(|| compile(&text).is_some());
        let took = start.elapsed();
        let right = result.unwrap_or_else(|_| panic!("seed {seed} panics:\n{text}"));
        assert!(took < Duration::from_secs(20), "seed {seed} takes {took:?}:\n{text}");
        compiled.set(compiled.get() + u64::from(right));
    });
    eprintln!("{done} texts, of which {} compile", compiled.get());
    assert!(done < 100 || compiled.get() * 50 > done, "next to nothing compiles: only the parser is tested");
}

#[test]
fn no_request_body_fails_the_server() {
    let seeds: Vec<Seed> = seeds().into_iter().filter(|seed| !seed.http.is_empty()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = rounds(60, |round| {
        let mut rng = Rng::with_seed(round);
        let seed = pick(&mut rng, &seeds);
        let sources = SourceSet::new([("fuzz.hx".to_owned(), seed.source.clone())]);
        let Some(program) = compiler::compile(&sources).program else { return };
        let engine = Engine::in_memory(EngineOptions::default()).unwrap();
        engine.activate(&program, ActivateOptions::default()).unwrap();
        let mut session = Session::default();
        for request in requests(&seed.http) {
            let mut asked = String::new();
            session.exchange(&request, |query, text| {
                asked.clone_from(&text);
                answer(&runtime, &engine, query, text.into_bytes())
            });
            for _ in 0..4 {
                let bytes = body(&mut rng, &asked);
                let shown = String::from_utf8_lossy(&bytes).into_owned();
                let (status, text) = catch_unwind(AssertUnwindSafe(|| answer(&runtime, &engine, request.query, bytes)))
                    .unwrap_or_else(|_| panic!("round {round}: {} {shown} panics", request.query));
                // What is stored can make a path impossible; nothing else may fail the server.
                let is_known = text.contains("Traversal error:");
                assert!(status < 500 || is_known, "round {round}: {} {shown}: {status} {text}", request.query);
            }
        }
    });
    eprintln!("{done} databases");
}

fn answer(runtime: &tokio::runtime::Runtime, engine: &Engine, query: &str, body: Vec<u8>) -> (u16, String) {
    match runtime.block_on(engine.call(query, body.into())) {
        Ok(body) => (200, String::from_utf8(body.to_vec()).unwrap()),
        Err(error) => (error.status(), json!({"error": error.to_string()}).to_string()),
    }
}
