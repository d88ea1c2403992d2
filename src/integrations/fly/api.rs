//! The Machines API, call by call: addresses, bodies, answers. Decides nothing.
//!
//! Source: <https://docs.machines.dev>. The nonces of leases that this process holds go along by themselves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::auth::Token;
use super::error::{failed, without};
use super::limit::{Action, Limits};
use super::types::{
    Address, AddressKind, Addresses, App, LeaseAnswer, LeaseData, LogPage, Machine, Regions, Secrets, Volume,
};
use super::{Pace, TITLE};
use crate::http::{self, Call, segment};
use crate::integrations::error::{Code, Result, TargetError};

const NONCE: HeaderName = HeaderName::from_static("fly-machine-lease-nonce");
const REQUEST_ID: HeaderName = HeaderName::from_static("fly-request-id");
/// How long a machine that was made may be unknown to parts of the service.
const EVENTUALLY: Duration = Duration::from_secs(5);
/// The longest that the service waits in one call, in seconds.
pub(super) const MAX_WAIT_SECS: u64 = 60;

/// The calls about one app.
#[derive(Debug)]
pub(super) struct Api {
    machines: http::Api,
    logs: http::Api,
    app: String,
    token: Token,
    limits: Limits,
    pace: Pace,
    /// The nonces of the leases that are held, by machine.
    nonces: Mutex<HashMap<String, HeaderValue>>,
    /// The machine that was made just now.
    made: Mutex<Option<(String, Instant)>>,
}

impl Api {
    /// The calls about `app`. `machines` and `logs` are the services' addresses.
    pub(super) fn new(
        client: &reqwest::Client,
        (machines, logs): (Url, Url),
        app: &str,
        token: Token,
        pace: Pace,
    ) -> Result<Self> {
        let header = token.header()?;
        let service = |base: Url| {
            http::Api::new(client.clone(), base)
                .header(AUTHORIZATION, header.clone(), true)
                .request_id(REQUEST_ID)
                .policy(pace.retry)
        };
        Ok(Self {
            machines: service(machines),
            logs: service(logs),
            app: app.to_owned(),
            limits: Limits::new(pace.second),
            token,
            pace,
            nonces: Mutex::default(),
            made: Mutex::default(),
        })
    }

    /// The token, and where it is from.
    pub(super) const fn token(&self) -> &Token {
        &self.token
    }

    /// How time is measured.
    pub(super) const fn pace(&self) -> Pace {
        self.pace
    }

    // The app.

    pub(super) async fn app(&self) -> Result<App> {
        self.fetch("look at the app", self.machines.get(&self.path(""))).await
    }

    /// Whether the token may see an organisation.
    pub(super) async fn organisation(&self, org: &str) -> Result<()> {
        let call = self.machines.get("/v1/apps").query("org_slug", org);
        self.bytes("look at the organisation", call).await.map(drop)
    }

    pub(super) async fn create_app(&self, org: &str) -> Result<()> {
        // The service has had both names for the name.
        let body = json!({ "name": self.app, "app_name": self.app, "org_slug": org });
        let action = "make the app";
        let call = self.body(action, self.machines.post("/v1/apps?wait=true"), &body)?;
        self.bytes(action, call).await.map(drop)
    }

    pub(super) async fn delete_app(&self) -> Result<()> {
        self.bytes("remove the app", self.machines.delete(&self.path(""))).await.map(drop)
    }

    pub(super) async fn regions(&self) -> Result<Regions> {
        self.fetch("look at the regions", self.machines.get("/v1/platform/regions")).await
    }

    pub(super) async fn addresses(&self) -> Result<Vec<Address>> {
        let answer: Addresses =
            self.fetch("look at the addresses", self.machines.get(&self.path("/ip_assignments"))).await?;
        Ok(answer.ips)
    }

