//! From a plan to artefacts. Each emitter reads the plan and nothing else, and is total: whatever was checked is emitted.

pub mod openapi;
pub mod rust;
