//! What a push to a remote instance would do: looks, and changes nothing.

use helix_plan::Program;
use helix_plan::diff::{Class, Diff};
use serde::Serialize;

use super::environment::{self, Environment};
use super::sign::Signing;
use super::{Kind, Remote, findings};
use crate::config::Instance;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::integrations::embedded::{State, state};
use crate::integrations::role::{Finding, RemoteRelease, RemoteStatus};
use crate::ops::build::generate::Inputs;
use crate::ops::compile::CompiledProject;
use crate::ops::releases::{Outcome, Release};
use crate::project::Project;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Make it: nothing was deployed yet.
    Create,
    /// Put a release in the place of the one before.
    Update {
        /// Why.
        reason: String,
    },
}

impl Action {
    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Nothing => "nothing to do".to_owned(),
            Self::Create => "deploy it for the first time".to_owned(),
            Self::Update { reason } => format!("deploy a release: {reason}"),
        }
    }
}

/// A push that was thought through.
#[derive(Debug)]
pub struct RemotePlan {
    /// What is to be done.
    pub action: Action,
    /// What was found out.
    pub findings: Vec<Finding>,
    /// What changes against the release before, as far as that is known.
    pub changes: Diff,
    /// Whether it is known.
    pub is_known: bool,
    /// How the instance is.
    pub status: RemoteStatus,
    /// What the release is made of.
    pub hash: String,
    /// The digest of the plan.
    pub digest: String,
    pub(super) inputs: Inputs,
    pub(super) environment: Environment,
    pub(super) signing: Signing,
}

impl RemotePlan {
    /// What the key is called that the release would be signed with.
    #[must_use]
    pub fn signed_with(&self) -> Option<String> {
        self.signing.key()
    }

    /// The release that runs.
    #[must_use]
    pub fn previous(&self) -> Option<&RemoteRelease> {
        self.status.release.as_ref()
    }

    /// Whether stored data would be lost.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        self.changes.class() == Class::Breaking
    }
}

/// What a push is asked for.
#[derive(Clone, Debug, Default)]
pub struct PushRequest {
    /// Deploy even when nothing changed.
    pub force: bool,
    /// An image of the container runtime, in place of one that is built.
    pub image: Option<String>,
    /// What to say about the release.
    pub message: Option<String>,
    /// Leave a failed release as it is.
    pub no_rollback: bool,
    /// Deploy to a public address without a key.
    pub allow_public: bool,
    /// Where a key that is made is written to.
    pub write_env: Option<std::path::PathBuf>,
}

/// Thinks a push through.
///
/// # Errors
///
/// When the variables cannot be read, or the target does not say how it is. What is wrong with the push is in the findings.
pub async fn plan(
    remote: &Remote,
    ctx: &Ctx,
    project: &Project,
    compiled: &CompiledProject,
    request: &PushRequest,
) -> Result<RemotePlan, Failure> {
    let environment = environment::gather(ctx, project, &remote.name, &remote.cloud)?;
    let instance = Instance::Cloud(remote.cloud.clone());
    let inputs = Inputs::new(project, &remote.name, &instance, compiled)?;
    let signing = Signing::of_push(ctx, project, remote)?;
    let mut findings = signing.findings().to_vec();
    findings.extend(findings::gather(remote, &environment.secret, request.allow_public).await);
    let hash = hash(remote, &inputs, &environment, request);
    // Without an account there is nothing to look at.
    let is_blocked =
        findings.iter().any(|finding| finding.code.starts_with("E-AUTH-") || finding.code.starts_with("E-NET-"));
    let mut status = if is_blocked { RemoteStatus::default() } else { status(remote).await? };
    recall(remote, &mut status)?;
    let (before, is_known) = before(remote, status.release.as_ref())?;
    let changes = before.map(|before| helix_plan::diff::diff(&before, &compiled.program)).unwrap_or_default();
    let action = match &status.release {
        None => Action::Create,
        Some(_) if request.force => Action::Update { reason: "asked for with `--force`".to_owned() },
        Some(now) if now.hash.as_deref() != Some(hash.as_str()) => {
            let reason = if changes.queries.is_empty() && changes.schema.is_empty() && is_known {
                "its settings or its image changed"
            } else {
                "the queries or the schema changed"
            };
            Action::Update { reason: reason.to_owned() }
        }
        Some(_) => match status.state {
            "failed" => Action::Update { reason: "it failed".to_owned() },
            "stopped" => Action::Update { reason: "it is stopped".to_owned() },
            _ if !is_blocked && lacks_signature(remote, &signing, &status).await? => {
                Action::Update { reason: "it is not signed".to_owned() }
            }
            _ => Action::Nothing,
        },
    };
    Ok(RemotePlan {
        action,
        findings,
        changes,
        is_known,
        status,
        hash,
        digest: inputs.digest.clone(),
        inputs,
        environment,
        signing,
    })
}

