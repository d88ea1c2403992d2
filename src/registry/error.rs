//! Why a registry did not do something.

use std::io;
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use serde_json::Value;

use super::reference::ReferenceError;
use crate::docker::DockerError;
use crate::http::{HttpError, Problem};

/// A result of a registry.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// Why a registry did not do something. Holds no credential.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The name is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It wants a password in the open, over the network.
    #[error("{host} does not encrypt, and is another machine")]
    Insecure {
        /// Who.
        host: String,
    },
    /// Its token service gave none.
    #[error("{realm} gave no token for {host}: {message}")]
    Token {
        /// The registry.
        host: String,
        /// The token service.
        realm: String,
        /// What it said.
        message: String,
        /// The call.
        source: HttpError,
    },
    /// It answered with an error.
    #[error("{host} answered {}: {message}", if code.is_empty() { "an error" } else { code.as_str() })]
    Refused {
        /// The registry.
        host: String,
        /// Its code, such as `DENIED`; empty when it gave none.
        code: String,
        /// What it said.
        message: String,
        /// The call.
        source: HttpError,
    },
    /// It did not answer, or not as it should.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// What it has is not what was sent.
    #[error("{host} has {found} where {expected} was pushed")]
    Digest {
        /// The registry.
        host: String,
        /// What was pushed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// What should be there is not.
    #[error("{repository} has no {what}")]
    Absent {
        /// The repository.
        repository: String,
        /// What.
        what: String,
    },
    /// Somebody else was quicker.
    #[error("the tag `{tag}` of {repository} was moved to {found} meanwhile")]
    Moved {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// Where it points to.
        found: String,
    },
    /// Under the tag of the signatures of an image is something else.
    #[error("the tag `{tag}` of {repository} is that of signatures, and has none")]
    Foreign {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
    },
    /// The image cannot be pushed.
    #[error("the image cannot be pushed: {0}")]
    Image(String),
    /// The container runtime does not give the image away.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// A file could not be used.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

impl RegistryError {
    /// What a failed call of `host` means: registries say what is wrong in a body of their own.
    #[must_use]
    pub(super) fn of(host: &str, error: HttpError) -> Self {
        if speaks_plainly(&error) {
            return Self::Insecure { host: host.to_owned() };
        }
        let Some(refused) = error.answer() else { return Self::Http(error) };
        let (code, message) = said(&refused.body);
        let message = if message.is_empty() { refused.status.to_string() } else { message };
        Self::Refused { host: host.to_owned(), code, message, source: error }
    }

    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }

    /// The status of the answer, when there is one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Token { source, .. } | Self::Refused { source, .. } | Self::Http(source) => source.status(),
            Self::Reference(_)
            | Self::Insecure { .. }
            | Self::Digest { .. }
            | Self::Absent { .. }
            | Self::Moved { .. }
            | Self::Foreign { .. }
            | Self::Image(_)
            | Self::Docker(_)
            | Self::File { .. } => None,
        }
    }
}

/// Whether a server without encryption was asked for some.
fn speaks_plainly(error: &HttpError) -> bool {
    match &error.problem {
        Problem::Connect(reason) | Problem::Broken(reason) | Problem::Tls(reason) => {
            reason.contains("InvalidContentType") || reason.contains("corrupt message")
        }
        Problem::Refused(refused) => refused.body.contains("HTTP request to an HTTPS server"),
        Problem::Malformed(_) | Problem::Client(_) => false,
    }
}

/// The code and the words of a registry's or a token service's error.
pub(super) fn said(body: &str) -> (String, String) {
    let Ok(answer) = serde_json::from_str::<Value>(body) else { return (String::new(), body.to_owned()) };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(first) = answer["errors"].get(0) {
        let detail = match &first["detail"] {
            Value::Null => String::new(),
            Value::String(detail) => detail.clone(),
            detail => detail.to_string(),
        };
        let message = match text(&first["message"]) {
            message if detail.is_empty() || detail == message => message,
            message if message.is_empty() => detail,
            message => format!("{message} ({detail})"),
        };
        return (text(&first["code"]), message);
    }
    let message = ["error_description", "details", "message", "error"].iter().map(|key| text(&answer[*key]));
    (String::new(), message.into_iter().find(|text| !text.is_empty()).unwrap_or_else(|| body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn errors_of_registries_and_token_services_are_read() {
        let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
        let registry = r#"{"errors":[{"code":"DENIED","message":"requested access","detail":{"Action":"push"}}]}"#;
        assert_eq!(said(registry), pair("DENIED", r#"requested access ({"Action":"push"})"#));
        assert_eq!(said(r#"{"errors":[{"code":"UNKNOWN","message":"x","detail":null}]}"#), pair("UNKNOWN", "x"));
        assert_eq!(said(r#"{"details":"incorrect username or password"}"#), pair("", "incorrect username or password"));
        assert_eq!(said("plain"), pair("", "plain"));
    }
}
