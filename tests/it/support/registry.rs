//! Registries for tests: Debian's `docker-registry` on the loopback, open, with passwords, or with tokens of a token service in here;
//! and what stands between it and the client: a proxy that writes down, answers in its place, or cuts.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::free_port;

/// Whether a program is there. That it is not is a failure where containers are required.
pub fn installed(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !is_there {
        let required = std::env::var_os("HELIX_REQUIRE_DOCKER").is_some();
        assert!(!required, "HELIX_REQUIRE_DOCKER is set, and `{program}` is missing: install {package}");
        eprintln!("skipped: there is no `{program}`: install {package}");
    }
    is_there
}

/// How a registry is logged in to.
pub enum Login<'a> {
    Open,
    Password(&'a str, &'a str),
    Token(&'a TokenService),
}

/// A registry that runs.
pub struct Registry {
    child: Child,
    folder: tempfile::TempDir,
    pub host: String,
}

impl Registry {
    /// Starts one; `None` where the program is missing.
    pub async fn start(login: Login<'_>) -> Option<Self> {
        if !installed("docker-registry", "the package docker-registry") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let host = format!("127.0.0.1:{}", free_port());
        let path = |name: &str| folder.path().join(name).display().to_string();
        let auth = match login {
            Login::Open => String::new(),
            Login::Password(user, password) => {
                let hash = bcrypt::hash_with_result(password, 4).unwrap().format_for_version(bcrypt::Version::TwoY);
                std::fs::write(path("htpasswd"), format!("{user}:{hash}\n")).unwrap();
                format!("auth: {{htpasswd: {{realm: test, path: {}}}}}", path("htpasswd"))
            }
            Login::Token(service) => {
                std::fs::write(path("cert.pem"), &service.shared.certificate).unwrap();
                let (realm, bundle) = (&service.realm, path("cert.pem"));
                format!(
                    "auth: {{token: {{realm: \"{realm}\", service: test, issuer: test, rootcertbundle: {bundle}}}}}"
                )
            }
        };
        let config = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"{host}\", secret: fixed}}\n{auth}\n",
            path("data")
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let log = std::fs::File::create(path("log")).unwrap();
        let mut command = Command::new("docker-registry");
        command.args(["serve", &path("config.yml")]).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let log = path("log");
        let registry = Self { child, folder, host };
        listens(&registry.host, &log).await;
        Some(registry)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the registry says:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until somebody listens.
pub async fn listens(host: &str, log: &str) {
    let began = Instant::now();
    while TcpStream::connect(host).await.is_err() {
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(began.elapsed() < Duration::from_secs(30), "nobody listens at {host}:\n{}", log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A token service: `writer` may do everything, `reader` pull, both with the password of the service; so may who has its identity
/// token.
pub struct TokenService {
    pub realm: String,
    shared: Arc<Issuer>,
}

struct Issuer {
    certificate: String,
    certificate_der: Vec<u8>,
    key: ring::signature::EcdsaKeyPair,
    password: String,
    identity: String,
    asked: Mutex<Vec<Vec<String>>>,
}

impl TokenService {
    pub async fn start(password: &str, identity: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["test".to_owned()]).unwrap().self_signed(&key).unwrap();
        let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = ring::rand::SystemRandom::new();
        let shared = Arc::new(Issuer {
            certificate: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key: ring::signature::EcdsaKeyPair::from_pkcs8(algorithm, &key.serialize_der(), &random).unwrap(),
            password: password.to_owned(),
            identity: identity.to_owned(),
            asked: Mutex::default(),
        });
        let routes = Router::new().route("/token", get(token).post(refresh)).with_state(shared.clone());
        let host = serve(routes).await;
        Self { realm: format!("http://{host}/token"), shared }
    }

    /// The scopes of each token that was asked for.
    pub fn asked(&self) -> Vec<Vec<String>> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    host
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{query}")).unwrap();
    url.query_pairs().into_owned().collect()
}

async fn token(State(issuer): State<Arc<Issuer>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let scopes: Vec<String> = pairs(&query.unwrap_or_default())
        .into_iter()
        .filter_map(|(name, value)| (name == "scope").then_some(value))
        .collect();
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let login = basic.map(|basic| String::from_utf8(STANDARD.decode(basic).unwrap()).unwrap());
    let (user, password) = login.as_deref().and_then(|login| login.split_once(':')).unwrap_or_default();
    if password != issuer.password {
        return (StatusCode::UNAUTHORIZED, Json(json!({"details": "incorrect username or password"}))).into_response();
    }
    issuer.issue(&scopes, user == "writer")
}

async fn refresh(State(issuer): State<Arc<Issuer>>, body: String) -> Response {
    let form: BTreeMap<String, String> = pairs(&body).into_iter().collect();
    if form.get("grant_type").is_none_or(|kind| kind != "refresh_token") || form["refresh_token"] != issuer.identity {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let scopes: Vec<String> = form["scope"].split(' ').map(str::to_owned).collect();
    issuer.issue(&scopes, true)
}

impl Issuer {
    fn issue(&self, scopes: &[String], may_write: bool) -> Response {
        self.asked.lock().unwrap().push(scopes.to_vec());
        let access: Vec<Value> = scopes
            .iter()
            .map(|scope| {
                let mut parts = scope.splitn(3, ':');
                let (kind, name, actions) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
                let actions: Vec<&str> = actions.split(',').filter(|action| may_write || *action == "pull").collect();
                json!({"type": kind, "name": name, "actions": actions})
            })
            .collect();
        let now = jiff::Timestamp::now().as_second();
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({"typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(&self.certificate_der)]});
        let claims = json!({"iss": "test", "sub": "test", "aud": "test", "exp": now + 300, "nbf": now - 5, "iat": now,
            "jti": "1", "access": access});
        let signed = format!("{}.{}", encode(&head), encode(&claims));
        let signature = self.key.sign(&ring::rand::SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        Json(json!({"token": token, "expires_in": 300})).into_response()
    }
}

/// What a proxy does in place of the registry.
#[derive(Clone)]
pub struct Fault {
    pub method: Method,
    /// A part of the path.
    pub path: &'static str,
    /// How often.
    pub times: usize,
    pub answer: Answer,
}

#[derive(Clone)]
pub enum Answer {
    Status(u16, Vec<(&'static str, String)>, &'static str),
    /// Answers as the registry does, with its `Location` at another host.
    Elsewhere(String),
}

/// A request that a proxy has seen.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub has_login: bool,
    /// What is asked for, where the API is one of AWS.
    pub action: Option<String>,
}

/// Stands between the client and a registry.
pub struct Proxy {
    pub host: String,
    shared: Arc<Between>,
}

struct Between {
    upstream: String,
    client: reqwest::Client,
    faults: Mutex<Vec<Fault>>,
    journal: Mutex<Vec<Seen>>,
}

impl Proxy {
    pub async fn start(upstream: &str, faults: Vec<Fault>) -> Self {
        let client = helix::http::client(None).unwrap();
        let shared = Arc::new(Between {
            upstream: upstream.to_owned(),
            client,
            faults: Mutex::new(faults),
            journal: Mutex::default(),
        });
        let host = serve(Router::new().fallback(between).with_state(shared.clone())).await;
        Self { host, shared }
    }

    /// What was seen, since it was last asked.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.journal.lock().unwrap())
    }

    /// The faults that did not come about.
    pub fn left(&self) -> usize {
        self.shared.faults.lock().unwrap().iter().map(|fault| fault.times).sum()
    }
}

async fn between(State(between): State<Arc<Between>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 30).await.unwrap_or_default();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let has_login = parts.headers.contains_key(header::AUTHORIZATION);
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).map(str::to_owned);
    let form =
        || String::from_utf8_lossy(&body).split('&').find_map(|pair| Some(pair.strip_prefix("Action=")?.to_owned()));
    let action = target.or_else(|| if path == "/" { form() } else { None });
    between.journal.lock().unwrap().push(Seen { method: parts.method.clone(), path: path.clone(), has_login, action });
    let answer = {
        let mut faults = between.faults.lock().unwrap();
        let fault = faults
            .iter_mut()
            .find(|fault| fault.times > 0 && fault.method == parts.method && path.contains(fault.path));
        fault.map(|fault| {
            fault.times -= 1;
            fault.answer.clone()
        })
    };
    if let Some(Answer::Status(status, headers, body)) = &answer {
        let mut response = Response::new(Body::from(*body));
        *response.status_mut() = StatusCode::from_u16(*status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        return response;
    }
    // With the host of this proxy, so that addresses of the registry lead through it.
    let url = format!("http://{}{path}", between.upstream);
    let call = between.client.request(parts.method, url).headers(parts.headers).body(body);
    let Ok(answered) = call.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answered.status();
    *response.headers_mut() = answered.headers().clone();
    if let Some(Answer::Elsewhere(host)) = answer {
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        let mut moved = reqwest::Url::parse(location).unwrap();
        let (name, port) = host.split_once(':').unwrap();
        moved.set_host(Some(name)).unwrap();
        moved.set_port(port.parse().ok()).unwrap();
        let moved = HeaderValue::from_str(moved.as_str()).unwrap();
        response.headers_mut().insert(header::LOCATION, moved);
    }
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    *response.body_mut() = Body::from(answered.bytes().await.unwrap_or_default());
    response
}

/// Stands between the client and a registry, and cuts the first connections that send more than so many bytes of a stream.
pub struct Cutter {
    pub host: String,
    cuts: Arc<AtomicUsize>,
}

impl Cutter {
    pub async fn start(upstream: &str, after: usize, times: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let cuts = Arc::new(AtomicUsize::new(0));
        let (counted, upstream) = (cuts.clone(), upstream.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&upstream).await else { return };
                tokio::spawn(carry(client, server, after, times, counted.clone()));
            }
        });
        Self { host, cuts }
    }

    /// How often it has cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: TcpStream, after: usize, times: usize, cuts: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 64 << 10];
    let mut streamed = None;
    while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
        let is_stream = buffer[..count].windows(6).any(|window| window == b"PATCH ");
        if is_stream {
            streamed = Some(0);
        }
        if let Some(streamed) = &mut streamed {
            *streamed += count;
            let wants_more = cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |cuts| {
                (*streamed > after && cuts < times).then_some(cuts + 1)
            });
            if wants_more.is_ok() {
                break;
            }
        }
        if to_server.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    // Nobody hears what the registry makes of half an upload.
    answers.abort();
    let _ = answers.await;
    drop(to_server);
}

/// A registry of uploads only, in memory, which goes on with a cut upload as the distribution specification says: what
/// `docker-registry` refuses.
#[derive(Clone, Default)]
pub struct Resumable {
    upload: Arc<Mutex<Vec<u8>>>,
    blob: Arc<Mutex<Option<Vec<u8>>>>,
    ranges: Arc<Mutex<Vec<String>>>,
    /// How much it keeps of one request at most, when that is not all.
    keeps: Option<usize>,
}

impl Resumable {
    /// One that keeps so many bytes of each request only.
    pub fn keeping(most: usize) -> Self {
        Self { keeps: Some(most), ..Self::default() }
    }

    pub async fn start(&self) -> String {
        serve(Router::new().fallback(resumable).with_state(self.clone())).await
    }

    pub fn blob(&self) -> Option<Vec<u8>> {
        self.blob.lock().unwrap().clone()
    }

    /// The ranges that uploads went on with.
    pub fn ranges(&self) -> Vec<String> {
        self.ranges.lock().unwrap().clone()
    }
}

async fn resumable(State(registry): State<Resumable>, request: Request) -> Response {
    use futures_util::StreamExt as _;
    let (parts, body) = request.into_parts();
    let at = |status: StatusCode, arrived: usize| {
        let range = format!("0-{}", arrived.saturating_sub(1));
        (status, [(header::LOCATION, "/upload".to_owned()), (header::RANGE, range)]).into_response()
    };
    match (parts.method, parts.uri.path()) {
        (Method::GET, "/v2/") => StatusCode::OK.into_response(),
        (Method::POST, _) => {
            registry.upload.lock().unwrap().clear();
            at(StatusCode::ACCEPTED, 0)
        }
        (Method::GET, "/upload") => at(StatusCode::NO_CONTENT, registry.upload.lock().unwrap().len()),
        (Method::PATCH, "/upload") => {
            if let Some(range) = parts.headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok()) {
                registry.ranges.lock().unwrap().push(range.to_owned());
                let arrived = registry.upload.lock().unwrap().len();
                if range.split('-').next() != Some(arrived.to_string().as_str()) {
                    return at(StatusCode::RANGE_NOT_SATISFIABLE, arrived);
                }
            }
            let mut room = registry.keeps.unwrap_or(usize::MAX);
            let mut pieces = body.into_data_stream();
            while let Some(piece) = pieces.next().await {
                let Ok(piece) = piece else { return StatusCode::BAD_REQUEST.into_response() };
                let kept = piece.len().min(room);
                registry.upload.lock().unwrap().extend_from_slice(&piece[..kept]);
                room -= kept;
            }
            at(StatusCode::ACCEPTED, registry.upload.lock().unwrap().len())
        }
        (Method::PUT, "/upload") => {
            *registry.blob.lock().unwrap() = Some(std::mem::take(&mut *registry.upload.lock().unwrap()));
            StatusCode::CREATED.into_response()
        }
        (Method::HEAD, _) if registry.blob().is_some() => StatusCode::OK.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
