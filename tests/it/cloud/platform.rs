//! The role of a platform, through the library.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;
use helix::integrations::error::{Code, TargetError};
use helix::integrations::helix::mock::{CLUSTER, Effect, USER_KEY};
use helix::integrations::helix::types::RuntimeConfig;
use helix::integrations::helix::{HelixCloud, Settings};
use helix::integrations::role::{
    Activated, Artifact, Desired, HealthGate, LogQuery, Platform as _, Progress, SourceBundle,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{QUERIES, SCHEMA, Scene, status};

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn say(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }

    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(format!("| {text}"));
    }
}

fn settings() -> Settings {
    Settings {
        instance: "prod".to_owned(),
        cluster: Some(CLUSTER.to_owned()),
        runtime_config: RuntimeConfig::default(),
        build_mode: "release".to_owned(),
        ..Settings::default()
    }
}

fn platform(scene: &Scene) -> HelixCloud {
    HelixCloud::new(scene.cloud(USER_KEY), settings())
}

fn desired(release: &str, queries: &str) -> Desired {
    Desired {
        release: release.to_owned(),
        hash: format!("hash of {release}"),
        artifact: Artifact::Sources(Box::new(SourceBundle {
            schema: SCHEMA.to_owned(),
            schema_path: Some("db/schema.hx".to_owned()),
            queries: BTreeMap::from([("db/queries.hx".to_owned(), queries.to_owned())]),
            project_file: "[project]\nname = \"app\"\n".to_owned(),
        })),
        env: BTreeMap::from([("LOG_STYLE".to_owned(), "plain".to_owned())]),
        secrets: BTreeMap::new(),
        labels: BTreeMap::new(),
        health: HealthGate {
            path: "/healthz".to_owned(),
            interval: Duration::from_secs(1),
            deadline: Duration::from_secs(1),
        },
    }
}

fn activate(scene: &Scene, release: &str) -> Result<Activated, TargetError> {
    scene.runtime.block_on(platform(scene).activate(&desired(release, QUERIES), true, &()))
}

fn deploy_of(scene: &Scene) -> Value {
    let journal = scene.mock.journal();
    journal.into_iter().rfind(|entry| entry["path"].as_str().unwrap().ends_with("/deploy")).unwrap()
}

#[test]
fn the_first_release_gives_a_key_and_the_next_does_not() {
    let scene = Scene::new();
    let heard = Heard::default();
    let first = scene.runtime.block_on(platform(&scene).activate(&desired("r1", QUERIES), true, &heard)).unwrap();
    assert!(first.key.unwrap().expose_secret().starts_with("hxc_"));
    assert_eq!(first.url.as_deref(), Some(format!("{}/run/{CLUSTER}", scene.mock.base()).as_str()));
    assert_eq!((first.status.state, first.is_healthy), ("running", true));
    assert_eq!(first.status.release.unwrap().hash.as_deref(), Some("hash of r1"));
    let heard = heard.0.into_inner().unwrap();
    assert_eq!(
        heard,
        ["Checking the queries", "Building, 30 %", "| compiling the queries", "Building, 90 %", "Bringing it out"]
    );
    let entry = deploy_of(&scene);
    assert_eq!((&entry["idempotency_key"], &entry["status"]), (&json!("r1"), &json!(200)));
    assert!(entry["user_agent"].as_str().unwrap().starts_with("helix-cli/"));
    let body = &entry["body"];
    assert_eq!(
        (&body["schema"], &body["queries"]["db/queries.hx"], &body["env_vars"]["LOG_STYLE"]),
        (&json!(SCHEMA), &json!(QUERIES), &json!("plain"))
    );
    assert_eq!(
        (&body["build_mode"], &body["build_mode_override"], &body["instance_name"]),
        (&json!("release"), &Value::Null, &json!("prod"))
    );
    assert_eq!(body["runtime_config"]["graph_config"], json!({"secondary_indices": null}));
    assert!(activate(&scene, "r2").unwrap().key.is_none());
    let releases = scene.runtime.block_on(platform(&scene).releases()).unwrap();
    assert_eq!(
        releases.iter().map(|release| (release.id.as_str(), release.current)).collect::<Vec<_>>(),
        [("r2", true), ("r1", false)]
    );
}

