//! Calling a query of a running instance.

mod json;

use std::time::Duration;

use helix_plan::introspect::{Introspection, QueryInfo};
use indexmap::IndexMap;
use serde_json::Value;

pub use self::json::Json;
use super::params::{self, ParamError};
use crate::utils::nearest;

/// Where queries are called.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The client.
    pub http: reqwest::Client,
    /// The address, without a final `/`.
    pub url: String,
    /// The key, if one is needed.
    pub key: Option<ApiKey>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// A key that is not shown.
#[derive(Clone)]
pub struct ApiKey(pub String);

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// An answer, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Option<Json> {
        Json::read(&self.body).ok()
    }

    /// What an error says: the `error` of its body, or the body.
    #[must_use]
    pub fn error_text(&self) -> String {
        let member = |value: Value| value.get("error").and_then(Value::as_str).map(str::to_owned);
        serde_json::from_slice(&self.body)
            .ok()
            .and_then(member)
            .unwrap_or_else(|| String::from_utf8_lossy(&self.body).trim().to_owned())
    }
}

/// Why a query could not be called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// There was no answer.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
    },
    /// There was no answer in time.
    #[error("{url} did not answer within {} s", timeout.as_secs_f64())]
    Timeout {
        /// The address.
        url: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// The answer is an error.
    #[error("`{name}` answered {}: {}", answer.status, answer.error_text())]
    Answered {
        /// The query, or the path.
        name: String,
        /// The answer.
        answer: Answer,
    },
    /// The list of queries is not what it should be.
    #[error("{url} does not list its queries: {reason}")]
    NoIntrospection {
        /// The address.
        url: String,
        /// What it sent.
        reason: String,
    },
    /// There is no such query.
    #[error("the instance has no query `{name}`")]
    UnknownQuery {
        /// The name asked for.
        name: String,
        /// The most similar ones.
        nearest: Option<String>,
    },
    /// There is no such parameter.
    #[error("query `{query}` has no parameter `{name}`")]
    UnknownParam {
        /// The query.
        query: String,
        /// The name given.
        name: String,
        /// Those that it has, with their types.
        known: Vec<String>,
    },
    /// A parameter is not given.
    #[error("query `{query}` needs parameter `{name}`: {ty}")]
    MissingParam {
        /// The query.
        query: String,
        /// The parameter.
        name: String,
        /// Its type.
        ty: String,
    },
    /// A parameter does not fit.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The body is not an object.
    #[error("the data must be a JSON object, got {found}")]
    NotAnObject {
        /// What it is.
        found: String,
    },
}

impl Endpoint {
    /// What can be called.
    ///
    /// # Errors
    ///
    /// When the instance does not answer, or not as it should.
    pub async fn introspect(&self) -> Result<Introspection, InvokeError> {
        let path = "/introspect";
        let answer = self.send(self.http.get(format!("{}{path}", self.url))).await?;
        if answer.status >= 400 {
            return Err(InvokeError::Answered { name: path.to_owned(), answer });
        }
        let parsed = serde_json::from_slice(&answer.body);
        parsed.map_err(|error| InvokeError::NoIntrospection { url: self.url.clone(), reason: error.to_string() })
    }

    /// Calls a query.
    ///
    /// # Errors
    ///
    /// When there is no answer, or the answer is an error.
    pub async fn call(&self, name: &str, body: &Json) -> Result<Answer, InvokeError> {
        let answer = self.send(self.http.post(format!("{}/{name}", self.url)).json(body)).await?;
        if answer.status >= 400 {
            return Err(InvokeError::Answered { name: name.to_owned(), answer });
        }
        Ok(answer)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, InvokeError> {
        let request = match &self.key {
            Some(key) => request.header("x-api-key", &key.0),
            None => request,
        };
        let exchange = async {
            let response = request.timeout(self.timeout).send().await?;
            let status = response.status().as_u16();
            Ok(Answer { status, body: response.bytes().await?.to_vec() })
        };
        exchange.await.map_err(|error: reqwest::Error| self.failed(&error))
    }

    fn failed(&self, error: &reqwest::Error) -> InvokeError {
        let url = self.url.clone();
        if error.is_timeout() {
            return InvokeError::Timeout { url, timeout: self.timeout };
        }
        let mut source: &dyn std::error::Error = error;
        while let Some(deeper) = source.source() {
            source = deeper;
        }
        InvokeError::Unreachable { url, reason: source.to_string() }
    }
}

/// The query of that name.
///
/// # Errors
///
/// [`InvokeError::UnknownQuery`] with the most similar name.
pub fn find<'a>(introspection: &'a Introspection, name: &str) -> Result<&'a QueryInfo, InvokeError> {
    let queries = &introspection.queries;
    queries.iter().find(|query| query.name == name).ok_or_else(|| InvokeError::UnknownQuery {
        name: name.to_owned(),
        nearest: nearest(name, queries.iter().map(|query| query.name.as_str())).map(str::to_owned),
    })
}

/// The body of a call: the members of `data`, overridden by `texts`, which are read by the types of the parameters.
///
/// # Errors
///
/// When a parameter is missing, unknown or does not fit.
pub fn arguments(query: &QueryInfo, data: Option<Json>, texts: &[(String, String)]) -> Result<Json, InvokeError> {
    let mut body = match data {
        None => IndexMap::new(),
        Some(Json::Object(members)) => members,
        Some(other) => return Err(InvokeError::NotAnObject { found: other.to_string() }),
    };
    for (name, text) in texts {
        let Some(ty) = query.parameters.get(name) else {
            let known = query.parameters.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
            return Err(InvokeError::UnknownParam { query: query.name.clone(), name: name.clone(), known });
        };
        let value = match params::parse_type(ty) {
            Some(ty) => params::from_text(name, &ty, text)?,
            // A type of a later version: the server knows better.
            None => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        };
        body.insert(name.clone(), Json::from(value));
    }
    for (name, ty) in &query.parameters {
        let is_optional = query.optional.contains(name);
        let value = body.get(name).filter(|value| !(is_optional && value.is_null()));
        let Some(value) = value else {
            if is_optional {
                continue;
            }
            return Err(InvokeError::MissingParam { query: query.name.clone(), name: name.clone(), ty: ty.clone() });
        };
        if let Some(ty) = params::parse_type(ty) {
            params::check(name, &ty, value)?;
        }
    }
    Ok(Json::Object(body))
}

#[cfg(test)]
mod tests;
