//! How a call fails: who was asked for what, and what came back.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};

/// A result of a call.
pub type Result<T, E = HttpError> = std::result::Result<T, E>;

/// The most of a body that is kept for people to read.
const MAX_TEXT: usize = 2000;

/// Why a call failed. Holds no credential: addresses are told without their query and user.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{method} {address}: {problem}")]
pub struct HttpError {
    /// The method.
    pub method: String,
    /// The address, without query.
    pub address: String,
    /// What happened.
    pub problem: Problem,
}

/// What happened to a call.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Problem {
    /// It was not sent: no connection.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The certificate of the other side is not trusted.
    #[error("its certificate is not trusted: {0}")]
    Tls(String),
    /// The connection broke, or the answer took too long. Whether the call was carried out is unknown.
    #[error("{0}")]
    Broken(String),
    /// The answer is an error.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// The answer is not what it should be.
    #[error("the answer cannot be understood: {0}")]
    Malformed(String),
    /// The client itself cannot be made.
    #[error("cannot make the call: {0}")]
    Client(String),
}

/// An answer that is an error.
#[derive(Clone, Debug, thiserror::Error)]
#[error("answered {status}{}{}", said(body), id.as_deref().map(|id| format!(" (request id {id})")).unwrap_or_default())]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, cut.
    pub body: String,
    /// What the other side calls the request.
    pub id: Option<String>,
    /// How long to wait before the next call.
    pub retry_after: Option<Duration>,
}

fn said(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(": {body}") }
}

impl HttpError {
    fn new(method: &Method, url: &Url, problem: Problem) -> Self {
        let mut url = url.clone();
        url.set_query(None);
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Self { method: method.to_string(), address: url.to_string(), problem }
    }

    /// The client itself cannot be made.
    #[must_use]
    pub fn client(error: impl std::fmt::Display) -> Self {
        Self { method: String::new(), address: String::new(), problem: Problem::Client(error.to_string()) }
    }

    /// There was no answer.
    #[must_use]
    pub fn transport(method: &Method, url: &Url, error: &reqwest::Error) -> Self {
        let reason = innermost(error);
        let is_tls = ["certificate", "UnknownIssuer", "tls handshake"].iter().any(|word| reason.contains(word));
        let problem = if error.is_connect() && is_tls {
            Problem::Tls(reason)
        } else if error.is_connect() {
            Problem::Connect(reason)
        } else if error.is_timeout() {
            Problem::Broken("no answer in time".to_owned())
        } else if error.is_builder() {
            Problem::Client(reason)
        } else {
            Problem::Broken(reason)
        };
        Self::new(method, url, problem)
    }

    /// Nothing was heard for too long.
    #[must_use]
    pub fn silent(method: &Method, url: &Url) -> Self {
        Self::new(method, url, Problem::Broken("no answer in time".to_owned()))
    }

    /// The answer is an error.
    #[must_use]
    pub fn refused(
        method: &Method,
        url: &Url,
        status: StatusCode,
        headers: &HeaderMap,
        id: Option<String>,
        body: &[u8],
    ) -> Self {
        let text = String::from_utf8_lossy(body);
        let is_page = text.trim_start().starts_with('<');
        let body = if is_page { String::new() } else { text.trim().chars().take(MAX_TEXT).collect() };
        let retry_after = text_of(headers, &RETRY_AFTER).and_then(|text| retry_after(&text));
        let refused = Refused { status, headers: headers.clone(), body, id, retry_after };
        Self::new(method, url, Problem::Refused(Box::new(refused)))
    }

    /// The answer is not what it should be.
    #[must_use]
    pub fn malformed(method: &Method, url: &Url, reason: &str) -> Self {
        Self::new(method, url, Problem::Malformed(reason.to_owned()))
    }

    /// The answer, when it is one.
    #[must_use]
    pub fn answer(&self) -> Option<&Refused> {
        match &self.problem {
            Problem::Refused(refused) => Some(refused),
            Problem::Connect(_) | Problem::Tls(_) | Problem::Broken(_) | Problem::Malformed(_) | Problem::Client(_) => {
                None
            }
        }
    }

    /// The status of the answer, when there is one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.answer().map(|refused| refused.status)
    }
}

/// A header as text.
pub(super) fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The time that `Retry-After` says: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

/// What was at the bottom of an error: the part that says why.
#[must_use]
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
