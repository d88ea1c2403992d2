//! One push for all remote targets: preflight, plan, build, publish, activate, health, record.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use helix_plan::diff::Class;
use secrecy::SecretString;

use super::plan::{Action, PushRequest, RemotePlan};
use super::sign::Signature;
use super::tags::{self, Tags, Words};
use super::{Kind, Remote, Shown, hook, image, key, owner, plan};
use crate::config::{BuildMode, HelixCloud, ImageRegistry, Provider, RegistryKind};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::container::names;
use crate::integrations::error::{Code, TargetError};
use crate::integrations::role::{Artifact, Desired, HealthGate, Lock, Platform, Registry, RemoteRelease, RemoteStatus};
use crate::ops::cloud::sync;
use crate::ops::compile::CompiledProject;
use crate::ops::env_file;
use crate::ops::health::{self, Health};
use crate::ops::local;
use crate::ops::releases::{self, Outcome, Release};
use crate::project::Project;
use crate::registry::Pushed;

/// How long the findings of a registry's own scanner are waited for.
const SCAN: Duration = Duration::from_secs(120);
/// How long a lock is waited for that somebody else has: a little longer than one lasts that nobody extends.
const LEASE: Duration = Duration::from_secs(15);
/// Between two tries to have it.
const LOOK: Duration = Duration::from_secs(2);

/// What a push did.
#[derive(Debug)]
pub struct Deployed {
    /// The release.
    pub release: Release,
    /// Where it answers.
    pub url: Option<String>,
    /// The image, `host/path@sha256:…`.
    pub image: Option<String>,
    /// The tags that point to it.
    pub tags: Vec<String>,
    /// The signature of the image, when it is signed.
    pub signature: Option<Signature>,
    /// What was sent, in bytes.
    pub uploaded_bytes: Option<u64>,
    /// Whether it was seen to be healthy.
    pub health: Option<&'static str>,
    /// A key that was made for the instance.
    pub key: Option<SecretString>,
    /// The file that the key was written to.
    pub key_written_to: Option<PathBuf>,
}

/// What runs a release where.
struct Run<'a> {
    remote: &'a Remote,
    ctx: &'a Ctx,
    project: &'a Project,
    request: &'a PushRequest,
    plan: &'a RemotePlan,
    release: Release,
    tags: Tags,
}

/// Does what was decided. The caller holds the lock of the instance, and has the user's word for a breaking change.
///
/// # Errors
///
/// When a step fails. What ran before runs on, where the target can have it so.
pub async fn push(
    remote: &Remote,
    ctx: &Ctx,
    project: &Project,
    compiled: &CompiledProject,
    plan: &RemotePlan,
    request: &PushRequest,
) -> Result<Deployed, Failure> {
    let began = Instant::now();
    let mut release =
        Release::new(&remote.name, remote.target().name, plan.digest.clone(), plan.hash.clone(), plan.changes.clone());
    release.source_hash = Some(compiled.sources.hash.clone());
    release.schema_hash = Some(plan.inputs.schema_hash.clone());
    release.git_revision = releases::git_revision(project.root());
    release.message.clone_from(&request.message);
    release.previous = plan.previous().map(|previous| previous.id.clone());
    let tags = tags_of(remote, project, &release)?;
    let mut run = Run { remote, ctx, project, request, plan, release, tags };
    let done = match &remote.kind {
        Kind::Registry(registry) => run.store(registry.as_ref()).await,
        Kind::Platform(platform) => run.run(platform.as_ref(), compiled).await,
    };
    let mut release = run.release;
    release.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match done {
        Ok(mut deployed) => {
            release.outcome = if deployed.health.is_some() { Outcome::Succeeded } else { Outcome::Unverified };
            release.image.clone_from(&deployed.image);
            release.signed_with = deployed.signature.as_ref().map(|signature| signature.key.clone());
            releases::record(&remote.files.releases(), &release)
                .map_err(super::super::instance::InstanceError::from)?;
            plan::remember(remote, &compiled.program, &release, &plan.hash)?;
            if let Provider::Helix(HelixCloud { cluster_id: Some(cluster), .. }) = &remote.cloud.provider {
                // What was deployed is what both sides have in common now.
                let here = sync::local(project)?;
                let base = sync::base(project, &remote.name, cluster)?;
                sync::remember(project, &remote.name, cluster, sync::common(&base, &here, &here))?;
            }
            deployed.release = release;
            Ok(deployed)
        }
        Err(mut failure) => {
            failure.rolled_back.get_or_insert(false);
            release.error = Some(failure.message.clone());
            // What is remembered is for people: that it cannot be written must not hide why the push failed.
            let _ = releases::record(&remote.files.releases(), &release);
            Err(failure)
        }
    }
}

