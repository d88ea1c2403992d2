//! `kill -9` at random moments under concurrent writes: every acknowledged write is there afterwards, the database is sound,
//! and `helix start` brings the instance back.
//!
//! `HELIX_TEST_KILL_ROUNDS` sets the number of rounds; `./build.sh soak` runs many.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Project, post};
use serde_json::{Value, json};

const APP: &str = r"
N::Account { UNIQUE INDEX name: String, INDEX bucket: I64, balance: I64 DEFAULT 0 }
E::Knows { From: Account, To: Account, Properties: { since: Date DEFAULT NOW } }
V::Face { name: String }
E::Has UNIQUE { From: Account, To: Face }

QUERY add(name: String, bucket: I64, at: [F64]) =>
    account <- AddN<Account>({ name: name, bucket: bucket })
    face <- AddV<Face>(at, { name: name })
    AddE<Has>::From(account)::To(face)
    RETURN account::ID

QUERY connect(a: String, b: String) =>
    x <- N<Account>({ name: a })
    y <- N<Account>({ name: b })
    AddE<Knows>::From(x)::To(y)
    RETURN NONE

QUERY deposit(name: String, balance: I64) =>
    account <- N<Account>({ name: name })::UPDATE({ balance: balance })
    RETURN account::{balance}

QUERY remove(name: String) =>
    DROP N<Account>({ name: name })::Out<Has>
    DROP N<Account>({ name: name })
    RETURN NONE

QUERY find(name: String) =>
    accounts <- SearchBM25<Account>(name, 1)
    RETURN accounts::{name}

QUERY dump() =>
    accounts <- N<Account>
    faces <- V<Face>
    RETURN accounts::|a|{ name, balance, knows: a::Out<Knows>::{name}, faces: a::Out<Has>::COUNT }, faces::{name}
";

/// Few enough vectors for the graph to be built, walked and vacuumed.
const VECTORS: &str = "\n[local.dev.vector_config]\nexact_below = 64\nef_search = 64\n";

/// Rounds after which a new database is begun, so that a round stays quick.
const ROUNDS_PER_DATABASE: u64 = 10;

/// What a writer knows of its own accounts: only what the server acknowledged is certain.
#[derive(Default)]
struct Model {
    /// Added and acknowledged, not touched by a removal.
    present: BTreeSet<String>,
    /// Removed and acknowledged.
    gone: BTreeSet<String>,
    /// A request about it was not answered: it may be there or not.
    unsure: BTreeSet<String>,
    /// The last acknowledged balance, unless a later deposit was not answered.
    balances: BTreeMap<String, i64>,
    /// Acknowledged edges between accounts that are present.
    edges: BTreeSet<(String, String)>,
}

