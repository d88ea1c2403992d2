//! The local instances: what of a process is left, who has their port and their data, which version runs, what they lack.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::Path;

use futures_util::future::join_all;
use helix_engine::embed::Model;
use helix_plan::{ExprKind, Program, visit};
use tokio::time::timeout;

use super::tools::LIMIT;
use super::{Check, Outcome};
use crate::config::{Config, Local, Runtime};
use crate::ctx::Ctx;
use crate::integrations::embedded::settings::{Settings, url};
use crate::integrations::embedded::{Phase, Presence, ProcessRecord, State, port, process};
use crate::ops::env_file::API_KEY;
use crate::ops::local;
use crate::ops::platform::Platform;
use crate::ops::secrets::Secrets;
use crate::ops::status::InstanceState;
use crate::ops::warnings::is_key_idle;
use crate::project::Project;

/// The model of queries that name none, when a key is there.
const DEFAULT_MODEL: &str = "text-embedding-ada-002";

pub(super) async fn checks(ctx: &Ctx, project: &Project, program: Option<&Program>) -> Vec<Check> {
    let each = project.config().locals().map(|(name, local)| of(ctx, project, name, local, program));
    join_all(each).await.concat()
}

async fn of(ctx: &Ctx, project: &Project, name: &str, local: &Local, program: Option<&Program>) -> Vec<Check> {
    let settings = match local::settings(ctx, project, name, Secrets::Opened) {
        Ok(settings) => settings,
        Err(failure) => return vec![Check::failed("process", Outcome::Fail, failure).of(name)],
    };
    let mut checks = match local.runtime {
        Runtime::Embedded => embedded(&settings),
        Runtime::Docker | Runtime::Podman => match Platform::of(ctx, project, name) {
            Ok(platform) => contained(&platform).await,
            Err(failure) => vec![Check::failed("process", Outcome::Fail, failure)],
        },
    };
    checks.extend(embedding(ctx, &settings, local, program));
    checks.extend(key(&settings, project.config()));
    checks.into_iter().map(|check| check.of(name)).collect()
}

async fn contained(platform: &Platform) -> Vec<Check> {
    let settings = platform.settings();
    let name = settings.files.name();
    let Ok(status) = timeout(LIMIT, platform.status()).await else {
        return vec![Check::skip("process", format!("{} does not answer in time", platform.provider()))];
    };
    let why = status.last_error.map(|error| format!(": {error}")).unwrap_or_default();
    let logs = format!("`helix logs {name}`, then `helix restart {name}`");
    let process = match status.state {
        InstanceState::Running | InstanceState::Drifted => {
            Check::pass("process", format!("its container serves at {}", status.url.unwrap_or_default()))
        }
        InstanceState::Absent | InstanceState::Built => Check::pass("process", "nothing was pushed to it yet"),
        InstanceState::Stopped => Check::pass("process", "its container is stopped"),
        InstanceState::Unhealthy => Check::fail("process", format!("its container is not healthy{why}"), logs),
        InstanceState::Crashed => Check::warn("process", format!("its container ended by itself{why}"), logs),
        // Why is what the check of the container runtime says.
        InstanceState::Unknown | InstanceState::Starting | InstanceState::Published => {
            return vec![Check::skip("process", format!("it cannot be told{why}"))];
        }
    };
    let mut checks = vec![process];
    match status.state {
        InstanceState::Running | InstanceState::Drifted | InstanceState::Unhealthy => {
            let own = env!("CARGO_PKG_VERSION");
            if let Some(state) = State::load(&settings.files).ok().flatten() {
                checks.push(version(&state.engine_version, own, format!("`helix push {name}`")));
            }
        }
        InstanceState::Absent | InstanceState::Built | InstanceState::Stopped => checks.push(free_port(settings)),
        InstanceState::Crashed | InstanceState::Unknown | InstanceState::Starting | InstanceState::Published => {}
    }
    checks
}

fn version(running: &str, own: &str, fix: String) -> Check {
    if running == own {
        return Check::pass("instance-version", format!("it runs helix {own}"));
    }
    Check::warn("instance-version", format!("it runs helix {running}, and this is {own}"), fix)
}

fn embedded(settings: &Settings) -> Vec<Check> {
    let name = settings.files.name();
    let presence = match process::observe(&settings.files) {
        Ok(presence) => presence,
        Err(error) => {
            let check = Check::failed("process", Outcome::Fail, error.into());
            let fix = format!("end whatever has `{}` open", settings.files.process_lock().display());
            return vec![Check { fix: check.fix.clone().or(Some(fix)), ..check }];
        }
    };
    match presence {
        Presence::Running(record) => running(name, settings, &record),
        Presence::None => vec![at_rest(settings), free_port(settings), free_data(name, settings.files.data())],
        Presence::Dead(record) => {
            vec![dead(name, &record), free_port(settings), free_data(name, settings.files.data())]
        }
    }
}

fn running(name: &str, settings: &Settings, record: &ProcessRecord) -> Vec<Check> {
    let pid = record.process.pid;
    let at = record.address.map(|address| format!(" at {}", url(address))).unwrap_or_default();
    let mut checks = vec![match record.phase {
        Phase::Starting => Check::pass("process", format!("process {pid} is starting")),
        Phase::Ready => Check::pass("process", format!("process {pid} serves{at}")),
        Phase::Draining => Check::pass("process", format!("process {pid} is stopping")),
        Phase::Failed => Check::fail(
            "process",
            format!("process {pid} failed"),
            format!("`helix logs {name}`, then `helix restart {name}`"),
        ),
    }];
    checks.push(version(&record.version, env!("CARGO_PKG_VERSION"), format!("`helix restart {name}`")));
    if record.config_hash != settings.hash() {
        let found = "its settings or variables changed since it was started";
        checks.push(Check::warn("instance-settings", found, format!("`helix restart {name}`")));
    }
    checks
}

