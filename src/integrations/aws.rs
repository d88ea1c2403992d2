//! Calls of AWS that are signed: credentials by the usual chain, signature version 4, errors with their type.
//!
//! The chain of [`reqsign`] does all but the roles of profiles, which are in `role`. It is given our variables, home and client, so that nothing of the process is read behind our back.

mod role;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use reqsign::aws::{
    Credential, DefaultCredentialProvider, EnvCredentialProvider, IMDSv2CredentialProvider, RequestSigner,
    StaticCredentialProvider,
};
use reqsign::{Context, HttpSend, Signer, StaticEnv};
use reqwest::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::oci::Surroundings;
use crate::http::{Api, HttpError, Policy};

/// Below this path a machine of AWS tells who it is; nobody answers there elsewhere.
const METADATA: &str = "/latest/";
const METADATA_LIMIT: Duration = Duration::from_secs(1);
/// Where we are when nobody says.
const DEFAULT_REGION: &str = "us-east-1";
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// No source has credentials.
    #[error("no credentials were found")]
    NoCredentials,
    /// The credentials that were found cannot be used.
    #[error("the credentials cannot be used: {0}")]
    Credentials(String),
    /// AWS answered with an error.
    #[error("{kind}: {message}")]
    Answer {
        /// Its type, such as `RepositoryNotFoundException`.
        kind: String,
        /// What it said.
        message: String,
        /// How far this machine's clock is ahead, in seconds, where that is the reason.
        clock_ahead: Option<i64>,
        /// The call.
        source: HttpError,
    },
    /// It did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl AwsError {
    /// Whether AWS answered with that type of error.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Answer { kind, .. } if kind == wanted)
    }
}

/// A region of AWS, and who we are there.
#[derive(Clone, Debug)]
pub struct Aws {
    around: Surroundings,
    region: String,
    profile: Option<String>,
    policy: Policy,
    /// How many profiles this one stands behind.
    depth: usize,
    /// Whether the profile is taken for its own keys.
    takes_no_role: bool,
    /// The credentials of the role of the profile, once they were asked for.
    role: Arc<OnceCell<Credential>>,
}

impl Aws {
    /// `region` and `profile` are those of the project file; the variables and the profile's own count without them.
    #[must_use]
    pub fn new(around: Surroundings, region: Option<&str>, profile: Option<&str>) -> Self {
        let own = profile.map(str::to_owned);
        let of_env = || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| around.var(name));
        let region = region.map(str::to_owned).or_else(|| of_env().map(str::to_owned));
        let region =
            region.or_else(|| region_of_profile(&around, profile)).unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let policy = Policy::default();
        Self { around, region, profile: own, policy, depth: 0, takes_no_role: false, role: Arc::default() }
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where the credentials are from, by the order of the chain.
    #[must_use]
    pub fn source(&self) -> String {
        let set = |name: &str| self.around.var(name).is_some();
        match &self.profile {
            Some(profile) => format!("the profile `{profile}`"),
            None if set("AWS_ACCESS_KEY_ID") => "the variable `AWS_ACCESS_KEY_ID`".to_owned(),
            None if set("AWS_PROFILE") => {
                format!("the profile `{}`", self.around.var("AWS_PROFILE").unwrap_or_default())
            }
            None if set("AWS_WEB_IDENTITY_TOKEN_FILE") => "the web identity `AWS_WEB_IDENTITY_TOKEN_FILE`".to_owned(),
            None => "the profile `default`, or the role of this machine".to_owned(),
        }
    }

