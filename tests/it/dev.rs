//! `helix dev` when nobody listens.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Project, post};
use serde_json::json;

const APP: &str = "N::User { name: String }\nQUERY one() => RETURN NONE\n";

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn answers(project: &Project, query: &str) -> bool {
    post(&project.url(), query, &json!({})).is_ok_and(|(status, _)| status == 200)
}

/// A process that does not outlive the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A pipe holds 64 KiB, and nobody empties this one.
fn unread(project: &Project) -> Running {
    Running(project.command(&["dev", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn an_output_that_nobody_reads_stops_neither_saves_nor_the_end() {
    let project = Project::new(APP);
    let mut dev = unread(&project);
    wait_for("the first query is live", || answers(&project, "one"));
    for _ in 0..1_500 {
        let (status, _) = post(&project.url(), "nobody", &json!({ "a text that": "makes the line longer" })).unwrap();
        assert_eq!(status, 404);
    }
    project.write("db/app.hx", &format!("{APP}QUERY two() => RETURN NONE\n"));
    wait_for("a save is live although the output is stuck", || answers(&project, "two"));
    assert!(Command::new("kill").args(["-INT", &dev.0.id().to_string()]).status().unwrap().success());
    wait_for("the command ends although the output is stuck", || dev.0.try_wait().unwrap().is_some());
    // What was written before it got stuck are whole lines, but for the last.
    let mut text = String::new();
    dev.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.pop();
    assert!(lines.len() > 100, "{}", lines.len());
    for line in lines {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}
