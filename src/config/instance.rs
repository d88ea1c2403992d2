//! What every kind of instance can say: the database, its environment, its health.

use std::collections::BTreeMap;
use std::time::Duration;

use frostem::Algorithm;

use super::reader::{Reader, Section};

/// The settings of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Links a vector keeps on each level.
    pub m: u32,
    /// Candidates looked at when a vector is inserted.
    pub ef_construction: u32,
    /// Candidates looked at when vectors are searched.
    pub ef_search: u32,
    /// Vectors of a type below which a search compares them all.
    pub exact_below: Option<u32>,
    /// How large the database may grow, in GiB.
    pub db_max_size_gb: u64,
    /// Fields that are indexed although the schema does not say so.
    pub secondary_indices: Vec<String>,
    /// Whether the MCP endpoints are open.
    pub mcp: bool,
    /// Whether the text index is kept.
    pub bm25: bool,
    /// In which language the words of a node type are brought to their stems, by its name.
    pub bm25_stemming: BTreeMap<String, String>,
    /// A schema, as v2 carries it.
    pub schema: Option<String>,
    /// The model that turns text into vectors.
    pub embedding_model: Option<String>,
    /// The field that labels nodes in graph views.
    pub graphvis_node_label: Option<String>,
    /// Whether requests need a key; by default everywhere but on this machine.
    pub api_key: Option<bool>,
}

/// Which source of a variable wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnvPrecedence {
    /// `--env-file`, the process, `.env.<instance>`, `<queries>/.env`, `.env`, `env.set`.
    #[default]
    Standard,
    /// `<queries>/.env`, the process, `.env`.
    V2,
}

/// What an instance gets in its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvTable {
    /// Variables with their values.
    pub set: BTreeMap<String, String>,
    /// Variables that are taken from the environment of the command.
    pub forward: Vec<String>,
    /// More files of variables.
    pub files: Vec<String>,
    /// Which source wins.
    pub precedence: EnvPrecedence,
}

/// How the health of an instance is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthTable {
    /// The path.
    pub path: String,
    /// How long it may take to become healthy.
    pub timeout: Duration,
    /// Between two questions.
    pub interval: Duration,
}

/// How generated servers are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildMode {
    /// Quick to build, open to inspection.
    Dev,
    /// Quick to run.
    Release,
}

/// An integer whose range fits the type.
fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(super) fn database(section: &Section<'_>, reader: &Reader<'_>) -> Database {
    let vector = section.section("vector_config");
    let m = vector.integer("m", 2..=128, 16);
    let ef_construction = vector.integer("ef_construction", 1..=4096, 128);
    if ef_construction < m {
        let span = vector.span_of("ef_construction");
        vector.invalid(
            "ef_construction",
            span,
            &format!("is {ef_construction}, must be at least `m`, which is {m}"),
            None,
        );
    }
    let ef_search = vector.integer("ef_search", 1..=8192, 768);
    let exact_below = vector.optional_integer("exact_below", 0..=10_000_000);
    let size = vector.integer("db_max_size_gb", 1..=9998, 20);
    vector.finish();
    let graph = section.section("graph_config");
    let secondary_indices = graph.strings("secondary_indices");
    if let Some(first) = secondary_indices.first() {
        let message = "`secondary_indices` has no effect: the schema says which fields are indexed".to_owned();
        let hint = format!("write `INDEX {}: …` in the schema, and leave this out", first.value);
        reader.warning("W-CFG-NO-EFFECT", first.span.clone(), message, Some(hint));
    }
    let secondary_indices = secondary_indices.into_iter().map(|name| name.value).collect();
    graph.finish();
    let security = section.section("security");
    let api_key = security.optional_boolean("api_key");
    security.finish();
    Database {
        m: small(m),
        ef_construction: small(ef_construction),
        ef_search: small(ef_search),
        exact_below: exact_below.map(|number| small(number.value)),
        db_max_size_gb: u64::try_from(size).unwrap_or(1),
        secondary_indices,
        mcp: section.boolean("mcp", true),
        bm25: section.boolean("bm25", true),
        bm25_stemming: stemming(section),
        schema: section.string("schema").map(|text| text.value),
        embedding_model: embedding_model(section),
        graphvis_node_label: section.string("graphvis_node_label").map(|text| text.value),
        api_key,
    }
}

