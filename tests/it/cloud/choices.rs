//! `helix config`: the documents that programs read, and what is chosen.

use std::fs;

use helix::integrations::helix::mock::{CLUSTER, PROJECT, WORKSPACE};
use serde_json::json;

use super::{Scene, code, status};

#[test]
fn workspaces_are_listed_shown_and_selected() {
    let scene = Scene::new();
    let acme = json!({"id": "ws_acme", "name": "Acme", "url_slug": "acme", "workspace_type": "organization"});
    let mut row = acme.clone();
    row["current"] = json!(false);
    assert_eq!(scene.data(&["config", "workspace", "list"]), json!({"workspaces": [row.clone()]}));
    let none = scene.helix(&["config", "workspace", "show", "--json"]).code(13);
    assert_eq!(code(&none), "E-CLOUD-NO-WORKSPACE");
    let wrong = scene.helix(&["config", "workspace", "switch", "amce", "--json"]).code(13);
    assert_eq!(wrong.json()["error"]["hint"], "did you mean `acme`?");
    assert_eq!(scene.data(&["config", "workspace", "switch", "acme"]), json!({"workspace": acme}));
    assert_eq!(scene.data(&["config", "workspace", "show"]), json!({"workspace": acme}));
    row["current"] = json!(true);
    row["members"] = json!([{
        "user": {"id": "user_ada", "github_id": 1, "github_login": "ada", "github_name": "Ada", "github_email": "ada@example.com"},
        "role": "owner",
        "role_id": "role_owner",
    }]);
    let members = scene.data(&["config", "workspace", "list", "--members"]);
    assert_eq!(members, json!({"current_workspace_id": WORKSPACE, "workspaces": [row]}));
    assert_eq!(scene.data(&["config", "workspace", "switch", "--id", WORKSPACE]), json!({"workspace": acme}));
}

#[test]
fn a_selected_workspace_that_is_gone_is_forgotten() {
    let scene = Scene::new();
    let file = scene.project.home().join(".helix/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "# mine\n[cloud]\nworkspace_id = \"ws_gone\"\n").unwrap();
    let ran = scene.helix(&["config", "workspace", "show", "--json"]).code(13);
    assert_eq!(ran.json()["warnings"][0]["code"], "W-CLOUD-WORKSPACE");
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n[cloud]\n");
}

#[test]
fn projects_are_listed_shown_and_linked() {
    let scene = Scene::new();
    let list = scene.data(&["config", "project", "list"]);
    assert_eq!(list["workspace"]["id"], WORKSPACE);
    assert_eq!(list["projects"], json!([{"id": "prj_shop", "name": "shop", "current": false}]));
    assert_eq!(code(&scene.helix(&["config", "project", "show", "--json"]).code(13)), "E-CLOUD-NO-PROJECT");
    assert_eq!(code(&scene.helix(&["config", "project", "switch", "shpo", "--json"]).code(13)), "E-CLOUD-NOT-FOUND");
    assert_eq!(
        code(&scene.helix(&["config", "project", "switch", "--id", "prj_other", "--json"]).code(10)),
        "E-AUTH-SCOPE"
    );
    scene.helix(&["config", "project", "switch", "shop"]).code(0);
    let text = fs::read_to_string(scene.project.root().join("helix.toml")).unwrap();
    assert!(
        text.contains("id = \"prj_shop\"") && text.contains("name = \"shop\"") && text.contains("# the first"),
        "{text}"
    );
    let expected = json!({"project": {
        "id": "prj_shop", "name": "shop", "workspace_id": "ws_acme", "workspace_name": "Acme", "workspace_slug": "acme",
    }});
    assert_eq!(scene.data(&["config", "project", "show"]), expected);
    let list = scene.data(&["config", "project", "list", "acme"]);
    assert_eq!((&list["current_project_id"], &list["projects"][0]["current"]), (&json!(PROJECT), &json!(true)));
}

#[test]
fn clusters_are_listed_with_the_local_instances() {
    let scene = Scene::new();
    let list = scene.data(&["config", "cluster", "list"]);
    assert_eq!(list["local_instances"], json!([{"name": "dev", "port": scene.project.port(), "build_mode": "dev"}]));
    let short = json!([{"cluster_id": CLUSTER, "cluster_name": "prod", "project_id": PROJECT, "project_name": "shop"}]);
    assert_eq!((&list["standard_clusters"], &list["enterprise_clusters"]), (&short, &json!([])));
    let whole = json!([{
        "cluster_id": CLUSTER, "cluster_name": "prod", "project_id": PROJECT, "project_name": "shop",
        "build_mode": "release", "max_memory_gb": 4.0, "max_vcpus": 2.0,
    }]);
    for selector in [["--project", "shop"], ["--project-id", PROJECT]] {
        let list = scene.data(&[&["config", "cluster", "list"][..], &selector].concat());
        assert_eq!((&list["standard_clusters"], &list["project"]), (&whole, &json!({"id": PROJECT, "name": "shop"})));
    }
    let both = ["config", "cluster", "list", "--project", "shop", "--project-id", PROJECT, "--json"];
    assert_eq!(code(&scene.helix(&both).code(2)), "E-INPUT-USAGE");
    let human = scene.helix(&["config", "cluster", "list"]).code(0);
    assert!(human.stdout.contains(CLUSTER) && human.stdout.contains("dev is on this machine"), "{}", human.stdout);
}

#[test]
fn the_project_file_is_checked_and_found() {
    let scene = Scene::new();
    let valid = scene.data(&["config", "validate"]);
    assert_eq!(valid["instances"], json!(["dev", "prod"]));
    let paths = scene.data(&["config", "path"]);
    assert!(paths["project"].as_str().unwrap().ends_with("app/helix.toml"));
    assert_eq!(paths["credentials"], json!(scene.credentials()));
    scene.project.write("helix.toml", "[project]\nnaem = \"x\"\n");
    scene.helix(&["config", "validate"]).code(3);
    // Both ask nobody.
    assert!(scene.mock.journal().is_empty());
}

#[test]
fn no_choice_is_kept_when_the_service_does_not_answer() {
    let scene = Scene::new();
    scene.fail("/workspaces", 9, status(500));
    scene.helix(&["config", "workspace", "switch", "acme"]).code(9);
    assert!(!scene.project.home().join(".helix/config.toml").exists());
}
