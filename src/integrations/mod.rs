//! The places that an instance can run at, one module each.

pub mod embedded;
