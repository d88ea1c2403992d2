//! From a plan to what runs it elsewhere: an executable, or an image.
//!
//! [`source`] is what all servers share, [`generate`] what one project adds, [`binary`] compiles both here, [`image`] has the
//! container runtime do so.

mod base;
pub mod binary;
mod blame;
pub mod cargo;
mod context;
mod dockerfile;
pub mod error;
pub mod generate;
pub mod image;
mod prepared;
mod record;
mod sbom;
pub mod source;
mod verify;

pub use dockerfile::PORT;
pub use prepared::Prepared;
pub use verify::verify;
