//! Releases that follow each other.

use helix::integrations::error::Code;
use helix::integrations::role::{Platform as _, Severity};
use serde_json::json;

use super::{SECRET, assert_runs, deploy, fly, fly_of, hasty, ids, release, secret, settings};
use crate::support::fly_mock::{Behaviour, Entry, FlyMock};

#[tokio::test]
async fn the_first_release_makes_what_it_needs() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let desired = release(&mock, 1, Behaviour::Good);
    assert_eq!(fly.preflight().await, []);
    assert!(fly.lock("ann").await.unwrap().is_none());
    mock.take_journal();
    let provisioned = fly.provision().await.unwrap();
    insta::assert_debug_snapshot!(provisioned);
    let activated = fly.activate(&desired, true, &()).await.unwrap();
    insta::assert_snapshot!("first_conversation", mock.conversation());
    assert!(activated.is_healthy);
    assert_eq!(activated.url.as_deref(), Some("https://helix-shop-prod.fly.dev"));
    assert_eq!(activated.status.state, "running");
    assert_runs(&mock, &desired);
    let mut config = mock.state().machine().config.clone();
    config["image"] = json!("(image)");
    insta::assert_json_snapshot!(config);
    assert_eq!(fly.provision().await.unwrap().created, Vec::<String>::new());
}

#[tokio::test]
async fn the_same_release_changes_nothing() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let desired = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &desired).await.unwrap();
    mock.take_journal();
    deploy(&fly, &desired).await.unwrap();
    insta::assert_snapshot!("same_conversation", mock.conversation());
    assert_runs(&mock, &desired);
}

#[tokio::test]
async fn a_release_replaces_the_one_before_in_place() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let first = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &first).await.unwrap();
    let id = {
        let mut state = mock.state();
        let machine = state.machine();
        machine.config["init"] = json!({ "swap_size_mb": 512 });
        machine.config["metadata"]["team"] = json!("search");
        machine.config["env"]["OLD"] = json!("1");
        machine.id.clone()
    };
    let second = release(&mock, 2, Behaviour::Slow(80));
    mock.take_journal();
    deploy(&fly, &second).await.unwrap();
    insta::assert_snapshot!("replace_conversation", mock.conversation());
    assert_runs(&mock, &second);
    let config = mock.state().machine().config.clone();
    assert_eq!(mock.state().machine().id, id);
    assert_eq!(config["init"]["swap_size_mb"], 512, "what is not ours stays");
    assert_eq!(config["metadata"]["team"], "search");
    assert!(config["env"]["OLD"].is_null(), "variables are ours as a whole");
    let releases = fly.releases().await.unwrap();
    assert_eq!(ids(&releases), [("002", true), ("001", false)]);
    assert_eq!(releases[1].hash.as_deref(), Some("sha256:1"));
    assert_eq!(releases[1].image, Some(first_image(&first)));
    assert!(releases[0].created_at.is_some(), "{releases:?}");
}

fn first_image(desired: &helix::integrations::role::Desired) -> String {
    match &desired.artifact {
        helix::integrations::role::Artifact::Image(image) => image.clone(),
        helix::integrations::role::Artifact::Sources(_) => unreachable!("tests run images"),
    }
}

#[tokio::test]
async fn an_earlier_release_runs_again_with_the_present_settings() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    for number in 1..=3 {
        deploy(&fly, &release(&mock, number, Behaviour::Good)).await.unwrap();
    }
    let releases = fly.releases().await.unwrap();
    assert_eq!(ids(&releases), [("003", true), ("002", false), ("001", false)]);
    fly.rollback(&releases[2], &()).await.unwrap();
    let after = fly.releases().await.unwrap();
    assert_eq!(ids(&after), [("003", false), ("002", false), ("001", true)]);
    assert_eq!(after[2].hash, None, "no hash describes an old image with new settings");
    assert_eq!(mock.state().machine().config["env"]["RELEASE"], "3");
    mock.take_journal();
    fly.rollback(&after[2], &()).await.unwrap();
    let is_change = |call: &&Entry| call.method == "POST" && !call.path.contains("/lease");
    assert_eq!(mock.take_journal().iter().filter(is_change).count(), 0);
    // Pushing what ran before the rollback is a deployment.
    let third = release(&mock, 3, Behaviour::Good);
    deploy(&fly, &third).await.unwrap();
    assert_runs(&mock, &third);
}

#[tokio::test]
async fn only_the_last_releases_are_remembered() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    for number in 1..=13 {
        deploy(&fly, &release(&mock, number, Behaviour::Good)).await.unwrap();
    }
    let releases = fly.releases().await.unwrap();
    assert_eq!((releases.len(), &releases[10].id[23..]), (11, "003"));
}

#[tokio::test]
async fn a_release_that_crashes_is_told_with_all_there_is_and_taken_back() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let good = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &good).await.unwrap();
    for (number, behaviour) in [(2, Behaviour::Crash), (3, Behaviour::OutOfMemory)] {
        let mut bad = release(&mock, number, behaviour);
        bad.secrets.insert("API_KEY".to_owned(), SECRET.into());
        let error = deploy(&fly, &bad).await.unwrap_err();
        assert_eq!(error.code, Code::Unhealthy);
        insta::assert_snapshot!(format!("{behaviour:?}"), format!("{error}\n{}", error.context.join("\n")));
        assert_runs(&mock, &good);
        assert_eq!(ids(&fly.releases().await.unwrap()), [("001", true)], "what never worked is no release");
    }
}

