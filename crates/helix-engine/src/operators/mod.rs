//! What a plan's operations mean, once: the interpreter and generated code call the same functions.

pub mod access;
pub mod datum;
pub mod math;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// With the next element.
    Continue,
    /// Nobody wants more.
    Stop,
}