    pub(super) async fn add_address(&self, kind: AddressKind) -> Result<()> {
        let action = "add an address";
        let call = self.machines.post(&self.path("/ip_assignments"));
        let call = self.body(action, call, &json!({ "type": kind.name() }))?;
        self.bytes(action, call).await.map(drop)
    }

    pub(super) async fn remove_address(&self, ip: &str) -> Result<()> {
        let path = self.path(&format!("/ip_assignments/{}", segment(ip)));
        self.bytes("remove an address", self.machines.delete(&path)).await.map(drop)
    }

    pub(super) async fn volumes(&self) -> Result<Vec<Volume>> {
        let volumes: Option<Vec<Volume>> =
            self.fetch("look at the volumes", self.machines.get(&self.path("/volumes"))).await?;
        Ok(volumes.unwrap_or_default().into_iter().filter(Volume::is_alive).collect())
    }

    pub(super) async fn create_volume(&self, name: &str, region: &str, size_gb: u32) -> Result<Volume> {
        let action = "make the volume";
        let body = json!({
            "name": name, "region": region, "size_gb": size_gb, "encrypted": true, "auto_backup_enabled": true,
        });
        let call = self.body(action, self.machines.post(&self.path("/volumes")), &body)?;
        self.fetch(action, call).await
    }

    pub(super) async fn delete_volume(&self, id: &str) -> Result<()> {
        let path = self.path(&format!("/volumes/{}", segment(id)));
        self.bytes("remove the volume", self.machines.delete(&path)).await.map(drop)
    }

    pub(super) async fn secrets(&self) -> Result<Secrets> {
        self.fetch("look at the secrets", self.machines.get(&self.path("/secrets"))).await
    }

    /// Sets secrets, and removes those that are `null`. May be sent twice: what it sets is then set already.
    pub(super) async fn set_secrets(&self, values: &Value) -> Result<()> {
        let action = "set secrets";
        let call = self.machines.post(&self.path("/secrets")).repeatable();
        let call = self.body(action, call, &json!({ "values": values }))?;
        let texts = || values.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
        self.bytes(action, call).await.map(drop).map_err(|mut error| {
            // An answer may quote what it does not like.
            error.message = without(&error.message, texts());
            error
        })
    }

    // Machines.

    pub(super) async fn machines(&self) -> Result<Vec<Machine>> {
        let machines: Option<Vec<Machine>> =
            self.fetch("look at the machines", self.machines.get(&self.path("/machines"))).await?;
        Ok(machines.unwrap_or_default())
    }

    pub(super) async fn machine(&self, id: &str) -> Result<Machine> {
        let action = "look at the machine";
        let call = || Ok(self.machines.get(&self.of(id, "")));
        self.json(action, &self.about(id, Action::Get, action, call).await?)
    }

    pub(super) async fn create(&self, body: &Value) -> Result<Machine> {
        let action = "make the machine";
        self.limits.take("", Action::Create).await;
        let call = self.body(action, self.machines.post(&self.path("/machines")), body)?;
        let machine: Machine = self.fetch(action, call).await?;
        self.note(&machine.id);
        Ok(machine)
    }

