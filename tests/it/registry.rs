//! The client of registries against real ones: open, with passwords, with tokens; through proxies that answer in their place, and
//! cut; with images of the real container runtime.
//!
//! They skip with a reason where a program is missing, unless `HELIX_REQUIRE_DOCKER` is set.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::docker::{DOCKER, base_images};
use crate::support::registry::{Answer, Cutter, Fault, Login, Proxy, Registry, Resumable, TokenService, installed};
use helix::docker;
use helix::http::{self, Policy};
use helix::registry::manifest::{CONFIG, Descriptor, INDEX, ImageIndex, ImageManifest, LAYER, MANIFEST, digest};
use helix::registry::{
    Blob, Client, Content, Credential, Event, Manifest, RegistryError, Repository, Sent, Source, Watch,
};
use reqwest::Method;
use secrecy::SecretString;

const SECRET: &str = "planted-secret";

fn quick() -> Policy {
    Policy { tries: 4, first: Duration::from_millis(20), longest: Duration::from_millis(50) }
}

fn basic(user: &str, password: &str) -> Option<Credential> {
    Some(Credential::Basic { user: user.to_owned(), password: SecretString::from(password.to_owned()) })
}

fn client(host: &str, path: &str, credential: Option<Credential>) -> Client {
    let repository = Repository::new(host, path, false).unwrap();
    Client::with_policy(http::client(None).unwrap(), repository, credential, quick())
}

/// Bytes that do not compress, the same for the same seed.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

