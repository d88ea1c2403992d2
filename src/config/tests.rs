use super::*;

fn problems(text: &str) -> String {
    let errors = Config::parse("helix.toml", text).expect_err("it has errors");
    let lines = errors.problems.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!("  -> {hint}")).unwrap_or_default();
        format!("{} {} {}{hint}\n", problem.location, problem.code, problem.message)
    });
    lines.collect()
}

#[test]
fn a_small_file_is_enough() {
    let config = Config::parse("helix.toml", "[project]\nname = \"My App\"\n[local.dev]\n").unwrap();
    let (name, dev) = config.locals().next().unwrap();
    assert_eq!((name, dev.port, dev.runtime), ("dev", 6969, Runtime::Embedded));
    assert_eq!((dev.database.m, dev.database.db_max_size_gb), (16, 20));
    assert_eq!(config.project.queries, "./db/");
}

#[test]
fn every_mistake_is_reported_in_one_pass() {
    let text = r#"
[project]
nmae = "x"
queries = "../elsewhere"
min_cli_version = "99.0"

[local.dev]
prot = 7000
port = 70000
bind = "localhost"
runtime = "dokcer"
build_mode = "debug"
memory = "lots"
env.set = { lower = "x", API_TOKEN = "0123456789abcdef" }
health = { timeout = "soon", path = "healthz" }

[local.dev.vector_config]
m = 32
ef_construction = 16
ef_search = "many"

[local.build]
[local."no/good"]

[cloud.a.fly]
volume = "data"
vm_size = 4

[cloud.b]
[cloud.c.helix]
[cloud.d.ecr]
[cloud.d.fly]

[cloud.dev.fly]

[enterprise.big]
availability_mode = "sometimes"
gateway_node_type = "GW-40"
db_node_type = "HLX-160"
min_instances = 3
max_instances = 2

[deploy.health]
intervall = "1s"

[unknown]
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn syntax_errors_have_a_place() {
    insta::assert_snapshot!(problems("[project]\nname = \n"), @"helix.toml:2:8 E-CFG-SYNTAX string values must be quoted, expected literal string");
}

#[test]
fn two_instances_cannot_share_a_port() {
    let text = "[project]\nname=\"x\"\n[local.a]\n[local.b]\nport = 6969\n";
    insta::assert_snapshot!(problems(text), @"helix.toml:5:8 E-CFG-PORT `b` and `a` both have port 6969  -> give each local instance a `port` of its own");
}

#[test]
fn instances_inherit_from_each_other_and_from_defaults() {
    let text = r#"
[project]
name = "x"

[defaults]
bm25 = false
vector_config.m = 8
[defaults.local]
vector_config.ef_search = 99

[local.base]
port = 7000
mcp = false
vector_config.ef_construction = 64

[local.dev]
extends = "base"
port = 7001
bm25 = true
"#;
    let config = Config::parse("helix.toml", text).unwrap();
    let (_, dev) = config.locals().find(|(name, _)| *name == "dev").unwrap();
    let database = &dev.database;
    assert_eq!((database.m, database.ef_construction, database.ef_search), (8, 64, 99));
    assert_eq!((database.mcp, database.bm25, dev.port), (false, true, 7001));
}

#[test]
fn extending_in_a_circle_is_a_mistake() {
    let text = "[project]\nname=\"x\"\n[local.a]\nport=1\nextends=\"b\"\n[local.b]\nport=2\nextends=\"a\"\n";
    assert!(problems(text).contains("E-CFG-EXTENDS"));
    assert!(
        problems("[project]\nname=\"x\"\n[local.aa]\nextends=\"ab\"\n[local.ac]\nport=1\n")
            .contains("names no instance")
    );
}

#[test]
fn a_chosen_container_runtime_keeps_containers() {
    let text =
        "[project]\nname=\"x\"\ncontainer_runtime=\"podman\"\n[local.a]\n[local.b]\nport=1\nruntime=\"embedded\"\n";
    let config = Config::parse("helix.toml", text).unwrap();
    assert_eq!(config.instances["a"].target(), "podman");
    assert_eq!(config.instances["b"].target(), "embedded");
}

#[test]
fn every_cloud_target_is_read() {
    let text = r#"
[project]
name = "x"
[cloud.a.helix]
cluster_id = "YOUR_CLUSTER_ID"
[cloud.b.fly]
build_mode = "dev"
vm_size = "a10"
[cloud.c.ecr]
[cloud.d.ghcr]
owner = "Acme"
[cloud.e.dockerhub]
namespace = "acme"
[enterprise.f]
cluster_id = "c"
availability_mode = "ha"
gateway_node_type = "GW-40"
db_node_type = "HLX-160"
"#;
    let config = Config::parse("helix.toml", text).unwrap();
    let targets: Vec<_> = config.instances.values().map(Instance::target).collect();
    assert_eq!(targets, ["helix", "fly", "ecr", "ghcr", "docker_hub", "enterprise"]);
}

#[test]
fn secret_looking_values_are_warned_about() {
    let text = "[project]\nname=\"x\"\n[local.a]\nenv.set.OPENAI_API_KEY = \"sk-0123456789\"\n";
    let config = Config::parse("helix.toml", text).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].code, "W-CFG-SECRET");
}

