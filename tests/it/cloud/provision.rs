//! `helix init cloud` and `helix add cloud`: a cluster is found or made for whoever is logged in, and nobody else is asked anything.

use std::fs;

use helix::integrations::helix::mock::{CLUSTER, Effect};
use serde_json::json;

use super::{Scene, code};

fn file(scene: &Scene) -> String {
    fs::read_to_string(scene.project.root().join("helix.toml")).unwrap()
}

#[test]
fn an_instance_gets_a_cluster_of_its_own_once() {
    let scene = Scene::new();
    let before = file(&scene);
    let asked = scene.helix(&["add", "cloud", "-n", "stage", "--json"]).code(5);
    let hint = asked.json()["error"]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("--create-project") && hint.contains("`shop`"), "{hint}");
    assert_eq!((file(&scene), scene.calls("/clusters")), (before.clone(), 0), "nothing was made");

    let added = scene.data(&["add", "cloud", "-n", "stage", "--project", "shop"]);
    let made = &added["provisioned"];
    assert_eq!((&made["created"], &made["workspace"]), (&json!(true), &json!("acme")), "{added}");
    assert_eq!(added["config"]["cluster_id"], made["cluster_id"]);
    let text = file(&scene);
    assert!(text.contains("id = \"prj_shop\"") && text.contains("# the first"), "{text}");
    // The same name again, after the table was lost: it is the same cluster.
    fs::write(scene.project.root().join("helix.toml"), &before).unwrap();
    let again = scene.data(&["add", "cloud", "-n", "stage", "--project", "shop"]);
    assert_eq!((&again["provisioned"]["created"], &again["config"]), (&json!(false), &added["config"]), "{again}");
    scene.helix(&["push", "stage", "--json"]).code(0);

    // An instance of that name is told before a cluster is made.
    let calls = scene.mock.journal().len();
    assert_eq!(code(&scene.helix(&["add", "cloud", "-n", "stage", "--json"]).code(3)), "E-CFG-INSTANCE-EXISTS");
    assert_eq!(scene.mock.journal().len(), calls);
    // A project file has one project there.
    let other =
        scene.helix(&["add", "cloud", "-n", "third", "--project", "another", "--create-project", "--json"]).code(11);
    assert_eq!(code(&other), "E-DEPLOY-CONFLICT");
    // The linked project needs no name.
    let third = scene.data(&["add", "cloud", "-n", "third"]);
    assert_eq!(third["provisioned"]["project_id"], "prj_shop", "{third}");
}

#[test]
fn a_project_is_made_in_an_empty_folder_and_its_cluster_at_the_service() {
    let scene = Scene::new();
    let path = scene.project.root().join("fresh");
    let shown = path.to_str().unwrap();
    let refused = scene.helix(&["init", "--path", shown, "--json", "cloud", "-n", "prod"]).code(5);
    assert_eq!(code(&refused), "E-INPUT-REQUIRED");
    assert!(!path.exists(), "nothing is left behind");
    let made = scene.data(&["init", "--path", shown, "cloud", "-n", "prod", "--create-project"]);
    assert_eq!((&made["instances"], &made["provisioned"]["project_name"]), (&json!(["dev", "prod"]), &json!("fresh")));
    let text = fs::read_to_string(path.join("helix.toml")).unwrap();
    let cluster = made["provisioned"]["cluster_id"].as_str().unwrap();
    assert!(text.contains(&format!("cluster_id = \"{cluster}\"")) && text.contains("id = \"prj"), "{text}");
    assert_ne!(cluster, CLUSTER);
    scene.helix(&["-C", shown, "push", "prod", "--json"]).code(0);
}

#[test]
fn nobody_is_asked_without_a_login_or_a_wish() {
    let scene = Scene::new();
    let added = scene.stranger(&["add", "cloud", "-n", "stage", "--json"]).code(0).json()["data"].clone();
    assert_eq!((&added["config"]["cluster_id"], &added["provisioned"]), (&json!("YOUR_CLUSTER_ID"), &json!(null)));
    assert!(added["next_steps"][0].as_str().unwrap().contains("helix auth login"), "{added}");
    scene.helix(&["add", "cloud", "-n", "third", "--no-provision", "--json"]).code(0);
    scene.helix(&["add", "cloud", "-n", "fourth", "--json", "--offline"]).code(0);
    assert_eq!(scene.mock.journal().len(), 0);
}

#[test]
fn a_workspace_that_cannot_pay_gets_no_cluster() {
    let scene = Scene::new();
    let body = Some(json!({"has_billing": false}).to_string());
    scene.fail("/billing", 1, Effect::Status { status: 200, error: None, body, retry_after: None });
    let failed = scene.helix(&["add", "cloud", "-n", "stage", "--project", "shop", "--json"]).code(11);
    assert_eq!(code(&failed), "E-CLOUD-BILLING");
    assert_eq!(scene.calls("/clusters"), 0);
    assert!(!file(&scene).contains("stage"));
}
