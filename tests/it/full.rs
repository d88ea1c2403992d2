//! A disk that is full: requests fail cleanly, reads go on, and writes go on when there is room again.
#![cfg(target_os = "linux")]

use std::process::Command;

use crate::support::{Project, isolate};
use serde_json::json;

const APP: &str = "N::Note { INDEX number: I64, text: String }
V::Point { number: I64 }
QUERY add(number: I64, text: String, at: [F64]) =>
    note <- AddN<Note>({ number: number, text: text })
    point <- AddV<Point>(at, { number: number })
    RETURN NONE
QUERY numbers() =>
    notes <- N<Note>
    points <- V<Point>
    RETURN notes::{number}, points::{number}
";

/// Half-kibibytes that a file may grow to, as the shell counts: the database itself is a few hundred kibibytes.
const LIMIT: u32 = 8 * 1024 * 2;

#[test]
fn a_full_disk_fails_writes_keeps_reads_and_loses_nothing() {
    let project = Project::new(APP);
    // The signal that the system sends at the limit would end the process; a full disk sends none.
    let script = format!("trap '' XFSZ; ulimit -S -f {LIMIT}; exec \"$0\" push dev");
    let mut push = Command::new("sh");
    push.args(["-c", &script, env!("CARGO_BIN_EXE_helix")]).current_dir(project.root());
    isolate(&mut push, &project.home());
    let pushed = push.output().unwrap();
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    let text = "x".repeat(20_000);
    let mut stored = Vec::new();
    let refused = loop {
        let number = stored.len();
        let (status, body) = project.call("add", &json!({ "number": number, "text": text, "at": vec![0.5; 64] }));
        if status != 200 {
            break (status, body);
        }
        stored.push(number);
        assert!(number < 2_000, "the limit is never reached");
    };
    assert_eq!(refused.0, 507, "{}", refused.1);
    assert!(refused.1["error"].as_str().unwrap().contains("nothing of the request was stored"), "{}", refused.1);
    let numbers = || {
        let all = project.ok("numbers", &json!({}));
        let numbers = |member: &str| -> Vec<usize> {
            let items = all[member].as_array().unwrap().iter();
            items.map(|number| usize::try_from(number.as_u64().unwrap()).unwrap()).collect()
        };
        (numbers("notes"), numbers("points"))
    };
    assert_eq!(numbers(), (stored.clone(), stored.clone()), "reads go on, and show whole requests");
    // A small write may still find a free page; either way the answer is true.
    let (status, _) = project.call("add", &json!({ "number": stored.len(), "text": "", "at": vec![0.5; 64] }));
    if status == 200 {
        stored.push(stored.len());
    }
    let limit = ["--pid", &project.pid().to_string(), "--fsize=unlimited:unlimited"];
    assert!(Command::new("prlimit").args(limit).status().unwrap().success());
    for _ in 0..50 {
        project.ok("add", &json!({ "number": stored.len(), "text": text, "at": vec![0.5; 64] }));
        stored.push(stored.len());
    }
    assert_eq!(numbers(), (stored.clone(), stored.clone()), "writes go on when there is room");
    project.helix(&["stop", "dev"]).code(0);
    let engine = helix_engine::Engine::open(&project.data(), helix_engine::EngineOptions::default()).unwrap();
    assert_eq!(engine.verify().unwrap().findings, Vec::<String>::new());
    engine.close().unwrap();
}
