//! A client of OCI registries: references, authentication, blobs, manifests, tags, the push of an image, and
//! its signatures.
//!
//! The calls are our own, over [`crate::http`]: an answer of a token service is told as it is, uploads are streamed, are resumed after
//! a cut and are watched, what is there is never sent again, and nothing goes to another origin with our credentials.
//! Errors are [`RegistryError`]s; what they mean for a target is said by the targets.

mod artifacts;
mod auth;
mod blobs;
mod client;
pub mod credentials;
mod error;
pub mod manifest;
mod push;
pub mod reference;
pub mod sign;

pub use auth::Credential;
pub use blobs::{Blob, Content, Event, Sent, Watch};
pub use client::{Client, Head};
pub use credentials::Login;
pub use error::{RegistryError, Result};
pub use manifest::Manifest;
pub use push::{Image, Prepared, Pushed, Source};
pub use reference::{Reference, Repository};
