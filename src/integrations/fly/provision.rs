//! What the first release needs: an app, its addresses, a volume. All of it is looked for before it is made.

use std::future::Future;

use super::api::Api;
use super::types::{Address, AddressKind, App, Machine, Volume};
use super::{Fly, TITLE, history};
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::Provisioned;

/// How often something is made whose making ended in the dark.
const TRIES: u32 = 3;

/// Makes something that must be made once: after a failure that leaves open what happened, it is looked for before another try.
pub(super) async fn once<T, Made, Found>(make: impl Fn() -> Made, find: impl Fn() -> Found) -> Result<T>
where
    Made: Future<Output = Result<T>>,
    Found: Future<Output = Result<Option<T>>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match make().await {
            Err(error) if error.code == Code::Upstream => match find().await? {
                Some(found) => return Ok(found),
                None if tries >= TRIES => return Err(error),
                None => {}
            },
            made => return made,
        }
    }
}

impl Fly {
    pub(super) async fn provide(&self) -> Result<Provisioned> {
        let api = self.api()?;
        let mut provisioned = Provisioned::default();
        self.provide_app(api, &mut provisioned).await?;
        self.provide_addresses(api, &mut provisioned).await?;
        self.provide_volume(api, &mut provisioned).await?;
        Ok(provisioned)
    }

    async fn provide_app(&self, api: &Api, provisioned: &mut Provisioned) -> Result<()> {
        let name = format!("app `{}`", self.settings.app);
        if self.own_app(api).await?.is_some() {
            provisioned.adopted.push(name);
            return Ok(());
        }
        let find = || async { Ok(self.own_app(api).await?.map(drop)) };
        once(|| api.create_app(&self.settings.org), find).await.map_err(|error| self.taken(error))?;
        provisioned.created.push(name);
        Ok(())
    }

    /// The app, if it is there and ours.
    ///
    /// # Errors
    ///
    /// [`Code::Conflict`] when it is somebody else's, or not made by us.
    pub(super) async fn own_app(&self, api: &Api) -> Result<Option<App>> {
        let settings = &self.settings;
        let app = match api.app().await {
            Ok(app) => app,
            Err(error) if error.code == Code::NotFound => return Ok(None),
            Err(error) => return Err(self.taken(error)),
        };
        let conflict = |message: String| {
            let hint = format!("set `app` of `[cloud.{}.fly]` to a name of its own", settings.instance);
            Err(TargetError::new(Code::Conflict, TITLE, format!("use the app `{}`", settings.app), message).hint(hint))
        };
        if app.organization.slug != settings.org {
            let message = format!("it is of the organisation `{}`, not of `{}`", app.organization.slug, settings.org);
            return conflict(message);
        }
        let machines = api.machines().await?;
        match machines.iter().find(|machine| !history::is_of(machine, settings)) {
            Some(foreign) => conflict(format!("its machine `{}` is not of this instance", foreign.id)),
            None => Ok(Some(app)),
        }
    }

    /// Says of a name that it is taken, where the service says that we may not see it.
    fn taken(&self, mut error: TargetError) -> TargetError {
        let settings = &self.settings;
        if error.code == Code::Conflict || (error.code == Code::AuthScope && error.action.ends_with("look at the app"))
        {
            error.code = Code::Conflict;
            error.message = format!("the app `{}` is somebody else's, or the token is for another one", settings.app);
            let hint = format!(
                "set `app` of `[cloud.{}.fly]` to another name, or use a token for this app",
                settings.instance
            );
            error.hint = Some(hint);
        }
        if error.code == Code::AuthScope && error.action.ends_with("make the app") {
            let org = &settings.org;
            error.hint = Some(format!(
                "the first deployment needs a token that may make apps: `fly tokens create org -o {org}`"
            ));
        }
        error
    }

