//! `helix sync`: three ways, nothing lost.

use std::fs;
use std::path::Path;

use helix::integrations::helix::mock::{CLUSTER, Effect};
use serde_json::{Value, json};

use super::{QUERIES, SCHEMA, Scene, code, status};

const MORE: &str = "QUERY names() =>\n    users <- N<User>\n    RETURN users::{name}\n";

/// A project that is in step with its cluster.
fn in_step() -> Scene {
    let scene = Scene::new();
    scene.helix(&["sync", "prod", "--remote-empty-ok", "--yes"]).code(0);
    scene
}

/// Somebody else deploys these files.
fn elsewhere(scene: &Scene, files: &[(&str, &str)]) {
    let body = json!({
        "schema": SCHEMA,
        "schema_path": "db/schema.hx",
        "queries": files.iter().map(|(path, text)| ((*path).to_owned(), json!(text))).collect::<serde_json::Map<_, _>>(),
        "env_vars": {},
        "runtime_config": {
            "vector_config": {"m": 16, "ef_construction": 128, "ef_search": 768},
            "graph_config": {"secondary_indices": null},
            "db_max_size_gb": 20, "mcp": true, "bm25": true, "schema": null, "embedding_model": null, "graphvis_node_label": null,
        },
        "build_mode": "dev",
        "build_mode_override": null,
        "instance_name": "prod",
        "helix_toml": "[project]\nname = \"app\"\nqueries = \"./db/\"\n",
    });
    scene.runtime.block_on(async {
        let call = scene.client().post(format!("{}/api/cli/clusters/{CLUSTER}/deploy", scene.mock.base()));
        let answer = call.header("x-api-key", "mock-user-key").json(&body).send().await.unwrap().text().await.unwrap();
        assert!(answer.contains("deployed"), "{answer}");
    });
}

fn read(scene: &Scene, path: &str) -> Option<String> {
    fs::read_to_string(scene.project.root().join(path)).ok()
}

fn there(scene: &Scene) -> Value {
    let cloud = scene.cloud("mock-user-key");
    json!(scene.runtime.block_on(cloud.snapshot(CLUSTER)).unwrap().hx_files)
}

fn copies(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(fs::read_to_string(path).unwrap()) }
        }
    }
    found
}

#[test]
fn a_cluster_without_sources_is_a_mistake_unless_said_otherwise() {
    let scene = Scene::new();
    let ran = scene.helix(&["sync", "prod", "--yes", "--json"]).code(13);
    assert_eq!(code(&ran), "E-DEPLOY-NOT-FOUND");
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("--remote-empty-ok"));
    assert_eq!(scene.calls("/deploy"), 0);
    let dry = scene.helix(&["sync", "prod", "--remote-empty-ok", "--dry-run", "--json"]).code(20);
    let paths: Vec<Value> =
        dry.json()["data"]["left"]["push"].as_array().unwrap().iter().map(|one| one["path"].clone()).collect();
    assert_eq!(paths, ["queries.hx", "schema.hx"]);
    assert_eq!(code(&scene.helix(&["sync", "prod", "--remote-empty-ok", "--json"]).code(5)), "E-INPUT-REQUIRED");
    assert_eq!(scene.calls("/deploy"), 0);
    let ran = scene.helix(&["sync", "prod", "--remote-empty-ok", "--yes", "--json"]).code(0);
    assert_eq!(there(&scene), json!({"db/queries.hx": QUERIES, "db/schema.hx": SCHEMA}));
    // The key of a first deployment is in `.env`, and in no output.
    let env = read(&scene, ".env").unwrap();
    assert!(env.contains("HELIX_CLOUD_URL=") && env.contains("HELIX_API_KEY=hxc_"), "{env}");
    assert!(!ran.stdout.contains("hxc_"));
    let again = scene.data(&["sync", "prod"]);
    assert_eq!(again["in_sync"], true);
}

