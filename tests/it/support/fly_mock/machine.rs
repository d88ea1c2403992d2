//! A machine of the stand-in: what becomes of it as time goes by.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How a program behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It starts, and its check passes.
    Good,
    /// It takes so many milliseconds to start.
    Slow(u64),
    /// It ends with exit code 1, each time.
    Crash,
    /// It is ended, out of memory.
    OutOfMemory,
    /// Its check fails.
    Unhealthy,
    /// Its check passes and fails in turns.
    Flap,
}

/// How long a program takes to start, or to end again, in milliseconds.
const BOOT_MS: u64 = 20;
/// How often a program that fails is started again.
const RESTARTS: u64 = 3;

/// A lease.
#[derive(Clone, Debug)]
pub struct Lease {
    pub nonce: String,
    pub owner: String,
    pub description: String,
    pub expires_ms: u64,
}

/// Something that happened to a machine.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub at_ms: u64,
    pub kind: &'static str,
    pub exit: Option<Exit>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    pub code: i64,
    pub is_out_of_memory: bool,
    pub is_asked_for: bool,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    pub id: String,
    pub region: String,
    pub instance_id: String,
    pub config: Value,
    pub state: &'static str,
    pub cordoned: bool,
    pub host_status: &'static str,
    pub lease: Option<Lease>,
    /// The secrets that its program sees.
    pub secrets: BTreeMap<String, String>,
    pub behaviour: Behaviour,
    /// How often its check was looked at.
    pub looks: u64,
    pub launched_ms: u64,
    /// Newest first.
    pub events: Vec<Event>,
    exits: u64,
    /// Whether the next look does not find it: the service is only eventually consistent.
    pub is_hidden: bool,
}

impl Machine {
    pub(crate) fn new(id: String, region: String, now: u64) -> Self {
        Self {
            id,
            region,
            instance_id: String::new(),
            config: Value::Null,
            state: "created",
            cordoned: false,
            host_status: "ok",
            lease: None,
            secrets: BTreeMap::new(),
            behaviour: Behaviour::Good,
            looks: 0,
            launched_ms: now,
            events: Vec::new(),
            exits: 0,
            is_hidden: false,
        }
    }

    fn note(&mut self, at_ms: u64, kind: &'static str, exit: Option<Exit>) {
        self.events.insert(0, Event { at_ms, kind, exit });
    }

    /// Starts it with what it has.
    pub(crate) fn launch(&mut self, event: &'static str, behaviour: Behaviour, now: u64) {
        self.state = if event == "launch" { "created" } else { "replacing" };
        self.behaviour = behaviour;
        self.launched_ms = now;
        self.exits = 0;
        self.looks = 0;
        self.note(now, event, None);
    }

    pub(crate) fn stop(&mut self, now: u64) {
        self.state = "stopped";
        self.note(now, "exit", Some(Exit { code: 0, is_out_of_memory: false, is_asked_for: true }));
    }

    pub(crate) fn start(&mut self, now: u64) {
        self.state = "starting";
        self.launched_ms = now;
        self.exits = 0;
        self.note(now, "start", None);
    }

    /// Whether its lease is held now.
    pub fn is_leased(&self, now: u64) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.expires_ms > now)
    }

    /// Lets time go by.
    pub(crate) fn observe(&mut self, now: u64) {
        if matches!(self.state, "stopped" | "destroyed") {
            return;
        }
        let boot = if let Behaviour::Slow(millis) = self.behaviour { millis } else { BOOT_MS };
        let age = now.saturating_sub(self.launched_ms);
        if age < boot {
            self.state = "starting";
            return;
        }
        if self.state != "started" && self.exits == 0 {
            self.note(self.launched_ms + boot, "start", None);
        }
        self.state = "started";
        let exit = match self.behaviour {
            Behaviour::Crash => Exit { code: 1, is_out_of_memory: false, is_asked_for: false },
            Behaviour::OutOfMemory => Exit { code: 137, is_out_of_memory: true, is_asked_for: false },
            Behaviour::Good | Behaviour::Slow(_) | Behaviour::Unhealthy | Behaviour::Flap => return,
        };
        let exits = (age / boot).min(RESTARTS);
        for number in self.exits..exits {
            self.note(self.launched_ms + boot * (number + 1), "exit", Some(exit));
        }
        self.exits = exits;
        if exits == RESTARTS {
            self.state = "stopped";
        }
    }

    fn checks(&mut self) -> Value {
        if self.state != "started" || !self.config["checks"]["helix"].is_object() {
            return json!([]);
        }
        self.looks += 1;
        let (status, output) = match self.behaviour {
            // The first look comes before the first check.
            _ if self.looks == 1 => ("critical", "connect: connection refused"),
            Behaviour::Good | Behaviour::Slow(_) => ("passing", "200 OK"),
            Behaviour::Flap if self.looks.is_multiple_of(2) => ("passing", "200 OK"),
            Behaviour::Unhealthy | Behaviour::Flap => ("critical", "503 Service Unavailable"),
            Behaviour::Crash | Behaviour::OutOfMemory => ("critical", "connect: connection refused"),
        };
        json!([{ "name": "helix", "status": status, "output": output, "updated_at": "2026-01-05T10:00:05Z" }])
    }

    pub(crate) fn json(&mut self) -> Value {
        let events: Vec<Value> = self
            .events
            .iter()
            .map(|event| {
                let request = event.exit.map(|exit| {
                    json!({ "exit_event": {
                        "exit_code": exit.code, "oom_killed": exit.is_out_of_memory, "requested_stop": exit.is_asked_for,
                    } })
                });
                let (at, kind) = (event.at_ms, event.kind);
                json!({ "type": kind, "status": kind, "source": "flyd", "timestamp": at, "request": request })
            })
            .collect();
        let checks = self.checks();
        json!({
            "id": self.id, "name": self.id, "state": self.state, "region": self.region, "instance_id": self.instance_id,
            "private_ip": "fdaa:0:1:a7b::2", "config": self.config, "events": events, "checks": checks,
            "host_status": self.host_status, "cordoned": self.cordoned,
        })
    }
}