/// A folder in the layout of the OCI with an image of these layers.
fn layout(folder: &Path, layers: &[Vec<u8>]) -> Source {
    let put = |media_type: &str, bytes: &[u8]| {
        let descriptor = Descriptor::of(media_type, bytes);
        let path = folder.join("blobs").join(descriptor.digest.replacen(':', "/", 1));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        descriptor
    };
    let settings = r#"{"architecture":"amd64","os":"linux","config":{"Labels":{"dev.helix.project":"shop"}}}"#;
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: MANIFEST.to_owned(),
        artifact_type: None,
        config: put(CONFIG, settings.as_bytes()),
        layers: layers.iter().map(|layer| put(LAYER, layer)).collect(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    let manifest = put(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    let index = serde_json::to_vec(&ImageIndex::of(vec![manifest])).unwrap();
    std::fs::write(folder.join("index.json"), index).unwrap();
    Source::Layout(folder.to_owned())
}

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[track_caller]
fn shows_no_secret(error: &RegistryError) {
    let told = format!("{error} {error:?}");
    assert!(!told.contains(SECRET), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pushed_tagged_moved_and_removed() {
    let Some(registry) = Registry::start(Login::Open).await else { return };
    let client = client(&registry.host, "acme/shop", None);
    assert_eq!(client.tags().await.unwrap(), Vec::<String>::new(), "there is no repository yet");
    client.check_push().await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    // One layer goes as a whole, one as a stream.
    let source = layout(folder.path(), &[noise(1, 10), noise(2, 3 << 20)]);
    let progress = Arc::new(Mutex::new(Vec::new()));
    let heard = progress.clone();
    let watch = Watch::new(move |event: Event<'_>| {
        if let Event::Sending { done, size, .. } = event {
            heard.lock().unwrap().push((done, size));
        }
    });
    let pushed = client.push_image(&source, &tags(&["latest", "r1"]), None, &watch).await.unwrap();
    assert_eq!((pushed.skipped, pushed.mounted), (0, 0));
    assert_eq!(pushed.moved, ["latest", "r1"]);
    assert!(pushed.uploaded_bytes > 3 << 20 && pushed.uploaded_bytes == pushed.size_bytes);
    let told = progress.lock().unwrap().clone();
    assert!(told.contains(&(3 << 20, 3 << 20)) && told.iter().any(|(done, size)| done < size), "{told:?}");

    let found = client.manifest("latest").await.unwrap().unwrap();
    assert_eq!((found.digest.as_str(), found.media_type.as_str()), (pushed.digest.as_str(), MANIFEST));
    assert_eq!(client.head("latest").await.unwrap().unwrap().digest, pushed.digest);
    assert_eq!(client.config_labels("latest").await.unwrap()["dev.helix.project"], "shop");
    assert_eq!(client.tags().await.unwrap(), ["latest", "r1"]);

    let other = tempfile::tempdir().unwrap();
    let second = layout(other.path(), &[noise(3, 10), noise(2, 3 << 20)]);
    let second = client.push_image(&second, &tags(&["latest"]), None, &Watch::default()).await.unwrap();
    assert_eq!(second.skipped, 2, "the configuration and the large layer are there");
    // A rollback: the same bytes under the name, unless somebody else moved it.
    let stale = client.move_tag("latest", Some(&pushed.digest), &pushed.digest).await.unwrap_err();
    assert!(matches!(stale, RegistryError::Moved { .. }), "{stale}");
    client.move_tag("latest", Some(&second.digest), &pushed.digest).await.unwrap();
    client.tag(&pushed.digest, "latest").await.unwrap();
    assert_eq!(client.manifest("latest").await.unwrap().unwrap(), found);

    assert!(client.delete(&second.digest).await.unwrap());
    assert!(!client.delete(&second.digest).await.unwrap(), "it is gone");
    let absent = client.tag(&second.digest, "r2").await.unwrap_err();
    assert!(matches!(absent, RegistryError::Absent { .. }), "{absent}");
    assert!(client.tag(&pushed.digest, "-x").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_mounted_and_artifacts_are_listed() {
    let Some(registry) = Registry::start(Login::Open).await else { return };
    let (first, second) = (client(&registry.host, "acme/one", None), client(&registry.host, "acme/two", None));
    let blob = Blob::bytes(LAYER, noise(5, 100_000));
    assert_eq!(first.push_blob(&blob, None, &Watch::default()).await.unwrap(), Sent::Uploaded);
    assert_eq!(first.push_blob(&blob, None, &Watch::default()).await.unwrap(), Sent::Present);
    assert_eq!(second.push_blob(&blob, Some("acme/one"), &Watch::default()).await.unwrap(), Sent::Mounted);
    let other = Blob::bytes(LAYER, noise(6, 100_000));
    assert_eq!(second.push_blob(&other, Some("acme/none"), &Watch::default()).await.unwrap(), Sent::Uploaded);

    let folder = tempfile::tempdir().unwrap();
    let source = layout(folder.path(), &[noise(1, 10)]);
    let image = first.push_image(&source, &tags(&["latest"]), None, &Watch::default()).await.unwrap();
    assert!(first.referrers(&image.digest).await.unwrap().is_empty());
    let kind = "application/vnd.cyclonedx+json";
    let attached = first.attach(&image.digest, kind, kind, b"{\"a\":1}").await.unwrap();
    assert_eq!(first.attach(&image.digest, kind, kind, b"{\"a\":1}").await.unwrap(), attached);
    first.attach(&image.digest, "text/plain", "text/plain", b"b").await.unwrap();
    let listed = first.referrers(&image.digest).await.unwrap();
    let kinds: Vec<&str> = listed.iter().filter_map(|one| one.artifact_type.as_deref()).collect();
    assert_eq!(kinds, [kind, "text/plain"]);
    let manifest = first.manifest(&listed[0].digest).await.unwrap().unwrap();
    let manifest: ImageManifest = serde_json::from_slice(&manifest.bytes).unwrap();
    assert_eq!(manifest.subject.unwrap().digest, image.digest);
    assert_eq!(&first.blob(&manifest.layers[0].digest).await.unwrap()[..], b"{\"a\":1}");

    // A registry that may not be told what an artifact is about.
    let refusal = Answer::Status(405, vec![], "");
    let subject = Fault { method: Method::PUT, path: "/manifests/sha256:", times: 1, answer: refusal };
    let proxy = Proxy::start(&registry.host, vec![subject]).await;
    let behind = client(&proxy.host, "acme/one", None);
    behind.attach(&image.digest, "text/other", "text/plain", b"c").await.unwrap();
    assert_eq!((proxy.left(), behind.referrers(&image.digest).await.unwrap().len()), (0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_needed_and_told_by_nobody() {
    let Some(registry) = Registry::start(Login::Password("AWS", SECRET)).await else { return };
    let good = client(&registry.host, "acme/shop", basic("AWS", SECRET));
    good.check_login().await.unwrap();
    good.check_push().await.unwrap();
    for bad in [None, basic("AWS", &format!("{SECRET}-wrong")), basic("ann", SECRET)] {
        let error = client(&registry.host, "acme/shop", bad).check_push().await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(401), "{error}");
        assert!(matches!(&error, RegistryError::Refused { code, .. } if code == "UNAUTHORIZED"), "{error:?}");
        shows_no_secret(&error);
    }
    let folder = tempfile::tempdir().unwrap();
    let source = layout(folder.path(), &[noise(1, 2 << 20)]);
    let pushed = good.push_image(&source, &tags(&["latest"]), None, &Watch::default()).await.unwrap();
    assert_eq!(good.head("latest").await.unwrap().unwrap().digest, pushed.digest);
    if installed("skopeo", "the package skopeo") {
        let image = format!("docker://{}/acme/shop@{}", registry.host, pushed.digest);
        let login = format!("AWS:{SECRET}");
        let output = Command::new("skopeo").args(["inspect", "--tls-verify=false", "--creds", &login, &image]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&seen["Digest"], &seen["Architecture"]), (&pushed.digest.as_str().into(), &"amd64".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_have_the_scopes_that_are_needed() {
    let service = TokenService::start(SECRET, "planted-secret-identity").await;
    let Some(registry) = Registry::start(Login::Token(&service)).await else { return };
    let of = |credential| client(&registry.host, "acme/shop", credential);
    let wrong = of(basic("writer", "wrong")).check_push().await.unwrap_err();
    assert!(matches!(&wrong, RegistryError::Token { .. }), "{wrong:?}");
    assert!(wrong.to_string().contains("incorrect username or password"), "{wrong}");
    let reader = of(basic("reader", SECRET));
    reader.check_login().await.unwrap();
    let refused = reader.check_push().await.unwrap_err();
    assert!(matches!(&refused, RegistryError::Refused { code, .. } if code == "UNAUTHORIZED"), "{refused:?}");
    for error in [&wrong, &refused] {
        shows_no_secret(error);
    }

    let before = service.asked().len();
    let writer = of(basic("writer", SECRET));
    let folder = tempfile::tempdir().unwrap();
    let source = layout(folder.path(), &[noise(1, 2 << 20), noise(2, 20)]);
    writer.push_image(&source, &tags(&["latest"]), None, &Watch::default()).await.unwrap();
    let asked = service.asked().split_off(before);
    let pull = vec!["repository:acme/shop:pull".to_owned()];
    let push = vec!["repository:acme/shop:pull,push".to_owned()];
    assert_eq!(asked, [pull, push], "each is asked for once");

    let beside = writer.beside(Repository::new(&registry.host, "acme/other", false).unwrap());
    let blob = Blob::bytes(LAYER, noise(2, 20));
    assert_eq!(beside.push_blob(&blob, Some("acme/shop"), &Watch::default()).await.unwrap(), Sent::Mounted);
    assert!(
        service.asked().last().unwrap().contains(&"repository:acme/shop:pull".to_owned()) || service.asked().len() > 2
    );
    let identity = of(Some(Credential::Identity(SecretString::from("planted-secret-identity".to_owned()))));
    identity.check_push().await.unwrap();
    assert!(writer.delete(&writer.head("latest").await.unwrap().unwrap().digest).await.unwrap());
}

fn fault(method: Method, path: &'static str, times: usize, answer: Answer) -> Fault {
    Fault { method, path, times, answer }
}

fn status(code: u16, headers: &[(&'static str, &str)]) -> Answer {
    Answer::Status(code, headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), "")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_survived() {
    let service = TokenService::start(SECRET, "none").await;
    let Some(registry) = Registry::start(Login::Token(&service)).await else { return };
    let faults = vec![
        fault(Method::POST, "/blobs/uploads", 2, status(429, &[("retry-after", "0")])),
        fault(Method::PATCH, "/blobs/uploads", 1, status(401, &[("www-authenticate", "Bearer realm=\"gone\"")])),
        fault(Method::PATCH, "/blobs/uploads", 1, status(500, &[])),
        fault(Method::PUT, "/blobs/uploads", 1, status(503, &[])),
        fault(Method::PUT, "/manifests/", 1, status(502, &[])),
        fault(Method::HEAD, "/manifests/", 1, status(500, &[])),
    ];
    let proxy = Proxy::start(&registry.host, faults).await;
    let folder = tempfile::tempdir().unwrap();
    let source = layout(folder.path(), &[noise(1, 2 << 20), noise(2, 20)]);
    let client = client(&proxy.host, "acme/shop", basic("writer", SECRET));
    let pushed = client.push_image(&source, &tags(&["latest"]), None, &Watch::default()).await.unwrap();
    assert_eq!((proxy.left(), pushed.skipped), (0, 0));
    assert_eq!(client.head("latest").await.unwrap().unwrap().digest, pushed.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_told() {
    let Some(registry) = Registry::start(Login::Open).await else { return };
    let denied = r#"{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}"#;
    let headers = vec![("x-request-id", "R-7".to_owned())];
    let faults = vec![
        fault(Method::POST, "/acme/denied/", 1, Answer::Status(403, headers, denied)),
        fault(Method::POST, "/acme/busy/", 9, status(429, &[("retry-after", "3600")])),
        fault(Method::PATCH, "/acme/down/", 99, status(500, &[])),
    ];
    let proxy = Proxy::start(&registry.host, faults).await;
    let of = |path: &str| client(&proxy.host, path, None);
    let error = of("acme/denied").check_push().await.unwrap_err();
    assert!(error.to_string().contains("DENIED: permission_denied: write_package"), "{error}");
    let error = of("acme/busy").check_push().await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(429), "{error}");
    let blob = Blob::bytes(LAYER, noise(9, 2 << 20));
    let error = of("acme/down").push_blob(&blob, None, &Watch::default()).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500), "{error}");
    let nobody = client("127.0.0.1:9", "acme/shop", None).check_push().await.unwrap_err();
    assert!(matches!(nobody, RegistryError::Http(_)), "{nobody}");
    let tls = Repository::new(&format!("https://{}", registry.host), "acme/shop", false).unwrap();
    let tls = Client::with_policy(http::client(None).unwrap(), tls, None, quick()).check_push().await.unwrap_err();
    assert!(matches!(tls, RegistryError::Insecure { .. }), "{tls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_upload_goes_on_where_it_was_cut() {
    let registry = Resumable::default();
    let cutter = Cutter::start(&registry.start().await, 6 << 20, 2).await;
    let client = client(&cutter.host, "acme/shop", None);
    let bytes = noise(4, 24 << 20);
    let blob = Blob::bytes(LAYER, bytes.clone());
    assert_eq!(client.push_blob(&blob, None, &Watch::default()).await.unwrap(), Sent::Uploaded);
    assert_eq!(cutter.cuts(), 2, "{:?}", registry.ranges());
    assert!(registry.blob().unwrap() == bytes, "other bytes arrived");
    let starts: Vec<u64> =
        registry.ranges().iter().map(|range| range.split('-').next().unwrap().parse().unwrap()).collect();
    assert!(starts.len() == 2 && starts[0] > 5 << 20 && starts[1] > starts[0], "{starts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_registry_did_not_keep_is_sent_again() {
    let registry = Resumable::keeping(5 << 20);
    let client = client(&registry.start().await, "acme/shop", None);
    let bytes = noise(4, 12 << 20);
    let blob = Blob::bytes(LAYER, bytes.clone());
    assert_eq!(client.push_blob(&blob, None, &Watch::default()).await.unwrap(), Sent::Uploaded);
    assert!(registry.blob().unwrap() == bytes, "other bytes arrived");
    let size = 12 << 20;
    assert_eq!(registry.ranges(), [5 << 20, 10 << 20].map(|start| format!("{start}-{}", size - 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_upload_begins_anew_where_the_registry_has_lost_it() {
    let Some(registry) = Registry::start(Login::Open).await else { return };
    let cutter = Cutter::start(&registry.host, 6 << 20, 2).await;
    let client = client(&cutter.host, "acme/shop", None);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    std::fs::write(&file, noise(4, 12 << 20)).unwrap();
    let descriptor = Blob::bytes(LAYER, noise(4, 12 << 20)).descriptor;
    let blob = Blob { descriptor, content: Content::File(file) };
    assert_eq!(client.push_blob(&blob, None, &Watch::default()).await.unwrap(), Sent::Uploaded);
    assert_eq!(cutter.cuts(), 2);
    assert_eq!(client.blob(&blob.descriptor.digest).await.unwrap().len(), 12 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_stay_with_the_registry() {
    let Some(registry) = Registry::start(Login::Password("ann", SECRET)).await else { return };
    let elsewhere = Proxy::start(&registry.host, vec![]).await;
    let moved = fault(Method::POST, "/blobs/uploads", 1, Answer::Elsewhere(elsewhere.host.clone()));
    let proxy = Proxy::start(&registry.host, vec![moved]).await;
    let client = client(&proxy.host, "acme/shop", basic("ann", SECRET));
    let error = client.push_blob(&Blob::bytes(LAYER, noise(1, 100)), None, &Watch::default()).await.unwrap_err();
    shows_no_secret(&error);
    let seen = elsewhere.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| !seen.has_login), "{seen:?}");
    let seen = proxy.seen();
    assert!(seen.iter().skip(1).all(|seen| seen.has_login), "all but the first question: {seen:?}");
}

/// An image on the runtime image with one more layer; gone with the value.
struct Built(String);

impl Built {
    fn new(content: &str) -> Self {
        let tag = format!("helix-test-registry:{}", digest(content.as_bytes()).split_off(60));
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "FROM helix-test-runtime:local\nRUN echo '{content}' > /content\nLABEL dev.helix.project=shop\nCMD [\"cat\", \"/content\"]\n"
        );
        std::fs::write(folder.path().join("Dockerfile"), text).unwrap();
        DOCKER.run(&["build", "-q", "--network=none", "-t", &tag, &folder.path().display().to_string()]);
        Self(tag)
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        DOCKER.try_run(&["rmi", "-f", &self.0]);
    }
}

async fn daemon() -> docker::Client {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let environment = docker::Environment::new(&env);
    docker::connect(&environment, docker::Runtime::Docker).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_the_daemon_is_pushed_pulled_and_run() {
    if !base_images() {
        return;
    }
    let Some(registry) = Registry::start(Login::Open).await else { return };
    let proxy = Proxy::start(&registry.host, vec![]).await;
    let client = client(&proxy.host, "acme/shop", None);
    let (docker, cache) = (daemon().await, tempfile::tempdir().unwrap());
    let source = |built: &Built| Source::Daemon {
        docker: docker.clone(),
        image: built.0.clone(),
        cache: cache.path().to_owned(),
    };
    let one = Built::new(&format!("one {}", std::process::id()));
    let first = client.push_image(&source(&one), &tags(&["latest", "r1"]), None, &Watch::default()).await.unwrap();
    assert_eq!(first.skipped, 0);

    // The same once more: the login, the image, its two tags.
    proxy.seen();
    let began = std::time::Instant::now();
    let again = client.push_image(&source(&one), &tags(&["latest", "r1"]), None, &Watch::default()).await.unwrap();
    let (seen, took) = (proxy.seen(), began.elapsed());
    assert_eq!((&again.digest, again.uploaded_bytes, again.moved.len()), (&first.digest, 0, 0));
    assert!(seen.len() <= 4, "{seen:?}");
    eprintln!("first: {} bytes; again: {} requests, {took:?}", first.uploaded_bytes, seen.len());

    // Another image: its own layer and configuration only.
    let two = Built::new(&format!("two {}", std::process::id()));
    let compressed = Arc::new(Mutex::new(0));
    let heard = compressed.clone();
    let watch = Watch::new(move |event: Event<'_>| {
        if matches!(event, Event::Compressing(_)) {
            *heard.lock().unwrap() += 1;
        }
    });
    let second = client.push_image(&source(&two), &tags(&["latest"]), None, &watch).await.unwrap();
    assert_eq!((second.skipped, *compressed.lock().unwrap()), (1, 1), "the layer of the base is there");
    assert!(second.uploaded_bytes < 100_000, "{second:?}");

    for (pushed, content) in [(&first, "one"), (&second, "two")] {
        let image = format!("{}/acme/shop@{}", registry.host, pushed.digest);
        DOCKER.run(&["pull", "-q", &image]);
        let said = DOCKER.run(&["run", "--rm", "--network=none", &image]);
        DOCKER.try_run(&["rmi", &image]);
        assert_eq!(said, format!("{content} {}", std::process::id()));
    }
    assert_eq!(client.config_labels(&second.digest).await.unwrap()["dev.helix.project"], "shop");

    // Several platforms under one name.
    let both = Source::Several(vec![source(&one), source(&two)]);
    let list = client.push_image(&both, &tags(&["all"]), None, &Watch::default()).await.unwrap();
    assert_eq!(list.uploaded_bytes, 0);
    let manifest: Manifest = client.manifest("all").await.unwrap().unwrap();
    let index: ImageIndex = serde_json::from_slice(&manifest.bytes).unwrap();
    assert_eq!((manifest.media_type.as_str(), index.manifests.len()), (INDEX, 2));
    assert!(index.manifests.iter().all(|one| one.platform.as_ref().is_some_and(|platform| platform.os == "linux")));
    DOCKER.run(&["pull", "-q", &format!("{}/acme/shop:all", registry.host)]);
    DOCKER.try_run(&["rmi", &format!("{}/acme/shop:all", registry.host)]);
}
