//! Images for tests of containers: a server, its libraries and a plan, imported without a build.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says why it is skipped")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// A program that talks to a container runtime.
#[derive(Clone, Copy, Debug)]
pub struct Cli(pub &'static str);

/// Docker's.
pub const DOCKER: Cli = Cli("docker");

/// Whether images can be built here: the daemon answers, and `scripts/base-images.sh` has made what they are built of.
pub fn base_images() -> bool {
    let images = ["image", "inspect", "helix-test-builder:local", "helix-test-runtime:local"];
    if !DOCKER.answers() {
        return false;
    }
    let is_there = DOCKER.try_run(&images);
    if !is_there {
        let required = std::env::var_os("HELIX_REQUIRE_DOCKER").is_some();
        assert!(!required, "HELIX_REQUIRE_DOCKER is set, and the base images are missing: bash scripts/base-images.sh");
        eprintln!("skipped: there are no base images");
    }
    is_there
}

impl Cli {
    /// Whether the runtime answers. That it does not is a failure where containers are required.
    pub fn answers(self) -> bool {
        let answers = Command::new(self.0).arg("version").output().is_ok_and(|output| output.status.success());
        if !answers {
            assert!(
                self.0 != "docker" || std::env::var_os("HELIX_REQUIRE_DOCKER").is_none(),
                "HELIX_REQUIRE_DOCKER is set, and no docker daemon answers: bash scripts/dockerd.sh"
            );
            eprintln!("skipped: {} does not answer", self.0);
        }
        answers
    }

    /// Runs it; what it says on stdout.
    #[track_caller]
    pub fn run(self, args: &[&str]) -> String {
        let output = Command::new(self.0).args(args).output().unwrap();
        assert!(output.status.success(), "{} {args:?}: {}", self.0, String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs it, whatever comes of that.
    pub fn try_run(self, args: &[&str]) -> bool {
        Command::new(self.0).args(args).output().is_ok_and(|output| output.status.success())
    }

    /// What it knows of a thing.
    #[track_caller]
    pub fn inspect(self, thing: &str) -> Value {
        let all: Value = serde_json::from_str(&self.run(&["inspect", thing])).unwrap();
        all[0].clone()
    }

    /// Makes an image whose server serves that plan. `labels` are those of a built image.
    pub fn import(self, tag: &str, plan: &[u8], labels: &[(&str, &str)]) {
        let mut archive = tar::Builder::new(Vec::new());
        // Runtimes read no sparse files.
        archive.sparse(false);
        for folder in ["tmp/", "data/"] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o1777);
            header.set_size(0);
            archive.append_data(&mut header, folder, std::io::empty()).unwrap();
        }
        archive.append_path_with_name(server(), "usr/local/bin/helix-server").unwrap();
        for library in libraries(server()) {
            // What it names is a link as a rule; the file is wanted.
            let real = std::fs::canonicalize(&library).unwrap();
            archive.append_path_with_name(real, library.strip_prefix("/").unwrap()).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(plan.len() as u64);
        archive.append_data(&mut header, "plan.bin", plan).unwrap();
        let bytes = archive.into_inner().unwrap();

        let mut changes = vec![
            "ENTRYPOINT [\"/usr/local/bin/helix-server\"]".to_owned(),
            "EXPOSE 6969".to_owned(),
            "USER 10001".to_owned(),
        ];
        changes.extend(labels.iter().map(|(name, value)| format!("LABEL {name}={value}")));
        let mut command = Command::new(self.0);
        command.arg("import");
        for change in &changes {
            command.args(["-c", change]);
        }
        let mut child = command.args(["-", tag]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        assert!(child.wait().unwrap().success(), "{} import {tag}", self.0);
    }
}

/// The server of tests, built once.
fn server() -> &'static Path {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--example", "server"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.unwrap().success(), "the server of the tests does not build");
        let folder = Path::new(env!("CARGO_BIN_EXE_helix")).parent().unwrap();
        let server = folder.join("examples/server");
        assert!(server.exists(), "{} is missing", server.display());
        server
    })
}

/// The shared libraries that an executable needs, the loader among them.
fn libraries(executable: &Path) -> BTreeSet<PathBuf> {
    let listed = Command::new("ldd").arg(executable).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    listed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
