//! Backups: whole under writes and kills, refused when damaged, restored without a moment in which the data is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{Project, Ran, isolate, post};
use serde_json::{Value, json};

const APP: &str = "N::Note { UNIQUE INDEX number: I64, text: String }
V::Point { number: I64 }
E::At { From: Note, To: Point }
QUERY add(number: I64, text: String, at: [F64]) =>
    note <- AddN<Note>({ number: number, text: text })
    point <- AddV<Point>(at, { number: number })
    AddE<At>::From(note)::To(point)
    RETURN NONE
QUERY numbers() =>
    notes <- N<Note>
    RETURN notes::{number}
";

fn note(number: u64) -> Value {
    json!({ "number": number, "text": "x".repeat(500), "at": [0.1, 0.2, f64::from(u32::try_from(number).unwrap())] })
}

fn add(project: &Project, numbers: std::ops::Range<u64>) {
    for number in numbers {
        project.ok("add", &note(number));
    }
}

fn numbers(project: &Project) -> Vec<u64> {
    let all = project.ok("numbers", &json!({}));
    all["notes"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

fn pushed(notes: u64) -> Project {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    add(&project, 0..notes);
    project
}

fn backup(project: &Project, args: &[&str]) -> (PathBuf, Value) {
    let all: Vec<&str> = ["backup", "dev", "--json"].iter().chain(args).copied().collect();
    let made = project.helix(&all).code(0).json()["data"]["backup"].clone();
    (PathBuf::from(made["path"].as_str().unwrap()), made)
}

fn restore(project: &Project, from: &Path) -> Ran {
    project.helix(&["restore", "dev", "--from", from.to_str().unwrap(), "--yes"])
}

fn verify(project: &Project, path: &Path) -> Ran {
    project.helix(&["backup", "verify", path.to_str().unwrap()])
}

fn kill(project: &Project) {
    let pid = project.pid().to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    // It is no child of ours: the signal has been sent, the process may take a moment to be gone.
    for _ in 0..500 {
        if !Command::new("kill").args(["-0", &pid]).output().unwrap().status.success() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_backup_under_writes_holds_all_that_was_acknowledged_before() {
    for args in [&[][..], &["--compact"], &["--archive"], &["--compress", "zstd"]] {
        let project = pushed(10);
        let (acknowledged, stop) = (Arc::new(AtomicU64::new(10)), Arc::new(AtomicBool::new(false)));
        let writer = {
            let (url, acknowledged, stop) = (project.url(), acknowledged.clone(), stop.clone());
            thread::spawn(move || {
                let mut number = 10;
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(post(&url, "add", &note(number)).unwrap().0, 200);
                    number += 1;
                    acknowledged.store(number, Ordering::SeqCst);
                }
            })
        };
        thread::sleep(Duration::from_millis(200));
        let before = acknowledged.load(Ordering::SeqCst);
        let (path, made) = backup(&project, args);
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        let held = made["counts"]["nodes"]["Note"].as_u64().unwrap();
        assert!(held >= before, "{args:?}: {held} of {before} notes");
        assert_eq!(held, made["counts"]["edges"]["At"].as_u64().unwrap(), "a request is in it as a whole");
        verify(&project, &path).code(0);
        kill(&project);
        restore(&project, &path).code(0);
        project.helix(&["start", "dev"]).code(0);
        assert!(numbers(&project).into_iter().eq(0..held), "{args:?}: exactly what the backup holds");
    }
}

#[test]
fn a_damaged_backup_is_refused_by_the_name_of_its_file() {
    let project = pushed(50);
    let (folder, _) = backup(&project, &[]);
    let (archive, _) = backup(&project, &["--compress", "zstd"]);
    let (plain, _) = backup(&project, &["--archive"]);
    project.helix(&["stop", "dev"]).code(0);
    let refused = |path: &Path, file: &str| {
        for ran in [verify(&project, path).code(13), restore(&project, path).code(13)] {
            assert!(ran.stderr.contains(file), "{file}: {}", ran.stderr);
        }
    };
    let data = fs::read(folder.join("data.mdb")).unwrap();
    let mut edited = data.clone();
    let middle = edited.len() / 2;
    edited[middle] ^= 1;
    fs::write(folder.join("data.mdb"), &edited).unwrap();
    refused(&folder, "data.mdb");
    fs::write(folder.join("data.mdb"), &data[..middle]).unwrap();
    refused(&folder, "data.mdb");
    fs::remove_file(folder.join("data.mdb")).unwrap();
    refused(&folder, "data.mdb");
    fs::write(folder.join("data.mdb"), &data).unwrap();
    verify(&project, &folder).code(0);
    let manifest = fs::read_to_string(folder.join("manifest.json")).unwrap();
    fs::write(folder.join("manifest.json"), &manifest[..manifest.len() / 2]).unwrap();
    refused(&folder, "manifest.json");
    fs::write(folder.join("manifest.json"), manifest.replace("\"format\": 1", "\"format\": 99")).unwrap();
    refused(&folder, "newer");
    for path in [archive, plain] {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        refused(&path, path.file_name().unwrap().to_str().unwrap());
    }
    assert!(!project.data().join("before-restore").exists(), "nothing was replaced");
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(numbers(&project).len(), 50);
}

#[test]
fn a_running_instance_is_not_restored_and_the_former_data_is_kept() {
    let project = pushed(5);
    let (path, made) = backup(&project, &[]);
    assert_eq!(made["instance"], "dev");
    add(&project, 5..9);
    let refused = restore(&project, &path).code(13);
    assert!(refused.stderr.contains("--stop"), "{}", refused.stderr);
    let from = path.to_str().unwrap();
    let asked = project.helix(&["restore", "dev", "--from", from, "--stop"]).code(5);
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    assert_eq!(numbers(&project).len(), 9, "nobody agreed");
    let done = project.helix(&["restore", "dev", "--from", from, "--stop", "--yes", "--json"]).code(0).json();
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(numbers(&project), [0, 1, 2, 3, 4]);
    add(&project, 5..6);
    let safety = PathBuf::from(done["data"]["safety_copy"].as_str().unwrap());
    project.helix(&["stop", "dev"]).code(0);
    restore(&project, &safety).code(0);
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(numbers(&project).len(), 9, "the safety copy is a backup as any other");
}

#[test]
fn a_killed_restore_leaves_the_old_data_or_the_new() {
    let project = pushed(300);
    let (path, _) = backup(&project, &[]);
    add(&project, 300..310);
    project.helix(&["stop", "dev"]).code(0);
    let mut seen = [0, 0];
    for wait in 0..24 {
        let args = ["restore", "dev", "--from", path.to_str().unwrap(), "--yes"];
        let mut child = project.command(&args).stdout(std::process::Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait * 6));
        let _ = child.kill();
        child.wait().unwrap();
        let engine = helix_engine::Engine::open(&project.data(), helix_engine::EngineOptions::default()).unwrap();
        let report = engine.verify().unwrap();
        assert_eq!(report.findings, Vec::<String>::new());
        engine.close().unwrap();
        drop(engine);
        assert!([900, 930].contains(&report.rows), "{} rows after {wait}", report.rows);
        seen[usize::from(report.rows == 900)] += 1;
        if report.rows == 900 {
            // What was replaced is not lost, wherever the kill came: it goes back.
            let saved = project.root().join(format!("saved-{wait}"));
            let kept = [".before-restore.partial", "before-restore"].map(|name| project.data().join(name));
            let checked = kept.map(|folder| (verify(&project, &folder), folder));
            let sound = checked.iter().find(|(ran, _)| ran.code == 0);
            let kept = &sound.unwrap_or_else(|| panic!("the former data is gone: {checked:?}")).1;
            fs::create_dir(&saved).unwrap();
            for file in ["data.mdb", "manifest.json"] {
                fs::copy(kept.join(file), saved.join(file)).unwrap();
            }
            restore(&project, &saved).code(0);
        }
    }
    assert!(seen[0] > 0, "some are killed before the data is replaced");
}

/// A restore that was killed between its two renames leaves the former data under the name of an unfinished folder.
#[test]
fn checking_what_is_not_there_takes_nothing_away() {
    let project = pushed(5);
    let (path, _) = backup(&project, &[]);
    add(&project, 5..9);
    project.helix(&["stop", "dev"]).code(0);
    restore(&project, &path).code(0);
    let [kept, unfinished] = ["before-restore", ".before-restore.partial"].map(|name| project.data().join(name));
    fs::rename(&kept, &unfinished).unwrap();
    assert_ne!(verify(&project, &kept).code, 0);
    verify(&project, &unfinished).code(0);
    restore(&project, &path).code(0);
    let listed: Vec<_> = fs::read_dir(project.data()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(listed.iter().any(|name| name == "before-restore"), "{listed:?}");
}

#[test]
fn damaged_data_is_replaced_and_kept_and_both_are_told() {
    let project = pushed(50);
    let (path, _) = backup(&project, &[]);
    project.helix(&["stop", "dev"]).code(0);
    let data = project.data().join("user/data.mdb");
    let whole = fs::read(&data).unwrap();
    fs::write(&data, vec![0x5a; whole.len()]).unwrap();
    let done = restore(&project, &path).code(0);
    assert!(done.stderr.contains("W-BACKUP-FORMER"), "{}", done.stderr);
    let kept = project.data().join("before-restore");
    assert!(!kept.join("manifest.json").exists());
    assert_eq!(fs::read(kept.join("data.mdb")).unwrap(), vec![0x5a; whole.len()]);
    let refused = verify(&project, &kept);
    assert_ne!(refused.code, 0, "what cannot be read is not sound");
    // Were it sound, it would be a backup, with or without a manifest.
    fs::write(kept.join("data.mdb"), &whole).unwrap();
    let sound = verify(&project, &kept).code(0);
    assert!(sound.stderr.contains("no manifest"), "{}", sound.stderr);
    restore(&project, &kept).code(0);
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(numbers(&project).len(), 50);
}

/// As the server in a container does it.
#[test]
fn an_archive_goes_to_any_writer_while_the_instance_serves() {
    use helix_engine::backup::{CopyOptions, Packing, archive, read_manifest};

    /// Takes little at once, and in the end nothing more.
    struct Pipe {
        taken: Vec<u8>,
        room: usize,
    }

    impl std::io::Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let some = bytes.len().min(1000).min(self.room);
            if some == 0 && !bytes.is_empty() {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.room -= some;
            self.taken.extend_from_slice(&bytes[..some]);
            Ok(some)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let project = pushed(20);
    let left = || {
        let names = fs::read_dir(project.data()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".backup-")).collect::<Vec<_>>()
    };
    let options = CopyOptions { instance: "dev".to_owned(), compact: false };
    for (packing, name) in [(Packing::Plain, "a.tar"), (Packing::Zstd, "a.tar.zst")] {
        let mut pipe = Pipe { taken: Vec::new(), room: usize::MAX };
        let manifest = archive(&project.data(), &mut pipe, packing, &options).unwrap();
        assert_eq!((manifest.counts.nodes["Note"], manifest.instance.as_str()), (20, "dev"));
        let path = project.root().join(name);
        fs::write(&path, &pipe.taken).unwrap();
        assert_eq!(read_manifest(&path).unwrap(), manifest);
        verify(&project, &path).code(0);
        // Another archive is not as long to the byte: its manifest has another time.
        let mut torn = Pipe { taken: Vec::new(), room: pipe.taken.len() / 2 };
        let error = archive(&project.data(), &mut torn, packing, &options).unwrap_err().to_string();
        assert!(error.contains("cannot write"), "{error}");
        assert_eq!(left(), Vec::<std::ffi::OsString>::new());
    }
    add(&project, 20..21);
    project.helix(&["stop", "dev"]).code(0);
    restore(&project, &project.root().join("a.tar.zst")).code(0);
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(numbers(&project).len(), 20);
}

#[test]
fn old_backups_are_listed_and_removed() {
    let project = pushed(1);
    for _ in 0..3 {
        backup(&project, &[]);
    }
    let listed = || project.helix(&["backup", "list", "--json"]).code(0).json()["data"]["backups"].clone();
    assert_eq!(listed().as_array().unwrap().len(), 3);
    let (newest, _) = backup(&project, &["--keep", "2", "--compress", "zstd"]);
    let left = listed();
    assert_eq!(left.as_array().unwrap().len(), 2);
    assert_eq!(left[0]["path"], newest.to_str().unwrap(), "the newest comes first");
    let taken = project.helix(&["backup", "dev", "-o", newest.to_str().unwrap()]).code(1);
    assert!(taken.stderr.contains("exists"), "{}", taken.stderr);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_a_backup() {
    use std::os::unix::fs::PermissionsExt as _;

    let project = pushed(1);
    let (folder, _) = backup(&project, &[]);
    let (archive, _) = backup(&project, &["--archive"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in [folder.join("data.mdb"), folder.join("manifest.json"), archive] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn without_data_there_is_no_backup() {
    let project = Project::new(APP);
    let ran = project.helix(&["backup", "dev"]).code(13);
    assert!(ran.stderr.contains("no data"), "{}", ran.stderr);
    assert!(!project.root().join("backups").exists());
}

#[test]
fn a_data_directory_elsewhere_is_copied_and_restored() {
    let project = Project::new(APP);
    let port = project.port();
    project.write(
        "helix.toml",
        &format!("[project]\nname = \"app\"\nqueries = \"./db/\"\n\n[local.dev]\nport = {port}\ndata_dir = \"../elsewhere\"\n"),
    );
    project.helix(&["push", "dev"]).code(0);
    add(&project, 0..3);
    let (path, made) = backup(&project, &["-o", "copy"]);
    assert_eq!(path, project.root().join("copy"));
    assert_eq!(made["counts"]["nodes"]["Note"], 3);
    add(&project, 3..4);
    project.helix(&["stop", "dev"]).code(0);
    restore(&project, &path).code(0);
    assert!(project.root().join("../elsewhere/before-restore/data.mdb").exists());
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(numbers(&project).len(), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_no_backup_and_the_data_as_it_was() {
    let project = pushed(200);
    let (path, _) = backup(&project, &[]);
    project.helix(&["stop", "dev"]).code(0);
    let limited = |args: &[&str]| {
        // The signal that the system sends at the limit would end the process; a full disk sends none.
        let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_helix")]).args(args).current_dir(project.root());
        isolate(&mut command, &project.home());
        command.output().unwrap()
    };
    let failed = limited(&["backup", "dev", "-o", "small"]);
    assert_eq!(failed.status.code(), Some(1), "{}", String::from_utf8_lossy(&failed.stderr));
    assert!(!project.root().join("small").exists() && !project.root().join(".small.partial").exists());
    let failed = limited(&["restore", "dev", "--from", path.to_str().unwrap(), "--yes"]);
    assert_eq!(failed.status.code(), Some(1), "{}", String::from_utf8_lossy(&failed.stderr));
    project.helix(&["start", "dev"]).code(0);
    assert_eq!(numbers(&project).len(), 200);
}