#[test]
fn every_form_of_success_is_one() {
    let cases = [
        (json!({"deployed": {"url": "u", "auth_key": "k"}}), Some("u"), Some("k")),
        (json!({"redeployed": {"url": "u"}}), Some("u"), None),
        (json!({"type": "done", "url": "u", "auth_key": "k"}), Some("u"), Some("k")),
        (json!({"done": {"url": "u"}}), Some("u"), None),
        (json!("success"), None, None),
        (json!({"type": "success", "data": {"url": "u"}}), Some("u"), None),
    ];
    for (event, url, key) in cases {
        let scene = Scene::new();
        scene.fail("/deploy", 1, Effect::Events(vec![json!("deploying"), event.clone()]));
        let done = activate(&scene, "r").unwrap();
        assert_eq!((done.url.as_deref(), done.key.as_ref().map(SecretString::expose_secret)), (url, key), "{event}");
    }
}

#[test]
fn a_deployment_that_fails_is_tried_once_and_says_why() {
    let log = json!({"log": {"message": "the linker said no", "severity": "error"}});
    let events = |last: Value| Effect::Events(vec![json!("building"), log.clone(), last]);
    let cases = [
        (events(json!({"error": {"error": "out of luck"}})), Code::Conflict, "out of luck"),
        (events(json!({"type": "bad_request", "error": "no schema"})), Code::Invalid, "no schema"),
        (events(json!({"query_validation_error": {"error": "line one\nline two"}})), Code::Queries, "line one"),
        (events(json!({"confetti": {}})), Code::Upstream, "before it was done"),
        (events(json!({"redeployed": {}})), Code::Upstream, "no `url`"),
        (Effect::Cut(2), Code::Upstream, "broke"),
        (Effect::Cut(0), Code::Upstream, ""),
        (Effect::End(2), Code::Upstream, "before it was done"),
        (Effect::Drop, Code::Upstream, ""),
        (status(401), Code::AuthRejected, ""),
        (status(403), Code::AuthScope, ""),
        (status(409), Code::Conflict, ""),
        (status(422), Code::Invalid, ""),
        (status(500), Code::Upstream, ""),
    ];
    for (effect, expected, text) in cases {
        let scene = Scene::new();
        let shown = format!("{effect:?}");
        scene.fail("/deploy", 9, effect);
        let error = activate(&scene, "r").unwrap_err();
        assert_eq!(error.code, expected, "{shown}: {error}");
        assert!(error.message.contains(text), "{shown}: {error}");
        let asked = deploy_of(&scene)["request_id"].as_str().map(str::to_owned);
        assert_eq!(error.request_id, asked, "{shown}");
        assert_eq!(scene.calls("/deploy"), 1, "{shown}: it may have been carried out");
    }
    let scene = Scene::new();
    scene.fail("/deploy", 1, events(json!({"error": {"error": "x"}})));
    assert_eq!(activate(&scene, "r").unwrap_err().context, ["the linker said no"]);
}

#[test]
fn the_same_release_is_deployed_once() {
    let scene = Scene::new();
    scene.fail("/deploy", 1, Effect::Cut(3));
    activate(&scene, "r1").unwrap_err();
    // The stand-in carried it out: what is sent again with its key changes nothing.
    let again = activate(&scene, "r1").unwrap();
    assert!(again.key.is_none());
    assert_eq!(scene.runtime.block_on(platform(&scene).releases()).unwrap().len(), 1);
}

#[test]
fn noise_changes_nothing() {
    for effects in [
        vec![Effect::UnknownEvents],
        vec![Effect::InternalTags],
        vec![Effect::Slow(60)],
        vec![Effect::InternalTags, Effect::UnknownEvents],
    ] {
        let scene = Scene::new();
        scene.fail_so("/deploy", 1, effects);
        assert!(activate(&scene, "r").unwrap().key.is_some());
    }
}

#[test]
fn a_stream_that_falls_silent_is_given_up() {
    let scene = Scene::new();
    scene.fail("/deploy", 1, Effect::Slow(3_000));
    let cloud = scene.cloud(USER_KEY).idle(Duration::from_millis(300));
    let platform = HelixCloud::new(cloud, settings());
    let error = scene.runtime.block_on(platform.activate(&desired("r", QUERIES), true, &())).unwrap_err();
    assert_eq!(error.code, Code::Upstream);
    assert_eq!(scene.calls("/deploy"), 1);
}

#[test]
fn queries_that_are_wrong_are_turned_down_by_the_compiler() {
    let scene = Scene::new();
    let wrong = QUERIES.replace("N<User>", "N<Usr>");
    let error = scene.runtime.block_on(platform(&scene).activate(&desired("r", &wrong), true, &())).unwrap_err();
    assert_eq!(error.code, Code::Queries);
    assert!(error.message.contains("unknown node type `Usr`"), "{error}");
    assert!(error.context.iter().any(|line| line.contains("db/queries.hx")), "{:?}", error.context);
    assert_eq!(scene.runtime.block_on(platform(&scene).status()).unwrap().state, "absent");
}

