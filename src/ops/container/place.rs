//! Putting a container in the place of the one before, and waiting until it answers.
//!
//! The one before is stopped and kept under another name until the new one is healthy. Killed anywhere, this leaves containers
//! that labels tell apart: the next push takes the one of the last release for the one before, and removes the rest.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use tokio::time::Instant;

use super::crash::{self, Crash};
use super::{Container, Observed, network};
use crate::docker::containers::{self, ContainerSpec, Phase};
use crate::docker::{Client, DockerError};
use crate::integrations::container::spec::{self, Placement};
use crate::integrations::container::{GRACE_SECS, compose};
use crate::integrations::embedded::{EmbeddedError, files, port};
use crate::ops::health::Health;
use crate::ops::instance::{self, InstanceError, Started, Unit, Wait};

/// Between two looks at a starting container, at most.
const LOOK: Duration = Duration::from_millis(200);
/// How long an embedded process of the instance may take to end, before a container has its data.
const DRAIN: Duration = Duration::from_secs(10);

/// What to put in place.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The id of the image.
    pub(super) image: String,
    /// The release.
    pub(super) release: String,
    /// The digest of the plan.
    pub(super) plan: String,
    /// The port of this machine.
    pub(super) port: u16,
    /// Whether it may lose stored data when it first starts.
    pub(super) allow_breaking: bool,
    /// How long to wait for health.
    pub(super) wait: Wait,
    /// Go back to the container before when the new one fails.
    pub(super) rollback: bool,
}

/// Why nothing new is in place.
#[derive(Debug)]
pub(super) struct NotPlaced {
    pub(super) error: InstanceError,
    pub(super) rolled_back: bool,
}

impl<E: Into<InstanceError>> From<E> for NotPlaced {
    fn from(error: E) -> Self {
        Self { error: error.into(), rolled_back: false }
    }
}

impl Container {
    /// Puts a new container in place.
    pub(super) async fn place(&self, observed: &Observed, wanted: &Wanted) -> Result<Started, NotPlaced> {
        let client = self.client().await?;
        self.files().create()?;
        let data = self.files().data();
        std::fs::create_dir_all(data).map_err(EmbeddedError::file("create", data))?;
        // All that can be found out is, before the running one is ended.
        client.image(&wanted.image).await?;
        self.check_port(client, observed, wanted.port).await?;
        let network = self.network(client).await?;
        // It may have been embedded a moment ago.
        instance::stop(self.files(), DRAIN).await?;

        let before = observed.released().or_else(|| observed.up());
        for leftover in observed.all.iter().filter(|one| before.is_none_or(|before| before.id != one.id)) {
            client.remove_container(&leftover.id).await?;
        }
        if let Some(before) = before {
            self.set_aside(client, before).await?;
        }
        let placement = Placement {
            name: self.free_name(client).await?,
            image: wanted.image.clone(),
            port: wanted.port,
            network,
            release: wanted.release.clone(),
            plan: wanted.plan.clone(),
            allow_breaking: false,
        };
        let variables = self.write_variables()?;
        match self.start_new(client, &placement, wanted).await {
            Ok(started) => {
                if let Some(before) = before {
                    client.remove_container(&before.id).await?;
                }
                Ok(started)
            }
            Err(error) => {
                let rolled_back = match before.filter(|_| wanted.rollback) {
                    Some(before) => {
                        self.put_variables(variables.as_deref())?;
                        self.bring_back(client, before, &placement.name).await.is_ok()
                    }
                    None => false,
                };
                Err(NotPlaced { error, rolled_back })
            }
        }
    }

    /// Makes and starts the container, and removes it again when it fails.
    async fn start_new(
        &self,
        client: &Client,
        placement: &Placement,
        wanted: &Wanted,
    ) -> Result<Started, InstanceError> {
        let host = self.host().await?;
        if wanted.allow_breaking {
            // Once, and not at any later start: a container that may lose data is not left behind.
            let placement = Placement { allow_breaking: true, ..placement.clone() };
            let once = spec::container(&self.settings, host, &placement);
            let wait = if wanted.wait == Wait::No { Wait::Configured } else { wanted.wait };
            let started = self.run(client, &once, placement.port, wait).await?;
            if let Unit::Container(name) = &started.unit {
                client.stop_container(name, grace(Duration::from_secs(u64::from(GRACE_SECS)))).await?;
                client.remove_container(name).await?;
            }
        }
        let mut spec = spec::container(&self.settings, host, placement);
        let started = self.run(client, &spec, placement.port, wanted.wait).await?;
        if let Unit::Container(name) = &started.unit {
            spec.name.clone_from(name);
        }
        self.write_compose(&spec)?;
        Ok(started)
    }

    async fn run(
        &self,
        client: &Client,
        spec: &ContainerSpec,
        port: u16,
        wait: Wait,
    ) -> Result<Started, InstanceError> {
        let (id, name) = self.create(client, spec).await?;
        let started = self.start_and_wait(client, &id, &name, port, wait).await;
        if started.is_err() {
            client.remove_container(&id).await?;
        }
        started
    }

    /// Makes a container; gives its id and its name. Another project of this name, in another folder, may have been faster.
    async fn create(&self, client: &Client, spec: &ContainerSpec) -> Result<(String, String), InstanceError> {
        let names = &self.settings.names;
        match client.create_container(spec).await {
            Err(DockerError::Conflict { .. }) if spec.name == names.container(false) => {
                let spec = ContainerSpec { name: names.container(true), ..spec.clone() };
                Ok((client.create_container(&spec).await?, spec.name))
            }
            made => Ok((made?, spec.name.clone())),
        }
    }

