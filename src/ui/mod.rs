//! What the user sees: the only place that prints.
//!
//! The result goes to stdout, everything else to stderr. A command hands over a value ([`Report`]) or a [`Failure`]; whether
//! that becomes text, one JSON document or a stream of JSON lines is decided here.

pub mod diagnostics;
mod human;
mod json;
mod markdown;
mod outbox;
mod page;
pub mod panic;
mod prompt;
mod runlog;
mod step;

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use serde::Serialize;
use serde_json::value::to_raw_value;

pub use page::{Page, Style, Symbol, size};
pub use step::Step;

use crate::errors::{ExitCode, Failure};
use outbox::{Outbox, Stream};
use runlog::RunLog;

/// What a command hands over when it is done.
///
/// Its fields are the `data` of the JSON document.
pub trait Report: Serialize {
    /// Writes the result for a human.
    fn human(&self, page: &mut Page);

    /// The result in one line, all that `--quiet` shows.
    fn summary(&self) -> Option<String> {
        None
    }

    /// The exit code of a command that is done and has something to say with it.
    fn exit(&self) -> ExitCode {
        ExitCode::Done
    }
}

/// How output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text.
    Human,
    /// One JSON document; lines of JSON for commands that stream.
    Json,
    /// Lines of JSON.
    Ndjson,
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors and the result in a line.
    Quiet,
    /// Steps.
    Normal,
    /// Steps with their times.
    Verbose,
    /// All there is.
    Debug,
}

/// How to talk to the user.
#[derive(Clone, Debug)]
pub struct UiSettings {
    /// The name of the command, for the JSON document.
    pub command: &'static str,
    /// How output is written.
    pub format: Format,
    /// Whether the command goes on and tells what happens.
    pub streams: bool,
    /// How much is told.
    pub verbosity: Verbosity,
    /// Whether colours are used.
    pub color: ColorChoice,
    /// Whether symbols are letters.
    pub ascii: bool,
    /// Whether questions may be asked.
    pub interactive: bool,
    /// Whether every question is answered with yes.
    pub yes: bool,
    /// Whether the times of the steps are shown at the end.
    pub timings: bool,
}

/// The conversation with the user.
#[derive(Debug)]
pub struct Ui {
    settings: UiSettings,
    started: Instant,
    told: Mutex<Told>,
    /// Where output goes of a command that does not wait for its reader.
    outbox: OnceLock<Outbox>,
    log: RunLog,
}

#[derive(Debug, Default)]
struct Told {
    steps: Vec<(String, Duration)>,
    warnings: Vec<Warning>,
}

/// Something that may become a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The stable code, `W-<FAMILY>-<NAME>`.
    pub code: String,
    /// What it is.
    pub message: String,
}

impl Ui {
    /// A conversation as it is set.
    #[must_use]
    pub fn new(settings: UiSettings) -> Self {
        Self {
            settings,
            started: Instant::now(),
            told: Mutex::default(),
            outbox: OnceLock::new(),
            log: RunLog::default(),
        }
    }

