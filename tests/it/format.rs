//! `helix fmt`: over every program of the repository and random ones, no plan and no comment changes; and what the command does to files.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::corpus_files::{blocks, parse};
use crate::programs;
use crate::support::{Project, Ran, isolate};
use helix::compiler::source::FileId;
use helix::compiler::syntax::{self, SyntaxKind, SyntaxToken};
use helix::compiler::{SourceSet, compile, format};
use serde_json::json;

fn all_tokens(text: &str) -> Vec<SyntaxToken> {
    let elements = syntax::parse(FileId(0), text).syntax().descendants_with_tokens();
    elements.filter_map(|element| element.into_token()).collect()
}

/// What a text consists of: comments and all tokens but the commas that end lists, which formatting leaves out.
fn contents(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut comments, mut tokens) = (Vec::new(), Vec::<String>::new());
    for token in all_tokens(text) {
        match token.kind() {
            SyntaxKind::WHITESPACE => {}
            SyntaxKind::COMMENT => comments.push(token.text().trim_end().to_owned()),
            _ => tokens.push(token.text().to_owned()),
        }
    }
    let mut kept: Vec<String> = Vec::new();
    for token in tokens {
        let ends =
            matches!(token.as_str(), ")" | "]" | "}" | ">" | "#" | "QUERY" | "N" | "E" | "V" | "schema" | "MIGRATION");
        if ends && kept.last().is_some_and(|last| last == ",") {
            kept.pop();
        }
        kept.push(token);
    }
    if kept.last().is_some_and(|last| last == ",") {
        kept.pop();
    }
    (comments, kept)
}

/// Formats the files of a program and checks that nothing but white space changed. Gives how many files could be formatted.
fn check(name: &str, texts: &[String]) -> usize {
    let mut count = 0;
    let after: Vec<String> = texts
        .iter()
        .map(|text| {
            let Ok(once) = format::format(FileId(0), text) else { return text.clone() };
            count += 1;
            assert_eq!(format::format(FileId(0), &once).as_ref(), Ok(&once), "{name}: formatted again, it changes");
            assert_eq!(contents(&once), contents(text), "{name}");
            once
        })
        .collect();
    let plan = |texts: &[String]| {
        let named = texts.iter().enumerate().map(|(index, text)| (format!("{index}.hx"), text.clone()));
        let compiled = compile(&SourceSet::new(named));
        let codes: Vec<_> = compiled.diagnostics.iter().map(|one| one.code).collect();
        (compiled.program.map(|program| program.digest().to_string()), codes)
    };
    assert_eq!(plan(&after), plan(texts), "{name}: it means something else");
    count
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
            if path.is_dir() && !is_hidden && path.file_name().unwrap() != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn no_program_of_the_repository_changes_its_meaning() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for path in files(root, "hx") {
        count += check(&path.display().to_string(), &[fs::read_to_string(&path).unwrap()]);
    }
    assert!(count >= 5, "{count} files");
    for path in files(root, "md") {
        let parts = parse(&fs::read_to_string(&path).unwrap());
        let texts: Vec<String> = blocks(&parts)
            .filter(|block| matches!(block.language.as_str(), "hx" | ""))
            .map(|block| block.text.clone())
            .collect();
        count += check(&path.display().to_string(), &texts);
    }
    assert!(count >= 60, "{count} programs");
}

#[test]
fn what_the_documentation_shows_is_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = files(&root.join("docs"), "md");
    pages.push(root.join("README.md"));
    for path in pages {
        let parts = parse(&fs::read_to_string(&path).unwrap());
        for block in blocks(&parts).filter(|block| block.language == "hx") {
            if let Ok(formatted) = format::format(FileId(0), &block.text) {
                assert_eq!(block.text, formatted, "{}", path.display());
            }
        }
    }
}

#[test]
fn no_random_program_changes_its_meaning() {
    for seed in 0..60 {
        let source = programs::random(seed, 12).source;
        check(&format!("seed {seed}"), std::slice::from_ref(&source));
        let noisy = noise(seed, &source);
        check(&format!("seed {seed} with noise:\n{noisy}"), &[noisy]);
    }
}

/// The same tokens with other white space and comments between them.
fn noise(seed: u64, text: &str) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut out = String::new();
    for token in all_tokens(text) {
        if !matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT) {
            let gaps =
                [" ", "\n", "  \n\n\n", "\t", " // a comment, {of(sorts) \n", "\n// one\n\n// two\r\n", "// x\n"];
            // Mostly little, so that lines get long.
            let choice = if random.u8(..) < 200 { 0 } else { random.usize(0..gaps.len()) };
            out.push_str(gaps[choice]);
            out.push_str(token.text());
        }
    }
    out
}

const UGLY: &str = "N::User { name: String } // who\nQUERY users()=>\nu<-N<User>\nRETURN u\n";
const PRETTY: &str = "N::User {\n    name: String\n} // who\n\nQUERY users() =>\n    u <- N<User>\n    RETURN u\n";

