//! One contract for every target of the table: the same life, from an empty folder to nothing, with the real binary against what stands
//! in for the target; what the table says that it can do works, and what it cannot ends with exit code 7 and what to do instead.
//!
//! A target without a row here is a failure. They skip with a reason where a program is missing, unless `HELIX_REQUIRE_DOCKER` is set.

mod fields;

use std::fs;
use std::process::Command;

use crate::support::boxed::code_of;
use crate::support::rehearsal::{PLANTED, Scene, StandIn, stand_ins};
use helix::integrations::{Role, TARGETS, Target, find};
use serde_json::{Value, json};

/// What is added to the queries of the example.
const COUNT: &str = "\nQUERY count() =>\n    count <- N<User>::COUNT\n    RETURN count\n";
/// The most calls that a push makes which has nothing to do.
const FEW: usize = 16;

macro_rules! contract {
    ($($target:ident => $stand_in:expr),+ $(,)?) => {
        const ROWS: &[&str] = &[$(stringify!($target)),+];
        $(
            #[test]
            fn $target() {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                if let Some(stand_in) = $stand_in(&runtime) {
                    live(find(stringify!($target)), stand_in);
                }
            }
        )+
    };
}

contract! {
    embedded => stand_ins::embedded,
    docker => stand_ins::docker,
    podman => stand_ins::podman,
    helix => stand_ins::helix_cloud,
    fly => stand_ins::fly,
    ecr => stand_ins::ecr,
    ghcr => stand_ins::ghcr,
    docker_hub => stand_ins::docker_hub,
}

#[test]
fn every_target_has_a_row() {
    let usable: Vec<&str> = TARGETS.iter().filter(|row| row.unsupported.is_none()).map(|row| row.name).collect();
    assert_eq!(usable, ROWS, "a target of the table without a row in this suite, or the other way round");
}

#[test]
fn a_target_that_cannot_be_used_says_so_to_every_command() {
    let scene = Scene::new(StandIn::of(&["local"]));
    let text = fs::read_to_string(scene.root().join("helix.toml")).unwrap();
    let table = "[enterprise.big]\ncluster_id = \"x\"\navailability_mode = \"ha\"\ngateway_node_type = \"GW-40\"\n\
                 db_node_type = \"HLX-160\"\n";
    fs::write(scene.root().join("helix.toml"), format!("{text}\n{table}")).unwrap();
    let unsupported: Vec<&Target> = TARGETS.iter().filter(|row| row.unsupported.is_some()).collect();
    assert_eq!(
        unsupported.iter().map(|row| row.name).collect::<Vec<_>>(),
        ["enterprise"],
        "one more needs a table here"
    );
    for command in ["plan", "push", "start", "stop", "restart", "logs", "rollback", "delete"] {
        assert_eq!(refused(&scene, &[command, "big"]), "E-CLOUD-ENTERPRISE", "{command}");
    }
    assert_eq!(refused(&scene, &["releases", "list", "big"]), "E-CLOUD-ENTERPRISE");
    assert_eq!(refused(&scene, &["secrets", "list", "-i", "big"]), "E-CLOUD-ENTERPRISE");
}

/// From an empty folder to nothing.
fn live(target: &Target, stand_in: StandIn) {
    let mut scene = Scene::new(stand_in);
    let first_image = scene.image();
    let planned = scene.with_image(&["plan", "prod", "--exit-code"], first_image.as_deref(), 20);
    fields::check("plan", &planned);
    assert_eq!((&planned["provider"], &planned["changes"]), (&json!(target.name), &json!(true)), "{planned}");
    assert_eq!(changing(&scene.calls()), Vec::<String>::new(), "a plan changes nothing");

    let first = scene.with_image(&["push", "prod", "--message", "the first"], first_image.as_deref(), 0);
    fields::check("push", &first);
    assert_eq!((&first["changed"], &first["rolled_back"]), (&json!(true), &json!(false)), "{first}");
    assert!(first["release"].is_string() && first["previous_release"].is_null(), "{first}");

    scene.calls();
    let again = scene.with_image(&["push", "prod"], first_image.as_deref(), 0);
    fields::check("push", &again);
    assert_eq!((&again["changed"], &again["release"]), (&json!(false), &first["release"]), "{again}");
    let calls = scene.calls();
    assert!(calls.len() <= FEW, "{} calls: {calls:#?}", calls.len());
    assert_eq!(changing(&calls), Vec::<String>::new(), "a push without changes changes nothing");
    let planned = scene.with_image(&["plan", "prod", "--exit-code"], first_image.as_deref(), 0);
    assert_eq!(planned["changes"], false, "{planned}");

    let status = status(&scene);
    let alive = if target.role == Role::Platform { "running" } else { "published" };
    assert_eq!((&status["state"], &status["release"]), (&json!(alive), &first["release"]), "{status}");
    let releases = releases(&scene);
    assert_eq!(releases.len(), 1, "{releases:?}");
    assert_eq!((&releases[0]["current"], &releases[0]["message"]), (&json!(true), &json!("the first")), "{releases:?}");

    edit_and_go_back(&mut scene, target, &first);
    capabilities(&scene, target);
    end(&scene);
}