    /// Keeps what happens from now on in a file as well, as lines of JSON.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn log_to(&self, path: &Path) -> std::io::Result<()> {
        self.log.add(path)
    }

    /// Keeps what happens from now on in a file of its own in the folder of run logs. Without such a file the command works
    /// all the same.
    pub fn log_run(&self, folder: &Path) {
        if let Ok(path) = runlog::file_of_run(folder, self.settings.command) {
            let _ = self.log.add(&path);
        }
    }

    fn record(&self, kind: &str, fields: &impl Serialize) {
        if !self.log.is_empty() {
            self.log.write(&json::event(kind, fields));
        }
    }

    /// Whether output is for machines.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.settings.format != Format::Human
    }

    /// Whether output is lines of JSON.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        match self.settings.format {
            Format::Human => false,
            Format::Json => self.settings.streams,
            Format::Ndjson => true,
        }
    }

    /// Whether steps are told.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.settings.verbosity == Verbosity::Quiet
    }

    /// Whether details are told.
    #[must_use]
    pub fn is_verbose(&self) -> bool {
        self.settings.verbosity >= Verbosity::Verbose
    }

    /// Whether stdout is a terminal that a human reads.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        !self.is_json() && std::io::stdout().is_terminal()
    }

    /// Whether questions may be asked.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.settings.interactive && !self.is_json()
    }

    /// How long the command has been running.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Says what the command is about to do: `Pushing dev`.
    pub fn header(&self, text: &str) {
        self.record("begin", &serde_json::json!({ "command": self.settings.command, "message": text }));
        if !self.is_json() && !self.is_quiet() {
            let mut page = self.page();
            page.line(Style::Bold, text);
            self.narrate(&page);
        }
    }

    /// Begins a step: what is going on now, and its stable name for machines.
    pub fn step(&self, name: &'static str, running: &str) -> Step<'_> {
        Step::begin(self, name, running)
    }

    /// Says something in passing.
    pub fn note(&self, text: &str) {
        if self.is_stream() {
            self.event("note", &serde_json::json!({ "message": text }));
            return;
        }
        self.record("note", &serde_json::json!({ "message": text }));
        if !self.is_json() && !self.is_quiet() {
            let mut page = self.page();
            page.symbol(page::Symbol::Arrow, text);
            self.narrate(&page);
        }
    }

    /// Warns.
    pub fn warn(&self, code: &str, message: impl Into<String>) {
        let warning = Warning { code: code.to_owned(), message: message.into() };
        if self.is_stream() {
            self.event("warning", &warning);
        } else {
            self.record("warning", &warning);
        }
        if !self.is_json() {
            let mut page = self.page();
            page.symbol(page::Symbol::Warning, format!("{} [{}]", warning.message, warning.code));
            self.narrate(&page);
        }
        self.told().warnings.push(warning);
    }

    /// Writes text for a human to stderr, as it is.
    pub fn narrate(&self, page: &Page) {
        if !self.is_json() {
            self.write(Stream::Stderr, page.text().as_bytes().to_vec(), self.settings.color);
        }
    }

    /// Writes a part of the result for a human to stdout. A reader that has gone is not an error.
    pub fn print(&self, page: &Page) {
        self.write(Stream::Stdout, page.text().as_bytes().to_vec(), self.settings.color);
    }

    /// Writes bytes to stdout, as they are.
    pub fn raw(&self, bytes: &[u8]) {
        self.write(Stream::Stdout, bytes.to_vec(), ColorChoice::Always);
    }

    /// From now on, output does not wait for its reader: a command that goes on must do its work even when nobody reads.
    pub fn do_not_wait(&self) {
        self.outbox.get_or_init(|| Outbox::new(self.settings.color));
    }

    fn write(&self, stream: Stream, text: Vec<u8>, color: ColorChoice) {
        let text = match self.outbox.get() {
            Some(outbox) => outbox.send(stream, text),
            None => Some(text),
        };
        if let Some(text) = text {
            outbox::write(stream, &text, color);
        }
    }

    /// Writes an event of a stream: the members of `fields`, which is an object, behind time and type.
    pub fn event(&self, kind: &str, fields: &impl Serialize) {
        self.record(kind, fields);
        if self.is_stream() {
            self.write(Stream::Stdout, json::event(kind, fields), ColorChoice::Always);
        }
    }

    /// An empty page for text in this style.
    #[must_use]
    pub fn page(&self) -> Page {
        Page::new(self.settings.ascii)
    }

    /// Shows a failure that does not end the command.
    pub fn failure(&self, failure: &Failure) {
        self.record("failure", &failure.json());
        let mut page = self.page();
        human::failure(&mut page, failure, self.settings.verbosity);
        self.narrate(&page);
    }

    /// Ends the conversation. Returns what the exit code of the process says.
    pub fn finish<R: Report>(&self, result: Result<R, Failure>) -> ExitCode {
        let exit = match &result {
            Ok(report) => report.exit(),
            Err(failure) => failure.exit,
        };
        let left_out = self.outbox.get().map_or(0, Outbox::left_out);
        if left_out > 0 {
            self.warn(
                "W-OUTPUT-LEFT-OUT",
                format!("{left_out} lines of output were left out: nobody read them in time"),
            );
        }
        self.record(
            "end",
            &match &result {
                Ok(_) => serde_json::json!({ "exit": exit as u8, "ms": millis(self.elapsed()) }),
                Err(failure) => {
                    serde_json::json!({ "exit": exit as u8, "ms": millis(self.elapsed()), "error": failure.json() })
                }
            },
        );
        match self.settings.format {
            Format::Human => self.finish_human(&result),
            Format::Json | Format::Ndjson => self.finish_json(&result),
        }
        if let Some(outbox) = self.outbox.get() {
            outbox.finish();
        }
        exit
    }

    fn finish_human<R: Report>(&self, result: &Result<R, Failure>) {
        match result {
            Ok(report) if self.is_quiet() => {
                if let Some(summary) = report.summary() {
                    let mut page = self.page();
                    page.text_line(&summary);
                    self.print(&page);
                }
            }
            Ok(report) => {
                let mut page = self.page();
                report.human(&mut page);
                self.print(&page);
            }
            Err(failure) => self.failure(failure),
        }
        if self.settings.timings {
            let mut page = self.page();
            human::timings(&mut page, &self.told().steps, self.elapsed());
            self.narrate(&page);
        }
    }

    fn finish_json<R: Report>(&self, result: &Result<R, Failure>) {
        let told = self.told();
        let document = json::Document {
            command: self.settings.command,
            result: match result {
                Ok(report) => Ok(to_raw_value(report).unwrap_or_default()),
                Err(failure) => Err(failure.json()),
            },
            warnings: &told.warnings,
            steps: &told.steps,
            total: self.elapsed(),
        };
        let line = json::finish(&document, self.is_stream());
        drop(told);
        self.write(Stream::Stdout, line, ColorChoice::Always);
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a human sits in front of this process and can answer.
#[must_use]
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A report of a command that has written its result already.
#[derive(Debug, Serialize)]
pub struct Silent {}

impl Report for Silent {
    fn human(&self, _page: &mut Page) {}
}
