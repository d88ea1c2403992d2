//! `Embed`: texts go to a provider before the transaction, each once, and failures store nothing and tell no key.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use helix::compiler::{self, SourceSet};
use helix_engine::embed::{EmbeddingConfig, HttpEmbedder, Model};
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
QUERY count() =>
    n <- V<Doc>::COUNT
    RETURN n
"#;

/// A text's vector here: how many `a` and `b` it has.
fn vector(text: &str) -> Value {
    json!([text.matches('a').count(), text.matches('b').count()])
}

fn engine(config: EmbeddingConfig) -> Arc<Engine> {
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), APP.to_owned())]));
    let program = compiled.program.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    let embedder = HttpEmbedder::new(config).unwrap();
    let options = EngineOptions { embedder: Some(Arc::new(embedder)), ..EngineOptions::default() };
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
    assert!(!shown.contains("planted-key"), "{shown}");
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
async fn a_missing_key_and_an_unknown_provider_are_said() {
    let engine = engine(EmbeddingConfig::new(Model::parse("openai:small").unwrap()));
    let answer = call(&engine, "add", json!({"title": "aaa"})).await;
    assert_eq!(answer, json!([502, "Error while embedding text: OPENAI_API_KEY is not set"]));
    for text in ["cohere:x", "openai:", "gemini:"] {
        assert!(Model::parse(text).is_err(), "{text}");
    }
}
