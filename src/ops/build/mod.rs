//! From a plan to what runs it elsewhere: an executable, or an image.
//!
//! [`source`] is what all servers share, [`generate`] what one project adds, [`binary`] compiles both here, [`image`] has the
//! container runtime do so.

pub mod binary;
mod blame;
pub mod cargo;
mod context;
mod dockerfile;
pub mod error;
pub mod generate;
pub mod image;
mod record;
mod sbom;
pub mod source;

pub use dockerfile::PORT;
