//! `helix doctor`: what is wrong is found and named with what mends it; its archive holds no secret.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Project, isolate};
use serde_json::{Value, json};

const APP: &str = "N::User { INDEX name: String }
QUERY add(name: String) =>
    user <- AddN<User>({ name: name })
    RETURN NONE
";

/// The checks of that name, with the exit code that goes with all of them.
#[track_caller]
fn checks(project: &Project, name: &str, args: &[&str]) -> Vec<Value> {
    let all: Vec<&str> = ["doctor", "--json"].iter().chain(args).copied().collect();
    let ran = project.helix(&all);
    let report = ran.json();
    let found = report["data"]["checks"].as_array().unwrap_or_else(|| panic!("{report}"));
    let failed = found.iter().any(|check| check["state"] == "fail");
    assert_eq!(ran.code, if failed { 20 } else { 0 }, "{report}");
    let numbers = report["data"]["summary"].as_object().unwrap().values().map(|number| number.as_u64().unwrap());
    assert_eq!(numbers.sum::<u64>(), u64::try_from(found.len()).unwrap());
    found.iter().filter(|check| check["name"] == name).cloned().collect()
}

/// The only check of that name.
#[track_caller]
fn check(project: &Project, name: &str) -> Value {
    let mut found = checks(project, name, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[track_caller]
fn assert_check(check: &Value, state: &str, found: &str, fix: &str) {
    assert_eq!(check["state"], state, "{check}");
    assert!(check["found"].as_str().unwrap().contains(found), "{check}");
    assert!(check["fix"].as_str().unwrap_or_default().contains(fix), "{check}");
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_sound_project_passes_quickly_with_an_instance_at_rest_or_running() {
    let project = Project::new(APP);
    assert_check(&check(&project, "process"), "pass", "nothing was pushed", "");
    assert_check(&check(&project, "port"), "pass", "is free", "");
    project.helix(&["push", "dev"]).code(0);
    for name in ["project", "queries", "process", "instance-version", "state-directory", "version", "system"] {
        assert_eq!(check(&project, name)["state"], "pass", "{name}");
    }
    assert!(checks(&project, "port", &[]).is_empty(), "its own port is no question");
    // The quickest of some: others use this machine too.
    let quickest = (0..5).map(|_| {
        let started = Instant::now();
        project.helix(&["doctor"]).code(0);
        started.elapsed()
    });
    assert!(quickest.min().unwrap() < Duration::from_secs(1));
    let shown = project.helix(&["doctor"]).code(0).stdout;
    assert!(shown.contains("queries") && shown.contains("1 query compile") && !shown.contains("wsl"), "{shown}");
    assert!(project.helix(&["doctor", "--verbose"]).code(0).stdout.contains("wsl"));
    assert!(project.helix(&["doctor", "--quiet"]).code(0).stdout.ends_with("skipped\n"));
}

#[test]
fn what_is_wrong_with_the_project_is_named_with_what_mends_it() {
    let project = Project::new(APP);
    project.write("db/app.hx", "N::User { name: String }\nQUERY q() =>\n    user <- N<Usr>\n    RETURN user\n");
    let queries = check(&project, "queries");
    assert_check(&queries, "fail", "db/app.hx:3:", "helix check");
    project.helix(&["doctor"]).code(20);

    let good = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &format!("{good}embedding_model = \"openai:small\"\nprot = 1\n"));
    assert_check(&check(&project, "project"), "fail", "helix.toml:8:1", "did you mean `port`?");

    project.write("db/app.hx", APP);
    let text = format!(
        "{good}embedding_model = \"openai:small\"\n[local.dev.env]\nset = {{ MY_TOKEN = \"abcdefghijklmnop\" }}\n"
    );
    project.write("helix.toml", &text);
    assert_check(&check(&project, "secrets"), "warn", "MY_TOKEN", "env.forward");
    assert_check(&check(&project, "embedding"), "warn", "OPENAI_API_KEY", ".env");
    project.write(".env", "OPENAI_API_KEY=sk-something\n");
    assert_check(&check(&project, "embedding"), "pass", "openai:small", "");

    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_helix"));
    command.args(["doctor", "--json"]).current_dir(elsewhere.path());
    isolate(&mut command, elsewhere.path());
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = report["data"]["checks"].as_array().unwrap().iter().find(|check| check["name"] == "project").unwrap();
    assert_check(found, "skip", "there is no `helix.toml`", "helix init");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_key_that_nobody_is_asked_for_is_told() {
    let project = Project::new(APP);
    let good = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    let has_check = || !checks(&project, "api-key", &[]).is_empty();
    assert!(!has_check());
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    project.write(".env", &format!("HELIX_API_KEY={hash}\n"));
    assert_check(&check(&project, "api-key"), "warn", "requests need no key", "[local.dev.security]");
    let pushed = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!(pushed["warnings"][0]["code"], "W-PUSH-KEY", "{pushed}");
    project.write("helix.toml", &format!("{good}\n[local.dev.security]\napi_key = false\n"));
    assert!(!has_check(), "the project file says that it is so");
    let pushed = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!(pushed["warnings"], json!([]), "{pushed}");
    project.write("helix.toml", &format!("{good}\n[local.dev.security]\napi_key = true\n"));
    assert!(!has_check());
}

#[test]
fn variables_that_others_can_read_or_that_git_has_are_told() {
    let project = Project::new(APP);
    assert_check(&check(&project, "env-files"), "skip", "none", "");
    project.write(".env", "A=b\n");
    project.write(".env.example", "A=\n");
    let file = project.root().join(".env");
    open(&file, 0o644);
    assert_check(&check(&project, "env-files"), "warn", "0644", "chmod 600");
    open(&file, 0o600);
    assert_check(&check(&project, "env-files"), "pass", "only its owner", "");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args(args).current_dir(project.root()).env("HOME", project.home());
        assert!(command.output().unwrap().status.success(), "git {args:?}");
    };
    git(&["init", "-q"]);
    assert_eq!(check(&project, "env-files")["state"], "pass");
    git(&["add", ".env"]);
    assert_check(&check(&project, "env-files"), "fail", "git has it", "git rm --cached '.env'");
}

#[test]
fn folders_and_keys_that_are_open_to_others_are_told() {
    let project = Project::new(APP);
    let state = project.home().join(".helix");
    fs::create_dir(&state).unwrap();
    open(&state, 0o755);
    fs::write(state.join("credentials.toml"), "").unwrap();
    open(&state.join("credentials.toml"), 0o640);
    assert_check(&check(&project, "state-directory"), "warn", "0755", "chmod 700");
    assert_check(&check(&project, "credentials"), "fail", "0640", "chmod 600");
}

#[test]
fn taken_ports_crashes_and_data_in_use_are_told() {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    let pid = project.pid();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    let gone = Instant::now() + Duration::from_secs(10);
    while check(&project, "process")["state"] == "pass" && Instant::now() < gone {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_check(&check(&project, "process"), "warn", &format!("process {pid} ended"), "helix start dev");
    assert_check(&check(&project, "data-in-use"), "pass", "nobody", "");

    let taken = TcpListener::bind(("127.0.0.1", project.port())).unwrap();
    assert_check(&check(&project, "port"), "fail", "is in use", "--port");
    drop(taken);
    let lock = fs::OpenOptions::new().write(true).open(project.data().join("user/engine.lock")).unwrap();
    lock.lock().unwrap();
    assert_check(&check(&project, "data-in-use"), "fail", "open, and is not instance `dev`", "data_dir");
}

#[test]
fn a_running_instance_of_another_version_or_with_other_settings_is_told() {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    let path = project.root().join(".helix/dev/process.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["version"] = json!("0.0.9");
    fs::write(&path, record.to_string()).unwrap();
    assert_check(&check(&project, "instance-version"), "warn", "runs helix 0.0.9", "helix restart dev");
    assert!(checks(&project, "instance-settings", &[]).is_empty());
    project.write(".env", "A=b\n");
    assert_check(&check(&project, "instance-settings"), "warn", "changed", "helix restart dev");
}

#[test]
fn deep_reads_the_data_of_running_and_stopped_instances_and_finds_damage() {
    let project = Project::new(APP);
    let deep = |project: &Project| checks(project, "data", &["--deep"]).remove(0);
    assert_check(&deep(&project), "skip", "no data", "");
    project.helix(&["push", "dev"]).code(0);
    for number in 0..50 {
        project.ok("add", &json!({ "name": format!("user-{number}") }));
    }
    assert_check(&deep(&project), "pass", "50 rows", "");
    let left: Vec<_> = fs::read_dir(project.root().join(".helix/dev")).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".doctor")), "{left:?}");
    project.helix(&["stop", "dev"]).code(0);
    assert_check(&deep(&project), "pass", "50 rows", "");

    // One letter of a name, in each page that holds it until it is one in use: rows and index then disagree.
    let file = project.data().join("user/data.mdb");
    let sound = fs::read(&file).unwrap();
    let places = sound.windows(7).enumerate().filter(|(_, window)| window == b"user-33").map(|(place, _)| place);
    let found = places.into_iter().map(|place| {
        let mut bytes = sound.clone();
        bytes[place] = b'x';
        fs::write(&file, bytes).unwrap();
        deep(&project)
    });
    let damaged = found.into_iter().find(|check| check["state"] == "fail").expect("damage is found");
    assert_check(&damaged, "fail", "do not agree", "helix restore dev");
    assert!(!damaged["details"].as_array().unwrap().is_empty(), "{damaged}");
}

#[test]
fn the_archive_is_private_is_not_replaced_unasked_and_holds_no_secret() {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    let secrets = [
        "hunter2-env",
        "hunter2 quoted\\",
        "hunter2-config",
        "hunter2-proxy",
        "hunter2-log",
        "hunter2-process",
        "hunter2-cloud",
        "hunter2-local",
    ];
    project.write(".env", "PLAIN_NAME=hunter2-env\nQUOTED='hunter2 quoted\\'\n");
    project.write("db/.env", "OTHER=hunter2-local\n");
    let config = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    let config = format!("{config}[local.dev.env]\nset = {{ PLACE = \"hunter2-config\" }} # a note\n");
    project.write("helix.toml", &config);
    let state = project.home().join(".helix");
    fs::write(state.join("credentials.toml"), "[profile.default]\nuser_id = \"ann\"\nkey = \"hunter2-cloud\"\n")
        .unwrap();
    let log = project.root().join(".helix/dev/logs/instance.log");
    let mut text = fs::read_to_string(&log).unwrap();
    text.push_str("plain hunter2-env, quoted hunter2 quoted\\ and hunter2-cloud hunter2-local\n");
    text.push_str(
        "{\"level\":\"INFO\",\"message\":\"GET http://ann:hunter2-log@db/ {\\\"api_key\\\": \\\"hunter2-log\\\"}\"}\n",
    );
    text.push_str("the last line\nAuthorization: Bearer hunter2-log\nchild saw hunter2-process\n");
    fs::write(&log, text).unwrap();

    let archive = project.root().join("report.tar.gz");
    let doctor = |args: &[&str]| {
        let mut command = project.command(&["doctor", "--bundle", "report.tar.gz", "--json"]);
        command
            .args(args)
            .env("https_proxy", "http://ann:hunter2-proxy@proxy:3128")
            .env("SOME_TOKEN", "hunter2-process");
        let output = command.output().unwrap();
        assert!(!String::from_utf8_lossy(&output.stdout).contains("hunter2"));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let made = doctor(&[]);
    assert_eq!(made["ok"], true, "{made}");
    assert_eq!(fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&archive).unwrap();
    assert_eq!(doctor(&[])["error"]["code"], "E-FS-EXISTS");
    assert_eq!(fs::read(&archive).unwrap(), before);
    assert_eq!(doctor(&["--force"])["ok"], true);
    assert_eq!(fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);

    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(&archive).unwrap()));
    let mut files = std::collections::BTreeMap::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().strip_prefix("helix-doctor").unwrap().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        for secret in secrets.iter().chain(&["hunter2"]) {
            assert!(!text.contains(secret), "{secret} is in {name}:\n{text}");
        }
        files.insert(name, text);
    }
    let listed: Vec<&str> =
        made["data"]["bundle"]["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(listed.iter().all(|name| files.contains_key(*name)), "{listed:?} {:?}", files.keys());
    assert!(
        files["helix.toml"].contains("[local.dev]") && files["helix.toml"].contains("# a note"),
        "{}",
        files["helix.toml"]
    );
    assert!(files["logs/dev/instance.log"].contains("the last line"));
    assert!(files.keys().any(|name| name.starts_with("runs/") && name.contains("-push-")), "{:?}", files.keys());
    let report: Value = serde_json::from_str(&files["report.json"]).unwrap();
    assert!(
        report["checks"].as_array().unwrap().iter().any(|check| check["name"] == "proxy" && check["state"] == "pass")
    );
}

#[test]
fn a_container_runtime_that_is_needed_and_missing_is_a_failure() {
    let project = Project::new(APP);
    let nowhere = project.home().join("none.sock");
    let ask = |project: &Project| {
        let mut command = project.command(&["doctor", "--json"]);
        let output = command.env("DOCKER_HOST", format!("unix://{}", nowhere.display())).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = report["data"]["checks"].as_array().unwrap().clone();
        (output.status.code(), all.into_iter().find(|check| check["name"] == "container-runtime").unwrap())
    };
    let config = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &format!("{config}runtime = \"docker\"\n"));
    let (code, check) = ask(&project);
    assert_eq!(code, Some(20));
    assert_check(&check, "fail", "Docker", "runtime");
    project.write("helix.toml", &config);
    let (_, check) = ask(&project);
    // Podman may answer in its place.
    assert_ne!(check["state"], "fail", "{check}");
}
