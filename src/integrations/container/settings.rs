//! What the project file and the environment say of an instance in a container, resolved.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;

use super::names::Names;
use crate::docker::containers::Restart;
use crate::docker::{Environment, Runtime};
use crate::integrations::embedded;

/// An instance in a container.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What every instance of this machine has. Its variables are those that the container gets in the open.
    pub local: embedded::settings::Settings,
    /// The variables that the server reads from a file, so that nobody sees them who looks at the container.
    pub hidden: BTreeMap<String, String>,
    /// What its things are called.
    pub names: Names,
    /// What runs it.
    pub runtime: Runtime,
    /// What else may run it, when that does not answer.
    pub otherwise: Option<Runtime>,
    /// Where that listens.
    pub environment: Environment,
    /// The memory that it may use.
    pub memory_bytes: Option<i64>,
    /// The processors that it may use.
    pub cpus: Option<f64>,
    /// When it is started again.
    pub restart: Restart,
}

impl Settings {
    /// `uid:gid` of whoever owns the data, so that the data stays theirs. A rootless runtime shows its own user as root.
    #[must_use]
    pub fn user(&self, rootless: bool) -> String {
        if rootless {
            return "0:0".to_owned();
        }
        match std::fs::metadata(self.local.files.data()) {
            Ok(metadata) => format!("{}:{}", metadata.uid(), metadata.gid()),
            Err(_) => format!("{}:{}", rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw()),
        }
    }

    /// The environment of the server: what it is told, and what the project gives it in the open.
    #[must_use]
    pub fn server_env(&self) -> BTreeMap<String, String> {
        let local = &self.local;
        let settings = serde_json::to_string(&local.engine).unwrap_or_default();
        let mut env = local.env.clone();
        let told = [
            ("HELIX_BIND", "0.0.0.0"),
            ("HELIX_PORT", &super::PORT.to_string()),
            ("HELIX_DATA_DIR", super::DATA),
            ("HELIX_INSTANCE", local.files.name()),
            ("HELIX_PROJECT", self.names.project()),
            ("HELIX_SETTINGS", &settings),
            ("HELIX_LOG", &local.log_level),
            ("HELIX_LOG_FORMAT", "json"),
        ];
        env.extend(told.map(|(name, value)| (name.to_owned(), value.to_owned())));
        if !self.hidden.is_empty() {
            env.insert("HELIX_ENV_FILE".to_owned(), super::VARIABLES.to_owned());
        }
        env
    }
}

/// Reads `512m`, `2g`, `1024k` or bytes.
#[must_use]
pub fn bytes(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_two() {
        assert_eq!(bytes("512m"), Some(512 << 20));
        assert_eq!(bytes("2g"), Some(2 << 30));
        assert_eq!(bytes("100"), Some(100));
        assert_eq!(bytes("1t"), None);
        assert_eq!(bytes("99999999999g"), None);
    }
}
