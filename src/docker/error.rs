//! Why the container runtime did not do something: named after what was attempted, with what can be done about it.

use std::io;

use bollard::errors::Error;

use super::Runtime;

/// A result of the container runtime.
pub type Result<T, E = DockerError> = std::result::Result<T, E>;

/// Why the container runtime did not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DockerError {
    /// No socket of it is there.
    #[error("{runtime} is not there: looked at {}", looked_at.join(", "))]
    Missing {
        /// What was looked for.
        runtime: Runtime,
        /// The addresses that were tried.
        looked_at: Vec<String>,
        /// The other runtime, when that one answers.
        other: Option<Runtime>,
    },
    /// Its socket is there, and nobody answers.
    #[error("{runtime} does not answer at {host}: {reason}")]
    NotRunning {
        /// Who was asked.
        runtime: Runtime,
        /// Where.
        host: String,
        /// What happened.
        reason: String,
    },
    /// This user may not use it.
    #[error("this user may not use {runtime} at {host}")]
    Denied {
        /// Who was asked.
        runtime: Runtime,
        /// Where.
        host: String,
    },
    /// It does not know what is needed.
    #[error("{runtime} at {host} speaks API {api}, and {} is needed", super::MIN_API)]
    TooOld {
        /// Who was asked.
        runtime: Runtime,
        /// Where.
        host: String,
        /// What it speaks.
        api: String,
    },
    /// The address cannot be used.
    #[error("the address `{host}` of the container runtime cannot be used: {reason}")]
    Address {
        /// The address.
        host: String,
        /// Why not.
        reason: String,
    },
    /// The disk that it keeps its data on is full.
    #[error("cannot {action}: the disk of the container runtime is full: {message}")]
    DiskFull {
        /// What was attempted.
        action: &'static str,
        /// What it said.
        message: String,
    },
    /// The port of the host is taken.
    #[error("cannot {action}: {message}")]
    PortTaken {
        /// What was attempted.
        action: &'static str,
        /// What it said.
        message: String,
    },
    /// There is no such image on this machine.
    #[error("there is no image `{image}` on this machine")]
    NoImage {
        /// The image.
        image: String,
    },
    /// What is asked about is not there.
    #[error("cannot {action}: {message}")]
    NotFound {
        /// What was attempted.
        action: &'static str,
        /// What it said.
        message: String,
    },
    /// What it is asked for does not go with what is there.
    #[error("cannot {action}: {message}")]
    Conflict {
        /// What was attempted.
        action: &'static str,
        /// What it said.
        message: String,
    },
    /// Several networks have the name of the one that is asked for.
    #[error("cannot {action}: {message}")]
    AmbiguousNetwork {
        /// What was attempted.
        action: &'static str,
        /// What it said.
        message: String,
    },
    /// It refused.
    #[error("cannot {action}: {message}")]
    Refused {
        /// What was attempted.
        action: &'static str,
        /// What it said.
        message: String,
    },
    /// It did not answer, or not as it should.
    #[error("cannot {action}: {source}")]
    Api {
        /// What was attempted.
        action: &'static str,
        /// What happened.
        #[source]
        source: Error,
    },
}

impl DockerError {
    /// What a failed call means.
    pub fn of(action: &'static str) -> impl FnOnce(Error) -> Self {
        move |error| match error {
            Error::DockerResponseServerError { status_code, message } => answered(action, status_code, message),
            Error::DockerStreamError { error } => answered(action, 500, error),
            source => Self::Api { action, source },
        }
    }

    /// Whether that is because it is not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NoImage { .. })
    }
}

fn answered(action: &'static str, status: u16, message: String) -> DockerError {
    let message = message.trim().to_owned();
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["no space left on device", "disk quota exceeded"]) {
        DockerError::DiskFull { action, message }
    } else if says(&["port is already allocated", "address already in use", "ports are not available"]) {
        DockerError::PortTaken { action, message }
    } else if lower.contains("network") && lower.contains("is ambiguous") {
        DockerError::AmbiguousNetwork { action, message }
    } else if status == 404 {
        DockerError::NotFound { action, message }
    } else if status == 409 {
        DockerError::Conflict { action, message }
    } else {
        DockerError::Refused { action, message }
    }
}

/// What a failed first call means.
pub(super) fn unreachable(runtime: Runtime, host: &str, error: &Error) -> DockerError {
    let host = host.to_owned();
    let mut deepest: &dyn std::error::Error = match error {
        // It hides itself behind what it holds.
        Error::IOError { err } => err,
        other => other,
    };
    loop {
        if let Some(error) = deepest.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            return DockerError::Denied { runtime, host };
        }
        match deepest.source() {
            Some(source) => deepest = source,
            None => break,
        }
    }
    DockerError::NotRunning { runtime, host, reason: deepest.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status_code: u16, message: &str) -> DockerError {
        let message = message.to_owned();
        DockerError::of("start the container")(Error::DockerResponseServerError { status_code, message })
    }

    #[test]
    fn answers_are_told_apart() {
        let port = "driver failed programming external connectivity: Bind for 127.0.0.1:6969 failed: port is already allocated";
        assert!(matches!(of(500, port), DockerError::PortTaken { .. }));
        let busy = "error starting userland proxy: listen tcp4 127.0.0.1:6969: bind: address already in use";
        assert!(matches!(of(500, busy), DockerError::PortTaken { .. }));
        assert!(matches!(of(500, "write /x: no space left on device"), DockerError::DiskFull { .. }));
        assert!(of(404, "No such container: x").is_not_found());
        assert!(matches!(of(409, "Conflict. The name is in use"), DockerError::Conflict { .. }));
        let namesakes = "network helix-app-dev_net is ambiguous (2 matches found on name)";
        assert!(matches!(of(400, namesakes), DockerError::AmbiguousNetwork { .. }));
        assert_eq!(of(500, "no\n").to_string(), "cannot start the container: no");
    }

    #[test]
    fn a_closed_socket_is_told_from_one_that_nobody_listens_on() {
        let error = |kind| Error::IOError { err: io::Error::from(kind) };
        let told = |kind| unreachable(Runtime::Docker, "unix:///x", &error(kind));
        assert!(matches!(told(io::ErrorKind::PermissionDenied), DockerError::Denied { .. }));
        assert!(matches!(told(io::ErrorKind::ConnectionRefused), DockerError::NotRunning { .. }));
    }
}
