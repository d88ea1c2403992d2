//! The container of an instance, as a plain value.

use std::net::SocketAddr;

use sha2::{Digest as _, Sha256};

use super::settings::Settings;
use super::{DATA, GRACE_SECS, PORT, SERVER, VARIABLES, compose, names};
use crate::docker::Labels;
use crate::docker::containers::ContainerSpec;

/// What of a container differs from one start to the next.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Its name.
    pub name: String,
    /// The id of its image.
    pub image: String,
    /// The port of this machine.
    pub port: u16,
    /// Its network.
    pub network: String,
    /// The release.
    pub release: String,
    /// The digest of the plan that it serves.
    pub plan: String,
    /// Whether it may lose stored data when it starts.
    pub allow_breaking: bool,
}

/// What of the runtime matters for a container.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// It runs as an ordinary user.
    pub rootless: bool,
    /// It labels folders for SELinux: Podman does.
    pub relabel: bool,
}

/// The container of an instance.
#[must_use]
pub fn container(settings: &Settings, host: Host, placement: &Placement) -> ContainerSpec {
    let mut spec = bare(settings, host);
    spec.name.clone_from(&placement.name);
    spec.image.clone_from(&placement.image);
    spec.network.clone_from(&placement.network);
    spec.published = SocketAddr::new(settings.local.bind, placement.port);
    spec.labels = settings.names.labels();
    let mut label = |name: &str, value: &str| spec.labels.insert(name.to_owned(), value.to_owned());
    label(names::RELEASE, &placement.release);
    label(names::PLAN, &placement.plan);
    label(names::CONFIG_HASH, &config_hash(settings, host));
    if placement.port != settings.local.port {
        label(names::PORT_OVERRIDE, &placement.port.to_string());
    }
    if placement.allow_breaking {
        spec.env.insert("HELIX_ALLOW_BREAKING".to_owned(), "1".to_owned());
    }
    spec
}

/// The hash of all that a container has to be made anew for, except for its image and its port.
#[must_use]
pub fn config_hash(settings: &Settings, host: Host) -> String {
    let mut spec = bare(settings, host);
    // What is logged can wait for the next start.
    spec.env.remove("HELIX_LOG");
    let json = serde_json::to_vec(&(spec.body(), &settings.hidden)).unwrap_or_default();
    format!("sha256:{}", hex::encode(Sha256::digest(json)))
}

fn bare(settings: &Settings, host: Host) -> ContainerSpec {
    let local = &settings.local;
    ContainerSpec {
        name: String::new(),
        image: String::new(),
        labels: Labels::new(),
        env: settings.server_env(),
        secrets: (!settings.hidden.is_empty()).then(|| (compose::paths(local.files.home()).1, VARIABLES.to_owned())),
        user: settings.user(host.rootless),
        published: SocketAddr::new(local.bind, 0),
        port: PORT,
        data: local.files.data().to_owned(),
        data_inside: DATA.to_owned(),
        relabel: host.relabel,
        network: String::new(),
        restart: settings.restart,
        memory_bytes: settings.memory_bytes,
        #[expect(clippy::cast_possible_truncation, reason = "a number of processors is small")]
        nano_cpus: settings.cpus.map(|cpus| (cpus * 1e9) as i64),
        healthcheck: vec![SERVER.to_owned(), "health".to_owned()],
        grace_secs: i64::from(GRACE_SECS),
    }
}
