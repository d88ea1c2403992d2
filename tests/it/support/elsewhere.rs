//! Projects with one instance elsewhere, and what such tests share.

use std::process::Command;

use serde_json::Value;

use super::Ran;
use super::boxed::{APP, Boxed};
use super::docker::DOCKER;

/// The password of registries.
pub const PLANTED: &str = "planted-registry-password";

/// A project with one instance elsewhere, and the variables that point the tool to loopback.
pub struct Elsewhere {
    pub boxed: Boxed,
    pub env: Vec<(&'static str, String)>,
}

impl Elsewhere {
    pub fn new(table: &str, env: Vec<(&'static str, String)>) -> Self {
        let boxed = Boxed::new(DOCKER, APP);
        let elsewhere = Self { boxed, env };
        elsewhere.configure(table);
        elsewhere
    }

    pub fn configure(&self, table: &str) {
        let config = format!("[project]\nname = \"shop\"\nqueries = \"./db/\"\n\n{table}\n");
        self.boxed.project.write("helix.toml", &config);
    }

    /// An image that serves the project as its files are now, labelled as a built one is.
    pub fn image(&mut self) -> String {
        self.boxed.labelled_image(&[("dev.helix.managed", "true"), ("dev.helix.instance", "prod")])
    }

    /// An image that is quick to push, and cannot be run. `seed` tells two apart.
    pub fn stub(&mut self, seed: u64) -> String {
        self.boxed.stub_image(seed, &[("dev.helix.managed", "true"), ("dev.helix.instance", "prod")])
    }

    /// The tool with these arguments and the variables of the project.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.boxed.project.command(args);
        command.envs(self.env.iter().map(|(name, value)| (*name, value)));
        command
    }

    pub fn helix(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    pub fn push(&self, image: &str, more: &[&str]) -> Ran {
        self.helix(&[&["push", "prod", "--json", "--image", image], more].concat())
    }

    pub fn releases(&self) -> Vec<Value> {
        let listed = self.helix(&["releases", "list", "prod", "--json"]).code(0).json();
        listed["data"]["releases"].as_array().unwrap().clone()
    }
}

/// The login of Docker Hub.
pub fn hub() -> Vec<(&'static str, String)> {
    vec![("DOCKERHUB_USERNAME", "acme".to_owned()), ("DOCKERHUB_TOKEN", PLANTED.to_owned())]
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Nothing that was kept or said has the word in it.
#[track_caller]
pub fn leaks_nothing(root: &std::path::Path, word: &str) {
    let found = Command::new("grep").args(["-rl", "--", word]).arg(root).output().unwrap();
    let files = String::from_utf8_lossy(&found.stdout).into_owned();
    let files: Vec<&str> = files.lines().filter(|file| !file.ends_with("config.json")).collect();
    assert!(files.is_empty(), "`{word}` is in {files:?}");
}
