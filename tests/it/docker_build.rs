//! Images, on a real daemon: what is compiled again, what is in them, how they run.
//!
//! Without a daemon, or without the base images that `scripts/base-images.sh` makes, the tests say so and pass, unless
//! `HELIX_REQUIRE_DOCKER=1` asks for them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::{Project, post};
use helix::docker::build::{self, BuildRequest, Builder};
use helix::docker::{Environment, Runtime};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const APP: &str = "\
N::User { UNIQUE INDEX email: String, age: U8 }
QUERY add(email: String, age: U8) =>
    user <- AddN<User>({ email: email, age: age })
    RETURN user::{email}
QUERY get(email: String) =>
    user <- N<User>({ email: email })
    RETURN user::{age}
";

fn docker(args: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(args).output().map_err(|error| error.to_string())?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Whether the test can run; says why not.
fn can_run() -> bool {
    let needed = [&["version"][..], &["image", "inspect", "helix-test-builder:local", "helix-test-runtime:local"]];
    let Some(reason) = needed.iter().find_map(|args| docker(args).err()) else { return true };
    let required = std::env::var_os("HELIX_REQUIRE_DOCKER").is_some_and(|value| value == "1");
    assert!(!required, "docker and the base images are required: {reason}");
    eprintln!("left out: {reason}; `bash scripts/dockerd.sh && bash scripts/base-images.sh` make what is needed");
    false
}

/// A project with a name of its own, so that its images are its own; they go with it.
struct Imaged {
    project: Project,
    slug: String,
}

impl Imaged {
    fn new(test: &str) -> Self {
        let project = Project::new(APP);
        let slug = format!("test-{test}-{}", std::process::id());
        let config = fs::read_to_string(project.root().join("helix.toml")).unwrap();
        // Where crates come through a proxy with a certificate of its own, this is where it is.
        let ca = std::env::var("SSL_CERT_FILE").map(|path| format!("ca_bundle = \"{path}\"\n")).unwrap_or_default();
        let config = format!(
            "{}\n[build]\nbuilder_image = \"helix-test-builder:local\"\nruntime_image = \"helix-test-runtime:local\"\n\
             build_args = {{ PLANTED = \"planted-secret-value\" }}\n{ca}",
            config.replace("name = \"app\"", &format!("name = \"{slug}\""))
        );
        project.write("helix.toml", &config);
        Self { project, slug }
    }

    fn reference(&self) -> String {
        format!("helix-{}-dev:dev", self.slug)
    }

    fn build(&self, more: &[&str]) -> Built {
        let ran = self.project.helix(&[&["build", "dev", "--json"], more].concat()).code(0);
        let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said = lines.iter().filter(|line| line["type"] == "progress");
        let said = said.map(|line| line["message"].as_str().unwrap().trim().to_owned()).collect();
        Built { data: ran.json()["data"].clone(), said }
    }
}

impl Drop for Imaged {
    fn drop(&mut self) {
        for tag in ["dev", "extra"] {
            let _ = docker(&["image", "rm", "--force", &format!("helix-{}-dev:{tag}", self.slug)]);
        }
    }
}

struct Built {
    data: Value,
    /// What the build told, line by line.
    said: Vec<String>,
}

impl Built {
    fn compiled(&self) -> Vec<&str> {
        self.said.iter().filter_map(|line| line.strip_prefix("Compiling ")?.split(' ').next()).collect()
    }

    fn is_cached(&self, stage: &str) -> bool {
        self.said.iter().any(|line| line.starts_with(&format!("CACHED [{stage} ")) && line.contains(" RUN "))
    }
}

/// A container, removed when it goes out of scope.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        let _ = docker(&["rm", "--force", "--volumes", &self.0]);
    }
}

