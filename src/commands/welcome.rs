//! What `helix` says without a command.

use clap::Args;
use serde::Serialize;

use crate::ui::{Page, Report, Style};

/// Arguments of the welcome page: none.
#[derive(Debug, Args)]
pub struct WelcomeArgs {}

/// The welcome page.
#[derive(Debug, Serialize)]
pub struct WelcomeReport {
    version: &'static str,
}

const GROUPS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Start",
        &[
            ("helix init", "make a project in this folder"),
            ("helix push dev", "make its queries live"),
            ("helix dev", "work on it: each save is live at once"),
        ],
    ),
    (
        "Every day",
        &[
            ("helix check", "check schema and queries"),
            ("helix query dev --list", "see what can be called"),
            ("helix status", "see what runs"),
            ("helix logs dev", "see what it wrote"),
        ],
    ),
    (
        "Help",
        &[
            ("helix --help", "all commands"),
            ("helix COMMAND --help", "one of them"),
            ("helix doctor", "find what is wrong"),
        ],
    ),
];

impl Report for WelcomeReport {
    fn human(&self, page: &mut Page) {
        page.put(Style::Bold, "helix").put(Style::Dim, format_args!(" {}", self.version)).end();
        page.text_line("From an empty folder to a running graph-vector database.");
        for (title, commands) in GROUPS {
            page.end();
            page.line(Style::Bold, title);
            for (command, what) in commands {
                page.put(Style::Plain, format_args!("  {command:<24}")).put(Style::Dim, what).end();
            }
        }
    }
}

/// Welcomes.
#[must_use]
pub const fn run(_args: &WelcomeArgs) -> WelcomeReport {
    WelcomeReport { version: env!("CARGO_PKG_VERSION") }
}
