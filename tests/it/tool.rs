//! What commands say beside their work: tables, plans, run logs, findings for other tools.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::Project;
use serde_json::{Value, json};

const APP: &str = "N::User { INDEX name: String, age: U8 }
QUERY add(name: String, age: U8) =>
    user <- AddN<User>({ name: name, age: age })
    RETURN NONE
QUERY all(min: U8) =>
    users <- N<User>::WHERE(_::{age}::GTE(min))
    n <- N<User>::COUNT
    RETURN users::{name, age}, n
";

#[test]
fn answers_are_shown_as_tables_plans_are_explained_and_calls_are_timed() {
    let project = Project::new(APP);
    let nothing = project.helix(&["query", "all", "--explain"]).code(13);
    assert!(nothing.stderr.contains("nothing was pushed to `dev` yet"), "{}", nothing.stderr);
    project.helix(&["push", "dev"]).code(0);
    for (name, age) in [("Ann", 31), ("Bo\nb", 7)] {
        project.ok("add", &json!({ "name": name, "age": age }));
    }
    let table = project.helix(&["query", "all", "-p", "min=0", "--table"]).code(0).stdout;
    assert_eq!(table, "users\nname  age\nAnn   31\nBo b  7\nn: 2\n");
    let plan = project.helix(&["query", "all", "--explain"]).code(0).stdout;
    assert!(plan.starts_with("all(min%0: U8) read, long\n") && plan.contains("all User | filter"), "{plan}");
    let timed = project.helix(&["query", "all", "-p", "min=0", "--repeat", "25", "--json"]).code(0).json();
    let latencies = &timed["data"]["repeated"];
    assert_eq!(latencies["calls"], json!(25));
    let figures = ["min", "p50", "p95", "p99", "max"].map(|name| latencies[name].as_f64().unwrap());
    assert!(figures.is_sorted() && figures[0] > 0.0, "{latencies}");
    assert_eq!(timed["data"]["response"]["n"], json!(2));
    let unknown = project.helix(&["query", "al", "--explain"]).code(13);
    assert!(unknown.stderr.contains("did you mean `all`?"), "{}", unknown.stderr);
}

#[test]
fn numbers_keep_every_digit_on_the_way() {
    let greatest = u128::MAX.to_string();
    let project = Project::new(
        "N::P { INDEX w: U128 }
QUERY add(w: U128) =>
    p <- AddN<P>({ w: w })
    RETURN p::{w}
QUERY all() =>
    p <- N<P>
    product <- MUL(9223372036854775807, 9223372036854775807)
    RETURN p::{w, id}, product
",
    );
    project.helix(&["push", "dev"]).code(0);
    let added = project.helix(&["query", "add", "-d", &format!("{{\"w\":{greatest}}}")]).code(0).stdout;
    assert_eq!(added, format!("{{\n  \"p\": {greatest}\n}}\n"));
    project.helix(&["query", "add", "-p", "w=18446744073709551617"]).code(0);
    let past = project.helix(&["query", "add", "-d", &format!("{{\"w\":{greatest}0}}")]).code(2);
    assert!(past.stderr.contains("expected U128"), "{}", past.stderr);
    let product = "85070591730234615847396907784232501249";
    for way in [&["--json"][..], &["--table"], &["--raw"], &[], &["--quiet"]] {
        let shown = project.helix(&[&["query", "all"], way].concat()).code(0).stdout;
        for number in [&greatest, "18446744073709551617", product] {
            assert!(shown.contains(number), "{way:?}: {shown}");
        }
    }
}

#[test]
fn a_text_index_that_queries_need_and_the_settings_forbid_is_told_at_the_push() {
    let project = Project::new("N::A { s: String }\nQUERY find(s: String) => RETURN SearchBM25<A>(s, 3)::{s}\n");
    let settings = fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &settings.replace("[local.dev]\n", "[local.dev]\nbm25 = false\n"));
    let pushed = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!(pushed["warnings"][0]["code"], "W-PUSH-BM25", "{pushed}");
    project.write("helix.toml", &settings);
    let pushed = project.helix(&["push", "dev", "--json"]).code(0).json();
    assert_eq!(pushed["warnings"], json!([]), "{pushed}");
}

