//! The log of a cluster: a range of time, or what is written now.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::TITLE;
use super::api::Cloud;
use super::events::{Event, Events};
use super::types::WireLog;
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::{LogLine, LogQuery};

/// The longest range that the service is asked for at once.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// As much is shown of the past when nobody says how much.
const PAST: SignedDuration = SignedDuration::from_mins(15);
/// So often in a row a stream is opened again without anything new.
const TRIES: u32 = 6;
/// Before the first of these times; doubled each time.
const PAUSE: Duration = Duration::from_millis(250);
/// A stream that lasted so long was no failure, even if nothing was written.
const LASTING: Duration = Duration::from_secs(30);
/// As many lines are remembered, to know them again.
const REMEMBERED: usize = 4096;

/// Lines of a log.
///
/// # Errors
///
/// When the log cannot be read.
pub(super) async fn lines(
    cloud: &Cloud,
    cluster: &str,
    query: &LogQuery,
) -> Result<BoxStream<'static, Result<LogLine>>> {
    if query.follow {
        let follow = Follow::open(cloud.clone(), cluster.to_owned(), query.since).await?;
        return Ok(stream::try_unfold(follow, Follow::next).boxed());
    }
    let end = query.until.unwrap_or_else(Timestamp::now);
    let start = query.since.unwrap_or_else(|| end.checked_sub(PAST).unwrap_or(Timestamp::MIN));
    let (cloud, cluster) = (cloud.clone(), cluster.to_owned());
    let lines = stream::iter(windows(start, end)).then(move |(start, end)| {
        let (cloud, cluster) = (cloud.clone(), cluster.clone());
        async move {
            let range = cloud.log_range(&cluster, start.as_second(), end.as_second()).await?;
            Ok::<_, TargetError>(stream::iter(range.logs.into_iter().map(|log| Ok(line(log)))))
        }
    });
    let lines = lines.try_flatten();
    match query.count {
        None => Ok(lines.boxed()),
        Some(count) => {
            let mut lines: Vec<LogLine> = lines.try_collect().await?;
            let last = lines.split_off(lines.len().saturating_sub(count));
            Ok(stream::iter(last.into_iter().map(Ok)).boxed())
        }
    }
}

/// A range as pieces that the service accepts, in order.
fn windows(start: Timestamp, end: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let mut next = start;
    std::iter::from_fn(move || {
        if next >= end {
            return None;
        }
        let from = next;
        next = from.checked_add(WINDOW).unwrap_or(end).min(end);
        Some((from, next))
    })
}

fn line(log: WireLog) -> LogLine {
    let timestamp = time_of(&log.timestamp).map(|time| format!("{time:.3}"));
    let level = log.severity.map(|level| level.to_lowercase());
    LogLine { timestamp, level, message: log.message }
}

/// The time of a line, where it has one: a text, or a number of seconds or milliseconds.
fn time_of(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    /// Seconds of this size would be in the year 5138; milliseconds of it were in 1973.
    const MILLISECONDS: i64 = 100_000_000_000;
    let number = value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))?;
    if number.abs() < MILLISECONDS {
        Timestamp::from_second(number).ok()
    } else {
        Timestamp::from_millisecond(number).ok()
    }
}

/// A log that is followed across broken connections. After one, the service tells the past again: lines that were told are left out.
struct Follow {
    cloud: Cloud,
    cluster: String,
    events: Events,
    last: Option<Timestamp>,
    /// How often each of the remembered lines was told, and how often the service may still repeat it.
    told: HashMap<(Option<Timestamp>, String), u32>,
    repeated: HashMap<(Option<Timestamp>, String), u32>,
    tries: u32,
    opened: Instant,
}

impl Follow {
    async fn open(cloud: Cloud, cluster: String, since: Option<Timestamp>) -> Result<Self> {
        let events = cloud.log_live(&cluster, since.map(Timestamp::as_second)).await?.events;
        Ok(Self {
            cloud,
            cluster,
            events,
            last: since,
            told: HashMap::new(),
            repeated: HashMap::new(),
            tries: 0,
            opened: Instant::now(),
        })
    }

    async fn next(mut self) -> Result<Option<(LogLine, Self)>> {
        loop {
            match self.events.next().await {
                Some(Ok(Event::Log(log))) => {
                    if let Some(line) = self.new_line(log) {
                        self.tries = 0;
                        return Ok(Some((line, self)));
                    }
                }
                Some(Ok(Event::BackfillComplete)) => {
                    // A line without a time can be told from a repetition only while the past is told.
                    self.repeated.retain(|(time, _), _| time.is_some());
                }
                Some(Ok(Event::Error(message))) => {
                    return Err(TargetError::new(Code::Upstream, TITLE, "follow the log", message));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => self.reopen(&error.to_string()).await?,
                None => self.reopen("the stream ended").await?,
            }
        }
    }

    /// The line, unless it was told before.
    fn new_line(&mut self, log: WireLog) -> Option<LogLine> {
        let time = time_of(&log.timestamp);
        let key = (time, log.message.clone());
        if let Some(left) = self.repeated.get_mut(&key).filter(|left| **left > 0) {
            *left -= 1;
            return None;
        }
        let replaying = !self.repeated.is_empty();
        if replaying && time.zip(self.last).is_some_and(|(time, last)| time < last) {
            return None;
        }
        if self.told.len() >= REMEMBERED {
            let last = self.last;
            self.told.retain(|(time, _), _| *time == last);
        }
        *self.told.entry(key).or_default() += 1;
        self.last = time.max(self.last);
        Some(line(log))
    }

    async fn reopen(&mut self, reason: &str) -> Result<()> {
        if self.opened.elapsed() > LASTING {
            self.tries = 0;
        }
        loop {
            self.tries += 1;
            if self.tries > TRIES {
                let message = format!("the connection was lost: {reason}");
                return Err(TargetError::new(Code::Upstream, TITLE, "follow the log", message)
                    .hint("it is safe to run the command again"));
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(self.tries - 1)).await;
            tracing::debug!(reason, tries = self.tries, "following the log again");
            match self.cloud.log_live(&self.cluster, self.last.map(Timestamp::as_second)).await {
                Ok(opened) => {
                    self.events = opened.events;
                    self.repeated = self.told.clone();
                    self.opened = Instant::now();
                    return Ok(());
                }
                Err(error) if [Code::Connect, Code::Upstream, Code::RateLimited].contains(&error.code) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_range_is_asked_for_in_pieces_of_an_hour() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let pieces: Vec<_> = windows(at(0), at(9000)).collect();
        assert_eq!(pieces, [(at(0), at(3600)), (at(3600), at(7200)), (at(7200), at(9000))]);
        assert_eq!(windows(at(5), at(5)).count(), 0);
    }

    #[test]
    fn times_are_read_in_every_form() {
        let expected: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        for value in
            [Value::from("2026-01-31T12:00:00Z"), Value::from(1_769_860_800), Value::from(1_769_860_800_000_i64)]
        {
            assert_eq!(time_of(&value), Some(expected), "{value}");
        }
        assert_eq!(time_of(&Value::Null), None);
    }
}
