//! When a call is made again, and how long that waits.

use std::time::Duration;

use reqwest::StatusCode;

use super::{HttpError, Problem};

/// The longest that a service may make us wait.
const MOST: Duration = Duration::from_secs(60);

/// How often a call is made, and how long between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often at most.
    pub tries: u32,
    /// Before the second time; doubled each time after it.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { tries: 5, first: Duration::from_millis(250), longest: Duration::from_secs(8) }
    }
}

impl Policy {
    /// How long to wait before the next try of a call that failed `tries` times; `None` when that is no use, or not safe.
    #[must_use]
    pub fn pause(&self, error: &HttpError, tries: u32, repeatable: bool) -> Option<Duration> {
        if tries >= self.tries {
            return None;
        }
        let asked = match &error.problem {
            // Nothing was sent.
            Problem::Connect(_) => None,
            Problem::Broken(_) if repeatable => None,
            Problem::Refused(refused) if is_passing(refused.status) && (repeatable || is_unsent(refused.status)) => {
                refused.retry_after
            }
            Problem::Broken(_) | Problem::Refused(_) | Problem::Tls(_) | Problem::Malformed(_) | Problem::Client(_) => {
                return None;
            }
        };
        match asked {
            Some(asked) if asked > MOST => None,
            Some(asked) => Some(asked),
            None => Some(self.backoff(tries)),
        }
    }

    /// Exponential, with full jitter, so that those who failed together do not come back together.
    fn backoff(&self, tries: u32) -> Duration {
        let most = self.first.saturating_mul(1 << (tries - 1).min(16)).min(self.longest);
        let random = uuid::Uuid::new_v4().as_u64_pair().0 % 1000;
        most.mul_f64(0.5 + (random as f64) / 2000.0)
    }
}

/// Whether the same call may succeed later.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Whether the call was turned away before anything was done.
fn is_unsent(status: StatusCode) -> bool {
    matches!(status.as_u16(), 425 | 429)
}
