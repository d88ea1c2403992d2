//! The tables about images and releases: `[build]`, `[deploy]`, `[scan]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reader::Section;

/// The `[build]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildTable {
    /// The network of a build: `default`, `host` or `none`.
    pub network: Option<String>,
    /// More certificates to trust while building.
    pub ca_bundle: Option<String>,
    /// A cargo configuration to build with.
    pub cargo_config: Option<String>,
    /// The image to build in.
    pub builder_image: Option<String>,
    /// The image to run in.
    pub runtime_image: Option<String>,
    /// Where the engine's sources come from.
    pub engine_source: Option<String>,
    /// A cache to build from.
    pub cache_from: Option<String>,
    /// A cache to fill.
    pub cache_to: Option<String>,
    /// Secrets of a build: their name, and the variable that holds them.
    pub secrets: Vec<(String, String)>,
    /// Build arguments; `env` takes the value from the environment.
    pub build_args: BTreeMap<String, String>,
}

/// The `[deploy]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployTable {
    /// How releases replace each other.
    pub strategy: Option<String>,
    /// How long a deployment may take.
    pub timeout: Duration,
    /// How long a new release is watched.
    pub soak: Option<Duration>,
    /// Whether images must be signed.
    pub require_signature: bool,
    /// How health is judged.
    pub health: DeployHealth,
}

/// The `[deploy.health]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployHealth {
    /// The path.
    pub path: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// Between two questions.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long nothing counts after a start.
    pub grace: Duration,
    /// How many good answers in a row are needed.
    pub success: u32,
    /// How many bad answers in a row are too many.
    pub failure: u32,
    /// How long it may take altogether.
    pub deadline: Duration,
    /// Queries that must answer.
    pub smoke: Vec<String>,
}

/// The `[scan]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanTable {
    /// Where the advisories are.
    pub advisory_db: Option<String>,
}

pub(super) fn build(section: &Section<'_>) -> BuildTable {
    let text = |key: &str| section.string(key).map(|found| found.value);
    let network = section.choice("network", &[("default", "default"), ("host", "host"), ("none", "none")]);
    let table = BuildTable {
        network: network.map(str::to_owned),
        ca_bundle: text("ca_bundle"),
        cargo_config: text("cargo_config"),
        builder_image: text("builder_image"),
        runtime_image: text("runtime_image"),
        engine_source: text("engine_source"),
        cache_from: text("cache_from"),
        cache_to: text("cache_to"),
        secrets: section.pairs("secrets", "id", "env"),
        build_args: section.map("build_args").into_iter().map(|(name, value)| (name, value.value)).collect(),
    };
    section.finish();
    table
}

pub(super) fn deploy(section: &Section<'_>) -> DeployTable {
    let health = section.section("health");
    let times = |key: &str, default: i64| u32::try_from(health.integer(key, 1..=100, default)).unwrap_or(1);
    let judged = DeployHealth {
        path: health.string("path").map(|path| path.value),
        port: health.optional_integer("port", 1..=65_535).and_then(|port| u16::try_from(port.value).ok()),
        interval: health.duration("interval", Duration::from_secs(2)),
        timeout: health.duration("timeout", Duration::from_secs(2)),
        grace: health.duration("grace", Duration::from_secs(10)),
        success: times("success", 2),
        failure: times("failure", 3),
        deadline: health.duration("deadline", Duration::from_secs(300)),
        smoke: health.strings("smoke").into_iter().map(|query| query.value).collect(),
    };
    health.finish();
    let soak = section.has_own("soak").then(|| section.duration("soak", Duration::from_secs(10)));
    let table = DeployTable {
        strategy: section.string("strategy").map(|strategy| strategy.value),
        timeout: section.duration("timeout", Duration::from_secs(300)),
        soak,
        require_signature: section.boolean("require_signature", false),
        health: judged,
    };
    // Asked for above only when it is there.
    let _ = section.span_of("soak");
    section.finish();
    table
}

pub(super) fn scan(section: &Section<'_>) -> ScanTable {
    let table = ScanTable { advisory_db: section.string("advisory_db").map(|path| path.value) };
    section.finish();
    table
}
