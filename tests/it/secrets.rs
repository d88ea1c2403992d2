//! Secrets of an instance of this machine: kept closed, given to its server, gone with it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::support::{Project, Ran, post};
use serde_json::json;

const APP: &str = "N::User { name: String }\nQUERY users() =>\n    users <- N<User>::COUNT\n    RETURN users\n";
const PLANTED: &str = "planted secret 'value' $HOME";

/// A command that reads a value from stdin.
fn told(project: &Project, args: &[&str], value: &str) -> Ran {
    let mut child =
        project.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

fn code_of(ran: &Ran) -> String {
    ran.json()["error"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn secrets_are_set_listed_exported_and_removed() {
    let project = Project::new(APP);
    let set = told(&project, &["secrets", "set", "TOKEN", "-i", "dev"], &format!("{PLANTED}\n")).code(0);
    assert!(set.stderr.contains("secrets.key"), "the key was made: {}", set.stderr);
    assert!(!format!("{}{}", set.stdout, set.stderr).contains("planted"));
    project.write("more.env", "OTHER=two\n");
    project.helix(&["secrets", "import", "more.env", "-i", "dev"]).code(0);
    let listed = project.helix(&["secrets", "list", "-i", "dev", "--json"]).code(0).json()["data"]["secrets"].clone();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["OTHER", "TOKEN"]);
    assert!(listed[1]["digest"].is_string() && listed[1]["updated_at"].is_string(), "{listed}");
    let shown = project.helix(&["env", "dev", "--json"]).code(0);
    assert!(shown.stdout.contains("TOKEN") && !shown.stdout.contains("planted"), "{}", shown.stdout);

    let out = project.helix(&["secrets", "export", "-i", "dev"]).code(0);
    assert_eq!(out.stdout, "OTHER='two'\nTOKEN=\"planted secret 'value' \\$HOME\"\n");
    assert_eq!(project.helix(&["secrets", "export", "-i", "dev", "--json"]).code, 5, "not without being told");
    project.helix(&["secrets", "export", "-i", "dev", "--output", "dev.env"]).code(0);
    let mode = fs::metadata(project.root().join("dev.env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = project.helix(&["secrets", "export", "-i", "dev", "--output", "dev.env", "--json"]).code(2);
    assert_eq!(code_of(&again), "E-FS-EXISTS");

    // What was exported is imported as it was.
    project.helix(&["secrets", "unset", "TOKEN", "-i", "dev"]).code(0);
    project.helix(&["secrets", "import", "dev.env", "-i", "dev"]).code(0);
    assert_eq!(project.helix(&["secrets", "export", "-i", "dev"]).code(0).stdout, out.stdout);

    fs::remove_file(project.root().join("dev.env")).unwrap();
    project.helix(&["push", "dev"]).code(0);
    let found = Command::new("grep").args(["-rl", "planted"]).arg(project.root().parent().unwrap()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "a secret is in a file that is not encrypted");
    project.helix(&["delete", "dev", "--yes", "--keep-config"]).code(0);
    let left = project.helix(&["secrets", "list", "-i", "dev", "--json"]).code(0).json()["data"]["secrets"].clone();
    assert_eq!(left, json!([]), "they go with the instance");
}

#[test]
fn a_rotated_key_is_the_one_that_the_server_takes() {
    let project = Project::new(APP);
    let config = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &format!("{config}\n[local.dev.security]\napi_key = true\n"));
    let rotate = || {
        let made = project.helix(&["secrets", "rotate", "HELIX_API_KEY", "-i", "dev", "--reveal", "--json"]).code(0);
        made.json()["data"]["value"].as_str().unwrap().to_owned()
    };
    let first = rotate();
    project.helix(&["push", "dev"]).code(0);
    let query = |key: &str| {
        let mut query = project.command(&["query", "dev", "users", "--json"]);
        Ran::of(query.env("HELIX_API_KEY", key).output().unwrap()).code
    };
    assert_eq!(post(&project.url(), "users", &json!({})).unwrap().0, 400, "the key is missing");
    assert_eq!(query(&first), 0);
    let second = rotate();
    assert_ne!(first, second);
    assert_eq!(query(&first), 0, "until it is started again");
    project.helix(&["restart", "dev"]).code(0);
    assert_ne!(query(&first), 0);
    assert_eq!(query(&second), 0);
}

/// Removes the key of secrets, wherever it is kept.
fn lose_key(project: &Project) {
    let found = Command::new("find").arg(project.root().parent().unwrap()).args(["-name", "secrets.key"]).output();
    let found = String::from_utf8(found.unwrap().stdout).unwrap();
    assert_eq!(found.lines().count(), 1, "{found}");
    fs::remove_file(found.trim()).unwrap();
}

#[test]
fn a_lost_key_is_in_the_way_of_starts_alone() {
    let project = Project::new(APP);
    told(&project, &["secrets", "set", "TOKEN", "-i", "dev"], PLANTED).code(0);
    project.helix(&["push", "dev"]).code(0);
    lose_key(&project);
    let state = |expected: &str| {
        let status = project.helix(&["status", "dev", "--json"]).code(0).json();
        assert_eq!(status["data"]["instances"][0]["state"], expected, "{status}");
    };
    state("running");
    project.helix(&["query", "dev", "users"]).code(0);
    project.helix(&["logs", "dev"]).code(0);
    project.helix(&["backup", "dev"]).code(0);
    for args in [["push", "dev", "--json"], ["restart", "dev", "--json"]] {
        assert_eq!(code_of(&project.helix(&args).code(13)), "E-SECRET-KEY", "{args:?}");
        state("running");
    }
    project.helix(&["stop", "dev"]).code(0);
    state("stopped");
    assert_eq!(code_of(&project.helix(&["start", "dev", "--json"]).code(13)), "E-SECRET-KEY");
    state("stopped");
    let deleted = project.helix(&["delete", "dev", "--yes", "--keep-config"]).code(0);
    assert!(deleted.stderr.contains("stay where they are, closed"), "{}", deleted.stderr);
    assert!(project.root().join(".helix/secrets.age").exists(), "other instances may have secrets in it");
}

#[test]
fn without_its_key_the_file_is_not_opened() {
    let project = Project::new(APP);
    told(&project, &["secrets", "set", "TOKEN", "-i", "dev"], PLANTED).code(0);
    let other = "AGE-SECRET-KEY-1QQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQ";
    let mut push = project.command(&["push", "dev", "--json"]);
    let refused = Ran::of(push.env("HELIX_AGE_IDENTITY", other).output().unwrap());
    assert_ne!(refused.code, 0);
    assert_eq!(code_of(&refused), "E-SECRET-KEY");
}
