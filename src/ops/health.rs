//! Whether an instance answers.

use std::time::Duration;

use tokio::time::Instant;

/// How long one question may take.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// What a question for health brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers as it should.
    Healthy,
    /// It answers otherwise.
    Unhealthy {
        /// What it said.
        reason: String,
    },
    /// It does not answer.
    Unreachable {
        /// What happened.
        reason: String,
    },
}

impl Health {
    /// The word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy { .. } => "unhealthy",
            Self::Unreachable { .. } => "unreachable",
        }
    }

    /// Why it is not healthy.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Healthy => None,
            Self::Unhealthy { reason } | Self::Unreachable { reason } => Some(reason),
        }
    }
}

/// Asks once. A server that does not know the path is asked for `/introspect`, which every generation has.
pub async fn probe(http: &reqwest::Client, url: &str, path: &str) -> Health {
    match get(http, &format!("{url}{path}")).await {
        Ok(404) => match get(http, &format!("{url}/introspect")).await {
            Ok(status) => verdict(status, "/introspect"),
            Err(reason) => Health::Unreachable { reason },
        },
        Ok(status) => verdict(status, path),
        Err(reason) => Health::Unreachable { reason },
    }
}

/// Asks until the instance is healthy or `timeout` is over. Returns the last answer.
pub async fn wait(http: &reqwest::Client, url: &str, path: &str, timeout: Duration, interval: Duration) -> Health {
    let deadline = Instant::now() + timeout;
    loop {
        let health = probe(http, url, path).await;
        if health == Health::Healthy || Instant::now() + interval >= deadline {
            return health;
        }
        tokio::time::sleep(interval).await;
    }
}

async fn get(http: &reqwest::Client, url: &str) -> Result<u16, String> {
    let response = http.get(url).timeout(PROBE_TIMEOUT).send().await;
    response.map(|response| response.status().as_u16()).map_err(|error| reason(&error))
}

fn verdict(status: u16, path: &str) -> Health {
    match status {
        // A key is asked for: somebody is there.
        200..=399 | 401 | 403 => Health::Healthy,
        status => Health::Unhealthy { reason: format!("`GET {path}` answered {status}") },
    }
}

/// What went wrong, without the address, which the reader knows.
fn reason(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { source.to_string() }
}
