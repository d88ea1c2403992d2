//! The targets that store images, as `helix push` uses them: ECR against a stand-in of AWS and a registry with its password, GHCR and
//! Docker Hub against registries and the APIs beside them.
//!
//! They skip with a reason where a program is missing, unless `HELIX_REQUIRE_DOCKER` is set.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::support::moto::Moto;
use crate::support::registry::{Answer, Fault, Login, Proxy, Registry, TokenService};
use base64::Engine as _;
use helix::config::{Config, ImageRegistry, Instance, Provider};
use helix::http;
use helix::integrations::aws::Aws;
use helix::integrations::docker_hub::DockerHub;
use helix::integrations::ecr::Ecr;
use helix::integrations::error::Code;
use helix::integrations::ghcr::Ghcr;
use helix::integrations::oci::Surroundings;
use helix::integrations::role::{Finding, Registry as _, Severity};
use helix::registry::manifest::{CONFIG, Descriptor, ImageIndex, ImageManifest, LAYER, MANIFEST};
use helix::registry::{Client, Source, Watch};
use serde_json::json;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRET: &str = "planted-secret";

/// The settings of the one instance of a project file.
fn settings(table: &str) -> ImageRegistry {
    let config = Config::parse("helix.toml", &format!("[project]\nname = \"shop\"\n{table}")).unwrap();
    match config.instances.into_values().next() {
        Some(Instance::Cloud(cloud)) => match cloud.provider {
            Provider::Registry(registry) => registry,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn around(home: &Path, pairs: &[(&str, &str)]) -> Surroundings {
    let env: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings { env, home: home.to_owned(), http: http::client(None).unwrap() }
}

/// Pushes a small image; gives its digest.
async fn push(client: &Client, labels: serde_json::Value, tag: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let put = |media_type: &str, bytes: &[u8]| {
        let descriptor = Descriptor::of(media_type, bytes);
        let path = folder.path().join("blobs").join(descriptor.digest.replacen(':', "/", 1));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        descriptor
    };
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": labels}}).to_string();
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: MANIFEST.to_owned(),
        artifact_type: None,
        config: put(CONFIG, config.as_bytes()),
        layers: vec![put(LAYER, b"layer")],
        subject: None,
        annotations: BTreeMap::new(),
    };
    let manifest = put(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    std::fs::write(folder.path().join("index.json"), serde_json::to_vec(&ImageIndex::of(vec![manifest])).unwrap())
        .unwrap();
    let source = Source::Layout(folder.path().to_owned());
    client.push_image(&source, &[tag.to_owned()], None, &Watch::default()).await.unwrap().digest
}

#[track_caller]
fn worst(findings: &[Finding]) -> Option<&Finding> {
    let told = format!("{findings:?}");
    assert!(!told.contains(SECRET), "{told}");
    findings.iter().find(|finding| finding.severity == Severity::Error)
}

#[tokio::test(flavor = "multi_thread")]
async fn ecr_from_nothing_to_removal() {
    let Some(moto) = Moto::start().await else { return };
    let home = tempfile::tempdir().unwrap();
    let pairs = [
        ("AWS_ENDPOINT_URL", moto.url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIAPLANTED"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let around = around(home.path(), &pairs);
    // The password of the stand-in, for the registry that holds the images.
    let aws = Aws::new(around.clone(), Some("eu-west-1"), None);
    let token =
        aws.json("ecr", "AmazonEC2ContainerRegistry_V20150921", "GetAuthorizationToken", &json!({})).await.unwrap();
    let token = token["authorizationData"][0]["authorizationToken"].as_str().unwrap().to_owned();
    let token = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(token).unwrap()).unwrap();
    let (user, password) = token.split_once(':').unwrap();
    assert_eq!(user, "AWS");
    let Some(registry) = Registry::start(Login::Password(user, password)).await else { return };

    let table = |more: &str| {
        format!("[cloud.prod.ecr]\nregion = \"eu-west-1\"\nregistry_url = \"{}\"\n{more}\n", registry.host)
    };
    let connect =
        async |more: &str| Ecr::connect(&settings(&table(more)), "helix-shop-prod", around.clone()).await.unwrap();
    let ecr = connect("lifecycle_keep = 20").await;
    let identity = ecr.whoami().await.unwrap();
    assert!(identity.account.starts_with("123456789012 (arn:aws:"), "{identity:?}");
    assert!(identity.source.contains("AWS_ACCESS_KEY_ID"), "{identity:?}");

    let findings = ecr.preflight().await;
    assert!(worst(&findings).is_none() && findings[0].summary.contains("will be made"), "{findings:?}");
    let name = format!("{}/helix-shop-prod", registry.host);
    let made = ecr.provision().await.unwrap();
    assert_eq!((made.created, made.settings["region"].as_str()), (vec![name.clone()], "eu-west-1"));
    assert_eq!(ecr.provision().await.unwrap().adopted, std::slice::from_ref(&name));
    assert!(ecr.preflight().await.is_empty());
    let policy = json!({"repositoryName": "helix-shop-prod"});
    let policy = aws.json("ecr", "AmazonEC2ContainerRegistry_V20150921", "GetLifecyclePolicy", &policy).await.unwrap();
    assert!(policy["lifecyclePolicyText"].as_str().unwrap().contains("\"countNumber\":20"), "{policy}");

    let client = ecr.client().await.unwrap();
    let ours = push(&client, json!({"dev.helix.managed": "true"}), "latest").await;
    let theirs = push(&client, json!({"dev.helix.managed": "no"}), "other").await;
    assert_ne!(ours, theirs);
    let refused = ecr.remove(&[theirs]).await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict, "{refused}");
    assert_eq!(ecr.remove(&[format!("sha256:{}", "0".repeat(64))]).await.unwrap(), Vec::<String>::new());

    let immutable = connect("immutable_tags = true\nrepository_name = \"fixed\"").await;
    let findings = immutable.preflight().await;
    let finding = worst(&findings).unwrap();
    assert!(finding.fix.as_ref().unwrap().contains("{release}"), "{finding:?}");

    assert_eq!(ecr.remove_repository().await.unwrap(), [name]);
    assert_eq!(ecr.remove_repository().await.unwrap(), Vec::<String>::new());
    // One that somebody else made is adopted, and never removed.
    let body = json!({"repositoryName": "helix-shop-prod"});
    aws.json("ecr", "AmazonEC2ContainerRegistry_V20150921", "CreateRepository", &body).await.unwrap();
    assert_eq!(ecr.provision().await.unwrap().created, Vec::<String>::new());
    let policy = aws.json("ecr", "AmazonEC2ContainerRegistry_V20150921", "GetLifecyclePolicy", &body).await;
    assert!(policy.unwrap_err().is("LifecyclePolicyNotFoundException"));
    assert_eq!(ecr.remove_repository().await.unwrap_err().code, Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_takes_on_a_role_through_another_one() {
    let Some(moto) = Moto::start().await else { return };
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = format!("[base]\naws_access_key_id = AKIAPLANTED\naws_secret_access_key = {SECRET}\n");
    std::fs::write(home.path().join(".aws/credentials"), keys).unwrap();
    let config = "[profile base]\nregion = eu-west-1\n\n[profile push]\nrole_arn = arn:aws:iam::123456789012:role/push\n\
                  source_profile = base\nrole_session_name = shop\n\n[profile second]\n\
                  role_arn = arn:aws:iam::123456789012:role/second\nsource_profile = push\n\n[profile round]\n\
                  role_arn = arn:aws:iam::123456789012:role/round\nsource_profile = about\n\n[profile about]\n\
                  role_arn = arn:aws:iam::123456789012:role/about\nsource_profile = round\n";
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    let around = around(home.path(), &[("AWS_ENDPOINT_URL", moto.url.as_str()), ("AWS_EC2_METADATA_DISABLED", "true")]);
    let caller = async |profile: &str| Aws::new(around.clone(), None, Some(profile)).caller().await;
    assert!(caller("push").await.unwrap().1.ends_with(":assumed-role/push/shop"));
    assert!(caller("second").await.unwrap().1.ends_with(":assumed-role/second/helix"));
    assert!(!caller("base").await.unwrap().1.contains("assumed-role"));
    assert!(caller("round").await.unwrap_err().to_string().contains("leads nowhere"));
}

#[tokio::test]
async fn the_errors_of_aws_say_what_to_do() {
    let server = MockServer::start().await;
    let home = tempfile::tempdir().unwrap();
    let uri = server.uri();
    let pairs = [("AWS_ENDPOINT_URL", uri.as_str()), ("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let table = settings("[cloud.prod.ecr]\nregion = \"eu-west-1\"\n");
    for (kind, code, words) in [
        ("ExpiredTokenException", Code::AuthRejected, "aws sso login"),
        ("AccessDeniedException", Code::AuthScope, "ecr:GetAuthorizationToken"),
        ("UnrecognizedClientException", Code::AuthRejected, "AWS_ACCESS_KEY_ID"),
        ("ThrottlingException", Code::RateLimited, "in a minute"),
    ] {
        server.reset().await;
        let reply = ResponseTemplate::new(400)
            .insert_header("x-amzn-requestid", "R-1")
            .set_body_json(json!({"__type": kind, "message": "no"}));
        Mock::given(method("POST")).respond_with(reply).mount(&server).await;
        let error = Ecr::connect(&table, "x", around(home.path(), &pairs)).await.unwrap_err();
        assert_eq!((error.code, error.request_id.as_deref()), (code, Some("R-1")), "{error}");
        assert!(error.hint.as_ref().unwrap().contains(words), "{error:?}");
        assert!(!format!("{error:?}").contains(SECRET));
    }
    let nobody = [("AWS_ENDPOINT_URL", uri.as_str()), ("AWS_EC2_METADATA_DISABLED", "true")];
    let error = Ecr::connect(&table, "x", around(home.path(), &nobody)).await.unwrap_err();
    assert_eq!(error.code, Code::AuthMissing);
    assert!(error.context.iter().any(|line| line.contains("AWS_ACCESS_KEY_ID")), "{error:?}");
}

#[tokio::test]
async fn a_scan_is_waited_for() {
    let server = MockServer::start().await;
    let home = tempfile::tempdir().unwrap();
    let uri = server.uri();
    let pairs = [("AWS_ENDPOINT_URL", uri.as_str()), ("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let identity = "<R><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/ann</Arn><Account>1</Account></GetCallerIdentityResult></R>";
    Mock::given(method("POST"))
        .and(header("content-type", "application/x-www-form-urlencoded; charset=utf-8"))
        .respond_with(ResponseTemplate::new(200).set_body_string(identity))
        .mount(&server)
        .await;
    let scanning = || header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.DescribeImageScanFindings");
    let absent = ResponseTemplate::new(400).set_body_json(json!({"__type": "ScanNotFoundException", "message": "no"}));
    Mock::given(scanning()).respond_with(absent).up_to_n_times(1).mount(&server).await;
    let done = json!({"imageScanStatus": {"status": "COMPLETE"},
        "imageScanFindings": {"findingSeverityCounts": {"HIGH": 2, "LOW": 1}}});
    Mock::given(scanning()).respond_with(ResponseTemplate::new(200).set_body_json(done)).mount(&server).await;
    let table = settings("[cloud.prod.ecr]\nregion = \"eu-west-1\"\n");
    let ecr = Ecr::connect(&table, "x", around(home.path(), &pairs)).await.unwrap();
    assert_eq!(ecr.repository().to_string(), "1.dkr.ecr.eu-west-1.amazonaws.com/x");
    // That there was no time is no "nothing scans here".
    let late = ecr.scan("sha256:1", Duration::ZERO).await.unwrap_err();
    assert!(late.code == Code::Upstream && late.message.contains("within 0 s"), "{late}");
    let scan = ecr.scan("sha256:1", Duration::from_secs(30)).await.unwrap().unwrap();
    assert_eq!(scan.counts, BTreeMap::from([("high".to_owned(), 2), ("low".to_owned(), 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn ghcr_logs_in_with_what_is_there_and_removes_what_is_ours() {
    let service = TokenService::start(SECRET, "none").await;
    let Some(registry) = Registry::start(Login::Token(&service)).await else { return };
    let api = MockServer::start().await;
    let home = tempfile::tempdir().unwrap();
    let uri = api.uri();
    let table = format!("[cloud.prod.ghcr]\nowner = \"Acme\"\nregistry = \"{}\"\n", registry.host);
    let with = |pairs: &[(&str, &str)], more: &str| {
        let all = [&[("GITHUB_API_URL", uri.as_str())], pairs].concat();
        Ghcr::new(&settings(&format!("{table}{more}\n")), "helix-shop-prod", around(home.path(), &all)).unwrap()
    };

    let nobody = with(&[], "");
    let findings = nobody.preflight().await;
    assert_eq!(worst(&findings).unwrap().code, "E-AUTH-MISSING");
    let error = nobody.whoami().await.unwrap_err();
    assert!(error.context.iter().any(|line| line.contains("GHCR_TOKEN")), "{error:?}");
    // A workflow's token counts in a workflow only.
    assert!(with(&[("GITHUB_TOKEN", SECRET)], "").whoami().await.is_err());

    let user = |scopes: &str| {
        ResponseTemplate::new(200).insert_header("x-oauth-scopes", scopes).set_body_json(json!({"login": "ann"}))
    };
    Mock::given(path("/user")).respond_with(user("repo, read:packages")).up_to_n_times(1).mount(&api).await;
    let token = [("GHCR_TOKEN", SECRET), ("GITHUB_ACTOR", "writer")];
    let ghcr = with(&token, "");
    let findings = ghcr.preflight().await;
    let finding = worst(&findings).unwrap();
    assert!(finding.code == "E-AUTH-SCOPE" && finding.fix.as_ref().unwrap().contains("write:packages"), "{finding:?}");
    Mock::given(path("/user"))
        .and(header("authorization", format!("Bearer {SECRET}")))
        .respond_with(user("write:packages"))
        .mount(&api)
        .await;
    assert_eq!(ghcr.whoami().await.unwrap().account, "ann");
    let findings = ghcr.preflight().await;
    assert!(worst(&findings).is_none() && findings[0].summary.contains("private"), "{findings:?}");

    let reader = with(&[("GITHUB_ACTIONS", "true"), ("GITHUB_TOKEN", SECRET), ("GITHUB_ACTOR", "reader")], "");
    let findings = reader.preflight().await;
    assert_eq!(worst(&findings).unwrap().code, "E-AUTH-SCOPE", "{findings:?}");
    let wrong = with(&[("GHCR_TOKEN", "wrong")], "");
    assert_eq!(
        worst(&wrong.preflight().await).unwrap().code,
        "E-DEPLOY-NOT-FOUND",
        "GitHub's API has no other answer here"
    );

    let client = ghcr.client().await.unwrap();
    let ours = push(&client, json!({"dev.helix.managed": "true"}), "latest").await;
    let package = "/users/acme/packages/container/helix-shop-prod";
    Mock::given(method("GET"))
        .and(path(package))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .mount(&api)
        .await;
    let versions = json!([{"id": 7, "name": ours}, {"id": 8, "name": "sha256:other"}]);
    Mock::given(method("GET"))
        .and(path(format!("{package}/versions")))
        .respond_with(ResponseTemplate::new(200).set_body_json(versions))
        .mount(&api)
        .await;
    Mock::given(method("DELETE"))
        .and(path(format!("{package}/versions/7")))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&api)
        .await;
    assert_eq!(ghcr.remove(std::slice::from_ref(&ours)).await.unwrap(), [ghcr.repository().at(&ours)]);
    push(&client, json!({}), "foreign").await;
    assert_eq!(ghcr.remove_repository().await.unwrap_err().code, Code::Conflict, "one of its images is not ours");
}

#[test]
fn the_project_files_of_the_guides_are_ones() {
    for guide in ["ecr", "ghcr", "docker-hub"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/deploy/{guide}.md"));
        let text = std::fs::read_to_string(path).unwrap();
        let table = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        assert!(settings(table).tags.len() == 2, "{guide}");
    }
}

#[test]
fn another_machine_is_spoken_to_with_encryption_unless_the_project_says_otherwise() {
    let home = tempfile::tempdir().unwrap();
    let at = |more: &str| {
        let table = format!("[cloud.prod.ghcr]\nowner = \"acme\"\nregistry = \"http://registry.example\"\n{more}\n");
        Ghcr::new(&settings(&table), "shop", around(home.path(), &[]))
    };
    let error = at("").unwrap_err();
    assert_eq!(error.code, Code::Insecure, "{error}");
    assert!(error.hint.unwrap().contains("plain_http = true"));
    assert!(at("plain_http = true").unwrap().repository().plain_http);
    let table = "[cloud.prod.docker_hub]\nnamespace = \"Acme\"\n";
    assert_eq!(DockerHub::new(&settings(table), "shop", around(home.path(), &[])).unwrap_err().code, Code::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_reached_is_told_with_its_numbers() {
    let Some(registry) = Registry::start(Login::Open).await else { return };
    let headers = [
        ("ratelimit-limit", "100;w=21600"),
        ("ratelimit-remaining", "0;w=21600"),
        ("docker-ratelimit-source", "192.0.2.7"),
        ("retry-after", "0"),
    ];
    let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    let answer =
        Answer::Status(429, headers, "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow down\"}]}");
    let fault = Fault { method: reqwest::Method::GET, path: "/v2/", times: 99, answer };
    let proxy = Proxy::start(&registry.host, vec![fault]).await;
    let home = tempfile::tempdir().unwrap();
    let table = format!("[cloud.hub.docker_hub]\nnamespace = \"acme\"\nregistry = \"{}\"\n", proxy.host);
    let pairs = [("DOCKERHUB_TOKEN", SECRET), ("DOCKERHUB_USERNAME", "acme")];
    let hub = DockerHub::new(&settings(&table), "shop", around(home.path(), &pairs)).unwrap();
    let error = hub.whoami().await.unwrap_err();
    assert_eq!(error.code, Code::RateLimited, "{error}");
    let lines = ["the limit is 100 in 21600 s", "what is left is 0 in 21600 s", "it is counted for 192.0.2.7"];
    assert_eq!(error.context, lines, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_hub_makes_its_repository_before_a_push_would() {
    let service = TokenService::start(SECRET, "none").await;
    let Some(registry) = Registry::start(Login::Token(&service)).await else { return };
    let api = MockServer::start().await;
    let home = tempfile::tempdir().unwrap();
    let uri = api.uri();
    let hub = |more: &str| {
        let table = format!("[cloud.hub.docker_hub]\nnamespace = \"acme\"\nregistry = \"{}\"\n{more}\n", registry.host);
        let pairs =
            [("HELIX_DOCKERHUB_API_URL", uri.as_str()), ("DOCKERHUB_TOKEN", SECRET), ("DOCKERHUB_USERNAME", "writer")];
        DockerHub::new(&settings(&table), "helix-shop-hub", around(home.path(), &pairs)).unwrap()
    };
    let login = json!({"identifier": "writer", "secret": SECRET});
    Mock::given(path("/v2/auth/token"))
        .and(body_partial_json(login))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "jwt"})))
        .mount(&api)
        .await;
    let refuses = hub("");
    let findings = refuses.preflight().await;
    let finding = worst(&findings).unwrap();
    assert!(finding.fix.as_ref().unwrap().contains("create_repository"), "{finding:?}");
    assert!(refuses.provision().await.unwrap().created.is_empty());

    let makes = hub("create_repository = true");
    assert!(worst(&makes.preflight().await).is_none());
    let wanted = json!({"name": "helix-shop-hub", "namespace": "acme", "is_private": true, "registry": "docker"});
    Mock::given(method("POST"))
        .and(path("/v2/namespaces/acme/repositories"))
        .and(header("authorization", "Bearer jwt"))
        .and(body_partial_json(wanted))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({})))
        .expect(1)
        .mount(&api)
        .await;
    assert_eq!(makes.provision().await.unwrap().created, [makes.repository().to_string()]);
    let there = "/v2/namespaces/acme/repositories/helix-shop-hub";
    Mock::given(method("GET"))
        .and(path(there))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .mount(&api)
        .await;
    assert_eq!(makes.provision().await.unwrap().created, Vec::<String>::new());
    assert_eq!(makes.preflight().await, []);
    assert_eq!(makes.whoami().await.unwrap().account, "writer");

    let ours = push(&makes.client().await.unwrap(), json!({"dev.helix.managed": "true"}), "r1").await;
    let listed = json!({"next": null, "results": [{"name": "r1", "digest": ours}, {"name": "old"}]});
    Mock::given(method("GET"))
        .and(path(format!("{there}/tags")))
        .respond_with(ResponseTemplate::new(200).set_body_json(listed))
        .mount(&api)
        .await;
    Mock::given(method("DELETE"))
        .and(path("/v2/repositories/acme/helix-shop-hub/tags/r1/"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&api)
        .await;
    assert_eq!(makes.remove(&[ours]).await.unwrap(), [format!("{}:r1", makes.repository())]);
    Mock::given(method("DELETE"))
        .and(path("/v2/repositories/acme/helix-shop-hub/"))
        .respond_with(ResponseTemplate::new(202))
        .expect(1)
        .mount(&api)
        .await;
    assert_eq!(makes.remove_repository().await.unwrap(), [makes.repository().to_string()]);
}
