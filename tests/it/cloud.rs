//! Helix Cloud as a user meets it: the real binary, and the platform of the library, against the stand-in in process.

mod accounts;
mod choices;
mod failures;
mod platform;
mod provision;
mod push;
mod stand_in;
mod sync;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Project, Ran};
use helix::integrations::helix::mock::{CLUSTER, Effect, Fault, Mock, USER_KEY};
use helix::integrations::helix::{Cloud, endpoint};
use helix::ops::cloud::mock::compiler_check;
use serde_json::Value;
use tokio::runtime::Runtime;

const SCHEMA: &str = "N::User { name: String }\n";
const QUERIES: &str = "QUERY users() =>\n    users <- N<User>\n    RETURN users\n";

/// A project with an instance `prod` in the cluster of the stand-in, and nobody logged in.
struct Scene {
    project: Project,
    mock: Mock,
    runtime: Runtime,
}

impl Scene {
    fn new() -> Self {
        let project = Project::new("");
        fs::remove_file(project.root().join("db/app.hx")).unwrap();
        project.write("db/schema.hx", SCHEMA);
        project.write("db/queries.hx", QUERIES);
        let toml = fs::read_to_string(project.root().join("helix.toml")).unwrap();
        project.write(
            "helix.toml",
            &format!("{toml}\n# ours\n[cloud.prod.helix]\ncluster_id = \"{CLUSTER}\" # the first\n"),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let mock = Mock::new(address, compiler_check());
        runtime.spawn(mock.clone().serve(listener, std::future::pending()));
        Self { project, mock, runtime }
    }

    /// The tool, with the address in its environment and no key.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.project.command(args);
        command.env("HELIX_CLOUD_ENDPOINT", self.mock.base()).env("NO_PROXY", "*");
        for name in ["CLOUD_AUTHORITY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command
    }

    fn stranger(&self, args: &[&str]) -> Ran {
        run(self.command(args))
    }

    /// The tool, with the key of the user in its environment.
    fn helix(&self, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.env("HELIX_CLOUD_TOKEN", USER_KEY);
        run(command)
    }

    /// The `data` of a command that works.
    #[track_caller]
    fn data(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.helix(&args).code(0).json()["data"].clone()
    }

    fn fail(&self, path: &str, times: u32, effect: Effect) {
        self.fail_so(path, times, vec![effect]);
    }

    /// All of this happens to the same call.
    fn fail_so(&self, path: &str, times: u32, effects: Vec<Effect>) {
        self.mock.fail([Fault { method: None, path: path.to_owned(), times, effects }]);
    }

    /// How often a path was called.
    fn calls(&self, path: &str) -> usize {
        self.mock
            .journal()
            .iter()
            .filter(|entry| entry["path"].as_str().is_some_and(|called| called.ends_with(path)))
            .count()
    }

    fn credentials(&self) -> PathBuf {
        self.project.home().join(".helix/credentials.toml")
    }

    /// The service, for the library.
    fn cloud(&self, key: &str) -> Cloud {
        let base = endpoint::parse(self.mock.base(), false).unwrap();
        Cloud::new(self.client(), base, Some(key.to_owned().into()), "the test").unwrap()
    }

    fn client(&self) -> reqwest::Client {
        helix::http::client(None).unwrap()
    }
}

fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// An answer with a status.
fn status(status: u16) -> Effect {
    Effect::Status { status, error: None, body: None, retry_after: None }
}

/// The code of a failure under `--json`.
fn code(ran: &Ran) -> String {
    ran.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}
