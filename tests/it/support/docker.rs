//! Images for tests of containers: a server, its libraries and a plan, imported without a build.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

/// A program that talks to a container runtime.
#[derive(Clone, Copy, Debug)]
pub struct Cli {
    /// Its name.
    pub name: &'static str,
    /// The daemon it talks to, when it is not the usual one.
    pub host: Option<&'static str>,
}

/// Docker's.
pub const DOCKER: Cli = Cli { name: "docker", host: None };
/// Podman's.
pub const PODMAN: Cli = Cli { name: "podman", host: None };

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
    fn command(self) -> Command {
        let mut command = Command::new(self.name);
        if let Some(host) = self.host {
            command.env("DOCKER_HOST", host);
        }
        command
    }

    /// Whether the runtime answers. That it does not is a failure where containers are required.
    pub fn answers(self) -> bool {
        let answers = self.command().arg("version").output().is_ok_and(|output| output.status.success());
        if !answers {
            assert!(
                self.name != "docker" || std::env::var_os("HELIX_REQUIRE_DOCKER").is_none(),
                "HELIX_REQUIRE_DOCKER is set, and no docker daemon answers: bash scripts/dockerd.sh"
            );
            eprintln!("skipped: {} does not answer", self.name);
        }
        answers
    }

    /// Runs it; what it says on stdout.
    #[track_caller]
    pub fn run(self, args: &[&str]) -> String {
        let output = self.command().args(args).output().unwrap();
        assert!(output.status.success(), "{} {args:?}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs it, whatever comes of that.
    pub fn try_run(self, args: &[&str]) -> bool {
        self.command().args(args).output().is_ok_and(|output| output.status.success())
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
        append(&mut archive, "plan.bin", plan);
        let changes = ["ENTRYPOINT [\"/usr/local/bin/helix-server\"]", "EXPOSE 6969", "USER 10001"];
        self.import_archive(tag, archive, &changes, labels);
    }

    /// Makes an image of one file.
    pub fn import_file(self, tag: &str, name: &str, bytes: &[u8], labels: &[(&str, &str)]) {
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, name, bytes);
        self.import_archive(tag, archive, &[], labels);
    }

    /// Makes a network, also where one of that name is; gives its id. None where names are unique.
    pub fn network(self, name: &str) -> Option<String> {
        let path = self.host.map_or("/var/run/docker.sock", |host| host.strip_prefix("unix://").unwrap());
        let mut stream = UnixStream::connect(path).unwrap();
        let body = serde_json::json!({ "Name": name, "Driver": "bridge" }).to_string();
        let length = body.len();
        let head = "POST /networks/create HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json";
        write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        if head.contains(" 409 ") {
            return None;
        }
        let made: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        Some(made["Id"].as_str().unwrap().to_owned())
    }

    fn import_archive(self, tag: &str, archive: tar::Builder<Vec<u8>>, changes: &[&str], labels: &[(&str, &str)]) {
        let bytes = archive.into_inner().unwrap();
        let mut changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        changes.extend(labels.iter().map(|(name, value)| format!("LABEL {name}={value}")));
        let mut command = self.command();
        command.arg("import");
        for change in &changes {
            command.args(["-c", change]);
        }
        let mut child = command.args(["-", tag]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        assert!(child.wait().unwrap().success(), "{} import {tag}", self.name);
    }
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, name, bytes).unwrap();
}

/// Podman's API, served for as long as this lives.
pub struct Podman {
    /// None where another one serves it.
    service: Option<Child>,
    _folder: tempfile::TempDir,
}

