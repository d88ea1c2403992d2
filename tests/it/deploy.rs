//! Instances elsewhere as a user meets them: the real binary, a real registry, a real container runtime, and stand-ins on loopback for
//! what cannot run here.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::boxed::{APP, code_of, eventually};
use crate::support::docker::DOCKER;
use crate::support::elsewhere::{Elsewhere, PLANTED, hub, leaks_nothing, runtime};
use crate::support::fly_mock::{Behaviour, FlyMock, TOKEN};
use crate::support::registry::{Login, Proxy, Registry};
use crate::support::{free_port, post};
use serde_json::{Value, json};

#[test]
fn an_image_goes_to_a_registry_and_back() {
    let runtime = runtime();
    let login = Login::Password("acme", PLANTED);
    if !DOCKER.answers() {
        return;
    }
    let Some(registry) = runtime.block_on(Registry::start(login)) else { return };
    let table = |more: &str| format!("[cloud.prod.ghcr]\nowner = \"acme\"\nregistry = \"{}\"\n{more}", registry.host);
    let mut prod =
        Elsewhere::new(&table(""), vec![("GHCR_TOKEN", PLANTED.to_owned()), ("GITHUB_ACTOR", "acme".to_owned())]);
    let first = prod.image();

    let planned = prod.helix(&["plan", "prod", "--json", "--image", &first]).code(0).json();
    assert_eq!(planned["data"]["action"]["kind"], "create", "{planned}");
    let pushed = prod.push(&first, &["--message", "the first"]).code(0).json()["data"].clone();
    assert_eq!(pushed["changed"], true);
    assert!(pushed["uploaded_bytes"].as_u64().unwrap() > 0);
    let image = pushed["image"].as_str().unwrap().to_owned();
    assert!(image.starts_with(&format!("{}/acme/helix-shop-prod@sha256:", registry.host)), "{image}");
    let again = prod.push(&first, &[]).code(0).json()["data"].clone();
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(again["release"], pushed["release"]);
    let forced = prod.push(&first, &["--force"]).code(0).json()["data"].clone();
    assert_eq!(forced["uploaded_bytes"], 0, "the registry has it: {forced}");

    // What is stored is what was pushed: it runs.
    let latest = format!("{}/acme/helix-shop-prod:latest", registry.host);
    DOCKER.run(&["login", "--username", "acme", "--password", PLANTED, &registry.host]);
    DOCKER.run(&["pull", &latest]);
    let port = free_port();
    let publish = format!("127.0.0.1:{port}:6969");
    let id = DOCKER.run(&[
        "run",
        "-d",
        "-p",
        &publish,
        "-e",
        "HELIX_DATA_DIR=/data",
        "-e",
        "HELIX_BIND=0.0.0.0",
        "--tmpfs",
        "/data",
        &latest,
    ]);
    eventually("it answers", || post(&format!("http://127.0.0.1:{port}"), "users", &json!({})).is_ok());
    DOCKER.run(&["rm", "-f", &id]);
    DOCKER.run(&["logout", &registry.host]);

    // A second release, and back.
    prod.boxed
        .project
        .write("db/app.hx", &format!("{APP}\nQUERY count() =>\n    count <- N<User>::COUNT\n    RETURN count\n"));
    let second = prod.image();
    let pushed_second = prod.push(&second, &[]).code(0).json()["data"].clone();
    assert_eq!(pushed_second["plan"]["queries"][0]["name"], "count", "{pushed_second}");
    assert_eq!(pushed_second["previous_release"], forced["release"]);
    let releases = prod.releases();
    assert_eq!(releases.len(), 3, "{releases:?}");
    assert_eq!((&releases[0]["current"], &releases[0]["id"]), (&json!(true), &pushed_second["release"]));
    let back = prod.helix(&["rollback", "prod", "--json"]).code(0).json()["data"].clone();
    assert_eq!(back["image"], json!(image), "{back}");
    let status = prod.helix(&["status", "prod", "--json"]).code(0).json();
    let one = &status["data"]["instances"][0];
    assert_eq!((&one["state"], &one["image"]), (&json!("published"), &json!(image)), "{status}");

    // What is remembered here is lost, and asked for there.
    fs::remove_dir_all(prod.boxed.project.root().join(".helix")).unwrap();
    let rebuilt = prod.releases();
    assert_eq!(rebuilt.len(), 3, "{rebuilt:?}");
    let refused =
        prod.helix(&["rollback", "prod", "--to", pushed_second["release"].as_str().unwrap(), "--json"]).code(11);
    assert_eq!(code_of(&refused), "E-DEPLOY-SCHEMA");

    for (args, code) in [
        (&["logs", "prod"][..], 7),
        (&["stop", "prod"], 7),
        (&["start", "prod"], 7),
        (&["secrets", "list", "-i", "prod"], 7),
    ] {
        prod.helix(args).code(code);
    }
    let doomed = prod.helix(&["delete", "prod", "--dry-run", "--json"]).code(0).json();
    assert_eq!(doomed["data"]["things"].as_array().unwrap().len(), 3, "{doomed}");
    prod.helix(&["delete", "prod", "--yes"]).code(0);
    prod.configure(&table(""));
    assert_eq!(prod.helix(&["status", "prod", "--json"]).code(0).json()["data"]["instances"][0]["state"], "absent");
    leaks_nothing(prod.boxed.project.root().parent().unwrap(), PLANTED);
}

