//! Fewer calls than Fly.io allows: an own limit per machine and action, so that a push never waits for being told off.
//!
//! Published limits: one call a second per action and machine, three at once; five a second and ten at once to look at a machine.
//! Source: <https://fly.io/docs/machines/api/working-with-machines-api/#rate-limits>.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is done with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    Get,
    Wait,
    Create,
    Update,
    Start,
    Stop,
    Restart,
    Cordon,
    Lease,
    Metadata,
    Destroy,
}

impl Action {
    /// How many fit in the time of one, and how many may come at once.
    const fn allowed(self) -> (u32, u32) {
        match self {
            Self::Get => (5, 10),
            Self::Wait
            | Self::Create
            | Self::Update
            | Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Cordon
            | Self::Lease
            | Self::Metadata
            | Self::Destroy => (1, 3),
        }
    }
}

/// The limits of all machines: for each the time at which all that was allowed so far is used up (the generic cell rate algorithm,
/// ITU-T I.371).
#[derive(Debug)]
pub(super) struct Limits {
    second: Duration,
    used: Mutex<HashMap<(String, Action), Instant>>,
}

impl Limits {
    /// Limits whose second is so long.
    pub(super) fn new(second: Duration) -> Self {
        Self { second, used: Mutex::default() }
    }

    /// Waits until the action may be taken.
    pub(super) async fn take(&self, machine: &str, action: Action) {
        let wait = self.reserve(machine, action, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn reserve(&self, machine: &str, action: Action, now: Instant) -> Duration {
        let (rate, burst) = action.allowed();
        let each = self.second / rate;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let until = used.entry((machine.to_owned(), action)).or_insert(now);
        let start = (*until).max(now);
        *until = start + each;
        start.saturating_duration_since(now).saturating_sub(each * (burst - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_rest_waits() {
        let limits = Limits::new(Duration::from_secs(1));
        let now = Instant::now();
        let waits = |machine: &str, action| -> Vec<u128> {
            (0..5).map(|_| limits.reserve(machine, action, now).as_millis()).collect()
        };
        assert_eq!(waits("a", Action::Update), [0, 0, 0, 1000, 2000]);
        assert_eq!(waits("b", Action::Update), [0, 0, 0, 1000, 2000], "machines have limits of their own");
        assert_eq!(waits("a", Action::Get), [0; 5]);
        let later = now + Duration::from_secs(60);
        assert_eq!(limits.reserve("a", Action::Update, later), Duration::ZERO);
    }
}
