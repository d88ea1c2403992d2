//! The HTTP contract over a real socket: statuses, bodies, keys, limits, keep-alive, draining, and plans that change under load.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use helix::compiler::{self, SourceSet};
use helix_engine::server::{Server, ServerOptions};
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use helix_plan::Program;
use sha2::{Digest as _, Sha256};

const APP: &str = r"
N::User { UNIQUE INDEX email: String, age: U8 }
QUERY add(email: String, age: U8) =>
    user <- AddN<User>({ email: email, age: age })
    RETURN user::{email}
QUERY get(email: String) =>
    user <- N<User>({ email: email })
    RETURN user::{age}
QUERY all() =>
    users <- N<User>
    RETURN users::{email}
QUERY none() => RETURN NONE
";

fn program(text: &str) -> Program {
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), text.to_owned())]));
    compiled.program.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics))
}

struct Host {
    engine: Arc<Engine>,
    server: Option<Server>,
}

impl Host {
    fn new(configure: impl FnOnce(&mut ServerOptions)) -> Self {
        let engine = Engine::in_memory(EngineOptions::default()).unwrap();
        engine.activate(&program(APP), ActivateOptions::default()).unwrap();
        let mut options = ServerOptions::new("127.0.0.1:0".parse().unwrap());
        configure(&mut options);
        let server = Server::start(engine.clone(), options).unwrap();
        Self { engine, server: Some(server) }
    }

    fn connect(&self) -> TcpStream {
        let address = self.server.as_ref().unwrap().address();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends a request as it is and reads one response: status, head, body.
    fn send(&self, request: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        response(&mut stream)
    }

    fn post(&self, query: &str, body: &str) -> (u16, String) {
        let (status, _, body) = self.send(&post(query, body, ""));
        (status, body)
    }

    fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        (status, body)
    }
}

