//! A release takes the place of the one before: one machine, updated under its lease, seen healthy, or put back.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::api::{Api, MAX_WAIT_SECS};
use super::lease::Lease;
use super::provision::{elsewhere, once};
use super::types::{Machine, State, Volume};
use super::{Fly, TITLE, history, machine};
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::{Activated, Artifact, Desired, HealthGate, Progress, RemoteRelease};

/// How often in a row the checks must pass.
const PASSES: u32 = 2;
/// After so many ends of the program nobody waits for it to do better.
const MAX_EXITS: usize = 2;
/// The longest between two looks for a crash, in seconds.
const LOOK_SECS: u64 = 10;

impl Fly {
    pub(super) async fn deploy(&self, desired: &Desired, rollback: bool, progress: &dyn Progress) -> Result<Activated> {
        let api = self.api()?;
        let image = match &desired.artifact {
            Artifact::Image(image) => image,
            Artifact::Sources(_) => {
                return Err(TargetError::new(Code::Unsupported, TITLE, "run a release", "it runs images, not sources"));
            }
        };
        match self.machine(api).await? {
            None => self.first(api, desired, image, rollback, progress).await,
            Some(machine) => {
                let lease = self.hold(api, &machine.id, progress).await?;
                let result = self.replace(api, &machine.id, desired, image, rollback, progress).await;
                give_back(lease).await;
                result
            }
        }
    }

    /// The lease of a machine; `None` when we have it already. A lease that a killed command left ends while we wait.
    async fn hold(&self, api: &Arc<Api>, id: &str, progress: &dyn Progress) -> Result<Option<Lease>> {
        if api.holds(id) {
            return Ok(None);
        }
        let patience = Instant::now() + api.pace().patience;
        loop {
            match Lease::take(api, id, "helix").await {
                Err(error) if error.code == Code::Locked && Instant::now() < patience => {
                    progress.say(&error.message);
                    tokio::time::sleep(api.pace().poll).await;
                }
                taken => return taken.map(Some),
            }
        }
    }

    async fn first(
        &self,
        api: &Arc<Api>,
        desired: &Desired,
        image: &str,
        rollback: bool,
        progress: &dyn Progress,
    ) -> Result<Activated> {
        let volume = self.volume(api, None).await?.ok_or_else(no_volume)?;
        let secrets = self.stage(api, desired, None).await?;
        let config = machine::config(None, &self.settings, desired, image, &volume.id, secrets)?;
        let body = machine::launch(config, Some(&volume.region), secrets);
        progress.say("making the machine");
        let find = || async {
            let machines = api.machines().await?;
            Ok(machines.into_iter().find(|machine| history::launch(machine).as_ref() == Some(&desired.release)))
        };
        let machine = match once(|| api.create(&body), find).await {
            Ok(machine) => machine,
            Err(error) => return Err(self.not_made(api, error, &volume).await),
        };
        api.note(&machine.id);
        let lease = self.hold(api, &machine.id, progress).await?;
        let result = match self.prove(api, &machine, desired, progress).await {
            Ok(machine) => self.confirm(api, &machine, &desired.release).await,
            Err(error) if rollback && error.code == Code::Unhealthy => {
                Err(self.go_back(api, &machine, None, desired, error, progress).await)
            }
            Err(error) => Err(error),
        };
        give_back(lease).await;
        result
    }

    /// Why there is no machine after all.
    async fn not_made(&self, api: &Api, error: TargetError, volume: &Volume) -> TargetError {
        if matches!(error.code, Code::Invalid | Code::Conflict)
            && let Ok(Some(other)) = self.machine(api).await
        {
            let message = format!("another deployment has made the machine `{}` meanwhile", other.id);
            return TargetError::new(Code::Locked, TITLE, "make the machine", message)
                .hint("wait until that one has ended, and run the command again");
        }
        let error = elsewhere(api, error, &volume.region).await;
        if error.code != Code::Capacity {
            return error;
        }
        let (id, region) = (&volume.id, &volume.region);
        let note = format!("the volume {id} stays in {region}: if it is empty, remove it: `fly volumes destroy {id}`");
        error.context([note])
    }

    async fn replace(
        &self,
        api: &Arc<Api>,
        id: &str,
        desired: &Desired,
        image: &str,
        rollback: bool,
        progress: &dyn Progress,
    ) -> Result<Activated> {
        // What was read before we had the lease may be old.
        let machine = api.machine(id).await?;
        let before = history::is_confirmed(&machine).then(|| machine.config.clone());
        let running = history::current(&machine);
        let is_same = running.hash.as_deref() == Some(&desired.hash);
        let secrets = self.stage(api, desired, Some(&machine)).await?;
        let is_up = matches!(machine.state, State::Created | State::Starting | State::Started | State::Replacing);
        let proven = if is_same && is_up && history::secrets_version(&machine) == secrets {
            if before.is_some() && machine.is_serving() && !machine.cordoned {
                return Ok(self.activated(&machine));
            }
            // A command that was killed got as far as this.
            self.prove(api, &machine, desired, progress).await
        } else {
            let volume = self.volume(api, Some(&machine)).await?.ok_or_else(no_volume)?;
            let earlier = Some(&machine.config);
            let config = machine::config(earlier, &self.settings, desired, image, &volume.id, secrets)?;
            progress.say("updating the machine");
            let updated = apply(api, &machine, config, secrets).await?;
            self.prove(api, &updated, desired, progress).await
        };
        match proven {
            Ok(machine) => {
                let release = history::current(&machine).id;
                self.confirm(api, &machine, &release).await
            }
            Err(error) if rollback && error.code == Code::Unhealthy => {
                Err(self.go_back(api, &machine, before, desired, error, progress).await)
            }
            Err(error) => Err(error),
        }
    }

