//! Compiled queries answer as interpreted ones do, to the byte.
//!
//! `tests/generated/queries.rs` is what the emitter makes of every program of the corpus, as one module each: compiled with this
//! test, linted with the workspace, read in reviews. `UPDATE_CORPUS=1 cargo nextest run --test generated` writes it anew.

#[path = "support/corpus.rs"]
mod corpus_files;
#[path = "support/programs.rs"]
mod programs;
#[path = "generated/queries.rs"]
#[rustfmt::skip]
mod queries;

use std::fs;
use std::path::Path;

use corpus_files::{Part, Session, blocks, cases, parse, requests, sources};
use helix::compiler::{self, SourceSet, emit};
use helix_engine::compiled::Queries;
use helix_engine::{ActivateOptions, Clock, Engine, EngineOptions};
use helix_plan::Program;

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000;

/// A program of the corpus.
struct Case {
    name: String,
    program: Program,
    parts: Vec<Part>,
}

/// Every case that compiles, under the name of its file.
fn compiled_cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let cases = cases().into_iter().filter_map(|path| {
        let parts = parse(&fs::read_to_string(&path).expect("a case can be read"));
        let program = compiler::compile(&sources(&parts)).program?;
        let name = path.strip_prefix(&root).expect("a case is in the corpus").with_extension("");
        Some(Case { name: name.to_string_lossy().replace('/', "_"), program, parts })
    });
    cases.collect()
}

/// Checks a file against what the emitter makes now, or writes it anew.
fn check(file: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        fs::write(&file, text).expect("the file can be written");
    }
    let before = fs::read_to_string(&file).unwrap_or_default();
    let hint = "run `UPDATE_CORPUS=1 cargo nextest run --test generated` and review the difference";
    assert!(before == text, "{} is old: {hint}", file.display());
}

#[test]
fn the_generated_queries_are_current() {
    let cases = compiled_cases();
    let text = emit::rust::programs(cases.iter().map(|case| (case.name.as_str(), &case.program)));
    check("tests/generated/queries.rs", &text);
}

#[test]
fn the_queries_of_the_benchmark_are_current() {
    let source = include_str!("../benches/engine/app.hx");
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), source.to_owned())]));
    check("benches/engine/queries.rs", &emit::rust::queries(&compiled.program.expect("it compiles")));
}

fn engine(program: &Program, queries: Queries) -> std::sync::Arc<Engine> {
    let options = EngineOptions {
        clock: Clock::stepping_from(START),
        secret: Some(*b"the same for all"),
        queries,
        ..EngineOptions::default()
    };
    let engine = Engine::in_memory(options).expect("an engine in memory");
    engine.activate(program, ActivateOptions::default()).expect("a first program activates");
    engine
}

#[test]
fn compiled_queries_answer_as_interpreted_ones() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut answers = 0;
    for case in compiled_cases() {
        let compiled = queries::PROGRAMS.iter().find(|(name, _)| *name == case.name);
        let (_, compiled) = compiled.unwrap_or_else(|| panic!("{} is not compiled: write the queries anew", case.name));
        assert_eq!(compiled.digest, case.program.digest().to_string(), "{}: write the queries anew", case.name);
        for block in blocks(&case.parts).filter(|block| block.language == "http") {
            let interpreted = (engine(&case.program, Queries::default()), Session::default());
            let compiled = (engine(&case.program, *compiled), Session::default());
            let (mut interpreted, mut compiled) = (interpreted, compiled);
            for request in requests(&block.text) {
                let expected = interpreted.1.send(&interpreted.0, &runtime, &request);
                let found = compiled.1.send(&compiled.0, &runtime, &request);
                assert_eq!(found, expected, "{}: {}", case.name, request.line);
                answers += 1;
            }
        }
    }
    assert!(answers > 100, "only {answers} requests were compared");
}

/// Random programs reach what nobody thought of; here they are only interpreted and emitted, `./build.sh soak` compiles them.
#[test]
fn random_programs_are_emitted_and_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut answered, mut refused) = (0, 0);
    for seed in 0..20 {
        let random = programs::random(seed, 30);
        let text = emit::rust::queries(&random.program);
        assert_eq!(text, emit::rust::queries(&random.program), "seed {seed}");
        let engine = engine(&random.program, Queries::default());
        let mut session = Session::default();
        for request in requests(&random.requests) {
            let (status, body) = session.send(&engine, &runtime, &request);
            assert!(status < 500, "seed {seed}: {}: {body}", request.line);
            if status == 200 { answered += 1 } else { refused += 1 }
        }
    }
    assert!(answered > refused && refused > 20, "{answered} answered, {refused} refused");
}
