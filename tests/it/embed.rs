//! `Embed`: texts go to a provider before the transaction, each once, and failures store nothing and tell no key.

use std::sync::Arc;

use helix::compiler::{self, SourceSet};
use helix_engine::embed::{EmbeddingConfig, HttpEmbedder, Model};
use helix_engine::service::settings::{EMBEDDING_VARS, EngineSettings, engine_options};
use helix_engine::{ActivateOptions, Engine, EngineOptions};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const APP: &str = r#"
V::Doc { title: String }
QUERY add(title: String) =>
    doc <- AddV<Doc>(Embed(title), { title: title })
    RETURN doc::{title}
QUERY load(titles: [String]) =>
    FOR title IN titles { AddV<Doc>(Embed(title), { title: title }) }
    RETURN NONE
QUERY near(text: String) =>
    docs <- SearchV<Doc>(Embed(text), 2)
    RETURN docs::{title}
QUERY fixed() =>
    docs <- SearchV<Doc>(Embed("bb"), 1)
    RETURN docs::{title}
#[model("openai:large")]
QUERY other(title: String) =>
    doc <- AddV<Doc>(Embed(title), { title: title })
    RETURN doc::{title}
#[model("local")]
QUERY here(title: String) =>
    doc <- AddV<Doc>(Embed(title), { title: title })
    RETURN doc::{title}
QUERY count() =>
    n <- V<Doc>::COUNT
    RETURN n
N::User { bio: String }
QUERY join(bio: String) =>
    user <- AddN<User>({ bio: bio })
    doc <- AddV<Doc>(Embed(user::{bio}), { title: bio })
    RETURN doc::{title, data}
QUERY literal() =>
    text <- "bbb"
    docs <- SearchV<Doc>(Embed(text), 1)
    RETURN docs::{title}
QUERY list() =>
    texts <- ["a", "b", "a"]
    FOR text IN texts { AddV<Doc>(Embed(text), { title: text }) }
    RETURN V<Doc>::{title}
QUERY all_users() =>
    users <- N<User>
    FOR user IN users { AddV<Doc>(Embed(user::{bio}), { title: user::{bio} }) }
    RETURN V<Doc>::COUNT
QUERY chain(text: String) =>
    first <- SearchV<Doc>(Embed(text), 1)::FIRST
    second <- SearchV<Doc>(Embed(first::{title}), 2)
    RETURN { first: first::{title}, second: second::{title} }
"#;

/// A text's vector here: how many `a` and `b` it has.
fn vector(text: &str) -> Value {
    json!([text.matches('a').count(), text.matches('b').count()])
}

fn engine(config: EmbeddingConfig) -> Arc<Engine> {
    let embedder = HttpEmbedder::new(config);
    engine_with(EngineOptions { embedder: Some(Arc::new(embedder)), ..EngineOptions::default() })
}

fn engine_with(options: EngineOptions) -> Arc<Engine> {
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), APP.to_owned())]));
    let program = compiled.program.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    let engine = Engine::in_memory(options).unwrap();
    engine.activate(&program, ActivateOptions::default()).unwrap();
    engine
}

async fn call(engine: &Engine, query: &str, body: Value) -> Value {
    match engine.call(query, body.to_string().into()).await {
        Ok(answer) => serde_json::from_slice(&answer).unwrap(),
        Err(error) => json!([error.status(), error.to_string()]),
    }
}

fn openai(request: &Request) -> ResponseTemplate {
    let body: Value = request.body_json().unwrap();
    let texts = body["input"].as_array().unwrap();
    // In reverse, to see that the index counts.
    let data = texts.iter().enumerate().rev();
    let data: Vec<Value> =
        data.map(|(index, text)| json!({"index": index, "embedding": vector(text.as_str().unwrap())})).collect();
    ResponseTemplate::new(200).set_body_json(json!({"data": data}))
}