    /// The sources that were tried.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        let profile = self.profile.clone().or_else(|| self.around.var("AWS_PROFILE").map(str::to_owned));
        let profile = profile.unwrap_or_else(|| "default".to_owned());
        let mut sources = vec![
            format!("profile `{profile}` in ~/.aws/credentials and ~/.aws/config: keys, SSO, `credential_process`"),
            "AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN".to_owned(),
            "the role of the container or the machine".to_owned(),
        ];
        if self.profile.is_none() {
            sources.insert(0, "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY".to_owned());
        }
        sources
    }

    /// A signer, and whether the last source, the machine itself, was silent.
    fn signer(&self, service: &str, assumed: Option<Credential>) -> (Signer<Credential>, Arc<AtomicBool>) {
        let is_silent = Arc::new(AtomicBool::new(false));
        let envs: HashMap<String, String> = self.around.env.clone().into_iter().collect();
        let is_off =
            self.around.var("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let context = Context::new()
            .with_file_read(reqsign_file_read_tokio::TokioFileRead)
            .with_command_execute(reqsign_command_execute_tokio::TokioCommandExecute)
            .with_http_send(Send { client: self.around.http.clone(), is_silent: is_silent.clone() })
            .with_env(StaticEnv { home_dir: Some(self.around.home.clone()), envs });
        if let Some(Credential { access_key_id, secret_access_key, session_token, .. }) = assumed {
            let provider = StaticCredentialProvider::new(&access_key_id, &secret_access_key);
            let provider = provider.with_session_token(&session_token.unwrap_or_default());
            return (Signer::new(context, provider, RequestSigner::new(service, &self.region)), is_silent);
        }
        let chain = DefaultCredentialProvider::builder();
        let chain = match &self.profile {
            // The one that is named counts, whatever the variables say.
            Some(profile) => chain.no_env().with_profile(profile),
            None => chain.env(EnvCredentialProvider::new()),
        };
        let chain = if is_off { chain.no_imds() } else { chain.imds(IMDSv2CredentialProvider::new()) };
        (Signer::new(context, chain.build(), RequestSigner::new(service, &self.region)), is_silent)
    }

    /// Where a service is: `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, else AWS's own.
    fn endpoint(&self, service: &str, host: &str) -> Result<Url, AwsError> {
        let own = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
        let named = self.around.var(&own).or_else(|| self.around.var("AWS_ENDPOINT_URL"));
        let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
        let address = named.map_or_else(|| format!("https://{host}.amazonaws.com{china}/"), str::to_owned);
        Url::parse(&address).map_err(|_| HttpError::client(format!("`{address}` is no address")).into())
    }

    /// A call of a service that speaks JSON 1.1; `prefix` is that of its operations.
    ///
    /// # Errors
    ///
    /// When there are no credentials, or AWS does not answer as it should.
    pub async fn json(&self, service: &str, prefix: &str, operation: &str, body: &Value) -> Result<Value, AwsError> {
        let url = self.endpoint(service, &format!("api.{service}.{}", self.region))?;
        let target = HeaderValue::from_str(&format!("{prefix}.{operation}"))
            .map_err(|_| HttpError::client(format!("`{operation}` is no operation")))?;
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1")),
            (HeaderName::from_static("x-amz-target"), target),
        ];
        let answer = self.send(service, url.clone(), &headers, body.to_string().into()).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| HttpError::malformed(&Method::POST, &url, &error.to_string()).into())
    }

    /// Who we are: the account, and the name of the user or role.
    ///
    /// # Errors
    ///
    /// When there are no credentials, or AWS does not answer as it should.
    pub async fn caller(&self) -> Result<(String, String), AwsError> {
        let url = self.endpoint("sts", &format!("sts.{}", self.region))?;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        let body = Bytes::from_static(b"Action=GetCallerIdentity&Version=2011-06-15");
        let answer = self.send("sts", url.clone(), &[(CONTENT_TYPE, form)], body).await?;
        let text = String::from_utf8_lossy(&answer);
        let element = |name: &str| element(&text, name);
        element("Account")
            .zip(element("Arn"))
            .ok_or_else(|| HttpError::malformed(&Method::POST, &url, "it names no account").into())
    }

    /// Signs and sends. Everything that is called may be called twice: it looks, or it makes what is then there already.
    async fn send(
        &self,
        service: &str,
        url: Url,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Bytes, AwsError> {
        let malformed = |error: &dyn std::fmt::Display| AwsError::Http(HttpError::client(error.to_string()));
        let mut request = http::Request::post(url.as_str());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let hash = hex::encode(Sha256::digest(&body));
        let (mut parts, ()) =
            request.header(CONTENT_HASH, hash).body(()).map_err(|error| malformed(&error))?.into_parts();
        let (signer, is_silent) = self.signer(service, self.assumed().await?);
        signer.sign(&mut parts, None).await.map_err(|error| {
            // No source had any, or only the one that is not there was left.
            let is_nobody = error.to_string().contains("failed to load signing credential");
            if is_nobody || is_silent.load(Ordering::Relaxed) {
                AwsError::NoCredentials
            } else {
                AwsError::Credentials(error.to_string())
            }
        })?;
        let api = Api::new(self.around.http.clone(), url.clone())
            .policy(self.policy)
            .request_id(HeaderName::from_static("x-amzn-requestid"));
        let media_type = parts.headers.remove(CONTENT_TYPE).unwrap_or_else(|| HeaderValue::from_static("text/plain"));
        let call = api.call_url(Method::POST, url).body(media_type, body).repeatable();
        let call = parts
            .headers
            .iter()
            .filter(|(name, _)| **name != HOST)
            .fold(call, |call, (name, value)| call.header(name.clone(), value.clone()));
        call.bytes().await.map_err(answered)
    }
}

