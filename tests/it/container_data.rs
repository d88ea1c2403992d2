//! The data of an instance in a container: copied while it is written to, and moved between runtimes.

use std::fs;

use crate::support::boxed::{APP, Boxed};
use crate::support::docker::DOCKER;
use serde_json::json;

#[test]
fn data_moves_between_a_process_and_a_container() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    let in_a_container = fs::read_to_string(boxed.project.root().join("helix.toml")).unwrap();
    boxed.helix(&["stop", "dev"]).code(0);
    boxed.project.write("helix.toml", &in_a_container.replace("\"docker\"", "\"embedded\""));
    boxed.helix(&["push", "dev"]).code(0);
    assert!(boxed.containers().iter().all(|name| DOCKER.inspect(name)["State"]["Running"] == false));
    assert_eq!(boxed.names(), json!(["Ann"]));
    boxed.project.ok("add_user", &json!({"email": "bob@x", "name": "Bob", "age": 32}));
    boxed.project.write("helix.toml", &in_a_container);
    boxed.push(&image, &[]).code(0);
    assert_eq!(boxed.names(), json!(["Ann", "Bob"]));
}

#[test]
fn a_container_is_backed_up_and_exported_while_it_runs() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    let began = boxed.container()["State"]["StartedAt"].clone();
    let made = boxed.helix(&["backup", "dev", "--json"]).code(0).json();
    let backup = made["data"]["backup"]["path"].as_str().unwrap().to_owned();
    boxed.helix(&["backup", "verify", &backup]).code(0);
    let lines = boxed.project.root().join("lines");
    boxed.helix(&["export", "dev", "--output", lines.to_str().unwrap()]).code(0);
    assert_eq!(boxed.container()["State"]["StartedAt"], began, "it went on serving");

    boxed.project.ok("add_user", &json!({"email": "bob@x", "name": "Bob", "age": 32}));
    boxed.helix(&["restore", "dev", "--from", &backup, "--stop", "--yes"]).code(0);
    boxed.helix(&["start", "dev"]).code(0);
    assert_eq!(boxed.names(), json!(["Ann"]), "as it was when it was copied");
}
