//! Deeds that commands share.

pub mod backup;
pub mod build;
pub mod compile;
pub mod delete;
pub mod dev;
mod failures;
pub mod health;
pub mod init;
pub mod instance;
pub mod invoke;
pub mod lifecycle;
pub mod local;
pub mod lock;
pub mod params;
pub mod push;
pub mod releases;
pub mod seed;
pub mod status;
pub mod transfer;
pub mod warnings;
pub mod watch;