/// The client that credentials are fetched with.
#[derive(Debug)]
struct Send {
    client: reqwest::Client,
    is_silent: Arc<AtomicBool>,
}

impl HttpSend for Send {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign::Result<http::Response<Bytes>> {
        let is_metadata = request.uri().path().starts_with(METADATA);
        let failed = |error: reqwest::Error| {
            self.is_silent.fetch_or(is_metadata, Ordering::Relaxed);
            reqsign::Error::unexpected(error.without_url().to_string())
        };
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        if is_metadata {
            *request.timeout_mut() = Some(METADATA_LIMIT);
        }
        let answer = self.client.execute(request).await.map_err(failed)?;
        let (parts, body) = http::Response::<reqwest::Body>::from(answer).into_parts();
        let body = body.collect().await.map_err(failed)?.to_bytes();
        Ok(http::Response::from_parts(parts, body))
    }
}

/// The content of the first element of that name: answers of STS are flat.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim().to_owned())
}

/// What an answer that is an error says.
fn answered(error: HttpError) -> AwsError {
    let Some(refused) = error.answer() else { return AwsError::Http(error) };
    let answer: Value = serde_json::from_str(&refused.body).unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| answer[*name].as_str()).unwrap_or_default().to_owned();
    let kind = text(["__type", "code"]);
    let kind = kind.rsplit('#').next().unwrap_or_default().to_owned();
    let kind = if kind.is_empty() { element(&refused.body, "Code").unwrap_or_default() } else { kind };
    let message = text(["message", "Message"]);
    let message = if message.is_empty() { element(&refused.body, "Message").unwrap_or_default() } else { message };
    if kind.is_empty() {
        return AwsError::Http(error);
    }
    let is_clock =
        matches!(kind.as_str(), "SignatureDoesNotMatch" | "RequestTimeTooSkewed" | "InvalidSignatureException");
    let theirs = refused.headers.get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
    let theirs = theirs.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let ahead = theirs.map(|theirs| jiff::Timestamp::now().as_second() - theirs.timestamp().as_second());
    let clock_ahead = ahead.filter(|ahead| is_clock && ahead.abs() > 60);
    AwsError::Answer { kind, message, clock_ahead, source: error }
}

/// The region that a profile of `~/.aws/config` names.
fn region_of_profile(around: &Surroundings, profile: Option<&str>) -> Option<String> {
    let profile = profile.or_else(|| around.var("AWS_PROFILE")).unwrap_or("default");
    keys_of_profile(around, profile).remove("region")
}

/// What a profile of `~/.aws/config` says.
fn keys_of_profile(around: &Surroundings, profile: &str) -> BTreeMap<String, String> {
    let file = around.var("AWS_CONFIG_FILE").map_or_else(|| around.home.join(".aws/config"), PathBuf::from);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let wanted = [format!("[profile {profile}]"), format!("[{profile}]")];
    let mut keys = BTreeMap::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = wanted.iter().any(|wanted| wanted == line);
        } else if is_inside && let Some((key, value)) = line.split_once('=') {
            keys.entry(key.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
        }
    }
    keys
}

#[cfg(test)]
mod tests;
