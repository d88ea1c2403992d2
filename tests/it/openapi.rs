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
    insta::assert_snapshot!(document);
}
