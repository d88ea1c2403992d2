//! Helix Cloud: a platform that compiles the sources it is sent.
//!
//! [`Cloud`] makes the calls, [`events`] reads the streams, [`HelixCloud`] is the role. Beyond the protocol of version 2 a service
//! says what else it can do ([`types::Extension`]); what it cannot is refused with a way out.

pub mod api;
mod deploy;
pub mod endpoint;
pub mod events;
mod logs;
pub mod mock;
mod platform;
pub mod types;

pub use api::Cloud;
pub use deploy::MAX_BODY_BYTES;
pub use platform::{HelixCloud, Settings};

/// The name for people.
pub const TITLE: &str = "Helix Cloud";

/// A text of the other side without what steers a terminal.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
