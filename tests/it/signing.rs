//! Signed images, against a real registry: `openssl` checks what was signed here, and signs what is checked here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Ran;
use crate::support::boxed::code_of;
use crate::support::docker::DOCKER;
use crate::support::elsewhere::{Elsewhere, hub, leaks_nothing, runtime};
use crate::support::fly_mock::{Behaviour, FlyMock, TOKEN};
use crate::support::registry::{Login, Registry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helix::registry::manifest::{CONFIG, INDEX, ImageIndex, ImageManifest, MANIFEST};
use helix::registry::sign::{SIGNATURE, SIMPLE_SIGNING, Signer, Verdict, signature_tag};
use helix::registry::{Blob, Client, Manifest, RegistryError, Repository, Watch};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A pair of keys of `openssl`.
struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let pair = Self { folder: tempfile::tempdir().unwrap() };
        let key = pair.path("key.pem");
        openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        openssl(&["pkey", "-in", &key, "-pubout", "-out", &pair.path("key.pub")]);
        pair
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn signer(&self) -> Signer {
        Signer::parse(&SecretString::from(self.text("key.pem")), None).unwrap()
    }

    /// What the key is called, by `openssl` and `sha256sum`.
    fn id(&self) -> String {
        openssl(&["pkey", "-pubin", "-in", &self.path("key.pub"), "-outform", "DER", "-out", &self.path("key.der")]);
        helix::registry::manifest::digest(&fs::read(self.path("key.der")).unwrap())
    }

    /// The signature that `openssl` makes.
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        fs::write(self.path("text"), bytes).unwrap();
        let (key, signature) = (self.path("key.pem"), self.path("signature"));
        openssl(&["dgst", "-sha256", "-sign", &key, "-out", &signature, &self.path("text")]);
        fs::read(signature).unwrap()
    }

    /// Whether `openssl` takes a signature.
    fn accepts(&self, bytes: &[u8], signature: &[u8]) -> bool {
        fs::write(self.path("text"), bytes).unwrap();
        fs::write(self.path("signature"), signature).unwrap();
        let mut verify = Command::new("openssl");
        verify.args(["dgst", "-sha256", "-verify", &self.path("key.pub"), "-signature", &self.path("signature")]);
        verify.arg(self.path("text")).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    /// The variables that have the tool sign with it.
    fn env(&self) -> Vec<(&'static str, String)> {
        [hub(), vec![("HELIX_SIGNING_KEY_FILE", self.path("key.pem"))]].concat()
    }
}

