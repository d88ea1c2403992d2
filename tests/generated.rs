//! Compiled queries answer as interpreted ones do, to the byte.
//!
//! `tests/generated/queries/` is what the emitter makes of every program of the corpus, a file for each of its folders: compiled
//! with this test, linted with the workspace, read in reviews; `random.rs` is the same of random programs.
//! `./build.sh generate` writes them anew, `./build.sh soak differential` with other seeds.

#[path = "common/corpus.rs"]
mod corpus_files;
#[path = "common/programs.rs"]
mod programs;
#[path = "generated/queries/mod.rs"]
#[rustfmt::skip]
mod queries;
#[path = "generated/random.rs"]
#[rustfmt::skip]
mod random_queries;

use std::fs;
use std::path::Path;

use corpus_files::{Part, Session, blocks, cases, parse, requests, sources};
use helix::compiler::{self, SourceSet, emit};
use helix_engine::compiled::Queries;
use helix_engine::{ActivateOptions, Clock, Engine, EngineOptions};
use helix_plan::Program;
use programs::{Random, random};
use tokio::runtime::Runtime;

/// How many random programs are compared, and how many queries each has.
const RANDOM_PROGRAMS: u64 = 4;
const RANDOM_QUERIES: usize = 24;

/// Programs, compiled, by name.
type Compiled = [(&'static str, Queries)];

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000;

/// A program of the corpus.
struct Case {
    /// The folder that it is in; of one at the root, its own name.
    folder: String,
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
        let path = path.strip_prefix(&root).expect("a case is in the corpus").with_extension("");
        let path = path.to_string_lossy();
        let (folder, name) = path.split_once('/').unwrap_or((&path, &path));
        Some(Case { folder: folder.to_owned(), name: name.replace('/', "_"), program, parts })
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
    let hint = "run `./build.sh generate` and review the difference";
    assert!(before == text, "{} is old: {hint}", file.display());
}

#[test]
fn the_generated_queries_are_current() {
    let cases = compiled_cases();
    let (mut modules, mut entries) = (String::new(), String::new());
    for cases in cases.chunk_by(|a, b| a.folder == b.folder) {
        let folder = &cases[0].folder;
        let text = emit::rust::programs(cases.iter().map(|case| (case.name.as_str(), &case.program)));
        check(&format!("tests/generated/queries/{folder}.rs"), &text);
        modules.push_str(&format!("mod {folder};\n"));
        entries.push_str(&format!("    (\"{folder}\", {folder}::PROGRAMS),\n"));
    }
    let list = format!("pub const FOLDERS: &[(&str, &[(&str, helix_engine::compiled::Queries)])] = &[\n{entries}];\n");
    let text = format!(
        "//! The programs of each folder of the corpus.\n#![allow(clippy::module_inception, reason = \"a query may have the name of its folder\")]\n\n{modules}\n{list}"
    );
    check("tests/generated/queries/mod.rs", &text);
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

/// Sends the same requests to the interpreted and the compiled program; gives how many were answered and how many refused.
fn compare(runtime: &Runtime, name: &str, program: &Program, compiled: &Compiled, block: &str) -> (usize, usize) {
    let found = compiled.iter().find(|(known, _)| *known == name);
    let (_, queries) = found.unwrap_or_else(|| panic!("{name} is not compiled: write the queries anew"));
    assert_eq!(queries.digest, program.digest().to_string(), "{name}: write the queries anew");
    let (interpreted, compiled) = (engine(program, Queries::default()), engine(program, *queries));
    let (mut expecting, mut finding) = (Session::default(), Session::default());
    let (mut answered, mut refused) = (0, 0);
    for request in requests(block) {
        let expected = expecting.send(&interpreted, runtime, &request);
        let found = finding.send(&compiled, runtime, &request);
        assert_eq!(found, expected, "{name}: {}", request.line);
        // What is stored can make a path impossible; nothing else may fail the server.
        let is_known = found.1.contains("Traversal error:");
        assert!(found.0 < 500 || is_known, "{name}: {}: {}", request.line, found.1);
        if found.0 == 200 { answered += 1 } else { refused += 1 }
    }
    (answered, refused)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn compiled_queries_answer_as_interpreted_ones() {
    let runtime = runtime();
    let mut answers = 0;
    for case in compiled_cases() {
        for block in blocks(&case.parts).filter(|block| block.language.starts_with("http")) {
            let compiled = queries::FOLDERS.iter().find(|(folder, _)| *folder == case.folder);
            let (_, compiled) =
                compiled.unwrap_or_else(|| panic!("{} is not compiled: write the queries anew", case.folder));
            let (answered, refused) = compare(&runtime, &case.name, &case.program, compiled, &block.text);
            answers += answered + refused;
        }
    }
    assert!(answers > 1000, "only {answers} requests were compared");
}

/// Programs that nobody thought of.
fn random_programs() -> Vec<(String, Random)> {
    let seed = std::env::var("HELIX_RANDOM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    (seed..seed + RANDOM_PROGRAMS).map(|seed| (format!("random_{seed}"), random(seed, RANDOM_QUERIES))).collect()
}

#[test]
fn the_random_queries_are_current() {
    let programs = random_programs();
    let text = emit::rust::programs(programs.iter().map(|(name, random)| (name.as_str(), &random.program)));
    check("tests/generated/random.rs", &text);
}

#[test]
fn random_programs_answer_alike() {
    let runtime = runtime();
    let (mut answered, mut refused) = (0, 0);
    for (name, random) in random_programs() {
        let counts = compare(&runtime, &name, &random.program, random_queries::PROGRAMS, &random.requests);
        answered += counts.0;
        refused += counts.1;
    }
    assert!(answered > refused && refused > 0, "{answered} answered, {refused} refused");
}
