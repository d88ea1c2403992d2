//! From a plan to what runs it elsewhere: an executable, or an image.
//!
//! [`source`] is what all servers share, [`generate`] what one project adds, [`binary`] compiles both here.

pub mod binary;
mod blame;
mod cargo;
pub mod error;
pub mod generate;
mod record;
pub mod source;
