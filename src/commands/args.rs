//! Options that several commands have.

use std::time::Duration;

use clap::Args;

use crate::ops::instance::Wait;
use crate::ops::push::PortChoice;
use crate::utils::parse_duration;

/// How long to wait for another command.
#[derive(Clone, Copy, Debug, Args)]
pub struct LockArgs {
    /// How long to wait for another command that changes the instance
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = duration)]
    pub lock_timeout: Duration,
}

/// How long to wait for health.
#[derive(Clone, Copy, Debug, Args)]
pub struct WaitArgs {
    /// How long to wait until it is healthy; as configured when omitted
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "no_wait")]
    wait: Option<Duration>,
    /// Do not wait until it is healthy
    #[arg(long)]
    no_wait: bool,
}

impl WaitArgs {
    /// What was said.
    #[must_use]
    pub fn wait(self) -> Wait {
        match (self.wait, self.no_wait) {
            (_, true) => Wait::No,
            (Some(limit), false) => Wait::For(limit),
            (None, false) => Wait::Configured,
        }
    }
}

/// Reads `500ms`, `60s`, `2m`, or seconds.
///
/// # Errors
///
/// When the text is no duration.
pub fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a time like `500ms`, `60s` or `2m`".to_owned())
}

/// Reads a port or `auto`.
///
/// # Errors
///
/// When the text is neither.
pub fn port(text: &str) -> Result<PortChoice, String> {
    if text == "auto" {
        return Ok(PortChoice::Search);
    }
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(PortChoice::Exact(port)),
        _ => Err("expected a port from 1 to 65535, or `auto`".to_owned()),
    }
}
