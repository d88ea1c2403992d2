//! `helix.toml`: typed, checked in one pass, every problem with its place.
//!
//! [`Config::parse`] reads a text and does no IO; [`edit`] changes a text and keeps its comments.

mod build;
mod cloud;
pub mod dotenv;
pub mod edit;
mod instance;
mod reader;
pub mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::path::{Component, Path};

use indexmap::IndexMap;
use serde_json::json;
use toml_edit::{Document, Table, TableLike};

pub use build::{BuildTable, DeployTable, ScanTable};
pub use cloud::{Cloud, Enterprise, Fly, FlyAuth, HelixCloud, ImageRegistry, Provider, RegistryAuth, RegistryKind};
pub use instance::{BuildMode, Database, EnvPrecedence, EnvTable, HealthTable, looks_secret};
pub use reader::{Problem, Severity};

use crate::errors::{ExitCode, Failure};
use crate::utils::{count, position};
use reader::{Reader, Section, Spanned};

/// The name of the project file.
pub const FILE_NAME: &str = "helix.toml";
/// The port of an instance that names none.
pub const DEFAULT_PORT: u16 = 6969;
/// Names that mean something else.
const RESERVED_NAMES: [&str; 4] = ["build", "v1-backup", "all", ".volumes"];
/// The longest name of an instance.
const MAX_INSTANCE_NAME: usize = 32;
/// The longest name of a project.
const MAX_PROJECT_NAME: usize = 64;

/// A project file.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The project.
    pub project: ProjectTable,
    /// The instances by name, in the order of the file.
    pub instances: IndexMap<String, Instance>,
    /// How images are built.
    pub build: BuildTable,
    /// How releases are made.
    pub deploy: DeployTable,
    /// How images are scanned.
    pub scan: ScanTable,
    /// What may become a problem.
    pub warnings: Vec<Problem>,
}

/// The `[project]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectTable {
    /// The name.
    pub name: String,
    /// The linked cloud project.
    pub id: Option<String>,
    /// The folder of queries, relative to the project, as written.
    pub queries: String,
    /// The container runtime that was chosen.
    pub container_runtime: Option<ContainerRuntime>,
    /// Whether the queries may be outside of the project.
    pub allow_external_queries: bool,
    /// The version of the engine to use.
    pub engine_version: Option<String>,
    /// The version of the project, for the tags of its images.
    pub version: Option<String>,
}

/// What runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerRuntime {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// Docker if it is usable, else Podman.
    Auto,
}

/// What runs a local instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// This executable.
    Embedded,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// A `[local.NAME]` table.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// The port.
    pub port: u16,
    /// The address.
    pub bind: IpAddr,
    /// The data directory, relative to the project, when it is not the usual one.
    pub data_dir: Option<String>,
    /// What runs it.
    pub runtime: Runtime,
    /// How it is compiled.
    pub build_mode: BuildMode,
    /// The memory limit of a container.
    pub memory: Option<String>,
    /// The processor limit of a container.
    pub cpus: Option<f64>,
    /// When a container is started again.
    pub restart: String,
    /// The settings of its database.
    pub database: Database,
    /// What it gets in its environment.
    pub env: EnvTable,
    /// How its health is asked for.
    pub health: HealthTable,
}

/// An instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Instance {
    /// On this machine.
    Local(Box<Local>),
    /// Elsewhere.
    Cloud(Box<Cloud>),
}

impl Instance {
    /// How it is compiled.
    #[must_use]
    pub const fn build_mode(&self) -> BuildMode {
        match self {
            Self::Local(local) => local.build_mode,
            Self::Cloud(cloud) => cloud.build_mode,
        }
    }

    /// The name of its target.
    #[must_use]
    pub fn target(&self) -> &'static str {
        match self {
            Self::Local(local) => match local.runtime {
                Runtime::Embedded => "embedded",
                Runtime::Docker => "docker",
                Runtime::Podman => "podman",
            },
            Self::Cloud(cloud) => cloud.target(),
        }
    }
}

