//! The calls that the stand-in answers.

use std::time::Duration;

use base64::Engine as _;
use hyper::Method;
use serde_json::{Value, json};

use super::machine::{Lease, Machine};
use super::state::{App, State, Volume};
use super::{READ_ONLY, Reply};

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) token: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) body: Value,
}

impl Call {
    fn queries(&self, name: &str) -> Vec<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    }
}

/// What becomes of a call now.
pub(crate) enum Turn {
    Done(Reply),
    /// It is to be asked again.
    Wait,
}

type Answer = Result<Reply, Reply>;

fn ok(body: &Value) -> Answer {
    Ok(Reply::json(200, body))
}

fn missing(what: &str) -> Reply {
    Reply::error(404, format!("{what} not found"))
}

impl State {
    /// Answers a call that has waited so long.
    pub(crate) fn turn(&mut self, call: &Call, waited: Duration) -> Turn {
        let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        if let ["v1", "apps", app, "machines", id, "wait"] = parts[..]
            && self.allow(call, id, "wait", waited).is_ok()
        {
            return self.wait(call, app, id, waited);
        }
        Turn::Done(self.answer(call, &parts).unwrap_or_else(|reply| reply))
    }

    fn answer(&mut self, call: &Call, parts: &[&str]) -> Answer {
        if let ["v2", rest @ ..] = parts {
            return self.images(call, rest);
        }
        self.authorise(call)?;
        let is = |method: &Method| call.method == *method;
        match parts {
            ["v1", "platform", "regions"] => {
                let codes = ["ams", "fra", "ful", "lhr", "cdg"];
                let regions: Vec<Value> = codes.iter().map(|code| json!({ "code": code, "name": code })).collect();
                ok(&json!({ "Regions": regions, "Nearest": "ams" }))
            }
            ["v1", "apps"] if is(&Method::POST) => self.create_app(call),
            ["v1", "apps"] => match call.queries("org_slug")[..] {
                [org @ ("personal" | "acme")] => {
                    let apps = self.apps.iter().filter(|(_, app)| app.org == org);
                    let apps: Vec<Value> = apps.map(|(name, app)| app_json(name, app)).collect();
                    ok(&json!({ "apps": apps }))
                }
                _ => Err(missing("organization")),
            },
            ["v1", "apps", app, rest @ ..] => self.of_app(call, app, rest),
            ["api", "v1", "apps", app, "logs"] => self.logs(call, app),
            _ => Err(missing("route")),
        }
    }

    /// The registry, as far as asking goes whether one may push.
    fn images(&self, call: &Call, rest: &[&str]) -> Answer {
        let expected = base64::prelude::BASE64_STANDARD.encode(format!("x:{}", self.token));
        if call.token.as_deref() != Some(format!("Basic {expected}").as_str()) {
            let header = Some(("www-authenticate", "Basic realm=\"fly\""));
            return Err(Reply { header, ..Reply::error(401, "unauthorized") });
        }
        match rest {
            [app, ..] if !self.apps.contains_key(*app) => Err(missing("repository")),
            [_, "blobs", "uploads"] if call.method == Method::POST => {
                Ok(Reply { status: 202, header: Some(("location", "upload")), body: String::new() })
            }
            [_, "blobs", "uploads", "upload"] => Ok(Reply { status: 204, header: None, body: String::new() }),
            [] => ok(&json!({})),
            _ => Err(missing("blob")),
        }
    }

    fn authorise(&self, call: &Call) -> Result<(), Reply> {
        let token = call.token.as_deref().and_then(|header| header.strip_prefix("FlyV1 "));
        match token {
            Some(token) if token == self.token => Ok(()),
            Some(READ_ONLY) if call.method == Method::GET => Ok(()),
            Some(READ_ONLY) => Err(Reply::error(403, "forbidden")),
            _ => Err(Reply::error(401, "unauthorized")),
        }
    }

    fn create_app(&mut self, call: &Call) -> Answer {
        let name = call.body["name"].as_str().unwrap_or_default().to_owned();
        if self.apps.contains_key(&name) || self.taken.contains(&name) {
            let body = json!({ "error": "Validation failed: Name has already been taken", "status": "name_taken" });
            return Err(Reply::json(422, &body));
        }
        let org = call.body["org_slug"].as_str().unwrap_or_default().to_owned();
        self.apps.insert(name, App { org, ..App::default() });
        Ok(Reply::json(201, &json!({})))
    }

