//! The reports of commands that do the same to instances here and elsewhere.

use serde::Serialize;

use crate::errors::{ExitCode, Failure};
use crate::ops::deploy::Remote;
use crate::ui::{Page, Report};

/// What a command did to an instance on this machine, or to one elsewhere.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Place<H, E> {
    /// On this machine.
    Here(H),
    /// Elsewhere.
    Elsewhere(E),
}

impl<H: Report, E: Report> Report for Place<H, E> {
    fn human(&self, page: &mut Page) {
        match self {
            Self::Here(report) => report.human(page),
            Self::Elsewhere(report) => report.human(page),
        }
    }

    fn summary(&self) -> Option<String> {
        match self {
            Self::Here(report) => report.summary(),
            Self::Elsewhere(report) => report.summary(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Here(report) => report.exit(),
            Self::Elsewhere(report) => report.exit(),
        }
    }
}

/// What was done to an instance elsewhere, in a word.
#[derive(Debug, Serialize)]
pub struct Changed {
    instance: String,
    provider: &'static str,
    changed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// The word, in the past and as it would be: `Started`, `start`.
    #[serde(skip)]
    words: (&'static str, &'static str),
}

impl Changed {
    /// That word, done or to be done.
    pub(super) fn new(remote: &Remote, words: (&'static str, &'static str), dry_run: bool) -> Self {
        Self { instance: remote.name.clone(), provider: remote.target().name, changed: true, dry_run, words }
    }

    fn line(&self) -> String {
        let (done, wanted) = self.words;
        if self.dry_run { format!("Would {wanted} `{}`", self.instance) } else { format!("{done} `{}`", self.instance) }
    }
}

impl Report for Changed {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

/// Fails for an option that means something for other targets only.
pub(super) fn refuse(option: &str, given: bool, name: &str, is_elsewhere: bool) -> Result<(), Failure> {
    if !given {
        return Ok(());
    }
    let place = if is_elsewhere { "elsewhere" } else { "on this machine" };
    let message = format!("`{option}` says nothing for `{name}`, which is {place}");
    Err(Failure::new("E-INPUT-OPTION", ExitCode::Usage, message).hint("leave it out"))
}