impl Podman {
    /// Has Podman answer where its clients look for it; says why when it cannot.
    pub fn service() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if !PODMAN.answers() {
            return None;
        }
        let socket = Path::new("/run/podman/podman.sock");
        if UnixStream::connect(socket).is_ok() {
            return Some(Self { service: None, _folder: folder });
        }
        // Its own limits may be higher than those that a container may have here.
        let settings = folder.path().join("containers.conf");
        std::fs::write(&settings, "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n")
            .unwrap();
        let mut service = Command::new("podman");
        service.args(["system", "service", "--time=0"]).env("CONTAINERS_CONF", &settings);
        let service = service.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut own = Self { service: Some(service), _folder: folder };
        for _ in 0..100 {
            if UnixStream::connect(socket).is_ok() {
                return Some(own);
            }
            if own.service.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_some())) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("skipped: podman's API does not start");
        None
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        if let Some(service) = &mut self.service {
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

/// A docker daemon of a test's own, with its own data, on its own socket.
pub struct Daemon {
    folder: tempfile::TempDir,
    data: PathBuf,
    child: Option<Child>,
    /// Without one of its own, a daemon takes or removes that of the daemon that is always there.
    bridge: String,
    /// What talks to it.
    pub cli: Cli,
}

impl Daemon {
    /// Starts one whose data is in `data`, or in a folder of its own; says why when it cannot.
    pub fn start(data: Option<&Path>) -> Option<Self> {
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
        if !DOCKER.answers() || !is_root || Command::new("dockerd").arg("--version").output().is_err() {
            eprintln!("skipped: a daemon of its own needs dockerd, and root");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let host: &'static str = format!("unix://{}", folder.path().join("docker.sock").display()).leak();
        let data = data.map_or_else(|| folder.path().join("data"), Path::to_owned);
        let bridge = format!("helix{}", std::process::id());
        if !link(&["add", &bridge, "type", "bridge"]) || !address(&bridge) || !link(&["set", &bridge, "up"]) {
            eprintln!("skipped: a daemon of its own needs a bridge of its own: install iproute2");
            return None;
        }
        let cli = Cli { name: "docker", host: Some(host) };
        let mut daemon = Self { folder, data, child: None, bridge, cli };
        daemon.up();
        Some(daemon)
    }

    /// Starts it, with all that it had.
    pub fn up(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let at = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("dockerd");
        command.args(["--host", self.cli.host.unwrap(), "--iptables=false", "--ip-masq=false"]);
        // No pools of addresses: with some, a second start removes the bridge of the daemon that is always there.
        command.args(["--bridge", &self.bridge]);
        command.arg("--data-root").arg(&self.data).arg("--exec-root").arg(at("exec")).arg("--pidfile").arg(at("pid"));
        self.child = Some(command.stdout(Stdio::null()).stderr(log).stdin(Stdio::null()).spawn().unwrap());
        for _ in 0..600 {
            if self.cli.try_run(&["version"]) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("no daemon: {}", std::fs::read_to_string(at("log")).unwrap());
    }

    /// Ends it as a shutdown of the machine does.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let all = self.cli.command().args(["ps", "-aq"]).output();
        for id in all.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default().lines() {
            self.cli.try_run(&["rm", "-f", id]);
        }
        let networks = self.cli.command().args(["network", "ls", "-q", "--filter", "type=custom"]).output();
        let networks = networks.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        for id in networks.lines() {
            self.cli.try_run(&["network", "rm", id]);
        }
        self.down();
        link(&["delete", &self.bridge]);
    }
}

fn link(args: &[&str]) -> bool {
    Command::new("ip").arg("link").args(args).output().is_ok_and(|output| output.status.success())
}

/// Gives a bridge an address that no other has.
fn address(bridge: &str) -> bool {
    let own = std::process::id();
    let address = format!("10.214.{}.{}/30", own / 64 % 256, own % 64 * 4 + 1);
    Command::new("ip")
        .args(["address", "add", &address, "dev", bridge])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The server of tests, built once.
fn server() -> &'static Path {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "--example", "server"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        // What cargo says to tests, build scripts of dependencies heed: they would be built anew, each time.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "OUT_DIR"];
            if told.iter().any(|told| text.starts_with(told)) {
                build.env_remove(&name);
            }
        }
        assert!(build.status().unwrap().success(), "the server of the tests does not build");
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
