//! From what the project file says of an instance to what is needed to run it here.

use std::path::Path;
use std::time::Duration;

use helix_plan::Program;

use super::instance::Runner;
use super::lock::InstanceLock;
use crate::config::{Database, Instance, Local, edit};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::launch::EngineSettings;
use crate::integrations::embedded::log;
use crate::integrations::embedded::settings::{HealthSettings, Settings};
use crate::integrations::embedded::{Files, State, state};
use crate::integrations::{self, Target, Unsupported};
use crate::ops::secrets::{self, Secrets};
use crate::project::Project;

/// How long connecting to an instance may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The name of the instance that is meant: the one given, the only one, or the one that the user chooses.
///
/// # Errors
///
/// When there is none, or nobody can be asked.
pub fn choose(ctx: &Ctx, project: &Project, given: Option<&str>) -> Result<String, Failure> {
    match given {
        Some(name) => Ok(project.instance(name)?.0.to_owned()),
        None => {
            let mut names = project.instance_names()?;
            let index = ctx.ui.choose("Which instance?", &names, "the name of an instance")?;
            Ok(names.swap_remove(index))
        }
    }
}

/// What an instance of this machine needs.
///
/// # Errors
///
/// When its target cannot be used, or its variables cannot be read.
pub fn settings(ctx: &Ctx, project: &Project, name: &str, secrets: Secrets) -> Result<Settings, Failure> {
    let (name, instance) = project.instance(name)?;
    match instance {
        Instance::Local(local) if integrations::find(instance.target()).unsupported.is_none() => {
            resolve(ctx, project, name, local, secrets)
        }
        Instance::Local(_) | Instance::Cloud(_) => Err(unsupported(name, instance.target())),
    }
}

/// What an instance that is a process of this executable needs.
///
/// # Errors
///
/// When it is none, or as for [`settings`].
pub fn embedded(ctx: &Ctx, project: &Project, name: &str) -> Result<Settings, Failure> {
    let (name, instance) = project.instance(name)?;
    match integrations::find(instance.target()).no_live {
        Some(why) if integrations::find(instance.target()).unsupported.is_none() => {
            Err(refusal(name, integrations::find(instance.target()), why))
        }
        _ => settings(ctx, project, name, Secrets::Opened),
    }
}

/// The plan that was last pushed to an instance.
///
/// # Errors
///
/// When none was, or it cannot be read.
pub fn pushed_plan(ctx: &Ctx, project: &Project, name: &str) -> Result<Program, Failure> {
    let files = settings(ctx, project, name, Secrets::Closed)?.files;
    let Some(state) = State::load(&files)? else {
        let failure =
            Failure::new("E-STATE-NOTHING-PUSHED", ExitCode::State, format!("nothing was pushed to `{name}` yet"));
        return Err(failure.hint(format!("`helix push {name}`")));
    };
    Ok(state::load_plan(&state::plan_file(&files, &state.digest), &state.digest)?)
}

/// The failure of an instance whose target cannot be used.
pub(super) fn unsupported(name: &str, target: &str) -> Failure {
    let target = integrations::find(target);
    match target.unsupported.or(target.no_live) {
        Some(why) => refusal(name, target, why),
        None => Failure::new("E-DEPLOY-UNSUPPORTED", ExitCode::Unsupported, belongs(name, target)),
    }
}

fn refusal(name: &str, target: &Target, why: Unsupported) -> Failure {
    let message = format!("{}, and {}", belongs(name, target), why.reason);
    Failure::new(why.code, ExitCode::Unsupported, message).hint(why.alternative)
}

fn belongs(name: &str, target: &Target) -> String {
    format!("instance `{name}` is for {} (`{}`)", target.title, target.name)
}

/// Why the target of an instance cannot be used, when it cannot.
#[must_use]
pub fn why_unsupported(instance: &Instance) -> Option<&'static str> {
    integrations::find(instance.target()).unsupported.map(|why| why.reason)
}

fn resolve(ctx: &Ctx, project: &Project, name: &str, local: &Local, secrets: Secrets) -> Result<Settings, Failure> {
    let env = secrets::environment(ctx, project, name, local, &ctx.env, secrets)?;
    let database = &local.database;
    let log_max_len_bytes = ctx.var("HELIX_LOG_MAX_BYTES").and_then(|text| text.parse().ok());
    Ok(Settings {
        files: Files::new(name, project.home(name), project.data(name, local)),
        bind: local.bind,
        port: local.port,
        engine: engine_settings(database, false),
        env,
        health: HealthSettings {
            path: local.health.path.clone(),
            timeout: local.health.timeout,
            interval: local.health.interval,
        },
        short: ctx.dirs.run.clone(),
        log_max_len_bytes: log_max_len_bytes.unwrap_or(log::MAX_LEN_BYTES),
        log_level: ctx.var("HELIX_LOG").unwrap_or("info").to_owned(),
    })
}

