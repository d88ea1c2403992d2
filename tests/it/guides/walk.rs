//! The guides of deployment, followed from their first line to their last: their table is written into a new project, their shell blocks
//! are run as they stand, by a shell, against what stands in for the target. [`NOT_HERE`] and [`IN_PLACE_OF`] say what cannot be.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use tokio::runtime::Runtime;

use super::blocks;
use crate::support::rehearsal::{PLANTED, Scene, StandIn, stand_ins};
use crate::support::{Ran, free_port};

/// Lines that are left out, by how they begin, and why.
const NOT_HERE: [(&str, &str); 2] = [
    (
        "echo \"$TOKEN\" | docker login",
        "the real registry is another machine; the variables of the guide stand for the login",
    ),
    ("fly tokens create", "Fly.io itself makes the token, with its own tool"),
];

/// What is run in place of something, and why.
const IN_PLACE_OF: [(&str, &str, &str); 4] = [
    ("https://cloud.example", "$STAND_IN", "no service has that address"),
    (
        "helix mock-cloud &",
        "helix mock-cloud --port $PORT & SERVICE=$!; until curl -sf $MOCK/__mock/journal; do sleep 0.1; done",
        "another test may have the usual port, and a person types the next line later",
    ),
    ("http://127.0.0.1:6970", "$MOCK", "the same port"),
    ("cl_123", "cl_shop", "the cluster that the stand-in has"),
];

/// What a person does before going back: there must be something to go back from.
const CHANGE: &str =
    "printf '\\nQUERY count() =>\\n    count <- N<User>::COUNT\\n    RETURN count\\n' >> db/queries.hx; IMAGE=$SECOND";

#[test]
fn the_guide_of_all_targets() {
    walk("README", "prod", stand_ins::fly);
}

#[test]
fn the_guide_of_helix_cloud() {
    walk("helix-cloud", "prod", stand_ins::helix_cloud);
}

#[test]
fn the_guide_of_fly() {
    walk("fly", "prod", stand_ins::fly);
}

#[test]
fn the_guide_of_ecr() {
    walk("ecr", "prod", stand_ins::ecr);
}

#[test]
fn the_guide_of_ghcr() {
    walk("ghcr", "prod", stand_ins::ghcr);
}

#[test]
fn the_guide_of_docker_hub() {
    walk("docker-hub", "hub", stand_ins::docker_hub);
}

#[test]
fn every_guide_of_deployment_is_followed() {
    let own = include_str!("walk.rs");
    for guide in fs::read_dir(folder()).unwrap().flatten() {
        let name = guide.path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(own.contains(&format!("walk(\"{name}\"")), "no test follows {name}.md");
    }
    let all: String =
        fs::read_dir(folder()).unwrap().flatten().map(|guide| fs::read_to_string(guide.path()).unwrap()).collect();
    for (line, _) in NOT_HERE {
        assert!(all.contains(line), "no guide has `{line}`");
    }
    for (text, ..) in IN_PLACE_OF {
        assert!(all.contains(text), "no guide has `{text}`");
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy")
}

/// Follows a guide whose instance is `instance`.
fn walk(guide: &str, instance: &str, stand_in: fn(&Runtime) -> Option<StandIn>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(stand_in) = stand_in(&runtime) else { return };
    let service = stand_in.env.iter().find(|(name, _)| *name == "HELIX_CLOUD_ENDPOINT").map(|(_, url)| url.clone());
    let text = fs::read_to_string(folder().join(format!("{guide}.md"))).unwrap();
    let mut scene = Scene::empty(stand_in);
    scene.data(&["init"], 0);
    if let Some(table) = blocks(&text, "toml").into_iter().find(|block| block.contains("[cloud.")) {
        let file = scene.root().join("helix.toml");
        let own = &table[table.find("[cloud.").unwrap()..];
        fs::write(&file, format!("{}\n{}\n", fs::read_to_string(&file).unwrap(), in_place(own))).unwrap();
        scene.lead();
    }
    // Images are built in other tests: here each push is given one.
    let first = scene.image_of(instance);
    let queries = scene.root().join("db/queries.hx");
    let before = fs::read_to_string(&queries).unwrap();
    scene.edit("\nQUERY count() =>\n    count <- N<User>::COUNT\n    RETURN count\n");
    let second = scene.image_of(instance);
    fs::write(queries, before).unwrap();
    let tools = scene.folder().join("tools");
    install(&tools, first.is_some());
    for (file, text) in [("key.txt", "sk-from-a-person\n"), (".env", "")] {
        fs::write(scene.root().join(file), text).unwrap();
    }

    let script = script(&text);
    let mut shell = scene.command("sh");
    let port = free_port();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    shell.args(["-euc", &script]).env("PATH", path).env("PORT", port.to_string());
    shell.env("MOCK", format!("http://127.0.0.1:{port}")).env("STAND_IN", service.unwrap_or_default());
    shell.env("IMAGE", first.unwrap_or_default()).env("SECOND", second.unwrap_or_default());
    let stdin = fs::File::open(scene.root().join("key.txt")).unwrap();
    let ran = Ran::of(shell.stdin(stdin).output().unwrap());
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(PLANTED), "{guide}.md: a credential was told");
    assert_eq!(ran.code, 0, "{guide}.md:\n{script}\n--- it said:\n{}\n{}", ran.stdout, ran.stderr);
}