    fn of_app(&mut self, call: &Call, name: &str, rest: &[&str]) -> Answer {
        if self.taken.contains(name) {
            return Err(Reply::error(403, "forbidden"));
        }
        if !self.apps.contains_key(name) {
            return Err(missing("app"));
        }
        let (is_get, is_post) = (call.method == Method::GET, call.method == Method::POST);
        // Looking must not change what the next thing is called.
        let number = if is_post { self.next_id() } else { 0 };
        let now = self.now();
        let app = self.apps.get_mut(name).unwrap();
        match rest {
            [] if is_get => ok(&app_json(name, app)),
            [] => {
                self.apps.remove(name);
                Ok(Reply::json(202, &json!({})))
            }
            ["ip_assignments"] if is_get => {
                let json = |(ip, shared): &(String, bool)| json!({ "ip": ip, "shared": shared, "region": "global" });
                ok(&json!({ "ips": app.addresses.iter().map(json).collect::<Vec<_>>() }))
            }
            ["ip_assignments"] => {
                let shared = call.body["type"] == "shared_v4";
                let ip = if shared { "66.241.124.1".to_owned() } else { format!("2a09:8280:1::{number}") };
                app.addresses.push((ip.clone(), shared));
                ok(&json!({ "ip": ip, "shared": shared }))
            }
            ["ip_assignments", ip] => {
                app.addresses.retain(|(known, _)| known != ip);
                ok(&json!({}))
            }
            ["volumes"] if is_get => ok(&app.volumes.iter().map(volume_json).collect()),
            ["volumes"] => {
                let region = call.body["region"].as_str().unwrap_or_default().to_owned();
                no_room(&region)?;
                let name = call.body["name"].as_str().unwrap_or_default().to_owned();
                let id = format!("vol_{number:04}");
                let size_gb = call.body["size_gb"].as_u64().unwrap_or_default();
                let volume = Volume { id, name, region, size_gb, machine: None };
                let json = volume_json(&volume);
                app.volumes.push(volume);
                ok(&json)
            }
            ["volumes", id] => {
                if app.volumes.iter().any(|volume| volume.id == *id && volume.machine.is_some()) {
                    return Err(Reply::error(409, "the volume is attached to a machine"));
                }
                app.volumes.retain(|volume| volume.id != *id);
                ok(&json!({}))
            }
            ["secrets"] if is_get => {
                let digest = |value: &String| format!("{:016x}", value.len());
                let secrets = app.secrets.iter().map(|(name, value)| json!({ "name": name, "digest": digest(value) }));
                ok(&json!({ "secrets": secrets.collect::<Vec<_>>(), "version": app.secrets_version }))
            }
            ["secrets"] => {
                for (name, value) in call.body["values"].as_object().into_iter().flatten() {
                    match value.as_str() {
                        Some(value) => drop(app.secrets.insert(name.clone(), value.to_owned())),
                        None => drop(app.secrets.remove(name)),
                    }
                }
                app.secrets_version += 1;
                ok(&json!({ "version": app.secrets_version }))
            }
            ["machines"] if is_get => {
                let machines = app.machines.iter_mut().map(|machine| {
                    machine.observe(now);
                    machine.json()
                });
                ok(&machines.collect())
            }
            ["machines"] if is_post => self.create_machine(call, name, number),
            ["machines", id, rest @ ..] => self.of_machine(call, name, id, rest, number),
            _ => Err(missing("route")),
        }
    }

    fn create_machine(&mut self, call: &Call, name: &str, number: u64) -> Answer {
        let region = call.body["region"].as_str().unwrap_or("ams").to_owned();
        no_room(&region)?;
        let now = self.now();
        let mut machine = Machine::new(format!("148e21ea{number:06}"), region, now);
        self.configure(call, name, &mut machine, "launch")?;
        machine.is_hidden = self.is_eventual;
        let json = machine.json();
        self.apps.get_mut(name).unwrap().machines.push(machine);
        ok(&json)
    }