#[test]
fn the_files_of_a_project_are_formatted_and_nothing_else_is_touched() {
    let project = Project::new(UGLY);
    project.write("db/fine.hx", "// fine\n");
    let modified = || fs::metadata(project.root().join("db/fine.hx")).unwrap().modified().unwrap();
    let before = modified();
    project.write("other.hx", UGLY);
    fs::create_dir_all(project.root().join("db/deep")).unwrap();
    project.write("db/deep/more.hx", "N::A { a: I8 }");
    let ran = project.helix(&["fmt", "--json"]).code(0).json();
    assert_eq!(
        ran["data"],
        json!({ "changed": 2, "files": [
            { "path": "db/app.hx", "changed": true },
            { "path": "db/deep/more.hx", "changed": true },
            { "path": "db/fine.hx", "changed": false },
        ]})
    );
    let read = |path: &str| fs::read_to_string(project.root().join(path)).unwrap();
    assert_eq!(read("db/app.hx"), PRETTY);
    assert_eq!(read("db/deep/more.hx"), "N::A {\n    a: I8\n}\n");
    assert_eq!((read("other.hx").as_str(), modified()), (UGLY, before));
    let again = project.helix(&["fmt"]).code(0);
    assert!(again.stdout.contains("Nothing to format in 3 files"), "{}", again.stdout);
    let named = project.helix(&["fmt", "other.hx", "db", "./other.hx"]).code(0);
    assert!(named.stdout.contains("other.hx\n") && named.stdout.contains("Formatted 1 of 4 files"), "{}", named.stdout);
    assert_eq!(read("other.hx"), PRETTY);
    let missing = project.helix(&["fmt", "none.hx", "--json"]).code(1).json();
    assert_eq!(missing["error"]["code"], "E-FS-NOT-FOUND");
}

#[test]
fn a_check_shows_the_difference_and_writes_nothing() {
    let project = Project::new(UGLY);
    let check = project.helix(&["fmt", "--check"]).code(20);
    assert!(check.stdout.contains("--- a/db/app.hx\n+++ b/db/app.hx\n@@ "), "{}", check.stdout);
    assert!(check.stdout.contains("\n-RETURN u\n"), "{}", check.stdout);
    assert!(check.stdout.contains("\n+    RETURN u\n"), "{}", check.stdout);
    assert!(check.stdout.contains("1 of 1 file would change"), "{}", check.stdout);
    let json = project.helix(&["fmt", "--check", "--json"]).code(20).json();
    assert_eq!(json["data"]["changed"], 1);
    // The difference is a patch.
    let mut patch = std::process::Command::new("git");
    patch.args(["apply", "-"]).current_dir(project.root()).stdin(Stdio::piped());
    let mut child = patch.spawn().unwrap();
    child.stdin.take().unwrap().write_all(json["data"]["files"][0]["diff"].as_str().unwrap().as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_to_string(project.root().join("db/app.hx")).unwrap(), PRETTY);
    project.helix(&["fmt", "--check"]).code(0);
}

#[test]
fn a_file_with_syntax_errors_stays_as_it_is() {
    let project = Project::new(UGLY);
    project.write("db/broken.hx", "QUERY q( => RETURN NONE");
    let ran = project.helix(&["fmt"]).code(4);
    assert!(ran.stderr.contains("error[E-HQL-001]") && ran.stderr.contains("db/broken.hx:1:10"), "{}", ran.stderr);
    assert!(ran.stderr.contains("formatted db/app.hx"), "{}", ran.stderr);
    let read = |path: &str| fs::read_to_string(project.root().join(path)).unwrap();
    assert_eq!((read("db/broken.hx").as_str(), read("db/app.hx").as_str()), ("QUERY q( => RETURN NONE", PRETTY));
}

/// Runs `helix fmt --stdin` outside of any project.
fn stdin(args: &[&str], text: &[u8]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_helix"));
    isolate(command.args(["fmt", "--stdin"]).args(args).current_dir(folder.path()), folder.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn an_editor_pipes_text_through() {
    assert_eq!(stdin(&[], UGLY.as_bytes()).code(0).stdout, PRETTY);
    assert_eq!(stdin(&["--quiet"], UGLY.as_bytes()).code(0).stdout, PRETTY);
    assert_eq!(stdin(&[], b"").code(0).stdout, "");
    assert_eq!(stdin(&["--json"], UGLY.as_bytes()).code(0).json()["data"]["formatted"], PRETTY);
    let check = stdin(&["--check"], UGLY.as_bytes()).code(20);
    assert!(check.stdout.starts_with("--- a/<stdin>"), "{}", check.stdout);
    let broken = stdin(&[], b"N::User {").code(4);
    assert_eq!(broken.stdout, "");
    assert!(broken.stderr.contains("<stdin>:1:"), "{}", broken.stderr);
    let latin = stdin(&["--json"], b"// \xff").code(4).json();
    assert_eq!(latin["error"]["code"], "E-HQL-ENCODING");
}

#[test]
fn a_new_project_is_formatted() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["init", "--path", "."][..], &["fmt", "--check"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_helix"));
        isolate(command.args(args).current_dir(folder.path()), &folder.path().join("home"));
        Ran::of(command.output().unwrap()).code(0);
    }
}
