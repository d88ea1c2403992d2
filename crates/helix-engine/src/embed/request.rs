//! Requests to providers: made again when that may help, and told without keys.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;

use crate::error::{EngineError, Result};

/// How often a request is made at most. Embedding changes nothing, so that it may always be made again.
const TRIES: u32 = 3;

/// How long before the second time, when the provider does not say; four times as long before the third.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest that a provider may make a query wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Characters of a provider's error that are told.
const MAX_ERROR_CHARS: usize = 200;

/// Why a try failed.
struct Failed {
    reason: String,
    /// How long to wait before the next, if one may help.
    pause: Option<Duration>,
}

/// Sends a request and decodes its answer. `request` makes it, as often as is needed; `key` is left out of what is told.
///
/// # Errors
///
/// [`EngineError::Embedding`] when no try succeeds.
pub(super) async fn send<T>(request: impl Fn() -> RequestBuilder, key: Option<&str>) -> Result<T>
where
    T: for<'de> Deserialize<'de>,
{
    let mut tries = 1;
    loop {
        let Failed { reason, pause } = match try_once(request(), key, tries).await {
            Ok(body) => {
                let decoded = serde_json::from_slice(&body);
                return decoded.map_err(|error| {
                    EngineError::Embedding(format!("the provider's answer is not understood: {error}"))
                });
            }
            Err(failed) => failed,
        };
        let Some(pause) = pause.filter(|_| tries < TRIES) else {
            return Err(EngineError::Embedding(reason));
        };
        tokio::time::sleep(pause).await;
        tries += 1;
    }
}

async fn try_once(request: RequestBuilder, key: Option<&str>, tries: u32) -> std::result::Result<Vec<u8>, Failed> {
    let usual = PAUSE * 4_u32.pow(tries - 1);
    // Addresses are left out of errors: some providers take keys in them. Who was waited for in vain is not waited for again.
    let broken = |error: reqwest::Error| {
        let pause = (!error.is_timeout()).then_some(usual);
        Failed { reason: chain(&error.without_url()), pause }
    };
    let response = request.send().await.map_err(broken)?;
    let status = response.status();
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.bytes().await.map_err(broken)?;
    if status.is_success() {
        return Ok(body.into());
    }
    let text = String::from_utf8_lossy(&body);
    // Before it is cut, so that no part of a key is left at the end.
    let text = key.filter(|key| !key.is_empty()).map_or(text.to_string(), |key| text.replace(key, "…"));
    let shown: String = text.chars().filter(|c| !c.is_control()).take(MAX_ERROR_CHARS).collect();
    let pause = asked.map_or(usual, Duration::from_secs);
    Err(Failed {
        reason: format!("the provider answered {status}: {shown}"),
        pause: (is_passing(status) && pause <= LONGEST_PAUSE).then_some(pause),
    })
}

/// Whether the same request may succeed later.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
