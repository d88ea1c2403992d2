//! The corpus: one Markdown file a case, with source, requests, expected responses and rendered diagnostics side by side.
//!
//! A case holds a block `hx` (or several, each a file of the program) and either a block `http` or a block `diagnostics`, or
//! both. In `http`, a line that starts with a query's name is a request; the line behind it, which starts with the status, is
//! what the in-process engine must answer. `name: query {…}` keeps the answer, and `${name.path.0}` puts a part of it into a
//! later request. Ids are shown as `<id 1>`, `<id 2>` … in the order in which they appear, instants of the run as `<now>`.
//!
//! `UPDATE_CORPUS=1 cargo nextest run --test corpus` rewrites the expectations; review the difference like code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use helix::compiler::{self, SourceSet};
use helix_engine::{Engine, EngineOptions};
use regex::Regex;
use serde_json::Value;

/// A fenced block: its language and its lines.
struct Block {
    language: String,
    text: String,
}

/// A case file: prose and blocks, in order.
enum Part {
    Prose(String),
    Block(Block),
}

fn cases() -> Vec<PathBuf> {
    let mut cases = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the corpus can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                cases.push(path);
            }
        }
    }
    cases.sort();
    cases
}

fn parse(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut prose = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            parts.push(Part::Prose(std::mem::take(&mut prose)));
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let text = body.iter().map(|line| format!("{line}\n")).collect();
            parts.push(Part::Block(Block { language: language.to_owned(), text }));
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    parts.push(Part::Prose(prose));
    parts
}

fn print(parts: &[Part]) -> String {
    let print = |part: &Part| match part {
        Part::Prose(text) => text.clone(),
        Part::Block(block) => format!("```{}\n{}```\n", block.language, block.text),
    };
    parts.iter().map(print).collect()
}