fn post(query: &str, body: &str, headers: &str) -> String {
    format!("POST /{query} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Reads one response with a Content-Length.
fn response(stream: &mut TcpStream) -> (u16, String, String) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "the connection ended: {}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (status, head, String::from_utf8(body).unwrap())
}

#[test]
fn routes_and_errors_answer_as_the_contract_says() {
    let host = Host::new(|_| {});
    assert_eq!(host.post("add", r#"{"email":"a@x","age":3}"#), (200, r#"{"user":"a@x"}"#.to_owned()));
    assert_eq!(host.post("get", r#"{"email":"a@x"}"#), (200, r#"{"user":3}"#.to_owned()));
    assert_eq!(host.post("none", ""), (200, "null".to_owned()));
    let errors = [
        (host.post("add", r#"{"email":"a@x","age":3}"#), 409, "GRAPH_ERROR", "Duplicate key on unique index: email"),
        (host.post("get", r#"{"email":"b@x"}"#), 404, "GRAPH_ERROR", "Graph error: No value found"),
        (host.post("get", "{}"), 400, "GRAPH_ERROR", "Decode error: missing field `email`"),
        (host.post("Get", "{}"), 404, "NOT_FOUND", "Couldn't find `Get` of type Query"),
        (host.post("mcp/tool", "{}"), 404, "NOT_FOUND", "Couldn't find `tool` of type MCP"),
        (host.post("a/b", "{}"), 400, "BAD_REQUEST", "A query's path has one segment"),
        (host.get("/get"), 405, "METHOD_NOT_ALLOWED", "Only POST is allowed here"),
        (host.post("healthz/x", ""), 400, "BAD_REQUEST", "A query's path has one segment"),
    ];
    for ((status, body), expected, code, message) in errors {
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body), (expected, &serde_json::json!({"error": message, "code": code})));
    }
    let (status, head, _) = host.send(&post("none", "", "Content-Type: application/json; charset=utf-8\r\n"));
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert_eq!(host.send(&post("none", "", "Content-Type: text/plain\r\n")).0, 200);
    for (header, bytes, expected) in [
        ("Content-Type", "text/é".as_bytes(), 200),
        ("Accept", "text/é".as_bytes(), 200),
        ("Content-Type", b"text/\xff".as_slice(), 415),
        ("Accept", b"text/\xff".as_slice(), 400),
    ] {
        let mut stream = host.connect();
        stream
            .write_all(&[b"POST /none HTTP/1.1\r\nHost: x\r\n", header.as_bytes(), b": ", bytes, b"\r\n\r\n"].concat())
            .unwrap();
        assert_eq!(response(&mut stream).0, expected, "{header}: {bytes:?}");
    }
    assert_eq!(host.get("/healthz").0, 200);
    assert_eq!(host.get("/readyz"), (200, r#"{"status":"ready","queries":4}"#.to_owned()));
}

#[test]
fn introspection_lists_schema_and_queries() {
    let host = Host::new(|_| {});
    let (status, body) = host.get("/introspect");
    assert_eq!(status, 200);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        body["schema"]["nodes"],
        serde_json::json!([{"name": "User", "properties": {"id": "ID", "label": "String", "email": "String", "age": "U8"}}])
    );
    let add = serde_json::json!({"name": "add", "parameters": {"email": "String", "age": "U8"}, "returns": [], "access": "write"});
    assert_eq!(body["queries"][0], add);
}

#[test]
fn introspection_lists_the_plain_variables_that_a_query_returns() {
    let host = Host::new(|_| {});
    let text = "N::User { UNIQUE INDEX email: String, age: U8 }\nQUERY plain(a: U8, b: U8) => RETURN a, b\nQUERY keys(a: U8) => RETURN {x: a, y: 1}\nQUERY list(a: U8) => RETURN [a]";
    host.engine.activate(&program(text), ActivateOptions::default()).unwrap();
    let body: serde_json::Value = serde_json::from_str(&host.get("/introspect").1).unwrap();
    let returns: Vec<_> =
        body["queries"].as_array().unwrap().iter().map(|query| query["returns"].to_string()).collect();
    assert_eq!(returns, ["[]", "[]", r#"["a","b"]"#]);
}

#[test]
fn metrics_count_requests_by_query_and_status() {
    let host = Host::new(|_| {});
    host.post("none", "");
    host.post("get", "{}");
    host.post("made-up-name", "{}");
    let (status, text) = host.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        r#"helix_requests_total{query="none",status="200"} 1"#,
        r#"helix_requests_total{query="get",status="400"} 1"#,
        r#"helix_requests_total{query="(none)",status="404"} 1"#,
        "helix_writer_queue 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    assert!(!text.contains("made-up-name"), "a stranger's words become a label");
}

#[test]
fn an_api_key_protects_queries_and_introspection() {
    let host = Host::new(|options| options.api_key_sha256 = Some(Sha256::digest(b"secret").into()));
    assert_eq!(host.post("none", "").0, 400);
    assert_eq!(host.get("/introspect").0, 400);
    let (status, _, body) = host.send(&post("none", "", "x-api-key: wrong\r\n"));
    assert_eq!((status, body.as_str()), (403, r#"{"error":"Invalid API key","code":"INVALID_API_KEY"}"#));
    assert_eq!(host.send(&post("none", "", "x-api-key: secret\r\n")).0, 200);
    assert_eq!(host.send(&post("unknown", "", "x-api-key: wrong\r\n")).0, 403, "names are not told without the key");
    assert_eq!(host.get("/healthz").0, 200);
}

#[test]
fn bodies_over_the_limit_are_refused() {
    let host = Host::new(|options| options.max_body_bytes = 100);
    let (status, body) = host.post("get", &format!(r#"{{"email":"{}"}}"#, "x".repeat(200)));
    assert_eq!(status, 413, "{body}");
    assert!(body.contains("PAYLOAD_TOO_LARGE"), "{body}");
    assert_eq!(host.post("none", "").0, 200);
}

#[test]
fn a_connection_is_kept_and_pipelined_requests_are_answered_in_order() {
    let host = Host::new(|_| {});
    let mut stream = host.connect();
    let requests: String = (0..20).map(|n| post("add", &format!(r#"{{"email":"{n}","age":{n}}}"#), "")).collect();
    stream.write_all(requests.as_bytes()).unwrap();
    for n in 0..20 {
        let (status, _, body) = response(&mut stream);
        assert_eq!((status, body), (200, format!(r#"{{"user":"{n}"}}"#)));
    }
}

#[test]
fn a_failing_request_among_good_ones_fails_alone() {
    let host = Host::new(|_| {});
    let address = host.server.as_ref().unwrap().address();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let mut statuses = Vec::new();
                for n in 0..50 {
                    // Every writer adds its own, and fights with the others over one.
                    let name = if n % 5 == 0 { "same".to_owned() } else { format!("{writer}-{n}") };
                    stream.write_all(post("add", &format!(r#"{{"email":"{name}","age":1}}"#), "").as_bytes()).unwrap();
                    statuses.push((n % 5 == 0, response(&mut stream).0));
                }
                statuses
            })
        })
        .collect();
    let statuses: Vec<(bool, u16)> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    assert!(statuses.iter().filter(|(same, _)| !same).all(|(_, status)| *status == 200));
    assert_eq!(statuses.iter().filter(|(same, status)| *same && *status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|(same, status)| *same && *status == 409).count(), 79);
    let (_, body) = host.post("all", "");
    assert_eq!(body.matches(',').count() + 1, 8 * 40 + 1);
    assert_eq!(host.engine.verify().unwrap().findings, Vec::<String>::new());
}

#[test]
fn plans_change_under_load_without_a_failed_request() {
    let host = Host::new(|_| {});
    let address = host.server.as_ref().unwrap().address();
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (stop, answered) = (stop.clone(), answered.clone());
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    let add = post("add", &format!(r#"{{"email":"{client}-{n}","age":1}}"#), "");
                    for request in
                        [add, post("get", &format!(r#"{{"email":"{client}-{n}"}}"#), ""), post("all", "", "")]
                    {
                        stream.write_all(request.as_bytes()).unwrap();
                        let (status, _, body) = response(&mut stream);
                        assert_eq!(status, 200, "{body}");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    n += 1;
                }
            })
        })
        .collect();
    let mut schema_fields = String::new();
    for round in 0..20 {
        // Each program has a query more, and every other one a field more: rows of all layouts are read.
        if round % 2 == 0 {
            schema_fields.push_str(&format!(", extra{round}: I32 DEFAULT {round}"));
        }
        let text = APP.replace("age: U8 }", &format!("age: U8{schema_fields} }}"));
        let text = format!("{text}\nQUERY round{round}() => RETURN {round}");
        let activated = host.engine.activate(&program(&text), ActivateOptions::default()).unwrap();
        assert!(activated.changed);
        assert_eq!(host.post(&format!("round{round}"), ""), (200, format!(r#"{{"data":{round}}}"#)));
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    assert!(answered.load(Ordering::Relaxed) >= 12, "no client got through a round");
    assert_eq!(host.engine.verify().unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_plan_that_cannot_follow_leaves_the_old_one_serving() {
    let host = Host::new(|_| {});
    host.post("add", r#"{"email":"a@x","age":3}"#);
    let narrowed = program(&APP.replace("age: U8", "age: String").replace(", age: age", "").replace(", age: U8", ""));
    let error = host.engine.activate(&narrowed, ActivateOptions::default()).unwrap_err();
    assert!(error.to_string().contains("N::User.age"), "{error}");
    assert_eq!(host.post("get", r#"{"email":"a@x"}"#), (200, r#"{"user":3}"#.to_owned()));
    host.engine.activate(&narrowed, ActivateOptions { allow_breaking: true }).unwrap();
    assert_eq!(host.post("get", r#"{"email":"a@x"}"#), (200, r#"{"user":null}"#.to_owned()));
}

#[test]
fn values_that_are_not_unique_refuse_the_activation_and_both_items_are_named() {
    let plain = APP.replace("UNIQUE INDEX email", "INDEX email");
    let engine = Engine::in_memory(EngineOptions::default()).unwrap();
    engine.activate(&program(&plain), ActivateOptions::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..2 {
        runtime.block_on(engine.call("add", r#"{"email":"a@x","age":3}"#.into())).unwrap();
    }
    let error = engine.activate(&program(APP), ActivateOptions::default()).unwrap_err().to_string();
    assert!(error.contains("N::User.email cannot be unique"), "{error}");
    let ids = error.split_whitespace().filter(|word| word.parse::<uuid::Uuid>().is_ok());
    assert_eq!(ids.count(), 2, "both items are named: {error}");
    runtime.block_on(engine.call("add", r#"{"email":"a@x","age":3}"#.into())).unwrap();
}

#[test]
fn stopping_answers_what_is_in_flight() {
    let mut host = Host::new(|_| {});
    let address = host.server.as_ref().unwrap().address();
    let clients: Vec<_> = (0..4)
        .map(|client| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                for n in 0.. {
                    let request = post("add", &format!(r#"{{"email":"{client}-{n}","age":1}}"#), "");
                    if stream.write_all(request.as_bytes()).is_err() {
                        return n;
                    }
                    let mut first = [0];
                    // A request that was not taken ends with the connection, never with half an answer.
                    match stream.read(&mut first) {
                        Ok(1) => {}
                        Ok(_) | Err(_) => return n,
                    }
                    let (status, _, _) = response_after(&mut stream, first[0]);
                    assert_eq!(status, 200);
                }
                0
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    host.server.take().unwrap().stop();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let acknowledged: u64 = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert!(acknowledged > 0);
    host.engine.close().unwrap();
    assert!(TcpStream::connect(address).is_err(), "the port is free");
}

fn response_after(stream: &mut TcpStream, first: u8) -> (u16, String, String) {
    assert_eq!(first, b'H');
    let mut rest = Vec::from([first]);
    let mut byte = [0];
    while !rest.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        rest.push(byte[0]);
    }
    let head = String::from_utf8(rest).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length: usize = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (status, head, String::from_utf8(body).unwrap())
}

#[test]
fn a_second_server_on_the_port_is_an_error() {
    let host = Host::new(|_| {});
    let address = host.server.as_ref().unwrap().address();
    let engine = Engine::in_memory(EngineOptions::default()).unwrap();
    let error = Server::start(engine, ServerOptions::new(address)).unwrap_err();
    assert!(error.to_string().contains("cannot listen on"), "{error}");
}

#[test]
fn data_and_program_survive_a_restart_and_the_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let engine = Engine::open(folder.path(), EngineOptions::default()).unwrap();
    engine.activate(&program(APP), ActivateOptions::default()).unwrap();
    runtime.block_on(engine.call("add", r#"{"email":"a@x","age":3}"#.into())).unwrap();
    let second = Engine::open(folder.path(), EngineOptions::default()).unwrap_err();
    assert!(second.to_string().contains("in use by process"), "{second}");
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(folder.path(), EngineOptions::default()).unwrap();
    let answer = runtime.block_on(engine.call("get", r#"{"email":"a@x"}"#.into())).unwrap();
    assert_eq!(&answer[..], br#"{"user":3}"#);
    assert!(!engine.activate(&program(APP), ActivateOptions::default()).unwrap().changed);
}