#[tokio::test]
async fn openai_embeds_each_text_of_a_query_in_one_call() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/embeddings"))
        .and(header("authorization", "Bearer planted-key"))
        .and(body_partial_json(json!({"model": "small"})))
        .respond_with(openai)
        .mount(&server)
        .await;
    let mut config = EmbeddingConfig::new(Model::parse("openai:small").unwrap());
    config.openai_api_key = Some("planted-key".to_owned());
    config.openai_base_url = server.uri();
    let engine = engine(config);
    assert_eq!(call(&engine, "add", json!({"title": "aaa"})).await, json!({"doc": "aaa"}));
    assert_eq!(call(&engine, "load", json!({"titles": ["bbb", "ab", "bbb"]})).await, Value::Null);
    assert_eq!(call(&engine, "near", json!({"text": "a"})).await, json!({"docs": ["aaa", "ab"]}));
    assert_eq!(call(&engine, "fixed", json!({})).await, json!({"docs": ["bbb"]}));
    let requests = server.received_requests().await.unwrap();
    let inputs: Vec<Value> =
        requests.iter().map(|request| request.body_json::<Value>().unwrap()["input"].clone()).collect();
    assert_eq!(inputs, [json!(["aaa"]), json!(["bbb", "ab"]), json!(["a"]), json!(["bb"])]);
}

#[tokio::test]
async fn texts_that_only_a_run_tells_are_embedded_between_two_runs() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(openai).mount(&server).await;
    let mut config = EmbeddingConfig::new(Model::parse("openai:small").unwrap());
    config.openai_api_key = Some("planted-key".to_owned());
    config.openai_base_url = server.uri();
    let engine = engine(config);
    let inputs = async || -> Vec<Value> {
        let requests = server.received_requests().await.unwrap();
        let inputs = requests.iter().map(|request| request.body_json::<Value>().unwrap()["input"].clone()).collect();
        server.reset().await;
        Mock::given(method("POST")).respond_with(openai).mount(&server).await;
        inputs
    };
    let doc = json!({"doc": {"title": "aab", "data": [2.0, 1.0]}});
    assert_eq!(call(&engine, "join", json!({"bio": "aab"})).await, doc);
    assert_eq!(inputs().await, [json!(["aab"])]);
    assert_eq!(call(&engine, "count", json!({})).await, json!({"n": 1}), "what ran without the vector is undone");
    assert_eq!(call(&engine, "literal", json!({})).await, json!({"docs": ["aab"]}));
    assert_eq!(inputs().await, [json!(["bbb"])], "it follows from no data");
    assert_eq!(call(&engine, "list", json!({})).await, json!({"data": ["aab", "a", "b", "a"]}));
    assert_eq!(
        inputs().await,
        [json!(["a"]), json!(["b"])],
        "the first tells how long they are, the others come at once"
    );
    for bio in ["abb", "ab", "ba"] {
        call(&engine, "join", json!({"bio": bio})).await;
    }
    inputs().await;
    assert_eq!(call(&engine, "all_users", json!({})).await, json!({"data": 11}));
    assert_eq!(inputs().await, [json!(["aab"]), json!(["abb", "ab", "ba"])]);
    let chain = call(&engine, "chain", json!({"text": "bbbbb"})).await;
    assert_eq!(chain["first"], "b");
    assert_eq!(chain["second"][0], "b");
    let asked = inputs().await;
    assert_eq!((&asked[0], asked.last().unwrap()), (&json!(["bbbbb"]), &json!(["b"])));
}

