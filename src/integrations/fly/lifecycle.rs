//! Starting, stopping, removing.

use std::time::Duration;

use tokio::time::Instant;

use super::api::Api;
use super::types::{AddressKind, Machine, State, Volume};
use super::{Fly, GRACE, TITLE, history};
use crate::integrations::error::{Code, Result, TargetError};

/// The longest wait in one call.
const LOOK: Duration = Duration::from_secs(20);
/// How long a volume may take to be free of a machine that is gone.
const DETACH: Duration = Duration::from_secs(20);

impl Fly {
    pub(super) async fn wake(&self) -> Result<()> {
        let api = self.api()?;
        let machine = self.needed(api, "start the instance").await?;
        if machine.state != State::Started {
            api.start(&machine.id).await?;
            self.reach(api, &machine.id, "started").await?;
        }
        if machine.cordoned { api.uncordon(&machine.id).await } else { Ok(()) }
    }

    /// Out of service first: the proxy starts a machine that somebody asks something.
    pub(super) async fn rest(&self) -> Result<()> {
        let api = self.api()?;
        let machine = self.needed(api, "stop the instance").await?;
        if !machine.cordoned {
            api.cordon(&machine.id).await?;
        }
        if machine.state == State::Stopped {
            return Ok(());
        }
        api.stop(&machine.id, GRACE).await?;
        self.reach(api, &machine.id, "stopped").await
    }

    pub(super) async fn renew(&self) -> Result<()> {
        let api = self.api()?;
        let machine = self.needed(api, "restart the instance").await?;
        if machine.state != State::Started {
            return self.wake().await;
        }
        api.restart(&machine.id, GRACE).await?;
        self.reach(api, &machine.id, "started").await
    }

    /// Waits until a machine has a state.
    async fn reach(&self, api: &Api, id: &str, state: &str) -> Result<()> {
        let deadline = api.pace().deadline;
        let began = Instant::now();
        while began.elapsed() < deadline {
            // Shorter than what a connection may be silent for.
            if api.wait(id, &[state], None, deadline.min(LOOK)).await? {
                return Ok(());
            }
        }
        let message = format!("it is not {state} after {} s", deadline.as_secs());
        Err(TargetError::new(Code::Unhealthy, TITLE, format!("see the machine {state}"), message)
            .hint(format!("look at it: `helix status {}`", self.settings.instance)))
    }

    /// Stops a machine in order, and removes it. Its volume stays.
    pub(super) async fn remove_machine(&self, api: &Api, machine: &Machine) -> Result<()> {
        // A host that is away stops nothing, and lets go all the same.
        let is_running =
            matches!(machine.state, State::Started | State::Starting) && machine.host_status != "unreachable";
        if is_running {
            api.stop(&machine.id, GRACE).await?;
            self.reach(api, &machine.id, "stopped").await?;
        }
        api.destroy(&machine.id).await
    }

    pub(super) async fn list_things(&self) -> Result<Vec<String>> {
        let api = self.api()?;
        let Some(things) = self.gather(api).await? else { return Ok(Vec::new()) };
        let mut names: Vec<String> = things.machine.iter().map(|machine| format!("machine {}", machine.id)).collect();
        names.extend(things.addresses.iter().map(|ip| format!("address {ip}")));
        names.extend(things.volumes.iter().map(|volume| volume_name(volume) + " with its data"));
        if things.is_whole {
            names.push(format!("app `{}`", self.settings.app));
        }
        Ok(names)
    }

    pub(super) async fn remove(&self, with_data: bool) -> Result<Vec<String>> {
        let api = self.api()?;
        let mut removed = Vec::new();
        let Some(things) = self.gather(api).await? else { return Ok(removed) };
        if let Some(machine) = &things.machine {
            self.remove_machine(api, machine).await?;
            removed.push(format!("machine {}", machine.id));
        }
        for ip in &things.addresses {
            gone(api.remove_address(ip).await)?;
            removed.push(format!("address {ip}"));
        }
        if with_data {
            for volume in &things.volumes {
                free(api, volume).await?;
                removed.push(volume_name(volume));
            }
            if things.is_whole {
                gone(api.delete_app().await)?;
                removed.push(format!("app `{}`", self.settings.app));
            }
        }
        Ok(removed)
    }

    /// What is there and ours; `None` without an app.
    async fn gather(&self, api: &Api) -> Result<Option<Things>> {
        let app = match api.app().await {
            Ok(app) => app,
            Err(error) if error.code == Code::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let settings = &self.settings;
        let machines: Vec<Machine> = api.machines().await?.into_iter().filter(Machine::is_alive).collect();
        let machine = self.machine(api).await?;
        let (volumes, others): (Vec<Volume>, Vec<Volume>) =
            api.volumes().await?.into_iter().partition(|volume| volume.name == settings.volume);
        // An app that holds something of somebody else's stays, with its addresses.
        let is_whole = app.organization.slug == settings.org
            && others.is_empty()
            && machines.iter().all(|machine| history::is_of(machine, settings));
        let addresses = if is_whole { api.addresses().await? } else { Vec::new() };
        let ours =
            addresses.into_iter().filter(|address| matches!(address.kind(), AddressKind::SharedV4 | AddressKind::V6));
        Ok(Some(Things { machine, addresses: ours.map(|address| address.ip).collect(), volumes, is_whole }))
    }
}

/// What an instance has at Fly.io.
struct Things {
    machine: Option<Machine>,
    addresses: Vec<String>,
    volumes: Vec<Volume>,
    /// Whether the app holds nothing else.
    is_whole: bool,
}

fn volume_name(volume: &Volume) -> String {
    format!("volume `{}` ({})", volume.name, volume.id)
}

/// Removes a volume, as soon as its machine has let go of it.
async fn free(api: &Api, volume: &Volume) -> Result<()> {
    let began = Instant::now();
    loop {
        match gone(api.delete_volume(&volume.id).await) {
            Err(error) if matches!(error.code, Code::Conflict | Code::StalePlan) && began.elapsed() < DETACH => {
                tokio::time::sleep(api.pace().poll).await;
            }
            removed => return removed,
        }
    }
}

/// Whether something is removed: also when it was gone already.
fn gone(removed: Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.code == Code::NotFound => Ok(()),
        removed => removed,
    }
}