impl Run<'_> {
    /// Puts the image into a registry, and moves the names of the instance to it when all is well.
    async fn store(&mut self, registry: &dyn Registry) -> Result<Deployed, Failure> {
        let Provider::Registry(settings) = &self.remote.cloud.provider else {
            return Err(Failure::internal("a registry has the settings of another target"));
        };
        let local = self.build().await?;
        self.ctx.check_cancelled()?;
        let made = registry.provision().await?;
        made.created.iter().for_each(|thing| self.ctx.ui.note(&format!("made {thing}")));
        let step = self.ctx.ui.step("publish", "Publishing the image");
        let pushed = image::publish(registry, &local, &self.tags.own, &step).await?;
        step.done(&sent(&pushed));
        self.ctx.check_cancelled()?;
        self.scan(registry, settings, &pushed.digest).await?;
        let signature = self.plan.signing.pass(self.ctx, self.remote, registry, &pushed.digest).await?;
        let step = self.ctx.ui.step("activate", "Moving the tags");
        let client = registry.client().await?;
        for tag in &self.tags.moving {
            let moved = client.tag(&pushed.digest, tag).await;
            moved.map_err(|error| image::registry_failure(registry, &format!("move the tag `{tag}`"), error))?;
        }
        step.done(&format!("Tagged {}", [self.tags.own.clone(), self.tags.moving.clone()].concat().join(", ")));
        let image = registry.repository().at(&pushed.digest);
        if let Some(command) = &settings.deploy_hook {
            let step = self.ctx.ui.step("hook", "Running the hook");
            let variables = [
                ("HELIX_IMAGE", image.as_str()),
                ("HELIX_DIGEST", &pushed.digest),
                ("HELIX_INSTANCE", &self.remote.name),
            ];
            hook::run(self.project, command, &variables).await?;
            step.done("Ran the hook");
        }
        Ok(Deployed {
            release: self.release.clone(),
            url: None,
            image: Some(image),
            tags: [self.tags.own.clone(), self.tags.moving.clone()].concat(),
            signature,
            uploaded_bytes: Some(pushed.uploaded_bytes),
            // The registry has what was built, byte for byte: that is all that can be seen of it.
            health: Some("published"),
            key: None,
            key_written_to: None,
        })
    }

    /// Runs the release on a platform.
    async fn run(&mut self, platform: &dyn Platform, compiled: &CompiledProject) -> Result<Deployed, Failure> {
        let (local, artifact) = match platform.registry() {
            Some(_) => (Some(self.build().await?), None),
            None => (
                None,
                Some(Artifact::Sources(Box::new(super::targets::sources(self.project, &self.remote.name, compiled)?))),
            ),
        };
        self.ctx.check_cancelled()?;
        let step = self.ctx.ui.step("provision", "Looking for what it needs");
        let made = platform.provision().await?;
        step.done(&if made.created.is_empty() {
            "All is there".to_owned()
        } else {
            format!("Made {}", made.created.join(", "))
        });
        for (name, value) in &made.settings {
            local::save_setting(self.project, &self.remote.name, self.remote.target().name, name, value)?;
        }
        // From here on nobody else deploys: what is remote is held as well.
        let lock = self.hold(platform).await?;
        let activated = self.activate(platform, local.as_ref(), artifact).await;
        if let Some(lock) = lock {
            // It ends by itself; that it cannot be given back must not hide what happened.
            if let Err(error) = lock.release().await {
                self.ctx.ui.warn("W-DEPLOY-LOCK", error.to_string());
            }
        }
        activated
    }

    /// Takes the right to deploy. What a killed command left of it ends by itself, and is waited for.
    async fn hold(&self, platform: &dyn Platform) -> Result<Option<Box<dyn Lock>>, Failure> {
        let patience = Instant::now() + LEASE;
        loop {
            match platform.lock(&owner(self.ctx)).await {
                Err(error) if error.code == Code::Locked && Instant::now() < patience => {
                    self.ctx.ui.note(&error.message);
                    tokio::time::sleep(LOOK).await;
                    self.ctx.check_cancelled()?;
                }
                taken => return Ok(taken?),
            }
        }
    }

    async fn activate(
        &mut self,
        platform: &dyn Platform,
        local: Option<&image::Local>,
        artifact: Option<Artifact>,
    ) -> Result<Deployed, Failure> {
        let mut uploaded = None;
        let mut reference = None;
        let mut signature = None;
        let artifact = match (platform.registry(), local, artifact) {
            (Some(registry), Some(local), _) => {
                let step = self.ctx.ui.step("publish", "Publishing the image");
                let pushed = image::publish(registry, local, &self.tags.own, &step).await?;
                step.done(&sent(&pushed));
                uploaded = Some(pushed.uploaded_bytes);
                self.ctx.check_cancelled()?;
                signature = self.plan.signing.pass(self.ctx, self.remote, registry, &pushed.digest).await?;
                let image = registry.repository().at(&pushed.digest);
                reference = Some(image.clone());
                Artifact::Image(image)
            }
            (_, _, Some(sources)) => sources,
            (_, _, None) => return Err(Failure::internal("there is nothing to deploy")),
        };
        self.ctx.check_cancelled()?;
        let (secrets, made_key) = self.secrets(platform).await?;
        let cloud = &self.remote.cloud;
        let desired = Desired {
            release: self.release.id.clone(),
            hash: self.plan.hash.clone(),
            artifact,
            env: self.plan.environment.plain.clone(),
            secrets,
            labels: self.labels(),
            health: HealthGate {
                path: cloud.health.path.clone(),
                interval: cloud.health.interval,
                deadline: cloud.health.timeout,
            },
        };
        let step = self.ctx.ui.step("activate", "Deploying");
        let activated = platform.activate(&desired, !self.request.no_rollback, &Shown(&step)).await?;
        let was_there = self.plan.previous().and_then(|now| now.hash.as_ref()) == Some(&self.plan.hash);
        if platform.registry().is_some() && self.request.force && was_there && self.plan.status.state == "running" {
            // A target that runs just that image has nothing to do; what was asked for is a new start.
            platform.restart().await?;
        }
        step.done("Deployed");
        // The key is what a later failure must not lose.
        let key = activated.key.clone().or(made_key);
        let key_written_to = key.as_ref().and_then(|key| self.hand_over(key, activated.url.as_deref()));
        let health = match (activated.is_healthy, &activated.url) {
            (true, _) => Some("healthy"),
            (false, Some(url)) => self.wait(url, &desired.health).await?,
            (false, None) => None,
        };
        Ok(Deployed {
            release: self.release.clone(),
            url: activated.url,
            // What has no image has no tags.
            tags: reference.as_ref().map(|_| self.tags.own.clone()).unwrap_or_default(),
            image: reference,
            signature,
            uploaded_bytes: uploaded,
            health,
            key,
            key_written_to,
        })
    }

    async fn build(&self) -> Result<image::Local, Failure> {
        let named = self.request.image.as_deref();
        image::build(self.remote, self.ctx, self.project, &self.plan.inputs, named).await
    }

    /// What is to be set with the release; and the key that is made for an instance that needs one and has none.
    async fn secrets(
        &self,
        platform: &dyn Platform,
    ) -> Result<(BTreeMap<String, SecretString>, Option<SecretString>), Failure> {
        let mut secrets = self.plan.environment.secret.clone();
        // Helix Cloud makes keys itself.
        let needs_key = platform.registry().is_some() && self.remote.cloud.database.api_key.unwrap_or(true);
        if !needs_key || secrets.contains_key(key::VARIABLE) {
            return Ok((secrets, None));
        }
        // A first push that was killed may have set one that nobody has: it is set anew.
        let is_first = self.plan.previous().is_none();
        if !is_first && platform.secrets().await?.iter().any(|secret| secret.name == key::VARIABLE) {
            return Ok((secrets, None));
        }
        let made = key::generate();
        secrets.insert(key::VARIABLE.to_owned(), key::hash(&made));
        Ok((secrets, Some(made)))
    }

    /// Writes a new key to the file that is asked for; gives the file. That it cannot be written must not lose the key.
    fn hand_over(&self, made: &SecretString, url: Option<&str>) -> Option<PathBuf> {
        let file = self.request.write_env.as_ref()?;
        match env_file::save(&self.ctx.cwd.join(file), &self.remote.name, None, url, made, false) {
            Ok(()) => Some(file.clone()),
            Err(failure) => {
                self.ctx.ui.failure(&failure);
                None
            }
        }
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let labels = [
            (names::MANAGED, "true".to_owned()),
            (names::PROJECT, self.project.slug()),
            (names::INSTANCE, self.remote.name.clone()),
            (names::RELEASE, self.release.id.clone()),
            (names::PLAN, self.plan.digest.clone()),
            (names::CONFIG_HASH, self.plan.hash.clone()),
        ];
        labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Fails when the registry's scanner found something that is too bad.
    async fn scan(&self, registry: &dyn Registry, settings: &ImageRegistry, digest: &str) -> Result<(), Failure> {
        let Some(limit) = settings.scan_fail_on.as_deref() else { return Ok(()) };
        let step = self.ctx.ui.step("scan", "Waiting for the scan");
        let Some(scan) = registry.scan(digest, SCAN).await? else {
            self.ctx.ui.warn("W-DEPLOY-SCAN", format!("{} scans nothing", registry.target().title));
            return Ok(());
        };
        let order = ["informational", "low", "medium", "high", "critical"];
        let rank = |name: &str| order.iter().position(|known| *known == name).unwrap_or(0);
        let found: Vec<String> = scan.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let bad: u64 = scan.counts.iter().filter(|(name, _)| rank(name) >= rank(limit)).map(|(_, count)| count).sum();
        if bad > 0 {
            let message = format!("the scan found {}: `scan_fail_on = \"{limit}\"`", found.join(", "));
            return Err(Failure::new("E-DEPLOY-SCAN", ExitCode::Rejected, message).hint(
                "the image is in the registry, and no tag of the instance points to it; build it on newer base images",
            ));
        }
        step.done(&if found.is_empty() {
            "The scan found nothing".to_owned()
        } else {
            format!("The scan found {}", found.join(", "))
        });
        Ok(())
    }

    /// Waits until the instance answers.
    async fn wait(&self, url: &str, gate: &HealthGate) -> Result<Option<&'static str>, Failure> {
        let step = self.ctx.ui.step("health", "Waiting until it is healthy");
        let http = local::http(true)?;
        match health::wait(&http, url.trim_end_matches('/'), &gate.path, gate.deadline, gate.interval).await {
            Health::Healthy => {
                step.done("It is healthy");
                Ok(Some("healthy"))
            }
            Health::Unhealthy { reason } | Health::Unreachable { reason } => {
                let message = format!("`{}` was deployed and is not healthy: {reason}", self.remote.name);
                Err(Failure::new("E-DEPLOY-UNHEALTHY", ExitCode::Unhealthy, message)
                    .hint(format!("look at `helix logs {0}`, or go back with `helix rollback {0}`", self.remote.name)))
            }
        }
    }
}

