//! `helix mock-cloud`, and that no key is anywhere.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use helix::integrations::helix::mock::{CLUSTER, USER_KEY};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{Scene, run};

#[test]
fn the_stand_in_serves_pipelines_until_it_is_told_to_end() {
    let scene = Scene::new();
    let mut child = scene.command(&["mock-cloud", "--port", "0", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let listening: Value = serde_json::from_str(&line).unwrap();
    let url = listening["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let call = |args: &[&str]| {
        let mut command = scene.command(args);
        command.env("HELIX_CLOUD_ENDPOINT", &url).env("HELIX_CLOUD_TOKEN", listening["key"].as_str().unwrap());
        run(command)
    };
    call(&["config", "cluster", "list"]).code(0);
    call(&["sync", "prod", "--remote-empty-ok", "--yes"]).code(0);
    // A failure on demand, as a pipeline would ask for it; and the book of calls.
    scene.runtime.block_on(async {
        let client = scene.client();
        let fault = json!({"path": "/workspaces", "times": 9, "effects": [{"status": {"status": 401}}]});
        let answer = client.post(format!("{url}/__mock/faults")).json(&fault).send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let journal: Vec<Value> =
            client.get(format!("{url}/__mock/journal")).send().await.unwrap().json().await.unwrap();
        let deploy = journal.iter().find(|entry| entry["path"].as_str().unwrap().ends_with("/deploy")).unwrap();
        assert_eq!((&deploy["status"], &deploy["authenticated"]), (&json!(200), &json!(true)));
        assert!(!json!(journal).to_string().contains(USER_KEY));
    });
    call(&["config", "workspace", "list"]).code(10);
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    let last: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert!(last["data"]["calls"].as_u64().unwrap() >= 4, "{last}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let scene = Scene::new();
    let port = scene.mock.base().rsplit(':').next().unwrap().to_owned();
    let ran = scene.stranger(&["mock-cloud", "--port", &port, "--json"]).code(1);
    assert_eq!(super::code(&ran), "E-PORT-IN-USE");
}

fn search(folder: &Path, needle: &str, allowed: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, needle, allowed, found);
        } else if path != allowed && String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(needle) {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn a_key_is_in_no_output_no_log_and_no_state() {
    let scene = Scene::new();
    scene.stranger(&["auth", "login"]).code(0);
    let text = fs::read_to_string(scene.credentials()).unwrap();
    let key = text.split("key = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(key.starts_with("hxu_"));
    let log = scene.project.root().join("debug.log");
    let log_file = log.to_str().unwrap();
    let mut seen = String::new();
    for args in [
        &["auth", "status", "-vv"][..],
        &["config", "workspace", "list", "--members", "-vv", "--json"],
        &["config", "workspace", "switch", "acme"],
        &["config", "project", "switch", "shop"],
        &["config", "cluster", "list", "-vv"],
        &["sync", "prod", "--remote-empty-ok", "--yes", "-vv", "--json"],
        &["sync", "prod", "--dry-run"],
        &["auth", "create-key", "prod", "--yes", "--write-env", ".env", "-vv"],
        &["auth", "create-key", "cl_none", "--yes", "-vv"],
        &["auth", "token"],
        &["auth", "switch", "nobody"],
        &["doctor"],
    ] {
        let ran = scene.stranger(&[args, &["--log-file", log_file]].concat());
        seen.push_str(&ran.stdout);
        seen.push_str(&ran.stderr);
    }
    assert!(log.exists() && seen.contains(CLUSTER));
    assert!(!seen.contains(&key), "{seen}");
    let mut found = Vec::new();
    search(scene.project.root().parent().unwrap(), &key, &scene.credentials(), &mut found);
    assert_eq!(found, Vec::<String>::new());
    // The keys of the cluster are in the file that was named, and nowhere else.
    let env = scene.project.root().join(".env");
    assert!(fs::read_to_string(&env).unwrap().contains("hxc_"));
    let mut found = Vec::new();
    search(scene.project.root().parent().unwrap(), "hxc_", &env, &mut found);
    assert_eq!(found, Vec::<String>::new());
    assert!(!seen.contains("hxc_"), "{seen}");
}
