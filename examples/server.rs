//! The server of tests of containers: the one that is built for a project, except that its plan is in a file beside it, so that
//! another plan needs no other executable.

use std::process::ExitCode;

use helix_engine::compiled::Queries;
use helix_engine::service::{Release, main as serve};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A plan that is not there is one that cannot be read, and the server says so.
    let plan = std::fs::read("/plan.bin").unwrap_or_default();
    serve(&Release { plan: plan.leak(), settings: "{}", queries: Queries { digest: "", bodies: &[] } })
}