/// Whether what is there lacks the signature that a push gives it now.
async fn lacks_signature(remote: &Remote, signing: &Signing, status: &RemoteStatus) -> Result<bool, Failure> {
    let image = status.release.as_ref().and_then(|release| release.image.as_deref());
    match (remote.registry(), image) {
        (Some(registry), Some(image)) => signing.lacks(registry, image).await,
        _ => Ok(false),
    }
}

/// How an instance is, whatever its role.
///
/// # Errors
///
/// When the target does not say.
pub async fn status(remote: &Remote) -> Result<RemoteStatus, Failure> {
    match &remote.kind {
        Kind::Platform(platform) => Ok(platform.status().await?),
        Kind::Registry(registry) => super::push::published(remote, registry.as_ref()).await,
    }
}

/// Completes what a target says with what is remembered here: not every target keeps what a release was made of, or releases at all.
fn recall(remote: &Remote, status: &mut RemoteStatus) -> Result<(), Failure> {
    let good = |release: &Release| release.outcome != Outcome::Failed;
    let all = remote.remembered()?;
    match &mut status.release {
        Some(now) => {
            let known = all.into_iter().find(|release| release.id == now.id);
            now.hash = now.hash.take().or_else(|| known.map(|release| release.config_hash));
        }
        None if matches!(status.state, "running" | "published") => {
            status.release = all.into_iter().find(good).map(|release| RemoteRelease {
                id: release.id,
                created_at: Some(release.created_at),
                image: release.image,
                hash: Some(release.config_hash),
                current: true,
            });
        }
        None => {}
    }
    Ok(())
}

/// The identity of what would be deployed. For a registry it is that of the image alone, which carries it as a label.
fn hash(remote: &Remote, inputs: &Inputs, environment: &Environment, request: &PushRequest) -> String {
    let image = request.image.as_deref().unwrap_or_default();
    match &remote.kind {
        Kind::Registry(_) if image.is_empty() => inputs.hash(&[]),
        Kind::Registry(_) => inputs.hash(&[image]),
        Kind::Platform(_) => {
            let plain: String = environment.plain.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            let settings = format!("{:?}", remote.cloud.provider);
            inputs.hash(&[image, &plain, &settings])
        }
    }
}

/// The plan of the release that runs, when it is remembered here; and whether what runs is known at all.
fn before(remote: &Remote, now: Option<&RemoteRelease>) -> Result<(Option<Program>, bool), Failure> {
    let Some(now) = now else { return Ok((None, true)) };
    let all = remote.remembered()?;
    let Some(release) = all.iter().find(|release| release.id == now.id) else { return Ok((None, false)) };
    let file = state::plan_file(&remote.files, &release.digest);
    match state::load_plan(&file, &release.digest) {
        Ok(program) => Ok((Some(program), true)),
        // What is here is disposable.
        Err(_) => Ok((None, false)),
    }
}

/// Remembers what runs now.
pub(super) fn remember(remote: &Remote, program: &Program, release: &Release, hash: &str) -> Result<(), Failure> {
    remote.files.create()?;
    state::store_plan(&remote.files, program)?;
    let mut now = State::new(release.digest.clone(), hash.to_owned(), std::path::PathBuf::new());
    remote.target().name.clone_into(&mut now.provider);
    now.image.clone_from(&release.image);
    now.source_hash.clone_from(&release.source_hash);
    now.release_id = Some(release.id.clone());
    Ok(now.save(&remote.files)?)
}
