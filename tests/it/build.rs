//! `helix build --bin`: what is packed, what is compiled, what runs.
//!
//! The tests share one cache below the target folder, so that the engine is compiled once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Project, Ran, free_port, post};
use helix::ops::build::source;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const APP: &str = "\
N::User { UNIQUE INDEX email: String, age: U8 }
QUERY add(email: String, age: U8) =>
    user <- AddN<User>({ email: email, age: age })
    RETURN user::{email}
QUERY get(email: String) =>
    user <- N<User>({ email: email })
    RETURN user::{age}
";

/// The command, with the toolchain of whoever runs the tests.
fn build(project: &Project, args: &[&str]) -> Command {
    let mut command = project.command(&[&["build"], args].concat());
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        command.env(name, std::env::var_os(name).map_or_else(|| home.join(folder), PathBuf::from));
    }
    command.env("HELIX_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-cache"));
    command
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Builds, and returns the `data` of the document.
fn built(project: &Project) -> Value {
    let ran = ran(build(project, &["dev", "--bin", "out", "--json"]).output().unwrap()).code(0);
    ran.json()["data"].clone()
}

/// A server, ended when it goes out of scope.
struct Server {
    child: Child,
    url: String,
    port: u16,
}

impl Server {
    fn start(program: &Path, data: &Path) -> Self {
        let port = free_port();
        let mut command = command(program, data, port);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let server = Self { child, url: format!("http://127.0.0.1:{port}"), port };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !server.is_healthy(program) {
            assert!(Instant::now() < deadline, "the server does not become healthy");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn is_healthy(&self, program: &Path) -> bool {
        let mut health = Command::new(program);
        health.arg("health").env("HELIX_PORT", self.port.to_string()).stderr(Stdio::null());
        health.status().unwrap().success()
    }

    /// Ends it as a container runtime does. Returns its exit code.
    fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: &Path, data: &Path, port: u16) -> Command {
    let mut command = Command::new(program);
    command.env("HELIX_DATA_DIR", data).env("HELIX_PORT", port.to_string());
    command
}

/// The exit code and the line of a server that cannot serve.
fn refused(mut command: Command) -> (i32, String) {
    let output = command.output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_lock_file_fits_the_packed_workspace() {
    let folder = tempfile::tempdir().unwrap();
    source::write(folder.path()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Command::new("rustc").arg("-vV").output().unwrap();
    let target = String::from_utf8(target.stdout).unwrap();
    let target = target.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let update = std::env::var_os("UPDATE_LOCK").is_some();
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--format-version", "1", "--filter-platform", target]).current_dir(folder.path());
    if update {
        fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    } else {
        metadata.args(["--locked", "--offline"]);
    }
    let output = metadata.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "renew it with `UPDATE_LOCK=1 cargo test --test it build::the_lock`:\n{said}");
    let lock = fs::read_to_string(folder.path().join("Cargo.lock")).unwrap();
    if update {
        fs::write(root.join("server/Cargo.lock"), &lock).unwrap();
    }
    // What is tested is what is shipped.
    let ours = fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let packages = |lock: &str| -> Vec<String> {
        lock.split("[[package]]\n").skip(1).map(|text| text.lines().take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    let known = packages(&ours);
    for package in packages(&lock).iter().filter(|package| !package.contains("helix-server")) {
        assert!(known.contains(package), "{package} is not in `Cargo.lock`: renew `server/Cargo.lock`");
    }
}

#[test]
fn an_executable_serves_the_queries_and_is_built_once() {
    let project = Project::new(APP);
    let first = built(&project);
    let program = project.root().join("out/app");
    assert_eq!(first["binary"], program.display().to_string());
    let again = built(&project);
    assert_eq!((&again["skipped"], &again["digest"]), (&json!(true), &first["digest"]));

    let version = Command::new(&program).arg("version").output().unwrap();
    let version: Value = serde_json::from_slice(&version.stdout).unwrap();
    assert_eq!((&version["plan_digest"], &version["queries"]), (&first["plan_digest"], &json!(2)));

    let data = project.root().join("data");
    let server = Server::start(&program, &data);
    let added = post(&server.url, "add", &json!({"email": "a@b", "age": 7})).unwrap();
    assert_eq!(added, (200, json!({"user": "a@b"})));
    let (code, said) = refused(command(&program, &data, free_port()));
    assert_eq!(code, 13, "{said}");
    assert!(said.contains("in use by process"), "{said}");
    let (code, said) = refused(command(&program, &project.root().join("other"), server.port));
    assert_eq!(code, 1, "{said}");
    let backup = command(&program, &data, 0).arg("backup").output().unwrap();
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    let mut archive = tar::Archive::new(backup.stdout.as_slice());
    let names: Vec<PathBuf> =
        archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned()).collect();
    assert_eq!(names, [Path::new("manifest.json"), Path::new("data.mdb")]);
    assert_eq!(server.stop(), Some(0));

    // A query edit makes another executable over the same data.
    project.write("db/app.hx", &APP.replace("user::{age}", "user::{email, age}"));
    let edited = built(&project);
    assert_eq!(edited["skipped"], false);
    let server = Server::start(&program, &data);
    let found = post(&server.url, "get", &json!({"email": "a@b"})).unwrap();
    assert_eq!(found, (200, json!({"user": {"email": "a@b", "age": 7}})));
    assert_eq!(server.stop(), Some(0));

    // A schema that the data does not allow.
    project.write(
        "db/app.hx",
        "N::Other { name: String }\nQUERY all() =>\n    others <- N<Other>\n    RETURN others::{name}\n",
    );
    built(&project);
    let (code, said) = refused(command(&program, &data, free_port()));
    assert_eq!(code, 11, "{said}");

    let mut keyed = command(&program, &data, free_port());
    keyed.env("HELIX_SETTINGS", r#"{"api_key": true}"#);
    let (code, said) = refused(keyed);
    assert_eq!(code, 2, "{said}");
    let mut unset = Command::new(&program);
    unset.env_remove("HELIX_DATA_DIR");
    assert_eq!(refused(unset).0, 2);
}

#[test]
fn builds_of_two_projects_at_once_do_not_mix() {
    let projects = [Project::new(APP), Project::new(&APP.replace("RETURN user::{age}", "RETURN user::{email, age}"))];
    let start = |project: &Project| {
        let mut command = build(project, &["dev", "--bin", "out", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<Child> = projects.iter().map(start).collect();
    for (project, child) in projects.iter().zip(running) {
        let built = ran(child.wait_with_output().unwrap()).code(0).json();
        let version = Command::new(project.root().join("out/app")).arg("version").output().unwrap();
        let version: Value = serde_json::from_slice(&version.stdout).unwrap();
        assert_eq!(version["plan_digest"], built["data"]["plan_digest"]);
    }
}

#[test]
fn a_build_that_was_ended_does_not_stand_in_the_way() {
    let project = Project::new(APP);
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        let mut command = build(&project, &["dev", "--bin", "out", "--force", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut told = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        // Something is being compiled, or it is waiting for another test that compiles.
        let busy = told.find(|line| line.as_ref().unwrap().contains(r#""type":"progress""#));
        assert!(busy.is_some(), "the build was over before it could be ended");
        kill_process(Pid::from_child(&child), signal).unwrap();
        drop(told);
        assert_eq!(child.wait().unwrap().code(), code);
        assert!(!project.root().join("out/app").exists());
    }
    built(&project);
    assert!(project.root().join("out/app").exists());
}

#[test]
fn a_missing_toolchain_is_named_with_the_next_step() {
    let project = Project::new(APP);
    let mut command = project.command(&["build", "dev", "--bin", "out", "--json"]);
    let ran = ran(command.env("PATH", "/nowhere").env_remove("CARGO_HOME").output().unwrap()).code(6);
    let error = &ran.json()["error"];
    assert_eq!(error["code"], "E-BUILD-NO-CARGO");
    assert!(error["hint"].as_str().unwrap().contains("https://rustup.rs"));
}

#[test]
fn a_written_folder_is_the_same_each_time_and_takes_the_place_of_nothing_else() {
    let project = Project::new(APP);
    let read = |folder: &str| -> Vec<(PathBuf, Vec<u8>)> {
        project.helix(&["build", "dev", "--emit-dockerfile", folder]).code(0);
        let root = project.root().join(folder);
        let mut folders = vec![root.clone()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    files.push((entry.strip_prefix(&root).unwrap().to_owned(), fs::read(&entry).unwrap()));
                }
            }
        }
        files.sort();
        files
    };
    let one = read("one");
    assert_eq!(one, read("two"));
    assert_eq!(one, read("one"), "writing it again changes it");
    for needed in ["Dockerfile", "Cargo.toml", "Cargo.lock", "server/src/main.rs", "server/src/plan.bin"] {
        assert!(one.iter().any(|(path, _)| path == Path::new(needed)), "{needed} is missing");
    }
    let occupied = project.helix(&["build", "dev", "--emit-dockerfile", "db", "--json"]).code(2);
    assert_eq!(occupied.json()["error"]["code"], "E-FS-NOT-EMPTY");
}

#[test]
fn what_a_build_cannot_do_is_refused_before_it_begins() {
    let project = Project::new(APP);
    let config = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    for setting in
        ["secrets = [{ id = \"x y\", env = \"X\" }]", "engine_source = \"git+https://x\"", "cache_from = \"x\""]
    {
        project.write("helix.toml", &format!("{config}\n[build]\n{setting}\n"));
        let refused = project.helix(&["build", "dev", "--emit-dockerfile", "out", "--json"]).code(7);
        assert_eq!(refused.json()["error"]["code"], "E-BUILD-UNSUPPORTED", "{setting}");
    }
}
