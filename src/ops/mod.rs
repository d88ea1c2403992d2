//! Deeds that commands share.

pub mod lock;
pub mod params;
pub mod releases;
