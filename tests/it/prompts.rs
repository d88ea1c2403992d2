//! Questions, asked on a terminal.
#![cfg(unix)]

use std::process::Command;

use crate::support::{Project, free_port, isolate};

/// Runs a command on a pseudo-terminal, types each answer when its question appears, and gives what was shown and the exit code.
const TERMINAL: &str = r#"
import json, os, pty, re, select, sys, time
command, answers = sys.argv[2:], json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown, seen, deadline = b"", 0, time.time() + 20
while time.time() < deadline:
    if not select.select([terminal], [], [], 0.05)[0]:
        continue
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if answers and (found := shown.find(answers[0][0].encode(), seen)) >= 0:
        seen = found + 1
        # The question is read only once the terminal is in the mode that it needs.
        time.sleep(0.2)
        os.write(terminal, answers.pop(0)[1].encode())
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode(errors="replace")
print(json.dumps({"text": text, "exit": status}))
"#;

fn on_a_terminal(project: &Project, args: &[&str], answers: &[(&str, &str)]) -> (String, i64) {
    let mut python = Command::new("python3");
    python.args(["-c", TERMINAL, &serde_json::to_string(answers).unwrap(), env!("CARGO_BIN_EXE_helix")]);
    python.args(args).current_dir(project.root());
    isolate(&mut python, &project.home());
    python.env_remove("CI").env("TERM", "xterm");
    let output = python.output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (told["text"].as_str().unwrap().to_owned(), told["exit"].as_i64().unwrap())
}

const APP: &str = "N::User { name: String }\nQUERY all() =>\n    users <- N<User>\n    RETURN users\n";

#[test]
fn deleting_asks_for_the_name_and_a_wrong_one_keeps_everything() {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    let (text, exit) = on_a_terminal(&project, &["delete", "dev"], &[("to go on", "prod\r")]);
    assert_eq!(exit, 5, "{text}");
    assert!(project.data().exists());
    let (text, exit) = on_a_terminal(&project, &["delete", "dev"], &[("to go on", "dev\r")]);
    assert_eq!(exit, 0, "{text}");
    assert!(!project.data().exists());
}

#[test]
fn one_of_several_instances_is_chosen_with_the_arrows() {
    let project = Project::new(APP);
    let config = std::fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &format!("{config}\n[local.other]\nport = {}\n", free_port()));
    let (text, exit) = on_a_terminal(&project, &["push"], &[("Which instance?", "\u{1b}[B\r")]);
    assert_eq!(exit, 0, "{text}");
    let status = project.helix(&["status", "--json"]).code(0).json();
    let state = |name: &str| {
        let instances = status["data"]["instances"].as_array().unwrap();
        let found = instances.iter().find(|instance| instance["name"] == serde_json::json!(name)).unwrap();
        found["state"].as_str().unwrap().to_owned()
    };
    assert_eq!((state("dev").as_str(), state("other").as_str()), ("absent", "running"), "{status}");
    project.helix(&["stop", "other"]).code(0);
    // Escape chooses nothing.
    let (text, exit) = on_a_terminal(&project, &["start"], &[("Which instance?", "\u{1b}")]);
    assert_eq!(exit, 5, "{text}");
}
