//! What stands in for each target, and a folder in which the whole tool is used against it.

pub mod scene;
pub mod stand_ins;

pub use scene::Scene;
pub use stand_ins::{PLANTED, StandIn};