/// A project file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// Every problem, in the order of the places; at least one is an error.
    pub problems: Vec<Problem>,
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        let all: Vec<&Problem> = errors.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        let Some(first) = all.first() else { return Self::internal("a project file without errors was refused") };
        let failure = match all.len() {
            1 => {
                let failure = Self::new(first.code, ExitCode::Config, first.message.clone()).at(first.location.clone());
                match &first.hint {
                    Some(hint) => failure.hint(hint.clone()),
                    None => failure,
                }
            }
            number => Self::new(
                first.code,
                ExitCode::Config,
                format!("{} in `{}`", count(number, "problem", "problems"), first.location.file),
            )
            .at(first.location.clone())
            .context(all.iter().map(|problem| {
                let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{}: {} [{}]{hint}", problem.location, problem.message, problem.code)
            })),
        };
        Self { diagnostics: errors.problems.iter().map(Problem::json).collect(), ..failure }
    }
}

impl Problem {
    /// The problem for machines.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut object = json!({
            "code": self.code,
            "severity": severity,
            "file": self.location.file,
            "start": {"line": self.location.line, "column": self.location.column},
            "message": self.message,
        });
        if let Some(hint) = &self.hint {
            object["help"] = json!(hint);
        }
        object
    }
}

impl Config {
    /// Reads the text of a project file. `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] with every problem when at least one is an error.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigErrors> {
        let document = Document::parse(text).map_err(|error| syntax_error(file, text, &error))?;
        let reader = Reader::new(file, text);
        let config = read(&reader, document.as_table());
        let problems = reader.finish();
        match config {
            Some(config) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
                Ok(Self { warnings: problems, ..config })
            }
            _ => Err(ConfigErrors { problems }),
        }
    }

    /// The instances of this machine, with their names.
    pub fn locals(&self) -> impl Iterator<Item = (&str, &Local)> {
        self.instances.iter().filter_map(|(name, instance)| match instance {
            Instance::Local(local) => Some((name.as_str(), &**local)),
            Instance::Cloud(_) => None,
        })
    }
}

fn syntax_error(file: &str, text: &str, error: &toml_edit::TomlError) -> ConfigErrors {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    let location = crate::errors::Location { file: file.to_owned(), line, column };
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let problem = Problem { code: "E-CFG-SYNTAX", severity: Severity::Error, message, hint: None, location };
    ConfigErrors { problems: vec![problem] }
}

/// `None` when something is missing that nothing can stand in for; the reader then has an error.
fn read(reader: &Reader<'_>, root: &Table) -> Option<Config> {
    let start = 0..0;
    let top = Section::new(reader, "", start, Some(root), Vec::new());
    let project = project(&top.section("project"), reader);
    let defaults = Defaults::read(&top, reader);
    let explicit = project.as_ref().and_then(|project| project.container_runtime);
    let instances = Instances { reader, defaults, explicit, found: IndexMap::new(), names: BTreeMap::new() }.read(&top);
    let build = build::build(&top.section("build"));
    let deploy = build::deploy(&top.section("deploy"));
    let scan = build::scan(&top.section("scan"));
    top.finish();
    Some(Config { project: project?, instances, build, deploy, scan, warnings: Vec::new() })
}

fn project(section: &Section<'_>, reader: &Reader<'_>) -> Option<ProjectTable> {
    let name = section.required("name");
    if let Some(name) = &name {
        check_project_name(section, name);
    }
    let id = section.string("id").map(|id| id.value);
    let allow_external_queries = section.boolean("allow_external_queries", false);
    let queries = section.string("queries").map_or_else(
        || "./db/".to_owned(),
        |found| {
            let path = found.value.replace('\\', "/");
            if !allow_external_queries && !stays_inside(&path) {
                let hint = Some("move the queries into the project, or set `allow_external_queries = true`".to_owned());
                reader.error(
                    "E-CFG-QUERIES",
                    found.span,
                    format!("`project.queries` is outside of the project: `{path}`"),
                    hint,
                );
            }
            path
        },
    );
    let runtimes =
        [("docker", ContainerRuntime::Docker), ("podman", ContainerRuntime::Podman), ("auto", ContainerRuntime::Auto)];
    let container_runtime = section.choice("container_runtime", &runtimes);
    let engine_version = section.string("engine_version").map(|version| version.value);
    let version = section.string("version").map(|version| version.value);
    if let Some(wanted) = section.string("min_cli_version") {
        check_cli_version(section, reader, &wanted);
    }
    section.finish();
    let name = name?.value;
    Some(ProjectTable { name, id, queries, container_runtime, allow_external_queries, engine_version, version })
}

