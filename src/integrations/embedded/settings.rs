//! What the project file and the environment say of an embedded instance, resolved.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use helix_engine::service::settings::{EMBEDDING_VARS, EngineSettings};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::files::Files;
use super::launch::Launch;
use super::process::Session;

/// An embedded instance of a project.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its places.
    pub files: Files,
    /// The address to listen on.
    pub bind: IpAddr,
    /// The configured port.
    pub port: u16,
    /// The settings of the engine.
    pub engine: EngineSettings,
    /// What its process gets in its environment, on top of that of the command.
    pub env: BTreeMap<String, String>,
    /// How its health is asked for.
    pub health: HealthSettings,
    /// A directory with a short path, for the control socket of a deep project.
    pub short: PathBuf,
    /// How large a log file may grow, in bytes.
    pub log_max_len_bytes: u64,
    /// The least level that is logged.
    pub log_level: String,
}

/// How the health of an instance is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    /// The path that answers with a status below 400.
    pub path: String,
    /// How long a starting instance may take.
    pub timeout: Duration,
    /// Between two questions.
    pub interval: Duration,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self { path: "/healthz".to_owned(), timeout: Duration::from_secs(60), interval: Duration::from_secs(1) }
    }
}

impl Settings {
    /// The hash of all that a process has to be restarted for. The port is compared on its own; what is logged can wait for
    /// the next start.
    #[must_use]
    pub fn hash(&self) -> String {
        #[derive(Serialize)]
        struct Hashed<'a> {
            data: &'a std::path::Path,
            bind: IpAddr,
            engine: &'a EngineSettings,
            env: &'a BTreeMap<String, String>,
        }
        let hashed = Hashed { data: self.files.data(), bind: self.bind, engine: &self.engine, env: &self.env };
        let json = serde_json::to_vec(&hashed).unwrap_or_default();
        format!("sha256:{}", hex::encode(Sha256::digest(json)))
    }

    /// Where it listens when it has the port `port`.
    #[must_use]
    pub fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.bind, port)
    }

    /// What a process is started with.
    #[must_use]
    pub fn launch(&self, session: Session, port: u16, plan: PathBuf, digest: String) -> Launch {
        Launch {
            name: self.files.name().to_owned(),
            home: self.files.home().to_owned(),
            data: self.files.data().to_owned(),
            short: self.short.clone(),
            session,
            bind: self.bind,
            port,
            port_override: (port != self.port).then_some(port),
            plan,
            digest,
            allow_breaking: false,
            config_hash: self.hash(),
            engine: self.engine.clone(),
            log_max_len_bytes: self.log_max_len_bytes,
            log_level: self.log_level.clone(),
        }
    }
}

/// The address under which this machine reaches an instance that listens on `address`.
#[must_use]
pub fn url(address: SocketAddr) -> String {
    use std::net::{Ipv4Addr, Ipv6Addr};

    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
