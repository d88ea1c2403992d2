//! Instances that this very executable runs: no container, no toolchain, no network.
//!
//! A detached process (or a development session) owns the data directory, serves HTTP, and is told what to do over a
//! [control socket](control). [`process`] says whether it runs, [`launch`] starts it, [`host`] is what it does, [`log`] is what
//! it wrote, [`state`] what was last pushed. Nothing here prints, and nothing here knows of commands.

pub mod control;
pub mod error;
pub mod files;
pub mod host;
pub mod launch;
pub mod live;
pub mod log;
pub mod port;
pub mod process;
pub mod settings;
pub mod state;

pub use error::{EmbeddedError, Result};
pub use files::Files;
pub use process::{Phase, Presence, ProcessRecord, Session};
pub use state::State;

/// The present instant as RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