/// Answers the requests of an `http` block and returns the block with the answers filled in.
fn answer(engine: &Engine, runtime: &tokio::runtime::Runtime, block: &str) -> String {
    let mut kept: BTreeMap<String, Value> = BTreeMap::new();
    let mut shown = Shown::default();
    let mut out = String::new();
    for line in block.lines() {
        if line.starts_with(|c: char| c.is_ascii_digit()) || line.is_empty() {
            continue;
        }
        let (keep, request) = match line.split_once(": ") {
            Some((name, rest)) if name.chars().all(char::is_alphanumeric) => (Some(name), rest),
            _ => (None, line),
        };
        let (query, body) = request.split_once(' ').unwrap_or((request, ""));
        let body = fill(body, &kept);
        let (status, text) = match runtime.block_on(engine.call(query, body.into())) {
            Ok(body) => (200, String::from_utf8(body.to_vec()).expect("responses are UTF-8")),
            Err(error) => {
                let (text, code) = (Value::from(error.to_string()), Value::from(error.code()));
                (error.status(), format!(r#"{{"error":{text},"code":{code}}}"#))
            }
        };
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{query}: {error}: {text}"));
        if let Some(name) = keep {
            kept.insert(name.to_owned(), value);
        }
        out.push_str(&format!("{line}\n{status} {}\n\n", shown.normalise(&text)));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Replaces `${name.path}` by parts of earlier answers.
fn fill(body: &str, kept: &BTreeMap<String, Value>) -> String {
    let pattern = Regex::new(r"\$\{([^}]*)\}").expect("a constant pattern");
    let replace = |captures: &regex::Captures<'_>| {
        let path = &captures[1];
        let (name, rest) = path.split_once('.').expect("a name and a path");
        let root = kept.get(name).unwrap_or_else(|| panic!("no answer is kept as `{name}`"));
        let pointer: String = rest.split('.').map(|part| format!("/{part}")).collect();
        let value = root.pointer(&pointer).unwrap_or_else(|| panic!("`{path}` is not in {root}"));
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    pattern.replace_all(body, replace).into_owned()
}

/// Ids in the order in which they were shown.
#[derive(Default)]
struct Shown(Vec<String>);

impl Shown {
    fn normalise(&mut self, text: &str) -> String {
        let id =
            Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-6[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a constant pattern");
        let text = id.replace_all(text, |captures: &regex::Captures<'_>| {
            let id = captures[0].to_owned();
            if id.starts_with("1f0e3e9c-5b1a") {
                return id; // Written in the case itself.
            }
            let index = self.0.iter().position(|known| *known == id).unwrap_or_else(|| {
                self.0.push(id);
                self.0.len() - 1
            });
            format!("<id {}>", index + 1)
        });
        let now = jiff::Timestamp::now().to_string();
        let today = format!(r"{}T[0-9:.]+\+00:00", &now[..10]);
        Regex::new(&today).expect("a date is no pattern").replace_all(&text, "<now>").into_owned()
    }
}

/// What the case should say.
fn expected(path: &Path, parts: Vec<Part>) -> Vec<Part> {
    let blocks = || {
        parts.iter().filter_map(|part| match part {
            Part::Block(block) => Some(block),
            Part::Prose(_) => None,
        })
    };
    let sources: Vec<&Block> = blocks().filter(|block| block.language == "hx").collect();
    let many = sources.len() > 1;
    let files = sources.iter().enumerate().map(|(index, block)| {
        let name = if many { format!("{}.hx", index + 1) } else { "case.hx".to_owned() };
        (name, block.text.clone())
    });
    let sources = SourceSet::new(files);
    let compiled = compiler::compile(&sources);
    let diagnostics = helix::ui::diagnostics::render_plain(&compiled.diagnostics, &sources);
    let wants_diagnostics = blocks().any(|block| block.language == "diagnostics");
    assert!(
        wants_diagnostics || diagnostics.is_empty(),
        "{}: unexpected diagnostics (add a block `diagnostics` if they are meant):\n{diagnostics}",
        path.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let update = |part: Part| match part {
        Part::Prose(text) => Part::Prose(text),
        Part::Block(Block { language, text }) => {
            let text = match language.as_str() {
                "diagnostics" => diagnostics.clone(),
                "http" => {
                    let program = compiled.program.as_ref();
                    let program =
                        program.unwrap_or_else(|| panic!("{}: does not compile:\n{diagnostics}", path.display()));
                    let engine = Engine::in_memory(EngineOptions::default()).expect("an engine in memory");
                    engine
                        .activate(program, helix_engine::ActivateOptions::default())
                        .expect("a first program activates");
                    answer(&engine, &runtime, &text)
                }
                "hx" => text,
                other => panic!("{}: unknown block `{other}`", path.display()),
            };
            Part::Block(Block { language, text })
        }
    };
    parts.into_iter().map(update).collect()
}

#[test]
fn every_case_answers_and_diagnoses_as_written() {
    let update = std::env::var_os("UPDATE_CORPUS").is_some();
    let only = std::env::var("CORPUS_CASE").unwrap_or_default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in cases().into_iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let before = fs::read_to_string(&path).expect("a case can be read");
        let after = match std::panic::catch_unwind(|| print(&expected(&path, parse(&before)))) {
            Ok(after) => after,
            Err(_) => {
                wrong.push(format!("{}: failed, see above", path.display()));
                continue;
            }
        };
        count += 1;
        if before == after {
            continue;
        }
        if update {
            fs::write(&path, after).expect("a case can be rewritten");
        } else {
            let changed: Vec<String> = difference(&before, &after);
            wrong.push(format!("{}:\n{}", path.display(), changed.join("\n")));
        }
    }
    assert!(count > 0, "no case was found");
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// The lines that only one side has.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (before.lines().collect(), after.lines().collect());
    let gone = before.lines().filter(|line| !new.contains(line)).map(|line| format!("  - {line}"));
    let come = after.lines().filter(|line| !old.contains(line)).map(|line| format!("  + {line}"));
    gone.chain(come).collect()
}

#[test]
fn every_diagnostic_code_has_a_case() {
    let text: String = cases().iter().map(|path| fs::read_to_string(path).expect("a case can be read")).collect();
    let missing: Vec<&str> =
        compiler::diagnostics::codes().iter().copied().filter(|code| !text.contains(&format!("[{code}]"))).collect();
    assert!(missing.is_empty(), "no case shows these codes: {missing:?}");
}
