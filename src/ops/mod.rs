//! Deeds that commands share.

pub mod compile;
pub mod health;
pub mod init;
pub mod instance;
pub mod invoke;
pub mod lock;
pub mod params;
pub mod push;
pub mod releases;
pub mod status;
pub mod watch;
