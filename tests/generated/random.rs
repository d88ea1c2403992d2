/// The queries of every program.
pub const PROGRAMS: &[(&str, helix_engine::compiled::Queries)] = &[];
