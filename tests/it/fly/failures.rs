//! What Fly.io may answer, and what is told of it.

use std::time::Duration;

use helix::config;
use helix::integrations::error::{Code, TargetError};
use helix::integrations::role::{Finding, Platform as _, Severity};

use super::{SECRET, assert_runs, deploy, fly, fly_of, release, secret, settings};
use crate::support::fly_mock::{Behaviour, Effect, Entry, FlyMock, READ_ONLY, TOKEN};

fn told(error: &TargetError) -> String {
    let (code, exit) = error.code.stable();
    let hint = error.hint.as_deref().unwrap_or("(no hint)");
    let id = error.request_id.as_deref().unwrap_or("none");
    format!("{code} (exit {})\n{error}\nhint: {hint}\nrequest: {id}", exit as u8)
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[tokio::test]
async fn every_answer_that_is_an_error_says_what_to_do() {
    let cases = [
        ("unauthorized", 401, r#"{"error":"unauthorized"}"#),
        ("payment", 402, r#"{"error":"organization has no payment method"}"#),
        ("forbidden", 403, r#"{"error":"forbidden"}"#),
        ("changed", 412, r#"{"error":"machine version mismatch"}"#),
        ("invalid", 422, r#"{"error":"invalid config.guest.memory_mb, must be a multiple of 256"}"#),
        ("capacity", 422, r#"{"error":"insufficient resources","status":"insufficient_capacity"}"#),
        ("no_room", 409, r#"{"error":"insufficient memory available to fulfill request"}"#),
        ("limited", 429, r#"{"message":"rate limit exceeded"}"#),
        ("edge", 502, "<html><body>502 Bad Gateway</body></html>"),
    ];
    for (name, status, body) in cases {
        let mock = FlyMock::start();
        let fly = fly(&mock);
        fly.provision().await.unwrap();
        mock.fault("POST", "/machines", 9, Effect::Answer(status, Some(("retry-after", "90")), body.to_owned()));
        let error = fly.activate(&release(&mock, 1, Behaviour::Good), true, &()).await.unwrap_err();
        let told = told(&error).replace(&mock.url(), "http://(mock)");
        insta::assert_snapshot!(format!("answer_{name}"), told);
        assert_eq!(mock.state().app().machines.len(), 0);
    }
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let limited = Effect::Answer(429, Some(("retry-after", "0")), r#"{"error":"rate limit exceeded"}"#.to_owned());
    mock.fault("POST", "/machines", 2, limited);
    mock.fault("GET", "/volumes", 2, Effect::Answer(500, None, String::new()));
    mock.fault("POST", "/volumes", 1, Effect::Answer(502, None, String::new()));
    mock.fault("GET", "/secrets", 1, Effect::Drop);
    let desired = release(&mock, 1, Behaviour::Slow(1100));
    deploy(&fly, &desired).await.unwrap();
    assert_runs(&mock, &desired);
}

#[tokio::test]
async fn a_machine_that_is_not_known_everywhere_yet_is_looked_for_again() {
    let mock = FlyMock::start();
    mock.state().is_eventual = true;
    let desired = release(&mock, 1, Behaviour::Good);
    deploy(&fly(&mock), &desired).await.unwrap();
    assert!(mock.take_journal().iter().any(|call| call.status == Some(404) && call.path.contains("/machines/")));
    assert_runs(&mock, &desired);
}

#[tokio::test]
async fn preflight_finds_all_that_is_wrong() {
    let mock = FlyMock::start();
    let wrong = config::Fly {
        app: Some("Shop_".to_owned()),
        org: "nobody".to_owned(),
        region: Some("amx".to_owned()),
        vm_size: "shared-cpu-3x".to_owned(),
        volume: Some("shop-data:/data".to_owned()),
        strategy: "bluegreen".to_owned(),
        ..settings()
    };
    insta::assert_json_snapshot!(fly_of(&mock, TOKEN, &wrong).preflight().await);
    assert!(mock.take_journal().iter().all(|call| call.method == "GET"), "looking changes nothing");
}

#[tokio::test]
async fn a_token_is_missing_rejected_or_too_weak() {
    let mock = FlyMock::start();
    let none = fly_of(&mock, "", &settings());
    assert_eq!(codes(&none.preflight().await), ["E-AUTH-MISSING"]);
    let error = none.whoami().await.unwrap_err();
    assert_eq!((error.code, error.context.len()), (Code::AuthMissing, 5), "{error:?}");
    let rejected = fly_of(&mock, "fm2_other", &settings());
    assert!(codes(&rejected.preflight().await).iter().all(|code| *code == "E-AUTH-REJECTED"));
    assert!(rejected.whoami().await.unwrap_err().hint.unwrap().contains("`FLY_API_TOKEN`"));
    let weak = fly_of(&mock, READ_ONLY, &settings());
    assert_eq!(weak.whoami().await.unwrap().account, "personal");
    assert_eq!(weak.provision().await.unwrap_err().code, Code::AuthScope);
    // Valid when it began, and not any more.
    let fly = fly(&mock);
    fly.provision().await.unwrap();
    mock.state().token = "fm2_renewed".to_owned();
    let error = fly.activate(&release(&mock, 1, Behaviour::Good), true, &()).await.unwrap_err();
    assert_eq!(error.code, Code::AuthRejected);
}

#[tokio::test]
async fn an_app_of_somebody_else_is_refused() {
    let mock = FlyMock::start();
    mock.state().taken.insert("helix-shop-prod".to_owned());
    let error = fly(&mock).provision().await.unwrap_err();
    insta::assert_snapshot!("app_taken", told(&error));
    mock.state().taken.clear();
    fly(&mock).provision().await.unwrap();
    let other = fly_of(&mock, TOKEN, &config::Fly { org: "acme".to_owned(), ..settings() });
    insta::assert_snapshot!("app_of_another_organisation", told(&other.provision().await.unwrap_err()));
    assert_eq!(other.preflight().await[0].severity, Severity::Error);
}

#[tokio::test]
async fn a_region_without_room_names_others_and_data_does_not_move() {
    let mock = FlyMock::start();
    let full = fly_of(&mock, TOKEN, &config::Fly { region: Some("ful".to_owned()), ..settings() });
    insta::assert_snapshot!("region_without_room", told(&full.provision().await.unwrap_err()));
    let there = fly_of(&mock, TOKEN, &config::Fly { region: Some("fra".to_owned()), ..settings() });
    assert!(there.provision().await.unwrap().settings.is_empty());
    let moved = fly_of(&mock, TOKEN, &config::Fly { region: Some("lhr".to_owned()), ..settings() });
    insta::assert_snapshot!("volume_elsewhere", told(&moved.provision().await.unwrap_err()));
}

#[tokio::test]
async fn a_lease_of_somebody_else_is_respected() {
    let mock = FlyMock::start();
    let first = release(&mock, 1, Behaviour::Good);
    deploy(&fly(&mock), &first).await.unwrap();
    mock.state().owner = "bob@ci".to_owned();
    let bob = fly(&mock);
    let held = bob.lock("bob").await.unwrap().unwrap();
    let ann = fly(&mock);
    let error = ann.lock("ann").await.unwrap_err();
    assert_eq!(error.code, Code::Locked);
    assert!(error.to_string().contains("held by bob@ci, expires at 2026-01-05T"), "{error}");
    let second = release(&mock, 2, Behaviour::Good);
    assert_eq!(deploy(&ann, &second).await.unwrap_err().code, Code::Locked);
    assert_eq!(ann.stop().await.unwrap_err().code, Code::Locked);
    // Who holds it deploys under it, and still holds it afterwards.
    deploy(&bob, &second).await.unwrap();
    {
        let mut state = mock.state();
        let now = state.now();
        assert!(state.machine().is_leased(now));
    }
    held.release().await.unwrap();
    assert_runs(&mock, &second);
    deploy(&ann, &release(&mock, 3, Behaviour::Good)).await.unwrap();
}

#[tokio::test]
async fn a_lease_that_nobody_extends_ends_and_one_that_is_let_go_is_given_back() {
    let mock = FlyMock::start();
    deploy(&fly(&mock), &release(&mock, 1, Behaviour::Good)).await.unwrap();
    let gone = fly(&mock);
    let held = gone.lock("gone").await.unwrap().unwrap();
    mock.advance(Duration::from_secs(14));
    let other = fly(&mock).lock("other").await.unwrap().unwrap();
    other.release().await.unwrap();
    drop(held);
    let patience = std::time::Instant::now();
    while mock.state().machine().lease.is_some() {
        assert!(patience.elapsed() < Duration::from_secs(5), "dropped, and not given back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_lease_is_extended_as_long_as_it_is_needed() {
    let mock = FlyMock::start();
    let fly = super::fly_at(&mock, TOKEN, &settings(), Duration::from_millis(20));
    deploy(&fly, &release(&mock, 1, Behaviour::Good)).await.unwrap();
    let held = fly.lock("ann").await.unwrap().unwrap();
    for _ in 0..3 {
        mock.advance(Duration::from_secs(10));
        mock.take_journal();
        let extended = |call: &Entry| call.method == "POST" && call.path.contains("/lease");
        let began = std::time::Instant::now();
        while !mock.take_journal().iter().any(extended) {
            assert!(began.elapsed() < Duration::from_secs(5), "it is not extended");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert_eq!(super::fly(&mock).lock("bob").await.unwrap_err().code, Code::Locked);
    held.release().await.unwrap();
    assert!(mock.state().machine().lease.is_none());
}

#[tokio::test]
async fn another_name_of_the_volume_does_not_lose_the_data() {
    let mock = FlyMock::start();
    deploy(&fly(&mock), &release(&mock, 1, Behaviour::Good)).await.unwrap();
    let renamed = fly_of(&mock, TOKEN, &config::Fly { volume: Some("other:/data".to_owned()), ..settings() });
    let error = renamed.provision().await.unwrap_err();
    insta::assert_snapshot!("volume_renamed", told(&error));
    assert_eq!(renamed.preflight().await.len(), 1);
    assert_eq!(mock.state().app().volumes.len(), 1);
}

#[tokio::test]
async fn two_machines_are_never_chosen_from() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    deploy(&fly, &release(&mock, 1, Behaviour::Good)).await.unwrap();
    {
        let mut state = mock.state();
        let mut twin = state.machine().clone();
        twin.id = "twin".to_owned();
        state.app().machines.push(twin);
    }
    let error = fly.status().await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);
    assert!(error.hint.unwrap().contains("fly machine destroy"));
}

#[tokio::test]
async fn a_token_goes_nowhere_without_encryption() {
    let mock = FlyMock::start();
    for (address, code) in [("http://api.example", Code::Insecure), ("nonsense", Code::Invalid)] {
        let env = [("FLY_API_TOKEN", TOKEN), ("FLY_FLAPS_BASE_URL", address)];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let nowhere = std::path::Path::new("/nonexistent");
        let around = helix::integrations::fly::Surroundings { env: &env, home: nowhere, root: nowhere };
        let names = helix::integrations::container::Names::new("shop", "prod", "0");
        let client = helix::http::client(None).unwrap();
        let fly = helix::integrations::fly::Fly::new(&settings(), &names, around, &client, Default::default());
        assert_eq!(fly.status().await.unwrap_err().code, code);
    }
    assert!(mock.take_journal().is_empty());
}

#[tokio::test]
async fn secrets_are_in_no_error_no_debug_output_and_no_address() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let mut desired = release(&mock, 1, Behaviour::Good);
    desired.secrets.insert("API_KEY".to_owned(), SECRET.into());
    let mut seen = vec![format!("{fly:?} {desired:?}")];
    deploy(&fly, &desired).await.unwrap();
    let quoting = format!(r#"{{"error":"bad value {SECRET} for token {TOKEN}"}}"#);
    mock.fault("POST", "/secrets", 1, Effect::Answer(422, None, quoting.clone()));
    let error = fly.set_secrets(&secret("API_KEY", Some(SECRET))).await.unwrap_err();
    assert!(error.to_string().contains("bad value [redacted] for token [redacted]"), "{error}");
    seen.push(format!("{error} {error:?}"));
    let mut bad = release(&mock, 2, Behaviour::Crash);
    bad.secrets.insert("API_KEY".to_owned(), SECRET.into());
    let error = deploy(&fly, &bad).await.unwrap_err();
    seen.push(format!("{error} {error:?}"));
    let rejected = fly_of(&mock, "fm2_planted-other", &settings());
    seen.push(format!("{:?} {:?}", rejected.preflight().await, rejected.provision().await));
    for call in mock.take_journal() {
        seen.push(call.to_string());
        // The one call that is for secrets, and no other.
        if !call.path.ends_with("/secrets") {
            seen.push(call.body.to_string());
        }
    }
    for text in seen {
        assert!(!text.contains("planted"), "{text}");
    }
}