    /// Puts secrets that the release brings where the machine will find them, unless it has them; gives their count of changes.
    async fn stage(&self, api: &Api, desired: &Desired, machine: Option<&Machine>) -> Result<u64> {
        let known = api.secrets().await?;
        let is_same = machine.is_some_and(|machine| history::current(machine).hash.as_deref() == Some(&desired.hash));
        let is_known = |name: &String| known.secrets.iter().any(|secret| secret.name == *name);
        if desired.secrets.is_empty() || (is_same && desired.secrets.keys().all(is_known)) {
            return Ok(known.version);
        }
        let values = desired.secrets.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
        self.put_secrets(api, &values).await?;
        Ok(api.secrets().await?.version)
    }

    /// Waits until the machine has started and its checks pass.
    ///
    /// # Errors
    ///
    /// [`Code::Unhealthy`] with what was found, at once when its program ends again and again.
    async fn prove(
        &self,
        api: &Arc<Api>,
        machine: &Machine,
        desired: &Desired,
        progress: &dyn Progress,
    ) -> Result<Machine> {
        match watch(api, machine, &desired.health, progress).await? {
            Watched::Healthy(machine) => Ok(*machine),
            Watched::Failed(machine, reason) => Err(self.evidence(api, &machine, &reason, desired).await),
        }
    }

    /// Notes at the machine that its release is healthy.
    async fn confirm(&self, api: &Api, machine: &Machine, release: &str) -> Result<Activated> {
        if machine.cordoned {
            api.uncordon(&machine.id).await?;
        }
        api.set_metadata(&machine.id, history::CONFIRMED, release).await?;
        Ok(self.activated(machine))
    }

    fn activated(&self, machine: &Machine) -> Activated {
        let status = self.status_of(machine);
        Activated { url: status.url.clone(), key: None, status, is_healthy: true }
    }

    /// Brings back what ran before a release that failed; without anything before it, the machine is removed and its volume kept.
    async fn go_back(
        &self,
        api: &Arc<Api>,
        machine: &Machine,
        before: Option<Value>,
        desired: &Desired,
        failed: TargetError,
        progress: &dyn Progress,
    ) -> TargetError {
        progress.say("going back to the release before");
        match self.put_back(api, machine, before, desired, progress).await {
            Ok(Some(release)) => {
                let failed = failed.context([format!("went back: release {release} runs again")]);
                TargetError { rolled_back: true, ..failed }
            }
            Ok(None) => failed.context(["nothing ran before it: the machine is removed, its volume is kept"]),
            Err(error) => {
                let instance = &self.settings.instance;
                failed.context([format!("going back failed as well: {error}")]).hint(format!(
                    "look at it, `helix status {instance}` and `helix logs {instance}`; then push a release that works"
                ))
            }
        }
    }

    async fn put_back(
        &self,
        api: &Arc<Api>,
        machine: &Machine,
        before: Option<Value>,
        desired: &Desired,
        progress: &dyn Progress,
    ) -> Result<Option<String>> {
        let launch = format!("{}-back", desired.release);
        let failed = api.machine(&machine.id).await?;
        let earlier = before
            .map(|config| history::launched(config, &launch))
            .or_else(|| history::going_back(&failed.config, &history::before(&failed)?, &launch));
        let Some(earlier) = earlier else {
            self.remove_machine(api, &failed).await?;
            return Ok(None);
        };
        let restored = apply(api, &failed, earlier, history::secrets_version(&failed)).await?;
        let healthy = self.prove(api, &restored, desired, progress).await?;
        let release = history::current(&healthy).id;
        self.confirm(api, &healthy, &release).await?;
        Ok(Some(release))
    }

    /// Has a machine begin anew with the secrets that there are now.
    pub(super) async fn reload(&self, api: &Arc<Api>, id: &str, secrets: u64) -> Result<()> {
        let lease = self.hold(api, id, &()).await?;
        let updated = async {
            let machine = api.machine(id).await?;
            apply(api, &machine, history::with_secrets(&machine, secrets), secrets).await
        };
        let result = updated.await;
        give_back(lease).await;
        result.map(drop)
    }

