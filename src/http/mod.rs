//! Calls of services over HTTP: one way to retry, to identify ourselves, to bound, and to fail.
//!
//! Registries, Fly.io, Helix Cloud and AWS are spoken to through [`Api`]. What may be sent twice is; what may not is sent again only
//! when it provably was not sent (RFC 9110, section 9.2.2). Credentials are in sensitive headers, and in no error.

mod error;
mod retry;
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{HttpError, Problem, Refused, Result, innermost};
pub use retry::Policy;

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer, or of an upload.
const IDLE: Duration = Duration::from_secs(60);
/// Of a plain call.
const CALL: Duration = Duration::from_secs(30);
/// The most that is read of an answer that is kept in memory.
const MAX_BODY: usize = 32 << 20;

/// What we call ourselves.
pub const USER_AGENT: &str = concat!("helix-cli/", env!("CARGO_PKG_VERSION"));

/// The client of everything that may be elsewhere: proxies of the environment, the roots of the system and those of
/// `SSL_CERT_FILE`. `ca_bundle` is one more file of certificates, in PEM.
///
/// Redirects are not followed: whoever expects one decides what may go along.
///
/// # Errors
///
/// When a certificate cannot be used.
pub fn client(ca_bundle: Option<&[u8]>) -> Result<Client> {
    // Another part of the process may have been first, with the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder =
        Client::builder().user_agent(USER_AGENT).connect_timeout(CONNECT).redirect(reqwest::redirect::Policy::none());
    if let Some(bundle) = ca_bundle {
        let certificates = reqwest::Certificate::from_pem_bundle(bundle).map_err(HttpError::client)?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(HttpError::client)
}

/// Opens a body that is sent piece by piece, anew for each try.
pub type OpenBody = Arc<dyn Fn() -> BoxStream<'static, io::Result<bytes::Bytes>> + Send + Sync>;

/// What is sent along.
#[derive(Clone)]
enum Body {
    Bytes(bytes::Bytes),
    Stream { len: u64, open: OpenBody },
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Stream { len, .. } => write!(f, "a stream of {len} bytes"),
        }
    }
}

/// A service: where it is, and what every call of it carries.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: Url,
    headers: HeaderMap,
    policy: Policy,
    /// Between two pieces of a stream.
    idle: Duration,
    /// The header of an answer that names the request, for whoever supports the service.
    request_id: HeaderName,
}

impl Api {
    /// A service at `base`. Its request id is looked for in `x-request-id`.
    #[must_use]
    pub fn new(client: Client, base: Url) -> Self {
        let request_id = HeaderName::from_static("x-request-id");
        Self { client, base, headers: HeaderMap::new(), policy: Policy::default(), idle: IDLE, request_id }
    }

    /// Has every call carry a header; a value that is a credential is marked so.
    #[must_use]
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue, secret: bool) -> Self {
        value.set_sensitive(secret);
        self.headers.insert(name, value);
        self
    }

    /// Reads the request id from another header.
    #[must_use]
    pub fn request_id(mut self, name: HeaderName) -> Self {
        self.request_id = name;
        self
    }

    /// Tries as often as that says.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Waits so long between two pieces of a stream: for people, or for what must not be begun again.
    #[must_use]
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Where it is.
    #[must_use]
    pub const fn base(&self) -> &Url {
        &self.base
    }

    /// A call of `path`, which begins with `/` and is appended to the path of the service. Its segments must be escaped already;
    /// see [`segment`].
    #[must_use]
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let mut url = self.base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        self.call_url(method, url)
    }

    /// A call of a whole address, such as one that an answer named. Headers of the service go along only to its own origin.
    #[must_use]
    pub fn call_url(&self, method: Method, url: Url) -> Call<'_> {
        let headers = if url.origin() == self.base.origin() { self.headers.clone() } else { HeaderMap::new() };
        let again = !matches!(method, Method::POST | Method::PATCH);
        Call { api: self, method, url, headers, body: None, again, timeout: Some(CALL), accepted: Vec::new() }
    }

    /// A call of `GET`.
    #[must_use]
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A call of `POST`.
    #[must_use]
    pub fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// A call of `PUT`.
    #[must_use]
    pub fn put(&self, path: &str) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    /// A call of `DELETE`.
    #[must_use]
    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }
}

/// A call that is not sent yet.
#[derive(Debug)]
pub struct Call<'a> {
    api: &'a Api,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Body>,
    again: bool,
    timeout: Option<Duration>,
    accepted: Vec<StatusCode>,
}