fn at_rest(settings: &Settings) -> Check {
    match State::load(&settings.files) {
        Ok(Some(_)) => Check::pass("process", "it is stopped"),
        Ok(None) => Check::pass("process", "nothing was pushed to it yet"),
        Err(error) => {
            let check = Check::failed("process", Outcome::Fail, error.into());
            let fix = format!("push again: `helix push {}`", settings.files.name());
            Check { fix: check.fix.clone().or(Some(fix)), ..check }
        }
    }
}

fn dead(name: &str, record: &ProcessRecord) -> Check {
    let how =
        record.fault.as_ref().map_or_else(|| "without a word".to_owned(), |fault| format!("with: {}", fault.message));
    let found = format!("process {} ended {how}; its files are still there", record.process.pid);
    Check::warn("process", found, format!("`helix logs {name}`, then `helix start {name}`"))
}

fn free_port(settings: &Settings) -> Check {
    match port::check(settings.address(settings.port)) {
        Ok(()) => Check::pass("port", format!("{} is free", settings.port)),
        Err(error) => Check::failed("port", Outcome::Fail, error.into()),
    }
}

/// Whether nobody has the data of an instance that does not run.
fn free_data(name: &str, data: &Path) -> Check {
    let path = data.join("user").join("engine.lock");
    let held = match File::open(&path) {
        // Shared, and let go of at once.
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    };
    if !held {
        return Check::pass(
            "data-in-use",
            if path.exists() { "nobody has its data open" } else { "it has no data yet" },
        );
    }
    let holder = std::fs::read_to_string(&path).unwrap_or_default();
    let holder = holder.lines().next().filter(|pid| !pid.is_empty()).map(|pid| format!(" {pid}")).unwrap_or_default();
    let found = format!("process{holder} has `{}` open, and is not instance `{name}`", data.display());
    Check::fail("data-in-use", found, "end it, or give the instance another `data_dir`")
}

/// Whether the key that an instance was given is asked for.
fn key(settings: &Settings, config: &Config) -> Option<Check> {
    let (name, value) = (settings.files.name(), settings.env.get(API_KEY)?);
    if !is_key_idle(config, name, value) {
        return None;
    }
    let found = format!("`{API_KEY}` is set, and requests need no key");
    let fix = format!("set `api_key = true` in `[local.{name}.security]`, or `false` to have it so");
    Some(Check::warn("api-key", found, fix))
}

/// Whether the models that text is given to can be asked: those of the project file and of the queries.
fn embedding(ctx: &Ctx, settings: &Settings, local: &Local, program: Option<&Program>) -> Vec<Check> {
    let configured = local.database.embedding_model.clone();
    let mut models: BTreeSet<String> = configured.iter().cloned().collect();
    for query in program.iter().flat_map(|program| &program.queries) {
        let mut embeds = false;
        visit::query(query, &mut |expr| embeds |= matches!(expr.kind, ExprKind::Embed(_)));
        if embeds {
            let model = query.embedding_model.as_ref().or(configured.as_ref());
            models.insert(model.map_or_else(|| DEFAULT_MODEL.to_owned(), Clone::clone));
        }
    }
    let is_set = |name: &str| {
        let value = settings.env.get(name).map(String::as_str).or_else(|| ctx.var(name));
        value.is_some_and(|value| !value.is_empty())
    };
    models.iter().map(|model| embedding_model(model, is_set)).collect()
}

fn embedding_model(text: &str, is_set: impl Fn(&str) -> bool) -> Check {
    let needed: &[&[&str]] = match Model::parse(text) {
        Ok(Model::OpenAi(_)) => &[&["OPENAI_API_KEY"]],
        Ok(Model::AzureOpenAi(_)) => {
            &[&["AZURE_OPENAI_API_KEY"], &["AZURE_OPENAI_RESOURCE_NAME", "AZURE_OPENAI_BASE_URL"]]
        }
        Ok(Model::Gemini { .. }) => &[&["GEMINI_API_KEY"]],
        Ok(Model::Local) => &[],
        Err(error) => {
            return Check::fail("embedding", error.to_string(), "correct `embedding_model` in the project file");
        }
    };
    match needed.iter().find(|either| !either.iter().any(|name| is_set(name))) {
        None => Check::pass("embedding", format!("`{text}` has what it needs")),
        Some(missing) => {
            let name = missing[0];
            let found = format!("`{text}` needs `{name}`, which is not set");
            Check::warn("embedding", found, format!("put `{name}=…` into `.env`, then push or restart the instance"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_asks_for_its_keys() {
        let state = |model: &str, set: &[&str]| embedding_model(model, |name| set.contains(&name)).state;
        assert_eq!(state("text-embedding-3-small", &[]), Outcome::Warn);
        assert_eq!(state("openai:text-embedding-3-small", &["OPENAI_API_KEY"]), Outcome::Pass);
        assert_eq!(state("azure_openai:mine", &["AZURE_OPENAI_API_KEY"]), Outcome::Warn);
        assert_eq!(state("azure_openai:mine", &["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_BASE_URL"]), Outcome::Pass);
        assert_eq!(state("gemini:embedding-001", &["OPENAI_API_KEY"]), Outcome::Warn);
        assert_eq!(state("local", &[]), Outcome::Pass);
    }
}