/// What the registry has of an instance: what its moving tag points to, or else its newest release.
///
/// # Errors
///
/// When the registry does not say.
pub(super) async fn published(remote: &Remote, registry: &dyn Registry) -> Result<RemoteStatus, Failure> {
    let failed = |error| image::registry_failure(registry, "look at what is published", error);
    let client = registry.client().await?;
    let tag = match channel(remote) {
        Some(tag) => Some(tag),
        None => newest(&client.tags().await.map_err(failed)?).into_iter().next(),
    };
    let absent = RemoteStatus { state: "absent", ..RemoteStatus::default() };
    let Some(tag) = tag else { return Ok(absent) };
    let Some(head) = client.head(&tag).await.map_err(failed)? else { return Ok(absent) };
    let labels = client.config_labels(&head.digest).await.map_err(failed)?;
    let label = |name: &str| labels.get(name).cloned();
    let is_ours =
        label(names::MANAGED).as_deref() == Some("true") && label(names::INSTANCE).as_deref() == Some(&remote.name);
    if !is_ours {
        let message = format!("{} has a tag `{tag}` that is not of this instance", registry.repository());
        return Err(TargetError::new(Code::Conflict, registry.target().title, "publish", message)
            .hint("name another repository with `image`, or other `tags`")
            .into());
    }
    let image = registry.repository().at(&head.digest);
    let known = remembered(remote, &image)?;
    let details = vec![("tag".to_owned(), tag), ("image".to_owned(), image.clone())];
    let release = RemoteRelease {
        id: known.as_ref().map_or_else(|| head.digest.clone(), |release| release.id.clone()),
        created_at: label("org.opencontainers.image.created"),
        image: Some(image),
        // An image that somebody else built says nothing of what it was asked for with.
        hash: known.map(|release| release.config_hash).or_else(|| label(names::CONFIG_HASH)),
        current: true,
    };
    Ok(RemoteStatus { state: "published", release: Some(release), url: None, details })
}

