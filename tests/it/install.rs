//! The one-line installer against a local file server: good, truncated and tampered downloads.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::isolate;
use tempfile::TempDir;

/// A release folder, a server for it, and a home to install to.
struct Release {
    folder: TempDir,
    server: Child,
    address: String,
}

/// What the installer did.
struct Installed {
    success: bool,
    stdout: String,
    stderr: String,
}

impl Release {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("bash")
            .args(["scripts/release.sh", "--binary", env!("CARGO_BIN_EXE_helix"), "--out"])
            .arg(folder.path().join("dist"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::create_dir(folder.path().join("home")).unwrap();
        let mut server = Command::new("python3")
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0", "--directory"])
            .arg(folder.path().join("dist"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // "Serving HTTP on 127.0.0.1 port 40097 (http://127.0.0.1:40097/) ..."
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split(['(', ')']).nth(1).unwrap_or_else(|| panic!("no address in `{line}`")).to_owned();
        Self { folder, server, address }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn target(&self) -> PathBuf {
        self.home().join(".local/bin/helix")
    }

    fn archive(&self) -> PathBuf {
        let version = self.folder.path().join("dist").join(format!("v{}", env!("CARGO_PKG_VERSION")));
        let archives = fs::read_dir(version).unwrap().map(|entry| entry.unwrap().path());
        archives.into_iter().find(|path| path.to_string_lossy().ends_with(".tar.gz")).expect("an archive was made")
    }

    fn install(&self, args: &[&str]) -> Installed {
        let mut command = Command::new("sh");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh")).args(args);
        isolate(&mut command, &self.home());
        command.env("HELIX_DOWNLOAD_BASE", &self.address).env("SHELL", "/bin/bash").env("no_proxy", "127.0.0.1");
        let output = command.output().unwrap();
        Installed {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The installer must refuse with these words and leave nothing behind.
    #[track_caller]
    fn refuses(&self, args: &[&str], words: &str) {
        let installed = self.install(args);
        assert!(!installed.success, "it installed:\n{}", installed.stdout);
        assert!(installed.stderr.contains(words), "no `{words}` in:\n{}", installed.stderr);
        assert!(!self.target().exists(), "a refused download was placed");
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn installs_a_good_release_once_and_removes_it() {
    let release = Release::new();
    let dry = release.install(&["--dry-run"]);
    assert!(dry.success, "{}", dry.stderr);
    assert!(!release.target().exists(), "a dry run installed");

    let first = release.install(&[]);
    assert!(first.success, "{}", first.stderr);
    assert!(first.stdout.contains("helix init"), "no next step in:\n{}", first.stdout);
    let mode = fs::metadata(release.target()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let version = Command::new(release.target()).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
    let start_file = fs::read_to_string(release.home().join(".bashrc")).unwrap();
    assert_eq!(start_file.matches(".local/bin").count(), 1, "{start_file}");

    let second = release.install(&[]);
    assert!(second.success && second.stdout.contains("already installed"), "{}", second.stdout);
    let forced = release.install(&["--force", "--quiet"]);
    assert!(forced.success && forced.stdout.is_empty(), "{}", forced.stdout);
    let start_file = fs::read_to_string(release.home().join(".bashrc")).unwrap();
    assert_eq!(start_file.matches(".local/bin").count(), 1, "the PATH line was added twice");

    let removed = release.install(&["--uninstall"]);
    assert!(removed.success, "{}", removed.stderr);
    assert!(!release.target().exists());
    assert!(!release.install(&["--uninstall"]).success);
}

#[test]
fn refuses_truncated_and_tampered_downloads() {
    let release = Release::new();
    let archive = release.archive();
    let good = fs::read(&archive).unwrap();

    fs::write(&archive, &good[..good.len() / 2]).unwrap();
    release.refuses(&[], "does not match");
    release.refuses(&["--no-verify"], "damaged");

    let mut tampered = good.clone();
    let middle = tampered.len() / 2;
    tampered[middle] ^= 0xff;
    fs::write(&archive, &tampered).unwrap();
    release.refuses(&[], "does not match");

    fs::write(&archive, &good).unwrap();
    let sums = archive.with_file_name("SHA256SUMS");
    fs::write(&sums, "").unwrap();
    release.refuses(&[], "does not list");
    fs::remove_file(&sums).unwrap();
    release.refuses(&[], "cannot download");
    fs::remove_file(&archive).unwrap();
    release.refuses(&[], "cannot download");
    release.refuses(&["--version", "../../etc"], "is not a version");
    release.refuses(&["--version", "99.0.0"], "cannot download");
}

#[test]
fn a_failed_update_keeps_the_installed_version() {
    let release = Release::new();
    assert!(release.install(&[]).success);
    let before = fs::read(release.target()).unwrap();
    let archive = release.archive();
    fs::write(&archive, b"not an archive").unwrap();
    assert!(!release.install(&["--force"]).success);
    assert!(fs::read(release.target()).unwrap() == before, "the installed binary changed");
}
