//! A model of the language: random programs, and what they must answer.

pub mod evaluate;
pub mod generate;
pub mod language;
pub mod math;
pub mod value;
