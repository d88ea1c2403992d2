//! What stands in for each target, and how an instance gets there.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helix::integrations::aws::Aws;
use helix::integrations::helix::mock::{CLUSTER, Mock, USER_KEY};
use helix::integrations::oci::Surroundings;
use helix::ops::cloud::mock::compiler_check;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::docker::{Cli, DOCKER, PODMAN, Podman};
use crate::support::fly_mock::{Behaviour, FlyMock, TOKEN};
use crate::support::free_port;
use crate::support::moto::Moto;
use crate::support::registry::{Login, Proxy, Registry, Seen};

/// A credential that must be nowhere.
pub const PLANTED: &str = "planted-credential";

/// What stands in for a target.
pub struct StandIn {
    /// What is typed after `helix init`.
    pub init: &'static [&'static str],
    /// The port of an instance of this machine.
    pub port: u16,
    /// More of the table of the instance.
    pub settings: String,
    /// The variables of the tool.
    pub env: Vec<(&'static str, String)>,
    /// What has the images that are pushed, where the target takes one.
    pub images: Option<Cli>,
    /// What was called since it was last asked.
    pub calls: Box<dyn Fn() -> Vec<String>>,
    /// The action that removes images, where another stand-in than the one that has them is asked for it.
    pub removes_with: Option<&'static str>,
    /// What must live as long.
    alive: Vec<Box<dyn Any>>,
}

impl StandIn {
    /// One that needs nothing and sees nothing.
    pub fn of(init: &'static [&'static str]) -> Self {
        Self {
            init,
            port: free_port(),
            settings: String::new(),
            env: Vec::new(),
            images: None,
            calls: Box::new(Vec::new),
            removes_with: None,
            alive: Vec::new(),
        }
    }
}

pub fn embedded(_: &Runtime) -> Option<StandIn> {
    Some(StandIn::of(&["local"]))
}

pub fn docker(_: &Runtime) -> Option<StandIn> {
    DOCKER.answers().then(|| StandIn { images: Some(DOCKER), ..StandIn::of(&["local", "--runtime", "docker"]) })
}

pub fn podman(_: &Runtime) -> Option<StandIn> {
    let service = Podman::service()?;
    let own = StandIn::of(&["local", "--runtime", "podman"]);
    Some(StandIn { images: Some(PODMAN), alive: vec![Box::new(service)], ..own })
}

pub fn helix_cloud(runtime: &Runtime) -> Option<StandIn> {
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let mock = Mock::new(listener.local_addr().unwrap(), compiler_check());
    runtime.spawn(mock.clone().serve(listener, std::future::pending()));
    let env = vec![("HELIX_CLOUD_ENDPOINT", mock.base().to_owned()), ("HELIX_CLOUD_TOKEN", USER_KEY.to_owned())];
    let seen = AtomicUsize::new(0);
    let calls = move || {
        let journal = mock.journal();
        let before = seen.swap(journal.len(), Ordering::SeqCst);
        let text = |entry: &serde_json::Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        journal.iter().skip(before).map(|entry| format!("{} {}", text(entry, "method"), text(entry, "path"))).collect()
    };
    let own = StandIn::of(&["cloud", "--cluster-id", CLUSTER]);
    Some(StandIn { env, calls: Box::new(calls), ..own })
}

pub fn fly(runtime: &Runtime) -> Option<StandIn> {
    if !DOCKER.answers() {
        return None;
    }
    let registry = runtime.block_on(Registry::start(Login::Open))?;
    let proxy = Arc::new(runtime.block_on(Proxy::start(&registry.host, Vec::new())));
    let mock = FlyMock::start();
    // What is pushed goes to the registry beside it.
    mock.state().any_image = Some(Behaviour::Good);
    let env = vec![
        ("FLY_API_TOKEN", TOKEN.to_owned()),
        ("FLY_FLAPS_BASE_URL", mock.url()),
        ("FLY_API_BASE_URL", mock.url()),
        ("FLY_REGISTRY_HOST", proxy.host.clone()),
    ];
    let calls = move || {
        let own = mock.take_journal().into_iter().map(|call| format!("{} {}", call.method, call.path));
        own.chain(seen(&proxy)).collect()
    };
    let own = StandIn::of(&["fly", "--region", "fra"]);
    Some(StandIn { env, images: Some(DOCKER), calls: Box::new(calls), alive: vec![Box::new(registry)], ..own })
}

