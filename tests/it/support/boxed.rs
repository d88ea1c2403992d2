//! Projects whose instance is in a container, and the images that they run.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::docker::Cli;
use super::{Project, Ran};

/// Users, who can be added and listed.
pub const APP: &str = "\
N::User { UNIQUE INDEX email: String, name: String, age: U8 }

QUERY add_user(email: String, name: String, age: U8) =>
    user <- AddN<User>({ email: email, name: name, age: age })
    RETURN user::{name}

QUERY users() =>
    users <- N<User>
    RETURN users::{name}
";

/// A project whose `dev` is in a container, and the images that were made for it.
pub struct Boxed {
    /// The project.
    pub project: Project,
    /// Its runtime.
    pub cli: Cli,
    /// Its images.
    pub images: Vec<String>,
}

impl Boxed {
    pub fn new(cli: Cli, hx: &str) -> Self {
        let boxed = Self { project: Project::new(hx), cli, images: Vec::new() };
        let name = format!("app{}", boxed.project.port());
        boxed.configure(&name, "");
        boxed
    }

    /// Writes the project file, with more settings of `dev`.
    pub fn configure(&self, name: &str, more: &str) {
        let (port, runtime) = (self.project.port(), self.cli.name);
        let config = format!(
            "[project]\nname = \"{name}\"\nqueries = \"./db/\"\n\n[local.dev]\nport = {port}\nruntime = \"{runtime}\"\n{more}\n"
        );
        self.project.write("helix.toml", &config);
    }

    /// An image that serves the project as its files are now.
    pub fn image(&mut self) -> String {
        self.labelled_image(&[])
    }

    /// The same, with labels.
    pub fn labelled_image(&mut self, labels: &[(&str, &str)]) -> String {
        self.helix(&["compile", "--output", "compiled"]).code(0);
        let folder = self.project.root().join("compiled");
        let plan = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
        let plan = plan.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "hxplan"));
        let plan = fs::read(plan.expect("a compiled plan")).unwrap();
        self.import(&plan, labels)
    }

    /// An image with labels that no runtime can run, and every registry can store: little more than a MiB that does not compress, so that
    /// it is sent as a stream. `seed` tells two apart.
    pub fn stub_image(&mut self, seed: u64, labels: &[(&str, &str)]) -> String {
        let tag = self.next_tag();
        let mut random = fastrand::Rng::with_seed(seed);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take((1 << 20) + (1 << 18)).collect();
        self.cli.import_file(&tag, "noise", &noise, labels);
        tag
    }

    pub fn image_with(&mut self, plan: &[u8]) -> String {
        self.import(plan, &[])
    }

    fn import(&mut self, plan: &[u8], labels: &[(&str, &str)]) -> String {
        let tag = self.next_tag();
        self.cli.import(&tag, plan, labels);
        tag
    }

    /// A name for an image, which is removed in the end.
    fn next_tag(&mut self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("helix-test-containers:{}-{number}", std::process::id());
        self.images.push(tag.clone());
        tag
    }

    /// Runs the tool in the project, with the runtime of this instance.
    pub fn helix(&self, args: &[&str]) -> Ran {
        let mut command = self.project.command(args);
        if let Some(host) = self.cli.host {
            command.env("DOCKER_HOST", host);
        }
        Ran::of(command.output().expect("helix runs"))
    }

    pub fn push(&self, image: &str, more: &[&str]) -> Ran {
        self.helix(&[&["push", "dev", "--json", "--image", image], more].concat())
    }

    pub fn status(&self) -> Value {
        self.helix(&["status", "dev", "--json"]).code(0).json()["data"]["instances"][0].clone()
    }

    pub fn container(&self) -> Value {
        self.cli.inspect(self.status()["container"].as_str().expect("a container"))
    }

    /// The names of all containers of the project.
    pub fn containers(&self) -> Vec<String> {
        let hash = self.root_label();
        let listed = self.cli.run(&["ps", "-a", "--filter", &hash, "--format", "{{.Names}}"]);
        listed.lines().map(str::to_owned).collect()
    }

    pub fn root_label(&self) -> String {
        use sha2::Digest as _;
        let root = fs::canonicalize(self.project.root()).unwrap();
        let hash = hex::encode(sha2::Sha256::digest(root.as_os_str().as_encoded_bytes()));
        format!("label=dev.helix.root={}", &hash[..16])
    }

    pub fn ann(&self) {
        self.project.ok("add_user", &json!({"email": "ann@x", "name": "Ann", "age": 31}));
    }

    pub fn names(&self) -> Value {
        self.project.ok("users", &json!({}))["users"].clone()
    }
}

impl Drop for Boxed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.helix(&["status", "dev"]).stdout);
        }
        let label = self.root_label();
        let ids = self.cli.run(&["ps", "-aq", "--filter", &label]);
        for id in ids.lines() {
            self.cli.try_run(&["rm", "-f", id]);
        }
        let networks = self.cli.run(&["network", "ls", "-q", "--filter", &label]);
        for id in networks.lines() {
            self.cli.try_run(&["network", "rm", id]);
        }
        for image in &self.images {
            self.cli.try_run(&["rmi", "-f", image]);
        }
    }
}

/// The code of a failure.
pub fn code_of(ran: &Ran) -> String {
    ran.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// Waits until it is so, for a minute at most.
#[track_caller]
pub fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !check() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
