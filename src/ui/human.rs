//! Failures and times as text.

use std::time::Duration;

use super::Verbosity;
use super::page::{Page, Style, duration};
use crate::errors::Failure;

/// Message, place, what was found, cause, help: each only when there is something to say.
pub(super) fn failure(page: &mut Page, failure: &Failure, verbosity: Verbosity) {
    if let Some(rendered) = &failure.rendered {
        // The findings carry their codes and places themselves.
        page.verbatim(rendered);
        page.put(Style::Bad, "error").put(Style::Plain, ": ").put(Style::Bold, &failure.message).end();
    } else {
        page.put(Style::Bad, "error").put(Style::Dim, format_args!("[{}]", failure.code));
        page.put(Style::Plain, ": ").put(Style::Bold, &failure.message).end();
    }
    if let Some(location) = failure.location.as_ref().filter(|_| failure.rendered.is_none()) {
        page.put(Style::Dim, "  --> ").put(Style::Plain, location).end();
    }
    for line in &failure.context {
        page.put(Style::Dim, "  | ").put(Style::Plain, line).end();
    }
    if let Some(cause) = &failure.cause {
        page.put(Style::Dim, "  cause: ").put(Style::Plain, cause).end();
    }
    if let Some(hint) = &failure.hint
        && verbosity > Verbosity::Quiet
    {
        page.put(Style::Good, "  help: ").put(Style::Plain, hint).end();
    }
}

/// How long each step took.
pub(super) fn timings(page: &mut Page, steps: &[(String, Duration)], total: Duration) {
    let rows: Vec<_> = steps
        .iter()
        .map(|(name, took)| (name.as_str(), *took))
        .chain([("total", total)])
        .map(|(name, took)| vec![(Style::Plain, name.to_owned()), (Style::Plain, duration(took))])
        .collect();
    page.table(&["STEP", "TIME"], &rows);
}
