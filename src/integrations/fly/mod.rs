//! Instances at Fly.io: an app with one machine and one volume, through the Machines API. `flyctl` is not needed.
//!
//! [`Fly`] is the platform, [`FlyRegistry`] its registry. One process at a time may open the data, so that a release replaces the
//! one before in place: under the machine's lease, with the settings it has kept, put back when it does not get healthy
//! (`activate`). `api` has the calls, `machine` the configuration as a plain value, `history` what is noted at the machine.
//! What does not carry our metadata is refused, and never changed.

mod activate;
mod api;
mod auth;
mod error;
mod history;
mod lease;
mod lifecycle;
mod limit;
mod logs;
mod machine;
mod preflight;
mod provision;
mod registry;
mod status;
mod types;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

pub use auth::Surroundings;
pub use registry::FlyRegistry;

use self::api::Api;
use self::lease::Lease;
use super::container::Names;
use super::error::{Code, Result, TargetError};
use super::role::{
    Activated, Artifact, Desired, Finding, HealthGate, Identity, Lock, LogLine, LogQuery, Platform, Progress,
    Provisioned, Registry, RemoteRelease, RemoteStatus, SecretInfo,
};
use super::{Target, find};
use crate::config;
use crate::http;
use crate::registry::Repository;
use crate::registry::reference::is_loopback;

/// The name for people.
const TITLE: &str = "Fly.io";
const MACHINES: &str = "https://api.machines.dev";
const LOGS: &str = "https://api.fly.io";
const IMAGES: &str = "registry.fly.io";
/// How long a server may take to end.
const GRACE: Duration = Duration::from_secs(30);

/// How time is measured: tests are faster.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two looks.
    pub poll: Duration,
    /// The second of Fly.io's limits.
    pub second: Duration,
    /// How long a lease is waited for that somebody else has.
    pub patience: Duration,
    /// How long a machine may take to reach a state, where nothing else says so.
    pub deadline: Duration,
    /// How calls are made again.
    pub retry: http::Policy,
}

impl Default for Pace {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            poll: second,
            second,
            // As long as a lease that nobody extends, and a little.
            patience: Duration::from_secs(lease::TTL_SECS + 2),
            deadline: Duration::from_secs(60),
            retry: http::Policy::default(),
        }
    }
}

/// What the project says of an instance at Fly.io.
#[derive(Clone, Debug)]
struct Settings {
    /// The slug of the project.
    project: String,
    instance: String,
    app: String,
    org: String,
    region: Option<String>,
    vm_size: String,
    volume: String,
    volume_gb: u32,
    private: bool,
    strategy: String,
}

/// An instance at Fly.io.
#[derive(Clone, Debug)]
pub struct Fly {
    settings: Settings,
    api: Result<Arc<Api>>,
    registry: FlyRegistry,
}

impl Fly {
    /// An instance. A token that is not there or not usable is told by whatever needs one.
    #[must_use]
    pub fn new(
        fly: &config::Fly,
        names: &Names,
        around: Surroundings<'_>,
        client: &reqwest::Client,
        pace: Pace,
    ) -> Self {
        let volume = fly.volume.as_ref().map(|volume| volume.split(':').next().unwrap_or_default().to_owned());
        let settings = Settings {
            project: names.project().to_owned(),
            instance: names.instance().to_owned(),
            app: fly.app.clone().unwrap_or_else(|| names.app()),
            org: fly.org.clone(),
            region: fly.region.clone(),
            vm_size: fly.vm_size.clone(),
            volume: volume.unwrap_or_else(|| names.volume()),
            volume_gb: fly.volume_initial_size,
            private: fly.private,
            strategy: fly.strategy.clone(),
        };
        let set = |name: &str| around.env.get(name).filter(|value| !value.is_empty()).cloned();
        let token = auth::find(around, fly.auth_type);
        let service = |name: &str, usual: &str| base_url(name, &set(name).unwrap_or_else(|| usual.to_owned()));
        let api = token.clone().and_then(|token| {
            let bases = (service("FLY_FLAPS_BASE_URL", MACHINES)?, service("FLY_API_BASE_URL", LOGS)?);
            Api::new(client, bases, &settings.app, token, pace).map(Arc::new)
        });
        let host = set("FLY_REGISTRY_HOST").unwrap_or_else(|| IMAGES.to_owned());
        let repository = Repository { plain_http: is_loopback(&host), host, path: settings.app.clone() };
        let registry = FlyRegistry { http: client.clone(), repository, org: settings.org.clone(), token };
        Self { settings, api, registry }
    }