#[test]
fn what_changed_here_is_deployed_once_it_is_right() {
    let scene = in_step();
    scene.project.write("db/more.hx", "QUERY broken() =>\n    RETURN nothing\n");
    let deploys = scene.calls("/deploy");
    scene.helix(&["sync", "prod", "--yes"]).code(4);
    assert_eq!(scene.calls("/deploy"), deploys);
    scene.project.write("db/more.hx", MORE);
    assert_eq!(
        scene.helix(&["sync", "prod", "--dry-run", "--json"]).code(20).json()["data"]["left"]["push"],
        json!([{"path": "more.hx", "deed": "create"}])
    );
    scene.helix(&["sync", "prod", "--yes"]).code(0);
    assert_eq!(there(&scene)["db/more.hx"], MORE);
    fs::remove_file(scene.project.root().join("db/more.hx")).unwrap();
    let data = scene.data(&["sync", "prod", "--yes"]);
    assert_eq!(data["pushed"], json!([{"path": "more.hx", "deed": "delete"}]));
    assert_eq!(there(&scene), json!({"db/queries.hx": QUERIES, "db/schema.hx": SCHEMA}));
}

#[test]
fn what_changed_there_is_taken_and_the_old_is_kept_aside() {
    let scene = in_step();
    let changed = format!("// there\n{QUERIES}");
    elsewhere(&scene, &[("db/queries.hx", &changed), ("db/more.hx", MORE)]);
    assert_eq!(code(&scene.helix(&["sync", "prod", "--json"]).code(5)), "E-INPUT-REQUIRED");
    assert_eq!(read(&scene, "db/queries.hx").unwrap(), QUERIES);
    let data = scene.data(&["sync", "prod", "--yes"]);
    assert_eq!(
        data["pulled"],
        json!([{"path": "more.hx", "deed": "create"}, {"path": "queries.hx", "deed": "change"}])
    );
    assert_eq!(read(&scene, "db/queries.hx").unwrap(), changed);
    assert_eq!(read(&scene, "db/more.hx").unwrap(), MORE);
    assert_eq!(copies(&scene.project.root().join(".helix/sync-backup")), [QUERIES]);
    assert_eq!(scene.data(&["sync", "prod"])["in_sync"], true);
}

#[test]
fn a_deletion_needs_more_than_a_yes() {
    let scene = in_step();
    scene.project.write("db/more.hx", MORE);
    scene.helix(&["sync", "prod", "--yes"]).code(0);
    elsewhere(&scene, &[("db/queries.hx", QUERIES)]);
    let ran = scene.helix(&["sync", "prod", "--yes", "--json"]).code(5);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("--yes --prefer cloud"));
    assert!(read(&scene, "db/more.hx").is_some());
    let data = scene.data(&["sync", "prod", "--yes", "--prefer", "cloud"]);
    assert_eq!(data["pulled"], json!([{"path": "more.hx", "deed": "delete"}]));
    assert!(read(&scene, "db/more.hx").is_none());
    assert_eq!(copies(Path::new(data["backup"].as_str().unwrap())), [MORE]);
}

#[test]
fn what_changed_at_both_sides_stays_until_somebody_decides() {
    let scene = in_step();
    let (here, other) = (format!("// here\n{QUERIES}"), format!("// there\n{QUERIES}"));
    scene.project.write("db/queries.hx", &here);
    elsewhere(&scene, &[("db/queries.hx", &other)]);
    let deploys = scene.calls("/deploy");
    let ran = scene.helix(&["sync", "prod", "--yes", "--json"]).code(20);
    assert_eq!(ran.json()["data"]["left"]["conflicts"], json!(["queries.hx"]));
    assert_eq!((read(&scene, "db/queries.hx").unwrap(), scene.calls("/deploy")), (here.clone(), deploys));
    scene.helix(&["sync", "prod", "--yes", "--prefer", "local"]).code(0);
    assert_eq!(there(&scene)["db/queries.hx"], here);
    let newer = format!("// here again\n{QUERIES}");
    scene.project.write("db/queries.hx", &newer);
    elsewhere(&scene, &[("db/queries.hx", &other)]);
    scene.helix(&["sync", "prod", "--yes", "--prefer", "cloud"]).code(0);
    assert_eq!(read(&scene, "db/queries.hx").unwrap(), other);
    assert_eq!(copies(&scene.project.root().join(".helix/sync-backup")), [newer]);
}

