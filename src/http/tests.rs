use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

async fn server() -> (MockServer, Api) {
    let server = MockServer::start().await;
    let base = Url::parse(&format!("{}/base", server.uri())).unwrap();
    let policy = Policy { tries: 3, first: Duration::from_millis(1), longest: Duration::from_millis(2) };
    let api = Api::new(client(None).unwrap(), base).policy(policy);
    (server, api.header(AUTHORIZATION, HeaderValue::from_static("Bearer planted"), true))
}

async fn count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn what_may_be_sent_twice_is_until_it_succeeds() {
    let (server, api) = server().await;
    let busy = ResponseTemplate::new(503);
    Mock::given(method("GET")).respond_with(busy.clone()).up_to_n_times(2).mount(&server).await;
    Mock::given(path("/base/x")).respond_with(ResponseTemplate::new(200).set_body_json(7)).mount(&server).await;
    assert_eq!(api.get("/x").fetch::<u32>().await.unwrap(), 7);
    assert_eq!(count(&server).await, 3);

    server.reset().await;
    Mock::given(method("POST")).respond_with(busy).mount(&server).await;
    assert_eq!(api.post("/x").send().await.unwrap_err().status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(count(&server).await, 1, "a bare POST may have been carried out");
    assert!(api.post("/x").repeatable().send().await.is_err());
    assert_eq!(count(&server).await, 4);
}

#[tokio::test]
async fn a_service_says_how_long_to_wait() {
    let (server, api) = server().await;
    let wait = |time: &str| ResponseTemplate::new(429).insert_header("retry-after", time);
    Mock::given(method("POST")).respond_with(wait("0")).up_to_n_times(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    api.post("/x").send().await.unwrap();
    server.reset().await;
    Mock::given(method("GET")).respond_with(wait("3600")).mount(&server).await;
    let error = api.get("/x").send().await.unwrap_err();
    assert_eq!(error.answer().unwrap().retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(count(&server).await, 1, "an hour is not waited for");
}

#[tokio::test]
async fn credentials_go_to_their_own_origin_only_and_into_no_error() {
    let (server, api) = server().await;
    let (other, _) = self::server().await;
    let reply = ResponseTemplate::new(403).set_body_string("no").insert_header("x-request-id", "r-1");
    Mock::given(method("GET")).respond_with(reply.clone()).mount(&server).await;
    Mock::given(method("GET")).respond_with(reply).mount(&other).await;
    let error = api.get("/x?token=planted").send().await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("answered 403 Forbidden: no (request id r-1)") && !told.contains("planted"), "{told}");
    assert!(!format!("{api:?}{error:?}").contains("planted"));
    let elsewhere = Url::parse(&other.uri()).unwrap();
    api.call_url(Method::GET, elsewhere).send().await.unwrap_err();
    let seen = |server: Vec<wiremock::Request>| server[0].headers.contains_key(AUTHORIZATION);
    assert!(seen(server.received_requests().await.unwrap()));
    assert!(!seen(other.received_requests().await.unwrap()));
}

#[tokio::test]
async fn an_answer_knows_where_it_is_from() {
    let (server, api) = server().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    assert_eq!(api.get("/x").send().await.unwrap().url().as_str(), format!("{}/base/x", server.uri()));
}

#[tokio::test]
async fn an_upload_may_be_slow_and_may_not_stand_still() {
    let limit = Duration::from_millis(400);
    let pulse = watch::Pulse::default();
    let piece = move |_: i32| async move {
        tokio::time::sleep(limit / 4).await;
        Ok(bytes::Bytes::from_static(b"x"))
    };
    let slow = futures_util::stream::iter(0..8).then(piece).boxed();
    let mut slow = pulse.felt_by(slow).boxed();
    tokio::select! {
        () = async { while slow.next().await.is_some() {} } => {}
        () = pulse.stopped(limit) => panic!("it got on"),
    }
    let began = std::time::Instant::now();
    pulse.stopped(limit).await;
    assert!(began.elapsed() > limit / 2);
}

#[tokio::test]
async fn an_answer_that_stands_still_ends() {
    let stuck = futures_util::stream::iter([Ok::<_, std::io::Error>("piece")]).chain(futures_util::stream::pending());
    let answer = http::Response::new(reqwest::Body::wrap_stream(stuck));
    let mut answer = watch::watched(Response::from(answer), Duration::from_millis(50));
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "piece");
    assert!(answer.chunk().await.is_err());
}

#[tokio::test]
async fn nobody_there_is_told() {
    let base = Url::parse("http://127.0.0.1:9").unwrap();
    let api = Api::new(client(None).unwrap(), base).policy(Policy { tries: 1, ..Policy::default() });
    let error = api.get("/x").send().await.unwrap_err();
    assert!(matches!(error.problem, Problem::Connect(_)), "{error}");
}

#[test]
fn segments_are_escaped() {
    assert_eq!(segment("a b/ü"), "a%20b%2F%C3%BC");
}
