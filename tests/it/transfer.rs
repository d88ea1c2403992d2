//! Export and import: the same data elsewhere, ids and answers included; nothing of it when anything is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::support::{Project, Ran, free_port, post};
use serde_json::{Value, json};

const APP: &str = "N::Note { UNIQUE INDEX number: I64, text: String, weight: F64 }
V::Point { number: I64 }
E::At { From: Note, To: Point }
QUERY add(number: I64, text: String, weight: F64, at: [F64]) =>
    note <- AddN<Note>({ number: number, text: text, weight: weight })
    point <- AddV<Point>(at, { number: number })
    AddE<At>::From(note)::To(point)
    RETURN NONE
QUERY find(number: I64, near: [F64]) =>
    note <- N<Note>({ number: number })
    points <- note::Out<At>
    nearest <- SearchV<Point>(near, 5)
    RETURN note, points, nearest
";

/// A project with two instances: `dev` serves some notes, `copy` has nothing.
struct Two {
    project: Project,
    copy: String,
}

fn two(notes: u64) -> Two {
    let project = Project::new(APP);
    let (dev, copy) = (project.port(), free_port());
    project.write(
        "helix.toml",
        &format!(
            "[project]\nname = \"app\"\nqueries = \"./db/\"\n\n[local.dev]\nport = {dev}\n\n[local.copy]\nport = {copy}\n"
        ),
    );
    project.helix(&["push", "dev"]).code(0);
    add(&project.url(), 0..notes);
    Two { project, copy: format!("http://127.0.0.1:{copy}") }
}

fn add(url: &str, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let weight = number as f64 / 7.0;
        let note = json!({ "number": number, "text": "é\n".repeat(40), "weight": weight, "at": [1.0, weight, 0.1] });
        assert_eq!(post(url, "add", &note).unwrap().0, 200);
    }
}