#[test]
fn nothing_and_too_much_are_not_sent() {
    let scene = Scene::new();
    let bundle = |schema: &str, queries: &str| {
        let mut desired = desired("r", queries);
        if let Artifact::Sources(bundle) = &mut desired.artifact {
            bundle.schema = schema.to_owned();
        }
        desired
    };
    let large = "x".repeat(21 << 20);
    for desired in [bundle("", QUERIES), bundle(SCHEMA, " "), bundle(SCHEMA, &large)] {
        let error = scene.runtime.block_on(platform(&scene).activate(&desired, true, &())).unwrap_err();
        assert_eq!(error.code, Code::Invalid);
        assert!(error.hint.is_some());
    }
    let image = Desired { artifact: Artifact::Image("a.example/b@sha256:c".to_owned()), ..desired("r", QUERIES) };
    let error = scene.runtime.block_on(platform(&scene).activate(&image, true, &())).unwrap_err();
    assert_eq!(error.code, Code::Unsupported);
    assert!(scene.mock.journal().is_empty());
}

#[test]
fn a_cluster_of_another_project_is_not_touched() {
    let scene = Scene::new();
    let other = HelixCloud::new(scene.cloud(USER_KEY), Settings { project: Some("prj_mine".to_owned()), ..settings() });
    scene.runtime.block_on(async {
        assert_eq!(other.activate(&desired("r", QUERIES), true, &()).await.unwrap_err().code, Code::Conflict);
        assert_eq!(other.stop().await.unwrap_err().code, Code::Conflict);
        assert_eq!(other.destroy(true).await.unwrap_err().code, Code::Conflict);
        let secrets = BTreeMap::from([("A".to_owned(), Some(SecretString::from("b".to_owned())))]);
        assert_eq!(other.set_secrets(&secrets).await.unwrap_err().code, Code::Conflict);
    });
    let changes = scene.mock.journal().iter().filter(|entry| entry["method"] != "GET").count();
    assert_eq!(changes, 0);
}

