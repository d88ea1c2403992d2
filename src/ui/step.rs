//! A step of a command: told when it begins and when it ends.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Ui;
use super::page::{Symbol, duration};

/// Between two frames of a spinner.
const TICK: Duration = Duration::from_millis(80);

/// A step that is going on. Dropping it without [`done`](Step::done) means that it failed.
#[derive(Debug)]
pub struct Step<'ui> {
    ui: &'ui Ui,
    name: &'static str,
    running: String,
    started: Instant,
    spinner: Option<ProgressBar>,
    ended: bool,
}

impl<'ui> Step<'ui> {
    pub(super) fn begin(ui: &'ui Ui, name: &'static str, running: &str) -> Self {
        ui.event("step.start", &json!({ "step": name, "message": running }));
        let told = !ui.is_json() && !ui.is_quiet();
        let spins = told && std::io::stderr().is_terminal();
        if told && !spins {
            let mut page = ui.page();
            page.symbol(Symbol::Arrow, running);
            ui.narrate(&page);
        }
        let spinner = spins.then(|| spinner(running));
        Self { ui, name, running: running.to_owned(), started: Instant::now(), spinner, ended: false }
    }

    /// Tells how far it is. Shown in place on a terminal, an event for machines, nothing where lines would pile up.
    pub fn progress(&self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(format!("{}: {text}", self.running));
        }
        self.ui.event("progress", &json!({ "step": self.name, "message": text }));
    }

    /// It worked.
    pub fn done(mut self, text: &str) {
        self.end(true, text);
    }

    fn end(&mut self, ok: bool, text: &str) {
        self.ended = true;
        let took = self.started.elapsed();
        self.ui.told().steps.push((self.name.to_owned(), took));
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.ui.event("step.end", &json!({ "step": self.name, "ok": ok, "message": text, "ms": ms }));
        if self.ui.is_json() || self.ui.is_quiet() {
            return;
        }
        let symbol = if ok { Symbol::Check } else { Symbol::Cross };
        let mut page = self.ui.page();
        let time = if self.ui.is_verbose() { format!(" ({})", duration(took)) } else { String::new() };
        page.symbol(symbol, format_args!("{text}{time}"));
        self.ui.narrate(&page);
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let text = format!("{}: failed", self.running);
            self.end(false, &text);
        }
    }
}

fn spinner(text: &str) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    spinner.set_style(ProgressStyle::default_spinner());
    spinner.set_message(text.to_owned());
    spinner.enable_steady_tick(TICK);
    spinner
}
