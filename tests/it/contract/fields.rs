//! The fields of the documents under `--json`: those of every target, and those that a target may add.

use std::collections::BTreeSet;

use serde_json::Value;

/// A document: its name, the fields that are always there, and those that some targets have.
struct Document {
    name: &'static str,
    always: &'static [&'static str],
    sometimes: &'static [&'static str],
}

/// What is known of an instance of this machine that was started.
const STARTED: &[&str] = &["pid", "container", "url", "port", "data_dir", "health", "reconfigured"];

const DOCUMENTS: [Document; 12] = [
    Document {
        name: "plan",
        always: &["instance", "provider", "changes", "action", "class", "schema", "queries", "builds_image", "digest"],
        sometimes: &["previous_release", "previous_digest", "url", "port", "downtime", "known", "findings", "previous"],
    },
    Document {
        name: "push",
        always: &["instance", "provider", "changed", "release", "digest", "plan", "rolled_back", "duration_ms"],
        sometimes: &[
            "previous_release",
            "url",
            "port",
            "pid",
            "container",
            "image",
            "tags",
            "uploaded_bytes",
            "health",
        ],
    },
    Document {
        name: "status",
        always: &["name", "provider", "state", "ports", "drift", "data_bytes"],
        sometimes: &[
            "health",
            "url",
            "pid",
            "container",
            "image",
            "restarts",
            "mode",
            "started_at",
            "release",
            "released_at",
            "digest",
            "last_error",
        ],
    },
    Document { name: "releases", always: &["instance", "provider", "releases"], sometimes: &[] },
    Document {
        name: "release",
        always: &["id", "created_at", "current", "available"],
        sometimes: &["image", "git_revision", "message", "outcome"],
    },
    Document { name: "stop", always: &["instances"], sometimes: &[] },
    Document {
        name: "stopped",
        always: &["instance", "provider", "changed", "killed"],
        sometimes: &["pid", "container"],
    },
    Document { name: "start", always: &["instance", "provider", "changed"], sometimes: STARTED },
    Document { name: "restart", always: &["instance", "provider", "changed"], sometimes: STARTED },
    Document { name: "logs", always: &["instance", "lines"], sometimes: &[] },
    Document { name: "rollback", always: &["instance", "provider", "from", "to"], sometimes: &["image", "url"] },
    Document {
        name: "delete",
        always: &["instance", "provider", "removed", "data_kept", "config_kept"],
        sometimes: &["things", "dry_run"],
    },
];

/// It has the fields of its name, none else, and none that is `null`.
#[track_caller]
pub fn check(name: &str, data: &Value) {
    let document = DOCUMENTS.iter().find(|document| document.name == name).unwrap();
    let object = data.as_object().unwrap_or_else(|| panic!("{name} is no object: {data}"));
    let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    let always: BTreeSet<&str> = document.always.iter().copied().collect();
    let known: BTreeSet<&str> = document.always.iter().chain(document.sometimes).copied().collect();
    let missing: Vec<_> = always.difference(&found).collect();
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{name}: {missing:?} missing, {unknown:?} unknown: {data}");
    let null: Vec<_> = object.iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key).collect();
    assert!(null.is_empty(), "{name}: {null:?} are null: {data}");
}