fn check_project_name(section: &Section<'_>, name: &Spanned<String>) {
    let text = &name.value;
    let valid = text.chars().count() <= MAX_PROJECT_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " ._-".contains(c));
    if !valid {
        let hint =
            format!("at most {MAX_PROJECT_NAME} letters, digits, spaces, `.`, `_` and `-`, a letter or digit first");
        section.invalid("name", name.span.clone(), "is no valid name", Some(hint));
    }
}

fn check_cli_version(section: &Section<'_>, reader: &Reader<'_>, wanted: &Spanned<String>) {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let core = text.split(['-', '+']).next().unwrap_or_default();
        core.split('.').map(|part| part.parse().ok()).collect()
    };
    let own = env!("CARGO_PKG_VERSION");
    match (numbers(&wanted.value), numbers(own)) {
        (Some(least), Some(ours)) if least > ours => {
            let message = format!("this project needs helix {} or later, this is {own}", wanted.value);
            reader.error("E-CFG-VERSION", wanted.span.clone(), message, Some("update helix".to_owned()));
        }
        (None, _) => section.invalid("min_cli_version", wanted.span.clone(), "is no version", None),
        _ => {}
    }
}

/// Whether a relative path cannot leave the folder that it is relative to.
fn stays_inside(path: &str) -> bool {
    let mut depth = 0_i32;
    Path::new(path).components().all(|component| {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
        depth >= 0
    })
}

/// What all instances, or all of a kind, inherit.
struct Defaults<'t> {
    all: Option<&'t dyn TableLike>,
    local: Option<&'t dyn TableLike>,
    cloud: Option<&'t dyn TableLike>,
}

impl<'t> Defaults<'t> {
    fn read(top: &Section<'t>, reader: &'t Reader<'t>) -> Self {
        let all = top.section("defaults");
        let (local, cloud) = (all.section("local"), all.section("cloud"));
        for section in [&all, &local, &cloud] {
            let _ = (instance::database(section, reader), instance::env(section, reader), instance::health(section));
            let _ = instance::build_mode(section, BuildMode::Dev);
            section.finish();
        }
        Self { all: all.own(), local: local.own(), cloud: cloud.own() }
    }

    /// Behind an instance of a kind, the nearest first.
    fn behind(&self, kind: Kind) -> impl Iterator<Item = &'t dyn TableLike> {
        let narrow = match kind {
            Kind::Local => self.local,
            Kind::Cloud => self.cloud,
        };
        narrow.into_iter().chain(self.all)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Local,
    Cloud,
}

/// Where an instance is written.
struct Written<'t> {
    path: String,
    span: Range<usize>,
    table: &'t dyn TableLike,
    /// `None` for local and enterprise instances.
    provider: Option<String>,
    kind: Kind,
}

struct Instances<'t> {
    reader: &'t Reader<'t>,
    defaults: Defaults<'t>,
    explicit: Option<ContainerRuntime>,
    found: IndexMap<String, Instance>,
    names: BTreeMap<String, Range<usize>>,
}

