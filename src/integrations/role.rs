//! The two roles of a target that is elsewhere: a [`Registry`] stores images, a [`Platform`] runs releases.
//!
//! `helix push` is one flow over them; what a target cannot do is in the table of targets, and never in here. Contracts that every
//! implementation keeps:
//!
//! - Looking changes nothing; changing twice changes nothing the second time. What is there is looked up before it is made, and what
//!   does not carry our labels is never changed or removed.
//! - Preflight finds everything that is wrong, not only the first thing.
//! - Secrets are [`SecretString`]s until they are sent, and in no error.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Target;
use super::error::Result;
use crate::registry;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is deployed.
    Error,
    /// It is deployed all the same.
    Warning,
    /// It is good to know.
    Info,
}

/// Something that was found out before anything was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable code, `E-…` or `W-…`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a sentence without a final stop.
    pub summary: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// Who we are for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The account, for people to see that it is the right one.
    pub account: String,
    /// Where the credential is from: a variable, a file.
    pub source: String,
}

/// What hears of slow work.
pub trait Progress: Send + Sync {
    /// What is going on now.
    fn say(&self, text: &str);
    /// A line that the other side wrote.
    fn line(&self, text: &str);
}

/// Nobody.
impl Progress for () {
    fn say(&self, _: &str) {}
    fn line(&self, _: &str) {}
}

/// What a release is, to be run or stored.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The release: a ULID.
    pub release: String,
    /// What was asked for: the hash of the plan, the image and the settings. Equal ones need no deployment.
    pub hash: String,
    /// What is run.
    pub artifact: Artifact,
    /// The variables of the server. No secrets.
    pub env: BTreeMap<String, String>,
    /// Secrets to set with it.
    pub secrets: BTreeMap<String, SecretString>,
    /// Labels of ours, `dev.helix.…`.
    pub labels: BTreeMap<String, String>,
    /// How health is asked for.
    pub health: HealthGate,
}

/// What a target is given.
#[derive(Clone, Debug)]
pub enum Artifact {
    /// An image in a registry, `host/path@sha256:…`.
    Image(String),
    /// Sources, compiled by the target.
    Sources(Box<SourceBundle>),
}

/// Sources that a target compiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceBundle {
    /// All schema files, in the order of their paths; several have a comment each.
    pub schema: String,
    /// Where the schema is, when it is one file.
    pub schema_path: Option<String>,
    /// The other files: path with `/` → text.
    pub queries: BTreeMap<String, String>,
    /// A project file with `[project]` and this instance only.
    pub project_file: String,
}

/// How health is asked for after a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthGate {
    /// The path.
    pub path: String,
    /// Between two questions.
    pub interval: Duration,
    /// How long it may take.
    pub deadline: Duration,
}

/// What was made before the first release, and what the project file should remember.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Provisioned {
    /// What was made, for people.
    pub created: Vec<String>,
    /// What was there already.
    pub adopted: Vec<String>,
    /// Keys of the instance's table in the project file, to be written there.
    pub settings: BTreeMap<String, String>,
}

/// A release that a target knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteRelease {
    /// The release, where the target keeps our id; else its own.
    pub id: String,
    /// When it was made, RFC 3339, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// The image, `host/path@sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// [`Desired::hash`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Whether it is the one that runs.
    pub current: bool,
}

/// How an instance is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RemoteStatus {
    /// `running`, `stopped`, `starting`, `failed`, `absent`, `published`.
    pub state: &'static str,
    /// The release that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<RemoteRelease>,
    /// Where it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// More, for people: name and value.
    pub details: Vec<(String, String)>,
}

/// What runs after an activation.
#[derive(Clone, Debug, Default)]
pub struct Activated {
    /// Where it answers, where it does for everyone.
    pub url: Option<String>,
    /// The key of the instance, when it was made just now.
    pub key: Option<SecretString>,
    /// What is running.
    pub status: RemoteStatus,
    /// Whether the target itself has seen it healthy.
    pub is_healthy: bool,
}

