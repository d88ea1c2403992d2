//! One file a command: its arguments, its report, and the way from one to the other. The work is in `ops`.

mod runtime;

pub mod check;
pub mod compile;
pub mod completions;
pub mod init;
pub mod version;
pub mod welcome;

use clap::Subcommand;

use crate::ctx::Ctx;
use crate::errors::ExitCode;

/// What the tool can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project: `helix.toml`, a schema and queries that work
    Init(init::InitArgs),
    /// Check the project file, the schema and the queries
    Check(check::CheckArgs),
    /// Write the compiled plan
    Compile(compile::CompileArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Print the version
    Version(version::VersionArgs),
    /// Print the welcome page
    #[command(hide = true)]
    Welcome(welcome::WelcomeArgs),
}

impl Command {
    /// What `--version` is short for.
    #[must_use]
    pub const fn version() -> Self {
        Self::Version(version::VersionArgs {})
    }

    /// What no command at all is short for.
    #[must_use]
    pub const fn welcome() -> Self {
        Self::Welcome(welcome::WelcomeArgs {})
    }

    /// The name, as it is typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Check(_) => "check",
            Self::Compile(_) => "compile",
            Self::Completions(_) => "completions",
            Self::Version(_) => "version",
            Self::Welcome(_) => "welcome",
        }
    }

    /// Whether it goes on and tells what happens: `--json` is then lines of JSON.
    #[must_use]
    pub const fn streams(&self) -> bool {
        match self {
            Self::Init(_)
            | Self::Check(_)
            | Self::Compile(_)
            | Self::Completions(_)
            | Self::Version(_)
            | Self::Welcome(_) => false,
        }
    }

    /// Whether it can write annotations of GitHub Actions.
    #[must_use]
    pub const fn annotates(&self) -> bool {
        matches!(self, Self::Check(_))
    }
}

/// Runs a command. `github` asks for annotations of GitHub Actions.
pub fn run(command: Command, ctx: &Ctx, github: bool) -> ExitCode {
    let ui = &ctx.ui;
    match command {
        Command::Init(args) => ui.finish(init::run(&args, ctx)),
        Command::Check(args) => ui.finish(check::run(&args, ctx, github)),
        Command::Compile(args) => ui.finish(compile::run(&args, ctx)),
        Command::Completions(args) => ui.finish(completions::run(&args, ctx)),
        Command::Version(args) => ui.finish(Ok(version::run(&args))),
        Command::Welcome(args) => ui.finish(Ok(welcome::run(&args))),
    }
}

/// The commands without the global options, for completions.
fn command_line() -> clap::Command {
    Command::augment_subcommands(clap::Command::new("helix"))
}