#[test]
fn one_direction_does_not_undo_the_other() {
    let scene = in_step();
    elsewhere(&scene, &[("db/queries.hx", QUERIES), ("db/there.hx", MORE)]);
    scene.project.write("db/here.hx", &MORE.replace("names", "more_names"));
    let ran = scene.helix(&["sync", "prod", "--push", "--yes", "--json"]).code(13);
    assert_eq!(code(&ran), "E-STATE-STALE-PLAN");
    let data = scene.data(&["sync", "prod", "--pull", "--yes"]);
    assert_eq!((&data["pulled"][0]["path"], &data["left"]["push"][0]["path"]), (&json!("there.hx"), &json!("here.hx")));
    assert!(there(&scene).get("db/here.hx").is_none());
    scene.helix(&["sync", "prod", "--push", "--yes"]).code(0);
    let all: Vec<String> = there(&scene).as_object().unwrap().keys().cloned().collect();
    assert_eq!(all, ["db/here.hx", "db/queries.hx", "db/schema.hx", "db/there.hx"]);
}

#[test]
fn paths_that_lead_elsewhere_are_left_out_and_told() {
    let scene = in_step();
    let body = json!({"hx_files": {"../evil.hx": "x", "/tmp/evil.hx": "x", "db/../../evil.hx": "x", "db/queries.hx": QUERIES, "db/schema.hx": SCHEMA}});
    scene.fail(
        "/sync",
        9,
        Effect::Status { status: 200, error: None, body: Some(body.to_string()), retry_after: None },
    );
    let ran = scene.helix(&["sync", "prod", "--yes", "--json"]).code(0);
    assert_eq!(ran.json()["data"]["skipped"], json!(["../evil.hx", "/tmp/evil.hx", "db/../../evil.hx"]));
    assert!(!scene.project.root().parent().unwrap().join("evil.hx").exists());
}

#[test]
fn nothing_is_written_through_a_link() {
    let scene = in_step();
    let outside = scene.project.home().join("outside");
    fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, scene.project.root().join("db/linked")).unwrap();
    elsewhere(&scene, &[("db/queries.hx", QUERIES), ("db/linked/more.hx", MORE)]);
    assert_eq!(code(&scene.helix(&["sync", "prod", "--yes", "--json"]).code(13)), "E-FS-LINK");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn several_schema_files_stay_several() {
    let scene = Scene::new();
    scene.project.write("db/more.schema.hx", "N::City { name: String }\n");
    scene.helix(&["sync", "prod", "--remote-empty-ok", "--yes"]).code(0);
    assert_eq!(scene.data(&["sync", "prod"])["in_sync"], true);
    fs::remove_file(scene.project.root().join("db/more.schema.hx")).unwrap();
    fs::remove_dir_all(scene.project.root().join(".helix/prod")).unwrap();
    let data = scene.data(&["sync", "prod", "--yes"]);
    assert_eq!(data["pulled"], json!([{"path": "more.schema.hx", "deed": "create"}]));
}

#[test]
fn a_project_without_schema_or_queries_deploys_nothing() {
    let scene = Scene::new();
    fs::remove_file(scene.project.root().join("db/queries.hx")).unwrap();
    let sync = ["sync", "prod", "--remote-empty-ok", "--yes", "--json"];
    assert_eq!(code(&scene.helix(&sync).code(4)), "E-CLOUD-NO-QUERIES");
    scene.project.write("db/all.hx", &format!("{SCHEMA}\n{QUERIES}"));
    fs::remove_file(scene.project.root().join("db/schema.hx")).unwrap();
    assert_eq!(code(&scene.helix(&sync).code(4)), "E-CLOUD-NO-SCHEMA");
    assert_eq!(scene.calls("/deploy"), 0);
}