#[test]
fn a_query_edit_compiles_the_queries_only_and_the_image_serves() {
    if !can_run() {
        return;
    }
    let imaged = Imaged::new("edit");
    let first = imaged.build(&["--tag", &format!("helix-{}-dev:extra", imaged.slug)]);
    assert_eq!(first.data["skipped"], false);
    assert_eq!(imaged.build(&[]).data["skipped"], true, "nothing changed");

    // One that no earlier run made: its result would be there.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let another = format!("QUERY all_{now}() =>\n    users <- N<User>\n    RETURN users::{{email}}\n");
    imaged.project.write("db/app.hx", &format!("{APP}{another}"));
    let edited = imaged.build(&[]);
    assert!(edited.is_cached("cook") && edited.is_cached("engine"), "{:#?}", edited.said);
    assert_eq!(edited.compiled(), ["helix-server"], "{:#?}", edited.said);
    assert_ne!(edited.data["digest"], first.data["digest"]);

    let sbom = fs::read_to_string(edited.data["sbom"].as_str().unwrap()).unwrap();
    assert!(sbom.contains("pkg:cargo/heed@") && sbom.contains("pkg:deb/debian/libc6@"));
    let inspected: Value = serde_json::from_str(&docker(&["image", "inspect", &imaged.reference()]).unwrap()).unwrap();
    let image = &inspected[0];
    assert_eq!(image["Config"]["User"], "10001:10001");
    assert_eq!(image["Config"]["Labels"]["dev.helix.project"], json!(imaged.slug));
    assert_eq!(image["Config"]["Labels"]["dev.helix.plan-digest"], edited.data["plan_digest"]);
    assert_eq!(image["Config"]["Healthcheck"]["Test"], json!(["CMD", "/usr/local/bin/helix-server", "health"]));
    assert_eq!(image["Id"], edited.data["digest"]);
    let history = docker(&["history", "--no-trunc", &imaged.reference()]).unwrap();
    assert!(!format!("{history}{image}").contains("planted-secret-value"), "a build argument is in the image");

    let id = docker(&[
        "run",
        "--detach",
        "--read-only",
        "--volume",
        "/data",
        "--publish",
        "127.0.0.1:0:6969",
        "--cap-drop",
        "ALL",
        &imaged.reference(),
    ]);
    let container = Container(id.unwrap());
    let port = docker(&["port", &container.0, "6969"]).unwrap();
    let url = format!("http://{port}");
    let deadline = Instant::now() + Duration::from_secs(30);
    let added = loop {
        match post(&url, "add", &json!({"email": "a@b", "age": 7})) {
            Ok(answer) => break answer,
            Err(error) => assert!(Instant::now() < deadline, "{error}\n{:?}", docker(&["logs", &container.0])),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(added, (200, json!({"user": "a@b"})));
    docker(&["exec", &container.0, "/usr/local/bin/helix-server", "health"]).unwrap();
    docker(&["stop", "--time", "20", &container.0]).unwrap();
    let code = docker(&["inspect", "--format", "{{.State.ExitCode}}", &container.0]).unwrap();
    assert_eq!(code, "0", "it drains when it is stopped");
}

#[test]
fn a_step_that_fails_is_shown_with_its_output() {
    if !can_run() {
        return;
    }
    let imaged = Imaged::new("fails");
    imaged.project.write("cargo.toml", "this is no configuration\n");
    let config = fs::read_to_string(imaged.project.root().join("helix.toml")).unwrap();
    imaged.project.write("helix.toml", &format!("{config}cargo_config = \"cargo.toml\"\n"));
    let failed = imaged.project.helix(&["build", "dev", "--json"]).code(6);
    let error = &failed.json()["error"];
    assert_eq!(error["code"], "E-BUILD-STEP");
    assert!(error["message"].as_str().unwrap().contains("cargo chef"), "{error}");
    assert!(error["context"].to_string().contains("config"), "{error}");
    let log = fs::read_to_string(imaged.project.root().join(".helix/dev/build.log")).unwrap();
    assert!(log.contains("CACHED") || log.contains("RUN"));
}

#[test]
fn another_build_gives_the_same_layers() {
    if !can_run() {
        return;
    }
    let imaged = Imaged::new("twice");
    assert_eq!(imaged.build(&["--verify"]).data["verified"], true);
    assert!(docker(&["image", "inspect", &format!("{}-verify", imaged.reference())]).is_err(), "it is removed");
}

/// A variable of every test stands in for the secret.
#[tokio::test]
async fn a_secret_is_seen_by_the_step_that_mounts_it_and_by_nobody_else() {
    if !can_run() {
        return;
    }
    let path = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let environment = Environment::new(&std::env::vars().collect());
    let client = helix::docker::connect(&environment, Runtime::Docker).await.unwrap();
    let tag = format!("helix-test-secret-{}:dev", std::process::id());
    let request = |step: &str| {
        let dockerfile =
            format!("FROM helix-test-runtime:local\nRUN --mount=type=secret,id=token,required=true {step}\n");
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(dockerfile.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, "Dockerfile", dockerfile.as_bytes()).unwrap();
        BuildRequest {
            context: archive.into_inner().unwrap().into(),
            tags: vec![tag.clone()],
            platform: None,
            builder: Builder::BuildKit,
            network: None,
            no_cache: true,
            build_args: BTreeMap::new(),
            secrets: BTreeMap::from([("token".to_owned(), "CARGO_MANIFEST_DIR".to_owned())]),
        }
    };
    let digest = hex::encode(Sha256::digest(&path));
    let seen = request(&format!("sha256sum /run/secrets/token | grep --quiet {digest}"));
    build::build(client.docker(), &seen, drop).await.unwrap();
    let history = docker(&["history", "--no-trunc", &tag]).unwrap();
    assert!(history.contains("/run/secrets/token") && !history.contains(&path), "{history}");
    assert!(docker(&["run", "--rm", &tag, "test", "!", "-e", "/run/secrets/token"]).is_ok());
    docker(&["image", "rm", &tag]).unwrap();

    let failed = build::build(client.docker(), &request("false"), drop).await.unwrap_err();
    assert!(failed.to_string().contains("false"), "{failed}");
}

#[test]
fn a_secret_without_a_value_is_told_before_the_build() {
    if !can_run() {
        return;
    }
    let imaged = Imaged::new("secret");
    let config = fs::read_to_string(imaged.project.root().join("helix.toml")).unwrap();
    let secrets = "secrets = [{ id = \"token\", env = \"HELIX_TEST_NOT_SET\" }]\n";
    imaged.project.write("helix.toml", &format!("{config}{secrets}"));
    let refused = imaged.project.helix(&["build", "dev", "--json"]).code(2);
    assert_eq!(refused.json()["error"]["code"], "E-BUILD-SECRET");
    imaged.project.helix(&["build", "dev", "--emit-dockerfile", "folder"]).code(0);
    let written = fs::read_to_string(imaged.project.root().join("folder/Dockerfile")).unwrap();
    assert!(written.contains("--mount=type=secret,id=token,required=true"), "{written}");
}

/// The folder is for whoever has a builder of their own, and nothing but `docker build`.
#[test]
fn a_written_folder_builds_with_the_classic_builder() {
    if !can_run() {
        return;
    }
    let imaged = Imaged::new("folder");
    imaged.project.helix(&["build", "dev", "--emit-dockerfile", "folder"]).code(0);
    let mut build = Command::new("docker");
    build.args(["build", "--quiet", "--build-arg", "PLANTED=x", "--tag", &imaged.reference(), "folder"]);
    let output = build.env("DOCKER_BUILDKIT", "0").current_dir(imaged.project.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let version = docker(&["run", "--rm", &imaged.reference(), "version"]).unwrap();
    let version: Value = serde_json::from_str(&version).unwrap();
    assert_eq!(version["queries"], 2);
}

/// What stands between the tool and the daemon until it is cut.
struct Proxy {
    folder: tempfile::TempDir,
    streams: Arc<Mutex<Vec<UnixStream>>>,
}

impl Proxy {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let known = streams.clone();
        thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                let far = UnixStream::connect("/var/run/docker.sock").unwrap();
                known.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Self { folder, streams }
    }

    fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }

    /// From here on nobody answers, as after the end of a daemon.
    fn cut(&self) {
        fs::remove_file(self.folder.path().join("docker.sock")).unwrap();
        for stream in self.streams.lock().unwrap().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Starts a build of another query, and waits until it has told that much.
fn begin(imaged: &Imaged, number: usize, told: usize, host: Option<&str>) -> std::process::Child {
    imaged.project.write("db/app.hx", &format!("{APP}QUERY more{number}() => RETURN {number}\n"));
    let mut build = imaged.project.command(&["build", "dev", "--json"]);
    if let Some(host) = host {
        build.env("DOCKER_HOST", host);
    }
    let mut child = build.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut progress = 0;
    let mut kept = Vec::new();
    while progress < told {
        let line = lines.next().expect("the build goes on").unwrap();
        progress += usize::from(line.contains(r#""type":"progress""#));
        kept.push(line);
    }
    // Whoever is told nothing more must not stand in the way of the build.
    thread::spawn(move || lines.for_each(drop));
    child
}

#[test]
fn a_build_that_is_killed_or_loses_its_daemon_can_be_run_again() {
    if !can_run() {
        return;
    }
    let imaged = Imaged::new("cut");
    imaged.build(&[]);
    for (number, told) in [1, 4, 9].into_iter().enumerate() {
        let mut child = begin(&imaged, number, told, None);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(imaged.build(&[]).data["queries"], 3, "killed after {told} lines");
    }
    for (number, told) in [1, 6].into_iter().enumerate() {
        let proxy = Proxy::start();
        let child = begin(&imaged, 10 + number, told, Some(&proxy.address()));
        proxy.cut();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(6 | 8)), "{:?}: {said}", output.status);
        assert_eq!(imaged.build(&[]).data["queries"], 3, "cut after {told} lines");
    }
}
