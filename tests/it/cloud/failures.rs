//! What goes wrong on the way, each with its code and exit code.

use helix::integrations::helix::mock::Effect;

use super::{Scene, code, run, status};

const LIST: [&str; 4] = ["config", "workspace", "list", "--json"];

#[test]
fn each_status_has_its_code_and_exit_code() {
    let cases = [
        (400, 11, "E-DEPLOY-INVALID", 1),
        (401, 10, "E-AUTH-REJECTED", 1),
        (402, 11, "E-DEPLOY-QUOTA", 1),
        (403, 10, "E-AUTH-SCOPE", 1),
        (404, 13, "E-DEPLOY-NOT-FOUND", 1),
        (409, 11, "E-DEPLOY-CONFLICT", 1),
        (422, 11, "E-DEPLOY-INVALID", 1),
        (500, 9, "E-NET-UPSTREAM", 3),
        (503, 9, "E-NET-UPSTREAM", 3),
    ];
    for (answer, exit, expected, calls) in cases {
        let scene = Scene::new();
        scene.fail("/workspaces", 9, status(answer));
        let ran = scene.helix(&LIST).code(exit);
        assert_eq!(code(&ran), expected, "{answer}");
        assert_eq!(scene.calls("/workspaces"), calls, "{answer}");
        let error = &ran.json()["error"];
        assert!(error["message"].as_str().unwrap().contains("as it was asked for"), "{error}");
        let id = scene.mock.journal().last().unwrap()["request_id"].as_str().unwrap().to_owned();
        assert!(error["context"].to_string().contains(&id), "{error} has no request id {id}");
    }
}

#[test]
fn what_passes_is_waited_for() {
    let too_many = || Effect::Status { status: 429, error: None, body: None, retry_after: Some("0".to_owned()) };
    for effect in [too_many(), status(502), Effect::Drop] {
        let scene = Scene::new();
        scene.fail("/workspaces", 2, effect);
        scene.helix(&LIST).code(0);
        assert_eq!(scene.calls("/workspaces"), 3);
    }
    let scene = Scene::new();
    scene.fail("/workspaces", 9, too_many());
    assert_eq!(code(&scene.helix(&LIST).code(9)), "E-NET-RATE-LIMITED");
    let scene = Scene::new();
    scene.fail("/workspaces", 9, Effect::Drop);
    assert_eq!(code(&scene.helix(&LIST).code(9)), "E-NET-UPSTREAM");
    // So long nobody waits: how long it would be is told.
    let scene = Scene::new();
    scene.fail(
        "/workspaces",
        9,
        Effect::Status { status: 429, error: None, body: None, retry_after: Some("900".to_owned()) },
    );
    let ran = scene.helix(&LIST).code(9);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("900 s"), "{}", ran.stdout);
    assert_eq!(scene.calls("/workspaces"), 1);
}

#[test]
fn a_body_that_is_not_what_it_should_be_is_told() {
    let body = |status: u16, body: &str| Effect::Status {
        status,
        error: None,
        body: Some(body.to_owned()),
        retry_after: None,
    };
    for (effect, exit, expected) in [
        (body(200, "{\"a\""), 9, "cannot be understood"),
        (body(200, "[{\"id\": 1}]"), 9, "cannot be understood"),
        (body(403, "go away"), 10, "go away"),
        (body(403, ""), 10, "403 Forbidden"),
        (body(403, "<html>proxy</html>"), 10, "403 Forbidden"),
        (body(403, "{\"error\": \"\\u001b[2Jred\"}"), 10, "[2Jred"),
    ] {
        let scene = Scene::new();
        let shown = format!("{effect:?}");
        scene.fail("/workspaces", 9, effect);
        let ran = scene.helix(&LIST).code(exit);
        let message = ran.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(expected), "{shown}: {message}");
        assert!(!message.contains('\u{1b}') && !message.contains("<html>"), "{message}");
    }
}

#[test]
fn a_key_that_the_other_side_repeats_is_not_shown() {
    let scene = Scene::new();
    let effect = Effect::Status {
        status: 403,
        error: Some("mock-user-key is not enough".to_owned()),
        body: None,
        retry_after: None,
    };
    scene.fail("/workspaces", 9, effect);
    let ran = scene.helix(&LIST).code(10);
    assert!(ran.stdout.contains("is not enough") && !ran.stdout.contains("mock-user-key"), "{}", ran.stdout);
}

#[test]
fn a_slow_answer_is_an_answer() {
    let scene = Scene::new();
    scene.fail("/workspaces", 1, Effect::Slow(400));
    scene.helix(&LIST).code(0);
}

#[test]
fn where_the_service_is_must_be_known_and_safe() {
    let scene = Scene::new();
    let at = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = scene.command(args);
        command.env_remove("HELIX_CLOUD_ENDPOINT").env("HELIX_CLOUD_TOKEN", "k").envs(variables.iter().copied());
        run(command)
    };
    let unknown = at(&[], &LIST).code(10);
    assert_eq!(code(&unknown), "E-CLOUD-UNCONFIGURED");
    assert!(unknown.json()["error"]["hint"].as_str().unwrap().contains("HELIX_CLOUD_ENDPOINT"));
    assert_eq!(code(&at(&[("HELIX_CLOUD_ENDPOINT", "http://cloud.example")], &LIST).code(3)), "E-CLOUD-INSECURE");
    assert_eq!(code(&at(&[("HELIX_CLOUD_ENDPOINT", "cloud.example")], &LIST).code(3)), "E-CLOUD-ENDPOINT");
    assert_eq!(code(&at(&[("CLOUD_AUTHORITY", "http://cloud.example")], &LIST).code(3)), "E-CLOUD-INSECURE");
    let offline = [&LIST[..], &["--offline"]].concat();
    assert_eq!(code(&at(&[("HELIX_CLOUD_ENDPOINT", "https://cloud.example")], &offline).code(9)), "E-NET-OFFLINE");
    assert_eq!(code(&at(&[("HELIX_CLOUD_ENDPOINT", "http://127.0.0.1:1")], &LIST).code(9)), "E-NET-CONNECT");
    let authority = scene.mock.base().trim_start_matches("http://").to_owned();
    assert_eq!(code(&at(&[("CLOUD_AUTHORITY", &authority)], &LIST).code(10)), "E-AUTH-REJECTED");
}

#[test]
fn whoever_is_not_logged_in_is_told_how() {
    let scene = Scene::new();
    for args in [&LIST[..], &["sync", "prod", "--json"], &["auth", "create-key", "prod", "--yes", "--reveal", "--json"]]
    {
        let ran = scene.stranger(args).code(10);
        assert_eq!(code(&ran), "E-AUTH-MISSING", "{args:?}");
        let hint = ran.json()["error"]["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("helix auth login") && hint.contains("HELIX_CLOUD_TOKEN"), "{hint}");
    }
    assert!(scene.mock.journal().is_empty());
}