#[test]
fn the_files_are_the_same_from_any_folder() {
    let scene = in_step();
    let mut command = scene.command(&["sync", "prod", "--json"]);
    command.env("HELIX_CLOUD_TOKEN", "mock-user-key").current_dir(scene.project.root().join("db"));
    assert_eq!(super::run(command).code(0).json()["data"]["in_sync"], true);
}

#[test]
fn what_cannot_be_in_step_says_so() {
    let scene = Scene::new();
    assert_eq!(code(&scene.helix(&["sync", "dev", "--json"]).code(7)), "E-DEPLOY-UNSUPPORTED");
    let toml = read(&scene, "helix.toml").unwrap();
    scene.project.write("helix.toml", &toml.replace(CLUSTER, "YOUR_CLUSTER_ID"));
    assert_eq!(code(&scene.helix(&["sync", "prod", "--json"]).code(13)), "E-STATE-NO-CLUSTER");
    scene.project.write("helix.toml", &toml.replace(CLUSTER, "cl_other"));
    assert_eq!(code(&scene.helix(&["sync", "prod", "--json"]).code(10)), "E-AUTH-SCOPE");
    scene.project.write("helix.toml", &toml.replace("name = \"app\"", "name = \"app\"\nid = \"prj_mine\""));
    assert_eq!(code(&scene.helix(&["sync", "prod", "--json"]).code(11)), "E-DEPLOY-CONFLICT");
    scene.project.write("helix.toml", &toml);
    scene.fail("/sync", 9, status(500));
    assert_eq!(code(&scene.helix(&["sync", "prod", "--json"]).code(9)), "E-NET-UPSTREAM");
}

#[test]
fn a_project_is_made_of_what_a_cluster_has() {
    let scene = in_step();
    let new = scene.project.home().join("new");
    fs::create_dir_all(&new).unwrap();
    let run = |args: &[&str]| {
        let mut command = scene.command(args);
        command.env("HELIX_CLOUD_TOKEN", "mock-user-key").current_dir(&new);
        super::run(command)
    };
    let sync = ["sync", "--cluster-id", CLUSTER, "--json"];
    run(&[&sync[..], &["--dry-run"]].concat()).code(20);
    assert_eq!(code(&run(&sync).code(5)), "E-INPUT-REQUIRED");
    assert_eq!(fs::read_dir(&new).unwrap().count(), 0);
    let made = run(&[&sync[..], &["--yes"]].concat()).code(0).json()["data"]["pulled"].clone();
    assert_eq!(
        made.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect::<Vec<_>>(),
        ["helix.toml", "db/queries.hx", "db/schema.hx"]
    );
    assert_eq!(fs::read_to_string(new.join("db/queries.hx")).unwrap(), QUERIES);
    let toml = fs::read_to_string(new.join("helix.toml")).unwrap();
    assert!(toml.contains("id = \"prj_shop\"") && toml.contains("# the first") && !toml.contains("local"), "{toml}");
    run(&["check"]).code(0);
    assert_eq!(run(&["sync", "prod", "--json"]).code(0).json()["data"]["in_sync"], true);
    assert_eq!(run(&sync).code(0).json()["data"]["instance"], "prod");
    assert_eq!(code(&run(&["sync", "--cluster-id", "cl_none", "--json"]).code(13)), "E-STATE-NO-INSTANCE");
    // What is there is not written over.
    fs::remove_file(new.join("helix.toml")).unwrap();
    assert_eq!(code(&run(&[&sync[..], &["--yes"]].concat()).code(1)), "E-FS-EXISTS");
}
