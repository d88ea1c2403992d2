//! Making a plan what an instance serves: decide, then do, then remember.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use helix_plan::diff::{Change, Class, Diff, QueryChange, SchemaChange, diff};
use helix_plan::introspect::AccessInfo;
use helix_plan::{Catalog, Program};
use serde::Serialize;

use super::health::{self, Health};
use super::instance::{InstanceError, Runner, Started, Unit, Wait, stop};
use super::releases::{self, Outcome, Release};
use crate::integrations::embedded::control::Client;
use crate::integrations::embedded::launch::Launch;
use crate::integrations::embedded::settings::{Settings, url};
use crate::integrations::embedded::state::{self, State};
use crate::integrations::embedded::{
    EmbeddedError, Files, Phase, Presence, ProcessRecord, Session, files, port, process,
};

/// How long requests in flight may take before a restart cuts them off.
const DRAIN: Duration = Duration::from_secs(10);
/// The target.
const PROVIDER: &str = "embedded";

/// Which port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortChoice {
    /// That of the project file, or the one that a running instance was asked to have.
    Configured,
    /// That one.
    Exact(u16),
    /// The first free one from the configured one on.
    Search,
}

/// What a push is asked to do.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// Redeploy even when nothing changed.
    pub force: bool,
    /// Where to listen.
    pub port: PortChoice,
    /// How long to wait for health.
    pub wait: Wait,
    /// Go back to the earlier release when the new one fails.
    pub rollback: bool,
    /// What the user says about the release.
    pub message: Option<String>,
    /// The image to run, for containers, in place of one that is built.
    pub image: Option<String>,
}

impl PushOptions {
    /// What a push does that is asked for nothing special.
    #[must_use]
    pub const fn new(port: PortChoice) -> Self {
        Self { force: false, port, wait: Wait::Configured, rollback: true, message: None, image: None }
    }
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// It serves that already.
    Nothing,
    /// The running process takes the new plan, between two requests.
    Swap,
    /// The process ends, and another one starts.
    Restart {
        /// Why a swap will not do.
        reason: String,
    },
    /// A process starts.
    Start,
}

impl Action {
    /// What it means, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Nothing => "nothing to do".to_owned(),
            Self::Swap => "swap the plan, no downtime".to_owned(),
            Self::Restart { reason } => format!("restart: {reason}"),
            Self::Start => "start".to_owned(),
        }
    }
}

/// What a push would do.
#[derive(Clone, Debug)]
pub struct PushPlan {
    /// The digest of the new plan.
    pub digest: String,
    /// That of the plan that is served or was last.
    pub previous_digest: Option<String>,
    /// The release before.
    pub previous_release: Option<String>,
    /// What changes.
    pub changes: Diff,
    /// What has to be done.
    pub action: Action,
    /// Where it will listen.
    pub port: u16,
}

/// What a push did.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The release; the earlier one when nothing changed.
    pub release: Option<String>,
    /// Where it is reached.
    pub url: String,
    /// The port it listens on.
    pub port: u16,
    /// What it runs as.
    pub unit: Unit,
    /// The id of the image, when it runs in a container.
    pub image: Option<String>,
    /// What was found when it was asked for health; `None` when it was not.
    pub health: Option<Health>,
}

/// A push that failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct PushFailed {
    /// What failed.
    #[source]
    pub error: InstanceError,
    /// Whether the instance serves what it served before.
    pub rolled_back: bool,
}

impl<E: Into<InstanceError>> From<E> for PushFailed {
    fn from(error: E) -> Self {
        Self { error: error.into(), rolled_back: false }
    }
}

/// Decides what a push has to do. Changes nothing.
///
/// # Errors
///
/// When the state of the instance cannot be read, or no port is free.
pub async fn plan(
    runner: &Runner,
    settings: &Settings,
    program: &Program,
    options: &PushOptions,
) -> Result<PushPlan, InstanceError> {
    let files = &settings.files;
    let running = process::observe(files)?.running();
    let last = State::load(files)?;
    let served = running.as_ref().and_then(|record| record.digest.clone());
    let previous_digest = served.or_else(|| last.as_ref().map(|state| state.digest.clone()));
    let before = previous_digest.as_deref().and_then(|digest| {
        // A plan that another version wrote, or that was removed, is as good as none: all is new.
        state::load_plan(&state::plan_file(files, digest), digest).ok()
    });
    let before = before.unwrap_or_else(|| Program::new(Catalog::default(), Vec::new(), Vec::new()));
    let port = choose_port(settings, options.port, running.as_ref())?;
    let digest = program.digest().to_string();
    let action = match &running {
        None => Action::Start,
        Some(record) => decide(runner, settings, record, &digest, port, options.force).await,
    };
    Ok(PushPlan {
        previous_digest,
        previous_release: last.and_then(|state| state.release_id),
        changes: diff(&before, program),
        digest,
        action,
        port,
    })
}

