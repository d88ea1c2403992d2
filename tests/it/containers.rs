//! Instances in containers as a user meets them: the real binary, a real container runtime, loopback only.
//!
//! They skip with a reason where no runtime answers, unless `HELIX_REQUIRE_DOCKER` is set.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::boxed::{APP, Boxed, code_of, eventually};
use crate::support::docker::{Cli, DOCKER, PODMAN, Podman};
use crate::support::{Project, Ran, free_port, post};
use serde_json::json;

const COUNT: &str = "
QUERY count() =>
    count <- N<User>::COUNT
    RETURN count
";

fn lifecycle(cli: Cli) {
    let mut boxed = Boxed::new(cli, APP);
    boxed.configure("app", "memory = \"256m\"\ncpus = 1.5\n[local.dev.env]\nset = { GREETING = \"hello you\" }");
    assert_eq!(boxed.status()["state"], "absent");
    let image = boxed.image();
    let planned = boxed.project.helix(&["plan", "dev", "--json", "--exit-code"]).code(20).json();
    assert_eq!(planned["data"]["action"]["kind"], "start");
    let pushed = boxed.push(&image, &[]).code(0).json();
    assert_eq!(pushed["data"]["changed"], true, "{pushed}");
    assert_eq!(pushed["data"]["provider"], cli.name);
    assert_eq!(pushed["data"]["health"], "healthy");
    assert_eq!(pushed["data"]["url"], boxed.project.url());
    boxed.ann();

    let again = boxed.push(&image, &[]).code(0).json();
    assert_eq!(again["data"]["changed"], false, "{again}");
    boxed.project.helix(&["plan", "dev", "--exit-code"]).code(0);
    let status = boxed.status();
    assert_eq!((&status["state"], &status["health"]), (&json!("running"), &json!("healthy")), "{status}");
    assert_eq!(status["restarts"], 0);
    assert_eq!(status["release"], pushed["data"]["release"]);

    let container = boxed.container();
    let host = &container["HostConfig"];
    assert_eq!(host["PortBindings"]["6969/tcp"][0]["HostIp"], "127.0.0.1");
    assert_eq!(host["Memory"], 256 << 20);
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(container["Config"]["Labels"]["dev.helix.instance"], "dev");
    assert!(container["Config"]["Env"].as_array().unwrap().contains(&json!("GREETING=hello you")));
    assert!(!boxed.project.root().join(".helix/dev/container.env").exists(), "there is nothing to hide");
    let compose = fs::read_to_string(boxed.project.root().join(".helix/dev/docker-compose.yml")).unwrap();
    assert!(compose.contains("127.0.0.1:") && compose.contains("hello you"), "{compose}");

    let logs = boxed.project.helix(&["logs", "dev"]).code(0);
    assert!(logs.stdout.contains("ready") || logs.stdout.contains("listening"), "{}", logs.stdout);
    let answer = boxed.project.helix(&["query", "dev", "users", "--json"]).code(0).json();
    assert_eq!(answer["data"]["response"]["users"][0], "Ann");

    let stopped = boxed.project.helix(&["stop", "dev", "--json"]).code(0).json();
    assert_eq!(stopped["data"]["instances"][0]["changed"], true);
    assert_eq!(stopped["data"]["instances"][0]["killed"], false);
    assert_eq!(boxed.status()["state"], "stopped");
    let stopped = boxed.project.helix(&["stop", "dev", "--json"]).code(0).json();
    assert_eq!(stopped["data"]["instances"][0]["changed"], false);
    boxed.project.helix(&["start", "dev"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");
    boxed.project.helix(&["restart", "dev"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");

    // A container that somebody removed is made again.
    cli.run(&["rm", "-f", boxed.status()["container"].as_str().unwrap()]);
    assert_eq!(boxed.status()["state"], "stopped");
    boxed.project.helix(&["start", "dev"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");

    // An edit of a query is another image; the data stays.
    boxed.project.write("db/app.hx", &format!("{APP}{COUNT}"));
    let edited = boxed.image();
    let pushed = boxed.push(&edited, &[]).code(0).json();
    assert_eq!(pushed["data"]["plan"]["action"]["kind"], "restart", "{pushed}");
    assert_eq!(pushed["data"]["plan"]["queries"][0]["name"], "count");
    assert_eq!(boxed.project.ok("count", &json!({}))["count"], 1);
    assert_eq!(boxed.containers().len(), 1);

    boxed.project.helix(&["delete", "dev", "--yes"]).code(0);
    assert!(boxed.containers().is_empty());
    assert!(cli.run(&["network", "ls", "-q", "--filter", &boxed.root_label()]).is_empty());
    assert!(!boxed.project.data().exists());
    assert!(cli.try_run(&["inspect", &edited]), "an image without our labels is somebody else's");
}

#[test]
fn an_instance_in_a_container_lives_its_life() {
    if DOCKER.answers() {
        lifecycle(DOCKER);
    }
}

#[test]
fn a_schema_change_keeps_data_and_a_breaking_one_needs_a_word() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    let wider = APP.replace("age: U8 }\n", "age: U8, city: String DEFAULT \"Rome\" }\n");
    boxed.project.write("db/app.hx", &wider);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    assert_eq!(boxed.names()[0], "Ann");

    let narrower =
        "N::User { UNIQUE INDEX email: String }\n\nQUERY users() =>\n    users <- N<User>\n    RETURN users::{email}\n";
    boxed.project.write("db/app.hx", narrower);
    let image = boxed.image();
    let refused = boxed.push(&image, &[]).code(5);
    assert_eq!(code_of(&refused), "E-INPUT-BREAKING");
    assert_eq!(boxed.names()[0], "Ann", "it serves what it served");
    boxed.push(&image, &["--allow-breaking"]).code(0);
    assert_eq!(boxed.names()[0], "ann@x");
    let env = boxed.container()["Config"]["Env"].to_string();
    assert!(!env.contains("HELIX_ALLOW_BREAKING"), "that start only: {env}");
}

#[test]
fn a_crash_is_told_at_once_and_the_earlier_release_serves_on() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let bad = boxed.image_with(b"no plan");
    let failed = boxed.push(&bad, &[]).code(12);
    assert_eq!(code_of(&failed), "E-DEPLOY-UNHEALTHY");
    assert!(failed.stdout.contains("the plan of this release cannot be read"), "{}", failed.stdout);
    assert!(failed.stdout.contains("exit code 70"), "{}", failed.stdout);
    assert!(boxed.containers().is_empty(), "a first push that fails leaves nothing running");

    let good = boxed.image();
    boxed.push(&good, &[]).code(0);
    boxed.ann();
    let before = boxed.status()["release"].clone();
    let began = Instant::now();
    let failed = boxed.push(&bad, &[]).code(12);
    assert!(failed.stdout.contains("serves what it served before"), "{}", failed.stdout);
    assert!(began.elapsed() < Duration::from_secs(40), "it does not wait for a container that ended");
    assert_eq!(boxed.names()[0], "Ann");
    assert_eq!((boxed.containers().len(), boxed.status()["release"].clone()), (1, before));
    let failed = boxed.push(&bad, &["--no-rollback"]).code(12);
    assert!(!failed.stdout.contains("serves what it served before"), "{}", failed.stdout);
    boxed.push(&good, &[]).code(0);
    assert_eq!(boxed.names()[0], "Ann");
}

#[test]
fn a_server_that_dies_is_started_again() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    let pid = boxed.container()["State"]["Pid"].to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    eventually("it is started again", || {
        let status = boxed.status();
        status["restarts"].as_u64() >= Some(1) && status["health"] == "healthy"
    });
    assert_eq!(boxed.names()[0], "Ann");
}

#[test]
fn a_port_that_somebody_has_is_told_with_its_owner() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    let listener = TcpListener::bind(("127.0.0.1", boxed.project.port())).unwrap();
    let failed = boxed.push(&image, &[]).code(1);
    assert_eq!(code_of(&failed), "E-PORT-IN-USE");
    assert!(failed.stdout.contains(&format!("pid {}", std::process::id())), "{}", failed.stdout);
    assert!(boxed.containers().is_empty());
    drop(listener);
    boxed.push(&image, &[]).code(0);

    // Another project, on the port of this one's container.
    let mut other = Boxed::new(DOCKER, APP);
    let image = other.image();
    let port = boxed.project.port().to_string();
    let failed = other.push(&image, &["--port", &port]).code(1);
    let name = boxed.status()["container"].as_str().unwrap().to_owned();
    assert!(failed.stdout.contains(&format!("container `{name}`")), "{}", failed.stdout);

    // Its own container is no obstacle; another port moves it.
    boxed.push(&boxed.images[0].clone(), &["--force"]).code(0);
    let free = free_port();
    boxed.push(&boxed.images[0].clone(), &["--port", &free.to_string()]).code(0);
    assert_eq!(boxed.status()["ports"], json!([free]));
    boxed.project.helix(&["restart", "dev"]).code(0);
    assert_eq!(boxed.status()["ports"], json!([free]), "the port that was asked for is kept");
}

#[test]
fn without_a_daemon_the_reason_and_the_way_out_are_told() {
    let boxed = Project::new(APP);
    let port = boxed.port();
    let config = |more: &str| {
        format!(
            "[project]\nname = \"app\"\nqueries = \"./db/\"\n\n[local.dev]\nport = {port}\nruntime = \"docker\"\n{more}"
        )
    };
    boxed.write("helix.toml", &config(""));
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let at = |args: &[&str]| {
        let output = boxed.command(args).env("DOCKER_HOST", format!("unix://{}", socket.display())).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().unwrap();
        Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    for args in [&["push", "dev", "--json"][..], &["start", "dev", "--json"], &["delete", "dev", "--yes", "--json"]] {
        let failed = at(args).code(8);
        assert_eq!(code_of(&failed), "E-RUNTIME-MISSING", "{args:?}");
    }
    // A socket that a daemon left behind.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let failed = at(&["push", "dev", "--json"]).code(8);
    assert_eq!(code_of(&failed), "E-RUNTIME-NOT-RUNNING");
    assert!(failed.stdout.contains("systemctl start docker"), "{}", failed.stdout);
    let status = at(&["status", "dev", "--json"]).code(0).json();
    assert_eq!(status["data"]["instances"][0]["state"], "unknown", "{status}");
    assert!(status["data"]["instances"][0]["last_error"].as_str().unwrap().contains("does not answer"), "{status}");
    assert!(boxed.root().join("helix.toml").exists());
}

#[test]
fn projects_of_one_name_do_not_see_each_other() {
    if !DOCKER.answers() {
        return;
    }
    let mut one = Boxed::new(DOCKER, APP);
    let mut other = Boxed::new(DOCKER, APP);
    let similar = Boxed::new(DOCKER, APP);
    other.configure("App", "");
    similar.configure("app-dev", "");
    let (image, other_image) = (one.image(), other.image());
    one.push(&image, &[]).code(0);
    other.push(&other_image, &[]).code(0);
    one.ann();
    assert_eq!(other.names(), json!([]));
    assert_ne!(one.status()["container"], other.status()["container"]);
    assert_eq!(similar.status()["state"], "absent");
    similar.project.helix(&["prune", "--all", "--yes"]).code(0);
    other.project.helix(&["delete", "dev", "--yes"]).code(0);
    assert_eq!(one.names()[0], "Ann");
    assert_eq!(one.status()["state"], "running");
}

#[test]
fn a_network_of_the_same_name_keeps_no_instance_from_starting() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    let container = boxed.container();
    let (name, _) = container["NetworkSettings"]["Networks"].as_object().unwrap().iter().next().unwrap();
    let Some(namesake) = DOCKER.network(name) else {
        eprintln!("skipped: this daemon has no two networks of one name");
        return;
    };
    boxed.project.helix(&["restart", "dev"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");
    boxed.push(&image, &["--force"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");
    let networks = &boxed.container()["NetworkSettings"]["Networks"];
    assert!(networks.get(name).is_none(), "{networks}");
    boxed.project.helix(&["restart", "dev"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");
    boxed.project.helix(&["delete", "dev", "--yes"]).code(0);
    DOCKER.run(&["network", "rm", &namesake]);
}

#[test]
fn projects_of_one_name_can_be_pushed_at_once() {
    if !DOCKER.answers() {
        return;
    }
    let mut all: Vec<Boxed> = (0..4).map(|_| Boxed::new(DOCKER, APP)).collect();
    let name = format!("app{}", all[0].project.port());
    let images: Vec<String> = all.iter_mut().map(Boxed::image).collect();
    std::thread::scope(|scope| {
        for (boxed, image) in all.iter_mut().zip(&images) {
            boxed.configure(&name, "");
            scope.spawn(move || {
                boxed.push(image, &[]).code(0);
                boxed.ann();
            });
        }
    });
    for boxed in &all {
        assert_eq!(boxed.names(), json!(["Ann"]));
    }
}

#[test]
fn pruning_touches_nothing_but_what_is_ours_and_needed_no_more() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    // A stranger whose name looks like ours.
    let stranger = format!("helix-app-dev_stranger-{}", std::process::id());
    DOCKER.run(&["create", "--name", &stranger, &image]);
    let kept = boxed.project.helix(&["prune", "--json"]).code(0).json();
    assert_eq!(kept["data"]["removed"], json!([]), "{kept}");
    assert_eq!(boxed.status()["state"], "running");

    // `dev` is now another instance, and what it had is an orphan.
    let port = boxed.project.port();
    boxed.project.write(
        "helix.toml",
        &format!(
            "[project]\nname = \"app\"\nqueries = \"./db/\"\n\n[local.other]\nport = {port}\nruntime = \"docker\"\n"
        ),
    );
    let planned = boxed.project.helix(&["prune", "--dry-run", "--json"]).code(0).json();
    let kinds: Vec<&str> =
        planned["data"]["removed"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["container", "network"], "{planned}");
    assert_eq!(boxed.containers().len(), 1);
    boxed.project.helix(&["prune"]).code(0);
    assert!(boxed.containers().is_empty());
    assert!(boxed.project.data().exists(), "data stays");

    boxed.configure("app", "");
    boxed.project.helix(&["start", "dev"]).code(0);
    assert_eq!(boxed.names()[0], "Ann");
    boxed.project.helix(&["prune", "dev"]).code(0);
    assert!(boxed.containers().is_empty() && boxed.project.data().exists());
    assert_eq!(boxed.status()["state"], "absent");
    let machine = boxed.project.helix(&["prune", "--system", "--dry-run", "--json"]).code(0).json();
    assert!(!machine.to_string().contains(&stranger), "{machine}");
    DOCKER.run(&["rm", "-f", &stranger]);
}

#[test]
fn a_push_that_is_killed_anywhere_leaves_what_the_next_one_understands() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    boxed.ann();
    for millis in [50, 150, 300, 500, 800, 1_200, 2_000] {
        let args = ["push", "dev", "--force", "--image", &image];
        let mut push = boxed.project.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        push.kill().unwrap();
        push.wait().unwrap();
        boxed.project.helix(&["status", "dev"]).code(0);
        boxed.push(&image, &[]).code(0);
        assert_eq!(boxed.names()[0], "Ann", "after {millis} ms");
        assert_eq!(boxed.containers().len(), 1, "after {millis} ms");
        assert_eq!(boxed.status()["state"], "running", "after {millis} ms");
    }
}

#[test]
fn the_compose_file_is_one() {
    if !DOCKER.answers() {
        return;
    }
    let found = Command::new("docker-compose").arg("version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: docker-compose is not installed");
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    boxed.configure("app", "memory = \"256m\"\ncpus = 0.5\n[local.dev.env]\nset = { PRICE = \"5$ and more\" }");
    let image = boxed.image();
    boxed.push(&image, &[]).code(0);
    let folder = boxed.project.root().join(".helix/dev");
    let read = Command::new("docker-compose").arg("config").current_dir(folder).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(String::from_utf8_lossy(&read.stdout).contains("external: true"));
}

#[test]
fn podman_runs_instances_as_well() {
    let Some(service) = Podman::service() else { return };
    lifecycle(PODMAN);
    drop(service);
}

#[test]
fn an_api_key_reaches_the_container_and_no_file_that_others_read() {
    if !DOCKER.answers() {
        return;
    }
    let mut boxed = Boxed::new(DOCKER, APP);
    boxed.configure("app", "[local.dev.security]\napi_key = true");
    let key = "ab".repeat(32);
    let image = boxed.image();
    let refused = boxed.push(&image, &[]).code(10);
    assert!(refused.stdout.contains("HELIX_API_KEY"), "{}", refused.stdout);
    boxed.project.write(".env", &format!("HELIX_API_KEY={key}\n"));
    boxed.push(&image, &[]).code(0);
    let (status, _) = post(&boxed.project.url(), "users", &json!({})).unwrap();
    assert_eq!(status, 400, "the key is missing");
    let compose = fs::read_to_string(boxed.project.root().join(".helix/dev/docker-compose.yml")).unwrap();
    assert!(!compose.contains(&key), "{compose}");
    let file = boxed.project.root().join(".helix/dev/container.env");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("HELIX_API_KEY={key}\n"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let container = boxed.container();
    assert!(!container.to_string().contains(&key), "whoever looks at the container sees it");
    // It is there whenever the runtime starts it, and whenever we do.
    let id = container["Id"].as_str().unwrap();
    DOCKER.run(&["restart", id]);
    let is_closed = || post(&boxed.project.url(), "users", &json!({})).is_ok_and(|(status, _)| status == 400);
    eventually("it asks for the key again", is_closed);
    boxed.helix(&["stop", "dev"]).code(0);
    fs::remove_file(&file).unwrap();
    boxed.helix(&["start", "dev"]).code(0);
    assert!(is_closed());
    assert_eq!(boxed.container()["Id"].as_str(), Some(id), "nothing else was made");
    // A push that is refused leaves what the one before was given.
    boxed.project.write(".env", "HELIX_API_KEY=none\n");
    boxed.push(&image, &[]).code(10);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("HELIX_API_KEY={key}\n"));
    assert!(is_closed());
}