    fn api(&self) -> Result<&Arc<Api>> {
        self.api.as_ref().map_err(Clone::clone)
    }

    /// What a release is whose settings stay as they are.
    fn as_it_is(&self, release: &RemoteRelease) -> Desired {
        let deadline = self.api.as_ref().map_or(Duration::ZERO, |api| api.pace().deadline);
        Desired {
            release: release.id.clone(),
            hash: release.hash.clone().unwrap_or_default(),
            artifact: Artifact::Image(release.image.clone().unwrap_or_default()),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            labels: BTreeMap::new(),
            health: HealthGate { path: String::new(), interval: Duration::from_secs(1), deadline },
        }
    }

    async fn put_secrets(&self, api: &Api, values: &BTreeMap<String, Option<SecretString>>) -> Result<()> {
        let entry = |(name, value): (&String, &Option<SecretString>)| {
            (name.clone(), value.as_ref().map_or(Value::Null, |value| json!(value.expose_secret())))
        };
        api.set_secrets(&Value::Object(values.iter().map(entry).collect::<Map<_, _>>())).await
    }
}

#[async_trait]
impl Platform for Fly {
    fn target(&self) -> &'static Target {
        find("fly")
    }

    fn registry(&self) -> Option<&dyn Registry> {
        Some(&self.registry)
    }

    async fn whoami(&self) -> Result<Identity> {
        let api = self.api()?;
        Ok(Identity { account: self.account(api).await?, source: api.token().source.clone() })
    }

    async fn preflight(&self) -> Vec<Finding> {
        self.find_out().await
    }

    async fn provision(&self) -> Result<Provisioned> {
        self.provide().await
    }

    async fn status(&self) -> Result<RemoteStatus> {
        self.look().await
    }

    /// The lease of the machine; before there is one, nothing can be held.
    async fn lock(&self, owner: &str) -> Result<Option<Box<dyn Lock>>> {
        let api = self.api()?;
        match self.machine(api).await? {
            Some(machine) => Ok(Some(Box::new(Lease::take(api, &machine.id, owner).await?))),
            None => Ok(None),
        }
    }

    async fn activate(&self, desired: &Desired, rollback: bool, progress: &dyn Progress) -> Result<Activated> {
        self.deploy(desired, rollback, progress).await
    }

    async fn start(&self) -> Result<()> {
        self.wake().await
    }

    async fn stop(&self) -> Result<()> {
        self.rest().await
    }

    async fn restart(&self) -> Result<()> {
        self.renew().await
    }

    async fn logs(&self, query: &LogQuery) -> Result<BoxStream<'static, Result<LogLine>>> {
        logs::lines(self.api()?, query).await
    }

    async fn releases(&self) -> Result<Vec<RemoteRelease>> {
        let machine = self.machine(self.api()?).await?;
        Ok(machine.as_ref().map(history::releases).unwrap_or_default())
    }

    async fn rollback(&self, to: &RemoteRelease, progress: &dyn Progress) -> Result<Activated> {
        self.run_again(to, progress).await
    }

    async fn secrets(&self) -> Result<Vec<SecretInfo>> {
        let secrets = self.api()?.secrets().await?.secrets;
        let info = |secret: types::Secret| SecretInfo {
            name: secret.name,
            digest: secret.digest,
            updated_at: secret.updated_at,
        };
        Ok(secrets.into_iter().map(info).collect())
    }

    async fn set_secrets(&self, values: &BTreeMap<String, Option<SecretString>>) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        self.put_secrets(self.api()?, values).await
    }

    async fn things(&self) -> Result<Vec<String>> {
        self.list_things().await
    }

    async fn destroy(&self, with_data: bool) -> Result<Vec<String>> {
        self.remove(with_data).await
    }
}

/// The address of a service. Plain HTTP stays on this machine, or in the private network of Fly.io.
fn base_url(variable: &str, text: &str) -> Result<Url> {
    let failed = |code, message: String| Err(TargetError::new(code, TITLE, format!("use `{variable}`"), message));
    let Ok(url) = Url::parse(text) else { return failed(Code::Invalid, format!("`{text}` is no address")) };
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "https" || is_loopback(host) || host.ends_with(".internal") {
        return Ok(url);
    }
    failed(Code::Insecure, format!("the token would go to {host} without encryption"))
        .map_err(|error| error.hint("use https"))
}
