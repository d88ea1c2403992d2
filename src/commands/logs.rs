//! `helix logs`.

use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use regex::Regex;
use serde::Serialize;
use serde_json::json;

use super::args::duration;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::log::read::{Filter, Level, Record};
use crate::integrations::role::LogQuery;
use crate::ops::deploy::Remote;
use crate::ops::local;
use crate::ops::platform::{Follow, Platform};
use crate::ui::{Page, Report, Style};

/// How many lines are shown when nothing else is said.
const LINES: usize = 100;
/// How long a range is when only its end is said.
const RANGE: Duration = Duration::from_secs(15 * 60);

/// Arguments of `helix logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Instance whose log to show
    instance: Option<String>,
    /// Go on with what is written from now on
    #[arg(short, long, visible_alias = "live", short_alias = 'l')]
    follow: bool,
    /// Show what was written between `--start` and `--end`
    #[arg(short, long, conflicts_with = "follow")]
    range: bool,
    /// Where the range begins; 15 minutes before its end when omitted
    #[arg(long, value_name = "TIME", value_parser = time, requires = "range")]
    start: Option<Timestamp>,
    /// Where the range ends; now when omitted
    #[arg(long, value_name = "TIME", value_parser = time, requires = "range")]
    end: Option<Timestamp>,
    /// Show what was written since then: a time, or `10m` for ten minutes ago
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "range")]
    since: Option<Timestamp>,
    /// How many lines to show
    #[arg(long, value_name = "N")]
    tail: Option<usize>,
    /// Show lines of at least this level
    #[arg(long, value_name = "LEVEL", value_parser = level, default_value = "trace", hide_default_value = true)]
    level: Level,
    /// Show lines that match this regular expression
    #[arg(long, value_name = "REGEX", value_parser = Regex::new)]
    grep: Option<Regex>,
}

/// The end of a log: its lines have been written by then.
#[derive(Debug, Serialize)]
pub struct LogsReport {
    instance: String,
    lines: usize,
}

impl Report for LogsReport {
    fn human(&self, _page: &mut Page) {}
}

/// Shows the log of an instance, whether or not it runs.
///
/// # Errors
///
/// When there is no such instance, or its log cannot be read.
pub async fn run(args: LogsArgs, ctx: &Ctx) -> Result<LogsReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    let filter = filter(&args)?;
    if let Some(remote) = Remote::of(ctx, project, &name).await? {
        return elsewhere(&args, ctx, &remote, &filter).await;
    }
    let platform = Platform::without_secrets(ctx, project, &name)?;
    let mut lines = 0;
    let mut show = |records: Vec<Record>| {
        lines += records.len();
        records.iter().for_each(|record| print(ctx, record));
    };
    if args.follow {
        let (last, follow) = platform.follow(filter, args.tail.unwrap_or(LINES)).await?;
        ctx.ui.event("step.start", &json!({ "step": "follow", "message": name }));
        show(last);
        return Err(go_on(follow, show).await);
    }
    let count = match (args.tail, bounded(&args)) {
        (None, true) => None,
        (count, _) => Some(count.unwrap_or(LINES)),
    };
    show(platform.logs(&filter, count).await?);
    Ok(LogsReport { instance: name, lines })
}

/// Shows the log of an instance elsewhere.
async fn elsewhere(args: &LogsArgs, ctx: &Ctx, remote: &Remote, filter: &Filter) -> Result<LogsReport, Failure> {
    let platform = remote.platform("show the log of")?;
    let count = match (args.tail, bounded(args)) {
        (None, true) => None,
        (count, _) => Some(count.unwrap_or(LINES)),
    };
    let query = LogQuery { since: filter.since, until: filter.until, count, follow: args.follow };
    let mut stream = platform.logs(&query).await?;
    let mut lines = 0;
    while let Some(line) = stream.next().await {
        let line = line?;
        let at = line.timestamp.as_deref().and_then(|text| text.parse().ok());
        let Some(mut record) = filter.accept_at(&line.message, at) else { continue };
        if let Some(level) = line.level.as_deref().and_then(Level::from_name).filter(|_| record.target.is_empty()) {
            record.level = level;
        }
        lines += 1;
        print(ctx, &record);
    }
    Ok(LogsReport { instance: remote.name.clone(), lines })
}

/// Goes on until something fails; a signal ends it from outside.
async fn go_on(mut follow: Follow<'_>, mut show: impl FnMut(Vec<Record>)) -> Failure {
    loop {
        match follow.next().await {
            Ok(records) => show(records),
            Err(failure) => return failure,
        }
    }
}

/// Whether the lines are bounded by time, so that all of them are wanted.
fn bounded(args: &LogsArgs) -> bool {
    args.range || args.since.is_some()
}

fn filter(args: &LogsArgs) -> Result<Filter, Failure> {
    let (since, until) = if args.range {
        let end = args.end.unwrap_or_else(Timestamp::now);
        let start = match args.start {
            Some(start) => start,
            None => end.checked_sub(RANGE).unwrap_or(Timestamp::MIN),
        };
        if start >= end {
            let message = format!("the range ends at {end}, before it begins at {start}");
            return Err(Failure::new("E-INPUT-RANGE", ExitCode::Usage, message));
        }
        (Some(start), Some(end))
    } else {
        (args.since, None)
    };
    Ok(Filter { level: args.level, since, until, grep: args.grep.clone() })
}

fn print(ctx: &Ctx, record: &Record) {
    if ctx.ui.is_json() {
        let mut event = json!({
            "level": record.level.name(),
            "message": record.message,
            "target": record.target,
            "fields": record.fields,
        });
        if let Some(ts) = record.ts {
            event["time"] = json!(format!("{ts:.3}"));
        }
        ctx.ui.event("log", &event);
        return;
    }
    let style = match record.level {
        Level::Error => Style::Bad,
        Level::Warn => Style::Warn,
        Level::Info => Style::Plain,
        Level::Debug | Level::Trace => Style::Dim,
    };
    let mut page = ctx.ui.page();
    page.line(style, printable(&record.to_string()));
    ctx.ui.print(&page);
}

/// Without control characters: a log must not steer a terminal.
fn printable(text: &str) -> String {
    text.replace("\\n", "\n    ").chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect()
}

fn level(text: &str) -> Result<Level, String> {
    let names = Level::ALL.map(Level::name).join(", ");
    Level::from_name(text).ok_or_else(|| format!("expected one of {names}"))
}

/// A time with a zone, or one in UTC without.
fn time(text: &str) -> Result<Timestamp, String> {
    let naive = || TimeZone::UTC.to_timestamp(text.parse().ok()?).ok();
    let parsed = text.parse::<Timestamp>().ok().or_else(naive);
    parsed.ok_or_else(|| "expected a time like `2026-01-31T12:00:00Z`".to_owned())
}

fn since(text: &str) -> Result<Timestamp, String> {
    match duration(text) {
        Ok(ago) => Timestamp::now().checked_sub(ago).map_err(|error| error.to_string()),
        Err(_) => time(text).map_err(|error| format!("{error}, or `10m` for ten minutes ago")),
    }
}
