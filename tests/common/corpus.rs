//! The cases of the corpus: what they hold, and how their requests are read.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use helix::compiler::SourceSet;
use helix_engine::Engine;
use regex::Regex;
use serde_json::Value;

/// A fenced block: its language and its lines.
pub struct Block {
    pub language: String,
    pub text: String,
}

/// A case file: prose and blocks, in order.
pub enum Part {
    Prose(String),
    Block(Block),
}

/// The case files, sorted.
pub fn cases() -> Vec<PathBuf> {
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

/// The parts of a case.
pub fn parse(text: &str) -> Vec<Part> {
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

/// The program of a case: its blocks `hx`.
pub fn sources(parts: &[Part]) -> SourceSet {
    let sources: Vec<&Block> = blocks(parts).filter(|block| block.language == "hx").collect();
    let many = sources.len() > 1;
    let files = sources.iter().enumerate().map(|(index, block)| {
        let name = if many { format!("{}.hx", index + 1) } else { "case.hx".to_owned() };
        (name, block.text.clone())
    });
    SourceSet::new(files)
}

/// The blocks of a case.
pub fn blocks(parts: &[Part]) -> impl Iterator<Item = &Block> {
    parts.iter().filter_map(|part| match part {
        Part::Block(block) => Some(block),
        Part::Prose(_) => None,
    })
}

/// A request of an `http` block: the line, and what it says.
pub struct Request<'b> {
    pub line: &'b str,
    pub keep: Option<&'b str>,
    pub query: &'b str,
    pub body: &'b str,
}

/// The requests of an `http` block.
pub fn requests(block: &str) -> impl Iterator<Item = Request<'_>> {
    let lines = block.lines().filter(|line| !line.starts_with(|c: char| c.is_ascii_digit()) && !line.is_empty());
    lines.map(|line| {
        let (keep, request) = match line.split_once(": ") {
            Some((name, rest)) if name.chars().all(char::is_alphanumeric) => (Some(name), rest),
            _ => (None, line),
        };
        let (query, body) = request.split_once(' ').unwrap_or((request, ""));
        Request { line, keep, query, body }
    })
}

/// A session of requests, of which later ones hold parts of earlier answers.
#[derive(Default)]
pub struct Session(BTreeMap<String, Value>);

impl Session {
    /// Sends a request to an engine in this process; gives the status and the text of the answer.
    pub fn send(&mut self, engine: &Engine, runtime: &tokio::runtime::Runtime, request: &Request<'_>) -> (u16, String) {
        self.exchange(request, |query, body| match runtime.block_on(engine.call(query, body.into())) {
            Ok(body) => (200, String::from_utf8(body.to_vec()).expect("responses are UTF-8")),
            Err(error) => {
                let (text, code) = (Value::from(error.to_string()), Value::from(error.code()));
                (error.status(), format!(r#"{{"error":{text},"code":{code}}}"#))
            }
        })
    }

    /// Has `call` answer a request, given the name of the query and the body.
    pub fn exchange(
        &mut self,
        request: &Request<'_>,
        call: impl FnOnce(&str, String) -> (u16, String),
    ) -> (u16, String) {
        let (status, text) = call(request.query, fill(request.body, &self.0));
        let value: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", request.query));
        if let Some(name) = request.keep {
            self.0.insert(name.to_owned(), value);
        }
        (status, text)
    }
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
pub struct Shown(Vec<String>);

impl Shown {
    /// The text with ids and instants of the run told in a way that is the same each time.
    pub fn normalise(&mut self, text: &str) -> String {
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
