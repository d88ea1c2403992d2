use std::collections::BTreeMap;

use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

fn around(home: &std::path::Path, pairs: &[(&str, &str)]) -> Surroundings {
    let env: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings { env, home: home.to_owned(), http: crate::http::client(None).unwrap() }
}

#[test]
fn the_region_is_that_of_the_project_then_of_the_variables_then_of_the_profile() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(
        home.path().join(".aws/config"),
        "[default]\nregion = eu-north-1\n[profile prod]\noutput=json\nregion=ap-south-1\n",
    )
    .unwrap();
    let region = |pairs: &[(&str, &str)], region: Option<&str>, profile: Option<&str>| {
        Aws::new(around(home.path(), pairs), region, profile).region().to_owned()
    };
    assert_eq!(region(&[("AWS_REGION", "us-west-2")], Some("eu-west-1"), None), "eu-west-1");
    assert_eq!(region(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "us-west-2")], None, None), "us-west-2");
    assert_eq!(region(&[], None, None), "eu-north-1");
    assert_eq!(region(&[("AWS_PROFILE", "prod")], None, None), "ap-south-1");
    assert_eq!(region(&[], None, Some("prod")), "ap-south-1");
    assert_eq!(region(&[], None, Some("other")), DEFAULT_REGION);
}

#[tokio::test]
async fn calls_are_signed_as_amazons_own_client_signs_them() {
    let server = MockServer::start().await;
    let reply = ResponseTemplate::new(200).set_body_string("{\"repositories\":[]}");
    Mock::given(method("POST"))
        .and(header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"))
        .respond_with(reply)
        .mount(&server)
        .await;
    let home = tempfile::tempdir().unwrap();
    let uri = server.uri();
    let pairs = [
        ("AWS_ENDPOINT_URL", uri.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "planted"),
        ("AWS_SESSION_TOKEN", "token"),
    ];
    let aws = Aws::new(around(home.path(), &pairs), Some("eu-west-1"), None);
    let body = serde_json::json!({});
    aws.json("ecr", "AmazonEC2ContainerRegistry_V20150921", "DescribeRepositories", &body).await.unwrap();

    // The same signature, made by hand (Signature Version 4, "create a signed request").
    let request = &server.received_requests().await.unwrap()[0];
    let text = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    let (date, authorization) = (text("x-amz-date"), text("authorization"));
    let names = authorization.split_once("SignedHeaders=").unwrap().1.split(',').next().unwrap().to_owned();
    for needed in ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"] {
        assert!(names.split(';').any(|name| name == needed), "{needed} is not signed: {names}");
    }
    let headers: String = names.split(';').map(|name| format!("{name}:{}\n", text(name).trim())).collect();
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{}", hex::encode(Sha256::digest(b"{}")));
    let scope = format!("{}/eu-west-1/ecr/aws4_request", &date[..8]);
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(&canonical)));
    let mac = |key: &[u8], text: &str| reqsign::hash::hmac_sha256(key, text.as_bytes());
    let key = [&date[..8], "eu-west-1", "ecr", "aws4_request"]
        .iter()
        .fold(b"AWS4planted".to_vec(), |key, part| mac(&key, part));
    let signature = hex::encode(mac(&key, &to_sign));
    assert_eq!(authorization.rsplit_once("Signature=").unwrap().1, signature);
    assert!(authorization.contains(&format!("Credential=AKIDEXAMPLE/{scope}")));
}

#[tokio::test]
async fn errors_have_the_type_and_the_offset_of_the_clock() {
    let server = MockServer::start().await;
    let reply = ResponseTemplate::new(400)
        .insert_header("date", "Wed, 01 Jan 2020 00:00:00 GMT")
        .set_body_string(r#"{"__type":"com.amazonaws#InvalidSignatureException","message":"Signature expired"}"#);
    Mock::given(method("POST")).respond_with(reply).mount(&server).await;
    let home = tempfile::tempdir().unwrap();
    let uri = server.uri();
    let pairs =
        [("AWS_ENDPOINT_URL_ECR", uri.as_str()), ("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "planted")];
    let aws = Aws::new(around(home.path(), &pairs), None, None);
    let error = aws.json("ecr", "P", "X", &Value::Null).await.unwrap_err();
    let AwsError::Answer { kind, clock_ahead: Some(ahead), .. } = &error else { panic!("{error:?}") };
    assert!(kind == "InvalidSignatureException" && *ahead > 0);
    assert!(!format!("{error} {error:?}").contains("planted"));
}

#[tokio::test]
async fn without_credentials_that_is_said() {
    let home = tempfile::tempdir().unwrap();
    let pairs = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_EC2_METADATA_DISABLED", "true")];
    let error = Aws::new(around(home.path(), &pairs), None, None).caller().await.unwrap_err();
    assert!(matches!(error, AwsError::NoCredentials), "{error:?}");
    let pairs =
        [("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")];
    let error = Aws::new(around(home.path(), &pairs), None, None).caller().await.unwrap_err();
    assert!(matches!(error, AwsError::NoCredentials), "{error:?}");
}
