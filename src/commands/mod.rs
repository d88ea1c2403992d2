//! One file a command: its arguments, its report, and the way from one to the other. The work is in `ops`.

mod args;
mod place;
mod runtime;
mod targets;

pub mod add;
pub mod auth;
pub mod backup;
pub mod build;
pub mod check;
pub mod compile;
pub mod completions;
pub mod config;
pub mod delete;
pub mod dev;
pub mod doctor;
pub mod env;
pub mod explain;
pub mod export;
pub mod fmt;
pub mod import;
pub mod init;
pub mod instance;
pub mod logs;
pub mod mock_cloud;
pub mod plan;
pub mod prune;
pub mod push;
pub mod query;
pub mod releases;
pub mod restart;
pub mod restore;
pub mod rollback;
pub mod secrets;
pub mod start;
pub mod status;
pub mod stop;
pub mod sync;
pub mod version;
pub mod welcome;

use clap::Subcommand;

use self::check::Findings;
use self::runtime::{OnSignal, block_on};
use crate::ctx::Ctx;
use crate::errors::ExitCode;

/// What the tool can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project: `helix.toml`, a schema and queries that work
    Init(init::InitArgs),
    /// Add an instance to the project
    Add(add::AddArgs),
    /// Check the project file, the schema and the queries
    Check(check::CheckArgs),
    /// Format the schema and the queries
    Fmt(fmt::FmtArgs),
    /// Explain a code that the compiler prints
    Explain(explain::ExplainArgs),
    /// Write the compiled plan
    Compile(compile::CompileArgs),
    /// Build the server of an instance, to run it elsewhere
    Build(build::BuildArgs),
    /// Make the queries what an instance serves
    #[command(visible_alias = "deploy")]
    Push(push::PushArgs),
    /// Show what a push would do
    Plan(plan::PlanArgs),
    /// Work on an instance: each save is live at once
    Dev(dev::DevArgs),
    /// Start an instance with what was last pushed
    Start(start::StartArgs),
    /// Stop instances; their data stays
    Stop(stop::StopArgs),
    /// Stop an instance and start it again
    Restart(restart::RestartArgs),
    /// Show what the instances are doing
    Status(status::StatusArgs),
    /// Show what an instance wrote
    Logs(logs::LogsArgs),
    /// Call a query
    Query(query::QueryArgs),
    /// List what was released to an instance
    Releases(releases::ReleasesArgs),
    /// Go back to an earlier release
    Rollback(rollback::RollbackArgs),
    /// Keep the secrets of an instance elsewhere
    Secrets(secrets::SecretsArgs),
    /// Show the variables of an instance, and where they are from
    Env(env::EnvArgs),
    /// Copy the data of an instance while it runs; list and check copies
    Backup(backup::BackupArgs),
    /// Put a backup in the place of an instance's data
    Restore(restore::RestoreArgs),
    /// Write the data of an instance as lines of JSON, while it runs
    Export(export::ExportArgs),
    /// Fill an instance without data from an export
    Import(import::ImportArgs),
    /// Delete an instance and its data
    Delete(delete::DeleteArgs),
    /// Log in to Helix Cloud, and out
    Auth(auth::AuthArgs),
    /// Choose the workspace and the project of Helix Cloud; check the project file
    Config(config::ConfigArgs),
    /// Bring the query folder and a cluster of Helix Cloud in step
    Sync(sync::SyncArgs),
    /// Be a stand-in for Helix Cloud, to test pipelines
    MockCloud(mock_cloud::MockCloudArgs),
    /// Remove containers, images and workspaces that nobody needs; data stays
    Prune(prune::PruneArgs),
    /// Find what is wrong with this machine, the project and its instances
    Doctor(doctor::DoctorArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Print the version
    Version(version::VersionArgs),
    /// Be the process of an instance
    #[command(hide = true, name = "instance-process")]
    Instance(instance::InstanceArgs),
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
            Self::Add(_) => "add",
            Self::Releases(_) => "releases",
            Self::Rollback(_) => "rollback",
            Self::Secrets(_) => "secrets",
            Self::Env(_) => "env",
            Self::Check(_) => "check",
            Self::Fmt(_) => "fmt",
            Self::Explain(_) => "explain",
            Self::Compile(_) => "compile",
            Self::Build(_) => "build",
            Self::Push(_) => "push",
            Self::Dev(_) => "dev",
            Self::Start(_) => "start",
            Self::Stop(_) => "stop",
            Self::Restart(_) => "restart",
            Self::Status(_) => "status",
            Self::Logs(_) => "logs",
            Self::Query(_) => "query",
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::Delete(_) => "delete",
            Self::Plan(_) => "plan",
            Self::Prune(_) => "prune",
            Self::Doctor(_) => "doctor",
            Self::Auth(_) => "auth",
            Self::Config(_) => "config",
            Self::Sync(_) => "sync",
            Self::MockCloud(_) => "mock-cloud",
            Self::Completions(_) => "completions",
            Self::Version(_) => "version",
            Self::Instance(_) => "instance-process",
            Self::Welcome(_) => "welcome",
        }
    }

    /// Whether it goes on and tells what happens: `--json` is then lines of JSON.
    #[must_use]
    pub const fn streams(&self) -> bool {
        match self {
            Self::Build(_) | Self::Push(_) | Self::Dev(_) | Self::Logs(_) | Self::Sync(_) | Self::MockCloud(_) => true,
            Self::Auth(args) => args.streams(),
            Self::Status(args) => args.watch,
            Self::Check(args) => args.watch,
            Self::Init(_)
            | Self::Add(_)
            | Self::Releases(_)
            | Self::Rollback(_)
            | Self::Secrets(_)
            | Self::Env(_)
            | Self::Fmt(_)
            | Self::Explain(_)
            | Self::Compile(_)
            | Self::Instance(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::Restart(_)
            | Self::Query(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Export(_)
            | Self::Import(_)
            | Self::Delete(_)
            | Self::Plan(_)
            | Self::Prune(_)
            | Self::Doctor(_)
            | Self::Config(_)
            | Self::Completions(_)
            | Self::Version(_)
            | Self::Welcome(_) => false,
        }
    }

    /// Whether it can write its findings for other tools.
    #[must_use]
    pub const fn annotates(&self) -> bool {
        matches!(self, Self::Check(_))
    }

    /// Whether what it does is kept in a run log: it changes something.
    #[must_use]
    pub const fn is_logged(&self) -> bool {
        match self {
            Self::Init(_)
            | Self::Add(_)
            | Self::Rollback(_)
            | Self::Secrets(_)
            | Self::Build(_)
            | Self::Push(_)
            | Self::Dev(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::Restart(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Export(_)
            | Self::Import(_)
            | Self::Delete(_)
            | Self::Prune(_)
            | Self::Auth(_)
            | Self::Config(_)
            | Self::Sync(_) => true,
            Self::Check(_)
            | Self::Fmt(_)
            | Self::Explain(_)
            | Self::Compile(_)
            | Self::Instance(_)
            | Self::Status(_)
            | Self::Logs(_)
            | Self::Query(_)
            | Self::Releases(_)
            | Self::Env(_)
            | Self::Plan(_)
            | Self::Doctor(_)
            | Self::MockCloud(_)
            | Self::Completions(_)
            | Self::Version(_)
            | Self::Welcome(_) => false,
        }
    }
}

/// Runs a command. `findings` asks for them in a format of other tools.
pub fn run(command: Command, ctx: &Ctx, findings: Option<Findings>) -> ExitCode {
    let ui = &ctx.ui;
    match command {
        Command::Init(args) => ui.finish(block_on(ctx, OnSignal::Tell, init::run(&args, ctx))),
        Command::Add(args) => ui.finish(block_on(ctx, OnSignal::Tell, add::run(args, ctx))),
        Command::Releases(args) => ui.finish(block_on(ctx, OnSignal::Drop, releases::run(args, ctx))),
        Command::Rollback(args) => ui.finish(block_on(ctx, OnSignal::Tell, rollback::run(args, ctx))),
        Command::Secrets(args) => ui.finish(block_on(ctx, OnSignal::Tell, secrets::run(args, ctx))),
        Command::Env(args) => ui.finish(env::run(&args, ctx)),
        Command::Check(args) if args.watch => {
            ui.finish(block_on(ctx, OnSignal::Tell, check::watch(args, ctx, findings)))
        }
        Command::Check(args) => ui.finish(check::run(&args, ctx, findings)),
        Command::Fmt(args) => ui.finish(fmt::run(&args, ctx)),
        Command::Explain(args) => ui.finish(explain::run(&args, ctx)),
        Command::Compile(args) => ui.finish(compile::run(&args, ctx)),
        Command::Build(args) => ui.finish(block_on(ctx, OnSignal::Tell, build::run(args, ctx))),
        Command::Push(args) => ui.finish(block_on(ctx, OnSignal::Tell, push::run(args, ctx))),
        Command::Dev(args) => ui.finish(block_on(ctx, OnSignal::Tell, dev::run(args, ctx))),
        Command::Instance(args) => ui.finish(block_on(ctx, OnSignal::Tell, instance::run(args, ctx))),
        Command::Start(args) => ui.finish(block_on(ctx, OnSignal::Tell, start::run(args, ctx))),
        Command::Stop(args) => ui.finish(block_on(ctx, OnSignal::Tell, stop::run(args, ctx))),
        Command::Restart(args) => ui.finish(block_on(ctx, OnSignal::Tell, restart::run(args, ctx))),
        Command::Status(args) => ui.finish(block_on(ctx, OnSignal::Drop, status::run(args, ctx))),
        Command::Logs(args) => ui.finish(block_on(ctx, OnSignal::Drop, logs::run(args, ctx))),
        Command::Query(args) => ui.finish(block_on(ctx, OnSignal::Drop, query::run(args, ctx))),
        Command::Backup(args) => ui.finish(block_on(ctx, OnSignal::Tell, backup::run(args, ctx))),
        Command::Restore(args) => ui.finish(block_on(ctx, OnSignal::Tell, restore::run(args, ctx))),
        Command::Export(args) => ui.finish(block_on(ctx, OnSignal::Tell, export::run(args, ctx))),
        Command::Import(args) => ui.finish(block_on(ctx, OnSignal::Tell, import::run(args, ctx))),
        Command::Delete(args) => ui.finish(block_on(ctx, OnSignal::Tell, delete::run(args, ctx))),
        Command::Plan(args) => ui.finish(block_on(ctx, OnSignal::Drop, plan::run(args, ctx))),
        Command::Prune(args) => ui.finish(block_on(ctx, OnSignal::Tell, prune::run(args, ctx))),
        Command::Doctor(args) => ui.finish(block_on(ctx, OnSignal::Drop, doctor::run(args, ctx))),
        Command::Auth(args) => ui.finish(block_on(ctx, OnSignal::Drop, auth::run(args, ctx))),
        Command::Config(args) => ui.finish(block_on(ctx, OnSignal::Drop, config::run(args, ctx))),
        Command::Sync(args) => ui.finish(block_on(ctx, OnSignal::Tell, sync::run(args, ctx))),
        Command::MockCloud(args) => ui.finish(block_on(ctx, OnSignal::Tell, mock_cloud::run(args, ctx))),
        Command::Completions(args) => ui.finish(completions::run(&args, ctx)),
        Command::Version(args) => ui.finish(Ok(version::run(&args))),
        Command::Welcome(args) => ui.finish(Ok(welcome::run(&args))),
    }
}

/// The commands without the global options, for completions.
fn command_line() -> clap::Command {
    Command::augment_subcommands(clap::Command::new("helix"))
}