/// The release that has that image, when it is remembered here.
fn remembered(remote: &Remote, image: &str) -> Result<Option<Release>, Failure> {
    let is_it = |release: &Release| release.image.as_deref() == Some(image) && release.outcome != Outcome::Failed;
    Ok(remote.remembered()?.into_iter().find(is_it))
}

/// The first tag that moves from release to release.
pub(super) fn channel(remote: &Remote) -> Option<String> {
    templates(remote)
        .iter()
        .find(|template| tags::moves(template))
        .map(|template| template.replace("{mode}", mode(remote)))
}

/// The tags that are releases, newest first: a ULID begins with its time.
pub(super) fn newest(tags: &[String]) -> Vec<String> {
    let mut ids: Vec<String> = tags.iter().filter(|tag| ulid::Ulid::from_string(tag).is_ok()).cloned().collect();
    ids.sort_by(|one, other| other.cmp(one));
    ids
}

/// The templates of the tags. Where tags cannot be moved, those that would be are left out.
pub(super) fn templates(remote: &Remote) -> Vec<String> {
    match &remote.cloud.provider {
        Provider::Registry(registry) => {
            let is_fixed = matches!(registry.kind, RegistryKind::Ecr { immutable_tags: true, .. });
            registry.tags.iter().filter(|template| !is_fixed || !tags::moves(template)).cloned().collect()
        }
        Provider::Fly(_) | Provider::Helix(_) | Provider::Enterprise(_) => Vec::new(),
    }
}

