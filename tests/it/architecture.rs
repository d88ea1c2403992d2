//! Holds the map of `ARCHITECTURE.md`: who may import whom, and what the pure parts may not do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module of `src/`, and the modules of this crate and the crates of this workspace that it may use.
///
/// Nothing points up: a command uses no command, an integration no op, and the compiler nothing but the plan.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("lib", &[]),
    ("cli", &["commands", "config", "ctx", "errors", "project", "ui", "utils"]),
    (
        "commands",
        &[
            "compiler",
            "config",
            "ctx",
            "errors",
            "helix_engine",
            "helix_plan",
            "integrations",
            "ops",
            "project",
            "ui",
            "utils",
        ],
    ),
    ("docker", &["utils"]),
    ("http", &["utils"]),
    ("registry", &["docker", "http", "utils"]),
    (
        "ops",
        &[
            "compiler",
            "config",
            "ctx",
            "docker",
            "errors",
            "helix_engine",
            "helix_plan",
            "http",
            "integrations",
            "project",
            "registry",
            "ui",
            "utils",
        ],
    ),
    (
        "integrations",
        &["config", "docker", "errors", "helix_engine", "helix_plan", "http", "project", "registry", "ui", "utils"],
    ),
    ("ctx", &["config", "errors", "project", "ui", "utils"]),
    ("ui", &["compiler", "config", "errors", "utils"]),
    ("project", &["config", "errors", "utils"]),
    ("config", &["errors", "utils"]),
    ("errors", &["utils"]),
    ("compiler", &["helix_plan"]),
    ("utils", &[]),
];

/// The one file of the compiler that spells paths of the engine.
const ENGINE_API: &str = "compiler/emit/rust/engine_api.rs";

/// What a pure part may not mention, and why.
const IMPURE: &[(&str, &str)] = &[
    ("std::fs", "reads or writes files"),
    ("std::env", "reads the environment"),
    ("std::net", "uses the network"),
    ("std::process", "starts or ends processes"),
    ("std::thread", "depends on scheduling"),
    ("SystemTime", "reads the clock"),
    ("Instant::now", "reads the clock"),
    ("Timestamp::now", "reads the clock"),
    ("println!", "prints"),
    ("eprintln!", "prints"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The code of a file without comments, so that prose may speak of anything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file can be read");
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The first path segments behind `crate::`, and the workspace crates that are named.
fn uses(code: &str) -> BTreeSet<String> {
    let identifier = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found: BTreeSet<String> =
        code.split("crate::").skip(1).map(identifier).filter(|name| !name.is_empty()).collect();
    for group in code.split("crate::{").skip(1) {
        let mut depth = 0_usize;
        let mut segment = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => segment.clear(),
                _ if depth == 0 => segment.push(c),
                _ => {}
            }
            let name = segment.trim();
            if name.ends_with("::") || matches!(c, ',' | '}') {
                found.insert(name.trim_end_matches("::").to_owned());
            }
        }
    }
    for name in ["helix_plan", "helix_engine"] {
        if code.contains(&format!("{name}::")) {
            found.insert(name.to_owned());
        }
    }
    found.retain(|name| MAY_USE.iter().any(|(module, _)| module == name) || name.starts_with("helix_"));
    found
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let src = root().join("src");
    let mut wrong = Vec::new();
    for path in rust_files(&src) {
        let relative = path.strip_prefix(&src).expect("listed below src");
        let first = relative.components().next().expect("a file has a name");
        let module =
            Path::new(first.as_os_str()).file_stem().and_then(|stem| stem.to_str()).expect("module names are text");
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("src/{}: `{module}` is not on the map", relative.display()));
            continue;
        };
        for used in uses(&code(&path)) {
            // The code that is generated uses the engine; this file alone knows how.
            let spells_engine = used == "helix_engine" && relative == Path::new(ENGINE_API);
            if used != module && !allowed.contains(&used.as_str()) && !spells_engine {
                wrong.push(format!("src/{}: `{module}` may not use `{used}`", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "the map of ARCHITECTURE.md does not have these arrows:\n{}", wrong.join("\n"));
}

#[test]
fn no_command_uses_another_command() {
    let commands = root().join("src/commands");
    let mut wrong = Vec::new();
    for path in rust_files(&commands) {
        let relative = path.strip_prefix(&commands).expect("listed below commands");
        if relative == Path::new("mod.rs") {
            continue;
        }
        let own = relative.components().next().expect("a file has a name");
        let own = Path::new(own.as_os_str()).file_stem().and_then(|stem| stem.to_str()).expect("names are text");
        for used in code(&path).split("commands::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if used != own && used.chars().next().is_some_and(char::is_lowercase) {
                wrong.push(format!("src/commands/{}: uses the command `{used}`", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "what two commands share belongs in ops:\n{}", wrong.join("\n"));
}

#[test]
fn the_compiler_and_the_plan_are_pure() {
    let mut wrong = Vec::new();
    for folder in ["src/compiler", "crates/helix-plan/src"] {
        for path in rust_files(&root().join(folder)) {
            if path.file_stem().is_some_and(|stem| stem == "tests")
                || path.components().any(|part| part.as_os_str() == "tests")
            {
                continue;
            }
            let code = code(&path);
            for (name, reason) in IMPURE {
                if code.contains(name) {
                    wrong.push(format!("{}: `{name}` {reason}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "a pure part does IO:\n{}", wrong.join("\n"));
}

#[test]
fn the_plan_knows_no_storage_and_the_engine_knows_no_project() {
    let mut wrong = Vec::new();
    for (folder, forbidden) in [
        ("crates/helix-plan/src", &["helix_engine", "heed", "tokio"][..]),
        ("crates/helix-engine/src", &["helix::", "helix.toml", "bollard", "indicatif", "clap::"][..]),
    ] {
        for path in rust_files(&root().join(folder)) {
            let code = code(&path);
            for name in forbidden {
                if code.contains(name) {
                    wrong.push(format!("{}: mentions `{name}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "a crate knows too much:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_ui_prints() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        if path.starts_with(root().join("src/ui")) || path.starts_with(root().join("src/ui.rs")) {
            continue;
        }
        let code = code(&path);
        for name in ["println!", "eprintln!", "io::stdout", "io::stderr"] {
            if code.contains(name) {
                wrong.push(format!("{}: `{name}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "everything is printed through `ui`:\n{}", wrong.join("\n"));
}
