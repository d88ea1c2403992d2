//! The embedded runtime as a user meets it: the real binary, real processes, loopback only.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Project, free_port, post};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const APP: &str = "\
N::User { UNIQUE INDEX email: String, name: String, age: U8 }

QUERY add_user(email: String, name: String, age: U8) =>
    user <- AddN<User>({ email: email, name: name, age: age })
    RETURN user::{name}

QUERY users() =>
    users <- N<User>
    RETURN users::{name}
";

/// How long anything may take that has no budget of its own.
const PATIENCE: Duration = Duration::from_secs(30);

fn with(extra: &str) -> String {
    format!("{APP}\n{extra}")
}

/// A project whose `dev` serves [`APP`].
fn pushed() -> Project {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    project
}

fn status(project: &Project) -> Value {
    project.helix(&["status", "dev", "--json"]).code(0).json()["data"]["instances"][0].clone()
}

fn state(project: &Project) -> String {
    status(project)["state"].as_str().unwrap().to_owned()
}

fn error_code(json: &Value) -> &str {
    json["error"]["code"].as_str().unwrap_or_default()
}

fn ann(project: &Project) {
    project.ok("add_user", &json!({"email": "ann@x", "name": "Ann", "age": 31}));
}

/// Adds what is there already, and so fails.
fn ann_again(project: &Project) {
    let (status, _) = project.call("add_user", &json!({"email": "ann@x", "name": "Ann", "age": 31}));
    assert_eq!(status, 409);
}

