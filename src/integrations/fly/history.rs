//! Which releases ran, kept in the metadata of the machine: what is written down elsewhere can be lost.
//!
//! The release that the configuration is of is in `helix_release`; those before it, each seen healthy, have an entry
//! `helix_release_ID` each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Settings;
use super::machine::metadata_of;
use super::types::Machine;
use crate::integrations::container::names;
use crate::integrations::role::{Desired, RemoteRelease};

/// The slug of the project, and the instance: what our machine is found by.
pub(super) const PROJECT: &str = "helix_project";
pub(super) const INSTANCE: &str = "helix_instance";
/// The release, and what it was asked for with.
pub(super) const RELEASE: &str = "helix_release";
const HASH: &str = "helix_config_hash";
/// Tells whether a call that sent a configuration was carried out.
pub(super) const LAUNCH: &str = "helix_launch_id";
/// The release that was seen healthy last.
pub(super) const CONFIRMED: &str = "helix_confirmed";
/// The count of changes of secrets that the release was made with.
const SECRETS: &str = "helix_secrets_version";
/// What entries of earlier releases begin with.
const EARLIER: &str = "helix_release_";
/// How many earlier releases are kept.
const KEPT: usize = 10;

/// An entry of an earlier release.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    image: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

/// The metadata of a configuration that runs `desired` in place of `earlier`.
pub(super) fn metadata(earlier: Option<&Value>, settings: &Settings, desired: &Desired, secrets_version: u64) -> Value {
    let mut metadata = remembering(earlier, &desired.release);
    let labels = desired.labels.iter().filter_map(|(name, value)| Some((name.strip_prefix("dev.helix.")?, value)));
    for (name, value) in labels {
        metadata.insert(format!("helix_{}", name.replace(['-', '.'], "_")), value.clone());
    }
    let ours = [
        ("fly_platform_version", "v2"),
        ("fly_process_group", "app"),
        (PROJECT, &settings.project),
        (INSTANCE, &settings.instance),
        (RELEASE, &desired.release),
        (HASH, &desired.hash),
        (LAUNCH, &desired.release),
    ];
    for (name, value) in ours {
        metadata.insert(name.to_owned(), value.to_owned());
    }
    metadata.insert(SECRETS.to_owned(), secrets_version.to_string());
    json!(metadata)
}

/// The entry of the release that ran, if it was seen healthy and is not `next`.
fn remembering(earlier: Option<&Value>, next: &str) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    let Some(earlier) = earlier else { return entries };
    let metadata = metadata_of(earlier);
    if let Some(release) = confirmed(&metadata).filter(|release| *release != next) {
        let entry = Entry { image: image(earlier), hash: metadata.get(HASH).cloned() };
        entries.extend(serde_json::to_string(&entry).map(|entry| (format!("{EARLIER}{release}"), entry)));
    }
    entries
}

/// Drops entries of the release that runs now, and the oldest ones.
pub(super) fn prune(config: &mut Value) {
    let Some(metadata) = config["metadata"].as_object_mut() else { return };
    let current = metadata.get(RELEASE).and_then(Value::as_str).map(|release| format!("{EARLIER}{release}"));
    let mut keys: Vec<String> = metadata.keys().filter(|key| key.starts_with(EARLIER)).cloned().collect();
    // Releases are ULIDs: in the order of time.
    keys.sort_by(|one, other| other.cmp(one));
    let (own, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| Some(key) == current.as_ref());
    for key in own.iter().chain(others.iter().skip(KEPT)) {
        metadata.remove(key);
    }
}

/// The configuration of an earlier release: its image with the present settings. No hash describes that.
pub(super) fn going_back(config: &Value, to: &RemoteRelease, launch: &str) -> Option<Value> {
    let mut next = config.clone();
    for (key, value) in remembering(Some(config), &to.id) {
        next["metadata"][key] = json!(value);
    }
    next["image"] = json!(to.image.as_ref()?);
    next["metadata"][RELEASE] = json!(to.id);
    next["metadata"].as_object_mut()?.remove(HASH);
    prune(&mut next);
    Some(launched(next, launch))
}

/// A configuration with another launch.
pub(super) fn launched(mut config: Value, launch: &str) -> Value {
    config["metadata"][LAUNCH] = json!(launch);
    config
}

/// Which call the configuration of a machine is of.
pub(super) fn launch(machine: &Machine) -> Option<String> {
    metadata_of(&machine.config).remove(LAUNCH)
}

/// Whether a machine is that of the instance.
pub(super) fn is_of(machine: &Machine, settings: &Settings) -> bool {
    let metadata = metadata_of(&machine.config);
    metadata.get(PROJECT) == Some(&settings.project) && metadata.get(INSTANCE) == Some(&settings.instance)
}

/// Whether the release of a machine was seen healthy.
pub(super) fn is_confirmed(machine: &Machine) -> bool {
    confirmed(&metadata_of(&machine.config)).is_some()
}

/// The count of changes of secrets that the release of a machine was made with.
pub(super) fn secrets_version(machine: &Machine) -> u64 {
    metadata_of(&machine.config).get(SECRETS).and_then(|version| version.parse().ok()).unwrap_or_default()
}

fn confirmed(metadata: &BTreeMap<String, String>) -> Option<&str> {
    let release = metadata.get(RELEASE)?;
    (metadata.get(CONFIRMED)? == release).then_some(release)
}

fn image(config: &Value) -> String {
    config["image"].as_str().unwrap_or_default().to_owned()
}

/// The release that a machine has.
pub(super) fn current(machine: &Machine) -> RemoteRelease {
    let metadata = metadata_of(&machine.config);
    let label = machine.image_ref.as_ref().and_then(|image| image.labels.get(names::RELEASE));
    let id = metadata.get(RELEASE).or(label).unwrap_or(&machine.instance_id);
    release(id, image(&machine.config), metadata.get(HASH).cloned(), true)
}

/// The releases that a machine knows, newest first.
pub(super) fn releases(machine: &Machine) -> Vec<RemoteRelease> {
    let mut releases = vec![current(machine)];
    for (key, value) in metadata_of(&machine.config) {
        let Some(id) = key.strip_prefix(EARLIER) else { continue };
        if let Ok(entry) = serde_json::from_str::<Entry>(&value) {
            releases.push(release(id, entry.image, entry.hash, false));
        }
    }
    releases.sort_by(|one, other| other.id.cmp(&one.id));
    releases
}

/// The release to go back to when that of the machine fails: the newest of those before it.
pub(super) fn before(machine: &Machine) -> Option<RemoteRelease> {
    releases(machine).into_iter().find(|release| !release.current)
}

fn release(id: &str, image: String, hash: Option<String>, current: bool) -> RemoteRelease {
    let image = Some(image).filter(|image| !image.is_empty());
    RemoteRelease { id: id.to_owned(), created_at: created_at(id), image, hash, current }
}

/// The time that is in a ULID.
fn created_at(id: &str) -> Option<String> {
    let millis = i64::try_from(ulid::Ulid::from_string(id).ok()?.timestamp_ms()).ok()?;
    jiff::Timestamp::from_millisecond(millis).ok().map(|time| time.to_string())
}
