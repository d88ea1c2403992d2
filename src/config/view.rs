//! What a project file comes to: every setting of an instance with its value, and where that is from.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use toml_edit::{Document, Item, TableLike};

use super::{
    BuildMode, Cloud, Config, Database, EnvPrecedence, EnvTable, FlyAuth, HealthTable, ImageRegistry, Instance, Local,
    Provider, RegistryAuth, RegistryKind, Runtime, cloud, looks_secret,
};

/// What stands for the value of a secret.
const HIDDEN: &str = "…";
/// Where a value is from that nobody wrote.
pub const BUILT_IN: &str = "default";

/// A setting, and where it is from.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Setting {
    /// The key: dotted, relative to what it is a setting of.
    pub key: String,
    /// The value; what looks like a secret is not in it.
    pub value: Value,
    /// The table that says so, as `local.dev` or `defaults`; `default` when none does.
    pub origin: String,
}

/// Where the table of an instance is: `local.dev`, `cloud.prod.fly`.
#[must_use]
pub fn table_of(text: &str, name: &str) -> Option<Vec<String>> {
    let document = Document::parse(text).ok()?;
    let path = |steps: &[&str]| Some(steps.iter().map(|step| (*step).to_owned()).collect());
    let find = |steps: &[&str]| find(document.as_table(), steps).and_then(Item::as_table_like);
    if let Some(providers) = find(&["cloud", name]) {
        let provider = cloud::PROVIDERS.into_iter().find(|provider| providers.contains_key(provider))?;
        return path(&["cloud", name, provider]);
    }
    ["local", "enterprise"].into_iter().find(|kind| find(&[kind, name]).is_some()).and_then(|kind| path(&[kind, name]))
}

/// Every setting of an instance, those first that its table says.
#[must_use]
pub fn instance(text: &str, config: &Config, name: &str) -> Vec<Setting> {
    let Some(found) = config.instances.get(name) else { return Vec::new() };
    let Ok(document) = Document::parse(text) else { return Vec::new() };
    let sources = sources(document.as_table(), text, name);
    let origin = |key: &str| {
        let steps: Vec<&str> = key.split('.').collect();
        // The port of one instance is never that of another.
        let looked_at = if key == "port" { sources.get(..1).unwrap_or_default() } else { &sources[..] };
        let said = looked_at.iter().find(|(_, table)| find(*table, &steps).is_some());
        said.map_or_else(|| BUILT_IN.to_owned(), |(path, _)| path.clone())
    };
    let values = values(found).into_iter().filter_map(|(key, value)| Some((key, value?)));
    values.map(|(key, value)| Setting { origin: origin(key), key: key.to_owned(), value }).collect()
}

/// What is written in a file of settings, flat.
///
/// # Errors
///
/// When the text is no TOML.
pub fn written(text: &str) -> Result<Vec<Setting>, toml_edit::TomlError> {
    let document = Document::parse(text)?;
    let mut all = Vec::new();
    flatten(document.as_table(), &[], &mut all);
    Ok(all)
}

/// A value of a file of settings as JSON; what looks like a secret is not in it.
#[must_use]
pub fn json_of(key: &str, item: &Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return table.iter().map(|(name, item)| (name.to_owned(), json_of(name, item))).collect();
    }
    match item {
        Item::Value(toml_edit::Value::String(text)) if looks_secret(key, text.value()) => HIDDEN.into(),
        Item::Value(toml_edit::Value::String(text)) => text.value().clone().into(),
        Item::Value(toml_edit::Value::Integer(number)) => (*number.value()).into(),
        Item::Value(toml_edit::Value::Float(number)) => (*number.value()).into(),
        Item::Value(toml_edit::Value::Boolean(flag)) => (*flag.value()).into(),
        Item::Value(toml_edit::Value::Datetime(time)) => time.value().to_string().into(),
        Item::Value(toml_edit::Value::Array(array)) => {
            array.iter().map(|value| json_of(key, &Item::Value(value.clone()))).collect()
        }
        Item::ArrayOfTables(tables) => tables.iter().map(|table| json_of(key, &Item::Table(table.clone()))).collect(),
        Item::Value(toml_edit::Value::InlineTable(_)) | Item::Table(_) | Item::None => Value::Null,
    }
}

fn flatten(table: &dyn TableLike, path: &[&str], all: &mut Vec<Setting>) {
    for (name, item) in table.iter() {
        let mut steps = path.to_vec();
        steps.push(name);
        match item {
            // What is within one line is one value.
            Item::Table(table) => flatten(table, &steps, all),
            Item::Value(_) | Item::ArrayOfTables(_) => {
                all.push(Setting { key: steps.join("."), value: json_of(name, item), origin: path.join(".") })
            }
            Item::None => {}
        }
    }
}

fn find<'t>(table: &'t dyn TableLike, steps: &[&str]) -> Option<&'t Item> {
    let (first, rest) = steps.split_first()?;
    let item = table.get(first)?;
    if rest.is_empty() { Some(item) } else { find(item.as_table_like()?, rest) }
}