#[track_caller]
fn openssl(args: &[&str]) {
    let output = Command::new("openssl").args(args).output().unwrap();
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A registry, and what it has.
struct Place {
    runtime: Runtime,
    registry: Registry,
}

impl Place {
    /// None where something is missing that is needed for it.
    fn new() -> Option<Self> {
        if !DOCKER.answers() {
            return None;
        }
        let runtime = runtime();
        let registry = runtime.block_on(Registry::start(Login::Open))?;
        Some(Self { runtime, registry })
    }

    fn table(&self, more: &str) -> String {
        let host = &self.registry.host;
        format!("[cloud.prod.docker_hub]\nnamespace = \"acme\"\nregistry = \"{host}\"\nimage = \"shop\"\n{more}")
    }

    fn client(&self) -> Client {
        let repository = Repository::new(&self.registry.host, "acme/shop", false).unwrap();
        Client::new(helix::http::client(None).unwrap(), repository, None)
    }

    /// What the registry answers, without any code of ours.
    fn get(&self, path: &str) -> Vec<u8> {
        let url = format!("http://{}/v2/acme/shop/{path}", self.registry.host);
        let accept = format!("Accept: {MANIFEST}");
        let output = Command::new("curl").args(["-sf", "-H", &accept, &url]).output().unwrap();
        assert!(output.status.success(), "GET {url}");
        output.stdout
    }

    /// The texts that were signed for an image, with their signatures.
    fn signatures(&self, digest: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let manifest = self.get(&format!("manifests/{}", signature_tag(digest)));
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let config = self.get(&format!("blobs/{}", manifest["config"]["digest"].as_str().unwrap()));
        let config: Value = serde_json::from_slice(&config).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        let named: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
        let listed: Vec<&Value> = config["rootfs"]["diff_ids"].as_array().unwrap().iter().collect();
        assert_eq!(named, listed, "tools that add layers look there");
        layers
            .iter()
            .map(|layer| {
                assert_eq!(layer["mediaType"], SIMPLE_SIGNING);
                let signature = layer["annotations"][SIGNATURE].as_str().unwrap();
                let payload = self.get(&format!("blobs/{}", layer["digest"].as_str().unwrap()));
                (payload, STANDARD.decode(signature).unwrap())
            })
            .collect()
    }

    /// Has these be the only signatures of an image.
    fn put_signatures(&self, digest: &str, signatures: &[(Vec<u8>, Vec<u8>)]) {
        let client = self.client();
        self.runtime.block_on(async {
            let config = Blob::bytes(CONFIG, r#"{"rootfs":{"type":"layers","diff_ids":[]}}"#);
            client.push_blob(&config, None, &Watch::default()).await.unwrap();
            let mut layers = Vec::new();
            for (payload, signature) in signatures {
                let payload = Blob::bytes(SIMPLE_SIGNING, payload.clone());
                client.push_blob(&payload, None, &Watch::default()).await.unwrap();
                let mut layer = payload.descriptor;
                layer.annotations.insert(SIGNATURE.to_owned(), STANDARD.encode(signature));
                layers.push(layer);
            }
            let manifest = ImageManifest {
                schema_version: 2,
                media_type: MANIFEST.to_owned(),
                artifact_type: None,
                config: config.descriptor,
                layers,
                subject: None,
                annotations: std::collections::BTreeMap::new(),
            };
            let manifest = Manifest::new(MANIFEST, serde_json::to_vec(&manifest).unwrap());
            client.put_manifest(&signature_tag(digest), &manifest).await.unwrap();
        });
    }

    fn latest(&self) -> Option<String> {
        self.runtime.block_on(async { self.client().head("latest").await.unwrap().map(|head| head.digest) })
    }
}

fn digest_of(pushed: &Value) -> String {
    pushed["image"].as_str().unwrap().split_once('@').unwrap().1.to_owned()
}

/// The text that cosign signs for an image.
fn text_for(digest: &str) -> Vec<u8> {
    let critical = json!({"identity": {"docker-reference": "example.test/acme/shop"},
        "image": {"docker-manifest-digest": digest}, "type": "cosign container image signature"});
    json!({"critical": critical, "optional": null}).to_string().into_bytes()
}

fn data(ran: Ran) -> Value {
    ran.code(0).json()["data"].clone()
}

const SIGN: &str = "sign = \"cosign\"\n";
const REQUIRE: &str = "[deploy]\nrequire_signature = true\n";

#[test]
fn a_signature_is_one_for_everybody() {
    let Some(place) = Place::new() else { return };
    let [one, other] = [Pair::new(), Pair::new()];
    let mut prod = Elsewhere::new(&place.table(&format!("{SIGN}{REQUIRE}")), one.env());
    let image = prod.stub(1);
    let planned = data(prod.helix(&["plan", "prod", "--json", "--image", &image]));
    assert_eq!((&planned["signed_with"], &planned["findings"]), (&json!(one.id()), &json!([])), "{planned}");
    let pushed = data(prod.push(&image, &[]));
    let digest = digest_of(&pushed);
    let signature = json!({"key": one.id(), "tag": signature_tag(&digest), "added": true});
    assert_eq!((&pushed["signature"], &pushed["plan"]["signed_with"]), (&signature, &json!(one.id())), "{pushed}");
    let there = place.signatures(&digest);
    let [(payload, signature)] = there.as_slice() else { panic!("{there:?}") };
    assert!(one.accepts(payload, signature), "openssl does not take it");
    assert!(!other.accepts(payload, signature) && !one.accepts(&payload[1..], signature));
    let said: Value = serde_json::from_slice(payload).unwrap();
    assert_eq!(said["critical"]["image"]["docker-manifest-digest"], json!(digest));
    let reference = format!("{}/acme/shop", place.registry.host);
    assert_eq!(said["critical"]["identity"]["docker-reference"], json!(reference));
    assert_eq!(said["critical"]["type"], "cosign container image signature");

    // Once more: nothing is new. Of another key: both are there.
    let before = place.get(&format!("manifests/{}", signature_tag(&digest)));
    let again = data(prod.push(&image, &["--force"]));
    assert_eq!(again["signature"]["added"], false, "{again}");
    assert_eq!(place.get(&format!("manifests/{}", signature_tag(&digest))), before);
    prod.env = other.env();
    let theirs = data(prod.push(&image, &[]));
    assert_eq!((&theirs["changed"], &theirs["signature"]["added"]), (&json!(true), &json!(true)), "{theirs}");
    let there = place.signatures(&digest);
    let takes = |pair: &Pair| there.iter().map(|(text, signature)| pair.accepts(text, signature)).collect::<Vec<_>>();
    assert_eq!((takes(&one), takes(&other)), (vec![true, false], vec![false, true]));
    assert_eq!(data(prod.push(&image, &[]))["changed"], false);

    let releases = prod.releases();
    assert!(releases.len() == 3 && releases.iter().all(|one| one["signed"] == true), "{releases:?}");
    let things = data(prod.helix(&["delete", "prod", "--dry-run", "--json"]));
    assert_eq!(things["things"].as_array().unwrap().len(), 3, "{things}");
    for pair in [&one, &other] {
        let secret = pair.text("key.pem").lines().nth(1).unwrap().to_owned();
        leaks_nothing(prod.boxed.project.root().parent().unwrap(), &secret);
    }
}

#[test]
fn signatures_of_others_are_never_lost() {
    let Some(place) = Place::new() else { return };
    let pairs: Vec<Pair> = std::iter::repeat_with(Pair::new).take(3).collect();
    let digest = format!("sha256:{}", "0a".repeat(32));
    place.runtime.block_on(async {
        let client = place.client();
        for expected in [true, false] {
            for pair in &pairs {
                assert_eq!(client.sign(&digest, &pair.signer()).await.unwrap(), expected, "once each");
            }
        }
        for pair in &pairs {
            assert_eq!(client.verify(&digest, &pair.signer().verifier()).await.unwrap(), Verdict::Signed);
        }
        let stranger = Pair::new().signer().verifier();
        let verdict = client.verify(&digest, &stranger).await.unwrap();
        assert_eq!(verdict, Verdict::Untrusted { others: 3, misplaced: 0 });
        let nobody = format!("sha256:{}", "0c".repeat(32));
        assert_eq!(client.verify(&nobody, &stranger).await.unwrap(), Verdict::Unsigned);
        // What is no list of signatures is left as it is.
        let foreign = Manifest::new(INDEX, serde_json::to_vec(&ImageIndex::of(Vec::new())).unwrap());
        client.put_manifest(&signature_tag(&nobody), &foreign).await.unwrap();
        let refused = client.sign(&nobody, &pairs[0].signer()).await.unwrap_err();
        assert!(matches!(refused, RegistryError::Foreign { .. }), "{refused}");
    });
    assert_eq!(place.signatures(&digest).len(), 3);
}

#[test]
fn what_the_key_did_not_sign_does_not_run() {
    let Some(place) = Place::new() else { return };
    let [ours, stranger] = [Pair::new(), Pair::new()];
    let env = [hub(), vec![("HELIX_VERIFY_KEY_FILE", ours.path("key.pub"))]].concat();
    let mut prod = Elsewhere::new(&place.table(REQUIRE), env);
    let image = prod.stub(2);
    let refused = prod.push(&image, &[]).code(11);
    assert_eq!(code_of(&refused), "E-DEPLOY-SIGNATURE", "{}", refused.stdout);
    assert!(refused.stdout.contains("it has no signature"), "{}", refused.stdout);
    assert_eq!(place.latest(), None, "no name of the instance points to it");
    let tags = place.runtime.block_on(async { place.client().tags().await.unwrap() });
    let head = place.runtime.block_on(async { place.client().head(&tags[0]).await.unwrap().unwrap() });
    let (digest, text) = (head.digest.clone(), text_for(&head.digest));

    let good = ours.sign(&text);
    let other_text = text_for(&format!("sha256:{}", "0b".repeat(32)));
    let mut bent = good.clone();
    *bent.last_mut().unwrap() ^= 1;
    let other_kind = String::from_utf8(text.clone()).unwrap().replace("cosign container image signature", "else");
    for (what, signature) in [
        ("another key", (text.clone(), stranger.sign(&text))),
        ("a changed signature", (text.clone(), bent)),
        ("a changed text", (text_for(&digest.replace("sha256:", "sha256: ")), good.clone())),
        ("the signature of another image", (other_text.clone(), ours.sign(&other_text))),
        ("a signature of something else", (other_kind.clone().into_bytes(), ours.sign(other_kind.as_bytes()))),
        ("no signature at all", (text.clone(), Vec::new())),
    ] {
        place.put_signatures(&digest, &[signature]);
        let refused = prod.push(&image, &[]).code(11);
        assert_eq!(code_of(&refused), "E-DEPLOY-SIGNATURE", "{what}: {}", refused.stdout);
        assert_eq!(place.latest(), None, "{what}");
    }
    place.put_signatures(&digest, &[(text.clone(), stranger.sign(&text)), (text.clone(), good)]);
    let pushed = data(prod.push(&image, &[]));
    assert_eq!((digest_of(&pushed), &pushed["signature"]), (digest.clone(), &Value::Null), "{pushed}");
    assert_eq!(place.latest(), Some(digest));
}

#[test]
fn a_release_without_a_signature_is_not_gone_back_to() {
    let Some(place) = Place::new() else { return };
    let pair = Pair::new();
    let mut prod = Elsewhere::new(&place.table(""), pair.env());
    let first = prod.stub(3);
    let unsigned = digest_of(&data(prod.push(&first, &[])));
    prod.configure(&place.table(&format!("{SIGN}{REQUIRE}")));
    let second = prod.stub(4);
    let pushed = data(prod.push(&second, &[]));
    let (signed, release) = (digest_of(&pushed), pushed["release"].as_str().unwrap().to_owned());
    let refused = prod.helix(&["rollback", "prod", "--json"]).code(11);
    assert_eq!(code_of(&refused), "E-DEPLOY-SIGNATURE", "{}", refused.stdout);
    assert_eq!(code_of(&prod.helix(&["rollback", "prod", "--dry-run", "--json"]).code(11)), "E-DEPLOY-SIGNATURE");
    assert_eq!(place.latest(), Some(signed.clone()), "nothing was moved");

    // With a signature it is: the public half is all that is needed for that.
    let text = text_for(&unsigned);
    place.put_signatures(&unsigned, &[(text.clone(), pair.sign(&text))]);
    prod.env = [hub(), vec![("HELIX_VERIFY_KEY", pair.text("key.pub"))]].concat();
    prod.helix(&["rollback", "prod", "--json"]).code(0);
    assert_eq!(place.latest(), Some(unsigned));
    prod.env = hub();
    let refused = prod.helix(&["rollback", "prod", "--to", &release, "--json"]).code(3);
    assert_eq!(code_of(&refused), "E-SIGN-KEY", "{}", refused.stdout);

    // What runs is signed later on, when that is turned on.
    prod.env = pair.env();
    place.put_signatures(&signed, &[]);
    prod.helix(&["push", "prod", "--force", "--image", &second]).code(0);
    place.put_signatures(&signed, &[]);
    let planned = data(prod.helix(&["plan", "prod", "--json", "--image", &second]));
    assert_eq!(planned["action"], json!({"kind": "update", "reason": "it is not signed"}), "{planned}");
    assert_eq!(data(prod.push(&second, &[]))["signature"]["added"], true);
}

#[test]
fn a_key_that_cannot_be_used_is_told_before_anything_is_built() {
    let Some(place) = Place::new() else { return };
    let [pair, other] = [Pair::new(), Pair::new()];
    let mut prod = Elsewhere::new(&place.table(SIGN), hub());
    let put = |name: &str, text: &str, mode: u32| {
        let path = pair.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let closed = pair.path("closed.pem");
    let (key, mut close) = (pair.path("key.pem"), vec!["pkcs8", "-topk8", "-v2", "aes-256-cbc"]);
    close.extend(["-passout", "pass:planted-password", "-in", &key, "-out", &closed]);
    openssl(&close);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o600)).unwrap();
    let older = pair.path("older.pem");
    openssl(&["ec", "-in", &key, "-out", &older]);
    fs::set_permissions(&older, fs::Permissions::from_mode(0o600)).unwrap();
    let wide = pair.path("wide.pem");
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", &wide]);
    let file = |path: String| vec![("HELIX_SIGNING_KEY_FILE", path)];
    let with = |path: &str, password: &str| {
        vec![("HELIX_SIGNING_KEY_FILE", path.to_owned()), ("HELIX_SIGNING_PASSWORD", password.to_owned())]
    };
    for (own, said) in [
        (vec![], "there is no key"),
        (file(pair.path("none.pem")), "No such file"),
        (file(put("open.pem", &pair.text("key.pem"), 0o644)), "others may read it (mode 644)"),
        (file(put("wrong.pem", "planted-password", 0o600)), "no PEM text of a private key"),
        (file(older), "SEC1"),
        (file(wide), "P-256"),
        (file(closed.clone()), "closed with a password"),
        (with(&closed, "planted-wrong"), "the password does not open it"),
        ([file(key.clone()), vec![("HELIX_VERIFY_KEY", "planted-password".to_owned())]].concat(), ""),
    ] {
        prod.env = [hub(), own].concat();
        if said.is_empty() {
            prod.configure(&place.table(&format!("{SIGN}{REQUIRE}")));
        }
        let refused = prod.helix(&["push", "prod", "--json"]).code(3);
        let told = format!("{}{}", refused.stdout, refused.stderr);
        assert_eq!(code_of(&refused), "E-SIGN-KEY", "{said}: {told}");
        assert!(
            told.contains(said) && told.contains("openssl") | told.contains("chmod") | told.contains("PASSWORD"),
            "{told}"
        );
        assert!(!told.contains("planted-"), "{told}");
        assert!(!prod.boxed.project.root().join(".helix/prod/build.log").exists(), "nothing was built");
        let planned = data(prod.helix(&["plan", "prod", "--json"]));
        assert_eq!(planned["findings"][0]["code"], "E-SIGN-KEY", "{planned}");
    }
    // Two keys that are no pair would sign what then is not run.
    prod.env = [pair.env(), vec![("HELIX_VERIFY_KEY_FILE", other.path("key.pub"))]].concat();
    assert!(prod.helix(&["push", "prod", "--json"]).code(3).stdout.contains("not of one pair"));

    // Those that can be: closed with a password; in a variable, on one line; named by the project's own file of variables.
    prod.configure(&place.table(SIGN));
    let image = prod.stub(5);
    prod.env = [hub(), with(&closed, "planted-password")].concat();
    assert_eq!(data(prod.push(&image, &[]))["signature"]["key"], json!(pair.id()));
    let line = other.text("key.pem").replace('\n', "\\n");
    prod.env = [hub(), vec![("HELIX_SIGNING_KEY", line)]].concat();
    assert_eq!(data(prod.push(&image, &[]))["signature"]["key"], json!(other.id()));
    prod.env = hub();
    prod.boxed.project.write(".env", "HELIX_SIGNING_KEY_FILE=signing.pem\n");
    let inside: PathBuf = prod.boxed.project.root().join("signing.pem");
    fs::copy(&key, &inside).unwrap();
    assert_eq!(
        data(prod.push(&image, &["--force"]))["signature"],
        json!({"key": pair.id(), "tag":
        place.runtime.block_on(async { signature_tag(&place.client().head("latest").await.unwrap().unwrap().digest) }),
        "added": false})
    );
    fs::remove_file(&inside).unwrap();
    leaks(prod.boxed.project.root().parent().unwrap());
}

#[track_caller]
fn leaks(root: &Path) {
    leaks_nothing(root, "planted-password");
}

#[test]
fn a_platform_runs_signed_images_alone() {
    let Some(place) = Place::new() else { return };
    let pair = Pair::new();
    let mock = FlyMock::start();
    mock.state().any_image = Some(Behaviour::Good);
    let env = vec![
        ("FLY_API_TOKEN", TOKEN.to_owned()),
        ("FLY_FLAPS_BASE_URL", mock.url()),
        ("FLY_API_BASE_URL", mock.url()),
        ("FLY_REGISTRY_HOST", place.registry.host.clone()),
        ("HELIX_SIGNING_KEY_FILE", pair.path("key.pem")),
    ];
    let table = |more: &str| format!("[cloud.prod.fly]\nregion = \"fra\"\n{more}");
    let mut prod = Elsewhere::new(&table(""), env);
    let first = prod.stub(6);
    data(prod.push(&first, &[]));
    prod.configure(&table(REQUIRE));
    let second = prod.stub(7);
    mock.take_journal();
    assert_eq!(code_of(&prod.push(&second, &[]).code(11)), "E-DEPLOY-SIGNATURE");
    let changed =
        mock.take_journal().into_iter().filter(|call| call.path.contains("/machines/") && call.method == "POST");
    let changed: Vec<String> = changed.map(|call| call.path).filter(|path| !path.contains("/lease")).collect();
    assert!(changed.is_empty(), "what runs was touched: {changed:?}");
    prod.configure(&table(&format!("{SIGN}{REQUIRE}")));
    let pushed = data(prod.push(&second, &[]));
    assert_eq!((&pushed["signature"]["added"], &pushed["health"]), (&json!(true), &json!("healthy")), "{pushed}");
    let refused = prod.helix(&["rollback", "prod", "--allow-breaking", "--json"]).code(11);
    assert_eq!(code_of(&refused), "E-DEPLOY-SIGNATURE", "{}", refused.stdout);
}