/// A second release, and back to the first one.
fn edit_and_go_back(scene: &mut Scene, target: &Target, first: &Value) {
    scene.edit(COUNT);
    let image = scene.image();
    let planned = scene.with_image(&["plan", "prod"], image.as_deref(), 0);
    assert_eq!(
        (&planned["class"], &planned["previous_release"]),
        (&json!("compatible"), &first["release"]),
        "{planned}"
    );
    let second = scene.with_image(&["push", "prod"], image.as_deref(), 0);
    fields::check("push", &second);
    assert_eq!((&second["changed"], &second["previous_release"]), (&json!(true), &first["release"]), "{second}");
    assert_eq!(second["plan"]["queries"][0]["name"], "count", "{second}");
    assert_ne!(second["digest"], first["digest"]);
    assert_eq!(releases(scene).len(), 2);

    let wanted = scene.data(&["rollback", "prod", "--dry-run"], 0);
    assert_eq!(status(scene)["release"], second["release"], "a dry run changes nothing");
    let back = scene.data(&["rollback", "prod"], 0);
    fields::check("rollback", &back);
    assert_eq!((&back["from"], &back["to"]), (&second["release"], &first["release"]), "{back}");
    assert_eq!(wanted["to"], back["to"]);
    if is_local(target) {
        scene.data(&["query", "prod", "users"], 0);
        scene.helix(&["query", "prod", "count", "--json"]).code(13);
    } else {
        let now = releases(scene).into_iter().find(|one| one["current"] == true).unwrap();
        assert_eq!(now["image"], first["image"], "{now}");
    }
}

/// What the table says.
fn capabilities(scene: &Scene, target: &Target) {
    let runs = target.role == Role::Platform;
    for command in [&["stop", "prod"][..], &["start", "prod"], &["restart", "prod"], &["logs", "prod", "--tail", "5"]] {
        if runs {
            let data = scene.data(command, 0);
            fields::check(command[0], &data);
            let one = data.get("instances").map_or(&data, |all| &all[0]);
            assert_eq!(one["instance"], "prod", "{data}");
            if command[0] == "stop" {
                fields::check("stopped", one);
                assert_eq!(status(scene)["state"], "stopped");
            }
        } else {
            assert_eq!(refused(scene, command), "E-DEPLOY-UNSUPPORTED", "{command:?}");
        }
    }
    if runs {
        assert_eq!(status(scene)["state"], "running");
    }
    // A registry runs nothing that could have any.
    match runs {
        true => assert!(scene.data(&["secrets", "list", "-i", "prod"], 0)["secrets"].is_array()),
        false => assert_eq!(refused(scene, &["secrets", "list", "-i", "prod"]), "E-DEPLOY-UNSUPPORTED"),
    }
    if target.no_live.is_some() {
        assert_eq!(refused(scene, &["dev", "prod"]), "E-DEPLOY-UNSUPPORTED");
    }
    match is_local(target) {
        true => assert!(scene.data(&["backup", "prod", "--output", "copy"], 0)["backup"].is_object()),
        false => assert_eq!(refused(scene, &["backup", "prod"]), "E-DEPLOY-UNSUPPORTED"),
    }
    if !runs {
        assert_eq!(refused(scene, &["query", "prod", "users"]), "E-DEPLOY-UNSUPPORTED");
    }
}

/// It is deleted; nothing of it is left at the target, and no credential was ever kept or told here.
fn end(scene: &Scene) {
    let file = scene.root().join("helix.toml");
    let before = fs::read_to_string(&file).unwrap();
    let doomed = scene.data(&["delete", "prod", "--dry-run"], 0);
    fields::check("delete", &doomed);
    assert_eq!(before, fs::read_to_string(&file).unwrap(), "a dry run changes nothing");
    scene.calls();
    let done = scene.data(&["delete", "prod", "--yes"], 0);
    fields::check("delete", &done);
    assert!(!fs::read_to_string(&file).unwrap().contains("prod]"), "its table is gone");
    scene.helix(&["status", "prod", "--json"]).code(13);
    fs::write(&file, before).unwrap();
    match scene.removes_with() {
        // What holds the images there does not hear of it.
        Some(action) => assert!(scene.calls().iter().any(|call| call.ends_with(action)), "{action} was not called"),
        None => assert_eq!(status(scene)["state"], "absent"),
    }
    let found = Command::new("grep").args(["-rl", "--", PLANTED]).arg(scene.folder()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "a credential was kept");
    assert!(!scene.said().contains(PLANTED), "a credential was told");
}

fn is_local(target: &Target) -> bool {
    matches!(target.name, "embedded" | "docker" | "podman")
}

fn status(scene: &Scene) -> Value {
    let data = scene.data(&["status", "prod"], 0);
    fields::check("status", &data["instances"][0]);
    data["instances"][0].clone()
}

fn releases(scene: &Scene) -> Vec<Value> {
    let data = scene.data(&["releases", "list", "prod"], 0);
    fields::check("releases", &data);
    let all = data["releases"].as_array().unwrap().clone();
    all.iter().for_each(|one| fields::check("release", one));
    all
}

/// The code of a refusal, which says what to do instead.
#[track_caller]
fn refused(scene: &Scene, args: &[&str]) -> String {
    let ran = scene.helix(&[args, &["--json"]].concat()).code(7);
    let error = &ran.json()["error"];
    assert!(error["hint"].as_str().is_some_and(|hint| hint.len() > 10), "{error}");
    code_of(&ran)
}

/// The calls that change something. Asking for the right to upload, and giving it back, stores nothing.
fn changing(calls: &[String]) -> Vec<String> {
    let reads = |call: &&String| {
        let (method, what) = call.split_once(' ').unwrap();
        let action = what.rsplit(['.', '/']).next().unwrap_or(what);
        let asks = ["Get", "Describe", "List", "Batch"].iter().any(|verb| action.starts_with(verb));
        matches!(method, "GET" | "HEAD")
            || asks
            || (matches!(method, "POST" | "DELETE") && what.contains("/blobs/uploads/"))
    };
    calls.iter().filter(|call| !reads(call)).cloned().collect()
}