/// A small generator, so that a round can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn rounds() -> u64 {
    std::env::var("HELIX_TEST_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

fn write(url: &str, writer: u64, dice: &mut Dice, counter: &AtomicU64, model: &Mutex<Model>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let known: Vec<String> = model.lock().unwrap().present.iter().cloned().collect();
        let pick = |dice: &mut Dice| {
            let index = usize::try_from(dice.roll(known.len() as u64)).unwrap();
            known[index].clone()
        };
        let choice = if known.len() < 3 { 0 } else { dice.roll(10) };
        match choice {
            0..=4 => {
                let name = format!("w{writer}-{}", counter.fetch_add(1, Ordering::Relaxed));
                let face: Vec<f64> = (0..8).map(|_| dice.roll(1000) as f64 / 500.0 - 1.0).collect();
                let bucket = i64::try_from(dice.roll(5)).unwrap();
                let sent = post(url, "add", &json!({"name": name, "bucket": bucket, "at": face}));
                let mut model = model.lock().unwrap();
                match sent {
                    Ok((200, _)) => assert!(model.present.insert(name)),
                    Ok((status, body)) => panic!("add: {status} {body}"),
                    Err(_) => assert!(model.unsure.insert(name)),
                }
            }
            5 | 6 => {
                let (a, b) = (pick(dice), pick(dice));
                if let Ok((200, _)) = post(url, "connect", &json!({"a": a, "b": b})) {
                    model.lock().unwrap().edges.insert((a, b));
                }
            }
            7 | 8 => {
                let name = pick(dice);
                let balance = i64::try_from(dice.roll(1_000_000)).unwrap();
                let sent = post(url, "deposit", &json!({"name": name, "balance": balance}));
                let mut model = model.lock().unwrap();
                match sent {
                    Ok((200, _)) => model.balances.insert(name, balance),
                    _ => model.balances.remove(&name),
                };
            }
            _ => {
                let name = pick(dice);
                {
                    let mut model = model.lock().unwrap();
                    model.present.remove(&name);
                    model.balances.remove(&name);
                    model.edges.retain(|(a, b)| *a != name && *b != name);
                }
                let sent = post(url, "remove", &json!({"name": name}));
                let mut model = model.lock().unwrap();
                match sent {
                    Ok((200, _)) => model.gone.insert(name),
                    _ => model.unsure.insert(name),
                };
            }
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Compares what is stored with what was acknowledged.
fn check(project: &Project, models: &[Arc<Mutex<Model>>]) {
    let dump = project.ok("dump", &json!({}));
    let accounts = dump["accounts"].as_array().unwrap();
    let names: BTreeSet<&str> = accounts.iter().map(|account| account["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), accounts.len(), "an account is stored twice");
    let faces = texts(&dump["faces"]);
    assert_eq!(
        faces.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        names,
        "accounts and faces are added together"
    );
    for account in accounts {
        assert_eq!(account["faces"], json!(1), "{account}");
    }
    let accounts: BTreeMap<&str, &Value> =
        accounts.iter().map(|account| (account["name"].as_str().unwrap(), account)).collect();
    for model in models {
        let model = model.lock().unwrap();
        for name in &model.present {
            assert!(names.contains(name.as_str()), "{name} was acknowledged and is lost");
        }
        for name in &model.gone {
            assert!(!names.contains(name.as_str()), "{name} was removed and is back");
        }
        for (name, balance) in &model.balances {
            let account = accounts[name.as_str()];
            assert_eq!(account["balance"], json!(balance), "{name}");
        }
        for (a, b) in &model.edges {
            let account = accounts[a.as_str()];
            let knows = account["knows"].as_array().unwrap();
            assert!(knows.iter().any(|other| other["name"] == json!(b)), "the edge from {a} to {b} is lost: {account}");
        }
    }
}

/// A killed process takes a moment to go; then the instance must be shown as crashed.
fn wait_until_crashed(project: &Project) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = project.helix(&["status", "dev", "--json"]).code(0).json();
        if status["data"]["instances"][0]["state"] == json!("crashed") {
            return;
        }
        assert!(Instant::now() < deadline, "{status}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Opens the database of the stopped instance and checks every index against its rows.
fn verify(project: &Project) {
    let engine = helix_engine::Engine::open(&project.data(), helix_engine::EngineOptions::default()).unwrap();
    let report = engine.verify().unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    engine.close().unwrap();
}

#[test]
fn every_acknowledged_write_survives_kill_minus_nine() {
    let rounds = rounds();
    for first in (0..rounds).step_by(usize::try_from(ROUNDS_PER_DATABASE).unwrap()) {
        let last = rounds.min(first + ROUNDS_PER_DATABASE);
        run(first..last);
        eprintln!("{last} of {rounds} rounds passed");
    }
}

fn run(rounds: std::ops::Range<u64>) {
    let project = Project::new(APP);
    let config = std::fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &(config + VECTORS));
    project.helix(&["push", "dev"]).code(0);
    let models: Vec<Arc<Mutex<Model>>> = (0..4).map(|_| Arc::default()).collect();
    let counter = Arc::new(AtomicU64::new(0));
    for round in rounds {
        let mut dice = Dice(round.wrapping_mul(7919) + 13);
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = models
            .iter()
            .zip(0_u64..)
            .map(|(model, writer)| {
                let (url, model, stop, counter) = (project.url(), model.clone(), stop.clone(), counter.clone());
                let mut dice = Dice(dice.roll(u64::MAX) ^ writer);
                thread::spawn(move || write(&url, writer, &mut dice, &counter, &model, &stop))
            })
            .collect();
        let pid = project.pid();
        thread::sleep(Duration::from_millis(50 + dice.roll(600)));
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        assert!(killed.success());
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().unwrap();
        }
        wait_until_crashed(&project);
        verify(&project);
        project.helix(&["start", "dev"]).code(0);
        check(&project, &models);
    }
    let acknowledged: usize = models.iter().map(|model| model.lock().unwrap().present.len()).sum();
    assert!(acknowledged > 0, "nothing was written, so nothing was tested");
    project.helix(&["stop", "dev"]).code(0);
    verify(&project);
}

/// Rows that take an activation a few slices, and some time, to index.
const ROWS: i64 = 30_000;

/// A program, and one whose activation fills indexes from its rows.
struct Change {
    before: String,
    after: String,
    /// Whether the first can become active again, with the rows as they are.
    is_reversible: bool,
}

const PERSON: &str = "N::Person { name: String, mail: String }
";

const QUERIES: &str = "QUERY load(rows: [{ name: String, mail: String }]) =>
    FOR { name, mail } IN rows { AddN<Person>({ name: name, mail: mail }) }
    RETURN NONE
QUERY count() =>
    n <- N<Person>::COUNT
    RETURN n
";

fn new_indexes() -> Change {
    let after = "N::Person { INDEX name: String, UNIQUE INDEX mail: String }
QUERY by_mail(mail: String) =>
    person <- N<Person>({ mail: mail })
    RETURN person::{name}
";
    Change { before: format!("{PERSON}{QUERIES}"), after: format!("{after}{QUERIES}"), is_reversible: true }
}

fn a_migration() -> Change {
    let after = "schema::2 { N::Human { INDEX number: I32, UNIQUE INDEX address: String } }
MIGRATION schema::1 => schema::2 { N::Person => N::Human { number: name AS I32, address: mail } }
QUERY count() =>
    n <- N<Human>::COUNT
    RETURN n
QUERY by_mail(mail: String) =>
    person <- N<Human>({ address: mail })
    RETURN person::{number}
";
    Change { before: format!("{PERSON}{QUERIES}"), after: format!("{PERSON}{after}"), is_reversible: false }
}

fn filled(program: &str) -> Project {
    let project = Project::new(program);
    project.helix(&["push", "dev"]).code(0);
    let rows: Vec<Value> =
        (0..ROWS).map(|n| json!({ "name": format!("{}", n % 100), "mail": format!("m{n}") })).collect();
    for rows in rows.chunks(5_000) {
        project.ok("load", &json!({ "rows": rows }));
    }
    project
}

/// Kills the instance while it makes the second program the active one, until it did so after all; gives its project.
fn kill_while_activating(change: &Change) -> Project {
    let mut project = filled(&change.before);
    project.write("db/app.hx", &change.after);
    let mut dice = Dice(99);
    let mut interrupted = 0;
    // When the activation begins and how long it takes depends on the machine: more rounds until one was hit.
    for round in 0..rounds() + 40 {
        if round >= rounds() && interrupted > 0 {
            break;
        }
        let pid = project.pid();
        let mut push = project.command(&["push", "dev", "--quiet"]).spawn().unwrap();
        thread::sleep(Duration::from_millis(5 + dice.roll(if round < rounds() { 40 } else { 200 })));
        assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
        let pushed = push.wait().unwrap().success();
        if pushed {
            // The kill came too late, or so early that the push found the instance crashed and started it.
            project.helix(&["stop", "dev"]).code(0);
        } else {
            interrupted += 1;
            wait_until_crashed(&project);
        }
        verify(&project);
        project.helix(&["start", "dev"]).code(0);
        assert_eq!(project.ok("count", &json!({}))["n"], json!(ROWS));
        if pushed {
            // Back to where the round began.
            if change.is_reversible {
                project.write("db/app.hx", &change.before);
                project.helix(&["push", "dev"]).code(0);
            } else {
                project.helix(&["stop", "dev"]).code(0);
                project = filled(&change.before);
            }
            project.write("db/app.hx", &change.after);
        }
    }
    assert!(interrupted > 0, "no activation was interrupted");
    project.helix(&["push", "dev"]).code(0);
    project
}

#[test]
fn an_activation_that_is_killed_while_it_fills_indexes_is_as_if_it_had_never_begun() {
    let project = kill_while_activating(&new_indexes());
    assert_eq!(project.ok("by_mail", &json!({ "mail": "m777" }))["person"], json!("77"));
    project.helix(&["stop", "dev"]).code(0);
    verify(&project);
}

#[test]
fn a_migration_that_is_killed_while_it_fills_indexes_is_as_if_it_had_never_begun() {
    let project = kill_while_activating(&a_migration());
    assert_eq!(project.ok("by_mail", &json!({ "mail": "m777" }))["person"], json!(77));
    project.helix(&["stop", "dev"]).code(0);
    verify(&project);
}
