//! The server of a project: its plan, its settings and its queries beside this file, the engine behind them.

mod queries;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    helix_engine::service::main(&helix_engine::service::Release {
        plan: include_bytes!("plan.bin"),
        settings: include_str!("settings.json"),
        queries: queries::QUERIES,
    })
}
