//! Logging in and out, and keys.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use helix::integrations::helix::mock::{CLUSTER, Effect, USER_KEY};
use serde_json::{Value, json};

use super::{Scene, code, run, status};

/// The key that a login keeps.
fn kept(scene: &Scene, profile: &str) -> String {
    let text = fs::read_to_string(scene.credentials()).unwrap();
    let file: toml_text::Keys = toml_text::read(&text);
    file.of(profile)
}

/// A reader of our own file that is not the one under test.
mod toml_text {
    pub(super) struct Keys(Vec<(String, String)>);

    pub(super) fn read(text: &str) -> Keys {
        let mut profile = String::new();
        let mut keys = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("[profile.") {
                profile = name.trim_end_matches(']').to_owned();
            } else if let Some(key) = line.strip_prefix("key = \"") {
                keys.push((profile.clone(), key.trim_end_matches('"').to_owned()));
            }
        }
        Keys(keys)
    }

    impl Keys {
        pub(super) fn of(self, profile: &str) -> String {
            self.0.into_iter().find(|(name, _)| name == profile).map(|(_, key)| key).unwrap_or_default()
        }
    }
}

fn with_stdin(scene: &Scene, args: &[&str], text: &str) -> super::Ran {
    let mut command = scene.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    super::Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_login_is_kept_for_its_owner_and_shown_to_nobody() {
    for effects in [&[][..], &[Effect::InternalTags], &[Effect::UnknownEvents, Effect::Slow(30)]] {
        let scene = Scene::new();
        scene.fail_so("/github-login", 1, effects.to_vec());
        let ran = scene.stranger(&["auth", "login", "--json", "-vv"]).code(0);
        let key = kept(&scene, "default");
        assert!(key.starts_with("hxu_"), "{key}");
        assert!(!ran.stdout.contains(&key) && !ran.stderr.contains(&key));
        assert!(ran.stdout.contains("MOCK-1234"), "{}", ran.stdout);
        assert_eq!(ran.json()["data"]["user_id"], "user_ada");
        assert_eq!(fs::metadata(scene.credentials()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(scene.project.home().join(".helix")).unwrap().permissions().mode() & 0o077, 0);
        let status = scene.stranger(&["auth", "status", "--json"]).code(0);
        assert!(!status.stdout.contains(&key));
        let data = &status.json()["data"];
        assert_eq!((&data["source"], &data["workspaces"]), (&json!("the profile `default`"), &json!(["acme"])));
        assert_eq!(data["key"], format!("…{}", &key[key.len() - 4..]));
    }
}

#[test]
fn a_login_says_what_to_do_on_a_terminal_less_stderr() {
    let scene = Scene::new();
    let ran = scene.stranger(&["auth", "login"]).code(0);
    assert!(ran.stderr.contains("MOCK-1234") && ran.stderr.contains("/device"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(&kept(&scene, "default")) && !ran.stdout.contains(&kept(&scene, "default")));
}

#[test]
fn a_login_that_does_not_end_well_keeps_nothing() {
    let asked = json!({"user_verification": {"user_code": "X", "verification_uri": "https://a.example"}});
    let cases = [
        (
            Effect::Events(vec![asked.clone(), json!({"device_code_timeout": {"message": "too slow"}})]),
            10,
            "E-AUTH-TIMEOUT",
        ),
        (Effect::Events(vec![asked.clone(), json!({"type": "error", "error": "no such user"})]), 10, "E-AUTH-REJECTED"),
        (Effect::Events(vec![asked.clone(), json!({"success": {"user_id": "u"}})]), 9, "E-NET-UPSTREAM"),
        (Effect::Events(vec![asked.clone(), json!({"success": 1, "x": 2})]), 9, "E-NET-UPSTREAM"),
        (Effect::Events(vec![asked]), 9, "E-NET-UPSTREAM"),
        (Effect::Cut(1), 9, "E-NET-UPSTREAM"),
        (Effect::End(1), 9, "E-NET-UPSTREAM"),
        (status(503), 9, "E-NET-UPSTREAM"),
    ];
    for (effect, exit, expected) in cases {
        let scene = Scene::new();
        let shown = format!("{effect:?}");
        scene.fail("/github-login", 9, effect);
        let ran = scene.stranger(&["auth", "login", "--json"]).code(exit);
        assert_eq!(code(&ran), expected, "{shown}");
        assert!(!scene.credentials().exists(), "{shown}");
        assert_eq!(scene.calls("/github-login"), 1, "{shown}: a login is begun once");
    }
}

#[test]
fn a_key_from_standard_input_is_tried_before_it_is_kept() {
    let scene = Scene::new();
    let login = ["auth", "login", "--token-stdin", "--json"];
    let wrong = with_stdin(&scene, &login, "planted-wrong-key\n").code(10);
    assert_eq!(code(&wrong), "E-AUTH-REJECTED");
    assert!(!scene.credentials().exists() && !wrong.stdout.contains("planted-wrong-key"));
    assert_eq!(code(&with_stdin(&scene, &login, "\n").code(2)), "E-INPUT-KEY");
    let right = with_stdin(&scene, &login, &format!("{USER_KEY}\n")).code(0);
    assert!(!right.stdout.contains(USER_KEY));
    assert_eq!(kept(&scene, "default"), USER_KEY);
}

#[test]
fn the_key_is_printed_when_that_is_asked_for_twice() {
    let scene = Scene::new();
    let ran = scene.helix(&["auth", "token", "--json"]).code(2);
    assert_eq!(code(&ran), "E-INPUT-REVEAL");
    assert_eq!(scene.helix(&["auth", "token", "--reveal"]).code(0).stdout, format!("{USER_KEY}\n"));
    let data = scene.data(&["auth", "token", "--reveal"]);
    assert_eq!(data, json!({"token": USER_KEY}));
}

#[test]
fn profiles_are_apart() {
    let scene = Scene::new();
    scene.stranger(&["auth", "login"]).code(0);
    with_stdin(&scene, &["auth", "login", "--profile", "work", "--token-stdin"], USER_KEY).code(0);
    assert_ne!(kept(&scene, "default"), kept(&scene, "work"));
    let profile = |args: &[&str]| scene.stranger(args).code(0).json()["data"]["profile"].clone();
    assert_eq!(profile(&["auth", "status", "--json"]), "default");
    assert_eq!(profile(&["auth", "status", "--profile", "work", "--json"]), "work");
    scene.stranger(&["auth", "switch", "work"]).code(0);
    assert_eq!(profile(&["auth", "status", "--json"]), "work");
    let near = scene.stranger(&["auth", "switch", "wrok", "--json"]).code(13);
    assert_eq!(near.json()["error"]["hint"], "did you mean `work`?");
    // The one that is used is logged out of; the other stays.
    scene.stranger(&["auth", "logout"]).code(0);
    assert_eq!(code(&scene.stranger(&["auth", "status", "--json"]).code(10)), "E-AUTH-MISSING");
    assert_eq!(profile(&["auth", "status", "--profile", "default", "--json"]), "default");
    scene.stranger(&["auth", "logout", "--all"]).code(0);
    let text = fs::read_to_string(scene.credentials()).unwrap();
    assert!(!text.contains("key"), "{text}");
}

#[test]
fn a_logout_can_end_the_key_at_the_service() {
    let scene = Scene::new();
    scene.stranger(&["auth", "login"]).code(0);
    let key = kept(&scene, "default");
    scene.fail("/logout", 9, status(500));
    scene.stranger(&["auth", "logout", "--revoke", "--json"]).code(9);
    assert_eq!(kept(&scene, "default"), key, "what could not be ended is not forgotten");
    let scene = Scene::new();
    scene.stranger(&["auth", "login"]).code(0);
    let key = kept(&scene, "default");
    let ran = scene.stranger(&["auth", "logout", "--revoke", "--json"]).code(0);
    assert_eq!(ran.json()["data"], json!({"removed": ["default"], "revoked": true}));
    let mut command = scene.command(&["auth", "status", "--json"]);
    command.env("HELIX_CLOUD_TOKEN", key);
    assert_eq!(code(&run(command).code(10)), "E-AUTH-REJECTED");
}

#[test]
fn a_service_of_version_2_cannot_end_a_key() {
    let scene = Scene::new();
    scene.stranger(&["auth", "login"]).code(0);
    scene.fail("/capabilities", 9, status(404));
    let ran = scene.stranger(&["auth", "logout", "--revoke", "--json"]).code(7);
    assert_eq!(code(&ran), "E-DEPLOY-UNSUPPORTED");
    scene.stranger(&["auth", "logout"]).code(0);
}

#[test]
fn a_file_of_keys_that_others_can_read_is_refused() {
    let scene = Scene::new();
    scene.stranger(&["auth", "login"]).code(0);
    fs::set_permissions(scene.credentials(), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = scene.stranger(&["config", "workspace", "list", "--json"]).code(10);
    assert_eq!(code(&ran), "E-AUTH-PERMISSIONS");
    assert_eq!(scene.calls("/workspaces"), 0);
}

#[test]
fn a_key_is_not_sent_to_another_place() {
    let (scene, other) = (Scene::new(), Scene::new());
    scene.stranger(&["auth", "login"]).code(0);
    let mut command = scene.command(&["config", "workspace", "list", "--json"]);
    command.env("HELIX_CLOUD_ENDPOINT", other.mock.base());
    assert_eq!(code(&run(command).code(10)), "E-AUTH-OTHER-ENDPOINT");
    assert!(other.mock.journal().is_empty());
    // Without a variable the address of the profile is used.
    let mut command = scene.command(&["config", "workspace", "list"]);
    command.env_remove("HELIX_CLOUD_ENDPOINT");
    run(command).code(0);
}

#[test]
fn the_login_of_version_2_works_and_its_file_stays() {
    let scene = Scene::new();
    let old = scene.project.home().join(".helix/credentials");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, format!("helix_user_id=7\nhelix_user_key={USER_KEY}\n")).unwrap();
    let data = scene.stranger(&["auth", "status", "--json"]).code(0).json()["data"].clone();
    assert_eq!(data["user_id"], "7");
    assert!(old.exists());
    assert_eq!(fs::metadata(scene.credentials()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_new_key_of_a_cluster_is_never_lost_and_seldom_shown() {
    let scene = Scene::new();
    let keys = || scene.calls("/key");
    assert_eq!(code(&scene.helix(&["auth", "create-key", "prod", "--json", "--yes"]).code(5)), "E-INPUT-REQUIRED");
    assert_eq!(code(&scene.helix(&["auth", "create-key", "prod", "--json", "--reveal"]).code(5)), "E-INPUT-REQUIRED");
    assert_eq!(
        code(&scene.helix(&["auth", "create-key", "cl_other", "--json", "--yes", "--reveal"]).code(10)),
        "E-AUTH-SCOPE"
    );
    assert_eq!(
        code(&scene.helix(&["auth", "create-key", "cl_none", "--json", "--yes", "--reveal"]).code(13)),
        "E-DEPLOY-NOT-FOUND"
    );
    assert_eq!(keys(), 0);
    scene.project.write(".env", "A=1\nHELIX_API_KEY=old # of prod\n");
    let ran = scene.helix(&["auth", "create-key", "prod", "--yes", "--json", "--write-env", ".env"]).code(0);
    let env = fs::read_to_string(scene.project.root().join(".env")).unwrap();
    let key = env.split("HELIX_API_KEY=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert!(key.starts_with("hxc_") && env.ends_with(" # of prod\n"), "{env}");
    assert!(!ran.stdout.contains(&key) && !ran.stderr.contains(&key));
    assert_eq!(ran.json()["data"]["cluster_id"], CLUSTER);
    let shown = scene.helix(&["auth", "create-key", "prod", "--yes"]).code(0);
    assert!(shown.stderr.contains("hxc_") && !shown.stdout.contains("hxc_"), "{}", shown.stderr);
    let revealed: Value = scene.data(&["auth", "create-key", "prod", "--yes", "--reveal"]);
    assert!(revealed["key"].as_str().unwrap().starts_with("hxc_"));
    assert_eq!(keys(), 3);
}

#[test]
fn a_key_is_not_written_into_a_file_that_git_shares() {
    let scene = Scene::new();
    scene.project.write("shared.env", "A=1\n");
    for args in [&["init", "-q"][..], &["add", "shared.env"]] {
        let status = std::process::Command::new("git").args(args).current_dir(scene.project.root()).status();
        assert!(status.is_ok_and(|status| status.success()), "git is needed");
    }
    let args = ["auth", "create-key", "prod", "--yes", "--json", "--write-env", "shared.env"];
    assert_eq!(code(&scene.helix(&args).code(2)), "E-INPUT-TRACKED");
    assert_eq!(scene.calls("/key"), 0);
    scene.helix(&[&args[..], &["--force"]].concat()).code(0);
}