    async fn provide_addresses(&self, api: &Api, provisioned: &mut Provisioned) -> Result<()> {
        let addresses = api.addresses().await?;
        for kind in [AddressKind::SharedV4, AddressKind::V6] {
            let is_one = |address: &&Address| match kind {
                // A dedicated address does what a shared one does.
                AddressKind::SharedV4 => matches!(address.kind(), AddressKind::SharedV4 | AddressKind::V4),
                AddressKind::V6 | AddressKind::V4 | AddressKind::Inner => address.kind() == kind,
            };
            let found = addresses.iter().find(is_one);
            match (found, self.settings.private) {
                (Some(address), false) => provisioned.adopted.push(format!("address {}", address.ip)),
                (None, false) => {
                    let find = || async {
                        Ok(api.addresses().await?.iter().any(|address| address.kind() == kind).then_some(()))
                    };
                    once(|| api.add_address(kind), find).await?;
                    provisioned.created.push(format!("address {}", kind.name()));
                }
                // One that is paid for is left to its owner; preflight speaks of it.
                (Some(address), true) if address.kind() == kind => api.remove_address(&address.ip).await?,
                (Some(_) | None, true) => {}
            }
        }
        Ok(())
    }

    async fn provide_volume(&self, api: &Api, provisioned: &mut Provisioned) -> Result<()> {
        let settings = &self.settings;
        if let Some(volume) = self.volume(api, None).await? {
            provisioned.adopted.push(format!("volume `{}` ({}) in {}", volume.name, volume.id, volume.region));
            return Ok(());
        }
        let region = match &settings.region {
            Some(region) => region.clone(),
            None => self.nearest(api).await?,
        };
        let make = || api.create_volume(&settings.volume, &region, settings.volume_gb);
        let volume = match once(make, || self.volume(api, None)).await {
            Ok(volume) => volume,
            Err(error) => return Err(elsewhere(api, error, &region).await),
        };
        provisioned.created.push(format!("volume `{}` of {} GB in {region}", volume.name, settings.volume_gb));
        if settings.region.is_none() {
            provisioned.settings.insert("region".to_owned(), region);
        }
        Ok(())
    }

    /// The volume of the instance: that which the machine has, else the oldest.
    ///
    /// # Errors
    ///
    /// [`Code::Conflict`] when it is in another region than the instance.
    pub(super) async fn volume(&self, api: &Api, machine: Option<&Machine>) -> Result<Option<Volume>> {
        let settings = &self.settings;
        let mut volumes = api.volumes().await?;
        volumes.retain(|volume| volume.name == settings.volume);
        volumes.sort_by(|one, other| {
            let is_attached = |volume: &Volume| machine.is_some_and(|machine| machine.id == volume.attached_machine_id);
            let key = |volume: &Volume| (!is_attached(volume), volume.created_at.clone(), volume.id.clone());
            key(one).cmp(&key(other))
        });
        let Some(volume) = volumes.into_iter().next() else { return Ok(None) };
        match &settings.region {
            Some(region) if *region != volume.region => {
                let message = format!("the volume `{}` is in `{}`, not in `{region}`", volume.name, volume.region);
                let hint = format!("set `region = \"{}\"`: data does not move by itself", volume.region);
                Err(TargetError::new(Code::Conflict, TITLE, "use the volume", message).hint(hint))
            }
            Some(_) | None => Ok(Some(volume)),
        }
    }

    async fn nearest(&self, api: &Api) -> Result<String> {
        let nearest = api.regions().await?.nearest;
        if nearest.is_empty() {
            let hint = "set `region`, for example to `ams`: `fly platform regions` lists them";
            return Err(TargetError::new(Code::Invalid, TITLE, "choose a region", "none is set").hint(hint));
        }
        Ok(nearest)
    }
}

/// Says where else there may be room, of a region that has none.
pub(super) async fn elsewhere(api: &Api, mut error: TargetError, region: &str) -> TargetError {
    const NAMED: usize = 4;
    if error.code != Code::Capacity || error.hint.is_some() {
        return error;
    }
    let regions = api.regions().await.map(|answer| answer.regions).unwrap_or_default();
    let others = regions.iter().map(|region| region.code.as_str()).filter(|code| *code != region);
    let others: Vec<&str> = others.take(NAMED).collect();
    error.hint = Some(format!("set `region` to another one: {}", others.join(", ")));
    error
}
