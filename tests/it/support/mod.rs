//! What tests of the binary share: a project in an isolated home, its instances, and a small HTTP client.

pub mod boxed;
pub mod docker;
pub mod elsewhere;
pub mod fly_mock;
pub mod moto;
pub mod registry;
pub mod rehearsal;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A project folder with an own home; every instance that still runs is stopped when it goes out of scope.
pub struct Project {
    folder: TempDir,
    port: u16,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// The result stream.
    pub stdout: String,
    /// The narration stream.
    pub stderr: String,
}

impl Ran {
    /// What a command did that ended.
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code, showing both streams when it differs.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON document of the result stream.
    #[track_caller]
    pub fn json(&self) -> Value {
        let last = self.stdout.trim_end();
        serde_json::from_str(last)
            .or_else(|_| serde_json::from_str(last.lines().last().unwrap_or_default()))
            .unwrap_or_else(|error| panic!("not JSON: {error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}

impl Project {
    /// A project named `app` with these schema and queries, and one local instance `dev` on a free port.
    pub fn new(hx: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let project = Self { folder, port };
        fs::create_dir_all(project.root().join("db")).unwrap();
        fs::create_dir_all(project.home()).unwrap();
        let config = format!("[project]\nname = \"app\"\nqueries = \"./db/\"\n\n[local.dev]\nport = {port}\n");
        project.write("helix.toml", &config);
        project.write("db/app.hx", hx);
        project
    }

    /// The folder of `helix.toml`.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    /// The isolated home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The address of `dev`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of `dev`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that holds the database file of `dev`.
    pub fn data(&self) -> PathBuf {
        self.root().join(".helix/.volumes/dev")
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.root().join(path), text).unwrap();
    }

    /// The command with these arguments, ready to run in the project.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helix"));
        command.args(args).current_dir(self.root());
        isolate(&mut command, &self.home());
        command
    }

    /// Runs the tool in the project.
    pub fn helix(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().expect("helix runs"))
    }

    /// The process that serves `dev`.
    pub fn pid(&self) -> u32 {
        let status = self.helix(&["status", "dev", "--json"]).code(0).json();
        let pid = status["data"]["instances"][0]["pid"].as_u64().unwrap_or_else(|| panic!("no pid in {status}"));
        u32::try_from(pid).unwrap()
    }

    /// Calls a query of `dev`: status and body.
    pub fn call(&self, query: &str, body: &Value) -> (u16, Value) {
        post(&self.url(), query, body).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Calls a query that must succeed.
    #[track_caller]
    pub fn ok(&self, query: &str, body: &Value) -> Value {
        let (status, answer) = self.call(query, body);
        assert_eq!(status, 200, "{query}: {answer}");
        answer
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let stopped = self.command(&["stop", "--all", "--timeout", "5s"]).output();
        if std::thread::panicking()
            && let Ok(stopped) = stopped
        {
            eprintln!("{}", String::from_utf8_lossy(&stopped.stderr));
            let logs = self.command(&["logs", "dev", "--tail", "30"]).output();
            if let Ok(logs) = logs {
                eprintln!("{}", String::from_utf8_lossy(&logs.stdout));
            }
        }
    }
}

/// Takes away everything of the developer's own surroundings that the tool would heed.
pub fn isolate(command: &mut Command, home: &Path) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HELIX_") || name.to_string_lossy().starts_with("XDG_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("HELIX_HOME", home.join(".helix")).env("NO_COLOR", "1").env_remove("CI");
    command.stdin(std::process::Stdio::null());
}

/// A port that nobody listens on, of those that nobody is given by chance: neither connections nor published ports of containers
/// take it before it is used.
pub fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut candidates = std::iter::repeat_with(|| fastrand::u16(10_000..32_768)).take(1_000);
    candidates.find(is_free).expect("a free port")
}

struct Http {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

fn http() -> &'static Http {
    static HTTP: OnceLock<Http> = OnceLock::new();
    HTTP.get_or_init(|| {
        // The client wants a provider even for plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Http { runtime, client }
    })
}

/// `POST <url>/<query>`: status and JSON body.
pub fn post(url: &str, query: &str, body: &Value) -> Result<(u16, Value), reqwest::Error> {
    let http = http();
    http.runtime.block_on(async {
        let response = http.client.post(format!("{url}/{query}")).json(body).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await?))
    })
}

/// The same for a body that may be no JSON, and an answer as it is.
pub fn post_text(url: &str, query: &str, body: String) -> Result<(u16, String), reqwest::Error> {
    post_with(url, query, body, &[("content-type", "application/json")])
}

/// The same with these headers.
pub fn post_with(
    url: &str,
    query: &str,
    body: String,
    headers: &[(&str, &str)],
) -> Result<(u16, String), reqwest::Error> {
    let http = http();
    http.runtime.block_on(async {
        let request = http.client.post(format!("{url}/{query}")).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    })
}

/// A folder of `target/test-packages`, which `scripts/test-packages.sh` fills.
#[track_caller]
pub fn test_package(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-packages").join(name);
    assert!(path.exists(), "{} is missing: run `bash scripts/test-packages.sh`", path.display());
    path
}
