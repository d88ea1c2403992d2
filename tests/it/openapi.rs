//! The OpenAPI document: a public validator takes it, and a property-based tester finds nothing that the server does otherwise.

use std::process::Command;

use crate::support::{Project, test_package};

const APP: &str = include_str!("openapi/app.hx");

fn run(mut command: Command) {
    let output = command.output().expect("the tool runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn the_document_is_valid_and_the_server_keeps_to_it() {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    project.helix(&["compile", "--emit", "openapi"]).code(0);
    let document = project.root().join(".helix/compiled/openapi.json");
    let tools = test_package("openapi").join("bin");
    let mut validator = Command::new(tools.join("openapi-spec-validator"));
    validator.arg(&document);
    run(validator);
    let mut tester = Command::new(tools.join("schemathesis"));
    tester.args(["run", "--max-examples", "25", "--seed", "7", "--no-color", "--url", &project.url()]).arg(&document);
    // For JSON Schema `5.0` is an integer; HelixQL takes it for none.
    tester.args(["--exclude-checks", "positive_data_acceptance"]);
    tester.current_dir(project.root());
    run(tester);
}

#[test]
fn the_document_shows_what_queries_take_and_answer() {
    let project = Project::new(APP);
    project.helix(&["compile", "--emit", "openapi"]).code(0);
    let document = std::fs::read_to_string(project.root().join(".helix/compiled/openapi.json")).unwrap();
    insta::assert_snapshot!(document.replace(&project.port().to_string(), "6969"));
}

#[test]
fn the_document_names_the_instances_of_this_machine() {
    let project = Project::new(APP);
    let dev = "[project]\nname = \"app\"\nqueries = \"./db/\"\n\n[local.dev]\nport = 7411\n";
    let servers = |config: &str| {
        project.write("helix.toml", config);
        project.helix(&["compile", "--emit", "openapi"]).code(0);
        let document = std::fs::read(project.root().join(".helix/compiled/openapi.json")).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        let servers = document["servers"].as_array().unwrap().iter();
        let lines = servers.map(|server| format!("{} {}", server["url"], server["description"]).replace('"', ""));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(servers(dev), ["http://localhost:7411 The instance `dev`"]);
    assert_eq!(
        servers(&format!(
            "{dev}[local.open]\nport = 7412\nbind = \"0.0.0.0\"\n[local.lan]\nport = 7413\nbind = \"10.0.0.5\"\n"
        )),
        [
            "http://localhost:7411 The instance `dev`",
            "http://localhost:7412 The instance `open`",
            "http://10.0.0.5:7413 The instance `lan`",
        ]
    );
}
