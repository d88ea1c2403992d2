//! The configuration of an image of ours as everyone gets it: no trace of when and where it was built, so that the same inputs
//! have the same digest on every machine and by every builder.
//!
//! Source: OCI image specification 1.1, "Image Configuration", and the fields that Docker adds to it (`Healthcheck`, `Shell`,
//! `OnBuild`, `ArgsEscaped`).

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::registry::error::{RegistryError, Result};

/// The label of images that helix builds.
const MANAGED: &str = "dev.helix.managed";
/// The label that says which folder of which machine an image was built from: of no use elsewhere.
const ROOT: &str = "dev.helix.root";
/// The label with the time that an image is of.
const CREATED: &str = "org.opencontainers.image.created";
/// The time of images that have none.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// What a configuration says of the image as a whole. The rest is of the builder: `container`, `docker_version`, ….
const OF_THE_IMAGE: [&str; 6] = ["architecture", "variant", "os", "os.version", "os.features", "author"];
/// What it says of how the image runs. The rest is of the container that built it: `Hostname`, `Image`, ….
const OF_THE_RUN: [&str; 13] = [
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "Healthcheck",
    "Shell",
    "OnBuild",
    "ArgsEscaped",
];

/// The configuration that is published for `config`; that of an image that helix did not build stays as it is.
///
/// # Errors
///
/// [`RegistryError::Image`] when it is no configuration.
pub(super) fn canonical(config: Bytes) -> Result<Bytes> {
    let broken =
        |error: serde_json::Error| RegistryError::Image(format!("its configuration is not as it should be: {error}"));
    let from: Value = serde_json::from_slice(&config).map_err(broken)?;
    if from["config"]["Labels"][MANAGED] != "true" {
        return Ok(config);
    }
    let created = from["config"]["Labels"][CREATED].as_str().unwrap_or(EPOCH);
    let mut to = Map::from_iter([("created".to_owned(), json!(created))]);
    to.extend(kept(&from, &OF_THE_IMAGE));
    let mut run = Map::from_iter(kept(&from["config"], &OF_THE_RUN));
    if let Some(labels) = run.get_mut("Labels").and_then(Value::as_object_mut) {
        labels.remove(ROOT);
        labels.sort_keys();
    }
    to.insert("config".to_owned(), Value::Object(run));
    to.insert("rootfs".to_owned(), json!({ "type": "layers", "diff_ids": from["rootfs"]["diff_ids"] }));
    let history = from["history"].as_array().into_iter().flatten().map(|step| {
        let mut to = Map::from_iter([("created".to_owned(), json!(created))]);
        to.extend(kept(step, &["empty_layer"]));
        Value::Object(to)
    });
    to.insert("history".to_owned(), history.collect());
    Ok(Value::Object(to).to_string().into())
}

/// The fields of an object that are there and say something, in the order of `names`.
fn kept(from: &Value, names: &[&str]) -> Vec<(String, Value)> {
    let says_something = |value: &&Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), from.get(*name).filter(says_something)?.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(by: &str) -> Bytes {
        let labels = json!({ MANAGED: "true", ROOT: by, "dev.helix.project": "app" });
        let config = match by {
            "classic" => json!({
                "architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z", "container": "1a2b",
                "docker_version": "20.10", "container_config": { "Hostname": "1a2b" },
                "config": { "Hostname": "1a2b", "Domainname": "", "User": "1:1", "Env": ["A=1"], "Cmd": null,
                    "Image": "sha256:parent", "Labels": labels, "Tty": false },
                "rootfs": { "type": "layers", "diff_ids": ["sha256:one"] },
                "history": [{ "created": "2026-01-02T03:04:05Z", "created_by": "/bin/sh -c #(nop) COPY", "comment": "" }],
            }),
            _ => json!({
                "config": { "Labels": labels, "Env": ["A=1"], "User": "1:1", "OnBuild": null }, "architecture": "amd64",
                "os": "linux", "created": "2026-05-06T07:08:09Z", "moby.buildkit.buildinfo.v1": "x", "variant": "",
                "rootfs": { "type": "layers", "diff_ids": ["sha256:one"] },
                "history": [{ "created": "2026-05-06T07:08:09Z", "created_by": "COPY", "comment": "buildkit" }],
            }),
        };
        config.to_string().into()
    }

    #[test]
    fn builders_and_machines_leave_no_trace() {
        let config = canonical(built("classic")).unwrap();
        assert_eq!(config, canonical(built("buildkit")).unwrap());
        insta::assert_snapshot!(
            serde_json::to_string_pretty(&serde_json::from_slice::<Value>(&config).unwrap()).unwrap()
        );
    }

    #[test]
    fn images_of_others_stay_as_they_are() {
        let config = Bytes::from_static(br#"{ "config": { "Labels": null, "Image": "x" } }"#);
        assert_eq!(canonical(config.clone()).unwrap(), config);
        assert!(canonical(Bytes::from_static(b"no")).is_err());
    }
}
