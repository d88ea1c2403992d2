//! A release as an executable: what the server that is generated for a project links and runs.
//!
//! The executable is told what to do by variables ([`main`] lists them in `--help`); it serves one plan, the one that it was
//! made with. The settings and the log format are shared with whoever hosts an engine otherwise.

mod environment;
mod health;
pub mod log;
mod serve;
pub mod settings;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use helix_plan::Program;
use serde_json::json;

use crate::backup::{BackupError, CopyOptions, Packing, archive};
use crate::compiled::Queries;
use environment::Configuration;
use settings::Env;

/// What is built into a server.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    /// The encoded plan.
    pub plan: &'static [u8],
    /// The settings of the engine, as JSON.
    pub settings: &'static str,
    /// The queries of the plan, compiled.
    pub queries: Queries,
}

const HELP: &str = "\
Serves the queries that it was built with.

Usage: helix-server [COMMAND]

Commands:
  (none)    Serve, until SIGTERM or SIGINT
  health    Ask the server beside this process whether it lives
  backup [--compact]
            Write a backup of the data to stdout, as an archive; the server goes on
  version   Print what this is, as JSON

Variables:
  HELIX_DATA_DIR        The folder that holds the data; required
  HELIX_PORT            The port to listen on (6969)
  HELIX_BIND            The address to listen on (127.0.0.1)
  HELIX_SETTINGS        Settings of the engine as JSON, above those built in
  HELIX_API_KEY         The SHA-256 of the key that requests must carry, hexadecimal
  HELIX_API_KEY_FILE    A file with the same
  OPENAI_API_KEY, AZURE_OPENAI_API_KEY, GEMINI_API_KEY
                        Keys of the provider of embeddings
  AZURE_OPENAI_RESOURCE_NAME, OPENAI_BASE_URL, AZURE_OPENAI_BASE_URL, GEMINI_BASE_URL, HELIX_EMBED_URL
                        Where it is, if not at its usual address
  HELIX_ENV_FILE        A file with more variables, `NAME=VALUE` on each line
  HELIX_ALLOW_BREAKING  1: stored data that the schema no longer has may be lost
  HELIX_DRAIN           Seconds that requests in flight may take when it stops (10)
  HELIX_LOG             The least level that is logged, or directives (info)
  HELIX_LOG_FORMAT      text or json (text)
  HELIX_PROJECT, HELIX_INSTANCE
                        Names for the log

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 11 the stored data does not allow the schema,
13 the data is in use or of another format, 70 a bug
";

/// What the exit code of a server says; stable, so that whoever runs it can name the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Exit {
    /// The surroundings failed: the port, the disk.
    Failed = 1,
    /// The command line or the variables are wrong.
    Usage = 2,
    /// The stored data does not allow the schema.
    Refused = 11,
    /// The data is in use or of another format.
    State = 13,
    /// A bug.
    Internal = 70,
}

/// Why a server ended.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

/// Runs a server with the arguments and the environment of this process. Failures are a line on stderr and an exit code.
#[must_use]
pub fn main(release: &Release) -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let env: Env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    match run(release, &arguments, env) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Whoever does not listen misses it.
            let _ = writeln!(io::stderr(), "error: {}", failure.message);
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(release: &Release, arguments: &[String], env: Env) -> Result<(), Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => {
            let configuration = Configuration::read(release.settings, env)?;
            log::install(configuration.log_format, &configuration.log_level);
            serve::run(configuration, program(release)?, release.queries)
        }
        ["health"] => health::ask(environment::address(&env)?),
        ["backup"] => backup(&env, false),
        ["backup", "--compact"] => backup(&env, true),
        ["version"] => print(version(release)?),
        ["--help" | "-h" | "help"] => print(HELP),
        _ => {
            let message = format!("unknown argument `{}`: see `helix-server --help`", arguments.join(" "));
            Err(Failure::new(Exit::Usage, message))
        }
    }
}

fn program(release: &Release) -> Result<Program, Failure> {
    Program::decode(release.plan)
        .map_err(|error| Failure::new(Exit::Internal, format!("the plan of this release cannot be read: {error}")))
}

fn version(release: &Release) -> Result<String, Failure> {
    let program = program(release)?;
    let version = env!("CARGO_PKG_VERSION");
    let document = json!({
        "version": version,
        "engine_version": version,
        "plan_format": helix_plan::FORMAT_VERSION,
        "plan_digest": program.digest().to_string(),
        "queries": program.queries.len(),
    });
    Ok(format!("{document}\n"))
}

/// Writes an archive of the data, beside a server that goes on.
fn backup(env: &Env, compact: bool) -> Result<(), Failure> {
    let instance = env.get("HELIX_INSTANCE").cloned().unwrap_or_default();
    let options = CopyOptions { instance, compact };
    let written = archive(&environment::data(env)?, &mut io::stdout().lock(), Packing::Plain, &options);
    written.map(drop).map_err(|error| {
        let exit = if matches!(error, BackupError::NoData { .. }) { Exit::State } else { Exit::Failed };
        Failure::new(exit, error.to_string())
    })
}

fn print(text: impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    let written = write!(stdout, "{text}").and_then(|()| stdout.flush());
    written.map_err(|error| Failure::new(Exit::Failed, format!("cannot write: {error}")))
}