#[test]
fn a_wrong_password_is_told_before_anything_is_built() {
    if !DOCKER.answers() {
        return;
    }
    let runtime = runtime();
    let Some(registry) = runtime.block_on(Registry::start(Login::Password("acme", PLANTED))) else { return };
    let table = format!("[cloud.prod.ghcr]\nowner = \"acme\"\nregistry = \"{}\"\n", registry.host);
    let prod = Elsewhere::new(&table, vec![("GHCR_TOKEN", "wrong-planted-token".to_owned())]);
    let failed = prod.helix(&["push", "prod", "--json"]).code(10);
    assert_eq!(code_of(&failed), "E-AUTH-REJECTED", "{}", failed.stdout);
    assert!(!format!("{}{}", failed.stdout, failed.stderr).contains("wrong-planted-token"));
    assert!(!prod.boxed.project.root().join(".helix/prod/build.log").exists(), "nothing was built");
    let none = Elsewhere::new(&table, Vec::new());
    let failed = none.helix(&["push", "prod", "--json"]).code(10);
    assert_eq!(code_of(&failed), "E-AUTH-MISSING", "{}", failed.stdout);
}

#[test]
fn a_hook_gets_the_image_and_its_failure_is_told() {
    if !DOCKER.answers() {
        return;
    }
    let runtime = runtime();
    let login = Login::Password("acme", PLANTED);
    let Some(registry) = runtime.block_on(Registry::start(login)) else { return };
    let table = |hook: &str| {
        format!(
            "[cloud.prod.docker_hub]\nnamespace = \"acme\"\nregistry = \"{}\"\ndeploy_hook = \"{hook}\"\n",
            registry.host
        )
    };
    let mut prod = Elsewhere::new(&table("echo $HELIX_INSTANCE $HELIX_DIGEST > told; test $HELIX_IMAGE"), hub());
    let image = prod.image();
    let pushed = prod.push(&image, &[]).code(0).json()["data"].clone();
    let told = fs::read_to_string(prod.boxed.project.root().join("told")).unwrap();
    let digest = pushed["image"].as_str().unwrap().split_once('@').unwrap().1.to_owned();
    assert_eq!(told.trim(), format!("prod {digest}"));
    prod.configure(&table("echo no such cluster >&2; exit 3"));
    let failed = prod.push(&image, &["--force"]).code(1);
    assert_eq!(code_of(&failed), "E-DEPLOY-HOOK");
    assert!(failed.stdout.contains("no such cluster"), "{}", failed.stdout);
}

