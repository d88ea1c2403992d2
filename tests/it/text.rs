//! The text index of a database over its life: settings, reopening, activations beside writes, crashes of requests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use helix::compiler::{self, SourceSet};
use helix_engine::text::TextConfig;
use helix_engine::transfer::{self, ImportOptions, Progress};
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use helix_plan::Program;
use serde_json::{Value, json};

const WRITES: &str = "N::Note { UNIQUE INDEX number: I64, text: String }
QUERY add(number: I64, text: String) =>
    note <- AddN<Note>({ number: number, text: text })
    RETURN NONE
QUERY change(number: I64, text: String) =>
    note <- N<Note>({ number: number })::UPDATE({ text: text })
    RETURN NONE
QUERY remove(number: I64) =>
    DROP N<Note>({ number: number })
    RETURN NONE
QUERY twice(number: I64, text: String) =>
    first <- AddN<Note>({ number: number, text: text })
    second <- AddN<Note>({ number: number, text: text })
    RETURN NONE
";

const SEARCH: &str = "QUERY find(text: String, k: I64) =>
    notes <- SearchBM25<Note>(text, k)
    RETURN notes::{number}
QUERY add_and_find(number: I64, text: String) =>
    note <- AddN<Note>({ number: number, text: text })
    notes <- SearchBM25<Note>(text, 10)
    RETURN notes::{number}
";

fn program(source: &str) -> Program {
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), source.to_owned())]));
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn searching() -> Program {
    program(&format!("{WRITES}{SEARCH}"))
}

fn open(folder: &Path, enabled: bool) -> Arc<Engine> {
    Engine::open(
        folder,
        EngineOptions { text: TextConfig { enabled, ..TextConfig::default() }, ..EngineOptions::default() },
    )
    .unwrap()
}

fn close(engine: Arc<Engine>) {
    assert_eq!(engine.verify().unwrap().findings, Vec::<String>::new());
    engine.close().unwrap();
    drop(engine);
}

fn activate(engine: &Engine, program: &Program) -> bool {
    engine.activate(program, ActivateOptions::default()).unwrap().changed
}

fn call(engine: &Engine, query: &str, body: &Value) -> Result<Value, helix_engine::EngineError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(engine.call(query, body.to_string().into()))?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn find(engine: &Engine, text: &str) -> Value {
    call(engine, "find", &json!({"text": text, "k": 100})).unwrap()["notes"].clone()
}

#[test]
fn the_setting_switches_the_index_off_and_on() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), true);
    assert!(activate(&engine, &searching()));
    call(&engine, "add", &json!({"number": 1, "text": "first words"})).unwrap();
    assert_eq!(find(&engine, "words"), json!([1]));
    close(engine);

    let engine = open(folder.path(), false);
    assert!(!activate(&engine, &searching()), "the program is the same");
    let refused = call(&engine, "find", &json!({"text": "words", "k": 1})).unwrap_err();
    assert_eq!((refused.status(), refused.to_string().as_str()), (500, "Graph error: BM25 not enabled!"));
    call(&engine, "add", &json!({"number": 2, "text": "second words"})).unwrap();
    call(&engine, "change", &json!({"number": 1, "text": "other words"})).unwrap();
    close(engine);

    let engine = open(folder.path(), true);
    assert!(!activate(&engine, &searching()));
    assert_eq!(find(&engine, "words").as_array().unwrap().len(), 2);
    assert_eq!(find(&engine, "second"), json!([2]));
    assert_eq!(find(&engine, "first"), json!([]));
    assert_eq!(find(&engine, "other"), json!([1]));
    close(engine);

    // Opened again, nothing is built: it is all there before the activation.
    let engine = open(folder.path(), true);
    assert_eq!(find(&engine, "second"), json!([2]));
    close(engine);
}

#[test]
fn a_write_finds_what_it_wrote_and_one_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), true);
    activate(&engine, &searching());
    let found = call(&engine, "add_and_find", &json!({"number": 1, "text": "apple"})).unwrap();
    assert_eq!(found, json!({"notes": [1]}));
    assert_eq!(call(&engine, "twice", &json!({"number": 2, "text": "apple pear"})).unwrap_err().status(), 409);
    assert_eq!(find(&engine, "apple pear"), json!([1]));
    call(&engine, "remove", &json!({"number": 1})).unwrap();
    assert_eq!(find(&engine, "apple"), json!([]));
    close(engine);
}

#[test]
fn an_index_is_filled_while_writes_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), true);
    activate(&engine, &program(WRITES));
    for number in 0..2_000 {
        if number % 500 == 0 {
            assert_eq!(engine.text_counts().unwrap(), []);
        }
        let text = format!("common {} of note{number}", if number % 2 == 0 { "even" } else { "odd" });
        call(&engine, "add", &json!({"number": number, "text": text})).unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (engine, stop) = (engine.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut number = 10_000;
            while !stop.load(Ordering::Relaxed) {
                call(&engine, "add", &json!({"number": number, "text": format!("later note{number}")})).unwrap();
                call(&engine, "change", &json!({"number": number % 1_000, "text": "changed"})).unwrap();
                call(&engine, "remove", &json!({"number": 1_000 + number * 7 % 1_000})).unwrap();
                number += 1;
            }
            number - 10_000
        })
    };
    std::thread::sleep(Duration::from_millis(20));
    activate(&engine, &searching());
    std::thread::sleep(Duration::from_millis(20));
    stop.store(true, Ordering::Relaxed);
    let added = writer.join().unwrap();
    let found = call(&engine, "find", &json!({"text": "later", "k": 1_000_000})).unwrap();
    assert_eq!(found["notes"].as_array().unwrap().len(), added);
    let all = engine.text_counts().unwrap();
    assert_eq!(all.len(), 1);
    close(engine);
}

#[test]
fn a_search_that_takes_too_long_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let limits = helix_engine::operators::Limits { items: 1_000, ..Default::default() };
    let engine = Engine::open(folder.path(), EngineOptions { limits, ..EngineOptions::default() }).unwrap();
    activate(&engine, &searching());
    for number in 0..600 {
        let text = format!("word{} word{} word{}", number % 2, number % 3, number % 5);
        call(&engine, "add", &json!({"number": number, "text": text})).unwrap();
    }
    let text = "word0 word1 word2 word3 word4";
    let refused = call(&engine, "find", &json!({"text": text, "k": 600})).unwrap_err();
    assert!(refused.to_string().contains("exceeded its limit of 1000 items"), "{refused}");
    close(engine);
}

#[test]
fn an_import_indexes_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, dump) = (folder.path().join("from"), folder.path().join("to"), folder.path().join("dump"));
    std::fs::create_dir(&from).unwrap();
    let engine = open(&from, true);
    activate(&engine, &searching());
    for number in 0..200 {
        call(&engine, "add", &json!({"number": number, "text": format!("common note{number}")})).unwrap();
    }
    call(&engine, "remove", &json!({"number": 7})).unwrap();
    let expected = find(&engine, "common note9 note7");
    close(engine);
    transfer::export(&from, &dump, &Progress::default()).unwrap();
    transfer::import(&to, &dump, &ImportOptions::default(), &Progress::default()).unwrap();
    let engine = open(&to, true);
    assert_eq!(find(&engine, "common note9 note7"), expected);
    call(&engine, "add", &json!({"number": 500, "text": "common"})).unwrap();
    close(engine);
}