    pub(super) async fn run_again(&self, to: &RemoteRelease, progress: &dyn Progress) -> Result<Activated> {
        let api = self.api()?;
        let found = self.needed(api, "go back").await?;
        let lease = self.hold(api, &found.id, progress).await?;
        let result = self.run_earlier(api, &found.id, to, progress).await;
        give_back(lease).await;
        result
    }

    async fn run_earlier(
        &self,
        api: &Arc<Api>,
        id: &str,
        to: &RemoteRelease,
        progress: &dyn Progress,
    ) -> Result<Activated> {
        let machine = api.machine(id).await?;
        if history::current(&machine).id == to.id && history::is_confirmed(&machine) && machine.is_serving() {
            return Ok(self.activated(&machine));
        }
        let launch = format!("{}-{}", to.id, machine.instance_id);
        let config = history::going_back(&machine.config, to, &launch).ok_or_else(|| {
            TargetError::new(Code::Invalid, TITLE, "go back", format!("the image of release {} is not known", to.id))
                .hint(format!("`helix releases list {}` tells those that can run again", self.settings.instance))
        })?;
        let before = history::is_confirmed(&machine).then(|| machine.config.clone());
        let desired = self.as_it_is(to);
        progress.say("updating the machine");
        let secrets = api.secrets().await?.version;
        let updated = apply(api, &machine, config, secrets).await?;
        match self.prove(api, &updated, &desired, progress).await {
            Ok(machine) => self.confirm(api, &machine, &to.id).await,
            Err(error) if error.code == Code::Unhealthy => {
                Err(self.go_back(api, &machine, before, &desired, error, progress).await)
            }
            Err(error) => Err(error),
        }
    }
}

fn no_volume() -> TargetError {
    TargetError::new(Code::NotFound, TITLE, "run the release", "its volume is not there")
        .hint("run the command again: it makes the volume")
}

/// Gives a lease back; that it ends by itself when that fails is good enough for what was done already.
async fn give_back(lease: Option<Lease>) {
    if let Some(lease) = lease
        && let Err(error) = lease.give_back().await
    {
        tracing::warn!(%error, "the lease was not given back: it ends by itself");
    }
}

/// Sends a machine another configuration. Whether a call that broke was carried out is seen by its launch.
async fn apply(api: &Api, machine: &Machine, config: Value, secrets: u64) -> Result<Machine> {
    let launch = machine::metadata_of(&config).remove(history::LAUNCH);
    let body = machine::launch(config, None, secrets);
    let find = || async {
        let seen = api.machine(&machine.id).await?;
        let is_ours = history::launch(&seen) == launch && seen.instance_id != machine.instance_id;
        Ok(is_ours.then_some(seen))
    };
    once(|| api.update(&machine.id, &body), find).await
}

/// What became of a machine that was waited for.
enum Watched {
    Healthy(Box<Machine>),
    Failed(Box<Machine>, String),
}

async fn watch(api: &Api, machine: &Machine, gate: &HealthGate, progress: &dyn Progress) -> Result<Watched> {
    let began = Instant::now();
    let (id, version) = (machine.id.as_str(), machine.instance_id.as_str());
    let mut has_started = false;
    let mut passes = 0;
    progress.say("waiting for the machine to start");
    loop {
        let left = gate.deadline.saturating_sub(began.elapsed());
        if !has_started {
            let limit = left.as_secs().clamp(1, LOOK_SECS.min(MAX_WAIT_SECS));
            let limit = std::time::Duration::from_secs(limit);
            if api.wait(id, &["started", "stopped"], Some(version), limit).await? {
                has_started = true;
                progress.say("waiting for its check to pass");
            }
        }
        let seen = api.machine(id).await?;
        if let Some(reason) = ended(&seen) {
            return Ok(Watched::Failed(Box::new(seen), reason));
        }
        has_started |= seen.state == State::Started;
        passes = if seen.is_serving() { passes + 1 } else { 0 };
        if passes >= PASSES {
            return Ok(Watched::Healthy(Box::new(seen)));
        }
        if began.elapsed() >= gate.deadline {
            let what = if has_started { "its check does not pass" } else { "it has not started" };
            let reason = format!("{what} after {} s", gate.deadline.as_secs());
            return Ok(Watched::Failed(Box::new(seen), reason));
        }
        tokio::time::sleep(api.pace().poll).await;
    }
}

/// Why a machine will not get healthy, if that is clear already.
fn ended(machine: &Machine) -> Option<String> {
    let is_down = match machine.state {
        State::Stopped | State::Suspended | State::Failed | State::Destroying | State::Destroyed => true,
        State::Created
        | State::Starting
        | State::Started
        | State::Stopping
        | State::Suspending
        | State::Replacing
        | State::Replaced
        | State::Unknown => false,
    };
    match machine.exit() {
        Some(exit) if is_down || exit.count >= MAX_EXITS => {
            let reason = if exit.is_out_of_memory { " out of memory" } else { "" };
            Some(format!("the server ended{reason} with exit code {}", exit.code))
        }
        None if is_down => Some("the machine stopped".to_owned()),
        Some(_) | None => None,
    }
}