fn find(url: &str, number: u64) -> Value {
    let (status, answer) = post(url, "find", &json!({ "number": number, "near": [1.0, 0.3, 0.1] })).unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

impl Two {
    fn export(&self, instance: &str, name: &str) -> PathBuf {
        self.project.helix(&["export", instance, "-o", name]).code(0);
        self.project.root().join(name)
    }

    fn import(&self, from: &Path) -> Ran {
        self.project.helix(&["import", "copy", "--from", from.to_str().unwrap()])
    }

    fn data(&self) -> PathBuf {
        self.project.root().join(".helix/.volumes/copy")
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn an_instance_comes_back_elsewhere_with_its_ids_and_answers() {
    let two = two(40);
    let made = two.project.helix(&["export", "dev", "-o", "dump", "--json"]).code(0).json();
    assert_eq!(made["data"]["items"], 120);
    let dump = two.project.root().join("dump");
    let names: Vec<String> = files(&dump).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["edges.At.jsonl", "manifest.json", "nodes.Note.jsonl", "plan.bin", "vectors.Point.jsonl"]);
    assert_eq!(fs::metadata(&dump).unwrap().permissions().mode() & 0o777, 0o700);
    for name in &names {
        assert_eq!(fs::metadata(dump.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let note = fs::read_to_string(dump.join("nodes.Note.jsonl")).unwrap();
    let note: Value = serde_json::from_str(note.lines().nth(3).unwrap()).unwrap();
    assert_eq!((&note["id"], &note["fields"]["number"]), (&find(&two.project.url(), 3)["note"]["id"], &json!(3)));

    let done = two.import(&dump).code(0);
    assert!(done.stdout.contains("helix push copy"), "{}", done.stdout);
    // Nothing was pushed to it, and yet it can be read: the export has brought the program.
    assert_eq!(files(&two.export("copy", "second")), files(&dump));
    two.project.helix(&["push", "copy"]).code(0);
    for number in [0, 3, 39] {
        assert_eq!(find(&two.copy, number), find(&two.project.url(), number));
    }
    add(&two.copy, 40..41);
    two.project.helix(&["stop", "copy"]).code(0);
    let engine = helix_engine::Engine::open(&two.data(), helix_engine::EngineOptions::default()).unwrap();
    assert_eq!(engine.verify().unwrap().findings, Vec::<String>::new());
}

#[test]
fn an_export_beside_writes_holds_requests_as_a_whole() {
    let two = two(10);
    let url = two.project.url();
    let writer = thread::spawn(move || add(&url, 10..200));
    let mut exports = Vec::new();
    while !writer.is_finished() {
        exports.push(two.export("dev", &format!("dump-{}", exports.len())));
    }
    writer.join().unwrap();
    for dump in exports {
        let lines = |name: &str| fs::read_to_string(dump.join(name)).unwrap().lines().count();
        assert!(lines("nodes.Note.jsonl") >= 10);
        assert_eq!(lines("nodes.Note.jsonl"), lines("edges.At.jsonl"), "a request is in it as a whole");
        assert_eq!(lines("nodes.Note.jsonl"), lines("vectors.Point.jsonl"));
    }
}

#[test]
fn a_killed_import_leaves_nothing_or_everything() {
    let two = two(300);
    let dump = two.export("dev", "dump");
    let mut seen = [0, 0];
    for wait in 0..24 {
        let args = ["import", "copy", "--from", dump.to_str().unwrap()];
        let mut child = two.project.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait * 8));
        let _ = child.kill();
        child.wait().unwrap();
        let filled = two.data().join("user/data.mdb").exists();
        seen[usize::from(filled)] += 1;
        if filled {
            let engine = helix_engine::Engine::open(&two.data(), helix_engine::EngineOptions::default()).unwrap();
            let report = engine.verify().unwrap();
            assert_eq!((report.findings, report.rows), (Vec::new(), 900));
            engine.close().unwrap();
            drop(engine);
            fs::remove_dir_all(two.data()).unwrap();
        }
    }
    assert!(seen[0] > 0, "some are killed before the data is there");
    two.import(&dump).code(0);
    assert!(!two.data().join(".import.partial").exists(), "what killed ones left is gone");
    assert_eq!(files(&two.export("copy", "second")), files(&dump));
}

#[test]
fn what_stands_in_the_way_is_told_with_the_next_step() {
    let two = two(3);
    let dump = two.export("dev", "dump");
    let told = |ran: Ran, code: i32, expected: &[&str]| {
        let ran = ran.code(code);
        for text in expected {
            assert!(ran.stderr.contains(text), "{text}: {}", ran.stderr);
        }
    };
    told(two.project.helix(&["export", "dev", "-o", "dump"]), 1, &["dump", "exists"]);
    told(two.project.helix(&["export", "copy", "-o", "other"]), 13, &["no data", "push"]);
    assert!(!two.project.root().join("other").exists());
    told(two.project.helix(&["import", "dev", "--from", "dump"]), 13, &["runs", "helix stop dev"]);
    two.project.helix(&["stop", "dev"]).code(0);
    told(two.project.helix(&["import", "dev", "--from", "dump"]), 13, &["9 items", "helix delete dev --keep-config"]);
    told(two.import(&two.project.root().join("nowhere")), 13, &["nowhere", "helix export"]);
    two.project.helix(&["backup", "dev", "-o", "backup"]).code(0);
    told(two.import(&two.project.root().join("backup")), 13, &["helix restore"]);
    let notes = dump.join("nodes.Note.jsonl");
    let text = fs::read_to_string(&notes).unwrap();
    fs::write(&notes, text.replace("\"number\":1", "\"number\":0")).unwrap();
    told(two.import(&dump), 13, &["nodes.Note.jsonl:2: ", "number"]);
    assert!(!two.data().join("user/data.mdb").exists());
    fs::write(&notes, &text).unwrap();
    // A schema that was pushed, and holds nothing yet, stays.
    two.project.helix(&["push", "copy"]).code(0);
    two.project.helix(&["stop", "copy"]).code(0);
    let done = two.project.helix(&["import", "copy", "--from", "dump", "--json"]).code(0).json();
    assert_eq!((&done["data"]["items"], &done["data"]["pushed"]), (&json!(9), &json!(true)));
    two.project.helix(&["start", "copy"]).code(0);
    two.project.helix(&["start", "dev"]).code(0);
    assert_eq!(find(&two.copy, 2), find(&two.project.url(), 2));
}