#[tokio::test]
async fn a_check_that_does_not_pass_fails_the_release() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let good = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &good).await.unwrap();
    for (number, behaviour) in [(2, Behaviour::Unhealthy), (3, Behaviour::Flap)] {
        // Going back has as long as the release had.
        let mut bad = release(&mock, number, behaviour);
        bad.health.deadline = std::time::Duration::from_millis(500);
        let error = deploy(&fly, &bad).await.unwrap_err();
        assert_eq!(error.code, Code::Unhealthy);
        assert!(error.to_string().contains("its check does not pass"), "{error}");
        assert!(error.context.last().unwrap().contains("000001 runs again"), "{error:?}");
        assert_runs(&mock, &good);
    }
}

#[tokio::test]
async fn a_first_release_that_fails_leaves_its_volume_only() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let error = deploy(&fly, &release(&mock, 1, Behaviour::Crash)).await.unwrap_err();
    assert_eq!(error.code, Code::Unhealthy);
    {
        let mut state = mock.state();
        let app = state.app();
        assert_eq!((app.machines.len(), app.volumes.len()), (0, 1));
    }
    let status = fly.status().await.unwrap();
    assert_eq!((status.state, status.details[0].0.as_str()), ("absent", "volume"));
    let good = release(&mock, 2, Behaviour::Good);
    deploy(&fly, &good).await.unwrap();
    assert_runs(&mock, &good);
}

#[tokio::test]
async fn without_rollback_a_release_that_fails_stays_to_be_looked_at() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    deploy(&fly, &release(&mock, 1, Behaviour::Good)).await.unwrap();
    let bad = release(&mock, 2, Behaviour::Unhealthy);
    assert_eq!(fly.activate(&hasty(bad), false, &()).await.unwrap_err().code, Code::Unhealthy);
    let status = fly.status().await.unwrap();
    assert_eq!((status.state, &status.release.unwrap().id[23..]), ("failed", "002"));
    // The next one goes back past it.
    let error = deploy(&fly, &release(&mock, 3, Behaviour::Crash)).await.unwrap_err();
    assert!(error.context.last().unwrap().contains("000001 runs again"), "{error:?}");
    assert_eq!(ids(&fly.releases().await.unwrap()), [("001", true)]);
}

#[tokio::test]
async fn secrets_are_live_with_the_next_release() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let mut desired = release(&mock, 1, Behaviour::Good);
    desired.secrets.insert("HELIX_API_KEY".to_owned(), SECRET.into());
    deploy(&fly, &desired).await.unwrap();
    assert_eq!(mock.state().machine().secrets["HELIX_API_KEY"], SECRET);
    fly.set_secrets(&secret("OPENAI_API_KEY", Some("sk-planted"))).await.unwrap();
    assert_eq!(mock.state().machine().secrets.len(), 1, "staged only");
    let names: Vec<String> = fly.secrets().await.unwrap().into_iter().map(|secret| secret.name).collect();
    assert_eq!(names, ["HELIX_API_KEY", "OPENAI_API_KEY"]);
    deploy(&fly, &desired).await.unwrap();
    assert_eq!(mock.state().machine().secrets.len(), 2, "the same release with other secrets is deployed");
    fly.set_secrets(&secret("OPENAI_API_KEY", None)).await.unwrap();
    deploy(&fly, &desired).await.unwrap();
    assert_eq!(mock.state().machine().secrets.len(), 1);
    mock.take_journal();
    deploy(&fly, &desired).await.unwrap();
    assert!(!mock.take_journal().iter().any(|call| call.method == "POST" && !call.path.contains("/lease")));
}

#[tokio::test]
async fn a_private_instance_has_no_public_address() {
    let mock = FlyMock::start();
    let desired = release(&mock, 1, Behaviour::Good);
    deploy(&fly(&mock), &desired).await.unwrap();
    let private = fly_of(&mock, super::TOKEN, &helix::config::Fly { private: true, ..settings() });
    mock.state().app().addresses.push(("203.0.113.1".to_owned(), false));
    let findings = private.preflight().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].code, findings[0].severity), ("W-FLY-PUBLIC", Severity::Warning));
    let second = release(&mock, 2, Behaviour::Good);
    assert_eq!(deploy(&private, &second).await.unwrap().url, None);
    let mut state = mock.state();
    assert_eq!(state.app().addresses, [("203.0.113.1".to_owned(), false)], "what is paid for is left alone");
    assert_eq!(state.machine().config["services"], json!([]));
}

#[tokio::test]
async fn the_registry_is_logged_in_to_with_the_token() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    fly.provision().await.unwrap();
    let registry = fly.registry().unwrap();
    assert_eq!(registry.repository().to_string(), format!("{}/helix-shop-prod", mock.host()));
    registry.client().await.unwrap().check_push().await.unwrap();
    assert_eq!(registry.remove(&["sha256:1".to_owned()]).await.unwrap(), Vec::<String>::new());
}
