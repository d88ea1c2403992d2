//! A real data set: airports and the routes between them, loaded and queried through HTTP and checked against the same
//! computed independently by the script.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, test_package};

const APP: &str = include_str!("airports/app.hx");

#[test]
fn airports_and_routes_answer_as_computed_independently() {
    let data = test_package("vega");
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/airports/airports.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(project.url())
        .args([data.join("airports.csv"), data.join("flights-airport.csv")])
        .output()
        .expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
