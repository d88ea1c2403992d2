//! Why a target did not do something, in terms that all targets share.

use std::time::Duration;

use crate::errors::ExitCode;
use crate::http::{HttpError, Problem};

/// A result of a target.
pub type Result<T, E = TargetError> = std::result::Result<T, E>;

/// What kind of failure it is: decides the code, the exit code and what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No credential was found in any source.
    AuthMissing,
    /// The credential was not accepted.
    AuthRejected,
    /// The credential may not do that.
    AuthScope,
    /// The target cannot do that.
    Unsupported,
    /// It is not there.
    NotFound,
    /// Somebody else has it, or it is in another state.
    Conflict,
    /// The request is not what the target wants.
    Invalid,
    /// A limit of the account is reached.
    Quota,
    /// Too many calls.
    RateLimited,
    /// The region has no room.
    Capacity,
    /// The other side failed.
    Upstream,
    /// Its certificate is not trusted.
    Tls,
    /// It cannot be reached.
    Connect,
    /// Plain HTTP to another machine.
    Insecure,
    /// The remote state is another one than that which was planned for.
    StalePlan,
    /// Somebody else deploys.
    Locked,
    /// A setting is missing.
    Unconfigured,
    /// The queries were turned down.
    Queries,
    /// The release is not healthy.
    Unhealthy,
    /// The image has the wrong architecture or cannot be run.
    Image,
}

impl Code {
    /// The stable code and the exit code.
    #[must_use]
    pub const fn stable(self) -> (&'static str, ExitCode) {
        match self {
            Self::AuthMissing => ("E-AUTH-MISSING", ExitCode::Auth),
            Self::AuthRejected => ("E-AUTH-REJECTED", ExitCode::Auth),
            Self::AuthScope => ("E-AUTH-SCOPE", ExitCode::Auth),
            Self::Unsupported => ("E-DEPLOY-UNSUPPORTED", ExitCode::Unsupported),
            Self::NotFound => ("E-DEPLOY-NOT-FOUND", ExitCode::State),
            Self::Conflict => ("E-DEPLOY-CONFLICT", ExitCode::Rejected),
            Self::Invalid => ("E-DEPLOY-INVALID", ExitCode::Rejected),
            Self::Quota => ("E-DEPLOY-QUOTA", ExitCode::Rejected),
            Self::RateLimited => ("E-NET-RATE-LIMITED", ExitCode::Network),
            Self::Capacity => ("E-FLY-CAPACITY", ExitCode::Rejected),
            Self::Upstream => ("E-NET-UPSTREAM", ExitCode::Network),
            Self::Tls => ("E-NET-TLS", ExitCode::Network),
            Self::Connect => ("E-NET-CONNECT", ExitCode::Network),
            Self::Insecure => ("E-REG-INSECURE", ExitCode::Config),
            Self::StalePlan => ("E-STATE-STALE-PLAN", ExitCode::State),
            Self::Locked => ("E-STATE-LOCKED", ExitCode::Locked),
            Self::Unconfigured => ("E-CLOUD-UNCONFIGURED", ExitCode::Auth),
            Self::Queries => ("E-DEPLOY-QUERIES", ExitCode::Queries),
            Self::Unhealthy => ("E-DEPLOY-UNHEALTHY", ExitCode::Unhealthy),
            Self::Image => ("E-BUILD-IMAGE", ExitCode::Build),
        }
    }
}

/// Why a target did not do something.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{target}: cannot {action}: {message}")]
pub struct TargetError {
    /// What kind of failure.
    pub code: Code,
    /// The name of the target for people.
    pub target: &'static str,
    /// What was attempted, after "cannot".
    pub action: String,
    /// What happened, in a sentence without a final stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What was found, line by line: the last log lines, the sources that were tried.
    pub context: Vec<String>,
    /// What the other side calls the request.
    pub request_id: Option<String>,
    /// How long to wait.
    pub retry_after: Option<Duration>,
    /// Whether what ran before a release that failed runs again.
    pub rolled_back: bool,
}

impl TargetError {
    /// A failure.
    #[must_use]
    pub fn new(code: Code, target: &'static str, action: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            target,
            action: action.into(),
            message: message.into(),
            hint: None,
            context: Vec::new(),
            request_id: None,
            retry_after: None,
            rolled_back: false,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds lines of what was found.
    #[must_use]
    pub fn context(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.context.extend(lines.into_iter().map(Into::into));
        self
    }

    /// A call that failed, with what its status means everywhere. A target that knows more of an answer looks at it first.
    #[must_use]
    pub fn http(target: &'static str, action: impl Into<String>, error: &HttpError) -> Self {
        let action = action.into();
        let message = error.to_string();
        match &error.problem {
            Problem::Connect(_) => Self::new(Code::Connect, target, action, message)
                .hint("look at the address, at the network, and at `HTTPS_PROXY` and `NO_PROXY`"),
            Problem::Tls(_) => Self::new(Code::Tls, target, action, message)
                .hint("name a file with the certificates of your network in `SSL_CERT_FILE`"),
            Problem::Broken(_) | Problem::Malformed(_) => {
                Self::new(Code::Upstream, target, action, message).hint("it is safe to run the command again")
            }
            Problem::Client(_) => Self::new(Code::Invalid, target, action, message),
            Problem::Refused(refused) => {
                let code = match refused.status.as_u16() {
                    401 => Code::AuthRejected,
                    402 => Code::Quota,
                    403 => Code::AuthScope,
                    404 => Code::NotFound,
                    409 => Code::Conflict,
                    412 => Code::StalePlan,
                    429 => Code::RateLimited,
                    500..=599 => Code::Upstream,
                    _ => Code::Invalid,
                };
                let said = if refused.body.is_empty() { refused.status.to_string() } else { refused.body.clone() };
                let mut failed = Self::new(code, target, action, said);
                failed.hint = match code {
                    Code::Upstream => Some("it is safe to run the command again".to_owned()),
                    Code::RateLimited => Some(match refused.retry_after {
                        Some(wait) => format!("run the command again in {} s", wait.as_secs().max(1)),
                        None => "run the command again in a minute".to_owned(),
                    }),
                    _ => None,
                };
                failed.request_id.clone_from(&refused.id);
                failed.retry_after = refused.retry_after;
                failed
            }
        }
    }
}