pub(super) const fn mode(remote: &Remote) -> &'static str {
    match remote.cloud.build_mode {
        BuildMode::Dev => "dev",
        BuildMode::Release => "latest",
    }
}

fn tags_of(remote: &Remote, project: &Project, release: &Release) -> Result<Tags, Failure> {
    let words = Words {
        mode: mode(remote),
        release: release.id.clone(),
        version: project.config().project.version.clone(),
        git_sha: release.git_revision.clone(),
    };
    tags::render(&templates(remote), &words)
}

fn sent(pushed: &Pushed) -> String {
    if pushed.uploaded_bytes == 0 {
        return "The image was there".to_owned();
    }
    format!("Published the image: {} sent", image::megabytes(pushed.uploaded_bytes))
}

/// Gets the user's word for a change that loses data, or that cannot be told.
///
/// # Errors
///
/// When the word is not given.
pub fn agree(ctx: &Ctx, remote: &Remote, plan: &RemotePlan, allow_breaking: bool) -> Result<(), Failure> {
    if !plan.is_known && plan.action != Action::Nothing {
        let message = format!(
            "what runs on `{}` was pushed from elsewhere: what the change means for stored data is only told by the server",
            remote.name
        );
        ctx.ui.warn("W-PUSH-UNKNOWN-SCHEMA", message);
    }
    if allow_breaking || plan.changes.class() != Class::Breaking {
        return Ok(());
    }
    let lost = plan.changes.schema.iter().filter(|change| change.class == Class::Breaking).cloned().collect();
    let breaking = super::super::instance::InstanceError::Breaking { changes: lost };
    if !ctx.ui.is_interactive() {
        return Err(breaking.into());
    }
    ctx.ui.warn("W-PUSH-BREAKING", breaking.to_string());
    ctx.ui.confirm_explicitly("Push all the same?", "--allow-breaking")
}
