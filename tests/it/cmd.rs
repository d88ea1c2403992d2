//! What a user sees: streams, exit codes, JSON. Transcripts are in `tests/it/cmd`; `TRYCMD=overwrite` rewrites them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Project, isolate};
use serde_json::Value;

const APP: &str = "N::User { name: String }\n\nQUERY users() =>\n    users <- N<User>\n    RETURN users\n";
const BROKEN: &str = "N::User { name: String }\n\nQUERY users() =>\n    users <- N<Usr>\n    RETURN userss\n";

#[test]
fn transcripts() {
    let home = tempfile::tempdir().unwrap();
    trycmd::TestCases::new()
        .env("HELIX_HOME", home.path().to_string_lossy())
        .env("HELIX_ASCII", "1")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .case("tests/it/cmd/*.md");
}

/// Every file below a folder with its content.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.insert(path.clone(), Vec::new());
                folders.push(path);
            } else {
                files.insert(path.clone(), fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}

fn error(json: &Value) -> (&str, u64) {
    (json["error"]["code"].as_str().unwrap_or_default(), json["error"]["exit"].as_u64().unwrap_or_default())
}

#[test]
fn a_dry_run_changes_nothing() {
    let project = Project::new(APP);
    let before = tree(&project.root());
    for args in [
        &["push", "dev", "--dry-run"][..],
        &["push", "dev", "--plan-only", "--json"],
        &["start", "dev", "--dry-run"],
        &["stop", "--all", "--dry-run"],
        &["restart", "dev", "--dry-run"],
        &["delete", "dev", "--dry-run"],
        &["compile", "--dry-run"],
        &["init", "--path", "new", "--dry-run"],
    ] {
        project.helix(args).code(0);
        assert_eq!(tree(&project.root()), before, "{args:?}");
    }
}

#[test]
fn each_failure_has_its_exit_code_in_text_and_json() {
    let project = Project::new(APP);
    let check = |args: &[&str], exit: i32, code: &str| {
        let text = project.helix(args).code(exit);
        assert_eq!(text.stdout, "", "{args:?}");
        assert!(text.stderr.contains("error"), "{args:?}: {}", text.stderr);
        let with_json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let json = project.helix(&with_json).code(exit).json();
        assert_eq!(error(&json), (code, u64::try_from(exit).unwrap()), "{args:?}");
        assert_eq!(json["ok"], false);
        assert_eq!(json["schema"], "helix.cli/1");
        assert!(json.get("data").is_none());
    };
    check(&["push", "--no-such-flag"], 2, "E-INPUT-USAGE");
    check(&["push", "--port", "0"], 2, "E-INPUT-USAGE");
    check(&["status", "-C", "/"], 3, "E-CFG-NO-PROJECT");
    check(&["status", "tset"], 13, "E-STATE-NO-INSTANCE");
    check(&["start", "dev"], 13, "E-STATE-NOTHING-PUSHED");
    check(&["query", "dev", "users"], 13, "E-STATE-NOT-RUNNING");
    check(&["query", "users", "--url", "http://127.0.0.1:1"], 9, "E-NET-UNREACHABLE");
    check(&["delete", "dev"], 5, "E-INPUT-REQUIRED");
    project.write("db/app.hx", BROKEN);
    check(&["check"], 4, "E-HQL-101");
    check(&["push", "dev"], 4, "E-HQL-101");
    check(&["compile"], 4, "E-HQL-101");
    fs::write(project.root().join("db/latin.hx"), b"N::X {\n  a\xff: String }").unwrap();
    check(&["check"], 4, "E-HQL-ENCODING");
    fs::remove_dir_all(project.root().join("db")).unwrap();
    check(&["check"], 3, "E-CFG-QUERIES");
    project.write("helix.toml", "[project]\nname = \"app\"\n[local.dev]\n[cloud.b.fly]\n");
    check(&["dev", "b"], 7, "E-DEPLOY-UNSUPPORTED");
    check(&["backup", "b"], 7, "E-DEPLOY-UNSUPPORTED");
    check(&["push"], 5, "E-INPUT-REQUIRED");
    project.write("helix.toml", "[project]\nname = \"app\"\n[local.dev]\nprot = 1\n");
    check(&["status"], 3, "E-CFG-UNKNOWN-KEY");
    project.write("helix.toml", "[project]\nname = \"app\"\n");
    check(&["push"], 3, "E-CFG-NO-INSTANCE");
}

#[test]
fn the_documents_of_check_and_status_are_stable() {
    let project = Project::new(APP);
    let scrub = |mut json: Value| {
        json["timings_ms"] = Value::from("<timings>");
        let text = serde_json::to_string_pretty(&json).unwrap();
        let root = fs::canonicalize(project.root()).unwrap().display().to_string();
        text.replace(&root, "<root>").replace(&project.port().to_string(), "<port>")
    };
    insta::assert_snapshot!("check", scrub(project.helix(&["check", "--json"]).code(0).json()));
    insta::assert_snapshot!("status", scrub(project.helix(&["status", "--json"]).code(0).json()));
    project.write("db/app.hx", BROKEN);
    insta::assert_snapshot!("check_errors", scrub(project.helix(&["check", "--json"]).code(4).json()));
}

#[test]
fn a_stream_ends_with_its_result() {
    let project = Project::new(BROKEN);
    let push = project.helix(&["push", "dev", "--json"]).code(4);
    let types: Vec<String> = push
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(types, ["step.start", "step.end", "error"]);
    assert_eq!(push.stderr, "");
}

#[test]
fn the_result_is_on_stdout_and_the_rest_on_stderr() {
    let project = Project::new(APP);
    let check = project.helix(&["check"]).code(0);
    assert!(check.stdout.contains("No errors in 1 query over 1 type"), "{}", check.stdout);
    assert!(check.stderr.contains("Checking"), "{}", check.stderr);
    let quiet = project.helix(&["check", "--quiet"]).code(0);
    assert_eq!((quiet.stdout.lines().count(), quiet.stderr.as_str()), (1, ""));
    let mut closed = project.command(&["check"]);
    let mut child = closed.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success(), "a reader that has gone is no failure");
}

#[test]
fn compile_check_finds_differences() {
    let project = Project::new(APP);
    project.helix(&["compile", "--check"]).code(20);
    project.helix(&["compile"]).code(0);
    project.helix(&["compile", "--check"]).code(0);
    project.write("db/app.hx", &APP.replace("QUERY users()", "QUERY people()"));
    project.helix(&["compile", "--check"]).code(20);
}

#[test]
fn init_works_in_odd_places_and_respects_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("My  Äpp!");
    fs::create_dir_all(odd.join("db")).unwrap();
    fs::write(odd.join("db/schema.hx"), "// mine\nN::Mine { a: String }\n").unwrap();
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_helix"));
        isolate(command.args(args).current_dir(&odd), folder.path());
        command.output().unwrap()
    };
    let made = run(&["init", "--path", ".", "--json"]);
    let json: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(json["data"]["files_skipped"], serde_json::json!(["db/schema.hx"]), "{json}");
    assert_eq!(json["warnings"][0]["code"], "W-INIT-KEPT");
    assert!(fs::read_to_string(odd.join("db/schema.hx")).unwrap().starts_with("// mine"));
    assert!(run(&["status"]).status.success(), "the project file is valid");
    assert_eq!(run(&["init"]).status.code(), Some(3));
}
