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

/// The last deployment that was asked for.
fn deployed(scene: &Scene) -> serde_json::Value {
    let journal = scene.mock.journal();
    let found = journal.iter().rfind(|entry| entry["path"].as_str().is_some_and(|path| path.ends_with("/deploy")));
    found.unwrap()["body"].clone()
}

#[test]
fn dev_mode_is_for_one_push() {
    let scene = Scene::new();
    scene.helix(&["config", "set", "build_mode", "release", "-i", "prod"]).code(0);
    let file = scene.project.root().join("helix.toml");
    let before = fs::read_to_string(&file).unwrap();
    scene.data(&["push", "prod"]);
    let pushed = scene.helix(&["push", "prod", "--dev", "--json"]).code(0).json();
    assert_eq!((&pushed["data"]["changed"], &pushed["warnings"][0]["code"]), (&json!(true), &json!("W-PUSH-DEV")));
    let body = deployed(&scene);
    assert_eq!((&body["build_mode"], &body["build_mode_override"]), (&json!("release"), &json!("dev")));
    assert_eq!(scene.data(&["push", "prod", "--dev"])["changed"], false, "that is what runs");
    assert_eq!(scene.data(&["push", "prod"])["changed"], true, "and no longer");
    assert_eq!(deployed(&scene)["build_mode_override"], json!(null));
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn all_instances_are_pushed_until_one_fails() {
    let scene = Scene::new();
    let ran = scene.helix(&["push", "--all", "--json"]).code(0);
    let providers: Vec<_> =
        ran.json()["data"]["instances"].as_array().unwrap().iter().map(|one| one["provider"].clone()).collect();
    assert_eq!(providers, ["embedded", "helix"]);
    assert_eq!(ran.stdout.lines().filter(|line| line.contains("\"type\":\"instance\"")).count(), 2, "{}", ran.stdout);
    let one = scene.data(&["push", "--all", "--target", "helix"]);
    assert_eq!((&one["instances"][0]["instance"], one["instances"].as_array().unwrap().len()), (&json!("prod"), 1));
    let none = scene.helix(&["push", "--all", "--target", "fly", "--json"]).code(3);
    assert_eq!(none.json()["error"]["code"], "E-CFG-NO-INSTANCE");
    scene.helix(&["push", "--target", "fly"]).code(2);
    scene.helix(&["push", "prod", "--all"]).code(2);

    // One that cannot be pushed to, between the others.
    let file = scene.project.root().join("helix.toml");
    let text = fs::read_to_string(&file).unwrap();
    let stage = "[cloud.stage.helix]\ncluster_id = \"cl_nowhere\"\n\n# ours\n[cloud.prod";
    fs::write(&file, text.replace("# ours\n[cloud.prod", stage)).unwrap();
    scene
        .project
        .write("db/queries.hx", &format!("{QUERIES}\nQUERY more() =>\n    more <- N<User>\n    RETURN more\n"));
    let deploys = scene.calls("/deploy");
    let failed = scene.helix(&["push", "--all", "--json"]);
    assert_ne!(failed.code, 0);
    let context = failed.json()["error"]["context"].to_string();
    for line in ["the push to `stage` failed", "pushed: `dev`", "not tried: `prod`"] {
        assert!(context.contains(line), "{context}");
    }
    assert_eq!(scene.calls("/deploy"), deploys);
    let on = scene.helix(&["push", "--all", "--keep-going", "--json"]);
    assert_eq!((on.code, on.json()["error"]["code"].clone()), (failed.code, failed.json()["error"]["code"].clone()));
    assert!(on.json()["error"]["context"].to_string().contains("pushed: `dev`, `prod`"), "{}", on.stdout);
    assert_eq!(scene.calls("/deploy"), deploys + 1);
}