/// The tool by its name; where images are stored or run, with the one that a push is given.
fn install(tools: &Path, has_images: bool) {
    fs::create_dir_all(tools).unwrap();
    let real = env!("CARGO_BIN_EXE_helix");
    if !has_images {
        symlink(real, tools.join("helix")).unwrap();
        return;
    }
    let text = format!(
        "#!/bin/sh\ncase $1 in plan|push) exec {real} \"$@\" --image \"$IMAGE\" ;; *) exec {real} \"$@\" ;; esac\n"
    );
    fs::write(tools.join("helix"), text).unwrap();
    fs::set_permissions(tools.join("helix"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn in_place(text: &str) -> String {
    IN_PLACE_OF.iter().fold(text.to_owned(), |text, (from, to, _)| text.replace(from, to))
}

/// The lines of a guide that a shell runs, in their order: those of its blocks, then those of its workflow, then those that its prose
/// has an instance end with.
fn script(text: &str) -> String {
    let mut lines = vec!["trap 'kill ${SERVICE:-} 2>/dev/null || true' EXIT; export IMAGE".to_owned()];
    for block in blocks(text, "sh") {
        for line in block.lines().map(str::trim_end) {
            if NOT_HERE.iter().any(|(left_out, _)| line.trim_start().starts_with(left_out)) {
                continue;
            }
            lines.extend(changed_before(line));
            lines.push(in_place(line.trim_start()));
        }
    }
    for block in blocks(text, "yaml") {
        let runs = block.lines().filter_map(|line| line.trim().strip_prefix("- run: "));
        lines.extend(runs.map(str::to_owned));
    }
    for code in text.split('`').skip(1).step_by(2) {
        let ends = ["helix rollback ", "helix releases list ", "helix stop ", "helix start "];
        let is_whole = ["prod", "hub"].iter().any(|name| code.ends_with(&format!(" {name}")));
        if is_whole && ends.iter().any(|end| code.starts_with(end)) && !lines.iter().any(|line| line.starts_with(code))
        {
            lines.extend(changed_before(code));
            lines.push(code.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// Going back needs a second release.
fn changed_before(line: &str) -> Vec<String> {
    match line.trim_start().strip_prefix("helix rollback ").and_then(|rest| rest.split_whitespace().next()) {
        Some(name) => vec![CHANGE.to_owned(), format!("helix push {name}")],
        None => Vec::new(),
    }
}