#[tokio::test]
async fn a_failing_provider_stores_nothing_and_its_key_is_not_told() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(401).set_body_string("bad key"))
        .mount(&server)
        .await;
    let mut config = EmbeddingConfig::new(Model::parse("text-embedding-ada-002").unwrap());
    config.openai_api_key = Some("planted-key".to_owned());
    config.openai_base_url = server.uri();
    let shown = format!("{config:?}");
    let engine = engine(config);
    let answer = call(&engine, "add", json!({"title": "aaa"})).await;
    assert_eq!(answer, json!([502, "Error while embedding text: the provider answered 401 Unauthorized: bad key"]));
    assert_eq!(call(&engine, "count", json!({})).await, json!({"n": 0}));
    let answer = call(&engine, "join", json!({"bio": "aaa"})).await;
    assert_eq!(answer[0], 502, "{answer}");
    assert_eq!(call(&engine, "count", json!({})).await, json!({"n": 0}));
    assert!(!shown.contains("planted-key"), "{shown}");
}

#[tokio::test]
async fn what_passes_is_asked_again_and_what_does_not_is_told_at_once() {
    let passing = async |status: u16, header: Option<&str>| {
        let server = MockServer::start().await;
        let mut failure = ResponseTemplate::new(status).set_body_string("later, planted-key");
        if let Some(seconds) = header {
            failure = failure.insert_header("retry-after", seconds);
        }
        Mock::given(method("POST")).respond_with(failure).up_to_n_times(2).mount(&server).await;
        Mock::given(method("POST")).respond_with(openai).mount(&server).await;
        let mut config = EmbeddingConfig::new(Model::parse("openai:small").unwrap());
        config.openai_api_key = Some("planted-key".to_owned());
        config.openai_base_url = server.uri();
        let answer = call(&engine(config), "add", json!({"title": "aaa"})).await;
        (answer, server.received_requests().await.unwrap().len())
    };
    assert_eq!(passing(503, None).await, (json!({"doc": "aaa"}), 3));
    assert_eq!(passing(429, Some("0")).await, (json!({"doc": "aaa"}), 3));
    let told =
        |status: &str| json!([502, format!("Error while embedding text: the provider answered {status}: later, …")]);
    assert_eq!(passing(400, None).await, (told("400 Bad Request"), 1));
    // A key at the place where a long message is cut leaves no part of itself.
    let server = MockServer::start().await;
    let long = format!("{} planted-key", "x".repeat(190));
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(400).set_body_string(long)).mount(&server).await;
    let mut config = EmbeddingConfig::new(Model::parse("openai:small").unwrap());
    config.openai_api_key = Some("planted-key".to_owned());
    config.openai_base_url = server.uri();
    let answer = call(&engine(config), "add", json!({"title": "aaa"})).await.to_string();
    assert!(answer.contains("xxx …") && !answer.contains("pla"), "{answer}");
    // A pause that is longer than a query should wait.
    assert_eq!(passing(429, Some("3600")).await, (told("429 Too Many Requests"), 1));
}

#[tokio::test]
async fn a_provider_gets_no_more_texts_than_it_takes_at_once() {
    let server = MockServer::start().await;
    let gemini = |request: &Request| {
        let body: Value = request.body_json().unwrap();
        let asked = body["requests"].as_array().unwrap();
        let vectors = asked.iter().map(|one| vector(one["content"]["parts"][0]["text"].as_str().unwrap()));
        let vectors: Vec<Value> = vectors.map(|values| json!({ "values": values })).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "embeddings": vectors }))
    };
    Mock::given(path("/models/small:batchEmbedContents")).respond_with(gemini).mount(&server).await;
    let mut config = EmbeddingConfig::new(Model::parse("gemini:small").unwrap());
    config.gemini_api_key = Some("gemini".to_owned());
    config.gemini_base_url = server.uri();
    let engine = engine(config);
    let titles: Vec<String> = (1..=250).map(|count| format!("{}b", "a".repeat(count))).collect();
    assert_eq!(call(&engine, "load", json!({ "titles": titles })).await, Value::Null);
    assert_eq!(call(&engine, "count", json!({})).await, json!({"n": 250}));
    let requests = server.received_requests().await.unwrap();
    let sizes =
        requests.iter().map(|request| request.body_json::<Value>().unwrap()["requests"].as_array().unwrap().len());
    assert_eq!(sizes.collect::<Vec<_>>(), [100, 100, 50]);
}

