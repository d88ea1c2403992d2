//! The published Python and TypeScript clients run unmodified against an embedded instance.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, test_package};

const APP: &str = include_str!("clients/app.hx");

fn run(mut command: Command) {
    let output = command.output().expect("the client's interpreter runs");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(name)
}

#[test]
fn python_client_creates_reads_updates_drops_and_sees_errors() {
    let python = test_package("python").join("bin/python");
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    let mut command = Command::new(python);
    command.arg(script("python.py")).arg(project.port().to_string());
    run(command);
}

#[test]
fn typescript_client_creates_reads_updates_drops_and_sees_errors() {
    let modules = test_package("node").join("node_modules");
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    let mut command = Command::new("node");
    command.arg(script("typescript.cjs")).arg(project.port().to_string()).env("NODE_PATH", modules);
    run(command);
}