/// What the project file says of a database, for the engine. `api_key` is whether requests need a key when it does not say.
#[must_use]
pub fn engine_settings(database: &Database, api_key: bool) -> EngineSettings {
    EngineSettings {
        db_max_size_gb: database.db_max_size_gb,
        m: database.m,
        ef_construction: database.ef_construction,
        ef_search: database.ef_search,
        exact_below: database.exact_below,
        bm25: database.bm25,
        bm25_stemming: database.bm25_stemming.clone(),
        mcp: database.mcp,
        embedding_model: database.embedding_model.clone(),
        api_key: database.api_key.unwrap_or(api_key),
    }
}

/// What runs and asks instances.
///
/// # Errors
///
/// When this executable cannot be found, or the client cannot be made.
pub fn runner() -> Result<Runner, Failure> {
    let program = std::env::current_exe();
    let program = program.map_err(|error| Failure::internal("cannot find this executable").cause(error.to_string()))?;
    Ok(Runner { program, http: http(false)? })
}

/// An HTTP client. `proxied` is for addresses that may be elsewhere.
///
/// # Errors
///
/// When it cannot be made.
pub fn http(proxied: bool) -> Result<reqwest::Client, Failure> {
    // Another part of the process may have been first, with the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT);
    let builder = if proxied { builder } else { builder.no_proxy() };
    builder.build().map_err(|error| Failure::internal("cannot make an HTTP client").cause(error.to_string()))
}

/// The right to change an instance.
///
/// # Errors
///
/// When another command has it for longer than `timeout`.
pub async fn lock(settings: &Settings, command: &str, timeout: Duration) -> Result<InstanceLock, Failure> {
    lock_home(settings.files.home(), settings.files.name(), command, timeout).await
}

/// The right to change an instance whose workspace is `home`.
///
/// # Errors
///
/// When another command has it for longer than `timeout`.
pub async fn lock_home(home: &Path, name: &str, command: &str, timeout: Duration) -> Result<InstanceLock, Failure> {
    Ok(InstanceLock::take(home, name, command, timeout).await.map_err(super::instance::InstanceError::from)?)
}

/// Writes a port to the project file, and keeps all else that is in it.
///
/// # Errors
///
/// When the file cannot be read, understood or written.
pub fn save_port(project: &Project, name: &str, port: u16) -> Result<(), Failure> {
    change_file(project, |text| edit::set_port(text, name, port).map(Some), |_| Ok(()))
}

/// Removes an instance from the project file, and keeps all else that is in it.
///
/// # Errors
///
/// When the file cannot be read, understood or written.
pub fn forget(project: &Project, name: &str) -> Result<(), Failure> {
    change_file(project, |text| edit::remove_instance(text, name), |_| Ok(()))
}

/// Sets a key of the table of a provider in the project file, and keeps all else that is in it.
///
/// # Errors
///
/// When the file cannot be read, understood or written.
pub fn save_setting(project: &Project, name: &str, provider: &str, key: &str, value: &str) -> Result<(), Failure> {
    change_file(project, |text| edit::set_cloud(text, name, provider, key, value), |_| Ok(()))
}

/// Changes the text of the project file, when `check` finds nothing wrong with what it becomes.
pub(super) fn change_file(
    project: &Project,
    change: impl FnOnce(&str) -> Result<Option<String>, edit::EditError>,
    check: impl FnOnce(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let path = project.file();
    let failed = |error: &std::io::Error| Failure::file("change", path, error);
    // Two commands may change the file at the same time, for different instances.
    let folder = std::fs::File::open(project.root()).and_then(|folder| folder.lock().map(|()| folder));
    let guard = folder.map_err(|error| failed(&error))?;
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    let changed = change(&text).map_err(|error| {
        Failure::new("E-CFG-SYNTAX", ExitCode::Config, format!("cannot change `{}`", path.display()))
            .cause(error.to_string())
    })?;
    if let Some(changed) = changed.filter(|changed| *changed != text) {
        check(&changed)?;
        crate::utils::write_atomic(path, changed.as_bytes()).map_err(|error| failed(&error))?;
    }
    drop(guard);
    Ok(())
}