fn stemming(section: &Section<'_>) -> BTreeMap<String, String> {
    let mut languages = BTreeMap::new();
    for (node, language) in section.map("bm25_stemming") {
        match Algorithm::from_name(&language.value) {
            Ok(algorithm) => {
                languages.insert(node, algorithm.name().to_owned());
            }
            Err(_) => {
                let names: Vec<&str> = Algorithm::all().iter().map(|algorithm| algorithm.name()).collect();
                let hint = Some(format!("write one of {}", names.join(", ")));
                let what = format!("has the unknown language `{}` for `{node}`", language.value);
                section.invalid("bm25_stemming", language.span, &what, hint);
            }
        }
    }
    languages
}

fn embedding_model(section: &Section<'_>) -> Option<String> {
    const PROVIDERS: [&str; 3] = ["openai", "gemini", "azure_openai"];
    let found = section.string("embedding_model")?;
    if let Some((provider, _)) = found.value.split_once(':').filter(|(_, rest)| !rest.starts_with("//"))
        && !PROVIDERS.contains(&provider)
    {
        let hint = Some("write `openai:MODEL`, `gemini:MODEL`, `azure_openai:MODEL` or `local`".to_owned());
        section.invalid("embedding_model", found.span, &format!("has the unknown provider `{provider}`"), hint);
        return None;
    }
    Some(found.value)
}

pub(super) fn env(section: &Section<'_>, reader: &Reader<'_>) -> EnvTable {
    let env = section.section("env");
    let mut set = BTreeMap::new();
    for (name, value) in env.map("set") {
        check_env_name(&env, "set", &name, &value.span);
        if looks_secret(&name, &value.value) {
            let hint = Some(format!("put `{name}` into `.env` and forward it with `env.forward = [\"{name}\"]`"));
            let message = format!("`{}.set.{name}` looks like a secret", env.path());
            reader.warning("W-CFG-SECRET", value.span, message, hint);
        }
        set.insert(name, value.value);
    }
    let forward = env.strings("forward");
    for name in &forward {
        check_env_name(&env, "forward", &name.value, &name.span);
    }
    let table = EnvTable {
        set,
        forward: forward.into_iter().map(|name| name.value).collect(),
        files: env.strings("files").into_iter().map(|file| file.value).collect(),
        precedence: env
            .choice("precedence", &[("default", EnvPrecedence::Standard), ("v2", EnvPrecedence::V2)])
            .unwrap_or_default(),
    };
    env.finish();
    table
}

pub(super) fn check_env_name(section: &Section<'_>, key: &str, name: &str, span: &std::ops::Range<usize>) {
    let valid = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !valid {
        let hint = Some("names have capitals, digits and `_`".to_owned());
        section.invalid(key, span.clone(), &format!("has the invalid name `{name}`"), hint);
    }
}

/// Whether a variable of that name and value should not be in a file that is committed.
#[must_use]
pub fn looks_secret(name: &str, value: &str) -> bool {
    let secret = ["KEY", "TOKEN", "SECRET", "PASSWORD"].iter().any(|word| name.split('_').any(|part| part == *word));
    secret && value.len() >= 12 && !value.contains("${")
}

pub(super) fn health(section: &Section<'_>) -> HealthTable {
    let health = section.section("health");
    let path = match health.string("path") {
        None => "/healthz".to_owned(),
        Some(path) if path.value.starts_with('/') => path.value,
        Some(path) => {
            health.invalid("path", path.span, "must begin with `/`", None);
            "/healthz".to_owned()
        }
    };
    let table = HealthTable {
        path,
        timeout: health.duration("timeout", Duration::from_secs(60)),
        interval: health.duration("interval", Duration::from_secs(1)),
    };
    health.finish();
    table
}

/// `debug` was a mode once; it is told what replaced it.
pub(super) fn build_mode(section: &Section<'_>, default: BuildMode) -> BuildMode {
    if let Some(found) = section.string("build_mode")
        && found.value == "debug"
    {
        let hint = Some("write `build_mode = \"dev\"`".to_owned());
        section.invalid("build_mode", found.span, "`debug` does not exist any more", hint);
        return default;
    }
    section.choice("build_mode", &[("dev", BuildMode::Dev), ("release", BuildMode::Release)]).unwrap_or(default)
}