#[test]
fn preflight_finds_what_is_wrong_and_changes_nothing() {
    let scene = Scene::new();
    let codes = |cluster: Option<&str>, key: &str| {
        let platform =
            HelixCloud::new(scene.cloud(key), Settings { cluster: cluster.map(str::to_owned), ..settings() });
        let findings = scene.runtime.block_on(platform.preflight());
        assert!(findings.iter().all(|finding| finding.fix.is_some()), "{findings:?}");
        findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert!(codes(Some(CLUSTER), USER_KEY).is_empty());
    assert_eq!(codes(Some("cl_other"), USER_KEY), ["E-AUTH-SCOPE"]);
    assert_eq!(codes(Some("cl_none"), USER_KEY), ["E-DEPLOY-NOT-FOUND"]);
    assert_eq!(codes(Some(CLUSTER), "wrong"), ["E-AUTH-REJECTED"]);
    assert_eq!(codes(None, "wrong"), ["E-DEPLOY-NOT-FOUND", "E-AUTH-REJECTED"]);
    assert!(scene.mock.journal().iter().all(|entry| entry["method"] == "GET"));
}

#[test]
fn a_service_that_can_more_does_more() {
    let scene = Scene::new();
    activate(&scene, "r1").unwrap();
    activate(&scene, "r2").unwrap();
    scene.runtime.block_on(async {
        let platform = platform(&scene);
        platform.stop().await.unwrap();
        assert_eq!(platform.status().await.unwrap().state, "stopped");
        platform.start().await.unwrap();
        platform.restart().await.unwrap();
        assert_eq!(platform.status().await.unwrap().state, "running");
        let first = platform.releases().await.unwrap().pop().unwrap();
        let back = platform.rollback(&first, &()).await.unwrap();
        assert_eq!(back.status.release.unwrap().id, "r1");
        let secret = |value: &str| Some(SecretString::from(value.to_owned()));
        platform
            .set_secrets(&BTreeMap::from([("A".to_owned(), secret("planted")), ("B".to_owned(), secret("two"))]))
            .await
            .unwrap();
        let told = platform.secrets().await.unwrap();
        assert_eq!(told.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        assert_ne!(told[0].digest, told[1].digest);
        let remove = BTreeMap::from([("A".to_owned(), None)]);
        platform.set_secrets(&remove).await.unwrap();
        platform.set_secrets(&remove).await.unwrap();
        assert_eq!(platform.secrets().await.unwrap().len(), 1);
        assert_eq!(platform.destroy(false).await.unwrap_err().code, Code::Unsupported);
        assert_eq!(platform.destroy(true).await.unwrap().len(), 1);
        assert_eq!(platform.destroy(true).await.unwrap().len(), 0);
        assert_eq!(platform.status().await.unwrap().state, "absent");
    });
    assert!(!json!(scene.mock.journal()).to_string().contains("planted"));
}

#[test]
fn a_service_of_version_2_deploys_and_says_what_it_cannot() {
    let scene = Scene::new();
    scene.fail("/capabilities", 99, status(404));
    activate(&scene, "r1").unwrap();
    scene.runtime.block_on(async {
        let platform = platform(&scene);
        let mut refused =
            vec![platform.stop().await.err(), platform.start().await.err(), platform.restart().await.err()];
        refused.push(platform.releases().await.err());
        refused.push(platform.secrets().await.err());
        refused.push(platform.destroy(true).await.err());
        for error in refused {
            let error = error.unwrap();
            assert_eq!(error.code, Code::Unsupported);
            assert!(error.hint.is_some(), "{error}");
        }
        assert_eq!(platform.status().await.unwrap().release, None);
    });
}

async fn write(scene: &Scene, message: &str, timestamp: &str) {
    let line = json!({"cluster_id": CLUSTER, "message": message, "level": "INFO", "timestamp": timestamp});
    let call = scene.client().post(format!("{}/__mock/logs", scene.mock.base()));
    assert_eq!(call.json(&line).send().await.unwrap().status(), 204);
}

#[test]
fn a_log_is_read_in_pieces_of_an_hour() {
    let scene = Scene::new();
    scene.runtime.block_on(async {
        for (message, time) in [
            ("one", "2026-01-01T00:10:00Z"),
            ("two", "2026-01-01T01:30:00Z"),
            ("three", "2026-01-01T02:10:00Z"),
            ("late", "2026-01-01T05:00:00Z"),
        ] {
            write(&scene, message, time).await;
        }
        let time = |text: &str| Some(text.parse().unwrap());
        let query = LogQuery {
            since: time("2026-01-01T00:00:00Z"),
            until: time("2026-01-01T02:30:00Z"),
            ..LogQuery::default()
        };
        let lines =
            platform(&scene).logs(&query).await.unwrap().map(|line| line.unwrap().message).collect::<Vec<_>>().await;
        assert_eq!(lines, ["one", "two", "three"]);
        let last = LogQuery { count: Some(1), ..query };
        let lines: Vec<_> = platform(&scene).logs(&last).await.unwrap().map(Result::unwrap).collect().await;
        assert_eq!((lines[0].message.as_str(), lines[0].level.as_deref()), ("three", Some("info")));
        assert_eq!(lines[0].timestamp.as_deref(), Some("2026-01-01T02:10:00.000Z"));
    });
    assert_eq!(scene.calls("/logs/range"), 6);
}

#[test]
fn a_log_is_followed_across_broken_connections_and_nothing_is_told_twice() {
    let scene = Scene::new();
    scene.runtime.block_on(async {
        for (message, time) in
            [("a", "2026-01-01T00:00:01Z"), ("b", "2026-01-01T00:00:02Z"), ("b", "2026-01-01T00:00:02Z")]
        {
            write(&scene, message, time).await;
        }
        // It breaks in the past, then behind it, then ends, then cannot be opened.
        for effect in [Effect::Cut(2), Effect::Cut(4), Effect::End(3), status(503), Effect::InternalTags] {
            scene.fail("/logs/live", 1, effect);
        }
        let query =
            LogQuery { since: Some("2026-01-01T00:00:00Z".parse().unwrap()), follow: true, ..LogQuery::default() };
        let mut lines = platform(&scene).logs(&query).await.unwrap();
        let mut heard = Vec::new();
        for _ in 0..3 {
            heard.push(lines.next().await.unwrap().unwrap().message);
        }
        write(&scene, "c", "2026-01-01T00:00:03Z").await;
        heard.push(lines.next().await.unwrap().unwrap().message);
        assert_eq!(heard, ["a", "b", "b", "c"]);
    });
    assert!(scene.calls("/logs/live") >= 2);
}

#[test]
fn a_log_that_may_not_be_read_is_not_asked_for_again() {
    let scene = Scene::new();
    let query = LogQuery { follow: true, ..LogQuery::default() };
    let other = HelixCloud::new(scene.cloud(USER_KEY), Settings { cluster: Some("cl_other".to_owned()), ..settings() });
    let error = scene.runtime.block_on(other.logs(&query)).err().unwrap();
    assert_eq!((error.code, scene.calls("/logs/live")), (Code::AuthScope, 1));
}
