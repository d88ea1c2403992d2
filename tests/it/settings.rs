//! `helix config get`, `set`, `unset`, `list`, `show`: one setting at a time, and nothing else of a file changes.

use std::fs;

use crate::support::Project;
use crate::support::boxed::code_of;
use serde_json::{Value, json};

const FILE: &str = "\
# The shop.
[project]
name = \"app\"   # its name
queries = \"./db/\"

[defaults]
bm25 = false # for all

[local.dev]
port = 7000 # ours
memory = \"2g\"

[local.test]
extends = \"dev\"
port = 7001

[cloud.prod.fly]
region = \"fra\"
";

fn project() -> Project {
    let project = Project::new("N::User { name: String }\n");
    project.write("helix.toml", FILE);
    project
}

fn data(project: &Project, args: &[&str]) -> Value {
    project.helix(&[&["config"], args, &["--json"]].concat()).code(0).json()["data"].clone()
}

fn text(project: &Project) -> String {
    fs::read_to_string(project.root().join("helix.toml")).unwrap()
}

#[test]
fn a_setting_is_changed_and_everything_else_stays() {
    let project = project();
    let set = data(&project, &["set", "port", "7100", "-i", "dev"]);
    assert_eq!((&set["value"], &set["changed"]), (&json!(7100), &json!(true)), "{set}");
    assert_eq!(text(&project), FILE.replace("7000 # ours", "7100 # ours"));
    assert_eq!(data(&project, &["set", "local.dev.port", "7100"])["changed"], false);
    data(&project, &["set", "local.dev.port", "7000"]);
    assert_eq!(text(&project), FILE);

    // A text that looks like a number stays a text where one is wanted.
    assert_eq!(data(&project, &["set", "project.version", "1.0"])["value"], "1.0");
    assert_eq!(data(&project, &["set", "health.timeout", "2m", "-i", "prod"])["value"], "120s");
    assert!(text(&project).contains("[cloud.prod.fly.health]\ntimeout = \"2m\""), "{}", text(&project));
    assert_eq!(data(&project, &["set", "env.forward", "[\"A\", \"B\"]", "-i", "test"])["value"], json!(["A", "B"]));
    data(&project, &["unset", "project.version"]);
    data(&project, &["unset", "env.forward", "-i", "test"]);
    assert!(!text(&project).contains("version") && !text(&project).contains("forward"));
}

#[test]
fn what_would_not_be_right_is_not_written() {
    let project = project();
    for (args, code, exit) in [
        (&["set", "port", "70000", "-i", "dev"][..], "E-CFG-RANGE", 3),
        (&["set", "local.dev.prot", "1"], "E-CFG-UNKNOWN-KEY", 3),
        (&["set", "port", "7001", "-i", "dev"], "E-CFG-PORT", 3),
        (&["set", "local.dev", "1"], "E-CFG-TYPE", 3),
        (&["set", "local.dev.port.x", "1"], "E-CFG-TYPE", 3),
        (&["set", "a..b", "1"], "E-INPUT-KEY", 2),
        (&["unset", "project.name"], "E-CFG-MISSING", 3),
        (&["unset", "local.dev"], "E-CFG-TYPE", 3),
        (&["unset", "memroy", "-i", "dev"], "E-STATE-NOT-SET", 13),
        (&["get", "project.id"], "E-STATE-NOT-SET", 13),
        (&["get", "port", "-i", "nobody"], "E-STATE-NO-INSTANCE", 13),
        (&["set", "cloud.endpiont", "x", "--user"], "E-CFG-UNKNOWN-KEY", 3),
        (&["set", "cloud.endpoint", "not an address", "--user"], "E-CLOUD-ENDPOINT", 3),
        (&["get", "cloud.profile", "--user"], "E-STATE-NOT-SET", 13),
    ] {
        let ran = project.helix(&[&["config"], args, &["--json"]].concat()).code(exit);
        assert_eq!(code_of(&ran), code, "{args:?}: {}", ran.stdout);
    }
    assert_eq!(text(&project), FILE);
}

#[test]
fn every_setting_is_shown_with_where_it_is_from() {
    let project = project();
    let shown = data(&project, &["show", "test"]);
    let of = |key: &str| {
        let all = shown["settings"].as_array().unwrap();
        let found = all.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("{key}: {shown}"));
        (found["value"].clone(), found["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("port"), (json!(7001), "local.test".to_owned()));
    assert_eq!(of("memory"), (json!("2g"), "local.dev".to_owned()));
    assert_eq!(of("bm25"), (json!(false), "defaults".to_owned()));
    assert_eq!(of("bind"), (json!("127.0.0.1"), "default".to_owned()));
    assert_eq!(data(&project, &["get", "vm_size", "-i", "prod"])["origin"], "default");
    assert_eq!(project.helix(&["config", "get", "local.dev.port"]).code(0).stdout, "7000\n");
    let listed = data(&project, &["list", "--instance", "dev"]);
    let keys: Vec<&Value> = listed["settings"].as_array().unwrap().iter().map(|one| &one["key"]).collect();
    assert_eq!(keys, ["port", "memory"]);
    assert_eq!(data(&project, &["list"])["settings"].as_array().unwrap().len(), 8);
}

#[test]
fn the_settings_of_the_user_are_their_own() {
    let project = project();
    let file = project.home().join(".helix/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "# mine\n[cloud]\nworkspace_id = \"ws\" # chosen\n").unwrap();
    let address = "https://cloud.example";
    assert_eq!(data(&project, &["set", "cloud.endpoint", address, "--user"])["changed"], true);
    assert_eq!(data(&project, &["set", "cloud.endpoint", address, "--user"])["changed"], false);
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.starts_with("# mine\n[cloud]\nworkspace_id = \"ws\" # chosen\n"), "{kept}");
    assert_eq!(data(&project, &["get", "cloud.endpoint", "--user"])["value"], address);
    assert_eq!(data(&project, &["list", "--user"])["settings"].as_array().unwrap().len(), 2);
    data(&project, &["unset", "cloud.endpoint", "--user"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n[cloud]\nworkspace_id = \"ws\" # chosen\n");
    assert_eq!(text(&project), FILE);
}
