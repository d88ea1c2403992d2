//! The configuration of the machine, as a plain value: what is there already with what is ours laid over it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{GRACE, Settings, TITLE, history};
use crate::integrations::container::{DATA, PORT};
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::{Desired, HealthGate};

/// The name of our check.
const CHECK: &str = "helix";
/// How often a program that fails is started again.
const RESTARTS: u32 = 10;

/// The size of a machine, in the words of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guest {
    cpu_kind: &'static str,
    cpus: u32,
    memory_mb: u32,
    gpu_kind: Option<&'static str>,
}

impl Guest {
    /// The size of that name: those of `fly platform vm-sizes`.
    ///
    /// # Errors
    ///
    /// [`Code::Invalid`] when there is none, with those there are.
    pub(super) fn parse(size: &str) -> Result<Self> {
        const GPUS: [(&str, &str); 4] =
            [("a10", "a10"), ("a100-40gb", "a100-pcie-40gb"), ("a100-80gb", "a100-sxm4-80gb"), ("l40s", "l40s")];
        const CPUS: [(&str, &str, &[u32], u32); 2] = [
            ("shared-cpu-", "shared", &[1, 2, 4, 6, 8], 256),
            ("performance-", "performance", &[1, 2, 4, 6, 8, 10, 12, 14, 16], 2048),
        ];
        if let Some((_, gpu)) = GPUS.iter().find(|(name, _)| *name == size) {
            return Ok(Self { cpu_kind: "performance", cpus: 8, memory_mb: 32_768, gpu_kind: Some(gpu) });
        }
        for (prefix, cpu_kind, allowed, memory_mb) in CPUS {
            let cpus = size.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('x')?.parse().ok());
            if let Some(cpus) = cpus.filter(|cpus| allowed.contains(cpus)) {
                return Ok(Self { cpu_kind, cpus, memory_mb: memory_mb * cpus, gpu_kind: None });
            }
        }
        let message = format!("there is no size `{size}` of machines");
        Err(TargetError::new(Code::Invalid, TITLE, "use `vm_size`", message)
            .hint("set `vm_size` to one such as `shared-cpu-1x`, `shared-cpu-4x`, `performance-2x`, `a10`"))
    }

    fn json(&self) -> Value {
        let mut guest = json!({ "cpu_kind": self.cpu_kind, "cpus": self.cpus, "memory_mb": self.memory_mb });
        if let Some(kind) = self.gpu_kind {
            guest["gpu_kind"] = json!(kind);
        }
        guest
    }
}

/// The configuration that runs a release: `earlier` is what the machine has now.
///
/// # Errors
///
/// When the settings name a size that there is not.
pub(super) fn config(
    earlier: Option<&Value>,
    settings: &Settings,
    desired: &Desired,
    image: &str,
    volume: &str,
    secrets_version: u64,
) -> Result<Value> {
    let mut config = earlier.cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let ours = json!({
        "guest": Guest::parse(&settings.vm_size)?.json(),
        "image": image,
        "restart": { "policy": "on-failure", "max_retries": RESTARTS },
        "stop_config": { "signal": "SIGTERM", "timeout": format!("{}s", GRACE.as_secs()) },
        "checks": { CHECK: check(&desired.health) },
        "metadata": history::metadata(earlier, settings, desired, secrets_version),
    });
    overlay(&mut config, ours);
    history::prune(&mut config);
    // These are ours as a whole: what is not wanted any more goes.
    config["env"] = json!(desired.env);
    config["mounts"] = mounts(&config, volume);
    config["services"] = services(&config, settings.private);
    Ok(config)
}

fn check(health: &HealthGate) -> Value {
    let secs = |duration: std::time::Duration| format!("{}s", duration.as_secs().max(1));
    let interval = health.interval.clamp(std::time::Duration::from_secs(2), std::time::Duration::from_secs(15));
    json!({
        "type": "http", "port": PORT, "path": health.path, "method": "get",
        "interval": secs(interval), "timeout": "2s", "grace_period": "5s",
    })
}

fn mounts(config: &Value, volume: &str) -> Value {
    let mut mounts = config["mounts"].as_array().cloned().unwrap_or_default();
    match mounts.iter_mut().find(|mount| mount["path"] == DATA) {
        Some(mount) => overlay(mount, json!({ "volume": volume })),
        None => mounts.push(json!({ "volume": volume, "path": DATA })),
    }
    Value::Array(mounts)
}

/// The services of the machine; ours is the one with our port, and there when the instance has public addresses.
fn services(config: &Value, is_private: bool) -> Value {
    let is_ours = |service: &Value| service["internal_port"] == PORT;
    let mut services = config["services"].as_array().cloned().unwrap_or_default();
    let place = services.iter().position(is_ours);
    if is_private {
        services.retain(|service| !is_ours(service));
        return Value::Array(services);
    }
    let ours = json!({
        "protocol": "tcp", "internal_port": PORT, "autostop": "off", "autostart": true, "min_machines_running": 1,
        "ports": [
            { "port": 443, "handlers": ["tls", "http"] },
            { "port": 80, "handlers": ["http"], "force_https": true },
        ],
        "concurrency": { "type": "requests", "soft_limit": 200, "hard_limit": 1000 },
    });
    match place {
        Some(place) => overlay(&mut services[place], ours),
        None => services.push(ours),
    }
    Value::Array(services)
}

/// Lays an object over another: what only the one below has stays.
fn overlay(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                overlay(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

/// The metadata of a configuration: texts by name.
pub(super) fn metadata_of(config: &Value) -> BTreeMap<String, String> {
    let metadata = config["metadata"].as_object();
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    metadata.into_iter().flatten().filter_map(text).collect()
}

/// The body of a call that makes a machine or updates one.
pub(super) fn launch(config: Value, region: Option<&str>, secrets_version: u64) -> Value {
    let mut body = Map::new();
    body.insert("config".to_owned(), config);
    if let Some(region) = region {
        body.insert("region".to_owned(), json!(region));
    }
    if secrets_version > 0 {
        body.insert("min_secrets_version".to_owned(), json!(secrets_version));
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_service() {
        let guest = |size| Guest::parse(size).map(|guest| (guest.cpus, guest.memory_mb)).ok();
        assert_eq!(guest("shared-cpu-4x"), Some((4, 1024)));
        assert_eq!(guest("performance-16x"), Some((16, 32_768)));
        assert_eq!(guest("a100-40gb"), Some((8, 32_768)));
        for wrong in ["shared-cpu-3x", "shared-cpu-4", "performance-0x", "huge"] {
            assert_eq!(guest(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_ours_stays() {
        let mut below = json!({ "a": { "b": 1, "c": 2 }, "list": [1, 2], "d": null });
        overlay(&mut below, json!({ "a": { "b": 3 }, "list": [4], "d": { "e": 5 } }));
        assert_eq!(below, json!({ "a": { "b": 3, "c": 2 }, "list": [4], "d": { "e": 5 } }));
        let services =
            services(&json!({ "services": [{ "internal_port": 1 }, { "internal_port": PORT, "x": 1 }] }), false);
        assert_eq!((&services[0], &services[1]["x"]), (&json!({ "internal_port": 1 }), &json!(1)));
        let private = super::services(&json!({ "services": services }), true);
        assert_eq!(private, json!([{ "internal_port": 1 }]));
    }
}