    /// Starts a container that was made, and waits until it is healthy.
    pub(super) async fn start_and_wait(
        &self,
        client: &Client,
        id: &str,
        name: &str,
        port: u16,
        wait: Wait,
    ) -> Result<Started, InstanceError> {
        let taken = |error| match error {
            DockerError::PortTaken { .. } => InstanceError::from(port::in_use(self.settings.local.address(port))),
            other => other.into(),
        };
        network::start(client, id).await.map_err(taken)?;
        let health = match wait.limit(&self.settings.local) {
            Some(limit) => Some(self.wait_until_healthy(client, id, port, limit).await?),
            None => None,
        };
        Ok(Started { unit: Unit::Container(name.to_owned()), url: self.url(port), port, health })
    }

    /// Waits until a container is healthy, or ends, whichever is first.
    async fn wait_until_healthy(
        &self,
        client: &Client,
        id: &str,
        port: u16,
        limit: Duration,
    ) -> Result<Health, InstanceError> {
        let deadline = Instant::now() + limit;
        let restarts = client.container(id).await?.restarts;
        loop {
            let health = self.probe(port).await;
            let seen = client.container(id).await?;
            match seen.phase {
                Phase::Running if seen.restarts == restarts => {}
                Phase::Running | Phase::Restarting | Phase::Exited => {
                    let mut crash = Crash::of(self.name(), client, &seen).await;
                    crash.restarts -= restarts;
                    return Err(InstanceError::Crashed(Box::new(crash)));
                }
                Phase::Created | Phase::Paused => {}
            }
            let Some(reason) = health.reason() else { return Ok(health) };
            if Instant::now() >= deadline {
                return Err(InstanceError::Unhealthy {
                    name: self.name().to_owned(),
                    reason: reason.to_owned(),
                    log: crash::log(client, id).await,
                });
            }
            tokio::time::sleep(self.settings.local.health.interval.min(LOOK)).await;
        }
    }

    /// Fails when somebody else has the port.
    pub(super) async fn check_port(
        &self,
        client: &Client,
        observed: &Observed,
        wanted: u16,
    ) -> Result<(), InstanceError> {
        let own = observed.all.iter().any(|one| one.is_up() && one.published == Some(wanted));
        let embedded = crate::integrations::embedded::process::observe(self.files())?.running();
        let own = own || embedded.and_then(|record| record.address).is_some_and(|address| address.port() == wanted);
        if own {
            return Ok(());
        }
        match port::check(self.settings.local.address(wanted)) {
            Err(EmbeddedError::PortInUse { port, address, owner }) => {
                let container = client.publisher(port).await?.map(|name| format!("container `{name}`"));
                Err(EmbeddedError::PortInUse { port, address, owner: container.or(owner) }.into())
            }
            done => Ok(done?),
        }
    }

    /// The name that the next container has.
    async fn free_name(&self, client: &Client) -> Result<String, InstanceError> {
        let names = &self.settings.names;
        let usual = names.container(false);
        match client.container(&usual).await {
            Ok(_) => Ok(names.container(true)),
            Err(error) if error.is_not_found() => Ok(usual),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops the container before, and gives its name to the next one.
    async fn set_aside(&self, client: &Client, before: &containers::Container) -> Result<(), InstanceError> {
        client.stop_container(&before.id, grace(Duration::from_secs(u64::from(GRACE_SECS)))).await?;
        let aside = self.settings.names.aside(&before.id);
        if before.name != aside {
            client.rename_container(&before.id, &aside).await?;
        }
        Ok(())
    }

    /// Has the container before serve again.
    async fn bring_back(
        &self,
        client: &Client,
        before: &containers::Container,
        name: &str,
    ) -> Result<(), InstanceError> {
        client.rename_container(&before.id, name).await?;
        self.start_and_wait(client, &before.id, name, self.port_of(before), Wait::Configured).await?;
        Ok(())
    }

    /// Writes the file of variables that the server reads when it starts; gives what was in it before.
    pub(super) fn write_variables(&self) -> Result<Option<Vec<u8>>, InstanceError> {
        let (_, file) = compose::paths(self.files().home());
        let before = std::fs::read(file).ok();
        let hidden = &self.settings.hidden;
        let text = (!hidden.is_empty()).then(|| compose::env_text(hidden));
        self.put_variables(text.as_deref().map(str::as_bytes))?;
        Ok(before)
    }

    fn put_variables(&self, text: Option<&[u8]>) -> Result<(), InstanceError> {
        let (_, file) = compose::paths(self.files().home());
        let Some(text) = text else { return Ok(files::remove_file(&file)?) };
        files::write_atomic(&file, text)?;
        // The server runs as whoever owns the data, and must be able to read it.
        if let Ok(data) = std::fs::metadata(self.files().data())
            && data.uid() != rustix::process::getuid().as_raw()
        {
            let given = std::os::unix::fs::chown(&file, Some(data.uid()), Some(data.gid()));
            given.map_err(EmbeddedError::file("give away", &file))?;
        }
        Ok(())
    }

    fn write_compose(&self, spec: &ContainerSpec) -> Result<(), InstanceError> {
        let (file, _) = compose::paths(self.files().home());
        let text = compose::text(self.settings.names.compose(), self.name(), spec);
        Ok(files::write_atomic(&file, text.as_bytes())?)
    }
}

/// Whole seconds for the API; a fraction is a second.
pub(super) fn grace(time: Duration) -> i32 {
    // The call itself must not time out before the container is killed.
    const MOST: u64 = 100;
    let secs = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(secs.min(MOST)).unwrap_or(i32::MAX)
}