async fn decide(
    runner: &Runner,
    settings: &Settings,
    record: &ProcessRecord,
    digest: &str,
    port: u16,
    force: bool,
) -> Action {
    let restart = |reason: &str| Action::Restart { reason: reason.to_owned() };
    let Some(address) = record.address.filter(|_| record.phase == Phase::Ready) else {
        return restart("it is not serving");
    };
    if record.version != env!("CARGO_PKG_VERSION") {
        return restart(&format!("it is run by helix {}", record.version));
    }
    if record.config_hash != settings.hash() {
        return restart("its settings changed");
    }
    if address.port() != port {
        return restart(&format!("it moves from port {} to {port}", address.port()));
    }
    if record.digest.as_deref() != Some(digest) {
        return Action::Swap;
    }
    if force {
        return restart("asked for with `--force`");
    }
    match health::probe(&runner.http, &url(address), &settings.health.path).await {
        Health::Healthy => Action::Nothing,
        Health::Unhealthy { reason } | Health::Unreachable { reason } => {
            restart(&format!("it is not healthy: {reason}"))
        }
    }
}

fn choose_port(settings: &Settings, choice: PortChoice, running: Option<&ProcessRecord>) -> Result<u16, InstanceError> {
    let own = running.and_then(|record| record.address).map(|address| address.port());
    match choice {
        PortChoice::Exact(port) => Ok(port),
        PortChoice::Configured => {
            let asked_for = running.and_then(|record| record.port_override);
            Ok(asked_for.and(own).unwrap_or(settings.port))
        }
        PortChoice::Search => own.map_or_else(|| Ok(port::search(settings.bind, settings.port)?), Ok),
    }
}

/// Does what was decided, waits for health, and remembers the release. The caller holds the lock of the instance, and has the
/// user's word for a [`Class::Breaking`] change.
///
/// # Errors
///
/// When the plan cannot be activated, or the instance does not become healthy. It then serves what it served before, if it did.
pub async fn apply(
    runner: &Runner,
    settings: &Settings,
    program: &Program,
    source_hash: Option<String>,
    plan: &PushPlan,
    options: &PushOptions,
) -> Result<Pushed, PushFailed> {
    let files = &settings.files;
    let running = process::observe(files)?.running();
    if let (Action::Nothing, Some(record)) = (&plan.action, &running) {
        return Ok(unchanged(settings, plan, record));
    }
    files.create()?;
    let began = Instant::now();
    let plan_file = state::store_plan(files, program)?;
    let mut launch = settings.launch(Session::Detached, plan.port, plan_file, plan.digest.clone());
    launch.allow_breaking = plan.changes.class() == Class::Breaking;

    let done = activate(runner, settings, plan, running.as_ref(), &launch, options).await;

    let mut release =
        Release::new(files.name(), PROVIDER, plan.digest.clone(), launch.config_hash.clone(), plan.changes.clone());
    release.source_hash.clone_from(&source_hash);
    release.git_revision = releases::git_revision(files.home());
    release.message.clone_from(&options.message);
    release.previous.clone_from(&plan.previous_release);
    release.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &done {
        Ok(pushed) => {
            release.outcome = if pushed.health.is_some() { Outcome::Succeeded } else { Outcome::Unverified };
            let mut state = State::new(plan.digest.clone(), launch.config_hash, files.data().to_owned());
            state.source_hash = source_hash;
            state.host_port = Some(pushed.port);
            state.release_id = Some(release.id.clone());
            state.save(files)?;
        }
        Err(failed) => release.error = Some(failed.error.to_string()),
    }
    remember(settings, &release)?;
    done.map(|pushed| Pushed { release: Some(release.id), ..pushed })
}

fn unchanged(settings: &Settings, plan: &PushPlan, record: &ProcessRecord) -> Pushed {
    let address = record.address.unwrap_or_else(|| settings.address(plan.port));
    Pushed {
        release: plan.previous_release.clone(),
        url: url(address),
        port: address.port(),
        unit: Unit::Pid(record.process.pid),
        image: None,
        health: Some(Health::Healthy),
    }
}

/// Writes the release, and forgets the plans that no remembered release has.
pub(super) fn remember(settings: &Settings, release: &Release) -> Result<(), InstanceError> {
    let files = &settings.files;
    releases::record(&files.releases(), release)?;
    let kept = releases::list(&files.releases())?.into_iter().map(|release| release.digest);
    let served = process::observe(files)?.running().and_then(|record| record.digest);
    let last = State::load(files)?.map(|state| state.digest);
    let keep: BTreeSet<String> = kept.chain(served).chain(last).collect();
    Ok(state::prune_plans(files, &keep)?)
}

