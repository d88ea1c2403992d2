//! The command line: global options, the table of commands, and the way from arguments to an exit code.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use anstream::ColorChoice;
use clap::{Args, CommandFactory as _, Parser, ValueEnum};

use crate::commands::check::Findings;
use crate::commands::{self, Command};
use crate::ctx::{Ctx, Dirs};
use crate::errors::{ExitCode, Failure};
use crate::ui::{self, Format, Ui, UiSettings, Verbosity};

/// From an empty folder to a running graph-vector database.
#[derive(Debug, Parser)]
#[command(name = "helix", disable_version_flag = true, disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    globals: Globals,
    /// Print the version
    #[arg(short = 'V', long)]
    version: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Globals {
    /// Print errors and the result line only
    #[arg(long, global = true)]
    quiet: bool,
    /// Print details and times; twice for all there is
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Write one JSON document, or lines of JSON for commands that go on
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// How to write output
    #[arg(long, global = true, value_name = "FORMAT", env = "HELIX_FORMAT", hide_env = true)]
    format: Option<FormatArg>,
    /// Answer every confirmation with yes
    #[arg(short, long, global = true)]
    yes: bool,
    /// Never ask; what is missing is an error that names the flag
    #[arg(long, global = true)]
    non_interactive: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "HELIX_COLOR", hide_env = true)]
    color: ColorArg,
    /// Act as if started in DIR
    #[arg(short = 'C', long, global = true, value_name = "DIR", env = "HELIX_PROJECT_DIR", hide_env = true)]
    project_dir: Option<PathBuf>,
    /// Use this project file instead of the one found
    #[arg(long, global = true, value_name = "FILE", env = "HELIX_CONFIG", hide_env = true)]
    config: Option<PathBuf>,
    /// Read variables for instances from this file, above all others
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Show how long each step took
    #[arg(long, global = true)]
    timings: bool,
    /// Write what happens to this file as well, as lines of JSON
    #[arg(long, global = true, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Use no network but this machine's own
    #[arg(long, global = true, env = "HELIX_OFFLINE", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    offline: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// Text
    Human,
    /// One JSON document
    Json,
    /// Lines of JSON
    Ndjson,
    /// Annotations of GitHub Actions (`check` only)
    Github,
    /// A log of findings in the SARIF format (`check` only)
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ColorArg {
    /// When the output is a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Runs the tool with the arguments and the environment of this process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let crashes = Dirs::new(&env).state.join("crashes");
    ui::panic::guard(crashes, || run(&arguments, env))
}

fn run(arguments: &[OsString], env: BTreeMap<String, String>) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => dispatch(cli, env),
        Err(error) => unparsed(&error, arguments),
    }
}

/// The clap command, for completions and for tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

fn unparsed(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let asked_for = !error.use_stderr();
    if asked_for || !arguments.iter().any(|argument| argument == "--json") {
        // A reader that has gone is not an error.
        let _ = error.print();
        return if asked_for { ExitCode::Done } else { ExitCode::Usage };
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let ui = Ui::new(UiSettings {
        command: "",
        format: Format::Json,
        streams: false,
        verbosity: Verbosity::Normal,
        color: ColorChoice::Never,
        ascii: false,
        interactive: false,
        yes: false,
        timings: false,
    });
    ui.finish(Err::<crate::ui::Silent, _>(usage(first)))
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new("E-INPUT-USAGE", ExitCode::Usage, message).hint("see `helix --help`")
}

fn dispatch(cli: Cli, env: BTreeMap<String, String>) -> ExitCode {
    let Cli { globals, version, command } = cli;
    let command = match command {
        _ if version => Command::version(),
        Some(command) => command,
        None => Command::welcome(),
    };
    let ui = Ui::new(ui_settings(&globals, &command, &env));
    let findings = match globals.format {
        Some(FormatArg::Github) => Some(Findings::Github),
        Some(FormatArg::Sarif) => Some(Findings::Sarif),
        Some(FormatArg::Human | FormatArg::Json | FormatArg::Ndjson) | None => None,
    };
    if let Some(findings) = findings.filter(|_| !command.annotates()) {
        let message = format!("`--format {findings}` is for `helix check` only");
        return ui.finish(Err::<crate::ui::Silent, _>(usage(message)));
    }
    let cwd = std::env::current_dir();
    let cwd = match (cwd, globals.project_dir) {
        (Ok(cwd), Some(folder)) => cwd.join(folder),
        (Err(_), Some(folder)) => folder,
        (Ok(cwd), None) => cwd,
        (Err(error), None) => {
            let failure = Failure::file("enter", std::path::Path::new("."), &error);
            return ui.finish(Err::<crate::ui::Silent, _>(failure));
        }
    };
    if !cwd.is_dir() {
        return ui.finish(Err::<crate::ui::Silent, _>(usage(format!("`{}` is no folder", cwd.display()))));
    }
    if let Some(path) = &globals.log_file {
        let path = cwd.join(path);
        if let Err(error) = ui.log_to(&path) {
            return ui.finish(Err::<crate::ui::Silent, _>(Failure::file("open", &path, &error)));
        }
    }
    let mut ctx = Ctx::new(ui, env, cwd, globals.config, globals.env_file);
    ctx.offline = globals.offline;
    if command.is_logged() {
        ctx.ui.log_run(&ctx.dirs.state.join("runs"));
    }
    commands::run(command, &ctx, findings)
}

fn ui_settings(globals: &Globals, command: &Command, env: &BTreeMap<String, String>) -> UiSettings {
    let is_set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty() && value != "0" && value != "false");
    let format = match (globals.json, globals.format) {
        (true, _) | (_, Some(FormatArg::Json)) => Format::Json,
        (_, Some(FormatArg::Ndjson)) => Format::Ndjson,
        (_, Some(FormatArg::Human | FormatArg::Github | FormatArg::Sarif) | None) => Format::Human,
    };
    let verbosity = match (globals.quiet, globals.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) => Verbosity::Verbose,
        (false, _) => Verbosity::Debug,
    };
    let color = match globals.color {
        ColorArg::Auto => ColorChoice::Auto,
        ColorArg::Always => ColorChoice::Always,
        ColorArg::Never => ColorChoice::Never,
    };
    let told_not_to = globals.non_interactive || is_set("HELIX_NON_INTERACTIVE") || is_set("CI");
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.get(*name).filter(|value| !value.is_empty()));
    let ascii =
        is_set("HELIX_ASCII") || utf8.is_some_and(|locale| !locale.to_lowercase().replace('-', "").contains("utf8"));
    UiSettings {
        command: command.name(),
        format,
        streams: command.streams(),
        verbosity,
        color,
        ascii,
        interactive: !told_not_to && ui::has_terminal(),
        yes: globals.yes || is_set("HELIX_YES"),
        timings: globals.timings,
    }
}