    /// Gives a machine the configuration of a call.
    fn configure(&mut self, call: &Call, name: &str, machine: &mut Machine, event: &'static str) -> Result<(), Reply> {
        let config = &call.body["config"];
        let image = config["image"].as_str().unwrap_or_default();
        let behaviour = self
            .behaviour(image)
            .ok_or_else(|| Reply::error(422, format!("unable to resolve image {image}: manifest unknown")))?;
        let number = self.next_id();
        let now = self.now();
        let app = self.apps.get_mut(name).unwrap();
        for mount in config["mounts"].as_array().into_iter().flatten() {
            let volume = app.volumes.iter_mut().find(|volume| mount["volume"] == volume.id.as_str());
            let volume = volume.ok_or_else(|| Reply::error(422, "volume does not exist"))?;
            if volume.machine.as_ref().is_some_and(|attached| *attached != machine.id)
                || volume.region != machine.region
            {
                return Err(Reply::error(422, "volume is attached to another machine, or in another region"));
            }
            volume.machine = Some(machine.id.clone());
        }
        // With too small a version, a machine may get what was there before.
        if call.body["min_secrets_version"].as_u64() == Some(app.secrets_version) {
            machine.secrets.clone_from(&app.secrets);
        }
        machine.config = config.clone();
        machine.instance_id = format!("01INSTANCE{number:04}");
        machine.launch(event, behaviour, now);
        if matches!(behaviour, super::Behaviour::Crash | super::Behaviour::OutOfMemory) {
            app.logs.push((now, "helix-server: cannot open /data: planted-secret".to_owned()));
        }
        Ok(())
    }

    fn of_machine(&mut self, call: &Call, name: &str, id: &str, rest: &[&str], number: u64) -> Answer {
        let action = rest.first().copied().unwrap_or(if call.method == Method::GET { "get" } else { "update" });
        self.allow(call, id, action, Duration::ZERO)?;
        let now = self.now();
        let owner = self.owner.clone();
        let app = self.apps.get_mut(name).unwrap();
        let Some(place) = app.machines.iter().position(|machine| machine.id == id) else {
            return Err(missing("machine"));
        };
        let machine = &mut app.machines[place];
        machine.observe(now);
        if std::mem::take(&mut machine.is_hidden) {
            return Err(missing("machine"));
        }
        let is_get = call.method == Method::GET;
        if !is_get && action != "metadata" {
            free(machine, call, now)?;
        }
        if !is_get && machine.host_status == "unreachable" && call.method != Method::DELETE {
            return Err(Reply::error(503, "the host is unreachable"));
        }
        match rest {
            [] if is_get => return ok(&machine.json()),
            [] if call.method == Method::DELETE => {
                app.machines.remove(place);
                for volume in app.volumes.iter_mut().filter(|volume| volume.machine.as_deref() == Some(id)) {
                    volume.machine = None;
                }
            }
            [] => {
                let mut machine = app.machines.remove(place);
                let configured = self.configure(call, name, &mut machine, "update");
                let json = machine.json();
                self.apps.get_mut(name).unwrap().machines.insert(place, machine);
                configured?;
                return ok(&json);
            }
            ["lease"] => return lease(machine, call, now, number, owner),
            ["start"] => machine.start(now),
            ["stop"] => machine.stop(now),
            ["restart"] => {
                machine.stop(now);
                machine.start(now);
            }
            ["cordon"] => machine.cordoned = true,
            ["uncordon"] => machine.cordoned = false,
            ["metadata", key] => machine.config["metadata"][*key] = call.body["value"].clone(),
            _ => return Err(missing("route")),
        }
        ok(&json!({ "ok": true }))
    }

    fn wait(&mut self, call: &Call, name: &str, id: &str, waited: Duration) -> Turn {
        let timeout: u64 = call.queries("timeout").first().and_then(|secs| secs.parse().ok()).unwrap_or(60);
        if timeout > 60 {
            return Turn::Done(Reply::error(400, "timeout is at most 60"));
        }
        let now = self.now();
        let machine = self.apps.get_mut(name).and_then(|app| app.machines.iter_mut().find(|machine| machine.id == id));
        let Some(machine) = machine else { return Turn::Done(missing("machine")) };
        machine.observe(now);
        let version = call.queries("version");
        let is_version = version.first().is_none_or(|version| *version == machine.instance_id);
        if is_version && call.queries("state").contains(&machine.state) {
            return Turn::Done(Reply::json(200, &json!({ "ok": true })));
        }
        if waited >= Duration::from_secs(timeout) {
            let message = "deadline_exceeded: machine failed to reach desired state";
            return Turn::Done(Reply::error(408, message));
        }
        Turn::Wait
    }