/// Which lines of a log.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// From when on.
    pub since: Option<jiff::Timestamp>,
    /// Until when.
    pub until: Option<jiff::Timestamp>,
    /// At most so many, the last ones.
    pub count: Option<usize>,
    /// Go on with what comes.
    pub follow: bool,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When it was written, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// `error`, `warn`, `info`, `debug`, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// What.
    pub message: String,
}

/// A secret that a target has. Its value cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretInfo {
    /// The name.
    pub name: String,
    /// What tells two values apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When it was set, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
}

/// What the scanner of a registry found, by severity in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scan {
    /// How many, by severity.
    pub counts: BTreeMap<String, u64>,
}

/// The right to deploy, held at the target.
#[async_trait]
pub trait Lock: Send + Sync + std::fmt::Debug {
    /// Gives it back.
    async fn release(self: Box<Self>) -> Result<()>;
}

/// Stores images.
#[async_trait]
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// The row of the table.
    fn target(&self) -> &'static Target;

    /// Where images are stored: `host/path`, without tag.
    fn repository(&self) -> &registry::Repository;

    /// A client of it, with credentials that are looked for now.
    async fn client(&self) -> Result<registry::Client>;

    /// Who we are.
    async fn whoami(&self) -> Result<Identity>;

    /// Everything that can be found out before a build: who we are, whether the repository is there or will be made, whether we may
    /// push to it.
    async fn preflight(&self) -> Vec<Finding>;

    /// Makes the repository where a push does not.
    async fn provision(&self) -> Result<Provisioned>;

    /// What the registry's own scanner found, waited for at most `limit`; `None` when it has none, or none is wanted.
    async fn scan(&self, digest: &str, limit: Duration) -> Result<Option<Scan>>;

    /// Removes these manifests; gives what was removed.
    async fn remove(&self, digests: &[String]) -> Result<Vec<String>>;

    /// Removes the repository with all that is in it; gives what was removed.
    async fn remove_repository(&self) -> Result<Vec<String>>;
}

/// Runs releases.
#[async_trait]
pub trait Platform: Send + Sync + std::fmt::Debug {
    /// The row of the table.
    fn target(&self) -> &'static Target;

    /// Where its images are stored; `None` when it compiles sources.
    fn registry(&self) -> Option<&dyn Registry>;

    /// Who we are.
    async fn whoami(&self) -> Result<Identity>;

    /// Everything that can be found out before anything is changed.
    async fn preflight(&self) -> Vec<Finding>;

    /// Makes what the first release needs, and adopts what is there and ours.
    async fn provision(&self) -> Result<Provisioned>;

    /// How it is.
    async fn status(&self) -> Result<RemoteStatus>;

    /// Takes the right to deploy; fails at once with [`super::error::Code::Locked`] when somebody has it. `None` when the target
    /// guards itself.
    async fn lock(&self, owner: &str) -> Result<Option<Box<dyn Lock>>>;

    /// Runs a release in place of the one before, waits until it is healthy, and goes back when it is not and `rollback` says so.
    async fn activate(&self, desired: &Desired, rollback: bool, progress: &dyn Progress) -> Result<Activated>;

    /// Starts what was stopped.
    async fn start(&self) -> Result<()>;

    /// Stops it; it keeps its data.
    async fn stop(&self) -> Result<()>;

    /// Stops and starts it.
    async fn restart(&self) -> Result<()>;

    /// Lines of its log.
    async fn logs(&self, query: &LogQuery) -> Result<BoxStream<'static, Result<LogLine>>>;

    /// The releases that the target knows, newest first.
    async fn releases(&self) -> Result<Vec<RemoteRelease>>;

    /// Runs an earlier release again.
    async fn rollback(&self, to: &RemoteRelease, progress: &dyn Progress) -> Result<Activated>;

    /// The secrets that it has.
    async fn secrets(&self) -> Result<Vec<SecretInfo>>;

    /// Sets secrets, and removes those without a value. They are live with the next release.
    async fn set_secrets(&self, values: &BTreeMap<String, Option<SecretString>>) -> Result<()>;

    /// What [`Platform::destroy`] would remove, for people.
    async fn things(&self) -> Result<Vec<String>>;

    /// Removes what is ours; the data only when told so. Gives what was removed.
    async fn destroy(&self, with_data: bool) -> Result<Vec<String>>;
}