/// Fly.io's stand-in, beside a real registry in the place of Fly's.
fn fly(mock: &FlyMock, registry: &Registry, more: &str) -> Elsewhere {
    let env = vec![
        ("FLY_API_TOKEN", TOKEN.to_owned()),
        ("FLY_FLAPS_BASE_URL", mock.url()),
        ("FLY_API_BASE_URL", mock.url()),
        ("FLY_REGISTRY_HOST", registry.host.clone()),
    ];
    Elsewhere::new(&format!("[cloud.prod.fly]\nregion = \"fra\"\n{more}"), env)
}

#[test]
fn an_instance_lives_its_life_at_fly() {
    if !DOCKER.answers() {
        return;
    }
    let runtime = runtime();
    let Some(registry) = runtime.block_on(Registry::start(Login::Open)) else { return };
    let mock = FlyMock::start();
    // What is pushed goes to the registry beside it.
    mock.state().any_image = Some(Behaviour::Good);
    let mut prod = fly(&mock, &registry, "");
    let image = prod.image();
    let root = prod.boxed.project.root();
    prod.boxed.project.write(".env", "");
    let pushed = prod.push(&image, &["--write-env", ".env"]).code(0);
    let data = pushed.json()["data"].clone();
    assert_eq!((&data["changed"], &data["health"]), (&json!(true), &json!("healthy")), "{data}");
    let written = fs::read_to_string(root.join(".env")).unwrap();
    let key = written.lines().find_map(|line| line.strip_prefix("HELIX_API_KEY=")).unwrap().to_owned();
    assert_eq!(key.len(), 64);
    assert!(!format!("{}{}", pushed.stdout, pushed.stderr).contains(&key), "it is in the file alone");
    mock.take_journal();
    let again = prod.push(&image, &[]).code(0).json()["data"].clone();
    assert_eq!(again["changed"], false, "{again}");
    let calls = mock.take_journal();
    assert!(calls.iter().all(|call| call.method == "GET"), "{calls:?}");

    let forced = prod.push(&image, &["--force"]).code(0).json()["data"].clone();
    assert!(forced["api_key"].is_null(), "it has one");
    let status = prod.helix(&["status", "prod", "--json"]).code(0).json();
    assert_eq!(status["data"]["instances"][0]["state"], "running", "{status}");
    prod.helix(&["stop", "prod"]).code(0);
    assert_eq!(prod.helix(&["status", "prod", "--json"]).code(0).json()["data"]["instances"][0]["state"], "stopped");
    prod.helix(&["start", "prod"]).code(0);

    let secret = "planted-secret-value";
    prod.boxed.project.write(".env.secrets", &format!("TOKEN={secret}\n"));
    prod.helix(&["secrets", "import", ".env.secrets", "-i", "prod"]).code(0);
    let listed = prod.helix(&["secrets", "list", "-i", "prod", "--json"]).code(0).json();
    let names: Vec<&str> =
        listed["data"]["secrets"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["HELIX_API_KEY", "TOKEN"], "{listed}");
    fs::remove_file(root.join(".env.secrets")).unwrap();

    let releases = prod.releases();
    assert_eq!(releases.iter().filter(|one| one["current"] == true).count(), 1, "{releases:?}");
    let things = prod.helix(&["delete", "prod", "--dry-run", "--json"]).code(0).json();
    assert!(!things["data"]["things"].as_array().unwrap().is_empty(), "{things}");
    prod.helix(&["delete", "prod", "--yes"]).code(0);
    fs::remove_file(root.join(".env")).unwrap();
    for word in [secret, &key, TOKEN] {
        leaks_nothing(root.parent().unwrap(), word);
    }
}