impl<'t> Instances<'t> {
    fn read(mut self, top: &Section<'t>) -> IndexMap<String, Instance> {
        let written = self.written(top);
        let mut ports: BTreeMap<u16, &str> = BTreeMap::new();
        for (name, one) in &written {
            let mut behind = self.extended(&written, name);
            behind.extend(self.defaults.behind(one.kind));
            let section = Section::new(self.reader, one.path.clone(), one.span.clone(), Some(one.table), behind);
            let instance = match (one.kind, &one.provider) {
                (Kind::Local, _) => {
                    let local = local(&section, self.reader, self.explicit);
                    if let Some(other) = ports.insert(local.port, name) {
                        let message = format!("`{name}` and `{other}` both have port {}", local.port);
                        let hint = Some("give each local instance a `port` of its own".to_owned());
                        let span = if section.has_own("port") { section.span_of("port") } else { section.span() };
                        self.reader.error("E-CFG-PORT", span, message, hint);
                    }
                    Some(Instance::Local(Box::new(local)))
                }
                (Kind::Cloud, Some(provider)) => {
                    cloud::read(provider, &section, self.reader).map(|cloud| Instance::Cloud(Box::new(cloud)))
                }
                (Kind::Cloud, None) => {
                    cloud::read_enterprise(&section, self.reader).map(|cloud| Instance::Cloud(Box::new(cloud)))
                }
            };
            if let Some(instance) = instance {
                self.found.insert(name.clone(), instance);
            }
        }
        self.found
    }