#[tokio::test]
async fn azure_gemini_and_local_speak_their_own_protocols() {
    let server = MockServer::start().await;
    Mock::given(path("/openai/deployments/mine/embeddings"))
        .and(query_param("api-version", "2024-02-01"))
        .and(header("api-key", "azure"))
        .respond_with(openai)
        .mount(&server)
        .await;
    Mock::given(path("/models/embedding-001:batchEmbedContents"))
        .and(header("x-goog-api-key", "gemini"))
        .and(body_partial_json(json!({"requests": [{"taskType": "RETRIEVAL_QUERY"}]})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"embeddings": [{"values": [1, 2]}]})))
        .mount(&server)
        .await;
    Mock::given(path("/embed"))
        .and(body_partial_json(json!({"chunk_style": "recursive", "chunk_size": 100})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"embedding": [1, 2]})))
        .mount(&server)
        .await;
    for model in ["azure_openai:mine", "gemini:embedding-001:RETRIEVAL_QUERY", "local"] {
        let mut config = EmbeddingConfig::new(Model::parse(model).unwrap());
        config.azure_openai_api_key = Some("azure".to_owned());
        config.azure_openai_base_url = Some(server.uri());
        config.gemini_api_key = Some("gemini".to_owned());
        config.gemini_base_url = server.uri();
        config.local_url = format!("{}/embed", server.uri());
        let engine = engine(config);
        assert_eq!(call(&engine, "add", json!({"title": "a"})).await, json!({"doc": "a"}), "{model}");
    }
}

#[tokio::test]
async fn a_query_may_ask_for_another_model() {
    let server = MockServer::start().await;
    for model in ["small", "large"] {
        let matcher = Mock::given(path("/embeddings")).and(body_partial_json(json!({"model": model})));
        matcher.respond_with(openai).expect(1).mount(&server).await;
    }
    let mut config = EmbeddingConfig::new(Model::parse("openai:small").unwrap());
    config.openai_api_key = Some("key".to_owned());
    config.openai_base_url = server.uri();
    let engine = engine(config);
    assert_eq!(call(&engine, "add", json!({"title": "a"})).await, json!({"doc": "a"}));
    assert_eq!(call(&engine, "other", json!({"title": "b"})).await, json!({"doc": "b"}));
}

#[tokio::test]
async fn the_variables_that_are_handed_on_are_those_that_are_read() {
    let server = MockServer::start().await;
    let matcher = Mock::given(path("/embed")).and(body_partial_json(json!({"text": "a"})));
    matcher
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"embedding": [1.0, 0.0]})))
        .mount(&server)
        .await;
    let settings = EngineSettings { embedding_model: Some("local".to_owned()), ..EngineSettings::default() };
    let name = EMBEDDING_VARS.into_iter().find(|name| name.starts_with("HELIX_")).unwrap();
    let env = [(name.to_owned(), format!("{}/embed", server.uri()))].into();
    let engine = engine_with(engine_options(&settings, &env).unwrap());
    assert_eq!(call(&engine, "add", json!({"title": "a"})).await, json!({"doc": "a"}));
}

#[tokio::test]
async fn a_query_that_names_its_model_needs_no_other() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({"embedding": [1.0, 0.0]}));
    Mock::given(path("/embed")).respond_with(answer).mount(&server).await;
    let env = [("HELIX_EMBED_URL".to_owned(), format!("{}/embed", server.uri()))].into();
    let engine = engine_with(engine_options(&EngineSettings::default(), &env).unwrap());
    assert_eq!(call(&engine, "here", json!({"title": "a"})).await, json!({"doc": "a"}));
    let nobody = "Error while embedding text: no embedding provider is configured: set `embedding_model`, or the key of a provider";
    assert_eq!(call(&engine, "add", json!({"title": "a"})).await, json!([502, nobody]));
    let answer = call(&engine, "other", json!({"title": "b"})).await;
    assert_eq!(answer, json!([502, "Error while embedding text: OPENAI_API_KEY is not set"]));
}

