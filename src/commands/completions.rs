//! `helix completions`.

use clap::Args;
use clap_complete::Shell;

use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ui::Silent;

/// Arguments of `helix completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints the completions.
///
/// # Errors
///
/// None.
pub fn run(args: &CompletionsArgs, ctx: &Ctx) -> Result<Silent, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command_line(), "helix", &mut script);
    ctx.ui.raw(&script);
    Ok(Silent {})
}