    /// Remembers that a machine is new: not everybody may know it yet.
    pub(super) fn note(&self, id: &str) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some((id.to_owned(), Instant::now()));
    }

    /// Replaces the whole configuration of a machine.
    pub(super) async fn update(&self, id: &str, body: &Value) -> Result<Machine> {
        let action = "update the machine";
        let call = || self.body(action, self.machines.post(&self.of(id, "")), body);
        self.json(action, &self.about(id, Action::Update, action, call).await?)
    }

    /// Waits until a machine has one of the states, at most so long; `false` when it has not. `version` is its `instance_id`.
    pub(super) async fn wait(&self, id: &str, states: &[&str], version: Option<&str>, limit: Duration) -> Result<bool> {
        let action = "wait for the machine";
        self.limits.take(id, Action::Wait).await;
        let secs = limit.as_secs().clamp(1, MAX_WAIT_SECS);
        let mut call = self.machines.get(&self.of(id, "/wait")).query("timeout", &secs.to_string());
        for state in states {
            call = call.query("state", state);
        }
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            call = call.query("version", version);
        }
        let patience = Duration::from_secs(secs + 15);
        match call.accept(StatusCode::REQUEST_TIMEOUT).within(patience).send().await {
            Ok(answer) => Ok(answer.status() != StatusCode::REQUEST_TIMEOUT),
            Err(error) => match self.failed(action, &error) {
                error if error.code == Code::NotFound && self.is_new(id) => Ok(false),
                error => Err(error),
            },
        }
    }

    pub(super) async fn start(&self, id: &str) -> Result<()> {
        self.act(id, "/start", Action::Start, "start the machine", &json!({})).await
    }

    pub(super) async fn stop(&self, id: &str, grace: Duration) -> Result<()> {
        let body = json!({ "signal": "SIGTERM", "timeout": format!("{}s", grace.as_secs()) });
        self.act(id, "/stop", Action::Stop, "stop the machine", &body).await
    }

    pub(super) async fn restart(&self, id: &str, grace: Duration) -> Result<()> {
        let path = format!("/restart?force_stop=false&timeout={}s", grace.as_secs());
        self.act(id, &path, Action::Restart, "restart the machine", &json!({})).await
    }

    /// Takes a machine out of what the proxy sends requests to.
    pub(super) async fn cordon(&self, id: &str) -> Result<()> {
        self.act(id, "/cordon", Action::Cordon, "take the machine out of service", &json!({})).await
    }

    pub(super) async fn uncordon(&self, id: &str) -> Result<()> {
        self.act(id, "/uncordon", Action::Cordon, "put the machine into service", &json!({})).await
    }

    pub(super) async fn set_metadata(&self, id: &str, key: &str, value: &str) -> Result<()> {
        let path = format!("/metadata/{}", segment(key));
        self.act(id, &path, Action::Metadata, "note the release at the machine", &json!({ "value": value })).await
    }

    pub(super) async fn destroy(&self, id: &str) -> Result<()> {
        let action = "remove the machine";
        let call = || Ok(self.machines.delete(&self.of(id, "?kill=true")));
        self.about(id, Action::Destroy, action, call).await?;
        // From now on, that it is not found is true.
        self.made.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    // The lease of a machine.

    /// Takes the lease of a machine for so many seconds. `description` tells it from those of others.
    pub(super) async fn take_lease(&self, id: &str, ttl_secs: u64, description: &str) -> Result<()> {
        let action = "take the lease of the machine";
        let taken = match self.post_lease(id, ttl_secs, description).await {
            // It may be ours all the same: the answer was lost.
            Err(error) if error.code == Code::Upstream => {
                let found = self.lease(id).await?;
                found.filter(|lease| lease.description == description && !lease.nonce.is_empty()).ok_or(error)?
            }
            taken => taken?,
        };
        let mut nonce = HeaderValue::from_str(&taken.nonce)
            .map_err(|_| TargetError::new(Code::Upstream, TITLE, action, "its nonce cannot be sent back"))?;
        nonce.set_sensitive(true);
        self.nonces().insert(id.to_owned(), nonce);
        Ok(())
    }

    /// Keeps a lease that is held for as many seconds more.
    pub(super) async fn refresh_lease(&self, id: &str, ttl_secs: u64, description: &str) -> Result<()> {
        self.post_lease(id, ttl_secs, description).await.map(drop)
    }

    async fn post_lease(&self, id: &str, ttl_secs: u64, description: &str) -> Result<LeaseData> {
        let action = "take the lease of the machine";
        let body = json!({ "ttl": ttl_secs, "description": description });
        let path = self.of(id, &format!("/lease?ttl={ttl_secs}"));
        let call = || self.body(action, self.machines.post(&path), &body);
        let answer: LeaseAnswer = self.json(action, &self.about(id, Action::Lease, action, call).await?)?;
        Ok(answer.data)
    }

    async fn lease(&self, id: &str) -> Result<Option<LeaseData>> {
        let call = self.machines.get(&self.of(id, "/lease"));
        match self.fetch::<LeaseAnswer>("look at the lease of the machine", call).await {
            Ok(answer) => Ok(Some(answer.data)),
            Err(error) if error.code == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a lease back that is held.
    pub(super) async fn release_lease(&self, id: &str) -> Result<()> {
        let action = "give the lease of the machine back";
        let call = || Ok(self.machines.delete(&self.of(id, "/lease")));
        let released = self.about(id, Action::Lease, action, call).await;
        self.nonces().remove(id);
        match released {
            // Gone with its machine, or by itself.
            Err(error) if error.code == Code::NotFound => Ok(()),
            released => released.map(drop),
        }
    }

    /// Whether this process holds the lease of a machine.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.nonces().contains_key(id)
    }

    fn nonces(&self) -> std::sync::MutexGuard<'_, HashMap<String, HeaderValue>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Logs.

    pub(super) async fn log_page(&self, token: &str) -> Result<LogPage> {
        let mut call = self.logs.get(&format!("/api/v1/apps/{}/logs", segment(&self.app)));
        if !token.is_empty() {
            call = call.query("next_token", token);
        }
        self.fetch("read the log", call).await
    }

    // How calls are made.

    fn path(&self, rest: &str) -> String {
        format!("/v1/apps/{}{rest}", segment(&self.app))
    }

    fn of(&self, id: &str, rest: &str) -> String {
        self.path(&format!("/machines/{}{rest}", segment(id)))
    }

    async fn act(&self, id: &str, rest: &str, kind: Action, action: &str, body: &Value) -> Result<()> {
        let path = self.of(id, rest);
        // Done twice, each of them is as done once.
        let call = || self.body(action, self.machines.call(Method::POST, &path).repeatable(), body);
        self.about(id, kind, action, call).await.map(drop)
    }

    /// Makes a call about a machine, within its limits and with the nonce of its lease.
    async fn about<'a>(
        &self,
        id: &str,
        kind: Action,
        action: &str,
        call: impl Fn() -> Result<Call<'a>> + Send + Sync,
    ) -> Result<Bytes> {
        loop {
            self.limits.take(id, kind).await;
            let mut call = call()?;
            let nonce = self.nonces().get(id).cloned();
            if let Some(nonce) = nonce {
                call = call.header(NONCE, nonce);
            }
            match self.bytes(action, call).await {
                Err(error) if error.code == Code::NotFound && self.is_new(id) => {
                    tokio::time::sleep(self.pace.poll).await;
                }
                answered => return answered,
            }
        }
    }

    fn is_new(&self, id: &str) -> bool {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.as_ref().is_some_and(|(made, at)| made == id && at.elapsed() < EVENTUALLY)
    }

    fn body<'a>(&self, action: &str, call: Call<'a>, body: &Value) -> Result<Call<'a>> {
        call.json(body).map_err(|error| self.failed(action, &error))
    }

    async fn fetch<T: DeserializeOwned>(&self, action: &str, call: Call<'_>) -> Result<T> {
        call.fetch().await.map_err(|error| self.failed(action, &error))
    }

    async fn bytes(&self, action: &str, call: Call<'_>) -> Result<Bytes> {
        call.bytes().await.map_err(|error| self.failed(action, &error))
    }

    fn json<T: DeserializeOwned>(&self, action: &str, body: &Bytes) -> Result<T> {
        serde_json::from_slice(body).map_err(|error| {
            TargetError::new(Code::Upstream, TITLE, action, format!("the answer cannot be understood: {error}"))
        })
    }

    fn failed(&self, action: &str, error: &http::HttpError) -> TargetError {
        let mut failed = failed(action, error, &self.app, &self.token.source);
        failed.message = without(&failed.message, [self.token.secret().expose_secret()]);
        failed
    }
}
