//! Everything that can be found out before anything is changed.

use super::api::Api;
use super::machine::Guest;
use super::types::{Address, AddressKind, Volume};
use super::{Fly, history};
use crate::integrations::error::{Code, TargetError};
use crate::integrations::role::{Finding, Registry as _, Severity};
use crate::utils::nearest;

/// The longest name of a volume.
const MAX_VOLUME: usize = 30;
/// How releases can replace each other where one process at a time may open the data.
const STRATEGIES: [&str; 3] = ["rolling", "replace", "immediate"];

impl Fly {
    pub(super) async fn find_out(&self) -> Vec<Finding> {
        let mut findings = self.of_settings();
        let api = match self.api() {
            Ok(api) => api,
            Err(error) => {
                findings.push(finding(&error));
                return findings;
            }
        };
        if api.token().is_legacy {
            findings.push(Finding {
                code: "W-FLY-TOKEN-FILE",
                severity: Severity::Warning,
                summary: format!("the token is from {}, a file of an earlier generation", api.token().source),
                fix: Some("set `FLY_API_TOKEN`, or log in with `fly auth login`, and remove the file".to_owned()),
            });
        }
        match self.own_app(api).await {
            Ok(Some(_)) => findings.extend(self.of_app(api).await),
            Ok(None) => findings.extend(self.of_organisation(api).await),
            Err(error) => findings.push(finding(&error)),
        }
        // The other calls would say the same of a token that is not accepted.
        if findings.iter().all(|finding| finding.code != Code::AuthRejected.stable().0) {
            findings.extend(self.of_region(api).await);
        }
        findings
    }

    /// What the settings alone tell.
    fn of_settings(&self) -> Vec<Finding> {
        let settings = &self.settings;
        let mut findings = Vec::new();
        let mut invalid = |summary: String, fix: &str| {
            let (code, severity) = (Code::Invalid.stable().0, Severity::Error);
            findings.push(Finding { code, severity, summary, fix: Some(fix.to_owned()) });
        };
        if !is_name(&settings.app, '-') || settings.app.len() < 2 {
            let summary = format!("`{}` cannot be the name of an app", settings.app);
            invalid(summary, "set `app` to lower-case letters, digits and `-`, with a letter or digit at both ends");
        }
        if !is_name(&settings.volume, '_') || settings.volume.len() > MAX_VOLUME {
            let summary = format!("`{}` cannot be the name of a volume", settings.volume);
            invalid(summary, "set `volume` to at most 30 lower-case letters, digits and `_`, and `:/data`");
        }
        if !STRATEGIES.contains(&settings.strategy.as_str()) {
            let summary =
                format!("the strategy `{}` runs two servers at once, and one may open a volume", settings.strategy);
            invalid(summary, "remove `strategy`: a release replaces the one before within seconds");
        }
        if let Err(error) = Guest::parse(&settings.vm_size) {
            findings.push(finding(&error));
        }
        findings
    }

    /// What an app that is there tells.
    async fn of_app(&self, api: &Api) -> Vec<Finding> {
        let mut findings = Vec::new();
        let machine = match self.machine(api).await {
            Ok(machine) => machine,
            Err(error) => {
                findings.push(finding(&error));
                None
            }
        };
        if let Some(machine) = machine.as_ref().filter(|machine| machine.host_status == "unreachable") {
            findings.push(Finding {
                code: "E-DEPLOY-CONFLICT",
                severity: Severity::Error,
                summary: format!("the host of the machine `{}` cannot be reached", machine.id),
                fix: Some("wait until Fly.io has it back: https://status.flyio.net".to_owned()),
            });
        }
        match self.volume(api, machine.as_ref()).await {
            Ok(Some(volume)) => findings.extend(self.other_volumes(api, &volume).await),
            Ok(None) => {}
            Err(error) => findings.push(finding(&error)),
        }
        match api.addresses().await {
            Ok(addresses) if self.settings.private => {
                let kept = addresses.iter().filter(|address| address.kind() == AddressKind::V4);
                findings.extend(kept.map(public_address));
            }
            Ok(_) => {}
            Err(error) => findings.push(finding(&error)),
        }
        findings.extend(self.of_images().await);
        findings
    }

    /// Volumes of the same name that are not used: two first deployments at once make two.
    async fn other_volumes(&self, api: &Api, used: &Volume) -> Option<Finding> {
        let mut volumes = api.volumes().await.ok()?;
        volumes.retain(|volume| volume.name == used.name && volume.id != used.id);
        let ids: Vec<&str> = volumes.iter().map(|volume| volume.id.as_str()).collect();
        let first = ids.first()?;
        Some(Finding {
            code: "W-FLY-VOLUMES",
            severity: Severity::Warning,
            summary: format!(
                "the data is on the volume {}, and {} of that name cost money as well",
                used.id,
                ids.join(", ")
            ),
            fix: Some(format!("look at what is on it, and remove it: `fly volumes destroy {first}`")),
        })
    }

