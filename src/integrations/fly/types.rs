//! What the Machines API answers with, as far as it is looked at. Source: <https://docs.machines.dev>.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `null` where a list or a text is expected: the service writes empty ones so.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Option::deserialize(input).map(Option::unwrap_or_default)
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct App {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) organization: Organization,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Organization {
    #[serde(default)]
    pub(super) slug: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Regions {
    #[serde(rename = "Regions", alias = "regions", default, deserialize_with = "or_default")]
    pub(super) regions: Vec<Region>,
    #[serde(rename = "Nearest", alias = "nearest", default, deserialize_with = "or_default")]
    pub(super) nearest: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Region {
    pub(super) code: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Addresses {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) ips: Vec<Address>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Address {
    pub(super) ip: String,
    #[serde(default)]
    pub(super) shared: bool,
    #[serde(default)]
    pub(super) egress: bool,
}

/// What kind of address it is, in the words of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressKind {
    SharedV4,
    V6,
    /// A dedicated IPv4 address: paid for, and never made or removed by us.
    V4,
    /// Reachable inside of the organisation, or outgoing only.
    Inner,
}

impl AddressKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SharedV4 => "shared_v4",
            Self::V6 => "v6",
            Self::V4 => "v4",
            Self::Inner => "private_v6",
        }
    }
}

impl Address {
    pub(super) fn kind(&self) -> AddressKind {
        if self.egress || self.ip.starts_with("fdaa:") {
            AddressKind::Inner
        } else if self.ip.contains(':') {
            AddressKind::V6
        } else if self.shared {
            AddressKind::SharedV4
        } else {
            AddressKind::V4
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Volume {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) size_gb: u64,
    #[serde(default)]
    pub(super) region: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) attached_machine_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) created_at: String,
}

impl Volume {
    /// Whether it is there to stay.
    pub(super) fn is_alive(&self) -> bool {
        !self.state.contains("destroy")
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Secrets {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) secrets: Vec<Secret>,
    /// The service counts changes.
    #[serde(default, alias = "Version", deserialize_with = "or_default")]
    pub(super) version: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Secret {
    pub(super) name: String,
    #[serde(default)]
    pub(super) digest: Option<String>,
    #[serde(default)]
    pub(super) updated_at: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LeaseAnswer {
    pub(super) data: LeaseData,
}

#[derive(Debug, Deserialize)]
pub(super) struct LeaseData {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) nonce: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) description: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Created,
    Starting,
    Started,
    Stopping,
    Stopped,
    Suspending,
    Suspended,
    Replacing,
    Replaced,
    Destroying,
    Destroyed,
    Failed,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Machine {
    pub(super) id: String,
    #[serde(default)]
    pub(super) state: State,
    #[serde(default)]
    pub(super) region: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) instance_id: String,
    #[serde(default)]
    pub(super) image_ref: Option<ImageRef>,
    /// As it was sent, with what we do not know.
    #[serde(default)]
    pub(super) config: Value,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) events: Vec<Event>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) checks: Vec<Check>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) host_status: String,
    #[serde(default)]
    pub(super) cordoned: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ImageRef {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) timestamp: i64,
    #[serde(default)]
    pub(super) request: Option<EventRequest>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct EventRequest {
    #[serde(default)]
    pub(super) exit_event: Option<ExitEvent>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ExitEvent {
    #[serde(default)]
    pub(super) exit_code: i64,
    #[serde(default)]
    pub(super) oom_killed: bool,
    #[serde(default)]
    pub(super) requested_stop: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Check {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) output: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogPage {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) data: Vec<LogItem>,
    #[serde(default)]
    pub(super) meta: LogMeta,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct LogMeta {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) next_token: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogItem {
    pub(super) attributes: LogAttributes,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogAttributes {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) timestamp: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) message: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) level: String,
}

/// How a program of a machine ended by itself, since the machine got its present configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exit {
    pub(super) code: i64,
    pub(super) is_out_of_memory: bool,
    /// How often.
    pub(super) count: usize,
}

impl Machine {
    /// The last end of the program that nobody asked for.
    pub(super) fn exit(&self) -> Option<Exit> {
        let mut events: Vec<&Event> = self.events.iter().collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.timestamp));
        let since = events.iter().take_while(|event| !matches!(event.kind.as_str(), "launch" | "update"));
        let exits: Vec<&ExitEvent> = since
            .filter_map(|event| event.request.as_ref()?.exit_event.as_ref())
            .take_while(|exit| !exit.requested_stop)
            .collect();
        let last = exits.first()?;
        Some(Exit { code: last.exit_code, is_out_of_memory: last.oom_killed, count: exits.len() })
    }

    /// Whether it is there to stay.
    pub(super) fn is_alive(&self) -> bool {
        !matches!(self.state, State::Destroying | State::Destroyed)
    }

    /// Whether it has checks and all of them pass.
    pub(super) fn is_passing(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.status == "passing")
    }

    /// Whether it answers requests.
    pub(super) fn is_serving(&self) -> bool {
        self.state == State::Started && self.is_passing()
    }
}
