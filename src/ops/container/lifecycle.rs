//! Starting, stopping and restarting what was last pushed.

use std::time::Duration;

use super::place::{Wanted, grace};
use super::{Container, Observed};
use crate::docker::containers;
use crate::integrations::container::{names, spec};
use crate::ops::instance::{self, InstanceError, Stopped, Unit, Wait};
use crate::ops::lifecycle::Started;

/// What a container ends with when it is killed.
const KILLED: i64 = 137;

impl Container {
    /// The container that is up, if one is.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub async fn running(&self) -> Result<Option<Started>, InstanceError> {
        Ok(self.observe().await?.up().map(|up| self.describe(up)))
    }

    fn describe(&self, container: &containers::Container) -> Started {
        let port = self.port_of(container);
        Started {
            unit: Unit::Container(container.name.clone()),
            url: self.url(port),
            port,
            data_dir: self.files().data().to_owned(),
            health: None,
        }
    }

    /// Whether the settings are others than those that the container was made with.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub async fn is_reconfigured(&self) -> Result<bool, InstanceError> {
        let hash = spec::config_hash(&self.settings, self.host().await?);
        let observed = self.observe().await?;
        Ok(observed.current().is_some_and(|current| current.label(names::CONFIG_HASH) != Some(hash.as_str())))
    }

    /// Fails unless the instance is healthy.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Unhealthy`] with what it said.
    pub async fn check_health(&self, running: &Started) -> Result<(), InstanceError> {
        let health = self.probe(running.port).await;
        let Some(reason) = health.reason() else { return Ok(()) };
        let observed = self.observe().await?;
        let log = match observed.up() {
            Some(up) => super::crash::log(self.client().await?, &up.id).await,
            None => Vec::new(),
        };
        Err(InstanceError::Unhealthy { name: self.name().to_owned(), reason: reason.to_owned(), log })
    }

    /// Starts what was last pushed: in the container that it has, or in a new one where settings, port or image differ.
    ///
    /// # Errors
    ///
    /// When nothing was pushed, the port is taken, or it does not become healthy.
    pub async fn start(&self, port: Option<u16>, wait: Wait) -> Result<Started, InstanceError> {
        let observed = self.observe().await?;
        let override_port = observed.current().and_then(Self::port_override);
        let port = port.or(override_port).unwrap_or(self.settings.local.port);
        self.start_observed(&observed, port, wait).await
    }

    async fn start_observed(&self, observed: &Observed, port: u16, wait: Wait) -> Result<Started, InstanceError> {
        let nothing = || InstanceError::NothingPushed { name: self.name().to_owned() };
        let state = observed.state.as_ref().ok_or_else(nothing)?;
        let (Some(image), Some(release)) = (&state.image, &state.release_id) else { return Err(nothing()) };
        let client = self.client().await?;
        let started = match observed.released() {
            Some(container) if self.is_as_wanted(container, image, port).await? => {
                self.check_port(client, observed, port).await?;
                instance::stop(self.files(), Duration::ZERO).await?;
                let name = &container.name;
                self.write_variables()?;
                self.start_and_wait(client, &container.id, name, port, wait).await?
            }
            Some(_) | None => {
                let wanted = Wanted {
                    image: image.clone(),
                    release: release.clone(),
                    plan: state.digest.clone(),
                    port,
                    allow_breaking: false,
                    wait,
                    rollback: false,
                };
                self.place(observed, &wanted).await.map_err(|failed| failed.error)?
            }
        };
        Ok(Started {
            unit: started.unit,
            url: started.url,
            port: started.port,
            data_dir: self.files().data().to_owned(),
            health: started.health.as_ref().map(crate::ops::health::Health::name),
        })
    }

    async fn is_as_wanted(
        &self,
        container: &containers::Container,
        image: &str,
        port: u16,
    ) -> Result<bool, InstanceError> {
        let hash = spec::config_hash(&self.settings, self.host().await?);
        Ok(container.image == image
            && container.label(names::CONFIG_HASH) == Some(hash.as_str())
            && container.published == Some(port))
    }

    /// Has every container of the instance end within `drain`. That none runs is fine.
    ///
    /// # Errors
    ///
    /// When one cannot be stopped.
    pub async fn stop(&self, drain: Duration) -> Result<Stopped, InstanceError> {
        // It may have been embedded a moment ago.
        let embedded = instance::stop(self.files(), drain).await?;
        let client = self.client().await?;
        let mut stopped = None;
        for up in self.observe().await?.all.iter().filter(|container| container.is_up()) {
            client.stop_container(&up.id, grace(drain)).await?;
            let unit = Unit::Container(up.name.clone());
            let killed = client.container(&up.id).await?.exit_code == KILLED;
            stopped = Some(if killed { Stopped::Killed { unit } } else { Stopped::Drained { unit } });
        }
        Ok(stopped.unwrap_or(embedded))
    }

    /// Stops the container, if it runs, and starts it again; a new one where settings or image differ.
    ///
    /// # Errors
    ///
    /// When nothing was pushed, or it does not become healthy.
    pub async fn restart(&self, drain: Duration, wait: Wait) -> Result<Started, InstanceError> {
        let observed = self.observe().await?;
        if observed.state.as_ref().is_none_or(|state| state.image.is_none()) {
            return Err(InstanceError::NothingPushed { name: self.name().to_owned() });
        }
        let port = observed.current().and_then(Self::port_override);
        self.stop(drain).await?;
        self.start(port, wait).await
    }
}