async fn activate(
    runner: &Runner,
    settings: &Settings,
    plan: &PushPlan,
    running: Option<&ProcessRecord>,
    launch: &Launch,
    options: &PushOptions,
) -> Result<Pushed, PushFailed> {
    match (&plan.action, running) {
        (Action::Swap, Some(record)) => swap(runner, settings, plan, launch, options, record).await,
        (Action::Restart { .. }, Some(record)) => restart(runner, settings, launch, options, record).await,
        (Action::Nothing | Action::Swap | Action::Restart { .. } | Action::Start, _) => {
            let started = runner.start(settings, launch, options.wait).await;
            if started.is_err() {
                discard(&settings.files).await?;
            }
            Ok(started?.into())
        }
    }
}

impl From<Started> for Pushed {
    fn from(started: Started) -> Self {
        let Started { unit, url, port, health } = started;
        Self { release: None, url, port, unit, image: None, health }
    }
}

/// Ends a process that came up but does not answer. What a process that ended by itself left is kept: it says why.
async fn discard(files: &Files) -> Result<(), InstanceError> {
    if let Presence::Running(_) = process::observe(files)? {
        stop(files, Duration::ZERO).await?;
    }
    Ok(())
}

async fn swap(
    runner: &Runner,
    settings: &Settings,
    plan: &PushPlan,
    launch: &Launch,
    options: &PushOptions,
    record: &ProcessRecord,
) -> Result<Pushed, PushFailed> {
    let client = Client::new(&settings.files)?;
    // A refusal leaves the earlier plan serving.
    let activated = client.activate(launch.plan.clone(), launch.digest.clone(), launch.allow_breaking).await;
    activated.map_err(|error| PushFailed {
        rolled_back: matches!(error, EmbeddedError::Refused { .. }),
        error: error.into(),
    })?;
    let address = record.address.unwrap_or_else(|| settings.address(plan.port));
    let url = url(address);
    let health = match options.wait.limit(settings) {
        None => None,
        Some(limit) => match runner.healthy(settings, &url, limit).await {
            Ok(health) => Some(health),
            Err(error) => {
                let rolled_back = match plan.previous_digest.as_ref().filter(|_| options.rollback) {
                    Some(digest) => {
                        let file = state::plan_file(&settings.files, digest);
                        client.activate(file, digest.clone(), false).await.is_ok()
                    }
                    None => false,
                };
                return Err(PushFailed { error, rolled_back });
            }
        },
    };
    let unit = Unit::Pid(record.process.pid);
    Ok(Pushed { release: None, url, port: address.port(), unit, image: None, health })
}

async fn restart(
    runner: &Runner,
    settings: &Settings,
    launch: &Launch,
    options: &PushOptions,
    record: &ProcessRecord,
) -> Result<Pushed, PushFailed> {
    let files = &settings.files;
    if record.session == Session::Dev {
        let (name, pid) = (files.name().to_owned(), record.process.pid);
        return Err(InstanceError::InDevelopment { name, pid }.into());
    }
    if record.address != Some(launch.address()) {
        // Better to find out before the running process is ended.
        port::check(launch.address())?;
    }
    let before: Option<Launch> = files::read_json(&files.launch()).unwrap_or_default();
    stop(files, DRAIN).await?;
    match runner.start(settings, launch, options.wait).await {
        Ok(started) => Ok(started.into()),
        Err(error) => {
            discard(files).await?;
            let rolled_back = match before.filter(|_| options.rollback) {
                Some(before) => {
                    let before = Launch { allow_breaking: false, ..before };
                    runner.start(settings, &before, Wait::Configured).await.is_ok()
                }
                None => false,
            };
            Err(PushFailed { error, rolled_back })
        }
    }
}

/// The changes, one a line.
#[must_use]
pub fn describe(queries: &[QueryChange], schema: &[SchemaChange]) -> Vec<String> {
    let verb = |change| match change {
        Change::Added => "+",
        Change::Changed => "~",
        Change::Removed => "-",
    };
    let schema = schema.iter().map(|one| {
        let class = match one.class {
            Class::Compatible => "",
            Class::NeedsMigration => " (stored data is converted)",
            Class::Breaking => " (breaking)",
        };
        format!("{} {}: {}{class}", verb(one.change), one.subject, one.reason)
    });
    let queries = queries.iter().map(|one| {
        let access = match one.access {
            AccessInfo::Read => "read",
            AccessInfo::Write => "write",
        };
        format!("{} query {} ({access})", verb(one.change), one.name)
    });
    schema.chain(queries).collect()
}