/// A registry with a password, seen through a proxy.
fn registry(runtime: &Runtime, init: &'static [&'static str], login: Login<'_>, key: &str) -> Option<StandIn> {
    if !DOCKER.answers() {
        return None;
    }
    let registry = runtime.block_on(Registry::start(login))?;
    let proxy = runtime.block_on(Proxy::start(&registry.host, Vec::new()));
    let settings = format!("{key} = \"{}\"", proxy.host);
    let calls = Box::new(move || seen(&proxy));
    Some(StandIn { settings, images: Some(DOCKER), calls, alive: vec![Box::new(registry)], ..StandIn::of(init) })
}

pub fn ghcr(runtime: &Runtime) -> Option<StandIn> {
    let login = Login::Password("acme", PLANTED);
    let env = vec![("GHCR_TOKEN", PLANTED.to_owned()), ("GITHUB_ACTOR", "acme".to_owned())];
    Some(StandIn { env, ..registry(runtime, &["ghcr", "--owner", "acme"], login, "registry")? })
}

pub fn docker_hub(runtime: &Runtime) -> Option<StandIn> {
    let login = Login::Password("acme", PLANTED);
    let env = vec![("DOCKERHUB_TOKEN", PLANTED.to_owned()), ("DOCKERHUB_USERNAME", "acme".to_owned())];
    Some(StandIn { env, ..registry(runtime, &["docker-hub", "--namespace", "acme"], login, "registry")? })
}

pub fn ecr(runtime: &Runtime) -> Option<StandIn> {
    let moto = runtime.block_on(Moto::start())?;
    let api = Arc::new(runtime.block_on(Proxy::start(moto.url.trim_start_matches("http://"), Vec::new())));
    let env = vec![
        ("AWS_ENDPOINT_URL", format!("http://{}", api.host)),
        ("AWS_ACCESS_KEY_ID", "AKIAPLANTED".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", PLANTED.to_owned()),
    ];
    // The registry that holds the images has the password that AWS's stand-in gives.
    let http = helix::http::client(None).unwrap();
    let pairs = env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let home = std::env::temp_dir();
    let aws = Aws::new(Surroundings { env: pairs, home, http }, Some("eu-west-1"), None);
    let service = "AmazonEC2ContainerRegistry_V20150921";
    let token = runtime.block_on(aws.json("ecr", service, "GetAuthorizationToken", &json!({}))).unwrap();
    let token = STANDARD.decode(token["authorizationData"][0]["authorizationToken"].as_str().unwrap()).unwrap();
    let token = String::from_utf8(token).unwrap();
    let (user, password) = token.split_once(':').unwrap();
    let login = Login::Password(user, password);
    let mut own = registry(runtime, &["ecr", "--region", "eu-west-1"], login, "registry_url")?;
    let of_registry = std::mem::replace(&mut own.calls, Box::new(Vec::new));
    own.calls = Box::new(move || of_registry().into_iter().chain(seen(&api)).collect());
    own.alive.push(Box::new(moto));
    Some(StandIn { env, removes_with: Some(".BatchDeleteImage"), ..own })
}

/// What went through a proxy: an action of AWS by its name.
fn seen(proxy: &Proxy) -> Vec<String> {
    let shown = |call: Seen| format!("{} {}", call.method, call.action.unwrap_or(call.path));
    proxy.seen().into_iter().map(shown).collect()
}