    /// The tables of all instances, by name.
    fn written(&mut self, top: &Section<'t>) -> IndexMap<String, Written<'t>> {
        let mut written = IndexMap::new();
        for (name, span, table) in top.section("local").tables() {
            let path = format!("local.{name}");
            self.add(&mut written, &name, Written { path, span, table, provider: None, kind: Kind::Local });
        }
        for (name, span, table) in top.section("cloud").tables() {
            let path = format!("cloud.{name}");
            let section = Section::new(self.reader, path.clone(), span.clone(), Some(table), Vec::new());
            let providers: Vec<_> = cloud::PROVIDERS.into_iter().filter(|provider| section.has_own(provider)).collect();
            let [provider] = providers[..] else {
                let (message, hint) = if providers.is_empty() {
                    (
                        format!("`{path}` has no provider"),
                        format!("write `[{path}.fly]`, or another of {}", cloud::PROVIDERS[..5].join(", ")),
                    )
                } else {
                    (
                        format!("`{path}` has {} providers: {}", providers.len(), providers.join(", ")),
                        "give each an instance of its own".to_owned(),
                    )
                };
                self.reader.error("E-CFG-PROVIDER", span, message, Some(hint));
                continue;
            };
            let inner = section.section(provider);
            section.finish();
            if let Some(table) = inner.own() {
                let (path, span) = (inner.path().to_owned(), inner.span());
                let provider = Some(provider.to_owned());
                self.add(&mut written, &name, Written { path, span, table, provider, kind: Kind::Cloud });
            }
        }
        for (name, span, table) in top.section("enterprise").tables() {
            let path = format!("enterprise.{name}");
            self.add(&mut written, &name, Written { path, span, table, provider: None, kind: Kind::Cloud });
        }
        written
    }

    fn add(&mut self, written: &mut IndexMap<String, Written<'t>>, name: &str, one: Written<'t>) {
        if let Err(what) = check_instance_name(name) {
            let message = format!("`{name}` cannot be the name of an instance: {what}");
            self.reader.error("E-CFG-NAME", one.span.clone(), message, None);
        }
        let lower = name.to_lowercase();
        if self.names.insert(lower, one.span.clone()).is_some() {
            let message = format!("there are two instances named `{name}`");
            self.reader.error("E-CFG-DUPLICATE", one.span.clone(), message, Some("rename one of them".to_owned()));
            return;
        }
        written.insert(name.to_owned(), one);
    }

    /// The tables that an instance extends, the nearest first.
    fn extended(&self, written: &IndexMap<String, Written<'t>>, name: &str) -> Vec<&'t dyn TableLike> {
        let mut behind = Vec::new();
        let mut seen = BTreeSet::from([name]);
        let mut current = written.get(name);
        while let Some(one) = current {
            let section = Section::new(self.reader, one.path.clone(), one.span.clone(), Some(one.table), Vec::new());
            let Some(extends) = section.string("extends") else { break };
            let Some((next, table)) = written.get_key_value(extends.value.as_str()) else {
                let near = crate::utils::nearest(&extends.value, written.keys().map(String::as_str));
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("`{}.extends` names no instance: `{}`", one.path, extends.value);
                self.reader.error("E-CFG-EXTENDS", extends.span, message, hint);
                break;
            };
            if !seen.insert(next) {
                let message = format!("`{}.extends` goes round in a circle", one.path);
                self.reader.error("E-CFG-EXTENDS", extends.span, message, None);
                break;
            }
            behind.push(table.table);
            current = Some(table);
        }
        behind
    }
}

/// Why a name cannot be that of an instance.
///
/// # Errors
///
/// The rule that it breaks.
pub fn check_instance_name(name: &str) -> Result<(), String> {
    let lower = name.to_lowercase();
    if RESERVED_NAMES.contains(&lower.as_str()) {
        return Err("it is reserved".to_owned());
    }
    let valid = (1..=MAX_INSTANCE_NAME).contains(&lower.len())
        && lower.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && lower.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if valid {
        Ok(())
    } else {
        Err(format!("names have 1 to {MAX_INSTANCE_NAME} letters, digits, `-` and `_`, a letter or digit first"))
    }
}

fn local(section: &Section<'_>, reader: &Reader<'_>, explicit: Option<ContainerRuntime>) -> Local {
    let runtimes = [("embedded", Runtime::Embedded), ("docker", Runtime::Docker), ("podman", Runtime::Podman)];
    // A project of v2 that chose its containers keeps them.
    let default_runtime = match explicit {
        None => Runtime::Embedded,
        Some(ContainerRuntime::Podman) => Runtime::Podman,
        Some(ContainerRuntime::Docker | ContainerRuntime::Auto) => Runtime::Docker,
    };
    let port = section.optional_integer("port", 1..=65_535).filter(|_| section.has_own("port"));
    let bind = section.string("bind").and_then(|found| match found.value.parse() {
        Ok(ip) => Some(ip),
        Err(_) => {
            let hint = Some("write an address such as `127.0.0.1`, `0.0.0.0` or `::1`".to_owned());
            section.invalid("bind", found.span, "is no IP address", hint);
            None
        }
    });
    let memory = section.string("memory");
    if let Some(memory) = memory.as_ref().filter(|memory| !is_size(&memory.value)) {
        section.invalid("memory", memory.span.clone(), "is no size", Some("write `512m` or `2g`".to_owned()));
    }
    let restart = section.string("restart");
    if let Some(restart) = restart.as_ref().filter(|restart| !is_restart(&restart.value)) {
        let hint = Some("write `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`".to_owned());
        section.invalid("restart", restart.span.clone(), "is no restart policy", hint);
    }
    let local = Local {
        port: port.and_then(|port| u16::try_from(port.value).ok()).unwrap_or(DEFAULT_PORT),
        bind: bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        data_dir: section.string("data_dir").map(|path| path.value),
        runtime: section.choice("runtime", &runtimes).unwrap_or(default_runtime),
        build_mode: instance::build_mode(section, BuildMode::Dev),
        memory: memory.map(|memory| memory.value),
        cpus: section.number("cpus"),
        restart: restart.map_or_else(|| "unless-stopped".to_owned(), |restart| restart.value),
        database: instance::database(section, reader),
        env: instance::env(section, reader),
        health: instance::health(section),
    };
    let _ = section.string("extends");
    section.finish();
    local
}

fn is_restart(text: &str) -> bool {
    let retries = text.strip_prefix("on-failure:").map(|retries| retries.parse::<u32>().is_ok());
    retries.unwrap_or_else(|| ["no", "always", "unless-stopped", "on-failure"].contains(&text))
}

fn is_size(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    digits.parse::<u64>().is_ok_and(|number| number > 0) && ["", "b", "k", "m", "g"].contains(&unit)
}

#[cfg(test)]
mod tests;
