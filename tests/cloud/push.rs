//! A push through the flow that all targets share.

use std::fs;

use serde_json::json;

use super::{QUERIES, Scene};

#[test]
fn an_instance_is_pushed_changed_taken_back_and_deleted() {
    let scene = Scene::new();
    let planned = scene.data(&["plan", "prod"]);
    assert_eq!((&planned["action"]["kind"], &planned["builds_image"]), (&json!("create"), &json!(false)), "{planned}");
    let first = scene.helix(&["push", "prod", "--json", "--write-env", ".env"]).code(0);
    let data = first.json()["data"].clone();
    assert_eq!((&data["changed"], &data["provider"]), (&json!(true), &json!("helix")), "{data}");
    assert!(data["url"].as_str().unwrap().starts_with("http"), "{data}");
    let written = fs::read_to_string(scene.project.root().join(".env")).unwrap();
    let key = written.lines().find_map(|line| line.strip_prefix("HELIX_API_KEY=")).unwrap().to_owned();
    assert!(!format!("{}{}", first.stdout, first.stderr).contains(&key), "it is in the file alone");

    let deploys = scene.calls("/deploy");
    let again = scene.data(&["push", "prod"]);
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(scene.calls("/deploy"), deploys, "nothing is deployed twice");

    scene.project.write(
        "db/queries.hx",
        &format!("{QUERIES}\nQUERY count() =>\n    count <- N<User>::COUNT\n    RETURN count\n"),
    );
    let second = scene.data(&["push", "prod"]);
    assert_eq!(second["plan"]["queries"][0]["name"], "count", "{second}");
    let pushed = fs::read_to_string(scene.project.root().join("db/queries.hx")).unwrap();
    scene.project.write("db/queries.hx", &format!("{pushed}\n// Edited since.\n"));
    let differs = scene.helix(&["sync", "prod", "--dry-run", "--json"]).code(20).json()["data"].clone();
    assert_eq!(differs["left"]["conflicts"], json!([]), "only this side has changed: {differs}");
    scene.project.write("db/queries.hx", &pushed);
    let releases = scene.data(&["releases", "list", "prod"])["releases"].clone();
    assert_eq!(releases.as_array().unwrap().len(), 2, "{releases}");
    assert_eq!((&releases[0]["current"], &releases[1]["available"]), (&json!(true), &json!(true)), "{releases}");
    let back = scene.data(&["rollback", "prod"]);
    assert_eq!(back["to"], releases[1]["id"], "{back}");

    scene.helix(&["stop", "prod"]).code(0);
    let status = scene.data(&["status", "prod"]);
    assert_eq!(status["instances"][0]["state"], "stopped", "{status}");
    scene.helix(&["start", "prod"]).code(0);
    scene.helix(&["delete", "prod", "--yes"]).code(0);
    assert!(!fs::read_to_string(scene.project.root().join("helix.toml")).unwrap().contains("cloud.prod"));
}

#[test]
fn nobody_is_asked_who_is_not_logged_in() {
    let scene = Scene::new();
    let failed = scene.stranger(&["push", "prod", "--json"]).code(10);
    assert_eq!(failed.json()["error"]["code"], "E-AUTH-MISSING");
    assert_eq!(scene.calls("/deploy"), 0);
    // What is wrong with the queries is told without the service.
    scene.project.write("db/queries.hx", "QUERY broken() => RETURN nothing\n");
    scene.helix(&["push", "prod"]).code(4);
    assert_eq!(scene.calls("/deploy"), 0);
}