/// The tables that an instance has its settings from, the nearest first.
fn sources<'t>(root: &'t dyn TableLike, text: &str, name: &str) -> Vec<(String, &'t dyn TableLike)> {
    let mut all: Vec<(String, &dyn TableLike)> = Vec::new();
    let mut next = Some(name.to_owned());
    let mut kind = "cloud";
    while let Some(path) = next.take().and_then(|name| table_of(text, &name)) {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(table) = find(root, &steps).and_then(Item::as_table_like) else { break };
        if all.is_empty() && path.first().is_some_and(|first| first == "local") {
            kind = "local";
        }
        next = table.get("extends").and_then(Item::as_str).map(str::to_owned);
        all.push((path.join("."), table));
    }
    for steps in [&["defaults", kind][..], &["defaults"]] {
        all.extend(find(root, steps).and_then(Item::as_table_like).map(|table| (steps.join("."), table)));
    }
    all
}

type Values = Vec<(&'static str, Option<Value>)>;

/// What the readers have made of the file: the keys are those of `docs/helix.toml`.
fn values(instance: &Instance) -> Values {
    let (mut all, mode, database, env, health) = match instance {
        Instance::Local(one) => (local(one), one.build_mode, &one.database, &one.env, &one.health),
        Instance::Cloud(one) => (elsewhere(one), one.build_mode, &one.database, &one.env, &one.health),
    };
    let mode = match mode {
        BuildMode::Dev => "dev",
        BuildMode::Release => "release",
    };
    all.push(("build_mode", Some(mode.into())));
    all.extend(self::database(database));
    all.extend(shared(env, health));
    all
}

fn local(local: &Local) -> Values {
    let runtime = match local.runtime {
        Runtime::Embedded => "embedded",
        Runtime::Docker => "docker",
        Runtime::Podman => "podman",
    };
    vec![
        ("port", Some(local.port.into())),
        ("bind", Some(local.bind.to_string().into())),
        ("runtime", Some(runtime.into())),
        ("data_dir", text(&local.data_dir)),
        ("memory", text(&local.memory)),
        ("cpus", local.cpus.map(Into::into)),
        ("restart", Some(local.restart.as_str().into())),
    ]
}

fn elsewhere(cloud: &Cloud) -> Values {
    match &cloud.provider {
        Provider::Helix(helix) => vec![
            ("cluster_id", text(&helix.cluster_id)),
            ("region", text(&helix.region)),
            ("env_vars", Some(variables(&helix.env_vars))),
        ],
        Provider::Fly(fly) => {
            let auth = match fly.auth_type {
                FlyAuth::Cli => "Cli",
                FlyAuth::ApiKey => "ApiKey",
            };
            vec![
                ("app", text(&fly.app)),
                ("org", Some(fly.org.as_str().into())),
                ("region", text(&fly.region)),
                ("vm_size", Some(fly.vm_size.as_str().into())),
                ("volume", text(&fly.volume)),
                ("volume_initial_size", Some(fly.volume_initial_size.into())),
                ("private", Some(fly.private.into())),
                ("auth_type", Some(auth.into())),
                ("strategy", Some(fly.strategy.as_str().into())),
                ("sign", Some(fly.sign.as_deref().unwrap_or("none").into())),
            ]
        }
        Provider::Registry(settings) => registry(settings),
        Provider::Enterprise(enterprise) => vec![
            ("cluster_id", Some(enterprise.cluster_id.as_str().into())),
            ("availability_mode", Some(enterprise.availability_mode.as_str().into())),
            ("gateway_node_type", Some(enterprise.gateway_node_type.as_str().into())),
            ("db_node_type", Some(enterprise.db_node_type.as_str().into())),
            ("min_instances", Some(enterprise.min_instances.into())),
            ("max_instances", Some(enterprise.max_instances.into())),
        ],
    }
}

fn registry(settings: &ImageRegistry) -> Values {
    let mut all = match &settings.kind {
        RegistryKind::Ecr {
            repository_name,
            region,
            registry_url,
            profile,
            scan_on_push,
            immutable_tags,
            lifecycle_keep,
        } => vec![
            ("repository_name", text(repository_name)),
            ("region", text(region)),
            ("registry_url", text(registry_url)),
            ("profile", text(profile)),
            ("scan_on_push", Some((*scan_on_push).into())),
            ("immutable_tags", Some((*immutable_tags).into())),
            ("lifecycle_keep", lifecycle_keep.map(Into::into)),
        ],
        RegistryKind::Ghcr { owner, registry, token_env, username_env, source_url } => vec![
            ("owner", Some(owner.as_str().into())),
            ("registry", Some(registry.as_str().into())),
            ("token_env", text(token_env)),
            ("username_env", Some(username_env.as_str().into())),
            ("source_url", text(source_url)),
        ],
        RegistryKind::DockerHub {
            namespace,
            repository,
            registry,
            token_env,
            username_env,
            private,
            create_repository,
        } => vec![
            ("namespace", Some(namespace.as_str().into())),
            ("repository", text(repository)),
            ("registry", Some(registry.as_str().into())),
            ("token_env", Some(token_env.as_str().into())),
            ("username_env", Some(username_env.as_str().into())),
            ("private", Some((*private).into())),
            ("create_repository", Some((*create_repository).into())),
        ],
    };
    let auth = match settings.auth_type {
        RegistryAuth::DockerConfig => "DockerConfig",
        RegistryAuth::Token => "Token",
        RegistryAuth::Cli => "Cli",
        RegistryAuth::Env => "Env",
    };
    let tool = |tool: &Option<String>| Some(tool.as_deref().unwrap_or("none").into());
    all.extend([
        ("image", text(&settings.image)),
        ("tags", Some(json!(settings.tags))),
        ("platforms", Some(json!(settings.platforms))),
        ("labels", Some(json!(settings.labels))),
        ("sign", tool(&settings.sign)),
        ("scan", tool(&settings.scan)),
        ("scan_fail_on", text(&settings.scan_fail_on)),
        ("auth_type", Some(auth.into())),
        ("plain_http", Some(settings.plain_http.into())),
        ("deploy_hook", text(&settings.deploy_hook)),
    ]);
    all
}

fn database(database: &Database) -> Values {
    vec![
        ("mcp", Some(database.mcp.into())),
        ("bm25", Some(database.bm25.into())),
        ("bm25_stemming", (!database.bm25_stemming.is_empty()).then(|| json!(database.bm25_stemming))),
        ("embedding_model", text(&database.embedding_model)),
        ("graphvis_node_label", text(&database.graphvis_node_label)),
        ("schema", text(&database.schema)),
        ("vector_config.m", Some(database.m.into())),
        ("vector_config.ef_construction", Some(database.ef_construction.into())),
        ("vector_config.ef_search", Some(database.ef_search.into())),
        ("vector_config.exact_below", database.exact_below.map(Into::into)),
        ("vector_config.db_max_size_gb", Some(database.db_max_size_gb.into())),
        ("graph_config.secondary_indices", Some(json!(database.secondary_indices))),
        ("security.api_key", database.api_key.map(Into::into)),
    ]
}

fn shared(env: &EnvTable, health: &HealthTable) -> Values {
    let precedence = match env.precedence {
        EnvPrecedence::Standard => "default",
        EnvPrecedence::V2 => "v2",
    };
    vec![
        ("env.set", Some(variables(&env.set))),
        ("env.forward", Some(json!(env.forward))),
        ("env.files", Some(json!(env.files))),
        ("env.precedence", Some(precedence.into())),
        ("health.path", Some(health.path.as_str().into())),
        ("health.timeout", Some(duration(health.timeout))),
        ("health.interval", Some(duration(health.interval))),
    ]
}

fn text(text: &Option<String>) -> Option<Value> {
    text.as_deref().map(Into::into)
}

fn variables(all: &BTreeMap<String, String>) -> Value {
    let shown = all.iter().map(|(name, value)| {
        let value = if looks_secret(name, value) { HIDDEN } else { value };
        (name.clone(), Value::from(value))
    });
    shown.collect()
}

/// As it is written in the file.
fn duration(duration: Duration) -> Value {
    let text = match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    };
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_instance_can_say_is_shown_with_where_it_is_from() {
        let text = include_str!("../../docs/helix.toml");
        let config = Config::parse("helix.toml", text).unwrap();
        let written = written(text).unwrap();
        for name in config.instances.keys() {
            let table = table_of(text, name).unwrap().join(".");
            let shown = instance(text, &config, name);
            for one in written.iter().filter(|one| one.key.starts_with(&format!("{table}."))) {
                let key = &one.key[table.len() + 1..];
                // The placeholder of a cluster is none.
                if key == "extends" || one.value == "YOUR_CLUSTER_ID" {
                    continue;
                }
                let found = shown.iter().find(|shown| shown.key == key).unwrap_or_else(|| panic!("{}", one.key));
                assert_eq!((&found.value, found.origin.as_str()), (&one.value, table.as_str()), "{}", one.key);
            }
        }
        let of = |name: &str, key: &str| {
            let found = instance(text, &config, name).into_iter().find(|one| one.key == key).unwrap();
            (found.value, found.origin)
        };
        assert_eq!(of("test", "memory"), (json!("2g"), "local.dev".to_owned()));
        assert_eq!(of("stage", "mcp"), (json!(false), "defaults.cloud".to_owned()));
        assert_eq!(of("stage", "bm25"), (json!(true), "defaults".to_owned()));
        assert_eq!(of("stage", "health.timeout"), (json!("60s"), BUILT_IN.to_owned()));
    }

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        let text =
            "[project]\nname = \"x\"\n[local.dev.env]\nset = { API_KEY = \"planted-secret\", LOG = \"plain\" }\n";
        let config = Config::parse("helix.toml", text).unwrap();
        let told = format!("{:?}{:?}", instance(text, &config, "dev"), written(text).unwrap());
        assert!(!told.contains("planted-secret") && told.contains("plain"), "{told}");
    }
}
