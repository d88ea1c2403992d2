//! What a restart of the machine and a full disk do to instances in containers: on a docker daemon of the test's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::boxed::{APP, Boxed, code_of, eventually};
use crate::support::docker::{DOCKER, Daemon, base_images};
use crate::support::post;
use serde_json::json;

#[test]
fn what_ran_runs_again_after_a_restart_of_the_daemon_and_what_was_stopped_does_not() {
    let Some(mut daemon) = Daemon::start(None) else { return };
    let mut boxed = Boxed::new(daemon.cli, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    daemon.down();
    daemon.up();
    eventually("it serves again", || boxed.status()["health"] == "healthy");
    assert_eq!(boxed.names()[0], "Ann");

    boxed.helix(&["stop", "dev"]).code(0);
    daemon.down();
    daemon.up();
    assert_eq!(boxed.status()["state"], "stopped", "somebody stopped it");
    assert!(post(&boxed.project.url(), "users", &json!({})).is_err());
    boxed.helix(&["start", "dev"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");
}

/// A file system of a given size in a file.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn new(megabytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let disk = Self { folder };
        fs::File::create(disk.file()).unwrap().set_len(megabytes << 20).unwrap();
        fs::create_dir(disk.path()).unwrap();
        let run = |program: &str, args: &[&Path]| {
            let ran = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
            ran.is_ok_and(|status| status.success())
        };
        let made = run("mkfs.ext4", &[Path::new("-q"), &disk.file()]) && run("mount", &[&disk.file(), &disk.path()]);
        if !made {
            eprintln!("skipped: no file system can be mounted here");
        }
        made.then_some(disk)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[test]
fn a_disk_that_is_full_in_a_build_is_told_and_the_build_can_be_run_again() {
    if !base_images() {
        return;
    }
    let Some(disk) = SmallDisk::new(400) else { return };
    let Some(daemon) = Daemon::start(Some(&disk.path().join("docker"))) else { return };
    // The stages before any compiler are enough.
    let mut saved =
        Command::new("docker").args(["save", "helix-test-runtime:local"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut load = Command::new("docker");
    load.arg("load").env("DOCKER_HOST", daemon.cli.host.unwrap()).stdin(saved.stdout.take().unwrap());
    assert!(load.output().unwrap().status.success() && saved.wait().unwrap().success());
    let boxed = Boxed::new(daemon.cli, APP);
    boxed.configure(
        "app",
        "[build]\nnetwork = \"host\"\nbuilder_image = \"helix-test-runtime:local\"\nruntime_image = \"helix-test-runtime:local\"\n",
    );
    let filler = disk.path().join("filler");
    let _ =
        Command::new("dd").args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", filler.display())).output().unwrap();
    let failed = boxed.helix(&["build", "dev", "--json"]);
    assert_eq!(code_of(&failed), "E-RUNTIME-DISK-FULL", "{}", failed.stdout);
    assert!(failed.stdout.contains("helix prune"), "{}", failed.stdout);
    assert!(failed.code == 8, "{}", failed.code);

    fs::remove_file(filler).unwrap();
    let failed = boxed.helix(&["build", "dev", "--json"]).code(6);
    assert_eq!(code_of(&failed), "E-BUILD-STEP", "it gets as far as the compiler that is not there: {}", failed.stdout);
    assert!(DOCKER.try_run(&["image", "inspect", "helix-test-runtime:local"]), "the other daemon is untouched");
}
