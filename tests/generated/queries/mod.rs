//! The programs of each folder of the corpus.
#![allow(clippy::module_inception, reason = "a query may have the name of its folder")]

mod diagnostics;
mod errors;
mod example;
mod filters;
mod grouping;
mod math;
mod paths;
mod programs;
mod projections;
mod queries;
mod schema;
mod sources;
mod steps;
mod text;
mod values;
mod vectors;
mod writes;

pub const FOLDERS: &[(&str, &[(&str, helix_engine::compiled::Queries)])] = &[
    ("diagnostics", diagnostics::PROGRAMS),
    ("errors", errors::PROGRAMS),
    ("example", example::PROGRAMS),
    ("filters", filters::PROGRAMS),
    ("grouping", grouping::PROGRAMS),
    ("math", math::PROGRAMS),
    ("paths", paths::PROGRAMS),
    ("programs", programs::PROGRAMS),
    ("projections", projections::PROGRAMS),
    ("queries", queries::PROGRAMS),
    ("schema", schema::PROGRAMS),
    ("sources", sources::PROGRAMS),
    ("steps", steps::PROGRAMS),
    ("text", text::PROGRAMS),
    ("values", values::PROGRAMS),
    ("vectors", vectors::PROGRAMS),
    ("writes", writes::PROGRAMS),
];