#[test]
fn offline_calls_stay_on_this_machine() {
    let project = Project::new(APP);
    let refused = project.helix(&["query", "all", "--offline", "--url", "http://db.example", "--json"]).code(9).json();
    assert_eq!(refused["error"]["code"], json!("E-NET-OFFLINE"));
    project.helix(&["push", "dev", "--offline"]).code(0);
    project.helix(&["query", "--list", "--offline", "--url", &project.url()]).code(0);
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_changes_something_leaves_a_run_log_and_the_last_fifty_are_kept() {
    let project = Project::new(APP);
    let log = project.root().join("log.ndjson");
    project.helix(&["push", "dev", "--log-file", "log.ndjson"]).code(0);
    let runs = project.home().join(".helix/runs");
    let names = |folder: &std::path::Path| {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    let [name] = &names(&runs)[..] else { panic!("one run, one file: {:?}", names(&runs)) };
    assert!(name.contains("-push-"), "{name}");
    let written = fs::read_to_string(runs.join(name)).unwrap();
    assert_eq!(written, fs::read_to_string(&log).unwrap());
    let events = lines(&written);
    assert_eq!(events[0]["type"], json!("begin"));
    assert_eq!((&events[events.len() - 1]["type"], &events[events.len() - 1]["exit"]), (&json!("end"), &json!(0)));
    assert!(events.iter().any(|event| event["step"] == json!("activate")), "{written}");
    for number in 0..60 {
        fs::write(runs.join(format!("20000101T0000{number:02}.000Z-push-1.ndjson")), "").unwrap();
    }
    project.helix(&["status"]).code(0);
    assert_eq!(names(&runs).len(), 61, "looking at something leaves no run log");
    project.helix(&["stop", "dev"]).code(0);
    let kept = names(&runs);
    assert_eq!(kept.len(), 50);
    assert!(kept.contains(name) && kept.iter().any(|name| name.contains("-stop-")), "{kept:?}");
}

#[test]
fn findings_are_written_as_sarif() {
    let project = Project::new("N::User { name: Strin }\n");
    let log = project.helix(&["check", "--format", "sarif"]).code(4).json();
    assert_eq!(log["version"], json!("2.1.0"));
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["level"], json!("error"));
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][0]["id"], result["ruleId"]);
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], json!("db/app.hx"));
    let region = json!({ "startLine": 1, "startColumn": 17, "endLine": 1, "endColumn": 22 });
    assert_eq!(place["region"], region);
    let other = project.helix(&["status", "--format", "sarif"]).code(2);
    assert!(other.stderr.contains("`helix check` only"), "{}", other.stderr);
}

#[test]
fn a_watched_check_runs_at_each_save() {
    let project = Project::new("N::User { name: Strin }\n");
    let mut check = project.command(&["check", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(check.stdout.take().unwrap()).lines();
    let mut until = |kind: &str| loop {
        let line = events.next().expect("the command goes on").unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["type"] == json!(kind) {
            return event;
        }
    };
    assert_eq!(until("diagnostics")["error"]["exit"], json!(4));
    project.write("db/app.hx", APP);
    assert_eq!(until("checked")["queries"], json!(2));
    assert!(Command::new("kill").args(["-INT", &check.id().to_string()]).status().unwrap().success());
    assert_eq!(until("result")["ok"], json!(true));
    assert!(check.wait().unwrap().success());
}

#[test]
fn many_mistakes_are_counted_and_the_first_are_shown() {
    let project = Project::new(&"QUERY a() => RETURN NONE\n".repeat(20_000));
    let shown = project.helix(&["check"]).code(4).stderr;
    assert_eq!(shown.matches("error[").count(), 100);
    assert!(shown.contains("more\n") && shown.lines().count() < 1_500, "{}", shown.lines().count());
    let told = project.helix(&["check", "--json"]).code(4).json();
    assert_eq!(told["error"]["diagnostics"].as_array().unwrap().len(), 1_000);
    assert!(told["error"]["message"].as_str().unwrap().contains("errors"), "{}", told["error"]["message"]);
}

#[test]
fn requests_that_fail_on_our_side_are_logged_and_all_of_them_on_demand() {
    let project = Project::new(
        "V::Doc { text: String }\nQUERY add(text: String) =>\n    doc <- AddV<Doc>(Embed(text))\n    RETURN NONE\n",
    );
    let logged = |level: Option<&str>| {
        let mut start = project.command(&["restart", "dev"]);
        level.map(|level| start.env("HELIX_LOG", level));
        assert!(start.status().unwrap().success());
        assert_eq!(project.call("nobody", &json!({})).0, 404);
        assert_eq!(project.call("add", &json!({ "text": "a" })).0, 502);
        project.helix(&["stop", "dev"]).code(0);
        let log = project.helix(&["logs", "dev", "--tail", "100", "--json"]).code(0).stdout;
        let lines = |of: &str| log.lines().filter(|line| line.contains(of)).count();
        (lines("nobody"), lines("no embedding provider"))
    };
    project.helix(&["push", "dev"]).code(0);
    assert_eq!(logged(None), (0, 1));
    // The line of before, and two: the failure, and the request.
    assert_eq!(logged(Some("info,requests=info")), (1, 3));
}