    /// Whether a call is within the limits: one a second, three at once; looks five a second, ten at once.
    fn allow(&mut self, call: &Call, id: &str, action: &str, waited: Duration) -> Result<(), Reply> {
        self.authorise(call)?;
        let Some(second) = self.second_ms.filter(|_| waited.is_zero()) else { return Ok(()) };
        let now = self.now();
        let (each, burst) = if action == "get" { (second / 5, 10) } else { (second, 3) };
        let used = self.buckets.entry((id.to_owned(), action.to_owned())).or_insert(now);
        let start = (*used).max(now);
        if start - now >= each * burst && each > 0 {
            return Err(Reply { header: Some(("retry-after", "1")), ..Reply::error(429, "rate limit exceeded") });
        }
        *used = start + each;
        Ok(())
    }

    fn logs(&mut self, call: &Call, name: &str) -> Answer {
        const PAGE: usize = 50;
        let app = self.apps.get(name).ok_or_else(|| missing("app"))?;
        let from: usize = call.queries("next_token").first().and_then(|token| token.parse().ok()).unwrap_or_default();
        let page: Vec<_> = app.logs.iter().skip(from).take(PAGE).collect();
        let items = page.iter().map(|(at, message)| {
            let time = jiff::Timestamp::from_millisecond(i64::try_from(*at).unwrap()).unwrap().to_string();
            json!({ "id": time, "attributes": { "timestamp": time, "message": message, "level": "info" } })
        });
        let items: Vec<Value> = items.collect();
        ok(&json!({ "data": items, "meta": { "next_token": (from + page.len()).to_string() } }))
    }
}

/// Refuses to change a machine whose lease somebody else has.
fn free(machine: &Machine, call: &Call, now: u64) -> Result<(), Reply> {
    let Some(lease) = machine.lease.as_ref().filter(|_| machine.is_leased(now)) else { return Ok(()) };
    if call.nonce.as_ref() == Some(&lease.nonce) {
        return Ok(());
    }
    let until = jiff::Timestamp::from_millisecond(i64::try_from(lease.expires_ms).unwrap()).unwrap();
    let message = format!("failed to acquire lease, lease currently held by {}, expires at {until}", lease.owner);
    Err(Reply::error(409, message))
}

fn lease(machine: &mut Machine, call: &Call, now: u64, number: u64, owner: String) -> Answer {
    let held = machine.lease.clone().filter(|_| machine.is_leased(now));
    let json = |lease: &Lease| {
        let data = json!({
            "nonce": lease.nonce, "owner": lease.owner, "description": lease.description,
            "expires_at": lease.expires_ms / 1000,
        });
        json!({ "status": "success", "data": data })
    };
    if call.method == Method::GET {
        return held.map_or_else(|| Err(missing("lease")), |lease| ok(&json(&lease)));
    }
    if call.method == Method::DELETE {
        machine.lease = None;
        return ok(&json!({ "ok": true }));
    }
    let ttl: u64 = call.queries("ttl").first().and_then(|secs| secs.parse().ok()).unwrap_or(13);
    let expires_ms = now + ttl * 1000;
    let description = call.body["description"].as_str().unwrap_or_default().to_owned();
    let nonce = held.map_or_else(|| format!("{number:012x}"), |lease| lease.nonce);
    let lease = Lease { nonce, owner, description, expires_ms };
    let answer = json(&lease);
    machine.lease = Some(lease);
    ok(&answer)
}

fn no_room(region: &str) -> Result<(), Reply> {
    if region != "ful" {
        return Ok(());
    }
    let body = json!({ "error": "no capacity in region ful", "status": "insufficient_capacity" });
    Err(Reply::json(422, &body))
}

fn app_json(name: &str, app: &App) -> Value {
    json!({ "id": name, "name": name, "status": "deployed", "organization": { "slug": app.org } })
}

fn volume_json(volume: &Volume) -> Value {
    json!({
        "id": volume.id, "name": volume.name, "state": "created", "size_gb": volume.size_gb, "region": volume.region,
        "attached_machine_id": volume.machine, "host_status": "ok", "created_at": "2026-01-05T10:00:00Z",
    })
}