    /// Whether images may be pushed.
    async fn of_images(&self) -> Option<Finding> {
        let client = self.registry.client().await.ok()?;
        let error = client.check_push().await.err()?;
        let code = match error.status().map(|status| status.as_u16()) {
            Some(401) => Code::AuthRejected,
            Some(403) => Code::AuthScope,
            Some(429) => Code::RateLimited,
            Some(_) => Code::Upstream,
            None => Code::Connect,
        };
        let fix = match code {
            Code::AuthRejected | Code::AuthScope => {
                format!("use a token that may deploy: `fly tokens create deploy -a {}`", self.settings.app)
            }
            _ => "look at the network; it is safe to run the command again".to_owned(),
        };
        let summary = format!("cannot push images: {error}");
        Some(Finding { code: code.stable().0, severity: Severity::Error, summary, fix: Some(fix) })
    }

    /// Whether an app can be made.
    async fn of_organisation(&self, api: &Api) -> Option<Finding> {
        let settings = &self.settings;
        match api.organisation(&settings.org).await {
            Ok(_) => None,
            Err(error) => {
                let hint = format!(
                    "make the app first, `fly apps create {} --org {}`, or use a token of the organisation: \
                     `fly tokens create org -o {}`",
                    settings.app, settings.org, settings.org
                );
                Some(finding(&if matches!(error.code, Code::AuthScope | Code::NotFound) {
                    error.hint(hint)
                } else {
                    error
                }))
            }
        }
    }

    async fn of_region(&self, api: &Api) -> Option<Finding> {
        let region = self.settings.region.as_deref()?;
        let regions = match api.regions().await {
            Ok(answer) => answer.regions,
            Err(error) => return Some(finding(&error)),
        };
        if regions.is_empty() || regions.iter().any(|known| known.code == region) {
            return None;
        }
        let codes: Vec<&str> = regions.iter().map(|region| region.code.as_str()).collect();
        let fix = nearest(region, codes.iter().copied())
            .map_or_else(|| format!("there is {}", codes.join(", ")), |near| format!("did you mean `{near}`?"));
        let summary = format!("Fly.io has no region `{region}`");
        Some(Finding { code: Code::Invalid.stable().0, severity: Severity::Error, summary, fix: Some(fix) })
    }

    /// What an identity is known by: the organisation of the app, or that which it will be made in.
    pub(super) async fn account(&self, api: &Api) -> Result<String, TargetError> {
        match api.app().await {
            Ok(app) => Ok(app.organization.slug),
            Err(error) if error.code == Code::NotFound => {
                api.organisation(&self.settings.org).await.map(|_| self.settings.org.clone())
            }
            Err(error) => Err(error),
        }
    }

    /// The machine of the instance, if there is one.
    ///
    /// # Errors
    ///
    /// [`Code::Conflict`] when there are several: one process at a time may open the data.
    pub(super) async fn machine(&self, api: &Api) -> Result<Option<super::types::Machine>, TargetError> {
        let machines = match api.machines().await {
            Ok(machines) => machines,
            Err(error) if error.code == Code::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut ours: Vec<_> = machines
            .into_iter()
            .filter(|machine| machine.is_alive() && history::is_of(machine, &self.settings))
            .collect();
        if ours.len() > 1 {
            let ids: Vec<&str> = ours.iter().map(|machine| machine.id.as_str()).collect();
            let message = format!("there are {} machines of the instance: {}", ids.len(), ids.join(", "));
            let hint =
                format!("remove all but the one with the data: `fly machine destroy ID -a {}`", self.settings.app);
            return Err(TargetError::new(Code::Conflict, super::TITLE, "find the machine", message).hint(hint));
        }
        Ok(ours.pop())
    }

    /// The machine of the instance.
    pub(super) async fn needed(&self, api: &Api, action: &str) -> Result<super::types::Machine, TargetError> {
        self.machine(api).await?.ok_or_else(|| {
            TargetError::new(Code::NotFound, super::TITLE, action, "the instance has no machine")
                .hint(format!("deploy it: `helix push {}`", self.settings.instance))
        })
    }
}

fn finding(error: &TargetError) -> Finding {
    let summary = format!("cannot {}: {}", error.action, error.message);
    Finding { code: error.code.stable().0, severity: Severity::Error, summary, fix: error.hint.clone() }
}

fn public_address(address: &Address) -> Finding {
    Finding {
        code: "W-FLY-PUBLIC",
        severity: Severity::Warning,
        summary: format!("the instance is private, and its app has the address {}, which is paid for", address.ip),
        fix: Some(format!("remove it: `fly ips release {}`", address.ip)),
    }
}

/// Whether a name has lower-case letters, digits and separators, these not at its ends.
fn is_name(name: &str, separator: char) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == separator;
    !name.is_empty() && name.chars().all(is_inner) && !name.starts_with(separator) && !name.ends_with(separator)
}