fn names(project: &Project) -> Value {
    project.ok("users", &json!({}))["users"].clone()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[track_caller]
fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !check() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A command that goes on; killed at the end.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn new(project: &Project, args: &[&str]) -> Self {
        let mut child = project.command(args).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next JSON line that fits.
    #[track_caller]
    fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended before: {what}; it said:\n{seen}");
            if let Ok(value) = serde_json::from_str(&line)
                && fits(&value)
            {
                return value;
            }
            seen.push_str(&line);
        }
    }

    fn interrupt(mut self) -> i32 {
        signal(self.child.id(), Signal::INT);
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_instance_is_pushed_called_stopped_started_restarted_and_keeps_its_data() {
    let project = Project::new(APP);
    assert_eq!(state(&project), "absent");
    let push = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!(push["data"]["changed"], true);
    assert_eq!(push["data"]["url"], project.url());
    assert_eq!(push["data"]["health"], "healthy");
    ann(&project);

    let running = status(&project);
    assert_eq!((running["state"].as_str(), running["health"].as_str()), (Some("running"), Some("healthy")));
    assert_eq!(running["release"], push["data"]["release"]);
    let pid = project.pid();

    let again = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!(again["data"]["changed"], false);
    assert_eq!(again["data"]["release"], push["data"]["release"]);
    assert_eq!(project.pid(), pid);

    project.helix(&["restart", "dev"]).code(0);
    assert_ne!(project.pid(), pid);
    assert_eq!(names(&project), json!(["Ann"]));

    let pid = project.pid();
    project.helix(&["stop", "dev"]).code(0);
    project.helix(&["stop", "dev"]).code(0);
    assert!(!is_alive(pid));
    assert_eq!(state(&project), "stopped");
    project.helix(&["status", "dev", "--exit-code"]).code(20);
    project.helix(&["query", "dev", "users"]).code(13);

    project.helix(&["start", "dev"]).code(0);
    project.helix(&["start", "dev"]).code(0);
    project.helix(&["status", "dev", "--exit-code"]).code(0);
    assert_eq!(names(&project), json!(["Ann"]));
}

#[test]
fn a_plan_is_swapped_without_a_failed_request_or_a_new_process() {
    let project = pushed();
    ann(&project);
    let pid = project.pid();
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (stop, answered, url) = (Arc::clone(&stop), Arc::clone(&answered), project.url());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let (status, body) = post(&url, "users", &json!({})).expect("no request fails");
                    assert_eq!((status, &body), (200, &json!({"users": ["Ann"]})));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for version in 0..5 {
        let before = answered.load(Ordering::Relaxed);
        project.write("db/app.hx", &with(&format!("QUERY v{version}() =>\n    n <- N<User>::COUNT\n    RETURN n\n")));
        let push = project.helix(&["push", "dev", "--json"]).code(0).json();
        assert_eq!(push["data"]["plan"]["action"]["kind"], "swap", "{push}");
        assert_eq!(project.ok(&format!("v{version}"), &json!({})), json!({"n": 1}));
        if version > 0 {
            assert_eq!(project.call(&format!("v{}", version - 1), &json!({})).0, 404);
        }
        eventually("requests go on", || answered.load(Ordering::Relaxed) > before);
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.join().expect("every request was answered");
    }
    assert_eq!(project.pid(), pid);
}

#[test]
fn a_broken_edit_leaves_the_last_good_version_serving() {
    let project = pushed();
    ann(&project);
    project.write("db/app.hx", &with("QUERY broken() =>\n    x <- N<Usr>\n    RETURN x\n"));
    let failed = project.helix(&["push", "dev", "--json"]).code(4).json();
    assert!(error_code(&failed).starts_with("E-HQL"), "{failed}");
    assert_eq!(names(&project), json!(["Ann"]));
    assert_eq!(state(&project), "running");
}

#[test]
fn a_change_that_loses_data_needs_a_word() {
    let project = pushed();
    ann(&project);
    let narrower = APP.replace(", age: U8 }", " }").replace(", age: U8)", ")").replace(", age: age", "");
    project.write("db/app.hx", &narrower);
    let refused = project.helix(&["push", "dev", "--yes", "--json"]).code(5).json();
    assert!(refused["error"]["hint"].as_str().unwrap().contains("--allow-breaking"), "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("age"), "{refused}");
    project.ok("add_user", &json!({"email": "bo@x", "name": "Bo", "age": 28}));
    project.helix(&["push", "dev", "--allow-breaking"]).code(0);
    project.ok("add_user", &json!({"email": "cy@x", "name": "Cy"}));
}

#[test]
fn a_plan_that_stored_data_forbids_is_refused_and_the_old_one_serves() {
    let project = Project::new(&APP.replace("UNIQUE INDEX email", "INDEX email"));
    project.helix(&["push", "dev"]).code(0);
    ann(&project);
    ann(&project);
    project.write("db/app.hx", APP);
    let refused = project.helix(&["push", "dev", "--json"]).code(11).json();
    assert_eq!(error_code(&refused), "E-DEPLOY-REFUSED", "{refused}");
    assert_eq!(names(&project).as_array().map(Vec::len), Some(2));
    ann(&project);
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let project = Project::new(APP);
    let planned = project.helix(&["push", "dev", "--dry-run", "--json"]).code(0).json();
    assert_eq!(planned["data"]["plan"]["action"]["kind"], "start");
    assert_eq!(planned["data"]["plan"]["queries"].as_array().map(Vec::len), Some(2));
    assert!(!project.root().join(".helix").exists());
    project.helix(&["push", "dev"]).code(0);
    project.write("db/app.hx", &with("N::Post { title: String }\n"));
    let planned = project.helix(&["push", "dev", "--plan-only", "--json"]).code(0).json();
    assert_eq!(planned["data"]["plan"]["schema"][0]["subject"], "N::Post");
    assert_eq!(planned["data"]["changed"], false);
    project.helix(&["stop", "dev", "--dry-run"]).code(0);
    project.helix(&["delete", "dev", "--yes", "--dry-run"]).code(0);
    assert_eq!(state(&project), "running");
}

#[test]
fn instances_and_projects_live_side_by_side() {
    let first = pushed();
    let port = free_port();
    let config = fs::read_to_string(first.root().join("helix.toml")).unwrap();
    first.write("helix.toml", &format!("{config}\n[local.test]\nport = {port}\n"));
    let second = pushed();
    first.helix(&["push", "test"]).code(0);

    ann(&first);
    assert_eq!(names(&second), json!([]));
    let (_, other) = post(&format!("http://127.0.0.1:{port}"), "users", &json!({})).unwrap();
    assert_eq!(other, json!({"users": []}));

    let all = first.helix(&["status", "--json"]).code(0).json();
    let all = all["data"]["instances"].as_array().unwrap().clone();
    let pids: BTreeSet<u64> = all.iter().map(|one| one["pid"].as_u64().unwrap()).collect();
    assert_eq!(pids.len(), 2);
    first.helix(&["stop", "test"]).code(0);
    assert_eq!(names(&first), json!(["Ann"]));
    first.helix(&["stop", "--all"]).code(0);
    assert_eq!(names(&second), json!([]));
}

#[test]
fn a_killed_instance_is_crashed_and_starts_again_with_its_data() {
    let project = pushed();
    ann(&project);
    let pid = project.pid();
    signal(pid, Signal::KILL);
    eventually("the process is gone", || !is_alive(pid));
    let crashed = status(&project);
    assert_eq!(crashed["state"], "crashed");
    assert!(crashed["last_error"].as_str().unwrap().contains(&pid.to_string()), "{crashed}");
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(names(&project), json!(["Ann"]));
    assert_eq!(state(&project), "running");
}

#[test]
fn a_terminated_instance_ends_cleanly() {
    let project = pushed();
    let pid = project.pid();
    signal(pid, Signal::TERM);
    eventually("the process is gone", || !is_alive(pid));
    assert_eq!(state(&project), "stopped");
}

#[test]
fn a_stale_record_is_not_trusted_even_if_its_pid_lives() {
    let project = pushed();
    let path = project.root().join(".helix/dev/process.json");
    let record = fs::read_to_string(&path).unwrap();
    let pid = project.pid();
    project.helix(&["stop", "dev"]).code(0);
    assert!(!path.exists());
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(&path, record.replace(&format!("\"pid\": {pid}"), &format!("\"pid\": {}", stranger.id()))).unwrap();

    assert_eq!(state(&project), "crashed");
    project.helix(&["stop", "dev"]).code(0);
    assert!(is_alive(stranger.id()), "a stranger is left alone");
    assert_eq!(state(&project), "stopped");
    project.helix(&["start", "dev"]).code(0);
    assert_ne!(project.pid(), stranger.id());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_port_of_another_program_is_named_and_can_be_avoided() {
    let project = Project::new(APP);
    let occupant = TcpListener::bind(("127.0.0.1", project.port())).unwrap();
    let failed = project.helix(&["push", "dev", "--json"]).json();
    assert_eq!(error_code(&failed), "E-PORT-IN-USE", "{failed}");
    assert!(failed["error"]["message"].as_str().unwrap().contains(&format!("pid {}", std::process::id())), "{failed}");

    let auto = project.helix(&["push", "dev", "--port", "auto", "--json"]).code(0).json();
    let port = auto["data"]["port"].as_u64().unwrap();
    assert_ne!(port, u64::from(project.port()));
    let again = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!((again["data"]["changed"].as_bool(), again["data"]["port"].as_u64()), (Some(false), Some(port)));
    project.helix(&["query", "dev", "users"]).code(0);

    let other = free_port().to_string();
    let moved = project.helix(&["push", "dev", "--port", &other, "--json"]).code(0).json();
    assert_eq!(moved["data"]["port"].to_string(), other);
    assert_eq!(moved["data"]["plan"]["action"]["kind"], "restart");
    drop(occupant);
}

#[test]
fn a_changed_setting_restarts_the_instance() {
    let project = pushed();
    ann(&project);
    let pid = project.pid();
    let config = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &format!("{config}\n[local.dev.vector_config]\ndb_max_size_gb = 7\n"));
    let push = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!(push["data"]["plan"]["action"]["kind"], "restart");
    assert_ne!(project.pid(), pid);
    assert_eq!(names(&project), json!(["Ann"]));
}

#[test]
fn a_malformed_key_is_refused_before_anything_is_stopped() {
    let project = pushed();
    ann(&project);
    let pid = project.pid();
    let config = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &format!("{config}\n[local.dev.security]\napi_key = true\n"));
    project.write(".env", "HELIX_API_KEY=secret\n");
    for command in ["push", "restart", "start"] {
        let refused = project.helix(&[command, "dev", "--json"]).code(10).json();
        assert_eq!(refused["error"]["code"], "E-AUTH-KEY-HASH", "{command}: {refused}");
        assert_eq!(project.pid(), pid, "{command}");
    }
    assert_eq!(names(&project), json!(["Ann"]));
}

#[test]
fn of_two_pushes_one_waits_or_names_the_other() {
    let project = Project::new(APP);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let home = project.root().join(".helix/dev");
    let lock = helix::ops::lock::InstanceLock::take(&home, "dev", "push", Duration::ZERO);
    let lock = runtime.block_on(lock).unwrap();
    let refused = project.helix(&["push", "dev", "--json"]).code(14).json();
    assert!(
        refused["error"]["message"].as_str().unwrap().contains(&format!("pid {}", std::process::id())),
        "{refused}"
    );

    let both: Vec<Child> = (0..2)
        .map(|_| project.command(&["push", "dev", "--lock-timeout", "60s"]).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    drop(lock);
    for mut push in both {
        assert!(push.wait().unwrap().success());
    }
    assert_eq!(state(&project), "running");
    let releases = fs::read_dir(home.join("releases")).unwrap().count();
    assert_eq!(releases, 1, "the second push found nothing to do");
}

#[test]
fn the_log_is_followed_through_rotation() {
    let project = Project::new(APP);
    let push = |args: &[&str]| {
        let pushed = project.command(args).env("HELIX_LOG_MAX_BYTES", "700").output().unwrap();
        assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    };
    push(&["push", "dev"]);
    let first = project.helix(&["logs", "dev", "--json"]).code(0);
    assert!(first.stdout.contains("ready"), "{}", first.stdout);
    let mut follow =
        Running::new(&project, &["logs", "dev", "--follow", "--tail", "0", "--json", "--grep", "activated"]);
    follow.wait_for("the start", |line| line["type"] == "step.start");
    for version in 0..8 {
        project.write("db/app.hx", &with(&format!("QUERY v{version}() =>\n    n <- N<User>::COUNT\n    RETURN n\n")));
        push(&["push", "dev"]);
        let digest = status(&project)["digest"].as_str().unwrap().to_owned();
        follow.wait_for(&digest, |line| line["type"] == "log" && line["fields"]["digest"] == digest);
    }
    assert!(project.root().join(".helix/dev/logs/instance.log.1").exists());
    assert_eq!(follow.interrupt(), 130);

    let filtered = project.helix(&["logs", "dev", "--grep", "activated", "--tail", "2"]).code(0);
    assert_eq!(filtered.stdout.lines().count(), 2, "{}", filtered.stdout);
    assert_eq!(project.helix(&["logs", "dev", "--level", "error"]).code(0).stdout, "");
    assert_eq!(
        project
            .helix(&["logs", "dev", "--range", "--end", "2020-01-01T00:00:00Z", "--start", "2019-12-31T23:59:00Z"])
            .code(0)
            .stdout,
        ""
    );
    project.helix(&["logs", "dev", "--start", "2020-01-01"]).code(2);
}

#[test]
fn delete_takes_the_instance_its_data_and_its_table_and_asks_first() {
    let project = pushed();
    ann(&project);
    let pid = project.pid();
    let config = format!(
        "# mine\n{}\n[local.other]   # stays\nport = {}\n",
        fs::read_to_string(project.root().join("helix.toml")).unwrap(),
        free_port()
    );
    project.write("helix.toml", &config);
    project.helix(&["delete", "dev"]).code(5);
    assert!(is_alive(pid));
    let deleted = project.helix(&["delete", "dev", "--yes", "--json"]).code(0).json();
    assert_eq!(deleted["data"]["instance"], "dev");
    assert!(!is_alive(pid));
    assert!(!project.data().exists());
    assert!(!project.root().join(".helix/dev").exists());
    let after = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    assert!(!after.contains("[local.dev]"), "{after}");
    assert!(after.starts_with("# mine\n") && after.contains("[local.other]   # stays"), "{after}");
    project.helix(&["delete", "dev", "--yes"]).code(13);
}

#[test]
fn delete_can_keep_the_data_and_the_table() {
    let project = pushed();
    ann(&project);
    project.helix(&["delete", "dev", "--yes", "--keep-data", "--keep-config"]).code(0);
    assert_eq!(state(&project), "absent");
    project.helix(&["push", "dev"]).code(0);
    assert_eq!(names(&project), json!(["Ann"]));
}

#[test]
fn queries_are_typed_listed_and_their_errors_shown() {
    let project = pushed();
    let add = ["query", "dev", "add_user", "--param", "email=31", "--param", "name=Ann", "--param", "age=31"];
    let added = project.helix(&add).code(0);
    assert_eq!(serde_json::from_str::<Value>(&added.stdout).unwrap(), json!({"user": "Ann"}));
    assert_eq!(
        project.helix(&["query", "dev", "users", "--json"]).code(0).json()["data"]["response"],
        json!({"users": ["Ann"]})
    );
    assert_eq!(project.helix(&["query", "dev", "users", "--raw"]).code(0).stdout.trim(), r#"{"users":["Ann"]}"#);

    let duplicate = project.helix(&add).code(13);
    assert!(duplicate.stderr.contains("Duplicate key on unique index: email"), "{}", duplicate.stderr);
    let wrong =
        project.helix(&["query", "dev", "add_user", "--param", "email=x", "--param", "name=x", "--param", "age=300"]);
    assert!(wrong.code(2).stderr.contains("expected U8"));
    let unknown = project.helix(&["query", "dev", "ad_user"]).code(13);
    assert!(unknown.stderr.contains("add_user"), "{}", unknown.stderr);
    project.write("body.json", r#"{"email": "bo@x", "name": "Bo", "age": 28}"#);
    project.helix(&["query", "dev", "add_user", "--data", "@body.json"]).code(0);
    project.helix(&["query", "dev", "users", "--url", &format!("http://127.0.0.1:{}", free_port())]).code(9);

    let list = project.helix(&["query", "dev", "--list", "--json"]).code(0).json();
    assert_eq!(list["data"]["queries"][0]["name"], "add_user");
    assert_eq!(list["data"]["queries"][0]["access"], "write");
    assert_eq!(list["data"]["queries"][0]["parameters"]["age"], "U8");
    assert_eq!(list["data"]["queries"][1]["access"], "read");
}

#[test]
fn development_swaps_each_save_and_survives_mistakes() {
    let project = Project::new(APP);
    let mut dev = Running::new(&project, &["dev", "--json"]);
    dev.wait_for("the first activation", |line| line["type"] == "activated");
    ann(&project);
    assert_eq!(status(&project)["mode"], "dev");

    let mut took = Vec::new();
    for version in 0..5 {
        let query = format!("v{version}");
        let saved = Instant::now();
        project.write("db/app.hx", &with(&format!("QUERY {query}() =>\n    n <- N<User>::COUNT\n    RETURN n\n")));
        eventually("the new query is live", || project.call(&query, &json!({})).0 == 200);
        took.push(saved.elapsed());
        dev.wait_for("its event", |line| line["type"] == "activated");
    }
    eprintln!("save to live: {took:?}");

    project.write("db/app.hx", &with("QUERY broken() =>\n    x <- N<Usr>\n    RETURN x\n"));
    let mistake = dev.wait_for("the mistake", |line| line["type"] == "diagnostics");
    assert_eq!(mistake["diagnostics"][0]["file"], "db/app.hx", "{mistake}");
    assert_eq!(names(&project), json!(["Ann"]));
    project.write("db/app.hx", APP);
    dev.wait_for("the correction", |line| line["type"] == "activated");
    ann_again(&project);
    let request = dev.wait_for("the request", |line| line["type"] == "request" && line["query"] == "add_user");
    assert_eq!((request["status"].as_u64(), request["error"].is_string()), (Some(409), true), "{request}");
    assert_eq!(dev.interrupt(), 0);
    assert_eq!(state(&project), "stopped");
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(names(&project), json!(["Ann"]));
}

#[test]
fn development_seeds_throw_away_data() {
    let project = Project::new(APP);
    project.write(
        "seed.jsonl",
        "{\"query\": \"add_user\", \"data\": {\"email\": \"a@x\", \"name\": \"A\", \"age\": 1}}\n\n\
         {\"query\": \"add_user\", \"data\": {\"email\": \"b@x\", \"name\": \"B\", \"age\": 2}}\n",
    );
    let mut dev = Running::new(&project, &["dev", "--ephemeral", "--seed", "seed.jsonl", "--json"]);
    dev.wait_for("the seed", |line| line["type"] == "seeded");
    assert_eq!(names(&project), json!(["A", "B"]));
    assert_eq!(dev.interrupt(), 0);
    assert!(!project.data().exists());
}

#[test]
fn development_once_ends_by_itself() {
    let project = Project::new(APP);
    project.helix(&["dev", "--once", "--ephemeral"]).code(0);
    project.write("db/app.hx", "QUERY broken() =>\n    x <- N<Usr>\n    RETURN x\n");
    project.helix(&["dev", "--once", "--ephemeral"]).code(4);
}

#[test]
fn development_goes_on_with_an_instance_that_runs() {
    let project = pushed();
    ann(&project);
    let pid = project.pid();
    let mut dev = Running::new(&project, &["dev", "--json"]);
    dev.wait_for("the attachment", |line| line["type"] == "activated");
    project.write("db/app.hx", &with("QUERY more() =>\n    n <- N<User>::COUNT\n    RETURN n\n"));
    dev.wait_for("the swap", |line| line["type"] == "activated");
    assert_eq!(project.ok("more", &json!({})), json!({"n": 1}));
    dev.wait_for("the request", |line| line["type"] == "request" && line["query"] == "more");
    assert_eq!(dev.interrupt(), 0);
    assert_eq!(project.pid(), pid, "it goes on running");
}

#[test]
fn a_container_cannot_be_developed_in() {
    let project = Project::new(APP);
    for runtime in ["docker", "podman"] {
        project.write("helix.toml", &format!("[project]\nname = \"app\"\n\n[local.dev]\nruntime = \"{runtime}\"\n"));
        let refused = project.helix(&["dev", "dev"]).code(7);
        assert!(refused.stderr.contains(runtime), "{}", refused.stderr);
    }
}

#[test]
fn a_deep_project_can_be_controlled() {
    let project = Project::new(APP);
    let deep = project.root().join("a-folder-with-quite-a-long-name".repeat(4));
    fs::create_dir_all(deep.join("db")).unwrap();
    fs::copy(project.root().join("helix.toml"), deep.join("helix.toml")).unwrap();
    fs::copy(project.root().join("db/app.hx"), deep.join("db/app.hx")).unwrap();
    let run = |args: &[&str]| {
        let output = project.command(args).current_dir(&deep).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["push", "dev"]);
    fs::write(deep.join("db/app.hx"), with("QUERY more() =>\n    n <- N<User>::COUNT\n    RETURN n\n")).unwrap();
    run(&["push", "dev"]);
    let answer = post(&project.url(), "more", &json!({})).unwrap();
    run(&["stop", "dev"]);
    assert_eq!(answer, (200, json!({"n": 0})));
}