#[test]
fn edits_keep_comments_and_order() {
    let text = "# top\n[project] # p\nname = \"x\"\n\n# about b\n[local.b]\nport = 1 # one\n\n# about a\n[local.a]\nport = 2\n[local.a.vector_config]\nm = 3\n\n[cloud.c.fly]\n";
    insta::assert_snapshot!(edit::remove_instance(text, "a").unwrap().unwrap(), @r#"
    # top
    [project] # p
    name = "x"

    # about b
    [local.b]
    port = 1 # one

    [cloud.c.fly]
    "#);
    assert_eq!(edit::remove_instance(text, "zzz").unwrap(), None);
    assert_eq!(edit::set_port(text, "b", 9).unwrap(), text.replace("port = 1 # one", "port = 9 # one"));
    assert!(!edit::remove_instance(text, "c").unwrap().unwrap().contains("cloud"));
}

/// The reference, which holds every key.
const REFERENCE: &str = include_str!("../../docs/helix.toml");

#[test]
fn the_reference_is_read_without_a_problem() {
    let config = Config::parse("docs/helix.toml", REFERENCE).unwrap();
    // The reference names every key, this one too.
    assert_eq!(config.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["W-CFG-NO-EFFECT"]);
    assert_eq!(config.build.secrets.len(), 1);
}

#[test]
fn the_reference_holds_every_key() {
    let document = Document::parse(REFERENCE).unwrap();
    let reader = Reader::new("docs/helix.toml", REFERENCE);
    read(&reader, document.as_table());
    let asked = reader.asked.borrow();
    // Below the name of an instance; what instances have in common is shown once.
    let within = |key: &str| {
        let depth = match key.split('.').next() {
            Some("local" | "enterprise") => 2,
            Some("cloud") => 3,
            Some("defaults") if key.starts_with("defaults.local") || key.starts_with("defaults.cloud") => 2,
            _ => 1,
        };
        key.split('.').skip(depth).collect::<Vec<_>>().join(".")
    };
    let instance =
        |key: &str| ["local.", "cloud.", "enterprise.", "defaults."].iter().any(|kind| key.starts_with(kind));
    let shown: BTreeSet<String> =
        asked.iter().filter(|(key, there)| **there && instance(key)).map(|(key, _)| within(key)).collect();
    let missing: Vec<&String> = asked
        .iter()
        .filter(|(key, there)| !(**there || instance(key) && shown.contains(&within(key))))
        .map(|(key, _)| key)
        .collect();
    assert!(asked.len() > 100, "the keys are known: {}", asked.len());
    assert_eq!(missing, Vec::<&String>::new(), "docs/helix.toml lacks these keys");
}
