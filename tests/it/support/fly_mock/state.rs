//! What the stand-in knows: plain data, and a clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::machine::{Behaviour, Machine};
use super::{Cut, Entry, Fault};

/// 2026-01-05T10:00:00Z.
const START_MS: u64 = 1_767_607_200_000;

/// A volume.
#[derive(Clone, Debug)]
pub struct Volume {
    pub id: String,
    pub name: String,
    pub region: String,
    pub size_gb: u64,
    pub machine: Option<String>,
}

/// An app.
#[derive(Clone, Debug, Default)]
pub struct App {
    pub org: String,
    /// Address, and whether it is shared.
    pub addresses: Vec<(String, bool)>,
    pub volumes: Vec<Volume>,
    pub machines: Vec<Machine>,
    pub secrets: BTreeMap<String, String>,
    pub secrets_version: u64,
    pub logs: Vec<(u64, String)>,
}

/// All of it.
#[derive(Debug)]
pub struct State {
    pub apps: BTreeMap<String, App>,
    /// Names of apps that somebody else has.
    pub taken: BTreeSet<String>,
    /// The token that is accepted, as well as the one that may only look.
    pub token: String,
    /// Who is told to hold a lease.
    pub owner: String,
    /// Whether a machine that was made just now is not found once.
    pub is_eventual: bool,
    /// How images that were not announced run; `None`: not at all.
    pub any_image: Option<Behaviour>,
    /// The second of the limits, in milliseconds; `None`: no limits.
    pub second_ms: Option<u64>,
    pub journal: Vec<Entry>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) cut: Cut,
    pub(crate) buckets: HashMap<(String, String), u64>,
    pub(crate) host: SocketAddr,
    images: HashMap<String, Behaviour>,
    began: Instant,
    moved: Duration,
    ids: u64,
}

impl State {
    pub(crate) fn new(host: SocketAddr) -> Self {
        Self {
            apps: BTreeMap::new(),
            taken: BTreeSet::new(),
            token: super::TOKEN.to_owned(),
            owner: "ann@ci".to_owned(),
            is_eventual: false,
            any_image: None,
            second_ms: Some(10),
            journal: Vec::new(),
            faults: Vec::new(),
            cut: Cut::Never,
            buckets: HashMap::new(),
            host,
            images: HashMap::new(),
            began: Instant::now(),
            moved: Duration::ZERO,
            ids: 0,
        }
    }

    /// The time, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        START_MS + u64::try_from((self.began.elapsed() + self.moved).as_millis()).unwrap()
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.moved += time;
    }

    /// Announces an image that was pushed elsewhere.
    pub fn announce(&mut self, image: &str, behaviour: Behaviour) {
        self.images.insert(image.to_owned(), behaviour);
    }

    pub(crate) fn image(&mut self, behaviour: Behaviour) -> String {
        let image = format!("{}/app@sha256:{:064x}", self.host, self.images.len() + 1);
        self.images.insert(image.clone(), behaviour);
        image
    }

    pub(crate) fn behaviour(&self, image: &str) -> Option<Behaviour> {
        self.images.get(image).copied().or(self.any_image)
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// The only app.
    #[track_caller]
    pub fn app(&mut self) -> &mut App {
        assert_eq!(self.apps.len(), 1, "{:?}", self.apps.keys());
        self.apps.values_mut().next().unwrap()
    }

    /// The only machine of the only app, as it is now.
    #[track_caller]
    pub fn machine(&mut self) -> &mut Machine {
        let now = self.now();
        let app = self.app();
        assert_eq!(app.machines.len(), 1, "{:#?}", app.machines);
        let machine = &mut app.machines[0];
        machine.observe(now);
        machine
    }
}
