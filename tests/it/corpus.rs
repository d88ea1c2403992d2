//! The corpus: one Markdown file a case, with source, requests, expected responses and rendered diagnostics side by side.
//!
//! A case holds a block `hx` (or several, each a file of the program) and either a block `http` or a block `diagnostics`, or
//! both. In `http`, a line that starts with a query's name is a request; the line behind it, which starts with the status, is
//! what the in-process engine must answer. `name: query {…}` keeps the answer, and `${name.path.0}` puts a part of it into a
//! later request. All blocks `http` of a file talk to one database. Ids are shown as `<id 1>`, `<id 2>` … in the order in which they appear, instants of the run as `<now>`.
//!
//! What a block `http computed` expects was computed by a program that does not know Helix: the script beside the case, which
//! writes the block. It is never rewritten here.
//!
//! The pages of `docs/language` are cases as well: what they show is what is answered.
//!
//! `UPDATE_CORPUS=1 cargo nextest run --test it corpus::` rewrites the expectations; review the difference like code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::corpus_files::{Block, Part, Session, Shown, blocks, cases, parse, requests, sources};
use helix::compiler;
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use helix_plan::Program;

fn print(parts: &[Part]) -> String {
    let print = |part: &Part| match part {
        Part::Prose(text) => text.clone(),
        Part::Block(block) => format!("```{}\n{}```\n", block.language, block.text),
    };
    parts.iter().map(print).collect()
}

/// A block whose answers come from elsewhere.
const COMPUTED: &str = "http computed";

/// A database that runs a program, and what was said so far.
struct Conversation {
    engine: Arc<Engine>,
    session: Session,
    shown: Shown,
}

impl Conversation {
    fn new(program: &Program) -> Self {
        let engine = Engine::in_memory(EngineOptions::default()).expect("an engine in memory");
        engine.activate(program, ActivateOptions::default()).expect("a first program activates");
        Self { engine, session: Session::default(), shown: Shown::default() }
    }

    /// Answers the requests of an `http` block and returns the block with the answers filled in.
    fn answer(&mut self, runtime: &tokio::runtime::Runtime, block: &str) -> String {
        let mut out = String::new();
        for request in requests(block) {
            let (status, text) = self.session.send(&self.engine, runtime, &request);
            out.push_str(&format!("{}\n{status} {}\n\n", request.line, self.shown.normalise(&text)));
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

/// What the case should say.
fn expected(path: &Path, parts: Vec<Part>) -> Vec<Part> {
    let sources = sources(&parts);
    let compiled = compiler::compile(&sources);
    let diagnostics = helix::ui::diagnostics::render_plain(&compiled.diagnostics, &sources);
    let wants_diagnostics = blocks(&parts).any(|block| block.language == "diagnostics");
    assert!(
        wants_diagnostics || diagnostics.is_empty(),
        "{}: unexpected diagnostics (add a block `diagnostics` if they are meant):\n{diagnostics}",
        path.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut conversation = None;
    let update = |part: Part| match part {
        Part::Prose(text) => Part::Prose(text),
        Part::Block(Block { language, text }) => {
            let text = match language.as_str() {
                "diagnostics" => diagnostics.clone(),
                "http" | COMPUTED => {
                    let program = compiled.program.as_ref();
                    let program =
                        program.unwrap_or_else(|| panic!("{}: does not compile:\n{diagnostics}", path.display()));
                    conversation.get_or_insert_with(|| Conversation::new(program)).answer(&runtime, &text)
                }
                // Of a page: a form, not a program.
                "" => text,
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
    for path in cases().into_iter().chain(pages()).filter(|path| path.to_string_lossy().contains(&only)) {
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
        if update && computed(&before) == computed(&after) {
            fs::write(&path, after).expect("a case can be rewritten");
        } else {
            let changed: Vec<String> = difference(&before, &after);
            wrong.push(format!("{}:\n{}", path.display(), changed.join("\n")));
        }
    }
    assert!(count > 0, "no case was found");
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// What a case says that was computed elsewhere.
fn computed(case: &str) -> String {
    let parts = parse(case);
    blocks(&parts).filter(|block| block.language == COMPUTED).map(|block| block.text.as_str()).collect()
}

/// The pages that teach the language.
fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language");
    let mut pages: Vec<_> =
        fs::read_dir(folder).expect("the pages can be listed").map(|page| page.expect("a page").path()).collect();
    pages.sort();
    pages
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

#[test]
fn computed_answers_are_what_their_scripts_compute() {
    let scripts: Vec<PathBuf> =
        cases().iter().map(|case| case.with_extension("py")).filter(|path| path.exists()).collect();
    assert!(scripts.len() >= 6, "the scripts beside the larger programs are gone");
    for script in scripts {
        let mut command = Command::new("python3");
        let checked = command.arg(&script).arg("--check").env("PYTHONDONTWRITEBYTECODE", "1").status();
        let checked = checked.expect("python3 is installed: the scripts need nothing else");
        assert!(checked.success(), "{} computes something else: run it, and review the difference", script.display());
    }
}
