//! What stands in for each target, and a folder in which the whole tool is used against it.
//!
//! Files that use it have `support` and `fly_mock` beside it.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod scene;
pub mod stand_ins;

pub use scene::Scene;
pub use stand_ins::{PLANTED, StandIn};