#[test]
fn a_release_that_fails_says_whether_the_one_before_runs_again() {
    if !DOCKER.answers() {
        return;
    }
    let runtime = runtime();
    let Some(registry) = runtime.block_on(Registry::start(Login::Open)) else { return };
    let mock = FlyMock::start();
    mock.state().any_image = Some(Behaviour::Good);
    let mut prod = fly(&mock, &registry, "");
    let first = prod.image();
    let pushed = prod.push(&first, &[]).code(0).json()["data"].clone();
    prod.boxed.project.write("db/app.hx", &format!("{APP}\nQUERY more() =>\n    more <- N<User>\n    RETURN more\n"));
    let second = prod.image();
    mock.state().announce(pushed["image"].as_str().unwrap(), Behaviour::Good);
    mock.state().any_image = Some(Behaviour::Crash);
    let failed = prod.push(&second, &[]).code(12).json()["error"].clone();
    assert_eq!((&failed["code"], &failed["rolled_back"]), (&json!("E-DEPLOY-UNHEALTHY"), &json!(true)), "{failed}");
    assert_eq!(
        prod.helix(&["status", "prod", "--json"]).code(0).json()["data"]["instances"][0]["release"],
        pushed["release"]
    );
    let failed = prod.push(&second, &["--no-rollback"]).code(12).json()["error"].clone();
    assert_eq!(failed["rolled_back"], false, "{failed}");
}

fn skopeo(args: &[&str]) -> Value {
    let output = Command::new("skopeo").args(args).output().unwrap();
    assert!(output.status.success(), "skopeo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_push_that_is_killed_after_any_call_is_gone_on_with() {
    if !DOCKER.answers() {
        return;
    }
    let runtime = runtime();
    let login = Login::Password("acme", PLANTED);
    let Some(registry) = runtime.block_on(Registry::start(login)) else { return };
    let proxy = runtime.block_on(Proxy::start(&registry.host, Vec::new()));
    // A repository for each time, so that each begins from nothing.
    let table = |number: usize| {
        format!(
            "[cloud.prod.docker_hub]\nnamespace = \"acme\"\nregistry = \"{}\"\nimage = \"shop{number}\"\nsign = \"cosign\"\n",
            proxy.host
        )
    };
    let key = tempfile::NamedTempFile::new().unwrap();
    let made = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"];
    assert!(Command::new("openssl").args(made).arg(key.path()).status().unwrap().success());
    let env = [hub(), vec![("HELIX_SIGNING_KEY_FILE", key.path().display().to_string())]].concat();
    let mut prod = Elsewhere::new(&table(0), env);
    // What the server is made of is not what is asked here.
    let image = prod.stub(1);
    let whole = prod.push(&image, &[]).code(0).json()["data"].clone();
    let digest = |data: &Value| data["image"].as_str().unwrap().split_once('@').unwrap().1.to_owned();
    let calls = proxy.seen().len();
    assert!(calls > 20, "{calls}");
    let login = format!("acme:{PLANTED}");
    for number in 1..=calls {
        prod.configure(&table(number));
        let _ = fs::remove_dir_all(prod.boxed.project.root().join(".helix/prod"));
        let mut push = prod.command(&["push", "prod", "--image", &image]);
        let mut push = push.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The last answer is on its way when the last call was seen: no call is one too many to be killed after.
        let mut seen = 0;
        while seen < number && push.try_wait().unwrap().is_none() {
            seen += proxy.seen().len();
            std::thread::sleep(Duration::from_micros(200));
        }
        push.kill().unwrap();
        push.wait().unwrap();
        let next = prod.push(&image, &[]).code(0).json()["data"].clone();
        assert_eq!(digest(&next), digest(&whole), "killed after {number} calls");
        let status = prod.helix(&["status", "prod", "--json"]).code(0).json()["data"]["instances"][0].clone();
        assert_eq!((&status["state"], digest(&status)), (&json!("published"), digest(&whole)), "{status}");
        let signatures =
            format!("docker://{}/acme/shop{number}:{}.sig", registry.host, digest(&whole).replace(':', "-"));
        let signatures = skopeo(&["inspect", "--raw", "--tls-verify=false", "--creds", &login, &signatures]);
        assert_eq!(signatures["layers"].as_array().unwrap().len(), 1, "killed after {number} calls: {signatures}");
        proxy.seen();
    }
}
