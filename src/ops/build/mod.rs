//! From a plan to what runs it elsewhere.
pub mod source;
