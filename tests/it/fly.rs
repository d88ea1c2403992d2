//! Instances at Fly.io, against a stand-in for its Machines API: whole conversations, failures, and commands that are killed between
//! any two calls.

mod deploy;
mod failures;
mod kill;
mod lifecycle;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::support::fly_mock::{Behaviour, FlyMock, TOKEN};
use helix::config::{self, FlyAuth};
use helix::http::Policy;
use helix::integrations::container::Names;
use helix::integrations::error::TargetError;
use helix::integrations::fly::{Fly, Pace, Surroundings};
use helix::integrations::role::{Activated, Artifact, Desired, HealthGate, Platform as _, RemoteRelease};
use secrecy::SecretString;

/// A secret that may be nowhere but at the service.
const SECRET: &str = "planted-secret";

fn settings() -> config::Fly {
    config::Fly {
        app: None,
        org: "personal".to_owned(),
        region: None,
        vm_size: "shared-cpu-4x".to_owned(),
        volume: None,
        volume_initial_size: 20,
        private: false,
        auth_type: FlyAuth::Cli,
        strategy: "rolling".to_owned(),
        sign: None,
    }
}

fn fly_of(mock: &FlyMock, token: &str, settings: &config::Fly) -> Fly {
    fly_at(mock, token, settings, Duration::from_secs(6))
}

/// An instance whose leases are extended so often.
fn fly_at(mock: &FlyMock, token: &str, settings: &config::Fly, refresh: Duration) -> Fly {
    let variables = [
        ("FLY_API_TOKEN", token.to_owned()),
        ("FLY_FLAPS_BASE_URL", mock.url()),
        ("FLY_API_BASE_URL", mock.url()),
        ("FLY_REGISTRY_HOST", mock.host()),
    ];
    let env: BTreeMap<String, String> = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let nowhere = Path::new("/nonexistent");
    let pace = Pace {
        poll: Duration::from_millis(5),
        second: Duration::from_millis(20),
        patience: Duration::from_millis(200),
        refresh,
        deadline: Duration::from_secs(5),
        retry: Policy { tries: 3, first: Duration::from_millis(1), longest: Duration::from_millis(2) },
    };
    let around = Surroundings { env: &env, home: nowhere, root: nowhere };
    let names = Names::new("shop", "prod", "0123456789abcdef");
    Fly::new(settings, &names, around, &helix::http::client(None).unwrap(), pace)
}

fn fly(mock: &FlyMock) -> Fly {
    fly_of(mock, TOKEN, &settings())
}

/// The release of that number, with an image that behaves so.
fn release(mock: &FlyMock, number: u64, behaviour: Behaviour) -> Desired {
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Desired {
        release: format!("01KA0000000000000000000{number:03}"),
        hash: format!("sha256:{number}"),
        artifact: Artifact::Image(mock.image(behaviour)),
        env: pairs(&[("HELIX_DATA_DIR", "/data"), ("HELIX_PORT", "6969"), ("RELEASE", &number.to_string())]),
        secrets: BTreeMap::new(),
        labels: pairs(&[("dev.helix.plan-digest", "sha256:plan"), ("dev.helix.managed", "true")]),
        health: HealthGate {
            path: "/healthz".to_owned(),
            interval: Duration::from_secs(1),
            deadline: Duration::from_secs(20),
        },
    }
}

/// The same, which is given up soon.
fn hasty(mut desired: Desired) -> Desired {
    desired.health.deadline = Duration::from_millis(100);
    desired
}

async fn deploy(fly: &Fly, desired: &Desired) -> Result<Activated, TargetError> {
    fly.provision().await?;
    fly.activate(desired, true, &()).await
}

fn secret(name: &str, value: Option<&str>) -> BTreeMap<String, Option<SecretString>> {
    BTreeMap::from([(name.to_owned(), value.map(SecretString::from))])
}

fn ids(releases: &[RemoteRelease]) -> Vec<(&str, bool)> {
    releases.iter().map(|release| (&release.id[23..], release.current)).collect()
}

/// One machine with its volume, which runs that release, and nobody holds.
#[track_caller]
fn assert_runs(mock: &FlyMock, desired: &Desired) {
    let mut state = mock.state();
    let now = state.now();
    let machine = state.machine();
    assert_eq!(machine.state, "started", "{machine:#?}");
    assert_eq!(machine.config["metadata"]["helix_release"], desired.release.as_str(), "{machine:#?}");
    assert_eq!(machine.config["metadata"]["helix_confirmed"], desired.release.as_str(), "{machine:#?}");
    assert_eq!(machine.config["env"]["RELEASE"], desired.env["RELEASE"].as_str());
    assert!(!machine.is_leased(now), "{machine:#?}");
    let id = machine.id.clone();
    let app = state.app();
    let volumes: Vec<_> = app.volumes.iter().map(|volume| volume.machine.as_deref()).collect();
    assert_eq!(volumes, [Some(id.as_str())], "{app:#?}");
    assert_eq!(app.addresses.len(), 2, "{app:#?}");
}

#[test]
fn the_guide_shows_a_project_file_that_can_be_used() {
    let guide = include_str!("../../docs/deploy/fly.md");
    let (_, rest) = guide.split_once("```toml\n").unwrap();
    let text = rest.split("```").next().unwrap();
    let config = config::Config::parse("helix.toml", text).unwrap();
    assert_eq!(config.instances["prod"].target(), "fly");
}