impl Call<'_> {
    /// Where it goes.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Adds a part of the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends JSON.
    ///
    /// # Errors
    ///
    /// When the value is none.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body).map_err(|error| HttpError::client(error.to_string()))?;
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(Body::Bytes(body.into()));
        Ok(self)
    }

    /// Sends bytes of that media type.
    #[must_use]
    pub fn body(mut self, media_type: HeaderValue, body: impl Into<bytes::Bytes>) -> Self {
        self.headers.insert(CONTENT_TYPE, media_type);
        self.body = Some(Body::Bytes(body.into()));
        self
    }

    /// Sends `len` bytes piece by piece. It takes as long as it takes, as long as pieces are taken.
    #[must_use]
    pub fn stream(mut self, media_type: HeaderValue, len: u64, open: OpenBody) -> Self {
        self.headers.insert(CONTENT_TYPE, media_type);
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        self.body = Some(Body::Stream { len, open });
        self.timeout = None;
        self
    }

    /// Whether it has a header of that name, or needs none because its method already says that it may be repeated.
    #[must_use]
    pub fn is_keyed(&self, name: &HeaderName) -> bool {
        self.method != Method::POST || self.headers.contains_key(name)
    }

    /// May be sent twice, although its method does not say so: it carries a key that tells repetitions.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.again = true;
        self
    }

    /// Is sent once, although its method would allow more.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.again = false;
        self
    }

    /// Takes as long as it takes, as long as something arrives now and then: a stream, or an upload.
    #[must_use]
    pub fn unbounded(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Takes at most so long.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Takes this status for an answer as well, not for a failure.
    #[must_use]
    pub fn accept(mut self, status: StatusCode) -> Self {
        self.accepted.push(status);
        self
    }

    /// Sends it. The answer has a status of 2xx, or one that is accepted.
    ///
    /// # Errors
    ///
    /// When there is no answer, or another one.
    pub async fn send(self) -> Result<Response> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.attempt().await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match self.api.policy.pause(&error, tries, self.again) {
                Some(pause) => {
                    tracing::debug!(%error, ?pause, tries, "calling again");
                    tokio::time::sleep(pause).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn attempt(&self) -> Result<Response> {
        let mut request = self.api.client.request(self.method.clone(), self.url.clone()).headers(self.headers.clone());
        let pulse = watch::Pulse::default();
        match &self.body {
            Some(Body::Bytes(body)) => request = request.body(body.clone()),
            Some(Body::Stream { open, .. }) => {
                request = request.body(reqwest::Body::wrap_stream(pulse.felt_by(open())));
            }
            None => {}
        }
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        let began = std::time::Instant::now();
        let answer =
            async { request.send().await.map_err(|error| HttpError::transport(&self.method, &self.url, &error)) };
        let response = match self.timeout {
            Some(_) => answer.await?,
            None => tokio::select! {
                response = answer => response?,
                () = pulse.stopped(self.api.idle) => return Err(HttpError::silent(&self.method, &self.url)),
            },
        };
        let status = response.status();
        let id = error::text_of(response.headers(), &self.api.request_id);
        let (method, path, took) = (self.method.as_str(), self.url.path(), began.elapsed().as_millis());
        tracing::debug!(method, path, status = status.as_u16(), took, id, "called");
        if status.is_success() || self.accepted.contains(&status) {
            return Ok(watch::watched(response, self.api.idle));
        }
        let headers = response.headers().clone();
        let body = read(watch::watched(response, self.api.idle), &self.method, &self.url).await.unwrap_or_default();
        Err(HttpError::refused(&self.method, &self.url, status, &headers, id, &body))
    }

    /// Sends it, and reads an answer of JSON.
    ///
    /// # Errors
    ///
    /// When there is no answer, another one, or one that is not what it should be.
    pub async fn fetch<T: DeserializeOwned>(self) -> Result<T> {
        let (method, url) = (self.method.clone(), self.url.clone());
        let body = read(self.send().await?, &method, &url).await?;
        serde_json::from_slice(&body).map_err(|error| HttpError::malformed(&method, &url, &error.to_string()))
    }

    /// Sends it, and reads an answer of bytes.
    ///
    /// # Errors
    ///
    /// When there is no answer, another one, or one that is too large.
    pub async fn bytes(self) -> Result<bytes::Bytes> {
        let (method, url) = (self.method.clone(), self.url.clone());
        read(self.send().await?, &method, &url).await
    }
}

async fn read(mut response: Response, method: &Method, url: &Url) -> Result<bytes::Bytes> {
    let mut body = bytes::BytesMut::new();
    while let Some(part) = response.chunk().await.map_err(|error| HttpError::transport(method, url, &error))? {
        if body.len() + part.len() > MAX_BODY {
            return Err(HttpError::malformed(method, url, "the answer is too large"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

/// A text as one segment of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    const KEPT: &[u8] = b"-_.~:@";
    let escape = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || KEPT.contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests;