#[tokio::test]
async fn a_missing_key_and_an_unknown_provider_are_said() {
    let engine = engine(EmbeddingConfig::new(Model::parse("openai:small").unwrap()));
    let answer = call(&engine, "add", json!({"title": "aaa"})).await;
    assert_eq!(answer, json!([502, "Error while embedding text: OPENAI_API_KEY is not set"]));
    for text in ["cohere:x", "openai:", "gemini:"] {
        assert!(Model::parse(text).is_err(), "{text}");
    }
}

/// Sentences of four topics, three each.
const SENTENCES: [&str; 12] = [
    "The cat slept on the warm sofa all afternoon.",
    "A kitten chased a ball of wool across the floor.",
    "Dogs need a long walk every morning.",
    "The central bank raised interest rates again.",
    "Investors sold shares as inflation fears grew.",
    "The company reported higher profits this quarter.",
    "Boil the pasta in salted water for ten minutes.",
    "Chop the onions and fry them in olive oil.",
    "Bake the bread until the crust is golden.",
    "The rocket reached orbit after a perfect launch.",
    "Astronomers discovered a planet around a distant star.",
    "The telescope photographed a galaxy far away.",
];

/// Questions, and the topic that each is about.
const QUESTIONS: [(&str, usize); 4] = [
    ("pets and other animals at home", 0),
    ("money, banks and the stock market", 1),
    ("how to cook dinner in the kitchen", 2),
    ("space exploration and the stars", 3),
];

/// The model in its own process.
struct RealModel {
    child: std::process::Child,
    url: String,
}

impl RealModel {
    /// Starts it; `None` where the package is missing.
    fn start() -> Option<Self> {
        use std::io::BufRead as _;
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/test-packages/wordllama/bin/python");
        if !python.exists() {
            assert!(std::env::var_os("CI").is_none(), "CI has the model");
            eprintln!("skipped: `bash scripts/test-packages.sh` fetches the model");
            return None;
        }
        let mut command = std::process::Command::new(python);
        command.arg(root.join("tests/it/embed/model.py")).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut port = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Some(Self { child, url: format!("http://127.0.0.1:{}", port.trim()) })
    }

    async fn vectors(&self, texts: &[&str]) -> Vec<Vec<f64>> {
        let body = json!({"model": "any", "input": texts}).to_string();
        let answer = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = answer.post(format!("{}/embeddings", self.url)).body(body).send().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let vector = |item: &Value| item["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        answer["data"].as_array().unwrap().iter().map(vector).collect()
    }
}

impl Drop for RealModel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn vectors_of_a_real_model_find_what_is_meant() {
    let Some(model) = RealModel::start() else { return };
    let mut config = EmbeddingConfig::new(Model::parse("openai:wordllama").unwrap());
    config.openai_api_key = Some("any".to_owned());
    config.openai_base_url.clone_from(&model.url);
    let engine = engine(config);
    assert_eq!(call(&engine, "load", json!({"titles": SENTENCES})).await, Value::Null);
    let vectors = model.vectors(&SENTENCES).await;
    let cosine = |a: &[f64], b: &[f64]| {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
    };
    for (question, topic) in QUESTIONS {
        let asked = model.vectors(&[question]).await.remove(0);
        let mut ranked: Vec<usize> = (0..SENTENCES.len()).collect();
        ranked.sort_by(|a, b| cosine(&vectors[*b], &asked).total_cmp(&cosine(&vectors[*a], &asked)));
        let nearest: Vec<&str> = ranked[..2].iter().map(|place| SENTENCES[*place]).collect();
        assert_eq!(call(&engine, "near", json!({"text": question})).await, json!({"docs": nearest}), "{question}");
        assert_eq!(ranked[0] / 3, topic, "{question}: {}", nearest[0]);
    }
}
